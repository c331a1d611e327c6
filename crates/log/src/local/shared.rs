//! What appenders, the writer and followers share: one mutex, three conditions, named bounds.
//!
//! An entry is counted from its append until it has failed or every follower has taken it, so the
//! bounds of the queue also bound what followers have yet to read. The writer never waits for a
//! follower and a follower may wait for the writer; the other way round could lock both.

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use rusqlite::Transaction;
use tokio::sync::{Notify, oneshot, watch};

use self::outcomes::Outcomes;
use crate::{AppendError, Committed, Entry, Hash, Head, LogError, Position, Ticket};

mod outcomes;
mod placing;

pub use placing::Placement;

/// How many entries may wait to be written and to be taken by followers.
pub const QUEUE_MAX: usize = 8_192;

/// How many bytes these entries may have.
pub const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How many bytes of outcomes may wait to be written; at half of it they are written at once.
pub const OUTCOMES_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What an outcome that waits costs besides its bytes.
const OUTCOME_COST: usize = 64;

/// After what time an outcome that found no room asks the writer again.
const OUTCOME_RETRY: Duration = Duration::from_secs(1);

/// How many committed entries a follower takes at once.
const FOLLOW_BATCH_MAX: usize = 1024;

/// What everybody shares.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// The writer waits here.
    work: Condvar,
    /// Followers wait here.
    news: Condvar,
    /// Who keeps or flushes outcomes waits here.
    written: Condvar,
    failed: watch::Sender<bool>,
    /// Whoever places entries waits here for room.
    room: Notify,
}

struct State {
    status: Status,
    /// How far the log is committed.
    head: Head,
    /// How far it is handed out: further than that only where entries are placed.
    given: Head,
    waiting: Vec<Pending>,
    /// Entries that are counted: waiting, being written, or not taken by every follower.
    held: Held,
    /// Entries that are placed and not committed.
    unwritten: Held,
    /// Entries that were placed without being counted in `held`, and not taken by every follower.
    foreign: Held,
    /// Entries are placed, not appended.
    placing: bool,
    /// Entries that some follower has not taken; the last is at `given`.
    recent: VecDeque<Recent>,
    /// By number of the follower, the last position it has taken.
    followers: BTreeMap<u64, Position>,
    followers_made: u64,
    outcomes: Outcomes,
    jobs: VecDeque<Job>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Open,
    Closing,
    Closed,
    Failed,
}

/// An entry that some follower has not taken.
struct Recent {
    committed: Committed,
    bytes: usize,
    /// It counts in `foreign`, not in `held`.
    foreign: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Held {
    entries: usize,
    bytes: usize,
}

/// The bytes of an outcome, or that it is to go.
pub(crate) type Outcome = Option<Arc<[u8]>>;

/// An entry that waits to be written.
pub(crate) struct Pending {
    pub(crate) entry: Arc<Entry>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) leaf: Hash,
    pub(crate) origin: Origin,
}

/// Where an entry that waits to be written comes from.
pub(crate) enum Origin {
    /// It was appended: followers and whoever waits hear of it when it is durable.
    Appended {
        /// Its proposer's number for it.
        ticket: Ticket,
        /// Who waits.
        answer: oneshot::Sender<Result<Position, AppendError>>,
    },
    /// It was placed at this head, and handed out.
    Placed(Head),
}

/// What a job does.
pub(crate) enum JobRun {
    /// Something in a transaction of its own.
    Transaction(TransactionRun),
    /// Everything that was committed becomes durable.
    Sync,
}

/// What runs inside a transaction.
pub(crate) type TransactionRun = Box<dyn FnOnce(&Transaction<'_>) -> rusqlite::Result<()> + Send>;

/// Something else for the writer to do.
pub(crate) struct Job {
    pub(crate) run: JobRun,
    pub(crate) answer: SyncSender<Result<(), LogError>>,
}

/// What the writer has to do next.
pub(crate) struct Work {
    pub(crate) entries: Vec<Pending>,
    pub(crate) outcomes: Arc<BTreeMap<Position, Outcome>>,
    pub(crate) job: Option<Job>,
    /// The log is closing and nothing else waits.
    pub(crate) last: bool,
}

/// How full the queue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Entries that wait to be written.
    pub waiting_entries: usize,
    /// Entries that count against [`QUEUE_MAX`]: also those that a follower has yet to take.
    pub held_entries: usize,
    /// Their bytes, which count against [`QUEUE_BYTES_MAX`].
    pub held_bytes: usize,
    /// Bytes of outcomes that are not yet written, which count against [`OUTCOMES_BYTES_MAX`].
    pub outcome_bytes: usize,
}

impl Pending {
    /// Says why it will not be written.
    pub(crate) fn refuse(self, refusal: AppendError) {
        if let Origin::Appended { answer, .. } = self.origin {
            // Who no longer waits needs no answer.
            let _ = answer.send(Err(refusal));
        }
    }
}

impl Shared {
    pub(crate) fn new(head: Head) -> Self {
        let state = State {
            status: Status::Open,
            head,
            given: head,
            waiting: Vec::new(),
            held: Held::default(),
            unwritten: Held::default(),
            foreign: Held::default(),
            placing: false,
            recent: VecDeque::new(),
            followers: BTreeMap::new(),
            followers_made: 0,
            outcomes: Outcomes::default(),
            jobs: VecDeque::new(),
        };
        Shared {
            state: Mutex::new(state),
            work: Condvar::new(),
            news: Condvar::new(),
            written: Condvar::new(),
            failed: watch::Sender::new(false),
            room: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding this lock")
    }

    /// Returns how far the log is committed.
    pub(crate) fn head(&self) -> Result<Head, LogError> {
        let state = self.lock();
        state.usable()?;
        Ok(state.head)
    }

    /// Returns how full the queue is.
    pub(crate) fn queue(&self) -> Queue {
        let state = self.lock();
        Queue {
            waiting_entries: state.waiting.len(),
            held_entries: state.held.entries,
            held_bytes: state.held.bytes,
            outcome_bytes: state.outcomes.bytes,
        }
    }

    /// Returns what tells when the log has failed.
    pub(crate) fn failure(&self) -> watch::Receiver<bool> {
        self.failed.subscribe()
    }

    /// Queues an entry, within the bounds.
    pub(crate) fn append(&self, pending: Pending) -> Result<(), AppendError> {
        let mut state = self.lock();
        if state.placing {
            return Err(AppendError::Closed);
        }
        state.hold(pending.bytes.len())?;
        state.waiting.push(pending);
        drop(state);
        self.work.notify_one();
        Ok(())
    }

    /// Queues a job; its answer comes through the job's channel.
    pub(crate) fn run(&self, job: Job) -> Result<(), LogError> {
        let mut state = self.lock();
        state.usable()?;
        state.jobs.push_back(job);
        drop(state);
        self.work.notify_one();
        Ok(())
    }

    /// Waits for something to do and takes all of it, but one job at a time.
    pub(crate) fn next_work(&self) -> Work {
        let mut state = self
            .work
            .wait_while(self.lock(), |state| !state.has_work())
            .expect("nobody panics while holding this lock");
        let entries = mem::take(&mut state.waiting);
        let outcomes = state.outcomes.take();
        let job = state.jobs.pop_front();
        let last = state.status == Status::Closing && state.jobs.is_empty();
        Work { entries, outcomes, job, last }
    }

    /// Makes known that the entries up to `head` and the outcomes that were taken are durable.
    pub(crate) fn publish(&self, head: Head, committed: Vec<(Committed, usize)>) {
        let mut state = self.lock();
        state.head = head;
        if !state.placing {
            state.given = head;
        }
        for (committed, bytes) in committed {
            state.give(Recent { committed, bytes, foreign: false });
        }
        state.outcomes.written();
        drop(state);
        self.news.notify_all();
        self.written.notify_all();
    }

    /// Lets go of entries that were not written.
    pub(crate) fn release(&self, entries: &[Pending]) {
        let mut state = self.lock();
        for pending in entries {
            state.held.release(pending.bytes.len());
        }
    }

    /// Keeps the outcomes that were taken and not written for a later try.
    pub(crate) fn keep_outcomes(&self) {
        self.lock().outcomes.not_written();
        self.written.notify_all();
    }

    /// Stops everything: no sync can be trusted any more.
    pub(crate) fn fail(&self) {
        let mut state = self.lock();
        if state.status == Status::Closed {
            return;
        }
        state.status = Status::Failed;
        let waiting = mem::take(&mut state.waiting);
        state.jobs.clear();
        drop(state);
        for pending in waiting {
            pending.refuse(AppendError::Closed);
        }
        self.failed.send_replace(true);
        self.wake_all();
    }

    /// Lets the writer end after what waits.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        if state.status == Status::Open {
            state.status = Status::Closing;
        }
        drop(state);
        self.wake_all();
    }

    /// The writer has written what waited and is gone.
    pub(crate) fn closed(&self) {
        let mut state = self.lock();
        if state.status == Status::Closing {
            state.status = Status::Closed;
        }
        drop(state);
        self.wake_all();
    }

    fn wake_all(&self) {
        self.work.notify_all();
        self.news.notify_all();
        self.written.notify_all();
        self.room.notify_one();
    }

    /// Registers a follower and returns its number and the head it starts at: what comes after is
    /// held in memory until it has taken it.
    pub(crate) fn add_follower(&self) -> Result<(u64, Head), LogError> {
        let mut state = self.lock();
        state.usable()?;
        state.followers_made += 1;
        let (number, head) = (state.followers_made, state.given);
        state.followers.insert(number, head.position);
        Ok((number, head))
    }

    /// Lets go of what was held for a follower only.
    pub(crate) fn remove_follower(&self, number: u64) {
        let mut state = self.lock();
        state.followers.remove(&number);
        state.release_taken();
        drop(state);
        self.room.notify_one();
    }

    /// Waits for committed entries that the follower has not taken; `None` when the log is closed.
    pub(crate) fn take(&self, number: u64) -> Result<Option<Vec<Committed>>, LogError> {
        let mut state = self
            .news
            .wait_while(self.lock(), |state| !state.has_news(number))
            .expect("nobody panics while holding this lock");
        let taken = state.followers[&number];
        let behind = state.given.position.number() - taken.number();
        if behind == 0 {
            return if state.status == Status::Failed { Err(LogError::Failed) } else { Ok(None) };
        }
        let behind = usize::try_from(behind).expect("they are in memory");
        let start = state.recent.len() - behind;
        let batch: Vec<Committed> = state
            .recent
            .range(start..)
            .take(FOLLOW_BATCH_MAX)
            .map(|recent| recent.committed.clone())
            .collect();
        let last = batch.last().expect("the follower is behind").position;
        state.followers.insert(number, last);
        state.release_taken();
        drop(state);
        self.room.notify_one();
        Ok(Some(batch))
    }
}

impl State {
    fn usable(&self) -> Result<(), LogError> {
        match self.status {
            Status::Open => Ok(()),
            Status::Closing | Status::Closed => Err(LogError::Closed),
            Status::Failed => Err(LogError::Failed),
        }
    }

    fn running(&self) -> bool {
        matches!(self.status, Status::Open | Status::Closing)
    }

    fn has_work(&self) -> bool {
        !self.waiting.is_empty()
            || !self.jobs.is_empty()
            || self.outcomes.write_asked
            || self.status != Status::Open
    }

    fn has_news(&self, number: u64) -> bool {
        self.followers[&number] < self.given.position
            || matches!(self.status, Status::Closed | Status::Failed)
    }

    fn release_taken(&mut self) {
        let kept_after = self.followers.values().min().copied().unwrap_or(self.given.position);
        while let Some(recent) = self.recent.pop_front_if(|it| it.committed.position <= kept_after)
        {
            self.let_go(&recent);
        }
    }

    /// Counts an entry that is appended, within the bounds.
    fn hold(&mut self, bytes: usize) -> Result<(), AppendError> {
        if self.status != Status::Open {
            return Err(AppendError::Closed);
        }
        let bytes = self.held.bytes + bytes;
        if QUEUE_MAX <= self.held.entries || QUEUE_BYTES_MAX < bytes {
            return Err(AppendError::QueueFull);
        }
        self.held = Held { entries: self.held.entries + 1, bytes };
        Ok(())
    }

    /// Hands an entry out to followers.
    fn give(&mut self, recent: Recent) {
        if self.followers.is_empty() {
            self.let_go(&recent);
        } else {
            self.recent.push_back(recent);
        }
    }

    fn let_go(&mut self, recent: &Recent) {
        let held = if recent.foreign { &mut self.foreign } else { &mut self.held };
        held.release(recent.bytes);
    }
}

impl Held {
    fn has_room(self) -> bool {
        self.entries < QUEUE_MAX && self.bytes < QUEUE_BYTES_MAX
    }

    fn add(&mut self, bytes: usize) {
        self.entries += 1;
        self.bytes += bytes;
    }

    fn release(&mut self, bytes: usize) {
        self.entries -= 1;
        self.bytes -= bytes;
    }
}
