//! The one door through which tables and indices change, together.

use super::State;
use crate::SubscriptionId;
use crate::constraint::Constraint;
use crate::idempotency::KeptOutcome;
use crate::operational_intent::OperationalIntent;
use crate::subscription::Subscription;
use crate::table::Slot;
use crate::uss_availability::UssAvailability;

impl State {
    /// Stores an operational intent; its id must be new.
    pub(crate) fn insert_operational_intent(&mut self, mut new: OperationalIntent) -> Slot {
        new.manager = self.parties.add_entity(&new.manager, new.occupied.cells.len());
        new.uss_base_url = self.uss_base_urls.add(&new.uss_base_url);
        let slot = self.tables.operational_intents.insert(new);
        self.index_operational_intent(slot);
        self.attach(slot);
        slot
    }

    /// Stores an operational intent in place of what it was; id and manager are the same.
    pub(crate) fn replace_operational_intent(&mut self, slot: Slot, mut new: OperationalIntent) {
        self.detach(slot);
        let old = self.tables.operational_intents.at(slot).clone();
        new.uss_base_url = self.uss_base_urls.add(&new.uss_base_url);
        self.uss_base_urls.remove(&old.uss_base_url);
        self.parties.change(&old.manager, |usage| {
            usage.cells += new.occupied.cells.len() as u64;
            usage.cells -= old.occupied.cells.len() as u64;
        });
        let moved = new.occupied != old.occupied;
        if moved {
            self.unindex_operational_intent(slot);
        } else {
            new.occupied = old.occupied;
        }
        *self.tables.operational_intents.at_mut(slot) = new;
        if moved {
            self.index_operational_intent(slot);
        }
        self.attach(slot);
    }

    /// Removes an operational intent; what it was attached to stays.
    pub(crate) fn remove_operational_intent(&mut self, slot: Slot) -> OperationalIntent {
        self.detach(slot);
        self.unindex_operational_intent(slot);
        let removed = self.tables.operational_intents.remove(slot);
        self.parties.remove_entity(&removed.manager, removed.occupied.cells.len());
        self.uss_base_urls.remove(&removed.uss_base_url);
        removed
    }

    /// Stores a constraint; its id must be new.
    pub(crate) fn insert_constraint(&mut self, mut new: Constraint) -> Slot {
        new.manager = self.parties.add_entity(&new.manager, new.occupied.cells.len());
        new.uss_base_url = self.uss_base_urls.add(&new.uss_base_url);
        self.ends.constraints.insert((new.occupied.bounds.ends_at, new.id));
        let slot = self.tables.constraints.insert(new);
        self.constraint_index.insert(slot, &self.tables.constraints.at(slot).occupied);
        slot
    }

    /// Removes a constraint.
    pub(crate) fn remove_constraint(&mut self, slot: Slot) -> Constraint {
        let removed = self.tables.constraints.remove(slot);
        self.constraint_index.remove(slot, &removed.occupied);
        self.ends.constraints.remove(&(removed.occupied.bounds.ends_at, removed.id));
        self.parties.remove_entity(&removed.manager, removed.occupied.cells.len());
        self.uss_base_urls.remove(&removed.uss_base_url);
        removed
    }

    /// Stores a subscription; its id must be new.
    pub(crate) fn insert_subscription(&mut self, mut new: Subscription) -> Slot {
        new.manager = self.parties.add_entity(&new.manager, new.occupied.cells.len());
        new.uss_base_url = self.uss_base_urls.add(&new.uss_base_url);
        let id = new.id;
        let slot = self.tables.subscriptions.insert(new);
        self.subscription_index.insert(slot, &self.tables.subscriptions.at(slot).occupied);
        self.renew_end(id);
        slot
    }

    /// Stores a subscription in place of what it was; id and manager are the same.
    pub(crate) fn replace_subscription(&mut self, slot: Slot, mut new: Subscription) {
        let old = self.tables.subscriptions.at(slot).clone();
        new.uss_base_url = self.uss_base_urls.add(&new.uss_base_url);
        self.uss_base_urls.remove(&old.uss_base_url);
        self.parties.change(&old.manager, |usage| {
            usage.cells += new.occupied.cells.len() as u64;
            usage.cells -= old.occupied.cells.len() as u64;
        });
        self.ends.subscriptions.remove(&(old.occupied.bounds.ends_at, old.id));
        if new.occupied != old.occupied {
            self.subscription_index.remove(slot, &old.occupied);
            self.subscription_index.insert(slot, &new.occupied);
        }
        *self.tables.subscriptions.at_mut(slot) = new;
        self.renew_end(old.id);
    }

    /// Counts one more notification that a subscription prompts.
    pub(crate) fn bump_notification_index(&mut self, slot: Slot) -> &Subscription {
        let subscription = self.tables.subscriptions.at_mut(slot);
        subscription.notification_index = subscription.notification_index.saturating_add(1);
        subscription
    }

    /// Removes a subscription; only operational intents that are gone may still name it.
    pub(crate) fn remove_subscription(&mut self, slot: Slot) -> Subscription {
        let removed = self.tables.subscriptions.remove(slot);
        assert!(
            !self.has_live_dependents(self.horizon(), removed.id),
            "a subscription that is needed stays"
        );
        self.subscription_index.remove(slot, &removed.occupied);
        self.ends.subscriptions.remove(&(removed.occupied.bounds.ends_at, removed.id));
        self.parties.remove_entity(&removed.manager, removed.occupied.cells.len());
        self.uss_base_urls.remove(&removed.uss_base_url);
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
        new.party = self.parties.add_kept(&new.party, (new.position, new.key));
        let position = new.position;
        let slot = self.tables.kept_outcomes.insert(new);
        self.kept.insert((position, slot));
    }

    /// Forgets a decided request.
    pub(crate) fn remove_kept_outcome(&mut self, slot: Slot) -> KeptOutcome {
        let removed = self.tables.kept_outcomes.remove(slot);
        self.kept.remove(&(removed.position, slot));
        self.parties
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

    fn index_operational_intent(&mut self, slot: Slot) {
        let occupied = &self.tables.operational_intents.at(slot).occupied;
        self.operational_intent_index.insert(slot, occupied);
    }

    fn unindex_operational_intent(&mut self, slot: Slot) {
        let occupied = &self.tables.operational_intents.at(slot).occupied;
        self.operational_intent_index.remove(slot, occupied);
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
}
