//! The tests that every engine passes, written once.
//!
//! An engine's own test module implements [`Engine`] for where its log is kept and calls
//! `tests_of_every_engine!` with what makes one, or none where it cannot run here. An engine may
//! have entries of its own between those of the suite, of the pool's family.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

use spacetime::Timestamp;

use crate::{
    AppendError, Committed, Entry, Family, FollowError, Follower, Head, Log, LogError, Position,
    Proposer, QUEUE_BYTES_MAX, QUEUE_MAX, Ticket, leaf_hash,
};

/// Where a log is kept, so that it can be closed and opened again.
pub(crate) trait Engine {
    /// The engine's log.
    type Log: Log;

    /// Opens the log that is kept here.
    fn open(&self) -> Self::Log;

    /// Closes it, as at an orderly end of the process.
    fn close(&self, log: &Self::Log);

    /// Returns how many bytes a command may have.
    fn command_bytes_max(&self) -> usize;
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
                if let Some(engine) = $engine {
                    $crate::suite::$name(&engine);
                }
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
pub(crate) fn take(follower: &mut Follower, head: Head, count: u64) -> Vec<Committed> {
    let mut all = Vec::new();
    let mut heads = vec![head];
    while (all.len() as u64) < count {
        all.extend(take_batch(follower, &mut heads).expect("not closed"));
    }
    assert_eq!(all.len() as u64, count, "no more than was asked for was there");
    all
}

/// Reads some entries and checks that they follow the last of `heads`; the engine's own are left
/// out.
fn take_batch(
    follower: &mut Follower,
    heads: &mut Vec<Head>,
) -> Result<Vec<Committed>, FollowError> {
    let batch = follower.next_batch()?;
    assert!(!batch.is_empty());
    for committed in &batch {
        let bytes = committed.entry.to_bytes().expect("it was written");
        let head = heads.last().expect("one to start from").followed_by(&leaf_hash(&bytes));
        assert_eq!((committed.position, committed.chain), (head.position, head.chain));
        heads.push(head);
    }
    Ok(batch.into_iter().filter(|committed| committed.entry.family != Family::POOL).collect())
}

/// Follows a log and knows every head that it has passed.
struct Reader {
    follower: Follower,
    heads: Vec<Head>,
}

impl Reader {
    fn of(log: &impl Log) -> Self {
        let follower = log.follow(Position::ZERO).expect("open");
        Reader { follower, heads: vec![Head::default()] }
    }

    fn take(&mut self, count: u64) -> Vec<Committed> {
        let mut all = Vec::new();
        while (all.len() as u64) < count {
            all.extend(take_batch(&mut self.follower, &mut self.heads).expect("not closed"));
        }
        assert_eq!(all.len() as u64, count, "no more than was asked for was there");
        all
    }

    /// Checks that the log comes by this head, reading on if it has not yet.
    fn expect_head(&mut self, head: Head) {
        let index = usize::try_from(head.position.number()).expect("small");
        while self.heads.len() <= index {
            take_batch(&mut self.follower, &mut self.heads).expect("not closed");
        }
        assert_eq!(self.heads[index], head);
    }
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
    let mut reader = Reader::of(log.as_ref());

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
    let all = reader.take(THREADS * EACH);

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
    let mut reader = Reader::of(&log);

    assert!(head.position <= committed_head(&log).position);
    let all = reader.take(50);
    reader.expect_head(head);
    assert_eq!(all.iter().map(number_in).collect::<Vec<_>>(), (0..50).collect::<Vec<_>>());
    assert!(all.iter().all(|committed| committed.ticket.is_none()), "tickets of another process");
}

pub(crate) fn follows_from_any_position(engine: &impl Engine) {
    const COUNT: u64 = 20;
    let log = engine.open();
    let mut reader = Reader::of(&log);
    append_all(&log, COUNT);
    let all = reader.take(COUNT);
    let heads = std::mem::take(&mut reader.heads);
    drop(reader);

    for (more, head) in (1..).zip(&heads) {
        let mut follower = log.follow(head.position).expect("not beyond the end");
        log.append(numbered(99), Ticket(0)).expect("queued").wait_blocking().expect("written");
        let later = all.iter().filter(|it| head.position < it.position).count() as u64;
        let rest = take(&mut follower, *head, later + more);
        assert_eq!(rest.len() as u64, later + more, "those after it, and one more each time");
    }
    let beyond = log.follow(position(1_000_000));
    assert!(matches!(beyond, Err(LogError::BeyondTheEnd { .. })));
}

pub(crate) fn follows_stored_entries_and_then_new_ones_without_a_gap(engine: &impl Engine) {
    const STORED: u64 = 3_000;
    let log = Arc::new(engine.open());
    append_all(log.as_ref(), STORED);
    let mut reader = Reader::of(log.as_ref());

    let appender = {
        let log = Arc::clone(&log);
        thread::spawn(move || append_all(log.as_ref(), STORED))
    };
    let all = reader.take(2 * STORED);
    appender.join().expect("no panic");

    let tickets = all.iter().map(|committed| committed.ticket.is_some()).collect::<Vec<_>>();
    assert!(tickets.is_sorted(), "those appended after the follower was made carry tickets");
    assert_eq!(tickets.iter().filter(|has| **has).count() as u64, STORED);
}

pub(crate) fn hands_every_follower_everything(engine: &impl Engine) {
    let log = engine.open();
    let (mut quick, mut slow) = (Reader::of(&log), Reader::of(&log));
    append_all(&log, 10);
    let taken = quick.take(10);
    append_all(&log, 10);

    let rest = quick.take(10);
    let all = slow.take(20);

    assert_eq!([taken, rest].concat(), all);
}

pub(crate) fn knows_how_far_it_is_committed(engine: &impl Engine) {
    let log = engine.open();
    let mut reader = Reader::of(&log);
    reader.expect_head(committed_head(&log));

    for number in 0..5 {
        let receipt = log.append(numbered(number), Ticket(number)).expect("queued");
        let written = receipt.wait_blocking().expect("written");
        let head = committed_head(&log);

        assert!(written <= head.position);
        reader.expect_head(head);
    }
}

pub(crate) fn takes_the_largest_command_and_no_larger(engine: &impl Engine) {
    let log = engine.open();
    let mut reader = Reader::of(&log);

    let largest = entry(vec![7; engine.command_bytes_max()]);
    let receipt = log.append(largest.clone(), Ticket(1)).expect("just small enough");
    let larger = log.append(entry(vec![7; engine.command_bytes_max() + 1]), Ticket(2));

    let written = receipt.wait_blocking().expect("written");
    assert_eq!(larger.err(), Some(AppendError::TooLarge));
    let found = reader.take(1);
    assert_eq!((found[0].position, &*found[0].entry), (written, &largest));
}

pub(crate) fn holds_queue_max_entries_for_a_slow_follower_and_no_more(engine: &impl Engine) {
    let log = engine.open();
    let mut reader = Reader::of(&log);
    append_all(&log, QUEUE_MAX as u64);

    assert_eq!(log.append(numbered(0), Ticket(0)).err(), Some(AppendError::QueueFull));
    reader.take(QUEUE_MAX as u64);
    append_all(&log, 1);

    reader.take(1);
}

pub(crate) fn holds_queue_bytes_max_for_a_slow_follower_and_no_more(engine: &impl Engine) {
    let log = engine.open();
    let mut reader = Reader::of(&log);
    let large = entry(vec![7; engine.command_bytes_max()]);
    let bytes = large.to_bytes().expect("just small enough").len();
    let fit = QUEUE_BYTES_MAX / bytes;

    let receipts: Vec<_> =
        (0..fit).map(|_| log.append(large.clone(), Ticket(0)).expect("within the bound")).collect();
    let full = log.append(large.clone(), Ticket(0));
    for receipt in receipts {
        receipt.wait_blocking().expect("written");
    }

    assert_eq!(full.err(), Some(AppendError::QueueFull));
    reader.take(fit as u64);
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
    let mut reader = Reader::of(&log);
    let receipt = log.append(numbered(1), Ticket(1)).expect("queued");

    engine.close(&log);

    let written = receipt.wait_blocking().expect("what waited was written");
    assert_eq!(reader.take(1)[0].position, written);
    let end = loop {
        match take_batch(&mut reader.follower, &mut reader.heads) {
            Ok(more) => assert_eq!(more, [], "nothing else was appended"),
            Err(end) => break end,
        }
    };
    assert!(matches!(end, FollowError::Closed));
    assert_eq!(log.append(numbered(2), Ticket(2)).err(), Some(AppendError::Closed));
}
