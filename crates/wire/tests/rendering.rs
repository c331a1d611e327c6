//! What the DSS answers, as it is written.

use airspace::operational_intent::{OperationalIntentReference, OperationalIntentState};
use airspace::subscription::{NotifyFor, SubscriptionView};
use airspace::uss_availability::{UssAvailabilityState, UssAvailabilityStatus};
use airspace::{
    EntityId, Ovn, Party, SubscriberToNotify, SubscriptionId, SubscriptionState, UssBaseUrl,
    constraint,
};
use insta::assert_snapshot;
use spacetime::{Altitude, Timestamp};
use wire::f3548::{constraints, operational_intents, subscriptions, uss_availability};

const ID: &str = "2f8343be-6482-4d1b-a474-16847e01af1e";

/// Breaks the line after each field.
fn text(json: Vec<u8>) -> String {
    String::from_utf8(json).expect("JSON is UTF-8").replace(",\"", ",\n\"")
}

fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).expect("in range")
}

fn url() -> UssBaseUrl {
    UssBaseUrl::new("https://uss.example.com/utm").expect("a URL")
}

fn reference() -> OperationalIntentReference {
    OperationalIntentReference {
        id: EntityId::parse(ID).expect("an id"),
        manager: Party::new("uss \"1\"").expect("a name"),
        uss_availability: UssAvailabilityState::Normal,
        version: 2,
        state: OperationalIntentState::Accepted,
        ovn: Some(Ovn::new("an ovn").expect("an OVN")),
        starts_at: time(1_500_000),
        ends_at: time(2_000_000),
        altitude_lower: Altitude::from_millimeters(0),
        altitude_upper: Altitude::from_millimeters(120_000),
        uss_base_url: url(),
        subscription_id: Some(SubscriptionId::parse(ID).expect("an id")),
    }
}

fn constraint_reference() -> constraint::ConstraintReference {
    constraint::ConstraintReference {
        id: EntityId::parse(ID).expect("an id"),
        manager: Party::new("uss1").expect("a name"),
        uss_availability: UssAvailabilityState::Unknown,
        version: 1,
        ovn: None,
        starts_at: time(0),
        ends_at: time(1),
        uss_base_url: url(),
    }
}

fn subscription() -> SubscriptionView {
    SubscriptionView {
        id: SubscriptionId::parse(ID).expect("an id"),
        version: "a version".to_owned(),
        notification_index: 4,
        starts_at: time(0),
        ends_at: time(1),
        uss_base_url: url(),
        notify_for: NotifyFor::Constraints,
        implicit: false,
        dependent_operational_intents: vec![],
    }
}

fn subscriber() -> SubscriberToNotify {
    let subscription_id = SubscriptionId::parse(ID).expect("an id");
    SubscriberToNotify {
        uss_base_url: url(),
        subscriptions: vec![SubscriptionState { subscription_id, notification_index: 1 }],
    }
}

#[test]
fn writes_a_change_of_an_operational_intent() {
    assert_snapshot!(text(operational_intents::render_change(&reference(), &[subscriber()])), @r#"
    {"subscribers":[{"subscriptions":[{"subscription_id":"2f8343be-6482-4d1b-a474-16847e01af1e",
    "notification_index":1}],
    "uss_base_url":"https://uss.example.com/utm"}],
    "operational_intent_reference":{"id":"2f8343be-6482-4d1b-a474-16847e01af1e",
    "manager":"uss \"1\"",
    "uss_availability":"Normal",
    "version":2,
    "state":"Accepted",
    "ovn":"an ovn",
    "time_start":{"value":"1970-01-01T00:00:01.5Z",
    "format":"RFC3339"},
    "time_end":{"value":"1970-01-01T00:00:02Z",
    "format":"RFC3339"},
    "uss_base_url":"https://uss.example.com/utm",
    "subscription_id":"2f8343be-6482-4d1b-a474-16847e01af1e"}}
    "#);
}

#[test]
fn hides_the_ovn_of_another_party_and_the_lack_of_a_subscription() {
    let reference = OperationalIntentReference { ovn: None, subscription_id: None, ..reference() };

    assert_snapshot!(text(operational_intents::render_get(&reference)), @r#"
    {"operational_intent_reference":{"id":"2f8343be-6482-4d1b-a474-16847e01af1e",
    "manager":"uss \"1\"",
    "uss_availability":"Normal",
    "version":2,
    "state":"Accepted",
    "ovn":"Available from USS",
    "time_start":{"value":"1970-01-01T00:00:01.5Z",
    "format":"RFC3339"},
    "time_end":{"value":"1970-01-01T00:00:02Z",
    "format":"RFC3339"},
    "uss_base_url":"https://uss.example.com/utm",
    "subscription_id":"00000000-0000-4000-8000-000000000000"}}
    "#);
}

#[test]
fn leaves_empty_lists_out_of_a_conflict() {
    assert_snapshot!(text(operational_intents::render_conflict("because", &[], &[])), @r#"{"message":"because"}"#);
    assert_snapshot!(
        text(operational_intents::render_conflict("because", &[], &[constraint_reference()])),
        @r#"
        {"message":"because",
        "missing_constraints":[{"id":"2f8343be-6482-4d1b-a474-16847e01af1e",
        "manager":"uss1",
        "uss_availability":"Unknown",
        "version":1,
        "ovn":"Available from USS",
        "time_start":{"value":"1970-01-01T00:00:00Z",
        "format":"RFC3339"},
        "time_end":{"value":"1970-01-01T00:00:00.000001Z",
        "format":"RFC3339"},
        "uss_base_url":"https://uss.example.com/utm"}]}
        "#
    );
}

#[test]
fn writes_lists_that_were_asked_for_even_when_empty() {
    assert_snapshot!(text(operational_intents::render_query(&[])), @r#"{"operational_intent_references":[]}"#);
    assert_snapshot!(text(constraints::render_query(&[])), @r#"{"constraint_references":[]}"#);
    assert_snapshot!(text(subscriptions::render_query(&[])), @r#"{"subscriptions":[]}"#);
    assert_snapshot!(text(subscriptions::render_put(&subscription(), None, Some(&[]))), @r#"
    {"subscription":{"id":"2f8343be-6482-4d1b-a474-16847e01af1e",
    "version":"a version",
    "notification_index":4,
    "time_start":{"value":"1970-01-01T00:00:00Z",
    "format":"RFC3339"},
    "time_end":{"value":"1970-01-01T00:00:00.000001Z",
    "format":"RFC3339"},
    "uss_base_url":"https://uss.example.com/utm",
    "notify_for_operational_intents":false,
    "notify_for_constraints":true,
    "implicit_subscription":false,
    "dependent_operational_intents":[]},
    "constraint_references":[]}
    "#);
}

#[test]
fn writes_a_change_of_a_constraint() {
    assert_snapshot!(text(constraints::render_change(&constraint_reference(), &[])), @r#"
    {"subscribers":[],
    "constraint_reference":{"id":"2f8343be-6482-4d1b-a474-16847e01af1e",
    "manager":"uss1",
    "uss_availability":"Unknown",
    "version":1,
    "ovn":"Available from USS",
    "time_start":{"value":"1970-01-01T00:00:00Z",
    "format":"RFC3339"},
    "time_end":{"value":"1970-01-01T00:00:00.000001Z",
    "format":"RFC3339"},
    "uss_base_url":"https://uss.example.com/utm"}}
    "#);
}

#[test]
fn writes_an_availability() {
    let status = UssAvailabilityStatus {
        uss_id: Party::new("uss1").expect("a name"),
        version: String::new(),
        availability: UssAvailabilityState::Unknown,
    };

    assert_snapshot!(text(uss_availability::render(&status)), @r#"
    {"version":"",
    "status":{"uss":"uss1",
    "availability":"Unknown"}}
    "#);
}
