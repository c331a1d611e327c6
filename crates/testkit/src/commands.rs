//! Random sequences of commands that meet one another: few ids, parties, cells and heights, times
//! at each other's edges and at the edges of now and of what is kept.
//!
//! A sequence is drawn as a list of [`Step`]s, which say what they mean ("update the second one
//! with the OVN that it has", "at the end of the first one"), and become commands one after the
//! other against the [`Model`] that has applied those before. So most commands get as far as the
//! rule that they are about, and a shortened sequence still means something.

use airspace::{Command, Party};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use spacetime::Timestamp;

use crate::model::Model;

mod draw;
mod resolve;
mod step;

pub use draw::steps;
pub use resolve::{Resolver, entity_ids, remote_id_subscription_ids, subscription_ids};
pub use step::{
    Action, Asker, Bound, Choice, Elapse, ExtentPlan, FootprintPlan, ImportKind, ImportPlan,
    ImportedIntent, ImportedSubscription, KeyPlan, Look, Moment, NextOvnPlan, RetryPlan, Step,
    SubscriptionPlan, VersionPlan,
};

const PARTIES: [&str; 3] = ["uss1", "uss2", "authority"];

/// A command with its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its position; the first is 1.
    pub position: u64,
    /// Its proposer's time.
    pub stamp: Timestamp,
    /// The command.
    pub command: Command,
}

/// Returns the entries that `steps` mean.
pub fn play(steps: &[Step]) -> Vec<Entry> {
    let mut model = Model::default();
    let mut resolver = Resolver::default();
    let mut entries = Vec::new();
    for (step, position) in steps.iter().zip(1..) {
        let (stamp, command) = resolver.resolve(&model, step);
        model.apply(position, stamp, &command);
        entries.push(Entry { position, stamp, command });
    }
    entries
}

/// Returns `length` entries; the same for the same seed.
pub fn from_seed(seed: u64, length: usize) -> Vec<Entry> {
    play(&steps_from_seed(seed, length))
}

/// Returns `length` steps; the same for the same seed.
pub fn steps_from_seed(seed: u64, length: usize) -> Vec<Step> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let drawn = steps(length..=length).new_tree(&mut runner).expect("nothing is filtered out");
    drawn.current()
}

/// Lists the parties of sequences.
pub fn parties() -> Vec<Party> {
    PARTIES.iter().map(|name| Party::new(name).expect("it is short")).collect()
}

/// Returns the party with this number; there are few.
pub fn party(number: u8) -> Party {
    let parties = parties();
    parties[usize::from(number) % parties.len()].clone()
}
