//! The sequences reach every outcome and every corner that is known to be one, so that the tests
//! that run them do not go blind.

use std::collections::BTreeMap;

use airspace::operational_intent::{OperationalIntentState, SubscriptionChoice};
use airspace::{
    Accepted, Command, Decision, Outcome, Refusal, Request, Search, constraint, operational_intent,
    subscription, uss_availability,
};
use testkit::commands::{Resolver, steps_from_seed};
use testkit::model::Model;

const SEQUENCES: u64 = 600;
const STEPS: usize = 60;

/// How often each must occur to be worth something.
const OFTEN: usize = 20;

/// Every outcome that few entities can bring about; `limits` brings about the others.
const OUTCOMES: [&str; 37] = [
    "availability set",
    "availability: version mismatch",
    "constraint accepted",
    "constraint: OVN mismatch",
    "constraint: already exists",
    "constraint: ends in past",
    "constraint: not found",
    "constraint: not manager",
    "operational intent accepted",
    "operational intent: OVN mismatch",
    "operational intent: OVN suffix not now",
    "operational intent: OVN suffix used",
    "operational intent: already exists",
    "operational intent: ends in past",
    "operational intent: missing keys",
    "operational intent: not found",
    "operational intent: not manager",
    "operational intent: subscription area too small",
    "operational intent: subscription id taken",
    "operational intent: subscription not found",
    "operational intent: subscription not manager",
    "operational intent: subscription time too small",
    "settings set",
    "subscription deleted",
    "subscription put",
    "subscription: already exists",
    "subscription: dependent not covered",
    "subscription: ends before start",
    "subscription: ends in past",
    "subscription: has dependents",
    "subscription: not found",
    "subscription: not manager",
    "subscription: starts in past",
    "subscription: too long",
    "subscription: version mismatch",
    "repeat",
    "key reused",
];

/// What more can be told of a step, each a rule of its own.
const CORNERS: [&str; 15] = [
    "a constraint is found",
    "a manager that is down is excused",
    "a subscription is found",
    "a subscription of several",
    "an OVN is hidden",
    "an ended intent is changed",
    "an implicit subscription goes with its intent",
    "an implicit subscription is extended",
    "an implicit subscription is made explicit",
    "an implicit subscription is replaced",
    "an intent is found",
    "keys of constraints are missing",
    "outcomes are forgotten",
    "several are to be told",
    "something is removed",
];

#[test]
fn the_sequences_reach_every_outcome_and_corner() {
    let mut counts = BTreeMap::new();
    for name in OUTCOMES.into_iter().chain(CORNERS) {
        counts.insert(name, 0);
    }
    for seed in 0..SEQUENCES {
        let (mut model, mut resolver) = (Model::default(), Resolver::default());
        for (step, position) in steps_from_seed(seed, STEPS).iter().zip(1..) {
            let (stamp, command) = resolver.resolve(&model, step);
            let before = model.as_of(model.clock_of(stamp));
            let removed = before.operational_intents.len() < model.operational_intents.len();
            let decision = model.apply(position, stamp, &command);
            let (now, reader, search) = resolver.look(&model, step.look);
            let seen = model.as_of(now);

            let mut names = vec![name_of(&decision)];
            names.extend(corners(&before, &model, &command, &decision));
            let corners = [
                (removed, "something is removed"),
                (
                    seen.search_operational_intents(&reader, &search) != Ok(vec![]),
                    "an intent is found",
                ),
                (seen.search_constraints(&reader, &search) != Ok(vec![]), "a constraint is found"),
                (
                    seen.search_subscriptions(now, &reader, &search) != Ok(vec![]),
                    "a subscription is found",
                ),
            ];
            names.extend(corners.into_iter().filter(|(is, _)| *is).map(|(_, name)| name));
            for name in names {
                *counts.entry(name).or_insert(0) += 1;
            }
        }
    }

    let rare: Vec<_> = counts.iter().filter(|(_, count)| **count < OFTEN).collect();
    assert!(rare.is_empty(), "too rare: {rare:?} of {counts:#?}");
}

fn name_of(decision: &Decision) -> &'static str {
    match decision {
        Decision::Repeat { .. } => "repeat",
        Decision::KeyReused => "key reused",
        Decision::Decided { outcome, .. } => name(outcome),
    }
}

fn corners(
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
        id != put.id && known.is_some_and(|known| !put.key.contains(&known.ovn))
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

fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Ok(Accepted::OperationalIntent { .. }) => "operational intent accepted",
        Ok(Accepted::Constraint { .. }) => "constraint accepted",
        Ok(Accepted::SubscriptionPut { .. }) => "subscription put",
        Ok(Accepted::SubscriptionDeleted { .. }) => "subscription deleted",
        Ok(Accepted::UssAvailability(_)) => "availability set",
        Ok(Accepted::Settings(_)) => "settings set",
        Err(Refusal::OperationalIntent(refusal)) => of_operational_intent(refusal),
        Err(Refusal::Constraint(refusal)) => of_constraint(refusal),
        Err(Refusal::Subscription(refusal)) => of_subscription(refusal),
        Err(Refusal::UssAvailability(refusal)) => match refusal {
            uss_availability::Refusal::VersionMismatch => "availability: version mismatch",
            uss_availability::Refusal::TooMany => "availability: too many",
        },
        _ => "of version 2",
    }
}

fn of_operational_intent(refusal: &operational_intent::Refusal) -> &'static str {
    use operational_intent::Refusal;
    match refusal {
        Refusal::AlreadyExists => "operational intent: already exists",
        Refusal::NotFound => "operational intent: not found",
        Refusal::NotManager => "operational intent: not manager",
        Refusal::OvnMismatch => "operational intent: OVN mismatch",
        Refusal::EndsInPast => "operational intent: ends in past",
        Refusal::MissingKeys { .. } => "operational intent: missing keys",
        Refusal::SubscriptionNotFound => "operational intent: subscription not found",
        Refusal::SubscriptionNotManager => "operational intent: subscription not manager",
        Refusal::SubscriptionTimeTooSmall => "operational intent: subscription time too small",
        Refusal::SubscriptionAreaTooSmall => "operational intent: subscription area too small",
        Refusal::SubscriptionIdTaken => "operational intent: subscription id taken",
        Refusal::OvnSuffixNotNow => "operational intent: OVN suffix not now",
        Refusal::OvnSuffixUsed => "operational intent: OVN suffix used",
        Refusal::TooMany => "operational intent: too many",
    }
}

fn of_constraint(refusal: &constraint::Refusal) -> &'static str {
    use constraint::Refusal;
    match refusal {
        Refusal::AlreadyExists => "constraint: already exists",
        Refusal::NotFound => "constraint: not found",
        Refusal::NotManager => "constraint: not manager",
        Refusal::OvnMismatch => "constraint: OVN mismatch",
        Refusal::EndsInPast => "constraint: ends in past",
        Refusal::TooMany => "constraint: too many",
    }
}

fn of_subscription(refusal: &subscription::Refusal) -> &'static str {
    use subscription::Refusal;
    match refusal {
        Refusal::AlreadyExists => "subscription: already exists",
        Refusal::NotFound => "subscription: not found",
        Refusal::NotManager => "subscription: not manager",
        Refusal::VersionMismatch => "subscription: version mismatch",
        Refusal::StartsInPast => "subscription: starts in past",
        Refusal::EndsInPast => "subscription: ends in past",
        Refusal::EndsBeforeStart => "subscription: ends before start",
        Refusal::TooLong => "subscription: too long",
        Refusal::DependentNotCovered => "subscription: dependent not covered",
        Refusal::HasDependents => "subscription: has dependents",
        Refusal::TooMany => "subscription: too many",
        Refusal::TooManyFound => "subscription: too many found",
    }
}
