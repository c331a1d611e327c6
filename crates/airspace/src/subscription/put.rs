//! Creating and updating subscriptions.

use std::sync::Arc;

use spacetime::Timestamp;

use super::{Put, Refusal, Subscription};
use crate::index::{Bounds, Occupied, Query};
use crate::limits::Growth;
use crate::notification::Change;
use crate::state::State;
use crate::table::Slot;
use crate::times::{self, DURATION_MAX, START_SKEW_MAX};
use crate::{Accepted, Party, Search, constraint, operational_intent};

/// Creates or updates a subscription, and lists what is there.
///
/// 1. What start or end is not given is filled in, and both are checked, before anything else.
/// 2. An update names the current version and is its manager's; a creation names a new id.
/// 3. What depends on it stays covered.
/// 4. What is there fits into one answer, and the party stays within its limits.
///
/// An implicit subscription becomes explicit; a notification index stays.
pub(crate) fn put(
    state: &mut State,
    at: Timestamp,
    party: &Party,
    command: &Put,
) -> Result<Accepted, Refusal> {
    let stored = state.live_subscription(state.horizon(), command.id);
    let bounds = bounds(at, &command.extent, stored.map(|slot| state.subscriptions().at(slot)))?;
    let old = check_version(state, party, command, stored)?;
    let occupied = Occupied { bounds, cells: Arc::from(command.extent.cells.as_slice()) };
    if old.is_some() {
        check_dependents(state, command, &occupied)?;
    }
    let found = find(state, command, &occupied)?;
    check_limits(state, party, &occupied, old)?;

    let new = Subscription {
        id: command.id,
        manager: party.clone(),
        uss_base_url: command.uss_base_url.clone(),
        occupied,
        notify_for: command.notify_for,
        implicit: false,
        notification_index: old.map_or(0, |old| state.subscriptions().at(old).notification_index),
        updated_at: state.clock(),
    };
    let slot = store(state, old, new);
    Ok(Accepted::SubscriptionPut {
        subscription: state.subscriptions().at(slot).view(state, state.horizon()),
        operational_intents: found
            .operational_intents
            .map(|slots| operational_intent::references(state, party, slots)),
        constraints: found.constraints.map(|slots| constraint::references(state, party, slots)),
    })
}

/// Returns the times of a subscription: those given, else those it had, else from now for 24 hours.
fn bounds(at: Timestamp, extent: &Search, old: Option<&Subscription>) -> Result<Bounds, Refusal> {
    let had = old.map(|old| old.occupied.bounds);
    let starts_at = times::start(at, extent.starts_at, had)?;
    let ends_at = extent.ends_at.or(had.map(|had| had.ends_at));
    let ends_at = ends_at.unwrap_or(starts_at.plus(DURATION_MAX));
    // f3548-21.yaml, `PutSubscriptionParameters`: "The end time may not be in the past".
    if ends_at < at {
        return Err(Refusal::EndsInPast);
    }
    let bounds = times::until(starts_at, ends_at)?;
    if DURATION_MAX < bounds.duration() {
        return Err(Refusal::TooLong);
    }
    Ok(bounds)
}

/// Returns what is updated; `None` is a creation. The version is checked before the manager.
fn check_version(
    state: &State,
    party: &Party,
    command: &Put,
    stored: Option<Slot>,
) -> Result<Option<Slot>, Refusal> {
    match (stored, &command.version) {
        (None, None) => return Ok(None),
        (None, Some(_)) => return Err(Refusal::NotFound),
        (Some(_), None) => return Err(Refusal::AlreadyExists),
        (Some(slot), Some(version)) => {
            let stored = state.subscriptions().at(slot);
            if stored.version() != *version {
                return Err(Refusal::VersionMismatch);
            }
            if stored.manager != *party {
                return Err(Refusal::NotManager);
            }
        }
    }
    Ok(stored)
}

/// Refuses an update that would leave an operational intent that names it outside.
///
/// Its cells, its altitudes and its end must be covered, its start within [`START_SKEW_MAX`]. An
/// altitude that is not given covers all.
fn check_dependents(state: &State, command: &Put, new: &Occupied) -> Result<(), Refusal> {
    let altitudes = Bounds::from(&command.extent);
    for slot in state.live_dependents(state.horizon(), command.id) {
        let dependent = &state.operational_intents().at(slot).occupied;
        let covered = new.covers(&dependent.cells)
            && altitudes.lower <= dependent.bounds.lower
            && dependent.bounds.upper <= altitudes.upper
            && new.bounds.starts_at.since(dependent.bounds.starts_at) <= START_SKEW_MAX
            && dependent.bounds.ends_at <= new.bounds.ends_at;
        if !covered {
            return Err(Refusal::DependentNotCovered);
        }
    }
    Ok(())
}

/// What is where a subscription is, of the kinds that it notifies of.
struct Found {
    operational_intents: Option<Vec<Slot>>,
    constraints: Option<Vec<Slot>>,
}

fn find(state: &State, command: &Put, occupied: &Occupied) -> Result<Found, Refusal> {
    let query = Query { bounds: occupied.bounds, cells: &occupied.cells };
    let mut found = Found { operational_intents: None, constraints: None };
    if command.notify_for.includes(Change::OperationalIntent) {
        let slots = state.operational_intents_in(state.horizon(), &query);
        found.operational_intents = Some(slots.map_err(|_| Refusal::TooManyFound)?);
    }
    if command.notify_for.includes(Change::Constraint) {
        let slots = state.constraints_in(state.horizon(), &query);
        found.constraints = Some(slots.map_err(|_| Refusal::TooManyFound)?);
    }
    Ok(found)
}

fn check_limits(
    state: &State,
    party: &Party,
    new: &Occupied,
    old: Option<Slot>,
) -> Result<(), Refusal> {
    let growth = Growth::of(new, old.map(|old| &state.subscriptions().at(old).occupied));
    if !state.parties().allow(party, &growth) {
        return Err(Refusal::TooMany);
    }
    Ok(())
}

fn store(state: &mut State, old: Option<Slot>, new: Subscription) -> Slot {
    if let Some(slot) = old {
        state.replace_subscription(slot, new);
        return slot;
    }
    if let Some(gone) = state.subscriptions().find(&new.id) {
        state.remove_subscription(gone);
    }
    state.insert_subscription(new)
}
