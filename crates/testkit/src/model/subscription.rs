//! Subscriptions.

use airspace::subscription::{Delete, NotifyFor, Put, Refusal, SubscriptionView};
use airspace::{Accepted, EntityId, Extent, Party, Search, SubscriptionId, UssBaseUrl};
use spacetime::Timestamp;

use super::overlap::{in_time, search_of, share_a_cell};
use super::{CLOCK_SKEW_MAX, Model, OperationalIntent, SUBSCRIPTION_MAX};
use super::{constraint, limits, operational_intent, version};

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Which one.
    pub id: SubscriptionId,
    /// Whose it is.
    pub manager: Party,
    /// Its version.
    pub version: String,
    /// How many notifications it has prompted.
    pub notification_index: u32,
    /// Where and when; it has no altitudes.
    pub extent: Extent,
    /// Where to notify.
    pub uss_base_url: UssBaseUrl,
    /// Whether changes of operational intents prompt a notification.
    pub notify_for_operational_intents: bool,
    /// Whether changes of constraints prompt a notification.
    pub notify_for_constraints: bool,
    /// Whether an operational intent brought it.
    pub implicit: bool,
}

/// Deployed hubs look at the times first (400), then whether it exists (400, 409), then at the
/// version (409) and only then whose it is (403), and last at what depends on it (400).
pub(super) fn put(model: &mut Model, party: &Party, put: &Put) -> Result<Accepted, Refusal> {
    let old = known(model, put.id).cloned();
    let extent = choose_extent(model.at, put, old.as_ref())?;
    refuse_other_version(party, put, old.as_ref())?;
    for intent in dependents(model, put.id) {
        if !covers(&extent, &intent.extent) {
            return Err(Refusal::DependentNotCovered);
        }
    }

    let (for_operational_intents, for_constraints) = flags(put.notify_for);
    let stored = Subscription {
        id: put.id,
        manager: party.clone(),
        version: version::hashed(&put.id.to_string(), model.clock),
        notification_index: old.map_or(0, |old| old.notification_index),
        extent: Extent { altitude_lower: None, altitude_upper: None, ..extent },
        uss_base_url: put.uss_base_url.clone(),
        notify_for_operational_intents: for_operational_intents,
        notify_for_constraints: for_constraints,
        implicit: false,
    };
    let mut after = model.clone();
    after.subscriptions.retain(|known| known.id != put.id);
    after.subscriptions.push(stored.clone());
    let accepted = answer(&after, party, &stored)?;
    if limits::exceeded(&after, party) {
        return Err(Refusal::TooMany);
    }
    *model = after;
    Ok(accepted)
}

pub(super) fn delete(
    model: &mut Model,
    party: &Party,
    delete: &Delete,
) -> Result<Accepted, Refusal> {
    let Some(old) = known(model, delete.id) else {
        return Err(Refusal::NotFound);
    };
    if old.manager != *party {
        return Err(Refusal::NotManager);
    }
    if old.version != delete.version {
        return Err(Refusal::VersionMismatch);
    }
    if !dependents(model, delete.id).is_empty() {
        return Err(Refusal::HasDependents);
    }

    let subscription = shown(model, old);
    model.subscriptions.retain(|known| known.id != delete.id);
    Ok(Accepted::SubscriptionDeleted { subscription })
}

/// Removes a subscription that no operational intent names any more, if it is implicit or was kept
/// only for them: one that was carried over may have ended before they did.
pub(super) fn remove_orphan(model: &mut Model, id: SubscriptionId) {
    if !dependents(model, id).is_empty() {
        return;
    }
    let horizon = model.horizons.f3548;
    let is_orphan = |known: &Subscription| known.implicit || known.extent.ends_at <= horizon;
    model.subscriptions.retain(|known| known.id != id || !is_orphan(known));
}

pub(super) fn find(model: &Model, id: SubscriptionId) -> Option<(Party, SubscriptionView)> {
    known(model, id).map(|found| (found.manager.clone(), shown(model, found)))
}

/// Only the owner's own that have not ended; altitudes are not looked at, since it has none.
pub(super) fn search(
    model: &Model,
    now: Timestamp,
    owner: &Party,
    search: &Search,
) -> Vec<SubscriptionView> {
    let mut found = Vec::new();
    for subscription in &model.subscriptions {
        if subscription.manager == *owner
            && now <= subscription.extent.ends_at
            && share_a_cell(&subscription.extent.cells, &search.cells)
            && in_time(&subscription.extent, search)
        {
            found.push(shown(model, subscription));
        }
    }
    found.sort_by_key(|view| *view.id.as_bytes());
    found
}

/// Whether changes of operational intents prompt a notification, and whether those of constraints.
pub(super) fn flags(notify_for: NotifyFor) -> (bool, bool) {
    (notify_for != NotifyFor::Constraints, notify_for != NotifyFor::OperationalIntents)
}

/// The operational intents that name a subscription, ascending by id.
pub(super) fn dependents(model: &Model, id: SubscriptionId) -> Vec<&OperationalIntent> {
    let named = model.operational_intents.iter().filter(|i| i.subscription_id == Some(id));
    let mut dependents: Vec<_> = named.collect();
    dependents.sort_by_key(|intent| *intent.id.as_bytes());
    dependents
}

/// Every cell of `extent` is one of the subscription's.
pub(super) fn covers_area(subscription: &Subscription, extent: &Extent) -> bool {
    every_cell(&subscription.extent, extent)
}

fn known(model: &Model, id: SubscriptionId) -> Option<&Subscription> {
    model.subscriptions.iter().find(|known| known.id == id)
}

fn shown(model: &Model, subscription: &Subscription) -> SubscriptionView {
    let dependents: Vec<EntityId> =
        dependents(model, subscription.id).into_iter().map(|intent| intent.id).collect();
    SubscriptionView {
        id: subscription.id,
        version: subscription.version.clone(),
        notification_index: subscription.notification_index,
        starts_at: subscription.extent.starts_at,
        ends_at: subscription.extent.ends_at,
        uss_base_url: subscription.uss_base_url.clone(),
        notify_for: match subscription.notify_for_constraints {
            false => NotifyFor::OperationalIntents,
            true if subscription.notify_for_operational_intents => NotifyFor::Both,
            true => NotifyFor::Constraints,
        },
        implicit: subscription.implicit,
        dependent_operational_intents: dependents,
    }
}

/// What is not given: the start is the old one's or now, the end is the old one's or a day later.
///
/// That the end may not be in the past is said by the standard's API description only; it is held
/// to the end as chosen, so that an update without times does not touch what has ended.
fn choose_extent(now: Timestamp, put: &Put, old: Option<&Subscription>) -> Result<Extent, Refusal> {
    if put.extent.starts_at.is_some_and(|start| start < now.minus(CLOCK_SKEW_MAX)) {
        return Err(Refusal::StartsInPast);
    }
    let old_start = old.map_or(now, |old| old.extent.starts_at);
    let starts_at = put.extent.starts_at.unwrap_or(old_start);
    let old_end = old.map_or(starts_at.plus(SUBSCRIPTION_MAX), |old| old.extent.ends_at);
    let ends_at = put.extent.ends_at.unwrap_or(old_end);
    if ends_at < now {
        return Err(Refusal::EndsInPast);
    }
    if ends_at <= starts_at {
        return Err(Refusal::EndsBeforeStart);
    }
    if SUBSCRIPTION_MAX < ends_at.since(starts_at) {
        return Err(Refusal::TooLong);
    }
    Ok(Extent {
        starts_at,
        ends_at,
        altitude_lower: put.extent.altitude_lower,
        altitude_upper: put.extent.altitude_upper,
        cells: put.extent.cells.clone(),
    })
}

fn refuse_other_version(
    party: &Party,
    put: &Put,
    old: Option<&Subscription>,
) -> Result<(), Refusal> {
    match (old, &put.version) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(Refusal::NotFound),
        (Some(_), None) => Err(Refusal::AlreadyExists),
        (Some(old), Some(version)) if old.version != *version => Err(Refusal::VersionMismatch),
        (Some(old), Some(_)) if old.manager != *party => Err(Refusal::NotManager),
        (Some(_), Some(_)) => Ok(()),
    }
}

/// A dependent may start five minutes before the subscription; an altitude that the request does
/// not give is unbounded.
fn covers(new: &Extent, dependent: &Extent) -> bool {
    let starts = new.starts_at <= dependent.starts_at.plus(CLOCK_SKEW_MAX);
    let ends = dependent.ends_at <= new.ends_at;
    let lower = new.altitude_lower.is_none_or(|lower| Some(lower) <= dependent.altitude_lower);
    let upper = new.altitude_upper.is_none_or(|upper| dependent.altitude_upper <= Some(upper));
    starts && ends && lower && upper && every_cell(new, dependent)
}

fn every_cell(outer: &Extent, inner: &Extent) -> bool {
    inner.cells.as_slice().iter().all(|cell| outer.cells.as_slice().contains(cell))
}

/// Lists what is in the subscription's cells and time as it now is, whatever the altitude: both
/// kinds alike, though deployed hubs search constraints by the times that the request gave.
fn answer(model: &Model, party: &Party, stored: &Subscription) -> Result<Accepted, Refusal> {
    let here = search_of(&stored.extent);
    let mut operational_intents = None;
    if stored.notify_for_operational_intents {
        operational_intents = Some(operational_intent::matching(model, party, &here));
    }
    let mut constraints = None;
    if stored.notify_for_constraints {
        constraints = Some(constraint::matching(model, party, &here));
    }
    let max = airspace::ENTITIES_PER_SEARCH_MAX;
    if operational_intents.as_ref().is_some_and(|listed| max < listed.len())
        || constraints.as_ref().is_some_and(|listed| max < listed.len())
    {
        return Err(Refusal::TooManyFound);
    }
    let subscription = shown(model, stored);
    Ok(Accepted::SubscriptionPut { subscription, operational_intents, constraints })
}
