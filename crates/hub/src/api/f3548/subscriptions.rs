//! Subscriptions.

use airspace::subscription::{self, Refusal};
use airspace::{Accepted, Outcome};
use axum::http::StatusCode;
use axum::response::Response;
use wire::f3548::subscriptions::{self, PutTarget};

use crate::api::f3548::refusal::{self, TooLarge};
use crate::api::f3548::{subscription_id, version};
use crate::api::steps::{self, Asked};
use crate::call::Call;
use crate::reply::{self, Failure};

/// Answers `querySubscriptions`: the caller's own that have not ended.
pub(super) async fn query(mut call: Call) -> Result<Response, Failure> {
    let body = call.body().await?;
    steps::search(&call, move |replica, owner| {
        let search = subscriptions::parse_query(&body)
            .map_err(|error| refusal::malformed_subscription(&error, TooLarge::ContentTooLarge))?;
        let found = replica
            .read(|state, now| state.search_subscriptions(now, owner, &search))
            .map_err(|error| refusal::too_many_found(&error))?;
        Ok(subscriptions::render_query(&found))
    })
    .await
}

/// Answers `getSubscription`: to its owner only.
pub(super) async fn find(call: Call) -> Result<Response, Failure> {
    let id = subscription_id(&call)?;
    let found = call.read(|state, now| state.find_subscription(now, id)).await?;
    let Some((owner, found)) = found else {
        return Err(Failure::new(StatusCode::NOT_FOUND, Refusal::NotFound.to_string()));
    };
    if owner != *call.party() {
        return Err(Failure::new(StatusCode::FORBIDDEN, Refusal::NotManager.to_string()));
    }
    let listed = found.dependent_operational_intents.len();
    let render = move || subscriptions::render_get(&found);
    steps::write(&call, StatusCode::OK, listed, render).await
}

/// Answers `createSubscription`.
pub(super) async fn create(call: Call) -> Result<Response, Failure> {
    put(call, None).await
}

/// Answers `updateSubscription`.
pub(super) async fn update(call: Call) -> Result<Response, Failure> {
    let version = version(&call)?;
    put(call, Some(version)).await
}

/// Answers `deleteSubscription`.
pub(super) async fn delete(call: Call) -> Result<Response, Failure> {
    let delete = subscription::Delete { id: subscription_id(&call)?, version: version(&call)? };
    let outcome = steps::delete(&call, delete).await?;
    answer_change(&call, outcome, Asked::Delete).await
}

async fn put(mut call: Call, version: Option<String>) -> Result<Response, Failure> {
    let id = subscription_id(&call)?;
    let (target, schemes) = (PutTarget { id, version }, steps::schemes(&call));
    let parse = move |body: &[u8]| {
        subscriptions::parse_put(body, target, schemes)
            .map_err(|error| refusal::malformed_subscription(&error, TooLarge::BadRequest))
    };
    let outcome = steps::put(&mut call, parse).await?;
    answer_change(&call, outcome, Asked::Put).await
}

async fn answer_change(call: &Call, outcome: Outcome, asked: Asked) -> Result<Response, Failure> {
    match outcome {
        Ok(Accepted::SubscriptionPut { subscription, operational_intents, constraints }) => {
            let listed = operational_intents.as_ref().map_or(0, Vec::len)
                + constraints.as_ref().map_or(0, Vec::len)
                + subscription.dependent_operational_intents.len();
            let render = move || {
                subscriptions::render_put(
                    &subscription,
                    operational_intents.as_deref(),
                    constraints.as_deref(),
                )
            };
            steps::write(call, StatusCode::OK, listed, render).await
        }
        Ok(Accepted::SubscriptionDeleted { subscription }) => {
            Ok(reply::json_bytes(StatusCode::OK, subscriptions::render_delete(&subscription)))
        }
        Err(airspace::Refusal::Subscription(refusal)) => {
            Err(refusal::subscription(&refusal, asked))
        }
        other => unreachable!("a change of a subscription came to {other:?}"),
    }
}
