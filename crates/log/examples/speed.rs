//! Measures the log on this machine's disk: `cargo run --release -p tansiq-log --example speed`.
//!
//! Appends come from concurrent tasks, each waiting for its entry before the next, as requests do;
//! a follower takes every entry and keeps an outcome for some.
#![expect(clippy::print_stdout, reason = "this is what it is for")]

use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use log::{
    AppendError, Checkpoint, Commit, Entry, Family, FollowError, Kept, LocalLog, Log, Observer,
    Options, Position, Proposer, Sealing, Ticket, verify,
};
use spacetime::Timestamp;

/// How many entries are appended with each number of tasks.
const APPENDS: u64 = 200_000;

/// How many bytes a command has: about a flight without keys.
const COMMAND_BYTES: usize = 300;

/// How large a snapshot is written, to see what it costs the appends beside it.
const SNAPSHOT_BYTES: u64 = 300 * 1024 * 1024;

/// What the writer has told.
#[derive(Default)]
struct Seen {
    commits: Mutex<Vec<Commit>>,
    checkpoints: Mutex<Vec<Checkpoint>>,
}

impl Observer for Seen {
    fn committed(&self, commit: Commit) {
        self.commits.lock().expect("nobody panics").push(commit);
    }

    fn checkpointed(&self, checkpoint: Checkpoint) {
        self.checkpoints.lock().expect("nobody panics").push(checkpoint);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir_in(".")?;
    let seen = Arc::new(Seen::default());
    let observer: Arc<dyn Observer> = Arc::clone(&seen) as _;
    let options = Options { observer, ..Options::default() };
    let log = Arc::new(LocalLog::open(dir.path(), options)?);
    let follower = follow(&log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;

    for tasks in [1, 16, 64, 256] {
        let count = APPENDS * tasks / 256;
        runtime.block_on(append(&log, &seen, tasks, count, ""));
    }
    let snapshot = snapshot(&log);
    runtime.block_on(append(&log, &seen, 64, APPENDS, ", a snapshot beside them"));
    println!("snapshot of {SNAPSHOT_BYTES} bytes: {:?}", snapshot.join().expect("no panic")?);

    let head = log.head()?;
    let bytes = size_of(&dir.path().join("log.sqlite3"))?;
    println!("on disk: {} bytes an entry", bytes / head.position.number());
    let verified = timed("verify", || verify(dir.path(), Some(head)))?;
    assert!(verified.is_sound(), "{verified}");
    let sealing = Sealing { age: Duration::ZERO, kept: Kept::Entries };
    let sealer = {
        let log = Arc::clone(&log);
        std::thread::spawn(move || timed("seal", || log.seal_old(Timestamp::MAX, sealing)))
    };
    runtime.block_on(append(&log, &seen, 64, APPENDS, ", sealing beside them"));
    let sealed = sealer.join().expect("no panic")?;
    let bytes = size_of(&dir.path().join("segments"))?;
    println!("sealed: {} bytes an entry", bytes / sealed.sealed_to.number().max(1));
    timed("verify, sealed", || verify(dir.path(), Some(head)))?;
    let bytes = size_of(&dir.path().join("log.sqlite3"))?;
    println!("database after sealing: {bytes} bytes");
    log.close();
    follower.join().expect("no panic");
    drop(log);
    timed("open", || LocalLog::open(dir.path(), Options::default()))?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "measures")]
fn now() -> Instant {
    Instant::now()
}

fn timed<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let started = now();
    let result = run();
    println!("{what}: {:?}", started.elapsed());
    result
}

fn follow(log: &Arc<LocalLog>) -> Result<std::thread::JoinHandle<()>, log::LogError> {
    let mut follower = log.follow(Position::ZERO)?;
    let outcomes = log.outcomes();
    Ok(std::thread::spawn(move || {
        loop {
            match follower.next_batch() {
                Ok(batch) => {
                    for committed in batch.iter().filter(|it| it.position.number() % 4 == 0) {
                        outcomes.keep(committed.position, vec![7; 500]).expect("open");
                    }
                }
                Err(FollowError::Closed) => return,
                Err(error) => panic!("{error}"),
            }
        }
    }))
}

async fn append(log: &Arc<LocalLog>, seen: &Seen, tasks: u64, count: u64, beside: &str) {
    seen.commits.lock().expect("nobody panics").clear();
    seen.checkpoints.lock().expect("nobody panics").clear();
    let started = now();
    let tasks_running: Vec<_> = (0..tasks)
        .map(|task| tokio::spawn(append_each(Arc::clone(log), task, count / tasks)))
        .collect();
    let mut waits = Vec::new();
    for task in tasks_running {
        waits.extend(task.await.expect("no panic"));
    }
    let took = started.elapsed();
    waits.sort_unstable();
    let percentile = |percent: usize| waits[(waits.len() - 1) * percent / 100];
    let commits = seen.commits.lock().expect("nobody panics").len();
    let checkpoints = seen.checkpoints.lock().expect("nobody panics");
    println!(
        "{tasks} tasks{beside}: {:.0} appends/s, p50 {:?}, p99 {:?}, max {:?}; {:.1} entries a \
         commit; {} checkpoints, the longest {:?}",
        waits.len() as f64 / took.as_secs_f64(),
        percentile(50),
        percentile(99),
        percentile(100),
        waits.len() as f64 / commits as f64,
        checkpoints.len(),
        checkpoints.iter().map(|it| it.duration).max().unwrap_or_default(),
    );
}

async fn append_each(log: Arc<LocalLog>, task: u64, count: u64) -> Vec<Duration> {
    let mut waits = Vec::new();
    for number in 0..count {
        let started = now();
        let receipt = loop {
            match log.append(entry(task, number), Ticket(number)) {
                // The follower is behind, as when it has no core to run on.
                Err(AppendError::QueueFull) => tokio::task::yield_now().await,
                appended => break appended.expect("queued"),
            }
        };
        receipt.await.expect("written");
        waits.push(started.elapsed());
    }
    waits
}

/// Half of what is in a command is ids and cells, which do not compress.
fn entry(task: u64, number: u64) -> Entry {
    let mut command = vec![b'a'; COMMAND_BYTES];
    let mut random = (task << 32 | number).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for bytes in command[..COMMAND_BYTES / 2].chunks_mut(8) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        bytes.copy_from_slice(&random.to_le_bytes()[..bytes.len()]);
    }
    Entry {
        family: Family::AIRSPACE,
        version: 1,
        proposer: Proposer::new("hub").expect("a name"),
        stamp: Timestamp::from_micros(1_700_000_000_000_000).expect("in range"),
        command,
    }
}

fn snapshot(log: &Arc<LocalLog>) -> std::thread::JoinHandle<Result<Duration, String>> {
    let log = Arc::clone(log);
    std::thread::spawn(move || {
        let started = now();
        let head = log.head().map_err(|error| error.to_string())?;
        let chunk = vec![7; 64 * 1024];
        log.snapshots()
            .write(head, [0; 32], |to| {
                (0..SNAPSHOT_BYTES / chunk.len() as u64).try_for_each(|_| to.write_all(&chunk))
            })
            .map_err(|error| error.to_string())?;
        Ok(started.elapsed())
    })
}

fn size_of(path: &Path) -> std::io::Result<u64> {
    if path.is_file() {
        return Ok(path.metadata()?.len());
    }
    std::fs::read_dir(path)?.map(|entry| entry?.metadata().map(|it| it.len())).sum()
}
