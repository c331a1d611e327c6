//! What is in the same place at the same time.

use airspace::{Extent, Search};
use spacetime::Cells;

/// Sharing one cell is enough.
pub(super) fn share_a_cell(one: &Cells, other: &Cells) -> bool {
    for cell in one.as_slice() {
        if other.as_slice().contains(cell) {
            return true;
        }
    }
    false
}

/// Touching is overlapping; a bound that is not given matches everything.
pub(super) fn in_time(extent: &Extent, search: &Search) -> bool {
    let ends_too_early = search.starts_at.is_some_and(|start| extent.ends_at < start);
    let starts_too_late = search.ends_at.is_some_and(|end| end < extent.starts_at);
    !ends_too_early && !starts_too_late
}

/// Touching is overlapping; a bound that is not given, on either side, matches everything.
pub(super) fn in_altitude(extent: &Extent, search: &Search) -> bool {
    let too_low = match (extent.altitude_upper, search.altitude_lower) {
        (Some(upper), Some(lower)) => upper < lower,
        _ => false,
    };
    let too_high = match (extent.altitude_lower, search.altitude_upper) {
        (Some(lower), Some(upper)) => upper < lower,
        _ => false,
    };
    !too_low && !too_high
}

/// The search that asks for everything in an extent.
pub(super) fn search_of(extent: &Extent) -> Search {
    Search {
        starts_at: Some(extent.starts_at),
        ends_at: Some(extent.ends_at),
        altitude_lower: extent.altitude_lower,
        altitude_upper: extent.altitude_upper,
        cells: extent.cells.clone(),
    }
}
