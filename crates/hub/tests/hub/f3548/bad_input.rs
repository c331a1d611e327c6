//! What no client should send: each is refused with a clear message and changes nothing.

use serde_json::json;

use crate::client::{Fixture, ID};
use crate::f3548::fixture::operational_intent;

const ALL: &str = "utm.strategic_coordination utm.conformance_monitoring_sa \
                   utm.constraint_management utm.constraint_processing \
                   utm.availability_arbitration";

/// Every operation that takes a body.
fn operations_with_a_body() -> Vec<(&'static str, String)> {
    vec![
        ("POST", "/dss/v1/operational_intent_references/query".to_owned()),
        ("PUT", format!("/dss/v1/operational_intent_references/{ID}")),
        ("PUT", format!("/dss/v1/operational_intent_references/{ID}/0123456789abcdef")),
        ("POST", "/dss/v1/constraint_references/query".to_owned()),
        ("PUT", format!("/dss/v1/constraint_references/{ID}")),
        ("PUT", format!("/dss/v1/constraint_references/{ID}/0123456789abcdef")),
        ("POST", "/dss/v1/subscriptions/query".to_owned()),
        ("PUT", format!("/dss/v1/subscriptions/{ID}")),
        ("PUT", format!("/dss/v1/subscriptions/{ID}/0123456789abcdef")),
        ("POST", "/dss/v1/reports".to_owned()),
        ("PUT", "/dss/v1/uss_availability/uss1".to_owned()),
    ]
}

#[tokio::test]
async fn is_a_body_that_is_no_message() {
    let hub = Fixture::start().await;
    let uss1 = hub.party("uss1", ALL);
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let in_unknown_field = format!(r#"{{"unknown": {nested}}}"#);
    let good = operational_intent().to_string();
    let bodies: [&[u8]; 12] = [
        b"",
        b" ",
        b"garbage",
        b"null",
        b"[]",
        b"{}",
        b"{\"extents\": NaN}",
        b"\xff\xfe",
        &good.as_bytes()[..good.len() / 2],
        nested.as_bytes(),
        in_unknown_field.as_bytes(),
        b"{\"uss_base_url\": \"\\u0000\"}",
    ];

    for (method, path) in operations_with_a_body() {
        for body in bodies {
            let answer = uss1.send_bytes(method, &path, body).await;

            let shown = String::from_utf8_lossy(&body[..body.len().min(40)]);
            assert_eq!(answer.status, 400, "{method} {path} {shown}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn is_a_body_for_a_caller_who_may_not_send_one() {
    let hub = Fixture::start().await;
    let nobody = hub.party("uss1", "");
    let stranger = hub.stranger();

    for (method, path) in operations_with_a_body() {
        assert_eq!(nobody.send_bytes(method, &path, b"garbage").await.status, 403, "{path}");
        assert_eq!(stranger.send_bytes(method, &path, b"garbage").await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn is_a_body_of_more_than_four_mebibytes() {
    let hub = Fixture::start().await;
    let uss1 = hub.party("uss1", ALL);
    let path = format!("/dss/v1/operational_intent_references/{ID}");
    let padded = |length: usize| {
        let good = operational_intent().to_string();
        format!("{}{good}", " ".repeat(length - good.len()))
    };

    let largest = uss1.send_bytes("PUT", &path, padded(4 << 20).as_bytes()).await;
    assert_eq!(largest.status, 201, "{}", largest.text());
    let beyond = uss1.send_bytes("PUT", &path, padded((4 << 20) + 1).as_bytes()).await;
    assert_eq!(beyond.status, 413, "{}", beyond.text());
}

#[tokio::test]
async fn is_a_body_that_says_it_is_no_json() {
    let hub = Fixture::start().await;
    let uss1 = hub.party("uss1", ALL);
    let good = operational_intent().to_string();
    let path = format!("/dss/v1/operational_intent_references/{ID}");

    for content_type in ["text/plain", "application/x-www-form-urlencoded", "nonsense"] {
        let sender = uss1.clone().with_content_type(content_type);
        let answer = sender.send_bytes("PUT", &path, good.as_bytes()).await;

        assert_eq!(answer.status, 415, "{content_type} {}", answer.text());
    }
    let sender = uss1.with_content_type("application/json; charset=utf-8");
    assert_eq!(sender.send_bytes("PUT", &path, good.as_bytes()).await.status, 201);
}

#[tokio::test]
async fn is_an_id_that_is_none() {
    let hub = Fixture::start().await;
    let uss1 = hub.party("uss1", ALL);
    let base = "/dss/v1/operational_intent_references";
    let good = operational_intent();

    for id in [
        "",
        "not_uuid_format",
        "0192f3a0-0000-7000-8000-000000000001",
        "2f8343be-6482-1d1b-a474-16847e01af1e",
        "2f8343be-6482-4d1b-c474-16847e01af1e",
        "%00",
        "%ff",
        "%2F",
        "%zz",
    ] {
        for kind in ["operational_intent_references", "constraint_references", "subscriptions"] {
            let answer = uss1.get(&format!("/dss/v1/{kind}/{id}")).await;
            assert_eq!(answer.status, 400, "GET {kind}/{id}: {}", answer.text());
        }
        let answer = uss1.put(&format!("{base}/{id}"), &good).await;
        assert_eq!(answer.status, 400, "PUT {id}: {}", answer.text());
    }
    let long = "x".repeat(129);
    for ovn in ["", "%00", "%ff", long.as_str()] {
        let answer = uss1.put(&format!("{base}/{ID}/{ovn}"), &good).await;
        assert_eq!(answer.status, 400, "PUT {ovn}: {}", answer.text());
        let answer = uss1.delete(&format!("/dss/v1/subscriptions/{ID}/{ovn}")).await;
        assert_eq!(answer.status, 400, "DELETE {ovn}: {}", answer.text());
    }
    for uss_id in ["", "%00", "%ff", "a%0Ab"] {
        let path = format!("/dss/v1/uss_availability/{uss_id}");
        assert_eq!(uss1.get(&path).await.status, 400, "{uss_id}");
        let answer = uss1.put(&path, &json!({"availability": "Down"})).await;
        assert_eq!(answer.status, 400, "{uss_id}");
    }
}

#[tokio::test]
async fn is_told_with_the_field_that_is_wrong() {
    let hub = Fixture::start().await;
    let uss1 = hub.party("uss1", ALL);
    let mut body = operational_intent();
    body["extents"][0]["volume"]["outline_circle"]["radius"]["units"] = json!("FT");

    let refused =
        uss1.put(&format!("/dss/v1/operational_intent_references/{ID}"), &body).await.expect(400);

    let message = refused["message"].as_str().expect("a message");
    assert!(
        message.starts_with("extents[0].volume.outline_circle.radius.units: unknown variant"),
        "{message}"
    );
}

#[tokio::test]
async fn is_not_a_long_key() {
    let hub = Fixture::start().await;
    let uss1 = hub.party("uss1", ALL);
    let mut body = operational_intent();
    let long = "x".repeat(100_000);
    let key: Vec<String> = (0..10_000).map(|number| format!("an ovn {}", number % 9_000)).collect();
    body["key"] = json!(key);
    body["key"][0] = json!(long);

    uss1.put(&format!("/dss/v1/operational_intent_references/{ID}"), &body).await.expect(201);
}
