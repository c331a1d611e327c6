//! Details of others' entities, so that each version is fetched once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use airspace::{EntityId, Party};

use crate::entity::{Known, Reference};

/// How many volumes are kept; the entities that came first go first.
const VOLUMES_MAX: usize = 500_000;

/// Details by entity.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    known: HashMap<EntityId, Kept>,
    /// Ids by when they came.
    order: BTreeMap<u64, EntityId>,
    volumes: usize,
    came: u64,
}

#[derive(Debug)]
struct Kept {
    known: Arc<Known>,
    came: u64,
}

/// A notification cannot be taken (F3548-21 `notifyOperationalIntentDetailsChanged`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OfferRefusal {
    /// The sender does not manage the entity.
    #[error("the sender is not the manager of this entity")]
    NotManager,
    /// A newer version is known, or the same one with other content.
    #[error("a newer version is known, or this one with other content")]
    Stale,
}

impl Cache {
    /// Returns the details of exactly the version that a reference names.
    pub(crate) fn find(&self, reference: &Reference) -> Option<Arc<Known>> {
        let known = &self.known.get(&reference.id())?.known;
        let same = known.entity.kind() == reference.kind()
            && known.entity.version() == reference.version()
            && known.entity.manager() == reference.manager();
        same.then(|| Arc::clone(known))
    }

    /// Keeps what was fetched from the manager's desk.
    pub(crate) fn keep(&mut self, known: Arc<Known>) {
        let id = known.entity.id();
        self.forget(id);
        self.came += 1;
        self.volumes += known.volumes.len();
        self.order.insert(self.came, id);
        self.known.insert(id, Kept { known, came: self.came });
        while VOLUMES_MAX < self.volumes {
            let (_, oldest) = self.order.first_key_value().expect("volumes are of entities");
            self.forget(*oldest);
        }
    }

    /// Keeps what `sender` tells, if it is newer than what is known and the sender's to tell.
    pub(crate) fn offer(&mut self, sender: &Party, known: Arc<Known>) -> Result<(), OfferRefusal> {
        if known.entity.manager() != sender {
            return Err(OfferRefusal::NotManager);
        }
        if let Some(Kept { known: before, .. }) = self.known.get(&known.entity.id()) {
            if before.entity.manager() != sender {
                return Err(OfferRefusal::NotManager);
            }
            let (before, new) = (&before.entity, &known.entity);
            let stale = new.version() < before.version()
                || (new.version() == before.version() && new != before);
            if stale {
                return Err(OfferRefusal::Stale);
            }
        }
        self.keep(known);
        Ok(())
    }

    /// Forgets what `sender` says was deleted.
    pub(crate) fn remove(&mut self, sender: &Party, id: EntityId) -> Result<(), OfferRefusal> {
        let Some(Kept { known, .. }) = self.known.get(&id) else {
            return Ok(());
        };
        if known.entity.manager() != sender {
            return Err(OfferRefusal::NotManager);
        }
        self.forget(id);
        Ok(())
    }

    /// Forgets the details of a version that the hub does not take for known.
    pub(crate) fn distrust(&mut self, known: &Known) {
        let same = |kept: &Kept| kept.known.entity.version() == known.entity.version();
        if self.known.get(&known.entity.id()).is_some_and(same) {
            self.forget(known.entity.id());
        }
    }

    fn forget(&mut self, id: EntityId) {
        if let Some(gone) = self.known.remove(&id) {
            self.order.remove(&gone.came);
            self.volumes -= gone.known.volumes.len();
        }
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
