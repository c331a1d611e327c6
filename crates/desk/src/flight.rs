//! What a user asks for, and what the desk answers.

use std::collections::BTreeSet;

use airspace::operational_intent::OperationalIntentState;
use airspace::{EntityId, Party};
use spacetime::{LatLng, Timestamp, Volume};
use wire::f3411_22a::uss::flight_details::{OperatorLocation, UaClassificationEu, UasId};
use wire::f3411_22a::uss::flights::UaType;

use crate::plan::moves::Move;

/// How many points a path has.
pub const POINTS_MAX: usize = 10_000;
/// The smallest and largest lateral buffer, in meters.
pub const BUFFER_LATERAL_M: std::ops::RangeInclusive<f64> = 1.0..=5_000.0;
/// The smallest and largest vertical buffer, in meters.
pub const BUFFER_VERTICAL_M: std::ops::RangeInclusive<f64> = 1.0..=1_000.0;
/// The longest delay that a user may allow, in seconds.
pub const DELAY_S_MAX: u32 = 86_400;

/// How many characters a text of an [`Identification`] has.
pub const IDENTIFICATION_CHARS_MAX: usize = 1_000;

/// A flight to be planned.
#[derive(Clone, Debug, PartialEq)]
pub struct FlightRequest {
    /// Where and when it would go.
    pub course: Course,
    /// How far the desk may move it.
    pub bounds: Bounds,
    /// Its priority among operational intents (F3548-21 `Priority`); higher takes precedence.
    pub priority: i32,
    /// What to do about flights of lower priority.
    pub lower_priority: LowerPriority,
    /// The constraints that it may enter.
    pub allowed_constraints: BTreeSet<EntityId>,
    /// Who flies, for those who look by remote ID.
    pub identification: Identification,
}

/// Who flies and what for (F3411-22a `RIDFlightDetails`); nothing is told unless given.
///
/// It is for those who ask the desk for it, one flight at a time. The hub is never told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identification {
    /// What kind of aircraft it is; this alone is told with its position.
    pub aircraft_type: UaType,
    /// What the aircraft is called.
    pub uas_id: Option<UasId>,
    /// The registration of the operator; may be empty.
    pub operator_id: String,
    /// Where the pilot is.
    pub operator_location: Option<OperatorLocation>,
    /// What the flight is for; may be empty.
    pub operation_description: String,
    /// How the European Union classifies it.
    pub eu_classification: Option<UaClassificationEu>,
}

/// Where and when a flight would go.
#[derive(Clone, Debug, PartialEq)]
pub enum Course {
    /// Along great circles from point to point, at constant speed between them.
    Path {
        /// At least 2, at most [`POINTS_MAX`]; times strictly ascending.
        points: Vec<PathPoint>,
        /// How far to the side it must be contained, in meters; see [`BUFFER_LATERAL_M`].
        buffer_lateral_m: f64,
        /// How far up and down it must be contained, in meters; see [`BUFFER_VERTICAL_M`].
        buffer_vertical_m: f64,
    },
    /// Inside these volumes, each with times and altitudes.
    Volumes(Vec<Volume>),
}

/// A point of a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PathPoint {
    /// Where.
    pub position: LatLng,
    /// How high, in meters above the WGS84 ellipsoid.
    pub altitude_m: f64,
    /// When.
    pub time: Timestamp,
}

/// How far the desk may move a flight; [`Bounds::default`] is not at all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bounds {
    /// The longest delay, in seconds, at most [`DELAY_S_MAX`].
    pub delay_s_max: u32,
    /// The step between delays, in seconds; 0 if the flight may not be delayed.
    pub delay_s_step: u32,
    /// The lowest altitude of the path, or lower bound of the volumes, in meters.
    pub altitude_m_min: f64,
    /// The highest altitude of the path, or upper bound of the volumes, in meters.
    pub altitude_m_max: f64,
    /// The step between altitudes, in meters; 0 if the flight may not be lifted or lowered.
    pub altitude_m_step: f64,
}

/// What to do about flights of lower priority.
///
/// The standard lets a flight of higher priority conflict with one of lower priority; those who
/// fly the latter must then give way in time. Avoiding them is the safe choice and the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LowerPriority {
    /// They are avoided like all others.
    #[default]
    Avoid,
    /// They are overridden: the flight is put although it conflicts with them.
    Override,
}

/// How planning a flight went.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The flight, which is also the operational intent.
    pub id: EntityId,
    /// What came of it.
    pub resolution: Resolution,
    /// What stood in the way of the flight as asked for, or as decided before the airspace changed;
    /// each version of an entity once.
    pub conflicts: Vec<Conflict>,
    /// How often the hub was asked to take it, at most [`crate::PLAN_ATTEMPTS_MAX`].
    pub attempts: u32,
    /// The volumes as the hub took them; empty if the flight was given up.
    pub volumes: Vec<Volume>,
    /// The version that the hub gave; `None` if the flight was given up.
    pub version: Option<u32>,
}

/// What came of a flight.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolution {
    /// It was taken as asked for.
    AsAsked,
    /// It was taken later than asked for.
    Delayed {
        /// By so many seconds.
        delay_s: u32,
    },
    /// It was taken higher or lower than asked for.
    Moved {
        /// By so many meters, negative if lower.
        climb_m: f64,
    },
    /// It was taken later, and higher or lower than asked for.
    DelayedAndMoved {
        /// By so many seconds.
        delay_s: u32,
        /// By so many meters, negative if lower.
        climb_m: f64,
    },
    /// It was not taken.
    GivenUp(GivenUp),
}

/// Why a flight was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GivenUp {
    /// There is no room within its bounds.
    #[error("there is no room for it within its bounds")]
    NoRoom,
    /// The airspace changed each time before the hub was asked.
    #[error("the airspace changed each time before the flight was taken")]
    TooManyAttempts,
    /// What is there cannot be known, so it cannot be avoided.
    #[error("the details of {id}, which {manager} manages, are not to be had")]
    DetailsUnavailable {
        /// Of this entity.
        id: EntityId,
        /// Which this party manages.
        manager: Party,
    },
    /// More is there than the desk can look at.
    #[error("more is there than can be looked at")]
    TooCrowded,
}

/// Something that stood in the way.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// What kind of thing.
    pub kind: EntityKind,
    /// Which.
    pub id: EntityId,
    /// Whose.
    pub manager: Party,
    /// In which version.
    pub version: u32,
    /// The volume that the flight would have had.
    pub ours: Volume,
    /// A volume of the other, which meets ours.
    pub theirs: Volume,
}

/// What kind of thing an entity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntityKind {
    /// An operational intent.
    OperationalIntent,
    /// A constraint.
    Constraint,
}

/// A flight as the hub has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Flight {
    /// Which.
    pub id: EntityId,
    /// The state of its operational intent.
    pub state: OperationalIntentState,
    /// The version that the hub gave.
    pub version: u32,
    /// Its priority.
    pub priority: i32,
    /// By how many seconds it was delayed.
    pub delay_s: u32,
    /// By how many meters it was lifted, negative if lowered.
    pub climb_m: f64,
    /// Its volumes.
    pub volumes: Vec<Volume>,
}

/// A constraint to be put.
#[derive(Clone, Debug, PartialEq)]
pub struct ConstraintRequest {
    /// Its volumes, each with times; 1 to [`crate::VOLUMES_PER_INTENT_MAX`].
    pub volumes: Vec<Volume>,
    /// What kind of constraint it is, such as `com.example.non_utm_aircraft_operations`.
    pub kind: Option<String>,
}

/// A constraint as the hub has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    /// Which.
    pub id: EntityId,
    /// The version that the hub gave.
    pub version: u32,
    /// What kind of constraint it is.
    pub kind: Option<String>,
    /// Its volumes.
    pub volumes: Vec<Volume>,
}

impl FlightRequest {
    /// Returns a request for a flight that may not be moved, of priority 0, which avoids all.
    pub fn new(course: Course) -> Self {
        FlightRequest {
            course,
            bounds: Bounds::default(),
            priority: 0,
            lower_priority: LowerPriority::default(),
            allowed_constraints: BTreeSet::new(),
            identification: Identification::default(),
        }
    }
}

impl Identification {
    /// Returns the name of a text that is too long, if one is.
    pub(crate) fn too_long(&self) -> Option<&'static str> {
        let uas_id = self.uas_id.clone().unwrap_or_default();
        let texts = [
            ("uas_id.serial_number", &uas_id.serial_number),
            ("uas_id.registration_id", &uas_id.registration_id),
            ("uas_id.utm_id", &uas_id.utm_id),
            ("uas_id.specific_session_id", &uas_id.specific_session_id),
            ("operator_id", &self.operator_id),
            ("operation_description", &self.operation_description),
        ];
        let is_long = |text: &str| IDENTIFICATION_CHARS_MAX < text.chars().count();
        texts.into_iter().find(|(_, text)| is_long(text)).map(|(name, _)| name)
    }
}

impl Resolution {
    /// Returns what came of a flight that was taken with this move.
    pub(crate) fn taken(taken: Move) -> Self {
        let climb_m = taken.climb_m();
        match (taken.delay_s, taken.climb_mm) {
            (0, 0) => Resolution::AsAsked,
            (delay_s, 0) => Resolution::Delayed { delay_s },
            (0, _) => Resolution::Moved { climb_m },
            (delay_s, _) => Resolution::DelayedAndMoved { delay_s, climb_m },
        }
    }
}
