//! A log in one file, made while it is written to, and the way back.
//!
//! The file is an SQLite database of its own: the rows of the log, and the files of its segments
//! and of its newest snapshot in pieces. Its form is described in `docs/log-format.md`.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use crate::database::{self, number_of, position_of};
use crate::files::{self, NewFile};
use crate::history::History;
use crate::segment;
use crate::snapshot::{self, SnapshotStore};
use crate::{Damage, Hash, Head, LogError, Position, verify};

/// `PRAGMA application_id` of a backup: "TNSB".
const APPLICATION_ID: i32 = 0x544e_5342;

/// `PRAGMA user_version` of a backup.
const VERSION: i32 = 1;

/// How many bytes of a file are in one row.
const CHUNK_BYTES: usize = 1024 * 1024;

/// How many outcomes are copied in one transaction of the log.
const OUTCOMES_PER_READ: i64 = 1024;

/// How many rows are restored in one transaction.
const ROWS_PER_COMMIT: usize = 16_384;

const SCHEMA: &str = "
CREATE TABLE head (position INTEGER NOT NULL, chain BLOB NOT NULL) STRICT;
CREATE TABLE file (name TEXT PRIMARY KEY, length INTEGER NOT NULL) STRICT;
CREATE TABLE chunk (
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (name, number)
) STRICT;
";

/// A backup could not be made or restored; the log and the backup are as they were.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is something where the result was to be.
    #[error("{} exists already: choose another name or remove it", .0.display())]
    Exists(PathBuf),
    /// The file is no backup that this version reads.
    #[error("{} is no backup of a log", .0.display())]
    NotABackup(PathBuf),
    /// What was restored does not fit; nothing was put in place.
    #[error("the backup is damaged at {0}")]
    Damaged(Damage),
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Log(#[from] LogError),
    /// SQLite reports an error.
    #[error("SQLite reports an error")]
    Sqlite(#[from] rusqlite::Error),
    /// A file cannot be read or written.
    #[error("a file cannot be read or written")]
    Io(#[from] io::Error),
}

/// Copies the log in `dir` into the one new file `file`, also while a hub writes to it.
///
/// Holds no lock for long, so that the write-ahead log of a busy hub stays small. Returns the head
/// that the copy has; every entry in it was checked against the chain.
pub fn backup(dir: &Path, file: &Path) -> Result<Head, BackupError> {
    if file.exists() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    let temporary = beside(file, "tmp");
    let result = write_backup(dir, &temporary);
    let head = match result {
        Ok(head) => head,
        Err(error) => {
            // What is left over is told apart by its name; the error matters more.
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
    };
    File::open(&temporary)?.sync_all()?;
    fs::rename(&temporary, file)?;
    files::sync_dir(files::parent_of(file))?;
    Ok(head)
}

/// Restores a backup into `dir`, which must not be there or be empty, and verifies all of it.
///
/// The directory is marked: it opens only with [`Options::restored_declared`]. Returns its head.
///
/// [`Options::restored_declared`]: crate::Options::restored_declared
pub fn restore(file: &Path, dir: &Path) -> Result<Head, BackupError> {
    if dir.exists() && (!dir.is_dir() || fs::read_dir(dir)?.next().is_some()) {
        return Err(BackupError::Exists(dir.to_owned()));
    }
    let temporary = beside(dir, "restoring");
    if temporary.exists() {
        return Err(BackupError::Exists(temporary));
    }
    files::create_dir(&temporary)?;
    let result = restore_into(file, &temporary);
    let head = match result {
        Ok(head) => head,
        Err(error) => {
            // What is left over is told apart by its name; the error matters more.
            let _ = fs::remove_dir_all(&temporary);
            return Err(error);
        }
    };
    fs::rename(&temporary, dir)?;
    files::sync_dir(files::parent_of(dir))?;
    Ok(head)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    files::parent_of(path).join(name)
}

fn write_backup(dir: &Path, path: &Path) -> Result<Head, BackupError> {
    let reader = History::open(dir, Position::ZERO)?;
    let copy = create(path)?;
    copy.execute_batch("BEGIN")?;
    // In this order: no segment is ahead of the snapshot, the outcomes are at least those that the
    // snapshot assumes, and those that are kept later are made anew from the entries after it.
    let sealed_to = copy_segments(dir, reader.connection(), &copy)?;
    copy_snapshot(dir, &copy)?;
    copy_outcomes(reader.connection(), &copy)?;
    let head = copy_entries(dir, sealed_to.position, &copy)?;
    copy.execute(
        "INSERT INTO head (position, chain) VALUES (?1, ?2)",
        (number_of(head.position), head.chain),
    )?;
    copy.execute_batch("COMMIT")?;
    copy.close().map_err(|(_, error)| error)?;
    Ok(head)
}

fn create(path: &Path) -> Result<Connection, BackupError> {
    if path.exists() {
        fs::remove_file(path)?;
    }
    let connection = Connection::open(path)?;
    // The file counts only once it is whole, synced and renamed.
    connection.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA trusted_schema = OFF;",
    )?;
    connection.execute_batch(&format!(
        "{}{SCHEMA}
         PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {VERSION};",
        database::SCHEMA
    ))?;
    Ok(connection)
}

fn copy_snapshot(dir: &Path, copy: &Connection) -> Result<(), BackupError> {
    let Some(snapshot) = SnapshotStore::new(dir, 0).newest_good()? else { return Ok(()) };
    let name = snapshot::file_name(snapshot.head.position);
    let mut file = snapshot.into_file()?;
    put_file(copy, &format!("{}/{name}", snapshot::DIR_NAME), &mut file)
}

fn copy_segments(dir: &Path, log: &Connection, copy: &Connection) -> Result<Head, BackupError> {
    let mut sealed_to = Head::default();
    for segment in segment::list(log)? {
        segment::insert(copy, &segment)?;
        sealed_to = segment.span.after;
        if !segment.has_file() {
            continue;
        }
        let bytes = segment.load(&dir.join(segment::DIR_NAME))?;
        let name = format!("{}/{}", segment::DIR_NAME, segment.file_name());
        put_file(copy, &name, &mut &bytes[..])?;
    }
    Ok(sealed_to)
}

fn copy_outcomes(log: &Connection, copy: &Connection) -> Result<(), BackupError> {
    let mut select = log.prepare(
        "SELECT position, bytes FROM outcome WHERE ?1 < position ORDER BY position LIMIT ?2",
    )?;
    let mut insert = copy.prepare("INSERT INTO outcome (position, bytes) VALUES (?1, ?2)")?;
    let mut last = 0_i64;
    loop {
        let before = last;
        let mut rows = select.query((last, OUTCOMES_PER_READ))?;
        while let Some(row) = rows.next()? {
            last = row.get(0)?;
            insert.execute((last, row.get::<_, Value>(1)?))?;
        }
        if last == before {
            return Ok(());
        }
    }
}

fn copy_entries(dir: &Path, after: Position, copy: &Connection) -> Result<Head, BackupError> {
    let mut history = History::open(dir, after)?;
    let end = history.end()?;
    let mut insert =
        copy.prepare("INSERT INTO entry (position, chain, bytes) VALUES (?1, ?2, ?3)")?;
    loop {
        let records = history.read(end.position)?;
        if records.is_empty() {
            return Ok(history.head());
        }
        for record in records {
            let Head { position, chain } = record.head;
            // Sealed by hash only since the segments were copied: trying again succeeds.
            let bytes = record.bytes.ok_or(LogError::Gone(position))?;
            insert.execute((number_of(position), chain, bytes))?;
        }
    }
}

fn put_file(copy: &Connection, name: &str, file: &mut impl Read) -> Result<(), BackupError> {
    let mut insert = copy.prepare("INSERT INTO chunk (name, number, bytes) VALUES (?1, ?2, ?3)")?;
    let mut length = 0;
    for number in 0_i64.. {
        let mut bytes = Vec::with_capacity(CHUNK_BYTES);
        file.take(CHUNK_BYTES as u64).read_to_end(&mut bytes)?;
        if bytes.is_empty() {
            break;
        }
        length += bytes.len();
        insert.execute((name, number, bytes))?;
    }
    let length = i64::try_from(length).expect("a file's length");
    copy.execute("INSERT INTO file (name, length) VALUES (?1, ?2)", (name, length))?;
    Ok(())
}

fn restore_into(file: &Path, dir: &Path) -> Result<Head, BackupError> {
    let backup = open(file)?;
    for name in [snapshot::DIR_NAME, segment::DIR_NAME] {
        files::create_dir(&dir.join(name))?;
    }
    restore_files(&backup, dir)?;
    let log = database::open_for_writing(&database::path_in(dir)).map_err(|error| match error {
        database::DatabaseError::Sqlite(error) => BackupError::Sqlite(error),
        database::DatabaseError::Foreign | database::DatabaseError::Version(_) => {
            unreachable!("the database is made here")
        }
    })?;
    // Restoring alone is served by SQLite's own copying of the write-ahead log.
    log.execute_batch("PRAGMA wal_autocheckpoint = 1000")?;
    database::mark_restored(&log)?;
    for table in ["entry", "outcome", "segment"] {
        restore_rows(&backup, &log, table)?;
    }
    log.close().map_err(|(_, error)| error)?;
    files::sync_dir(dir)?;

    let (number, chain): (i64, Hash) =
        backup.query_row("SELECT position, chain FROM head", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let expected = Head { position: position_of(number)?, chain };
    let report = verify(dir, Some(expected))?;
    if let Some(damage) = report.damage {
        return Err(BackupError::Damaged(damage));
    }
    let damaged = report.snapshots.into_iter().find_map(|snapshot| {
        let what = format!("the snapshot taken there cannot be used: {}", snapshot.damage?);
        Some(Damage { position: snapshot.position, what })
    });
    match damaged {
        Some(damage) => Err(BackupError::Damaged(damage)),
        None => Ok(report.head),
    }
}

fn open(file: &Path) -> Result<Connection, BackupError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    let number = |pragma: &str| {
        connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i32>(0))
    };
    let format = number("application_id").and_then(|id| Ok((id, number("user_version")?)));
    match format {
        Ok((APPLICATION_ID, VERSION)) => {
            let settings = "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;";
            connection.execute_batch(settings)?;
            Ok(connection)
        }
        _ => Err(BackupError::NotABackup(file.to_owned())),
    }
}

fn restore_files(backup: &Connection, dir: &Path) -> Result<(), BackupError> {
    let mut select = backup.prepare("SELECT name, length FROM file ORDER BY name")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (path, length): (String, i64) = (row.get(0)?, row.get(1)?);
        let place = path.split_once('/').filter(|(place, name)| {
            [snapshot::DIR_NAME, segment::DIR_NAME].contains(place)
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
                && !name.starts_with('.')
        });
        let Some((place, name)) = place else {
            let what = format!("it holds a file with the name {path:?}");
            return Err(BackupError::Damaged(Damage { position: Position::ZERO, what }));
        };
        let mut file = NewFile::create(&dir.join(place), name)?;
        restore_chunks(backup, &path, &mut file)?;
        if i64::try_from(file.hash().1) != Ok(length) {
            let what = format!("the file {path:?} is cut off");
            return Err(BackupError::Damaged(Damage { position: Position::ZERO, what }));
        }
        file.keep(name)?;
    }
    Ok(())
}

fn restore_chunks(backup: &Connection, path: &str, file: &mut NewFile) -> Result<(), BackupError> {
    let mut select = backup.prepare("SELECT bytes FROM chunk WHERE name = ?1 AND number = ?2")?;
    for number in 0_i64.. {
        let chunk: Option<Vec<u8>> =
            select.query_row((path, number), |row| row.get(0)).optional()?;
        let Some(chunk) = chunk else { break };
        file.write_all(&chunk)?;
    }
    Ok(())
}

/// Copies a table that both have, whatever its columns are.
fn restore_rows(backup: &Connection, log: &Connection, table: &str) -> Result<(), BackupError> {
    let mut select = backup.prepare(&format!("SELECT * FROM {table} ORDER BY 1"))?;
    let columns = select.column_count();
    let places = vec!["?"; columns].join(", ");
    let mut insert = log.prepare(&format!("INSERT INTO {table} VALUES ({places})"))?;
    let mut rows = select.query([])?;
    let mut count = 0;
    log.execute_batch("BEGIN")?;
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            insert.raw_bind_parameter(column + 1, row.get::<_, Value>(column)?)?;
        }
        insert.raw_execute()?;
        count += 1;
        if count % ROWS_PER_COMMIT == 0 {
            log.execute_batch("COMMIT; BEGIN")?;
        }
    }
    log.execute_batch("COMMIT")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::thread;

    use spacetime::Timestamp;
    use tempfile::TempDir;

    use super::*;
    use crate::segment::Kept;
    use crate::suite::{append_all, take};
    use crate::{LocalLog, Log, OpenError, Options, Sealing};

    /// A log with a segment, rows, a snapshot and an outcome, and where to put things beside it.
    fn log() -> (TempDir, LocalLog) {
        let dir = tempfile::tempdir().expect("a directory");
        let log = LocalLog::open(&dir.path().join("log"), Options::default()).expect("opened");
        append_all(&log, 40);
        log.outcomes().keep(Position::new(3).expect("small"), b"outcome".to_vec()).expect("kept");
        log.outcomes().flush().expect("written");
        let head = log.head().expect("open");
        let state = vec![7; CHUNK_BYTES + 1];
        log.snapshots().write(head, [7; 32], |body| body.write_all(&state)).expect("written");
        let sealing = Sealing { age: std::time::Duration::ZERO, kept: Kept::Entries };
        let sealed = log.seal_old(Timestamp::MAX, sealing).expect("sealed");
        assert_eq!(sealed.segments, 1);
        append_all(&log, 10);
        (dir, log)
    }

    #[test]
    fn restores_what_was_backed_up_while_the_log_was_written() {
        let (dir, log) = log();
        let (file, restored) = (dir.path().join("backup"), dir.path().join("restored"));
        let log = std::sync::Arc::new(log);
        let writing = std::sync::Arc::clone(&log);
        let appender = thread::spawn(move || append_all(writing.as_ref(), 2_000));

        let head = backup(&dir.path().join("log"), &file).expect("backed up");
        appender.join().expect("no panic");

        assert!(50 <= head.position.number());
        assert_eq!(restore(&file, &restored).expect("restored"), head);
        let undeclared = LocalLog::open(&restored, Options::default());
        assert!(matches!(undeclared, Err(OpenError::Restored { .. })));
        let options = Options { restored_declared: true, ..Options::default() };
        let copy = LocalLog::open(&restored, options).expect("declared");
        assert_eq!(copy.head().expect("open"), head);
        take(
            &mut copy.follow(Position::ZERO).expect("open"),
            Head::default(),
            head.position.number(),
        );
        let outcome = copy.outcomes().find(Position::new(3).expect("small")).expect("read");
        assert_eq!(outcome, Some(b"outcome".to_vec()));
        let mut newest = copy.snapshots().newest_good().expect("readable").expect("there");
        let mut state = Vec::new();
        newest.read_to_end(&mut state).expect("read");
        assert_eq!(state, vec![7; CHUNK_BYTES + 1]);
    }

    #[test]
    fn puts_nothing_over_what_is_there() {
        let (dir, log) = log();
        let file = dir.path().join("backup");
        backup(&dir.path().join("log"), &file).expect("backed up");

        let twice = backup(&dir.path().join("log"), &file);
        let over = restore(&file, &dir.path().join("log"));

        assert!(matches!(twice, Err(BackupError::Exists(path)) if path == file));
        assert!(matches!(over, Err(BackupError::Exists(_))));
        assert_eq!(log.head().expect("open").position.number(), 50);
    }

    #[test]
    fn restores_into_an_empty_directory_and_an_empty_log_too() {
        let dir = tempfile::tempdir().expect("a directory");
        let (log, file) = (dir.path().join("log"), dir.path().join("backup"));
        drop(LocalLog::open(&log, Options::default()).expect("opened"));
        let place = dir.path().join("place");
        fs::create_dir(&place).expect("created");

        assert_eq!(backup(&log, &file).expect("backed up"), Head::default());
        assert_eq!(restore(&file, &place).expect("restored"), Head::default());
    }

    #[test]
    fn leaves_nothing_of_a_backup_that_is_damaged() {
        let changes = [
            "UPDATE entry SET bytes = x'00' WHERE position = 45",
            "DELETE FROM entry WHERE position = 50",
            "UPDATE chunk SET bytes = x'00' WHERE name LIKE 'segments/%'",
            "DELETE FROM chunk WHERE name LIKE 'snapshots/%' AND number = 1",
            "UPDATE chunk SET bytes = zeroblob(1048576) WHERE number = 0",
            "UPDATE file SET name = 'segments/../../evil' WHERE name LIKE 'segments/%'",
            "UPDATE file SET name = 'segments/.evil' WHERE name LIKE 'segments/%'",
            "UPDATE head SET chain = zeroblob(32)",
        ];
        let (dir, log) = log();
        let (file, restored) = (dir.path().join("backup"), dir.path().join("restored"));

        for sql in changes {
            backup(&dir.path().join("log"), &file).expect("backed up");
            Connection::open(&file).expect("opened").execute_batch(sql).expect("changed");
            let result = restore(&file, &restored);
            assert!(matches!(result, Err(BackupError::Damaged(_))), "{sql}: {result:?}");
            fs::remove_file(&file).expect("removed");
        }

        drop(log);
        let names = fs::read_dir(dir.path()).expect("readable").count();
        assert_eq!(names, 1, "only the log is there");
    }

    #[test]
    fn refuses_a_file_that_is_no_backup() {
        let (dir, _log) = log();
        let file = dir.path().join("file");
        fs::write(&file, b"something else, long enough to be looked at by SQLite")
            .expect("written");

        let text = restore(&file, &dir.path().join("restored"));
        let database = restore(&dir.path().join("log/log.sqlite3"), &dir.path().join("restored"));

        assert!(matches!(text, Err(BackupError::NotABackup(_))));
        assert!(matches!(database, Err(BackupError::NotABackup(_))));
    }
}
