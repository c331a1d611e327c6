//! The process that appends under faults and prints what it knows to be durable.
//!
//! It is this same test executable, started again with the one test that is otherwise ignored.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use log::{
    AppendError, Entry, Family, FollowError, Head, Kept, LocalLog, Log, Options, Position,
    Proposer, Sealing, SyncMode, Ticket,
};
use spacetime::Timestamp;

use crate::random::Random;

/// The name of the test that is the process.
pub(crate) const TEST: &str = "child::appends_under_faults";

/// The variables that say what it does and where.
pub(crate) const MODE: &str = "FAULT_MODE";
pub(crate) const DIR: &str = "FAULT_LOG";
const SEED: &str = "FAULT_SEED";

/// How many threads append at once under load, and how often at most.
const THREADS: u64 = 4;
const APPENDS_MAX: u64 = 20_000;

/// After how many entries a snapshot is taken under load.
const SNAPSHOT_EVERY: u64 = 60;

/// How many entries the modes without load append.
const FEW: u64 = 300;

/// How large the entries are that fill a disk or a write-ahead log.
const LARGE: usize = 40_000;

/// The names of entries must differ between processes.
static STARTED: AtomicU64 = AtomicU64::new(0);

#[test]
#[ignore = "is run by the other tests, in a process of its own"]
fn appends_under_faults() {
    let (Some(mode), Some(dir)) = (variable(MODE), variable(DIR)) else { return };
    let dir = PathBuf::from(dir);
    let sync = match mode.to_str() {
        Some("behind" | "behind_one_by_one") => SyncMode::Behind,
        _ => SyncMode::EachCommit,
    };
    let options = Options { sync, ..Options::default() };
    let log = Arc::new(LocalLog::open(&dir, options).expect("opened"));
    STARTED.store(log.head().expect("open").position.number(), Ordering::Relaxed);
    match mode.to_str() {
        Some("load") => load(&log),
        Some("behind") => behind(&log),
        Some("one_by_one" | "behind_one_by_one") => one_by_one(&log),
        Some("at_once") => at_once(&log),
        Some("fill") => fill(&log),
        Some("until_failed") => until_failed(&log),
        mode => panic!("no mode {mode:?}"),
    }
}

#[expect(clippy::disallowed_methods, reason = "the only way to tell a test process what to do")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Returns the entry with a name; name and length tell every byte of it.
pub(crate) fn entry_named(name: &str) -> Entry {
    let (_, length) = name.rsplit_once('-').expect("made by name()");
    let length: usize = length.parse().expect("made by name()");
    let mut command = format!("{name} ").into_bytes();
    let mut random = Random::new(length as u64);
    let end = command.len() + length;
    while command.len() < end {
        command.extend(random.next().to_le_bytes());
    }
    command.truncate(end);
    Entry {
        family: Family::AIRSPACE,
        version: 1,
        proposer: Proposer::new("hub").expect("a name"),
        stamp: Timestamp::from_micros(1_700_000_000_000_000).expect("in range"),
        command,
    }
}

/// Returns the name of an entry.
pub(crate) fn name_of(entry: &Entry) -> String {
    let name = entry.command.split(|byte| *byte == b' ').next().expect("at least one part");
    String::from_utf8_lossy(name).into_owned()
}

/// Tells whether the outcome of an entry is kept, and not forgotten again.
pub(crate) fn keeps_outcome(position: u64) -> bool {
    position.is_multiple_of(2) && !position.is_multiple_of(10)
}

fn name(thread: u64, number: u64, length: usize) -> String {
    format!("{}-{thread}-{number}-{length}", STARTED.load(Ordering::Relaxed))
}

fn say(words: &str) {
    // The harness has begun a line of its own.
    let mut out = io::stdout().lock();
    out.write_all(format!("\n{words}\n").as_bytes()).and_then(|()| out.flush()).expect("read");
}

fn acknowledge(position: Position, name: &str) {
    say(&format!("ack {position} {name}"));
}

fn append(log: &LocalLog, name: &str) -> Result<Position, AppendError> {
    let position = log.append(entry_named(name), Ticket(0))?.wait_blocking()?;
    acknowledge(position, name);
    Ok(position)
}

/// Threads append entries of random sizes while a follower keeps outcomes, takes snapshots and
/// seals what is older than these.
fn load(log: &Arc<LocalLog>) {
    let seed = variable(SEED).and_then(|seed| seed.to_str()?.parse().ok()).unwrap_or(0);
    let after = log.snapshots().newest_good().expect("readable");
    let after = after.map_or(Position::ZERO, |snapshot| snapshot.head.position);
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let log = Arc::clone(log);
            let mut random = Random::new(seed * THREADS + thread);
            thread::spawn(move || {
                for number in 0..APPENDS_MAX {
                    let length = if random.below(50) == 0 { LARGE as u64 } else { 3_000 };
                    let name = name(thread, number, random.below(length) as usize);
                    match append(&log, &name) {
                        // The follower takes its time.
                        Err(AppendError::QueueFull) => thread::yield_now(),
                        appended => drop(appended.expect("appended")),
                    }
                }
            })
        })
        .collect();
    follow(log, after);
    for thread in threads {
        thread.join().expect("no panic");
    }
}

fn follow(log: &LocalLog, after: Position) {
    let mut follower = log.follow(after).expect("open");
    let outcomes = log.outcomes();
    loop {
        let batch = match follower.next_batch() {
            Ok(batch) => batch,
            Err(FollowError::Closed) => return,
            Err(error) => panic!("{error}"),
        };
        for committed in batch {
            let number = committed.position.number();
            if number.is_multiple_of(2) {
                let outcome = name_of(&committed.entry).into_bytes();
                outcomes.keep(committed.position, outcome).expect("kept");
            }
            if number.is_multiple_of(10) {
                outcomes.forget(&[committed.position]).expect("forgotten");
            }
            if number.is_multiple_of(SNAPSHOT_EVERY) {
                let head = Head { position: committed.position, chain: committed.chain };
                snapshot_and_seal(log, head);
            }
        }
    }
}

fn snapshot_and_seal(log: &LocalLog, head: Head) {
    log.outcomes().flush().expect("written");
    log.sync().expect("synced");
    let body = vec![head.position.number() as u8; 20_000];
    log.snapshots().write(head, head.chain, |to| to.write_all(&body)).expect("written");
    let sealing = Sealing { age: Duration::ZERO, kept: Kept::Entries };
    log.seal_old(Timestamp::MAX, sealing).expect("sealed");
    say("sealed");
}

/// Appends without a sync, and acknowledges what a sync now and then has made durable, while a
/// follower does what it does under load.
fn behind(log: &Arc<LocalLog>) {
    let after = log.snapshots().newest_good().expect("readable");
    let after = after.map_or(Position::ZERO, |snapshot| snapshot.head.position);
    let following = {
        let log = Arc::clone(log);
        thread::spawn(move || follow(&log, after))
    };
    let seed = variable(SEED).and_then(|seed| seed.to_str()?.parse().ok()).unwrap_or(0);
    let mut random = Random::new(seed);
    let mut unsynced = Vec::new();
    for number in 0..APPENDS_MAX {
        let length = if random.below(50) == 0 { LARGE as u64 } else { 3_000 };
        let name = name(0, number, random.below(length) as usize);
        let receipt = loop {
            match log.append(entry_named(&name), Ticket(number)) {
                Err(AppendError::QueueFull) => thread::yield_now(),
                appended => break appended.expect("queued"),
            }
        };
        unsynced.push((receipt.wait_blocking().expect("written"), name));
        if random.below(40) == 0 {
            log.sync().expect("synced");
            for (position, name) in unsynced.drain(..) {
                acknowledge(position, &name);
            }
        }
    }
    drop(following);
}

fn one_by_one(log: &LocalLog) {
    for number in 0..FEW {
        append(log, &name(0, number, 100)).expect("appended");
    }
}

fn at_once(log: &LocalLog) {
    let receipts: Vec<_> = (0..FEW)
        .map(|number| {
            let name = name(0, number, 100);
            (log.append(entry_named(&name), Ticket(number)).expect("queued"), name)
        })
        .collect();
    for (receipt, name) in receipts {
        acknowledge(receipt.wait_blocking().expect("written"), &name);
    }
}

/// Appends until the disk is full, reads all of it, and goes on when there is room.
fn fill(log: &LocalLog) {
    let mut written = 0;
    let refused = loop {
        match append(log, &name(0, written, LARGE)) {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, AppendError::NoSpace);
    say("refused");
    let mut follower = log.follow(Position::ZERO).expect("reads go on");
    let mut read = 0;
    while read < written {
        read += follower.next_batch().expect("reads go on").len() as u64;
    }
    say("read all");
    io::stdin().read_exact(&mut [0]).expect("told to go on");
    for number in 0..FEW {
        append(log, &name(2, number, 1_000)).expect("there is room");
    }
}

/// Appends until the log fails.
fn until_failed(log: &LocalLog) {
    let error = (0..APPENDS_MAX)
        .find_map(|number| append(log, &name(0, number, LARGE)).err())
        .expect("the fault comes");
    if error.is_unknown() {
        say("unknown");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(log.failed());
    say("failed");
    assert_eq!(append(log, &name(1, 0, 10)), Err(AppendError::Closed));
    say("closed");
}
