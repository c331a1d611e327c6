//! What became of what was carried over, where sequences come by seldom.

use std::time::Duration;

use airspace::import::{self, Import};
use airspace::operational_intent::OperationalIntentState;
use airspace::subscription::NotifyFor;
use airspace::{
    Accepted, Command, F3411Settings, NextOvn, Outcome, Ovn, Refusal, Request, SubscriptionId,
};
use spacetime::Timestamp;
use testkit::commands::party;

use crate::pair::Pair;
use crate::samples::{DAY, ask, at, entity, extent, intent, later, outcome, url};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A deployed hub may have let a subscription end before what names it. It stays for as long as
/// that does, and is not told of the very change that takes the last of them away.
#[test]
fn forgets_an_ended_subscription_with_its_last_dependent() {
    let mut pair = Pair::default();
    let id = SubscriptionId::from_random_bytes([1; 16]);
    apply(&mut pair, at(HOUR), ask(subscription(id, at(HOUR)))).expect("it has just ended");
    apply(&mut pair, at(HOUR), ask(dependent(id, at(2 * HOUR)))).expect("it is named");
    let long_after = at(HOUR + DAY);
    let settings = ask(Request::PutSettings(pair.model.settings));
    apply(&mut pair, long_after, settings).expect("settings are always good");
    let while_named = pair.state.find_subscription(long_after, id);

    let mut put = intent(0, long_after.plus(DAY));
    put.ovn = Some(ovn_of(&pair, long_after));
    put.extent.starts_at = at(HOUR);
    let put = apply(&mut pair, long_after, ask(Request::PutOperationalIntent(put)));

    assert!(while_named.is_some(), "an operational intent names it");
    let Ok(Accepted::OperationalIntent { reference, subscribers }) = put else {
        panic!("nothing is wrong with it: {put:?}");
    };
    assert_eq!((reference.version, subscribers), (8, vec![]));
    assert_eq!(pair.state.find_subscription(long_after, id), None);
}

/// What was once past its retention never comes back, also when the operator then keeps more.
#[test]
fn refuses_what_ended_too_long_ago_for_an_earlier_setting() {
    let mut pair = Pair::default();
    let keep = |retention_s| ask(Request::PutF3411Settings(F3411Settings { retention_s }));
    apply(&mut pair, at(DAY), keep(60)).expect("settings are always good");
    apply(&mut pair, at(DAY), keep(3600)).expect("settings are always good");
    let clock = pair.model.clock;
    let horizon = clock.minus(Duration::from_secs(60));

    let at_the_edge = apply(&mut pair, clock, ask(area(1, horizon)));
    let after_it = apply(&mut pair, clock, ask(area(2, horizon.plus(later(1)))));

    assert_eq!(at_the_edge, Err(Refusal::Import(import::Refusal::Gone)));
    assert_eq!(after_it, Ok(Accepted::Imported));
}

/// The version and the OVN that a client of the deployed hub was told are the ones it gives here.
#[test]
fn lets_a_client_go_on_where_it_was() {
    let mut pair = Pair::default();
    let id = SubscriptionId::from_random_bytes([1; 16]);
    apply(&mut pair, at(HOUR), ask(subscription(id, at(DAY)))).expect("it has not ended");
    apply(&mut pair, at(HOUR), ask(dependent(id, at(DAY)))).expect("it has not ended");
    apply(&mut pair, at(HOUR), ask(area(0, at(DAY)))).expect("it has not ended");
    let now = pair.state.clock();

    let (_, subscription) = pair.state.find_subscription(now, id).expect("it was carried over");
    let area = pair.state.find_identification_service_area(now, entity(0));

    // python3: base64 of SHA-256 of "<id>2026-01-01T00:00:00Z", with `-`, `.` and `_`.
    assert_eq!(subscription.version, "XWuU3w.ihGxzVeuUykWXOwL3VwruwrQDCQg8hiUZKWs_");
    assert_eq!(ovn_of(&pair, now).as_str(), "okbapbCWtIFP9a7BoLxksf7c4ljE2kAumStQr6KdC2s_");
    // python3: 1767225600000000000 in base 32 with the digits 0-9a-v.
    assert_eq!(area.map(|area| area.version.to_string()).as_deref(), Some("1h1jia7mvk000"));
}

fn apply(pair: &mut Pair, stamp: Timestamp, command: Command) -> Outcome {
    outcome(pair.apply_command(stamp, &command).expect("both decide alike"))
}

fn ovn_of(pair: &Pair, now: Timestamp) -> Ovn {
    let found = pair.state.find_operational_intent(now, &party(0), entity(0));
    found.expect("it is there").ovn.expect("its manager is shown it")
}

fn subscription(id: SubscriptionId, ends_at: Timestamp) -> Request {
    Request::Import(Import::Subscription(import::Subscription {
        id,
        manager: party(0),
        extent: extent(0, ends_at),
        uss_base_url: url(),
        notify_for: NotifyFor::OperationalIntents,
        notification_index: 3,
        updated_at: at(Duration::ZERO),
    }))
}

fn dependent(id: SubscriptionId, ends_at: Timestamp) -> Request {
    Request::Import(Import::OperationalIntent(Box::new(import::OperationalIntent {
        id: entity(0),
        manager: party(0),
        version: 7,
        state: OperationalIntentState::Accepted,
        ovn: NextOvn::of_time(at(Duration::ZERO)),
        past_suffixes: Vec::new(),
        extent: extent(0, ends_at),
        uss_base_url: url(),
        subscription_id: Some(id),
        implicit_subscription: None,
    })))
}

fn area(number: u64, ends_at: Timestamp) -> Request {
    Request::Import(Import::IdentificationServiceArea(import::IdentificationServiceArea {
        id: entity(number),
        owner: party(0),
        extent: extent(0, ends_at),
        uss_base_url: url(),
        updated_at: at(Duration::ZERO),
    }))
}
