//! What was carried over from a deployed hub, as JSON.

use airspace::import::{
    Constraint, IdentificationServiceArea, Import, OperationalIntent, RemoteIdSubscription,
    Subscription, UssAvailability,
};
use serde_json::{Value, json};

use super::{HIDDEN, Ovns, availability, extent, intent_state, next, notify_for, time};

pub(super) fn import(import: &Import, ovns: Ovns) -> Value {
    match import {
        Import::Subscription(imported) => json!({ "subscription": subscription(imported) }),
        Import::OperationalIntent(imported) => {
            json!({ "operational_intent": operational_intent(imported, ovns) })
        }
        Import::Constraint(imported) => json!({ "constraint": constraint(imported, ovns) }),
        Import::UssAvailability(imported) => {
            json!({ "uss_availability": uss_availability(imported) })
        }
        Import::IdentificationServiceArea(imported) => {
            json!({ "identification_service_area": identification_service_area(imported) })
        }
        Import::RemoteIdSubscription(imported) => {
            json!({ "remote_id_subscription": remote_id_subscription(imported) })
        }
    }
}

fn subscription(imported: &Subscription) -> Value {
    let Subscription {
        id,
        manager,
        extent: volume,
        uss_base_url,
        notify_for: changes,
        notification_index,
        updated_at,
    } = imported;
    json!({
        "id": id.to_string(),
        "manager": manager.as_str(),
        "extent": extent(volume),
        "uss_base_url": uss_base_url.as_str(),
        "notify_for": notify_for(*changes),
        "notification_index": notification_index,
        "updated_at": time(*updated_at),
    })
}

fn operational_intent(imported: &OperationalIntent, ovns: Ovns) -> Value {
    let OperationalIntent {
        id,
        manager,
        version,
        state,
        ovn,
        past_suffixes,
        extent: volume,
        uss_base_url,
        subscription_id,
        implicit_subscription,
    } = imported;
    json!({
        "id": id.to_string(),
        "manager": manager.as_str(),
        "version": version,
        "state": intent_state(*state),
        "ovn": next(ovn, ovns),
        "past_suffixes": match ovns {
            Ovns::Shown => json!(past_suffixes.iter().map(ToString::to_string).collect::<Vec<_>>()),
            Ovns::Hidden => json!(format!("({} hidden)", past_suffixes.len())),
        },
        "extent": extent(volume),
        "uss_base_url": uss_base_url.as_str(),
        "subscription_id": subscription_id.map(|id| id.to_string()),
        "implicit_subscription": implicit_subscription.as_ref().map(subscription),
    })
}

fn constraint(imported: &Constraint, ovns: Ovns) -> Value {
    let Constraint { id, manager, version, extent: volume, uss_base_url, updated_at } = imported;
    json!({
        "id": id.to_string(),
        "manager": manager.as_str(),
        "version": version,
        "extent": extent(volume),
        "uss_base_url": uss_base_url.as_str(),
        // Its OVN is made of this and nothing secret.
        "updated_at": match ovns {
            Ovns::Shown => time(*updated_at),
            Ovns::Hidden => HIDDEN.to_owned(),
        },
    })
}

fn uss_availability(imported: &UssAvailability) -> Value {
    let UssAvailability { uss_id, availability: state, updated_at } = imported;
    json!({
        "uss_id": uss_id.as_str(),
        "availability": availability(*state),
        "updated_at": time(*updated_at),
    })
}

fn identification_service_area(imported: &IdentificationServiceArea) -> Value {
    let IdentificationServiceArea { id, owner, extent: volume, uss_base_url, updated_at } =
        imported;
    json!({
        "id": id.to_string(),
        "owner": owner.as_str(),
        "extent": extent(volume),
        "uss_base_url": uss_base_url.as_str(),
        "updated_at": time(*updated_at),
    })
}

fn remote_id_subscription(imported: &RemoteIdSubscription) -> Value {
    let RemoteIdSubscription {
        id,
        owner,
        extent: volume,
        uss_base_url,
        notification_index,
        updated_at,
    } = imported;
    json!({
        "id": id.to_string(),
        "owner": owner.as_str(),
        "extent": extent(volume),
        "uss_base_url": uss_base_url.as_str(),
        "notification_index": notification_index,
        "updated_at": time(*updated_at),
    })
}
