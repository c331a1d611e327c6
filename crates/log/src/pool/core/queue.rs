//! Entries of this hub that wait to be put.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ::pool::{
    Action, BATCH_BYTES_MAX, Batch, CHANGES_PER_BATCH_MAX, Command, ENTRIES_PER_BATCH_MAX, HubId,
    Pool, SignedChange,
};

use super::{Append, AppendId, Core, End, Now, Output};
use crate::{AppendError, Entry, Family, Ticket};

/// How long an append waits to be put, and then for the pool's word, before it is given up.
///
/// It is less than a hub lets a request take (10 s unless configured), which would else be cut off
/// before it is known that nothing was done, and be answered as if it were not.
pub const APPEND_WAIT_MAX: Duration = Duration::from_secs(8);

/// Entries that wait, oldest first; whoever appends bounds them.
#[derive(Debug, Default)]
pub(super) struct Queue(VecDeque<Queued>);

/// An entry that waits, or is on its way.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) id: AppendId,
    pub(super) entry: Arc<Entry>,
    pub(super) bytes: Vec<u8>,
    pub(super) ticket: Ticket,
    /// Since when.
    pub(super) since: Duration,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn due(&self) -> Option<Duration> {
        self.0.front().map(|oldest| oldest.since + APPEND_WAIT_MAX)
    }

    /// Takes what goes into the next batch of an admitted hub, within its bounds.
    fn take_batch(&mut self) -> Vec<Queued> {
        let (mut taken, mut bytes, mut changes) = (Vec::new(), 0, 0);
        while let Some(next) = self.0.front() {
            bytes += next.bytes.len();
            changes += usize::from(next.entry.family == Family::POOL);
            let fits = taken.len() < ENTRIES_PER_BATCH_MAX
                && Batch::bytes_max(taken.len() + 1, bytes) <= BATCH_BYTES_MAX
                && changes <= CHANGES_PER_BATCH_MAX;
            if !fits {
                break;
            }
            taken.extend(self.0.pop_front());
        }
        taken
    }
}

impl Core {
    pub(super) fn take_append(&mut self, now: Now, append: Append) {
        let Append { id, entry, bytes, ticket } = append;
        let queued = Queued { id, entry, bytes, ticket, since: now.elapsed };
        if self.end != End::Open {
            return self.refuse(queued, AppendError::Closed);
        }
        if self.is_full {
            return self.refuse(queued, AppendError::PoolFull);
        }
        self.queue.0.push_back(queued);
    }

    /// Takes entries for the next batch; those that could only spoil it are refused.
    pub(super) fn take_entries(&mut self) -> Vec<Queued> {
        let (good, bad): (Vec<_>, _) = self
            .queue
            .take_batch()
            .into_iter()
            .partition(|queued| is_good(self.intake.pool(), &self.config.hub, &queued.entry));
        for queued in bad {
            self.refuse(queued, AppendError::NotWritten);
        }
        good
    }

    pub(super) fn give_up_late_appends(&mut self, now: Now) {
        let refusal = if self.is_full { AppendError::PoolFull } else { AppendError::Unreachable };
        let is_late = |queued: &mut Queued| queued.since + APPEND_WAIT_MAX <= now.elapsed;
        while let Some(late) = self.queue.0.pop_front_if(is_late) {
            self.refuse(late, refusal);
        }
    }

    /// Refuses everything that waits.
    pub(super) fn refuse_queue(&mut self, refusal: AppendError) {
        for queued in std::mem::take(&mut self.queue.0) {
            self.refuse(queued, refusal);
        }
    }

    /// Takes the one entry that counts, in a batch of its own, although nothing else of this hub
    /// does: its readmission, or the change that gives it the key it signs with. The rest is refused.
    pub(super) fn take_own_change(&mut self) -> Vec<Queued> {
        let has_its_key = self.has_its_key();
        let mut change = None;
        for queued in std::mem::take(&mut self.queue.0) {
            let is_it = match change_of(&queued.entry).map(|signed| signed.change.action) {
                Some(Action::Readmit { id }) => has_its_key && id == self.config.hub,
                Some(Action::ReplaceHubKey { id, key }) => {
                    let is_own = id == self.config.hub;
                    is_own && (has_its_key || key == self.config.key.public_key())
                }
                _ => false,
            };
            if is_it && change.is_none() {
                change = Some(queued);
            } else {
                self.refuse(queued, AppendError::NotAdmitted);
            }
        }
        change.into_iter().collect()
    }

    /// Says that an entry never will be in the log.
    pub(super) fn refuse(&mut self, queued: Queued, refusal: AppendError) {
        debug_assert!(!refusal.is_unknown(), "it is known");
        self.outputs.push(Output::Release { bytes: queued.bytes.len() });
        self.outputs.push(Output::Answer { id: queued.id, result: Err(refusal) });
    }
}

/// Tells whether the pool would take an entry from this hub now.
fn is_good(pool: Option<&Pool>, hub: &HubId, entry: &Entry) -> bool {
    let Some(pool) = pool else { return false };
    let is_allowed = entry.proposer.as_str() == hub.as_str()
        && entry.version != 0
        && entry.version == pool.rules().version(entry.family.0)
        && entry.command.len() <= ::pool::COMMAND_BYTES_MAX;
    if entry.family != Family::POOL {
        return is_allowed;
    }
    is_allowed && change_of(entry).is_some()
}

fn change_of(entry: &Entry) -> Option<SignedChange> {
    if entry.family != Family::POOL {
        return None;
    }
    match Command::from_bytes(&entry.command) {
        Ok(Command::Change(signed)) => Some(*signed),
        _ => None,
    }
}
