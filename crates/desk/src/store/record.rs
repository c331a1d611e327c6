//! The stored form of what the desk keeps, format 2: JSON, with the standard's messages inside.
//!
//! What format 1 does not have is optional, so its records are read as they are.

mod remote_id;

use std::collections::BTreeSet;
use std::sync::Arc;

use airspace::EntityId;
use serde::{Deserialize, Serialize};
use spacetime::{LatLng, Timestamp};
use wire::f3411_22a::uss::flight_details::{OperatorLocation, UaClassificationEu, UasId};
use wire::f3411_22a::uss::flights::UaType;
use wire::f3548::common::Volume4D;

use crate::book::{Own, Pending, PendingChange, Taken, Wish};
use crate::entity::{Details, Entity, Known};
use crate::flight::{Bounds, EntityKind, Identification, LowerPriority, PathPoint};
use crate::outbox::{About, Notice};
use crate::plan::bounded::Bounded;
use crate::plan::moves::{Move, Moves};

pub(super) use remote_id::{read_registration, write_registration};

/// A record makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It is not the JSON of a record.
    #[error("a record is not the JSON that is stored")]
    Json(#[from] serde_json::Error),
    /// A value in it is out of range.
    #[error("a record holds a value that cannot be: {0}")]
    Value(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnRecord {
    id: String,
    kind: KindRecord,
    wish: Option<WishRecord>,
    taken: Option<TakenRecord>,
    pending: Option<PendingRecord>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindRecord {
    OperationalIntent,
    Constraint,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WishRecord {
    course: Vec<Volume4D>,
    delay_s_max: u32,
    delay_s_step: u32,
    altitude_m_min: f64,
    altitude_m_max: f64,
    altitude_m_step: f64,
    lowest_m: f64,
    highest_m: f64,
    priority: i32,
    overrides_lower_priority: bool,
    allowed_constraints: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    path: Vec<PathPointRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identification: Option<IdentificationRecord>,
}

/// Latitude and longitude in degrees, altitude in meters, microseconds since 1970.
#[derive(Serialize, Deserialize)]
struct PathPointRecord(f64, f64, f64, i64);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentificationRecord {
    aircraft_type: UaType,
    uas_id: Option<UasId>,
    operator_id: String,
    operator_location: Option<OperatorLocation>,
    operation_description: String,
    eu_classification: Option<UaClassificationEu>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TakenRecord {
    entity: Entity,
    moved: MoveRecord,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PendingRecord {
    put: Option<PutRecord>,
    path: String,
    body: String,
    idempotency_key: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PutRecord {
    details: Details,
    moved: MoveRecord,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MoveRecord {
    delay_s: u32,
    climb_mm: i32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoticeRecord {
    kind: NoticeKindRecord,
    uss_base_url: String,
    body: String,
}

/// An identification service area is named by its id, as the path of its notifications needs it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum NoticeKindRecord {
    OperationalIntent,
    Constraint,
    IdentificationServiceArea(String),
}

/// Returns the record of an entity.
pub(super) fn write_own(own: &Own) -> String {
    write(&OwnRecord {
        id: own.id.to_string(),
        kind: own.kind.into(),
        wish: own.wish.as_deref().map(WishRecord::from),
        taken: own.taken.as_ref().map(TakenRecord::from),
        pending: own.pending.as_deref().map(PendingRecord::from),
    })
}

/// Returns the entity of a record.
pub(super) fn read_own(text: &str) -> Result<Own, RecordError> {
    let record: OwnRecord = serde_json::from_str(text)?;
    Ok(Own {
        id: entity_id(&record.id)?,
        kind: record.kind.into(),
        wish: record.wish.map(WishRecord::read).transpose()?.map(Arc::new),
        taken: record.taken.map(TakenRecord::read).transpose()?,
        pending: record.pending.map(|pending| Arc::new(pending.read())),
    })
}

/// Returns the record of a notification.
pub(super) fn write_notice(notice: &Notice) -> String {
    write(&NoticeRecord {
        kind: match notice.about {
            About::Entity(EntityKind::OperationalIntent) => NoticeKindRecord::OperationalIntent,
            About::Entity(EntityKind::Constraint) => NoticeKindRecord::Constraint,
            About::ServiceArea(id) => NoticeKindRecord::IdentificationServiceArea(id.to_string()),
        },
        uss_base_url: notice.uss_base_url.clone(),
        body: notice.body.to_string(),
    })
}

/// Returns the notification of a record.
pub(super) fn read_notice(number: u64, text: &str) -> Result<Notice, RecordError> {
    let record: NoticeRecord = serde_json::from_str(text)?;
    Ok(Notice {
        number,
        about: match record.kind {
            NoticeKindRecord::OperationalIntent => About::Entity(EntityKind::OperationalIntent),
            NoticeKindRecord::Constraint => About::Entity(EntityKind::Constraint),
            NoticeKindRecord::IdentificationServiceArea(id) => About::ServiceArea(entity_id(&id)?),
        },
        uss_base_url: record.uss_base_url,
        body: record.body.into(),
    })
}

impl From<EntityKind> for KindRecord {
    fn from(kind: EntityKind) -> Self {
        match kind {
            EntityKind::OperationalIntent => KindRecord::OperationalIntent,
            EntityKind::Constraint => KindRecord::Constraint,
        }
    }
}

impl From<KindRecord> for EntityKind {
    fn from(kind: KindRecord) -> Self {
        match kind {
            KindRecord::OperationalIntent => EntityKind::OperationalIntent,
            KindRecord::Constraint => EntityKind::Constraint,
        }
    }
}

impl From<&Wish> for WishRecord {
    fn from(wish: &Wish) -> Self {
        WishRecord {
            course: wish.course.iter().map(|one| Volume4D::from(&one.volume)).collect(),
            delay_s_max: wish.bounds.delay_s_max,
            delay_s_step: wish.bounds.delay_s_step,
            altitude_m_min: wish.bounds.altitude_m_min,
            altitude_m_max: wish.bounds.altitude_m_max,
            altitude_m_step: wish.bounds.altitude_m_step,
            lowest_m: wish.lowest_m,
            highest_m: wish.highest_m,
            priority: wish.priority,
            overrides_lower_priority: wish.lower_priority == LowerPriority::Override,
            allowed_constraints: wish.allowed_constraints.iter().map(ToString::to_string).collect(),
            path: wish.path.iter().map(PathPointRecord::from).collect(),
            identification: (wish.identification != Identification::default())
                .then(|| wish.identification.clone().into()),
        }
    }
}

impl WishRecord {
    fn read(self) -> Result<Wish, RecordError> {
        let bounds = Bounds {
            delay_s_max: self.delay_s_max,
            delay_s_step: self.delay_s_step,
            altitude_m_min: self.altitude_m_min,
            altitude_m_max: self.altitude_m_max,
            altitude_m_step: self.altitude_m_step,
        };
        let mut course = Vec::with_capacity(self.course.len());
        for volume in &self.course {
            course.push(Bounded::new(volume.to_volume().map_err(value)?));
        }
        let mut allowed_constraints = BTreeSet::new();
        for id in &self.allowed_constraints {
            allowed_constraints.insert(entity_id(id)?);
        }
        Ok(Wish {
            course,
            bounds,
            lowest_m: self.lowest_m,
            highest_m: self.highest_m,
            moves: Moves::new(&bounds, self.lowest_m, self.highest_m).map_err(value)?,
            priority: self.priority,
            lower_priority: if self.overrides_lower_priority {
                LowerPriority::Override
            } else {
                LowerPriority::Avoid
            },
            allowed_constraints,
            path: self.path.iter().map(PathPointRecord::read).collect::<Result<_, _>>()?,
            identification: self.identification.map(Identification::from).unwrap_or_default(),
        })
    }
}

impl From<&PathPoint> for PathPointRecord {
    fn from(point: &PathPoint) -> Self {
        let PathPoint { position, altitude_m, time } = point;
        PathPointRecord(position.lat_deg(), position.lng_deg(), *altitude_m, time.as_micros())
    }
}

impl PathPointRecord {
    fn read(&self) -> Result<PathPoint, RecordError> {
        let position = LatLng::new(self.0, self.1).map_err(value)?;
        let time = Timestamp::from_micros(self.3).map_err(value)?;
        Ok(PathPoint { position, altitude_m: self.2, time })
    }
}

impl From<Identification> for IdentificationRecord {
    fn from(identification: Identification) -> Self {
        IdentificationRecord {
            aircraft_type: identification.aircraft_type,
            uas_id: identification.uas_id,
            operator_id: identification.operator_id,
            operator_location: identification.operator_location,
            operation_description: identification.operation_description,
            eu_classification: identification.eu_classification,
        }
    }
}

impl From<IdentificationRecord> for Identification {
    fn from(record: IdentificationRecord) -> Self {
        Identification {
            aircraft_type: record.aircraft_type,
            uas_id: record.uas_id,
            operator_id: record.operator_id,
            operator_location: record.operator_location,
            operation_description: record.operation_description,
            eu_classification: record.eu_classification,
        }
    }
}

impl From<&Taken> for TakenRecord {
    fn from(taken: &Taken) -> Self {
        TakenRecord { entity: taken.known.entity.clone(), moved: taken.moved.into() }
    }
}

impl TakenRecord {
    fn read(self) -> Result<Taken, RecordError> {
        let known = Known::new(self.entity).map_err(value)?;
        Ok(Taken { known: Arc::new(known), moved: self.moved.into() })
    }
}

impl From<&Pending> for PendingRecord {
    fn from(pending: &Pending) -> Self {
        let put = match &pending.change {
            PendingChange::Put { details, moved } => {
                Some(PutRecord { details: details.clone(), moved: (*moved).into() })
            }
            PendingChange::Delete => None,
        };
        PendingRecord {
            put,
            path: pending.path.clone(),
            body: pending.body.clone(),
            idempotency_key: pending.idempotency_key.clone(),
        }
    }
}

impl PendingRecord {
    fn read(self) -> Pending {
        let change = match self.put {
            Some(put) => PendingChange::Put { details: put.details, moved: put.moved.into() },
            None => PendingChange::Delete,
        };
        Pending { change, path: self.path, body: self.body, idempotency_key: self.idempotency_key }
    }
}

impl From<Move> for MoveRecord {
    fn from(moved: Move) -> Self {
        MoveRecord { delay_s: moved.delay_s, climb_mm: moved.climb_mm }
    }
}

impl From<MoveRecord> for Move {
    fn from(record: MoveRecord) -> Self {
        Move { delay_s: record.delay_s, climb_mm: record.climb_mm }
    }
}

fn entity_id(text: &str) -> Result<EntityId, RecordError> {
    EntityId::parse(text).map_err(value)
}

fn value(error: impl std::error::Error) -> RecordError {
    RecordError::Value(error.to_string())
}

fn write(record: &impl Serialize) -> String {
    serde_json::to_string(record).expect("records have text keys and finite numbers")
}
