use std::time::Duration;

use spacetime::Timestamp;

use super::*;
use crate::Party;
use crate::uss_availability::{UssAvailability, UssAvailabilityState};

const SECOND: Duration = Duration::from_secs(1);

fn record(number: u32) -> UssAvailability {
    UssAvailability {
        uss_id: Party::new(&format!("uss{number}")).expect("a name"),
        availability: UssAvailabilityState::Down,
        updated_at: Timestamp::default(),
    }
}

fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Returns the root as `docs/log-format.md` describes it, from a plain list of records.
fn described(records: &[UssAvailability]) -> Hash {
    let mut pages = vec![Vec::new(); 65_536];
    let mut records: Vec<_> = records.iter().map(|record| (record.key(), record)).collect();
    records.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (key, record) in records {
        let hash = sha256(&[&borsh::to_vec(&key).expect("a vector")]);
        let page = usize::from(hash[0]) * 256 + usize::from(hash[1]);
        let stored = borsh::to_vec(&record.to_stored()).expect("a vector");
        pages[page].extend(sha256(&[&[0], &stored]));
    }
    let or_zeros = |empty: bool, hash: Hash| if empty { [0; 32] } else { hash };
    let mut root = vec![2];
    for group in pages.chunks(256) {
        let mut hashes = vec![2];
        for page in group {
            hashes.extend(or_zeros(page.is_empty(), sha256(&[&[1], page])));
        }
        root.extend(or_zeros(group.iter().all(Vec::is_empty), sha256(&[&hashes])));
    }
    sha256(&[&root])
}

#[test]
fn has_the_root_that_is_described() {
    let mut table = Table::default();
    let mut records = Vec::new();
    assert_eq!(table.hash(), described(&records));

    for number in 0..3_000 {
        table.insert(record(number));
        records.push(record(number));
        if number % 997 == 0 {
            assert_eq!(table.hash(), described(&records));
        }
    }
    for number in (0..3_000).rev() {
        let slot = table.find(&record(number).key()).expect("it was added");
        table.remove(slot);
        records.pop();
        if number % 997 == 0 {
            assert_eq!(table.hash(), described(&records));
        }
    }
    assert_eq!(table.check(), Ok(()));
}

#[test]
fn forgets_the_hashes_above_what_changes() {
    let mut table = Table::default();
    for number in 0..100 {
        table.insert(record(number));
    }
    let before = table.hash();
    let frozen = table.clone();
    let slot = table.find(&record(7).key()).expect("it was added");

    table.at_mut(slot).availability = UssAvailabilityState::Normal;

    assert_ne!(table.hash(), before);
    assert_eq!(frozen.hash(), before);
    assert_eq!(frozen.at(slot).availability, UssAvailabilityState::Down);
    table.at_mut(slot).availability = UssAvailabilityState::Down;
    assert_eq!(table.hash(), before);
}

#[test]
fn forgets_hashes_that_a_clone_has_made_since_the_last_change() {
    let mut table = Table::default();
    let slots: Vec<_> = (0..40).map(|number| table.insert(record(number))).collect();
    let mut frozen = Vec::new();

    for round in 0..4 {
        for slot in &slots[round..] {
            table.at_mut(*slot).availability = UssAvailabilityState::Normal;
            table.at_mut(*slot).updated_at = table.at(*slot).updated_at.plus(SECOND);
            // What it hashes is shared with the table until the next change.
            let clone = table.clone();
            frozen.push((clone.hash(), clone));
            table.at_mut(*slot).updated_at = table.at(*slot).updated_at.plus(SECOND);
        }
        assert_eq!(table.check(), Ok(()), "round {round}");
    }

    for (hash, clone) in frozen {
        assert_eq!(clone.check(), Ok(()));
        assert_eq!(clone.hash(), hash);
    }
}

#[test]
fn uses_the_slots_of_what_was_removed() {
    let mut table = Table::default();
    let slots: Vec<_> = (0..40).map(|number| table.insert(record(number))).collect();
    for slot in &slots {
        table.remove(*slot);
    }

    let mut again: Vec<_> = (40..80).map(|number| table.insert(record(number))).collect();

    again.sort_unstable();
    assert!(again.last().expect("some") <= slots.iter().max().expect("some"));
}

#[test]
#[should_panic(expected = "a key is added once")]
fn adds_no_key_twice() {
    let mut table = Table::default();
    table.insert(record(1));
    table.insert(record(1));
}
