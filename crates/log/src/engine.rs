//! What every engine of the log offers, and the words it uses.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::{Entry, Hash, Head, Position};

/// How many bytes the command of an entry may have that is appended; more is refused with
/// [`AppendError::TooLarge`].
///
/// On one machine as in a pool, whose hubs each keep it, so that a log can be moved from the one to
/// the other. Entries that earlier releases wrote had up to [`COMMAND_BYTES_MAX`] and are read.
///
/// [`COMMAND_BYTES_MAX`]: crate::COMMAND_BYTES_MAX
pub const APPEND_BYTES_MAX: usize = ::pool::COMMAND_BYTES_MAX;

/// The ordered, durable log.
pub trait Log: Send + Sync + 'static {
    /// Queues an entry; never waits.
    ///
    /// After `Ok` either the entry comes out of every follower, carrying `ticket`, and the receipt
    /// resolves to its position once it is durable; or the receipt resolves to an error. An error
    /// returned here means that the entry is not and never will be in the log.
    fn append(&self, entry: Entry, ticket: Ticket) -> Result<Receipt, AppendError>;

    /// Returns every committed entry after `after`, in order, and then what is committed next.
    ///
    /// An entry appended after this call came back carries its ticket. A follower that is not read
    /// holds up the log (appends are refused with [`AppendError::QueueFull`]), so that no entry
    /// waits in unbounded memory: read it or drop it.
    fn follow(&self, after: Position) -> Result<Follower, LogError>;

    /// Returns how far the log was committed at some moment after this call.
    fn committed(&self) -> HeadFuture;
}

/// Resolves to how far a log is committed.
pub type HeadFuture = Pin<Box<dyn Future<Output = Result<Head, LogError>> + Send>>;

/// Hands out what was committed; dropping it ends the following.
pub type Follower = Box<dyn Follow>;

/// A reader of committed entries, held by one thread.
pub trait Follow: Send {
    /// Waits for the next entries and returns them, one or more, in order, without a gap.
    ///
    /// Blocks the thread: not for asynchronous tasks.
    fn next_batch(&mut self) -> Result<Vec<Committed>, FollowError>;
}

/// An entry that is in the log for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Where it is.
    pub position: Position,
    /// The chain at its position.
    pub chain: Hash,
    /// What the proposer called it, when that was this process and it is still known.
    pub ticket: Option<Ticket>,
    /// The entry.
    pub entry: Arc<Entry>,
}

/// A proposer's own number for an entry, to know it again when it comes out of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Resolves to an entry's position once it is durable, or to why it is not.
#[derive(Debug)]
pub struct Receipt(oneshot::Receiver<Result<Position, AppendError>>);

/// An entry was not written, or nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Too many entries wait, or followers are too far behind. Never in the log; try again.
    #[error("too many entries wait for the log")]
    QueueFull,
    /// The disk is full. Never in the log; appends succeed again when there is room.
    #[error("there is no room for the log on the disk")]
    NoSpace,
    /// The command is larger than the log takes. Never in the log.
    #[error("the command is larger than the log takes")]
    TooLarge,
    /// The log is closed or has failed. Never in the log.
    #[error("the log is closed")]
    Closed,
    /// The storage refused before anything was written; it was logged. Never in the log.
    #[error("the log could not be written")]
    NotWritten,
    /// A sync failed: the entry may or may not be in the log. The process must end and start
    /// again from what is on the disk.
    #[error("it is unknown whether the entry is in the log")]
    Unknown,
    /// The pool could not be reached in time. Never in the log.
    #[error("the pool could not be reached")]
    Unreachable,
    /// The pool's etcd is full. Never in the log.
    #[error(
        "the pool's etcd is full: `etcdctl compact`, `etcdctl defrag` and `etcdctl alarm disarm` \
         make room"
    )]
    PoolFull,
    /// This hub does not belong to the pool, or is set aside. Never in the log.
    #[error("this hub is not admitted to the pool, or is set aside")]
    NotAdmitted,
    /// The pool was asked and has not answered in time: the entry may be in the log, now or later.
    #[error("the pool has not said whether the entry is in the log")]
    Unanswered,
}

/// A follower has no more entries.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The log was closed, and every committed entry was handed out.
    #[error("the log is closed")]
    Closed,
    /// The log failed or is damaged; what was handed out before stays true.
    #[error("the log cannot be followed")]
    Log(#[from] LogError),
}

/// The log cannot answer.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// It was closed.
    #[error("the log is closed")]
    Closed,
    /// A sync or a commit failed; the process must end and start again from what is on the disk.
    #[error("the log has failed and is to be opened anew")]
    Failed,
    /// What was asked for lies beyond the end.
    #[error("the log ends at position {head}, before position {asked}")]
    BeyondTheEnd {
        /// What was asked for.
        asked: Position,
        /// Where the log ends.
        head: Position,
    },
    /// Entries that were asked for are gone; only their leaf hashes are kept.
    #[error("the entry at position {0} is no longer kept, only its hash")]
    Gone(Position),
    /// What is stored is not what was written.
    #[error("the log is damaged: {0}")]
    Damaged(Damage),
    /// The pool has not said in time how far its log is.
    #[error("the pool has not said how far its log is")]
    Unanswered,
    /// The storage has an error.
    #[error("the storage of the log has an error")]
    Storage(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The first place where a log does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The first position that does not fit.
    pub position: Position,
    /// What is wrong there, a sentence's second half.
    pub what: String,
}

/// Returns the error that names the first position that does not fit.
pub(crate) fn damage(position: Position, what: &str) -> LogError {
    LogError::Damaged(Damage { position, what: what.to_owned() })
}

/// Returns the error of a storage that cannot be read or written.
pub(crate) fn storage(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> LogError {
    LogError::Storage(error.into())
}

impl AppendError {
    /// Tells whether the entry may be in the log all the same.
    pub fn is_unknown(self) -> bool {
        matches!(self, AppendError::Unknown | AppendError::Unanswered)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "position {}: {}", self.position, self.what)
    }
}

impl Receipt {
    /// Returns a receipt and where an engine answers it; dropping that answers `Unknown`.
    pub(crate) fn pair() -> (oneshot::Sender<Result<Position, AppendError>>, Receipt) {
        let (sender, receiver) = oneshot::channel();
        (sender, Receipt(receiver))
    }

    /// Blocks the thread until the receipt resolves: not for asynchronous tasks.
    pub fn wait_blocking(self) -> Result<Position, AppendError> {
        self.0.blocking_recv().unwrap_or(Err(AppendError::Unknown))
    }
}

impl Future for Receipt {
    type Output = Result<Position, AppendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0)
            .poll(context)
            .map(|answer| answer.unwrap_or(Err(AppendError::Unknown)))
    }
}
