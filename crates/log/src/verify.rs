//! Recomputes a log from its first entry, reads its head, and hands out its entries.
//!
//! Works on a directory from any process, also while a hub writes to it: it looks at what was
//! there when it began.

use std::fmt;
use std::io;
use std::ops::RangeInclusive;
use std::path::Path;

use crate::database::{self, open_for_reading, path_in};
use crate::engine::{damage, storage};
use crate::history::{History, Record};
use crate::segment::{self, Kept, Segment};
use crate::snapshot::SnapshotStore;
use crate::{Damage, Entry, Hash, Head, LogError, Position};

/// What a verification has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How far the log is sound: the last position that fits, and the chain there.
    pub head: Head,
    /// What is kept of which positions, in order, as far as the log is sound.
    pub coverage: Vec<Coverage>,
    /// How many sealed segments there are.
    pub segments: usize,
    /// The snapshots, newest first.
    pub snapshots: Vec<SnapshotReport>,
    /// The first position that does not fit.
    pub damage: Option<Damage>,
    /// What SQLite finds wrong with its file besides.
    pub database: Option<String>,
}

/// What is kept of a run of positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The first position.
    pub first: Position,
    /// The last position.
    pub last: Position,
    /// What is kept.
    pub kept: Kept,
}

/// Whether a snapshot can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotReport {
    /// Its position.
    pub position: Position,
    /// Why it cannot be used.
    pub damage: Option<String>,
}

/// An entry as it is handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The head with this entry.
    pub head: Head,
    /// Its leaf hash.
    pub leaf: Hash,
    /// The entry, unless only its hash is kept.
    pub entry: Option<Entry>,
}

/// Entries could not be handed out.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Log(#[from] LogError),
    /// They cannot be written.
    #[error("the entries cannot be written")]
    Output(#[source] io::Error),
}

impl Report {
    /// Tells whether everything fits; damaged snapshots do not count, they replace nothing.
    pub fn is_sound(&self) -> bool {
        self.damage.is_none() && self.database.is_none()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Coverage { first, last, kept } in &self.coverage {
            let kept = match kept {
                Kept::Entries => "entries verified",
                Kept::LeafHashes => "verified by leaf hashes, the entries are no longer kept",
                Kept::Nothing => "nothing kept, the log begins at a snapshot",
            };
            writeln!(f, "positions {first} to {last}: {kept}")?;
        }
        if self.segments != 0 {
            writeln!(f, "sealed segments: {}", self.segments)?;
        }
        for snapshot in &self.snapshots {
            let damage = snapshot.damage.as_deref().unwrap_or("good");
            writeln!(f, "snapshot of position {}: {damage}", snapshot.position)?;
        }
        if let Some(database) = &self.database {
            writeln!(f, "database: {database}")?;
        }
        match &self.damage {
            Some(damage) => write!(f, "damaged at {damage}"),
            None if self.database.is_some() => write!(f, "the chain is sound, the database is not"),
            None => write!(
                f,
                "sound: position {}, chain {}",
                self.head.position,
                crate::files::hex(&self.head.chain)
            ),
        }
    }
}

/// Recomputes every leaf and the whole chain of the log in `dir`.
///
/// `expect` is a head that was kept elsewhere; without it a log that was rewritten from its first
/// entry on cannot be told from a true one. An error means that the log could not be read; damage
/// is no error but stands in the report.
pub fn verify(dir: &Path, expect: Option<Head>) -> Result<Report, LogError> {
    let mut report = Report {
        head: Head::default(),
        coverage: Vec::new(),
        segments: 0,
        snapshots: Vec::new(),
        damage: None,
        database: None,
    };
    match verify_chain(dir, expect, &mut report) {
        Ok(()) => {}
        Err(LogError::Damaged(damage)) => report.damage = Some(damage),
        Err(error) => return Err(error),
    }
    report.snapshots = verify_snapshots(dir)?;
    if report.damage.is_none() {
        report.database = check_database(dir)?;
    }
    Ok(report)
}

/// Returns how far the log in `dir` reaches, as it is stored.
pub fn head(dir: &Path) -> Result<Head, LogError> {
    History::open(dir, Position::ZERO)?.end()
}

/// Returns the chain at a position of the log in `dir`, `None` where the log begins later or is not
/// as far.
pub fn chain_at(dir: &Path, position: Position) -> Result<Option<Hash>, LogError> {
    match History::open(dir, position) {
        Ok(history) => Ok(Some(history.head().chain)),
        Err(LogError::Gone(_) | LogError::BeyondTheEnd { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Hands out the entries at `positions`, in order, to the end of the log if that comes first.
///
/// Every entry fits the chain from the one before the first on, or it is not handed out; a log that
/// begins at a snapshot has none before. Returns the head at the last one.
pub fn export(
    dir: &Path,
    positions: RangeInclusive<Position>,
    mut each: impl FnMut(Exported) -> io::Result<()>,
) -> Result<Head, ExportError> {
    let (first, last) = positions.into_inner();
    let before = Position::new(first.number().saturating_sub(1)).expect("less than a position");
    let base = History::open(dir, Position::ZERO)?.base()?.position;
    let mut history = History::open(dir, before.max(base))?;
    let last = last.min(history.end()?.position);
    loop {
        let records = history.read(last)?;
        if records.is_empty() {
            return Ok(history.head());
        }
        for record in records {
            each(exported(record)?).map_err(ExportError::Output)?;
        }
    }
}

fn exported(record: Record) -> Result<Exported, LogError> {
    let Record { head, leaf, bytes } = record;
    let entry = bytes.map(|bytes| Entry::from_bytes(&bytes)).transpose();
    let entry =
        entry.map_err(|error| damage(head.position, &format!("it is no entry: {error}")))?;
    Ok(Exported { head, leaf, entry })
}

fn verify_chain(dir: &Path, expect: Option<Head>, report: &mut Report) -> Result<(), LogError> {
    let mut history = History::open(dir, Position::ZERO)?;
    let base = history.base()?;
    if base != Head::default() {
        history = History::open(dir, base.position)?;
        let first = Position::ZERO.next();
        report.coverage.push(Coverage { first, last: base.position, kept: Kept::Nothing });
        report.head = base;
        check_reach(expect, base)?;
    }
    let until = match history.end() {
        Ok(end) => end.position,
        // Its end cannot be read: what can be read shows where it breaks off.
        Err(LogError::Damaged(_)) => Position::MAX,
        Err(error) => return Err(error),
    };
    let segments = segment::list(history.connection())?;
    report.segments = segments.into_iter().filter(Segment::has_file).count();
    compare(expect, report.head)?;
    loop {
        let records = history.read(until)?;
        if records.is_empty() {
            break;
        }
        for record in records {
            let exported = exported(record)?;
            compare(expect, exported.head)?;
            report.head = exported.head;
            let kept = if exported.entry.is_some() { Kept::Entries } else { Kept::LeafHashes };
            cover(&mut report.coverage, exported.head.position, kept);
        }
    }
    match expect {
        Some(expect) if until < expect.position => {
            let what = format!("the log ends here, it is expected to reach {}", expect.position);
            Err(damage(until.next(), &what))
        }
        _ => Ok(()),
    }
}

/// Refuses a head that was kept elsewhere where the log cannot tell whether it holds it.
fn check_reach(expect: Option<Head>, base: Head) -> Result<(), LogError> {
    match expect {
        Some(expect) if expect.position < base.position => {
            let what = format!(
                "the log begins at a snapshot of position {}, so a head before that cannot be \
                 checked: take a later one",
                base.position
            );
            Err(damage(expect.position, &what))
        }
        _ => Ok(()),
    }
}

fn compare(expect: Option<Head>, head: Head) -> Result<(), LogError> {
    match expect {
        Some(expect) if expect.position == head.position && expect.chain != head.chain => {
            let what = "the chain is not the expected one: this entry or one before it was changed";
            Err(damage(head.position, what))
        }
        _ => Ok(()),
    }
}

fn cover(coverage: &mut Vec<Coverage>, position: Position, kept: Kept) {
    match coverage.last_mut() {
        Some(last) if last.kept == kept => last.last = position,
        _ => coverage.push(Coverage { first: position, last: position, kept }),
    }
}

fn verify_snapshots(dir: &Path) -> Result<Vec<SnapshotReport>, LogError> {
    let store = SnapshotStore::new(dir, 0);
    let positions = match store.positions() {
        Ok(positions) => positions,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(storage(error)),
    };
    let mut reports = Vec::new();
    for position in positions {
        let damage = store.load(position).err();
        // A hub that runs meanwhile removes old ones.
        if damage.is_none() || store.path(position).exists() {
            reports.push(SnapshotReport { position, damage });
        }
    }
    Ok(reports)
}

fn check_database(dir: &Path) -> Result<Option<String>, LogError> {
    debug_assert!(path_in(dir).is_file(), "the chain was read from it");
    let found: String = open_for_reading(dir)?
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| database::read_error(Position::ZERO, error))?;
    Ok((found != "ok").then_some(found))
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use tempfile::TempDir;

    use super::*;
    use crate::suite::append_all;
    use crate::{LocalLog, Options, chain_hash, leaf_hash};

    fn log_of(count: u64) -> (TempDir, Head) {
        let dir = tempfile::tempdir().expect("a directory");
        let log = LocalLog::open(dir.path(), Options::default()).expect("opened");
        append_all(&log, count);
        let head = log.head().expect("open");
        (dir, head)
    }

    fn position(number: u64) -> Position {
        Position::new(number).expect("small")
    }

    fn damaged_at(dir: &TempDir, expect: Option<Head>) -> Option<u64> {
        let report = verify(dir.path(), expect).expect("readable");
        assert_eq!(report.is_sound(), report.damage.is_none());
        report.damage.map(|damage| damage.position.number())
    }

    fn change(dir: &TempDir, sql: &str) {
        let connection = Connection::open(path_in(dir.path())).expect("opened");
        connection.execute_batch(sql).expect("changed");
    }

    #[test]
    fn finds_a_log_sound_that_nobody_changed() {
        let (dir, written) = log_of(30);

        let report = verify(dir.path(), Some(written)).expect("readable");

        assert!(report.is_sound());
        assert_eq!(report.head, written);
        assert_eq!(head(dir.path()).expect("readable"), written);
        let all = Coverage { first: position(1), last: position(30), kept: Kept::Entries };
        assert_eq!(report.coverage, [all]);
        assert!(report.to_string().ends_with(&crate::files::hex(&written.chain)), "{report}");
    }

    #[test]
    fn names_the_first_position_that_does_not_fit() {
        let changes = [
            ("UPDATE entry SET bytes = x'00' WHERE position = 17", 17),
            ("UPDATE entry SET chain = zeroblob(32) WHERE position IN (5, 17)", 5),
            ("UPDATE entry SET chain = x'00' WHERE position = 6", 6),
            ("DELETE FROM entry WHERE position = 17", 17),
            ("DELETE FROM entry WHERE position = 1", 1),
            ("UPDATE entry SET position = 31 WHERE position = 29", 29),
        ];

        for (sql, position) in changes {
            let (dir, _) = log_of(30);
            change(&dir, sql);
            assert_eq!(damaged_at(&dir, None), Some(position), "{sql}");
        }
    }

    #[test]
    fn finds_a_log_rewritten_with_its_chain_only_by_a_head_kept_elsewhere() {
        let (dir, written) = log_of(2);
        let other = crate::suite::entry("another").to_bytes().expect("small");
        let first = Head::default();
        let second = {
            let connection = Connection::open(path_in(dir.path())).expect("opened");
            let query = "SELECT chain FROM entry WHERE position = 1";
            let before: Hash = connection.query_row(query, [], |row| row.get(0)).expect("a row");
            let chain = chain_hash(&before, position(2), &leaf_hash(&other));
            let update = "UPDATE entry SET bytes = ?1, chain = ?2 WHERE position = 2";
            connection.execute(update, (&other, chain)).expect("rewritten");
            Head { position: position(2), chain }
        };

        assert_eq!(damaged_at(&dir, None), None);
        assert_eq!(damaged_at(&dir, Some(first)), None);
        assert_eq!(damaged_at(&dir, Some(second)), None);
        assert_eq!(damaged_at(&dir, Some(written)), Some(2));
        change(&dir, "DELETE FROM entry WHERE position = 2");
        assert_eq!(damaged_at(&dir, Some(second)), Some(2), "the end is missing");
    }

    #[test]
    fn names_the_first_position_of_a_page_that_sqlite_cannot_read() {
        let (dir, _) = log_of(3_000);
        let path = path_in(dir.path());
        let mut bytes = std::fs::read(&path).expect("readable");
        let pages = bytes.len() / 4096;
        for page in pages / 2..pages {
            bytes[page * 4096] = 0xff;
        }
        std::fs::write(&path, bytes).expect("written");

        let at = damaged_at(&dir, None).expect("damaged");

        assert!((2..3_000).contains(&at), "{at}");
    }

    #[test]
    fn hands_out_the_asked_positions_and_ends_with_the_log() {
        let (dir, written) = log_of(30);
        let numbers = |range: RangeInclusive<u64>| {
            let mut numbers = Vec::new();
            let range = position(*range.start())..=position(*range.end());
            let head = export(dir.path(), range, |exported| {
                numbers.push(exported.head.position.number());
                Ok(())
            });
            (numbers, head.expect("exported"))
        };

        assert_eq!(numbers(3..=5).0, [3, 4, 5]);
        assert_eq!(numbers(29..=99), (vec![29, 30], written));
        assert_eq!(numbers(0..=1).0, [1]);
        let full = export(dir.path(), position(1)..=position(9), |_| {
            Err(io::Error::other("the pipe is closed"))
        });
        assert!(matches!(full, Err(ExportError::Output(_))));
    }
}
