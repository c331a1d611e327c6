//! Traffic as CSV: a header line, then a row a line; quotes around a value are taken off, a comma
//! inside them is not understood.

use super::{ReadError, Row};

/// The columns that are used, in the order of [`Columns`].
const NAMES: [&str; 5] = ["timestamp", "icao24", "latitude", "longitude", "altitude"];

/// Where each column stands in a line.
struct Columns {
    used: [usize; 5],
    callsign: Option<usize>,
}

/// Reads the rows below the header line.
pub(super) fn rows(bytes: &[u8]) -> Result<Vec<Row>, ReadError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| ReadError::Malformed("it is neither JSON nor text".to_owned()))?;
    let mut lines = text.lines();
    let columns = columns(lines.next().unwrap_or_default())?;
    Ok(lines.filter(|line| !line.trim().is_empty()).map(|line| row(line, &columns)).collect())
}

fn columns(header: &str) -> Result<Columns, ReadError> {
    let names: Vec<&str> = header.split(',').map(unquoted).collect();
    let find = |name: &str| names.iter().position(|column| *column == name);
    let mut used = [0; NAMES.len()];
    for (slot, name) in used.iter_mut().zip(NAMES) {
        let missing = || ReadError::Malformed(format!("there is no column `{name}`"));
        *slot = find(name).ok_or_else(missing)?;
    }
    Ok(Columns { used, callsign: find("callsign") })
}

fn row(line: &str, columns: &Columns) -> Row {
    let values: Vec<&str> = line.split(',').map(unquoted).collect();
    let value = |index: usize| values.get(index).copied().filter(|value| !value.is_empty());
    let number = |index: usize| value(index).and_then(|value| value.parse().ok());
    let [timestamp, icao24, latitude, longitude, altitude] = columns.used;
    Row {
        timestamp_ms: number(timestamp),
        icao24: value(icao24).map(str::to_owned),
        callsign: columns.callsign.and_then(value).map(str::to_owned),
        latitude_deg: number(latitude),
        longitude_deg: number(longitude),
        altitude_ft: number(altitude),
    }
}

fn unquoted(value: &str) -> &str {
    value.trim().trim_matches('"')
}
