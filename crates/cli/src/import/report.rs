//! What an import tells: how much there was, what came of it, and every row that could not come.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::tables::{Kind, RID_KINDS, SCD_KINDS};
use crate::failure::Failure;
use crate::output::{line, note};

/// The name of the report in the directory of an import.
pub(super) const FILE_NAME: &str = "import-report.txt";

/// How many rows that were not carried are shown on the screen.
const SHOWN_MAX: u64 = 20;

/// What came of the rows of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) found: u64,
    pub(super) carried: u64,
    pub(super) not_carried: u64,
}

/// Counts, and keeps the list in a file if there is one.
pub(super) struct Report {
    tallies: BTreeMap<&'static str, Tally>,
    counted: Vec<(&'static str, u64)>,
    shown: Vec<String>,
    file: Option<(PathBuf, BufWriter<File>)>,
}

impl Tally {
    /// Returns how many had ended, so that they were not asked for.
    fn ended(self) -> u64 {
        self.found.saturating_sub(self.carried + self.not_carried)
    }
}

impl Report {
    /// Begins a report, in a new file or in place of an old one.
    pub(super) fn begin(path: Option<&Path>) -> Result<Self, Failure> {
        let file = match path {
            None => None,
            Some(path) => {
                let file = File::create(path).map_err(|error| failed(path, &error))?;
                Some((path.to_owned(), BufWriter::new(file)))
            }
        };
        let tallies = BTreeMap::new();
        Ok(Report { tallies, counted: Vec::new(), shown: Vec::new(), file })
    }

    /// Returns the tally of a kind.
    pub(super) fn tally(&mut self, kind: Kind) -> &mut Tally {
        self.tallies.entry(kind.name()).or_default()
    }

    /// Notes how many rows a table has of which nothing is carried.
    pub(super) fn count(&mut self, table: &'static str, rows: u64) {
        self.counted.push((table, rows));
    }

    /// Lists a row that cannot be carried.
    pub(super) fn list(&mut self, kind: Kind, id: &str, why: &str) -> Result<(), Failure> {
        // Ids of USSs are whatever was put there.
        let id = id.escape_debug();
        let text = format!("{} {id}: {why}", kind.singular());
        self.tally(kind).not_carried += 1;
        if let Some((path, file)) = &mut self.file {
            writeln!(file, "{text}").map_err(|error| failed(path, &error))?;
        }
        if self.not_carried() <= SHOWN_MAX {
            self.shown.push(text);
        }
        Ok(())
    }

    /// Returns how many rows cannot be carried.
    pub(super) fn not_carried(&self) -> u64 {
        self.tallies.values().map(|tally| tally.not_carried).sum()
    }

    /// Writes the table into the file, and lets the file reach the disk.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        let table = self.table();
        let Some((path, file)) = &mut self.file else { return Ok(()) };
        let mut write = || -> io::Result<()> {
            for row in &table {
                writeln!(file, "{row}")?;
            }
            file.flush()?;
            file.get_ref().sync_all()
        };
        write().map_err(|error| failed(path, &error))
    }

    /// Tells what came of it: the table on standard output, warnings on standard error. `list` is
    /// where all rows that were not carried are.
    pub(super) fn tell(&self, list: Option<&Path>) -> Result<(), Failure> {
        for row in self.table() {
            line(row)?;
        }
        let not_carried = self.not_carried();
        if not_carried == 0 {
            return Ok(());
        }
        note(format_args!("\nwarning: {not_carried} rows cannot be carried over:"));
        for text in &self.shown {
            note(format_args!("  {text}"));
        }
        let more = not_carried.saturating_sub(SHOWN_MAX);
        match list {
            Some(path) => note(format_args!("all of them are listed in {}", path.display())),
            None if more != 0 => {
                note(format_args!("  and {more} more; --report FILE lists all of them"));
            }
            None => {}
        }
        Ok(())
    }

    fn table(&self) -> Vec<String> {
        let header = ["kind", "found", "carried", "ended", "not carried"].map(str::to_owned);
        let mut rows = vec![row(header)];
        for kind in SCD_KINDS.into_iter().chain(RID_KINDS) {
            let tally = self.tallies.get(kind.name()).copied().unwrap_or_default();
            let Tally { found, carried, not_carried } = tally;
            let numbers = [found, carried, tally.ended(), not_carried];
            let [found, carried, ended, not_carried] = numbers.map(|number| number.to_string());
            rows.push(row([kind.name().to_owned(), found, carried, ended, not_carried]));
        }
        for (table, count) in &self.counted {
            rows.push(format!("{:<28}{count:>10}  (aux: counted only)", table.replace('_', " ")));
        }
        rows
    }
}

fn row(cells: [String; 5]) -> String {
    let [kind, found, carried, ended, not_carried] = cells;
    format!("{kind:<28}{found:>10}{carried:>10}{ended:>10}{not_carried:>13}")
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::refused(&format!("cannot write {}", path.display()), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_neither_carried_nor_listed_had_ended() {
        let tally = Tally { found: 7, carried: 3, not_carried: 2 };

        assert_eq!(tally.ended(), 2);
    }

    #[test]
    fn shows_a_bounded_number_of_rows_and_keeps_all_in_the_file() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("report");
        std::fs::write(&path, "an older report").expect("written");
        let mut report = Report::begin(Some(&path)).expect("a new file");

        for number in 0..=SHOWN_MAX {
            report.list(Kind::Constraint, &number.to_string(), "no reason").expect("written");
        }
        report.finish().expect("written");

        assert_eq!(report.shown.len() as u64, SHOWN_MAX);
        let text = std::fs::read_to_string(&path).expect("it is there");
        assert_eq!(text.matches("no reason").count() as u64, SHOWN_MAX + 1);
        assert!(!text.contains("older"), "{text}");
    }
}
