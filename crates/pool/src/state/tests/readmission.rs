//! Hubs that are set aside, removed, readmitted: nothing of their former life counts.

use super::*;

fn readmit(hub: u16) -> Action {
    Action::Readmit { id: hub_id(hub) }
}

#[test]
fn goes_on_with_a_hub_that_the_quorum_has_readmitted() {
    let mut trial = three();
    set_aside(&mut trial, 0);
    trial.put_bytes(0, Some(b"more"));

    trial.decide(1, readmit(0));

    let hub = trial.pool().hub(&hub_id(0)).expect("a hub");
    assert_eq!((hub.set_aside(), hub.any_version(), hub.heard()), (None, true, None));
    trial.put(0, at(3), vec![flight(0)]);
    trial.put(0, at(4), vec![flight(0)]);
    assert!(!trial.pool().hub(&hub_id(0)).expect("a hub").any_version());
}

#[test]
fn is_not_readmitted_by_fewer_than_the_quorum() {
    let mut trial = three();
    set_aside(&mut trial, 0);

    for owners in [&[0][..], &[2]] {
        let change = signed(trial.membership(), readmit(0), owners);
        let effect = trial.change(1, &change);
        assert!(matches!(effect, Effect::Refused(Refusal::TooFewSignatures { .. })));
    }
    let next = trial.batch(0, at(3), vec![]).to_bytes();
    assert_eq!(trial.put_bytes(0, Some(&next)), Verdict::Foreign(Fault::HubSetAside));
}

#[test]
fn takes_nothing_after_a_readmission_that_was_signed_before() {
    let mut trial = three();
    set_aside(&mut trial, 0);
    // The hub has not seen it yet and puts its next batch, which has no effect: so it is told.
    let unaware = trial.batch(0, at(2), vec![flight(0)]).to_bytes();
    assert_eq!(trial.put_bytes(0, Some(&unaware)), Verdict::Foreign(Fault::HubSetAside));
    let version = trial.version(0);

    trial.decide(1, readmit(0));

    // Whoever owns etcd brings it again as the very version it was made for.
    trial.put_bytes(1, Some(&trial.batch(1, at(3), vec![]).to_bytes()));
    trial.versions.insert(0, version - 1);
    assert_eq!(trial.put_bytes(0, Some(&unaware)), Verdict::Spent(Fault::Previous));
    trial.put(0, at(4), vec![flight(0)]);
}

#[test]
fn goes_on_after_the_key_was_deleted_and_its_versions_began_anew() {
    let mut trial = three();
    let old = trial.batch(0, at(2), vec![flight(0)]).to_bytes();
    trial.put_bytes(0, Some(&old));
    assert_eq!(trial.put_bytes(0, None), Verdict::SetAside(Fault::Deleted));
    trial.decide(1, readmit(0));
    assert_eq!(trial.version(0), 0);

    // Nor does a batch of the former life count that has the right version by now.
    let mut again = trial.clone();
    again.versions.insert(0, 1);
    assert_eq!(again.put_bytes(0, Some(&old)), Verdict::Spent(Fault::Previous));

    trial.put(0, at(4), vec![flight(0)]);
    assert_eq!(trial.pool().hub(&hub_id(0)).expect("a hub").sequence(), 1);
}

#[test]
fn takes_nothing_of_a_removed_hub() {
    let mut trial = three();
    trial.decide(1, Action::RemoveHub { id: hub_id(0) });
    let state = trial.state.clone();
    let slot = three().pool().next_slot(&hub_id(0)).expect("a hub");
    let batch = Batch::sign(slot, trial.report(at(9)), vec![flight(0)], &key(0)).expect("small");

    for value in [Some(&batch.to_bytes()[..]), Some(b"x"), None] {
        assert_eq!(trial.put_bytes(0, value), Verdict::Foreign(Fault::NotAdmitted));
        assert_eq!(trial.state, state);
    }
    assert!(!trial.state.allows("anybody", &hub_id(0)));
    assert_eq!(trial.pool().membership().majority(), 2);
}

#[test]
fn takes_nothing_of_a_hub_after_its_removal_even_in_the_same_batch() {
    let mut trial = three();
    let removal = signed(trial.membership(), Action::RemoveHub { id: hub_id(0) }, &[0, 1]);
    let mut next = trial.clone();
    next.decide(1, Action::RemoveHub { id: hub_id(0) });
    let later = signed(next.membership(), Action::RemoveHub { id: hub_id(1) }, &[0, 1]);

    let entries = vec![change_entry(0, &removal), flight(0), change_entry(0, &later)];
    trial.put(0, at(2), entries);

    assert_eq!(last_effect(&trial), &Effect::Refused(Refusal::Proposer));
    assert!(trial.pool().is_admitted(&hub_id(1)));
    // The flight is in the log, and whoever decides it asks this.
    assert!(!trial.state.allows("anybody", &hub_id(0)));
}

#[test]
fn takes_nothing_of_a_former_hub_of_the_same_name() {
    let mut trial = three();
    let former = trial.batch(0, at(2), vec![flight(0)]).to_bytes();
    trial.decide(1, Action::RemoveHub { id: hub_id(0) });
    let key = key(50).public_key();
    trial.decide(1, Action::AdmitHub { id: hub_id(0), owner: owner_name(1), key });
    trial.keys.insert(0, 50);

    let mut with_former = trial.clone();
    let verdict = with_former.put_bytes(0, Some(&former));
    assert_eq!(verdict, Verdict::SetAside(Fault::Signature));
    trial.put(0, at(3), vec![flight(0)]);
}

#[test]
fn takes_nothing_of_a_hub_that_was_removed_and_admitted_with_the_same_key() {
    let mut trial = three();
    let former = trial.batch(0, at(2), vec![flight(0)]).to_bytes();
    trial.decide(1, Action::RemoveHub { id: hub_id(0) });
    let key = key(0).public_key();
    trial.decide(1, Action::AdmitHub { id: hub_id(0), owner: owner_name(0), key });

    assert_eq!(trial.put_bytes(0, Some(&former)), Verdict::Spent(Fault::Previous));
    trial.put(0, at(3), vec![flight(0)]);
}

#[test]
fn admits_a_hub_whose_key_in_etcd_is_older_than_its_admission() {
    let mut trial = three();
    for _ in 0..7 {
        assert_eq!(trial.put_bytes(3, Some(b"x")), Verdict::Foreign(Fault::NotAdmitted));
    }
    let key = key(3).public_key();
    trial.decide(0, Action::AdmitHub { id: hub_id(3), owner: owner_name(0), key });

    trial.put(3, at(3), vec![flight(3)]);

    assert_eq!(trial.pool().hub(&hub_id(3)).expect("a hub").sequence(), 8);
}

#[test]
fn sets_a_new_hub_aside_too_when_its_first_value_is_garbage_or_its_key_is_deleted() {
    for (value, fault) in [(Some(&b"x"[..]), Fault::Malformed), (None, Fault::Deleted)] {
        let mut trial = three();
        let key = key(3).public_key();
        trial.decide(0, Action::AdmitHub { id: hub_id(3), owner: owner_name(0), key });

        assert_eq!(trial.put_bytes(3, value), Verdict::SetAside(fault));
    }
}

#[test]
fn counts_from_the_first_batch_of_a_new_hub_even_when_that_is_bad() {
    let mut trial = three();
    trial.versions.insert(3, 4);
    let key = key(3).public_key();
    trial.decide(0, Action::AdmitHub { id: hub_id(3), owner: owner_name(0), key });
    let bad = trial.batch(3, at(3), vec![b"x".to_vec()]).to_bytes();
    assert_eq!(trial.put_bytes(3, Some(&bad)), Verdict::Spent(Fault::EntryMalformed { index: 0 }));

    let mut with_gap = trial.clone();
    with_gap.versions.insert(3, 6);
    let late = with_gap.batch(3, at(3), Vec::new()).to_bytes();
    assert_eq!(with_gap.put_bytes(3, Some(&late)), Verdict::Incomplete);
    trial.put(3, at(3), vec![flight(3)]);
    assert_eq!(trial.pool().hub(&hub_id(3)).expect("a hub").sequence(), 6);
}

#[test]
fn takes_nothing_of_a_new_hub_that_was_put_together_with_its_admission() {
    let mut trial = three();
    let key = key(3).public_key();
    trial.decide(0, Action::AdmitHub { id: hub_id(3), owner: owner_name(0), key });
    let (name, batch) = (format!("{KEY_PREFIX}{}", hub_id(3)), trial.batch(3, at(3), Vec::new()));
    let (revision, value) = (trial.revision, batch.to_bytes());

    let found = Found { revision, key: name.as_bytes(), version: 1, value: Some(&value) };

    assert_eq!(trial.take_in(&found), Verdict::Stale);
}
