//! The DSS part of F3548-21, one file a noun.

use airspace::{EntityId, Ovn, SubscriptionId};
use axum::response::Response;
use wire::f3548::parse_version;

use crate::auth::operation::f3548::Id;
use crate::call::Call;
use crate::reply::Failure;

mod constraints;
mod operational_intents;
mod refusal;
mod reports;
mod subscriptions;
mod uss_availability;

/// Answers a request.
pub(super) async fn answer(id: Id, call: Call) -> Result<Response, Failure> {
    match id {
        Id::QueryOperationalIntentReferences => operational_intents::query(call).await,
        Id::GetOperationalIntentReference => operational_intents::find(call).await,
        Id::CreateOperationalIntentReference => operational_intents::create(call).await,
        Id::UpdateOperationalIntentReference => operational_intents::update(call).await,
        Id::DeleteOperationalIntentReference => operational_intents::delete(call).await,
        Id::QueryConstraintReferences => constraints::query(call).await,
        Id::GetConstraintReference => constraints::find(call).await,
        Id::CreateConstraintReference => constraints::create(call).await,
        Id::UpdateConstraintReference => constraints::update(call).await,
        Id::DeleteConstraintReference => constraints::delete(call).await,
        Id::QuerySubscriptions => subscriptions::query(call).await,
        Id::GetSubscription => subscriptions::find(call).await,
        Id::CreateSubscription => subscriptions::create(call).await,
        Id::UpdateSubscription => subscriptions::update(call).await,
        Id::DeleteSubscription => subscriptions::delete(call).await,
        Id::MakeDssReport => reports::make(call).await,
        Id::GetUssAvailability => uss_availability::find(call).await,
        Id::SetUssAvailability => uss_availability::set(call).await,
    }
}

/// Returns the id of the entity that the path names.
fn entity_id(call: &Call) -> Result<EntityId, Failure> {
    EntityId::parse(&call.parameter("entityid")?)
        .map_err(|error| Failure::bad_request(format!("entityid: {error}")))
}

/// Returns the OVN that the path names.
fn ovn(call: &Call) -> Result<Ovn, Failure> {
    Ovn::new(&call.parameter("ovn")?).map_err(|error| Failure::bad_request(format!("ovn: {error}")))
}

/// Returns the id of the subscription that the path names.
fn subscription_id(call: &Call) -> Result<SubscriptionId, Failure> {
    SubscriptionId::parse(&call.parameter("subscriptionid")?)
        .map_err(|error| Failure::bad_request(format!("subscriptionid: {error}")))
}

/// Returns the version that the path names.
fn version(call: &Call) -> Result<String, Failure> {
    parse_version(&call.parameter("version")?)
        .map_err(|error| Failure::bad_request(format!("version: {error}")))
}
