//! What is carried over from a deployed hub, as it was there, before this one serves.
//!
//! An import decides no right: whose an entity is, its version and its OVN are what the other hub
//! said. It keeps every invariant of the state, so what would break one is refused and listed.

use borsh::{BorshDeserialize, BorshSerialize};
use spacetime::Timestamp;

use crate::operational_intent::OperationalIntentState;
use crate::subscription::NotifyFor;
use crate::uss_availability::UssAvailabilityState;
use crate::{EntityId, Extent, NextOvn, OvnSuffix, Party, SubscriptionId, UssBaseUrl};

mod put;

pub(crate) use put::put;

/// One thing to carry over.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Import {
    /// An explicit subscription of F3548-21.
    Subscription(Subscription),
    /// An operational intent; what subscription it names comes before it or with it.
    OperationalIntent(Box<OperationalIntent>),
    /// A constraint.
    Constraint(Constraint),
    /// The availability of a USS.
    UssAvailability(UssAvailability),
    /// An identification service area.
    IdentificationServiceArea(IdentificationServiceArea),
    /// A subscription of F3411.
    RemoteIdSubscription(RemoteIdSubscription),
}

/// A subscription of F3548-21 as it was.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Subscription {
    /// Which one.
    pub id: SubscriptionId,
    /// Whose it is.
    pub manager: Party,
    /// Where and when; altitudes are not kept.
    pub extent: Extent,
    /// Where to notify.
    pub uss_base_url: UssBaseUrl,
    /// What changes prompt a notification.
    pub notify_for: NotifyFor,
    /// How many notifications it has prompted.
    pub notification_index: u32,
    /// When it was last changed there; its version is made of it.
    pub updated_at: Timestamp,
}

/// An operational intent as it was.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OperationalIntent {
    /// Which one.
    pub id: EntityId,
    /// Whose it is.
    pub manager: Party,
    /// How often it was put.
    pub version: u32,
    /// Its state.
    pub state: OperationalIntentState,
    /// What its OVN is made of: [`NextOvn::of_time`] unless its manager requested a suffix.
    pub ovn: NextOvn,
    /// Suffixes that it had before and that must not be requested again.
    pub past_suffixes: Vec<OvnSuffix>,
    /// Where and when.
    pub extent: Extent,
    /// Where its details are asked for.
    pub uss_base_url: UssBaseUrl,
    /// The subscription that it names.
    pub subscription_id: Option<SubscriptionId>,
    /// That subscription, when it is implicit and nothing imported before names it.
    pub implicit_subscription: Option<Subscription>,
}

/// A constraint as it was.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Constraint {
    /// Which one.
    pub id: EntityId,
    /// Whose it is.
    pub manager: Party,
    /// How often it was put.
    pub version: u32,
    /// Where and when.
    pub extent: Extent,
    /// Where its details are asked for.
    pub uss_base_url: UssBaseUrl,
    /// When it was last changed there; its OVN is made of it.
    pub updated_at: Timestamp,
}

/// The availability of a USS as it was.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct UssAvailability {
    /// Whose.
    pub uss_id: Party,
    /// Whether it answers.
    pub availability: UssAvailabilityState,
    /// When it was set there; its version is made of it.
    pub updated_at: Timestamp,
}

/// An identification service area as it was.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct IdentificationServiceArea {
    /// Which one.
    pub id: EntityId,
    /// Whose it is.
    pub owner: Party,
    /// Where and when; altitudes are not kept.
    pub extent: Extent,
    /// Where flights are asked for.
    pub uss_base_url: UssBaseUrl,
    /// When it was last put there; its version is made of it.
    pub updated_at: Timestamp,
}

/// A subscription of F3411 as it was.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RemoteIdSubscription {
    /// Which one.
    pub id: SubscriptionId,
    /// Whose it is.
    pub owner: Party,
    /// Where and when; altitudes are not kept.
    pub extent: Extent,
    /// Where to notify.
    pub uss_base_url: UssBaseUrl,
    /// How many notifications it has prompted.
    pub notification_index: u32,
    /// When it was last put there; its version is made of it.
    pub updated_at: Timestamp,
}

/// Why something cannot be carried over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, BorshSerialize, BorshDeserialize)]
pub enum Refusal {
    /// Something of this kind with this id is there already.
    #[error("something with this id is there already")]
    AlreadyExists,
    /// It ended too long ago to be kept.
    #[error("it ended too long ago to be kept")]
    Gone,
    /// The subscription that it names is neither there nor given.
    #[error("the subscription that it names is not there")]
    SubscriptionNotFound,
    /// The subscription that it names is another party's.
    #[error("the subscription that it names belongs to another party")]
    SubscriptionNotManager,
    /// It was changed later than this hub's clock says: one of the two clocks is wrong.
    #[error("it was changed in the future, by the clock of this machine")]
    ChangedInFuture,
    /// The party has as many live entities or cells as it may, the subscription as many dependents,
    /// or the operational intent as many remembered suffixes.
    #[error("the party has as many live entities as it may have")]
    TooMany,
}
