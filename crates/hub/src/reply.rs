//! The two things a request is answered with: a reply, or a failure with one clear message.

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};

mod failures;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// Why a request is not answered with what it asked for, as its caller may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    status: StatusCode,
    body: FailureBody,
    retry_after_s: Option<u32>,
    connection: After,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum FailureBody {
    Message(String),
    Json(Vec<u8>),
}

/// What becomes of the connection after the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Kept,
    Closed,
}

impl Failure {
    /// Returns a failure whose body is `{"message": ..}`.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Failure {
            status,
            body: FailureBody::Message(message.into()),
            retry_after_s: None,
            connection: After::Kept,
        }
    }

    /// Returns a 400 with this message.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// Returns a failure with a JSON body of its own, as F3548-21's `AirspaceConflictResponse`.
    pub fn with_body(status: StatusCode, json: Vec<u8>) -> Self {
        Failure {
            status,
            body: FailureBody::Json(json),
            retry_after_s: None,
            connection: After::Kept,
        }
    }

    /// Asks the caller to try again in so many seconds.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Closes the connection after the answer, because the rest of the request is not read.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.connection = After::Closed;
        self
    }

    /// Returns the status.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = match self.body {
            FailureBody::Message(message) => {
                json(self.status, &serde_json::json!({ "message": message }))
            }
            FailureBody::Json(body) => json_bytes(self.status, body),
        };
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.connection == After::Closed {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// Returns a JSON answer, ending in a line feed as deployed hubs' answers do.
pub fn json(status: StatusCode, body: &impl serde::Serialize) -> Response {
    let bytes = serde_json::to_vec(body).expect("answers have string keys and finite numbers");
    json_bytes(status, bytes)
}

/// Returns a JSON answer that is rendered already.
pub fn json_bytes(status: StatusCode, mut body: Vec<u8>) -> Response {
    if body.last() != Some(&b'\n') {
        body.push(b'\n');
    }
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// Returns a short answer in plain text.
pub(crate) fn text(status: StatusCode, body: &'static str) -> Response {
    (status, [(CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response()
}
