//! What the desk keeps on disk: its own entities, what it keeps at the hub by remote ID,
//! notifications owed, reports received.
//!
//! One thread writes; all changes that wait go into one transaction with one sync. A change whose
//! write returned without error is there after a power cut. Everything but reports is held in
//! memory too and read from disk only when the desk starts.

mod record;
mod schema;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use airspace::EntityId;
use rusqlite::{Connection, params};
use tokio::sync::{mpsc, oneshot};

use crate::book::Own;
use crate::outbox::Notice;
use crate::remote_id::registration::Registration;

pub(crate) use record::RecordError;

/// How many reports of others are kept; the oldest go.
pub(crate) const REPORTS_MAX: u32 = 1_000;
/// How many writes wait for the disk before callers wait too.
const QUEUE_MAX: usize = 1_024;
/// How many writes go into one transaction.
const BATCH_MAX: usize = 256;

/// The store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory cannot be made or used.
    #[error("cannot use the directory {}", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another desk runs on the directory.
    #[error("another desk runs on {}; end it first", path.display())]
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// The database cannot be opened, read or set up.
    #[error("cannot use the database {}", path.display())]
    Database {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The database was written by a desk of another version.
    #[error(
        "the database {} has format {found}, this desk reads format {}",
        path.display(),
        schema::FORMAT
    )]
    Format {
        /// Which.
        path: PathBuf,
        /// The format that it has.
        found: i64,
    },
    /// What is in the database makes no sense.
    #[error("the database {} is damaged; restore it from a backup", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What.
        source: RecordError,
    },
}

/// A change could not be made durable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WriteError {
    /// The disk is full or failed; nothing was changed.
    #[error("the database cannot be written: {0}")]
    Database(String),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

/// A change to be made durable.
#[derive(Debug)]
pub(crate) enum Change {
    /// Puts an entity of the desk's own as it is now.
    PutOwn(EntityId, String),
    /// Removes an entity of the desk's own.
    RemoveOwn(EntityId),
    /// Puts a registration as it is now.
    PutRegistration(EntityId, String),
    /// Removes a registration.
    RemoveRegistration(EntityId),
    /// Adds a notification that is owed.
    AddNotice(u64, String),
    /// Removes a notification that was delivered or given up.
    RemoveNotice(u64),
    /// Adds a report, JSON, and removes the oldest beyond [`REPORTS_MAX`].
    AddReport(String),
}

/// What was in the store when it was opened.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// The desk's own entities.
    pub(crate) owns: Vec<Own>,
    /// What it keeps at the hub by remote ID.
    pub(crate) registrations: Vec<Registration>,
    /// Notifications owed, in the order in which they were added.
    pub(crate) notices: Vec<Notice>,
}

/// The writing side of the store.
#[derive(Debug)]
pub(crate) struct Store {
    /// Taken when the store is closed.
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Job {
    changes: Vec<Change>,
    done: oneshot::Sender<Result<(), WriteError>>,
}

impl Change {
    /// Returns the change that puts an entity as it is now.
    pub(crate) fn put(own: &Own) -> Self {
        Change::PutOwn(own.id, record::write_own(own))
    }

    /// Returns the change that puts a registration as it is now.
    pub(crate) fn register(registration: &Registration) -> Self {
        Change::PutRegistration(registration.id, record::write_registration(registration))
    }

    /// Returns the change that adds a notification.
    pub(crate) fn add(notice: &Notice) -> Self {
        Change::AddNotice(notice.number, record::write_notice(notice))
    }
}

impl Store {
    /// Opens the store in a directory, which is made if there is none, and reads what is there.
    pub(crate) fn open(directory: &Path) -> Result<(Self, Contents), OpenError> {
        std::fs::create_dir_all(directory)
            .map_err(|source| OpenError::Directory { path: directory.to_owned(), source })?;
        let lock = lock(directory)?;
        let path = directory.join("desk.sqlite3");
        let database = |source| OpenError::Database { path: path.clone(), source };
        let mut connection = Connection::open(&path).map_err(database)?;
        let found = schema::set_up(&mut connection).map_err(database)?;
        if found != schema::FORMAT {
            return Err(OpenError::Format { path, found });
        }
        let contents = read(&connection).map_err(|error| match error {
            ReadError::Database(source) => OpenError::Database { path: path.clone(), source },
            ReadError::Record(source) => OpenError::Damaged { path: path.clone(), source },
        })?;
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let writer = std::thread::Builder::new()
            .name("desk-store".to_owned())
            .spawn(move || {
                write_all(connection, jobs);
                drop(lock);
            })
            .map_err(|source| OpenError::Directory { path: directory.to_owned(), source })?;
        let (queue, writer) = (Mutex::new(Some(queue)), Mutex::new(Some(writer)));
        Ok((Store { queue, writer }, contents))
    }

    /// Makes changes durable, all of them or none.
    pub(crate) async fn write(&self, changes: Vec<Change>) -> Result<(), WriteError> {
        self.queue(changes).await.await
    }

    /// Queues changes behind those queued before, and returns what waits until they are durable.
    pub(crate) async fn queue(
        &self,
        changes: Vec<Change>,
    ) -> impl Future<Output = Result<(), WriteError>> + use<> {
        let (done, written) = oneshot::channel();
        let queue = lock_of(&self.queue).clone();
        let queued = match queue {
            Some(queue) => queue.send(Job { changes, done }).await.is_ok(),
            None => false,
        };
        async move {
            if !queued {
                return Err(WriteError::Closed);
            }
            written.await.map_err(|_| WriteError::Closed)?
        }
    }

    /// Writes what was queued and frees the directory.
    pub(crate) async fn close(&self) {
        drop(lock_of(&self.queue).take());
        let writer = lock_of(&self.writer).take();
        let Some(writer) = writer else {
            return;
        };
        let joined = tokio::task::spawn_blocking(move || writer.join()).await;
        if !matches!(joined, Ok(Ok(()))) {
            tracing::error!("the store's thread panicked");
        }
    }
}

fn lock_of<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lock(directory: &Path) -> Result<File, OpenError> {
    let failed = |source| OpenError::Directory { path: directory.to_owned(), source };
    let file = File::create(directory.join("lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: directory.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

enum ReadError {
    Database(rusqlite::Error),
    Record(RecordError),
}

fn read(connection: &Connection) -> Result<Contents, ReadError> {
    let mut contents = Contents::default();
    let texts = |sql: &str| -> Result<Vec<(i64, String)>, rusqlite::Error> {
        let mut statement = connection.prepare(sql)?;
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    };
    for (_, text) in texts("SELECT 0, record FROM owns ORDER BY id").map_err(ReadError::Database)? {
        contents.owns.push(record::read_own(&text).map_err(ReadError::Record)?);
    }
    let registrations = texts("SELECT 0, record FROM registrations ORDER BY id");
    for (_, text) in registrations.map_err(ReadError::Database)? {
        let registration = record::read_registration(&text).map_err(ReadError::Record)?;
        contents.registrations.push(registration);
    }
    let notices = texts("SELECT number, record FROM notices ORDER BY number");
    for (number, text) in notices.map_err(ReadError::Database)? {
        let number = u64::try_from(number).unwrap_or(0);
        contents.notices.push(record::read_notice(number, &text).map_err(ReadError::Record)?);
    }
    Ok(contents)
}

fn write_all(mut connection: Connection, mut jobs: mpsc::Receiver<Job>) {
    while let Some(job) = jobs.blocking_recv() {
        let mut batch = vec![job];
        while batch.len() < BATCH_MAX {
            let Ok(job) = jobs.try_recv() else {
                break;
            };
            batch.push(job);
        }
        let written = write_batch(&mut connection, &batch);
        if let Err(error) = &written {
            tracing::error!(error = %error, "the desk's database cannot be written");
        }
        for job in batch {
            // Who no longer waits does not need to know.
            let _ = job.done.send(written.clone());
        }
    }
}

fn write_batch(connection: &mut Connection, batch: &[Job]) -> Result<(), WriteError> {
    let write = |connection: &mut Connection| -> Result<(), rusqlite::Error> {
        let transaction = connection.transaction()?;
        for change in batch.iter().flat_map(|job| &job.changes) {
            apply(&transaction, change)?;
        }
        transaction.commit()
    };
    write(connection).map_err(|error| WriteError::Database(error.to_string()))
}

fn apply(connection: &Connection, change: &Change) -> Result<(), rusqlite::Error> {
    let number = |number: &u64| i64::try_from(*number).expect("nobody counts so far");
    let execute = |sql, parameters: &[&dyn rusqlite::ToSql]| {
        connection.prepare_cached(sql)?.execute(parameters).map(|_| ())
    };
    match change {
        Change::PutOwn(id, record) => execute(
            "INSERT INTO owns (id, record) VALUES (?1, ?2)
             ON CONFLICT (id) DO UPDATE SET record = excluded.record",
            params![id.as_bytes(), record],
        ),
        Change::RemoveOwn(id) => execute("DELETE FROM owns WHERE id = ?1", params![id.as_bytes()]),
        Change::PutRegistration(id, record) => execute(
            "INSERT INTO registrations (id, record) VALUES (?1, ?2)
             ON CONFLICT (id) DO UPDATE SET record = excluded.record",
            params![id.as_bytes(), record],
        ),
        Change::RemoveRegistration(id) => {
            execute("DELETE FROM registrations WHERE id = ?1", params![id.as_bytes()])
        }
        Change::AddNotice(at, record) => execute(
            "INSERT INTO notices (number, record) VALUES (?1, ?2)",
            params![number(at), record],
        ),
        Change::RemoveNotice(at) => {
            execute("DELETE FROM notices WHERE number = ?1", params![number(at)])
        }
        Change::AddReport(report) => {
            execute("INSERT INTO reports (report) VALUES (?1)", params![report])?;
            execute(
                "DELETE FROM reports WHERE number <= (SELECT max(number) FROM reports) - ?1",
                params![REPORTS_MAX],
            )
        }
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
