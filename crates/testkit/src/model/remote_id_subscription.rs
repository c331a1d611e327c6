//! Subscriptions of F3411.

use airspace::remote_id_subscription::{
    Delete, Put, Refusal, RemoteIdSubscriptionView, SUBSCRIPTIONS_PER_CELL_MAX,
};
use airspace::{Accepted, Footprint, Party, RemoteIdVersion, SubscriptionId, UssBaseUrl};
use spacetime::{Cells, Timestamp};

use super::overlap::share_a_cell;
use super::{CLOCK_SKEW_MAX, Model, SUBSCRIPTION_MAX};
use super::{identification_service_area, limits, version};

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteIdSubscription {
    /// Which one.
    pub id: SubscriptionId,
    /// Whose it is.
    pub owner: Party,
    /// Where to notify.
    pub uss_base_url: UssBaseUrl,
    /// When it starts.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Where it is, at any altitude.
    pub cells: Cells,
    /// How many notifications it has prompted since it was last put.
    pub notification_index: u32,
    /// Its version.
    pub version: RemoteIdVersion,
}

/// Deployed hubs look at the times of a new one first (400), then whether it exists (409). Of one
/// that exists they look at the version (409), then whose it is (403), then at the times (400).
/// Both are held to the limit of a cell last (429).
pub(super) fn put(model: &mut Model, party: &Party, put: &Put) -> Result<Accepted, Refusal> {
    let (starts_at, ends_at) = match (known(model, put.id), &put.version) {
        (None, Some(_)) => return Err(Refusal::NotFound),
        (None, None) => choose_times(model.at, put, None)?,
        (Some(_), None) => {
            choose_times(model.at, put, None)?;
            return Err(Refusal::AlreadyExists);
        }
        (Some(old), Some(version)) if old.version != *version => {
            return Err(Refusal::VersionMismatch);
        }
        (Some(old), Some(_)) if old.owner != *party => return Err(Refusal::NotOwner),
        (Some(old), Some(_)) => choose_times(model.at, put, Some(old))?,
    };
    refuse_too_many_in_cell(model, party, &put.footprint.cells)?;
    let here = Footprint { starts_at: None, ends_at: None, cells: put.footprint.cells.clone() };
    let areas = identification_service_area::matching(model, model.clock, &here);
    if airspace::ENTITIES_PER_SEARCH_MAX < areas.len() {
        return Err(Refusal::TooManyFound);
    }

    let stored = RemoteIdSubscription {
        id: put.id,
        owner: party.clone(),
        uss_base_url: put.uss_base_url.clone(),
        starts_at,
        ends_at,
        cells: put.footprint.cells.clone(),
        notification_index: 0,
        version: version::of_remote_id(model.clock),
    };
    let subscription = shown(&stored);
    let mut after = model.clone();
    after.remote_id_subscriptions.retain(|known| known.id != put.id);
    after.remote_id_subscriptions.push(stored);
    if limits::exceeded(&after, party) {
        return Err(Refusal::TooMany);
    }
    *model = after;
    // One that is put so late that it would be gone is so at once.
    let horizon = model.horizons.f3411;
    model.remote_id_subscriptions.retain(|known| horizon < known.ends_at);
    Ok(Accepted::RemoteIdSubscriptionPut { subscription, areas })
}

pub(super) fn delete(
    model: &mut Model,
    party: &Party,
    delete: &Delete,
) -> Result<Accepted, Refusal> {
    let Some(old) = known(model, delete.id) else {
        return Err(Refusal::NotFound);
    };
    if old.version != delete.version {
        return Err(Refusal::VersionMismatch);
    }
    if old.owner != *party {
        return Err(Refusal::NotOwner);
    }

    let subscription = shown(old);
    model.remote_id_subscriptions.retain(|known| known.id != delete.id);
    Ok(Accepted::RemoteIdSubscriptionDeleted { subscription })
}

/// Everybody may see it, and what has ended until it is removed.
pub(super) fn find(model: &Model, id: SubscriptionId) -> Option<RemoteIdSubscriptionView> {
    known(model, id).map(shown)
}

/// Only the owner's own that have not ended, ascending by id.
pub(super) fn search(
    model: &Model,
    now: Timestamp,
    owner: &Party,
    cells: &Cells,
) -> Vec<RemoteIdSubscriptionView> {
    let mut found = Vec::new();
    for subscription in &model.remote_id_subscriptions {
        if subscription.owner == *owner
            && now <= subscription.ends_at
            && share_a_cell(&subscription.cells, cells)
        {
            found.push(shown(subscription));
        }
    }
    found.sort_by_key(|view| *view.id.as_bytes());
    found
}

fn known(model: &Model, id: SubscriptionId) -> Option<&RemoteIdSubscription> {
    model.remote_id_subscriptions.iter().find(|known| known.id == id)
}

fn shown(subscription: &RemoteIdSubscription) -> RemoteIdSubscriptionView {
    RemoteIdSubscriptionView {
        id: subscription.id,
        owner: subscription.owner.clone(),
        uss_base_url: subscription.uss_base_url.clone(),
        notification_index: subscription.notification_index,
        starts_at: subscription.starts_at,
        ends_at: subscription.ends_at,
        version: subscription.version,
    }
}

/// What is not given: the start is the old one's or now, the end is the old one's or a day later.
///
/// The end may be in the past, unlike that of subscriptions of F3548: deployed hubs take it.
fn choose_times(
    now: Timestamp,
    put: &Put,
    old: Option<&RemoteIdSubscription>,
) -> Result<(Timestamp, Timestamp), Refusal> {
    let Footprint { starts_at, ends_at, .. } = put.footprint;
    if starts_at.is_some_and(|start| start < now.minus(CLOCK_SKEW_MAX)) {
        return Err(Refusal::StartsInPast);
    }
    let starts_at = starts_at.unwrap_or_else(|| old.map_or(now, |old| old.starts_at));
    let usual_end = old.map_or(starts_at.plus(SUBSCRIPTION_MAX), |old| old.ends_at);
    let ends_at = ends_at.unwrap_or(usual_end);
    if ends_at <= starts_at {
        return Err(Refusal::EndsBeforeStart);
    }
    if SUBSCRIPTION_MAX < ends_at.since(starts_at) {
        return Err(Refusal::TooLong);
    }
    Ok((starts_at, ends_at))
}

/// Counts what there is before the change, so one that is updated counts as it was.
fn refuse_too_many_in_cell(model: &Model, party: &Party, cells: &Cells) -> Result<(), Refusal> {
    for cell in cells.as_slice() {
        let mut there = 0;
        for known in &model.remote_id_subscriptions {
            let has_ended = known.ends_at < model.clock;
            if known.owner == *party && !has_ended && known.cells.as_slice().contains(cell) {
                there += 1;
            }
        }
        if SUBSCRIPTIONS_PER_CELL_MAX <= there {
            return Err(Refusal::TooManyInCell);
        }
    }
    Ok(())
}
