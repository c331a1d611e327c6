//! Where a vehicle is that does not conform, from its manager's USS.

use airspace::EntityId;
use serde::{Deserialize, Serialize};

use crate::f3548::common::{Altitude, Time};
use crate::text;

/// Answers with where a vehicle is (`GetOperationalIntentTelemetryResponse`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GetOperationalIntentTelemetryResponse {
    /// The operational intent that it flies.
    #[serde(with = "text::required")]
    pub operational_intent_id: EntityId,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telemetry: Option<VehicleTelemetry>,
    /// When it is worth asking again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_telemetry_opportunity: Option<Time>,
}

/// Where a vehicle is and how it moves (`VehicleTelemetry`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VehicleTelemetry {
    /// When this was so.
    pub time_measured: Time,
    /// Where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// How it moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub velocity: Option<Velocity>,
}

/// Where a vehicle is (`Position`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Degrees east of the prime meridian.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longitude: Option<f64>,
    /// Degrees north of the equator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latitude: Option<f64>,
    /// How far off it may be to the side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy_h: Option<PositionAccuracyHorizontal>,
    /// How far off it may be up and down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy_v: Option<PositionAccuracyVertical>,
    /// Whether it was computed rather than measured.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub extrapolated: bool,
    /// How high.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub altitude: Option<Altitude>,
}

/// How a vehicle moves (`Velocity`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Velocity {
    /// How fast over ground, in `units_speed`.
    pub speed: f64,
    /// What it is measured in.
    pub units_speed: SpeedUnits,
    /// Where to, in degrees clockwise from true north; 360 is unknown.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub track: f64,
}

/// What a speed is measured in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpeedUnits {
    /// Meters a second.
    #[default]
    MetersPerSecond,
}

/// How far off a position may be up and down (`PositionAccuracyVertical`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PositionAccuracyVertical {
    /// Nobody knows.
    #[default]
    #[serde(rename = "VAUnknown")]
    Unknown,
    /// 150 m or more.
    #[serde(rename = "VA150mPlus")]
    Meters150Plus,
    /// Less than 150 m.
    #[serde(rename = "VA150m")]
    Meters150,
    /// Less than 45 m.
    #[serde(rename = "VA45m")]
    Meters45,
    /// Less than 25 m.
    #[serde(rename = "VA25m")]
    Meters25,
    /// Less than 10 m.
    #[serde(rename = "VA10m")]
    Meters10,
    /// Less than 3 m.
    #[serde(rename = "VA3m")]
    Meters3,
    /// Less than 1 m.
    #[serde(rename = "VA1m")]
    Meters1,
}

/// How far off a position may be to the side (`PositionAccuracyHorizontal`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PositionAccuracyHorizontal {
    /// Nobody knows.
    #[default]
    #[serde(rename = "HAUnknown")]
    Unknown,
    /// 10 nautical miles or more.
    #[serde(rename = "HA10NMPlus")]
    NauticalMiles10Plus,
    /// Less than 10 nautical miles.
    #[serde(rename = "HA10NM")]
    NauticalMiles10,
    /// Less than 4 nautical miles.
    #[serde(rename = "HA4NM")]
    NauticalMiles4,
    /// Less than 2 nautical miles.
    #[serde(rename = "HA2NM")]
    NauticalMiles2,
    /// Less than 1 nautical mile.
    #[serde(rename = "HA1NM")]
    NauticalMiles1,
    /// Less than 0.5 nautical miles.
    #[serde(rename = "HA05NM")]
    NauticalMiles05,
    /// Less than 0.3 nautical miles.
    #[serde(rename = "HA03NM")]
    NauticalMiles03,
    /// Less than 0.1 nautical miles.
    #[serde(rename = "HA01NM")]
    NauticalMiles01,
    /// Less than 0.05 nautical miles.
    #[serde(rename = "HA005NM")]
    NauticalMiles005,
    /// Less than 30 m.
    #[serde(rename = "HA30m")]
    Meters30,
    /// Less than 10 m.
    #[serde(rename = "HA10m")]
    Meters10,
    /// Less than 3 m.
    #[serde(rename = "HA3m")]
    Meters3,
    /// Less than 1 m.
    #[serde(rename = "HA1m")]
    Meters1,
}
