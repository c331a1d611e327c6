//! Reports of problems.

use airspace::EntityId;
use axum::http::StatusCode;
use axum::response::Response;
use wire::f3548::reports;

use crate::call::Call;
use crate::reply::{self, Failure};

/// Answers `makeDssReport`: keeps the report without its secrets and returns it with an id.
pub(super) async fn make(mut call: Call) -> Result<Response, Failure> {
    let body = call.body().await?;
    // Ids of reports are UUIDs as those of entities are.
    let id = EntityId::from_random_bytes(call.random_bytes()).to_string();
    let (kept_in, party, now) = (call.reports(), call.party().clone(), call.now());
    let keep = move || -> Result<Vec<u8>, Failure> {
        let report = reports::parse(&body)
            .map_err(|error| Failure::bad_request(error.to_string()))?
            .with_id(id.clone());
        let answer = wire::render(&report);
        let kept = wire::render(&report.without_secrets());
        let kept = String::from_utf8(kept).expect("JSON is UTF-8");
        kept_in.keep(&id, party.as_str(), now, &kept).map_err(|error| {
            tracing::error!(error = %error, party.id = %party, "a report could not be kept");
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, "the report could not be kept")
                .with_retry_after(RETRY_AFTER_S)
        })?;
        Ok(answer)
    };
    Ok(reply::json_bytes(StatusCode::CREATED, call.work(keep).await??))
}

/// When a party whose report could not be kept should send it again.
const RETRY_AFTER_S: u32 = 60;
