//! Remembers which requests with an `Idempotency-Key` were decided, and where.
//!
//! The outcomes themselves are kept beside the log; the state knows their positions, so that all
//! hubs agree on what is a repeat.

use std::time::Duration;

use spacetime::Timestamp;

use crate::state::State;
use crate::table::{Hash, Slot};
use crate::{Decision, Party, Retry};

/// How long an outcome is kept.
pub const OUTCOME_KEPT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How many outcomes of one party are kept; the one with the lowest position goes first.
pub const KEPT_OUTCOMES_PER_PARTY_MAX: usize = 10_000;

/// How many outcomes that are too old one entry forgets at most.
pub const FORGOTTEN_PER_ENTRY_MAX: usize = 64;

/// A request that was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptOutcome {
    pub(crate) party: Party,
    pub(crate) key: Hash,
    pub(crate) fingerprint: Hash,
    pub(crate) position: u64,
    pub(crate) kept_at: Timestamp,
}

/// Finds what a retry repeats, if it repeats anything.
pub(crate) fn find(state: &State, party: &Party, retry: &Retry) -> Option<Decision> {
    let kept = state.kept_outcomes().record(&(party.clone(), retry.key))?;
    if is_too_old(state, kept) {
        return None;
    }
    if kept.fingerprint != retry.fingerprint {
        return Some(Decision::KeyReused);
    }
    Some(Decision::Repeat { first: kept.position })
}

/// Remembers that a request was decided at `position`; returns the positions to forget for it.
pub(crate) fn keep(state: &mut State, position: u64, party: &Party, retry: &Retry) -> Vec<u64> {
    let mut forgotten = Vec::new();
    if let Some(slot) = state.kept_outcomes().find(&(party.clone(), retry.key)) {
        forgotten.push(state.remove_kept_outcome(slot).position);
    }
    state.insert_kept_outcome(KeptOutcome {
        party: party.clone(),
        key: retry.key,
        fingerprint: retry.fingerprint,
        position,
        kept_at: state.clock(),
    });
    if let Some(slot) = surplus(state, party) {
        forgotten.push(state.remove_kept_outcome(slot).position);
    }
    forgotten
}

/// Forgets what is too old, lowest position first, at most [`FORGOTTEN_PER_ENTRY_MAX`].
pub(crate) fn forget_old(state: &mut State) -> Vec<u64> {
    let mut forgotten = Vec::new();
    while forgotten.len() < FORGOTTEN_PER_ENTRY_MAX
        && let Some(slot) = state.oldest_kept_outcome()
        && is_too_old(state, state.kept_outcomes().at(slot))
    {
        forgotten.push(state.remove_kept_outcome(slot).position);
    }
    forgotten
}

fn is_too_old(state: &State, kept: &KeptOutcome) -> bool {
    kept.kept_at.plus(OUTCOME_KEPT_MAX) <= state.clock()
}

fn surplus(state: &State, party: &Party) -> Option<Slot> {
    let key = state.parties().surplus_outcome(party, KEPT_OUTCOMES_PER_PARTY_MAX)?;
    state.kept_outcomes().find(&(party.clone(), key))
}
