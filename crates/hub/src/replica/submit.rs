//! Puts commands into the log and waits for what they come to.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use airspace::{Command, Outcome, Party};
use log::{AppendError, Entry, Family, Proposer, Receipt, Ticket};
use pool::{Effect, Pool, SignedChange};
use tokio::sync::oneshot;

use super::declaration::Declaration;
use super::states::Void;
use super::waiters::Answer;
use super::{AIRSPACE_VERSION, HUB_VERSION, Replica, own_party};
use crate::admission::Denied;

/// At most how many bytes an entry has besides its command.
const ENTRY_COST_BYTES: usize = log::ENTRY_BYTES_MAX - log::COMMAND_BYTES_MAX;

/// A command was not decided.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// Too many commands wait. It is not and never will be in the log.
    #[error("too many commands wait; none of this one was done")]
    QueueFull,
    /// The disk is full. It is not and never will be in the log.
    #[error("the hub has no room on its disk; nothing was done")]
    NoSpace,
    /// The party has as much in the log's queue as one party may. Never in the log.
    #[error("this party has as many commands waiting as one party may; none of this one was done")]
    PartyShare,
    /// It is larger than an entry may be.
    #[error(
        "the request is larger than the {} bytes that the log takes of one; nothing was done: ask for \
         less, or with fewer keys",
        log::APPEND_BYTES_MAX
    )]
    TooLarge,
    /// The hub stops. It is not and never will be in the log.
    #[error("the hub is stopping; nothing was done")]
    Closed,
    /// The storage refused it before anything was written. It is not and never will be in the log.
    #[error("the hub could not write; nothing was done")]
    NotWritten,
    /// Clocks are apart. It is not and never will be in the log.
    #[error("the hub's clock cannot be trusted, so it takes no changes; nothing was done")]
    ClockApart,
    /// The pool could not be reached. It is not and never will be in the log.
    #[error("the pool's log cannot be reached; nothing was done")]
    Unreachable,
    /// The pool's etcd is full. It is not and never will be in the log.
    #[error(
        "the pool's etcd is full; nothing was done: `etcdctl compact`, `etcdctl defrag` and \
         `etcdctl alarm disarm` make room"
    )]
    PoolFull,
    /// The hub does not belong to the pool. It is not and never will be in the log.
    #[error("this hub is not admitted to the pool, or is set aside; nothing was done: use another")]
    NotAdmitted,
    /// The hubs of the pool differ and no majority agrees with this one. Never in the log.
    #[error("the hubs of the pool differ, so this one takes no changes; nothing was done")]
    HubsDiffer,
    /// The owners of the pool let the party use other hubs only. It has no effect.
    #[error("this party is bound to other hubs of the pool; nothing was done")]
    PartyBound,
    /// It is for the operator of the only hub. It has no effect in a pool.
    #[error("in a pool no hub decides this for all; nothing was done")]
    OneHubOnly,
    /// It may or may not be in the log.
    #[error("the hub does not know whether this was done; ask for the present state")]
    Unknown,
    /// The key was used for another request.
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
    /// The same request was answered before, and the answer is not kept: it was too long, or it is
    /// long ago.
    #[error("this request was answered before and the answer is not kept; ask for what is there")]
    OutcomeForgotten,
}

/// Where a submitted entry's answer arrives.
#[derive(Debug)]
struct Awaited {
    ticket: Ticket,
    answer: oneshot::Receiver<Answer>,
}

impl Replica {
    /// Puts a command into the log and returns what the state decided.
    ///
    /// `held` is dropped when that is known, even if nobody waits for it any more: what a party has
    /// queued counts as its own until it is through.
    pub async fn submit<H: Send + 'static>(
        &self,
        command: Command,
        held: H,
    ) -> Result<Outcome, SubmitError> {
        let bytes = command.to_bytes();
        match self.put(&command.party, Family::AIRSPACE, bytes, held).await? {
            Answer::Decided(outcome) => Ok(outcome),
            Answer::Repeat { first } => self.kept_outcome(first).await,
            Answer::KeyReused => Err(SubmitError::KeyReused),
            answer => unreachable!("a command came to {answer:?}"),
        }
    }

    /// Puts a declaration of this hub into the log and waits until the state has it.
    ///
    /// `held` is dropped as by [`Replica::submit`]; a heartbeat counts as its reporter's.
    pub async fn declare<H: Send + 'static>(
        &self,
        declaration: Declaration,
        held: H,
    ) -> Result<(), SubmitError> {
        let bytes = borsh::to_vec(&declaration).expect("writing to memory does not fail");
        let party = match declaration {
            Declaration::Heartbeat(heartbeat) => heartbeat.reporter,
            Declaration::Restored
            | Declaration::RestoredConfirmed
            | Declaration::Founded { .. } => own_party(),
        };
        match self.put(&party, Family::HUB, bytes, held).await? {
            Answer::Declared => Ok(()),
            answer => unreachable!("a declaration came to {answer:?}"),
        }
    }

    /// Puts a change of the pool into its log and returns what it did there.
    pub async fn change(&self, change: SignedChange) -> Result<Effect, SubmitError> {
        let bytes = pool::Command::Change(Box::new(change)).to_bytes();
        match self.put(&own_party(), Family::POOL, bytes, ()).await? {
            Answer::Changed(effect) => Ok(effect),
            answer => unreachable!("a change of the pool came to {answer:?}"),
        }
    }

    /// Puts bytes into the log as `party`'s and waits for what they come to.
    async fn put<H: Send + 'static>(
        &self,
        party: &Party,
        family: Family,
        bytes: Vec<u8>,
        held: H,
    ) -> Result<Answer, SubmitError> {
        let version = self.check_pool(party, family)?;
        self.put_checked(party, (family, version), bytes, held).await
    }

    /// As [`Replica::put`], under a version of the family's rules.
    pub(super) async fn put_checked<H: Send + 'static>(
        &self,
        party: &Party,
        (family, version): (Family, u16),
        bytes: Vec<u8>,
        held: H,
    ) -> Result<Answer, SubmitError> {
        let queued = self.0.queue.enter(party, (bytes.len() + ENTRY_COST_BYTES) as u64);
        let queued = queued.map_err(|denied| match denied {
            Denied::PartyShare => SubmitError::PartyShare,
            Denied::Full => SubmitError::QueueFull,
        })?;
        let (receipt, answer) = self.append(family, version, bytes)?;
        let replica = self.clone();
        let waiting = tokio::spawn(async move {
            let answer = replica.answer(receipt, answer).await;
            drop((held, queued));
            answer
        });
        match waiting.await.unwrap_or(Err(SubmitError::Unknown))? {
            Answer::Void(Void::PartyBound) => Err(SubmitError::PartyBound),
            Answer::Void(Void::OneHubOnly) => Err(SubmitError::OneHubOnly),
            answer => Ok(answer),
        }
    }

    /// Refuses what the pool would, and returns the version of the rules to write an entry under.
    fn check_pool(&self, party: &Party, family: Family) -> Result<u16, SubmitError> {
        let Some(member) = &self.0.member else { return Ok(latest_version(family)) };
        if !member.agreement().standing().accepts_writes() {
            return Err(SubmitError::HubsDiffer);
        }
        let states = self.0.states();
        let Some(pool) = states.pool.pool() else { return Err(SubmitError::NotAdmitted) };
        if family != Family::POOL && !may(pool, party, member) {
            return Err(SubmitError::PartyBound);
        }
        Ok(pool.rules().version(family.0))
    }

    fn append(
        &self,
        family: Family,
        version: u16,
        command: Vec<u8>,
    ) -> Result<(Receipt, Awaited), SubmitError> {
        if self.failure().is_some() {
            return Err(SubmitError::Closed);
        }
        let stamp = self.check_clock()?;
        let proposer = Proposer::clone(&self.0.options.proposer);
        let entry = Entry { family, version, proposer, stamp, command };
        let ticket = Ticket(self.0.tickets.fetch_add(1, Ordering::Relaxed));
        let answer = self.0.waiters.expect(ticket);
        match self.0.log.append(entry, ticket) {
            Ok(receipt) => Ok((receipt, Awaited { ticket, answer })),
            Err(error) => {
                self.0.waiters.forget(ticket);
                Err(self.not_appended(error))
            }
        }
    }

    /// Waits for the decision, or for the log's word that there will be none.
    async fn answer(&self, receipt: Receipt, awaited: Awaited) -> Result<Answer, SubmitError> {
        let Awaited { ticket, mut answer } = awaited;
        let answered = tokio::select! {
            // The decision is usually there first: the log hands entries out as it writes them.
            biased;
            answered = &mut answer => answered,
            receipt = receipt => match receipt {
                Ok(_) => answer.await,
                Err(error) => {
                    self.0.waiters.forget(ticket);
                    return Err(self.not_appended(error));
                }
            },
        };
        answered.map_err(|_| SubmitError::Unknown)
    }

    fn not_appended(&self, error: AppendError) -> SubmitError {
        match error {
            AppendError::QueueFull => SubmitError::QueueFull,
            AppendError::NoSpace => SubmitError::NoSpace,
            AppendError::TooLarge => SubmitError::TooLarge,
            AppendError::Closed => SubmitError::Closed,
            AppendError::NotWritten => SubmitError::NotWritten,
            AppendError::Unreachable => SubmitError::Unreachable,
            AppendError::PoolFull => SubmitError::PoolFull,
            AppendError::NotAdmitted => SubmitError::NotAdmitted,
            AppendError::Unanswered => SubmitError::Unknown,
            AppendError::Unknown => {
                self.0.fail("a sync of the log failed; it is read anew at the next start");
                SubmitError::Unknown
            }
        }
    }

    async fn kept_outcome(&self, first: u64) -> Result<Outcome, SubmitError> {
        let shared = Arc::clone(&self.0);
        let found = tokio::task::spawn_blocking(move || shared.kept_outcome(first)).await;
        found.unwrap_or(Err(SubmitError::OutcomeForgotten))
    }
}

/// Tells whether the party may use this hub, which is still admitted.
fn may(pool: &Pool, party: &Party, member: &super::Member) -> bool {
    !pool.is_admitted(&member.hub) || pool.allows(party.as_str(), &member.hub)
}

/// Returns the version of a family's rules that this build writes on one machine.
fn latest_version(family: Family) -> u16 {
    match family {
        Family::HUB => HUB_VERSION,
        Family::AIRSPACE => AIRSPACE_VERSION,
        Family(family) => unreachable!("a log of one machine has no entries of family {family}"),
    }
}
