//! Takes snapshots beside the follower, and starts from the newest that is good.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use log::{Head, LocalLog, Position, Snapshot, SnapshotStore};

use super::ReplicaError;
use super::states::{FrozenStates, States};

/// The states to start from, and where in the log they were so.
#[derive(Debug)]
pub(super) struct Restored {
    pub(super) head: Head,
    pub(super) states: States,
}

/// Returns the newest snapshot's states whose hash is the recorded one, or empty states.
pub(super) fn restore(store: &SnapshotStore) -> Result<Restored, ReplicaError> {
    let mut good = store.good().map_err(ReplicaError::Snapshots)?.filter_map(read);
    let Some(restored) = good.next() else { return Ok(Restored::empty()) };
    tracing::info!(log.position = %restored.head.position, "starting from a snapshot");
    Ok(restored)
}

/// As [`restore`], with the oldest snapshot that is not after `end`.
pub(super) fn restore_oldest(
    store: &SnapshotStore,
    end: Position,
) -> Result<Restored, ReplicaError> {
    let good = store.good().map_err(ReplicaError::Snapshots)?;
    let good = good.filter(|snapshot| snapshot.head.position <= end).filter_map(read);
    Ok(good.last().unwrap_or_else(Restored::empty))
}

/// Returns the states of a snapshot, if their hash is the recorded one.
fn read(mut snapshot: Snapshot) -> Option<Restored> {
    let position = snapshot.head.position;
    let mut states = match States::read(&mut snapshot) {
        Ok(states) => states,
        Err(error) => {
            tracing::warn!(log.position = %position, %error, "skipping an unreadable snapshot");
            return None;
        }
    };
    if states.hash() != snapshot.state_hash {
        tracing::warn!(
            log.position = %position,
            "skipping a snapshot whose state has another hash than was recorded"
        );
        return None;
    }
    Some(Restored { head: snapshot.head, states })
}

impl Restored {
    fn empty() -> Self {
        Restored { head: Head::default(), states: States::default() }
    }
}

/// Writes snapshots on a thread of its own, one at a time.
#[derive(Debug)]
pub(super) struct Snapshotter {
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    busy: Arc<AtomicBool>,
}

struct Job {
    head: Head,
    states: FrozenStates,
}

impl Snapshotter {
    pub(super) fn start(log: Arc<LocalLog>) -> std::io::Result<Self> {
        let (jobs, receiver) = sync_channel(1);
        let busy = Arc::new(AtomicBool::new(false));
        let writing = Arc::clone(&busy);
        let thread = std::thread::Builder::new()
            .name("snapshots".to_owned())
            .spawn(move || write_all(&log, &receiver, &writing))?;
        Ok(Snapshotter { jobs: Some(jobs), thread: Some(thread), busy })
    }

    /// Tells whether nothing is being written.
    pub(super) fn is_idle(&self) -> bool {
        !self.busy.load(Ordering::Acquire)
    }

    /// Has a snapshot written; only when idle, or it would wait.
    pub(super) fn take(&self, head: Head, states: FrozenStates) {
        self.busy.store(true, Ordering::Release);
        let jobs = self.jobs.as_ref().expect("it is there until drop");
        // The thread is gone only if it panicked; then there are no more snapshots.
        let _ = jobs.send(Job { head, states });
    }
}

impl Drop for Snapshotter {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write_all(log: &LocalLog, jobs: &Receiver<Job>, busy: &AtomicBool) {
    while let Ok(job) = jobs.recv() {
        write(log, &job);
        // The frozen states are let go of first: they cost memory as long as they are held.
        drop(job);
        busy.store(false, Ordering::Release);
    }
}

/// A snapshot that fails costs the next start some time and nothing else.
fn write(log: &LocalLog, job: &Job) {
    if let Err(error) = log.outcomes().flush() {
        tracing::warn!(%error, "no snapshot: the kept outcomes are not on the disk");
        return;
    }
    // A snapshot must not be ahead of its log.
    if let Err(error) = log.sync() {
        tracing::warn!(%error, "no snapshot: the log is not on the disk");
        return;
    }
    let written = log.snapshots().write(job.head, job.states.hash(), |to| job.states.write(to));
    match written {
        Ok(()) => tracing::info!(log.position = %job.head.position, "a snapshot was written"),
        Err(error) => tracing::warn!(%error, "a snapshot could not be written"),
    }
}
