//! Identification service areas.

use airspace::identification_service_area::{Delete, Refusal};
use airspace::{Accepted, EntityId, Outcome, RemoteIdVersion};
use axum::http::StatusCode;
use axum::response::Response;
use wire::f3411::{self, PutTarget, SearchParameters};

use crate::api::f3411::{AreaMessages, refusal, version};
use crate::api::steps::{self, Asked};
use crate::call::Call;
use crate::reply::{self, Failure};

/// Answers `searchIdentificationServiceAreas`.
pub(super) async fn search(
    messages: &'static AreaMessages,
    call: Call,
) -> Result<Response, Failure> {
    let area = call.query("area")?;
    let (earliest, latest) = (call.query("earliest_time")?, call.query("latest_time")?);
    steps::search(&call, move |replica, _| {
        let footprint = f3411::parse_search(&SearchParameters {
            area: area.as_deref(),
            earliest_time: earliest.as_deref(),
            latest_time: latest.as_deref(),
        })
        .map_err(|error| refusal::malformed_search(&error))?;
        let found = replica
            .read(|state, now| state.search_identification_service_areas(now, &footprint))
            .map_err(|error| refusal::too_many_found(&error))?;
        Ok((messages.render_search)(&found))
    })
    .await
}

/// Answers `getIdentificationServiceArea`: to everybody.
pub(super) async fn find(messages: &AreaMessages, call: Call) -> Result<Response, Failure> {
    let id = id(&call)?;
    match call.read(|state, now| state.find_identification_service_area(now, id)).await? {
        Some(found) => Ok(reply::json_bytes(StatusCode::OK, (messages.render_get)(&found))),
        None => Err(Failure::new(StatusCode::NOT_FOUND, Refusal::NotFound.to_string())),
    }
}

/// Answers `createIdentificationServiceArea`.
pub(super) async fn create(
    messages: &'static AreaMessages,
    call: Call,
) -> Result<Response, Failure> {
    put(messages, call, None).await
}

/// Answers `updateIdentificationServiceArea`.
pub(super) async fn update(
    messages: &'static AreaMessages,
    call: Call,
) -> Result<Response, Failure> {
    let version = version(&call)?;
    put(messages, call, Some(version)).await
}

/// Answers `deleteIdentificationServiceArea`.
pub(super) async fn delete(
    messages: &'static AreaMessages,
    call: Call,
) -> Result<Response, Failure> {
    let delete = Delete { id: id(&call)?, version: version(&call)? };
    let outcome = steps::delete(&call, delete).await?;
    answer_change(messages, &call, outcome, Asked::Delete).await
}

async fn put(
    messages: &'static AreaMessages,
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
    messages: &'static AreaMessages,
    call: &Call,
    outcome: Outcome,
    asked: Asked,
) -> Result<Response, Failure> {
    match outcome {
        Ok(Accepted::IdentificationServiceArea { area, subscribers }) => {
            let render = match asked {
                Asked::Put => messages.render_put,
                Asked::Delete => messages.render_delete,
            };
            let listed = subscribers.len();
            steps::write(call, StatusCode::OK, listed, move || render(&area, &subscribers)).await
        }
        Err(airspace::Refusal::IdentificationServiceArea(refusal)) => {
            Err(refusal::identification_service_area(&refusal, asked))
        }
        other => unreachable!("a change of an identification service area came to {other:?}"),
    }
}

fn id(call: &Call) -> Result<EntityId, Failure> {
    EntityId::parse(&call.parameter("id")?)
        .map_err(|error| Failure::bad_request(format!("id: {error}")))
}
