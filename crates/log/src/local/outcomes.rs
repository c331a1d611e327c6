//! Outcomes kept by position, for the answer to a repeated request.
//!
//! They are made from the log, so they need not be durable with it: they are written with the next
//! transaction, and a restart keeps them anew while it reads the tail. A snapshot must not be ahead
//! of them or of the log: [`Outcomes::flush`] and then [`LocalLog::sync`] come before
//! [`SnapshotStore::write`].
//!
//! [`LocalLog::sync`]: crate::LocalLog::sync
//! [`SnapshotStore::write`]: crate::SnapshotStore::write

use std::path::Path;
use std::sync::{Arc, Mutex};

use rusqlite::{Connection, OptionalExtension};

use super::shared::Shared;
use crate::database::{number_of, open_for_reading, read_error};
use crate::{LogError, Position};

/// The outcomes of a log.
#[derive(Clone)]
pub struct Outcomes {
    shared: Arc<Shared>,
    reader: Arc<Mutex<Connection>>,
}

/// Outcomes could not be made durable.
#[derive(Debug, thiserror::Error)]
pub enum FlushError {
    /// They could not be written now, as when the disk is full; they are kept for a later try.
    #[error("the outcomes could not be written")]
    NotWritten,
    /// The log is closed or has failed.
    #[error("the outcomes cannot be written")]
    Log(#[from] LogError),
}

impl Outcomes {
    pub(crate) fn open(dir: &Path, shared: &Arc<Shared>) -> Result<Self, LogError> {
        let reader = Arc::new(Mutex::new(open_for_reading(dir)?));
        Ok(Outcomes { shared: Arc::clone(shared), reader })
    }

    /// Keeps the outcome of the entry at `position`, in place of one that is kept.
    ///
    /// Found at once; durable after the next commit. Blocks while more than
    /// [`OUTCOMES_BYTES_MAX`](crate::OUTCOMES_BYTES_MAX) bytes wait to be written.
    pub fn keep(&self, position: Position, outcome: Vec<u8>) -> Result<(), LogError> {
        self.shared.change_outcome(position, Some(Arc::from(outcome)))
    }

    /// Lets go of the outcomes of these entries; those that are not kept are passed over.
    pub fn forget(&self, positions: &[Position]) -> Result<(), LogError> {
        for position in positions {
            self.shared.change_outcome(*position, None)?;
        }
        Ok(())
    }

    /// Returns the outcome kept for the entry at `position`; reads the disk, if only briefly.
    pub fn find(&self, position: Position) -> Result<Option<Vec<u8>>, LogError> {
        if let Some(outcome) = self.shared.find_outcome(position) {
            return Ok(outcome.map(|bytes| bytes.to_vec()));
        }
        let reader = self.reader.lock().expect("nobody panics while holding this lock");
        reader
            .prepare_cached("SELECT bytes FROM outcome WHERE position = ?1")
            .and_then(|mut select| {
                select.query_row([number_of(position)], |row| row.get(0)).optional()
            })
            .map_err(|error| read_error(position, error))
    }

    /// Blocks until everything that was kept or forgotten before is committed.
    pub fn flush(&self) -> Result<(), FlushError> {
        if self.shared.flush_outcomes()? { Ok(()) } else { Err(FlushError::NotWritten) }
    }
}
