//! Subscriptions (F3548-21 `Subscription`), explicit and implicit.

use borsh::{BorshDeserialize, BorshSerialize};
use spacetime::Timestamp;

use crate::{EntityId, Search, SubscriptionId, UssBaseUrl};

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
