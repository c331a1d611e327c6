use proptest::prelude::*;
use spacetime::Timestamp;

use super::*;
use crate::trial;

fn slot(sequence: u64) -> Slot {
    let pool = trial::genesis(1, 1, 1).fingerprint();
    Slot { pool, epoch: 1, hub: trial::hub_id(0), sequence, previous: [3; 32] }
}

fn report() -> Report {
    Report {
        applied: AppliedHead { position: 9, chain: [4; 32] },
        state: Some(StateHash { position: 8, hash: [5; 32] }),
        stamp: trial::at(1),
        rules: trial::rules(),
    }
}

fn batch(entries: Vec<Vec<u8>>) -> Batch {
    Batch::sign(slot(7), report(), entries, &trial::key(0)).expect("small")
}

#[test]
fn is_what_the_form_says() {
    let batch = batch(vec![vec![0xaa], vec![]]);
    let header = to_bytes(batch.header());

    let expected =
        [&[1][..], &header, &[1, 0, 0, 0, 0xaa], &[0, 0, 0, 0], batch.signature().as_bytes()];
    assert_eq!(batch.to_bytes(), expected.concat());
    assert_eq!(&header[32..36], [1, 0, 0, 0], "the epoch follows the pool");
    assert_eq!(Batch::from_bytes(&batch.to_bytes()), Ok(batch));
}

#[test]
fn is_put_together_again_from_what_the_log_keeps() {
    let batch = batch(vec![vec![1, 2], vec![3]]);
    let bytes = batch.to_bytes();
    let (header, entries, signature) = batch.into_parts();

    let rebuilt = Batch::rebuild(header.clone(), entries.clone(), signature);
    assert_eq!(rebuilt.map(|batch| batch.to_bytes()), Ok(bytes));
    for other in [vec![vec![1], vec![2, 3]], vec![vec![3], vec![1, 2]], vec![vec![1, 2]], vec![]] {
        let rebuilt = Batch::rebuild(header.clone(), other, signature);
        assert_eq!(rebuilt, Err(BatchError::Entries));
    }
}

#[test]
fn names_its_signature_in_its_hash() {
    let batch = batch(vec![]);
    let (header, _, _) = batch.clone().into_parts();

    let other = header.batch_hash(&Signature::from_bytes([0; 64]));

    assert_eq!(batch.hash(), header.batch_hash(batch.signature()));
    assert_ne!(batch.hash(), other);
}

#[test]
fn has_as_many_bytes_as_it_may_and_no_more() {
    let key = trial::key(0);
    let fixed = batch(vec![vec![]]).to_bytes().len();
    let largest = vec![vec![7; BATCH_BYTES_MAX - fixed]];

    let made = Batch::sign(slot(1), report(), largest.clone(), &key).expect("just small enough");
    assert_eq!(made.to_bytes().len(), BATCH_BYTES_MAX);
    assert_eq!(Batch::from_bytes(&made.to_bytes()), Ok(made));
    let larger = vec![vec![7; BATCH_BYTES_MAX - fixed + 1]];
    assert_eq!(Batch::sign(slot(1), report(), larger, &key), Err(BatchError::TooLarge));
    let huge = vec![vec![7; BATCH_BYTES_MAX + 1]];
    assert_eq!(Batch::sign(slot(1), report(), huge, &key), Err(BatchError::TooLarge));
    assert_eq!(Batch::from_bytes(&vec![1; BATCH_BYTES_MAX + 1]), Err(BatchError::TooLarge));
}

#[test]
fn has_as_many_entries_as_it_may_and_no_more() {
    let most = batch(vec![vec![]; ENTRIES_PER_BATCH_MAX]);
    assert_eq!(Batch::from_bytes(&most.to_bytes()), Ok(most.clone()));

    let more = vec![vec![]; ENTRIES_PER_BATCH_MAX + 1];
    let refused = Batch::sign(slot(1), report(), more.clone(), &trial::key(0));
    assert_eq!(refused, Err(BatchError::TooManyEntries));
    let (mut header, _, signature) = most.into_parts();
    header.contents = Contents::of(&more).expect("small");
    let forged = Batch { header, entries: more, signature };
    assert_eq!(Batch::from_bytes(&forged.to_bytes()), Err(BatchError::TooManyEntries));
}

#[test]
fn knows_how_many_bytes_it_has_at_most() {
    let hub = HubId::new(&"h".repeat(HubId::LENGTH_MAX)).expect("a name");
    let rules = (0..16).map(|family| crate::Rule { family, version: 9 }).collect();
    let rules = Rules::new(rules).expect("valid");
    let (slot, report) = (Slot { hub, ..slot(u64::MAX) }, Report { rules, ..report() });
    let longest = Batch::sign(slot, report, vec![vec![1; 10], vec![2; 5]], &trial::key(0));
    let longest = longest.expect("small");

    assert_eq!(to_bytes(longest.header()).len(), HEADER_BYTES_MAX);
    assert_eq!(longest.to_bytes().len(), Batch::bytes_max(2, 15));
}

#[test]
fn refuses_a_count_that_nothing_follows() {
    let (mut header, entries, signature) = batch(vec![]).into_parts();
    header.contents.entries = u32::MAX;
    let forged = Batch { header, entries, signature };

    assert_eq!(Batch::from_bytes(&forged.to_bytes()), Err(BatchError::TooManyEntries));
    assert_eq!(Batch::from_bytes(&[]), Err(BatchError::Malformed));
    assert_eq!(Batch::from_bytes(&[2, 0]), Err(BatchError::UnknownForm(2)));
}

fn stamps() -> impl Strategy<Value = Timestamp> {
    (Timestamp::MIN.as_micros()..=Timestamp::MAX.as_micros())
        .prop_map(|micros| Timestamp::from_micros(micros).expect("in range"))
}

proptest! {
    #[test]
    fn comes_back_as_it_was(
        entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20),
        sequence: u64,
        position: u64,
        hash: [u8; 32],
        stamp in stamps(),
        with_state: bool,
    ) {
        let applied = AppliedHead { position, chain: hash };
        let state = with_state.then_some(StateHash { position, hash });
        let report = Report { applied, state, stamp, rules: trial::rules() };
        let slot = Slot { previous: hash, ..slot(sequence) };
        let made = Batch::sign(slot, report, entries, &trial::key(0)).expect("small");

        let read = Batch::from_bytes(&made.to_bytes());

        prop_assert_eq!(read.as_ref(), Ok(&made));
        prop_assert!(made.verify(&trial::key(0).public_key()));
        prop_assert!(!made.verify(&trial::key(1).public_key()));
    }

    #[test]
    fn is_never_signed_after_any_byte_was_changed(
        entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..5),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
        more in prop::collection::vec(any::<u8>(), 0..3),
    ) {
        let made = batch(entries);
        let mut bytes = made.to_bytes();
        for (index, mask) in changes {
            let index = index.index(bytes.len());
            bytes[index] ^= mask;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes.extend(more);
        prop_assume!(bytes != made.to_bytes());

        if let Ok(read) = Batch::from_bytes(&bytes) {
            prop_assert!(!read.verify(&trial::key(0).public_key()));
            prop_assert_eq!(read.to_bytes(), bytes);
        }
    }

    #[test]
    fn is_not_made_of_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let with_form = [&[1], &bytes[..]].concat();
        for bytes in [bytes, with_form] {
            if let Ok(read) = Batch::from_bytes(&bytes) {
                prop_assert!(!read.verify(&trial::key(0).public_key()));
            }
        }
    }
}
