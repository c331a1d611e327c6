//! The auxiliary API that deployed hubs serve beside the standards.

use axum::http::StatusCode;
use axum::response::Response;

use crate::auth::operation::aux_::Id;
use crate::call::Call;
use crate::reply::{self, Failure};

/// Answers a request.
pub(super) async fn answer(id: Id, _call: Call) -> Result<Response, Failure> {
    match id {
        Id::GetVersion => Ok(version()),
    }
}

/// Answers `getVersion`.
fn version() -> Response {
    let version = env!("CARGO_PKG_VERSION");
    reply::json(StatusCode::OK, &serde_json::json!({ "version": version }))
}
