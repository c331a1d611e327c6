//! New versions of rules.

use super::*;

const AIRSPACE: u8 = 1;

fn rule(family: u8, version: u16) -> Rule {
    Rule { family, version }
}

/// A hub says that it can run some version of the airspace's rules.
fn announce(trial: &mut Trial, hub: u16, version: u16) {
    let mut report = trial.report(at(2));
    report.rules = report.rules.with(rule(AIRSPACE, version)).expect("there is room");
    let slot = trial.pool().next_slot(&hub_id(hub)).expect("a hub");
    let batch = Batch::sign(slot, report, Vec::new(), &trial.key_of(hub)).expect("small");
    let verdict = trial.put_bytes(hub, Some(&batch.to_bytes()));
    assert!(matches!(verdict, Verdict::Accepted(_)));
}

fn activate(trial: &Trial, version: u16, behind: &[u16], owners: &[u16]) -> SignedChange {
    let left_behind = behind.iter().map(|hub| hub_id(*hub)).collect();
    let action = Action::ActivateRules { rule: rule(AIRSPACE, version), left_behind };
    signed(trial.membership(), action, owners)
}

/// Puts a change with the report of a hub that can run version 3.
fn change(trial: &mut Trial, signed: &SignedChange) -> Effect {
    let mut report = trial.report(at(2));
    report.rules = report.rules.with(rule(AIRSPACE, 3)).expect("there is room");
    let slot = trial.pool().next_slot(&hub_id(0)).expect("a hub");
    let batch = Batch::sign(slot, report, vec![change_entry(0, signed)], &key(0)).expect("small");
    trial.put_bytes(0, Some(&batch.to_bytes()));
    last_effect(trial).clone()
}

#[test]
fn are_activated_without_owners_once_every_hub_can_run_them() {
    let mut trial = three();
    announce(&mut trial, 0, 3);
    announce(&mut trial, 1, 3);
    assert_eq!(trial.pool().left_behind(rule(AIRSPACE, 3)), [hub_id(2)]);
    let too_early = activate(&trial, 3, &[], &[]);
    assert_eq!(change(&mut trial, &too_early), Effect::Refused(Refusal::LeftBehind));

    announce(&mut trial, 2, 4);
    let now = activate(&trial, 3, &[], &[]);
    assert_eq!(change(&mut trial, &now), Effect::Activated(rule(AIRSPACE, 3)));

    assert_eq!(trial.pool().rules().version(AIRSPACE), 3);
    let again = Refusal::Version { family: AIRSPACE, version: 3 };
    assert_eq!(change(&mut trial, &now), Effect::Refused(again));
}

#[test]
fn are_activated_in_the_pool_and_after_the_decisions_that_are_named() {
    let mut trial = three();
    for hub in 0..3 {
        announce(&mut trial, hub, 3);
    }
    let now = activate(&trial, 3, &[], &[]).change;
    let other = trial::genesis(1, 1, 1).fingerprint();
    for (wrong, refusal) in [
        (crate::Change { pool: other, ..now.clone() }, Refusal::OtherPool),
        (crate::Change { epoch: 2, ..now.clone() }, Refusal::OtherEpoch),
        (crate::Change { before: [0; 32], ..now.clone() }, Refusal::Before),
    ] {
        let wrong = SignedChange::unsigned(wrong);
        assert_eq!(change(&mut trial, &wrong), Effect::Refused(refusal));
    }
    let effect = change(&mut trial, &SignedChange::unsigned(now));
    assert_eq!(effect, Effect::Activated(rule(AIRSPACE, 3)));
}

#[test]
fn are_counted_as_each_hub_said_last() {
    let mut trial = three();
    for hub in 0..3 {
        announce(&mut trial, hub, 3);
    }
    announce(&mut trial, 1, 2);

    let too_late = activate(&trial, 3, &[], &[]);

    assert_eq!(change(&mut trial, &too_late), Effect::Refused(Refusal::LeftBehind));
}

#[test]
fn are_activated_by_the_quorum_that_names_who_is_left_behind() {
    let mut trial = three();
    announce(&mut trial, 0, 3);
    for (behind, owners, refusal) in [
        (&[][..], &[0, 1][..], Refusal::LeftBehind),
        (&[1], &[0, 1], Refusal::LeftBehind),
        (&[1, 2], &[0], Refusal::TooFewSignatures { needed: 2, signed: 1 }),
        (&[1, 2], &[], Refusal::TooFewSignatures { needed: 2, signed: 0 }),
        (&[2, 1], &[0, 1], Refusal::HubList),
        (&[1, 2, 9], &[0, 1], Refusal::UnknownHub(hub_id(9))),
    ] {
        let wrong = activate(&trial, 3, behind, owners);
        assert_eq!(change(&mut trial, &wrong), Effect::Refused(refusal), "{behind:?}");
    }

    // Hub 2 can run it by now; naming it does no harm.
    let now = activate(&trial, 3, &[1, 2], &[0, 1]);
    announce(&mut trial, 2, 3);
    assert_eq!(change(&mut trial, &now), Effect::Activated(rule(AIRSPACE, 3)));
}

#[test]
fn follow_one_another() {
    let mut trial = three();
    for version in [0, 1, 2, 4] {
        let wrong = activate(&trial, version, &[0, 1, 2], &[0, 1]);
        let refusal = Refusal::Version { family: AIRSPACE, version };
        assert_eq!(change(&mut trial, &wrong), Effect::Refused(refusal));
    }
}

#[test]
fn hold_for_the_entries_after_their_activation() {
    let mut trial = three();
    for hub in 0..3 {
        announce(&mut trial, hub, 3);
    }
    let under_new = |hub| entry(AIRSPACE, 3, hub_id(hub).as_str(), b"flight");
    let too_early = trial.batch(1, at(3), vec![under_new(1)]).to_bytes();
    let verdict = trial.clone().put_bytes(1, Some(&too_early));
    assert_eq!(verdict, Verdict::Spent(Fault::EntryRules { index: 0 }));

    let now = activate(&trial, 3, &[], &[]);
    change(&mut trial, &now);

    let too_late = trial.batch(1, at(3), vec![flight(1)]).to_bytes();
    let verdict = trial.clone().put_bytes(1, Some(&too_late));
    assert_eq!(verdict, Verdict::Spent(Fault::EntryRules { index: 0 }));
    trial.put(1, at(3), vec![under_new(1)]);
}

#[test]
fn begin_for_a_new_family_with_version_1() {
    let mut trial = three();
    let left_behind = vec![hub_id(0), hub_id(1), hub_id(2)];
    let action = Action::ActivateRules { rule: rule(9, 1), left_behind };
    let first = signed(trial.membership(), action, &[0, 1]);

    assert_eq!(trial.change(0, &first), Effect::Activated(rule(9, 1)));
    trial.put(1, at(3), vec![entry(9, 1, "hub-001", b"")]);
}

#[test]
fn take_no_more_families_than_there_may_be() {
    let mut trial = three();
    let hubs: Vec<_> = (0..3).map(hub_id).collect();
    let mut first = |family| {
        let rule = rule(family, 1);
        let action = Action::ActivateRules { rule, left_behind: hubs.clone() };
        let change = signed(trial.membership(), action, &[0, 1]);
        trial.change(0, &change)
    };
    for family in 3..16 {
        assert_eq!(first(family), Effect::Activated(rule(family, 1)));
    }

    assert_eq!(first(16), Effect::Refused(Refusal::TooManyFamilies));
}

#[test]
fn stop_a_hub_that_does_not_know_the_pools_own() {
    let mut trial = three();
    let needed = VERSION + 1;
    let left_behind = (0..3).map(hub_id).collect();
    let action = Action::ActivateRules { rule: rule(FAMILY, needed), left_behind };
    let change = signed(trial.membership(), action, &[0, 1]);
    assert_eq!(trial.change(0, &change), Effect::Activated(rule(FAMILY, needed)));
    let state = trial.state.clone();

    let batch = trial.batch(1, at(3), Vec::new());
    let verdict = trial.put_bytes(1, Some(&batch.to_bytes()));
    let placed = Command::Placed(Box::new(Placed::of(trial.revision, &batch)));
    let applied = trial.state.apply(&trial.head, PROPOSER, &placed);

    assert_eq!(verdict, Verdict::TooOld { needed });
    assert_eq!(applied, Err(ApplyError::TooOld { needed }));
    assert_eq!(trial.state, state);
    assert_eq!(trial.pool().rules().beyond(&trial::rules()), Some(rule(FAMILY, needed)));
}

#[test]
fn of_the_pools_own_family_must_be_known_where_it_begins() {
    let mut founding = trial::founding(1, 1, 1);
    founding.rules = founding.rules.with(rule(FAMILY, 2)).expect("there is room");
    let genesis = Command::Genesis(Genesis::new(founding).expect("valid"));

    let applied = State::default().apply(&AppliedHead::default(), PROPOSER, &genesis);

    assert_eq!(applied, Err(ApplyError::TooOld { needed: 2 }));
}
