//! The engine on one machine: SQLite in WAL mode, one writer thread, group commit.
//!
//! The directory: `lock` (held while a process has it), `log.sqlite3` (entries, outcomes, the list
//! of segments), `snapshots/`, `segments/`. Every SQL connection is made by `database`; only the
//! writer thread writes.

mod copy;
mod follower;
mod lock;
mod outcomes;
mod seal;
mod shared;
#[cfg(test)]
mod tests;
mod writer;

use std::future::{Future, ready};
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::{fmt, io};

use rusqlite::{Connection, Transaction};

use self::follower::LocalFollower;
use self::shared::{Job, JobRun, Origin, Pending, Shared};
use self::writer::Writer;
use crate::begin;
use crate::database::{self, DatabaseError};
use crate::files;
use crate::history::History;
use crate::segment;
use crate::snapshot::{self, SnapshotStore};
use crate::{
    APPEND_BYTES_MAX, AppendError, Damage, Entry, Follower, Head, HeadFuture, Log, LogError,
    NoObserver, Observer, Position, Receipt, Ticket, leaf_hash,
};

pub(crate) use self::lock::DirLock;
pub use self::outcomes::{FlushError, Outcomes};
pub use self::seal::{SealReport, Sealing};
pub use self::shared::{OUTCOMES_BYTES_MAX, Placement, QUEUE_BYTES_MAX, QUEUE_MAX, Queue};

/// How many bytes must be free on the disk for an entry to be taken.
pub const DISK_FREE_BYTES_MIN: u64 = 256 * 1024 * 1024;

/// How a log is opened.
#[derive(Clone)]
pub struct Options {
    /// The operator has said that this directory comes from a backup (`--restored`).
    pub restored_declared: bool,
    /// How many bytes must be free on the disk for an entry to be taken.
    pub disk_free_bytes_min: u64,
    /// When what is committed is made durable.
    pub sync: SyncMode,
    /// Is told of the writer's work.
    pub observer: Arc<dyn Observer>,
}

/// When what is committed is made durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncMode {
    /// With each commit, before anyone hears of it.
    #[default]
    EachCommit,
    /// Some time after, and by [`LocalLog::sync`]: for a copy of a log that is durable elsewhere. A
    /// power cut takes the latest entries from its end.
    Behind,
}

/// The log of one machine, in a directory that belongs to this process alone.
///
/// Dropping it closes it.
pub struct LocalLog {
    dir: PathBuf,
    shared: Arc<Shared>,
    snapshots: SnapshotStore,
    outcomes: Outcomes,
    sync: SyncMode,
    disk_free_bytes_min: u64,
    restored: bool,
    /// One sealing at a time.
    sealing: Mutex<()>,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// Held until the log is closed.
    lock: Mutex<Option<DirLock>>,
}

/// How a log is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// How full the queue is.
    pub queue: Queue,
    /// How many bytes are free on the disk, if it says.
    pub disk_free_bytes: Option<u64>,
}

/// A log cannot be opened; the message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the directory, or this one has opened it twice.
    #[error(
        "{} is in use by another process: stop that one first, or use another directory, for a \
         log belongs to one process", .dir.display()
    )]
    InUse {
        /// The directory.
        dir: PathBuf,
    },
    /// The database is something else, or of another version.
    #[error("{} cannot be used as a log", .path.display())]
    Format {
        /// The database.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The log is not what was written.
    #[error(
        "the log in {dir} is damaged at {damage}; nothing was changed: keep the directory, \
         `tansiq log verify {dir}` shows what is sound, and restore the newest backup into another \
         directory with `tansiq log restore FILE NEWDIR`, to be started with --restored",
        dir = .dir.display()
    )]
    Damaged {
        /// The directory.
        dir: PathBuf,
        /// Where.
        damage: Damage,
    },
    /// The directory comes from a backup and nobody has said so.
    #[error(
        "{} was restored from a backup, so what was written after the backup is missing in it: \
         start it once with --restored to declare that to all parties", .dir.display()
    )]
    Restored {
        /// The directory.
        dir: PathBuf,
    },
    /// The directory cannot be read or written.
    #[error("{} cannot be opened as a log", .dir.display())]
    Storage {
        /// The directory.
        dir: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Default for Options {
    fn default() -> Self {
        Options {
            restored_declared: false,
            disk_free_bytes_min: DISK_FREE_BYTES_MIN,
            sync: SyncMode::EachCommit,
            observer: Arc::new(NoObserver),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("restored_declared", &self.restored_declared)
            .field("disk_free_bytes_min", &self.disk_free_bytes_min)
            .field("sync", &self.sync)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for LocalLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalLog").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl LocalLog {
    /// Opens the log in `dir`, or makes a new one; checks the entries after the newest snapshot.
    ///
    /// Blocks; the writer has a thread of its own afterwards.
    pub fn open(dir: &Path, options: Options) -> Result<Self, OpenError> {
        let storage = |source: io::Error| OpenError::storage(dir, source);
        files::create_dir(dir).map_err(storage)?;
        let lock = DirLock::take(dir).map_err(storage)?;
        let Some(lock) = lock else { return Err(OpenError::InUse { dir: dir.to_owned() }) };
        for name in [snapshot::DIR_NAME, segment::DIR_NAME] {
            files::create_dir(&dir.join(name)).map_err(storage)?;
            files::remove_temporary(&dir.join(name)).map_err(storage)?;
        }
        let connection = open_database(dir)?;
        let restored =
            database::is_restored(&connection).map_err(|error| OpenError::storage(dir, error))?;
        if restored && !options.restored_declared {
            return Err(OpenError::Restored { dir: dir.to_owned() });
        }
        let snapshots = SnapshotStore::new(dir, options.disk_free_bytes_min);
        begin::undo_half_begun(&connection, &snapshots)
            .map_err(|error| OpenError::from_log(dir, error))?;
        let head = check_tail(dir, &connection, &snapshots)
            .map_err(|error| OpenError::from_log(dir, error))?;
        seal::remove_orphans(dir, &connection, head)
            .map_err(|error| OpenError::from_log(dir, error))?;
        let shared = Arc::new(Shared::new(head));
        let outcomes =
            Outcomes::open(dir, &shared).map_err(|error| OpenError::from_log(dir, error))?;
        if options.sync == SyncMode::Behind {
            database::leave_commits_unsynced(&connection)
                .map_err(|error| OpenError::storage(dir, error))?;
        }
        let writer = Writer {
            shared: Arc::clone(&shared),
            connection,
            dir: dir.to_owned(),
            head,
            observer: options.observer,
            disk_free_bytes_min: options.disk_free_bytes_min,
            unchecked_bytes: 0,
        };
        let thread = Builder::new().name("log-writer".to_owned()).spawn(move || writer.run());
        Ok(LocalLog {
            dir: dir.to_owned(),
            shared,
            snapshots,
            outcomes,
            sync: options.sync,
            disk_free_bytes_min: options.disk_free_bytes_min,
            restored,
            sealing: Mutex::new(()),
            writer: Mutex::new(Some(thread.map_err(storage)?)),
            lock: Mutex::new(Some(lock)),
        })
    }

    /// Returns how far the log is committed.
    pub fn head(&self) -> Result<Head, LogError> {
        self.shared.head()
    }

    /// Returns the snapshots.
    pub fn snapshots(&self) -> SnapshotStore {
        self.snapshots.clone()
    }

    /// Returns the outcomes that are kept.
    pub fn outcomes(&self) -> Outcomes {
        self.outcomes.clone()
    }

    /// Resolves when the log has failed: this process must end and start again from the disk.
    pub fn failed(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut failure = self.shared.failure();
        async move {
            // An error means that the log is gone, and what is gone cannot fail any more.
            if failure.wait_for(|failed| *failed).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Tells whether the directory came from a restore that was not yet settled when it was opened.
    pub fn is_restored(&self) -> bool {
        self.restored
    }

    /// Takes the mark of a restore away: call it when the entry that declares it is durable.
    pub fn settle_restore(&self) -> Result<(), LogError> {
        self.run(|transaction| database::unmark_restored(transaction))
    }

    /// Returns how the log is doing.
    pub fn stats(&self) -> Stats {
        let disk_free_bytes = files::disk_free_bytes(&self.dir).ok();
        Stats { queue: self.shared.queue(), disk_free_bytes }
    }

    /// Writes what waits, closes the log and lets go of the directory; followers get all of it and
    /// then an end.
    ///
    /// Blocks. Outcomes that come later are refused; a restart makes them anew.
    pub fn close(&self) {
        self.shared.close();
        let writer = self.writer.lock().expect("nobody panics while holding this lock").take();
        if let Some(writer) = writer {
            // A writer that panicked has failed the log, which everyone has heard of.
            let _ = writer.join();
        }
        // Whoever still holds this log does not keep the next one from being opened.
        self.lock.lock().expect("nobody panics while holding this lock").take();
    }

    /// Blocks until everything that is committed now is durable; at once where it always is.
    pub fn sync(&self) -> Result<(), LogError> {
        match self.sync {
            SyncMode::EachCommit => self.shared.head().map(|_| ()),
            SyncMode::Behind => self.run_job(JobRun::Sync),
        }
    }

    /// Runs a job in a transaction of the writer and returns what it returns.
    fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LogError> {
        let (sender, value) = sync_channel(1);
        let run = Box::new(move |transaction: &Transaction<'_>| {
            sender.send(job(transaction)?).expect("its receiver waits below");
            Ok(())
        });
        self.run_job(JobRun::Transaction(run))?;
        value.recv().map_err(|_| LogError::Failed)
    }

    fn run_job(&self, run: JobRun) -> Result<(), LogError> {
        let (answer, answered) = sync_channel(1);
        self.shared.run(Job { run, answer })?;
        answered.recv().map_err(|_| LogError::Failed)?
    }
}

impl Log for LocalLog {
    fn append(&self, entry: Entry, ticket: Ticket) -> Result<Receipt, AppendError> {
        if APPEND_BYTES_MAX < entry.command.len() {
            return Err(AppendError::TooLarge);
        }
        let bytes = entry.to_bytes().map_err(|_| AppendError::TooLarge)?;
        let leaf = leaf_hash(&bytes);
        let (answer, receipt) = Receipt::pair();
        let origin = Origin::Appended { ticket, answer };
        self.shared.append(Pending { entry: Arc::new(entry), bytes, leaf, origin })?;
        Ok(receipt)
    }

    fn follow(&self, after: Position) -> Result<Follower, LogError> {
        Ok(Box::new(LocalFollower::new(&self.shared, self.dir.clone(), after)?))
    }

    fn committed(&self) -> HeadFuture {
        Box::pin(ready(self.head()))
    }
}

impl Drop for LocalLog {
    fn drop(&mut self) {
        self.close();
    }
}

impl OpenError {
    fn storage(dir: &Path, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        OpenError::Storage { dir: dir.to_owned(), source: Box::new(source) }
    }

    fn from_log(dir: &Path, error: LogError) -> Self {
        match error {
            LogError::Damaged(damage) => OpenError::Damaged { dir: dir.to_owned(), damage },
            LogError::Gone(position) => {
                let what = "it is kept only as a hash, and no snapshot after it can be used";
                let damage = Damage { position, what: what.to_owned() };
                OpenError::Damaged { dir: dir.to_owned(), damage }
            }
            error => OpenError::storage(dir, error),
        }
    }
}

fn open_database(dir: &Path) -> Result<Connection, OpenError> {
    let path = database::path_in(dir);
    let connection = database::open_for_writing(&path).map_err(|error| match error {
        DatabaseError::Foreign | DatabaseError::Version(_) => {
            OpenError::Format { path: path.clone(), source: Box::new(error) }
        }
        DatabaseError::Sqlite(error) => {
            OpenError::from_log(dir, database::read_error(Position::ZERO, error))
        }
    })?;
    // SQLite syncs the name of its write-ahead log, this is for the database itself.
    files::sync_dir(dir).map_err(|error| OpenError::storage(dir, error))?;
    Ok(connection)
}

/// Checks the entries after the newest snapshot and returns where the log ends.
fn check_tail(
    dir: &Path,
    connection: &Connection,
    snapshots: &SnapshotStore,
) -> Result<Head, LogError> {
    let head = database::head(connection)?;
    let newest = snapshots.headers().map_err(crate::engine::storage)?.next();
    let start = newest.map_or(Head::default(), |header| header.head);
    if head.position < start.position {
        let what = format!("the log ends before the snapshot of position {}", start.position);
        return Err(crate::engine::damage(head.position.next(), &what));
    }
    let mut history = History::open(dir, start.position)?;
    if history.head() != start {
        let what = "its chain is not the one of the snapshot taken there";
        return Err(crate::engine::damage(start.position, what));
    }
    loop {
        let records = history.read(head.position)?;
        if records.is_empty() {
            return Ok(head);
        }
        for record in records {
            // Nothing is gone after a snapshot.
            follower::committed(record)?;
        }
    }
}
