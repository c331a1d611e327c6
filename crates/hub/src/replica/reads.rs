//! What is read of the states, and how new it must be.

use std::time::Duration;

use pool::{Announced, HubId, STAMP_APART_MAX, Standing};
use spacetime::Timestamp;

use super::agreement::Neighbor;
use super::declaration::{self, Restored};
use super::member::{Consistency, Member};
use super::states::States;
use super::{Replica, SubmitError};
use crate::clock::{CLOCK_APART_MAX, Trust};

/// How long a read waits until it is known that this hub has every write before it.
pub const READ_WAIT_MAX: Duration = Duration::from_secs(5);

/// A read could not be answered with what is so now, and is not with what was so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The pool's etcd has not answered in time.
    #[error("the pool has not said in time what the present state is; ask again, or another hub")]
    Unanswered,
    /// This hub is not shown what most others have.
    #[error("most hubs of the pool are where this one is not shown the way; ask another hub")]
    CutOff,
    /// This hub has not applied the log in time.
    #[error("this hub is behind the pool's log; ask again, or another hub")]
    Behind,
    /// The hub stops.
    #[error("the hub is stopping")]
    Closed,
}

impl Replica {
    /// Resolves when reads see every write that any hub answered before this call.
    ///
    /// On one machine that is at once, since writes are answered when they are applied; so it is
    /// with [`Consistency::Local`], which promises no such thing.
    pub async fn barrier(&self) -> Result<(), ReadError> {
        let Some(member) = &self.0.member else { return Ok(()) };
        if member.consistency == Consistency::Local {
            return Ok(());
        }
        // An etcd that is frozen for this hub alone answers its questions with what was.
        if self.is_cut_off() {
            return Err(ReadError::CutOff);
        }
        let until = tokio::time::Instant::now() + READ_WAIT_MAX;
        let committed = tokio::time::timeout_at(until, self.0.log.committed()).await;
        let head = committed.map_err(|_| ReadError::Unanswered)?.map_err(|error| match error {
            log::LogError::Unanswered => ReadError::Unanswered,
            _ => ReadError::Closed,
        })?;
        let mut progress = self.0.progress.subscribe();
        let mut failed = self.0.failed.subscribe();
        let applied = async {
            tokio::select! {
                _ = progress.wait_for(|now| head.position <= now.head.position) => Ok(()),
                _ = failed.wait_for(Option::is_some) => Err(ReadError::Closed),
            }
        };
        tokio::time::timeout_at(until, applied).await.unwrap_or(Err(ReadError::Behind))
    }

    /// Returns how old the last applied entry is, where reads do not wait for newer ones.
    pub fn local_age(&self) -> Option<Duration> {
        let member = self.0.member.as_ref()?;
        let is_local = member.consistency == Consistency::Local;
        is_local.then(|| self.0.options.clock.now().since(self.progress().stamp))
    }

    /// Looks at the airspace under a shared lock, at the later of the state's time and the hub's.
    ///
    /// Writes wait meanwhile: look shortly, and render afterwards.
    pub fn read<T>(&self, look: impl FnOnce(&airspace::State, Timestamp) -> T) -> T {
        let states = self.0.states();
        let now = self.present(&states);
        look(&states.airspace, now)
    }

    /// Looks at what hubs have declared, as [`Replica::read`] does at the airspace.
    pub fn read_declared<T>(&self, look: impl FnOnce(&declaration::State) -> T) -> T {
        look(&self.0.states().hub)
    }

    /// Looks at the pool, as [`Replica::read`] does at the airspace; it has none on one machine.
    pub fn read_pool<T>(&self, look: impl FnOnce(Option<&pool::Pool>) -> T) -> T {
        look(self.0.states().pool.pool())
    }

    /// Returns the start from a backup that nobody has confirmed yet, if there was one.
    pub fn restored(&self) -> Option<Restored> {
        self.read_declared(|declared| declared.restored)
    }

    /// Tells whether commands are taken as far as clocks go.
    pub fn check_clock(&self) -> Result<Timestamp, SubmitError> {
        let reading = self.0.options.clock.read();
        let is_apart = match &self.0.member {
            None => reading.now.plus(CLOCK_APART_MAX) < self.progress().clock,
            Some(member) => self.is_clock_apart(member, &self.0.states(), reading.now),
        };
        if reading.trust != Trust::Steady || is_apart {
            return Err(SubmitError::ClockApart);
        }
        Ok(reading.now)
    }

    /// Returns where this hub stands among the hubs of its pool, if it has one.
    pub fn standing(&self) -> Option<Standing> {
        self.0.member.as_ref().map(|member| member.agreement().standing())
    }

    /// Returns how another hub of the pool compares with this one.
    ///
    /// # Panics
    ///
    /// If this hub is in no pool.
    pub fn neighbor(&self, hub: &HubId) -> Neighbor {
        self.0.in_pool().agreement().neighbor(hub)
    }

    /// Tells whether fewer than a majority of the pool's hubs were heard lately, so that its clock
    /// stands.
    pub fn clock_stands(&self) -> bool {
        let now = self.0.options.clock.now();
        let states = self.0.states();
        let (Some(member), Some(pool)) = (&self.0.member, states.pool.pool()) else { return false };
        member.agreement().clock_stands(pool, now)
    }

    /// Tells whether most hubs of the pool say directly that they are where this one does not come.
    pub fn is_cut_off(&self) -> bool {
        let now = self.0.options.clock.now();
        let states = self.0.states();
        let (Some(member), Some(pool)) = (&self.0.member, states.pool.pool()) else { return false };
        member.agreement().is_cut_off(pool, now)
    }

    /// Returns what this hub says of itself to the others.
    ///
    /// # Panics
    ///
    /// If this hub is in no pool.
    pub fn own_head(&self) -> (pool::AppliedHead, Option<pool::StateHash>) {
        self.0.in_pool().agreement().own_head()
    }

    /// Takes in what another hub has said directly, and returns where this hub stands then.
    ///
    /// # Panics
    ///
    /// If this hub is in no pool.
    pub fn hear(&self, hub: &HubId, announced: &Announced) -> Standing {
        let states = self.0.states();
        let member = self.0.in_pool();
        let mut agreement = member.agreement();
        agreement.hear_directly(hub, announced, self.0.options.clock.now());
        let Some(pool) = states.pool.pool() else { return agreement.standing() };
        let standing = agreement.settle(pool);
        member.testify(&mut agreement);
        standing
    }

    /// Returns the time that reads go by: never that of a clock that the pool knows to be wrong, nor
    /// later than the pool's by more than a clock may be, which nobody can tell while that stands.
    fn present(&self, states: &States) -> Timestamp {
        let (now, clock) = (self.0.options.clock.now(), states.clock());
        match &self.0.member {
            None => clock.max(now),
            Some(member) if self.is_clock_apart(member, states, now) => clock,
            Some(_) => clock.max(now.min(clock.plus(STAMP_APART_MAX))),
        }
    }

    fn is_clock_apart(&self, member: &Member, states: &States, now: Timestamp) -> bool {
        states.pool.pool().is_some_and(|pool| member.agreement().is_clock_apart(pool, now))
    }
}
