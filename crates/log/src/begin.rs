//! Makes a log that begins after a snapshot, for who takes it over from another copy.
//!
//! Nothing is kept of the entries up to the snapshot but where they lead: a row of the table of
//! segments says so, without a file. A crash on the way leaves the log as it was, or one that begins
//! at a snapshot which is not there: that holds nothing, and opening it makes it empty.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use crate::backup::{BackupError, backup};
use crate::database::{self, DatabaseError, number_of};
use crate::files;
use crate::local::DirLock;
use crate::segment::{self, Segment, Span};
use crate::snapshot::{self, SnapshotError, SnapshotStore};
use crate::{Hash, Head, Kept, LogError, Position, leaf_hash};

/// A log could not be begun.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// A process has the directory.
    #[error("{} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The database is something else, or cannot be used.
    #[error("the database of the log cannot be used")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What was there could not be kept.
    #[error("the log that was there could not be backed up")]
    Backup(#[from] BackupError),
    /// The log cannot be read.
    #[error("the log that was there cannot be read")]
    Log(#[from] LogError),
    /// The snapshot could not be written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A file or directory cannot be made.
    #[error("a file or directory cannot be made")]
    Io(#[from] io::Error),
}

/// What a log begins with.
#[derive(Debug)]
pub struct Beginning<'a> {
    /// The last entry that the snapshot has taken in.
    pub head: Head,
    /// The hash of the snapshot's state.
    pub state_hash: Hash,
    /// Entries after it, in canonical bytes.
    pub rest: &'a [Vec<u8>],
}

/// Makes the log in `dir`, which may be there, one that begins after a snapshot; `body` streams it.
///
/// A log that was there is first backed up into a file in `dir`, which is returned; it may be
/// restored elsewhere. Blocks.
pub fn begin_at(
    dir: &Path,
    beginning: &Beginning<'_>,
    body: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<Option<PathBuf>, BeginError> {
    files::create_dir(dir)?;
    let lock = DirLock::take(dir)?.ok_or_else(|| BeginError::InUse(dir.to_owned()))?;
    for name in [snapshot::DIR_NAME, segment::DIR_NAME] {
        files::create_dir(&dir.join(name))?;
    }
    let mut log = database::open_for_writing(&database::path_in(dir)).map_err(unusable)?;
    let is_half_begun = is_half_begun(&log, &SnapshotStore::new(dir, 0))?;
    let before = if is_half_begun { Head::default() } else { database::head(&log)? };
    let kept = (before != Head::default()).then(|| dir.join(kept_name(before)));
    if let Some(kept) = &kept
        && !kept.exists()
    {
        backup(dir, kept)?;
    }
    begin(&mut log, beginning).map_err(|error| unusable(error.into()))?;
    log.close().map_err(|(_, error)| unusable(error.into()))?;
    files::sync_dir(dir)?;
    for name in [snapshot::DIR_NAME, segment::DIR_NAME] {
        remove_files(&dir.join(name))?;
    }
    SnapshotStore::new(dir, 0).write(beginning.head, beginning.state_hash, body)?;
    drop(lock);
    Ok(kept)
}

/// Returns how far the log in `dir` reaches: the default where there is none, or one that was only
/// half begun.
pub fn head_if_begun(dir: &Path) -> Result<Head, LogError> {
    if !database::path_in(dir).is_file() {
        return Ok(Head::default());
    }
    let connection = database::open_for_reading(dir)?;
    if is_half_begun(&connection, &SnapshotStore::new(dir, 0))? {
        return Ok(Head::default());
    }
    database::head(&connection)
}

/// Makes a log empty again that begins at a snapshot which was never written, and has nothing else.
pub(crate) fn undo_half_begun(
    connection: &Connection,
    snapshots: &SnapshotStore,
) -> Result<(), LogError> {
    if !is_half_begun(connection, snapshots)? {
        return Ok(());
    }
    tracing::warn!("a log that was only half begun is made empty");
    connection
        .execute_batch("BEGIN IMMEDIATE; DELETE FROM entry; DELETE FROM segment; COMMIT")
        .map_err(|error| database::read_error(Position::ZERO, error))
}

/// Tells whether a log begins at a snapshot that is not there, and has at most what came with it: that
/// is no use without, and more would mean that the snapshot was lost later.
fn is_half_begun(connection: &Connection, snapshots: &SnapshotStore) -> Result<bool, LogError> {
    let Some(base) = segment::base(connection)? else { return Ok(false) };
    let end = database::head(connection)?;
    let mut headers = snapshots.headers().map_err(crate::engine::storage)?;
    if headers.any(|header| base.position <= header.head.position) {
        return Ok(false);
    }
    let beyond = end.position.number() - base.position.number();
    Ok(beyond <= REST_MAX && segment::list(connection)?.len() == 1)
}

/// How many entries come with a snapshot at most: those of the batch that it cuts in two.
const REST_MAX: u64 = ::pool::ENTRIES_PER_BATCH_MAX as u64;

fn begin(log: &mut Connection, beginning: &Beginning<'_>) -> rusqlite::Result<()> {
    let span = Span { kept: Kept::Nothing, before: Head::default(), after: beginning.head };
    let transaction = log.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(
        "DELETE FROM entry; DELETE FROM outcome; DELETE FROM segment; DELETE FROM meta;",
    )?;
    segment::insert(&transaction, &Segment { span, sha256: [0; 32] })?;
    let mut head = beginning.head;
    for bytes in beginning.rest {
        head = head.followed_by(&leaf_hash(bytes));
        transaction.execute(
            "INSERT INTO entry (position, chain, bytes) VALUES (?1, ?2, ?3)",
            (number_of(head.position), head.chain, bytes),
        )?;
    }
    transaction.commit()
}

/// Removes the files of the log that was there.
fn remove_files(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        fs::remove_file(entry?.path())?;
    }
    files::sync_dir(dir)
}

fn kept_name(head: Head) -> String {
    format!("until-{:020}.backup", head.position.number())
}

fn unusable(error: DatabaseError) -> BeginError {
    BeginError::Database(Box::new(error))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::suite::{append_all, entry, take};
    use crate::{Coverage, Damage, LocalLog, Log, Options, chain_at, export, verify};

    const AT: u64 = 7;

    fn position(number: u64) -> Position {
        Position::new(number).expect("small")
    }

    fn head() -> Head {
        Head { position: position(AT), chain: [3; 32] }
    }

    fn rest() -> Vec<Vec<u8>> {
        ["one", "two"].map(|command| entry(command).to_bytes().expect("small")).to_vec()
    }

    fn begin_in(dir: &Path) -> Option<PathBuf> {
        let rest = rest();
        let beginning = Beginning { head: head(), state_hash: [5; 32], rest: &rest };
        begin_at(dir, &beginning, |body| body.write_all(b"state")).expect("begun")
    }

    fn open(dir: &Path) -> LocalLog {
        LocalLog::open(dir, Options::default()).expect("it opens")
    }

    /// A log that begins at a snapshot, with two entries from there and three of its own.
    fn begun() -> (TempDir, Head) {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(begin_in(dir.path()), None);
        let log = open(dir.path());
        append_all(&log, 3);
        let end = log.head().expect("open");
        (dir, end)
    }

    #[test]
    fn goes_on_after_the_snapshot_and_has_nothing_before() {
        let (dir, end) = begun();

        let log = open(dir.path());

        assert_eq!(end.position.number(), AT + 5);
        assert_eq!(log.begins_after().expect("readable"), head().position);
        let snapshot = log.snapshots().newest_good().expect("readable").expect("there");
        assert_eq!((snapshot.head, snapshot.state_hash), (head(), [5; 32]));
        take(&mut log.follow(head().position).expect("open"), head(), 5);
        for gone in [0, AT - 1] {
            let mut follower = log.follow(position(gone)).expect("open");
            let read = follower.next_batch();
            assert!(matches!(read, Err(crate::FollowError::Log(LogError::Gone(_)))), "{gone}");
        }
    }

    #[test]
    fn is_verified_shown_and_sealed_from_the_snapshot_on() {
        let (dir, end) = begun();
        let log = open(dir.path());
        log.snapshots().write(end, [6; 32], |_| Ok(())).expect("written");
        let sealing = crate::Sealing { age: std::time::Duration::ZERO, kept: Kept::Entries };
        let sealed = log.seal_old(spacetime::Timestamp::MAX, sealing).expect("sealed");

        let report = verify(dir.path(), Some(end)).expect("readable");

        assert_eq!((sealed.segments, sealed.sealed_to), (1, position(AT + 4)));
        assert!(report.is_sound(), "{report}");
        assert_eq!((report.head, report.segments), (end, 1));
        let cover = |first, last, kept| {
            let (first, last) = (position(first), position(last));
            Coverage { first, last, kept }
        };
        let covered = [cover(1, AT, Kept::Nothing), cover(AT + 1, AT + 5, Kept::Entries)];
        assert_eq!(report.coverage, covered);
        let mut shown = Vec::new();
        let all = position(1)..=Position::MAX;
        let shown_to = export(dir.path(), all, |exported| {
            shown.push(exported.head.position.number());
            Ok(())
        });
        assert_eq!(shown_to.expect("shown"), end);
        assert_eq!(shown, (AT + 1..=AT + 5).collect::<Vec<_>>());
        assert_eq!(chain_at(dir.path(), head().position).expect("readable"), Some([3; 32]));
        for outside in [1, AT - 1, AT + 6] {
            assert_eq!(chain_at(dir.path(), position(outside)).expect("readable"), None);
        }
    }

    #[test]
    fn tells_heads_that_it_holds_from_others_and_from_those_it_cannot_know() {
        let (dir, end) = begun();
        let damage = |expect| verify(dir.path(), Some(expect)).expect("readable").damage;

        assert_eq!(damage(head()), None);
        assert_eq!(damage(end), None);
        let other = Head { chain: [4; 32], ..head() };
        assert_eq!(damage(other).map(|damage| damage.position), Some(head().position));
        let before = Head { position: position(AT - 1), chain: [4; 32] };
        let Some(Damage { what, .. }) = damage(before) else { panic!("it cannot be known") };
        assert!(what.contains("begins at a snapshot of position 7"), "{what}");
    }

    #[test]
    fn is_backed_up_and_restored() {
        let (dir, end) = begun();
        let (file, copy) = (dir.path().join("file"), dir.path().join("copy"));

        backup(dir.path(), &file).expect("backed up");
        assert_eq!(crate::restore(&file, &copy).expect("restored"), end);

        let options = Options { restored_declared: true, ..Options::default() };
        let log = LocalLog::open(&copy, options).expect("declared");
        take(&mut log.follow(head().position).expect("open"), head(), 5);
        assert!(log.snapshots().newest_good().expect("readable").is_some());
    }

    #[test]
    fn keeps_the_log_that_was_there_in_a_backup() {
        let dir = tempfile::tempdir().expect("a directory");
        let log = open(dir.path());
        append_all(&log, 3);
        let before = log.head().expect("open");
        log.snapshots().write(before, [1; 32], |_| Ok(())).expect("written");
        let in_use = begin_at(
            dir.path(),
            &Beginning { head: head(), state_hash: [5; 32], rest: &[] },
            |_| Ok(()),
        );
        drop(log);

        let kept = begin_in(dir.path()).expect("there was one");

        assert!(matches!(in_use, Err(BeginError::InUse(_))));
        assert_eq!(open(dir.path()).head().expect("open").position.number(), AT + 2);
        assert_eq!(open(dir.path()).snapshots().positions().expect("readable"), [head().position]);
        let restored = crate::restore(&kept, &dir.path().join("restored"));
        assert_eq!(restored.expect("it is whole"), before);
    }

    #[test]
    fn is_made_empty_when_its_snapshot_was_never_written() {
        let dir = tempfile::tempdir().expect("a directory");
        begin_in(dir.path());
        assert_eq!(head_if_begun(dir.path()).expect("readable").position.number(), AT + 2);
        fs::remove_file(open(dir.path()).snapshots().path(head().position)).expect("removed");
        assert_eq!(head_if_begun(dir.path()).expect("readable"), Head::default());

        let log = open(dir.path());

        assert_eq!(log.head().expect("open"), Head::default());
        assert_eq!(log.begins_after().expect("readable"), Position::ZERO);
        append_all(&log, 2);
        drop(log);
        assert!(verify(dir.path(), None).expect("readable").is_sound());
    }
}
