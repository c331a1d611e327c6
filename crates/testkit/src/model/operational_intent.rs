//! Operational intents.

use airspace::operational_intent::{
    Delete, NotifyForConstraints, OperationalIntentReference, OperationalIntentState, Put, Refusal,
    SubscriptionChoice,
};
use airspace::uss_availability::UssAvailabilityState;
use airspace::{
    Accepted, EntityId, Extent, NextOvn, Ovn, OvnSuffix, Party, Search, SubscriptionId, UssBaseUrl,
};

use sha2::{Digest, Sha256};

use super::notification::{self, Change};
use super::overlap::{in_altitude, in_time, search_of, share_a_cell};
use super::{CLOCK_SKEW_MAX, Model, Subscription, constraint, limits, subscription};
use super::{uss_availability, version};

/// An operational intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationalIntent {
    /// Which one.
    pub id: EntityId,
    /// Whose it is.
    pub manager: Party,
    /// How many times it was put.
    pub version: u32,
    /// Its state.
    pub state: OperationalIntentState,
    /// Its current OVN.
    pub ovn: Ovn,
    /// Every suffix that was asked for and given to it, the current one too.
    pub used_suffixes: Vec<OvnSuffix>,
    /// Where and when.
    pub extent: Extent,
    /// Where its details are found.
    pub uss_base_url: UssBaseUrl,
    /// The subscription that keeps its manager informed.
    pub subscription_id: Option<SubscriptionId>,
}

/// What is wrong with the request alone comes first (400), then whose it is (403), then the OVN
/// (409, or 400 for what does not exist), the subscription (400, 403), the key (409), and last
/// whether the OVN asked for was used before (400): deployed hubs learn of that when they write.
pub(super) fn put(model: &mut Model, party: &Party, put: &Put) -> Result<Accepted, Refusal> {
    if put.extent.ends_at < model.at {
        return Err(Refusal::EndsInPast);
    }
    refuse_suffix_not_now(model, put)?;
    let old = find_current(model, party, put)?;
    let attached = choose_subscription(model, party, put)?;
    refuse_missing_keys(model, party, put, attached.as_ref())?;
    let used_suffixes = use_suffix(model, put, old.as_ref())?;
    refuse_another_dependent(model, put, attached.as_ref())?;

    let mut after = model.clone();
    store(&mut after, party, put, old.as_ref(), used_suffixes, attached);
    if limits::exceeded(&after, party) {
        return Err(Refusal::TooMany);
    }
    *model = after;
    let union = notification::union(old.as_ref().map(|old| &old.extent), &put.extent);
    let subscribers = notification::notify(model, Change::OperationalIntent, &union);
    let stored = known(model, put.id).expect("it was stored");
    Ok(Accepted::OperationalIntent { reference: shown(model, stored, party), subscribers })
}

/// Subscribers are told before the implicit subscription goes, so it is among them.
pub(super) fn delete(
    model: &mut Model,
    party: &Party,
    delete: &Delete,
) -> Result<Accepted, Refusal> {
    let Some(old) = known(model, delete.id).cloned() else {
        return Err(Refusal::NotFound);
    };
    if old.manager != *party {
        return Err(Refusal::NotManager);
    }
    if old.ovn != delete.ovn {
        return Err(Refusal::OvnMismatch);
    }

    let reference = shown(model, &old, party);
    let subscribers = notification::notify(model, Change::OperationalIntent, &old.extent);
    remove(model, old.id);
    Ok(Accepted::OperationalIntent { reference, subscribers })
}

/// Removes an operational intent, and its subscription if that is implicit and nobody else's.
pub(super) fn remove(model: &mut Model, id: EntityId) {
    let subscription_id = known(model, id).and_then(|intent| intent.subscription_id);
    model.operational_intents.retain(|intent| intent.id != id);
    if let Some(subscription_id) = subscription_id {
        subscription::remove_orphan(model, subscription_id);
    }
}

pub(super) fn find(
    model: &Model,
    reader: &Party,
    id: EntityId,
) -> Option<OperationalIntentReference> {
    known(model, id).map(|found| shown(model, found, reader))
}

/// Everything that shares a cell, a moment and a height, ascending by id.
pub(super) fn matching(
    model: &Model,
    reader: &Party,
    search: &Search,
) -> Vec<OperationalIntentReference> {
    let mut found = Vec::new();
    for intent in &model.operational_intents {
        if share_a_cell(&intent.extent.cells, &search.cells)
            && in_time(&intent.extent, search)
            && in_altitude(&intent.extent, search)
        {
            found.push(shown(model, intent, reader));
        }
    }
    found.sort_by_key(|reference| *reference.id.as_bytes());
    found
}

fn known(model: &Model, id: EntityId) -> Option<&OperationalIntent> {
    model.operational_intents.iter().find(|intent| intent.id == id)
}

fn shown(model: &Model, intent: &OperationalIntent, reader: &Party) -> OperationalIntentReference {
    OperationalIntentReference {
        id: intent.id,
        manager: intent.manager.clone(),
        uss_availability: uss_availability::find(model, &intent.manager).availability,
        version: intent.version,
        state: intent.state,
        ovn: (intent.manager == *reader).then(|| intent.ovn.clone()),
        starts_at: intent.extent.starts_at,
        ends_at: intent.extent.ends_at,
        altitude_lower: intent.extent.altitude_lower.expect("every operational intent has one"),
        altitude_upper: intent.extent.altitude_upper.expect("every operational intent has one"),
        uss_base_url: intent.uss_base_url.clone(),
        subscription_id: intent.subscription_id,
    }
}

fn refuse_suffix_not_now(model: &Model, put: &Put) -> Result<(), Refusal> {
    match put.next_ovn {
        NextOvn::Requested(suffix) if !is_now(model, suffix) => Err(Refusal::OvnSuffixNotNow),
        NextOvn::Requested(_) | NextOvn::Random(_) => Ok(()),
    }
}

/// Exactly five minutes away is still near enough.
fn is_now(model: &Model, suffix: OvnSuffix) -> bool {
    let apart = (wished_micros(suffix) - i128::from(model.at.as_micros())).unsigned_abs();
    apart <= CLOCK_SKEW_MAX.as_micros()
}

/// Tells whether a suffix could be asked for now or later.
pub(super) fn can_be_asked_for(model: &Model, suffix: OvnSuffix) -> bool {
    let earliest = i128::from(model.clock.minus(CLOCK_SKEW_MAX).as_micros());
    earliest <= wished_micros(suffix)
}

fn wished_micros(suffix: OvnSuffix) -> i128 {
    i128::from(suffix.unix_millis()) * 1000
}

fn find_current(
    model: &Model,
    party: &Party,
    put: &Put,
) -> Result<Option<OperationalIntent>, Refusal> {
    let Some(old) = known(model, put.id) else {
        return if put.ovn.is_some() { Err(Refusal::NotFound) } else { Ok(None) };
    };
    if old.manager != *party {
        return Err(Refusal::NotManager);
    }
    let Some(ovn) = &put.ovn else {
        return Err(Refusal::AlreadyExists);
    };
    if old.ovn != *ovn {
        return Err(Refusal::OvnMismatch);
    }
    Ok(Some(old.clone()))
}

/// Returns the suffixes used after this one. The current one counts as used: an accepted PUT always
/// changes the OVN. Only a bounded number of those that could still be asked for are remembered;
/// beyond, the manager has to wait, since a forgotten one could come again.
fn use_suffix(
    model: &Model,
    put: &Put,
    old: Option<&OperationalIntent>,
) -> Result<Vec<OvnSuffix>, Refusal> {
    let mut used = old.map_or(Vec::new(), |old| old.used_suffixes.clone());
    let NextOvn::Requested(suffix) = put.next_ovn else {
        return Ok(used);
    };
    if used.contains(&suffix) {
        return Err(Refusal::OvnSuffixUsed);
    }
    let remembered = used.iter().filter(|suffix| can_be_asked_for(model, **suffix)).count();
    if airspace::PAST_SUFFIXES_MAX <= remembered {
        return Err(Refusal::TooMany);
    }
    used.push(suffix);
    Ok(used)
}

/// Returns the subscription to be attached as it will be: a new one, or an existing one that
/// covers time and area, to which end an implicit one is extended. Altitude is not looked at.
fn choose_subscription(
    model: &Model,
    party: &Party,
    put: &Put,
) -> Result<Option<Subscription>, Refusal> {
    match &put.subscription {
        SubscriptionChoice::None => Ok(None),
        SubscriptionChoice::Existing(id) => {
            let Some(found) = model.subscriptions.iter().find(|known| known.id == *id) else {
                return Err(Refusal::SubscriptionNotFound);
            };
            if found.manager != *party {
                return Err(Refusal::SubscriptionNotManager);
            }
            cover(model, found, &put.extent).map(Some)
        }
        SubscriptionChoice::Implicit { id, uss_base_url, notify_for_constraints } => {
            if model.subscriptions.iter().any(|known| known.id == *id) {
                return Err(Refusal::SubscriptionIdTaken);
            }
            Ok(Some(Subscription {
                id: *id,
                manager: party.clone(),
                version: version::hashed(&id.to_string(), model.clock),
                notification_index: 0,
                extent: Extent { altitude_lower: None, altitude_upper: None, ..put.extent.clone() },
                uss_base_url: uss_base_url.clone(),
                notify_for_operational_intents: true,
                notify_for_constraints: *notify_for_constraints == NotifyForConstraints::Yes,
                implicit: true,
            }))
        }
    }
}

/// An extended subscription has changed, so it has another version.
fn cover(model: &Model, found: &Subscription, extent: &Extent) -> Result<Subscription, Refusal> {
    let has_time =
        found.extent.starts_at <= extent.starts_at && extent.ends_at <= found.extent.ends_at;
    let has_area = subscription::covers_area(found, extent);
    if has_time && has_area {
        return Ok(found.clone());
    }
    if !found.implicit {
        return Err(if has_time {
            Refusal::SubscriptionAreaTooSmall
        } else {
            Refusal::SubscriptionTimeTooSmall
        });
    }
    let mut extended = found.clone();
    extended.extent.starts_at = found.extent.starts_at.min(extent.starts_at);
    extended.extent.ends_at = found.extent.ends_at.max(extent.ends_at);
    extended.extent.cells = found.extent.cells.union(&extent.cells);
    extended.version = version::hashed(&found.id.to_string(), model.clock);
    Ok(extended)
}

/// Only who wants to fly as planned must know of all others there, its own included; constraints
/// only where the attached subscription asks for them. An Accepted one of a USS that is Down is
/// not asked for, since nobody could answer.
fn refuse_missing_keys(
    model: &Model,
    party: &Party,
    put: &Put,
    attached: Option<&Subscription>,
) -> Result<(), Refusal> {
    match put.state {
        OperationalIntentState::Accepted | OperationalIntentState::Activated => {}
        OperationalIntentState::Nonconforming | OperationalIntentState::Contingent => return Ok(()),
    }
    let here = search_of(&put.extent);

    let mut operational_intents = matching(model, party, &here);
    operational_intents.retain(|there| {
        let is_down = there.uss_availability == UssAvailabilityState::Down;
        let is_excused = is_down && there.state == OperationalIntentState::Accepted;
        let ovn = &known(model, there.id).expect("it was just found").ovn;
        there.id != put.id && !is_excused && !is_in_key(put, ovn)
    });
    let mut constraints = Vec::new();
    if attached.is_some_and(|subscription| subscription.notify_for_constraints) {
        constraints = constraint::matching(model, party, &here);
        constraints.retain(|there| {
            let there = model.constraints.iter().find(|known| known.id == there.id);
            !is_in_key(put, &there.expect("it was just found").ovn)
        });
    }
    if operational_intents.is_empty() && constraints.is_empty() {
        return Ok(());
    }
    Err(Refusal::MissingKeys { operational_intents, constraints })
}

/// An OVN stands in a key as the first half of its SHA-256.
pub fn is_in_key(put: &Put, ovn: &Ovn) -> bool {
    let half = &Sha256::digest(ovn.as_str().as_bytes())[..16];
    put.key.iter().any(|hash| hash.as_bytes() == half)
}

/// A subscription lists all that name it, so only so many may.
fn refuse_another_dependent(
    model: &Model,
    put: &Put,
    attached: Option<&Subscription>,
) -> Result<(), Refusal> {
    let Some(attached) = attached else {
        return Ok(());
    };
    let dependents = subscription::dependents(model, attached.id);
    let others = dependents.iter().filter(|dependent| dependent.id != put.id).count();
    if airspace::DEPENDENTS_PER_SUBSCRIPTION_MAX <= others {
        return Err(Refusal::TooMany);
    }
    Ok(())
}

fn store(
    model: &mut Model,
    party: &Party,
    put: &Put,
    old: Option<&OperationalIntent>,
    used_suffixes: Vec<OvnSuffix>,
    attached: Option<Subscription>,
) {
    let stored = OperationalIntent {
        id: put.id,
        manager: party.clone(),
        version: version::next(old.map(|old| old.version)),
        state: put.state,
        ovn: version::next_ovn(put.id, put.next_ovn),
        used_suffixes,
        extent: put.extent.clone(),
        uss_base_url: put.uss_base_url.clone(),
        subscription_id: attached.as_ref().map(|subscription| subscription.id),
    };
    model.operational_intents.retain(|intent| intent.id != put.id);
    model.operational_intents.push(stored);
    if let Some(attached) = attached {
        model.subscriptions.retain(|known| known.id != attached.id);
        model.subscriptions.push(attached);
    }
    if let Some(previous) = old.and_then(|old| old.subscription_id) {
        subscription::remove_orphan(model, previous);
    }
}
