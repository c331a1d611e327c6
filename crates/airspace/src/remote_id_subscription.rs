//! Subscriptions to identification service areas (F3411-19 and F3411-22a `Subscription`).
//!
//! They share nothing with the subscriptions of F3548-21 but the form of their ids.

use borsh::{BorshDeserialize, BorshSerialize};
use spacetime::{Cell, Timestamp};

use crate::index::{Bounds, Occupied, Query};
use crate::limits::Growth;
use crate::state::State;
use crate::table::Slot;
use crate::times::{self, DURATION_MAX};
use crate::{
    Accepted, Footprint, Party, RemoteIdVersion, SubscriptionId, UssBaseUrl,
    identification_service_area,
};

/// How many subscriptions a party may have in any one cell at a time (F3411-22a DSS0030).
pub const SUBSCRIPTIONS_PER_CELL_MAX: usize = 10;

/// Asks to create (`version` is `None`) or update a subscription.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Put {
    /// Which one.
    pub id: SubscriptionId,
    /// The version that the caller believes current; `None` creates.
    pub version: Option<RemoteIdVersion>,
    /// Where and when; a missing start or end is filled by the rules.
    pub footprint: Footprint,
    /// Where to notify: `callbacks.identification_service_area_url` of F3411-19, `uss_base_url` of
    /// F3411-22a.
    pub uss_base_url: UssBaseUrl,
}

/// Asks to delete a subscription.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Delete {
    /// Which one.
    pub id: SubscriptionId,
    /// The version that the caller believes current.
    pub version: RemoteIdVersion,
}

/// What is shown of a subscription.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RemoteIdSubscriptionView {
    /// Which one.
    pub id: SubscriptionId,
    /// Whose it is.
    pub owner: Party,
    /// Where to notify.
    pub uss_base_url: UssBaseUrl,
    /// How many notifications it has prompted since it was last put.
    pub notification_index: u32,
    /// When it starts.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Its version; a bump of the index leaves it.
    pub version: RemoteIdVersion,
}

/// A subscription as the state keeps it.
#[derive(Clone, Debug)]
pub(crate) struct RemoteIdSubscription {
    pub(crate) id: SubscriptionId,
    pub(crate) owner: Party,
    pub(crate) uss_base_url: UssBaseUrl,
    /// At any altitude.
    pub(crate) occupied: Occupied,
    pub(crate) notification_index: u32,
    /// When it was last put; its version is made of it.
    pub(crate) updated_at: Timestamp,
}

/// Why a subscription was not put or deleted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, BorshSerialize, BorshDeserialize)]
pub enum Refusal {
    /// A creation names an id that exists.
    #[error("a subscription with this id exists; give its version to update it")]
    AlreadyExists,
    /// An update or a deletion names an id that does not exist.
    #[error("there is no subscription with this id")]
    NotFound,
    /// It is another party's.
    #[error("the subscription belongs to another party")]
    NotOwner,
    /// The version given is not its current one.
    #[error("the version is not the current one of this subscription")]
    VersionMismatch,
    /// It would start more than 5 minutes before now.
    #[error("the subscription would start in the past")]
    StartsInPast,
    /// It would end at or before its start.
    #[error("the subscription would end before it starts")]
    EndsBeforeStart,
    /// It would last longer than 24 hours.
    #[error("the subscription would last longer than 24 hours")]
    TooLong,
    /// The party has [`SUBSCRIPTIONS_PER_CELL_MAX`] subscriptions in one of its cells.
    #[error(
        "the party has {SUBSCRIPTIONS_PER_CELL_MAX} subscriptions in a part of this area; delete \
         one or wait until one ends"
    )]
    TooManyInCell,
    /// The party has as many live entities or cells as it may.
    #[error("the party has as many live entities as it may have")]
    TooMany,
    /// The answer would list more entities than one answer may.
    #[error("more entities are in the area than one answer lists; ask for a smaller one")]
    TooManyFound,
}

impl RemoteIdSubscription {
    pub(crate) fn view(&self) -> RemoteIdSubscriptionView {
        RemoteIdSubscriptionView {
            id: self.id,
            owner: self.owner.clone(),
            uss_base_url: self.uss_base_url.clone(),
            notification_index: self.notification_index,
            starts_at: self.occupied.bounds.starts_at,
            ends_at: self.occupied.bounds.ends_at,
            version: self.version(),
        }
    }

    fn version(&self) -> RemoteIdVersion {
        RemoteIdVersion::of(self.updated_at)
    }
}

/// Creates or updates a subscription, and lists the identification service areas there.
///
/// The refusals come in the order of the deployed hubs: on a creation the times before the id that
/// exists, on an update the version, the owner, the times; then the limit of F3411-22a DSS0030. An
/// update begins to count notifications anew.
pub(crate) fn put(
    state: &mut State,
    at: Timestamp,
    party: &Party,
    command: &Put,
) -> Result<Accepted, Refusal> {
    let horizon = state.remote_id_horizon();
    let stored = state.live_remote_id_subscription(horizon, command.id);
    let old = match command.version {
        Some(version) => Some(check_version(state, party, stored, version)?),
        None => None,
    };
    let was = old.map(|slot| &state.remote_id_subscriptions().at(slot).occupied);
    let bounds = bounds(at, &command.footprint, was.map(|was| was.bounds))?;
    if old.is_none() && stored.is_some() {
        return Err(Refusal::AlreadyExists);
    }
    let occupied = Occupied::at_any_altitude(bounds, &command.footprint.cells);
    if is_full(state, party, &occupied.cells) {
        return Err(Refusal::TooManyInCell);
    }
    let unended = Bounds::of_time(state.clock(), Timestamp::MAX);
    let query = Query { bounds: unended, cells: &occupied.cells };
    let areas = state.identification_service_areas_in(horizon, &query);
    let areas = areas.map_err(|_| Refusal::TooManyFound)?;
    if !state.parties().allow(party, &Growth::of(&occupied, was)) {
        return Err(Refusal::TooMany);
    }

    let slot = state.put_remote_id_subscription(RemoteIdSubscription {
        id: command.id,
        owner: party.clone(),
        uss_base_url: command.uss_base_url.clone(),
        occupied,
        notification_index: 0,
        updated_at: state.clock(),
    });
    Ok(Accepted::RemoteIdSubscriptionPut {
        subscription: state.remote_id_subscriptions().at(slot).view(),
        areas: identification_service_area::views(state, areas),
    })
}

/// Deletes a subscription.
pub(crate) fn delete(
    state: &mut State,
    party: &Party,
    command: &Delete,
) -> Result<Accepted, Refusal> {
    let stored = state.live_remote_id_subscription(state.remote_id_horizon(), command.id);
    let slot = check_version(state, party, stored, command.version)?;

    let subscription = state.remove_remote_id_subscription(slot).view();
    Ok(Accepted::RemoteIdSubscriptionDeleted { subscription })
}

/// Returns what is updated or deleted; the version is checked before the owner.
fn check_version(
    state: &State,
    party: &Party,
    stored: Option<Slot>,
    version: RemoteIdVersion,
) -> Result<Slot, Refusal> {
    let slot = stored.ok_or(Refusal::NotFound)?;
    let stored = state.remote_id_subscriptions().at(slot);
    if stored.version() != version {
        return Err(Refusal::VersionMismatch);
    }
    if stored.owner != *party {
        return Err(Refusal::NotOwner);
    }
    Ok(slot)
}

/// Returns the times of a subscription: those given, else those it had, else from now for 24 hours.
/// It may have ended.
fn bounds(at: Timestamp, given: &Footprint, had: Option<Bounds>) -> Result<Bounds, Refusal> {
    let starts_at = times::start(at, given.starts_at, had)?;
    let ends_at = given.ends_at.or(had.map(|had| had.ends_at));
    let bounds = times::until(starts_at, ends_at.unwrap_or(starts_at.plus(DURATION_MAX)))?;
    if DURATION_MAX < bounds.duration() {
        return Err(Refusal::TooLong);
    }
    Ok(bounds)
}

/// Tells whether a party has as many subscriptions as it may in one of these cells, those that have
/// ended aside and the one that is updated not.
fn is_full(state: &State, party: &Party, cells: &[Cell]) -> bool {
    let bounds = Bounds::of_time(state.clock(), Timestamp::MAX);
    let is_reached_in = |cells| {
        let query = Query { bounds, cells };
        let found = state.all_remote_id_subscriptions_in(&query, |found| found.owner == *party);
        SUBSCRIPTIONS_PER_CELL_MAX <= found.len()
    };
    // Few parties have so many even in all cells together, and that is quickly seen.
    is_reached_in(cells) && cells.chunks(1).any(is_reached_in)
}
