//! Each field of a request, wrong in each way it can be.

use serde_json::{Value, json};

use crate::{ID, altitude, operational_intent, parse, polygon, refusal, time, volume, with};

const CIRCLE: &str = "/extents/0/volume/outline_circle";
const LOWER: &str = "/extents/0/volume/altitude_lower";
const UPPER: &str = "/extents/0/volume/altitude_upper";

fn check(pointer: &str, replacement: Value, expected: &str) {
    let refusal = refusal(pointer, replacement);
    assert!(refusal.starts_with(expected), "{refusal}\nfor {pointer} instead of\n{expected}");
}

#[test]
fn names_the_part_of_a_volume_that_is_wrong() {
    check("/extents", Value::Null, "missing field `extents`");
    check("/extents", json!([]), "extents: at least one volume must be given");
    check("/extents", volume(), "extents: invalid type: map, expected a sequence");
    check("/extents/0", Value::Null, "extents[0]: invalid type: null");
    check("/extents/0/volume", Value::Null, "extents[0]: missing field `volume`");
    check(
        CIRCLE,
        Value::Null,
        "extents[0].volume: exactly one of outline_circle and outline_polygon must be given",
    );
    check(
        "/extents/0/volume/outline_polygon",
        polygon(&[(0.0, 0.0), (0.0, 0.1), (0.1, 0.0)]),
        "extents[0].volume: exactly one of outline_circle and outline_polygon must be given",
    );
    check(
        &format!("{CIRCLE}/center"),
        Value::Null,
        "extents[0].volume.outline_circle: missing field `center`",
    );
    check(
        &format!("{CIRCLE}/radius"),
        Value::Null,
        "extents[0].volume.outline_circle: missing field `radius`",
    );
    check(
        &format!("{CIRCLE}/radius/units"),
        Value::Null,
        "extents[0].volume.outline_circle.radius: missing field `units`",
    );
    check(
        &format!("{CIRCLE}/radius/units"),
        json!("FT"),
        "extents[0].volume.outline_circle.radius.units: unknown variant `FT`, expected `M`",
    );
    check(
        &format!("{CIRCLE}/radius/value"),
        json!(0.0),
        "extents[0].volume.outline_circle: the radius must be more than 0 m",
    );
    check(
        &format!("{CIRCLE}/radius/value"),
        json!(-1.0),
        "extents[0].volume.outline_circle: the radius must be more than 0 m",
    );
    check(
        &format!("{CIRCLE}/center/lat"),
        json!(90.1),
        "extents[0].volume.outline_circle: latitude 90.1",
    );
    check(
        &format!("{CIRCLE}/center/lng"),
        json!(-180.1),
        "extents[0].volume.outline_circle: longitude -180.1",
    );
}

#[test]
fn names_the_altitude_that_is_wrong() {
    check(LOWER, Value::Null, "extents[0].volume.altitude_lower: it must be given");
    check(UPPER, Value::Null, "extents[0].volume.altitude_upper: it must be given");
    check(LOWER, altitude(121.0), "extents[0].volume.altitude_lower: it is above altitude_upper");
    check(
        LOWER,
        altitude(-8000.1),
        "extents[0].volume.altitude_lower.value: it is not between -8000 and 100000",
    );
    check(
        UPPER,
        altitude(100_000.1),
        "extents[0].volume.altitude_upper.value: it is not between -8000 and 100000",
    );
    check(
        &format!("{LOWER}/units"),
        json!("FT"),
        "extents[0].volume.altitude_lower.units: unknown variant `FT`, expected `M`",
    );
    check(
        &format!("{LOWER}/reference"),
        json!("SFC"),
        "extents[0].volume.altitude_lower.reference: unknown variant `SFC`, expected `W84`",
    );
    check(
        &format!("{LOWER}/reference"),
        Value::Null,
        "extents[0].volume.altitude_lower: missing field `reference`",
    );
}

#[test]
fn names_the_time_that_is_wrong() {
    check("/extents/0/time_start", Value::Null, "extents[0].time_start: it must be given");
    check("/extents/0/time_end", Value::Null, "extents[0].time_end: it must be given");
    check(
        "/extents/0/time_start/format",
        Value::Null,
        "extents[0].time_start: missing field `format`",
    );
    check(
        "/extents/0/time_end/format",
        json!("RFC3330"),
        "extents[0].time_end.format: unknown variant `RFC3330`, expected `RFC3339`",
    );
    check(
        "/extents/0/time_start/value",
        json!("something-invalid"),
        "extents[0].time_start.value: it is not an RFC 3339 time",
    );
    check(
        "/extents/0/time_end",
        time("2026-11-23T18:34:59Z"),
        "extents[0].time_end: it is not after time_start",
    );
    check(
        "/extents/0/time_end",
        time("2026-11-23T18:34:58Z"),
        "extents[0].time_end: it is not after time_start",
    );
}

#[test]
fn names_the_other_field_that_is_wrong() {
    check("/state", Value::Null, "missing field `state`");
    check("/state", json!("Ended"), "state: unknown variant `Ended`");
    check("/state", json!("Activated"), "state: an operational intent is created as Accepted");
    check("/uss_base_url", Value::Null, "missing field `uss_base_url`");
    check("/uss_base_url", json!(""), "uss_base_url: it is empty");
    check("/uss_base_url", json!("uss.example.com"), "uss_base_url: it is no absolute http");
    check("/uss_base_url", json!("http://uss.example.com"), "uss_base_url: it must be https");
    check("/uss_base_url", json!("https://a\u{1}b"), "uss_base_url: it holds a control character");
    check("/uss_base_url", json!("https://a\u{0}b"), "the body holds a text with the character");
    check(
        "/new_subscription/uss_base_url",
        json!("http://uss.example.com"),
        "new_subscription.uss_base_url: it must be https",
    );
    check(
        "/new_subscription/uss_base_url",
        Value::Null,
        "new_subscription: missing field `uss_base_url`",
    );
    check("/subscription_id", json!(ID), "subscription_id: it must not be given together");
    check("/subscription_id", json!("a0"), "subscription_id: it is not a UUID");
    check(
        "/subscription_id",
        json!("0192f3a0-0000-7000-8000-000000000001"),
        "subscription_id: it is not a version 4 UUID",
    );
    check("/requested_ovn_suffix", json!(ID), "requested_ovn_suffix: it is not a version 7 UUID");
    check("/key", json!([null]), "key[0]: invalid type: null, expected a text");
    check("/key", json!("ovn"), "key: invalid type: string \"ovn\", expected a list of texts");
}

#[test]
fn names_the_volume_that_is_wrong() {
    let body = with(
        operational_intent(),
        "/extents",
        json!([volume(), with(volume(), "/time_end", Value::Null)]),
    );

    let error = parse(&body).expect_err("the second volume has no end");

    assert_eq!(error.to_string(), "extents[1].time_end: it must be given");
}
