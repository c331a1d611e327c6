//! Several hubs on one log, two of which may have one key, and hubs that do not read.

use std::sync::Mutex;
use std::thread;

use ::pool::{Evidence, Kind};

use super::*;
use crate::pool::core::Stop;

#[test]
fn stops_when_a_second_process_has_its_key() {
    let Some(pool) = Pool::start(1) else { return };
    let (first_copy, second_copy) = (copy(), copy());
    let seen = Arc::new(Seen::default());
    let first = pool.open_witnessed("hub", &first_copy, &seen).expect("opened");
    append(&first, b"first");

    let second = pool.open("hub", &second_copy).expect("opened");
    append(&second, b"second");

    assert!(matches!(stopped(&first), Stopped::Pool(Stop::KeyUsedTwice { .. })));
    assert!(seen.kinds().iter().any(|kind| matches!(kind, Kind::KeyUsedTwice { .. })));
    assert_eq!(first.append(entry(b"third"), Ticket(1)).err(), Some(crate::AppendError::Closed));
    append(&second, b"fourth");
}

#[test]
fn two_hubs_have_the_same_log() {
    let Some(pool) = Pool::start(1) else { return };
    let (first_copy, second_copy) = (copy(), copy());
    let first = pool.open("hub", &first_copy).expect("opened");
    let second = pool.open("hub-b", &second_copy).expect("opened");

    thread::scope(|scope| {
        for (log, hub) in [(&first, "hub"), (&second, "hub-b")] {
            scope.spawn(move || {
                for number in 0..200_u64 {
                    let proposer = crate::Proposer::new(hub).expect("a name");
                    let entry = crate::Entry { proposer, ..entry(number.to_le_bytes()) };
                    let receipt = log.append(entry, Ticket(number)).expect("queued");
                    receipt.wait_blocking().expect("written");
                }
            });
        }
    });

    let read = |log: &PoolLog| {
        let head = committed(log).expect("linked");
        let mut follower = log.follow(Position::ZERO).expect("open");
        let mut chains = Vec::new();
        while (chains.len() as u64) < head.position.number() {
            chains.extend(follower.next_batch().expect("open").into_iter().map(|it| it.chain));
        }
        chains
    };
    let (one, other) = (read(&first), read(&second));
    let common = one.len().min(other.len());
    assert!(400 < common);
    assert_eq!(one[..common], other[..common]);
}

#[test]
fn waits_for_a_slow_follower_and_goes_on_when_it_reads() {
    let Some(pool) = Pool::start(1) else { return };
    let (slow_copy, other_copy) = (copy(), copy());
    let slow = pool.open("hub", &slow_copy).expect("opened");
    let other = pool.open("hub-b", &other_copy).expect("opened");
    let mut follower = slow.follow(Position::ZERO).expect("open");
    let count = 2 * crate::QUEUE_MAX;

    for _ in 0..2 {
        let receipts: Vec<_> = (0..count / 2)
            .map(|_| {
                let proposer = crate::Proposer::new("hub-b").expect("a name");
                let entry = crate::Entry { proposer, ..entry("other") };
                other.append(entry, Ticket(1)).expect("queued")
            })
            .collect();
        for receipt in receipts {
            receipt.wait_blocking().expect("written");
        }
    }
    let held_up = slow.append(entry("own"), Ticket(1)).expect("queued");
    let all = commands(&mut follower, count + 1);
    held_up.wait_blocking().expect("written when it was read");

    assert_eq!(all.len(), count + 1);
    assert_eq!(slow.status().stopped, None);
}

#[derive(Default)]
struct Seen(Mutex<Vec<Kind>>);

impl Seen {
    fn kinds(&self) -> Vec<Kind> {
        self.0.lock().expect("nobody panics").clone()
    }
}

impl Witness for Seen {
    fn evidence(&self, evidence: &Evidence, _bytes: &[u8]) {
        self.0.lock().expect("nobody panics").push(evidence.kind.clone());
    }
}

impl Pool {
    fn open_witnessed(
        &self,
        hub: &str,
        copy: &TempDir,
        witness: &Arc<Seen>,
    ) -> Result<PoolLog, PoolOpenError> {
        let log = LocalLog::open(copy.path(), crate::Options::default()).expect("opened");
        let genesis = self.genesis.clone();
        let from = From { genesis, state: State::default(), head: Head::default() };
        let witness = Arc::clone(witness) as _;
        PoolLog::open(Arc::new(log), from, Options { witness, ..options_of(hub, self.etcd()) })
    }
}
