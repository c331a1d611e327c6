//! Volumes that no client should put or search: each is refused, and nothing comes of it.
//!
//! What exactly is wrong with a volume is tested in `wire`; here, that each operation asks it.

use serde_json::{Value, json};

use crate::client::{Fixture, ID, with};
use crate::f3548::fixture::{circle_at, constraint, operational_intent, subscription};
use crate::support::ALL_SCOPES;

/// Returns a ring with so few decimals that 100,000 vertices fit into a body.
fn ring(count: u32) -> Value {
    let rounded = |degrees: f64| (degrees * 1e7).round() / 1e7;
    let vertices: Vec<Value> = (0..count)
        .map(|step| f64::from(step) * std::f64::consts::TAU / f64::from(count))
        .map(|angle| json!({"lat": rounded(angle.sin() * 0.1), "lng": rounded(angle.cos() * 0.1)}))
        .collect();
    json!({"vertices": vertices})
}

fn outline(vertices: &[(f64, f64)]) -> Value {
    let vertices: Vec<Value> =
        vertices.iter().map(|(lat, lng)| json!({"lat": lat, "lng": lng})).collect();
    json!({"vertices": vertices})
}

/// Lists changes of a `Volume4D`, each of which spoils it for every operation.
fn spoilt(volume: &Value) -> Vec<(&'static str, Value)> {
    let circle = "/volume/outline_circle";
    let of_circle =
        |pointer: &str, value: Value| with(volume.clone(), &format!("{circle}{pointer}"), value);
    let of_outline = |polygon: Value| {
        with(with(volume.clone(), circle, Value::Null), "/volume/outline_polygon", polygon)
    };
    let altitude =
        |meters: f64, units: &str| json!({"value": meters, "reference": "W84", "units": units});
    let lower = |altitude: Value| with(volume.clone(), "/volume/altitude_lower", altitude);
    let time = |value: &str, format: &str| json!({"value": value, "format": format});
    let ended = with(volume.clone(), "/time_start", time("2027-01-15T09:30:00Z", "RFC3339"));
    vec![
        ("no outline", with(volume.clone(), circle, Value::Null)),
        ("both outlines", with(volume.clone(), "/volume/outline_polygon", ring(4))),
        ("a circle of 0 m", of_circle("/radius/value", json!(0.0))),
        ("a circle without a center", of_circle("/center", Value::Null)),
        ("a circle without a radius", of_circle("/radius", Value::Null)),
        ("a radius in feet", of_circle("/radius/units", json!("FT"))),
        ("a latitude beyond the pole", of_circle("/center/lat", json!(90.5))),
        ("a longitude beyond 180", of_circle("/center/lng", json!(180.5))),
        ("2 vertices", of_outline(ring(2))),
        ("100,000 vertices", of_outline(ring(100_000))),
        ("a vertex twice", of_outline(outline(&[(0.0, 0.0), (0.0, 0.1), (0.1, 0.0), (0.0, 0.0)]))),
        ("crossing edges", of_outline(outline(&[(0.0, 0.0), (0.1, 0.1), (0.0, 0.1), (0.1, 0.0)]))),
        ("a null vertex", of_outline(json!({"vertices": [null, null, null]}))),
        ("an altitude in feet", lower(altitude(0.0, "FT"))),
        ("an altitude below the bounds", lower(altitude(-8_000.5, "M"))),
        ("inverted altitudes", lower(altitude(99_999.0, "M"))),
        ("a time that is none", with(volume.clone(), "/time_end", time("tomorrow", "RFC3339"))),
        ("a time of another format", with(volume.clone(), "/time_end", time("0", "UNIX"))),
        ("swapped times", with(ended, "/time_end", time("2027-01-15T09:00:00Z", "RFC3339"))),
    ]
}

/// Returns every operation that takes a volume, with a good body and where its volume is.
fn operations() -> [(&'static str, String, Value, &'static str); 6] {
    let volume = subscription()["extents"].clone();
    let search = || with(circle_at(47.0), "/area_of_interest", volume.clone());
    let path = |noun: &str, last: &str| format!("/dss/v1/{noun}/{last}");
    [
        ("POST", path("operational_intent_references", "query"), search(), "/area_of_interest"),
        ("POST", path("constraint_references", "query"), search(), "/area_of_interest"),
        ("POST", path("subscriptions", "query"), search(), "/area_of_interest"),
        ("PUT", path("operational_intent_references", ID), operational_intent(), "/extents/0"),
        ("PUT", path("constraint_references", ID), constraint(), "/extents/0"),
        ("PUT", path("subscriptions", ID), subscription(), "/extents"),
    ]
}

/// Returns the body with its volume replaced; lists keep their other elements.
fn with_volume(mut body: Value, pointer: &str, volume: Value) -> Value {
    *body.pointer_mut(pointer).expect("the volume is there") = volume;
    body
}

#[tokio::test]
async fn are_refused_by_every_operation() {
    let hub = Fixture::start().await;
    let uss1 = hub.party("uss1", ALL_SCOPES);

    for (method, path, body, pointer) in operations() {
        let good = body.pointer(pointer).expect("the volume is there").clone();
        for (what, volume) in spoilt(&good) {
            let spoilt = with_volume(body.clone(), pointer, volume);
            let answer = uss1.send(method, &path, Some(&spoilt)).await;

            assert_eq!(answer.status, 400, "{method} {path} with {what}: {}", answer.text());
            answer.expect(400);
        }
        let answer = uss1.send(method, &path, Some(&body)).await;
        assert!(answer.status < 300, "{method} {path}: {}", answer.text());
    }
}

#[tokio::test]
async fn that_are_too_large_are_told_apart_by_some_searches_only() {
    let hub = Fixture::start().await;
    let uss1 = hub.party("uss1", ALL_SCOPES);
    let statuses = [400, 413, 413, 400, 400, 400];

    for ((method, path, body, pointer), status) in operations().into_iter().zip(statuses) {
        let radius = format!("{pointer}/volume/outline_circle/radius/value");
        let large = with(body, &radius, json!(10_000_000.0));

        uss1.send(method, &path, Some(&large)).await.expect(status);
    }
}

#[tokio::test]
async fn that_last_no_time_are_searched_but_not_put() {
    let hub = Fixture::start().await;
    let uss1 = hub.party("uss1", ALL_SCOPES);
    let statuses = [200, 200, 200, 400, 400, 400];

    for ((method, path, body, pointer), status) in operations().into_iter().zip(statuses) {
        let volume = body.pointer(pointer).expect("the volume is there").clone();
        let end = volume["time_end"].clone();
        let moment = with_volume(body, pointer, with(volume, "/time_start", end));

        uss1.send(method, &path, Some(&moment)).await.expect(status);
    }
}

#[tokio::test]
async fn without_times_or_altitudes_are_refused_where_they_are_mandatory() {
    let hub = Fixture::start().await;
    let uss1 = hub.party("uss1", ALL_SCOPES);
    let volume = operational_intent()["extents"][0].clone();
    let put = |noun: &str, body: Value, missing: &str| {
        let path = format!("/dss/v1/{noun}/{ID}");
        let body = with_volume(body, "/extents/0", with(volume.clone(), missing, Value::Null));
        let uss1 = uss1.clone();
        async move { uss1.put(&path, &body).await }
    };

    for field in ["/time_start", "/time_end", "/volume/altitude_lower", "/volume/altitude_upper"] {
        put("operational_intent_references", operational_intent(), field).await.expect(400);
    }
    for field in ["/time_start", "/time_end"] {
        put("constraint_references", constraint(), field).await.expect(400);
    }
    put("constraint_references", constraint(), "/volume/altitude_lower").await.expect(201);
}
