//! Outcomes on their way to the disk.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use super::{OUTCOME_COST, OUTCOME_RETRY, OUTCOMES_BYTES_MAX, Outcome, Shared};
use crate::{LogError, Position};

/// Outcomes on their way to the disk; `None` takes one away.
#[derive(Default)]
pub(super) struct Outcomes {
    waiting: BTreeMap<Position, Outcome>,
    writing: Arc<BTreeMap<Position, Outcome>>,
    pub(super) bytes: usize,
    /// How many changes were ever asked for, and how many of the first of these are durable.
    asked: u64,
    durable: u64,
    taken: u64,
    pub(super) write_asked: bool,
    failures: u64,
}

impl Shared {
    /// Takes a change of an outcome; waits while too many bytes of them wait.
    pub(crate) fn change_outcome(
        &self,
        position: Position,
        outcome: Outcome,
    ) -> Result<(), LogError> {
        let cost = cost_of(&outcome);
        let mut state = self.lock();
        while state.usable().is_ok() && state.outcomes.is_full_for(cost) {
            // The writer does not try again by itself after the disk was full.
            state.outcomes.write_asked = true;
            self.work.notify_one();
            (state, _) = self
                .written
                .wait_timeout(state, OUTCOME_RETRY)
                .expect("nobody panics while holding this lock");
        }
        state.usable()?;
        state.outcomes.add(position, outcome);
        if OUTCOMES_BYTES_MAX / 2 <= state.outcomes.bytes {
            state.outcomes.write_asked = true;
            self.work.notify_one();
        }
        Ok(())
    }

    /// Returns an outcome on its way to the disk: `Some(None)` when it is to go.
    pub(crate) fn find_outcome(&self, position: Position) -> Option<Outcome> {
        let state = self.lock();
        let outcomes = &state.outcomes;
        outcomes.waiting.get(&position).or_else(|| outcomes.writing.get(&position)).cloned()
    }

    /// Waits until every change of an outcome that was asked for is durable; `false` when it could
    /// not be written.
    pub(crate) fn flush_outcomes(&self) -> Result<bool, LogError> {
        let mut state = self.lock();
        state.usable()?;
        let (asked, failures) = (state.outcomes.asked, state.outcomes.failures);
        state.outcomes.write_asked = true;
        self.work.notify_one();
        let state = self
            .written
            .wait_while(state, |state| {
                state.running()
                    && state.outcomes.durable < asked
                    && state.outcomes.failures == failures
            })
            .expect("nobody panics while holding this lock");
        if asked <= state.outcomes.durable {
            return Ok(true);
        }
        state.usable()?;
        Ok(false)
    }
}

impl Outcomes {
    fn is_full_for(&self, cost: usize) -> bool {
        self.bytes != 0 && OUTCOMES_BYTES_MAX < self.bytes + cost
    }

    fn add(&mut self, position: Position, outcome: Outcome) {
        self.bytes += cost_of(&outcome);
        self.asked += 1;
        if let Some(replaced) = self.waiting.insert(position, outcome) {
            self.bytes -= cost_of(&replaced);
        }
    }

    pub(super) fn take(&mut self) -> Arc<BTreeMap<Position, Outcome>> {
        self.write_asked = false;
        self.taken = self.asked;
        self.writing = Arc::new(mem::take(&mut self.waiting));
        Arc::clone(&self.writing)
    }

    pub(super) fn written(&mut self) {
        let writing = mem::take(&mut self.writing);
        self.bytes -= writing.values().map(cost_of).sum::<usize>();
        self.durable = self.taken;
    }

    pub(super) fn not_written(&mut self) {
        let writing = mem::take(&mut self.writing);
        for (position, outcome) in writing.iter() {
            let cost = cost_of(outcome);
            if self.waiting.contains_key(position) {
                self.bytes -= cost;
            } else {
                self.waiting.insert(*position, outcome.clone());
            }
        }
        self.failures += 1;
    }
}

fn cost_of(outcome: &Outcome) -> usize {
    OUTCOME_COST + outcome.as_ref().map_or(0, |bytes| bytes.len())
}
