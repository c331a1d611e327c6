//! The ordered, durable log: one small trait, and two engines: one machine's (SQLite), a pool's (etcd).
//!
//! Every change of every state is an [`Entry`] at a [`Position`] of a log. An engine orders
//! entries, makes them durable and hands them to whoever follows; it never looks into a command
//! and decides nothing. What it promises: a success is durable, and an error says whether the
//! entry is known not to be in the log ([`AppendError`]). The stored forms are described byte by
//! byte in `docs/log-format.md`.

mod backup;
mod begin;
mod chain;
mod clock;
mod database;
mod engine;
mod entry;
mod files;
mod history;
mod local;
mod observer;
pub mod pool;
mod segment;
mod snapshot;
#[cfg(test)]
mod suite;
mod verify;

pub use backup::{BackupError, backup, restore};
pub use begin::{BeginError, Beginning, begin_at, head_if_begun};
pub use chain::{Hash, Head, Position, chain_hash, leaf_hash};
pub use engine::{
    APPEND_BYTES_MAX, AppendError, Committed, Damage, Follow, FollowError, Follower, HeadFuture,
    Log, LogError, Receipt, Ticket,
};
pub use entry::{
    COMMAND_BYTES_MAX, ENTRY_BYTES_MAX, Entry, EntryError, Family, Proposer, ProposerError,
};
pub use local::{
    DISK_FREE_BYTES_MIN, FlushError, LocalLog, OUTCOMES_BYTES_MAX, OpenError, Options, Outcomes,
    Placement, QUEUE_BYTES_MAX, QUEUE_MAX, Queue, SealReport, Sealing, Stats, SyncMode,
};
pub use observer::{Checkpoint, Commit, NoObserver, Observer};
pub use segment::{Kept, SEGMENT_BYTES_MAX, SEGMENT_ENTRIES_MAX};
pub use snapshot::{SNAPSHOTS_KEPT, Snapshot, SnapshotError, SnapshotStore};
pub use verify::{
    Coverage, ExportError, Exported, Report, SnapshotReport, chain_at, export, head, verify,
};
