//! The 4D bounding volume of an entity, and what a search asks for.

use borsh::{BorshDeserialize, BorshSerialize};
use spacetime::{Altitude, Cells, Timestamp};

/// The union of an entity's volumes: all of its time, all of its altitudes, all of its cells.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Extent {
    /// The earliest start; `wire` has checked `starts_at < ends_at`.
    pub starts_at: Timestamp,
    /// The latest end.
    pub ends_at: Timestamp,
    /// The lowest altitude; `None` is unbounded. Always given for operational intents.
    pub altitude_lower: Option<Altitude>,
    /// The highest altitude; `None` is unbounded. Always given for operational intents.
    pub altitude_upper: Option<Altitude>,
    /// The union of the coverings.
    pub cells: Cells,
}

/// What a query or a subscription asks for; what is not given matches everything.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Search {
    /// Matches what ends at this time or later.
    pub starts_at: Option<Timestamp>,
    /// Matches what starts at this time or earlier.
    pub ends_at: Option<Timestamp>,
    /// Matches what reaches up to this altitude or higher.
    pub altitude_lower: Option<Altitude>,
    /// Matches what reaches down to this altitude or lower.
    pub altitude_upper: Option<Altitude>,
    /// Matches what shares a cell.
    pub cells: Cells,
}

/// Where something of F3411 is or is looked for, and when, as far as that is given; at any altitude.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Footprint {
    /// The start, or the earliest time of a search.
    pub starts_at: Option<Timestamp>,
    /// The end, or the latest time of a search.
    pub ends_at: Option<Timestamp>,
    /// The covering.
    pub cells: Cells,
}

/// A search finds more than one answer may list ([`ENTITIES_PER_SEARCH_MAX`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more entities are in the area than one answer lists; ask for a smaller one")]
pub struct TooManyFound;

/// How many entities one answer lists at most; key check and conflicts list all there are.
pub const ENTITIES_PER_SEARCH_MAX: usize = 100_000;
