//! Recorded traffic: what the file's rows say, and which of them can be used.
//!
//! A row that cannot be used is counted and left out. Nothing is guessed in its place.

mod csv;
mod json;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use spacetime::{LatLng, Timestamp};

/// How large a file may be once unpacked.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// How many rows a file may have.
const ROWS_MAX: usize = 10_000_000;

/// How many meters a foot has.
const M_PER_FT: f64 = 0.3048;

/// The altitudes that F3548-21's `Altitude` can carry with room for containment.
const ALTITUDE_M: std::ops::RangeInclusive<f64> = -7_900.0..=99_000.0;

/// A file of traffic could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The system gave no more of it.
    #[error("cannot read the file")]
    Io(#[source] io::Error),
    /// It is not what it should be.
    #[error("it is no traffic: {0}")]
    Malformed(String),
    /// It is larger than allowed.
    #[error("it has more than {FILE_BYTES_MAX} bytes or {ROWS_MAX} rows")]
    TooLarge,
}

/// What a row says, as far as it says it in the right type.
#[derive(Clone, Debug, Default, PartialEq)]
struct Row {
    timestamp_ms: Option<f64>,
    icao24: Option<String>,
    callsign: Option<String>,
    latitude_deg: Option<f64>,
    longitude_deg: Option<f64>,
    altitude_ft: Option<f64>,
}

/// Where an aircraft was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fix {
    /// When.
    pub(crate) time: Timestamp,
    /// Where.
    pub(crate) position: LatLng,
    /// How high, in meters of barometric altitude: one datum common to all, not WGS84.
    pub(crate) altitude_m: f64,
}

/// An aircraft's fixes, ascending in time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Aircraft {
    /// Its address, as recorded.
    pub(crate) icao24: String,
    /// What it called itself first; empty if it never did.
    pub(crate) callsign: String,
    /// Where it was.
    pub(crate) fixes: Vec<Fix>,
}

/// How many rows could not be used, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unusable {
    /// No aircraft or no time.
    pub(crate) unnamed: usize,
    /// No position, or none on Earth.
    pub(crate) no_position: usize,
    /// No altitude, or one beyond the standard's bounds.
    pub(crate) no_altitude: usize,
    /// The same aircraft at the same time once more.
    pub(crate) repeated: usize,
    /// A position or altitude that the aircraft cannot have come to.
    pub(crate) implausible: usize,
    /// Too few in a row to make a flight.
    pub(crate) alone: usize,
}

/// What a file holds.
#[derive(Debug)]
pub(crate) struct Recording {
    /// How many rows.
    pub(crate) rows: usize,
    /// The aircraft, ascending by address.
    pub(crate) aircraft: Vec<Aircraft>,
    /// What could not be used.
    pub(crate) unusable: Unusable,
}

impl Unusable {
    /// Returns how many rows could not be used in all.
    pub(crate) fn total(&self) -> usize {
        self.unnamed
            + self.no_position
            + self.no_altitude
            + self.repeated
            + self.implausible
            + self.alone
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} without aircraft or time, {} without position, {} without altitude, {} repeated, \
             {} implausible, {} too few for a flight",
            self.unnamed,
            self.no_position,
            self.no_altitude,
            self.repeated,
            self.implausible,
            self.alone
        )
    }
}

/// Reads a file of traffic: JSON rows, JSON columns or CSV with a header line, gzipped or not.
pub(crate) fn read(path: &Path) -> Result<Recording, ReadError> {
    let file = File::open(path).map_err(ReadError::Io)?;
    let bytes = if path.extension().is_some_and(|extension| extension == "gz") {
        read_bounded(MultiGzDecoder::new(file))?
    } else {
        read_bounded(file)?
    };
    parse(&bytes)
}

fn read_bounded(reader: impl Read) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    reader.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(ReadError::Io)?;
    if FILE_BYTES_MAX < bytes.len() as u64 {
        return Err(ReadError::TooLarge);
    }
    Ok(bytes)
}

fn parse(bytes: &[u8]) -> Result<Recording, ReadError> {
    let rows = match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return Err(ReadError::Malformed("it is empty".to_owned())),
        Some(b'[') => json::rows(bytes)?,
        Some(b'{') => json::columns(bytes)?,
        Some(_) => csv::rows(bytes)?,
    };
    if ROWS_MAX < rows.len() {
        return Err(ReadError::TooLarge);
    }
    Ok(sort_out(rows))
}

/// Gives each usable row to its aircraft.
fn sort_out(rows: Vec<Row>) -> Recording {
    let mut unusable = Unusable::default();
    let mut by_address: BTreeMap<String, Aircraft> = BTreeMap::new();
    let count = rows.len();
    for row in rows {
        let Some((icao24, time)) = row.icao24.as_deref().zip(row.timestamp_ms.and_then(time_of))
        else {
            unusable.unnamed += 1;
            continue;
        };
        let Some(position) = position_of(&row) else {
            unusable.no_position += 1;
            continue;
        };
        let altitude_m = row.altitude_ft.map(|ft| ft * M_PER_FT);
        let Some(altitude_m) = altitude_m.filter(|m| ALTITUDE_M.contains(m)) else {
            unusable.no_altitude += 1;
            continue;
        };
        let aircraft = by_address.entry(icao24.to_owned()).or_insert_with(|| Aircraft {
            icao24: icao24.to_owned(),
            callsign: String::new(),
            fixes: Vec::new(),
        });
        if aircraft.callsign.is_empty() {
            aircraft.callsign = row.callsign.unwrap_or_default().trim().to_owned();
        }
        aircraft.fixes.push(Fix { time, position, altitude_m });
    }
    let mut aircraft: Vec<Aircraft> = by_address.into_values().collect();
    for one in &mut aircraft {
        one.fixes.sort_by_key(|fix| fix.time);
        let all = one.fixes.len();
        one.fixes.dedup_by_key(|fix| fix.time);
        unusable.repeated += all - one.fixes.len();
    }
    Recording { rows: count, aircraft, unusable }
}

fn time_of(timestamp_ms: f64) -> Option<Timestamp> {
    let micros = timestamp_ms * 1_000.0;
    if !micros.is_finite() || 1e18 < micros.abs() {
        return None;
    }
    Timestamp::from_micros(micros.round() as i64).ok()
}

fn position_of(row: &Row) -> Option<LatLng> {
    LatLng::new(row.latitude_deg?, row.longitude_deg?).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const ROWS: &str = r#"[
        {"timestamp":2000,"icao24":"aa","callsign":"FIRST ","latitude":45.5,"longitude":9.5,"altitude":1000.0},
        {"timestamp":1000,"icao24":"aa","latitude":45.4,"longitude":9.4,"altitude":1000},
        {"timestamp":1000,"icao24":"aa","latitude":45.4,"longitude":9.4,"altitude":1000},
        {"timestamp":3000,"icao24":"aa","latitude":null,"longitude":9.4,"altitude":1000},
        {"timestamp":3000,"icao24":"aa","latitude":91.0,"longitude":9.4,"altitude":1000},
        {"timestamp":3000,"icao24":"aa","latitude":45.4,"longitude":9.4,"altitude":"ground"},
        {"timestamp":3000,"icao24":"aa","latitude":45.4,"longitude":9.4,"altitude":1e9},
        {"timestamp":3000,"latitude":45.4,"longitude":9.4,"altitude":1000},
        {"timestamp":"soon","icao24":"aa","latitude":45.4,"longitude":9.4,"altitude":1000},
        null,
        {"timestamp":4000,"icao24":"bb","latitude":45.4,"longitude":9.4,"altitude":0,"spi":false}
    ]"#;

    #[test]
    fn counts_what_it_cannot_use_and_why() {
        let recording = parse(ROWS.as_bytes()).expect("it is traffic");

        assert_eq!(recording.rows, 11);
        let expected = Unusable {
            unnamed: 3,
            no_position: 2,
            no_altitude: 2,
            repeated: 1,
            ..Unusable::default()
        };
        assert_eq!(recording.unusable, expected);
        let fixes: Vec<usize> = recording.aircraft.iter().map(|one| one.fixes.len()).collect();
        assert_eq!(fixes, [2, 1]);
    }

    #[test]
    fn sorts_fixes_and_converts_feet() {
        let recording = parse(ROWS.as_bytes()).expect("it is traffic");

        let first = &recording.aircraft[0];
        assert_eq!((first.icao24.as_str(), first.callsign.as_str()), ("aa", "FIRST"));
        assert!(first.fixes[0].time < first.fixes[1].time);
        assert!((first.fixes[0].altitude_m - 304.8).abs() < 1e-9);
    }

    #[test]
    fn reads_columns_and_csv_alike() {
        let columns = r#"{"timestamp":{"0":1000,"10":3000,"2":2000},"icao24":{"0":"aa","10":"aa","2":"aa"},
            "latitude":{"0":1.0,"10":3.0,"2":2.0},"longitude":{"0":1.0,"10":3.0,"2":2.0},
            "altitude":{"0":100,"10":300,"2":null}}"#;
        let csv = "altitude,icao24,timestamp,longitude,latitude\n\
                   100,aa,1000,1.0,1.0\n,aa,2000,2.0,2.0\r\n300,\"aa\",3000,3.0,3.0\n";

        let columns = parse(columns.as_bytes()).expect("it is traffic");
        let csv = parse(csv.as_bytes()).expect("it is traffic");

        assert_eq!(columns.aircraft, csv.aircraft);
        assert_eq!(columns.unusable, csv.unusable);
        assert_eq!((columns.rows, columns.unusable.no_altitude), (3, 1));
        assert_eq!(columns.aircraft[0].fixes.len(), 2);
    }

    #[test]
    fn refuses_what_is_no_traffic() {
        for bytes in ["", "  ", "[1", "{\"a\":", "hello\nworld\n", "{\"timestamp\":3}"] {
            assert!(matches!(parse(bytes.as_bytes()), Err(ReadError::Malformed(_))), "{bytes:?}");
        }
    }

    #[test]
    fn reads_a_gzipped_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("rows.json.gz");
        let file = File::create(&path).expect("created");
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        encoder.write_all(ROWS.as_bytes()).expect("written");
        encoder.finish().expect("written");

        let recording = read(&path).expect("it is traffic");

        assert_eq!(recording.rows, 11);
    }
}
