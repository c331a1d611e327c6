//! What only the engine on one machine has.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use spacetime::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::segment::Kept;
use crate::suite::{Engine, append_all, entry, take, tests_of_every_engine};
use crate::{Commit, FollowError, SEGMENT_ENTRIES_MAX, SNAPSHOTS_KEPT, export, verify};

struct LocalEngine {
    dir: TempDir,
    sync: SyncMode,
}

impl Engine for LocalEngine {
    type Log = LocalLog;

    fn open(&self) -> LocalLog {
        let options = Options { sync: self.sync, ..Options::default() };
        LocalLog::open(self.dir.path(), options).expect("opened")
    }

    fn close(&self, log: &LocalLog) {
        log.close();
    }

    fn command_bytes_max(&self) -> usize {
        crate::APPEND_BYTES_MAX
    }
}

impl LocalEngine {
    fn path(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    fn database(&self) -> Connection {
        Connection::open(database::path_in(self.dir.path())).expect("opened")
    }
}

fn engine() -> LocalEngine {
    LocalEngine { dir: tempfile::tempdir().expect("a directory"), sync: SyncMode::EachCommit }
}

fn position(number: u64) -> Position {
    Position::new(number).expect("small")
}

/// Takes a snapshot at the head of the log.
fn snapshot(log: &LocalLog) -> Head {
    let head = log.head().expect("open");
    log.snapshots().write(head, [7; 32], |body| body.write_all(b"state")).expect("written");
    head
}

mod every_engine {
    use super::{engine, tests_of_every_engine};

    tests_of_every_engine!(Some(engine()));
}

mod every_engine_that_syncs_behind {
    use super::{LocalEngine, SyncMode, engine, tests_of_every_engine};

    tests_of_every_engine!(Some(LocalEngine { sync: SyncMode::Behind, ..engine() }));
}

#[test]
fn syncs_beside_a_reader_and_not_after_it_is_closed() {
    let engine = LocalEngine { sync: SyncMode::Behind, ..engine() };
    let log = engine.open();
    append_all(&log, 20);
    let reader = engine.database();
    reader.execute_batch("BEGIN; SELECT count(*) FROM entry").expect("read");

    log.sync().expect("a reader is not in the way");
    log.close();

    assert!(matches!(log.sync(), Err(LogError::Closed)));
}

#[test]
fn refuses_a_directory_that_is_in_use() {
    let engine = engine();
    let log = engine.open();

    let second = LocalLog::open(engine.dir.path(), Options::default());

    let message = second.expect_err("in use").to_string();
    assert!(message.contains(&engine.dir.path().display().to_string()), "{message}");
    assert!(message.contains("stop that one first"), "{message}");
    drop(log);
    engine.open();
}

#[test]
fn refuses_a_restored_directory_until_the_restore_is_declared_and_settled() {
    let engine = engine();
    drop(engine.open());
    database::mark_restored(&engine.database()).expect("marked");
    let declared = || Options { restored_declared: true, ..Options::default() };

    let undeclared = LocalLog::open(engine.dir.path(), Options::default());
    assert!(matches!(undeclared, Err(OpenError::Restored { .. })));
    let log = LocalLog::open(engine.dir.path(), declared()).expect("declared");
    assert!(log.is_restored());
    drop(log);
    let log = LocalLog::open(engine.dir.path(), declared()).expect("declared again");
    assert!(log.is_restored(), "a crash before the entry that declares it changes nothing");
    log.settle_restore().expect("settled");
    drop(log);

    assert!(!engine.open().is_restored());
}

#[test]
fn does_not_start_on_a_tail_that_was_changed() {
    let engine = engine();
    let log = engine.open();
    append_all(&log, 20);
    drop(log);
    let sql = "UPDATE entry SET bytes = (SELECT bytes FROM entry WHERE position = 3) \
               WHERE position = 12";
    engine.database().execute(sql, []).expect("changed");

    let error = LocalLog::open(engine.dir.path(), Options::default()).expect_err("damaged");

    let message = error.to_string();
    assert!(message.contains("position 12"), "{message}");
    assert!(message.contains("tansiq log restore"), "{message}");
}

#[test]
fn does_not_start_on_a_log_that_ends_before_its_newest_snapshot() {
    let engine = engine();
    let log = engine.open();
    append_all(&log, 20);
    snapshot(&log);
    drop(log);
    engine.database().execute("DELETE FROM entry WHERE 15 < position", []).expect("deleted");

    let error = LocalLog::open(engine.dir.path(), Options::default()).expect_err("damaged");

    let OpenError::Damaged { damage, .. } = error else { panic!("not {error}") };
    assert_eq!(damage.position, position(16));
}

#[test]
fn starts_from_a_snapshot_without_reading_what_is_before() {
    let engine = engine();
    let log = engine.open();
    append_all(&log, 20);
    let head = snapshot(&log);
    append_all(&log, 5);
    drop(log);
    engine.database().execute("DELETE FROM entry WHERE position = 7", []).expect("deleted");

    let log = engine.open();

    let newest = log.snapshots().newest_good().expect("readable").expect("one");
    assert_eq!(newest.head, head);
    let mut follower = log.follow(newest.head.position).expect("open");
    take(&mut follower, newest.head, 5);
    let mut follower = log.follow(Position::ZERO).expect("open");
    take(&mut follower, Head::default(), 6);
    let Err(FollowError::Log(LogError::Damaged(damage))) = follower.next_batch() else {
        panic!("the damage is met where it is")
    };
    assert_eq!(damage.position, position(7));
}

#[test]
fn refuses_entries_while_the_disk_is_nearly_full_and_goes_on_reading() {
    let engine = engine();
    let log = engine.open();
    append_all(&log, 3);
    drop(log);
    let options = Options { disk_free_bytes_min: u64::MAX, ..Options::default() };
    let log = LocalLog::open(engine.dir.path(), options).expect("opened");

    let receipt = log.append(entry("a"), Ticket(1)).expect("queued");

    assert_eq!(receipt.wait_blocking(), Err(AppendError::NoSpace));
    assert_eq!(log.head().expect("open").position, position(3));
    let mut follower = log.follow(Position::ZERO).expect("open");
    take(&mut follower, Head::default(), 3);
    assert_eq!(log.stats().queue.held_entries, 0, "what was refused holds nothing");
    let snapshot = log.snapshots().write(log.head().expect("open"), [0; 32], |_| Ok(()));
    assert!(matches!(snapshot, Err(crate::SnapshotError::NoSpace)));
    log.outcomes().keep(position(3), b"kept".to_vec()).expect("kept");
    log.outcomes().flush().expect("outcomes may use the reserve");
}

#[test]
fn tells_its_observer_of_every_entry_once() {
    #[derive(Default)]
    struct Counts {
        entries: AtomicUsize,
        bytes: AtomicUsize,
    }
    impl Observer for Counts {
        fn committed(&self, commit: Commit) {
            assert_ne!(commit.entries, 0);
            self.entries.fetch_add(commit.entries, Ordering::Relaxed);
            self.bytes.fetch_add(commit.bytes, Ordering::Relaxed);
        }
    }
    let engine = engine();
    let counts = Arc::new(Counts::default());
    let observer: Arc<dyn Observer> = Arc::clone(&counts) as _;
    let options = Options { observer, ..Options::default() };
    let log = LocalLog::open(engine.dir.path(), options).expect("opened");

    append_all(&log, 500);
    drop(log);

    let bytes = entry([0; 8]).to_bytes().expect("small").len();
    assert_eq!(counts.entries.load(Ordering::Relaxed), 500);
    assert_eq!(counts.bytes.load(Ordering::Relaxed), 500 * bytes);
}

fn later(log_age: std::time::Duration) -> Timestamp {
    entry("").stamp.plus(log_age)
}

const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

fn sealing(kept: Kept) -> Sealing {
    Sealing { age: DAY, kept }
}

fn exported(engine: &LocalEngine) -> BTreeMap<u64, Option<Entry>> {
    let mut all = BTreeMap::new();
    export(engine.dir.path(), position(1)..=Position::MAX, |exported| {
        all.insert(exported.head.position.number(), exported.entry);
        Ok(())
    })
    .expect("exported");
    all
}

fn rows(engine: &LocalEngine) -> Vec<i64> {
    let database = engine.database();
    let mut select = database.prepare("SELECT position FROM entry ORDER BY position").expect("sql");
    let rows = select.query_map([], |row| row.get(0)).expect("queried");
    rows.collect::<Result<_, _>>().expect("numbers")
}

#[test]
fn seals_old_entries_up_to_the_newest_snapshot_and_reads_them_all_the_same() {
    let engine = engine();
    let log = engine.open();
    append_all(&log, 30);
    snapshot(&log);
    append_all(&log, 10);
    let before = exported(&engine);
    let mut during = log.follow(Position::ZERO).expect("open");

    let report = log.seal_old(later(10 * DAY), sealing(Kept::Entries)).expect("sealed");

    assert_eq!((report.segments, report.sealed_to), (1, position(29)));
    assert_eq!(rows(&engine), (30..=40).collect::<Vec<_>>());
    assert_eq!(exported(&engine), before);
    take(&mut during, Head::default(), 40);
    let verified = verify(engine.dir.path(), Some(log.head().expect("open"))).expect("read");
    assert!(verified.is_sound(), "{verified}");
    assert_eq!(verified.segments, 1);
    for after in [1, 15, 28, 29, 30, 35] {
        let mut follower = log.follow(position(after)).expect("open");
        let first = &follower.next_batch().expect("entries")[0];
        assert_eq!(first.position, position(after + 1));
    }
    let again = log.seal_old(later(10 * DAY), sealing(Kept::Entries)).expect("sealed");
    assert_eq!((again.segments, again.sealed_to), (0, position(29)), "nothing else is old");
    drop(log);
    assert_eq!(engine.open().head().expect("open").position, position(40));
}

#[test]
fn seals_nothing_without_a_snapshot_or_before_its_time() {
    let engine = engine();
    let log = engine.open();
    append_all(&log, 30);

    let without = log.seal_old(later(10 * DAY), sealing(Kept::Entries)).expect("read");
    snapshot(&log);
    let young = log.seal_old(later(DAY), sealing(Kept::Entries)).expect("read");
    let few = log.seal_old(later(2 * DAY), sealing(Kept::Entries)).expect("read");
    let hashes_only = log.seal_old(later(10 * DAY), sealing(Kept::LeafHashes)).expect("read");

    assert_eq!(without.segments, 0);
    assert_eq!(young.segments, 0, "not older than the age");
    assert_eq!(few.segments, 0, "old, but too few for a segment until a day later");
    assert_eq!(
        hashes_only.segments, 0,
        "one snapshot could be damaged, and then all would be gone"
    );
}

#[test]
fn seals_a_full_segment_as_soon_as_it_is_old() {
    let engine = engine();
    let log = engine.open();
    for _ in 0..9 {
        append_all(&log, QUEUE_MAX as u64);
    }
    snapshot(&log);

    let report = log.seal_old(later(DAY + DAY / 2), sealing(Kept::Entries)).expect("sealed");

    assert_eq!((report.segments, report.sealed_to), (1, position(SEGMENT_ENTRIES_MAX)));
    assert_eq!(rows(&engine)[0], SEGMENT_ENTRIES_MAX as i64 + 1);
}

#[test]
fn keeps_leaf_hashes_only_when_so_configured_and_says_so() {
    let engine = engine();
    let log = engine.open();
    append_all(&log, 10);
    for _ in 0..SNAPSHOTS_KEPT {
        append_all(&log, 10);
        snapshot(&log);
    }

    let report = log.seal_old(later(10 * DAY), sealing(Kept::LeafHashes)).expect("sealed");

    assert_eq!(report.sealed_to, position(19), "the oldest snapshot that is kept is at 20");
    let verified = verify(engine.dir.path(), Some(log.head().expect("open"))).expect("read");
    assert!(verified.is_sound(), "{verified}");
    let covered: Vec<_> = verified.coverage.iter().map(|it| (it.last, it.kept)).collect();
    assert_eq!(covered, [(position(19), Kept::LeafHashes), (position(40), Kept::Entries)]);
    let all = exported(&engine);
    assert!(all[&19].is_none() && all[&20].is_some());
    let mut follower = log.follow(Position::ZERO).expect("open");
    let gone = follower.next_batch();
    assert!(matches!(gone, Err(FollowError::Log(LogError::Gone(at))) if at == position(1)));
}

#[test]
fn finishes_a_sealing_that_a_crash_broke_off() {
    let engine = engine();
    let log = engine.open();
    append_all(&log, 30);
    snapshot(&log);
    let all = exported(&engine);
    let saved: Vec<(i64, crate::Hash, Vec<u8>)> = {
        let database = engine.database();
        let mut select = database.prepare("SELECT position, chain, bytes FROM entry").expect("sql");
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        rows.expect("queried").collect::<Result<_, _>>().expect("rows")
    };
    log.seal_old(later(10 * DAY), sealing(Kept::Entries)).expect("sealed");
    drop(log);
    // As after a crash between taking up the segment and deleting the rows.
    for row in saved.iter().filter(|row| row.0 < 30) {
        let insert = "INSERT INTO entry (position, chain, bytes) VALUES (?1, ?2, ?3)";
        engine.database().execute(insert, (row.0, row.1, &row.2)).expect("put back");
    }

    let log = engine.open();
    assert_eq!(exported(&engine), all);
    log.seal_old(entry("").stamp, sealing(Kept::Entries)).expect("nothing is old");

    assert_eq!(rows(&engine), [30]);
    assert_eq!(exported(&engine), all);
}

#[test]
fn removes_a_segment_file_that_a_crash_kept_from_the_log() {
    let engine = engine();
    let log = engine.open();
    append_all(&log, 30);
    snapshot(&log);
    drop(log);
    let segments = engine.path().join(segment::DIR_NAME);
    let orphan = segments.join(format!("{:020}-{}.seg", 1, "0".repeat(64)));
    let of_elsewhere = segments.join(format!("{:020}-{}.seg", 99, "0".repeat(64)));
    let half = segments.join("00000000000000000001.tmp");
    for path in [&orphan, &of_elsewhere, &half] {
        fs::write(path, b"half").expect("written");
    }

    drop(engine.open());

    assert!(!orphan.exists() && !half.exists());
    assert!(of_elsewhere.exists(), "what the log does not hold as rows is not removed");
}

#[test]
fn keeps_outcomes_until_they_are_forgotten() {
    let engine = engine();
    let log = engine.open();
    let outcomes = log.outcomes();
    outcomes.keep(position(1), b"one".to_vec()).expect("kept");
    outcomes.keep(position(2), b"two".to_vec()).expect("kept");
    outcomes.keep(position(2), b"two again".to_vec()).expect("kept");
    let find = |outcomes: &Outcomes, at| outcomes.find(position(at)).expect("read");
    assert_eq!(find(&outcomes, 2), Some(b"two again".to_vec()), "found before it is written");
    outcomes.flush().expect("written");
    outcomes.forget(&[position(1), position(9)]).expect("forgotten");
    assert_eq!(find(&outcomes, 1), None, "gone before that is written");
    drop(outcomes);
    drop(log);

    let outcomes = engine.open().outcomes();

    assert_eq!(find(&outcomes, 1), None);
    assert_eq!(find(&outcomes, 2), Some(b"two again".to_vec()));
}

#[test]
fn has_outcomes_on_the_disk_when_they_are_flushed_and_not_before() {
    let engine = engine();
    let log = engine.open();
    let stored = || -> i64 {
        let count = "SELECT count(*) FROM outcome";
        engine.database().query_row(count, [], |row| row.get(0)).expect("a row")
    };

    log.outcomes().keep(position(1), b"one".to_vec()).expect("kept");
    let before = stored();
    log.outcomes().flush().expect("written");

    assert_eq!((before, stored()), (0, 1));
}

#[test]
fn holds_outcomes_bytes_max_of_outcomes_and_writes_them_for_more() {
    let engine = engine();
    let log = engine.open();
    let outcomes = log.outcomes();
    let large = vec![7; OUTCOMES_BYTES_MAX / 4];

    for at in 1..=10 {
        outcomes.keep(position(at), large.clone()).expect("kept");
        assert!(log.stats().queue.outcome_bytes <= OUTCOMES_BYTES_MAX);
    }
    outcomes.keep(position(11), vec![7; OUTCOMES_BYTES_MAX + 1]).expect("alone, whatever its size");
    outcomes.flush().expect("written");

    assert_eq!(log.stats().queue.outcome_bytes, 0);
    assert_eq!(outcomes.find(position(10)).expect("read"), Some(large));
}
