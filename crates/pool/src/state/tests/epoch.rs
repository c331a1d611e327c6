//! The next epoch, on an empty etcd.

use super::*;

fn opening(trial: &Trial, head: AppliedHead, owners: &[u16]) -> SignedChange {
    signed(trial.membership(), Action::OpenEpoch { head }, owners)
}

fn open(trial: &mut Trial) {
    let change = opening(trial, trial.head, &[0, 1]);
    trial.apply(PROPOSER, &Command::OpenEpoch(Box::new(change)));
    trial.versions.clear();
    trial.revision = 0;
}

#[test]
fn goes_on_from_the_head_that_the_quorum_has_signed() {
    let mut trial = three();
    let clock = trial.pool().clock();
    let opening = opening(&trial, trial.head, &[0, 1]).change.hash();

    open(&mut trial);

    assert_eq!(last_effect(&trial), &Effect::Opened { epoch: 2 });
    assert_eq!((trial.pool().revision(), trial.pool().clock()), (0, clock));
    let slot = trial.pool().next_slot(&hub_id(0)).expect("a hub");
    assert_eq!((slot.epoch, slot.sequence, slot.previous), (2, 1, opening));
    for hub in 0..3 {
        trial.put(hub, at(5), vec![flight(hub)]);
    }
    assert_eq!(trial.pool().clock(), at(5));
}

#[test]
fn takes_nothing_of_the_epoch_before() {
    let mut trial = Trial::new(3, 3, 2);
    let first = trial.batch(0, at(1), vec![flight(0)]).to_bytes();
    trial.put_bytes(0, Some(&first));
    open(&mut trial);

    assert_eq!(trial.put_bytes(0, Some(&first)), Verdict::SetAside(Fault::OtherEpoch));
}

#[test]
fn is_not_opened_after_another_head_or_by_fewer_than_the_quorum() {
    let trial = three();
    let other = AppliedHead { chain: [9; 32], ..trial.head };
    let shorter = AppliedHead { position: trial.head.position - 1, ..trial.head };
    for (change, refusal) in [
        (opening(&trial, other, &[0, 1]), Refusal::EpochHere),
        (opening(&trial, shorter, &[0, 1]), Refusal::EpochHere),
        (opening(&trial, trial.head, &[0]), Refusal::TooFewSignatures { needed: 2, signed: 1 }),
        (signed(trial.membership(), Action::SetQuorum { quorum: 3 }, &[0, 1]), Refusal::EpochHere),
    ] {
        let mut state = trial.state.clone();
        assert_eq!(trial.pool().check_opening(&trial.head, &change), Err(refusal.clone()));
        let command = Command::OpenEpoch(Box::new(change));
        let applied = state.apply(&trial.head, PROPOSER, &command);
        assert_eq!(applied, Err(ApplyError::Epoch(refusal)));
        assert_eq!(state, trial.state);
    }
}

#[test]
fn is_not_opened_by_a_batch() {
    let mut trial = three();
    let mut ahead = trial.clone();
    ahead.beat(0, 2);
    let change = opening(&trial, ahead.head, &[0, 1]);

    assert_eq!(trial.change(0, &change), Effect::Refused(Refusal::EpochHere));
    assert_eq!(trial.membership().epoch(), 1);
}

#[test]
fn is_opened_once() {
    let mut trial = three();
    let change = opening(&trial, trial.head, &[0, 1]);
    let command = Command::OpenEpoch(Box::new(change));
    let before = trial.head;
    trial.apply(PROPOSER, &command);

    let again = trial.state.apply(&before, PROPOSER, &command);

    assert_eq!(again, Err(ApplyError::Epoch(Refusal::OtherEpoch)));
}

#[test]
fn leaves_hubs_set_aside_that_were() {
    let mut trial = three();
    set_aside(&mut trial, 0);

    open(&mut trial);

    let batch = trial.batch(0, at(5), vec![flight(0)]).to_bytes();
    assert_eq!(trial.put_bytes(0, Some(&batch)), Verdict::Foreign(Fault::HubSetAside));
    trial.put(1, at(5), vec![flight(1)]);
}

#[test]
fn leads_a_newcomer_through_it() {
    let mut trial = three();
    let opening = opening(&trial, trial.head, &[0, 1]);
    open(&mut trial);
    let removal = signed(trial.membership(), Action::RemoveHub { id: hub_id(2) }, &[0, 1]);
    trial.change(0, &removal);

    let genesis = trial::genesis(3, 3, 2);
    let followed = Membership::follow(&genesis, &[opening, removal]);
    assert_eq!(followed.as_ref(), Ok(trial.membership()));
}
