//! What the DSS answers, as it is written.

use airspace::identification_service_area::IdentificationServiceAreaView;
use airspace::remote_id_subscription::RemoteIdSubscriptionView;
use airspace::{
    EntityId, Party, RemoteIdVersion, SubscriberToNotify, SubscriptionId, SubscriptionState,
    UssBaseUrl,
};
use insta::assert_snapshot;
use spacetime::Timestamp;
use wire::f3411_19::{identification_service_areas as areas_19, subscriptions as subscriptions_19};
use wire::f3411_22a::{
    identification_service_areas as areas_22a, subscriptions as subscriptions_22a,
};

use crate::{ID, URL};

/// Breaks the line after each field.
fn text(json: Vec<u8>) -> String {
    String::from_utf8(json).expect("JSON is UTF-8").replace(",\"", ",\n\"")
}

fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).expect("in range")
}

fn version() -> RemoteIdVersion {
    RemoteIdVersion::parse("1hqm0btnlinlg").expect("a version")
}

fn area() -> IdentificationServiceAreaView {
    IdentificationServiceAreaView {
        id: EntityId::parse(ID).expect("an id"),
        owner: Party::new("uss \"1\"").expect("a name"),
        uss_base_url: UssBaseUrl::new(URL).expect("a URL"),
        starts_at: time(1_500_000),
        ends_at: time(2_000_000),
        version: version(),
    }
}

fn subscription() -> RemoteIdSubscriptionView {
    RemoteIdSubscriptionView {
        id: SubscriptionId::parse(ID).expect("an id"),
        owner: Party::new("uss1").expect("a name"),
        uss_base_url: UssBaseUrl::new(URL).expect("a URL"),
        notification_index: 4,
        starts_at: time(0),
        ends_at: time(1),
        version: version(),
    }
}

fn subscriber() -> SubscriberToNotify {
    let subscription_id = SubscriptionId::parse(ID).expect("an id");
    SubscriberToNotify {
        uss_base_url: UssBaseUrl::new(URL).expect("a URL"),
        subscriptions: vec![SubscriptionState { subscription_id, notification_index: 1 }],
    }
}

#[test]
fn writes_a_put_of_an_area() {
    let json = areas_19::render_put(&area(), &[subscriber()]);
    assert_snapshot!(text(json), @r#"
    {"subscribers":[{"subscriptions":[{"subscription_id":"2f8343be-6482-4d1b-a474-16847e01af1e",
    "notification_index":1}],
    "url":"https://uss.example.com/rid"}],
    "service_area":{"flights_url":"https://uss.example.com/rid",
    "owner":"uss \"1\"",
    "time_start":"1970-01-01T00:00:01.5Z",
    "time_end":"1970-01-01T00:00:02Z",
    "version":"1hqm0btnlinlg",
    "id":"2f8343be-6482-4d1b-a474-16847e01af1e"}}
    "#);
    let json = areas_22a::render_put(&area(), &[subscriber()]);
    assert_snapshot!(text(json), @r#"
    {"subscribers":[{"subscriptions":[{"subscription_id":"2f8343be-6482-4d1b-a474-16847e01af1e",
    "notification_index":1}],
    "url":"https://uss.example.com/rid"}],
    "service_area":{"uss_base_url":"https://uss.example.com/rid",
    "owner":"uss \"1\"",
    "time_start":{"value":"1970-01-01T00:00:01.5Z",
    "format":"RFC3339"},
    "time_end":{"value":"1970-01-01T00:00:02Z",
    "format":"RFC3339"},
    "version":"1hqm0btnlinlg",
    "id":"2f8343be-6482-4d1b-a474-16847e01af1e"}}
    "#);
}

#[test]
fn writes_a_deletion_of_an_area() {
    let json = areas_19::render_delete(&area(), &[]);
    assert_snapshot!(text(json), @r#"
    {"service_area":{"flights_url":"https://uss.example.com/rid",
    "owner":"uss \"1\"",
    "time_start":"1970-01-01T00:00:01.5Z",
    "time_end":"1970-01-01T00:00:02Z",
    "version":"1hqm0btnlinlg",
    "id":"2f8343be-6482-4d1b-a474-16847e01af1e"},
    "subscribers":[]}
    "#);
    let json = areas_22a::render_delete(&area(), &[]);
    assert_snapshot!(text(json), @r#"
    {"service_area":{"uss_base_url":"https://uss.example.com/rid",
    "owner":"uss \"1\"",
    "time_start":{"value":"1970-01-01T00:00:01.5Z",
    "format":"RFC3339"},
    "time_end":{"value":"1970-01-01T00:00:02Z",
    "format":"RFC3339"},
    "version":"1hqm0btnlinlg",
    "id":"2f8343be-6482-4d1b-a474-16847e01af1e"},
    "subscribers":[]}
    "#);
}

#[test]
fn writes_areas_that_are_found() {
    let json = areas_19::render_get(&area());
    assert_snapshot!(text(json), @r#"
    {"service_area":{"flights_url":"https://uss.example.com/rid",
    "owner":"uss \"1\"",
    "time_start":"1970-01-01T00:00:01.5Z",
    "time_end":"1970-01-01T00:00:02Z",
    "version":"1hqm0btnlinlg",
    "id":"2f8343be-6482-4d1b-a474-16847e01af1e"}}
    "#);
    let json = areas_19::render_search(&[area()]);
    assert_snapshot!(text(json), @r#"
    {"service_areas":[{"flights_url":"https://uss.example.com/rid",
    "owner":"uss \"1\"",
    "time_start":"1970-01-01T00:00:01.5Z",
    "time_end":"1970-01-01T00:00:02Z",
    "version":"1hqm0btnlinlg",
    "id":"2f8343be-6482-4d1b-a474-16847e01af1e"}]}
    "#);
    let json = areas_22a::render_get(&area());
    assert_snapshot!(text(json), @r#"
    {"service_area":{"uss_base_url":"https://uss.example.com/rid",
    "owner":"uss \"1\"",
    "time_start":{"value":"1970-01-01T00:00:01.5Z",
    "format":"RFC3339"},
    "time_end":{"value":"1970-01-01T00:00:02Z",
    "format":"RFC3339"},
    "version":"1hqm0btnlinlg",
    "id":"2f8343be-6482-4d1b-a474-16847e01af1e"}}
    "#);
    let json = areas_22a::render_search(&[area()]);
    assert_snapshot!(text(json), @r#"
    {"service_areas":[{"uss_base_url":"https://uss.example.com/rid",
    "owner":"uss \"1\"",
    "time_start":{"value":"1970-01-01T00:00:01.5Z",
    "format":"RFC3339"},
    "time_end":{"value":"1970-01-01T00:00:02Z",
    "format":"RFC3339"},
    "version":"1hqm0btnlinlg",
    "id":"2f8343be-6482-4d1b-a474-16847e01af1e"}]}
    "#);
    let none = r#"{"service_areas":[]}"#;
    assert_eq!(text(areas_19::render_search(&[])), none);
    assert_eq!(text(areas_22a::render_search(&[])), none);
}

#[test]
fn writes_a_put_of_a_subscription() {
    let json = subscriptions_19::render_put(&subscription(), &[]);
    assert_snapshot!(text(json), @r#"
    {"service_areas":[],
    "subscription":{"id":"2f8343be-6482-4d1b-a474-16847e01af1e",
    "callbacks":{"identification_service_area_url":"https://uss.example.com/rid"},
    "owner":"uss1",
    "notification_index":4,
    "time_end":"1970-01-01T00:00:00.000001Z",
    "time_start":"1970-01-01T00:00:00Z",
    "version":"1hqm0btnlinlg"}}
    "#);
    let json = subscriptions_22a::render_put(&subscription(), &[area()]);
    assert_snapshot!(text(json), @r#"
    {"service_areas":[{"uss_base_url":"https://uss.example.com/rid",
    "owner":"uss \"1\"",
    "time_start":{"value":"1970-01-01T00:00:01.5Z",
    "format":"RFC3339"},
    "time_end":{"value":"1970-01-01T00:00:02Z",
    "format":"RFC3339"},
    "version":"1hqm0btnlinlg",
    "id":"2f8343be-6482-4d1b-a474-16847e01af1e"}],
    "subscription":{"id":"2f8343be-6482-4d1b-a474-16847e01af1e",
    "uss_base_url":"https://uss.example.com/rid",
    "owner":"uss1",
    "notification_index":4,
    "time_end":{"value":"1970-01-01T00:00:00.000001Z",
    "format":"RFC3339"},
    "time_start":{"value":"1970-01-01T00:00:00Z",
    "format":"RFC3339"},
    "version":"1hqm0btnlinlg"}}
    "#);
}

#[test]
fn writes_subscriptions_that_are_found_or_deleted() {
    let json = subscriptions_19::render_get(&subscription());
    assert_snapshot!(text(json.clone()), @r#"
    {"subscription":{"id":"2f8343be-6482-4d1b-a474-16847e01af1e",
    "callbacks":{"identification_service_area_url":"https://uss.example.com/rid"},
    "owner":"uss1",
    "notification_index":4,
    "time_end":"1970-01-01T00:00:00.000001Z",
    "time_start":"1970-01-01T00:00:00Z",
    "version":"1hqm0btnlinlg"}}
    "#);
    assert_eq!(subscriptions_19::render_delete(&subscription()), json);
    let json = subscriptions_22a::render_get(&subscription());
    assert_snapshot!(text(json.clone()), @r#"
    {"subscription":{"id":"2f8343be-6482-4d1b-a474-16847e01af1e",
    "uss_base_url":"https://uss.example.com/rid",
    "owner":"uss1",
    "notification_index":4,
    "time_end":{"value":"1970-01-01T00:00:00.000001Z",
    "format":"RFC3339"},
    "time_start":{"value":"1970-01-01T00:00:00Z",
    "format":"RFC3339"},
    "version":"1hqm0btnlinlg"}}
    "#);
    assert_eq!(subscriptions_22a::render_delete(&subscription()), json);
    let json = subscriptions_22a::render_search(&[subscription()]);
    assert_snapshot!(text(json), @r#"
    {"subscriptions":[{"id":"2f8343be-6482-4d1b-a474-16847e01af1e",
    "uss_base_url":"https://uss.example.com/rid",
    "owner":"uss1",
    "notification_index":4,
    "time_end":{"value":"1970-01-01T00:00:00.000001Z",
    "format":"RFC3339"},
    "time_start":{"value":"1970-01-01T00:00:00Z",
    "format":"RFC3339"},
    "version":"1hqm0btnlinlg"}]}
    "#);
    let none = r#"{"subscriptions":[]}"#;
    assert_eq!(text(subscriptions_19::render_search(&[])), none);
    assert_eq!(text(subscriptions_22a::render_search(&[])), none);
}
