//! Starts, former lives, second processes, and what others do to a hub.

use ::pool::Fault;

use super::*;

#[test]
fn puts_an_empty_batch_first_and_then_what_waits() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::new(A);

    let id = rig.append(b"1");
    rig.connect(&store);
    assert!(!rig.core.is_up());
    let (sent, answer) = rig.put(&mut store);
    rig.answer_put(sent.attempt, answer);
    assert!(!rig.core.is_up(), "an answer is not enough");
    rig.settle(&mut store);

    let entries: Vec<_> = store.values(A).iter().map(|batch| batch.entries().len()).collect();
    assert_eq!(entries, [0, 1]);
    assert!(rig.answers[&id].is_ok());
}

#[test]
fn nothing_of_a_former_life_lands_after_the_first_batch() {
    let mut store = Store::of(&genesis());
    let mut former = Rig::up(A, &mut store);
    former.append(b"former");
    let late = former.puts.pop_front().expect("sent");

    let mut rig = former.restart();
    rig.settle(&mut store);
    assert!(rig.core.is_up());
    let answer = store.put(&key_of(&id(A)), late.version, &late.value);
    rig.append(b"1");
    rig.settle(&mut store);

    assert!(matches!(answer, PutAnswer::Other { .. }), "its place is taken");
    assert_eq!(rig.commands(), [b"1"]);
}

#[test]
fn takes_in_what_a_former_life_has_put_before_the_first_batch() {
    let mut store = Store::of(&genesis());
    let mut former = Rig::up(A, &mut store);
    former.append(b"former");
    let late = former.puts.pop_front().expect("sent");

    let mut rig = former.restart();
    rig.give(Input::Tick);
    rig.connect(&store);
    rig.watch(&store);
    // The former put gets there between the look at etcd and the first batch.
    store.put(&key_of(&id(A)), late.version, &late.value);
    rig.settle(&mut store);

    assert!(rig.core.is_up());
    assert_eq!(rig.commands(), [b"former"]);
    assert_eq!(rig.stopped, None);
    let entries: Vec<_> = store.values(A).iter().map(|batch| batch.entries().len()).collect();
    assert_eq!(entries, [0, 1, 0]);
}

#[test]
fn follows_its_whole_past_when_its_copy_is_lost() {
    let mut store = Store::of(&genesis());
    let mut former = Rig::up(A, &mut store);
    for _ in 0..3 * FORMER_BATCHES_MAX {
        former.append(b"1");
        former.settle(&mut store);
    }

    let mut rig = Rig::up(A, &mut store);
    rig.settle(&mut store);

    assert_eq!(rig.commands(), former.commands());
    assert_eq!(rig.stopped, None);
}

#[test]
fn stops_when_somebody_else_signs_with_its_key() {
    let mut store = Store::of(&genesis());
    let mut first = Rig::up(A, &mut store);
    let under_way = first.append(b"1");
    let second = Rig::up(A, &mut store);
    assert!(second.core.is_up());
    let waits = first.append(b"2");

    first.watch(&store);

    assert_eq!(first.stopped, Some(Stop::KeyUsedTwice { revision: store.revision }));
    let twice = Kind::KeyUsedTwice { revision: store.revision, version: 2 };
    assert_eq!(first.kinds(), [twice]);
    assert_eq!(first.answers[&under_way], Err(AppendError::NotWritten), "its place is taken");
    assert_eq!(first.answers[&waits], Err(AppendError::Closed));
    assert_eq!(first.core.head(), second.core.head(), "and what was put counts");
}

#[test]
fn does_not_start_beside_one_that_goes_on_putting() {
    let mut store = Store::of(&genesis());
    let mut other = Rig::up(A, &mut store);
    let mut rig = Rig::new(A);
    rig.give(Input::Tick);
    rig.connect(&store);

    for round in 0..=FORMER_BATCHES_MAX {
        assert_eq!(rig.stopped, None, "{round}");
        rig.watch(&store);
        // The other is always a little quicker.
        other.append(b"1");
        other.settle(&mut store);
        let (sent, answer) = rig.put(&mut store);
        rig.answer_put(sent.attempt, answer);
    }
    rig.watch(&store);

    assert!(matches!(rig.stopped, Some(Stop::KeyUsedTwice { .. })));
    assert_eq!(other.stopped, None);
}

#[test]
fn is_set_aside_by_a_value_it_did_not_sign_and_comes_back_when_readmitted() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let mut other = Rig::up(B, &mut store);
    let under_way = rig.append(b"1");
    let waits = rig.append(b"2");

    store.write(&key_of(&id(A)), b"no batch");
    rig.settle(&mut store);
    let late = rig.append(b"3");

    assert_eq!(rig.stopped, None, "nobody has its key");
    for id in [under_way, waits, late] {
        assert_eq!(rig.answers[&id], Err(AppendError::NotAdmitted), "{id}");
    }
    assert!(!rig.core.is_up());
    assert!(matches!(rig.kinds()[..], [Kind::Value { fault: Fault::Malformed, .. }]));
    let readmission = change(&rig, Action::Readmit { id: id(A) });
    rig.append_entry(readmission);
    rig.settle(&mut store);
    assert!(rig.core.is_up());
    let id = rig.append(b"4");
    rig.settle(&mut store);
    other.settle(&mut store);
    assert!(rig.answers[&id].is_ok());
    assert_eq!(rig.commands(), [b"4"]);
    assert_eq!(rig.core.head(), other.core.head());
}

#[test]
fn is_set_aside_when_its_key_is_deleted() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let mut other = Rig::up(B, &mut store);

    store.delete(&key_of(&id(A)));
    let id_of_append = rig.append(b"1");
    rig.settle(&mut store);
    other.settle(&mut store);
    rig.settle(&mut store);

    assert_eq!(rig.answers[&id_of_append], Err(AppendError::NotAdmitted));
    assert_eq!(rig.core.head(), other.core.head());
    let set_aside = other.core.state().pool().expect("founded").hub(&id(A)).expect("admitted");
    assert_eq!(set_aside.set_aside().expect("it is").fault, Fault::Deleted);
}

#[test]
fn puts_nothing_that_counts_after_it_was_removed() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let mut other = Rig::up(B, &mut store);
    rig.settle(&mut store);
    let removal = change(&other, Action::RemoveHub { id: id(A) });
    let under_way = rig.append(b"1");
    let (late, _) = (rig.puts.pop_front().expect("sent"), ());

    other.append_entry(removal);
    other.settle(&mut store);
    let answer = store.put(&key_of(&id(A)), late.version, &late.value);
    rig.answer_put(late.attempt, answer);
    rig.settle(&mut store);
    other.settle(&mut store);
    let after = rig.append(b"2");

    assert_eq!(rig.answers[&under_way], Err(AppendError::NotAdmitted));
    assert_eq!(rig.answers[&after], Err(AppendError::NotAdmitted));
    assert_eq!((rig.commands(), other.commands()), (Vec::new(), Vec::new()));
    assert!(matches!(other.kinds()[..], [Kind::Value { fault: Fault::NotAdmitted, .. }]));
    assert_eq!(rig.core.head(), other.core.head());
}

#[test]
fn joins_when_it_is_admitted_whatever_its_key_held_before() {
    let mut store = Store::of(&genesis());
    let mut other = Rig::up(A, &mut store);
    store.write(&key_of(&id("hub-c")), b"before it was admitted");
    let mut rig = Rig::new("hub-c");
    rig.settle(&mut store);
    assert!(!rig.core.is_up());
    assert!(rig.core.is_linked());

    let admission = Action::AdmitHub {
        id: id("hub-c"),
        owner: OwnerName::new("owner").expect("a name"),
        key: key("hub-c").public_key(),
    };
    let admission = change(&other, admission);
    other.append_entry(admission);
    other.settle(&mut store);
    rig.settle(&mut store);

    assert!(rig.core.is_up());
    let id = rig.append(b"1");
    rig.settle(&mut store);
    other.settle(&mut store);
    assert!(rig.answers[&id].is_ok());
    assert_eq!(other.commands(), [b"1"]);
}

#[test]
fn stops_where_the_pool_runs_rules_that_it_does_not_know() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let mut other = Rig::up(B, &mut store);
    other.core.config.rules = rules(2);
    let rule = Rule { family: Family::AIRSPACE.0, version: 2 };
    let left_behind = vec![id(A), id(B)];
    let activation = change(&other, Action::ActivateRules { rule, left_behind });

    other.append_entry(activation);
    other.settle(&mut store);
    rig.settle(&mut store);

    assert_eq!(rig.stopped, Some(Stop::TooOld(rule)));
    assert_eq!(rig.core.head(), other.core.head(), "up to there it has all");
    let message = rig.stopped.expect("stopped").to_string();
    assert!(message.contains("version 2 of the rules of family 1"), "{message}");
}

#[test]
fn reports_a_hub_whose_stamp_is_far_from_the_pools_clock() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let mut other = Rig::new(B);
    other.clock = other.clock.plus(Duration::from_secs(3600));
    other.settle(&mut store);
    rig.settle(&mut store);

    let [Kind::StampApart { position: 3, apart_us: 3_600_000_000 }] = rig.kinds()[..] else {
        panic!("{:?}", rig.kinds())
    };
    assert_eq!(rig.evidence[0].hub, Some(id(B)));
}

#[test]
fn makes_the_same_log_of_the_same_events_on_every_hub() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let mut other = Rig::up(B, &mut store);
    for round in 0..20_u8 {
        rig.append(&[round]);
        other.append(&[round, 1]);
        if round % 5 == 0 {
            store.write(b"log/nobody", &[round]);
        }
        other.settle(&mut store);
        rig.settle(&mut store);
    }
    other.settle(&mut store);
    let late = Rig::up(A, &mut store.clone());

    assert_eq!(rig.core.head(), other.core.head());
    let entries = |rig: &Rig| rig.placed.iter().map(|it| Arc::clone(&it.entry)).collect::<Vec<_>>();
    assert_eq!(entries(&rig), entries(&other));
    assert_eq!(entries(&rig)[..], entries(&late)[..entries(&rig).len()]);
    assert_eq!(rig.core.state().hash(), other.core.state().hash());
}

#[test]
fn stops_when_its_key_is_replaced() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let new = key("new");

    let replacement = replacement(&rig, &new);
    let id = rig.append_entry(replacement);
    rig.settle(&mut store);

    assert!(rig.answers[&id].is_ok());
    assert_eq!(rig.stopped, Some(Stop::KeyReplaced));
    let mut old = rig.restart();
    old.settle(&mut store);
    let refused = old.append(b"1");
    old.pass(HEARTBEAT_AFTER);
    assert!(old.puts.is_empty(), "with the old key it only would be set aside");
    assert_eq!(old.answers[&refused], Err(AppendError::NotAdmitted));
    assert!(old.core.is_linked() && !old.core.is_up() && !old.core.signs_as_admitted());
    let mut renewed = old.restart();
    renewed.core.config.key = new;
    renewed.settle(&mut store);
    assert!(renewed.core.is_up());
}

#[test]
fn comes_with_a_new_key_when_the_old_one_is_lost() {
    let mut store = Store::of(&genesis());
    let rig = Rig::up(A, &mut store);
    let mut renewed = rig.restart();
    renewed.core.config.key = key("new");
    renewed.settle(&mut store);
    let refused = renewed.append(b"1");

    let replacement = replacement(&renewed, &key("new"));
    let id = renewed.append_entry(replacement);
    renewed.settle(&mut store);

    assert_eq!(renewed.answers[&refused], Err(AppendError::NotAdmitted));
    assert!(renewed.answers[&id].is_ok());
    assert!(renewed.core.is_up() && renewed.stopped.is_none());
    assert_eq!(renewed.evidence, []);
}

/// An entry with which the owner gives the hub another key.
fn replacement(rig: &Rig, new: &KeyPair) -> Entry {
    let membership = rig.core.state().pool().expect("founded").membership();
    let (pool, epoch) = (membership.pool(), membership.epoch());
    let before = membership.hub_hash(&id(rig.name)).expect("admitted");
    let action = Action::ReplaceHubKey { id: id(rig.name), key: new.public_key() };
    let mut signed = SignedChange::unsigned(Change { pool, epoch, before, action });
    let owner = OwnerName::new("owner").expect("a name");
    signed.sign(&owner, OwnerKey::Online, &key("online")).expect("one signature");
    signed.sign_with_new_key(new);
    let command = Command::Change(Box::new(signed)).to_bytes();
    Entry { family: Family::POOL, version: ::pool::VERSION, command, ..entry(rig.name, b"") }
}
