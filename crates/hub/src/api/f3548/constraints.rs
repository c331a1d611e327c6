//! Constraint references.

use airspace::constraint::{self, Refusal};
use airspace::{Accepted, Outcome, Ovn};
use axum::http::StatusCode;
use axum::response::Response;
use wire::f3548::constraints::{self, PutTarget};

use crate::api::f3548::refusal::{self, TooLarge};
use crate::api::f3548::{entity_id, ovn};
use crate::api::steps::{self, Asked};
use crate::call::Call;
use crate::reply::{self, Failure};

/// Answers `queryConstraintReferences`.
pub(super) async fn query(mut call: Call) -> Result<Response, Failure> {
    let body = call.body().await?;
    steps::search(&call, move |replica, reader| {
        let search = constraints::parse_query(&body)
            .map_err(|error| refusal::malformed_constraint(&error, TooLarge::ContentTooLarge))?;
        let found = replica
            .read(|state, now| state.search_constraints(now, reader, &search))
            .map_err(|error| refusal::too_many_found(&error))?;
        Ok(constraints::render_query(&found))
    })
    .await
}

/// Answers `getConstraintReference`.
pub(super) async fn find(call: Call) -> Result<Response, Failure> {
    let id = entity_id(&call)?;
    match call.read(|state, now| state.find_constraint(now, call.party(), id)).await? {
        Some(found) => Ok(reply::json_bytes(StatusCode::OK, constraints::render_get(&found))),
        None => Err(Failure::new(StatusCode::NOT_FOUND, Refusal::NotFound.to_string())),
    }
}

/// Answers `createConstraintReference`.
pub(super) async fn create(call: Call) -> Result<Response, Failure> {
    put(call, None, StatusCode::CREATED).await
}

/// Answers `updateConstraintReference`.
pub(super) async fn update(call: Call) -> Result<Response, Failure> {
    let ovn = ovn(&call)?;
    put(call, Some(ovn), StatusCode::OK).await
}

/// Answers `deleteConstraintReference`.
pub(super) async fn delete(call: Call) -> Result<Response, Failure> {
    let delete = constraint::Delete { id: entity_id(&call)?, ovn: ovn(&call)? };
    let outcome = steps::delete(&call, delete).await?;
    answer_change(&call, outcome, StatusCode::OK, Asked::Delete).await
}

async fn put(mut call: Call, ovn: Option<Ovn>, success: StatusCode) -> Result<Response, Failure> {
    let target = PutTarget { id: entity_id(&call)?, ovn, next_ovn: call.random_bytes() };
    let schemes = steps::schemes(&call);
    let parse = move |body: &[u8]| {
        constraints::parse_put(body, target, schemes)
            .map_err(|error| refusal::malformed_constraint(&error, TooLarge::BadRequest))
    };
    let outcome = steps::put(&mut call, parse).await?;
    answer_change(&call, outcome, success, Asked::Put).await
}

async fn answer_change(
    call: &Call,
    outcome: Outcome,
    success: StatusCode,
    asked: Asked,
) -> Result<Response, Failure> {
    match outcome {
        Ok(Accepted::Constraint { reference, subscribers }) => {
            let listed = subscribers.len();
            let render = move || constraints::render_change(&reference, &subscribers);
            steps::write(call, success, listed, render).await
        }
        Err(airspace::Refusal::Constraint(refusal)) => Err(refusal::constraint(&refusal, asked)),
        other => unreachable!("a change of a constraint came to {other:?}"),
    }
}
