//! InterUSS's versioning API, by which test suites ask systems for their versions.

use axum::http::StatusCode;
use axum::response::Response;
use wire::versioning::GetVersionResponse;

use crate::auth::operation::versioning::Id;
use crate::call::Call;
use crate::reply::{self, Failure};

/// Answers a request.
pub(super) fn answer(id: Id, call: &Call) -> Result<Response, Failure> {
    match id {
        Id::GetVersion => find(call),
    }
}

/// Answers `GetVersion`: whatever a caller calls the system, it asks this one.
fn find(call: &Call) -> Result<Response, Failure> {
    let response = GetVersionResponse {
        system_identity: call.parameter("system_identity")?,
        system_version: crate::version().to_owned(),
    };
    Ok(reply::json(StatusCode::OK, &response))
}
