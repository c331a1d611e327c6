//! The tests that every engine passes, written once.
//!
//! An engine's own test module implements [`Engine`] for where its log is kept and calls
//! `tests_of_every_engine!` with a function that makes one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

use spacetime::Timestamp;

use crate::{
    AppendError, COMMAND_BYTES_MAX, Committed, Entry, Family, FollowError, Follower, Head, Log,
    LogError, Position, Proposer, QUEUE_BYTES_MAX, QUEUE_MAX, Ticket, leaf_hash,
};

/// Where a log is kept, so that it can be closed and opened again.
pub(crate) trait Engine {
    /// The engine's log.
    type Log: Log;

    /// Opens the log that is kept here.
    fn open(&self) -> Self::Log;

    /// Closes it, as at an orderly end of the process.
    fn close(&self, log: &Self::Log);
}

macro_rules! tests_of_every_engine {
    ($engine:expr) => {
        $crate::suite::tests_of_every_engine! { @each $engine;
            hands_out_entries_of_many_threads_in_one_order,
            keeps_what_was_acknowledged,
            follows_from_any_position,
            follows_stored_entries_and_then_new_ones_without_a_gap,
            hands_every_follower_everything,
            knows_how_far_it_is_committed,
            takes_the_largest_command_and_no_larger,
            holds_queue_max_entries_for_a_slow_follower_and_no_more,
            holds_queue_bytes_max_for_a_slow_follower_and_no_more,
            forgets_a_follower_that_is_dropped,
            ends_following_when_it_is_closed,
        }
    };
    (@each $engine:expr; $($name:ident,)*) => {
        $(
            #[test]
            fn $name() {
                $crate::suite::$name(&$engine);
            }
        )*
    };
}

pub(crate) use tests_of_every_engine;

pub(crate) fn entry(command: impl Into<Vec<u8>>) -> Entry {
    Entry {
        family: Family::AIRSPACE,
        version: 1,
        proposer: Proposer::new("hub").expect("a name"),
        stamp: Timestamp::from_micros(1_700_000_000_000_000).expect("in range"),
        command: command.into(),
    }
}

fn numbered(number: u64) -> Entry {
    entry(number.to_le_bytes())
}

fn number_in(committed: &Committed) -> u64 {
    let command = committed.entry.command.as_slice();
    u64::from_le_bytes(command.try_into().expect("made by numbered()"))
}

/// Appends `count` entries and waits for all of them.
pub(crate) fn append_all(log: &impl Log, count: u64) {
    let receipts: Vec<_> = (0..count)
        .map(|number| log.append(numbered(number), Ticket(number)).expect("queued"))
        .collect();
    for receipt in receipts {
        receipt.wait_blocking().expect("written");
    }
}

/// Reads `count` entries and checks that they follow `head` in position and chain.
pub(crate) fn take(follower: &mut Follower, mut head: Head, count: u64) -> Vec<Committed> {
    let mut all = Vec::new();
    while (all.len() as u64) < count {
        let batch = follower.next_batch().expect("not closed");
        assert!(!batch.is_empty());
        for committed in batch {
            let bytes = committed.entry.to_bytes().expect("it was written");
            head = head.followed_by(&leaf_hash(&bytes));
            assert_eq!((committed.position, committed.chain), (head.position, head.chain));
            all.push(committed);
        }
    }
    assert_eq!(all.len() as u64, count, "no more than was asked for was there");
    all
}

fn position(number: u64) -> Position {
    Position::new(number).expect("small")
}

fn committed_head(log: &impl Log) -> Head {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(log.committed()).expect("open")
}

pub(crate) fn hands_out_entries_of_many_threads_in_one_order(engine: &impl Engine) {
    const THREADS: u64 = 8;
    const EACH: u64 = 200;
    let log = Arc::new(engine.open());
    let mut follower = log.follow(Position::ZERO).expect("open");

    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let log = Arc::clone(&log);
            thread::spawn(move || {
                let mut positions = BTreeMap::new();
                for number in (0..EACH).map(|count| thread * EACH + count) {
                    let receipt = log.append(numbered(number), Ticket(number)).expect("queued");
                    positions.insert(number, receipt.wait_blocking().expect("written"));
                }
                positions
            })
        })
        .collect();
    let all = take(&mut follower, Head::default(), THREADS * EACH);

    let mut positions = BTreeMap::new();
    for thread in threads {
        positions.extend(thread.join().expect("no panic"));
    }
    for committed in &all {
        let number = number_in(committed);
        assert_eq!(committed.ticket, Some(Ticket(number)));
        assert_eq!(positions[&number], committed.position);
    }
    for thread in 0..THREADS {
        let own = thread * EACH..(thread + 1) * EACH;
        let order: Vec<u64> = all.iter().map(number_in).filter(|it| own.contains(it)).collect();
        assert!(order.is_sorted(), "a thread that waits finds its entries in its order");
    }
}

pub(crate) fn keeps_what_was_acknowledged(engine: &impl Engine) {
    let log = engine.open();
    append_all(&log, 50);
    let head = committed_head(&log);
    engine.close(&log);
    drop(log);

    let log = engine.open();
    let mut follower = log.follow(Position::ZERO).expect("open");

    assert_eq!(committed_head(&log), head);
    let all = take(&mut follower, Head::default(), 50);
    assert_eq!(all.iter().map(number_in).collect::<Vec<_>>(), (0..50).collect::<Vec<_>>());
    assert!(all.iter().all(|committed| committed.ticket.is_none()), "tickets of another process");
}

pub(crate) fn follows_from_any_position(engine: &impl Engine) {
    const COUNT: u64 = 20;
    let log = engine.open();
    let mut from_start = log.follow(Position::ZERO).expect("open");
    append_all(&log, COUNT);
    let all = take(&mut from_start, Head::default(), COUNT);
    let mut heads = vec![Head::default()];
    heads.extend(all.iter().map(|it| Head { position: it.position, chain: it.chain }));
    drop(from_start);

    for (after, head) in heads.iter().enumerate() {
        let mut follower = log.follow(position(after as u64)).expect("not beyond the end");
        log.append(numbered(99), Ticket(0)).expect("queued").wait_blocking().expect("written");
        let rest = take(&mut follower, *head, COUNT + 1);
        assert_eq!(rest.len() as u64, COUNT + 1, "one more entry each time, from one later");
    }
    let beyond = log.follow(position(3 * COUNT));
    assert!(matches!(beyond, Err(LogError::BeyondTheEnd { .. })));
}

pub(crate) fn follows_stored_entries_and_then_new_ones_without_a_gap(engine: &impl Engine) {
    const STORED: u64 = 3_000;
    let log = Arc::new(engine.open());
    append_all(log.as_ref(), STORED);
    let mut follower = log.follow(Position::ZERO).expect("open");

    let appender = {
        let log = Arc::clone(&log);
        thread::spawn(move || append_all(log.as_ref(), STORED))
    };
    let all = take(&mut follower, Head::default(), 2 * STORED);
    appender.join().expect("no panic");

    let tickets = all.iter().map(|committed| committed.ticket.is_some()).collect::<Vec<_>>();
    assert!(tickets.is_sorted(), "those appended after the follower was made carry tickets");
    assert_eq!(tickets.iter().filter(|has| **has).count() as u64, STORED);
}

pub(crate) fn hands_every_follower_everything(engine: &impl Engine) {
    let log = engine.open();
    let mut quick = log.follow(Position::ZERO).expect("open");
    let mut slow = log.follow(Position::ZERO).expect("open");
    append_all(&log, 10);
    let taken = take(&mut quick, Head::default(), 10);
    append_all(&log, 10);

    let head = taken.last().map(|it| Head { position: it.position, chain: it.chain });
    let rest = take(&mut quick, head.expect("ten"), 10);
    let all = take(&mut slow, Head::default(), 20);

    assert_eq!([taken, rest].concat(), all);
}

pub(crate) fn knows_how_far_it_is_committed(engine: &impl Engine) {
    let log = engine.open();
    assert_eq!(committed_head(&log), Head::default());

    let mut head = Head::default();
    for number in 0..5 {
        let appended = numbered(number);
        head = head.followed_by(&leaf_hash(&appended.to_bytes().expect("small")));
        let receipt = log.append(appended, Ticket(number)).expect("queued");
        assert_eq!(receipt.wait_blocking(), Ok(head.position));
        assert_eq!(committed_head(&log), head);
    }
}

pub(crate) fn takes_the_largest_command_and_no_larger(engine: &impl Engine) {
    let log = engine.open();
    let mut follower = log.follow(Position::ZERO).expect("open");

    let largest = entry(vec![7; COMMAND_BYTES_MAX]);
    let receipt = log.append(largest.clone(), Ticket(1)).expect("just small enough");
    let larger = log.append(entry(vec![7; COMMAND_BYTES_MAX + 1]), Ticket(2));

    assert_eq!(receipt.wait_blocking(), Ok(position(1)));
    assert_eq!(larger.err(), Some(AppendError::TooLarge));
    assert_eq!(*take(&mut follower, Head::default(), 1)[0].entry, largest);
}

pub(crate) fn holds_queue_max_entries_for_a_slow_follower_and_no_more(engine: &impl Engine) {
    let log = engine.open();
    let mut follower = log.follow(Position::ZERO).expect("open");
    append_all(&log, QUEUE_MAX as u64);

    assert_eq!(log.append(numbered(0), Ticket(0)).err(), Some(AppendError::QueueFull));
    let all = take(&mut follower, Head::default(), QUEUE_MAX as u64);
    append_all(&log, 1);

    let last = all.last().expect("many");
    take(&mut follower, Head { position: last.position, chain: last.chain }, 1);
}

pub(crate) fn holds_queue_bytes_max_for_a_slow_follower_and_no_more(engine: &impl Engine) {
    let log = engine.open();
    let mut follower = log.follow(Position::ZERO).expect("open");
    let large = entry(vec![7; COMMAND_BYTES_MAX]);
    let bytes = large.to_bytes().expect("just small enough").len();
    let fit = QUEUE_BYTES_MAX / bytes;

    let receipts: Vec<_> =
        (0..fit).map(|_| log.append(large.clone(), Ticket(0)).expect("within the bound")).collect();
    let full = log.append(large.clone(), Ticket(0));
    for receipt in receipts {
        receipt.wait_blocking().expect("written");
    }

    assert_eq!(full.err(), Some(AppendError::QueueFull));
    take(&mut follower, Head::default(), fit as u64);
    log.append(large, Ticket(0)).expect("there is room").wait_blocking().expect("written");
}

pub(crate) fn forgets_a_follower_that_is_dropped(engine: &impl Engine) {
    let log = engine.open();
    let follower = log.follow(Position::ZERO).expect("open");
    append_all(&log, QUEUE_MAX as u64);
    assert_eq!(log.append(numbered(0), Ticket(0)).err(), Some(AppendError::QueueFull));

    drop(follower);

    append_all(&log, 1);
}

pub(crate) fn ends_following_when_it_is_closed(engine: &impl Engine) {
    let log = engine.open();
    let mut follower = log.follow(Position::ZERO).expect("open");
    let receipt = log.append(numbered(1), Ticket(1)).expect("queued");

    engine.close(&log);

    assert_eq!(receipt.wait_blocking(), Ok(position(1)), "what waited was written");
    take(&mut follower, Head::default(), 1);
    assert!(matches!(follower.next_batch(), Err(FollowError::Closed)));
    assert_eq!(log.append(numbered(2), Ticket(2)).err(), Some(AppendError::Closed));
}
