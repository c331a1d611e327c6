//! A follower: what is stored, read from the database, then what is committed, from memory.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use super::shared::Shared;
use crate::engine::damage;
use crate::history::{History, Record};
use crate::{Committed, Entry, Follow, FollowError, Head, LogError, Position};

/// Follows the log of this process.
pub(crate) struct LocalFollower {
    shared: Arc<Shared>,
    number: u64,
    dir: PathBuf,
    after: Position,
    /// From here on the writer hands out what it commits.
    pinned: Head,
    history: Option<History>,
}

impl LocalFollower {
    /// Follows from after `after`; what is committed from now on waits in memory for it.
    pub(crate) fn new(
        shared: &Arc<Shared>,
        dir: PathBuf,
        after: Position,
    ) -> Result<Self, LogError> {
        let (number, pinned) = shared.add_follower()?;
        let follower =
            LocalFollower { shared: Arc::clone(shared), number, dir, after, pinned, history: None };
        if pinned.position < after {
            return Err(LogError::BeyondTheEnd { asked: after, head: pinned.position });
        }
        Ok(follower)
    }

    /// Returns stored entries, none when the rest comes from memory.
    fn read_stored(&mut self) -> Result<VecDeque<Record>, LogError> {
        if self.pinned.position <= self.after {
            self.history = None;
            return Ok(VecDeque::new());
        }
        if self.history.is_none() {
            self.shared.wait_committed(self.pinned.position)?;
            self.history = Some(History::open(&self.dir, self.after)?);
        }
        let history = self.history.as_mut().expect("opened above");
        let records = history.read(self.pinned.position)?;
        let head = history.head();
        self.after = head.position;
        if head.position == self.pinned.position && head != self.pinned {
            return Err(damage(head.position, "the chain is not the one that was written"));
        }
        Ok(records)
    }
}

impl Follow for LocalFollower {
    fn next_batch(&mut self) -> Result<Vec<Committed>, FollowError> {
        let records = self.read_stored()?;
        if records.is_empty() {
            return self.shared.take(self.number)?.ok_or(FollowError::Closed);
        }
        let mut batch = Vec::with_capacity(records.len());
        for record in records {
            batch.push(committed(record)?);
        }
        Ok(batch)
    }
}

impl Drop for LocalFollower {
    fn drop(&mut self) {
        self.shared.remove_follower(self.number);
    }
}

/// Returns what a follower gets of a stored entry.
pub(crate) fn committed(record: Record) -> Result<Committed, LogError> {
    let Head { position, chain } = record.head;
    let bytes = record.bytes.ok_or(LogError::Gone(position))?;
    let entry = Entry::from_bytes(&bytes)
        .map_err(|error| damage(position, &format!("it is no entry: {error}")))?;
    Ok(Committed { position, chain, ticket: None, entry: Arc::new(entry) })
}
