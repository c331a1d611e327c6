//! Messages of F3411-19 and F3411-22a: what is read, what is refused and what is written.

use airspace::{EntityId, SubscriptionId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wire::f3411::PutTarget;

mod bad_input;
mod flights;
mod messages;
mod recorded;
mod rendering;
mod search;

const ID: &str = "2f8343be-6482-4d1b-a474-16847e01af1e";
const URL: &str = "https://uss.example.com/rid";

fn area_target() -> PutTarget<EntityId> {
    PutTarget { id: EntityId::parse(ID).expect("an id"), version: None }
}

fn subscription_target() -> PutTarget<SubscriptionId> {
    PutTarget { id: SubscriptionId::parse(ID).expect("an id"), version: None }
}

fn time(value: &str) -> Value {
    json!({"value": value, "format": "RFC3339"})
}

fn altitude(meters: f64) -> Value {
    json!({"value": meters, "reference": "W84", "units": "M"})
}

fn outline(vertices: &[(f64, f64)]) -> Value {
    let vertices: Vec<Value> =
        vertices.iter().map(|(lat, lng)| json!({"lat": lat, "lng": lng})).collect();
    json!({"vertices": vertices})
}

fn triangle() -> Value {
    outline(&[(47.0, 8.0), (47.0, 8.1), (47.1, 8.0)])
}

/// A volume as F3411-19 writes it.
fn volume_19() -> Value {
    json!({
        "spatial_volume": {"footprint": triangle(), "altitude_lo": -12.25, "altitude_hi": 120.0},
        "time_start": "2026-11-23T18:34:59.25Z",
        "time_end": "2026-11-23T19:34:59Z",
    })
}

/// A volume as F3411-22a writes it.
fn volume_22a() -> Value {
    json!({
        "volume": {
            "outline_circle": {
                "center": {"lat": 47.0, "lng": 8.0},
                "radius": {"value": 300.0, "units": "M"},
            },
            "altitude_lower": altitude(-12.25),
            "altitude_upper": altitude(120.0),
        },
        "time_start": time("2026-11-23T18:34:59.25Z"),
        "time_end": time("2026-11-23T19:34:59Z"),
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

/// Reads a message and writes it again.
fn rewrite<T: Serialize + DeserializeOwned>(message: &Value) -> Value {
    let read: T = wire::parse(message.to_string().as_bytes()).expect("a well-formed message");
    serde_json::from_slice(&wire::render(&read)).expect("JSON was written")
}
