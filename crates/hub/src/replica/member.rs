//! What a replica is besides in a pool: one of several hubs that watch each other.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use log::pool::Witness;
use log::{Head, Log};
use pool::{AppliedHead, HubId, StateHash};
use serde::{Deserialize, Serialize};

use super::agreement::Agreement;

/// A pool's log, which tells the other hubs how far this one has come.
pub trait Engine: Log {
    /// Has the next batch say so; the last word counts.
    fn announce(&self, applied: AppliedHead, state: Option<StateHash>);
}

/// Which writes a read sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consistency {
    /// Every write that was answered on any hub before the read came.
    #[default]
    Linearizable,
    /// What this hub has applied; every answer says how old that is.
    Local,
}

/// What a hub of a pool is started with.
#[derive(Clone)]
pub struct InPool {
    /// The pool's log.
    pub engine: Arc<dyn Engine>,
    /// This hub.
    pub hub: HubId,
    /// Which writes its reads see.
    pub consistency: Consistency,
    /// Is told of what is wrong with other hubs.
    pub witness: Arc<dyn Witness>,
    /// A head that the owners have told: the log must hold it.
    pub told: Option<AppliedHead>,
}

/// A hub of a pool.
pub(super) struct Member {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) hub: HubId,
    pub(super) consistency: Consistency,
    witness: Arc<dyn Witness>,
    told: Option<AppliedHead>,
    /// Taken after the states' lock, where both are.
    agreement: Mutex<Agreement>,
}

impl Member {
    pub(super) fn new(pool: InPool, head: Head) -> Self {
        let InPool { engine, hub, consistency, witness, told } = pool;
        let agreement = Mutex::new(Agreement::new(hub.clone(), head));
        Member { engine, hub, consistency, witness, told, agreement }
    }

    pub(super) fn agreement(&self) -> MutexGuard<'_, Agreement> {
        self.agreement.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whether the log has another chain where the owners have told one.
    pub(super) fn is_other_than_told(&self, head: Head) -> bool {
        let number = head.position.number();
        self.told.is_some_and(|told| told.position == number && told.chain != head.chain)
    }

    /// Has what was found wrong with others kept for people.
    pub(super) fn testify(&self, agreement: &mut Agreement) {
        for evidence in agreement.take_evidence() {
            self.witness.evidence(&evidence, &[]);
        }
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("hub", &self.hub)
            .field("agreement", &self.agreement)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for InPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InPool")
            .field("hub", &self.hub)
            .field("consistency", &self.consistency)
            .finish_non_exhaustive()
    }
}
