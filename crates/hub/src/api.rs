//! What each operation of a standard does with an authorized request.
//!
//! A handler parses (`wire`), asks the state through the log or reads it, and writes the answer.
//! It decides no rule of the airspace and is called for authorized requests only; which scopes open
//! an operation stands in [`crate::auth::operation`].

use axum::response::Response;

use crate::auth::operation::Id;
use crate::call::Call;
use crate::reply::Failure;

mod f3548;

/// Answers a request.
pub(crate) async fn answer(call: Call) -> Result<Response, Failure> {
    use f3548::{constraints, operational_intents, reports, subscriptions, uss_availability};

    match call.operation().id {
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
