//! The SQLite file: its schema, how it is opened, and what its errors mean.
//!
//! All SQL of the log's directory is here and in the modules that own a table's rows; connections
//! are made here only, so that every one has the settings that the promises rest on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, ffi};

use crate::engine::{damage, storage};
use crate::{Hash, Head, LogError, Position};

/// The name of the SQLite file in the log's directory.
pub(crate) const FILE_NAME: &str = "log.sqlite3";

/// `PRAGMA application_id` of a log: "TNSQ".
const APPLICATION_ID: i32 = 0x544e_5351;

/// `PRAGMA user_version`: the version of the schema.
pub(crate) const SCHEMA_VERSION: i32 = 1;

/// How long a statement waits for a lock of another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// To how many bytes the write-ahead log's file is cut back when it starts anew.
const WAL_BYTES_KEPT_MAX: i64 = 32 * 1024 * 1024;

/// The tables of a log; a backup has them too.
pub(crate) const SCHEMA: &str = "
CREATE TABLE entry (
    position INTEGER PRIMARY KEY,
    chain BLOB NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
CREATE TABLE outcome (
    position INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;
CREATE TABLE segment (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    chain_before BLOB NOT NULL,
    chain_after BLOB NOT NULL,
    sha256 BLOB NOT NULL
) STRICT;
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
";

/// The row of `meta` that is there while a restored directory waits for its declaration.
const RESTORED: &str = "restored";

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    /// It was made by something else.
    #[error("it is no log of this program")]
    Foreign,
    /// Its schema is of another version.
    #[error("its format is version {0}, this program reads version {SCHEMA_VERSION}")]
    Version(i32),
    /// SQLite says so.
    #[error("SQLite reports an error")]
    Sqlite(#[from] rusqlite::Error),
}

/// What an error of SQLite means to whoever writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The disk is full (`SQLITE_FULL`); room may come back.
    NoSpace,
    /// A lock or memory was not to be had; a later try may succeed.
    Transient,
    /// A read, write or sync failed or the file is damaged: nothing more may be written.
    Broken,
}

/// Returns the path of the SQLite file in a log's directory.
pub(crate) fn path_in(dir: &Path) -> PathBuf {
    dir.join(FILE_NAME)
}

/// Opens the database for the one writer, and creates it when it is not there; syncs every commit.
pub(crate) fn open_for_writing(path: &Path) -> Result<Connection, DatabaseError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    if is_empty(&connection)? {
        connection.execute_batch("PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;")?;
    } else {
        check_format(&connection)?;
    }
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA fullfsync = ON;
         PRAGMA checkpoint_fullfsync = ON;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA cache_size = -16384;
         PRAGMA cell_size_check = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA trusted_schema = OFF;",
    )?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT_MAX)?;
    if is_empty(&connection)? {
        create_schema(&connection)?;
    }
    check_format(&connection)?;
    Ok(connection)
}

/// Opens the database of a log for reading, beside the writer of this or another process.
pub(crate) fn open_for_reading(dir: &Path) -> Result<Connection, LogError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || -> Result<Connection, DatabaseError> {
        let connection = Connection::open_with_flags(path_in(dir), flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.execute_batch("PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;")?;
        check_format(&connection)?;
        Ok(connection)
    };
    open().map_err(|error| match error {
        DatabaseError::Sqlite(error) => read_error(Position::ZERO, error),
        error => storage(error),
    })
}

/// Leaves commits to be synced by the next checkpoint, or by [`commit_synced`].
///
/// A power cut then takes the latest commits back, whole and from the end: the write-ahead log is
/// always synced before the database is written.
pub(crate) fn leave_commits_unsynced(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA synchronous = NORMAL")
}

/// Makes every commit so far durable, by one that is synced and changes nothing.
///
/// A checkpoint would not do: one that finds a reader in its way ends without a sync.
pub(crate) fn commit_synced(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA synchronous = FULL")?;
    let result = connection.pragma_update(None, "user_version", SCHEMA_VERSION);
    leave_commits_unsynced(connection)?;
    result
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
}

fn create_schema(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE;
         {SCHEMA}
         PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {SCHEMA_VERSION};
         COMMIT;"
    ))
}

fn check_format(connection: &Connection) -> Result<(), DatabaseError> {
    let id: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if id != APPLICATION_ID {
        return Err(DatabaseError::Foreign);
    }
    let version: i32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version != SCHEMA_VERSION {
        return Err(DatabaseError::Version(version));
    }
    Ok(())
}

/// Returns how far the stored log reaches.
pub(crate) fn head(connection: &Connection) -> Result<Head, LogError> {
    let query = "SELECT position, chain FROM (
            SELECT position, chain FROM entry
            UNION ALL SELECT last, chain_after FROM segment
        ) ORDER BY position DESC LIMIT 1";
    let last_entry = "SELECT position, chain FROM entry ORDER BY position DESC LIMIT 1";
    let read = |sql: &str| {
        connection
            .query_row(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Hash>(1)?)))
            .optional()
    };
    // The newest entry is never sealed while the log is in use, so the first query finds it.
    let row = match read(last_entry).map_err(|error| read_error(Position::ZERO, error))? {
        Some(row) => Some(row),
        None => read(query).map_err(|error| read_error(Position::ZERO, error))?,
    };
    let Some((number, chain)) = row else { return Ok(Head::default()) };
    Ok(Head { position: position_of(number)?, chain })
}

/// Returns the position that a stored number says.
pub(crate) fn position_of(number: i64) -> Result<Position, LogError> {
    u64::try_from(number)
        .ok()
        .and_then(Position::new)
        .ok_or_else(|| damage(Position::ZERO, &format!("a stored position is {number}")))
}

/// Returns the stored number of a position.
pub(crate) fn number_of(position: Position) -> i64 {
    i64::try_from(position.number()).expect("Position::MAX is i64::MAX")
}

/// Tells whether the directory came from a restore that is not yet declared in the log.
pub(crate) fn is_restored(connection: &Connection) -> rusqlite::Result<bool> {
    let count: i64 =
        connection
            .query_row("SELECT count(*) FROM meta WHERE name = ?1", [RESTORED], |row| row.get(0))?;
    Ok(0 < count)
}

/// Marks the database as restored.
pub(crate) fn mark_restored(connection: &Connection) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, 1)";
    connection.execute(sql, [RESTORED]).map(|_| ())
}

/// Takes the mark of a restore away.
pub(crate) fn unmark_restored(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM meta WHERE name = ?1", [RESTORED]).map(|_| ())
}

/// Returns what an error means to whoever writes.
pub(crate) fn fault_of(error: &rusqlite::Error) -> Fault {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Fault::NoSpace,
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::OutOfMemory
            | ErrorCode::OperationInterrupted,
        ) => Fault::Transient,
        // I/O errors, damage, a disk that has become read-only, and what cannot be: bugs of ours.
        _ => Fault::Broken,
    }
}

/// Tells whether a failed COMMIT is known to have left nothing that a recovery could find.
///
/// SQLite reports `SQLITE_FULL` when a frame of the write-ahead log could not be written in full;
/// the frame that makes the transaction valid is the last one, so there is none. `SQLITE_BUSY`
/// comes before anything is written. After every other error the last frame may be there: a sync
/// that failed, or shared memory that could not grow after the sync.
pub(crate) fn commit_left_nothing(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code & 0xff);
    matches!(code, Some(ffi::SQLITE_FULL | ffi::SQLITE_BUSY))
}

/// Returns what an error while reading near `position` means.
pub(crate) fn read_error(position: Position, error: rusqlite::Error) -> LogError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            damage(position, &format!("SQLite says: {error}"))
        }
        _ => match error {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..) => {
                damage(position, &format!("the row has another form: {error}"))
            }
            error => storage(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_database_of_something_else() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = path_in(dir.path());
        let other = Connection::open(&path).expect("opened");
        other.execute_batch("CREATE TABLE a (b)").expect("created");

        assert!(matches!(open_for_writing(&path), Err(DatabaseError::Foreign)));
    }

    #[test]
    fn refuses_a_later_version_of_the_schema() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = path_in(dir.path());
        let connection = open_for_writing(&path).expect("created");
        connection.pragma_update(None, "user_version", SCHEMA_VERSION + 1).expect("set");
        drop(connection);

        let error = open_for_writing(&path).expect_err("a later version");

        assert!(matches!(error, DatabaseError::Version(version) if version == SCHEMA_VERSION + 1));
    }

    #[test]
    fn syncs_every_commit_and_leaves_checkpoints_to_the_writer() {
        let dir = tempfile::tempdir().expect("a directory");
        let connection = open_for_writing(&path_in(dir.path())).expect("created");
        let number = |pragma: &str| -> i64 {
            connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0)).expect("a row")
        };

        assert_eq!(number("synchronous"), 2, "FULL");
        assert_eq!(number("wal_autocheckpoint"), 0);
        assert_eq!(number("auto_vacuum"), 2, "INCREMENTAL");
        assert_eq!(number("journal_size_limit"), WAL_BYTES_KEPT_MAX);
    }
}
