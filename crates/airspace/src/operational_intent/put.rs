//! Creating and updating operational intents.

use std::sync::Arc;

use spacetime::Timestamp;

use super::attachment::{self, Attachment};
use super::{OperationalIntent, Put, Refusal, key};
use crate::index::Occupied;
use crate::limits::{Growth, PAST_SUFFIXES_MAX};
use crate::notification::{self, Change};
use crate::state::State;
use crate::table::Slot;
use crate::{Accepted, NextOvn, OvnSuffix, Party, expiry};

/// Creates or updates an operational intent.
///
/// 1. It must not end in the past, and a requested OVN suffix must be of now.
/// 2. An update is its manager's and names the current OVN; a creation names a new id.
/// 3. The subscription attached is the manager's and covers it, or is implicit and grows.
/// 4. The key names the OVN of everything that is there (F3548-21 SCD0035).
/// 5. A suffix is used once, and the party stays within its limits.
///
/// Then an implicit subscription is made, the operational intent is stored, the subscription that
/// nothing names any more goes, and whoever subscribed to where it was or is gets told.
pub(crate) fn put(
    state: &mut State,
    at: Timestamp,
    party: &Party,
    command: &Put,
) -> Result<Accepted, Refusal> {
    check_times(at, command)?;
    let old = check_version(state, party, command)?;
    let occupied = Occupied::from(&command.extent);
    let attachment = attachment::decide(state, party, command, &occupied, old)?;
    key::check(state, party, command, &occupied, attachment.notify_for_constraints)?;
    let past_suffixes = past_suffixes(state, old, command.next_ovn)?;
    check_limits(state, party, &occupied, old, &attachment)?;

    let new = OperationalIntent {
        id: command.id,
        manager: party.clone(),
        version: old.map_or(1, |old| state.operational_intents().at(old).version.saturating_add(1)),
        state: command.state,
        made_of: command.next_ovn,
        past_suffixes,
        occupied,
        uss_base_url: command.uss_base_url.clone(),
        subscription_id: None,
    };
    Ok(store(state, old, new, attachment))
}

fn check_times(at: Timestamp, command: &Put) -> Result<(), Refusal> {
    if command.extent.ends_at < at {
        return Err(Refusal::EndsInPast);
    }
    if command.next_ovn.suffix().is_some_and(|suffix| !suffix.is_near(at)) {
        return Err(Refusal::OvnSuffixNotNow);
    }
    Ok(())
}

/// Returns what is updated; `None` is a creation.
fn check_version(state: &State, party: &Party, command: &Put) -> Result<Option<Slot>, Refusal> {
    let Some(slot) = state.live_operational_intent(state.horizon(), command.id) else {
        return match command.ovn {
            Some(_) => Err(Refusal::NotFound),
            None => Ok(None),
        };
    };
    let stored = state.operational_intents().at(slot);
    if stored.manager != *party {
        return Err(Refusal::NotManager);
    }
    let Some(ovn) = &command.ovn else {
        return Err(Refusal::AlreadyExists);
    };
    if *ovn != stored.ovn() {
        return Err(Refusal::OvnMismatch);
    }
    Ok(Some(slot))
}

/// Returns the suffixes that must not be requested again, those before the next OVN's.
///
/// What could not be requested any more anyway is not remembered.
fn past_suffixes(
    state: &State,
    old: Option<Slot>,
    next: NextOvn,
) -> Result<Box<[OvnSuffix]>, Refusal> {
    let Some(old) = old else {
        return Ok(Box::default());
    };
    let old = state.operational_intents().at(old);
    let used = old.past_suffixes.iter().copied().chain(old.made_of.suffix());
    let mut used: Vec<_> =
        used.filter(|suffix| suffix.is_still_acceptable(state.clock())).collect();
    used.sort_unstable();
    if let Some(suffix) = next.suffix() {
        if used.binary_search(&suffix).is_ok() {
            return Err(Refusal::OvnSuffixUsed);
        }
        if PAST_SUFFIXES_MAX <= used.len() {
            return Err(Refusal::TooMany);
        }
    }
    Ok(used.into_boxed_slice())
}

fn check_limits(
    state: &State,
    party: &Party,
    occupied: &Occupied,
    old: Option<Slot>,
    attachment: &Attachment,
) -> Result<(), Refusal> {
    let was = old.map(|old| &state.operational_intents().at(old).occupied);
    let mut growth = Growth::of(occupied, was);
    attachment.count(state, &mut growth);
    if !state.parties().allow(party, &growth) || !attachment.has_room(state, old) {
        return Err(Refusal::TooMany);
    }
    Ok(())
}

fn store(
    state: &mut State,
    old: Option<Slot>,
    mut new: OperationalIntent,
    mut attachment: Attachment,
) -> Accepted {
    let mut told_bounds = new.occupied.bounds;
    let mut told_cells = Arc::clone(&new.occupied.cells);
    let id = new.id;
    if let Some(old) = old {
        let was = &state.operational_intents().at(old).occupied;
        told_bounds = told_bounds.union(&was.bounds);
        told_cells = was.union_of_cells(&told_cells);
    } else if let Some(gone) = state.operational_intents().find(&id) {
        expiry::remove_operational_intent(state, gone);
    }

    new.subscription_id = attachment.make(state);
    let slot = match old {
        Some(slot) => {
            state.replace_operational_intent(slot, new);
            slot
        }
        None => state.insert_operational_intent(new),
    };
    attachment.clean(state);
    let subscribers =
        notification::notify(state, Change::OperationalIntent, &told_bounds, &told_cells);
    let stored = state.operational_intents().at(slot);
    let availability = state.availability_of(&stored.manager);
    let reference = stored.reference(&stored.manager, availability);
    Accepted::OperationalIntent { reference, subscribers }
}
