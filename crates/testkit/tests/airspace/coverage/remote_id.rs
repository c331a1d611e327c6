//! Corners of remote ID and of what is carried over.

use std::collections::BTreeSet;

use airspace::import::Import;
use airspace::{
    Accepted, Command, Decision, Refusal, Request, identification_service_area as area,
    remote_id_subscription as subscription,
};
use testkit::model::Model;

/// What more can be told of a step about remote ID, each a rule of its own.
pub(super) const CORNERS: [&str; 13] = [
    "a remote ID index starts over",
    "a remote ID subscription has areas",
    "an area is told to one that has not begun",
    "an area is told to several",
    "an area leaves cells where somebody is told",
    "an area that ended is deleted",
    "an update meets the limit of a cell",
    "an update takes the times that were",
    "what was carried over is changed: area",
    "what was carried over is changed: constraint",
    "what was carried over is changed: operational intent",
    "what was carried over is changed: remote ID subscription",
    "what was carried over is changed: subscription",
];

/// Kinds and ids of what was carried over and has not been changed since.
#[derive(Default)]
pub(super) struct Carried(BTreeSet<(&'static str, [u8; 16])>);

pub(super) fn corners(
    before: &Model,
    after: &Model,
    command: &Command,
    decision: &Decision,
) -> Vec<&'static str> {
    let Decision::Decided { outcome, .. } = decision else {
        return Vec::new();
    };
    match (&command.request, outcome) {
        (Request::PutIdentificationServiceArea(put), Ok(accepted)) => {
            of_put_area(before, after, put, accepted)
        }
        (Request::DeleteIdentificationServiceArea(_), Ok(accepted)) => {
            let Accepted::IdentificationServiceArea { area, .. } = accepted else {
                panic!("another answer than was asked for: {accepted:?}");
            };
            let has_ended = area.ends_at < after.clock;
            has_ended.then_some("an area that ended is deleted").into_iter().collect()
        }
        (Request::PutRemoteIdSubscription(put), outcome) => of_subscription(before, put, outcome),
        _ => Vec::new(),
    }
}

fn of_put_area(
    before: &Model,
    after: &Model,
    put: &area::Put,
    accepted: &Accepted,
) -> Vec<&'static str> {
    let Accepted::IdentificationServiceArea { subscribers, .. } = accepted else {
        panic!("another answer than was asked for: {accepted:?}");
    };
    let told: Vec<_> = subscribers.iter().flat_map(|s| &s.subscriptions).collect();
    let told: Vec<_> = after
        .remote_id_subscriptions
        .iter()
        .filter(|known| told.iter().any(|told| told.subscription_id == known.id))
        .collect();
    let is_left = told.iter().any(|known| !known.cells.intersects(&put.footprint.cells));
    let takes_times = put.footprint.starts_at.is_none() && put.footprint.ends_at.is_none();
    let is_known = before.find_identification_service_area(put.id).is_some();
    let corners = [
        (1 < told.len(), "an area is told to several"),
        (
            told.iter().any(|known| after.clock < known.starts_at),
            "an area is told to one that has not begun",
        ),
        (is_left, "an area leaves cells where somebody is told"),
        (takes_times && is_known, "an update takes the times that were"),
    ];
    corners.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect()
}

fn of_subscription(
    before: &Model,
    put: &subscription::Put,
    outcome: &airspace::Outcome,
) -> Vec<&'static str> {
    let old = before.find_remote_id_subscription(put.id);
    let (mut has_areas, mut is_full) = (false, false);
    match outcome {
        Ok(Accepted::RemoteIdSubscriptionPut { areas, .. }) => has_areas = !areas.is_empty(),
        Ok(accepted) => panic!("another answer than was asked for: {accepted:?}"),
        Err(refusal) => {
            let full = subscription::Refusal::TooManyInCell;
            is_full = *refusal == Refusal::RemoteIdSubscription(full);
        }
    }
    let had_index = old.is_some_and(|old| 0 < old.notification_index);
    let corners = [
        (has_areas, "a remote ID subscription has areas"),
        (outcome.is_ok() && had_index, "a remote ID index starts over"),
        (is_full && put.version.is_some(), "an update meets the limit of a cell"),
    ];
    corners.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect()
}

impl Carried {
    /// Remembers what is carried over, and tells what was and is changed now.
    pub(super) fn follow(
        &mut self,
        command: &Command,
        decision: &Decision,
    ) -> Option<&'static str> {
        if !matches!(decision, Decision::Decided { outcome: Ok(_), .. }) {
            return None;
        }
        let (kind, id) = match &command.request {
            Request::Import(import) => {
                self.0.extend(carried(import));
                return None;
            }
            Request::PutOperationalIntent(put) => (
                "what was carried over is changed: operational intent",
                put.ovn.is_some().then_some(*put.id.as_bytes()),
            ),
            Request::PutConstraint(put) => (
                "what was carried over is changed: constraint",
                put.ovn.is_some().then_some(*put.id.as_bytes()),
            ),
            Request::PutSubscription(put) => (
                "what was carried over is changed: subscription",
                put.version.is_some().then_some(*put.id.as_bytes()),
            ),
            Request::PutIdentificationServiceArea(put) => (
                "what was carried over is changed: area",
                put.version.is_some().then_some(*put.id.as_bytes()),
            ),
            Request::PutRemoteIdSubscription(put) => (
                "what was carried over is changed: remote ID subscription",
                put.version.is_some().then_some(*put.id.as_bytes()),
            ),
            _ => return None,
        };
        self.0.remove(&(kind, id?)).then_some(kind)
    }
}

fn carried(import: &Import) -> Option<(&'static str, [u8; 16])> {
    match import {
        Import::Subscription(new) => {
            Some(("what was carried over is changed: subscription", *new.id.as_bytes()))
        }
        Import::OperationalIntent(new) => {
            Some(("what was carried over is changed: operational intent", *new.id.as_bytes()))
        }
        Import::Constraint(new) => {
            Some(("what was carried over is changed: constraint", *new.id.as_bytes()))
        }
        Import::UssAvailability(_) => None,
        Import::IdentificationServiceArea(new) => {
            Some(("what was carried over is changed: area", *new.id.as_bytes()))
        }
        Import::RemoteIdSubscription(new) => {
            Some(("what was carried over is changed: remote ID subscription", *new.id.as_bytes()))
        }
    }
}
