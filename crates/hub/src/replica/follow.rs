//! The thread that applies the log to the states and answers whoever waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use airspace::{Decision, Outcome, Retry};
use borsh::BorshDeserialize;
use log::{Committed, FollowError, Follower, Head, Log, LogError, Position, Ticket};

use super::snapshots::Snapshotter;
use super::states::{self, Applied, ApplyError, Parsed};
use super::waiters::Answer;
use super::{Progress, ReplicaError, Shared, SubmitError};

/// How many entries are applied under one lock: readers get in between.
pub const APPLY_BATCH_MAX: usize = 256;

/// Why the state cannot follow the log.
#[derive(Debug, thiserror::Error)]
enum StopError {
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error("the outcomes of commands cannot be kept: {0}")]
    Outcomes(LogError),
    #[error("the log cannot be followed: {0}")]
    Log(LogError),
}

struct Following {
    shared: Arc<Shared>,
    snapshotter: Snapshotter,
    /// The position of the last snapshot that was asked for.
    snapshot_at: u64,
}

/// Starts the thread; it ends when the log is closed or cannot be followed.
pub(super) fn start(shared: &Arc<Shared>, after: Head) -> Result<JoinHandle<()>, ReplicaError> {
    let follower = shared.log.follow(after.position).map_err(ReplicaError::Follow)?;
    let snapshotter = Snapshotter::start(Arc::clone(&shared.log)).map_err(ReplicaError::Thread)?;
    let snapshot_at = after.position.number();
    let mut following = Following { shared: Arc::clone(shared), snapshotter, snapshot_at };
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
            for part in batch.chunks(APPLY_BATCH_MAX) {
                self.apply(part)?;
            }
            self.take_snapshot();
        }
    }

    fn apply(&self, batch: &[Committed]) -> Result<(), StopError> {
        let mut parsed = Vec::with_capacity(batch.len());
        for committed in batch {
            parsed.push(states::parse(committed.position, &committed.entry)?);
        }
        let mut applied = Vec::with_capacity(batch.len());
        let mut states = self.shared.states.write().expect("no other thread writes");
        for (committed, parsed) in batch.iter().zip(&parsed) {
            applied.push(states.apply(committed, parsed));
        }
        let clock = states.airspace.clock();
        drop(states);
        if let Some(last) = batch.last() {
            let head = Head { position: last.position, chain: last.chain };
            self.shared.progress.send_replace(Progress { head, clock });
        }
        self.answer(batch, &parsed, applied)
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
        let outcomes = self.shared.log.outcomes();
        let mut kept = Ok(());
        if !forgotten.is_empty() {
            let positions: Vec<Position> =
                forgotten.iter().filter_map(|number| Position::new(*number)).collect();
            kept = outcomes.forget(&positions);
        }
        if let Some(outcome) = outcome {
            let bytes = borsh::to_vec(outcome).expect("writing to memory does not fail");
            kept = kept.and_then(|()| outcomes.keep(position, bytes));
        }
        match kept {
            // The log is closing: the next start makes them anew from the same entries.
            Ok(()) | Err(LogError::Closed) => Ok(()),
            Err(error) => Err(StopError::Outcomes(error)),
        }
    }

    /// Holds nobody up for long: copying the state's pages takes milliseconds, writing is beside.
    fn take_snapshot(&mut self) {
        let head = self.shared.progress.borrow().head;
        let since = head.position.number() - self.snapshot_at;
        if since < self.shared.options.snapshot_entries || !self.snapshotter.is_idle() {
            return;
        }
        let frozen = self.shared.states().frozen();
        self.snapshotter.take(head, frozen);
        self.snapshot_at = head.position.number();
    }
}

impl Parsed {
    fn retry(&self) -> Option<&Retry> {
        match self {
            Parsed::Command(command) => command.retry.as_ref(),
            Parsed::Declaration(_) => None,
        }
    }
}

impl Shared {
    /// Returns the outcome that was kept for the command at `first`.
    pub(super) fn kept_outcome(&self, first: u64) -> Result<Outcome, SubmitError> {
        let position = Position::new(first).ok_or(SubmitError::OutcomeForgotten)?;
        let bytes = self.log.outcomes().find(position).map_err(|error| {
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
