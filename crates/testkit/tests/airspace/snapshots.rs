//! A damaged snapshot is refused or shows by its hash, and never brings a hub down.

use airspace::State;
use testkit::commands::from_seed;

/// Long enough to hold some of everything, short enough to damage every byte of it.
const ENTRIES: usize = 60;

#[test]
fn a_flipped_bit_never_passes_unseen() {
    for seed in 0..4 {
        let (snapshot, hash) = snapshot(seed);
        for index in 0..snapshot.len() {
            let mut damaged = snapshot.clone();
            damaged[index] ^= 1 << (index % 8);

            let read = State::read(damaged.as_slice());

            let passes = read.is_ok_and(|mut state| state.hash() == hash);
            assert!(!passes, "seed {seed}: byte {index} of {} is not covered", snapshot.len());
        }
    }
}

#[test]
fn a_snapshot_cut_off_anywhere_is_refused() {
    for seed in 0..4 {
        let (snapshot, _) = snapshot(seed);
        for length in 0..snapshot.len() {
            let read = State::read(&snapshot[..length]);

            assert!(read.is_err(), "seed {seed}: {length} bytes of {}", snapshot.len());
        }
    }
}

#[test]
fn lengths_that_cannot_be_do_not_take_the_memory() {
    let (snapshot, _) = snapshot(1);
    for index in 0..snapshot.len() - 4 {
        let mut damaged = snapshot.clone();
        damaged[index..index + 4].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f]);

        // Whether it is refused is the matter of other tests; here it must only come back.
        drop(State::read(damaged.as_slice()));
    }
}

fn snapshot(seed: u64) -> (Vec<u8>, [u8; 32]) {
    let mut state = State::default();
    for entry in from_seed(seed, ENTRIES) {
        state.apply(entry.position, entry.stamp, &entry.command);
    }
    let mut snapshot = Vec::new();
    state.frozen().write(&mut snapshot).expect("a vector takes everything");
    (snapshot, state.hash())
}
