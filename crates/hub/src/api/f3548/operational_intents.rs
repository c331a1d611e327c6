//! Operational intent references.

use airspace::operational_intent::{self, OperationalIntentState, Refusal};
use airspace::{Accepted, Outcome, Ovn, SubscriptionId};
use axum::http::StatusCode;
use axum::response::Response;
use spacetime::Timestamp;
use wire::f3548::operational_intents::{self, Drawn, PutTarget};

use crate::api::f3548::{entity_id, ovn, refusal};
use crate::api::steps::{self, Asked};
use crate::auth::scope::{Scope, Scopes};
use crate::call::Call;
use crate::reply::{self, Failure};

/// Answers `queryOperationalIntentReferences`.
pub(super) async fn query(mut call: Call) -> Result<Response, Failure> {
    let body = call.body().await?;
    steps::search(&call, move |replica, reader| {
        let search = operational_intents::parse_query(&body)
            .map_err(|error| refusal::malformed_operational_intent(&error))?;
        let found = replica
            .read(|state, now| state.search_operational_intents(now, reader, &search))
            .map_err(|error| refusal::too_many_found(&error))?;
        Ok(operational_intents::render_query(&found))
    })
    .await
}

/// Answers `getOperationalIntentReference`.
pub(super) async fn find(call: Call) -> Result<Response, Failure> {
    let id = entity_id(&call)?;
    let found = call.read(|state, now| state.find_operational_intent(now, call.party(), id));
    match found.await? {
        Some(found) => {
            Ok(reply::json_bytes(StatusCode::OK, operational_intents::render_get(&found)))
        }
        None => Err(Failure::new(StatusCode::NOT_FOUND, Refusal::NotFound.to_string())),
    }
}

/// Answers `createOperationalIntentReference`.
pub(super) async fn create(call: Call) -> Result<Response, Failure> {
    put(call, None, StatusCode::CREATED).await
}

/// Answers `updateOperationalIntentReference`.
pub(super) async fn update(call: Call) -> Result<Response, Failure> {
    let ovn = ovn(&call)?;
    put(call, Some(ovn), StatusCode::OK).await
}

/// Answers `deleteOperationalIntentReference`.
pub(super) async fn delete(call: Call) -> Result<Response, Failure> {
    let delete = operational_intent::Delete { id: entity_id(&call)?, ovn: ovn(&call)? };
    let outcome = steps::delete(&call, delete).await?;
    answer_change(&call, outcome, StatusCode::OK, Asked::Delete).await
}

async fn put(mut call: Call, ovn: Option<Ovn>, success: StatusCode) -> Result<Response, Failure> {
    let id = entity_id(&call)?;
    let drawn = Drawn {
        subscription_id: SubscriptionId::from_random_bytes(call.random_bytes()),
        next_ovn: call.random_bytes(),
    };
    let (target, schemes) = (PutTarget { id, ovn, drawn }, steps::schemes(&call));
    let (scopes, now) = (call.scopes(), call.now());
    let parse = move |body: &[u8]| {
        let put = operational_intents::parse_put(body, target, schemes)
            .map_err(|error| refusal::malformed_operational_intent(&error))?;
        check_off_nominal(&put, scopes, now)?;
        Ok(put)
    };
    let outcome = steps::put(&mut call, parse).await?;
    answer_change(&call, outcome, success, Asked::Put).await
}

/// Refuses states that only conformance monitoring may declare, to callers without its scope.
///
/// A request that is refused for its end whoever sends it is refused for that first.
fn check_off_nominal(
    put: &operational_intent::Put,
    scopes: Scopes,
    now: Timestamp,
) -> Result<(), Failure> {
    match put.state {
        OperationalIntentState::Accepted | OperationalIntentState::Activated => return Ok(()),
        OperationalIntentState::Nonconforming | OperationalIntentState::Contingent => {}
    }
    if scopes.contains(Scope::ConformanceMonitoringForSituationalAwareness) {
        return Ok(());
    }
    if put.extent.ends_at < now {
        return Err(refusal::operational_intent(&Refusal::EndsInPast, Asked::Put));
    }
    let message = "state: Nonconforming and Contingent need the scope \
                   utm.conformance_monitoring_sa";
    Err(Failure::new(StatusCode::FORBIDDEN, message))
}

async fn answer_change(
    call: &Call,
    outcome: Outcome,
    success: StatusCode,
    asked: Asked,
) -> Result<Response, Failure> {
    match outcome {
        Ok(Accepted::OperationalIntent { reference, subscribers }) => {
            let listed = subscribers.len();
            let render = move || operational_intents::render_change(&reference, &subscribers);
            steps::write(call, success, listed, render).await
        }
        Err(airspace::Refusal::OperationalIntent(refusal)) => {
            let refused = move || refusal::operational_intent(&refusal, asked);
            Err(call.work(refused).await?)
        }
        other => unreachable!("a change of an operational intent came to {other:?}"),
    }
}
