//! Every decision and everything that can be read is as the model has it.

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
