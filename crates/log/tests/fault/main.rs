//! Faults under the real SQLite: power cuts, a full disk, syncs and writes that fail.
//!
//! A process of its own appends to a log while `preload.c` stands between it and its files. What
//! it prints as acknowledged must be in the log that is opened afterwards.
#![cfg(target_os = "linux")]

mod child;
mod image;
mod random;
mod run;

use std::fs;
use std::path::Path;

use log::{LocalLog, Options};
use tempfile::TempDir;

use crate::image::Survives;
use crate::random::Random;
use crate::run::{Acknowledged, Run};

/// How many times the power is cut, each time on what the last cut has left.
const CUTS: u64 = 12;

/// A directory with a new log in it, on the disk for certain.
fn new_log() -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    drop(LocalLog::open(dir.path(), Options::default()).expect("opened"));
    dir
}

/// Checks that a log holds what was acknowledged and nothing that was never asked for.
fn check(dir: &Path, acknowledged: &[Acknowledged]) {
    if let Err(missing) = run::missing(dir, acknowledged) {
        panic!("{missing}");
    }
}

#[test]
fn a_power_cut_loses_nothing_that_was_acknowledged() {
    cut_power_again_and_again("load", &mut Random::new(1));
}

#[test]
fn a_power_cut_takes_from_a_log_that_syncs_behind_only_what_was_not_synced() {
    cut_power_again_and_again("behind", &mut Random::new(4));
}

fn cut_power_again_and_again(mode: &str, random: &mut Random) {
    let mut dir = new_log();
    let mut acknowledged = Vec::new();

    for cut in 0..CUTS {
        let mut run = Run::start(mode, dir.path(), &[("FAULT_SEED", cut.to_string())]);
        if random.coin() {
            run.wait_for("sealed");
        }
        run.wait_for_more(30 + random.below(300) as usize);
        acknowledged.extend(run.kill());
        let survives = [Survives::SyncedOnly, Survives::Half, Survives::All][cut as usize % 3];
        let left = tempfile::tempdir().expect("a directory");
        image::cut_power(dir.path(), run.shadow(), left.path(), survives, random);
        check(left.path(), &acknowledged);
        dir = left;
    }

    let newest = LocalLog::open(dir.path(), Options::default()).expect("opened").snapshots();
    assert!(newest.newest_good().expect("readable").is_some(), "snapshots were taken meanwhile");
    let segments = fs::read_dir(dir.path().join("segments")).expect("readable").count();
    assert_ne!(segments, 0, "entries were sealed meanwhile");
}

#[test]
fn a_power_cut_shows_that_a_log_without_fsync_loses_what_it_acknowledged() {
    let mut random = Random::new(2);

    for survives in [Survives::SyncedOnly, Survives::Half] {
        let dir = new_log();
        let without = [("TANSIQ_FAULT_NO_SYNC", "1".to_owned())];
        let mut run = Run::start("load", dir.path(), &without);
        run.wait_for_more(300);
        let acknowledged = run.kill();
        let left = tempfile::tempdir().expect("a directory");
        image::cut_power(dir.path(), run.shadow(), left.path(), survives, &mut random);

        assert!(run::missing(left.path(), &acknowledged).is_err(), "{survives:?}");
    }
}

#[test]
fn syncs_before_it_acknowledges_and_once_for_all_that_wait() {
    let dir = new_log();
    let mut run = Run::start("one_by_one", dir.path(), &[]);
    let one_by_one = run.finish();
    let syncs_one_by_one = run.syncs();
    let mut run = Run::start("at_once", dir.path(), &[]);
    let at_once = run.finish();
    let syncs_at_once = run.syncs();

    assert!(one_by_one.len() <= syncs_one_by_one, "{syncs_one_by_one} syncs");
    assert!((1..at_once.len()).contains(&syncs_at_once), "{syncs_at_once} syncs");
    check(dir.path(), &[one_by_one, at_once].concat());
}

#[test]
fn does_not_sync_each_commit_of_a_log_that_syncs_behind() {
    let dir = new_log();
    let mut run = Run::start("behind_one_by_one", dir.path(), &[]);
    let one_by_one = run.finish();

    // One to begin the write-ahead log anew, and those at the end.
    assert!(run.syncs() < 10, "{} syncs of {} commits", run.syncs(), one_by_one.len());
    check(dir.path(), &one_by_one);
}

#[test]
fn writes_that_are_cut_short_are_finished() {
    let dir = new_log();
    let mut run = Run::start("load", dir.path(), &[("TANSIQ_FAULT_SHORT", "7".to_owned())]);
    run.wait_for_more(300);
    let acknowledged = run.kill();

    check(dir.path(), &acknowledged);
}

#[test]
fn a_full_disk_refuses_entries_until_there_is_room() {
    // Full while the write-ahead log grows, and while it is copied into the database.
    for room in [300_000, 9_500_000] {
        let dir = new_log();
        let mut run = Run::start("fill", dir.path(), &[("TANSIQ_FAULT_DISK", room.to_string())]);
        run.wait_for("refused");
        run.wait_for("read all");
        fs::write(run.shadow().join("room"), b"").expect("written");
        run.go_on();
        let acknowledged = run.finish();

        let last = acknowledged.last().expect("many");
        assert_eq!(last.position as usize, acknowledged.len(), "what was refused is not there");
        check(dir.path(), &acknowledged);
    }
}

#[test]
fn a_failed_sync_or_write_ends_the_log_and_loses_nothing_that_was_acknowledged() {
    let mut random = Random::new(3);
    let faults = [
        ("sync log.sqlite3-wal 1", true),
        ("sync log.sqlite3-wal 40", true),
        ("write log.sqlite3-wal 200", true),
        // While the write-ahead log is copied into the database, between two transactions.
        ("sync log.sqlite3 1", false),
        ("write log.sqlite3 5", false),
    ];

    for (fault, in_a_commit) in faults {
        let dir = new_log();
        let mut run =
            Run::start("until_failed", dir.path(), &[("TANSIQ_FAULT_FAIL", fault.into())]);
        let acknowledged = run.finish();
        assert!(run.has_said("failed"), "{fault}");
        assert!(run.has_said("closed"), "{fault}");
        assert_eq!(run.has_said("unknown"), in_a_commit, "{fault}");
        for survives in [Survives::SyncedOnly, Survives::Half, Survives::All] {
            let left = tempfile::tempdir().expect("a directory");
            image::cut_power(dir.path(), run.shadow(), left.path(), survives, &mut random);
            check(left.path(), &acknowledged);
        }
        check(dir.path(), &acknowledged);
    }
}
