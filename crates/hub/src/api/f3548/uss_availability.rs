//! Availability of USSs.

use airspace::{Accepted, Party, Request};
use axum::http::StatusCode;
use axum::response::Response;
use wire::f3548::uss_availability;

use crate::api::f3548::refusal;
use crate::call::Call;
use crate::reply::{self, Failure};

/// Answers `getUssAvailability`: a USS of which nobody has said anything is `Unknown`.
pub(super) async fn find(call: Call) -> Result<Response, Failure> {
    let uss_id = uss_id(&call)?;
    let status = call.read(|state, _| state.find_uss_availability(&uss_id)).await?;
    Ok(reply::json_bytes(StatusCode::OK, uss_availability::render(&status)))
}

/// Answers `setUssAvailability`.
pub(super) async fn set(mut call: Call) -> Result<Response, Failure> {
    let uss_id = uss_id(&call)?;
    let body = call.body().await?;
    let retry = call.retry(&body)?;
    let put = call.work(move || uss_availability::parse_put(&body, uss_id)).await?;
    let put = put.map_err(|error| Failure::bad_request(error.to_string()))?;
    match call.submit(retry, Request::PutUssAvailability(put)).await? {
        Ok(Accepted::UssAvailability(status)) => {
            Ok(reply::json_bytes(StatusCode::OK, uss_availability::render(&status)))
        }
        Err(airspace::Refusal::UssAvailability(refusal)) => {
            Err(refusal::uss_availability(&refusal))
        }
        other => unreachable!("a change of an availability came to {other:?}"),
    }
}

fn uss_id(call: &Call) -> Result<Party, Failure> {
    Party::new(&call.parameter("uss_id")?)
        .map_err(|error| Failure::bad_request(format!("uss_id: {error}")))
}
