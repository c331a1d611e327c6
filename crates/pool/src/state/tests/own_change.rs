//! Hubs that bring their own readmission, or their own new key.

use super::*;

/// Returns a change of the key of a hub, signed by its owner and with the new key.
fn new_key(trial: &Trial, hub: u16, number: u16, owner: u16) -> SignedChange {
    let action = Action::ReplaceHubKey { id: hub_id(hub), key: key(number).public_key() };
    let mut change = signed(trial.membership(), action, &[owner]);
    change.sign_with_new_key(&key(number));
    change
}

/// Returns the next batch of a hub with a change, signed with some key.
fn bringing(trial: &Trial, hub: u16, change: &SignedChange, signer: u16) -> Batch {
    let (header, entries, _) =
        trial.batch(hub, at(3), vec![change_entry(hub, change)]).into_parts();
    Batch::sign(header.slot, header.report, entries, &key(signer)).expect("small")
}

#[test]
fn saves_a_pool_whose_hubs_are_all_set_aside() {
    let mut trial = three();
    for hub in 0..3 {
        set_aside(&mut trial, hub);
    }
    let change = signed(trial.membership(), Action::Readmit { id: hub_id(1) }, &[0, 2]);

    trial.put(1, at(3), vec![change_entry(1, &change)]);

    assert!(matches!(last_effect(&trial), Effect::Changed(_)));
    trial.put(1, at(4), vec![flight(1)]);
    trial.decide(1, Action::Readmit { id: hub_id(0) });
    trial.put(0, at(5), vec![flight(0)]);
    assert!(trial.pool().hub(&hub_id(2)).expect("a hub").set_aside().is_some());
}

#[test]
fn readmits_a_hub_by_nothing_less_than_its_own_readmission_alone() {
    let mut trial = three();
    set_aside(&mut trial, 1);
    let state = trial.state.clone();
    let by_one = signed(trial.membership(), Action::Readmit { id: hub_id(1) }, &[0]);
    let other = signed(trial.membership(), Action::Readmit { id: hub_id(0) }, &[0, 2]);
    let good = signed(trial.membership(), Action::Readmit { id: hub_id(1) }, &[0, 2]);

    for entries in [
        vec![],
        vec![flight(1)],
        vec![change_entry(1, &by_one)],
        vec![change_entry(1, &other)],
        vec![change_entry(1, &good), flight(1)],
        vec![flight(1), change_entry(1, &good)],
        vec![change_entry(0, &good)],
    ] {
        let batch = trial.batch(1, at(3), entries).to_bytes();
        assert_eq!(trial.put_bytes(1, Some(&batch)), Verdict::Foreign(Fault::HubSetAside));
        assert_eq!(trial.state, state);
    }
    let forged = bringing(&trial, 1, &good, 2).to_bytes();
    assert_eq!(trial.put_bytes(1, Some(&forged)), Verdict::Foreign(Fault::HubSetAside));
    assert_eq!(trial.state, state);
}

#[test]
fn readmits_a_hub_once() {
    let mut trial = three();
    set_aside(&mut trial, 1);
    let change = signed(trial.membership(), Action::Readmit { id: hub_id(1) }, &[0, 2]);
    trial.put(1, at(3), vec![change_entry(1, &change)]);
    set_aside(&mut trial, 1);

    let again = trial.batch(1, at(4), vec![change_entry(1, &change)]).to_bytes();

    assert_eq!(trial.put_bytes(1, Some(&again)), Verdict::Foreign(Fault::HubSetAside));
}

#[test]
fn takes_a_hubs_new_key_signed_with_the_old_one_or_the_new_one() {
    for signer in [1, 50] {
        let mut trial = three();
        let batch = bringing(&trial, 1, &new_key(&trial, 1, 50, 1), signer);

        let verdict = trial.put_bytes(1, Some(&batch.to_bytes()));

        assert_eq!(verdict, Verdict::Accepted(Box::new(batch)), "signed with {signer}");
        let old = trial.batch(1, at(4), vec![]).to_bytes();
        let mut with_old = trial.clone();
        assert_eq!(with_old.put_bytes(1, Some(&old)), Verdict::SetAside(Fault::Signature));
        trial.keys.insert(1, 50);
        trial.put(1, at(4), vec![flight(1)]);
    }
}

#[test]
fn takes_no_new_key_that_the_owner_has_not_signed() {
    let trial = three();
    for owner in [0, 2] {
        let mut trial = trial.clone();
        let batch = bringing(&trial, 1, &new_key(&trial, 1, 50, owner), 50);
        let verdict = trial.put_bytes(1, Some(&batch.to_bytes()));
        assert_eq!(verdict, Verdict::SetAside(Fault::Signature));
    }
    // Another hub's new key is not this hub's business, whoever has signed.
    let mut trial = trial.clone();
    let batch = bringing(&trial, 1, &new_key(&trial, 2, 50, 2), 50);
    let verdict = trial.put_bytes(1, Some(&batch.to_bytes()));
    assert_eq!(verdict, Verdict::SetAside(Fault::Signature));
}

#[test]
fn takes_nothing_else_with_the_new_key() {
    let mut trial = three();
    let change = change_entry(1, &new_key(&trial, 1, 50, 1));
    let (header, entries, _) = trial.batch(1, at(3), vec![change, flight(1)]).into_parts();
    let batch = Batch::sign(header.slot, header.report, entries, &key(50)).expect("small");

    let verdict = trial.put_bytes(1, Some(&batch.to_bytes()));

    assert_eq!(verdict, Verdict::SetAside(Fault::Signature));
}

#[test]
fn gives_a_hub_that_is_set_aside_a_new_key_and_leaves_it_set_aside() {
    let mut trial = three();
    set_aside(&mut trial, 1);
    let batch = bringing(&trial, 1, &new_key(&trial, 1, 50, 1), 50);
    assert_eq!(trial.put_bytes(1, Some(&batch.to_bytes())), Verdict::Accepted(Box::new(batch)));
    trial.keys.insert(1, 50);

    let next = trial.batch(1, at(4), vec![flight(1)]).to_bytes();
    assert_eq!(trial.put_bytes(1, Some(&next)), Verdict::Foreign(Fault::HubSetAside));
    let change = signed(trial.membership(), Action::Readmit { id: hub_id(1) }, &[0, 2]);
    trial.put(1, at(5), vec![change_entry(1, &change)]);
    trial.put(1, at(6), vec![flight(1)]);
}

#[test]
fn lets_an_owner_replace_the_key_through_any_other_hub() {
    let mut trial = three();
    let change = new_key(&trial, 1, 50, 1);

    assert!(matches!(trial.change(2, &change), Effect::Changed(_)));

    trial.keys.insert(1, 50);
    trial.put(1, at(4), vec![flight(1)]);
}

#[test]
fn counts_an_offline_signature_for_a_hubs_key_too() {
    let mut trial = three();
    let mut change = new_key(&trial, 1, 50, 1);
    change.sign(&owner_name(1), OwnerKey::Offline, &offline(1)).expect("few");
    assert!(matches!(trial.change(2, &change), Effect::Changed(_)));

    let mut stolen = new_key(&trial, 1, 51, 1);
    stolen.sign(&owner_name(1), OwnerKey::Offline, &online(1)).expect("few");
    let refusal = Refusal::Signature(owner_name(1));
    assert_eq!(trial.change(2, &stolen), Effect::Refused(refusal));
}
