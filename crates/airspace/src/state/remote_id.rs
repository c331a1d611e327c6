//! What the state holds about remote ID: its part of the tables, the door through which that changes
//! together with its indices, and what reads and rules find in it.
//!
//! Nothing of it is hashed or stored before the log has accepted a request of version 2, so a state
//! without remote ID keeps the hash and the stored form of version 1.

use std::time::Duration;

use sha2::{Digest, Sha256};
use spacetime::{Cells, Timestamp};

use super::State;
use super::change::Kind;
use crate::extent::{ENTITIES_PER_SEARCH_MAX, TooManyFound};
use crate::identification_service_area::{
    self, IdentificationServiceArea, IdentificationServiceAreaView,
};
use crate::index::{Bounds, Index, Query};
use crate::remote_id_subscription::{RemoteIdSubscription, RemoteIdSubscriptionView};
use crate::table::{Slot, Table};
use crate::{EntityId, F3411Settings, Footprint, Party, SubscriptionId};

/// How long an entity is kept after its end unless an operator sets another time.
const F3411_RETENTION_DEFAULT_S: u32 = 30 * 60;

/// What a snapshot holds about remote ID.
#[derive(Clone, Debug)]
pub(super) struct RemoteIdTables {
    pub(super) horizon: Timestamp,
    pub(super) settings: F3411Settings,
    pub(super) identification_service_areas: Table<IdentificationServiceArea>,
    pub(super) subscriptions: Table<RemoteIdSubscription>,
}

/// What follows from it.
#[derive(Clone, Debug, Default)]
pub(super) struct RemoteIdIndices {
    pub(super) identification_service_areas: Index,
    pub(super) subscriptions: Index,
}

impl Default for F3411Settings {
    fn default() -> Self {
        F3411Settings { retention_s: F3411_RETENTION_DEFAULT_S }
    }
}

impl F3411Settings {
    /// Returns the time at or before which an F3411 entity must have ended to be gone at `now`.
    fn horizon_at(&self, now: Timestamp) -> Timestamp {
        now.minus(Duration::from_secs(u64::from(self.retention_s)))
    }
}

impl Default for RemoteIdTables {
    fn default() -> Self {
        RemoteIdTables {
            horizon: Timestamp::MIN,
            settings: F3411Settings::default(),
            identification_service_areas: Table::default(),
            subscriptions: Table::default(),
        }
    }
}

impl RemoteIdTables {
    /// Moves the horizon behind the clock; it never goes back.
    pub(super) fn advance(&mut self, clock: Timestamp) {
        self.horizon = self.horizon.max(self.settings.horizon_at(clock));
    }

    /// Adds all of it to what the hash of the state is over.
    pub(super) fn hash(&self, hasher: &mut Sha256) {
        hasher.update(self.horizon.as_micros().to_le_bytes());
        hasher.update(self.settings.retention_s.to_le_bytes());
        hasher.update(self.identification_service_areas.hash());
        hasher.update(self.subscriptions.hash());
    }
}

/// Reads for clients, with the hub's own clock as elsewhere.
impl State {
    /// Returns what the operator has set about remote ID.
    pub fn f3411_settings(&self) -> F3411Settings {
        self.tables.remote_id.settings
    }

    /// Finds an identification service area.
    pub fn find_identification_service_area(
        &self,
        now: Timestamp,
        id: EntityId,
    ) -> Option<IdentificationServiceAreaView> {
        let slot = self.live_identification_service_area(self.remote_id_horizon_at(now), id)?;
        Some(self.identification_service_areas().at(slot).view())
    }

    /// Lists the identification service areas that overlap `footprint` and have not ended,
    /// ascending by id.
    pub fn search_identification_service_areas(
        &self,
        now: Timestamp,
        footprint: &Footprint,
    ) -> Result<Vec<IdentificationServiceAreaView>, TooManyFound> {
        let now = now.max(self.clock());
        let earliest = footprint.starts_at.map_or(now, |earliest| earliest.max(now));
        let latest = footprint.ends_at.unwrap_or(Timestamp::MAX);
        let bounds = Bounds::of_time(earliest, latest);
        let query = Query { bounds, cells: footprint.cells.as_slice() };
        let slots = self.identification_service_areas_in(self.remote_id_horizon_at(now), &query)?;
        Ok(identification_service_area::views(self, slots))
    }

    /// Finds a subscription of F3411; everybody may see it.
    pub fn find_remote_id_subscription(
        &self,
        now: Timestamp,
        id: SubscriptionId,
    ) -> Option<RemoteIdSubscriptionView> {
        let slot = self.live_remote_id_subscription(self.remote_id_horizon_at(now), id)?;
        Some(self.remote_id_subscriptions().at(slot).view())
    }

    /// Lists the subscriptions of F3411 of `owner` in `cells` that have not ended, ascending by id.
    pub fn search_remote_id_subscriptions(
        &self,
        now: Timestamp,
        owner: &Party,
        cells: &Cells,
    ) -> Result<Vec<RemoteIdSubscriptionView>, TooManyFound> {
        let now = now.max(self.clock());
        let bounds = Bounds::of_time(now, Timestamp::MAX).after(self.remote_id_horizon_at(now));
        let query = Query { bounds, cells: cells.as_slice() };
        let found = self.remote_id_indices.subscriptions.search_at_most(
            ENTITIES_PER_SEARCH_MAX,
            &query,
            |slot| self.remote_id_subscriptions().at(slot).owner == *owner,
        )?;
        let found = found.into_iter().map(|slot| self.remote_id_subscriptions().at(slot).view());
        let mut views: Vec<_> = found.collect();
        views.sort_unstable_by_key(|view| view.id);
        Ok(views)
    }

    /// Returns the horizon of a read.
    fn remote_id_horizon_at(&self, now: Timestamp) -> Timestamp {
        let now = now.max(self.clock());
        self.remote_id_horizon().max(self.tables.remote_id.settings.horizon_at(now))
    }
}

/// Reads for rules.
impl State {
    /// Returns the time at or before which what F3411 shares and that ended is gone.
    pub(crate) fn remote_id_horizon(&self) -> Timestamp {
        self.tables.remote_id.horizon
    }

    pub(crate) fn identification_service_areas(&self) -> &Table<IdentificationServiceArea> {
        &self.tables.remote_id.identification_service_areas
    }

    pub(crate) fn remote_id_subscriptions(&self) -> &Table<RemoteIdSubscription> {
        &self.tables.remote_id.subscriptions
    }

    pub(crate) fn live_identification_service_area(
        &self,
        horizon: Timestamp,
        id: EntityId,
    ) -> Option<Slot> {
        self.identification_service_areas().find_live(horizon, &id)
    }

    pub(crate) fn live_remote_id_subscription(
        &self,
        horizon: Timestamp,
        id: SubscriptionId,
    ) -> Option<Slot> {
        self.remote_id_subscriptions().find_live(horizon, &id)
    }

    /// Returns the identification service areas that overlap, in no order that means anything.
    pub(crate) fn identification_service_areas_in(
        &self,
        horizon: Timestamp,
        query: &Query<'_>,
    ) -> Result<Vec<Slot>, TooManyFound> {
        let query = Query { bounds: query.bounds.after(horizon), ..*query };
        let index = &self.remote_id_indices.identification_service_areas;
        index.search_at_most(ENTITIES_PER_SEARCH_MAX, &query, |_| true)
    }

    /// Returns all subscriptions of F3411 that overlap and that `keep` keeps, however many.
    pub(crate) fn all_remote_id_subscriptions_in(
        &self,
        query: &Query<'_>,
        keep: impl Fn(&RemoteIdSubscription) -> bool,
    ) -> Vec<Slot> {
        let query = Query { bounds: query.bounds.after(self.remote_id_horizon()), ..*query };
        let index = &self.remote_id_indices.subscriptions;
        index.search(&query, |slot| keep(self.remote_id_subscriptions().at(slot)))
    }
}

/// The door.
impl State {
    /// Changes the settings about remote ID.
    pub(super) fn put_f3411_settings(&mut self, settings: F3411Settings) {
        self.tables.remote_id.settings = settings;
    }

    /// Stores an identification service area in place of what is stored with its id, if anything,
    /// gone or not.
    pub(crate) fn put_identification_service_area(
        &mut self,
        new: IdentificationServiceArea,
    ) -> Slot {
        if let Some(stored) = self.identification_service_areas().find(&new.id) {
            self.remove_identification_service_area(stored);
        }
        let end = (new.occupied.bounds.ends_at, new.id);
        self.ends.identification_service_areas.insert(end);
        self.kind_of_identification_service_areas().insert(new)
    }

    /// Removes an identification service area.
    pub(crate) fn remove_identification_service_area(
        &mut self,
        slot: Slot,
    ) -> IdentificationServiceArea {
        let removed = self.kind_of_identification_service_areas().remove(slot);
        let end = (removed.occupied.bounds.ends_at, removed.id);
        self.ends.identification_service_areas.remove(&end);
        removed
    }

    /// Stores a subscription of F3411 in place of what is stored with its id, if anything, gone or
    /// not.
    pub(crate) fn put_remote_id_subscription(&mut self, new: RemoteIdSubscription) -> Slot {
        if let Some(stored) = self.remote_id_subscriptions().find(&new.id) {
            self.remove_remote_id_subscription(stored);
        }
        self.ends.remote_id_subscriptions.insert((new.occupied.bounds.ends_at, new.id));
        self.kind_of_remote_id_subscriptions().insert(new)
    }

    /// Counts one more notification that a subscription of F3411 prompts.
    pub(crate) fn bump_remote_id_notification_index(
        &mut self,
        slot: Slot,
    ) -> &RemoteIdSubscription {
        let subscription = self.tables.remote_id.subscriptions.at_mut(slot);
        subscription.notification_index = subscription.notification_index.saturating_add(1);
        subscription
    }

    /// Removes a subscription of F3411.
    pub(crate) fn remove_remote_id_subscription(&mut self, slot: Slot) -> RemoteIdSubscription {
        let removed = self.kind_of_remote_id_subscriptions().remove(slot);
        self.ends.remote_id_subscriptions.remove(&(removed.occupied.bounds.ends_at, removed.id));
        removed
    }

    fn kind_of_identification_service_areas(&mut self) -> Kind<'_, IdentificationServiceArea> {
        Kind {
            table: &mut self.tables.remote_id.identification_service_areas,
            index: &mut self.remote_id_indices.identification_service_areas,
            shared: &mut self.shared,
        }
    }

    fn kind_of_remote_id_subscriptions(&mut self) -> Kind<'_, RemoteIdSubscription> {
        Kind {
            table: &mut self.tables.remote_id.subscriptions,
            index: &mut self.remote_id_indices.subscriptions,
            shared: &mut self.shared,
        }
    }
}
