//! What is carried over from a deployed hub.
//!
//! No page of a standard says how; where several things are wrong, the first of the refusals' own
//! order is told.

use airspace::import::{self, Import, Refusal};
use airspace::{Accepted, Extent, NextOvn, OvnSuffix, Party, SubscriptionId};
use spacetime::Timestamp;

use super::operational_intent::can_be_asked_for;
use super::{
    Constraint, IdentificationServiceArea, Model, OperationalIntent, RemoteIdSubscription,
    Subscription, UssAvailability, limits, subscription, version,
};

/// Nobody is told, and it matters not who asks: whose a thing is stands in what is carried over.
pub(super) fn import(model: &mut Model, import: &Import) -> Result<Accepted, Refusal> {
    let mut after = model.clone();
    match import {
        Import::Subscription(new) => subscription(&mut after, new)?,
        Import::OperationalIntent(new) => operational_intent(&mut after, new)?,
        Import::Constraint(new) => constraint(&mut after, new)?,
        Import::UssAvailability(new) => uss_availability(&mut after, new)?,
        Import::IdentificationServiceArea(new) => identification_service_area(&mut after, new)?,
        Import::RemoteIdSubscription(new) => remote_id_subscription(&mut after, new)?,
    }
    if owner_of(import).is_some_and(|owner| limits::exceeded(&after, owner)) {
        return Err(Refusal::TooMany);
    }
    *model = after;
    Ok(Accepted::Imported)
}

fn owner_of(import: &Import) -> Option<&Party> {
    match import {
        Import::Subscription(new) => Some(&new.manager),
        Import::OperationalIntent(new) => Some(&new.manager),
        Import::Constraint(new) => Some(&new.manager),
        Import::UssAvailability(_) => None,
        Import::IdentificationServiceArea(new) => Some(&new.owner),
        Import::RemoteIdSubscription(new) => Some(&new.owner),
    }
}

fn subscription(model: &mut Model, new: &import::Subscription) -> Result<(), Refusal> {
    refuse_taken(model.subscriptions.iter().any(|known| known.id == new.id))?;
    refuse_gone(new.extent.ends_at, model.horizons.f3548)?;
    refuse_future(model, new.updated_at)?;
    model.subscriptions.push(subscription_of(new, false));
    Ok(())
}

fn operational_intent(model: &mut Model, new: &import::OperationalIntent) -> Result<(), Refusal> {
    let given = new.implicit_subscription.as_ref();
    refuse_taken(model.operational_intents.iter().any(|known| known.id == new.id))?;
    refuse_taken(given.is_some_and(|given| model.subscriptions.iter().any(|s| s.id == given.id)))?;
    refuse_gone(new.extent.ends_at, model.horizons.f3548)?;
    if given.is_some_and(|given| new.subscription_id != Some(given.id)) {
        return Err(Refusal::SubscriptionNotFound);
    }
    if let Some(given) = given {
        model.subscriptions.push(subscription_of(given, true));
    }
    if let Some(id) = new.subscription_id {
        refuse_subscription(model, &new.manager, id)?;
    }
    if let Some(given) = given {
        refuse_future(model, given.updated_at)?;
    }
    if let NextOvn::Random(bits) = new.ovn
        && let Some(updated_at) = version::time_in(bits)
    {
        refuse_future(model, updated_at)?;
    }
    let used_suffixes = used_suffixes(new);
    refuse_too_many(model, new, &used_suffixes)?;

    model.operational_intents.push(OperationalIntent {
        id: new.id,
        manager: new.manager.clone(),
        version: new.version,
        state: new.state,
        ovn: version::next_ovn(new.id, new.ovn),
        used_suffixes,
        extent: new.extent.clone(),
        uss_base_url: new.uss_base_url.clone(),
        subscription_id: new.subscription_id,
    });
    Ok(())
}

fn constraint(model: &mut Model, new: &import::Constraint) -> Result<(), Refusal> {
    refuse_taken(model.constraints.iter().any(|known| known.id == new.id))?;
    refuse_gone(new.extent.ends_at, model.horizons.f3548)?;
    refuse_future(model, new.updated_at)?;
    model.constraints.push(Constraint {
        id: new.id,
        manager: new.manager.clone(),
        version: new.version,
        ovn: version::of_time(new.id, new.updated_at),
        extent: new.extent.clone(),
        uss_base_url: new.uss_base_url.clone(),
    });
    Ok(())
}

fn uss_availability(model: &mut Model, new: &import::UssAvailability) -> Result<(), Refusal> {
    refuse_taken(model.uss_availabilities.iter().any(|known| known.uss_id == new.uss_id))?;
    refuse_future(model, new.updated_at)?;
    if airspace::USS_AVAILABILITIES_MAX <= model.uss_availabilities.len() {
        return Err(Refusal::TooMany);
    }
    model.uss_availabilities.push(UssAvailability {
        uss_id: new.uss_id.clone(),
        version: version::hashed(new.uss_id.as_str(), new.updated_at),
        availability: new.availability,
    });
    Ok(())
}

fn identification_service_area(
    model: &mut Model,
    new: &import::IdentificationServiceArea,
) -> Result<(), Refusal> {
    refuse_taken(model.identification_service_areas.iter().any(|known| known.id == new.id))?;
    refuse_gone(new.extent.ends_at, model.horizons.f3411)?;
    refuse_future(model, new.updated_at)?;
    model.identification_service_areas.push(IdentificationServiceArea {
        id: new.id,
        owner: new.owner.clone(),
        uss_base_url: new.uss_base_url.clone(),
        starts_at: new.extent.starts_at,
        ends_at: new.extent.ends_at,
        cells: new.extent.cells.clone(),
        version: version::of_remote_id(new.updated_at),
    });
    Ok(())
}

/// There may be more in a cell than could be put: what was there is kept.
fn remote_id_subscription(
    model: &mut Model,
    new: &import::RemoteIdSubscription,
) -> Result<(), Refusal> {
    refuse_taken(model.remote_id_subscriptions.iter().any(|known| known.id == new.id))?;
    refuse_gone(new.extent.ends_at, model.horizons.f3411)?;
    refuse_future(model, new.updated_at)?;
    model.remote_id_subscriptions.push(RemoteIdSubscription {
        id: new.id,
        owner: new.owner.clone(),
        uss_base_url: new.uss_base_url.clone(),
        starts_at: new.extent.starts_at,
        ends_at: new.extent.ends_at,
        cells: new.extent.cells.clone(),
        notification_index: new.notification_index,
        version: version::of_remote_id(new.updated_at),
    });
    Ok(())
}

fn subscription_of(new: &import::Subscription, implicit: bool) -> Subscription {
    let (for_operational_intents, for_constraints) = subscription::flags(new.notify_for);
    Subscription {
        id: new.id,
        manager: new.manager.clone(),
        version: version::hashed(&new.id.to_string(), new.updated_at),
        notification_index: new.notification_index,
        extent: Extent { altitude_lower: None, altitude_upper: None, ..new.extent.clone() },
        uss_base_url: new.uss_base_url.clone(),
        notify_for_operational_intents: for_operational_intents,
        notify_for_constraints: for_constraints,
        implicit,
    }
}

/// The current one was used too.
fn used_suffixes(new: &import::OperationalIntent) -> Vec<OvnSuffix> {
    let mut used: Vec<OvnSuffix> = Vec::new();
    let current = match new.ovn {
        NextOvn::Requested(suffix) => Some(suffix),
        NextOvn::Random(_) => None,
    };
    for suffix in new.past_suffixes.iter().copied().chain(current) {
        if !used.contains(&suffix) {
            used.push(suffix);
        }
    }
    used
}

fn refuse_taken(is_taken: bool) -> Result<(), Refusal> {
    if is_taken { Err(Refusal::AlreadyExists) } else { Ok(()) }
}

fn refuse_gone(ends_at: Timestamp, horizon: Timestamp) -> Result<(), Refusal> {
    if ends_at <= horizon { Err(Refusal::Gone) } else { Ok(()) }
}

fn refuse_subscription(model: &Model, manager: &Party, id: SubscriptionId) -> Result<(), Refusal> {
    let Some(named) = model.subscriptions.iter().find(|known| known.id == id) else {
        return Err(Refusal::SubscriptionNotFound);
    };
    if named.manager != *manager {
        return Err(Refusal::SubscriptionNotManager);
    }
    Ok(())
}

fn refuse_too_many(
    model: &Model,
    new: &import::OperationalIntent,
    used_suffixes: &[OvnSuffix],
) -> Result<(), Refusal> {
    let others = new.subscription_id.map_or(0, |id| subscription::dependents(model, id).len());
    let remembered = used_suffixes.iter().filter(|suffix| can_be_asked_for(model, **suffix));
    if airspace::DEPENDENTS_PER_SUBSCRIPTION_MAX <= others
        || airspace::PAST_SUFFIXES_MAX < remembered.count()
    {
        return Err(Refusal::TooMany);
    }
    Ok(())
}

fn refuse_future(model: &Model, updated_at: Timestamp) -> Result<(), Refusal> {
    if model.clock < updated_at { Err(Refusal::ChangedInFuture) } else { Ok(()) }
}
