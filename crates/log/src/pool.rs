//! The engine of a pool: hubs of several parties on one log, ordered by an etcd.
//!
//! Each hub puts signed batches as versions of one key of its own; etcd's revision is the order. A
//! hub follows all keys, judges every version as all others do, numbers what comes of it, hands it
//! out and keeps a copy: an ordinary log in its directory, written behind that. What must never
//! happen: an entry in the log that is not in etcd, a batch put twice or after one that it does not
//! name, or an answer "never" for what may still come.
//!
//! [`core`] decides, without threads, clock or I/O, and a driver carries its questions to etcd. The
//! judging is the crate `pool`'s.

pub mod core;

mod driver;
mod form;
mod founding;
mod log;
mod replay;
mod start;
#[cfg(test)]
mod tests;

pub use self::driver::{
    CONNECT_ANSWER_MAX, Clock, EntriesFuture, FETCH_ANSWER_MAX, NoWitness, PROGRESS_AFTER,
    PUT_ANSWER_MAX, Peers, QUESTION_ANSWER_MAX, Status, Stopped, Trouble, WATCH_SILENCE_MAX,
    Witness,
};
pub use self::form::FORM;
pub use self::founding::{EPOCH_KEY, FoundError, GENESIS_KEY, found};
pub use self::log::{From, OPEN_WAIT_MAX, Options, PoolLog, PoolOpenError};
pub use self::replay::{Replay, StartError};
