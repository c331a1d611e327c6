//! What a deployed hub had, made of small numbers.

use airspace::NextOvn;
use airspace::import::{
    Constraint, IdentificationServiceArea, Import, OperationalIntent, RemoteIdSubscription,
    Subscription, UssAvailability,
};
use airspace::operational_intent::OperationalIntentState;
use airspace::subscription::NotifyFor;
use airspace::uss_availability::UssAvailabilityState;

use crate::asks::{A, B, Place, entity, party, sub, time, url};

/// When everything here was last changed.
pub(crate) const CHANGED: i64 = -3_600;

/// Returns a subscription to everything.
pub(crate) fn old_subscription(id: u8, place: &Place) -> Subscription {
    Subscription {
        id: sub(id),
        manager: party(A),
        extent: place.extent(),
        uss_base_url: url("s"),
        notify_for: NotifyFor::Both,
        notification_index: 41,
        updated_at: time(CHANGED),
    }
}

/// Returns an operational intent that names no subscription.
pub(crate) fn old_intent(id: u8, place: &Place) -> OperationalIntent {
    OperationalIntent {
        id: entity(id),
        manager: party(A),
        version: 7,
        state: OperationalIntentState::Activated,
        ovn: NextOvn::of_time(time(CHANGED)),
        past_suffixes: Vec::new(),
        extent: place.extent(),
        uss_base_url: url("u"),
        subscription_id: None,
        implicit_subscription: None,
    }
}

/// Returns a constraint.
pub(crate) fn old_constraint(id: u8, place: &Place) -> Constraint {
    Constraint {
        id: entity(id),
        manager: party(A),
        version: 7,
        extent: place.extent(),
        uss_base_url: url("c"),
        updated_at: time(CHANGED),
    }
}

/// Returns the availability of a USS that is down.
pub(crate) fn old_availability(uss_id: &str) -> UssAvailability {
    UssAvailability {
        uss_id: party(uss_id),
        availability: UssAvailabilityState::Down,
        updated_at: time(CHANGED),
    }
}

/// Returns an identification service area.
pub(crate) fn old_area(id: u8, place: &Place) -> IdentificationServiceArea {
    IdentificationServiceArea {
        id: entity(id),
        owner: party(A),
        extent: place.extent(),
        uss_base_url: url("f"),
        updated_at: time(CHANGED),
    }
}

/// Returns a subscription to identification service areas.
pub(crate) fn old_watch(id: u8, place: &Place) -> RemoteIdSubscription {
    RemoteIdSubscription {
        id: sub(id),
        owner: party(A),
        extent: place.extent(),
        uss_base_url: url("w"),
        notification_index: 41,
        updated_at: time(CHANGED),
    }
}

/// Names a subscription that comes with it.
pub(crate) fn bringing(mut intent: OperationalIntent, implicit: Subscription) -> Import {
    intent.subscription_id = Some(implicit.id);
    intent.implicit_subscription = Some(implicit);
    whole(intent)
}

/// Names a subscription that is there.
pub(crate) fn naming(mut intent: OperationalIntent, id: u8) -> Import {
    intent.subscription_id = Some(sub(id));
    whole(intent)
}

/// Returns what is carried over as it is.
pub(crate) fn whole(intent: OperationalIntent) -> Import {
    Import::OperationalIntent(Box::new(intent))
}

/// Returns one of each kind, all with the same numbers.
pub(crate) fn one_of_each(place: &Place) -> [Import; 6] {
    [
        Import::Subscription(old_subscription(1, place)),
        whole(old_intent(1, place)),
        Import::Constraint(old_constraint(2, place)),
        Import::UssAvailability(old_availability(B)),
        Import::IdentificationServiceArea(old_area(1, place)),
        Import::RemoteIdSubscription(old_watch(1, place)),
    ]
}
