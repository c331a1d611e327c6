//! Reports of parties about one another (F3548-21 `makeDssReport`), kept beside the log.
//!
//! One file a report in `DIR/reports`. They are no part of the state: no rule depends on them, and
//! they are bounded in number and age. Who keeps one has removed the `Authorization` values.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use spacetime::Timestamp;

/// How many reports are kept; the oldest go first.
pub const REPORTS_MAX: usize = 10_000;

/// How many bytes all reports may have together; the oldest go first.
pub const REPORTS_BYTES_MAX: u64 = 1 << 30;

/// How long a report is kept.
pub const REPORT_AGE_MAX: Duration = Duration::from_hours(24 * 180);

const DIR_NAME: &str = "reports";
const EXTENSION: &str = "json";

/// Where a hub keeps reports; clones are the same place.
#[derive(Clone, Debug)]
pub struct Reports(Arc<Mutex<Place>>);

#[derive(Debug)]
struct Place {
    dir: PathBuf,
    /// The names of the files, oldest first, and how many bytes they have.
    files: Vec<(String, u64)>,
}

/// A report that is kept.
#[derive(Debug, Serialize, Deserialize)]
pub struct Kept {
    /// Its id.
    pub id: String,
    /// Who sent it.
    pub party: String,
    /// When, in microseconds since 1970.
    pub received_at_us: i64,
    /// What it says, as JSON.
    pub report: Box<RawValue>,
}

impl Reports {
    /// Opens the place beside the log in `data`, and makes it if it is not there.
    pub fn open(data: &Path) -> io::Result<Self> {
        let dir = data.join(DIR_NAME);
        fs::create_dir_all(&dir)?;
        let mut files = Vec::new();
        for name in names(&dir)? {
            let bytes = fs::metadata(dir.join(&name))?.len();
            files.push((name, bytes));
        }
        Ok(Reports(Arc::new(Mutex::new(Place { dir, files }))))
    }

    /// Keeps a report, durably, and lets go of those that are too many or too old. Blocks.
    pub fn keep(&self, id: &str, party: &str, at: Timestamp, json: &str) -> io::Result<()> {
        let report = RawValue::from_string(json.to_owned())?;
        let kept = Kept {
            id: id.to_owned(),
            party: party.to_owned(),
            received_at_us: at.as_micros(),
            report,
        };
        let text = serde_json::to_vec(&kept)?;
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        place.write(&file_name(at, id), &text)?;
        place.let_go(at)
    }
}

/// Returns the reports kept in a hub's directory, oldest first, whether it runs or not.
pub fn list(data: &Path) -> io::Result<Vec<Kept>> {
    let dir = data.join(DIR_NAME);
    let mut reports = Vec::new();
    for name in names(&dir)? {
        reports.push(serde_json::from_slice(&fs::read(dir.join(name))?)?);
    }
    Ok(reports)
}

impl Place {
    /// Writes beside and renames, so that a file with this ending is always whole.
    fn write(&mut self, name: &str, text: &[u8]) -> io::Result<()> {
        let unfinished = self.dir.join(format!("{name}.new"));
        let mut file = File::create(&unfinished)?;
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&unfinished, self.dir.join(name))?;
        File::open(&self.dir)?.sync_all()?;
        self.files.push((name.to_owned(), text.len() as u64));
        Ok(())
    }

    fn let_go(&mut self, now: Timestamp) -> io::Result<()> {
        let mut bytes: u64 = self.files.iter().map(|(_, bytes)| bytes).sum();
        let too_old = file_name(now.minus(REPORT_AGE_MAX), "");
        let mut gone = 0;
        for (name, length) in &self.files {
            let count = self.files.len() - gone;
            let fits = count <= REPORTS_MAX && bytes <= REPORTS_BYTES_MAX;
            if fits && *too_old <= **name {
                break;
            }
            fs::remove_file(self.dir.join(name))?;
            bytes -= length;
            gone += 1;
        }
        self.files.drain(..gone);
        Ok(())
    }
}

/// Returns a name that sorts by time: microseconds, shifted so that they have no sign.
fn file_name(at: Timestamp, id: &str) -> String {
    let micros = at.as_micros() - Timestamp::MIN.as_micros();
    format!("{micros:018}-{id}.{EXTENSION}")
}

fn names(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) {
            let name = path.file_name().and_then(|name| name.to_str());
            names.extend(name.map(str::to_owned));
        }
    }
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).expect("in range")
    }

    fn kept_ids(dir: &Path) -> Vec<String> {
        list(dir).expect("they can be listed").into_iter().map(|kept| kept.id).collect()
    }

    #[test]
    fn keeps_reports_over_a_restart() {
        let dir = tempfile::tempdir().expect("a directory");
        let reports = Reports::open(dir.path()).expect("it opens");
        reports.keep("first", "one", at(1), "{\"a\":1}").expect("it is kept");
        drop(reports);

        let reports = Reports::open(dir.path()).expect("it opens");
        reports.keep("second", "other", at(2), "[]").expect("it is kept");

        let kept = list(dir.path()).expect("they can be listed");
        assert_eq!(kept.len(), 2);
        assert_eq!(kept[0].report.get(), "{\"a\":1}");
        assert_eq!(kept[1].party, "other");
    }

    #[test]
    fn lets_go_of_what_is_too_old() {
        let dir = tempfile::tempdir().expect("a directory");
        let reports = Reports::open(dir.path()).expect("it opens");
        let age_s = i64::try_from(REPORT_AGE_MAX.as_secs()).expect("it is small");
        reports.keep("old", "one", at(-1), "1").expect("it is kept");
        reports.keep("not old", "one", at(0), "1").expect("it is kept");

        reports.keep("new", "one", at(age_s), "1").expect("it is kept");

        assert_eq!(kept_ids(dir.path()), ["not old", "new"]);
    }

    #[test]
    fn keeps_no_more_than_a_named_number() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut place = Place { dir: dir.path().to_owned(), files: Vec::new() };
        for number in 0..=REPORTS_MAX {
            let name = file_name(at(0), &format!("{number:06}"));
            fs::write(dir.path().join(&name), "1").expect("it is written");
            place.files.push((name, 1));
        }

        place.let_go(at(0)).expect("they go");

        assert_eq!(place.files.len(), REPORTS_MAX);
        assert!(place.files[0].0.contains("000001"));
    }

    #[test]
    fn refuses_what_is_no_json() {
        let dir = tempfile::tempdir().expect("a directory");
        let reports = Reports::open(dir.path()).expect("it opens");

        assert!(reports.keep("bad", "one", at(1), "{").is_err());
        assert!(kept_ids(dir.path()).is_empty());
    }
}
