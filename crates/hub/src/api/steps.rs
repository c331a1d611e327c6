//! The steps that handlers of several APIs have in common.

use airspace::{Outcome, Party, Request};
use axum::http::StatusCode;
use axum::response::Response;
use wire::Schemes;

use crate::call::Call;
use crate::replica::Replica;
use crate::reply::{self, Failure};

/// An answer that lists more than this is written on a worker and not on the runtime.
const LISTED_INLINE_MAX: usize = 200;

/// When a party that has as much as it may should try again.
const TOO_MANY_RETRY_AFTER_S: u32 = 60;

/// What was asked, where the answer depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// To create or update.
    Put,
    /// To delete.
    Delete,
}

/// Answers with what `look` finds for the caller and writes, on a worker.
pub(super) async fn search(
    call: &Call,
    look: impl FnOnce(&Replica, &Party) -> Result<Vec<u8>, Failure> + Send + 'static,
) -> Result<Response, Failure> {
    let (replica, reader) = (call.replica().await?, call.party().clone());
    let body = call.work(move || look(&replica, &reader)).await??;
    Ok(reply::json_bytes(StatusCode::OK, body))
}

/// Puts what `parse` makes of the body, on a worker, into the log and returns what was decided.
pub(super) async fn put<P: Into<Request> + Send + 'static>(
    call: &mut Call,
    parse: impl FnOnce(&[u8]) -> Result<P, Failure> + Send + 'static,
) -> Result<Outcome, Failure> {
    let body = call.body().await?;
    let retry = call.retry(&body)?;
    let put = call.work(move || parse(&body)).await??;
    call.submit(retry, put.into()).await
}

/// Puts a command that needs no body into the log and returns what was decided.
pub(super) async fn delete(call: &Call, delete: impl Into<Request>) -> Result<Outcome, Failure> {
    let retry = call.retry(b"")?;
    call.submit(retry, delete.into()).await
}

/// Answers with what `render` writes, on a worker if it lists much.
pub(super) async fn write(
    call: &Call,
    status: StatusCode,
    listed: usize,
    render: impl FnOnce() -> Vec<u8> + Send + 'static,
) -> Result<Response, Failure> {
    let body = if listed <= LISTED_INLINE_MAX { render() } else { call.work(render).await? };
    Ok(reply::json_bytes(status, body))
}

/// Returns which schemes the base URLs of USSs may have here.
pub(super) fn schemes(call: &Call) -> Schemes {
    if call.allows_http() { Schemes::HttpAllowed } else { Schemes::HttpsOnly }
}

/// Refuses a party that has as much as it may.
pub(super) fn too_many(message: String) -> Failure {
    Failure::new(StatusCode::TOO_MANY_REQUESTS, message).with_retry_after(TOO_MANY_RETRY_AFTER_S)
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    #[test]
    fn says_when_a_party_that_has_too_much_should_try_again() {
        let response = too_many("too many".to_owned()).into_response();

        let expected = TOO_MANY_RETRY_AFTER_S.to_string();
        let header = response.headers().get("retry-after").expect("it is there");
        assert_eq!(header.as_bytes(), expected.as_bytes());
    }
}
