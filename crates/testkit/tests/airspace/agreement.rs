//! Every decision and everything that can be read is as the model has it.

use proptest::collection::vec;
use proptest::sample::select;
use testkit::commands::steps;

use crate::check;
use crate::pair::Pair;

#[test]
fn decides_and_shows_what_the_model_does() {
    check(6000, &steps(1..=40), |steps| {
        let mut pair = Pair::default();
        for step in &steps {
            pair.apply(step)?;
            pair.look(step)?;
        }
        pair.check_state()?;
        pair.look_everywhere(&steps[steps.len() - 1])
    });
}

#[test]
fn decides_what_the_model_does_when_the_clock_is_not_the_proposers() {
    const STEPS_MAX: usize = 40;
    const MINUTE: i64 = 60_000_000;
    // An hour apart, at the edges of what may be early or late, and close together.
    let apart = [-60 * MINUTE, -5 * MINUTE, -1_500_000, -1, 0, 1, 5 * MINUTE, 60 * MINUTE];
    let apart = vec(select(apart.to_vec()), STEPS_MAX);
    check(2000, &(steps(1..=STEPS_MAX), apart), |(steps, apart)| {
        let mut pair = Pair::default();
        for (step, micros) in steps.iter().zip(apart) {
            pair.apply_apart(step, micros)?;
            pair.look(step)?;
        }
        pair.check_state()
    });
}

#[test]
fn decides_what_the_model_does_in_long_sequences() {
    check(80, &steps(400..=500), |steps| {
        let mut pair = Pair::default();
        for step in &steps {
            pair.apply(step)?;
            pair.look(step)?;
        }
        pair.check_state()
    });
}
