//! The one thread that writes: everything that waits goes into one transaction and one sync.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::shared::{Job, JobRun, Origin, Outcome, Pending, Shared};
use crate::clock::monotonic_now;
use crate::database::{Fault, commit_left_nothing, commit_synced, fault_of, number_of};
use crate::engine::storage;
use crate::files::disk_free_bytes;
use crate::{AppendError, Checkpoint, Commit, Committed, Head, Observer, Position};

/// After how many bytes written the write-ahead log is copied into the database.
const CHECKPOINT_BYTES: usize = 8 * 1024 * 1024;

/// What a transaction writes besides its entries: the pages at the end of the tree.
const COMMIT_BYTES: usize = 16 * 1024;

const PASSIVE: &str = "PRAGMA wal_checkpoint(PASSIVE)";
const TRUNCATE: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// The writer's side of the engine.
pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) connection: Connection,
    pub(crate) dir: PathBuf,
    pub(crate) head: Head,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) disk_free_bytes_min: u64,
    /// About how much the write-ahead log has grown since it was last copied.
    pub(crate) unchecked_bytes: usize,
}

/// Nothing more may be written; the process must end.
struct Failed;

/// When a transaction met an error.
enum Stage {
    BeforeCommit,
    Commit,
}

type Outcomes = BTreeMap<Position, Outcome>;

/// Fails the log when its writer ends in any other way than by closing it.
struct FailOnDrop(Arc<Shared>);

impl Drop for FailOnDrop {
    fn drop(&mut self) {
        self.0.fail();
    }
}

impl Writer {
    /// Writes until the log is closed or fails.
    pub(crate) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let on_drop = FailOnDrop(Arc::clone(&shared));
        if let Err(Failed) = self.write_all() {
            drop(on_drop);
            // What the failed sync left in the write-ahead log must be looked at by a recovery.
            if let Err(error) =
                self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
            {
                tracing::error!(error = &error as &dyn std::error::Error, "cannot keep the WAL");
            }
            return;
        }
        self.checkpoint_to_close();
        drop(self);
        shared.closed();
    }

    fn write_all(&mut self) -> Result<(), Failed> {
        loop {
            let work = self.shared.next_work();
            self.write(work.entries, &work.outcomes)?;
            if let Some(job) = work.job {
                self.run_job(job)?;
            }
            if CHECKPOINT_BYTES <= self.unchecked_bytes {
                self.checkpoint()?;
            }
            if work.last {
                return Ok(());
            }
        }
    }

    fn write(&mut self, entries: Vec<Pending>, outcomes: &Outcomes) -> Result<(), Failed> {
        let entries = if is_placed(&entries) { entries } else { self.refuse_without_room(entries) };
        let started = monotonic_now();
        let bytes = entries.iter().map(|pending| pending.bytes.len()).sum();
        let heads = match self.transact(&entries, outcomes) {
            Ok(heads) => heads,
            Err((stage, error)) => return self.judge(stage, &error, entries),
        };
        let commit = Commit { entries: entries.len(), bytes, duration: started.elapsed() };
        self.head = heads.last().copied().unwrap_or(self.head);
        self.publish(entries, &heads);
        if commit.entries != 0 {
            self.unchecked_bytes += bytes + COMMIT_BYTES;
            self.observer.committed(commit);
        }
        Ok(())
    }

    /// Writes entries and outcomes in one transaction and returns the head at each entry.
    fn transact(
        &mut self,
        entries: &[Pending],
        outcomes: &Outcomes,
    ) -> Result<Vec<Head>, (Stage, rusqlite::Error)> {
        if entries.is_empty() && outcomes.is_empty() {
            return Ok(Vec::new());
        }
        let before = |error| (Stage::BeforeCommit, error);
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(before)?;
        let heads = insert_entries(&transaction, self.head, entries).map_err(before)?;
        self.unchecked_bytes += change_outcomes(&transaction, outcomes).map_err(before)?;
        transaction.commit().map_err(|error| (Stage::Commit, error))?;
        Ok(heads)
    }

    fn publish(&self, entries: Vec<Pending>, heads: &[Head]) {
        assert_eq!(entries.len(), heads.len(), "every entry has its position");
        let mut committed = Vec::with_capacity(entries.len());
        let mut answers = Vec::with_capacity(entries.len());
        let mut placed = (0, 0);
        for (pending, head) in entries.into_iter().zip(heads) {
            let Pending { entry, bytes, origin, .. } = pending;
            match origin {
                Origin::Appended { ticket, answer } => {
                    let (Head { position, chain }, ticket) = (*head, Some(ticket));
                    let is_committed = Committed { position, chain, ticket, entry };
                    committed.push((is_committed, bytes.len()));
                    answers.push((answer, position));
                }
                Origin::Placed(at) => {
                    assert_eq!(at, *head, "entries are written where they were placed");
                    placed = (placed.0 + 1, placed.1 + bytes.len());
                }
            }
        }
        self.shared.publish(self.head, committed);
        self.shared.placed(placed.0, placed.1);
        for (answer, position) in answers {
            // Who no longer waits needs no answer.
            let _ = answer.send(Ok(position));
        }
    }

    /// Decides what an error means for the entries of its transaction and for the log.
    fn judge(
        &mut self,
        stage: Stage,
        error: &rusqlite::Error,
        entries: Vec<Pending>,
    ) -> Result<(), Failed> {
        self.shared.keep_outcomes();
        let fault = fault_of(error);
        if let Stage::Commit = stage
            && !commit_left_nothing(error)
        {
            tracing::error!(
                error = error as &dyn std::error::Error,
                entries = entries.len(),
                "a commit failed and it is unknown what of it is on the disk; this process must \
                 end, starting it again recovers from the disk"
            );
            // The log must refuse appends before anyone hears of the failure.
            self.shared.fail();
            self.refuse(entries, AppendError::Unknown);
            return Err(Failed);
        }
        if fault == Fault::Broken {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "the storage of the log is broken; this process must end, check the disk and run \
                 `tansiq log verify` before starting it again"
            );
            self.shared.fail();
            self.refuse(entries, AppendError::NotWritten);
            return Err(Failed);
        }
        if is_placed(&entries) {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "the copy of the pool's log could not be written; this process must end: make room \
                 on the disk and start it again, what is missing is taken from the pool"
            );
            self.shared.fail();
            return Err(Failed);
        }
        tracing::warn!(
            error = error as &dyn std::error::Error,
            entries = entries.len(),
            "entries were refused: the log could not be written"
        );
        let refusal = match fault {
            Fault::NoSpace => AppendError::NoSpace,
            Fault::Transient | Fault::Broken => AppendError::NotWritten,
        };
        self.refuse(entries, refusal);
        Ok(())
    }

    /// Keeps a reserve free, for the write-ahead log, its copying, and outcomes.
    fn refuse_without_room(&self, entries: Vec<Pending>) -> Vec<Pending> {
        if entries.is_empty() {
            return entries;
        }
        match disk_free_bytes(&self.dir) {
            Ok(free) if self.disk_free_bytes_min <= free => entries,
            Ok(free) => {
                tracing::warn!(
                    disk.free_bytes = free,
                    disk.free_bytes_min = self.disk_free_bytes_min,
                    entries = entries.len(),
                    "entries were refused: the disk is nearly full"
                );
                self.refuse(entries, AppendError::NoSpace);
                Vec::new()
            }
            // SQLite will tell if the disk is full.
            Err(_) => entries,
        }
    }

    fn refuse(&self, entries: Vec<Pending>, refusal: AppendError) {
        if is_placed(&entries) {
            return;
        }
        self.shared.release(&entries);
        self.observer.refused(entries.len());
        for pending in entries {
            pending.refuse(refusal);
        }
    }

    fn run_job(&mut self, job: Job) -> Result<(), Failed> {
        let result = match job.run {
            JobRun::Transaction(run) => self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .and_then(|transaction| {
                    run(&transaction)?;
                    transaction.commit()
                }),
            JobRun::Sync => commit_synced(&self.connection),
        };
        self.unchecked_bytes += COMMIT_BYTES;
        let broken = result.as_ref().err().is_some_and(|error| fault_of(error) == Fault::Broken);
        if broken {
            tracing::error!(
                error = result.as_ref().err().map(|error| error as &dyn std::error::Error),
                "the storage of the log is broken; this process must end"
            );
            self.shared.fail();
        }
        // Who no longer waits needs no answer.
        let _ = job.answer.send(result.map_err(storage));
        if broken { Err(Failed) } else { Ok(()) }
    }

    /// Leaves everything in the database, unless a reader still needs the write-ahead log.
    fn checkpoint_to_close(&self) {
        let result = self
            .connection
            .busy_timeout(Duration::ZERO)
            .and_then(|()| self.connection.query_row(TRUNCATE, [], |_| Ok(())));
        if let Err(error) = result {
            // What is committed is whole in the write-ahead log; a start copies it again.
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the write-ahead log could not be copied into the database, it stays"
            );
        }
    }

    /// Copies the write-ahead log into the database, as far as no reader needs it.
    fn checkpoint(&mut self) -> Result<(), Failed> {
        let started = monotonic_now();
        let result = self
            .connection
            .query_row(PASSIVE, [], |row| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)));
        self.unchecked_bytes = 0;
        match result {
            Ok((pages, copied)) => {
                let count = |number: i64| u64::try_from(number).unwrap_or(0);
                let duration = started.elapsed();
                let (pages, copied) = (count(pages), count(copied));
                self.observer.checkpointed(Checkpoint { pages, copied, duration });
                Ok(())
            }
            Err(error) if fault_of(&error) == Fault::Broken => {
                // What is committed is whole in the write-ahead log; a start copies it again.
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the database could not be written or synced; this process must end, starting \
                     it again recovers from the write-ahead log"
                );
                self.shared.fail();
                Err(Failed)
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the write-ahead log could not be copied into the database, it stays longer"
                );
                Ok(())
            }
        }
    }
}

/// Tells whether entries were placed: a log has only such or none.
fn is_placed(entries: &[Pending]) -> bool {
    entries.first().is_some_and(|pending| pending.origin.is_placed())
}

fn insert_entries(
    transaction: &Transaction<'_>,
    mut head: Head,
    entries: &[Pending],
) -> rusqlite::Result<Vec<Head>> {
    let mut insert = transaction
        .prepare_cached("INSERT INTO entry (position, chain, bytes) VALUES (?1, ?2, ?3)")?;
    let mut heads = Vec::with_capacity(entries.len());
    for pending in entries {
        head = head.followed_by(&pending.leaf);
        insert.execute((number_of(head.position), head.chain, &pending.bytes))?;
        heads.push(head);
    }
    Ok(heads)
}

/// Returns about how many bytes were written.
fn change_outcomes(transaction: &Transaction<'_>, outcomes: &Outcomes) -> rusqlite::Result<usize> {
    let mut insert = transaction
        .prepare_cached("INSERT OR REPLACE INTO outcome (position, bytes) VALUES (?1, ?2)")?;
    let mut delete = transaction.prepare_cached("DELETE FROM outcome WHERE position = ?1")?;
    let mut written = 0;
    for (position, outcome) in outcomes {
        let number = number_of(*position);
        match outcome {
            Some(bytes) => {
                written += bytes.len();
                insert.execute((number, &bytes[..]))?
            }
            None => delete.execute([number])?,
        };
    }
    Ok(written)
}
