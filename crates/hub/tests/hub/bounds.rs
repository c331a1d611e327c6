//! What a client may take of a hub, and what becomes of one that takes more.

use std::time::Duration;

use hub::body::BODY_BYTES_MAX;
use hub::config::Limits;
use hub::server::HEADER_BYTES_MAX;
use reqwest::{Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{
    ALL_SCOPES, Answer, TestHub, eventually, intent_path, operational_intent, token,
};

/// Shorter than any test may take, longer than any machine needs to answer.
const SHORT: Duration = Duration::from_millis(300);

async fn hub_with(change: impl FnOnce(&mut Limits)) -> TestHub {
    TestHub::start_with(|config| change(&mut config.limits)).await
}

async fn connect(hub: &TestHub) -> TcpStream {
    TcpStream::connect(hub.hub.local_addr()).await.expect("it listens")
}

/// Returns what the hub sends until it closes the connection.
async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset says as well as an end that it is closed.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

fn head(method: &str, path: &str, rest: &str) -> String {
    let token = token("uss1", ALL_SCOPES);
    format!("{method} {path} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {token}\r\n{rest}\r\n")
}

async fn is_served(hub: &TestHub) -> bool {
    hub.send("uss2", Method::GET, &intent_path(1), None).await.status == StatusCode::NOT_FOUND
}

#[tokio::test]
async fn closes_a_connection_whose_head_is_not_finished_in_time() {
    let hub = hub_with(|limits| limits.header_max = SHORT).await;
    let mut stream = connect(&hub).await;
    stream.write_all(b"GET /healthy HTTP/1.1\r\nHost:").await.expect("it is sent");

    assert_eq!(read_to_end(&mut stream).await, "");
    assert!(is_served(&hub).await);
}

#[tokio::test]
async fn closes_a_connection_that_asks_nothing() {
    let hub = hub_with(|limits| limits.idle_max = SHORT).await;
    let mut silent = connect(&hub).await;
    let mut done = connect(&hub).await;
    done.write_all(head("GET", "/healthy", "").as_bytes()).await.expect("it is sent");

    assert_eq!(read_to_end(&mut silent).await, "");
    assert!(read_to_end(&mut done).await.ends_with("ok"));
}

#[tokio::test]
async fn answers_408_to_a_body_that_does_not_arrive() {
    let hub = hub_with(|limits| limits.body_max = SHORT).await;
    let mut stream = connect(&hub).await;
    let head = head("PUT", &intent_path(1), "Content-Length: 100\r\n");
    stream.write_all(head.as_bytes()).await.expect("it is sent");
    stream.write_all(b"{").await.expect("it is sent");

    let answer = read_to_end(&mut stream).await;

    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(is_served(&hub).await);
}

#[tokio::test]
async fn answers_400_to_a_body_that_is_cut_off() {
    let hub = TestHub::start().await;
    let mut stream = connect(&hub).await;
    let head = head("PUT", &intent_path(1), "Content-Length: 100\r\n");
    stream.write_all(head.as_bytes()).await.expect("it is sent");
    stream.write_all(b"{").await.expect("it is sent");
    stream.shutdown().await.expect("it is shut");

    // The server may also close without a word: nobody may be there to hear it.
    let answer = read_to_end(&mut stream).await;

    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(is_served(&hub).await);
}

#[tokio::test]
async fn gives_up_a_request_that_takes_too_long() {
    let hub = hub_with(|limits| limits.request_max = SHORT).await;
    let mut stream = connect(&hub).await;
    let head = head("PUT", &intent_path(1), "Content-Length: 100\r\n");
    stream.write_all(head.as_bytes()).await.expect("it is sent");

    let mut start = [0; 13];
    stream.read_exact(&mut start).await.expect("it answers");

    assert_eq!(&start, b"HTTP/1.1 503 ");
}

#[tokio::test]
async fn answers_413_to_a_body_that_is_too_large() {
    let hub = TestHub::start().await;
    let announced = format!("Content-Length: {}\r\n", BODY_BYTES_MAX + 1);
    let mut stream = connect(&hub).await;
    let head = head("PUT", &intent_path(1), &announced);
    stream.write_all(head.as_bytes()).await.expect("it is sent");
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");

    let mut stream = connect(&hub).await;
    let head = self::head("PUT", &intent_path(1), "Transfer-Encoding: chunked\r\n");
    stream.write_all(head.as_bytes()).await.expect("it is sent");
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    for _ in 0..=BODY_BYTES_MAX / 0x10000 {
        // The hub may close before it has all.
        let _ = stream.write_all(chunk.as_bytes()).await;
    }
    let answer = read_to_end(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(is_served(&hub).await);
}

#[tokio::test]
async fn answers_431_to_a_head_that_is_too_large() {
    let hub = TestHub::start().await;
    let mut stream = connect(&hub).await;
    let long = format!("X-Long: {}\r\n", "x".repeat(HEADER_BYTES_MAX as usize));

    stream.write_all(head("GET", "/healthy", &long).as_bytes()).await.expect("it is sent");

    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn answers_at_most_once_when_the_length_is_given_twice() {
    let hub = TestHub::start().await;
    let mut stream = connect(&hub).await;
    let smuggling =
        head("PUT", &intent_path(1), "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n")
            + "0\r\n\r\nGET /healthy HTTP/1.1\r\nHost: hub\r\n\r\n";

    stream.write_all(smuggling.as_bytes()).await.expect("it is sent");

    let answers = read_to_end(&mut stream).await;
    assert!(answers.matches("HTTP/1.1 ").count() <= 1, "{answers}");
}

#[tokio::test]
async fn closes_idle_connections_to_make_room() {
    let hub = hub_with(|limits| limits.connections_max = 50).await;
    let mut idle = Vec::new();
    for _ in 0..500 {
        idle.push(connect(&hub).await);
    }

    for _ in 0..50 {
        assert!(is_served(&hub).await);
    }
    // The oldest had to go, and are told.
    for stream in &mut idle[..400] {
        assert_eq!(read_to_end(stream).await, "");
    }
}

#[tokio::test]
async fn serves_others_beside_many_idle_connections() {
    let hub = TestHub::start().await;
    let mut idle = Vec::new();
    for _ in 0..300 {
        idle.push(connect(&hub).await);
    }

    let body = operational_intent(7.0, 100.0);
    let answer = hub.send("uss1", Method::PUT, &intent_path(1), Some(body)).await;

    assert_eq!(answer.status, StatusCode::CREATED);
}

#[tokio::test]
async fn speaks_http_2() {
    let hub = TestHub::start().await;
    let client = reqwest::Client::builder().http2_prior_knowledge().build().expect("a client");
    let body = operational_intent(7.0, 100.0);
    let put = client.put(hub.url(&intent_path(1))).bearer_auth(token("uss1", ALL_SCOPES));

    let response = put.json(&body).send().await.expect("it answers");

    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    assert_eq!(response.status(), StatusCode::CREATED);
    let refused = Answer::of(client.get(hub.url(&intent_path(1)))).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn answers_what_it_took_before_it_stops() {
    let hub = TestHub::start().await;
    let body = operational_intent(7.0, 100.0).to_string();
    let length = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    let mut stream = connect(&hub).await;
    let head = head("PUT", &intent_path(1), &length);
    stream.write_all(head.as_bytes()).await.expect("it is sent");
    eventually(async || hub.metric("tansiq_requests_under_way").await == 1.0).await;
    let addr = hub.hub.local_addr();

    let stopping = tokio::spawn(hub.hub.shutdown());
    eventually(async || TcpStream::connect(addr).await.is_err()).await;
    stream.write_all(body.as_bytes()).await.expect("it is sent");

    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    stopping.await.expect("it stops");
}

#[tokio::test]
async fn cuts_off_what_does_not_end_when_it_stops() {
    let hub = hub_with(|limits| limits.shutdown_max = SHORT).await;
    let mut stream = connect(&hub).await;
    let head = head("PUT", &intent_path(1), "Content-Length: 100\r\n");
    stream.write_all(head.as_bytes()).await.expect("it is sent");
    eventually(async || hub.metric("tansiq_requests_under_way").await == 1.0).await;

    hub.hub.shutdown().await;

    assert_eq!(read_to_end(&mut stream).await, "");
}

#[tokio::test]
async fn takes_no_changes_while_the_disk_is_full_and_goes_on_reading() {
    let hub = TestHub::start().await;
    let body = operational_intent(7.0, 100.0);
    hub.send("uss1", Method::PUT, &intent_path(1), Some(body.clone())).await;

    let hub = hub.restart(|config| config.log.disk_free_bytes_min = i64::MAX as u64).await;

    let refused = hub.send("uss1", Method::PUT, &intent_path(2), Some(body.clone())).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers.contains_key("retry-after"));
    let read = hub.send("uss1", Method::GET, &intent_path(1), None).await;
    assert_eq!(read.status, StatusCode::OK);
    let ready = hub.ask_admin(Method::GET, "/health/ready").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);

    let hub = hub.restart(|config| config.log.disk_free_bytes_min = 0).await;
    let again = hub.send("uss1", Method::PUT, &intent_path(2), Some(body)).await;
    assert_ne!(again.status, StatusCode::SERVICE_UNAVAILABLE);
    let ready = hub.ask_admin(Method::GET, "/health/ready").await;
    assert_eq!(ready.status, StatusCode::OK);
}

#[tokio::test]
async fn takes_a_key_of_ten_thousand_long_ovns() {
    let hub = TestHub::start().await;
    let mut body = operational_intent(7.0, 100.0);
    body["key"] = (0..10_000).map(|n| format!("{n:0>128}")).collect();

    let answer = hub.send("uss1", Method::PUT, &intent_path(1), Some(body)).await;

    assert_eq!(answer.status, StatusCode::CREATED);
}

#[tokio::test]
async fn hands_on_a_long_answer_whole() {
    let hub = TestHub::start().await;
    for n in 0..200 {
        let body = operational_intent(7.0, 100.0 + 60.0 * f64::from(n));
        let answer = hub.send("uss1", Method::PUT, &intent_path(n), Some(body)).await;
        assert_eq!(answer.status, StatusCode::CREATED);
    }
    let mut area = crate::support::volume(7.0, 100.0);
    let volume = area["volume"].as_object_mut().expect("an object");
    volume.remove("altitude_lower");
    volume.remove("altitude_upper");
    let query = serde_json::json!({ "area_of_interest": area });

    let path = "/dss/v1/operational_intent_references/query";
    let answer = hub.send("uss1", Method::POST, path, Some(query)).await;

    assert!((64 << 10) < answer.body.len(), "{}", answer.body.len());
    let found = answer.json()["operational_intent_references"].as_array().map(Vec::len);
    assert_eq!(found, Some(200));
}
