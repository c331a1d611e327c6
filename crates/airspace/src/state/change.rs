//! The one door through which tables and indices change, together.

use super::State;
use crate::SubscriptionId;
use crate::constraint::Constraint;
use crate::entity::{Entity, Shared};
use crate::idempotency::KeptOutcome;
use crate::index::Index;
use crate::operational_intent::OperationalIntent;
use crate::subscription::Subscription;
use crate::table::{Slot, Table};
use crate::uss_availability::UssAvailability;

/// What changes with every entity of a kind.
pub(super) struct Kind<'a, E: Entity> {
    pub(super) table: &'a mut Table<E>,
    pub(super) index: &'a mut Index,
    pub(super) shared: &'a mut Shared,
}

impl<E: Entity> Kind<'_, E> {
    /// Stores an entity; its id must be new.
    pub(super) fn insert(self, mut new: E) -> Slot {
        self.shared.add(&mut new);
        let slot = self.table.insert(new);
        self.index.insert(slot, self.table.at(slot).occupied());
        slot
    }

    /// Stores an entity in place of what it was; id and owner are the same.
    pub(super) fn replace(self, slot: Slot, mut new: E) {
        let old = self.table.at(slot);
        self.shared.replace(old, &mut new);
        if new.occupied() == old.occupied() {
            // Its cells may be shared.
            *new.occupied_mut() = old.occupied().clone();
        } else {
            self.index.remove(slot, old.occupied());
            self.index.insert(slot, new.occupied());
        }
        *self.table.at_mut(slot) = new;
    }

    /// Removes an entity.
    pub(super) fn remove(self, slot: Slot) -> E {
        let removed = self.table.remove(slot);
        self.index.remove(slot, removed.occupied());
        self.shared.remove(&removed);
        removed
    }
}

impl State {
    /// Stores an operational intent; its id must be new.
    pub(crate) fn insert_operational_intent(&mut self, new: OperationalIntent) -> Slot {
        let slot = self.kind_of_operational_intents().insert(new);
        self.attach(slot);
        slot
    }

    /// Stores an operational intent in place of what it was; id and manager are the same.
    pub(crate) fn replace_operational_intent(&mut self, slot: Slot, new: OperationalIntent) {
        self.detach(slot);
        self.kind_of_operational_intents().replace(slot, new);
        self.attach(slot);
    }

    /// Removes an operational intent; what it was attached to stays.
    pub(crate) fn remove_operational_intent(&mut self, slot: Slot) -> OperationalIntent {
        self.detach(slot);
        self.kind_of_operational_intents().remove(slot)
    }

    /// Stores a constraint in place of what is stored with its id, if anything, gone or not.
    pub(crate) fn put_constraint(&mut self, new: Constraint) -> Slot {
        if let Some(stored) = self.tables.constraints.find(&new.id) {
            self.remove_constraint(stored);
        }
        self.ends.constraints.insert((new.occupied.bounds.ends_at, new.id));
        self.kind_of_constraints().insert(new)
    }

    /// Removes a constraint.
    pub(crate) fn remove_constraint(&mut self, slot: Slot) -> Constraint {
        let removed = self.kind_of_constraints().remove(slot);
        self.ends.constraints.remove(&(removed.occupied.bounds.ends_at, removed.id));
        removed
    }

    /// Stores a subscription; its id must be new.
    pub(crate) fn insert_subscription(&mut self, new: Subscription) -> Slot {
        let id = new.id;
        let slot = self.kind_of_subscriptions().insert(new);
        self.renew_end(id);
        slot
    }

    /// Stores a subscription in place of what it was; id and manager are the same.
    pub(crate) fn replace_subscription(&mut self, slot: Slot, new: Subscription) {
        let old = self.tables.subscriptions.at(slot);
        let id = old.id;
        self.ends.subscriptions.remove(&(old.occupied.bounds.ends_at, id));
        self.kind_of_subscriptions().replace(slot, new);
        self.renew_end(id);
    }

    /// Counts one more notification that a subscription prompts.
    pub(crate) fn bump_notification_index(&mut self, slot: Slot) -> &Subscription {
        let subscription = self.tables.subscriptions.at_mut(slot);
        subscription.notification_index = subscription.notification_index.saturating_add(1);
        subscription
    }

    /// Removes a subscription; only operational intents that are gone may still name it.
    pub(crate) fn remove_subscription(&mut self, slot: Slot) -> Subscription {
        let removed = self.kind_of_subscriptions().remove(slot);
        assert!(
            !self.has_live_dependents(self.horizon(), removed.id),
            "a subscription that is needed stays"
        );
        self.ends.subscriptions.remove(&(removed.occupied.bounds.ends_at, removed.id));
        removed
    }

    /// Stores an availability in place of what it was, if anything.
    pub(crate) fn put_uss_availability(&mut self, new: UssAvailability) {
        match self.tables.uss_availabilities.find(&new.uss_id) {
            Some(slot) => *self.tables.uss_availabilities.at_mut(slot) = new,
            None => {
                self.tables.uss_availabilities.insert(new);
            }
        }
    }

    /// Remembers a decided request; its key must be new to its party.
    pub(crate) fn insert_kept_outcome(&mut self, mut new: KeptOutcome) {
        new.party = self.shared.parties.add_kept(&new.party, (new.position, new.key));
        let position = new.position;
        let slot = self.tables.kept_outcomes.insert(new);
        self.kept.insert((position, slot));
    }

    /// Forgets a decided request.
    pub(crate) fn remove_kept_outcome(&mut self, slot: Slot) -> KeptOutcome {
        let removed = self.tables.kept_outcomes.remove(slot);
        self.kept.remove(&(removed.position, slot));
        self.shared
            .parties
            .change(&removed.party, |usage| usage.kept.remove(&(removed.position, removed.key)));
        removed
    }

    /// Returns the kept outcome with the lowest position.
    pub(crate) fn oldest_kept_outcome(&self) -> Option<Slot> {
        self.kept.first().map(|(_, slot)| *slot)
    }

    /// Adds a stored operational intent to the dependents of the subscription that it names, and
    /// to the ends.
    fn attach(&mut self, slot: Slot) {
        let stored = self.tables.operational_intents.at(slot);
        let (id, ends_at) = (stored.id, stored.occupied.bounds.ends_at);
        self.ends.operational_intents.insert((ends_at, id));
        if let Some(subscription_id) = stored.subscription_id {
            self.dependents.insert(subscription_id, ends_at, slot);
            self.renew_end(subscription_id);
        }
    }

    /// Undoes [`State::attach`].
    fn detach(&mut self, slot: Slot) {
        let stored = self.tables.operational_intents.at(slot);
        let (id, ends_at) = (stored.id, stored.occupied.bounds.ends_at);
        self.ends.operational_intents.remove(&(ends_at, id));
        if let Some(subscription_id) = stored.subscription_id {
            self.dependents.remove(subscription_id, ends_at, slot);
            self.renew_end(subscription_id);
        }
    }

    /// Keeps a subscription among the ends while it is explicit and nothing stored names it.
    fn renew_end(&mut self, id: SubscriptionId) {
        let Some(slot) = self.tables.subscriptions.find(&id) else {
            return;
        };
        let stored = self.tables.subscriptions.at(slot);
        let end = (stored.occupied.bounds.ends_at, id);
        if stored.implicit || 0 < self.dependents.count(id) {
            self.ends.subscriptions.remove(&end);
        } else {
            self.ends.subscriptions.insert(end);
        }
    }

    fn kind_of_operational_intents(&mut self) -> Kind<'_, OperationalIntent> {
        Kind {
            table: &mut self.tables.operational_intents,
            index: &mut self.operational_intent_index,
            shared: &mut self.shared,
        }
    }

    fn kind_of_constraints(&mut self) -> Kind<'_, Constraint> {
        Kind {
            table: &mut self.tables.constraints,
            index: &mut self.constraint_index,
            shared: &mut self.shared,
        }
    }

    fn kind_of_subscriptions(&mut self) -> Kind<'_, Subscription> {
        Kind {
            table: &mut self.tables.subscriptions,
            index: &mut self.subscription_index,
            shared: &mut self.shared,
        }
    }
}
