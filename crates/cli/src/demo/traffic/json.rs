//! Traffic as JSON: a list of rows, or an object of columns, as data frames are written.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::{ReadError, Row};

/// Reads `[{"timestamp": .., ..}, ..]`.
pub(super) fn rows(bytes: &[u8]) -> Result<Vec<Row>, ReadError> {
    let rows: Vec<JsonRow> = serde_json::from_slice(bytes).map_err(malformed)?;
    Ok(rows.into_iter().map(JsonRow::into_row).collect())
}

/// Reads `{"timestamp": {"0": .., "1": ..}, ..}`.
pub(super) fn columns(bytes: &[u8]) -> Result<Vec<Row>, ReadError> {
    let mut columns: Columns = serde_json::from_slice(bytes).map_err(malformed)?;
    let rows = std::mem::take(&mut columns.timestamp);
    Ok(rows
        .into_iter()
        .map(|(index, timestamp)| Row {
            timestamp_ms: timestamp.number(),
            icao24: columns.icao24.remove(&index).and_then(Loose::text),
            callsign: columns.callsign.remove(&index).and_then(Loose::text),
            latitude_deg: columns.latitude.get(&index).and_then(Loose::number),
            longitude_deg: columns.longitude.get(&index).and_then(Loose::number),
            altitude_ft: columns.altitude.get(&index).and_then(Loose::number),
        })
        .collect())
}

fn malformed(error: serde_json::Error) -> ReadError {
    ReadError::Malformed(error.to_string())
}

/// A row, or anything else that stands where one should.
#[derive(Deserialize)]
#[serde(untagged)]
enum JsonRow {
    Row {
        #[serde(default, deserialize_with = "number")]
        timestamp: Option<f64>,
        #[serde(default, deserialize_with = "text")]
        icao24: Option<String>,
        #[serde(default, deserialize_with = "text")]
        callsign: Option<String>,
        #[serde(default, deserialize_with = "number")]
        latitude: Option<f64>,
        #[serde(default, deserialize_with = "number")]
        longitude: Option<f64>,
        #[serde(default, deserialize_with = "number")]
        altitude: Option<f64>,
    },
    Other(IgnoredAny),
}

impl JsonRow {
    fn into_row(self) -> Row {
        match self {
            JsonRow::Row { timestamp, icao24, callsign, latitude, longitude, altitude } => Row {
                timestamp_ms: timestamp,
                icao24,
                callsign,
                latitude_deg: latitude,
                longitude_deg: longitude,
                altitude_ft: altitude,
            },
            JsonRow::Other(_) => Row::default(),
        }
    }
}

#[derive(Deserialize)]
struct Columns {
    timestamp: Column,
    icao24: Column,
    #[serde(default)]
    callsign: Column,
    latitude: Column,
    longitude: Column,
    altitude: Column,
}

type Column = BTreeMap<String, Loose>;

/// A value of any type.
#[derive(Deserialize)]
#[serde(untagged)]
enum Loose {
    Number(f64),
    Text(String),
    Other(IgnoredAny),
}

impl Loose {
    fn number(&self) -> Option<f64> {
        match self {
            Loose::Number(number) => Some(*number),
            Loose::Text(_) | Loose::Other(_) => None,
        }
    }

    fn text(self) -> Option<String> {
        match self {
            Loose::Text(text) => Some(text),
            Loose::Number(_) | Loose::Other(_) => None,
        }
    }
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Ok(Loose::deserialize(deserializer)?.number())
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Loose::deserialize(deserializer)?.text())
}
