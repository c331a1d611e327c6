//! The log of a pool, as its hub uses it.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use std::{fmt, future::Future};

use ::pool::{AppliedHead, Genesis, HubId, KeyPair, Rules, State, StateHash};
use etcd::Client;
use tokio::sync::{mpsc, oneshot, watch};

use super::core::{Announced, Config, Core, ReadError, Start, key_of};
use super::driver::{Call, Clock, Driver, Peers, Shell, Status, Stopped, Trouble, Witness};
use super::replay::StartError;
use super::start::start;
use crate::{
    AppendError, Entry, Follower, Head, HeadFuture, LocalLog, Log, LogError, Position, Receipt,
    Ticket,
};

/// How long opening waits for etcd to show whether it is the pool's.
pub const OPEN_WAIT_MAX: Duration = Duration::from_secs(5);

/// How a pool's log is opened.
pub struct Options {
    /// The hub's name.
    pub hub: HubId,
    /// What the hub signs with.
    pub key: KeyPair,
    /// The highest version of each family's rules that it can run.
    pub rules: Rules,
    /// Where etcd is.
    pub etcd: etcd::Config,
    /// The hub's clock.
    pub clock: Clock,
    /// Is told of what is wrong.
    pub witness: Arc<dyn Witness>,
}

/// What a hub begins from.
#[derive(Clone, Debug)]
pub struct From {
    /// The pool's genesis, as its owners have agreed on it.
    pub genesis: Genesis,
    /// The pool's state in the newest snapshot, the default where there is none.
    pub state: State,
    /// The head at that snapshot, the default where there is none.
    pub head: Head,
}

/// A pool's log cannot be opened; each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum PoolOpenError {
    /// The copy cannot be gone on from.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The members of etcd cannot be used.
    #[error("the pool's etcd cannot be used")]
    Etcd(#[from] etcd::ConfigError),
    /// Every member that answers is not one to put anything on.
    #[error("the pool's etcd is refused, and nothing was written")]
    Refused(#[source] Trouble),
    /// The engine has ended at once.
    #[error("the pool's log cannot go on")]
    Ended(#[source] Stopped),
    /// A thread cannot be started.
    #[error("cannot start a thread; raise the limit of processes")]
    Thread(#[source] io::Error),
}

/// A pool's log: what this hub appends goes through etcd, what all have appended is in the copy.
///
/// Dropping it closes it.
pub struct PoolLog {
    copy: Arc<LocalLog>,
    calls: mpsc::UnboundedSender<Call>,
    status: watch::Receiver<Status>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl fmt::Debug for PoolLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolLog").field("copy", &self.copy).finish_non_exhaustive()
    }
}

impl PoolLog {
    /// Goes on from the copy, which nobody may append to any more, on a thread of its own.
    ///
    /// Blocks until etcd has answered, at most [`OPEN_WAIT_MAX`]. One that does not answer is no
    /// error: the log is up when it does. One that is not the pool's is refused.
    pub fn open(copy: Arc<LocalLog>, from: From, options: Options) -> Result<Self, PoolOpenError> {
        Self::open_beside(copy, from, options, None)
    }

    /// As [`PoolLog::open`], with other hubs to ask for what etcd no longer holds.
    pub fn open_beside(
        copy: Arc<LocalLog>,
        from: From,
        options: Options,
        peers: Option<Arc<dyn Peers>>,
    ) -> Result<Self, PoolOpenError> {
        let From { genesis, state, head } = from;
        let start = start(&copy, &genesis, state, head)?;
        let (calls, called) = mpsc::unbounded_channel();
        let (status_sender, status) = watch::channel(Status::default());
        let (opened, is_opened) = sync_channel(1);
        let driven = Driven { copy: Arc::clone(&copy), start, options, peers, opened };
        let thread = Builder::new()
            .name("log-pool".to_owned())
            .spawn(move || driven.drive(status_sender, called))
            .map_err(PoolOpenError::Thread)?;
        let log = PoolLog { copy, calls, status, thread: Mutex::new(Some(thread)) };
        match is_opened.recv_timeout(OPEN_WAIT_MAX) {
            // No answer is no refusal.
            Ok(Ok(())) | Err(RecvTimeoutError::Timeout) => Ok(log),
            Ok(Err(error)) => Err(error),
            Err(RecvTimeoutError::Disconnected) => {
                let ended = log.status().stopped.unwrap_or(Stopped::Closed);
                Err(PoolOpenError::Ended(ended))
            }
        }
    }

    /// Returns the copy: outcomes, snapshots and segments are there.
    pub fn copy(&self) -> &Arc<LocalLog> {
        &self.copy
    }

    /// Returns how far the log is handed out.
    pub fn head(&self) -> Result<Head, LogError> {
        self.copy.given()
    }

    /// Has the next batch say how far this hub has applied the log; the last word counts.
    pub fn announce(&self, applied: AppliedHead, state: Option<StateHash>) {
        // A log that has ended tells nothing.
        let _ = self.calls.send(Call::Announce(Announced { applied, state }));
    }

    /// Returns how the log is doing.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Resolves when the log has ended by itself: this process must end.
    pub fn failed(&self) -> impl Future<Output = Stopped> + Send + use<> {
        let mut status = self.status.clone();
        async move {
            let failed = |status: &Status| {
                status.stopped.as_ref().is_some_and(|stopped| *stopped != Stopped::Closed)
            };
            let has_failed = status.wait_for(failed).await.is_ok();
            let stopped = status.borrow().stopped.clone();
            match stopped {
                Some(stopped) if has_failed => stopped,
                // It was closed, and what is closed cannot fail any more.
                Some(_) => std::future::pending().await,
                None => Stopped::Broken,
            }
        }
    }

    /// Puts what waits, as long as etcd takes it, and closes the log and its copy; followers get all
    /// of it and then an end. Blocks.
    pub fn close(&self) {
        // A driver that has ended is closed.
        let _ = self.calls.send(Call::Close);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A driver that panicked has dropped everybody's answers, which they have heard.
            let _ = thread.join();
        }
        self.copy.close();
    }
}

impl Log for PoolLog {
    fn append(&self, entry: Entry, ticket: Ticket) -> Result<Receipt, AppendError> {
        if ::pool::COMMAND_BYTES_MAX < entry.command.len() {
            return Err(AppendError::TooLarge);
        }
        if self.status.borrow().is_disk_full {
            return Err(AppendError::NoSpace);
        }
        let bytes = entry.to_bytes().map_err(|_| AppendError::TooLarge)?;
        let size = bytes.len();
        self.copy.reserve(size)?;
        let (answer, receipt) = Receipt::pair();
        let call = Call::Append { entry, bytes, ticket, answer };
        if self.calls.send(call).is_err() {
            self.copy.release_reserved(size);
            return Err(AppendError::Closed);
        }
        Ok(receipt)
    }

    fn follow(&self, after: Position) -> Result<Follower, LogError> {
        self.copy.follow(after)
    }

    fn committed(&self) -> HeadFuture {
        let (answer, answered) = oneshot::channel();
        // Where nobody is asked nobody answers.
        let _ = self.calls.send(Call::Ask(answer));
        Box::pin(async move {
            match answered.await {
                Ok(Ok(head)) => Ok(head),
                Ok(Err(ReadError::Unanswered | ReadError::TooMany)) => Err(LogError::Unanswered),
                Ok(Err(ReadError::Closed)) | Err(_) => Err(LogError::Closed),
            }
        })
    }
}

impl Drop for PoolLog {
    fn drop(&mut self) {
        self.close();
    }
}

/// What the thread is given.
struct Driven {
    copy: Arc<LocalLog>,
    start: Start,
    options: Options,
    peers: Option<Arc<dyn Peers>>,
    opened: SyncSender<Result<(), PoolOpenError>>,
}

impl Driven {
    fn drive(self, status: watch::Sender<Status>, calls: mpsc::UnboundedReceiver<Call>) {
        let Driven { copy, start, options, peers, opened } = self;
        let Options { hub, key, rules, etcd, clock, witness } = options;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => return tell(&opened, Err(PoolOpenError::Thread(error))),
        };
        runtime.block_on(async {
            let client = match Client::new(&etcd) {
                Ok(client) => client,
                Err(error) => return tell(&opened, Err(error.into())),
            };
            let own_key = key_of(&hub);
            let copies = peers.as_ref().map_or(0, |peers| peers.count());
            let core = Core::new(Config { hub, key, rules }, start).with_copies(copies);
            let shell = Shell { client, copy, clock, witness, peers, own_key, status, opened };
            Driver::new(core, shell).run(calls).await;
        });
    }
}

/// Tells the opener, who may have gone on.
pub(super) fn tell(
    opened: &SyncSender<Result<(), PoolOpenError>>,
    result: Result<(), PoolOpenError>,
) {
    let _ = opened.try_send(result);
}
