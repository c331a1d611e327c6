//! Logs and snapshots of each version of the rules, kept for good: every later build must read them
//! and reach the state hashes that the build of their time recorded.
//!
//! `tests/data/log-v1.backup` was made by `tansiq log backup` from a hub with a snapshot after 40
//! entries, driven through HTTP: 76 entries of three parties, every kind of command but changed
//! settings, refusals and repeated idempotency keys among them.

use std::path::Path;

use log::{Committed, Hash, Head, LocalLog, Log, Options, Position};

use super::snapshots::{Restored, restore};
use super::states::{self, States};

const ENTRIES: u64 = 76;
const SNAPSHOT_AT: u64 = 40;
const CHAIN: &str = "5443bd7e79d47b7c126cbadc482b90bacb07c843cf2ba2db0e630bfc7b2c92b3";
const STATE_AT_THE_END: &str = "ea4cad09af3508f1a3a5bb02daf88038e3c4088e009cb5d3f89e068f0795f56a";

fn restored_log(dir: &Path) -> LocalLog {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/log-v1.backup");
    log::restore(&file, dir).expect("the backup is restored");
    let options = Options { restored_declared: true, disk_free_bytes_min: 0, ..Options::default() };
    LocalLog::open(dir, options).expect("the log opens")
}

fn entries_after(log: &LocalLog, after: Head) -> Vec<Committed> {
    let mut follower = log.follow(after.position).expect("it can be followed");
    let mut entries = Vec::new();
    while entries.last().is_none_or(|last: &Committed| last.position.number() < ENTRIES) {
        entries.extend(follower.next_batch().expect("there are more"));
    }
    entries
}

fn apply(states: &mut States, before: Hash, entry: &Committed) {
    let parsed = states::parse(entry.position, &entry.entry).expect("this build reads it");
    states.apply(before, entry, &parsed).expect("this build applies it");
}

fn hex(bytes: [u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_log_of_version_1_leads_to_the_recorded_states() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = restored_log(&dir.path().join("data"));
    let snapshots = log.snapshots();
    let snapshot = snapshots.good().expect("readable").next().expect("one is in the backup");
    assert_eq!(snapshot.head.position.number(), SNAPSHOT_AT);

    let mut states = States::default();
    let mut chain = Head::default().chain;
    for entry in entries_after(&log, Head::default()) {
        apply(&mut states, chain, &entry);
        chain = entry.chain;
        if entry.position == snapshot.head.position {
            assert_eq!(hex(states.hash()), hex(snapshot.state_hash));
        }
    }

    assert_eq!(hex(chain), CHAIN);
    assert_eq!(hex(states.hash()), STATE_AT_THE_END);
}

#[test]
fn a_snapshot_of_version_1_is_read_and_its_tail_leads_to_the_recorded_state() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = restored_log(&dir.path().join("data"));

    let Restored { head, mut states } = restore(&log.snapshots()).expect("it is read");
    assert_eq!(head.position, Position::new(SNAPSHOT_AT).expect("a position"));
    let mut chain = head.chain;
    for entry in entries_after(&log, head) {
        apply(&mut states, chain, &entry);
        chain = entry.chain;
    }

    assert_eq!(hex(states.hash()), STATE_AT_THE_END);
}
