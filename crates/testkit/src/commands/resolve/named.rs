//! Which things and parties a choice means.

use airspace::{EntityId, Ovn, Party, RemoteIdVersion, SubscriptionId, UssBaseUrl};

use super::pick;
use crate::commands::party;
use crate::commands::step::{Action, Asker, Choice, Step, VersionPlan};
use crate::model::Model;

const URLS: [&str; 3] =
    ["https://uss1.example", "https://uss2.example/utm", "https://uss1.example/b"];
const ENTITIES: u8 = 4;
const SUBSCRIPTIONS: u8 = 3;

/// More than a party may have in one cell.
const REMOTE_ID_SUBSCRIPTIONS: u8 = 14;

/// Lists the ids that entities of sequences have; those of one kind are also those of another.
pub fn entity_ids() -> Vec<EntityId> {
    (0..ENTITIES).map(entity_id).collect()
}

/// Lists the ids that subscriptions of F3411 have in sequences.
pub fn remote_id_subscription_ids() -> Vec<SubscriptionId> {
    (0..REMOTE_ID_SUBSCRIPTIONS).map(remote_id_subscription_id).collect()
}

/// Lists the subscriptions that there are or could be.
pub fn subscription_ids(model: &Model) -> Vec<SubscriptionId> {
    let mut ids: Vec<_> = (0..SUBSCRIPTIONS).map(subscription_id).collect();
    ids.extend(model.subscriptions.iter().map(|known| known.id));
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Whose the thing is, in the order in which an action names things.
pub(super) fn asker(model: &Model, step: &Step) -> Party {
    let (Asker::Manager(number) | Asker::Party(number)) = step.asker;
    let anybody = party(number);
    if let Asker::Party(_) = step.asker {
        return anybody;
    }
    let manager = match step.action {
        Action::PutOperationalIntent { id, .. } | Action::DeleteOperationalIntent { id, .. } => {
            let id = some_operational_intent(model, id);
            model.operational_intents.iter().find(|known| known.id == id).map(|k| &k.manager)
        }
        Action::PutConstraint { id, .. } | Action::DeleteConstraint { id, .. } => {
            let id = some_constraint(model, id);
            model.constraints.iter().find(|known| known.id == id).map(|k| &k.manager)
        }
        Action::PutSubscription { id, .. } | Action::DeleteSubscription { id, .. } => {
            let id = some_subscription(model, id);
            model.subscriptions.iter().find(|known| known.id == id).map(|k| &k.manager)
        }
        Action::PutIdentificationServiceArea { id, .. }
        | Action::DeleteIdentificationServiceArea { id, .. } => {
            let id = some_area(model, id);
            model.identification_service_areas.iter().find(|known| known.id == id).map(|k| &k.owner)
        }
        Action::PutRemoteIdSubscription { id, .. }
        | Action::DeleteRemoteIdSubscription { id, .. } => {
            let id = some_remote_id_subscription(model, id);
            model.remote_id_subscriptions.iter().find(|known| known.id == id).map(|k| &k.owner)
        }
        Action::PutUssAvailability { .. }
        | Action::PutSettings(_)
        | Action::PutF3411Settings(_)
        | Action::Import(_) => None,
    };
    manager.cloned().unwrap_or(anybody)
}

pub(super) fn some_operational_intent(model: &Model, which: Choice) -> EntityId {
    some_entity(model.operational_intents.iter().map(|known| known.id), which)
}

pub(super) fn some_constraint(model: &Model, which: Choice) -> EntityId {
    some_entity(model.constraints.iter().map(|known| known.id), which)
}

pub(super) fn some_area(model: &Model, which: Choice) -> EntityId {
    some_entity(model.identification_service_areas.iter().map(|known| known.id), which)
}

/// Half of the time one that exists, if there is one.
fn some_entity(existing: impl Iterator<Item = EntityId>, which: Choice) -> EntityId {
    let existing: Vec<_> = existing.collect();
    if which < Choice::MAX / 2
        && let Some(id) = pick(&existing, which)
    {
        return *id;
    }
    entity_id(which)
}

/// Mostly one that exists, if there is one.
pub(super) fn some_subscription(model: &Model, which: Choice) -> SubscriptionId {
    if which < Choice::MAX / 4 * 3
        && let Some(known) = pick(&model.subscriptions, which)
    {
        return known.id;
    }
    *pick(&subscription_ids(model), which).expect("there are always some")
}

/// A third of the time one that exists, if there is one.
pub(super) fn some_remote_id_subscription(model: &Model, which: Choice) -> SubscriptionId {
    if which < Choice::MAX / 3
        && let Some(known) = pick(&model.remote_id_subscriptions, which)
    {
        return known.id;
    }
    remote_id_subscription_id(which)
}

pub(super) fn entity_id(which: Choice) -> EntityId {
    EntityId::from_random_bytes([17 * (1 + which % ENTITIES); 16])
}

pub(super) fn subscription_id(which: Choice) -> SubscriptionId {
    SubscriptionId::from_random_bytes([17 * (1 + which % SUBSCRIPTIONS); 16])
}

/// The first are those of subscriptions of F3548, which share nothing with them.
pub(super) fn remote_id_subscription_id(which: Choice) -> SubscriptionId {
    SubscriptionId::from_random_bytes([17 * (1 + which % REMOTE_ID_SUBSCRIPTIONS); 16])
}

pub(super) fn url(which: Choice) -> UssBaseUrl {
    UssBaseUrl::new(URLS[usize::from(which) % URLS.len()]).expect("it is short")
}

pub(super) fn wrong_ovn() -> Ovn {
    Ovn::new("never-given-to-anybody").expect("it is short")
}

pub(super) fn operational_intent_ovn(model: &Model, id: EntityId) -> Option<Ovn> {
    model.operational_intents.iter().find(|known| known.id == id).map(|known| known.ovn.clone())
}

pub(super) fn constraint_ovn(model: &Model, id: EntityId) -> Option<Ovn> {
    model.constraints.iter().find(|known| known.id == id).map(|known| known.ovn.clone())
}

pub(super) fn subscription_version(model: &Model, id: SubscriptionId) -> Option<String> {
    model.subscriptions.iter().find(|known| known.id == id).map(|known| known.version.clone())
}

pub(super) fn version(model: &Model, plan: VersionPlan, current: Option<String>) -> Option<String> {
    match plan {
        VersionPlan::AsNeeded => current,
        VersionPlan::None => None,
        VersionPlan::Wrong => Some("wrong".to_owned()),
        VersionPlan::Other(which) => {
            pick(&model.subscriptions, which).map(|known| known.version.clone())
        }
    }
}

pub(super) fn area_version(model: &Model, id: EntityId) -> Option<RemoteIdVersion> {
    model.identification_service_areas.iter().find(|known| known.id == id).map(|k| k.version)
}

pub(super) fn remote_id_subscription_version(
    model: &Model,
    id: SubscriptionId,
) -> Option<RemoteIdVersion> {
    model.remote_id_subscriptions.iter().find(|known| known.id == id).map(|known| known.version)
}

/// Another one is that of any area or subscription.
pub(super) fn remote_id_version(
    model: &Model,
    plan: VersionPlan,
    current: Option<RemoteIdVersion>,
) -> Option<RemoteIdVersion> {
    let areas = model.identification_service_areas.iter().map(|known| known.version);
    let subscriptions = model.remote_id_subscriptions.iter().map(|known| known.version);
    match plan {
        VersionPlan::AsNeeded => current,
        VersionPlan::None => None,
        VersionPlan::Wrong => Some(wrong_remote_id_version()),
        VersionPlan::Other(which) => {
            pick(&areas.chain(subscriptions).collect::<Vec<_>>(), which).copied()
        }
    }
}

/// Nothing was ever changed at the very start of 1970.
pub(super) fn wrong_remote_id_version() -> RemoteIdVersion {
    RemoteIdVersion::parse("0").expect("it is a digit")
}
