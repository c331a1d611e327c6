//! Operational intents (F3548-21 `OperationalIntentReference`; SCD0035 and around it).

use borsh::{BorshDeserialize, BorshSerialize};
use spacetime::{Altitude, Timestamp};

use crate::constraint::ConstraintReference;
use crate::uss_availability::UssAvailabilityState;
use crate::{EntityId, Extent, NextOvn, Ovn, Party, SubscriptionId, UssBaseUrl};

/// The state of an operational intent (F3548-21 `OperationalIntentState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum OperationalIntentState {
    /// Shared, not yet in use.
    Accepted,
    /// In use.
    Activated,
    /// Outside its volumes for a while.
    Nonconforming,
    /// Outside its volumes for good.
    Contingent,
}

/// Asks to create (`ovn` is `None`) or update an operational intent.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Put {
    /// Which one.
    pub id: EntityId,
    /// The OVN that the caller believes current; `None` creates.
    pub ovn: Option<Ovn>,
    /// The union of all volumes; both altitudes are given.
    pub extent: Extent,
    /// The state to be in; `wire` has refused a creation in any state but `Accepted`.
    pub state: OperationalIntentState,
    /// The OVNs that the caller has seen, ascending, without repetition.
    pub key: Vec<Ovn>,
    /// Where its details are found.
    pub uss_base_url: UssBaseUrl,
    /// What keeps its manager informed.
    pub subscription: SubscriptionChoice,
    /// What its next OVN is made of.
    pub next_ovn: NextOvn,
}

/// Which subscription keeps the manager of an operational intent informed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum SubscriptionChoice {
    /// None; `wire` has refused it in any state but `Accepted`.
    None,
    /// An existing one.
    Existing(SubscriptionId),
    /// A new implicit one.
    Implicit {
        /// Its id, drawn by the proposer.
        id: SubscriptionId,
        /// Where to notify.
        uss_base_url: UssBaseUrl,
        /// Whether changes of constraints are notified too.
        notify_for_constraints: NotifyForConstraints,
    },
}

/// Whether an implicit subscription notifies of constraints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum NotifyForConstraints {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// Asks to delete an operational intent.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Delete {
    /// Which one.
    pub id: EntityId,
    /// The OVN that the caller believes current.
    pub ovn: Ovn,
}

/// What a party is shown of an operational intent.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OperationalIntentReference {
    /// Which one.
    pub id: EntityId,
    /// Whose it is.
    pub manager: Party,
    /// Whether its manager answers.
    pub uss_availability: UssAvailabilityState,
    /// How many times it was put.
    pub version: u32,
    /// Its state.
    pub state: OperationalIntentState,
    /// Its OVN, `None` where the reader is not its manager.
    pub ovn: Option<Ovn>,
    /// When it starts.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Its lowest altitude.
    pub altitude_lower: Altitude,
    /// Its highest altitude.
    pub altitude_upper: Altitude,
    /// Where its details are found.
    pub uss_base_url: UssBaseUrl,
    /// The subscription that keeps its manager informed.
    pub subscription_id: Option<SubscriptionId>,
}

/// Why an operational intent was not put or deleted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, BorshSerialize, BorshDeserialize)]
pub enum Refusal {
    /// A creation names an id that exists.
    #[error("an operational intent with this id exists; give its OVN to update it")]
    AlreadyExists,
    /// An update or a deletion names an id that does not exist.
    #[error("there is no operational intent with this id")]
    NotFound,
    /// It is another party's.
    #[error("the operational intent is managed by another party")]
    NotManager,
    /// The OVN given is not its current one.
    #[error("the OVN is not the current one of this operational intent")]
    OvnMismatch,
    /// It would end before now.
    #[error("the operational intent would end in the past")]
    EndsInPast,
    /// The caller has not shown that it knows these (SCD0035).
    #[error("current OVNs not provided for one or more OperationalIntents or Constraints")]
    MissingKeys {
        /// Operational intents whose OVN is not in the key.
        operational_intents: Vec<OperationalIntentReference>,
        /// Constraints whose OVN is not in the key.
        constraints: Vec<ConstraintReference>,
    },
    /// The subscription named does not exist.
    #[error("there is no subscription with this id")]
    SubscriptionNotFound,
    /// The subscription named is another party's.
    #[error("the subscription belongs to another party")]
    SubscriptionNotManager,
    /// The subscription named does not cover the time of the operational intent.
    #[error("the subscription does not cover the time of the operational intent")]
    SubscriptionTimeTooSmall,
    /// The subscription named does not cover the area of the operational intent.
    #[error("the subscription does not cover the area of the operational intent")]
    SubscriptionAreaTooSmall,
    /// The id drawn for an implicit subscription is taken.
    #[error("the id drawn for the implicit subscription is taken; send the request again")]
    SubscriptionIdTaken,
    /// The UUIDv7 requested is more than 5 minutes from now.
    #[error("the requested OVN suffix is more than 5 minutes from now")]
    OvnSuffixNotNow,
    /// The UUIDv7 requested was used before by this operational intent.
    #[error("the requested OVN suffix was used before")]
    OvnSuffixUsed,
    /// The party has as many live entities or cells as it may.
    #[error("the party has as many live entities as it may have")]
    TooMany,
}
