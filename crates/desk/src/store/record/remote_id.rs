//! The stored form of what the desk keeps at the hub by remote ID.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use spacetime::{LatLng, Timestamp};
use wire::f3548::common::Volume4D;

use super::{RecordError, entity_id, value, write};
use crate::remote_id::registration::{Asked, Held, Purpose, Refused, Registration};
use crate::remote_id::watched_area::WatchedArea;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegistrationRecord {
    id: String,
    purpose: PurposeRecord,
    wanted: bool,
    held: Option<HeldRecord>,
    pending: Option<AskedRecord>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum PurposeRecord {
    ServiceArea {
        flight: String,
        version: u32,
        extents: Volume4D,
    },
    /// Latitude and longitude of two opposite corners.
    Watch {
        corners: [(f64, f64); 2],
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeldRecord {
    version: String,
    /// Microseconds since 1970.
    ends_at: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedRecord {
    put: Option<String>,
    path: String,
    idempotency_key: String,
}

/// Returns the record of a registration.
pub(in crate::store) fn write_registration(registration: &Registration) -> String {
    write(&RegistrationRecord {
        id: registration.id.to_string(),
        purpose: PurposeRecord::from(&registration.purpose),
        wanted: registration.wanted,
        held: registration.held.as_ref().map(|held| HeldRecord {
            version: held.version.clone(),
            ends_at: held.ends_at.as_micros(),
        }),
        pending: registration.pending.as_deref().cloned().map(AskedRecord::from),
    })
}

/// Returns the registration of a record.
pub(in crate::store) fn read_registration(text: &str) -> Result<Registration, RecordError> {
    let record: RegistrationRecord = serde_json::from_str(text)?;
    let held = match record.held {
        None => None,
        Some(HeldRecord { version, ends_at }) => {
            Some(Held { version, ends_at: Timestamp::from_micros(ends_at).map_err(value)? })
        }
    };
    Ok(Registration {
        id: entity_id(&record.id)?,
        purpose: record.purpose.read()?,
        wanted: record.wanted,
        held,
        pending: record.pending.map(|asked| Arc::new(asked.into())),
        refused: Refused::default(),
    })
}

impl From<&Purpose> for PurposeRecord {
    fn from(purpose: &Purpose) -> Self {
        match purpose {
            Purpose::ServiceArea { flight, version, extents } => PurposeRecord::ServiceArea {
                flight: flight.to_string(),
                version: *version,
                extents: extents.into(),
            },
            Purpose::Watch(area) => PurposeRecord::Watch {
                corners: area.corners().map(|corner| (corner.lat_deg(), corner.lng_deg())),
            },
        }
    }
}

impl PurposeRecord {
    fn read(self) -> Result<Purpose, RecordError> {
        match self {
            PurposeRecord::ServiceArea { flight, version, extents } => Ok(Purpose::ServiceArea {
                flight: entity_id(&flight)?,
                version,
                extents: extents.to_volume().map_err(value)?,
            }),
            PurposeRecord::Watch { corners: [one, other] } => {
                let corner = |(lat, lng)| LatLng::new(lat, lng).map_err(value);
                let area = WatchedArea::new([corner(one)?, corner(other)?]).map_err(value)?;
                Ok(Purpose::Watch(area))
            }
        }
    }
}

impl From<Asked> for AskedRecord {
    fn from(asked: Asked) -> Self {
        let Asked { put, path, idempotency_key } = asked;
        AskedRecord { put, path, idempotency_key }
    }
}

impl From<AskedRecord> for Asked {
    fn from(record: AskedRecord) -> Self {
        let AskedRecord { put, path, idempotency_key } = record;
        Asked { put, path, idempotency_key }
    }
}
