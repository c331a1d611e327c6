//! What a desk answers other parties, over HTTP.

use desk::Desk;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::schema::Api;

use crate::support::{
    self, ALL_SCOPES, Answer, World, check_schema, id, send, through_the_middle, token, volume4d,
};

const SC: &str = "utm.strategic_coordination";

async fn ask(
    desk: &Desk,
    method: Method,
    path: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> Answer {
    send(method, &format!("http://{}{path}", desk.addr()), token, body).await
}

fn api() -> Option<Api> {
    support::api("f3548-21.yaml", "answers of a desk against the standard's description")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_as_the_standard_describes() {
    let world = World::start().await;
    let desk = world.desk("alder").await;
    let api = api();
    let report = desk.fly(through_the_middle(60.0)).await.expect("the hub answers");
    let token = token("cedar", ALL_SCOPES);
    let ask = async |method: Method, path: &str, body: Option<&Value>| {
        ask(&desk, method, path, Some(&token), body).await
    };
    let path = format!("/uss/v1/operational_intents/{}", report.id);

    let shown = ask(Method::GET, &path, None).await;
    let telemetry = ask(Method::GET, &format!("{path}/telemetry"), None).await;
    let no_id = ask(Method::GET, "/uss/v1/operational_intents/", None).await;
    let elsewhere = ask(Method::GET, "/uss/v1/operational_intents", None).await;
    let wrong_type = ask(Method::GET, &format!("/uss/v1/constraints/{}", report.id), None).await;

    assert_eq!(shown.status, StatusCode::OK);
    check_schema(api.as_ref(), "GET", &path, &shown);
    assert_eq!(telemetry.status, StatusCode::CONFLICT);
    check_schema(api.as_ref(), "GET", &format!("{path}/telemetry"), &telemetry);
    assert_eq!(no_id.status, StatusCode::BAD_REQUEST);
    assert_eq!(elsewhere.status, StatusCode::NOT_FOUND);
    assert_eq!(wrong_type.status, StatusCode::NOT_FOUND);
    desk.shutdown().await;
    world.end().await;
}

/// Returns a notification of an intent of `manager`, prompted by `subscription`.
fn notification(manager: &str, version: u32, subscription: &Value, altitude_m: f64) -> Value {
    let time = |value: &str| json!({ "value": value, "format": "RFC3339" });
    json!({
        "operational_intent_id": id(1),
        "operational_intent": {
            "reference": {
                "id": id(1),
                "manager": manager,
                "uss_availability": "Unknown",
                "version": version,
                "state": "Accepted",
                "ovn": "an-ovn-that-is-long-enough",
                "time_start": time("2027-01-15T08:00:00Z"),
                "time_end": time("2027-01-15T10:00:00Z"),
                "uss_base_url": "http://cedar.example",
                "subscription_id": "00000000-0000-4000-8000-000000000000",
            },
            "details": { "volumes": [volume4d(200.0, altitude_m)], "priority": 0 },
        },
        "subscriptions": [{ "subscription_id": subscription, "notification_index": 1 }],
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn takes_notifications_of_the_manager_in_order_of_versions() {
    let world = World::start().await;
    let desk = world.desk("alder").await;
    let report = desk.fly(through_the_middle(60.0)).await.expect("the hub answers");
    let details = ask(
        &desk,
        Method::GET,
        &format!("/uss/v1/operational_intents/{}", report.id),
        Some(&token("cedar", SC)),
        None,
    )
    .await;
    let ours = details.body["operational_intent"]["reference"]["subscription_id"].clone();
    let tell = async |sender: &str, body: Value| {
        let token = token(sender, SC);
        ask(&desk, Method::POST, "/uss/v1/operational_intents", Some(&token), Some(&body))
            .await
            .status
    };
    let deleted = json!({
        "operational_intent_id": id(1),
        "subscriptions": [{ "subscription_id": ours, "notification_index": 1 }],
    });

    let taken = tell("cedar", notification("cedar", 2, &ours, 500.0)).await;
    let again = tell("cedar", notification("cedar", 2, &ours, 500.0)).await;
    let older = tell("cedar", notification("cedar", 1, &ours, 500.0)).await;
    let other_content = tell("cedar", notification("cedar", 2, &ours, 600.0)).await;
    let of_another = tell("birch", notification("cedar", 3, &ours, 500.0)).await;
    let claimed = tell("birch", notification("birch", 3, &ours, 500.0)).await;
    let deleted_by_another = tell("birch", deleted.clone()).await;
    let deleted_by_manager = tell("cedar", deleted).await;
    let anew = tell("cedar", notification("cedar", 1, &ours, 500.0)).await;

    assert_eq!((taken, again), (StatusCode::NO_CONTENT, StatusCode::NO_CONTENT));
    assert_eq!((older, other_content), (StatusCode::CONFLICT, StatusCode::CONFLICT));
    assert_eq!((of_another, claimed), (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN));
    assert_eq!(deleted_by_another, StatusCode::FORBIDDEN);
    assert_eq!((deleted_by_manager, anew), (StatusCode::NO_CONTENT, StatusCode::NO_CONTENT));
    desk.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_nothing_that_no_subscription_of_its_own_asked_for() {
    let world = World::start().await;
    let desk = world.desk("alder").await;
    let token = token("cedar", SC);
    let tell = async |version: u32| {
        let body = notification("cedar", version, &json!(id(9)), 500.0);
        ask(&desk, Method::POST, "/uss/v1/operational_intents", Some(&token), Some(&body))
            .await
            .status
    };

    let newer = tell(2).await;
    let older = tell(1).await;

    // Had it kept version 2, version 1 would be stale.
    assert_eq!((newer, older), (StatusCode::NO_CONTENT, StatusCode::NO_CONTENT));
    desk.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refuses_notifications_that_make_no_sense() {
    let world = World::start().await;
    let desk = world.desk("alder").await;
    let token = token("cedar", SC);
    let good = notification("cedar", 1, &json!(id(9)), 500.0);
    let changed = |pointer: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).expect("it is there") = value;
        body
    };
    let cases = [
        changed("/operational_intent_id", json!(id(2))),
        changed("/operational_intent_id", json!("no id")),
        changed("/operational_intent/reference/ovn", Value::Null),
        changed("/operational_intent/details/volumes", json!([])),
        changed(
            "/operational_intent/details/volumes/0/volume/outline_circle/radius/value",
            json!(0.0),
        ),
        changed("/subscriptions", json!([])),
        json!([]),
        Value::Null,
    ];
    for body in cases {
        let path = "/uss/v1/operational_intents";
        let refused = ask(&desk, Method::POST, path, Some(&token), Some(&body)).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{body}");
    }
    desk.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_reports_without_the_secrets_in_them() {
    let world = World::start().await;
    let desk = world.desk("alder").await;
    let report = json!({
        "exchange": {
            "url": "http://alder.example/uss/v1/operational_intents",
            "method": "GET",
            "headers": ["Authorization: Bearer secret"],
            "recorder_role": "Client",
            "request_time": { "value": "2027-01-15T08:00:00Z", "format": "RFC3339" },
            "request_source": "cedar",
        },
    });
    let token = token("cedar", SC);

    let kept = ask(&desk, Method::POST, "/uss/v1/reports", Some(&token), Some(&report)).await;

    assert_eq!(kept.status, StatusCode::CREATED);
    check_schema(api().as_ref(), "POST", "/uss/v1/reports", &kept);
    assert!(kept.body["report_id"].is_string());
    assert!(!kept.body.to_string().contains("secret"));
    desk.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refuses_bodies_that_are_too_large_or_no_json() {
    let world = World::start().await;
    let desk = world.desk("alder").await;
    let token = token("cedar", SC);
    let url = format!("http://{}/uss/v1/reports", desk.addr());
    let post = async |body: Vec<u8>, media_type: &str| {
        let request = reqwest::Client::new().post(&url).bearer_auth(&token).body(body);
        let response = request.header("content-type", media_type).send().await;
        response.expect("it answers").status()
    };

    assert_eq!(post(vec![b' '; (4 << 20) + 1], "application/json").await, 413);
    assert_eq!(post(vec![b' '; 4 << 20], "application/json").await, 400);
    assert_eq!(post(b"{}".to_vec(), "text/plain").await, 415);
    assert_eq!(post(b"{}".to_vec(), "Application/JSON; charset=utf-8").await, 400);
    desk.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refuses_tokens_for_another_desk() {
    let world = World::start().await;
    let mut config = world.desk_config("alder");
    config.base_url = Some("http://alder.example".to_owned());
    let desk = Desk::start(config).await.expect("the desk starts");

    let path = format!("/uss/v1/operational_intents/{}", id(1));
    let refused = ask(&desk, Method::GET, &path, Some(&token("cedar", SC)), None).await;

    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    desk.shutdown().await;
    world.end().await;
}
