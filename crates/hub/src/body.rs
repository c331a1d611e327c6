//! Reads the bodies of requests, within bounds of size, time and memory.

use std::time::Duration;

use airspace::Party;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use crate::admission::{Permit, Share};
use crate::reply::Failure;

/// How many bytes a request's body may have, as deployed hubs have it.
pub const BODY_BYTES_MAX: usize = 4 << 20;

/// Refuses a body that says it is something else than JSON; one that says nothing is tried.
pub(crate) fn check_content_type(headers: &HeaderMap) -> Result<(), Failure> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let essence = value.to_str().unwrap_or("").split(';').next().unwrap_or("").trim();
    let essence = essence.to_ascii_lowercase();
    if essence == "application/json" || essence.ends_with("+json") {
        return Ok(());
    }
    let message = "the body must be JSON, sent with Content-Type: application/json";
    Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message).closing())
}

/// Returns the whole body and what it takes of the share that bodies have.
pub(crate) async fn read(
    body: Body,
    share: &Share,
    party: &Party,
    limit: Duration,
) -> Result<(Bytes, Permit), Failure> {
    let reading = read_chunks(body, share, party);
    tokio::time::timeout(limit, reading).await.unwrap_or_else(|_| {
        let message = "the body did not arrive in time";
        Err(Failure::new(StatusCode::REQUEST_TIMEOUT, message).closing())
    })
}

async fn read_chunks(
    mut body: Body,
    share: &Share,
    party: &Party,
) -> Result<(Bytes, Permit), Failure> {
    let announced = axum::body::HttpBody::size_hint(&body).exact();
    if announced.is_some_and(|length| length > BODY_BYTES_MAX as u64) {
        return Err(too_large());
    }
    let mut permit = share.enter(party, 0)?;
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Err(Failure::bad_request("the body was cut off").closing());
        };
        // Trailers say nothing that is asked for here.
        let Ok(chunk) = frame.into_data() else { continue };
        if BODY_BYTES_MAX - whole.len() < chunk.len() {
            return Err(too_large());
        }
        permit.grow(chunk.len() as u64)?;
        whole.extend_from_slice(&chunk);
    }
    Ok((whole.freeze(), permit))
}

fn too_large() -> Failure {
    let message = format!("the body is larger than {BODY_BYTES_MAX} bytes");
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, message).closing()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use futures_util::stream;

    use super::*;

    async fn read_parts(parts: Vec<Vec<u8>>) -> Result<usize, StatusCode> {
        let chunks = parts.into_iter().map(Ok::<_, std::convert::Infallible>);
        let body = Body::from_stream(stream::iter(chunks));
        let party = Party::new("one").expect("a good name");
        let share = Share::new(64 << 20);
        let read = read(body, &share, &party, Duration::from_secs(1)).await;
        read.map(|(bytes, _)| bytes.len()).map_err(|failure| failure.status())
    }

    #[tokio::test]
    async fn takes_a_body_of_the_largest_size_and_no_larger() {
        let half = BODY_BYTES_MAX / 2;

        assert_eq!(read_parts(vec![vec![b' '; half]; 2]).await, Ok(BODY_BYTES_MAX));
        let more = read_parts(vec![vec![b' '; half], vec![b' '; half + 1]]).await;
        assert_eq!(more, Err(StatusCode::PAYLOAD_TOO_LARGE));
    }

    #[tokio::test(start_paused = true)]
    async fn waits_only_so_long_for_a_body() {
        let body = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let party = Party::new("slow").expect("a good name");
        let share = Share::new(64 << 20);

        let failure = read(body, &share, &party, Duration::from_secs(8)).await;

        let failure = failure.expect_err("it never ends");
        assert_eq!(failure.status(), StatusCode::REQUEST_TIMEOUT);
        assert_eq!(share.held(), 0);
    }

    #[tokio::test]
    async fn lets_a_partys_bodies_take_half_of_the_memory() {
        let party = Party::new("greedy").expect("a good name");
        let share = Share::new(100);
        let second = Duration::from_secs(1);
        let first = read(Body::from(vec![0; 50]), &share, &party, second).await;

        let other = read(Body::from(vec![0; 1]), &share, &party, second).await;

        assert!(first.is_ok());
        let status = other.expect_err("it holds half").status();
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    }

    #[test]
    fn refuses_a_body_that_says_it_is_no_json() {
        let mut headers = HeaderMap::new();
        assert!(check_content_type(&headers).is_ok());
        for (value, good) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/problem+json", true),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("", false),
        ] {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
            assert_eq!(check_content_type(&headers).is_ok(), good, "{value}");
        }
    }
}
