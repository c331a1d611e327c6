//! Outcomes of commands with an `Idempotency-Key`, which are given again.

use airspace::{Command, Decision, Party, Retry};
use spacetime::Timestamp;

use super::{Model, OUTCOME_KEPT_MAX};

/// That a command was decided, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeptOutcome {
    party: Party,
    retry: Retry,
    position: u64,
    decided_at: Timestamp,
}

/// Answers a command whose key the same party has used in the last 24 hours.
pub(super) fn find_answer(model: &Model, command: &Command) -> Option<Decision> {
    let retry = command.retry?;
    for kept in &model.kept_outcomes {
        if kept.party == command.party && kept.retry.key == retry.key && !is_old(model, kept) {
            return Some(if kept.retry.fingerprint == retry.fingerprint {
                Decision::Repeat { first: kept.position }
            } else {
                Decision::KeyReused
            });
        }
    }
    None
}

/// Keeps that the command was decided, and returns the positions whose outcome is needed no more:
/// those of anybody that are too old, a bounded number at a time, then the oldest of the party if
/// it has too many.
///
/// Only an entry that is decided forgets, since a repeat has no place to say so.
pub(super) fn keep(model: &mut Model, position: u64, command: &Command) -> Vec<u64> {
    let old = model.kept_outcomes.iter().filter(|kept| is_old(model, kept));
    let mut forgotten: Vec<u64> =
        old.map(|kept| kept.position).take(airspace::FORGOTTEN_PER_ENTRY_MAX).collect();
    if let Some(retry) = command.retry {
        let party = command.party.clone();
        let mut of_party = model
            .kept_outcomes
            .iter()
            .filter(|kept| kept.party == party && !forgotten.contains(&kept.position));
        if of_party.clone().count() == airspace::KEPT_OUTCOMES_PER_PARTY_MAX {
            forgotten.extend(of_party.next().map(|oldest| oldest.position));
        }
        let decided_at = model.clock;
        model.kept_outcomes.push(KeptOutcome { party, retry, position, decided_at });
    }
    model.kept_outcomes.retain(|kept| !forgotten.contains(&kept.position));
    forgotten
}

fn is_old(model: &Model, kept: &KeptOutcome) -> bool {
    OUTCOME_KEPT_MAX <= model.clock.since(kept.decided_at)
}
