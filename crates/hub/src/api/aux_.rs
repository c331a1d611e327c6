//! The auxiliary API that deployed hubs serve beside the standards: what a hub says of itself.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;
use wire::aux_::VersionResponse;

use crate::auth::operation::aux_::Id;
use crate::call::Call;
use crate::reply::{self, Failure};

mod configuration;
mod pool;

/// Answers a request.
pub(super) async fn answer(id: Id, call: Call) -> Result<Response, Failure> {
    match id {
        Id::GetVersion => Ok(version()),
        Id::ValidateOauth => validate_oauth(&call),
        Id::GetPool => pool::find(&call).await,
        Id::GetDssInstances => pool::list_instances(&call, StatusCode::OK).await,
        Id::PutDssInstancesHeartbeat => pool::put_heartbeat(call).await,
        Id::GetAcceptedCas => configuration::list_accepted_cas(&call),
        Id::GetInstanceCas => configuration::list_instance_cas(&call),
        Id::GetGlobalOptions => Ok(configuration::global_options()),
    }
}

/// Answers `getVersion`.
fn version() -> Response {
    reply::json(StatusCode::OK, &VersionResponse { version: crate::version().to_owned() })
}

/// Answers `validateOauth`: that the token is good, and its `sub` the `owner` if one is given.
fn validate_oauth(call: &Call) -> Result<Response, Failure> {
    let owner = call.query("owner")?;
    if owner.is_some_and(|owner| owner != call.party().as_str()) {
        let message = "the token is good, but it is not the owner's";
        return Err(Failure::new(StatusCode::FORBIDDEN, message));
    }
    Ok(reply::json(StatusCode::OK, &json!({})))
}
