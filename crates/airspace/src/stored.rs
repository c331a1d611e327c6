//! The stored form of what the state keeps, described in `docs/log-format.md`.
//!
//! Version 2 has what version 1 has, unchanged, and after it what F3411 shares; a state without that
//! is still written in version 1.
//!
//! These types are what snapshots and hashes are made of. They change only together with the
//! version; what the state keeps may change freely, as long as it can be turned into these.

use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use spacetime::{Altitude, Cells, Timestamp};

use crate::idempotency::KeptOutcome;
use crate::index::{Bounds, Occupied};
use crate::operational_intent::OperationalIntentState;
use crate::subscription::NotifyFor;
use crate::table::{Hash, Record};
use crate::uss_availability::{UssAvailability, UssAvailabilityState};
use crate::{
    EntityId, NextOvn, OvnSuffix, Party, SubscriptionId, UssBaseUrl, constraint,
    identification_service_area, operational_intent, remote_id_subscription, subscription,
};

/// The first version of the stored form.
pub(crate) const VERSION_MIN: u16 = 1;

/// The last version of the stored form.
pub(crate) const VERSION_MAX: u16 = 2;

/// The version of the stored form that first held what F3411 shares.
pub(crate) const REMOTE_ID_SINCE: u16 = 2;

/// Where and when something is.
#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) struct Place {
    starts_at: Timestamp,
    ends_at: Timestamp,
    /// The least number where there is none.
    altitude_lower: Altitude,
    /// The greatest number where there is none.
    altitude_upper: Altitude,
    cells: Cells,
}

#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) struct OperationalIntent {
    id: EntityId,
    manager: Party,
    version: u32,
    state: OperationalIntentState,
    made_of: NextOvn,
    past_suffixes: Vec<OvnSuffix>,
    place: Place,
    uss_base_url: UssBaseUrl,
    subscription_id: Option<SubscriptionId>,
}

#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) struct Constraint {
    id: EntityId,
    manager: Party,
    version: u32,
    made_of: [u8; 16],
    place: Place,
    uss_base_url: UssBaseUrl,
}

#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) struct Subscription {
    id: SubscriptionId,
    manager: Party,
    uss_base_url: UssBaseUrl,
    place: Place,
    notify_for: NotifyFor,
    implicit: bool,
    notification_index: u32,
    updated_at: Timestamp,
}

#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) struct IdentificationServiceArea {
    id: EntityId,
    owner: Party,
    uss_base_url: UssBaseUrl,
    place: Place,
    updated_at: Timestamp,
}

#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) struct RemoteIdSubscription {
    id: SubscriptionId,
    owner: Party,
    uss_base_url: UssBaseUrl,
    place: Place,
    notification_index: u32,
    updated_at: Timestamp,
}

#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) struct Availability {
    uss_id: Party,
    availability: UssAvailabilityState,
    updated_at: Timestamp,
}

#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) struct Kept {
    party: Party,
    key: Hash,
    fingerprint: Hash,
    position: u64,
    kept_at: Timestamp,
}

impl From<&Occupied> for Place {
    fn from(occupied: &Occupied) -> Self {
        Place {
            starts_at: occupied.bounds.starts_at,
            ends_at: occupied.bounds.ends_at,
            altitude_lower: occupied.bounds.lower,
            altitude_upper: occupied.bounds.upper,
            cells: Cells::from_unsorted(occupied.cells.to_vec()).expect("a place has cells"),
        }
    }
}

impl From<Place> for Occupied {
    fn from(place: Place) -> Self {
        let bounds = Bounds {
            starts_at: place.starts_at,
            ends_at: place.ends_at,
            lower: place.altitude_lower,
            upper: place.altitude_upper,
        };
        Occupied { bounds, cells: Arc::from(place.cells.as_slice()) }
    }
}

impl Record for operational_intent::OperationalIntent {
    type Key = EntityId;
    type Stored = OperationalIntent;

    fn key(&self) -> EntityId {
        self.id
    }

    fn to_stored(&self) -> OperationalIntent {
        OperationalIntent {
            id: self.id,
            manager: self.manager.clone(),
            version: self.version,
            state: self.state,
            made_of: self.made_of,
            past_suffixes: self.past_suffixes.to_vec(),
            place: Place::from(&self.occupied),
            uss_base_url: self.uss_base_url.clone(),
            subscription_id: self.subscription_id,
        }
    }

    fn from_stored(stored: OperationalIntent) -> Self {
        operational_intent::OperationalIntent {
            id: stored.id,
            manager: stored.manager,
            version: stored.version,
            state: stored.state,
            made_of: stored.made_of,
            past_suffixes: stored.past_suffixes.into_boxed_slice(),
            occupied: Occupied::from(stored.place),
            uss_base_url: stored.uss_base_url,
            subscription_id: stored.subscription_id,
        }
    }
}

impl Record for constraint::Constraint {
    type Key = EntityId;
    type Stored = Constraint;

    fn key(&self) -> EntityId {
        self.id
    }

    fn to_stored(&self) -> Constraint {
        Constraint {
            id: self.id,
            manager: self.manager.clone(),
            version: self.version,
            made_of: self.made_of,
            place: Place::from(&self.occupied),
            uss_base_url: self.uss_base_url.clone(),
        }
    }

    fn from_stored(stored: Constraint) -> Self {
        constraint::Constraint {
            id: stored.id,
            manager: stored.manager,
            version: stored.version,
            made_of: stored.made_of,
            occupied: Occupied::from(stored.place),
            uss_base_url: stored.uss_base_url,
        }
    }
}

impl Record for subscription::Subscription {
    type Key = SubscriptionId;
    type Stored = Subscription;

    fn key(&self) -> SubscriptionId {
        self.id
    }

    fn to_stored(&self) -> Subscription {
        Subscription {
            id: self.id,
            manager: self.manager.clone(),
            uss_base_url: self.uss_base_url.clone(),
            place: Place::from(&self.occupied),
            notify_for: self.notify_for,
            implicit: self.implicit,
            notification_index: self.notification_index,
            updated_at: self.updated_at,
        }
    }

    fn from_stored(stored: Subscription) -> Self {
        subscription::Subscription {
            id: stored.id,
            manager: stored.manager,
            uss_base_url: stored.uss_base_url,
            occupied: Occupied::from(stored.place),
            notify_for: stored.notify_for,
            implicit: stored.implicit,
            notification_index: stored.notification_index,
            updated_at: stored.updated_at,
        }
    }
}

impl Record for identification_service_area::IdentificationServiceArea {
    type Key = EntityId;
    type Stored = IdentificationServiceArea;

    fn key(&self) -> EntityId {
        self.id
    }

    fn to_stored(&self) -> IdentificationServiceArea {
        IdentificationServiceArea {
            id: self.id,
            owner: self.owner.clone(),
            uss_base_url: self.uss_base_url.clone(),
            place: Place::from(&self.occupied),
            updated_at: self.updated_at,
        }
    }

    fn from_stored(stored: IdentificationServiceArea) -> Self {
        identification_service_area::IdentificationServiceArea {
            id: stored.id,
            owner: stored.owner,
            uss_base_url: stored.uss_base_url,
            occupied: Occupied::from(stored.place),
            updated_at: stored.updated_at,
        }
    }
}

impl Record for remote_id_subscription::RemoteIdSubscription {
    type Key = SubscriptionId;
    type Stored = RemoteIdSubscription;

    fn key(&self) -> SubscriptionId {
        self.id
    }

    fn to_stored(&self) -> RemoteIdSubscription {
        RemoteIdSubscription {
            id: self.id,
            owner: self.owner.clone(),
            uss_base_url: self.uss_base_url.clone(),
            place: Place::from(&self.occupied),
            notification_index: self.notification_index,
            updated_at: self.updated_at,
        }
    }

    fn from_stored(stored: RemoteIdSubscription) -> Self {
        remote_id_subscription::RemoteIdSubscription {
            id: stored.id,
            owner: stored.owner,
            uss_base_url: stored.uss_base_url,
            occupied: Occupied::from(stored.place),
            notification_index: stored.notification_index,
            updated_at: stored.updated_at,
        }
    }
}

impl Record for UssAvailability {
    type Key = Party;
    type Stored = Availability;

    fn key(&self) -> Party {
        self.uss_id.clone()
    }

    fn to_stored(&self) -> Availability {
        Availability {
            uss_id: self.uss_id.clone(),
            availability: self.availability,
            updated_at: self.updated_at,
        }
    }

    fn from_stored(stored: Availability) -> Self {
        UssAvailability {
            uss_id: stored.uss_id,
            availability: stored.availability,
            updated_at: stored.updated_at,
        }
    }
}

impl Record for KeptOutcome {
    type Key = (Party, Hash);
    type Stored = Kept;

    fn key(&self) -> (Party, Hash) {
        (self.party.clone(), self.key)
    }

    fn to_stored(&self) -> Kept {
        Kept {
            party: self.party.clone(),
            key: self.key,
            fingerprint: self.fingerprint,
            position: self.position,
            kept_at: self.kept_at,
        }
    }

    fn from_stored(stored: Kept) -> Self {
        KeptOutcome {
            party: stored.party,
            key: stored.key,
            fingerprint: stored.fingerprint,
            position: stored.position,
            kept_at: stored.kept_at,
        }
    }
}
