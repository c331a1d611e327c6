//! What is refused of a request, and the message that says why; and what is accepted at the edge.

use airspace::operational_intent::{self, SubscriptionChoice};
use airspace::uss_availability::UssAvailabilityState;
use airspace::{EntityId, Ovn, OvnHash, Party, SubscriptionId, constraint, subscription};
use proptest::prelude::*;
use serde_json::{Value, json};
use wire::Schemes;
use wire::f3548::{
    VersionError, constraints, operational_intents, parse_version, reports, subscriptions,
    uss_availability,
};

mod fields;
mod volumes;

const ID: &str = "2f8343be-6482-4d1b-a474-16847e01af1e";
const URL: &str = "https://uss.example.com/utm";

fn id() -> EntityId {
    EntityId::parse(ID).expect("an id")
}

fn subscription_id() -> SubscriptionId {
    SubscriptionId::parse(ID).expect("an id")
}

fn altitude(meters: f64) -> Value {
    json!({"value": meters, "reference": "W84", "units": "M"})
}

fn time(value: &str) -> Value {
    json!({"value": value, "format": "RFC3339"})
}

fn circle(radius_m: f64) -> Value {
    json!({"center": {"lat": 47.0, "lng": 8.0}, "radius": {"value": radius_m, "units": "M"}})
}

fn polygon(vertices: &[(f64, f64)]) -> Value {
    let vertices: Vec<Value> =
        vertices.iter().map(|(lat, lng)| json!({"lat": lat, "lng": lng})).collect();
    json!({"vertices": vertices})
}

fn volume() -> Value {
    json!({
        "volume": {
            "outline_circle": circle(300.0),
            "altitude_lower": altitude(0.0),
            "altitude_upper": altitude(120.0),
        },
        "time_start": time("2026-11-23T18:34:59Z"),
        "time_end": time("2026-11-23T19:34:59Z"),
    })
}

fn operational_intent() -> Value {
    json!({
        "extents": [volume()],
        "state": "Accepted",
        "uss_base_url": URL,
        "new_subscription": {"uss_base_url": URL},
    })
}

/// Returns the value with what `pointer` points at replaced, or removed where it is `null`.
fn with(mut value: Value, pointer: &str, replacement: Value) -> Value {
    let (parent, field) = pointer.rsplit_once('/').expect("a pointer has a slash");
    match value.pointer_mut(parent).expect("the parent is there") {
        Value::Object(fields) if replacement.is_null() => {
            fields.remove(field).expect("the field is there");
        }
        Value::Object(fields) => {
            fields.insert(field.to_owned(), replacement);
        }
        Value::Array(elements) => {
            elements[field.parse::<usize>().expect("an index")] = replacement;
        }
        _ => panic!("{parent} has no fields"),
    }
    value
}

fn parse_text(body: &[u8]) -> Result<operational_intent::Put, operational_intents::ParseError> {
    let drawn =
        operational_intents::Drawn { subscription_id: subscription_id(), next_ovn: [7; 16] };
    let target = operational_intents::PutTarget { id: id(), ovn: None, drawn };
    operational_intents::parse_put(body, target, Schemes::HttpsOnly)
}

fn parse(body: &Value) -> Result<operational_intent::Put, operational_intents::ParseError> {
    parse_text(body.to_string().as_bytes())
}

fn parse_update(state: &str) -> Result<operational_intent::Put, operational_intents::ParseError> {
    let body = with(operational_intent(), "/state", json!(state));
    let body = with(body, "/new_subscription", Value::Null);
    let drawn =
        operational_intents::Drawn { subscription_id: subscription_id(), next_ovn: [7; 16] };
    let ovn = Some(Ovn::new("an ovn").expect("an OVN"));
    let target = operational_intents::PutTarget { id: id(), ovn, drawn };
    operational_intents::parse_put(body.to_string().as_bytes(), target, Schemes::HttpsOnly)
}

fn refusal(pointer: &str, replacement: Value) -> String {
    match parse(&with(operational_intent(), pointer, replacement.clone())) {
        Ok(_) => panic!("accepted {replacement} at {pointer}"),
        Err(error) => error.to_string(),
    }
}

fn parse_constraint(body: &Value) -> Result<constraint::Put, constraints::ParseError> {
    let target = constraints::PutTarget { id: id(), ovn: None, next_ovn: [7; 16] };
    constraints::parse_put(body.to_string().as_bytes(), target, Schemes::HttpsOnly)
}

fn parse_subscription(body: &Value) -> Result<subscription::Put, subscriptions::ParseError> {
    let target = subscriptions::PutTarget { id: subscription_id(), version: None };
    subscriptions::parse_put(body.to_string().as_bytes(), target, Schemes::HttpsOnly)
}

#[test]
fn refuses_bodies_that_are_no_json_of_the_message() {
    let check = |body: &[u8], expected: &str| {
        let error = parse_text(body).expect_err("a malformed body was accepted").to_string();
        assert!(error.starts_with(expected), "{error}\ninstead of\n{expected}");
    };
    let good = operational_intent().to_string();

    check(b"", "the body is empty");
    check(b"  \r\n", "the body is empty");
    check(b"null", "invalid type: null");
    check(b"[]", "invalid length 0");
    check(b"garbage", "expected value");
    check(&good.as_bytes()[..good.len() - 1], "EOF while parsing an object");
    check(format!("{good}{{}}").as_bytes(), "trailing characters");
    check(good.replace("300.0", "NaN").as_bytes(), "extents[0].volume");
    check(good.replace("300.0", "1e400").as_bytes(), "extents[0].volume");
    check(good.replace("https", "\0").as_bytes(), "new_subscription.uss_base_url: control");
    check(&[good.as_bytes(), b"\xff"].concat(), "the body is not UTF-8");
    check(good.replace("{", "[[[[[[[[").repeat(64).as_bytes(), "the body is nested deeper");
}

#[test]
fn keeps_of_a_key_what_can_match() {
    let longest = "x".repeat(Ovn::LENGTH_MAX);
    let key = json!(["b", "", "a", longest, "x".repeat(Ovn::LENGTH_MAX + 1), "b"]);

    let put = parse(&with(operational_intent(), "/key", key)).expect("a good request");

    let kept = ["a", "b", &longest].map(|text| Ovn::new(text).expect("short"));
    assert_eq!(put.key, OvnHash::key_of(&kept));
    let many: Vec<String> = (0..10_000).map(|number| format!("ovn {number}")).collect();
    let put = parse(&with(operational_intent(), "/key", json!(many))).expect("a good request");
    assert_eq!(put.key.len(), 10_000);
}

#[test]
fn needs_a_subscription_in_every_state_but_accepted() {
    assert_eq!(
        parse_update("Accepted").expect("a good request").subscription,
        SubscriptionChoice::None
    );
    for state in ["Activated", "Nonconforming", "Contingent"] {
        let error = parse_update(state).expect_err("no subscription is given");
        assert!(error.to_string().starts_with("subscription_id: it or new_subscription must"));
    }
}

#[test]
fn accepts_ids_in_every_written_form() {
    let body = with(operational_intent(), "/new_subscription", Value::Null);
    for written in [
        "2F8343BE-6482-4D1B-A474-16847E01AF1E",
        "2f8343be64824d1ba47416847e01af1e",
        "{2f8343be-6482-4d1b-a474-16847e01af1e}",
        "urn:uuid:2f8343be-6482-4d1b-a474-16847e01af1e",
    ] {
        let put =
            parse(&with(body.clone(), "/subscription_id", json!(written))).expect("a good request");

        assert_eq!(put.subscription, SubscriptionChoice::Existing(subscription_id()));
    }
}

#[test]
fn refuses_subscriptions_that_notify_of_nothing() {
    let body = json!({
        "extents": {"volume": {"outline_circle": circle(300.0)}},
        "uss_base_url": URL,
        "notify_for_constraints": true,
    });

    let put = parse_subscription(&body).expect("times and altitudes are optional");

    assert_eq!((put.extent.starts_at, put.extent.altitude_lower), (None, None));
    let error = parse_subscription(&with(body.clone(), "/notify_for_constraints", json!(false)))
        .expect_err("both flags are false");
    assert!(error.to_string().starts_with("notify_for_operational_intents: "), "{error}");
    let error = parse_subscription(&with(body, "/extents/volume/outline_circle", circle(1e7)))
        .expect_err("too large");
    assert!(error.is_area_too_large());
    assert!(error.to_string().starts_with("extents.volume: "), "{error}");
}

#[test]
fn refuses_searches_without_an_area() {
    let check = |body: &str, expected: &str| {
        let body = body.as_bytes();
        for error in [
            operational_intents::parse_query(body).expect_err("no area").to_string(),
            constraints::parse_query(body).expect_err("no area").to_string(),
            subscriptions::parse_query(body).expect_err("no area").to_string(),
        ] {
            assert!(error.starts_with(expected), "{error}\ninstead of\n{expected}");
        }
    };

    check("", "the body is empty");
    check("{}", "missing field `area_of_interest`");
    check(r#"{"area_of_interest": null}"#, "area_of_interest: invalid type: null");
    check(r#"{"area_of_interest": {}}"#, "area_of_interest: missing field `volume`");
    check(r#"{"area_of_interest": {"volume": {}}}"#, "area_of_interest.volume: exactly one of");
}

#[test]
fn searches_a_moment_but_puts_none() {
    let moment = with(volume(), "/time_end", time("2026-11-23T18:34:59Z"));
    let before = with(volume(), "/time_end", time("2026-11-23T18:34:58Z"));
    let search = |volume: &Value| json!({"area_of_interest": volume}).to_string();

    let found = constraints::parse_query(search(&moment).as_bytes()).expect("a good request");
    assert_eq!(found.starts_at, found.ends_at);
    assert!(operational_intents::parse_query(search(&moment).as_bytes()).is_ok());
    assert!(subscriptions::parse_query(search(&moment).as_bytes()).is_ok());
    let error = constraints::parse_query(search(&before).as_bytes()).expect_err("swapped");
    assert_eq!(error.to_string(), "area_of_interest.time_end: it is not after time_start");
    let put = json!({"extents": moment, "uss_base_url": URL, "notify_for_constraints": true});
    let error = parse_subscription(&put).expect_err("a subscription lasts");
    assert_eq!(error.to_string(), "extents.time_end: it is not after time_start");
}

#[test]
fn reads_an_availability_as_clients_write_it() {
    let parse = |body: &str| {
        let uss_id = Party::new("uss1").expect("a name");
        uss_availability::parse_put(body.as_bytes(), uss_id)
    };
    let state = |body: &str| parse(body).expect("a good request").availability;

    assert_eq!(state(r#"{"availability": "down"}"#), UssAvailabilityState::Down);
    assert_eq!(state(r#"{"availability": "Normal"}"#), UssAvailabilityState::Normal);
    assert_eq!(state(r#"{"availability": ""}"#), UssAvailabilityState::Unknown);
    let put = parse(r#"{"availability": "Down"}"#).expect("a good request");
    assert_eq!(put.old_version, "");
    assert!(parse(r#"{"availability": "pUrPlE"}"#).is_err());
    assert!(parse("{}").is_err());
    let with_version = |length: usize| {
        let version = "x".repeat(length);
        parse(&json!({"availability": "Down", "old_version": version}).to_string())
    };
    assert!(with_version(128).is_ok());
    let error = with_version(129).expect_err("no version is so long");
    assert_eq!(error.to_string(), "old_version: it is longer than 128 bytes");
}

#[test]
fn bounds_the_id_of_a_report() {
    let report = |length: usize| {
        let exchange = json!({
            "url": URL,
            "method": "GET",
            "recorder_role": "Client",
            "request_time": time("2026-11-23T18:34:59Z"),
        });
        let report = json!({"report_id": "x".repeat(length), "exchange": exchange});
        reports::parse(report.to_string().as_bytes())
    };

    assert!(report(128).is_ok());
    let error = report(129).expect_err("no id is so long");
    assert_eq!(error.to_string(), "report_id: it is longer than 128 bytes");
}

#[test]
fn bounds_the_versions_of_paths() {
    assert_eq!(parse_version(&"x".repeat(128)), Ok("x".repeat(128)));
    assert_eq!(parse_version(&"x".repeat(129)), Err(VersionError::TooLong));
    assert_eq!(parse_version(""), Err(VersionError::Empty));
}

proptest! {
    /// Whatever the bounds of a volume are, they are refused or widened; nothing breaks.
    #[test]
    fn never_breaks_on_bounds(
        lower in -9_000.0..110_000.0,
        upper in prop_oneof![-9_000.0..110_000.0, Just(f64::MAX), Just(f64::MIN_POSITIVE)],
        start in "20[0-9]{2}-0[1-9]-[0-3][0-9]T[0-2][0-9]:00:00(\\.[0-9]{1,16})?(Z|[+-]23:59)",
        lasts in prop_oneof![Just(""), Just("1"), Just("000000000000001")],
    ) {
        let end = if start.contains('.') { start.replacen('.', &format!(".{lasts}"), 1) } else { start.clone() };
        let changed = with(volume(), "/volume/altitude_lower", altitude(lower));
        let changed = with(changed, "/volume/altitude_upper", altitude(upper));
        let changed = with(changed, "/time_start", time(&start));
        let changed = with(changed, "/time_end", time(&end));
        let body = with(operational_intent(), "/extents", json!([changed]));

        if let Ok(put) = parse(&body) {
            prop_assert!(put.extent.starts_at < put.extent.ends_at);
            prop_assert!(put.extent.altitude_lower <= put.extent.altitude_upper);
        }
    }

    /// A good body with a part of it replaced by anything is refused or read; nothing breaks.
    #[test]
    fn never_breaks_on_any_text(
        at in 0.0..1.0,
        length in 0_usize..40,
        replacement in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let good = operational_intent().to_string().into_bytes();
        let from = (at * good.len() as f64) as usize;
        let to = (from + length).min(good.len());
        let body = [&good[..from], &replacement, &good[to..]].concat();

        if let Err(error) = parse_text(&body) {
            prop_assert!(error.to_string().len() < 2_000);
        }
    }
}
