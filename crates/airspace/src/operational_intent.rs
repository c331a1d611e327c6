//! Operational intents (F3548-21 `OperationalIntentReference`; SCD0035 and around it).
//!
//! `wire` and `hub` refuse before the log what needs no state: forms and bounds, a creation in a
//! state other than `Accepted`, a state other than `Accepted` without a subscription, a missing
//! scope. Here is refused what depends on the state or its clock.

use borsh::{BorshDeserialize, BorshSerialize};
use spacetime::{Altitude, Timestamp};

use crate::constraint::ConstraintReference;
use crate::index::Occupied;
use crate::notification::{self, Change};
use crate::state::State;
use crate::table::Slot;
use crate::uss_availability::UssAvailabilityState;
use crate::{
    Accepted, EntityId, Extent, NextOvn, Ovn, OvnHash, OvnSuffix, Party, SubscriptionId,
    UssBaseUrl, expiry,
};

mod attachment;
mod key;
mod put;

pub(crate) use put::put;

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
    /// What stands for the OVNs that the caller has seen, ascending, without repetition.
    pub key: Vec<OvnHash>,
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

/// An operational intent as the state keeps it.
#[derive(Clone, Debug)]
pub(crate) struct OperationalIntent {
    pub(crate) id: EntityId,
    pub(crate) manager: Party,
    pub(crate) version: u32,
    pub(crate) state: OperationalIntentState,
    /// What its OVN is made of.
    pub(crate) made_of: NextOvn,
    /// Suffixes of OVNs before the current one that could still be requested, ascending.
    pub(crate) past_suffixes: Box<[OvnSuffix]>,
    pub(crate) occupied: Occupied,
    pub(crate) uss_base_url: UssBaseUrl,
    pub(crate) subscription_id: Option<SubscriptionId>,
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
    /// The party has as many live entities or cells as it may, the subscription as many dependents,
    /// or the operational intent as many remembered suffixes.
    #[error("the party has as many live entities as it may have")]
    TooMany,
}

impl OperationalIntentState {
    /// Tells whether one must have seen what is there to put an operational intent in this state.
    fn requires_key(self) -> bool {
        match self {
            OperationalIntentState::Accepted | OperationalIntentState::Activated => true,
            OperationalIntentState::Nonconforming | OperationalIntentState::Contingent => false,
        }
    }
}

impl OperationalIntent {
    pub(crate) fn ovn(&self) -> Ovn {
        Ovn::of(self.id, self.made_of)
    }

    fn reference(
        &self,
        reader: &Party,
        uss_availability: UssAvailabilityState,
    ) -> OperationalIntentReference {
        OperationalIntentReference {
            id: self.id,
            manager: self.manager.clone(),
            uss_availability,
            version: self.version,
            state: self.state,
            ovn: (self.manager == *reader).then(|| self.ovn()),
            starts_at: self.occupied.bounds.starts_at,
            ends_at: self.occupied.bounds.ends_at,
            altitude_lower: self.occupied.bounds.lower,
            altitude_upper: self.occupied.bounds.upper,
            uss_base_url: self.uss_base_url.clone(),
            subscription_id: self.subscription_id,
        }
    }
}

/// Deletes an operational intent, and its implicit subscription when nothing else names it.
///
/// That subscription is still told of the deletion: indices move before it goes.
pub(crate) fn delete(
    state: &mut State,
    party: &Party,
    command: &Delete,
) -> Result<Accepted, Refusal> {
    let slot =
        state.live_operational_intent(state.horizon(), command.id).ok_or(Refusal::NotFound)?;
    let stored = state.operational_intents().at(slot);
    if stored.manager != *party {
        return Err(Refusal::NotManager);
    }
    if stored.ovn() != command.ovn {
        return Err(Refusal::OvnMismatch);
    }

    let reference = stored.reference(party, state.availability_of(party));
    let Occupied { bounds, cells } = stored.occupied.clone();
    let subscribers = notification::notify(state, Change::OperationalIntent, &bounds, &cells);
    expiry::remove_operational_intent(state, slot);
    Ok(Accepted::OperationalIntent { reference, subscribers })
}

/// Returns what `reader` is shown of these, ascending by id.
pub(crate) fn references(
    state: &State,
    reader: &Party,
    slots: Vec<Slot>,
) -> Vec<OperationalIntentReference> {
    let mut references = Vec::with_capacity(slots.len());
    let mut known: Option<(&Party, UssAvailabilityState)> = None;
    for slot in slots {
        let found = state.operational_intents().at(slot);
        let availability = match known {
            Some((manager, availability)) if *manager == found.manager => availability,
            _ => state.availability_of(&found.manager),
        };
        known = Some((&found.manager, availability));
        references.push(found.reference(reader, availability));
    }
    references.sort_unstable_by_key(|reference: &OperationalIntentReference| reference.id);
    references
}
