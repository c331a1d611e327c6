//! Commands as a hub of a pool may put them that is not what it should be: whatever can be read
//! can be decided, and no hub stops at it.

use airspace::{Command, State, Times};
use proptest::collection::vec;
use proptest::prelude::any;
use testkit::commands::{play, steps};

use crate::check;

const MUTATIONS_MAX: usize = 4;

#[test]
fn decides_whatever_can_be_read() {
    let mutations = vec((any::<u16>(), any::<u8>()), 1..=MUTATIONS_MAX);
    let cases = (steps(1..=30), vec(mutations, 30));
    check(2000, &cases, |(steps, mutations)| {
        let mut state = State::default();
        for (entry, mutations) in play(&steps).into_iter().zip(&mutations) {
            let mut bytes = entry.command.to_bytes();
            for (at, byte) in mutations {
                let length = bytes.len();
                bytes[usize::from(*at) % length] = *byte;
            }
            let times = Times { clock: entry.stamp, stamp: entry.stamp };
            for bytes in [bytes, entry.command.to_bytes()] {
                if let Ok(command) = Command::from_bytes(2, &bytes) {
                    state.apply(entry.position, times, &command);
                }
            }
        }
        state.hash();
        state.check().map_err(proptest::test_runner::TestCaseError::fail)
    });
}
