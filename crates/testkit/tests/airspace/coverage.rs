//! The sequences reach every outcome and every corner that is known to be one, so that the tests
//! that run them do not go blind.

use std::collections::BTreeMap;

use airspace::operational_intent::{OperationalIntentState, SubscriptionChoice};
use airspace::{
    Accepted, Command, Decision, Footprint, Party, Refusal, Request, Search, operational_intent,
};
use spacetime::Timestamp;
use testkit::commands::{Resolver, steps_from_seed};
use testkit::model::{Model, is_in_key};

mod names;
mod remote_id;

use remote_id::Carried;

const SEQUENCES: u64 = 1000;
const STEPS: usize = 60;

/// How often each must occur to be worth something.
const OFTEN: usize = 20;

/// What takes many entities to bring about: `limits` and the tests of crate `airspace` do.
const ELSEWHERE: [&str; 9] = [
    "area: too many",
    "availability: too many",
    "constraint: too many",
    "import: too many",
    "operational intent: too many",
    "remote ID subscription: too many",
    "remote ID subscription: too many found",
    "subscription: too many",
    "subscription: too many found",
];

/// What more can be told of a step, each a rule of its own.
const CORNERS: [&str; 19] = [
    "a constraint is found",
    "a manager that is down is excused",
    "a remote ID subscription is found",
    "a subscription is found",
    "a subscription of several",
    "an OVN is hidden",
    "an area is found",
    "an ended intent is changed",
    "an implicit subscription goes with its intent",
    "an implicit subscription is extended",
    "an implicit subscription is made explicit",
    "an implicit subscription is replaced",
    "an intent is found",
    "keys of constraints are missing",
    "outcomes are forgotten",
    "remote ID is removed",
    "several are to be told",
    "something is removed",
    "what ended is found by its id",
];

#[test]
fn the_sequences_reach_every_outcome_and_corner() {
    let mut counts = BTreeMap::new();
    let outcomes = names::all();
    let corners = outcomes.into_iter().filter(|name| !ELSEWHERE.contains(name)).chain(CORNERS);
    for name in corners.chain(remote_id::CORNERS) {
        counts.insert(name, 0);
    }
    for seed in 0..SEQUENCES {
        let (mut model, mut resolver) = (Model::default(), Resolver::default());
        let mut carried = Carried::default();
        for (step, position) in steps_from_seed(seed, STEPS).iter().zip(1..) {
            let (stamp, command) = resolver.resolve(&model, step);
            let before = model.as_of(model.clock_of(stamp));
            let mut names = removed(&before, &model);
            let decision = model.apply(position, stamp, &command);

            names.push(names::of(&decision));
            names.extend(corners_of_step(&before, &model, &command, &decision));
            names.extend(remote_id::corners(&before, &model, &command, &decision));
            names.extend(carried.follow(&command, &decision));
            names.extend(found(&model, resolver.look(&model, step.look)));
            for name in names {
                *counts.entry(name).or_insert(0) += 1;
            }
        }
    }

    let rare: Vec<_> = counts.iter().filter(|(_, count)| **count < OFTEN).collect();
    assert!(rare.is_empty(), "too rare: {rare:?} of {counts:#?}");
}

fn removed(before: &Model, model: &Model) -> Vec<&'static str> {
    let corners = [
        (
            before.operational_intents.len() < model.operational_intents.len(),
            "something is removed",
        ),
        (
            before.identification_service_areas.len() < model.identification_service_areas.len()
                && before.remote_id_subscriptions.len() < model.remote_id_subscriptions.len(),
            "remote ID is removed",
        ),
    ];
    corners.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect()
}

fn found(model: &Model, (now, reader, search): (Timestamp, Party, Search)) -> Vec<&'static str> {
    let seen = model.as_of(now);
    let cells = search.cells.clone();
    let footprint = Footprint { starts_at: search.starts_at, ends_at: search.ends_at, cells };
    let corners = [
        (seen.search_operational_intents(&reader, &search) != Ok(vec![]), "an intent is found"),
        (seen.search_constraints(&reader, &search) != Ok(vec![]), "a constraint is found"),
        (seen.search_subscriptions(now, &reader, &search) != Ok(vec![]), "a subscription is found"),
        (
            seen.search_identification_service_areas(now, &footprint) != Ok(vec![]),
            "an area is found",
        ),
        (
            seen.search_remote_id_subscriptions(now, &reader, &search.cells) != Ok(vec![]),
            "a remote ID subscription is found",
        ),
        (
            seen.identification_service_areas.iter().any(|area| area.ends_at < now),
            "what ended is found by its id",
        ),
    ];
    corners.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect()
}

fn corners_of_step(
    before: &Model,
    after: &Model,
    command: &Command,
    decision: &Decision,
) -> Vec<&'static str> {
    let Decision::Decided { outcome, forgotten } = decision else {
        return Vec::new();
    };
    let mut corners = Vec::new();
    if !forgotten.is_empty() {
        corners.push("outcomes are forgotten");
    }
    match (&command.request, outcome) {
        (Request::PutOperationalIntent(put), Ok(accepted)) => {
            corners.extend(corners_of_put(before, after, put, accepted));
        }
        (Request::PutOperationalIntent(_), Err(refusal)) => {
            corners.extend(corners_of_keys(refusal))
        }
        (Request::DeleteOperationalIntent(_), Ok(_))
            if after.subscriptions.len() < before.subscriptions.len() =>
        {
            corners.push("an implicit subscription goes with its intent");
        }
        (Request::PutSubscription(put), Ok(_))
            if before.subscriptions.iter().any(|known| known.id == put.id && known.implicit) =>
        {
            corners.push("an implicit subscription is made explicit");
        }
        _ => {}
    }
    corners
}

fn corners_of_put(
    before: &Model,
    after: &Model,
    put: &operational_intent::Put,
    accepted: &Accepted,
) -> Vec<&'static str> {
    let mut corners = Vec::new();
    let Accepted::OperationalIntent { reference, subscribers } = accepted else {
        panic!("another answer than was asked for: {accepted:?}");
    };
    let attached = reference.subscription_id.and_then(|id| after.find_subscription(id));
    if attached.is_some_and(|(_, view)| 1 < view.dependent_operational_intents.len()) {
        corners.push("a subscription of several");
    }
    let find = |model: &Model, id| model.subscriptions.iter().find(|known| known.id == id).cloned();
    let old = before.operational_intents.iter().find(|known| known.id == put.id);
    if old.is_some_and(|old| old.extent.ends_at < after.clock) {
        corners.push("an ended intent is changed");
    }
    let previous = old.and_then(|old| old.subscription_id);
    if previous.is_some_and(|id| find(after, id).is_none()) {
        corners.push("an implicit subscription is replaced");
    }
    if let SubscriptionChoice::Existing(id) = put.subscription
        && find(before, id).map(|known| known.extent) != find(after, id).map(|known| known.extent)
    {
        corners.push("an implicit subscription is extended");
    }
    if 1 < subscribers.iter().flat_map(|subscriber| &subscriber.subscriptions).count() {
        corners.push("several are to be told");
    }
    let search = Search {
        starts_at: Some(put.extent.starts_at),
        ends_at: Some(put.extent.ends_at),
        altitude_lower: put.extent.altitude_lower,
        altitude_upper: put.extent.altitude_upper,
        cells: put.extent.cells.clone(),
    };
    let there = before.search_operational_intents(&reference.manager, &search);
    let needs_key =
        matches!(put.state, OperationalIntentState::Accepted | OperationalIntentState::Activated);
    let is_unknown = |id| {
        let known = before.operational_intents.iter().find(|known| known.id == id);
        id != put.id && known.is_some_and(|known| !is_in_key(put, &known.ovn))
    };
    if needs_key && there.is_ok_and(|there| there.iter().any(|other| is_unknown(other.id))) {
        corners.push("a manager that is down is excused");
    }
    corners
}

fn corners_of_keys(refusal: &Refusal) -> Vec<&'static str> {
    let mut corners = Vec::new();
    if let Refusal::OperationalIntent(operational_intent::Refusal::MissingKeys {
        operational_intents,
        constraints,
    }) = refusal
    {
        if !constraints.is_empty() {
            corners.push("keys of constraints are missing");
        }
        if operational_intents.iter().any(|reference| reference.ovn.is_none()) {
            corners.push("an OVN is hidden");
        }
    }
    corners
}
