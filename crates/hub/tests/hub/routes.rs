//! Which request reaches which operation, and whom it lets in.

use hub::auth::operation::OPERATIONS;
use hub::auth::scope::{Scope, Scopes};
use reqwest::{Method, StatusCode};

use crate::support::{Answer, TestHub, id, intent_path, operational_intent, token};

fn path_of(template: &str) -> String {
    ["{entityid}", "{subscriptionid}"]
        .into_iter()
        .fold(template.to_owned(), |path, name| path.replace(name, &id(1)))
        .replace("{ovn}", "ovn")
        .replace("{version}", "version")
        .replace("{uss_id}", "uss1")
}

/// Walks the one table: each operation is opened by each of its alternatives and by nothing less.
#[tokio::test]
async fn opens_each_operation_by_its_scopes_and_no_others() {
    let hub = TestHub::start().await;
    let client = reqwest::Client::new();
    for operation in &OPERATIONS {
        let path = path_of(operation.path);
        for bits in 0..1_u32 << Scope::ALL.len() {
            let held: Vec<&str> = Scope::ALL
                .into_iter()
                .enumerate()
                .filter(|(number, _)| bits & (1 << number) != 0)
                .map(|(_, scope)| scope.as_str())
                .collect();
            let claim = held.join(" ");
            let request = client
                .request(operation.method.clone(), hub.url(&path))
                .bearer_auth(token("uss1", &claim));

            let answer = Answer::of(request).await;

            let opened = Scopes::parse(&claim).satisfy(operation.scopes);
            let refused = answer.status == StatusCode::FORBIDDEN;
            assert_eq!(refused, !opened, "{} with `{claim}`: {answer:?}", operation.name);
            assert_ne!(answer.status, StatusCode::NOT_IMPLEMENTED);
        }
        let answer = Answer::of(client.request(operation.method.clone(), hub.url(&path))).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", operation.name);
        assert!(answer.message().contains("Authorization"));
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
}

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
