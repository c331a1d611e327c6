//! How much one party may hold.

use airspace::Party;
use spacetime::Cells;

use super::Model;

/// Tells whether `party` holds more operational intents, constraints, identification service areas
/// and subscriptions of both standards, or more cells with them, than it may. What has ended counts
/// until it is removed.
pub(super) fn exceeded(model: &Model, party: &Party) -> bool {
    let mut held: Vec<&Cells> = Vec::new();
    for known in &model.operational_intents {
        if known.manager == *party {
            held.push(&known.extent.cells);
        }
    }
    for known in &model.constraints {
        if known.manager == *party {
            held.push(&known.extent.cells);
        }
    }
    for known in &model.subscriptions {
        if known.manager == *party {
            held.push(&known.extent.cells);
        }
    }
    for known in &model.identification_service_areas {
        if known.owner == *party {
            held.push(&known.cells);
        }
    }
    for known in &model.remote_id_subscriptions {
        if known.owner == *party {
            held.push(&known.cells);
        }
    }
    let cells: u64 = held.iter().map(|cells| cells.len() as u64).sum();
    airspace::LIVE_ENTITIES_PER_PARTY_MAX < held.len() as u64
        || airspace::CELLS_PER_PARTY_MAX < cells
}
