//! Which subscription keeps the manager of an operational intent informed.

use std::sync::Arc;

use super::{NotifyForConstraints, Put, Refusal, SubscriptionChoice};
use crate::index::Occupied;
use crate::limits::{DEPENDENTS_PER_SUBSCRIPTION_MAX, Growth};
use crate::state::State;
use crate::subscription::{NotifyFor, Subscription};
use crate::table::Slot;
use crate::{Party, SubscriptionId};

/// What a put does to subscriptions.
#[derive(Debug)]
pub(super) struct Attachment {
    becomes: Becomes,
    /// The implicit subscription that nothing names after the put.
    orphan: Option<Slot>,
    pub(super) notify_for_constraints: NotifyForConstraints,
}

#[derive(Debug)]
enum Becomes {
    None,
    /// One that covers the operational intent.
    Existing(SubscriptionId),
    /// An implicit one that must grow to cover it.
    Grown(Slot, Occupied),
    New(Box<Subscription>),
}

/// Decides what a put does to subscriptions, in the order of the deployed hubs.
pub(super) fn decide(
    state: &State,
    party: &Party,
    command: &Put,
    occupied: &Occupied,
    old: Option<Slot>,
) -> Result<Attachment, Refusal> {
    let (becomes, notify_for_constraints) = match &command.subscription {
        SubscriptionChoice::None => (Becomes::None, NotifyForConstraints::No),
        SubscriptionChoice::Existing(id) => existing(state, party, *id, occupied)?,
        SubscriptionChoice::Implicit { id, uss_base_url, notify_for_constraints } => {
            if state.live_subscription(state.horizon(), *id).is_some() {
                return Err(Refusal::SubscriptionIdTaken);
            }
            let subscription = Subscription {
                id: *id,
                manager: party.clone(),
                uss_base_url: uss_base_url.clone(),
                occupied: Occupied {
                    bounds: occupied.bounds.at_any_altitude(),
                    cells: Arc::clone(&occupied.cells),
                },
                notify_for: NotifyFor::from(*notify_for_constraints),
                implicit: true,
                notification_index: 0,
                updated_at: state.clock(),
            };
            (Becomes::New(Box::new(subscription)), *notify_for_constraints)
        }
    };
    let orphan = orphan(state, old, becomes.id(state));
    Ok(Attachment { becomes, orphan, notify_for_constraints })
}

impl Attachment {
    /// Tells whether the subscription named may have one more dependent, if this is one more.
    pub(super) fn has_room(&self, state: &State, old: Option<Slot>) -> bool {
        let before = old.and_then(|old| state.operational_intents().at(old).subscription_id);
        match self.becomes.id(state) {
            Some(id) if before != Some(id) => {
                state.count_of_dependents(id) < DEPENDENTS_PER_SUBSCRIPTION_MAX
            }
            _ => true,
        }
    }

    /// Counts what it adds and removes.
    pub(super) fn count(&self, state: &State, growth: &mut Growth) {
        match &self.becomes {
            Becomes::None | Becomes::Existing(_) => {}
            Becomes::Grown(slot, grown) => {
                growth.add(grown.cells.len());
                growth.remove(state.subscriptions().at(*slot).occupied.cells.len());
            }
            Becomes::New(subscription) => growth.add(subscription.occupied.cells.len()),
        }
        if let Some(orphan) = self.orphan {
            growth.remove(state.subscriptions().at(orphan).occupied.cells.len());
        }
    }

    /// Makes what the operational intent will name, and returns its id.
    pub(super) fn make(&mut self, state: &mut State) -> Option<SubscriptionId> {
        match std::mem::replace(&mut self.becomes, Becomes::None) {
            Becomes::None => None,
            Becomes::Existing(id) => Some(id),
            Becomes::Grown(slot, occupied) => {
                let updated_at = state.clock();
                let old = state.subscriptions().at(slot).clone();
                let id = old.id;
                state.replace_subscription(slot, Subscription { occupied, updated_at, ..old });
                Some(id)
            }
            Becomes::New(subscription) => {
                let id = subscription.id;
                if let Some(gone) = state.subscriptions().find(&id) {
                    state.remove_subscription(gone);
                }
                state.insert_subscription(*subscription);
                Some(id)
            }
        }
    }

    /// Removes what nothing names any more, once the operational intent names the new one.
    pub(super) fn clean(self, state: &mut State) {
        if let Some(orphan) = self.orphan {
            state.remove_subscription(orphan);
        }
    }
}

impl Becomes {
    fn id(&self, state: &State) -> Option<SubscriptionId> {
        match self {
            Becomes::None => None,
            Becomes::Existing(id) => Some(*id),
            Becomes::Grown(slot, _) => Some(state.subscriptions().at(*slot).id),
            Becomes::New(subscription) => Some(subscription.id),
        }
    }
}

/// Attaches an existing subscription: an explicit one must cover the operational intent in time and
/// cells, an implicit one grows to cover it and never shrinks.
fn existing(
    state: &State,
    party: &Party,
    id: SubscriptionId,
    occupied: &Occupied,
) -> Result<(Becomes, NotifyForConstraints), Refusal> {
    let slot = state.live_subscription(state.horizon(), id).ok_or(Refusal::SubscriptionNotFound)?;
    let subscription = state.subscriptions().at(slot);
    if subscription.manager != *party {
        return Err(Refusal::SubscriptionNotManager);
    }
    let constraints = subscription.notify_for.for_constraints();
    let had = &subscription.occupied;
    let covers_time = had.bounds.starts_at <= occupied.bounds.starts_at
        && occupied.bounds.ends_at <= had.bounds.ends_at;
    let covers_cells = had.covers(&occupied.cells);
    if covers_time && covers_cells {
        return Ok((Becomes::Existing(id), constraints));
    }
    if subscription.implicit {
        let bounds = had.bounds.union(&occupied.bounds.at_any_altitude());
        let cells = had.union_of_cells(&occupied.cells);
        return Ok((Becomes::Grown(slot, Occupied { bounds, cells }), constraints));
    }
    if !covers_time {
        return Err(Refusal::SubscriptionTimeTooSmall);
    }
    Err(Refusal::SubscriptionAreaTooSmall)
}

/// Returns the implicit subscription that only this operational intent named, if it will name
/// another or none.
fn orphan(state: &State, old: Option<Slot>, becomes: Option<SubscriptionId>) -> Option<Slot> {
    let old = old?;
    let before = state.operational_intents().at(old).subscription_id?;
    if becomes == Some(before) {
        return None;
    }
    let slot = state.subscriptions().find(&before)?;
    let is_only = state.live_dependents(state.horizon(), before).all(|slot| slot == old);
    (state.subscriptions().at(slot).implicit && is_only).then_some(slot)
}
