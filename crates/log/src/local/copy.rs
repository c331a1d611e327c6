//! A log as the copy of one that is ordered elsewhere.

use super::LocalLog;
use crate::history::History;
use crate::local::Placement;
use crate::{AppendError, Head, LogError, Position};

impl LocalLog {
    /// Says that entries are placed from now on, not appended, and returns after which.
    pub(crate) fn begin_placing(&self) -> Result<Head, LogError> {
        self.shared.begin_placing()
    }

    /// Hands entries out, in order, and has them written in one transaction behind that.
    pub(crate) fn place(&self, placements: Vec<Placement>) -> Result<(), LogError> {
        self.shared.place(placements)
    }

    /// Returns how far the log is handed out.
    pub(crate) fn given(&self) -> Result<Head, LogError> {
        self.shared.given()
    }

    /// Counts an entry that will be placed with a ticket, or released, within the queue's bounds.
    pub(crate) fn reserve(&self, bytes: usize) -> Result<(), AppendError> {
        self.shared.reserve(bytes)
    }

    /// Lets go of an entry that will not be placed; it had these bytes.
    pub(crate) fn release_reserved(&self, bytes: usize) {
        self.shared.release_reserved(bytes);
    }

    /// Tells whether entries may be placed: one call may then go over the bounds.
    pub(crate) fn has_room(&self) -> bool {
        self.shared.has_room()
    }

    /// Waits until entries may be placed, or the log is closed; for one task.
    pub(crate) async fn room(&self) {
        self.shared.room().await;
    }

    /// Tells whether the disk has room for more than what is in the pool already.
    pub(crate) fn disk_has_room(&self) -> bool {
        let free = self.stats().disk_free_bytes;
        free.is_none_or(|free| self.disk_free_bytes_min <= free)
    }

    /// Returns the position of the snapshot at which the log begins, 0 where it has its first entry.
    pub fn begins_after(&self) -> Result<Position, LogError> {
        Ok(History::open(&self.dir, Position::ZERO)?.base()?.position)
    }

    /// Reads the stored entries after `after`.
    pub(crate) fn history(&self, after: Position) -> Result<History, LogError> {
        History::open(&self.dir, after)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::sync::{Arc, Mutex};
    use std::thread;

    use tempfile::TempDir;

    use super::*;
    use crate::suite::{entry, take};
    use crate::{Log, Options, QUEUE_BYTES_MAX, QUEUE_MAX, SyncMode, Ticket, leaf_hash};

    fn copy() -> (TempDir, LocalLog) {
        let dir = tempfile::tempdir().expect("a directory");
        let options = Options { sync: SyncMode::Behind, ..Options::default() };
        let log = LocalLog::open(dir.path(), options).expect("opened");
        log.begin_placing().expect("open");
        (dir, log)
    }

    /// Returns entries of `bytes` bytes of a command, with their places after `head`.
    fn placements(head: Head, count: usize, bytes: usize) -> Vec<Placement> {
        let mut head = head;
        let placement = |number: usize| {
            let entry = Arc::new(entry(vec![number as u8; bytes]));
            let bytes = entry.to_bytes().expect("small");
            let leaf = leaf_hash(&bytes);
            head = head.followed_by(&leaf);
            Placement { head, leaf, entry, bytes, ticket: None }
        };
        (0..count).map(placement).collect()
    }

    #[test]
    fn hands_placed_entries_out_before_they_are_written_and_syncs_all_of_them() {
        let (_dir, log) = copy();
        let log = Arc::new(log);
        let mut follower = log.follow(Position::ZERO).expect("open");
        let (go_on, held_up) = channel::<()>();
        let writer = {
            let (log, held_up) = (Arc::clone(&log), Mutex::new(held_up));
            thread::spawn(move || {
                log.run(move |_| {
                    // The writer stands still until it is told to go on.
                    held_up.lock().expect("nobody panics").recv().expect("told");
                    Ok(())
                })
            })
        };

        log.place(placements(Head::default(), 3, 8)).expect("open");
        let taken = take(&mut follower, Head::default(), 3);
        let last = taken.last().expect("three").position;
        assert_eq!(log.given().expect("open").position, last);
        assert_eq!(log.head().expect("open"), Head::default(), "nothing is written yet");
        go_on.send(()).expect("it waits");
        log.sync().expect("synced");

        assert_eq!(log.head().expect("open").position, last);
        writer.join().expect("no panic").expect("run");
    }

    #[test]
    fn a_follower_made_later_gets_what_is_placed_and_not_written() {
        let (_dir, log) = copy();
        let placed = placements(Head::default(), 2_000, 8);
        let (first, second) = placed.split_at(1_000);

        log.place(first.to_vec()).expect("open");
        let mut follower = log.follow(Position::ZERO).expect("open");
        log.place(second.to_vec()).expect("open");

        take(&mut follower, Head::default(), 2_000);
    }

    #[test]
    fn has_room_until_a_slow_follower_leaves_as_much_as_it_may() {
        for (count, bytes) in [(QUEUE_MAX, 8), (128, 512 * 1024)] {
            let (_dir, log) = copy();
            let mut follower = log.follow(Position::ZERO).expect("open");
            let placed = placements(Head::default(), count, bytes);
            let size: usize = placed.iter().map(|placement| placement.bytes.len()).sum();
            assert!(count == QUEUE_MAX || QUEUE_BYTES_MAX <= size);

            let (last, rest) = placed.split_last().expect("many");
            log.place(rest.to_vec()).expect("open");
            log.sync().expect("written");
            assert!(log.has_room());
            log.place(vec![last.clone()]).expect("open");
            log.sync().expect("written");
            assert!(!log.has_room());
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            thread::scope(|scope| {
                let waiting = scope.spawn(|| runtime.expect("a runtime").block_on(log.room()));
                take(&mut follower, Head::default(), count as u64);
                waiting.join().expect("there is room");
            });

            assert!(log.has_room());
        }
    }

    #[test]
    fn takes_no_appends_besides() {
        let (_dir, log) = copy();

        let appended = log.append(entry("a"), Ticket(1));

        assert_eq!(appended.err(), Some(AppendError::Closed));
    }

    #[test]
    fn ends_the_log_when_placed_entries_cannot_be_written() {
        let (dir, log) = copy();
        let path = crate::database::path_in(dir.path());
        // The row is there already, so the transaction fails.
        let database = rusqlite::Connection::open(path).expect("opened");
        database
            .execute("INSERT INTO entry VALUES (1, zeroblob(32), x'00')", [])
            .expect("inserted");

        log.place(placements(Head::default(), 1, 8)).expect("open");
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime").block_on(log.failed());

        assert!(matches!(log.place(Vec::new()), Err(LogError::Closed)));
    }
}
