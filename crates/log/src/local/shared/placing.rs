//! Entries whose position is decided elsewhere, as in a hub's copy of a pool's log.
//!
//! They are handed out at once and written behind that: they are durable where they were decided.
//! Those that this process appended there are counted from then on, as in a log of its own; the
//! others have bounds of their own, and whoever places them waits for room.

use std::sync::Arc;

use super::{Held, Origin, Pending, Recent, Shared, Status};
use crate::{AppendError, Committed, Entry, Hash, Head, LogError, Position, Ticket};

/// An entry and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The head of the log with it.
    pub head: Head,
    /// Its leaf hash.
    pub leaf: Hash,
    /// The entry.
    pub entry: Arc<Entry>,
    /// Its canonical bytes.
    pub bytes: Vec<u8>,
    /// What this process called it when it appended it.
    pub ticket: Option<Ticket>,
}

impl Shared {
    /// Says that entries are placed from now on, and returns after which.
    pub(crate) fn begin_placing(&self) -> Result<Head, LogError> {
        let mut state = self.lock();
        state.usable()?;
        assert!(!state.placing, "there is one who places");
        assert_eq!(state.held.entries, 0, "nothing was appended before");
        state.placing = true;
        Ok(state.head)
    }

    /// Returns how far the log is handed out.
    pub(crate) fn given(&self) -> Result<Head, LogError> {
        let state = self.lock();
        state.usable()?;
        Ok(state.given)
    }

    /// Counts an entry that will be placed with a ticket, or released, within the bounds.
    pub(crate) fn reserve(&self, bytes: usize) -> Result<(), AppendError> {
        self.lock().hold(bytes)
    }

    /// Lets go of entries that will not be placed; they had these bytes.
    pub(crate) fn release_reserved(&self, bytes: usize) {
        self.lock().held.release(bytes);
    }

    /// Tells whether entries may be placed: one call may then go over the bounds.
    pub(crate) fn has_room(&self) -> bool {
        let state = self.lock();
        state.foreign.has_room() && state.unwritten.has_room()
    }

    /// Waits until entries may be placed, or the log is closed; for one task.
    pub(crate) async fn room(&self) {
        while self.lock().status == Status::Open && !self.has_room() {
            self.room.notified().await;
        }
    }

    /// Hands entries out, in order, and has them written in one transaction.
    pub(crate) fn place(&self, placements: Vec<Placement>) -> Result<(), LogError> {
        let mut state = self.lock();
        if state.status != Status::Open {
            return Err(LogError::Closed);
        }
        for placement in placements {
            let Placement { head, leaf, entry, bytes, ticket } = placement;
            assert_eq!(state.given.followed_by(&leaf), head, "entries are placed one by one");
            state.given = head;
            state.unwritten.add(bytes.len());
            let foreign = ticket.is_none();
            if foreign {
                state.foreign.add(bytes.len());
            }
            let Head { position, chain } = head;
            let committed = Committed { position, chain, ticket, entry: Arc::clone(&entry) };
            state.give(Recent { committed, bytes: bytes.len(), foreign });
            state.waiting.push(Pending { entry, bytes, leaf, origin: Origin::Placed(head) });
        }
        drop(state);
        self.work.notify_one();
        self.news.notify_all();
        Ok(())
    }

    /// Makes known that placed entries are committed.
    pub(crate) fn placed(&self, entries: usize, bytes: usize) {
        let mut state = self.lock();
        let Held { entries: before, bytes: bytes_before } = state.unwritten;
        state.unwritten = Held { entries: before - entries, bytes: bytes_before - bytes };
        drop(state);
        self.room.notify_one();
    }

    /// Blocks until everything that is handed out up to `position` is committed.
    pub(crate) fn wait_committed(&self, position: Position) -> Result<(), LogError> {
        let state = self
            .written
            .wait_while(self.lock(), |state| state.running() && state.head.position < position)
            .expect("nobody panics while holding this lock");
        if position <= state.head.position { Ok(()) } else { state.usable() }
    }
}

impl Origin {
    pub(crate) fn is_placed(&self) -> bool {
        matches!(self, Origin::Placed(_))
    }
}
