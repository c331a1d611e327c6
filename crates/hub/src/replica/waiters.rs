//! Who waits for the decision on which entry.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use airspace::Outcome;
use log::Ticket;
use pool::Effect;
use tokio::sync::oneshot;

use super::states::Void;

/// What the state says to an entry.
#[derive(Debug)]
pub(super) enum Answer {
    /// It was decided now.
    Decided(Outcome),
    /// The same request was decided before, at this position.
    Repeat {
        /// Where.
        first: u64,
    },
    /// Its key was used for another request.
    KeyReused,
    /// It was a declaration, and is taken in.
    Declared,
    /// It was a change of the pool, and has done this.
    Changed(Effect),
    /// It has no effect.
    Void(Void),
}

/// Who waits for what.
#[derive(Debug, Default)]
pub(super) struct Waiters(Mutex<HashMap<Ticket, oneshot::Sender<Answer>>>);

impl Waiters {
    /// Returns where the answer to `ticket` will arrive.
    pub(super) fn expect(&self, ticket: Ticket) -> oneshot::Receiver<Answer> {
        let (sender, receiver) = oneshot::channel();
        self.lock().insert(ticket, sender);
        receiver
    }

    /// Expects no answer to `ticket` any more.
    pub(super) fn forget(&self, ticket: Ticket) {
        self.lock().remove(&ticket);
    }

    /// Hands out answers; whoever is gone does not hear them.
    pub(super) fn answer(&self, answers: Vec<(Ticket, Answer)>) {
        let mut ready = Vec::with_capacity(answers.len());
        let mut waiting = self.lock();
        for (ticket, answer) in answers {
            ready.extend(waiting.remove(&ticket).map(|sender| (sender, answer)));
        }
        drop(waiting);
        for (sender, answer) in ready {
            let _ = sender.send(answer);
        }
    }

    /// Gives up on all answers: nobody will hand them out.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Ticket, oneshot::Sender<Answer>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
