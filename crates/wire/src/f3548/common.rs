//! Messages that others are made of: times, altitudes, areas, volumes, subscribers.

use airspace::operational_intent::OperationalIntentState;
use airspace::uss_availability::UssAvailabilityState;
use airspace::{SubscriptionId, UssBaseUrl};
use serde::{Deserialize, Serialize};
use spacetime::Timestamp;

use crate::list::Mapped;
use crate::rfc3339::Rfc3339;
use crate::text;

/// A point in time (`Time`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Time {
    /// When.
    pub value: Rfc3339,
    /// How `value` is written.
    pub format: TimeFormat,
}

/// How a time is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimeFormat {
    /// As RFC 3339 says.
    #[default]
    #[serde(rename = "RFC3339")]
    Rfc3339,
}

/// A height (`Altitude`), -8,000 to 100,000 m.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Altitude {
    /// How high, in `units` above `reference`.
    pub value: f64,
    /// What it is measured from.
    pub reference: AltitudeReference,
    /// What it is measured in.
    pub units: LengthUnits,
}

/// What an altitude is measured from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AltitudeReference {
    /// The WGS84 ellipsoid.
    #[default]
    W84,
}

/// What a length is measured in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LengthUnits {
    /// Meters.
    #[default]
    M,
}

/// A point on the earth's surface (`LatLngPoint`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatLngPoint {
    /// Degrees north of the equator.
    pub lat: f64,
    /// Degrees east of the prime meridian.
    pub lng: f64,
}

/// A length (`Radius`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Radius {
    /// How long, in `units`; more than zero.
    pub value: f64,
    /// What it is measured in.
    pub units: LengthUnits,
}

/// A circular area (`Circle`); both fields are required here.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Circle {
    /// Its center.
    pub center: LatLngPoint,
    /// Its radius.
    pub radius: Radius,
}

/// An area inside an outline of great-circle edges (`Polygon`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Polygon {
    /// Its corners, at least three.
    pub vertices: Vec<LatLngPoint>,
}

/// An area from one altitude to another (`Volume3D`); exactly one outline must be given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Volume3D {
    /// A circular outline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outline_circle: Option<Circle>,
    /// A polygonal outline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outline_polygon: Option<Polygon>,
    /// Its lowest altitude.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub altitude_lower: Option<Altitude>,
    /// Its highest altitude.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub altitude_upper: Option<Altitude>,
}

/// A volume for a time (`Volume4D`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Volume4D {
    /// Where.
    pub volume: Volume3D,
    /// From when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_start: Option<Time>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_end: Option<Time>,
}

/// What went wrong (`ErrorResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorResponse {
    /// For a person to read.
    #[serde(default)]
    pub message: String,
}

/// A subscription that prompts a notification, and its index (`SubscriptionState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionState {
    /// Which subscription.
    #[serde(with = "text::required")]
    pub subscription_id: SubscriptionId,
    /// How many notifications it has prompted.
    pub notification_index: u32,
}

/// A USS that must be notified (`SubscriberToNotify`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriberToNotify<L = Vec<SubscriptionState>> {
    /// The subscriptions that prompt it.
    pub subscriptions: L,
    /// Where to notify.
    #[serde(with = "text::required")]
    pub uss_base_url: UssBaseUrl,
}

/// How `UssAvailabilityState` is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "UssAvailabilityState")]
pub(crate) enum UssAvailabilityStateText {
    Unknown,
    Normal,
    Down,
}

/// How `OperationalIntentState` is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "OperationalIntentState")]
pub(crate) enum OperationalIntentStateText {
    Accepted,
    Activated,
    Nonconforming,
    Contingent,
}

/// The subscribers of a view, as they are written.
pub(crate) type Subscribers<'a> = Mapped<
    'a,
    airspace::SubscriberToNotify,
    SubscriberToNotify<Mapped<'a, airspace::SubscriptionState, SubscriptionState>>,
>;

impl From<Timestamp> for Time {
    fn from(time: Timestamp) -> Self {
        Time { value: time.into(), format: TimeFormat::Rfc3339 }
    }
}

impl From<spacetime::Altitude> for Altitude {
    fn from(altitude: spacetime::Altitude) -> Self {
        Altitude {
            value: altitude.as_meters(),
            reference: AltitudeReference::W84,
            units: LengthUnits::M,
        }
    }
}

impl From<&airspace::SubscriptionState> for SubscriptionState {
    fn from(state: &airspace::SubscriptionState) -> Self {
        SubscriptionState {
            subscription_id: state.subscription_id,
            notification_index: state.notification_index,
        }
    }
}

impl<'a> From<&'a airspace::SubscriberToNotify>
    for SubscriberToNotify<Mapped<'a, airspace::SubscriptionState, SubscriptionState>>
{
    fn from(subscriber: &'a airspace::SubscriberToNotify) -> Self {
        SubscriberToNotify {
            subscriptions: Mapped::new(&subscriber.subscriptions),
            uss_base_url: subscriber.uss_base_url.clone(),
        }
    }
}
