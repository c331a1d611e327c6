//! Operational intents and constraints alike: what the desk does with one it does with the other.

use airspace::operational_intent::OperationalIntentState;
use airspace::uss_availability::UssAvailabilityState;
use airspace::{EntityId, Ovn, Party, SubscriptionId, UssBaseUrl};
use serde::{Deserialize, Serialize};
use spacetime::{Timestamp, VERTICES_MAX, Volume};
use wire::f3548::common::{SubscriptionState, Time, Volume4D};
use wire::f3548::constraints::ConstraintReference;
use wire::f3548::operational_intents::OperationalIntentReference;
use wire::f3548::uss::constraints::{self, Constraint, ConstraintDetails};
use wire::f3548::uss::operational_intents::{self, OperationalIntent, OperationalIntentDetails};
use wire::f3548::volumes::VolumeError;

use crate::flight::EntityKind;
use crate::plan::bounded::Bounded;

/// How many volumes an entity of another party may have.
pub(crate) const VOLUMES_PER_ENTITY_MAX: usize = 10_000;

/// What the hub tells of an entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// Of an operational intent.
    OperationalIntent(OperationalIntentReference),
    /// Of a constraint.
    Constraint(ConstraintReference),
}

/// What only its manager's desk tells of an entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Details {
    /// Of an operational intent.
    OperationalIntent(OperationalIntentDetails),
    /// Of a constraint.
    Constraint(ConstraintDetails),
}

/// An entity in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Entity {
    /// An operational intent.
    OperationalIntent(OperationalIntent),
    /// A constraint.
    Constraint(Constraint),
}

/// An entity in full, its OVN and its volumes, ready to be planned with.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// The entity.
    pub(crate) entity: Entity,
    /// Its OVN.
    pub(crate) ovn: Ovn,
    /// All of its volumes, nominal or not.
    pub(crate) volumes: Vec<Bounded>,
    /// The time that all of its volumes span.
    pub(crate) period: Period,
}

/// A time from start to end, both included; what is not given is unbounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    /// When it starts.
    pub(crate) starts_at: Option<Timestamp>,
    /// When it ends.
    pub(crate) ends_at: Option<Timestamp>,
}

/// An entity that another told of cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum UnusableEntity {
    /// It comes without its OVN.
    #[error("reference.ovn: it must be given")]
    NoOvn,
    /// It has no volumes.
    #[error("details.volumes: at least one volume must be given")]
    NoVolumes,
    /// It has too many volumes or vertices.
    #[error(
        "details.volumes: there are more than {VOLUMES_PER_ENTITY_MAX} volumes, or {VERTICES_MAX} \
         vertices"
    )]
    TooLarge,
    /// One of its volumes is malformed.
    #[error("details.volumes[{index}].{error}")]
    Volume {
        /// Which, from 0; off-nominal ones are counted after the others.
        index: usize,
        /// What is wrong with it.
        error: VolumeError,
    },
}

impl EntityKind {
    /// Returns the last part of the path under which references are kept at the hub.
    pub(crate) const fn references(self) -> &'static str {
        match self {
            EntityKind::OperationalIntent => "operational_intent_references",
            EntityKind::Constraint => "constraint_references",
        }
    }

    /// Returns the last part of the path under which details are served by desks.
    pub(crate) const fn details(self) -> &'static str {
        match self {
            EntityKind::OperationalIntent => "operational_intents",
            EntityKind::Constraint => "constraints",
        }
    }
}

impl Reference {
    /// Returns what kind of entity it is of.
    pub(crate) const fn kind(&self) -> EntityKind {
        match self {
            Reference::OperationalIntent(_) => EntityKind::OperationalIntent,
            Reference::Constraint(_) => EntityKind::Constraint,
        }
    }

    /// Returns which entity it is of.
    pub(crate) const fn id(&self) -> EntityId {
        match self {
            Reference::OperationalIntent(reference) => reference.id,
            Reference::Constraint(reference) => reference.id,
        }
    }

    /// Returns whose entity it is of.
    pub(crate) const fn manager(&self) -> &Party {
        match self {
            Reference::OperationalIntent(reference) => &reference.manager,
            Reference::Constraint(reference) => &reference.manager,
        }
    }

    /// Returns how often the entity was put.
    pub(crate) const fn version(&self) -> u32 {
        match self {
            Reference::OperationalIntent(reference) => reference.version,
            Reference::Constraint(reference) => reference.version,
        }
    }

    /// Returns where the details are found.
    pub(crate) const fn uss_base_url(&self) -> &UssBaseUrl {
        match self {
            Reference::OperationalIntent(reference) => &reference.uss_base_url,
            Reference::Constraint(reference) => &reference.uss_base_url,
        }
    }

    /// Returns the subscription that keeps the manager of an operational intent informed.
    pub(crate) const fn subscription_id(&self) -> Option<SubscriptionId> {
        match self {
            Reference::OperationalIntent(reference) => reference.subscription_id,
            Reference::Constraint(_) => None,
        }
    }

    /// Tells whether hubs want no key for it: it is not yet in use and its manager is down.
    pub(crate) fn needs_no_key(&self) -> bool {
        match self {
            Reference::OperationalIntent(reference) => {
                reference.state == OperationalIntentState::Accepted
                    && reference.uss_availability == UssAvailabilityState::Down
            }
            Reference::Constraint(_) => false,
        }
    }
}

impl Entity {
    /// Returns the entity of a reference and its details; `None` if they are of different kinds.
    pub(crate) fn new(reference: Reference, details: Details) -> Option<Self> {
        match (reference, details) {
            (Reference::OperationalIntent(reference), Details::OperationalIntent(details)) => {
                Some(Entity::OperationalIntent(OperationalIntent { reference, details }))
            }
            (Reference::Constraint(reference), Details::Constraint(details)) => {
                Some(Entity::Constraint(Constraint { reference, details }))
            }
            (Reference::OperationalIntent(_), Details::Constraint(_))
            | (Reference::Constraint(_), Details::OperationalIntent(_)) => None,
        }
    }

    /// Returns what the hub tells of it.
    pub(crate) fn reference(&self) -> Reference {
        match self {
            Entity::OperationalIntent(entity) => {
                Reference::OperationalIntent(entity.reference.clone())
            }
            Entity::Constraint(entity) => Reference::Constraint(entity.reference.clone()),
        }
    }

    /// Returns what kind of entity it is.
    pub(crate) const fn kind(&self) -> EntityKind {
        match self {
            Entity::OperationalIntent(_) => EntityKind::OperationalIntent,
            Entity::Constraint(_) => EntityKind::Constraint,
        }
    }

    /// Returns which it is.
    pub(crate) const fn id(&self) -> EntityId {
        match self {
            Entity::OperationalIntent(entity) => entity.reference.id,
            Entity::Constraint(entity) => entity.reference.id,
        }
    }

    /// Returns whose it is.
    pub(crate) const fn manager(&self) -> &Party {
        match self {
            Entity::OperationalIntent(entity) => &entity.reference.manager,
            Entity::Constraint(entity) => &entity.reference.manager,
        }
    }

    /// Returns how often it was put.
    pub(crate) const fn version(&self) -> u32 {
        match self {
            Entity::OperationalIntent(entity) => entity.reference.version,
            Entity::Constraint(entity) => entity.reference.version,
        }
    }

    /// Returns the state of an operational intent.
    pub(crate) const fn state(&self) -> Option<OperationalIntentState> {
        match self {
            Entity::OperationalIntent(entity) => Some(entity.reference.state),
            Entity::Constraint(_) => None,
        }
    }

    /// Returns the priority of an operational intent; that of a constraint is above all.
    pub(crate) const fn priority(&self) -> i32 {
        match self {
            Entity::OperationalIntent(entity) => entity.details.priority,
            Entity::Constraint(_) => i32::MAX,
        }
    }

    /// Returns when it ends.
    pub(crate) fn ends_at(&self) -> Timestamp {
        let time: Time = match self {
            Entity::OperationalIntent(entity) => entity.reference.time_end,
            Entity::Constraint(entity) => entity.reference.time_end,
        };
        time.value.ceil()
    }

    /// Returns the JSON with which a desk answers who asks for it.
    pub(crate) fn answer(&self) -> Vec<u8> {
        match self {
            Entity::OperationalIntent(entity) => {
                wire::render(&operational_intents::GetOperationalIntentDetailsResponse {
                    operational_intent: entity.clone(),
                })
            }
            Entity::Constraint(entity) => {
                wire::render(&constraints::GetConstraintDetailsResponse {
                    constraint: entity.clone(),
                })
            }
        }
    }

    fn ovn(&self) -> Option<&Ovn> {
        match self {
            Entity::OperationalIntent(entity) => entity.reference.ovn.as_ref(),
            Entity::Constraint(entity) => entity.reference.ovn.as_ref(),
        }
    }

    /// Returns all volumes, off-nominal ones after the others.
    fn volumes(&self) -> Vec<&Volume4D> {
        match self {
            Entity::OperationalIntent(entity) => {
                let details = &entity.details;
                details.volumes.iter().chain(&details.off_nominal_volumes).collect()
            }
            Entity::Constraint(entity) => entity.details.volumes.iter().collect(),
        }
    }
}

/// Returns the JSON with which a subscriber is told what there is now, `None` if it was deleted.
pub(crate) fn notification(
    kind: EntityKind,
    id: EntityId,
    entity: Option<&Entity>,
    subscriptions: Vec<SubscriptionState>,
) -> Vec<u8> {
    match kind {
        EntityKind::OperationalIntent => {
            wire::render(&operational_intents::PutOperationalIntentDetailsParameters {
                operational_intent_id: id,
                operational_intent: entity.and_then(|entity| match entity {
                    Entity::OperationalIntent(entity) => Some(entity.clone()),
                    Entity::Constraint(_) => None,
                }),
                subscriptions,
            })
        }
        EntityKind::Constraint => wire::render(&constraints::PutConstraintDetailsParameters {
            constraint_id: id,
            constraint: entity.and_then(|entity| match entity {
                Entity::Constraint(entity) => Some(entity.clone()),
                Entity::OperationalIntent(_) => None,
            }),
            subscriptions,
        }),
    }
}

impl Known {
    /// Returns the entity, if it comes with its OVN and with volumes that are in order.
    pub(crate) fn new(entity: Entity) -> Result<Self, UnusableEntity> {
        let ovn = entity.ovn().ok_or(UnusableEntity::NoOvn)?.clone();
        let listed = entity.volumes();
        if listed.is_empty() {
            return Err(UnusableEntity::NoVolumes);
        }
        let vertices = |volume: &&Volume4D| {
            volume.volume.outline_polygon.as_ref().map_or(0, |polygon| polygon.vertices.len())
        };
        if VOLUMES_PER_ENTITY_MAX < listed.len()
            || VERTICES_MAX < listed.iter().map(vertices).sum::<usize>()
        {
            return Err(UnusableEntity::TooLarge);
        }
        let mut volumes = Vec::with_capacity(listed.len());
        for (index, volume) in listed.into_iter().enumerate() {
            let volume =
                volume.to_volume().map_err(|error| UnusableEntity::Volume { index, error })?;
            volumes.push(Bounded::new(volume));
        }
        let period = Period::of(volumes.iter().map(|one| &one.volume));
        Ok(Known { entity, ovn, volumes, period })
    }
}

impl Period {
    /// Returns the time that volumes span together.
    pub(crate) fn of<'a>(volumes: impl Iterator<Item = &'a Volume> + Clone) -> Self {
        // `None` comes before every time, as a start that is not given should; for ends it is
        // the other way round.
        let starts_at = volumes.clone().map(Volume::starts_at).min().flatten();
        let ends = || volumes.clone().map(Volume::ends_at);
        let ends_at = if ends().all(|end| end.is_some()) { ends().max().flatten() } else { None };
        Period { starts_at, ends_at }
    }

    /// Tells whether the two share a time.
    pub(crate) fn overlaps(self, other: Period) -> bool {
        let before = |end: Option<Timestamp>, start: Option<Timestamp>| {
            end.is_some_and(|end| start.is_some_and(|start| end < start))
        };
        !before(self.ends_at, other.starts_at) && !before(other.ends_at, self.starts_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data::{intent, volume};

    fn with_volumes(volumes: Vec<Volume4D>) -> Result<Known, UnusableEntity> {
        let Entity::OperationalIntent(mut entity) = intent(1, "alder", 1).entity.clone() else {
            panic!("it is an operational intent");
        };
        entity.details.off_nominal_volumes = volumes;
        Known::new(Entity::OperationalIntent(entity))
    }

    #[test]
    fn takes_as_many_volumes_as_another_party_may_have() {
        let more = |count| vec![Volume4D::from(&volume(100)); count];

        let last = with_volumes(more(VOLUMES_PER_ENTITY_MAX - 1));
        let beyond = with_volumes(more(VOLUMES_PER_ENTITY_MAX));

        assert_eq!(last.map(|known| known.volumes.len()), Ok(VOLUMES_PER_ENTITY_MAX));
        assert_eq!(beyond.err(), Some(UnusableEntity::TooLarge));
    }

    #[test]
    fn looks_at_off_nominal_volumes_too() {
        let known = with_volumes(vec![Volume4D::from(&volume(500))]).expect("in order");

        assert_eq!(known.volumes[1].volume, volume(500));
    }

    #[test]
    fn counts_vertices_before_it_looks_at_them() {
        let point = wire::f3548::common::LatLngPoint { lat: 0.0, lng: 0.0 };
        let mut large = Volume4D::from(&volume(100));
        large.volume.outline_circle = None;
        large.volume.outline_polygon =
            Some(wire::f3548::common::Polygon { vertices: vec![point; VERTICES_MAX + 1] });

        assert_eq!(with_volumes(vec![large]).err(), Some(UnusableEntity::TooLarge));
    }

    #[test]
    fn overlaps_in_time_unless_one_ends_before_the_other_starts() {
        let time = |seconds: Option<i64>| {
            seconds.and_then(|seconds| Timestamp::from_micros(seconds * 1_000_000).ok())
        };
        let period = |start, end| Period { starts_at: time(start), ends_at: time(end) };
        let (one, all) = (period(Some(10), Some(20)), period(None, None));

        for other in [period(Some(20), None), period(None, Some(10)), one, all] {
            assert!(one.overlaps(other) && other.overlaps(one), "{other:?}");
        }
        for other in [period(Some(21), None), period(None, Some(9))] {
            assert!(!one.overlaps(other) && !other.overlaps(one), "{other:?}");
        }
    }
}
