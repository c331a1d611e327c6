//! What the desk serves: other desks by the standard, its own user by the desk's own API.
//!
//! Listening, connections and tokens are the hub's (`hub::server`, `hub::auth`); the table of
//! operations and their scopes is the desk's own.

pub(crate) mod operation;
mod problem;
mod remote_id_body;
mod user;
mod user_body;
mod uss;
mod watches;

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use hub::auth::Authenticator;
use hub::config::Limits;
use hub::reply::Failure;
use tokio::sync::Semaphore;

use crate::core::Core;
use problem::Problem;

/// How many bytes a request's body may have, as at the hub.
pub(crate) const BODY_BYTES_MAX: usize = 4 << 20;

/// Who is served at a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Serves {
    /// Other desks alone.
    Peers,
    /// The desk's own user alone.
    User(Reach),
    /// Both, on a listener of this machine alone.
    Both,
}

/// From where a listener can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// From this machine alone.
    Local,
    /// From elsewhere too.
    Wide,
}

/// What requests are answered with.
#[derive(Clone)]
pub(crate) struct Serving(Arc<Shared>);

struct Shared {
    /// Set once the desk knows its own address.
    core: OnceLock<Arc<Core>>,
    authenticator: Authenticator,
    limits: Limits,
    peers_at_once: Semaphore,
}

impl Serving {
    /// Returns what answers 503 until [`Serving::ready`].
    pub(crate) fn new(authenticator: Authenticator, limits: Limits) -> Self {
        let requests_max = usize::try_from(limits.requests_max).expect("a small number");
        Serving(Arc::new(Shared {
            core: OnceLock::new(),
            authenticator,
            peers_at_once: Semaphore::new(requests_max),
            limits,
        }))
    }

    /// Begins to answer.
    pub(crate) fn ready(&self, core: Arc<Core>) {
        assert!(self.0.core.set(core).is_ok(), "a desk starts once");
    }

    /// Returns the keys that tokens of others are checked with.
    pub(crate) fn authenticator(&self) -> &Authenticator {
        &self.0.authenticator
    }

    /// Returns the router of a listener.
    ///
    /// Paths are matched here and not by axum, which would drop an empty last segment.
    pub(crate) fn router(&self, serves: Serves) -> Router {
        Router::new().fallback(answer).with_state((self.clone(), serves))
    }
}

async fn answer(State((serving, serves)): State<(Serving, Serves)>, request: Request) -> Response {
    let Some(core) = serving.0.core.get().map(Arc::clone) else {
        return Failure::new(StatusCode::SERVICE_UNAVAILABLE, "the desk starts")
            .with_retry_after(1)
            .into_response();
    };
    let path = request.uri().path();
    let of_user = path.starts_with("/desk/v1/");
    match serves {
        _ if path == "/healthy" && request.method() == Method::GET => "ok".into_response(),
        Serves::User(reach) if of_user => serving.user(core, reach, request).await,
        Serves::Both if of_user => serving.user(core, Reach::Local, request).await,
        Serves::Peers | Serves::Both => serving.peer(core, request).await,
        Serves::User(_) => not_found(),
    }
}

impl Serving {
    async fn peer(&self, core: Arc<Core>, request: Request) -> Response {
        let found = operation::find(request.method(), request.uri().path());
        let Some((operation, parameter)) = found else {
            return not_found();
        };
        let Ok(_lane) = self.0.peers_at_once.try_acquire() else {
            return Failure::new(StatusCode::TOO_MANY_REQUESTS, "too many requests are under way")
                .with_retry_after(1)
                .into_response();
        };
        let parameter = parameter.to_owned();
        let query = request.uri().query().unwrap_or_default().to_owned();
        let (parts, body) = request.into_parts();
        let caller = match self.0.authenticator.authenticate(&parts.headers).await {
            Ok(caller) => caller,
            Err(error) => return Failure::from(error).into_response(),
        };
        if !caller.scopes.satisfy(operation.scopes) {
            let message = "the token holds no scope that opens this operation";
            return Failure::new(StatusCode::FORBIDDEN, message).into_response();
        }
        let body = match self.body(&parts.headers, body).await {
            Ok(body) => body,
            Err(failure) => return failure.into_response(),
        };
        let call = uss::Call { core, party: caller.party.clone(), parameter, query, body };
        uss::answer(operation.id, call).await.unwrap_or_else(IntoResponse::into_response)
    }

    async fn user(&self, core: Arc<Core>, reach: Reach, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        if let Err(problem) = guard(&parts.uri, &parts.headers, reach) {
            return problem.into_response();
        }
        let body = match self.body(&parts.headers, body).await {
            Ok(body) => body,
            Err(failure) => return Problem::from(failure).into_response(),
        };
        let call = user::Call { core, method: parts.method, uri: parts.uri, body };
        user::answer(call).await.unwrap_or_else(IntoResponse::into_response)
    }

    /// Reads a body within bounds of time and size; one that says it is no JSON is refused.
    async fn body(&self, headers: &HeaderMap, body: Body) -> Result<Bytes, Failure> {
        let media_type = headers.get(CONTENT_TYPE).map_or("application/json", |value| {
            value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim()
        });
        if !media_type.eq_ignore_ascii_case("application/json") {
            let message = "the body must be JSON, sent with Content-Type: application/json";
            return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message).closing());
        }
        let reading = axum::body::to_bytes(body, BODY_BYTES_MAX);
        match tokio::time::timeout(self.0.limits.body_max, reading).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(error)) => Err(cut_off(&error)),
            Err(_) => {
                let message = "the body did not arrive in time";
                Err(Failure::new(StatusCode::REQUEST_TIMEOUT, message).closing())
            }
        }
    }
}

fn cut_off(error: &axum::Error) -> Failure {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            let message = format!("the body is larger than {BODY_BYTES_MAX} bytes");
            return Failure::new(StatusCode::PAYLOAD_TOO_LARGE, message).closing();
        }
        cause = error.source();
    }
    Failure::bad_request("the body was cut off").closing()
}

fn not_found() -> Response {
    let media_type = [(CONTENT_TYPE, "text/plain; charset=utf-8")];
    (StatusCode::NOT_FOUND, media_type, "404 page not found\n").into_response()
}

/// Refuses what a web page in the user's browser may send to a listener of this machine.
///
/// Browsers name the page's origin with everything that could change something, and name the host
/// that the page took this machine for.
fn guard(uri: &axum::http::Uri, headers: &HeaderMap, reach: Reach) -> Result<(), Problem> {
    if headers.contains_key(ORIGIN) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "requests of web pages are refused"));
    }
    if reach == Reach::Wide {
        return Ok(());
    }
    let named = headers.get(HOST).and_then(|host| host.to_str().ok());
    let authority = uri.authority().map(|authority| authority.as_str()).or(named);
    let host = authority.unwrap_or_default();
    let host = host.rsplit_once(':').filter(|(_, port)| !port.contains(']')).map_or(host, |h| h.0);
    if is_local_host(host) {
        return Ok(());
    }
    let message = "name this machine as localhost or by its loopback address";
    Err(Problem::new(StatusCode::FORBIDDEN, message))
}

/// Tells whether a host, as URLs write it, is this machine.
pub(crate) fn is_local_host(host: &str) -> bool {
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || literal.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded(host: &str, origin: Option<&str>, reach: Reach) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().expect("a value"));
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().expect("a value"));
        }
        guard(&axum::http::Uri::from_static("/desk/v1/flights"), &headers, reach).is_ok()
    }

    #[test]
    fn serves_the_user_of_this_machine() {
        for host in ["localhost", "localhost:8090", "127.0.0.1:1", "127.0.0.2", "[::1]:80", "[::1]"]
        {
            assert!(guarded(host, None, Reach::Local), "{host}");
        }
    }

    #[test]
    fn refuses_web_pages_that_pose_as_this_machine() {
        for host in ["evil.example", "evil.example:8090", "localhost.evil.example", "10.0.0.1", ""]
        {
            assert!(!guarded(host, None, Reach::Local), "{host}");
        }
        assert!(!guarded("localhost", Some("https://evil.example"), Reach::Local));
        assert!(!guarded("desk.example", Some("https://evil.example"), Reach::Wide));
        assert!(guarded("desk.example", None, Reach::Wide));
    }
}
