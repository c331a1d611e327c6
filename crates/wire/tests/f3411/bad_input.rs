//! Each field of a put, wrong in each way it can be, in both versions.

use proptest::prelude::*;
use serde_json::{Value, json};
use wire::Schemes;
use wire::f3411::ParseError;
use wire::f3411_19::{identification_service_areas as areas_19, subscriptions as subscriptions_19};
use wire::f3411_22a::{
    identification_service_areas as areas_22a, subscriptions as subscriptions_22a,
};

use crate::{
    URL, altitude, area_target, outline, subscription_target, time, triangle, volume_19,
    volume_22a, with,
};

/// A request whose body may be wrong; all that is the same in both versions is checked in both.
struct Request {
    body: Value,
    parse: fn(&[u8]) -> Result<(), ParseError>,
}

fn area_19() -> Request {
    let parse =
        |body: &[u8]| areas_19::parse_put(body, area_target(), Schemes::HttpsOnly).map(|_| ());
    Request { body: json!({"extents": volume_19(), "flights_url": URL}), parse }
}

fn area_22a() -> Request {
    let parse =
        |body: &[u8]| areas_22a::parse_put(body, area_target(), Schemes::HttpsOnly).map(|_| ());
    Request { body: json!({"extents": volume_22a(), "uss_base_url": URL}), parse }
}

fn subscription_19() -> Request {
    let parse = |body: &[u8]| {
        subscriptions_19::parse_put(body, subscription_target(), Schemes::HttpsOnly).map(|_| ())
    };
    let callbacks = json!({"identification_service_area_url": URL});
    Request { body: json!({"extents": volume_19(), "callbacks": callbacks}), parse }
}

fn subscription_22a() -> Request {
    let parse = |body: &[u8]| {
        subscriptions_22a::parse_put(body, subscription_target(), Schemes::HttpsOnly).map(|_| ())
    };
    Request { body: json!({"extents": volume_22a(), "uss_base_url": URL}), parse }
}

impl Request {
    fn parse(&self, pointer: &str, replacement: Value) -> Result<(), ParseError> {
        let body = with(self.body.clone(), pointer, replacement);
        (self.parse)(body.to_string().as_bytes())
    }

    fn refuses(&self, pointer: &str, replacement: Value, expected: &str) {
        let error = self.parse(pointer, replacement).expect_err(expected).to_string();
        assert!(error.starts_with(expected), "{error}\nfor {pointer} instead of\n{expected}");
    }

    fn accepts(&self, pointer: &str, replacement: Value) {
        if let Err(error) = self.parse(pointer, replacement) {
            panic!("{pointer}: {error}");
        }
    }
}

#[test]
fn refuses_bodies_that_are_no_json_of_the_message() {
    for request in [area_19(), area_22a(), subscription_19(), subscription_22a()] {
        let check = |body: &[u8], expected: &str| {
            let error = (request.parse)(body).expect_err("a malformed body was accepted");
            let error = error.to_string();
            assert!(error.contains(expected), "{error}\ninstead of\n{expected}");
        };
        let good = request.body.to_string();

        assert_eq!((request.parse)(good.as_bytes()), Ok(()));
        check(b"", "the body is empty");
        check(b"null", "invalid type: null");
        check(b"garbage", "expected value");
        check(&good.as_bytes()[..good.len() - 1], "EOF while parsing an object");
        check(format!("{good}{{}}").as_bytes(), "trailing characters");
        check(good.replace("47.0", "NaN").as_bytes(), "expected value");
        check(good.replace("47.0", "1e400").as_bytes(), "number out of range");
        check(good.replace("https", "\\u0000").as_bytes(), "the character U+0000");
        check(&[good.as_bytes(), b"\xff"].concat(), "the body is not UTF-8");
    }
}

#[test]
fn names_the_part_of_a_volume_of_2019_that_is_wrong() {
    for request in [area_19(), subscription_19()] {
        let footprint = "/extents/spatial_volume/footprint";
        let vertices = "extents.spatial_volume.footprint.vertices: ";
        let lowest = "/extents/spatial_volume/altitude_lo";

        request.refuses("/extents", Value::Null, "missing field `extents`");
        request.refuses("/extents", json!([]), "extents: invalid length 0");
        request.refuses("/extents/spatial_volume", Value::Null, "extents: missing field");
        request.refuses(footprint, Value::Null, "extents.spatial_volume: missing field");
        request.refuses(
            &format!("{footprint}/vertices"),
            Value::Null,
            "extents.spatial_volume.footprint: missing field `vertices`",
        );
        request.refuses(&format!("{footprint}/vertices"), json!([]), vertices);
        request.refuses(&format!("{footprint}/vertices/0/lat"), json!(90.1), vertices);
        request.refuses(&format!("{footprint}/vertices/0/lng"), json!(-180.1), vertices);
        request.refuses(
            &format!("{footprint}/vertices/1/lng"),
            Value::Null,
            "extents.spatial_volume.footprint.vertices[1]: missing field `lng`",
        );
        request.refuses(
            &format!("{footprint}/vertices/1"),
            Value::Null,
            "extents.spatial_volume.footprint.vertices[1]: invalid type: null",
        );
        request.refuses(
            lowest,
            json!(120.1),
            "extents.spatial_volume.altitude_lo: it is above altitude_hi",
        );
        let beyond = "extents.spatial_volume.altitude_lo: it is beyond the range of a float";
        for meters in [1e300, -1e300, 2.0 * f64::from(f32::MAX)] {
            request.refuses(lowest, json!(meters), beyond);
        }
        request.refuses(
            "/extents/spatial_volume/altitude_hi",
            json!(1e39),
            "extents.spatial_volume.altitude_hi: it is beyond the range of a float",
        );
        request.accepts(lowest, json!(f32::MIN));
        request.refuses(lowest, altitude(1.0), "extents.spatial_volume.altitude_lo: invalid type");
        request.accepts(lowest, json!(120.0));
        request.accepts(lowest, Value::Null);
        request.refuses("/extents/time_start", time("2026-11-23T18:34:59Z"), "extents.time_start");
    }
}

#[test]
fn names_the_part_of_a_volume_of_2022_that_is_wrong() {
    for request in [area_22a(), subscription_22a()] {
        let circle = "/extents/volume/outline_circle";
        let lower = "/extents/volume/altitude_lower";
        let one_outline = "extents.volume: exactly one of outline_circle and outline_polygon";

        request.refuses("/extents", Value::Null, "missing field `extents`");
        request.refuses("/extents/volume", Value::Null, "extents: missing field `volume`");
        request.refuses(circle, Value::Null, one_outline);
        request.refuses("/extents/volume/outline_polygon", triangle(), one_outline);
        request.refuses(
            &format!("{circle}/center"),
            Value::Null,
            "extents.volume.outline_circle: missing field `center`",
        );
        request.refuses(
            &format!("{circle}/radius/units"),
            json!("FT"),
            "extents.volume.outline_circle.radius.units: unknown variant `FT`",
        );
        request.refuses(
            &format!("{circle}/radius/value"),
            json!(0.0),
            "extents.volume.outline_circle: the radius must be more than 0 m",
        );
        request.refuses(lower, altitude(120.1), "extents.volume.altitude_lower: it is above");
        request.refuses(lower, altitude(-8_000.1), "extents.volume.altitude_lower.value: it is");
        request.refuses(lower, json!(20.0), "extents.volume.altitude_lower: invalid type");
        request.accepts(lower, altitude(-8_000.0));
        request.accepts(lower, Value::Null);
        request.refuses(
            "/extents/time_end/format",
            Value::Null,
            "extents.time_end: missing field `format`",
        );
        request.refuses(
            "/extents/time_start/format",
            json!("RFC3330"),
            "extents.time_start.format: unknown variant",
        );
        request.refuses(
            "/extents/time_start",
            json!("2026-11-23T18:34:59Z"),
            "extents.time_start: invalid type",
        );
    }
}

#[test]
fn names_the_time_that_is_wrong() {
    let check = |request: &Request, moment: fn(&str) -> Value| {
        let not_after = "extents.time_end: it is not after time_start";
        request.refuses("/extents/time_end", moment("2026-11-23T18:34:59.25Z"), not_after);
        request.refuses("/extents/time_end", moment("2026-11-23T18:34:59.2Z"), not_after);
        request.accepts("/extents/time_end", moment("2026-11-23T18:34:59.2500001Z"));
        request.refuses("/extents/time_start", moment("yesterday"), "extents.time_start");
        request.accepts("/extents/time_start", Value::Null);
        request.accepts("/extents/time_end", Value::Null);
    };

    for request in [area_19(), subscription_19()] {
        check(&request, |moment| json!(moment));
    }
    for request in [area_22a(), subscription_22a()] {
        check(&request, time);
    }
}

#[test]
fn names_the_url_that_is_wrong() {
    let callback = "callbacks.identification_service_area_url";
    let cases = [
        (area_19(), "flights_url"),
        (area_22a(), "uss_base_url"),
        (subscription_19(), callback),
        (subscription_22a(), "uss_base_url"),
    ];
    for (request, field) in cases {
        let pointer = format!("/{}", field.replace('.', "/"));
        let refuses = |url: &str, expected: &str| {
            request.refuses(&pointer, json!(url), &format!("{field}: {expected}"));
        };

        refuses("", "it is empty");
        refuses("uss.example.com/rid", "it is no absolute http or https URL");
        refuses("http://uss.example.com", "it must be https");
        refuses("https://user:secret@uss.example.com", "it must not carry a user name");
        refuses("https://uss.example.com?a=b", "it must have neither a query nor a fragment");
        refuses(&format!("https://{}", "x".repeat(2_041)), "it is longer than 2048 bytes");
        request.accepts(&pointer, json!(format!("https://{}", "x".repeat(2_040))));
        request.accepts(&pointer, json!("https://uss.example.com/rid/"));
    }
    area_22a().refuses("/uss_base_url", Value::Null, "missing field `uss_base_url`");
    area_19().refuses("/flights_url", Value::Null, "missing field `flights_url`");
    subscription_19().refuses("/callbacks", Value::Null, "missing field `callbacks`");
    subscription_19().refuses("/callbacks", json!({}), "callbacks: missing field");
}

#[test]
fn takes_http_where_it_is_allowed() {
    let body = json!({"extents": volume_19(), "flights_url": "http://127.0.0.1:8083/flights"});

    let put = areas_19::parse_put(body.to_string().as_bytes(), area_target(), Schemes::HttpAllowed);

    let url = put.expect("a good request").uss_base_url;
    assert_eq!(url.as_str(), "http://127.0.0.1:8083/flights");
}

/// The outlines of both versions, each with where it is.
fn outlines(vertices: &[(f64, f64)]) -> [Result<(), ParseError>; 2] {
    let request = area_22a();
    let body = with(request.body, "/extents/volume/outline_circle", Value::Null);
    let body = with(body, "/extents/volume/outline_polygon", outline(vertices));
    [
        area_19().parse("/extents/spatial_volume/footprint", outline(vertices)),
        (request.parse)(body.to_string().as_bytes()),
    ]
}

#[test]
fn refuses_outlines_that_are_none_or_too_large() {
    let check = |vertices: &[(f64, f64)], too_large: bool| {
        for outcome in outlines(vertices) {
            let error = outcome.expect_err("the outline was accepted");
            assert_eq!(error.is_area_too_large(), too_large, "{error}");
        }
    };

    check(&[], false);
    check(&[(0.0, 0.0), (0.0, 0.1)], false);
    check(&[(0.0, 0.0), (0.0, 0.1), (0.1, 0.0), (0.0, 0.0)], false);
    check(&[(0.0, 0.0), (0.1, 0.1), (0.0, 0.1), (0.1, 0.0)], false);
    check(&[(0.0, 0.0), (5.0, 5.0), (0.0, 5.0), (5.0, 0.0)], false);
    check(&[(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.0)], true);
    check(&[(0.0, 0.0), (0.0, 120.0), (0.0, -120.0)], true);
    assert_eq!(outlines(&[(0.0, 0.0), (0.0, 0.4), (0.4, 0.0)]), [Ok(()), Ok(())]);
    let error = area_22a().parse("/extents/volume/outline_circle/radius/value", json!(57_000.0));
    assert!(error.expect_err("more than 10,000 km2").is_area_too_large());
    area_22a().accepts("/extents/volume/outline_circle/radius/value", json!(56_000.0));
}

#[test]
fn takes_ten_thousand_vertices() {
    let ring = |count: u32| -> Vec<(f64, f64)> {
        (0..count)
            .map(|step| f64::from(step) * std::f64::consts::TAU / f64::from(count))
            .map(|angle| (angle.sin() * 0.1, angle.cos() * 0.1))
            .collect()
    };

    assert_eq!(outlines(&ring(10_000)), [Ok(()), Ok(())]);
    for outcome in outlines(&ring(10_001)) {
        let error = outcome.expect_err("one vertex too many");
        assert!(!error.is_area_too_large(), "{error}");
    }
}

#[test]
fn leaves_altitudes_out_of_what_is_asked_for() {
    let parse = |volume: Value| {
        let body = json!({"extents": volume, "uss_base_url": URL}).to_string();
        subscriptions_22a::parse_put(body.as_bytes(), subscription_target(), Schemes::HttpsOnly)
            .expect("a good request")
    };

    let put = parse(volume_22a());

    assert_eq!(put, parse(with(volume_22a(), "/volume/altitude_upper", altitude(0.0))));
    assert_eq!(put.id, subscription_target().id);
    let lasts =
        put.footprint.ends_at.expect("given").since(put.footprint.starts_at.expect("given"));
    assert_eq!(lasts.as_millis(), 3_599_750);
}

proptest! {
    /// A good body with a part of it replaced by anything is refused or read; nothing breaks.
    #[test]
    fn never_breaks_on_any_text(
        version in 0_usize..4,
        at in 0.0..1.0,
        length in 0_usize..40,
        replacement in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let requests = [area_19, area_22a, subscription_19, subscription_22a];
        let request = requests[version]();
        let good = request.body.to_string().into_bytes();
        let from = (at * good.len() as f64) as usize;
        let to = (from + length).min(good.len());
        let body = [&good[..from], &replacement, &good[to..]].concat();

        if let Err(error) = (request.parse)(&body) {
            prop_assert!(error.to_string().len() < 2_000);
        }
    }
}
