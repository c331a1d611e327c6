//! Faults of etcd, of its answers, and of those who use it.

use super::*;
use crate::suite::entry;
use crate::{Follower, Log, Position, Ticket};

mod copies;
mod hubs;
mod members;
mod opening;

/// How long what must happen may take, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

fn copy() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// Appends until it is taken: a log that was just opened may not be linked yet.
fn append(log: &PoolLog, command: &[u8]) -> Position {
    let receipt = log.append(entry(command), Ticket(1)).expect("queued");
    receipt.wait_blocking().expect("written")
}

fn committed(log: &PoolLog) -> Result<Head, crate::LogError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(log.committed())
}

/// Waits until a log ends by itself.
fn stopped(log: &PoolLog) -> Stopped {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let ended = async { tokio::time::timeout(PATIENCE, log.failed()).await };
    runtime.expect("a runtime").block_on(ended).expect("it ends")
}

/// Follows a log and returns the commands of its suite entries, up to `count`.
fn commands(follower: &mut Follower, count: usize) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while all.len() < count {
        let batch = follower.next_batch().expect("not closed");
        let own = batch.iter().filter(|committed| committed.entry.family == Family::AIRSPACE);
        all.extend(own.map(|committed| committed.entry.command.clone()));
    }
    all
}
