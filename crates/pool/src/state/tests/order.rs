//! The order in which events are found.

use super::*;

fn found_key(hub: u16) -> String {
    format!("{KEY_PREFIX}{}", hub_id(hub))
}

#[test]
fn places_batches_in_the_order_in_which_they_are_found() {
    let mut one = three();
    let mut other = one.clone();
    let (first, second) = (one.batch(0, at(2), vec![flight(0)]), one.batch(1, at(3), vec![]));
    let (first, second) = (first.to_bytes(), second.to_bytes());

    one.put_bytes(0, Some(&first));
    one.put_bytes(1, Some(&second));
    other.put_bytes(1, Some(&second));
    other.put_bytes(0, Some(&first));

    assert_ne!(one.head.chain, other.head.chain);
    assert_ne!(one.state, other.state, "the order is part of what hubs agree on");
}

#[test]
fn takes_nothing_in_twice_and_nothing_from_before() {
    let mut trial = three();
    let key = found_key(0);
    let batch = trial.batch(0, at(2), vec![flight(0)]).to_bytes();
    trial.put_bytes(0, Some(&batch));
    trial.beat(1, 2);
    let state = trial.state.clone();

    for revision in 0..trial.revision {
        for value in [Some(&batch[..]), Some(b"x"), None] {
            let found = Found { revision, key: key.as_bytes(), version: 2, value };
            assert_eq!(trial.take_in(&found), Verdict::Stale, "revision {revision}");
        }
    }
    assert_eq!(trial.state, state);
}

#[test]
fn takes_nothing_in_from_before_even_of_a_hub_that_said_nothing_since() {
    let mut trial = three();
    trial.beat(0, 2);
    trial.beat(1, 2);
    let state = trial.state.clone();
    let (key, batch) = (found_key(2), trial.batch(2, at(2), Vec::new()));
    let (revision, value) = (trial.revision - 1, batch.to_bytes());
    let found = Found { revision, key: key.as_bytes(), version: 2, value: Some(&value) };
    assert!(trial.pool().hub(&hub_id(2)).expect("a hub").revision < revision);

    assert_eq!(trial.take_in(&found), Verdict::Stale);

    assert_eq!(trial.state, state);
}

#[test]
fn takes_in_what_two_hubs_put_at_one_revision() {
    let mut trial = three();
    let batches = [0, 1].map(|hub| trial.batch(hub, at(2), Vec::new()));
    trial.revision += 1;

    for (batch, hub) in batches.into_iter().zip(0..) {
        let (key, value) = (found_key(hub), batch.to_bytes());
        let value = Some(&value[..]);
        let found = Found { revision: trial.revision, key: key.as_bytes(), version: 2, value };
        assert_eq!(trial.take_in(&found), Verdict::Accepted(Box::new(batch)));
        assert_eq!(trial.take_in(&found), Verdict::Stale);
    }
}

#[test]
fn blames_the_view_and_not_the_hub_when_versions_are_missing() {
    let mut trial = three();
    let state = trial.state.clone();
    let key = found_key(0);
    let value = trial.batch(0, at(2), Vec::new()).to_bytes();

    for version in [0, 1, 3, u64::MAX] {
        for value in [&value[..], b"garbage"] {
            let value = Some(value);
            let found = Found { revision: 100, key: key.as_bytes(), version, value };
            assert_eq!(trial.take_in(&found), Verdict::Incomplete, "version {version}");
        }
    }
    assert_eq!(trial.state, state);
}

#[test]
fn keeps_of_each_hub_what_it_said_last() {
    let mut trial = three();
    let mut report = trial.report(at(5));
    report.state = Some(StateHash { position: 3, hash: [3; 32] });
    report.applied = AppliedHead { position: 2, chain: [2; 32] };
    let slot = trial.pool().next_slot(&hub_id(0)).expect("a hub");
    let batch = Batch::sign(slot, report.clone(), vec![flight(0)], &key(0)).expect("small");
    let position = trial.head.position + 1;

    trial.put_bytes(0, Some(&batch.to_bytes()));

    let hub = trial.pool().hub(&hub_id(0)).expect("a hub");
    let heard = hub.heard().expect("it said something");
    assert_eq!((heard.position, heard.stamp), (position, at(5)));
    assert_eq!((heard.applied, heard.state), (report.applied, report.state));
    assert_eq!((hub.sequence(), hub.previous()), (2, &batch.hash()));
    assert_eq!(trial.head.position, position + 1, "the entry follows its batch");
}

#[test]
fn gives_each_hub_the_slot_that_is_accepted_next() {
    let mut trial = Trial::new(3, 3, 2);
    let first = trial.pool().next_slot(&hub_id(0)).expect("a hub");
    assert_eq!((first.sequence, first.previous), (1, *first.pool.as_bytes()));

    trial.beat(0, 1);
    let second = trial.pool().next_slot(&hub_id(0)).expect("a hub");
    assert_eq!(second.sequence, 2);
    assert_ne!(second.previous, first.previous);
    assert_eq!(trial.pool().next_slot(&hub_id(9)), None);
}
