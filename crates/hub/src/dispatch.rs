//! From a request to its handler: route, token, scope, share, time limit; then the answer back.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use airspace::Party;
use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use tokio::time::Instant;

use crate::admission::{Denied, Permit, Share};
use crate::api;
use crate::auth::Caller;
use crate::auth::operation::{self, Access, Operation};
use crate::call::{Call, Held};
use crate::context::{Context, anybody};
use crate::reply::{self, Failure};

/// Says of which writes an answer knows, where that is not of all.
const CONSISTENCY: HeaderName = HeaderName::from_static("tansiq-consistency");

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
    context.telemetry.count_request(operation, status.as_u16(), start.elapsed());
    // What this hub does not do, and says so, is no failure of it.
    if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED {
        tracing::warn!(
            api = operation.id.api(),
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
    let permit = match &caller {
        Some(caller) => context.shares.requests.enter(&caller.party, 1)?,
        None => context.shares.enter_open()?,
    };
    let held = Held::new(permit);
    let fate = held.fate();
    let party = caller.as_ref().map(|caller| caller.party.clone());
    let call = Call::new(Arc::clone(context), operation, caller, request, held);
    let handled = AssertUnwindSafe(api::answer(call)).catch_unwind();
    let response = match tokio::time::timeout(context.limits.request_max, handled).await {
        Ok(Ok(answered)) => answered?,
        Ok(Err(_)) => {
            tracing::error!(
                api = operation.id.api(),
                operation = operation.name,
                "a handler panicked: a bug"
            );
            let message = "the hub has a fault; its operator was told";
            return Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, message));
        }
        Err(_) => {
            let message = "the request took too long; nothing was done";
            let failure = Failure::new(StatusCode::SERVICE_UNAVAILABLE, message);
            return Err(fate.failure(failure.with_retry_after(1)));
        }
    };
    let response = say_consistency(context, response);
    let counted = match &party {
        Some(party) => count_long_answer(&context.shares.answers, party, response).await,
        None => count_long_answer(&context.shares.open_answers, &anybody(), response).await,
    };
    counted.map_err(|denied| fate.failure(denied))
}

/// Finds out who asks and whether it may, before anything of the body is read.
///
/// Who asks for an open operation is nobody's business: a token is not looked at.
async fn authorize(
    context: &Context,
    operation: &Operation,
    headers: &HeaderMap,
) -> Result<Option<Arc<Caller>>, Failure> {
    let Access::Scopes(alternatives) = operation.access else { return Ok(None) };
    let caller = context.authenticator.authenticate(headers).await?;
    if caller.scopes.satisfy(alternatives) {
        return Ok(Some(caller));
    }
    let alternatives: Vec<String> = alternatives
        .iter()
        .map(|all| all.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "))
        .collect();
    let message = format!("the token lacks a scope: one of {}", alternatives.join(", "));
    Err(Failure::new(StatusCode::FORBIDDEN, message))
}

/// Says so where reads are not sure to see other hubs' writes, and how old the state is then.
fn say_consistency(context: &Context, mut response: Response) -> Response {
    if let Some(age) = context.replica.local_age() {
        let value = format!("local; age_ms={}", age.as_millis());
        let value = HeaderValue::try_from(value).expect("it is ASCII");
        response.headers_mut().insert(CONSISTENCY, value);
    }
    response
}

/// Has a long answer hold its bytes of the party's share until the client has taken them.
async fn count_long_answer(
    answers: &Share,
    party: &Party,
    response: Response,
) -> Result<Response, Denied> {
    let length = response.body().size_hint().exact().unwrap_or(u64::MAX);
    if length <= SHORT_ANSWER_BYTES_MAX {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let whole = body.collect().await.expect("handlers answer with what they have in memory");
    let rest = whole.to_bytes();
    let permit = answers.enter(party, rest.len() as u64)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn response(length: usize) -> Response {
        reply::json_bytes(StatusCode::OK, vec![b'1'; length - 1])
    }

    #[tokio::test]
    async fn counts_a_long_answer_until_it_is_taken() {
        let answers = Share::new(1 << 20);
        let party = Party::new("one").expect("a good name");
        let long = SHORT_ANSWER_BYTES_MAX as usize + 1;

        let answer = count_long_answer(&answers, &party, response(long)).await.expect("room");
        assert_eq!(answers.held(), long as u64);
        assert_eq!(answer.body().size_hint().exact(), Some(long as u64));
        let mut body = answer.into_body();
        let part = body.frame().await.expect("a part").expect("it does not fail");
        assert_eq!(part.into_data().expect("data").len(), ANSWER_PART_BYTES);
        assert_eq!(answers.held(), long as u64);

        let rest = body.collect().await.expect("it does not fail").to_bytes();
        assert_eq!(rest.len(), long - ANSWER_PART_BYTES);
        assert_eq!(rest.last(), Some(&b'\n'));
        assert_eq!(answers.held(), 0);
    }

    #[tokio::test]
    async fn does_not_count_a_short_answer() {
        let answers = Share::new(0);
        let party = Party::new("one").expect("a good name");

        let short = response(SHORT_ANSWER_BYTES_MAX as usize);

        assert!(count_long_answer(&answers, &party, short).await.is_ok());
    }

    #[tokio::test]
    async fn gives_a_party_half_of_the_memory_for_long_answers() {
        let answers = Share::new(300_000);
        let greedy = Party::new("greedy").expect("a good name");
        let modest = Party::new("modest").expect("a good name");

        let first = count_long_answer(&answers, &greedy, response(100_000)).await;
        let second = count_long_answer(&answers, &greedy, response(100_000)).await;
        let other = count_long_answer(&answers, &modest, response(100_000)).await;

        assert!(first.is_ok());
        assert_eq!(second.err(), Some(Denied::PartyShare));
        assert!(other.is_ok());
    }
}
