//! The one batch on its way: made, signed, put, and put again until the watch shows its place.
//!
//! A batch that was sent once may land as long as nothing has its place: an answer that was lost, a
//! put that hangs with a frozen leader. So it is sent again with the same bytes, which etcd takes
//! once at most, and whoever waits for one of its entries hears "unknown" when the time is up, not
//! "never". Only while every attempt was refused is it certain that nothing was done.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ::pool::{Batch, Evidence, Hash, Kind, Report, Slot};
use sha2::{Digest, Sha256};

use super::queue::Queued;
use super::{
    APPEND_WAIT_MAX, Announced, Core, End, Event, Life, Now, Output, PutAnswer, Stop, Value,
};
use crate::{AppendError, Position};

/// After what time a batch is sent again: a put that was forwarded to a frozen leader hangs for 5 s.
pub const RESEND_AFTER: Duration = Duration::from_secs(1);

/// How many attempts to put one batch may be open.
pub const PUTS_OPEN_MAX: usize = 8;

/// After what time a hub that has nothing to say says so, that its clock counts.
pub const HEARTBEAT_AFTER: Duration = Duration::from_secs(2);

/// How many batches of its former lives a starting hub meets at most.
///
/// Each has left one on its way at most; more come from somebody who is alive.
pub const FORMER_BATCHES_MAX: u32 = 8;

/// A batch on its way.
#[derive(Debug)]
pub(super) struct Flight {
    version: u64,
    value: Value,
    hash: Hash,
    entries: Vec<Flying>,
    sent: Duration,
    /// Attempts that have no answer yet.
    open: BTreeSet<u64>,
    /// An attempt was given up without an answer.
    in_doubt: bool,
    /// The place is taken, says etcd; the watch will show by what.
    is_taken: bool,
    /// Those who wait for its entries were told that it is not known.
    given_up: bool,
}

/// An entry of a batch on its way.
#[derive(Debug)]
struct Flying {
    queued: Queued,
    /// How many bytes it has; they are in the batch.
    bytes: usize,
}

/// Entries of this hub that have places.
#[derive(Debug)]
pub(super) struct Landed {
    /// They, in order.
    pub(super) entries: Vec<Queued>,
    /// Nobody waits for them any more.
    given_up: bool,
}

impl Flight {
    /// Returns when there is something to do for it; it is sent again over a good link only.
    pub(super) fn due(&self, is_linked: bool) -> Option<Duration> {
        let may_be = is_linked && !self.is_taken && self.open.len() < PUTS_OPEN_MAX;
        let again = may_be.then_some(self.sent + RESEND_AFTER);
        let late = (!self.given_up).then(|| self.late()).flatten();
        [again, late].into_iter().flatten().min()
    }

    /// Tells whether somebody waits for it.
    pub(super) fn has_work(&self) -> bool {
        !self.entries.is_empty() && !self.given_up
    }

    fn late(&self) -> Option<Duration> {
        self.entries.first().map(|oldest| oldest.queued.since + APPEND_WAIT_MAX)
    }

    /// Tells whether it is certain that it was not done and, if it is not sent again, never will.
    fn is_undone(&self) -> bool {
        self.open.is_empty() && !self.in_doubt && !self.is_taken
    }
}

impl Core {
    /// Makes the next batch and sends it, if it is time for one.
    pub(super) fn form_batch(&mut self, now: Now) {
        if self.flight.is_some() || !self.link.is_good(self.intake.seen()) {
            return;
        }
        let beats = self.beat_at() <= now.elapsed;
        if self.is_full && !beats {
            return;
        }
        let Some(slot) = self.next_slot() else {
            return self.refuse_queue(AppendError::NotAdmitted);
        };
        let counts = self.counts();
        let is_starting = self.life != Life::Alive && counts;
        let entries = match counts {
            _ if is_starting => Vec::new(),
            true => self.take_entries(),
            false => self.take_own_change(),
        };
        let may_be_empty = counts && self.end == End::Open && beats;
        if entries.is_empty() && !is_starting && !may_be_empty {
            return;
        }
        let flight = self.sign(now, slot, entries);
        self.flight = Some(flight);
        self.send(now);
    }

    /// Returns when there is a batch to be made, if nothing else happens.
    pub(super) fn put_due(&self) -> Option<Duration> {
        let is_idle = self.flight.is_none() && self.end == End::Open;
        (is_idle && self.is_linked() && self.counts()).then(|| self.beat_at())
    }

    /// Returns when a batch is put although there is nothing to say.
    fn beat_at(&self) -> Duration {
        let wait = if self.is_full { RESEND_AFTER } else { HEARTBEAT_AFTER };
        self.put_at.map_or(Duration::ZERO, |at| at + wait)
    }

    /// Tells whether what this hub puts counts: it is admitted, not set aside, and has its key.
    pub(super) fn counts(&self) -> bool {
        let hub = self.intake.pool().and_then(|pool| pool.hub(&self.config.hub));
        hub.is_some_and(|hub| hub.set_aside().is_none()) && self.has_its_key()
    }

    /// Tells whether this hub signs with the key that the pool has for it.
    pub(super) fn has_its_key(&self) -> bool {
        let hub = self.intake.pool().and_then(|pool| pool.membership().hub(&self.config.hub));
        hub.is_some_and(|hub| hub.key == self.config.key.public_key())
    }

    /// Returns the place of the next batch, if the hub is admitted.
    fn next_slot(&self) -> Option<Slot> {
        let pool = self.intake.pool()?;
        let hub = pool.hub(&self.config.hub)?;
        let mut slot = pool.next_slot(&self.config.hub)?;
        if hub.any_version() || hub.set_aside().is_some() {
            slot.sequence = self.intake.own_version() + 1;
        }
        Some(slot)
    }

    /// Takes down what the next batch says of this hub.
    ///
    /// Of states that no batch has named yet it names the one at the roundest position: there hubs
    /// take their snapshots, and however much is between two batches, all hubs name the same ones.
    pub(super) fn take_announced(&mut self, announced: Announced) {
        let waiting = self.announced.state.filter(|state| self.named_state < state.position);
        self.announced = announced;
        if let (Some(waiting), Some(state)) = (waiting, announced.state)
            && state.position.trailing_zeros() < waiting.position.trailing_zeros()
        {
            self.announced.state = Some(waiting);
        }
    }

    fn sign(&mut self, now: Now, slot: Slot, mut queued: Vec<Queued>) -> Flight {
        let version = slot.sequence;
        let report = Report {
            applied: self.announced.applied,
            state: self.announced.state,
            stamp: now.clock,
            rules: self.config.rules.clone(),
        };
        self.named_state = self.announced.state.map_or(self.named_state, |it| it.position);
        let bytes = queued.iter_mut().map(|queued| std::mem::take(&mut queued.bytes)).collect();
        let batch = Batch::sign(slot, report, bytes, &self.config.key);
        let batch = batch.expect("the queue keeps to the bounds of a batch");
        let value: Value = Arc::from(batch.to_bytes());
        let sizes = batch.entries().iter().map(Vec::len);
        Flight {
            version,
            hash: Sha256::digest(&value).into(),
            value,
            entries: queued
                .into_iter()
                .zip(sizes)
                .map(|(queued, bytes)| Flying { queued, bytes })
                .collect(),
            sent: now.elapsed,
            open: BTreeSet::new(),
            in_doubt: false,
            is_taken: false,
            given_up: false,
        }
    }

    fn send(&mut self, now: Now) {
        let Some(flight) = &mut self.flight else { return };
        self.attempts += 1;
        let again = !flight.open.is_empty() || flight.in_doubt;
        flight.open.insert(self.attempts);
        flight.sent = now.elapsed;
        self.put_at = Some(now.elapsed);
        let (attempt, version) = (self.attempts, flight.version);
        let value = Arc::clone(&flight.value);
        self.outputs.push(Output::Put { attempt, version, value, again });
    }

    /// Sends a batch again whose place nothing has taken, and gives it up when it is late.
    pub(super) fn send_again(&mut self, now: Now) {
        let Some(flight) = &mut self.flight else { return };
        if flight.has_work() && flight.late().is_some_and(|late| late <= now.elapsed) {
            if flight.is_undone() {
                self.refuse_flight(AppendError::Unreachable);
                return;
            }
            flight.given_up = true;
            for flying in &flight.entries {
                let (id, result) = (flying.queued.id, Err(AppendError::Unanswered));
                self.outputs.push(Output::Answer { id, result });
            }
        }
        let is_due = flight.sent + RESEND_AFTER <= now.elapsed;
        let may_be = !flight.is_taken && flight.open.len() < PUTS_OPEN_MAX;
        // An etcd that shows another history might take it where it never was.
        if is_due && may_be && self.is_linked() {
            self.send(now);
        }
    }

    pub(super) fn take_put_answer(&mut self, now: Now, attempt: u64, answer: PutAnswer) {
        let Some(flight) = &mut self.flight else { return };
        if !flight.open.remove(&attempt) {
            return;
        }
        match answer {
            PutAnswer::Put { revision } => {
                self.is_full = false;
                flight.is_taken = true;
                self.know(now, revision);
            }
            PutAnswer::Other { version, revision } if flight.version <= version => {
                flight.is_taken = true;
                self.know(now, revision);
            }
            // What this hub has put before is gone: another connection will tell.
            PutAnswer::Other { .. } => {
                flight.in_doubt = true;
                self.link.drop_now(now);
            }
            PutAnswer::Full => {
                self.is_full = true;
                if flight.is_undone() {
                    self.refuse_flight(AppendError::PoolFull);
                    self.refuse_queue(AppendError::PoolFull);
                }
            }
            PutAnswer::Refused => {}
            PutAnswer::Unanswered => flight.in_doubt = true,
        }
    }

    /// Takes it back that the place of the batch on its way is taken, where etcd has it free: what
    /// said so was put back from a backup, and had a history of its own.
    pub(super) fn doubt_flight(&mut self, own_version: u64) {
        let Some(flight) = &mut self.flight else { return };
        if flight.is_taken && own_version < flight.version {
            flight.is_taken = false;
            flight.in_doubt = true;
        }
    }

    /// Tells whether these are the bytes of the batch on its way.
    pub(super) fn is_flying(&self, hash: &Hash) -> bool {
        self.flight.as_ref().is_some_and(|flight| flight.hash == *hash)
    }

    /// Takes the batch off its way if these are its bytes: its entries have places.
    pub(super) fn land(&mut self, hash: &Hash) -> Option<Landed> {
        let landed = self.flight.take_if(|flight| flight.hash == *hash)?;
        self.life = Life::Alive;
        // The watch may be quicker than the answer to the put, which is of no interest any more.
        self.is_full = false;
        let entries = landed.entries.into_iter().map(|flying| flying.queued).collect();
        Some(Landed { entries, given_up: landed.given_up })
    }

    /// Takes the batch off its way if these are its bytes: it has spent its place for nothing.
    pub(super) fn spend(&mut self, hash: &Hash) -> bool {
        if !self.is_flying(hash) {
            return false;
        }
        self.life = Life::Alive;
        self.refuse_flight(AppendError::NotWritten);
        true
    }

    /// Meets a batch of this hub's key, in its place or for it, that is not on its way.
    ///
    /// While this hub starts it is one of a former life, for whose place it has tried too.
    pub(super) fn meet_own(&mut self, event: &Event, hash: &Hash) {
        self.refuse_flight(AppendError::NotWritten);
        match self.life {
            Life::Starting { former } if former < FORMER_BATCHES_MAX => {
                // What is caught up with is this hub's own past, however much of it there is.
                let is_new = u32::from(self.link.is_new(event.revision));
                self.life = Life::Starting { former: former + is_new };
            }
            _ => {
                let (revision, version) = (event.revision, event.version);
                let kind = Kind::KeyUsedTwice { revision, version };
                let hub = Some(self.config.hub.clone());
                let bytes = event.value.clone().unwrap_or_default();
                let evidence = Evidence { hub, kind, hash: *hash };
                self.outputs.push(Output::Evidence(evidence, bytes));
                self.stop(Stop::KeyUsedTwice { revision });
            }
        }
    }

    /// Says where an entry is, to who still waits for it.
    pub(super) fn answer(&mut self, landed: &Landed, index: usize, position: Position) {
        if !landed.given_up {
            let id = landed.entries[index].id;
            self.outputs.push(Output::Answer { id, result: Ok(position) });
        }
    }

    /// Says that the batch on its way has had no effect and never will.
    pub(super) fn refuse_flight(&mut self, refusal: AppendError) {
        debug_assert!(!refusal.is_unknown(), "it is known");
        self.answer_flight(refusal);
    }

    /// Says what is known of the batch on its way, at the end.
    pub(super) fn abandon_flight(&mut self) {
        let is_undone = self.flight.as_ref().is_some_and(Flight::is_undone);
        self.answer_flight(if is_undone { AppendError::Closed } else { AppendError::Unanswered });
    }

    fn answer_flight(&mut self, error: AppendError) {
        let Some(flight) = self.flight.take() else { return };
        for Flying { queued, bytes } in flight.entries {
            self.outputs.push(Output::Release { bytes });
            if !flight.given_up {
                self.outputs.push(Output::Answer { id: queued.id, result: Err(error) });
            }
        }
    }
}
