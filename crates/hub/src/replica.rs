//! Follows the log and holds the state that it makes: the one door to all data.
//!
//! A command goes into the log and comes out of it in the log's order; one thread applies what
//! comes out and answers whoever waits for it. There is no other way to change the state. Each
//! family of entries is a pure state of its own, composed in `states`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use airspace::{Command, Outcome, Party};
use log::{AppendError, Entry, Family, Head, LocalLog, Log, Proposer, Receipt, Ticket};
use spacetime::Timestamp;
use tokio::sync::{oneshot, watch};

use crate::admission::{Denied, Share};
use crate::clock::{CLOCK_APART_MAX, Clock, Trust};

pub mod declaration;

mod follow;
#[cfg(test)]
mod old_logs;
mod snapshots;
mod states;
#[cfg(test)]
mod tests;
mod waiters;

pub use follow::APPLY_BATCH_MAX;
pub use states::{AIRSPACE_VERSION, ApplyError, HUB_VERSION};

use declaration::{Declaration, Restored};
use states::States;
use waiters::{Answer, Waiters};

/// At most how many bytes an entry has besides its command.
const ENTRY_COST_BYTES: usize = log::ENTRY_BYTES_MAX - log::COMMAND_BYTES_MAX;

/// Holds the state and takes commands; clones are the same replica.
#[derive(Clone, Debug)]
pub struct Replica(Arc<Shared>);

/// What a replica is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The name of this hub in the log.
    pub proposer: Proposer,
    /// A snapshot is taken after so many entries.
    pub snapshot_entries: u64,
    /// What commands are stamped by.
    pub clock: Clock,
}

/// A command was not decided.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// Too many commands wait. It is not and never will be in the log.
    #[error("too many commands wait; none of this one was done")]
    QueueFull,
    /// The disk is full. It is not and never will be in the log.
    #[error("the hub has no room on its disk; nothing was done")]
    NoSpace,
    /// The party has as much in the log's queue as one party may. Never in the log.
    #[error("this party has as many commands waiting as one party may; none of this one was done")]
    PartyShare,
    /// It is larger than an entry may be.
    #[error("the request is larger than what the log takes in one entry")]
    TooLarge,
    /// The hub stops. It is not and never will be in the log.
    #[error("the hub is stopping; nothing was done")]
    Closed,
    /// The storage refused it before anything was written. It is not and never will be in the log.
    #[error("the hub could not write; nothing was done")]
    NotWritten,
    /// Clocks are apart. It is not and never will be in the log.
    #[error("the hub's clock cannot be trusted, so it takes no changes; nothing was done")]
    ClockApart,
    /// It may or may not be in the log.
    #[error("the hub does not know whether this was done; ask for the present state")]
    Unknown,
    /// The key was used for another request.
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
    /// The same request was answered before, and the answer is no longer kept.
    #[error("this request was done before and its answer is no longer kept")]
    OutcomeForgotten,
}

/// Why a replica cannot start; each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    /// The snapshots cannot be listed.
    #[error("cannot read the snapshots of the log; check the disk and the rights on DIR/snapshots")]
    Snapshots(#[source] std::io::Error),
    /// The log cannot be followed.
    #[error("cannot follow the log; run `tansiq log verify DIR`")]
    Follow(#[source] log::LogError),
    /// A thread cannot be started.
    #[error("cannot start a thread; raise the limit of processes")]
    Thread(#[source] std::io::Error),
    /// Applying the log failed.
    #[error("cannot apply the log: {0}")]
    Failed(String),
}

#[derive(Debug)]
struct Shared {
    log: Arc<LocalLog>,
    options: Options,
    states: RwLock<States>,
    waiters: Waiters,
    tickets: AtomicU64,
    progress: watch::Sender<Progress>,
    /// Bytes of commands from their append until their decision.
    queue: Share,
    failed: watch::Sender<Option<Arc<str>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// How far the state has followed the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The last entry that the state has taken in.
    pub head: Head,
    /// The state's clock.
    pub clock: Timestamp,
}

impl Replica {
    /// Takes the newest good snapshot and follows the log from there, on threads of its own.
    ///
    /// Reads files: not for asynchronous tasks. Await [`Replica::caught_up`] before serving.
    pub fn start(log: Arc<LocalLog>, options: Options) -> Result<Self, ReplicaError> {
        let restored = snapshots::restore(&log.snapshots())?;
        let head = restored.head;
        let progress = Progress { head, clock: restored.states.airspace.clock() };
        let shared = Arc::new(Shared {
            log,
            options,
            states: RwLock::new(restored.states),
            waiters: Waiters::default(),
            tickets: AtomicU64::new(1),
            progress: watch::Sender::new(progress),
            queue: Share::new(log::QUEUE_BYTES_MAX as u64),
            failed: watch::Sender::new(None),
            thread: Mutex::new(None),
        });
        let thread = follow::start(&shared, head)?;
        *shared.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(Replica(shared))
    }

    /// Resolves once the state has taken in all that is in the log at this moment.
    pub async fn caught_up(&self) -> Result<(), ReplicaError> {
        let head = self.0.log.committed().await.map_err(ReplicaError::Follow)?;
        let mut progress = self.0.progress.subscribe();
        let mut failed = self.0.failed.subscribe();
        tokio::select! {
            reached = progress.wait_for(|now| head.position <= now.head.position) => {
                reached.expect("the replica holds the sender");
                Ok(())
            }
            failure = failed.wait_for(Option::is_some) => {
                let failure = failure.expect("the replica holds the sender");
                Err(ReplicaError::Failed(failure.as_deref().unwrap_or_default().to_owned()))
            }
        }
    }

    /// Puts a command into the log and returns what the state decided.
    ///
    /// `held` is dropped when that is known, even if nobody waits for it any more: what a party has
    /// queued counts as its own until it is through.
    pub async fn submit<H: Send + 'static>(
        &self,
        command: Command,
        held: H,
    ) -> Result<Outcome, SubmitError> {
        let bytes = borsh::to_vec(&command).expect("writing to memory does not fail");
        match self.put(&command.party, Form::COMMAND, bytes, held).await? {
            Answer::Decided(outcome) => Ok(outcome),
            Answer::Repeat { first } => self.kept_outcome(first).await,
            Answer::KeyReused => Err(SubmitError::KeyReused),
            Answer::Declared => unreachable!("a command of the airspace is no declaration"),
        }
    }

    /// Puts a declaration of this hub into the log and waits until the state has it.
    ///
    /// `held` is dropped as by [`Replica::submit`]; a heartbeat counts as its reporter's.
    pub async fn declare<H: Send + 'static>(
        &self,
        declaration: Declaration,
        held: H,
    ) -> Result<(), SubmitError> {
        let bytes = borsh::to_vec(&declaration).expect("writing to memory does not fail");
        let party = match declaration {
            Declaration::Heartbeat(heartbeat) => heartbeat.reporter,
            Declaration::Restored
            | Declaration::RestoredConfirmed
            | Declaration::Founded { .. } => own_party(),
        };
        match self.put(&party, Form::DECLARATION, bytes, held).await? {
            Answer::Declared => Ok(()),
            answer => unreachable!("a declaration came to {answer:?}"),
        }
    }

    /// Looks at the airspace under a shared lock, at the later of the state's time and the hub's.
    ///
    /// Writes wait meanwhile: look shortly, and render afterwards.
    pub fn read<T>(&self, look: impl FnOnce(&airspace::State, Timestamp) -> T) -> T {
        let states = self.0.states();
        let now = states.airspace.clock().max(self.0.options.clock.now());
        look(&states.airspace, now)
    }

    /// Looks at what hubs have declared, as [`Replica::read`] does at the airspace.
    pub fn read_declared<T>(&self, look: impl FnOnce(&declaration::State) -> T) -> T {
        look(&self.0.states().hub)
    }

    /// Returns the start from a backup that nobody has confirmed yet, if there was one.
    pub fn restored(&self) -> Option<Restored> {
        self.read_declared(|declared| declared.restored)
    }

    /// Returns how far the state has followed the log.
    pub fn progress(&self) -> Progress {
        *self.0.progress.borrow()
    }

    /// Returns how many commands wait for their decision.
    pub fn waiting(&self) -> usize {
        self.0.waiters.len()
    }

    /// Tells whether commands are taken as far as clocks go.
    pub fn check_clock(&self) -> Result<Timestamp, SubmitError> {
        let reading = self.0.options.clock.read();
        let state_clock = self.0.progress.borrow().clock;
        if reading.trust != Trust::Steady || reading.now.plus(CLOCK_APART_MAX) < state_clock {
            return Err(SubmitError::ClockApart);
        }
        Ok(reading.now)
    }

    /// Returns why the hub must end, once it must.
    pub fn failure(&self) -> Option<Arc<str>> {
        self.0.failed.borrow().clone()
    }

    /// Resolves to why the hub must end, when it must.
    pub async fn failed(&self) -> Arc<str> {
        let mut failed = self.0.failed.subscribe();
        let failure = failed.wait_for(Option::is_some).await;
        let failure = failure.expect("the replica holds the sender");
        failure.clone().expect("it was waited for")
    }

    /// Waits until everything of a closed log is applied and the threads have ended. Blocks.
    pub fn join(&self) {
        let thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // It catches its panics and tells of them itself.
            let _ = thread.join();
        }
    }

    /// Puts bytes into the log as `party`'s and waits for what they come to.
    async fn put<H: Send + 'static>(
        &self,
        party: &Party,
        form: Form,
        bytes: Vec<u8>,
        held: H,
    ) -> Result<Answer, SubmitError> {
        let queued = self.0.queue.enter(party, (bytes.len() + ENTRY_COST_BYTES) as u64);
        let queued = queued.map_err(|denied| match denied {
            Denied::PartyShare => SubmitError::PartyShare,
            Denied::Full => SubmitError::QueueFull,
        })?;
        let (receipt, answer) = self.append(form, bytes)?;
        let replica = self.clone();
        let waiting = tokio::spawn(async move {
            let answer = replica.answer(receipt, answer).await;
            drop((held, queued));
            answer
        });
        waiting.await.unwrap_or(Err(SubmitError::Unknown))
    }

    fn append(&self, form: Form, command: Vec<u8>) -> Result<(Receipt, Awaited), SubmitError> {
        if self.failure().is_some() {
            return Err(SubmitError::Closed);
        }
        let stamp = self.check_clock()?;
        let proposer = self.0.options.proposer.clone();
        let Form { family, version } = form;
        let entry = Entry { family, version, proposer, stamp, command };
        let ticket = Ticket(self.0.tickets.fetch_add(1, Ordering::Relaxed));
        let answer = self.0.waiters.expect(ticket);
        match self.0.log.append(entry, ticket) {
            Ok(receipt) => Ok((receipt, Awaited { ticket, answer })),
            Err(error) => {
                self.0.waiters.forget(ticket);
                Err(self.not_appended(error))
            }
        }
    }

    /// Waits for the decision, or for the log's word that there will be none.
    async fn answer(&self, receipt: Receipt, awaited: Awaited) -> Result<Answer, SubmitError> {
        let Awaited { ticket, mut answer } = awaited;
        let answered = tokio::select! {
            // The decision is usually there first: the log hands entries out as it writes them.
            biased;
            answered = &mut answer => answered,
            receipt = receipt => match receipt {
                Ok(_) => answer.await,
                Err(error) => {
                    self.0.waiters.forget(ticket);
                    return Err(self.not_appended(error));
                }
            },
        };
        answered.map_err(|_| SubmitError::Unknown)
    }

    fn not_appended(&self, error: AppendError) -> SubmitError {
        match error {
            AppendError::QueueFull => SubmitError::QueueFull,
            AppendError::NoSpace => SubmitError::NoSpace,
            AppendError::TooLarge => SubmitError::TooLarge,
            AppendError::Closed => SubmitError::Closed,
            AppendError::NotWritten
            | AppendError::Unreachable
            | AppendError::PoolFull
            | AppendError::NotAdmitted => SubmitError::NotWritten,
            AppendError::Unanswered => SubmitError::Unknown,
            AppendError::Unknown => {
                self.0.fail("a sync of the log failed; it is read anew at the next start");
                SubmitError::Unknown
            }
        }
    }

    async fn kept_outcome(&self, first: u64) -> Result<Outcome, SubmitError> {
        let shared = Arc::clone(&self.0);
        let found = tokio::task::spawn_blocking(move || shared.kept_outcome(first)).await;
        found.unwrap_or(Err(SubmitError::OutcomeForgotten))
    }
}

/// What the bytes of an entry are.
#[derive(Clone, Copy, Debug)]
struct Form {
    family: Family,
    version: u16,
}

impl Form {
    const COMMAND: Form = Form { family: Family::AIRSPACE, version: AIRSPACE_VERSION };
    const DECLARATION: Form = Form { family: Family::HUB, version: HUB_VERSION };
}

/// Where a submitted entry's answer arrives.
#[derive(Debug)]
struct Awaited {
    ticket: Ticket,
    answer: oneshot::Receiver<Answer>,
}

impl Shared {
    fn states(&self) -> std::sync::RwLockReadGuard<'_, States> {
        self.states.read().expect("applying never panicked, or the hub would have ended")
    }

    fn fail(&self, why: &str) {
        let first = self.failed.send_if_modified(|failed| {
            let first = failed.is_none();
            if first {
                *failed = Some(Arc::from(why));
            }
            first
        });
        if first {
            tracing::error!("the hub must end: {why}");
        }
    }
}

/// The party that a hub's own commands name.
pub fn own_party() -> Party {
    Party::new("tansiq").expect("a short name without control characters")
}
