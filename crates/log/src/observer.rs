//! What an engine tells about its work, for metrics.

use std::time::Duration;

/// Is told of the work of an engine, from its own threads: must be quick and must not block.
pub trait Observer: Send + Sync + 'static {
    /// A transaction was made durable.
    fn committed(&self, _commit: Commit) {}

    /// Entries were refused because there was no room or the storage had an error.
    fn refused(&self, _entries: usize) {}

    /// The write-ahead log was copied into the database.
    fn checkpointed(&self, _checkpoint: Checkpoint) {}
}

/// One transaction of the writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// How many entries it held.
    pub entries: usize,
    /// How many bytes they have.
    pub bytes: usize,
    /// How long it took, with its sync.
    pub duration: Duration,
}

/// One copying of the write-ahead log into the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// How many pages the write-ahead log had.
    pub pages: u64,
    /// How many of them are copied; fewer when a reader still needed the rest.
    pub copied: u64,
    /// How long it took.
    pub duration: Duration,
}

/// Observes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {}
