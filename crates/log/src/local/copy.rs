//! A log as the copy of one that is ordered elsewhere.

use super::LocalLog;
use crate::history::History;
use crate::local::Placement;
use crate::{AppendError, Head, LogError, Position};

impl LocalLog {
    /// Says that entries are placed from now on, not appended, and returns after which.
    pub(crate) fn begin_placing(&self) -> Result<Head, LogError> {
        self.shared.begin_placing()
    }

    /// Hands entries out, in order, and has them written in one transaction behind that.
    pub(crate) fn place(&self, placements: Vec<Placement>) -> Result<(), LogError> {
        self.shared.place(placements)
    }

    /// Returns how far the log is handed out.
    pub(crate) fn given(&self) -> Result<Head, LogError> {
        self.shared.given()
    }

    /// Counts an entry that will be placed with a ticket, or released, within the queue's bounds.
    pub(crate) fn reserve(&self, bytes: usize) -> Result<(), AppendError> {
        self.shared.reserve(bytes)
    }

    /// Lets go of an entry that will not be placed; it had these bytes.
    pub(crate) fn release_reserved(&self, bytes: usize) {
        self.shared.release_reserved(bytes);
    }

    /// Tells whether entries may be placed: one call may then go over the bounds.
    pub(crate) fn has_room(&self) -> bool {
        self.shared.has_room()
    }

    /// Waits until entries may be placed, or the log is closed; for one task.
    pub(crate) async fn room(&self) {
        self.shared.room().await;
    }

    /// Tells whether the disk has room for more than what is in the pool already.
    pub(crate) fn disk_has_room(&self) -> bool {
        let free = self.stats().disk_free_bytes;
        free.is_none_or(|free| self.disk_free_bytes_min <= free)
    }

    /// Reads the stored entries after `after`.
    pub(crate) fn history(&self, after: Position) -> Result<History, LogError> {
        History::open(&self.dir, after)
    }
}
