//! Carrying over what a deployed hub had.

use std::sync::Arc;

use spacetime::Timestamp;

use super::{Import, Refusal};
use crate::index::{Bounds, Occupied};
use crate::limits::{
    DEPENDENTS_PER_SUBSCRIPTION_MAX, Growth, PAST_SUFFIXES_MAX, USS_AVAILABILITIES_MAX,
};
use crate::state::State;
use crate::{
    Accepted, Extent, OvnSuffix, Party, constraint, expiry, identification_service_area,
    operational_intent, ovn, remote_id_subscription, subscription, uss_availability,
};

/// Stores something as it was, whoever asks; nothing is bumped and nobody told.
///
/// What was changed after the clock is refused, so that no later change gets the same version.
pub(crate) fn put(state: &mut State, import: &Import) -> Result<Accepted, Refusal> {
    match import {
        Import::Subscription(was) => subscription(state, was)?,
        Import::OperationalIntent(was) => operational_intent(state, was)?,
        Import::Constraint(was) => constraint(state, was)?,
        Import::UssAvailability(was) => uss_availability(state, was)?,
        Import::IdentificationServiceArea(was) => identification_service_area(state, was)?,
        Import::RemoteIdSubscription(was) => remote_id_subscription(state, was)?,
    }
    Ok(Accepted::Imported)
}

fn subscription(state: &mut State, was: &super::Subscription) -> Result<(), Refusal> {
    if state.live_subscription(state.horizon(), was.id).is_some() {
        return Err(Refusal::AlreadyExists);
    }
    check_end(state.horizon(), &was.extent)?;
    check_change(state, was.updated_at)?;
    let occupied = at_any_altitude(&was.extent);
    check_limits(state, &was.manager, &Growth::of(&occupied, None))?;

    store_subscription(
        state,
        subscription::Subscription { implicit: false, ..was.stored(occupied) },
    );
    Ok(())
}

fn operational_intent(state: &mut State, was: &super::OperationalIntent) -> Result<(), Refusal> {
    let horizon = state.horizon();
    let given = was.implicit_subscription.as_ref();
    if state.live_operational_intent(horizon, was.id).is_some()
        || given.is_some_and(|given| state.live_subscription(horizon, given.id).is_some())
    {
        return Err(Refusal::AlreadyExists);
    }
    check_end(horizon, &was.extent)?;
    check_named(state, was)?;
    for changed_at in was.ovn.time().into_iter().chain(given.map(|given| given.updated_at)) {
        check_change(state, changed_at)?;
    }
    let past_suffixes = past_suffixes(state, was)?;
    let occupied = Occupied::from(&was.extent);
    let given = given.map(|given| given.stored(beside(&occupied, &given.extent)));
    let mut growth = Growth::of(&occupied, None);
    if let Some(given) = &given {
        growth.add(given.occupied.cells.len());
    }
    check_limits(state, &was.manager, &growth)?;
    let has_room = |id| state.count_of_dependents(id) < DEPENDENTS_PER_SUBSCRIPTION_MAX;
    if !was.subscription_id.is_none_or(has_room) {
        return Err(Refusal::TooMany);
    }

    if let Some(gone) = state.operational_intents().find(&was.id) {
        expiry::remove_operational_intent(state, gone);
    }
    if let Some(given) = given {
        store_subscription(state, subscription::Subscription { implicit: true, ..given });
    }
    state.insert_operational_intent(operational_intent::OperationalIntent {
        id: was.id,
        manager: was.manager.clone(),
        version: was.version,
        state: was.state,
        made_of: was.ovn,
        past_suffixes,
        occupied,
        uss_base_url: was.uss_base_url.clone(),
        subscription_id: was.subscription_id,
    });
    Ok(())
}

fn constraint(state: &mut State, was: &super::Constraint) -> Result<(), Refusal> {
    if state.live_constraint(state.horizon(), was.id).is_some() {
        return Err(Refusal::AlreadyExists);
    }
    check_end(state.horizon(), &was.extent)?;
    check_change(state, was.updated_at)?;
    let occupied = Occupied::from(&was.extent);
    check_limits(state, &was.manager, &Growth::of(&occupied, None))?;

    state.put_constraint(constraint::Constraint {
        id: was.id,
        manager: was.manager.clone(),
        version: was.version,
        made_of: ovn::bits_of(was.updated_at),
        occupied,
        uss_base_url: was.uss_base_url.clone(),
    });
    Ok(())
}

fn uss_availability(state: &mut State, was: &super::UssAvailability) -> Result<(), Refusal> {
    if state.uss_availabilities().find(&was.uss_id).is_some() {
        return Err(Refusal::AlreadyExists);
    }
    check_change(state, was.updated_at)?;
    if USS_AVAILABILITIES_MAX <= state.uss_availabilities().len() {
        return Err(Refusal::TooMany);
    }

    state.put_uss_availability(uss_availability::UssAvailability {
        uss_id: was.uss_id.clone(),
        availability: was.availability,
        updated_at: was.updated_at,
    });
    Ok(())
}

fn identification_service_area(
    state: &mut State,
    was: &super::IdentificationServiceArea,
) -> Result<(), Refusal> {
    let horizon = state.remote_id_horizon();
    if state.live_identification_service_area(horizon, was.id).is_some() {
        return Err(Refusal::AlreadyExists);
    }
    check_end(horizon, &was.extent)?;
    check_change(state, was.updated_at)?;
    let occupied = at_any_altitude(&was.extent);
    check_limits(state, &was.owner, &Growth::of(&occupied, None))?;

    state.put_identification_service_area(identification_service_area::IdentificationServiceArea {
        id: was.id,
        owner: was.owner.clone(),
        uss_base_url: was.uss_base_url.clone(),
        occupied,
        updated_at: was.updated_at,
    });
    Ok(())
}

fn remote_id_subscription(
    state: &mut State,
    was: &super::RemoteIdSubscription,
) -> Result<(), Refusal> {
    let horizon = state.remote_id_horizon();
    if state.live_remote_id_subscription(horizon, was.id).is_some() {
        return Err(Refusal::AlreadyExists);
    }
    check_end(horizon, &was.extent)?;
    check_change(state, was.updated_at)?;
    let occupied = at_any_altitude(&was.extent);
    check_limits(state, &was.owner, &Growth::of(&occupied, None))?;

    state.put_remote_id_subscription(remote_id_subscription::RemoteIdSubscription {
        id: was.id,
        owner: was.owner.clone(),
        uss_base_url: was.uss_base_url.clone(),
        occupied,
        notification_index: was.notification_index,
        updated_at: was.updated_at,
    });
    Ok(())
}

impl super::Subscription {
    /// Returns what is kept of it; whether it is implicit is the caller's to say.
    fn stored(&self, occupied: Occupied) -> subscription::Subscription {
        subscription::Subscription {
            id: self.id,
            manager: self.manager.clone(),
            uss_base_url: self.uss_base_url.clone(),
            occupied,
            notify_for: self.notify_for,
            implicit: false,
            notification_index: self.notification_index,
            updated_at: self.updated_at,
        }
    }
}

fn check_end(horizon: Timestamp, extent: &Extent) -> Result<(), Refusal> {
    if extent.ends_at <= horizon {
        return Err(Refusal::Gone);
    }
    Ok(())
}

fn check_change(state: &State, updated_at: Timestamp) -> Result<(), Refusal> {
    if state.clock() < updated_at {
        return Err(Refusal::ChangedInFuture);
    }
    Ok(())
}

fn check_limits(state: &State, owner: &Party, growth: &Growth) -> Result<(), Refusal> {
    if !state.parties().allow(owner, growth) {
        return Err(Refusal::TooMany);
    }
    Ok(())
}

/// Refuses an operational intent unless the subscription that it names is there, or comes with it,
/// and is its manager's.
fn check_named(state: &State, was: &super::OperationalIntent) -> Result<(), Refusal> {
    let manager = match (was.subscription_id, &was.implicit_subscription) {
        (None, None) => return Ok(()),
        (Some(id), Some(given)) if given.id == id => &given.manager,
        (_, Some(_)) => return Err(Refusal::SubscriptionNotFound),
        (Some(id), None) => {
            let slot = state.live_subscription(state.horizon(), id);
            &state.subscriptions().at(slot.ok_or(Refusal::SubscriptionNotFound)?).manager
        }
    };
    if *manager != was.manager {
        return Err(Refusal::SubscriptionNotManager);
    }
    Ok(())
}

/// Returns the suffixes that must not be requested again, those before the current OVN's.
fn past_suffixes(
    state: &State,
    was: &super::OperationalIntent,
) -> Result<Box<[OvnSuffix]>, Refusal> {
    let current = was.ovn.suffix();
    let acceptable = |suffix: &OvnSuffix| suffix.is_still_acceptable(state.clock());
    let past = was.past_suffixes.iter().filter(|suffix| acceptable(suffix));
    let mut past: Vec<_> = past.copied().filter(|suffix| Some(*suffix) != current).collect();
    past.sort_unstable();
    past.dedup();
    if PAST_SUFFIXES_MAX < past.len() + usize::from(current.as_ref().is_some_and(acceptable)) {
        return Err(Refusal::TooMany);
    }
    Ok(past.into_boxed_slice())
}

fn at_any_altitude(extent: &Extent) -> Occupied {
    Occupied::at_any_altitude(Bounds::from(extent), &extent.cells)
}

/// Returns the place of an implicit subscription, which shares its cells if it can.
fn beside(intent: &Occupied, extent: &Extent) -> Occupied {
    let mut place = at_any_altitude(extent);
    if place.cells == intent.cells {
        place.cells = Arc::clone(&intent.cells);
    }
    place
}

/// Stores a subscription in place of what is stored with its id and gone.
fn store_subscription(state: &mut State, new: subscription::Subscription) {
    if let Some(gone) = state.subscriptions().find(&new.id) {
        state.remove_subscription(gone);
    }
    state.insert_subscription(new);
}
