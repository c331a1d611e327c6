//! The messages of the desk's own API, version 1.

use std::collections::BTreeSet;

use airspace::EntityId;
use airspace::operational_intent::OperationalIntentState;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use spacetime::{LatLng, Volume};
use wire::Rfc3339;
use wire::f3548::common::Volume4D;
use wire::f3548::uss::constraints::{ConstraintDetails, GeoZone};

use super::problem::Problem;
use super::remote_id_body::IdentificationBody;
use crate::entity::{Entity, Known};
use crate::flight::{
    Bounds, Conflict, Course, EntityKind, Flight, FlightRequest, Identification, LowerPriority,
    PathPoint, Report, Resolution,
};
use crate::wish::check_counts;

/// Asks for a flight: a path with buffers, or volumes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FlightRequestBody {
    #[serde(default)]
    path: Option<Vec<PathPointBody>>,
    #[serde(default)]
    buffer_lateral_m: Option<f64>,
    #[serde(default)]
    buffer_vertical_m: Option<f64>,
    #[serde(default)]
    volumes: Option<Vec<Volume4D>>,
    #[serde(default)]
    delay_s_max: u32,
    #[serde(default)]
    delay_s_step: u32,
    #[serde(default)]
    altitude_m_min: f64,
    #[serde(default)]
    altitude_m_max: f64,
    #[serde(default)]
    altitude_m_step: f64,
    #[serde(default)]
    priority: i32,
    #[serde(default)]
    lower_priority: LowerPriorityBody,
    #[serde(default)]
    allowed_constraints: Vec<String>,
    #[serde(default)]
    identification: Option<IdentificationBody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PathPointBody {
    lat: f64,
    lng: f64,
    altitude_m: f64,
    time: Rfc3339,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LowerPriorityBody {
    #[default]
    Avoid,
    Override,
}

/// Asks for a constraint.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConstraintRequestBody {
    volumes: Vec<Volume4D>,
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    geozone: Option<GeoZone>,
}

/// A flight; its volumes only where it is told of alone.
#[derive(Debug, Serialize)]
pub(super) struct FlightBody {
    id: String,
    state: &'static str,
    version: u32,
    priority: i32,
    delay_s: u32,
    climb_m: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_start: Option<Rfc3339>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_end: Option<Rfc3339>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volumes: Option<Vec<Volume4D>>,
}

/// A constraint.
#[derive(Debug, Serialize)]
pub(super) struct ConstraintBody {
    id: String,
    version: u32,
    time_start: Rfc3339,
    time_end: Rfc3339,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volumes: Option<Vec<Volume4D>>,
}

/// How planning went.
#[derive(Debug, Serialize)]
pub(super) struct ReportBody {
    resolution: &'static str,
    delay_s: u32,
    climb_m: f64,
    attempts: u32,
    conflicts: Vec<ConflictBody>,
}

#[derive(Debug, Serialize)]
struct ConflictBody {
    kind: &'static str,
    id: String,
    manager: String,
    version: u32,
    ours: Volume4D,
    theirs: Volume4D,
}

/// A flight that was taken, and how planning it went.
#[derive(Debug, Serialize)]
pub(super) struct FlownBody {
    pub(super) flight: FlightBody,
    pub(super) report: ReportBody,
}

/// Whether volumes are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Volumes {
    /// They are.
    Told,
    /// They are not: in lists.
    Left,
}

impl FlightRequestBody {
    /// Returns the request, checked as far as its form goes.
    pub(super) fn read(self) -> Result<FlightRequest, Problem> {
        let bounds = Bounds {
            delay_s_max: self.delay_s_max,
            delay_s_step: self.delay_s_step,
            altitude_m_min: self.altitude_m_min,
            altitude_m_max: self.altitude_m_max,
            altitude_m_step: self.altitude_m_step,
        };
        let mut allowed_constraints = BTreeSet::new();
        for (index, id) in self.allowed_constraints.iter().enumerate() {
            let id = EntityId::parse(id)
                .map_err(|error| bad(format!("allowed_constraints[{index}]: {error}")))?;
            allowed_constraints.insert(id);
        }
        let course = match (self.path, self.volumes) {
            (Some(path), None) => Course::Path {
                points: read_path(&path)?,
                buffer_lateral_m: self.buffer_lateral_m.ok_or_else(|| missing_buffer("lateral"))?,
                buffer_vertical_m: self
                    .buffer_vertical_m
                    .ok_or_else(|| missing_buffer("vertical"))?,
            },
            (None, Some(volumes)) => Course::Volumes(read_volumes(&volumes)?),
            (None, None) | (Some(_), Some(_)) => {
                return Err(bad("path: exactly one of path and volumes must be given"));
            }
        };
        let lower_priority = match self.lower_priority {
            LowerPriorityBody::Avoid => LowerPriority::Avoid,
            LowerPriorityBody::Override => LowerPriority::Override,
        };
        Ok(FlightRequest {
            course,
            bounds,
            priority: self.priority,
            lower_priority,
            allowed_constraints,
            identification: self.identification.map(Identification::from).unwrap_or_default(),
        })
    }
}

impl ConstraintRequestBody {
    /// Returns the details to be put.
    pub(super) fn read(self) -> Result<ConstraintDetails, Problem> {
        let volumes = read_volumes(&self.volumes)?;
        check_counts(&volumes).map_err(|error| bad(error.to_string()))?;
        Ok(ConstraintDetails { volumes: self.volumes, kind: self.kind, geozone: self.geozone })
    }
}

impl FlightBody {
    /// Returns the message that tells of a flight.
    pub(super) fn new(flight: &Flight, volumes: Volumes) -> Self {
        FlightBody {
            id: flight.id.to_string(),
            state: match flight.state {
                OperationalIntentState::Accepted => "accepted",
                OperationalIntentState::Activated => "activated",
                OperationalIntentState::Nonconforming => "nonconforming",
                OperationalIntentState::Contingent => "contingent",
            },
            version: flight.version,
            priority: flight.priority,
            delay_s: flight.delay_s,
            climb_m: flight.climb_m,
            time_start: flight.volumes.iter().filter_map(Volume::starts_at).min().map(Into::into),
            time_end: flight.volumes.iter().filter_map(Volume::ends_at).max().map(Into::into),
            volumes: (volumes == Volumes::Told)
                .then(|| flight.volumes.iter().map(Volume4D::from).collect()),
        }
    }
}

impl ConstraintBody {
    /// Returns the message that tells of a constraint; `None` if it is something else.
    pub(super) fn new(known: &Known, volumes: Volumes) -> Option<Self> {
        let Entity::Constraint(constraint) = &known.entity else {
            return None;
        };
        Some(ConstraintBody {
            id: constraint.reference.id.to_string(),
            version: constraint.reference.version,
            time_start: constraint.reference.time_start.value,
            time_end: constraint.reference.time_end.value,
            kind: constraint.details.kind.clone(),
            volumes: (volumes == Volumes::Told).then(|| constraint.details.volumes.clone()),
        })
    }
}

impl From<&Report> for ReportBody {
    fn from(report: &Report) -> Self {
        let (resolution, delay_s, climb_m) = match &report.resolution {
            Resolution::AsAsked => ("as_asked", 0, 0.0),
            Resolution::Delayed { delay_s } => ("delayed", *delay_s, 0.0),
            Resolution::Moved { climb_m } => ("moved", 0, *climb_m),
            Resolution::DelayedAndMoved { delay_s, climb_m } => {
                ("delayed_and_moved", *delay_s, *climb_m)
            }
            Resolution::GivenUp(_) => ("given_up", 0, 0.0),
        };
        let conflicts = report.conflicts.iter().map(ConflictBody::from).collect();
        ReportBody { resolution, delay_s, climb_m, attempts: report.attempts, conflicts }
    }
}

impl From<&Conflict> for ConflictBody {
    fn from(conflict: &Conflict) -> Self {
        ConflictBody {
            kind: match conflict.kind {
                EntityKind::OperationalIntent => "operational_intent",
                EntityKind::Constraint => "constraint",
            },
            id: conflict.id.to_string(),
            manager: conflict.manager.to_string(),
            version: conflict.version,
            ours: (&conflict.ours).into(),
            theirs: (&conflict.theirs).into(),
        }
    }
}

fn read_path(path: &[PathPointBody]) -> Result<Vec<PathPoint>, Problem> {
    let mut points = Vec::with_capacity(path.len());
    for (index, point) in path.iter().enumerate() {
        let position = LatLng::new(point.lat, point.lng)
            .map_err(|error| bad(format!("path[{index}]: {error}")))?;
        let time = point.time.floor();
        points.push(PathPoint { position, altitude_m: point.altitude_m, time });
    }
    Ok(points)
}

fn read_volumes(volumes: &[Volume4D]) -> Result<Vec<Volume>, Problem> {
    let mut read = Vec::with_capacity(volumes.len());
    for (index, volume) in volumes.iter().enumerate() {
        let volume =
            volume.to_volume().map_err(|error| bad(format!("volumes[{index}].{error}")))?;
        read.push(volume);
    }
    Ok(read)
}

fn missing_buffer(which: &str) -> Problem {
    bad(format!("buffer_{which}_m: it must be given with a path"))
}

fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}
