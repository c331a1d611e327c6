//! Which request reaches an operation, and what all operations have in common.

use reqwest::{Method, StatusCode};

use crate::support::{Answer, TestHub, intent_path, operational_intent};

#[tokio::test]
async fn answers_404_to_what_is_not_in_the_table() {
    let hub = TestHub::start().await;
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/dss/v1/reports"),
        (Method::POST, "/dss/v1/reports/"),
        (Method::OPTIONS, "/dss/v1/reports"),
        (Method::GET, "/dss/v1/operational_intent_references"),
        (Method::GET, "/metrics"),
        (Method::GET, "/health/ready"),
        (Method::POST, "/healthy"),
    ] {
        let answer = hub.send("uss1", method, path, None).await;

        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.body, b"404 page not found\n");
    }
}

#[tokio::test]
async fn lets_an_empty_last_segment_reach_its_handler() {
    let hub = TestHub::start().await;
    let path = "/dss/v1/operational_intent_references/";

    let answer = hub.send("uss1", Method::PUT, path, Some(operational_intent(7.0, 100.0))).await;

    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn refuses_a_token_before_it_looks_at_the_body() {
    let hub = TestHub::start().await;
    let request = reqwest::Client::new().put(hub.url(&intent_path(1))).body("no JSON at all");

    let answer = Answer::of(request).await;

    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn is_healthy_without_a_token() {
    let hub = TestHub::start().await;

    let answer = Answer::of(reqwest::Client::new().get(hub.url("/healthy"))).await;

    assert_eq!((answer.status, &*answer.body), (StatusCode::OK, &b"ok"[..]));
}

#[tokio::test]
async fn answers_json_that_ends_in_a_line_feed() {
    let hub = TestHub::start().await;

    let answer = hub.send("uss1", Method::GET, &intent_path(1), None).await;

    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(answer.body.last(), Some(&b'\n'));
    assert!(!answer.message().is_empty());
}
