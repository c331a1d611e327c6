//! Everything that can be wrong under a key, and that it has no effect on anybody else.

use super::*;
use crate::canonical::to_bytes;
use crate::{
    BATCH_BYTES_MAX, CHANGES_PER_BATCH_MAX, COMMAND_BYTES_MAX, ENTRY_BYTES_MAX, Signature,
};

/// Puts a value under the key of hub 0 and checks that nothing else has come of it than `fault`.
fn check(value: Option<&[u8]>, fault: Fault) {
    check_in(three(), value, fault);
}

fn check_in(mut trial: Trial, value: Option<&[u8]>, fault: Fault) {
    let before = trial.clone();

    let verdict = trial.put_bytes(0, value);

    assert_eq!(verdict, Verdict::from(fault));
    assert_eq!(trial.pool().membership(), before.pool().membership());
    assert_eq!(trial.pool().clock(), before.pool().clock());
    assert_eq!(trial.pool().hub(&hub_id(1)), before.pool().hub(&hub_id(1)));
    let (now, then) = (trial.pool().hub(&hub_id(0)), before.pool().hub(&hub_id(0)));
    let (now, then) = (now.expect("a hub").clone(), then.expect("a hub"));
    assert_eq!((now.previous(), now.heard()), (then.previous(), then.heard()));
    trial.beat(1, 2);
    trial.beat(2, 2);
    let next = trial.batch(0, at(3), vec![flight(0)]);
    let verdict = trial.put_bytes(0, Some(&next.to_bytes()));
    if fault.consequence() == crate::Consequence::SlotSpent {
        assert_eq!(now.spent(), 1);
        assert_eq!(verdict, Verdict::Accepted(Box::new(next)), "the next names the last good one");
    } else {
        assert_eq!(now.set_aside().map(|aside| aside.fault), Some(fault));
        assert_eq!(verdict, Verdict::Foreign(Fault::HubSetAside));
        let state = trial.state.clone();
        trial.put_bytes(0, Some(b"more"));
        trial.put_bytes(0, None);
        assert_eq!(trial.state, state);
    }
}

/// Returns the next batch of hub 0 with another slot, signed by a hub.
fn with_slot(trial: &Trial, signer: u16, edit: impl FnOnce(&mut Slot)) -> Vec<u8> {
    let (header, entries, _) = trial.batch(0, at(2), vec![flight(0)]).into_parts();
    let mut slot = header.slot;
    edit(&mut slot);
    let batch = Batch::sign(slot, header.report, entries, &key(signer));
    batch.expect("small").to_bytes()
}

fn with_entries(trial: &Trial, entries: Vec<Vec<u8>>) -> Vec<u8> {
    trial.batch(0, at(2), entries).to_bytes()
}

#[test]
fn a_deleted_key() {
    check(None, Fault::Deleted);
}

#[test]
fn a_value_that_is_no_batch() {
    check(Some(b""), Fault::Malformed);
    check(Some(b"garbage"), Fault::Malformed);
    let mut other_form = with_slot(&three(), 0, |_| {});
    other_form[0] = 2;
    check(Some(&other_form), Fault::Malformed);
}

#[test]
fn a_value_of_2_mib() {
    check(Some(&vec![1; 2 * 1024 * 1024]), Fault::TooLarge);
    check(Some(&vec![1; BATCH_BYTES_MAX + 1]), Fault::TooLarge);
}

#[test]
fn a_batch_without_a_signature() {
    let mut bytes = with_slot(&three(), 0, |_| {});
    let length = bytes.len();
    bytes[length - 64..].fill(0);
    check(Some(&bytes), Fault::Signature);
}

#[test]
fn a_batch_signed_by_another_hub_or_by_an_owner() {
    check(Some(&with_slot(&three(), 1, |_| {})), Fault::Signature);
    check(Some(&with_slot(&three(), 1000, |_| {})), Fault::Signature);
}

#[test]
fn another_hubs_own_batch() {
    let mut trial = three();
    let other = trial.batch(1, at(2), vec![flight(1)]).to_bytes();
    check_in(trial.clone(), Some(&other), Fault::Signature);
    let as_other = with_slot(&trial, 0, |slot| slot.hub = hub_id(1));
    check_in(trial.clone(), Some(&as_other), Fault::OtherHub);
    // The other hub is not touched by it.
    let verdict = trial.put_bytes(1, Some(&other));
    assert!(matches!(verdict, Verdict::Accepted(_)));
}

#[test]
fn a_batch_whose_entries_were_exchanged() {
    let trial = three();
    let batch = trial.batch(0, at(2), vec![flight(0)]);
    let mut bytes = batch.to_bytes();
    let last_of_entry = bytes.len() - 65;
    bytes[last_of_entry] ^= 1;
    check(Some(&bytes), Fault::Entries);

    let more = trial.batch(0, at(2), vec![flight(0), flight(0)]);
    let (_, entries, _) = more.into_parts();
    let mut bytes = vec![1];
    bytes.extend(to_bytes(batch.header()));
    for entry in entries {
        bytes.extend(u32::try_from(entry.len()).expect("small").to_le_bytes());
        bytes.extend(entry);
    }
    bytes.extend(batch.signature().as_bytes());
    check(Some(&bytes), Fault::Malformed);
}

#[test]
fn a_batch_of_another_pool() {
    let founding = crate::Founding { nonce: [8; 32], ..trial::founding(3, 3, 2) };
    let other = Genesis::new(founding).expect("valid").fingerprint();
    check(Some(&with_slot(&three(), 0, |slot| slot.pool = other)), Fault::OtherPool);
}

#[test]
fn a_batch_of_another_epoch() {
    check(Some(&with_slot(&three(), 0, |slot| slot.epoch = 2)), Fault::OtherEpoch);
    check(Some(&with_slot(&three(), 0, |slot| slot.epoch = 0)), Fault::OtherEpoch);
}

#[test]
fn a_batch_that_is_repeated() {
    let mut trial = three();
    let batch = trial.batch(0, at(2), vec![flight(0)]).to_bytes();
    trial.put_bytes(0, Some(&batch));
    check_in(trial, Some(&batch), Fault::Sequence);
}

#[test]
fn a_batch_out_of_sequence() {
    for sequence in [0, 1, 3, u64::MAX] {
        let bytes = with_slot(&three(), 0, |slot| slot.sequence = sequence);
        check(Some(&bytes), Fault::Sequence);
    }
}

#[test]
fn a_batch_that_does_not_name_the_last_good_one() {
    let bytes = with_slot(&three(), 0, |slot| slot.previous = [0; 32]);
    check(Some(&bytes), Fault::Previous);
}

#[test]
fn a_batch_that_names_a_bad_one() {
    let mut trial = three();
    let bad = trial.batch(0, at(2), vec![entry(9, 9, "hub-000", b"")]);
    let verdict = trial.put_bytes(0, Some(&bad.to_bytes()));
    assert_eq!(verdict, Verdict::Spent(Fault::EntryRules { index: 0 }));

    let after_bad = with_slot(&trial, 0, |slot| slot.previous = bad.hash());
    let verdict = trial.put_bytes(0, Some(&after_bad));
    assert_eq!(verdict, Verdict::Spent(Fault::Previous));
    trial.beat(0, 3);
    assert_eq!(trial.pool().hub(&hub_id(0)).expect("a hub").spent(), 2);
}

#[test]
fn an_entry_that_is_none() {
    let trial = three();
    let bytes = with_entries(&trial, vec![flight(0), b"x".to_vec()]);
    check(Some(&bytes), Fault::EntryMalformed { index: 1 });
}

#[test]
fn a_command_that_is_too_large() {
    let largest = entry(1, 2, "hub-000", &vec![7; COMMAND_BYTES_MAX]);
    assert!(largest.len() <= ENTRY_BYTES_MAX);
    three().put(0, at(2), vec![largest]);

    let larger = entry(1, 2, "hub-000", &vec![7; COMMAND_BYTES_MAX + 1]);
    let bytes = with_entries(&three(), vec![larger]);
    check(Some(&bytes), Fault::EntryMalformed { index: 0 });
}

#[test]
fn an_entry_in_the_name_of_another_hub_or_of_the_pool() {
    for proposer in ["hub-001", PROPOSER, ""] {
        let bytes = with_entries(&three(), vec![entry(1, 2, proposer, b"flight")]);
        check(Some(&bytes), Fault::EntryProposer { index: 0 });
    }
}

#[test]
fn an_entry_under_rules_that_are_not_active() {
    for (family, version) in [(1, 1), (1, 3), (1, 0), (9, 1), (9, 0), (2, 2)] {
        let bytes = with_entries(&three(), vec![entry(family, version, "hub-000", b"")]);
        check(Some(&bytes), Fault::EntryRules { index: 0 });
    }
}

#[test]
fn an_entry_that_only_the_hubs_themselves_make() {
    let trial = three();
    let other = Placed::of(100, &trial.batch(1, at(9), Vec::new()));
    let bad =
        Bad { revision: 100, hub: hub_id(1), version: 2, fault: Fault::Deleted, hash: [0; 32] };
    let open = signed(trial.membership(), Action::OpenEpoch { head: trial.head }, &[0, 1]);
    let commands = [
        Command::Genesis(trial::genesis(1, 1, 1)),
        Command::Placed(Box::new(other)),
        Command::Bad(bad),
        Command::OpenEpoch(Box::new(open)),
    ];
    let mut commands: Vec<_> = commands.iter().map(Command::to_bytes).collect();
    commands.extend([b"".to_vec(), b"\xff".to_vec(), b"\x03".to_vec()]);
    for command in commands {
        let entries = vec![entry(FAMILY, VERSION, "hub-000", &command)];
        let bytes = with_entries(&trial, entries);
        check(Some(&bytes), Fault::EntryNoChange { index: 0 });
    }
}

#[test]
fn more_changes_than_a_batch_may_have() {
    let trial = three();
    let change = signed(trial.membership(), Action::SetQuorum { quorum: 3 }, &[0, 1]);
    let most = vec![change_entry(0, &change); CHANGES_PER_BATCH_MAX];
    trial.clone().put(0, at(2), most.clone());

    let more = [&most[..], &[change_entry(0, &change)]].concat();
    check(Some(&with_entries(&trial, more)), Fault::TooManyChanges);
}

#[test]
fn a_change_that_too_few_have_signed_leaves_all_as_it_was() {
    let mut trial = three();
    let change = signed(trial.membership(), Action::RemoveHub { id: hub_id(1) }, &[0]);
    let membership = trial.membership().clone();

    let effect = trial.change(0, &change);

    let refusal = Refusal::TooFewSignatures { needed: 2, signed: 1 };
    assert_eq!(effect, Effect::Refused(refusal.clone()));
    assert_eq!(*trial.membership(), membership);
    assert_eq!(trial.pool().check_change(&hub_id(0), &change), Err(refusal));
}

#[test]
fn keys_that_are_no_hubs() {
    let mut trial = three();
    let state = trial.state.clone();
    let value = trial.batch(0, at(2), Vec::new()).to_bytes();

    for (key, fault) in [
        (&b"log/hub-009"[..], Fault::NotAdmitted),
        (b"log/", Fault::NoHub),
        (b"log/pool", Fault::NoHub),
        (b"log/hub-000/x", Fault::NoHub),
        (b"log/\xff", Fault::NoHub),
        (b"hub-000", Fault::NoHub),
        (b"", Fault::NoHub),
    ] {
        for value in [Some(&value[..]), Some(b"x"), None] {
            let found = Found { revision: 100, key, version: 2, value };
            assert_eq!(trial.take_in(&found), Verdict::Foreign(fault), "{key:?}");
        }
    }
    assert_eq!(trial.state, state);
}

#[test]
fn a_signature_that_is_for_something_else() {
    let trial = three();
    let (header, entries, _) = trial.batch(0, at(2), vec![]).into_parts();
    // The owner's signature of a change is no hub's of a batch, even with one key for both.
    let mut change = signed(trial.membership(), Action::SetQuorum { quorum: 2 }, &[]);
    change.sign(&owner_name(0), OwnerKey::Online, &key(0)).expect("few");
    let signature: Signature = change.signatures()[0].signature;
    let batch = Batch::rebuild(header, entries, signature).expect("small");

    check(Some(&batch.to_bytes()), Fault::Signature);
}
