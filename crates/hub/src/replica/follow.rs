//! The thread that applies the log to the states and answers whoever waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use airspace::{Decision, Outcome, Retry};
use borsh::BorshDeserialize;
use log::{Committed, FollowError, Follower, Hash, Head, LogError, Position, Ticket};
use pool::{Effect, Standing};

use super::agreement::{HeardBatch, STATE_HASH_ENTRIES};
use super::replay;
use super::snapshots::Snapshotter;
use super::states::{self, Applied, ApplyError, Parsed, States};
use super::waiters::Answer;
use super::{Member, Progress, ReplicaError, Shared, SubmitError};

/// How many bytes an outcome may have to be kept for the answer to a repeated request.
///
/// A longer one lists hundreds of entities; whoever lost that answer asks for what is there. So a
/// party's [`airspace::KEPT_OUTCOMES_PER_PARTY_MAX`] outcomes cannot fill a disk.
pub const KEPT_OUTCOME_BYTES_MAX: usize = 256 * 1024;

/// How many entries are applied under one lock: readers get in between.
pub const APPLY_BATCH_MAX: usize = 256;

/// Why the state cannot follow the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum StopError {
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error("the outcomes of commands cannot be kept: {0}")]
    Outcomes(LogError),
    #[error("the log cannot be followed: {0}")]
    Log(LogError),
    #[error("the snapshots cannot be read: {0}")]
    Snapshots(#[from] ReplicaError),
    #[error(
        "the copy of the pool's log is another at position {0} than what was followed; make a new \
         one from another hub with `tansiq pool join`"
    )]
    CopyDiffers(Position),
    #[error(
        "most hubs of the pool differ from this one, also after it replayed its copy of the log at \
         position {0}: compare with the other owners, and make a new copy with `tansiq pool join`"
    )]
    Minority(Position),
    #[error(
        "the log of the pool has another chain at position {0} than pool.newcomer.head says: this is \
         not the log whose head the owners have told; compare with them before anything else"
    )]
    OtherHead(Position),
}

struct Following {
    shared: Arc<Shared>,
    snapshotter: Snapshotter,
    head: Head,
    /// The position of the last snapshot that was asked for.
    snapshot_at: u64,
}

/// Starts the thread; it ends when the log is closed or cannot be followed.
pub(super) fn start(shared: &Arc<Shared>, after: Head) -> Result<JoinHandle<()>, ReplicaError> {
    let follower = shared.log.follow(after.position).map_err(ReplicaError::Follow)?;
    let snapshotter = Snapshotter::start(Arc::clone(&shared.copy)).map_err(ReplicaError::Thread)?;
    let snapshot_at = after.position.number();
    let mut following =
        Following { shared: Arc::clone(shared), snapshotter, head: after, snapshot_at };
    thread::Builder::new()
        .name("replica".to_owned())
        .spawn(move || following.run(follower))
        .map_err(ReplicaError::Thread)
}

impl Following {
    fn run(&mut self, mut follower: Follower) {
        // A panic here is a bug in the rules: the state is then not one of the log's.
        let ended = catch_unwind(AssertUnwindSafe(|| self.follow(follower.as_mut())));
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.shared.fail(&error.to_string()),
            Err(_) => self.shared.fail("applying an entry of the log panicked: a bug"),
        }
        self.shared.waiters.clear();
    }

    fn follow(&mut self, follower: &mut dyn log::Follow) -> Result<(), StopError> {
        loop {
            let batch = match follower.next_batch() {
                Ok(batch) => batch,
                Err(FollowError::Closed) => return Ok(()),
                Err(FollowError::Log(error)) => return Err(StopError::Log(error)),
            };
            let mut rest = &batch[..];
            while let [first, ..] = rest {
                let (part, after) = rest.split_at(part_length(first.position, rest.len()));
                rest = after;
                self.apply(part)?;
                self.take_snapshot();
            }
        }
    }

    fn apply(&mut self, batch: &[Committed]) -> Result<(), StopError> {
        let mut parsed = Vec::with_capacity(batch.len());
        for committed in batch {
            parsed.push(states::parse(committed.position, &committed.entry)?);
        }
        let mut applied = Vec::with_capacity(batch.len());
        let mut states = self.shared.states.write().expect("no other thread writes");
        for (committed, parsed) in batch.iter().zip(&parsed) {
            applied.push(apply(&mut states, &mut self.head, committed, parsed)?);
        }
        let state_hash = state_hash(&mut states, self.head);
        let clock = states.clock();
        drop(states);
        if let Some(last) = batch.last() {
            let (head, stamp) = (self.head, last.entry.stamp);
            self.shared.progress.send_replace(Progress { head, clock, stamp });
        }
        let shared = Arc::clone(&self.shared);
        if let Some(member) = &shared.member {
            let batches = heard_batches(batch, &parsed, &applied);
            self.agree(member, batch, &batches, state_hash)?;
        }
        self.answer(batch, &parsed, applied)
    }

    /// Says how far this hub has come, and compares what others say of themselves.
    fn agree(
        &self,
        member: &Member,
        applied: &[Committed],
        batches: &[HeardBatch<'_>],
        state_hash: Option<Hash>,
    ) -> Result<(), StopError> {
        let states = self.shared.states();
        let Some(pool) = states.pool.pool() else { return Ok(()) };
        let now = self.shared.options.clock.now();
        let mut agreement = member.agreement();
        for committed in applied {
            let Committed { position, chain, .. } = *committed;
            let head = Head { position, chain };
            if member.is_other_than_told(head) {
                return Err(StopError::OtherHead(position));
            }
            agreement.reach(head);
        }
        if let Some(hash) = state_hash {
            agreement.take_state_hash(hash);
        }
        for batch in batches {
            agreement.hear_batch(pool, batch, now);
        }
        let standing = agreement.settle(pool);
        member.testify(&mut agreement);
        let (head, state) = agreement.own_head();
        drop((agreement, states));
        member.engine.announce(head, state);
        if standing == Standing::Minority { self.heal(member) } else { Ok(()) }
    }

    /// Replays this hub's own copy: a flipped bit heals, and whatever does not ends the hub.
    fn heal(&self, member: &Member) -> Result<(), StopError> {
        let (replayed, history) = replay::replay(&self.shared.copy, self.head)?;
        let mut states = self.shared.states.write().expect("no other thread writes");
        *states = replayed;
        let mut agreement = member.agreement();
        let pool = states.pool.pool().expect("the log is a pool's");
        let standing = agreement.begin_anew(history, pool);
        let (head, state) = agreement.own_head();
        drop((agreement, states));
        if standing == Standing::Minority {
            return Err(StopError::Minority(self.head.position));
        }
        tracing::warn!(log.position = %self.head.position, "the copy of the log was replayed");
        member.engine.announce(head, state);
        Ok(())
    }

    /// Keeps the outcomes that a client may ask for again, then answers who waits.
    fn answer(
        &self,
        batch: &[Committed],
        parsed: &[Parsed],
        applied: Vec<Applied>,
    ) -> Result<(), StopError> {
        let mut answers: Vec<(Ticket, Answer)> = Vec::with_capacity(batch.len());
        for ((committed, parsed), applied) in batch.iter().zip(parsed).zip(applied) {
            let answer = match applied {
                Applied::Declared => Answer::Declared,
                Applied::Decided(Decision::Decided { outcome, forgotten }) => {
                    let keep = parsed.retry().is_some().then_some(&outcome);
                    self.keep(committed.position, keep, &forgotten)?;
                    Answer::Decided(outcome)
                }
                Applied::Decided(Decision::Repeat { first }) => Answer::Repeat { first },
                Applied::Decided(Decision::KeyReused) => Answer::KeyReused,
                Applied::Pool(effect) => Answer::Changed(effect),
                Applied::Void(void) => Answer::Void(void),
            };
            answers.extend(committed.ticket.map(|ticket| (ticket, answer)));
        }
        self.shared.waiters.answer(answers);
        Ok(())
    }

    /// Durable by the next commit; until then the log has what it is made from.
    fn keep(
        &self,
        position: Position,
        outcome: Option<&Outcome>,
        forgotten: &[u64],
    ) -> Result<(), StopError> {
        let outcomes = self.shared.copy.outcomes();
        let mut kept = Ok(());
        if !forgotten.is_empty() {
            let positions: Vec<Position> =
                forgotten.iter().filter_map(|number| Position::new(*number)).collect();
            kept = outcomes.forget(&positions);
        }
        if let Some(outcome) = outcome {
            let bytes = borsh::to_vec(outcome).expect("writing to memory does not fail");
            if bytes.len() <= KEPT_OUTCOME_BYTES_MAX {
                kept = kept.and_then(|()| outcomes.keep(position, bytes));
            }
        }
        match kept {
            // The log is closing: the next start makes them anew from the same entries.
            Ok(()) | Err(LogError::Closed) => Ok(()),
            Err(error) => Err(StopError::Outcomes(error)),
        }
    }

    /// Holds nobody up for long: copying the state's pages takes milliseconds, writing is beside.
    ///
    /// In a pool it is taken where all hubs name their states, so that others can tell a good one.
    fn take_snapshot(&mut self) {
        let position = self.head.position.number();
        let since = position - self.snapshot_at;
        if since < self.shared.options.snapshot_entries || !self.snapshotter.is_idle() {
            return;
        }
        let round = snapshot_round(self.shared.options.snapshot_entries);
        if self.shared.member.is_some() && !position.is_multiple_of(round) {
            return;
        }
        let frozen = self.shared.states().frozen();
        self.snapshotter.take(self.head, frozen);
        self.snapshot_at = position;
    }
}

impl Parsed {
    fn retry(&self) -> Option<&Retry> {
        match self {
            Parsed::Command(command) => command.retry.as_ref(),
            Parsed::Declaration(_) | Parsed::Pool(_) | Parsed::Malformed(_) => None,
        }
    }
}

impl Shared {
    /// Returns the outcome that was kept for the command at `first`.
    pub(super) fn kept_outcome(&self, first: u64) -> Result<Outcome, SubmitError> {
        let position = Position::new(first).ok_or(SubmitError::OutcomeForgotten)?;
        let bytes = self.copy.outcomes().find(position).map_err(|error| {
            tracing::error!(%error, log.position = first, "a kept outcome cannot be read");
            SubmitError::OutcomeForgotten
        })?;
        let bytes = bytes.ok_or(SubmitError::OutcomeForgotten)?;
        Outcome::try_from_slice(&bytes).map_err(|error| {
            tracing::error!(%error, log.position = first, "a kept outcome is damaged");
            SubmitError::OutcomeForgotten
        })
    }
}

/// Applies the entry after `head` and moves `head` to it.
pub(super) fn apply(
    states: &mut States,
    head: &mut Head,
    committed: &Committed,
    parsed: &Parsed,
) -> Result<Applied, ApplyError> {
    let applied = states.apply(head.chain, committed, parsed)?;
    *head = Head { position: committed.position, chain: committed.chain };
    Ok(applied)
}

/// Returns the hash of the states where the hubs of a pool compare them.
pub(super) fn state_hash(states: &mut States, head: Head) -> Option<Hash> {
    let compared = is_compared_at(head.position.number()) && states.pool.pool().is_some();
    compared.then(|| states.hash())
}

/// Returns how many of `there` entries from `first` on are applied together: no more than up to
/// where the hubs of a pool compare their states.
fn part_length(first: Position, there: usize) -> usize {
    let until_compared = STATE_HASH_ENTRIES - (first.number() - 1) % STATE_HASH_ENTRIES;
    let until_compared = usize::try_from(until_compared).expect("it is small");
    there.min(APPLY_BATCH_MAX).min(until_compared)
}

/// Returns of what a position is a multiple at which a hub of a pool takes snapshots: a power of two
/// that is small beside what is between them, so that hubs with other settings take theirs there too.
fn snapshot_round(snapshot_entries: u64) -> u64 {
    let small = (snapshot_entries / 8).max(STATE_HASH_ENTRIES);
    1 << small.ilog2()
}

fn is_compared_at(position: u64) -> bool {
    position.is_multiple_of(STATE_HASH_ENTRIES)
}

/// Returns the batches of hubs among entries that were applied, each as it says.
fn heard_batches<'a>(
    batch: &[Committed],
    parsed: &'a [Parsed],
    applied: &'a [Applied],
) -> Vec<HeardBatch<'a>> {
    let mut heard = Vec::new();
    for ((committed, parsed), applied) in batch.iter().zip(parsed).zip(applied) {
        if let (Parsed::Pool(command), Applied::Pool(Effect::Placed { hub, apart_us })) =
            (parsed, applied)
            && let pool::Command::Placed(placed) = &**command
        {
            let (position, report) = (committed.position.number(), &placed.header.report);
            heard.push(HeardBatch { hub, position, report, apart_us: *apart_us });
        }
    }
    heard
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applies_no_further_at_once_than_to_where_states_are_compared() {
        let length = |first: u64, there| part_length(Position::new(first).expect("small"), there);

        assert_eq!(length(1, 1_000), 256);
        assert_eq!(length(2, 1_000), 255);
        assert_eq!(length(256, 1_000), 1);
        assert_eq!(length(257, 1_000), 256);
        assert_eq!(length(257, 3), 3);
    }

    #[test]
    fn takes_snapshots_at_round_positions_where_states_are_compared() {
        for (entries, round) in [(1, 256), (2_047, 256), (4_096, 512), (100_000, 8_192)] {
            assert_eq!(snapshot_round(entries), round, "{entries}");
            assert!(is_compared_at(round));
        }
    }
}
