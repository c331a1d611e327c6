//! Removes what ended long ago.
//!
//! What ended at or before the horizon of its standard is gone: commands and reads treat it as
//! unknown, whether it is still stored or not. Removing it frees memory and nothing else, so it
//! bumps no index, tells nobody, and may take its time: a named number an entry.

use std::collections::BTreeSet;

use spacetime::Timestamp;

use crate::state::State;
use crate::table::Slot;
use crate::{EntityId, SubscriptionId};

/// How many entities of all kinds, subscriptions among them, one entry removes at most.
pub const EXPIRIES_PER_ENTRY_MAX: usize = 64;

/// What is stored, by end and then by id, so that all hubs remove the same things.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) operational_intents: BTreeSet<(Timestamp, EntityId)>,
    pub(crate) constraints: BTreeSet<(Timestamp, EntityId)>,
    /// Those that no stored operational intent names; an implicit one goes with its last.
    pub(crate) subscriptions: BTreeSet<(Timestamp, SubscriptionId)>,
    pub(crate) identification_service_areas: BTreeSet<(Timestamp, EntityId)>,
    pub(crate) remote_id_subscriptions: BTreeSet<(Timestamp, SubscriptionId)>,
}

impl Ends {
    /// Tells whether an operational intent that ended at or before `horizon` is still stored.
    pub(crate) fn holds_gone_operational_intent(&self, horizon: Timestamp) -> bool {
        self.operational_intents.first().is_some_and(|(ends_at, _)| *ends_at <= horizon)
    }
}

/// Removes what is gone, kind by kind, earliest end first, at most [`EXPIRIES_PER_ENTRY_MAX`].
pub(crate) fn remove_gone(state: &mut State) {
    let horizon = state.horizon();
    let remote_id_horizon = state.remote_id_horizon();
    for _ in 0..EXPIRIES_PER_ENTRY_MAX {
        if let Some(id) = first_gone(&state.ends().operational_intents, horizon) {
            let slot = state.operational_intents().find(&id).expect("what has an end is stored");
            remove_operational_intent(state, slot);
        } else if let Some(id) = first_gone(&state.ends().constraints, horizon) {
            let slot = state.constraints().find(&id).expect("what has an end is stored");
            state.remove_constraint(slot);
        } else if let Some(id) = first_gone(&state.ends().subscriptions, horizon) {
            let slot = state.subscriptions().find(&id).expect("what has an end is stored");
            state.remove_subscription(slot);
        } else if let Some(id) =
            first_gone(&state.ends().identification_service_areas, remote_id_horizon)
        {
            let areas = state.identification_service_areas();
            let slot = areas.find(&id).expect("what has an end is stored");
            state.remove_identification_service_area(slot);
        } else if let Some(id) =
            first_gone(&state.ends().remote_id_subscriptions, remote_id_horizon)
        {
            let subscriptions = state.remote_id_subscriptions();
            let slot = subscriptions.find(&id).expect("what has an end is stored");
            state.remove_remote_id_subscription(slot);
        } else {
            return;
        }
    }
}

/// Removes an operational intent, and the implicit subscription that it leaves without another.
pub(crate) fn remove_operational_intent(state: &mut State, slot: Slot) {
    let removed = state.remove_operational_intent(slot);
    if let Some(id) = removed.subscription_id
        && let Some(slot) = state.subscriptions().find(&id)
        && state.subscriptions().at(slot).implicit
        && !state.has_live_dependents(state.horizon(), id)
    {
        state.remove_subscription(slot);
    }
}

fn first_gone<T: Copy + Ord>(ends: &BTreeSet<(Timestamp, T)>, horizon: Timestamp) -> Option<T> {
    let (ends_at, id) = ends.first()?;
    (*ends_at <= horizon).then_some(*id)
}
