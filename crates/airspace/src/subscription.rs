//! Subscriptions (F3548-21 `Subscription`), explicit and implicit.
//!
//! `wire` and `hub` refuse before the log what needs no state: forms and bounds, a subscription
//! that notifies of nothing, a missing scope. Here is refused what depends on the state or its clock.

use borsh::{BorshDeserialize, BorshSerialize};
use spacetime::Timestamp;

use crate::index::Occupied;
use crate::notification::Change;
use crate::operational_intent::NotifyForConstraints;
use crate::state::State;
use crate::{Accepted, EntityId, Party, Search, SubscriptionId, UssBaseUrl, version};

pub use crate::times::{DURATION_MAX, START_SKEW_MAX};

mod dependents;
mod put;

pub(crate) use dependents::Dependents;
pub(crate) use put::put;

/// Asks to create (`version` is `None`) or update a subscription.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Put {
    /// Which one.
    pub id: SubscriptionId,
    /// The version that the caller believes current; `None` creates.
    pub version: Option<String>,
    /// Where and when; a missing start or end is filled by the rules.
    pub extent: Search,
    /// Where to notify.
    pub uss_base_url: UssBaseUrl,
    /// What changes prompt a notification.
    pub notify_for: NotifyFor,
}

/// What changes prompt a notification; both false is unrepresentable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum NotifyFor {
    /// Changes of operational intents.
    OperationalIntents,
    /// Changes of constraints.
    Constraints,
    /// Changes of either.
    Both,
}

/// Asks to delete a subscription.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Delete {
    /// Which one.
    pub id: SubscriptionId,
    /// The version that the caller believes current.
    pub version: String,
}

/// What its manager is shown of a subscription.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SubscriptionView {
    /// Which one.
    pub id: SubscriptionId,
    /// Its version; a bump of the index leaves it.
    pub version: String,
    /// How many notifications it has prompted.
    pub notification_index: u32,
    /// When it starts.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Where to notify.
    pub uss_base_url: UssBaseUrl,
    /// What changes prompt a notification.
    pub notify_for: NotifyFor,
    /// Whether an operational intent brought it.
    pub implicit: bool,
    /// The operational intents that name it, ascending.
    pub dependent_operational_intents: Vec<EntityId>,
}

/// A subscription as the state keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) id: SubscriptionId,
    pub(crate) manager: Party,
    pub(crate) uss_base_url: UssBaseUrl,
    /// At any altitude.
    pub(crate) occupied: Occupied,
    pub(crate) notify_for: NotifyFor,
    pub(crate) implicit: bool,
    pub(crate) notification_index: u32,
    /// When it was last put or grew; its version is made of it.
    pub(crate) updated_at: Timestamp,
}

/// Why a subscription was not put or deleted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, BorshSerialize, BorshDeserialize)]
pub enum Refusal {
    /// A creation names an id that exists.
    #[error("a subscription with this id exists; give its version to update it")]
    AlreadyExists,
    /// An update or a deletion names an id that does not exist.
    #[error("there is no subscription with this id")]
    NotFound,
    /// It is another party's.
    #[error("the subscription belongs to another party")]
    NotManager,
    /// The version given is not its current one.
    #[error("the version is not the current one of this subscription")]
    VersionMismatch,
    /// It would start more than 5 minutes before now.
    #[error("the subscription would start in the past")]
    StartsInPast,
    /// It would end before now.
    #[error("the subscription would end in the past")]
    EndsInPast,
    /// It would end at or before its start.
    #[error("the subscription would end before it starts")]
    EndsBeforeStart,
    /// It would last longer than 24 hours.
    #[error("the subscription would last longer than 24 hours")]
    TooLong,
    /// An operational intent that depends on it would not be covered.
    #[error("an operational intent that depends on the subscription would not be covered")]
    DependentNotCovered,
    /// An operational intent depends on it.
    #[error("operational intents depend on the subscription")]
    HasDependents,
    /// The party has as many live entities or cells as it may.
    #[error("the party has as many live entities as it may have")]
    TooMany,
    /// The answer would list more entities than one answer may.
    #[error("more entities are in the area than one answer lists; ask for a smaller one")]
    TooManyFound,
}

impl NotifyFor {
    /// Tells whether a change prompts a notification.
    pub(crate) fn includes(self, change: Change) -> bool {
        match self {
            NotifyFor::Both => true,
            NotifyFor::OperationalIntents => change == Change::OperationalIntent,
            NotifyFor::Constraints => change == Change::Constraint,
        }
    }

    /// Returns whether changes of constraints prompt a notification.
    pub(crate) fn for_constraints(self) -> NotifyForConstraints {
        if self.includes(Change::Constraint) {
            return NotifyForConstraints::Yes;
        }
        NotifyForConstraints::No
    }
}

impl From<NotifyForConstraints> for NotifyFor {
    /// Returns what an implicit subscription notifies of.
    fn from(constraints: NotifyForConstraints) -> Self {
        match constraints {
            NotifyForConstraints::Yes => NotifyFor::Both,
            NotifyForConstraints::No => NotifyFor::OperationalIntents,
        }
    }
}

impl Subscription {
    pub(crate) fn version(&self) -> String {
        version::of(self.id, self.updated_at)
    }

    /// Returns what its manager is shown of it; dependents that are gone at `horizon` are not.
    pub(crate) fn view(&self, state: &State, horizon: Timestamp) -> SubscriptionView {
        let dependents = state.live_dependents(horizon, self.id);
        let mut dependents: Vec<_> =
            dependents.map(|slot| state.operational_intents().at(slot).id).collect();
        dependents.sort_unstable();
        SubscriptionView {
            id: self.id,
            version: self.version(),
            notification_index: self.notification_index,
            starts_at: self.occupied.bounds.starts_at,
            ends_at: self.occupied.bounds.ends_at,
            uss_base_url: self.uss_base_url.clone(),
            notify_for: self.notify_for,
            implicit: self.implicit,
            dependent_operational_intents: dependents,
        }
    }
}

/// Deletes a subscription on which no operational intent depends.
pub(crate) fn delete(
    state: &mut State,
    party: &Party,
    command: &Delete,
) -> Result<Accepted, Refusal> {
    let horizon = state.horizon();
    let slot = state.live_subscription(horizon, command.id).ok_or(Refusal::NotFound)?;
    let stored = state.subscriptions().at(slot);
    if stored.manager != *party {
        return Err(Refusal::NotManager);
    }
    if stored.version() != command.version {
        return Err(Refusal::VersionMismatch);
    }
    if state.has_live_dependents(horizon, command.id) {
        return Err(Refusal::HasDependents);
    }

    let subscription = stored.view(state, horizon);
    state.remove_subscription(slot);
    Ok(Accepted::SubscriptionDeleted { subscription })
}
