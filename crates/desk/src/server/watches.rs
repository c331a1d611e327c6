//! The part of the desk's own API about remote ID: positions of its flights, and watches.

use std::sync::Arc;

use airspace::EntityId;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hub::reply::json;
use serde::Serialize;

use super::problem::Problem;
use super::remote_id_body::{SightBody, TelemetryBody, WatchBody, WatchRequestBody};
use super::user::{Call, read, with_location};
use crate::change::ChangeError;
use crate::core::Core;
use crate::remote_id::telemetry::TelemetryError;

#[derive(Serialize)]
struct WatchAnswer {
    watch: WatchBody,
}

/// There are few enough to be listed in one answer.
#[derive(Serialize)]
struct WatchesAnswer {
    watches: Vec<WatchBody>,
}

/// Takes where a flight is.
pub(super) fn tell_position(call: &Call, id: EntityId) -> Result<Response, Problem> {
    let told = read::<TelemetryBody>(&call.body)?.read()?;
    call.core.tell_position(id, told)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Begins to watch an area.
pub(super) async fn post(call: Call) -> Result<Response, Problem> {
    let corners = read::<WatchRequestBody>(&call.body)?.read()?;
    let core = Arc::clone(&call.core);
    let id = call.core.detached(async move { core.watch(corners).await }).await?;
    let answer = WatchAnswer { watch: find(&call.core, id)? };
    let location = format!("/desk/v1/watches/{id}");
    Ok(with_location(json(StatusCode::CREATED, &answer), &location))
}

/// Lists the watches.
pub(super) fn list(core: &Core) -> Response {
    let registrations = core.registrations();
    let watches = registrations.watches().filter_map(|(watch, _)| WatchBody::new(watch)).collect();
    json(StatusCode::OK, &WatchesAnswer { watches })
}

/// Tells of one watch.
pub(super) fn get(core: &Core, id: EntityId) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &WatchAnswer { watch: find(core, id)? }))
}

/// Tells which flights are in a watched area.
pub(super) async fn look(core: &Arc<Core>, id: EntityId) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &SightBody::from(core.look(id).await?)))
}

/// Ends a watch.
pub(super) async fn delete(core: Arc<Core>, id: EntityId) -> Result<Response, Problem> {
    let task_core = Arc::clone(&core);
    core.detached(async move { task_core.end_watch(id).await }).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn find(core: &Core, id: EntityId) -> Result<WatchBody, Problem> {
    let registrations = core.registrations();
    let found = registrations.find(id).filter(|one| one.wanted).and_then(WatchBody::new);
    found.ok_or_else(|| ChangeError::NotFound.into())
}

impl From<TelemetryError> for Problem {
    fn from(error: TelemetryError) -> Self {
        let status = match error {
            TelemetryError::NotFound => StatusCode::NOT_FOUND,
            TelemetryError::NotActivated | TelemetryError::Stale => StatusCode::CONFLICT,
            TelemetryError::Ahead | TelemetryError::Range { .. } => StatusCode::BAD_REQUEST,
        };
        Problem::new(status, error.to_string())
    }
}
