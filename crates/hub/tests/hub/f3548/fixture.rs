//! Good bodies.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support;

pub(crate) const URL: &str = "https://uss.example.com/utm";

fn time(after: Duration) -> Value {
    json!({"value": support::time(after), "format": "RFC3339"})
}

fn altitude(meters: f64) -> Value {
    json!({"value": meters, "reference": "W84", "units": "M"})
}

fn circle(lat: f64, radius_m: f64) -> Value {
    json!({"center": {"lat": lat, "lng": 8.0}, "radius": {"value": radius_m, "units": "M"}})
}

/// Returns a volume that begins now and lasts an hour.
fn volume() -> Value {
    json!({
        "volume": {
            "outline_circle": circle(47.0, 300.0),
            "altitude_lower": altitude(0.0),
            "altitude_upper": altitude(120.0),
        },
        "time_start": time(Duration::ZERO),
        "time_end": time(Duration::from_hours(1)),
    })
}

pub(crate) fn operational_intent() -> Value {
    json!({
        "extents": [volume()],
        "state": "Accepted",
        "uss_base_url": URL,
        "new_subscription": {"uss_base_url": URL},
    })
}

pub(crate) fn constraint() -> Value {
    json!({"extents": [volume()], "uss_base_url": URL})
}

pub(crate) fn subscription() -> Value {
    json!({
        "extents": volume(),
        "uss_base_url": URL,
        "notify_for_operational_intents": true,
        "notify_for_constraints": false,
    })
}

pub(crate) fn report() -> Value {
    json!({
        "exchange": {
            "url": "https://uss.example.com/utm/uss/v1/operational_intents",
            "method": "POST",
            "headers": ["Authorization: Bearer secret", "Host: uss.example.com"],
            "recorder_role": "Client",
            "request_time": {"value": "2027-01-15T07:59:00Z", "format": "RFC3339"},
            "request_source": "uss1",
            "response_code": 500,
        },
    })
}

/// Returns a search around a place, at any time and altitude.
pub(crate) fn circle_at(lat: f64) -> Value {
    json!({"area_of_interest": {"volume": {"outline_circle": circle(lat, 500.0)}}})
}

/// Returns a search of a circle of 10,000 km.
pub(crate) fn large_circle() -> Value {
    json!({"area_of_interest": {"volume": {"outline_circle": circle(47.0, 1e7)}}})
}
