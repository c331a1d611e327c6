//! Finds out what is there: references from the hub, details from their managers' desks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use airspace::{EntityId, Ovn, Party};
use futures_util::{StreamExt, stream};
use spacetime::Volume;

use crate::book::Wish;
use crate::client::hub::{ConstraintProcessing, HubError};
use crate::client::peer::PeerError;
use crate::core::Core;
use crate::entity::{Known, Reference};
use crate::flight::{EntityKind, GivenUp};
use crate::plan::search;

/// How many entities of others are looked at for one flight.
pub const ENTITIES_PER_FLIGHT_MAX: usize = 20_000;
/// How often details are asked for before they count as not to be had.
pub(crate) const DETAILS_ATTEMPTS_MAX: u32 = 6;
/// How long is waited before details are asked for again; twice as long each time.
const DETAILS_RETRY_AFTER: Duration = Duration::from_millis(25);
/// How long it may take to get the details of one entity, with all attempts.
const DETAILS_TIMEOUT: Duration = Duration::from_secs(12);
/// How many searches and details are asked for at once for one flight.
const REQUESTS_AT_ONCE_MAX: usize = 16;

/// What of others is known to be there.
#[derive(Debug, Default)]
pub(crate) struct Scene(BTreeMap<EntityId, Arc<Known>>);

/// References from several searches, each entity once.
#[derive(Default)]
struct Found(BTreeMap<EntityId, Reference>);

/// It cannot be found out what is there.
#[derive(Debug)]
pub(crate) enum DiscoverError {
    /// The hub does not tell.
    Hub(HubError),
    /// A manager does not tell, or too much is there.
    GivenUp(GivenUp),
}

impl Scene {
    /// Adds entities, each in place of its version from before.
    fn add(&mut self, found: Vec<Arc<Known>>) {
        for known in found {
            self.0.insert(known.entity.id(), known);
        }
    }

    /// Returns an entity that is there.
    pub(crate) fn find(&self, id: EntityId) -> Option<&Arc<Known>> {
        self.0.get(&id)
    }

    /// Returns what is there, ascending by id.
    pub(crate) fn known(&self) -> impl Iterator<Item = &Arc<Known>> {
        self.0.values()
    }

    /// Returns the OVNs of everything there.
    pub(crate) fn ovns(&self) -> impl Iterator<Item = &Ovn> {
        self.0.values().map(|known| &known.ovn)
    }
}

impl Found {
    fn add(&mut self, references: Vec<Reference>) -> Result<(), GivenUp> {
        for reference in references {
            self.0.insert(reference.id(), reference);
        }
        if ENTITIES_PER_FLIGHT_MAX < self.0.len() {
            return Err(GivenUp::TooCrowded);
        }
        Ok(())
    }
}

impl Core {
    /// Returns what of others is anywhere near a flight, however it is moved.
    pub(crate) async fn discover(&self, wish: &Wish) -> Result<Scene, DiscoverError> {
        let course: Vec<Volume> = wish.course.iter().map(|one| one.volume.clone()).collect();
        let areas = search::areas(&course, &wish.moves);
        let kinds: &[EntityKind] = match self.hub.constraint_processing() {
            ConstraintProcessing::On => &[EntityKind::OperationalIntent, EntityKind::Constraint],
            ConstraintProcessing::Off => &[EntityKind::OperationalIntent],
        };
        let searches: Vec<(EntityKind, Volume)> =
            areas.iter().flat_map(|area| kinds.iter().map(|kind| (*kind, area.clone()))).collect();
        let mut found = Found::default();
        let mut answers = stream::iter(searches)
            .map(|(kind, area)| async move { self.hub.search(kind, &area).await })
            .buffer_unordered(REQUESTS_AT_ONCE_MAX);
        while let Some(references) = answers.next().await {
            found.add(references.map_err(DiscoverError::Hub)?).map_err(DiscoverError::GivenUp)?;
        }
        let mut scene = Scene::default();
        self.learn(&mut scene, found.0.into_values().collect()).await?;
        Ok(scene)
    }

    /// Adds to a scene the details of what others have there.
    pub(crate) async fn learn(
        &self,
        scene: &mut Scene,
        references: Vec<Reference>,
    ) -> Result<(), DiscoverError> {
        let foreign: Vec<Reference> = {
            let book = self.book();
            references.into_iter().filter(|found| book.find(found.id()).is_none()).collect()
        };
        let mut learned = Vec::with_capacity(foreign.len());
        let mut answers = stream::iter(foreign)
            .map(|reference| self.details_of(reference))
            .buffer_unordered(REQUESTS_AT_ONCE_MAX);
        while let Some(details) = answers.next().await {
            learned.extend(details.map_err(DiscoverError::GivenUp)?);
        }
        scene.add(learned);
        Ok(())
    }

    /// Returns the details of an entity, from the cache or from its manager; `None` if they are
    /// not to be had and need not be.
    async fn details_of(&self, reference: Reference) -> Result<Option<Arc<Known>>, GivenUp> {
        let cached = self.cache().find(&reference);
        if cached.is_some() {
            return Ok(cached);
        }
        let fetched = tokio::time::timeout(DETAILS_TIMEOUT, self.fetch(&reference)).await;
        match fetched {
            Ok(Ok(Some(known))) => {
                let known = Arc::new(known);
                self.cache().keep(Arc::clone(&known));
                Ok(Some(known))
            }
            Ok(Ok(None)) => Ok(None),
            Ok(Err(_)) | Err(_) if reference.needs_no_key() => Ok(None),
            Ok(Err(error)) => Err(unavailable(&reference, &error.to_string())),
            Err(_) => Err(unavailable(&reference, "it took too long")),
        }
    }

    /// Asks the manager for details until it has them; `None` if the entity is gone meanwhile.
    async fn fetch(&self, reference: &Reference) -> Result<Option<Known>, PeerError> {
        let mut wait = DETAILS_RETRY_AFTER;
        let mut attempt = 1;
        loop {
            // An entity of the desk's own that it does not hold has just ended, or was lost.
            let answer = if reference.uss_base_url() == &self.base_url {
                Err(PeerError::Refused(404))
            } else {
                self.peers.fetch(reference).await
            };
            let error = match answer {
                Ok(known) => return Ok(Some(known)),
                Err(error) => error,
            };
            if !error.may_pass() || attempt == DETAILS_ATTEMPTS_MAX {
                return Err(error);
            }
            if let Ok(None) = self.hub.find(reference.kind(), reference.id()).await {
                return Ok(None);
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
            attempt += 1;
        }
    }
}

fn unavailable(reference: &Reference, why: &str) -> GivenUp {
    let manager: Party = reference.manager().clone();
    tracing::warn!(entity.id = %reference.id(), party.id = %manager, error = why,
        "the details of an entity are not to be had");
    GivenUp::DetailsUnavailable { id: reference.id(), manager }
}

#[cfg(test)]
mod tests {
    use wire::f3548::operational_intents::OperationalIntentReference;

    use super::*;
    use crate::entity::Entity;
    use crate::test_data::intent;

    #[test]
    fn looks_at_as_many_entities_as_it_may() {
        let Entity::OperationalIntent(one) = &intent(1, "alder", 1).entity else {
            panic!("it is an operational intent");
        };
        let reference = |number: usize| {
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&number.to_le_bytes());
            let id = EntityId::from_random_bytes(bytes);
            Reference::OperationalIntent(OperationalIntentReference { id, ..one.reference.clone() })
        };
        let mut found = Found::default();

        let all = (0..ENTITIES_PER_FLIGHT_MAX).map(reference).collect();
        assert_eq!(found.add(all), Ok(()));
        assert_eq!(found.add(vec![reference(0)]), Ok(()));
        assert_eq!(found.add(vec![reference(ENTITIES_PER_FLIGHT_MAX)]), Err(GivenUp::TooCrowded));
    }
}
