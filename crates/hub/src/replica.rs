//! Follows the log and holds the state that it makes: the one door to all data.
//!
//! A command goes into the log and comes out of it in the log's order; one thread applies what
//! comes out and answers whoever waits for it. There is no other way to change the state. Each
//! family of entries is a pure state of its own, composed in `states`.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use airspace::Party;
use log::{Head, LocalLog, Log, Proposer};
use spacetime::Timestamp;
use tokio::sync::watch;

use crate::admission::Share;
use crate::clock::Clock;

pub mod declaration;

mod agreement;
mod follow;
mod member;
#[cfg(test)]
mod old_logs;
#[cfg(test)]
mod pool_tests;
mod reads;
mod replay;
mod snapshots;
mod states;
mod submit;
#[cfg(test)]
mod tests;
mod waiters;

pub use agreement::{
    Agreement, CHAINS_KEPT_MAX, HeardBatch, History, Neighbor, SILENCE_MAX, STATE_HASH_ENTRIES,
};
pub use follow::{APPLY_BATCH_MAX, KEPT_OUTCOME_BYTES_MAX};
pub use member::{Consistency, Engine, InPool};
pub use reads::{READ_WAIT_MAX, ReadError};
pub use states::{
    AIRSPACE_VERSION, Applied, ApplyError, FrozenStates, HUB_VERSION, Parsed, States, Void,
    known_rules, parse,
};
pub use submit::SubmitError;

use member::Member;
use snapshots::Restored;
use waiters::Waiters;

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

/// Where a replica begins: the newest good snapshot, or nothing.
#[derive(Debug)]
pub struct Start(Restored);

#[derive(Debug)]
struct Shared {
    log: LogHandle,
    /// The log's entries, snapshots and outcomes on this machine; on one machine the log itself.
    copy: Arc<LocalLog>,
    /// What there is besides in a pool.
    member: Option<Member>,
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
    /// The stamp of the last entry that was applied since the start.
    pub stamp: Timestamp,
}

impl Start {
    /// Reads the newest good snapshot beside `log`.
    ///
    /// Reads files: not for asynchronous tasks.
    pub fn load(log: &LocalLog) -> Result<Self, ReplicaError> {
        snapshots::restore(&log.snapshots()).map(Start)
    }

    /// Returns where in the log it is.
    pub fn head(&self) -> Head {
        self.0.head
    }

    /// Returns the state of the pool there.
    pub fn pool(&self) -> &pool::State {
        &self.0.states.pool
    }
}

impl Replica {
    /// Takes the newest good snapshot and follows the log of one machine from there, on threads of
    /// its own.
    ///
    /// Reads files: not for asynchronous tasks. Await [`Replica::caught_up`] before serving.
    pub fn start(log: Arc<LocalLog>, options: Options) -> Result<Self, ReplicaError> {
        let start = Start::load(&log)?;
        let copy = Arc::clone(&log);
        Self::follow(LogHandle(log), copy, None, start, options)
    }

    /// As [`Replica::start`], for a hub of a pool that keeps `copy` of the pool's log.
    pub fn start_in_pool(
        pool: InPool,
        copy: Arc<LocalLog>,
        start: Start,
        options: Options,
    ) -> Result<Self, ReplicaError> {
        let log: Arc<dyn Log> = Arc::clone(&pool.engine) as _;
        let member = Member::new(pool, start.head());
        Self::follow(LogHandle(log), copy, Some(member), start, options)
    }

    fn follow(
        log: LogHandle,
        copy: Arc<LocalLog>,
        member: Option<Member>,
        start: Start,
        options: Options,
    ) -> Result<Self, ReplicaError> {
        let Restored { head, states } = start.0;
        let clock = states.clock();
        let progress = Progress { head, clock, stamp: clock };
        let shared = Arc::new(Shared {
            log,
            copy,
            member,
            options,
            states: RwLock::new(states),
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
            }
            failure = failed.wait_for(Option::is_some) => {
                let failure = failure.expect("the replica holds the sender");
                return Err(ReplicaError::Failed(failure.as_deref().unwrap_or_default().to_owned()));
            }
        }
        if let Some(member) = &self.0.member {
            member.agreement().go_live();
        }
        Ok(())
    }

    /// Returns how far the state has followed the log.
    pub fn progress(&self) -> Progress {
        *self.0.progress.borrow()
    }

    /// Returns how many commands wait for their decision.
    pub fn waiting(&self) -> usize {
        self.0.waiters.len()
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

    /// Says that the hub must end, for a reason that lies beside the state.
    pub fn end(&self, why: &str) {
        self.0.fail(why);
    }

    /// Waits until everything of a closed log is applied and the threads have ended. Blocks.
    pub fn join(&self) {
        let thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // It catches its panics and tells of them itself.
            let _ = thread.join();
        }
    }
}

/// The log of one machine or of a pool.
struct LogHandle(Arc<dyn Log>);

impl std::ops::Deref for LogHandle {
    type Target = dyn Log;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref()
    }
}

impl std::fmt::Debug for LogHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LogHandle(..)")
    }
}

impl Shared {
    fn states(&self) -> std::sync::RwLockReadGuard<'_, States> {
        self.states.read().expect("applying never panicked, or the hub would have ended")
    }

    /// Returns what there is in a pool only.
    fn in_pool(&self) -> &Member {
        self.member.as_ref().expect("only hubs of pools ask this")
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
