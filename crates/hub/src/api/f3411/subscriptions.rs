//! Subscriptions.

use airspace::remote_id_subscription::{Delete, Refusal};
use airspace::{Accepted, Outcome, RemoteIdVersion, SubscriptionId};
use axum::http::StatusCode;
use axum::response::Response;
use wire::f3411::{self, PutTarget, SearchParameters};

use crate::api::f3411::{SubscriptionMessages, refusal, version};
use crate::api::steps::{self, Asked};
use crate::call::Call;
use crate::reply::{self, Failure};

/// Answers `searchSubscriptions`: the caller's own that have not ended.
pub(super) async fn search(
    messages: &'static SubscriptionMessages,
    call: Call,
) -> Result<Response, Failure> {
    let area = call.query("area")?;
    steps::search(&call, move |replica, owner| {
        let parameters = SearchParameters { area: area.as_deref(), ..SearchParameters::default() };
        let cells = f3411::parse_search(&parameters)
            .map_err(|error| refusal::malformed_search(&error))?
            .cells;
        let found = replica
            .read(|state, now| state.search_remote_id_subscriptions(now, owner, &cells))
            .map_err(|error| refusal::too_many_found(&error))?;
        Ok((messages.render_search)(&found))
    })
    .await
}

/// Answers `getSubscription`: to everybody, unlike that of F3548-21.
pub(super) async fn find(messages: &SubscriptionMessages, call: Call) -> Result<Response, Failure> {
    let id = id(&call)?;
    match call.read(|state, now| state.find_remote_id_subscription(now, id)).await? {
        Some(found) => Ok(reply::json_bytes(StatusCode::OK, (messages.render_get)(&found))),
        None => Err(Failure::new(StatusCode::NOT_FOUND, Refusal::NotFound.to_string())),
    }
}

/// Answers `createSubscription`.
pub(super) async fn create(
    messages: &'static SubscriptionMessages,
    call: Call,
) -> Result<Response, Failure> {
    put(messages, call, None).await
}

/// Answers `updateSubscription`.
pub(super) async fn update(
    messages: &'static SubscriptionMessages,
    call: Call,
) -> Result<Response, Failure> {
    let version = version(&call)?;
    put(messages, call, Some(version)).await
}

/// Answers `deleteSubscription`.
pub(super) async fn delete(
    messages: &'static SubscriptionMessages,
    call: Call,
) -> Result<Response, Failure> {
    let delete = Delete { id: id(&call)?, version: version(&call)? };
    let outcome = steps::delete(&call, delete).await?;
    answer_change(messages, &call, outcome, Asked::Delete).await
}

async fn put(
    messages: &'static SubscriptionMessages,
    mut call: Call,
    version: Option<RemoteIdVersion>,
) -> Result<Response, Failure> {
    let (target, schemes) = (PutTarget { id: id(&call)?, version }, steps::schemes(&call));
    let parse = move |body: &[u8]| {
        (messages.parse_put)(body, target, schemes).map_err(|error| refusal::malformed_put(&error))
    };
    let outcome = steps::put(&mut call, parse).await?;
    answer_change(messages, &call, outcome, Asked::Put).await
}

async fn answer_change(
    messages: &'static SubscriptionMessages,
    call: &Call,
    outcome: Outcome,
    asked: Asked,
) -> Result<Response, Failure> {
    match outcome {
        Ok(Accepted::RemoteIdSubscriptionPut { subscription, areas }) => {
            let (listed, render) = (areas.len(), messages.render_put);
            steps::write(call, StatusCode::OK, listed, move || render(&subscription, &areas)).await
        }
        Ok(Accepted::RemoteIdSubscriptionDeleted { subscription }) => {
            Ok(reply::json_bytes(StatusCode::OK, (messages.render_delete)(&subscription)))
        }
        Err(airspace::Refusal::RemoteIdSubscription(refusal)) => {
            Err(refusal::subscription(&refusal, asked))
        }
        other => unreachable!("a change of a subscription came to {other:?}"),
    }
}

fn id(call: &Call) -> Result<SubscriptionId, Failure> {
    SubscriptionId::parse(&call.parameter("id")?)
        .map_err(|error| Failure::bad_request(format!("id: {error}")))
}
