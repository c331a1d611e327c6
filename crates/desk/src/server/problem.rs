//! What went wrong, for the desk's own user (RFC 9457).

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use hub::reply::Failure;
use serde::Serialize;

use super::user_body::ReportBody;
use crate::change::ChangeError;
use crate::client::hub::HubError;

/// A problem, and the report of planning if there is one.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    retry_after_s: Option<u32>,
    report: Option<ReportBody>,
}

#[derive(Serialize)]
struct ProblemBody<'a> {
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<&'a ReportBody>,
}

impl Problem {
    /// Returns a problem that a person can read.
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Problem { status, detail: detail.into(), retry_after_s: None, report: None }
    }

    /// Returns the problem that a flight was given up.
    pub(super) fn given_up(detail: String, report: ReportBody) -> Self {
        Problem { report: Some(report), ..Problem::new(StatusCode::CONFLICT, detail) }
    }

    fn retry_after(self, seconds: u32) -> Self {
        Problem { retry_after_s: Some(seconds), ..self }
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        let detail = error.to_string();
        match error {
            ChangeError::Request(_) => Problem::new(StatusCode::BAD_REQUEST, detail),
            ChangeError::NotFound => Problem::new(StatusCode::NOT_FOUND, detail),
            ChangeError::State(_) => Problem::new(StatusCode::CONFLICT, detail),
            ChangeError::Unsettled => Problem::new(StatusCode::CONFLICT, detail).retry_after(5),
            ChangeError::Hub(HubError::Refused { .. } | HubError::Unreadable(_)) => {
                Problem::new(StatusCode::BAD_GATEWAY, detail)
            }
            ChangeError::Hub(HubError::NoAnswer(_)) => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(5)
            }
            ChangeError::Unknown(_) => Problem::new(StatusCode::GATEWAY_TIMEOUT, detail),
            ChangeError::Store(_) | ChangeError::Full | ChangeError::Ending => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(30)
            }
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let status = failure.status();
        let detail = match status {
            StatusCode::PAYLOAD_TOO_LARGE => "the body is too large",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                "the body must be JSON, sent with Content-Type: application/json"
            }
            _ => "the body did not arrive",
        };
        Problem::new(status, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemBody {
            title: self.status.canonical_reason().unwrap_or("Problem"),
            status: self.status.as_u16(),
            detail: &self.detail,
            report: self.report.as_ref(),
        };
        let body = serde_json::to_vec(&body).expect("problems have text keys and finite numbers");
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
