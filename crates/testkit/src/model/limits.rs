//! How much one party may hold.

use airspace::{Extent, Party};

use super::Model;

/// Tells whether `party` holds more operational intents, constraints and subscriptions, or more
/// cells with them, than it may. What has ended counts until it is removed.
pub(super) fn exceeded(model: &Model, party: &Party) -> bool {
    let mut extents: Vec<&Extent> = Vec::new();
    for known in &model.operational_intents {
        if known.manager == *party {
            extents.push(&known.extent);
        }
    }
    for known in &model.constraints {
        if known.manager == *party {
            extents.push(&known.extent);
        }
    }
    for known in &model.subscriptions {
        if known.manager == *party {
            extents.push(&known.extent);
        }
    }
    let cells: u64 = extents.iter().map(|extent| extent.cells.len() as u64).sum();
    airspace::LIVE_ENTITIES_PER_PARTY_MAX < extents.len() as u64
        || airspace::CELLS_PER_PARTY_MAX < cells
}
