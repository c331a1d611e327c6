//! The desk's own entities as they are in memory; the store has the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use airspace::operational_intent::OperationalIntentState;
use airspace::{EntityId, SubscriptionId};
use spacetime::Timestamp;

use crate::entity::{Details, Entity, Known};
use crate::flight::{Bounds, EntityKind, Flight, Identification, LowerPriority, PathPoint};
use crate::plan::bounded::Bounded;
use crate::plan::moves::{Move, Moves};

/// How many entities a desk holds.
pub(crate) const OWNS_MAX: usize = 100_000;

/// An entity of the desk's own.
#[derive(Clone, Debug)]
pub(crate) struct Own {
    /// Which.
    pub(crate) id: EntityId,
    /// What kind.
    pub(crate) kind: EntityKind,
    /// What its user asked for; of flights only.
    pub(crate) wish: Option<Arc<Wish>>,
    /// What the hub took, with how it was moved.
    pub(crate) taken: Option<Taken>,
    /// What the hub was asked and has not answered, as far as is known.
    pub(crate) pending: Option<Arc<Pending>>,
}

/// An entity as the hub took it.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    /// The entity, with its OVN.
    pub(crate) known: Arc<Known>,
    /// How the flight was moved.
    pub(crate) moved: Move,
}

/// A flight that its user asked for.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// The volumes of the flight as asked for.
    pub(crate) course: Vec<Bounded>,
    /// How far it may be moved, as the user said.
    pub(crate) bounds: Bounds,
    /// The lowest altitude that is kept within the bounds, in meters.
    pub(crate) lowest_m: f64,
    /// The highest altitude that is kept within the bounds, in meters.
    pub(crate) highest_m: f64,
    /// The moves that follow from the bounds.
    pub(crate) moves: Moves,
    /// Its priority.
    pub(crate) priority: i32,
    /// What to do about flights of lower priority.
    pub(crate) lower_priority: LowerPriority,
    /// The constraints that it may enter.
    pub(crate) allowed_constraints: BTreeSet<EntityId>,
    /// Its path as asked for, thinned; empty if it was asked for as volumes.
    pub(crate) path: Vec<PathPoint>,
    /// Who flies, for those who look by remote ID.
    pub(crate) identification: Identification,
}

/// A request to the hub, exactly as it is sent: once more if need be, with the same key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pending {
    /// What it changes.
    pub(crate) change: PendingChange,
    /// The path at the hub, encoded.
    pub(crate) path: String,
    /// The body.
    pub(crate) body: String,
    /// The value of `Idempotency-Key`.
    pub(crate) idempotency_key: String,
}

/// What a pending request changes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PendingChange {
    /// It puts the entity, with these details if the hub takes it.
    Put {
        /// The details.
        details: Details,
        /// How the flight is moved.
        moved: Move,
    },
    /// It deletes the entity.
    Delete,
}

/// All entities of the desk's own.
#[derive(Debug, Default)]
pub(crate) struct Book {
    owns: BTreeMap<EntityId, Own>,
    /// Subscriptions that the hub named for the desk's own flights; peers refer to them.
    subscriptions: BTreeMap<SubscriptionId, EntityId>,
}

impl Own {
    /// Returns the entity before the hub was asked for the first time.
    pub(crate) fn new(id: EntityId, kind: EntityKind, wish: Option<Arc<Wish>>) -> Self {
        Own { id, kind, wish, taken: None, pending: None }
    }

    /// Returns the flight as the hub has it; `None` if it is none or the hub has not taken it.
    pub(crate) fn flight(&self) -> Option<Flight> {
        let (wish, taken) = (self.wish.as_ref()?, self.taken.as_ref()?);
        let state = taken.known.entity.state()?;
        Some(Flight {
            id: self.id,
            state,
            version: taken.known.entity.version(),
            priority: wish.priority,
            delay_s: taken.moved.delay_s,
            climb_m: taken.moved.climb_m(),
            volumes: taken.known.volumes.iter().map(|one| one.volume.clone()).collect(),
        })
    }

    /// Returns the flight as the hub has it if others are to see it: while it is active.
    pub(crate) fn shown(&self) -> Option<&Arc<Known>> {
        let known = &self.taken.as_ref()?.known;
        match known.entity.state()? {
            OperationalIntentState::Accepted => None,
            OperationalIntentState::Activated
            | OperationalIntentState::Nonconforming
            | OperationalIntentState::Contingent => Some(known),
        }
    }

    fn subscription_id(&self) -> Option<SubscriptionId> {
        self.taken.as_ref()?.known.entity.reference().subscription_id()
    }
}

impl Pending {
    /// Returns what becomes of a flight that the hub takes; `None` if it is deleted.
    pub(crate) fn moved(&self) -> Option<Move> {
        match &self.change {
            PendingChange::Put { moved, .. } => Some(*moved),
            PendingChange::Delete => None,
        }
    }
}

impl Book {
    /// Returns the book of these entities.
    pub(crate) fn new(owns: Vec<Own>) -> Self {
        let mut book = Book::default();
        for own in owns {
            book.put(own);
        }
        book
    }

    /// Returns an entity.
    pub(crate) fn find(&self, id: EntityId) -> Option<&Own> {
        self.owns.get(&id)
    }

    /// Tells whether there may be one more entity besides so many that are on their way.
    pub(crate) fn has_room(&self, reserved: usize) -> bool {
        self.owns.len() + reserved < OWNS_MAX
    }

    /// Puts an entity as it is now.
    pub(crate) fn put(&mut self, own: Own) {
        self.forget_subscription(own.id);
        if let Some(subscription_id) = own.subscription_id() {
            self.subscriptions.insert(subscription_id, own.id);
        }
        self.owns.insert(own.id, own);
    }

    /// Removes an entity.
    pub(crate) fn remove(&mut self, id: EntityId) {
        self.forget_subscription(id);
        self.owns.remove(&id);
    }

    /// Tells whether the hub named a subscription for one of the desk's flights.
    pub(crate) fn has_subscription(&self, id: SubscriptionId) -> bool {
        self.subscriptions.contains_key(&id)
    }

    /// Returns the entities that the hub took, ascending by id.
    pub(crate) fn taken(&self) -> impl Iterator<Item = (&Own, &Taken)> {
        self.owns.values().filter_map(|own| Some((own, own.taken.as_ref()?)))
    }

    /// Returns the ids of entities of which it is not known what the hub did.
    pub(crate) fn unsettled(&self) -> Vec<EntityId> {
        let unsettled = self.owns.values().filter(|own| own.pending.is_some());
        unsettled.map(|own| own.id).collect()
    }

    /// Returns entities that ended before `time` and are not about to change.
    pub(crate) fn ended_before(&self, time: Timestamp) -> Vec<(EntityKind, EntityId)> {
        let ended = self
            .taken()
            .filter(|(own, taken)| own.pending.is_none() && taken.known.entity.ends_at() < time);
        ended.map(|(own, _)| (own.kind, own.id)).collect()
    }

    fn forget_subscription(&mut self, id: EntityId) {
        if let Some(subscription_id) = self.find(id).and_then(Own::subscription_id) {
            self.subscriptions.remove(&subscription_id);
        }
    }
}

/// Tells what an entity that the hub took becomes: its reference with the details that were put.
pub(crate) fn entity_of(
    reference: crate::entity::Reference,
    pending: &Pending,
) -> Option<(Entity, Move)> {
    match &pending.change {
        PendingChange::Put { details, moved } => {
            Some((Entity::new(reference, details.clone())?, *moved))
        }
        PendingChange::Delete => None,
    }
}

/// The state in which a flight may be.
pub(crate) const fn is_off_nominal(state: OperationalIntentState) -> bool {
    matches!(state, OperationalIntentState::Nonconforming | OperationalIntentState::Contingent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_room_up_to_its_bound() {
        let id = |number: usize| {
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&number.to_le_bytes());
            EntityId::from_random_bytes(bytes)
        };
        // The version bits of an id lie in bytes 6 and 8, which these numbers do not reach.
        let owns =
            (0..OWNS_MAX - 1).map(|number| Own::new(id(number), EntityKind::Constraint, None));
        let mut book = Book::new(owns.collect());

        assert!(book.has_room(0));
        assert!(!book.has_room(1));
        book.put(Own::new(id(OWNS_MAX), EntityKind::Constraint, None));
        assert!(!book.has_room(0));
    }
}
