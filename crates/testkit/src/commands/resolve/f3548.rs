//! What is asked of F3548 but operational intents.

use airspace::subscription::NotifyFor;
use airspace::uss_availability::UssAvailabilityState;
use airspace::{Request, constraint, subscription, uss_availability};
use spacetime::Timestamp;

use super::{Resolver, named, place};
use crate::commands::party;
use crate::commands::step::{Choice, ExtentPlan, VersionPlan};
use crate::model::Model;

impl Resolver {
    pub(super) fn put_constraint(
        &mut self,
        model: &Model,
        at: Timestamp,
        (id, ovn): (Choice, VersionPlan),
        (extent, given, url): (ExtentPlan, u8, Choice),
    ) -> Request {
        let id = named::some_constraint(model, id);
        let ovn = self.ovn(ovn, named::constraint_ovn(model, id));
        let mut extent = place::extent(model, at, extent);
        extent.altitude_lower = extent.altitude_lower.filter(|_| given & 1 == 0);
        extent.altitude_upper = extent.altitude_upper.filter(|_| given & 2 == 0);
        let (uss_base_url, next_ovn) = (named::url(url), self.draw());
        Request::PutConstraint(constraint::Put { id, ovn, extent, uss_base_url, next_ovn })
    }

    pub(super) fn delete_constraint(&self, model: &Model, id: Choice, ovn: VersionPlan) -> Request {
        let id = named::some_constraint(model, id);
        let ovn = self.ovn(ovn, named::constraint_ovn(model, id));
        let ovn = ovn.unwrap_or_else(named::wrong_ovn);
        Request::DeleteConstraint(constraint::Delete { id, ovn })
    }
}

pub(super) fn put_subscription(
    model: &Model,
    at: Timestamp,
    (id, version): (Choice, VersionPlan),
    (extent, given, url): (ExtentPlan, u8, Choice),
    notify_for: NotifyFor,
) -> Request {
    let id = named::some_subscription(model, id);
    Request::PutSubscription(subscription::Put {
        id,
        version: named::version(model, version, named::subscription_version(model, id)),
        extent: place::search(model, at, extent, given),
        uss_base_url: named::url(url),
        notify_for,
    })
}

pub(super) fn delete_subscription(model: &Model, id: Choice, version: VersionPlan) -> Request {
    let id = named::some_subscription(model, id);
    let version = named::version(model, version, named::subscription_version(model, id));
    let version = version.unwrap_or_else(|| "wrong".to_owned());
    Request::DeleteSubscription(subscription::Delete { id, version })
}

pub(super) fn put_uss_availability(
    model: &Model,
    uss: Choice,
    version: VersionPlan,
    availability: UssAvailabilityState,
) -> Request {
    let uss_id = party(uss);
    let current = model.find_uss_availability(&uss_id).version;
    let old_version = named::version(model, version, Some(current)).unwrap_or_default();
    Request::PutUssAvailability(uss_availability::Put { uss_id, old_version, availability })
}
