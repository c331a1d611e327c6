//! Flights and where they are, from their service provider (F3411-22a).

use std::num::NonZeroU32;

use serde::{Deserialize, Deserializer, Serialize};

use crate::f3411_22a::uss::flight_id::RidFlightId;
use crate::f3411_22a::uss::quantity::{
    self, Distance, Height, Latitude, Longitude, Speed, TimestampAccuracy, Track, VerticalSpeed,
};
use crate::f3548::common::{Time, Volume4D};
use crate::f3548::uss::telemetry::{PositionAccuracyHorizontal, PositionAccuracyVertical};
use crate::text;

/// Answers with the flights of a view (`GetFlightsResponse`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GetFlightsResponse {
    /// When this was so, by the clock of the service provider.
    pub timestamp: Time,
    /// All flights that were in the view not long ago.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub flights: Vec<RidFlight>,
    /// Whether no identification service area of the service provider meets the view, so that it
    /// need not be asked again until the DSS tells of one.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub no_isas_present: bool,
}

/// A flight (`RIDFlight`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RidFlight {
    /// Which one.
    #[serde(with = "text::required")]
    pub id: RidFlightId,
    /// What kind of aircraft it is.
    pub aircraft_type: UaType,
    /// Where it last was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_state: Option<RidAircraftState>,
    /// Where it may be; only for a flight that never tells where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operating_area: Option<OperatingArea>,
    /// Whether no aircraft flies: it tests the system.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub simulated: bool,
    /// Where it was before; given if and only if recent positions were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recent_positions: Option<Vec<RidRecentAircraftPosition>>,
}

/// Where an aircraft is and how it moves (`RIDAircraftState`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RidAircraftState {
    /// When this was so.
    pub timestamp: Time,
    /// How far off `timestamp` may be for what follows, in seconds.
    #[serde(deserialize_with = "quantity::required::<TimestampAccuracy, _>")]
    pub timestamp_accuracy: f64,
    /// Whether it flies.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub operational_status: RidOperationalStatus,
    /// Where it was.
    pub position: RidAircraftPosition,
    /// Where to it moved, in degrees clockwise from true north; 361 is unknown, or no movement.
    #[serde(default = "quantity::default::<Track>")]
    #[serde(deserialize_with = "quantity::optional::<Track, _>")]
    pub track: f64,
    /// How fast it moved over ground, in meters a second; 255 is unknown.
    #[serde(default = "quantity::default::<Speed>")]
    #[serde(deserialize_with = "quantity::optional::<Speed, _>")]
    pub speed: f64,
    /// How far off `speed` may be.
    pub speed_accuracy: SpeedAccuracy,
    /// How fast it climbed, in meters a second; 63 is unknown.
    #[serde(default = "quantity::default::<VerticalSpeed>")]
    #[serde(deserialize_with = "quantity::optional::<VerticalSpeed, _>")]
    pub vertical_speed: f64,
}

/// Where an aircraft is (`RIDAircraftPosition`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RidAircraftPosition {
    /// Degrees north of the equator; unknown if this and `lng` are 0.
    #[serde(default, deserialize_with = "quantity::optional::<Latitude, _>")]
    pub lat: f64,
    /// Degrees east of the prime meridian.
    #[serde(default, deserialize_with = "quantity::optional::<Longitude, _>")]
    pub lng: f64,
    /// Meters above the WGS84 ellipsoid; -1000 is unknown.
    #[serde(default = "quantity::default::<Height>")]
    #[serde(deserialize_with = "quantity::optional::<Height, _>")]
    pub alt: f64,
    /// How far off it may be to the side.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub accuracy_h: HorizontalAccuracy,
    /// How far off it may be up and down.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub accuracy_v: VerticalAccuracy,
    /// Whether it was computed rather than measured.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub extrapolated: bool,
    /// Meters by a barometer set to 1013.25 hPa; -1000 is unknown.
    #[serde(default = "quantity::default::<Height>")]
    #[serde(deserialize_with = "quantity::optional::<Height, _>")]
    pub pressure_altitude: f64,
    /// How high above something else it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<RidHeight>,
}

/// Where an aircraft was (`RIDRecentAircraftPosition`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RidRecentAircraftPosition {
    /// When.
    pub time: Time,
    /// Where.
    pub position: RidAircraftPosition,
}

/// How high an aircraft is above something (`RIDHeight`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RidHeight {
    /// Meters above `reference`; -1000 is unknown.
    #[serde(default, deserialize_with = "quantity::optional::<Distance, _>")]
    pub distance: f64,
    /// What it is measured from.
    pub reference: RidHeightReference,
}

/// What a height is measured from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RidHeightReference {
    /// Where the aircraft took off.
    TakeoffLocation,
    /// The ground below it.
    GroundLevel,
}

/// Where aircraft are that tell no position (`OperatingArea`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OperatingArea {
    /// How many there are, at least one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(deserialize_with = "at_least_one")]
    pub aircraft_count: Option<u32>,
    /// Where and when; times must be given.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub volumes: Vec<Volume4D>,
}

/// What kind of aircraft flies (`UAType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum UaType {
    /// Nobody says.
    #[default]
    NotDeclared,
    /// With fixed wings.
    Aeroplane,
    /// With one rotor or many.
    Helicopter,
    /// With a rotor that the wind turns.
    Gyroplane,
    /// With fixed wings, but it takes off vertically.
    HybridLift,
    /// With wings that flap.
    Ornithopter,
    /// Without an engine.
    Glider,
    /// At a line, carried by the wind.
    Kite,
    /// A balloon that drifts.
    FreeBalloon,
    /// A balloon at a line.
    CaptiveBalloon,
    /// A balloon that is steered.
    Airship,
    /// Something that falls, with or without a parachute.
    FreeFallOrParachute,
    /// A rocket.
    Rocket,
    /// With an engine and at a line.
    TetheredPoweredAircraft,
    /// Something on the ground.
    GroundObstacle,
    /// Nothing of the above.
    Other,
}

/// Whether an aircraft flies (`RIDOperationalStatus`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RidOperationalStatus {
    /// Nobody says.
    #[default]
    Undeclared,
    /// It is on the ground.
    Ground,
    /// It flies.
    Airborne,
    /// It is in distress.
    Emergency,
    /// What tells of it has failed.
    #[serde(rename = "RemoteIDSystemFailure")]
    RemoteIdSystemFailure,
}

/// How far off a speed may be (`SpeedAccuracy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpeedAccuracy {
    /// Nobody knows.
    #[default]
    #[serde(rename = "SAUnknown")]
    Unknown,
    /// 10 m/s or more.
    #[serde(rename = "SA10mpsPlus")]
    MetersPerSecond10Plus,
    /// Less than 10 m/s.
    #[serde(rename = "SA10mps")]
    MetersPerSecond10,
    /// Less than 3 m/s.
    #[serde(rename = "SA3mps")]
    MetersPerSecond3,
    /// Less than 1 m/s.
    #[serde(rename = "SA1mps")]
    MetersPerSecond1,
    /// Less than 0.3 m/s.
    #[serde(rename = "SA03mps")]
    MetersPerSecond03,
}

/// How far off a position may be to the side (`HorizontalAccuracy`); as in F3548-21.
pub type HorizontalAccuracy = PositionAccuracyHorizontal;

/// How far off a position may be up and down (`VerticalAccuracy`); as in F3548-21.
pub type VerticalAccuracy = PositionAccuracyVertical;

impl Default for RidAircraftPosition {
    /// Returns a position of which nothing is known.
    fn default() -> Self {
        RidAircraftPosition {
            lat: quantity::default::<Latitude>(),
            lng: quantity::default::<Longitude>(),
            alt: quantity::default::<Height>(),
            accuracy_h: HorizontalAccuracy::default(),
            accuracy_v: VerticalAccuracy::default(),
            extrapolated: false,
            pressure_altitude: quantity::default::<Height>(),
            height: None,
        }
    }
}

fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let count: Option<NonZeroU32> = Option::deserialize(deserializer)?;
    Ok(count.map(NonZeroU32::get))
}
