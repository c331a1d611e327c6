//! One test for every lie that a hub could tell a newcomer.

use std::sync::OnceLock;

use super::*;
use crate::canonical::sha256;
use crate::trial::{self, Trial};
use crate::{Action, Batch, Command, Placed, Report, Slot};

/// Where the snapshot is.
const AT: u64 = 512;

const STATE: Hash = [7; 32];

/// The batch before the snapshot has so many entries after it.
const REST: usize = 2;

const FORM: LogForm = LogForm {
    leaf: |bytes| sha256(&[b"leaf", bytes]),
    chain: |before, position, leaf| sha256(&[before, &position.to_le_bytes(), leaf]),
    read: trial::read,
};

/// A pool of hubs 0 to 3: hub 4 was removed, and hub 3 has another key than in the genesis.
struct Sample {
    trial: Trial,
    lineage: Lineage,
    removed: crate::SignedChange,
    replaced: crate::SignedChange,
}

/// A log, and what was signed on its way; entries are at the positions after `start`.
#[derive(Clone)]
struct Story {
    start: AppliedHead,
    entries: Vec<Vec<u8>>,
    chains: Vec<Hash>,
}

fn sample() -> &'static Sample {
    static SAMPLE: OnceLock<Sample> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let mut trial = Trial::new(5, 5, 3);
        let mut lineage = Lineage::found(trial::genesis(5, 5, 3));
        let remove = Action::RemoveHub { id: trial::hub_id(4) };
        let removed = trial::signed(trial.membership(), remove, &[0, 1, 2]);
        trial.change(0, &removed);
        let key = trial::key(33);
        let replace = Action::ReplaceHubKey { id: trial::hub_id(3), key: key.public_key() };
        let mut replaced = trial::signed(trial.membership(), replace, &[3]);
        replaced.sign_with_new_key(&key);
        trial.change(0, &replaced);
        lineage.push(removed.clone());
        lineage.push(replaced.clone());
        assert_eq!(lineage.membership().as_ref(), Ok(trial.membership()));
        Sample { trial, lineage, removed, replaced }
    })
}

fn genesis() -> Genesis {
    trial::genesis(5, 5, 3)
}

fn header(hub: u16, key: u16, applied: AppliedHead, state: Option<StateHash>) -> SignedHeader {
    header_in(1, hub, key, applied, state)
}

fn header_in(
    epoch: u32,
    hub: u16,
    key: u16,
    applied: AppliedHead,
    state: Option<StateHash>,
) -> SignedHeader {
    let pool = genesis().fingerprint();
    let slot = Slot { pool, epoch, hub: trial::hub_id(hub), sequence: 9, previous: [u8::MAX; 32] };
    let report = Report { applied, state, stamp: trial::at(0), rules: trial::rules() };
    let batch = Batch::sign(slot, report, Vec::new(), &trial::key(key)).expect("small");
    let (header, _, signature) = batch.into_parts();
    SignedHeader { header, signature }
}

impl Story {
    fn new(start: u64) -> Self {
        let start = AppliedHead { position: start, chain: [9; 32] };
        Story { start, entries: Vec::new(), chains: vec![start.chain] }
    }

    fn head(&self) -> AppliedHead {
        let position = self.start.position + self.entries.len() as u64;
        AppliedHead { position, chain: *self.chains.last().expect("the start") }
    }

    fn at(&self, position: u64) -> AppliedHead {
        let index = usize::try_from(position - self.start.position).expect("small");
        AppliedHead { position, chain: self.chains[index] }
    }

    fn add(&mut self, entry: Vec<u8>) {
        let head = self.head();
        let leaf = (FORM.leaf)(&entry);
        self.chains.push((FORM.chain)(&head.chain, head.position + 1, &leaf));
        self.entries.push(entry);
    }

    /// Flights of hub 1 up to a position.
    fn fly_to(&mut self, position: u64) {
        while self.head().position < position {
            self.add(trial::flight(1));
        }
    }

    fn place(&mut self, signed: &SignedHeader) {
        let (header, signature) = (signed.header.clone(), signed.signature);
        let placed = Command::Placed(Box::new(Placed { revision: 1, header, signature }));
        let entry = trial::entry(crate::FAMILY, crate::VERSION, PROPOSER, &placed.to_bytes());
        self.add(entry);
    }

    /// A hub puts a heartbeat that says where the log is, and what its last state was.
    fn beat(&mut self, hub: u16, key: u16, state: Option<StateHash>) {
        let signed = header(hub, key, self.head(), state);
        self.place(&signed);
    }

    fn builder(&self, head: AppliedHead, through: u64) -> ProofBuilder {
        let lineage = sample().lineage.clone();
        ProofBuilder::new(lineage, head, STATE, self.start, through).expect("a lineage")
    }

    fn prove(&self, through: u64) -> Option<Proof> {
        let mut builder = self.builder(self.at(AT), through);
        for entry in &self.entries {
            if !builder.take((FORM.leaf)(entry), Some(entry), &FORM) {
                break;
            }
        }
        builder.finish()
    }
}

fn announced() -> Option<StateHash> {
    Some(StateHash { position: AT, hash: STATE })
}

/// A log that begins at a position, in which hubs 0, 1 and 3 announce the snapshot.
fn story(start: u64) -> Story {
    let mut story = Story::new(start);
    story.fly_to(AT + REST as u64);
    for (hub, key) in [(0, 0), (1, 1), (3, 33)] {
        story.beat(hub, key, announced());
    }
    for (hub, key) in [(0, 0), (1, 1), (3, 33)] {
        story.beat(hub, key, announced());
    }
    story
}

fn proof() -> Proof {
    story(AT).prove(0).expect("three of four announce it")
}

fn refused(edit: impl FnOnce(&mut Proof)) -> ProofError {
    let mut proof = proof();
    edit(&mut proof);
    proof.verify(&genesis(), None, &FORM).expect_err("it is a lie")
}

#[test]
fn proves_a_snapshot_in_the_middle_of_a_batch_from_the_genesis_alone() {
    let bytes = proof().to_bytes();

    let proven = Proof::from_bytes(&bytes).expect("its own form").verify(&genesis(), None, &FORM);

    let proven = proven.expect("it is true");
    assert_eq!(proven.head, story(AT).at(AT));
    assert_eq!(proven.rest, [trial::flight(1), trial::flight(1)]);
    assert_eq!(&proven.membership, sample().trial.membership());
    let (state, lineage) = (&sample().trial.state, &sample().lineage);
    assert_eq!(proven.check(state, &STATE, lineage), Ok(()));
    assert_eq!(proven.check(state, &[8; 32], lineage), Err(ProofError::State));
    assert_eq!(proven.check(&State::default(), &STATE, lineage), Err(ProofError::State));
    assert_eq!(proven.check(state, &STATE, &Lineage::default()), Err(ProofError::State));
}

#[test]
fn waits_until_more_than_half_have_announced_it() {
    let all = story(AT);
    // Three have announced the state with the fifth entry; with the sixth, three have the log after
    // the batch too.
    for count in 0..=all.entries.len() {
        let mut some = all.clone();
        some.entries.truncate(count);
        assert_eq!(some.prove(0).is_some(), 6 <= count, "{count}");
    }
}

#[test]
fn refuses_a_membership_with_a_change_left_out_or_moved() {
    let Sample { removed, replaced, .. } = sample();
    let lineage = |changes: &[&crate::SignedChange]| {
        let mut lineage = Lineage::found(genesis());
        changes.iter().for_each(|signed| lineage.push((*signed).clone()));
        lineage
    };

    // The last one left out: hub 3 signs with a key that is not its own then.
    let last = refused(|proof| proof.lineage = lineage(&[removed]));
    let none = refused(|proof| proof.lineage = lineage(&[]));
    let twice = refused(|proof| proof.lineage = lineage(&[removed, removed, replaced]));
    let other = refused(|proof| proof.lineage = Lineage::found(trial::genesis(5, 4, 3)));

    assert_eq!(last, ProofError::StateOfMinority);
    assert_eq!(none, ProofError::StateOfMinority);
    assert!(matches!(twice, ProofError::Lineage(LineageError::Change { number: 2, .. })));
    assert_eq!(other, ProofError::OtherPool);
    assert_eq!(refused(|proof| proof.lineage = Lineage::default()), ProofError::OtherPool);
}

#[test]
fn refuses_changes_of_the_quorum_in_another_order() {
    let founded = Lineage::found(genesis()).membership().expect("founded");
    let remove = |n| Action::RemoveHub { id: trial::hub_id(n) };
    let first = trial::signed(&founded, remove(4), &[0, 1, 2]);
    let after = founded.after(&first).expect("a quorum");
    let second = trial::signed(&after, remove(3), &[0, 1, 2]);

    let moved = refused(|proof| {
        proof.lineage = Lineage::found(genesis());
        proof.lineage.push(second);
        proof.lineage.push(first);
    });

    let ProofError::Lineage(LineageError::Change { number: 1, source }) = moved else {
        panic!("{moved:?}");
    };
    assert_eq!(source, crate::Refusal::Before);
}

#[test]
fn refuses_a_change_with_one_signature_less_than_the_quorum() {
    let founded = Lineage::found(genesis()).membership().expect("founded");
    let remove = Action::RemoveHub { id: trial::hub_id(4) };
    let few = trial::signed(&founded, remove, &[0, 1]);

    let refused = refused(|proof| {
        proof.lineage = Lineage::found(genesis());
        proof.lineage.push(few);
    });

    assert!(matches!(refused, ProofError::Lineage(LineageError::Change { number: 1, .. })));
}

#[test]
fn refuses_what_only_half_of_the_hubs_have_announced() {
    let is_of = |signed: &SignedHeader, hub| signed.header.slot.hub == trial::hub_id(hub);

    let two = refused(|proof| proof.headers.retain(|signed| !is_of(signed, 3)));
    let twice = refused(|proof| {
        proof.headers.retain(|signed| !is_of(signed, 3));
        proof.headers.extend(proof.headers.clone());
    });

    assert_eq!(two, ProofError::StateOfMinority);
    assert_eq!(twice, ProofError::StateOfMinority);
}

#[test]
fn counts_no_hub_that_was_removed_and_no_key_that_was_replaced() {
    for (hub, key) in [(4, 4), (3, 3), (2, 33)] {
        let head = story(AT).at(AT + 3);

        let refused = refused(|proof| {
            proof.headers.retain(|signed| signed.header.slot.hub != trial::hub_id(3));
            proof.headers.push(header(hub, key, head, announced()));
        });

        assert_eq!(refused, ProofError::StateOfMinority, "hub {hub} with key {key}");
    }
}

#[test]
fn counts_no_header_of_another_pool_or_another_epoch() {
    let head = story(AT).at(AT + 3);

    let epoch = refused(|proof| {
        proof.headers.retain(|signed| signed.header.slot.hub != trial::hub_id(3));
        proof.headers.push(header_in(2, 3, 33, head, announced()));
    });
    let altered = refused(|proof| {
        for signed in &mut proof.headers {
            signed.header.slot.pool = trial::genesis(5, 4, 3).fingerprint();
        }
    });
    let other = proof().verify(&trial::genesis(5, 4, 3), None, &FORM);

    assert_eq!(epoch, ProofError::StateOfMinority);
    assert_eq!(altered, ProofError::StateOfMinority);
    assert_eq!(other, Err(ProofError::OtherPool));
}

#[test]
fn refuses_another_state_another_position_and_another_chain() {
    let next = story(AT).at(AT + 1);

    assert_eq!(refused(|proof| proof.state[0] ^= 1), ProofError::StateOfMinority);
    assert_eq!(refused(|proof| proof.head.position -= 1), ProofError::Form);
    assert_eq!(refused(|proof| proof.head.position += 1), ProofError::Chain);
    assert_eq!(refused(|proof| proof.head = next), ProofError::StateOfMinority);
    assert_eq!(refused(|proof| proof.head.chain[31] ^= 1), ProofError::Chain);
    let both = refused(|proof| {
        proof.head.chain[31] ^= 1;
        proof.start.chain[31] ^= 1;
    });
    assert_eq!(both, ProofError::LogOfMinority);
    assert_eq!(refused(|proof| proof.leaves[0][0] ^= 1), ProofError::LogOfMinority);
}

#[test]
fn counts_no_header_that_names_another_chain() {
    let mut other = story(AT).at(AT + 5);
    other.chain[0] ^= 1;

    let refused = refused(|proof| {
        proof.headers.retain(|signed| signed.header.slot.hub != trial::hub_id(3));
        proof.headers.push(header(3, 33, other, announced()));
    });

    assert_eq!(refused, ProofError::LogOfMinority);
}

#[test]
fn refuses_a_rest_of_the_batch_that_is_not_the_logs() {
    assert_eq!(refused(|proof| proof.rest[0].push(0)), ProofError::Rest);
    assert_eq!(refused(|proof| proof.rest.swap(1, 2)), ProofError::Rest);
    // Cut off, the last would be an entry of the batch; empty, there would be no end.
    assert_eq!(refused(|proof| proof.rest.truncate(REST)), ProofError::Rest);
    assert_eq!(refused(|proof| proof.rest.clear()), ProofError::Form);
    let longer = refused(|proof| {
        let story = story(AT);
        proof.rest.push(story.entries[REST + 1].clone());
        let reach = usize::try_from(story.head().position - AT).expect("small");
        proof.leaves = story.entries[..reach].iter().map(|entry| (FORM.leaf)(entry)).collect();
        for (hub, key) in [(0, 0), (1, 1), (3, 33)] {
            proof.headers.push(header(hub, key, story.head(), announced()));
        }
    });
    assert_eq!(longer, ProofError::Rest);
}

#[test]
fn holds_the_log_against_the_head_that_was_told() {
    let story = story(AT - 12);
    let last = story.head().position;
    for told in [AT - 12, AT - 3, AT, AT + 1, last] {
        let proof = story.prove(told).expect("enough");

        let right = story.at(told);
        let proven = proof.clone().verify(&genesis(), Some(&right), &FORM);
        assert!(proven.is_ok(), "{told}: {proven:?}");
        let wrong = AppliedHead { chain: [0; 32], ..right };
        let refused = proof.verify(&genesis(), Some(&wrong), &FORM);
        assert_eq!(refused, Err(ProofError::OtherHead(told)));
    }
    for outside in [AT - 13, last + 1] {
        let told = AppliedHead { position: outside, chain: [0; 32] };
        let refused = story.prove(0).expect("enough").verify(&genesis(), Some(&told), &FORM);
        assert_eq!(refused, Err(ProofError::HeadNotShown(outside)));
    }
    assert!(story.prove(last + 1).is_none(), "the copy does not reach the told head");
}

#[test]
fn refuses_more_than_it_may_have() {
    let many =
        refused(|proof| proof.headers = vec![proof.headers[0].clone(); PROOF_HEADERS_MAX + 1]);
    let long = refused(|proof| proof.leaves.resize(LEAVES_MAX + 1, [0; 32]));
    let rest = refused(|proof| {
        proof.rest = vec![Vec::new(); REST_ENTRIES_MAX + 1];
        proof.leaves.resize(REST_ENTRIES_MAX + 1, [0; 32]);
    });
    let far = refused(|proof| proof.start.position = u64::MAX);

    assert_eq!([many, long, rest, far], [const { ProofError::Form }; 4]);
    let mut proof = proof();
    proof.leaves.resize(LEAVES_MAX, [0; 32]);
    assert!(proof.verify(&genesis(), None, &FORM).is_ok(), "as many as there may be");
}

#[test]
fn makes_no_proof_of_what_was_let_go_or_of_no_batch() {
    let story = story(AT);
    let mut gone = story.builder(story.at(AT), 0);
    let mut endless = story.builder(story.at(AT), 0);
    let flight = trial::flight(1);

    assert!(!gone.take((FORM.leaf)(&flight), None, &FORM));
    assert!(gone.finish().is_none());
    let taken = (0..=REST_ENTRIES_MAX)
        .take_while(|_| endless.take((FORM.leaf)(&flight), Some(&flight), &FORM));
    assert_eq!(taken.count(), REST_ENTRIES_MAX);
    assert!(endless.finish().is_none());
}
