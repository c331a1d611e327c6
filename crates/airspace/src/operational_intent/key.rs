//! The key: proof that a party knows what else is there (F3548-21 SCD0035).

use super::{OperationalIntent, OperationalIntentState, Put, Refusal, references};
use crate::index::{Occupied, Query};
use crate::operational_intent::NotifyForConstraints;
use crate::state::State;
use crate::uss_availability::UssAvailabilityState;
use crate::{Ovn, OvnHash, Party, constraint};

/// Refuses a put whose key lacks the OVN of something that is there.
///
/// What shares a cell, a moment and an altitude with it needs a key: every operational intent but
/// itself, also the caller's own, unless it is accepted only and its manager is down; and where the
/// subscription attached notifies of them, every constraint, whatever its altitude.
pub(super) fn check(
    state: &State,
    party: &Party,
    command: &Put,
    occupied: &Occupied,
    constraints: NotifyForConstraints,
) -> Result<(), Refusal> {
    if !command.state.requires_key() {
        return Ok(());
    }
    let query = Query { bounds: occupied.bounds, cells: &occupied.cells };
    let operational_intents = state.all_operational_intents_in(&query, |slot| {
        let found = state.operational_intents().at(slot);
        found.id != command.id && !is_in(&command.key, &found.ovn()) && needs_key(state, found)
    });
    let constraints = match constraints {
        NotifyForConstraints::No => Vec::new(),
        NotifyForConstraints::Yes => state.all_constraints_in(&query, |slot| {
            !is_in(&command.key, &state.constraints().at(slot).ovn())
        }),
    };
    if operational_intents.is_empty() && constraints.is_empty() {
        return Ok(());
    }
    Err(Refusal::MissingKeys {
        operational_intents: references(state, party, operational_intents),
        constraints: constraint::references(state, party, constraints),
    })
}

fn needs_key(state: &State, found: &OperationalIntent) -> bool {
    found.state != OperationalIntentState::Accepted
        || state.availability_of(&found.manager) != UssAvailabilityState::Down
}

fn is_in(key: &[OvnHash], ovn: &Ovn) -> bool {
    !key.is_empty() && key.binary_search(&OvnHash::of(ovn)).is_ok()
}
