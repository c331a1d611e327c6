//! Keeps every stored form as it is: these hashes change only together with a version.
//!
//! Hubs compare hashes over these bytes, verify signatures over them and read each other's copies;
//! a form that changed unnoticed would split a pool at the next upgrade.

use spacetime::Timestamp;

use crate::canonical::{hex, sha256, to_bytes};
use crate::trial::{self, Trial, at, change_entry, flight, hub_id, key, owner, owner_name, signed};
use crate::{
    Action, AppliedHead, Bad, Batch, Command, Fault, Membership, PartyName, Placed, Report, Rule,
    Slot, StateHash,
};

fn batch() -> Batch {
    let pool = trial::genesis(2, 2, 2).fingerprint();
    let slot = Slot { pool, epoch: 1, hub: hub_id(0), sequence: 2, previous: [3; 32] };
    let report = Report {
        applied: AppliedHead { position: 4, chain: [5; 32] },
        state: Some(StateHash { position: 6, hash: [7; 32] }),
        stamp: at(8),
        rules: trial::rules(),
    };
    Batch::sign(slot, report, vec![flight(0), flight(1)], &key(0)).expect("small")
}

fn actions() -> [Action; 12] {
    let party = || PartyName::new("uss").expect("a name");
    let rule = Rule { family: 1, version: 3 };
    let head = AppliedHead { position: 1, chain: [2; 32] };
    [
        Action::AdmitHub { id: hub_id(5), owner: owner_name(0), key: key(5).public_key() },
        Action::RemoveHub { id: hub_id(0) },
        Action::Readmit { id: hub_id(0) },
        Action::ReplaceHubKey { id: hub_id(0), key: key(5).public_key() },
        Action::AdmitOwner { owner: owner(5), quorum: 2 },
        Action::RemoveOwner { name: owner_name(1), quorum: 1 },
        Action::ReplaceOwnerKeys { owner: owner(5) },
        Action::SetQuorum { quorum: 2 },
        Action::Bind { party: party(), hubs: vec![hub_id(0)] },
        Action::Unbind { party: party() },
        Action::ActivateRules { rule, left_behind: vec![hub_id(0)] },
        Action::OpenEpoch { head },
    ]
}

fn faults() -> [Fault; 18] {
    [
        Fault::Previous,
        Fault::EntryMalformed { index: 1 },
        Fault::EntryProposer { index: 1 },
        Fault::EntryRules { index: 1 },
        Fault::EntryNoChange { index: 1 },
        Fault::TooManyChanges,
        Fault::Deleted,
        Fault::TooLarge,
        Fault::Malformed,
        Fault::Entries,
        Fault::Signature,
        Fault::OtherPool,
        Fault::OtherEpoch,
        Fault::OtherHub,
        Fault::Sequence,
        Fault::NoHub,
        Fault::NotAdmitted,
        Fault::HubSetAside,
    ]
}

/// A pool in which something of everything has happened.
fn state() -> Trial {
    let mut trial = Trial::new(3, 3, 2);
    for hub in 0..3 {
        trial.beat(hub, 5);
    }
    let party = PartyName::new("uss").expect("a name");
    trial.decide(0, Action::Bind { party, hubs: vec![hub_id(1)] });
    let change = signed(trial.membership(), Action::Readmit { id: hub_id(1) }, &[0]);
    trial.put(1, at(9), vec![flight(1), change_entry(1, &change)]);
    trial.put_bytes(2, Some(b"garbage"));
    let bad = trial.batch(0, at(9), vec![b"x".to_vec()]).to_bytes();
    trial.put_bytes(0, Some(&bad));
    trial
}

fn check(what: &str, bytes: &[u8], expected: &str) {
    assert_eq!(hex(&sha256(&[bytes])), expected, "the stored form of {what} is another");
}

#[test]
fn of_what_is_signed_and_sent() {
    check(
        "a genesis",
        &trial::genesis(2, 2, 2).to_bytes(),
        "b63ee1f1e4e75cae5d93c690773c3bd921e877dcb7bb1b645c46c87e04430386",
    );
    check(
        "a batch",
        &batch().to_bytes(),
        "1c69e5e5b3e997c064cd39d32e2427b4e94d8c426bf6791adf73c7fd3ed3d006",
    );
    check(
        "the actions",
        &to_bytes(&actions().to_vec()),
        "21e8e224f7fcec0bc09e3bb09202004fc7ccf9b1a5425aafcabbfe8fb7a89bc3",
    );
    let membership = Membership::found(&trial::genesis(2, 2, 2));
    let mut change = signed(&membership, actions()[3].clone(), &[0]);
    change.sign_with_new_key(&key(5));
    check(
        "a signed change",
        &change.to_bytes(),
        "79e77940b340ff008be37f9ce2c8bc41b312cd379c2013a8f727a5fc011c2a2b",
    );
    check(
        "a hash of a change",
        &change.change.hash(),
        "d58f340f6877617020f8b33c65b615a617e2b53db30c2852e7db94867bfe76ec",
    );
    check(
        "a hash of a batch",
        &batch().hash(),
        "629de86d37c1e1cb665c0e744da9bb8734642390e04552d15d6be5e56a6afc24",
    );
    check(
        "a hash of a membership",
        &membership.hash(),
        "a396b1b49d53792fab3a021e3cfddb3b2c6bec8ddaec24fd4ed76e8cb4ba0ed2",
    );
}

#[test]
fn of_the_pools_entries() {
    let membership = Membership::found(&trial::genesis(2, 2, 2));
    let change = Box::new(signed(&membership, actions()[1].clone(), &[0, 1]));
    let placed = Placed::of(1, &batch());
    let commands = [
        Command::Genesis(trial::genesis(2, 2, 2)),
        Command::Placed(Box::new(placed)),
        Command::Change(change.clone()),
        Command::OpenEpoch(change),
    ];
    for (number, command) in [0, 1, 3, 4].into_iter().zip(&commands) {
        assert_eq!(command.to_bytes()[0], number);
    }
    check(
        "the entries",
        &to_bytes(&commands.to_vec()),
        "09152b95d54e03bb7b30f30d0c958a8e838d49778d787e4ea69335288d5b537c",
    );
    let bad = |fault| Bad { revision: 1, hub: hub_id(0), version: 2, fault, hash: [3; 32] };
    let bad: Vec<_> = faults().map(|fault| Command::Bad(bad(fault))).to_vec();
    check(
        "the bad",
        &to_bytes(&bad),
        "7d2190d6ad2fff9c2d225631f4890751e2a5d3eaa3e369cf619a9539d84a7739",
    );
}

#[test]
fn of_the_state() {
    let trial = state();

    assert_ne!(trial.pool().clock(), Timestamp::MIN);
    check(
        "the state",
        &trial.state.to_bytes(),
        "ef139f814cf0d6685a040637a385766768c9f79f06c9d9a7a958f70b10fb1901",
    );
    assert_eq!(
        hex(&trial.state.hash()),
        "d842ead83eea1c66d2660a4e0b410eddd4d18ba2c4e4be0e1b94d344e9c8db57"
    );
}
