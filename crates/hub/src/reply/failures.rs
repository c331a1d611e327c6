//! What each error of the shell says to a caller: one place for statuses.

use axum::http::StatusCode;

use crate::admission::Denied;
use crate::auth::TokenError;
use crate::replica::{ReadError, SubmitError};
use crate::workers::WorkError;

use super::Failure;

/// After how many seconds to try again when too much is under way.
const RETRY_SOON_S: u32 = 1;

/// After how many seconds to try again when an operator must act.
const RETRY_LATER_S: u32 = 30;

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        Failure::new(StatusCode::UNAUTHORIZED, error.to_string())
    }
}

impl From<Denied> for Failure {
    fn from(error: Denied) -> Self {
        let status = match error {
            Denied::PartyShare => StatusCode::TOO_MANY_REQUESTS,
            Denied::Full => StatusCode::SERVICE_UNAVAILABLE,
        };
        Failure::new(status, error.to_string()).with_retry_after(RETRY_SOON_S)
    }
}

impl From<WorkError> for Failure {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::QueueFull => {
                Failure::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests wait")
                    .with_retry_after(RETRY_SOON_S)
            }
            WorkError::Ended => {
                let message = "the hub has a fault; its operator was told";
                Failure::new(StatusCode::INTERNAL_SERVER_ERROR, message)
            }
        }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Failure::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
            .with_retry_after(RETRY_SOON_S)
    }
}

impl From<SubmitError> for Failure {
    fn from(error: SubmitError) -> Self {
        let message = error.to_string();
        match error {
            SubmitError::QueueFull => Failure::new(StatusCode::SERVICE_UNAVAILABLE, message)
                .with_retry_after(RETRY_SOON_S),
            SubmitError::PartyShare => {
                Failure::new(StatusCode::TOO_MANY_REQUESTS, message).with_retry_after(RETRY_SOON_S)
            }
            SubmitError::NoSpace
            | SubmitError::Closed
            | SubmitError::NotWritten
            | SubmitError::ClockApart
            | SubmitError::PoolFull
            | SubmitError::NotAdmitted
            | SubmitError::HubsDiffer => Failure::new(StatusCode::SERVICE_UNAVAILABLE, message)
                .with_retry_after(RETRY_LATER_S),
            SubmitError::Unreachable => Failure::new(StatusCode::SERVICE_UNAVAILABLE, message)
                .with_retry_after(RETRY_SOON_S),
            SubmitError::PartyBound => Failure::new(StatusCode::FORBIDDEN, message),
            SubmitError::OneHubOnly => Failure::new(StatusCode::CONFLICT, message),
            SubmitError::TooLarge => Failure::new(StatusCode::PAYLOAD_TOO_LARGE, message),
            SubmitError::Unknown => Failure::new(StatusCode::GATEWAY_TIMEOUT, message),
            SubmitError::KeyReused => Failure::new(StatusCode::UNPROCESSABLE_ENTITY, message),
            SubmitError::OutcomeForgotten => Failure::new(StatusCode::CONFLICT, message),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::RETRY_AFTER;
    use axum::response::IntoResponse;

    use super::*;

    #[test]
    fn says_when_to_try_again_only_if_nothing_was_done() {
        for (error, status, again) in [
            (SubmitError::QueueFull, 503, true),
            (SubmitError::NoSpace, 503, true),
            (SubmitError::PartyShare, 429, true),
            (SubmitError::Closed, 503, true),
            (SubmitError::NotWritten, 503, true),
            (SubmitError::ClockApart, 503, true),
            (SubmitError::Unreachable, 503, true),
            (SubmitError::PoolFull, 503, true),
            (SubmitError::NotAdmitted, 503, true),
            (SubmitError::HubsDiffer, 503, true),
            (SubmitError::PartyBound, 403, false),
            (SubmitError::OneHubOnly, 409, false),
            (SubmitError::TooLarge, 413, false),
            (SubmitError::Unknown, 504, false),
            (SubmitError::KeyReused, 422, false),
            (SubmitError::OutcomeForgotten, 409, false),
        ] {
            let response = Failure::from(error.clone()).into_response();

            assert_eq!(response.status().as_u16(), status, "{error:?}");
            assert_eq!(response.headers().contains_key(RETRY_AFTER), again, "{error:?}");
        }
    }
}
