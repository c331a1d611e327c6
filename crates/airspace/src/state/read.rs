//! What reads and rules find in the state about F3548-21.
//!
//! All of them are given a horizon and treat what is gone by then as unknown.

use spacetime::Timestamp;

use super::{Bounds, State};
use crate::constraint::{self, ConstraintReference};
use crate::extent::{ENTITIES_PER_SEARCH_MAX, TooManyFound};
use crate::index::Query;
use crate::operational_intent::{self, OperationalIntentReference};
use crate::subscription::{Subscription, SubscriptionView};
use crate::table::Slot;
use crate::uss_availability::{UssAvailability, UssAvailabilityState, UssAvailabilityStatus};
use crate::{EntityId, Party, Search, SubscriptionId};

/// Reads for clients. `now` is the hub's own clock; the later of it and the state's decides what is
/// past its retention, and so unknown. OVNs are shown to their managers only.
impl State {
    /// Finds an operational intent, as `reader` may see it.
    pub fn find_operational_intent(
        &self,
        now: Timestamp,
        reader: &Party,
        id: EntityId,
    ) -> Option<OperationalIntentReference> {
        let slot = self.live_operational_intent(self.horizon_at(now), id)?;
        operational_intent::references(self, reader, vec![slot]).pop()
    }

    /// Lists the operational intents that overlap `search`, ascending by id.
    pub fn search_operational_intents(
        &self,
        now: Timestamp,
        reader: &Party,
        search: &Search,
    ) -> Result<Vec<OperationalIntentReference>, TooManyFound> {
        let slots = self.operational_intents_in(self.horizon_at(now), &Query::from(search))?;
        Ok(operational_intent::references(self, reader, slots))
    }

    /// Finds a constraint, as `reader` may see it.
    pub fn find_constraint(
        &self,
        now: Timestamp,
        reader: &Party,
        id: EntityId,
    ) -> Option<ConstraintReference> {
        let slot = self.live_constraint(self.horizon_at(now), id)?;
        constraint::references(self, reader, vec![slot]).pop()
    }

    /// Lists the constraints that overlap `search`, whatever their altitude, ascending by id.
    pub fn search_constraints(
        &self,
        now: Timestamp,
        reader: &Party,
        search: &Search,
    ) -> Result<Vec<ConstraintReference>, TooManyFound> {
        let slots = self.constraints_in(self.horizon_at(now), &Query::from(search))?;
        Ok(constraint::references(self, reader, slots))
    }

    /// Finds a subscription, and whose it is; whether the reader may see it is the caller's to say.
    pub fn find_subscription(
        &self,
        now: Timestamp,
        id: SubscriptionId,
    ) -> Option<(Party, SubscriptionView)> {
        let horizon = self.horizon_at(now);
        let subscription = self.tables.subscriptions.at(self.live_subscription(horizon, id)?);
        Some((subscription.manager.clone(), subscription.view(self, horizon)))
    }

    /// Lists the subscriptions of `owner` that overlap `search` and have not ended, whatever their
    /// altitude, ascending by id; neither they nor all their dependents may be too many.
    pub fn search_subscriptions(
        &self,
        now: Timestamp,
        owner: &Party,
        search: &Search,
    ) -> Result<Vec<SubscriptionView>, TooManyFound> {
        let horizon = self.horizon_at(now);
        let now = now.max(self.clock());
        let mut query = Query::from(search);
        query.bounds = query.bounds.at_any_altitude();
        query.bounds.starts_at = query.bounds.starts_at.max(now);
        let slots =
            self.subscription_index.search_at_most(ENTITIES_PER_SEARCH_MAX, &query, |slot| {
                let subscription = self.tables.subscriptions.at(slot);
                subscription.manager == *owner && !self.is_gone(horizon, subscription)
            })?;
        let found = slots.iter().map(|slot| self.tables.subscriptions.at(*slot));
        let dependents: usize = found.clone().map(|found| self.dependents.count(found.id)).sum();
        if ENTITIES_PER_SEARCH_MAX < dependents {
            return Err(TooManyFound);
        }
        let mut views: Vec<_> = found.map(|found| found.view(self, horizon)).collect();
        views.sort_unstable_by_key(|view| view.id);
        Ok(views)
    }

    /// Returns what is known of the availability of a USS.
    pub fn find_uss_availability(&self, uss_id: &Party) -> UssAvailabilityStatus {
        match self.tables.uss_availabilities.record(uss_id) {
            Some(known) => known.status(),
            None => UssAvailability::unknown(uss_id),
        }
    }

    /// Returns the horizon of a read.
    fn horizon_at(&self, now: Timestamp) -> Timestamp {
        let now = now.max(self.clock());
        self.horizon().max(self.tables.settings.horizon_at(now))
    }
}

/// Reads for rules.
impl State {
    pub(crate) fn live_operational_intent(&self, horizon: Timestamp, id: EntityId) -> Option<Slot> {
        self.tables.operational_intents.find_live(horizon, &id)
    }

    pub(crate) fn live_constraint(&self, horizon: Timestamp, id: EntityId) -> Option<Slot> {
        self.tables.constraints.find_live(horizon, &id)
    }

    pub(crate) fn live_subscription(&self, horizon: Timestamp, id: SubscriptionId) -> Option<Slot> {
        let slot = self.tables.subscriptions.find(&id)?;
        (!self.is_gone(horizon, self.tables.subscriptions.at(slot))).then_some(slot)
    }

    /// Returns the operational intents that overlap, in no order that means anything.
    pub(crate) fn operational_intents_in(
        &self,
        horizon: Timestamp,
        query: &Query<'_>,
    ) -> Result<Vec<Slot>, TooManyFound> {
        let query = Query { bounds: query.bounds.after(horizon), ..*query };
        self.operational_intent_index.search_at_most(ENTITIES_PER_SEARCH_MAX, &query, |_| true)
    }

    /// Returns all operational intents that overlap and that `keep` keeps, however many.
    pub(crate) fn all_operational_intents_in(
        &self,
        query: &Query<'_>,
        keep: impl Fn(Slot) -> bool,
    ) -> Vec<Slot> {
        let query = Query { bounds: query.bounds.after(self.horizon()), ..*query };
        self.operational_intent_index.search(&query, keep)
    }

    /// Returns the constraints that overlap, in no order that means anything.
    pub(crate) fn constraints_in(
        &self,
        horizon: Timestamp,
        query: &Query<'_>,
    ) -> Result<Vec<Slot>, TooManyFound> {
        let query = constraint_query(horizon, query);
        self.constraint_index.search_at_most(ENTITIES_PER_SEARCH_MAX, &query, |_| true)
    }

    /// Returns all constraints that overlap and that `keep` keeps, however many.
    pub(crate) fn all_constraints_in(
        &self,
        query: &Query<'_>,
        keep: impl Fn(Slot) -> bool,
    ) -> Vec<Slot> {
        self.constraint_index.search(&constraint_query(self.horizon(), query), keep)
    }

    /// Returns all subscriptions that overlap and that `keep` keeps, however many.
    pub(crate) fn all_subscriptions_in(
        &self,
        query: &Query<'_>,
        keep: impl Fn(&Subscription) -> bool,
    ) -> Vec<Slot> {
        self.subscription_index.search(query, |slot| {
            let subscription = self.tables.subscriptions.at(slot);
            keep(subscription) && !self.is_gone(self.horizon(), subscription)
        })
    }

    /// Returns the operational intents that name a subscription and are not gone.
    pub(crate) fn live_dependents(
        &self,
        horizon: Timestamp,
        id: SubscriptionId,
    ) -> impl Iterator<Item = Slot> {
        self.dependents.after(horizon, id)
    }

    /// Returns how many operational intents stored name a subscription, gone or not.
    pub(crate) fn count_of_dependents(&self, id: SubscriptionId) -> usize {
        self.dependents.count(id)
    }

    /// Tells whether an operational intent that is not gone names a subscription.
    pub(crate) fn has_live_dependents(&self, horizon: Timestamp, id: SubscriptionId) -> bool {
        self.live_dependents(horizon, id).next().is_some()
    }

    /// Returns whether a USS answers, as far as anybody has said.
    pub(crate) fn availability_of(&self, uss_id: &Party) -> UssAvailabilityState {
        match self.tables.uss_availabilities.record(uss_id) {
            Some(known) => known.availability,
            None => UssAvailabilityState::Unknown,
        }
    }

    /// Tells whether a stored subscription is as unknown: nothing that is not gone names it, and it
    /// is implicit or ended long ago.
    fn is_gone(&self, horizon: Timestamp, subscription: &Subscription) -> bool {
        if !subscription.implicit && horizon < subscription.occupied.bounds.ends_at {
            return false;
        }
        // Every implicit subscription stored has a dependent stored; if none of those is gone,
        // there is no need to look.
        if subscription.implicit && !self.ends.holds_gone_operational_intent(horizon) {
            return false;
        }
        !self.has_live_dependents(horizon, subscription.id)
    }
}

fn constraint_query<'a>(horizon: Timestamp, query: &Query<'a>) -> Query<'a> {
    Query { bounds: query.bounds.at_any_altitude().after(horizon), cells: query.cells }
}

impl<'a> From<&'a Search> for Query<'a> {
    fn from(search: &'a Search) -> Self {
        Query { bounds: Bounds::from(search), cells: search.cells.as_slice() }
    }
}
