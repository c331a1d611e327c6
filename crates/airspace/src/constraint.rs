//! Constraints (F3548-21 `ConstraintReference`).

use borsh::{BorshDeserialize, BorshSerialize};
use spacetime::Timestamp;

use crate::uss_availability::UssAvailabilityState;
use crate::{EntityId, Extent, Ovn, Party, UssBaseUrl};

/// Asks to create (`ovn` is `None`) or update a constraint.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Put {
    /// Which one.
    pub id: EntityId,
    /// The OVN that the caller believes current; `None` creates.
    pub ovn: Option<Ovn>,
    /// The union of all volumes.
    pub extent: Extent,
    /// Where its details are found.
    pub uss_base_url: UssBaseUrl,
    /// 128 bits that the proposer drew once, for the next OVN.
    pub next_ovn: [u8; 16],
}

/// Asks to delete a constraint.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Delete {
    /// Which one.
    pub id: EntityId,
    /// The OVN that the caller believes current.
    pub ovn: Ovn,
}

/// What a party is shown of a constraint.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ConstraintReference {
    /// Which one.
    pub id: EntityId,
    /// Whose it is.
    pub manager: Party,
    /// Always `Unknown`, as deployed hubs answer.
    pub uss_availability: UssAvailabilityState,
    /// How many times it was put.
    pub version: u32,
    /// Its OVN, `None` where the reader is not its manager.
    pub ovn: Option<Ovn>,
    /// When it starts.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Where its details are found.
    pub uss_base_url: UssBaseUrl,
}

/// Why a constraint was not put or deleted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, BorshSerialize, BorshDeserialize)]
pub enum Refusal {
    /// A creation names an id that exists.
    #[error("a constraint with this id exists; give its OVN to update it")]
    AlreadyExists,
    /// An update or a deletion names an id that does not exist.
    #[error("there is no constraint with this id")]
    NotFound,
    /// It is another party's.
    #[error("the constraint is managed by another party")]
    NotManager,
    /// The OVN given is not its current one.
    #[error("the OVN is not the current one of this constraint")]
    OvnMismatch,
    /// It would end before now.
    #[error("the constraint would end in the past")]
    EndsInPast,
    /// The party has as many live entities or cells as it may.
    #[error("the party has as many live entities as it may have")]
    TooMany,
}
