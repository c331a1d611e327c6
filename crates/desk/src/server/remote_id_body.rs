//! The messages of the desk's own API about remote ID, version 1.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use spacetime::{LatLng, Timestamp};
use wire::Rfc3339;
use wire::f3411_22a::uss::flight_details::{OperatorLocation, UaClassificationEu, UasId};
use wire::f3411_22a::uss::flights::{RidOperationalStatus, UaType};

use super::problem::Problem;
use crate::flight::Identification;
use crate::remote_id::look::{SeenFlight, Sight, SilentProvider};
use crate::remote_id::registration::Registration;
use crate::remote_id::state::SeenState;
use crate::remote_id::telemetry::{Accuracy, Telemetry};

/// Who flies; names and form as F3411-22a's `RIDFlightDetails` has them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IdentificationBody {
    #[serde(default)]
    aircraft_type: UaType,
    #[serde(default)]
    uas_id: Option<UasId>,
    #[serde(default)]
    operator_id: String,
    #[serde(default)]
    operator_location: Option<OperatorLocation>,
    #[serde(default)]
    operation_description: String,
    #[serde(default)]
    eu_classification: Option<UaClassificationEu>,
}

/// Tells where a flight is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TelemetryBody {
    time: Rfc3339,
    lat: f64,
    lng: f64,
    #[serde(default)]
    altitude_m: Option<f64>,
    #[serde(default)]
    track_deg: Option<f64>,
    #[serde(default)]
    speed_m_per_s: Option<f64>,
    #[serde(default)]
    climb_m_per_s: Option<f64>,
    #[serde(default)]
    accuracy_horizontal_m: Option<f64>,
    #[serde(default)]
    accuracy_vertical_m: Option<f64>,
    #[serde(default)]
    accuracy_speed_m_per_s: Option<f64>,
    #[serde(default)]
    accuracy_time_s: f64,
}

/// Asks to watch the area between two opposite corners.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WatchRequestBody {
    corners: [PointBody; 2],
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct PointBody {
    lat: f64,
    lng: f64,
}

/// A watch.
#[derive(Serialize)]
pub(super) struct WatchBody {
    id: String,
    corners: Vec<PointBody>,
    /// Until when the hub notifies; absent while it is not known to.
    #[serde(skip_serializing_if = "Option::is_none")]
    subscribed_until: Option<Rfc3339>,
}

/// What is seen in a watched area.
#[derive(Serialize)]
pub(super) struct SightBody {
    time: Rfc3339,
    flights: Vec<SeenFlightBody>,
    silent: Vec<SilentBody>,
}

#[derive(Serialize)]
struct SeenFlightBody {
    id: String,
    owner: String,
    aircraft_type: UaType,
    simulated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<SeenStateBody>,
}

#[derive(Serialize)]
struct SeenStateBody {
    time: Rfc3339,
    age_s: f64,
    lat: f64,
    lng: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    altitude_m: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    track_deg: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speed_m_per_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    climb_m_per_s: Option<f64>,
    extrapolated: bool,
    status: RidOperationalStatus,
}

#[derive(Serialize)]
struct SilentBody {
    owner: String,
    uss_base_url: String,
    why: String,
}

impl From<IdentificationBody> for Identification {
    fn from(body: IdentificationBody) -> Self {
        Identification {
            aircraft_type: body.aircraft_type,
            uas_id: body.uas_id,
            operator_id: body.operator_id,
            operator_location: body.operator_location,
            operation_description: body.operation_description,
            eu_classification: body.eu_classification,
        }
    }
}

impl TelemetryBody {
    /// Returns where the flight is, checked as far as its form goes.
    pub(super) fn read(self) -> Result<Telemetry, Problem> {
        Ok(Telemetry {
            time: self.time.floor(),
            position: PointBody { lat: self.lat, lng: self.lng }.read()?,
            altitude_m: self.altitude_m,
            track_deg: self.track_deg,
            speed_m_per_s: self.speed_m_per_s,
            climb_m_per_s: self.climb_m_per_s,
            accuracy: Accuracy {
                horizontal_m: self.accuracy_horizontal_m,
                vertical_m: self.accuracy_vertical_m,
                speed_m_per_s: self.accuracy_speed_m_per_s,
                time_s: self.accuracy_time_s,
            },
        })
    }
}

impl WatchRequestBody {
    /// Returns the corners, checked as far as their form goes.
    pub(super) fn read(self) -> Result<[LatLng; 2], Problem> {
        let [one, other] = self.corners;
        Ok([one.read()?, other.read()?])
    }
}

impl PointBody {
    fn read(self) -> Result<LatLng, Problem> {
        LatLng::new(self.lat, self.lng)
            .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.to_string()))
    }
}

impl From<LatLng> for PointBody {
    fn from(point: LatLng) -> Self {
        PointBody { lat: point.lat_deg(), lng: point.lng_deg() }
    }
}

impl WatchBody {
    /// Returns the message that tells of a watch; `None` if it is something else.
    pub(super) fn new(registration: &Registration) -> Option<Self> {
        let ends_at = registration.held.as_ref().map(|held| held.ends_at);
        Some(WatchBody {
            id: registration.id.to_string(),
            corners: registration.watched()?.corners().map(PointBody::from).into(),
            subscribed_until: ends_at.map(Timestamp::into),
        })
    }
}

impl From<Sight> for SightBody {
    fn from(sight: Sight) -> Self {
        SightBody {
            time: sight.time.into(),
            flights: sight.flights.into_iter().map(SeenFlightBody::from).collect(),
            silent: sight.silent.into_iter().map(SilentBody::from).collect(),
        }
    }
}

impl From<SeenFlight> for SeenFlightBody {
    fn from(flight: SeenFlight) -> Self {
        SeenFlightBody {
            id: flight.id,
            owner: flight.owner.to_string(),
            aircraft_type: flight.aircraft_type,
            simulated: flight.simulated,
            state: flight.state.map(SeenStateBody::from),
        }
    }
}

impl From<SeenState> for SeenStateBody {
    fn from(state: SeenState) -> Self {
        SeenStateBody {
            time: state.time.into(),
            age_s: state.age.as_secs_f64(),
            lat: state.position.lat_deg(),
            lng: state.position.lng_deg(),
            altitude_m: state.altitude_m,
            track_deg: state.track_deg,
            speed_m_per_s: state.speed_m_per_s,
            climb_m_per_s: state.climb_m_per_s,
            extrapolated: state.extrapolated,
            status: state.status,
        }
    }
}

impl From<SilentProvider> for SilentBody {
    fn from(silent: SilentProvider) -> Self {
        SilentBody {
            owner: silent.owner.to_string(),
            uss_base_url: silent.uss_base_url.as_str().to_owned(),
            why: silent.why,
        }
    }
}
