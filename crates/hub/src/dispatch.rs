//! From a request to its handler: route, token, scope, share, time limit; then the answer back.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use tokio::time::Instant;

use crate::admission::Permit;
use crate::api;
use crate::auth::Caller;
use crate::auth::operation::{self, Operation};
use crate::call::{Call, Held};
use crate::context::Context;
use crate::reply::{self, Failure};

/// Answers longer than this are counted while they are in memory.
const SHORT_ANSWER_BYTES_MAX: u64 = 64 << 10;

/// How much of a long answer is handed on at once: what is not yet is still counted.
const ANSWER_PART_BYTES: usize = 64 << 10;

/// Returns the public service: the table's operations, `/healthy`, and 404 for all else.
pub(crate) fn router(context: Arc<Context>) -> Router {
    Router::new().fallback(route).with_state(context)
}

/// Routes by the table alone: a router of path patterns would drop empty segments.
async fn route(State(context): State<Arc<Context>>, request: Request) -> Response {
    let Some(operation) = operation::find(request.method(), request.uri().path()) else {
        if request.method() == Method::GET && request.uri().path() == "/healthy" {
            return reply::text(StatusCode::OK, "ok");
        }
        return reply::text(StatusCode::NOT_FOUND, "404 page not found\n");
    };
    let start = Instant::now();
    let response = match answer(&context, operation, request).await {
        Ok(response) => response,
        Err(failure) => failure.into_response(),
    };
    let status = response.status();
    context.telemetry.count_request(operation.name, status.as_u16(), start.elapsed());
    if status.is_server_error() {
        tracing::warn!(
            operation = operation.name,
            http.status = status.as_u16(),
            "a request failed"
        );
    }
    response
}

async fn answer(
    context: &Arc<Context>,
    operation: &'static Operation,
    request: Request,
) -> Result<Response, Failure> {
    let caller = authorize(context, operation, request.headers()).await?;
    let permit = context.shares.requests.enter(&caller.party, 1)?;
    let held = Held::new(permit);
    let fate = held.fate();
    let party = caller.party.clone();
    let call = Call::new(Arc::clone(context), operation, caller, request, held);
    let handled = AssertUnwindSafe(api::answer(call)).catch_unwind();
    let response = match tokio::time::timeout(context.limits.request_max, handled).await {
        Ok(Ok(answered)) => answered?,
        Ok(Err(_)) => {
            tracing::error!(operation = operation.name, "a handler panicked: a bug");
            let message = "the hub has a fault; its operator was told";
            return Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, message));
        }
        Err(_) if fate.is_queued() => {
            let message =
                "the hub does not know yet whether this was done; ask for the present state";
            return Err(Failure::new(StatusCode::GATEWAY_TIMEOUT, message));
        }
        Err(_) => {
            let message = "the request took too long; nothing was done";
            return Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, message).with_retry_after(1));
        }
    };
    count_long_answer(context, &party, response).await
}

/// Finds out who asks and whether it may, before anything of the body is read.
async fn authorize(
    context: &Context,
    operation: &Operation,
    headers: &HeaderMap,
) -> Result<Arc<Caller>, Failure> {
    let caller = context.authenticator.authenticate(headers).await?;
    if caller.scopes.satisfy(operation.scopes) {
        return Ok(caller);
    }
    let alternatives: Vec<String> = operation
        .scopes
        .iter()
        .map(|all| all.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "))
        .collect();
    let message = format!("the token lacks a scope: one of {}", alternatives.join(", "));
    Err(Failure::new(StatusCode::FORBIDDEN, message))
}

/// Has a long answer hold its bytes of the party's share until the client has taken them.
async fn count_long_answer(
    context: &Context,
    party: &airspace::Party,
    response: Response,
) -> Result<Response, Failure> {
    let length = response.body().size_hint().exact().unwrap_or(u64::MAX);
    if length <= SHORT_ANSWER_BYTES_MAX {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let whole = body.collect().await.expect("handlers answer with what they have in memory");
    let rest = whole.to_bytes();
    let permit = context.shares.answers.enter(party, rest.len() as u64)?;
    Ok(Response::from_parts(parts, Body::new(LongAnswer { rest, _permit: permit })))
}

/// An answer that is handed on in parts and counted until the last one is.
struct LongAnswer {
    rest: Bytes,
    _permit: Permit,
}

impl HttpBody for LongAnswer {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let part = self.rest.len().min(ANSWER_PART_BYTES);
        let part = self.rest.split_to(part);
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
