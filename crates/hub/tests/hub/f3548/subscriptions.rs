//! Subscriptions.

use serde_json::json;

use crate::client::{Fixture, ID, OTHER_ID, with};
use crate::f3548::fixture::{circle_at, large_circle, operational_intent, subscription};

const PATH: &str = "/dss/v1/subscriptions";
const SC: &str = "utm.strategic_coordination";

#[tokio::test]
async fn lives_from_creation_to_deletion() {
    let hub = Fixture::start().await;
    let uss1 = hub.party("uss1", SC);
    let path = format!("{PATH}/{ID}");

    let created = uss1.put(&path, &subscription()).await.expect(200);
    let version = created["subscription"]["version"].as_str().expect("a version");
    assert_eq!(created["subscription"]["notification_index"], 0);
    assert_eq!(created["operational_intent_references"], json!([]));
    assert_eq!(created.get("constraint_references"), None);
    let intent = format!("/dss/v1/operational_intent_references/{OTHER_ID}");
    let change = uss1.put(&intent, &operational_intent()).await.expect(201);
    assert_eq!(change["subscribers"][0]["subscriptions"].as_array().map(Vec::len), Some(2));
    let found = uss1.get(&path).await.expect(200);
    assert_eq!(found["subscription"]["version"], version, "a bump of the index leaves it");
    assert_eq!(found["subscription"]["notification_index"], 1);
    let found = uss1.post(&format!("{PATH}/query"), &circle_at(47.0)).await.expect(200);
    assert_eq!(found["subscriptions"].as_array().map(Vec::len), Some(2));
    let both = with(subscription(), "/notify_for_constraints", json!(true));
    let updated = uss1.put(&format!("{path}/{version}"), &both).await.expect(200);
    assert_eq!(updated["operational_intent_references"][0]["id"], OTHER_ID);
    assert_eq!(updated["constraint_references"], json!([]));
    let version = updated["subscription"]["version"].as_str().expect("a version");
    uss1.delete(&format!("{path}/{version}")).await.expect(200);
    uss1.get(&path).await.expect(404);
}

#[tokio::test]
async fn belongs_to_its_owner() {
    let hub = Fixture::start().await;
    let (uss1, uss2) = (hub.party("uss1", SC), hub.party("uss2", SC));
    let path = format!("{PATH}/{ID}");
    let created = uss1.put(&path, &subscription()).await.expect(200);
    let version = created["subscription"]["version"].as_str().expect("a version");

    uss2.get(&path).await.expect(403);
    uss2.put(&format!("{path}/{version}"), &subscription()).await.expect(403);
    uss2.delete(&format!("{path}/{version}")).await.expect(403);
    uss2.delete(&format!("{path}/wrong")).await.expect(403);
    let found = uss2.post(&format!("{PATH}/query"), &circle_at(47.0)).await.expect(200);
    assert_eq!(found["subscriptions"], json!([]));
}

#[tokio::test]
async fn answers_in_the_order_that_clients_rely_on() {
    let hub = Fixture::start().await;
    let (uss1, uss2) = (hub.party("uss1", SC), hub.party("uss2", SC));
    let path = format!("{PATH}/{ID}");

    uss1.put(&format!("{path}/wrong"), &subscription()).await.expect(400);
    uss1.delete(&format!("{path}/wrong")).await.expect(404);
    uss1.put(&path, &subscription()).await.expect(200);
    uss1.put(&path, &subscription()).await.expect(409);
    uss2.put(&format!("{path}/wrong"), &subscription()).await.expect(409);
    uss1.delete(&format!("{path}/wrong")).await.expect(409);
    let nothing = with(subscription(), "/notify_for_operational_intents", json!(false));
    uss1.put(&format!("{PATH}/{OTHER_ID}"), &nothing).await.expect(400);
}

#[tokio::test]
async fn keeps_what_an_operational_intent_depends_on() {
    let hub = Fixture::start().await;
    let uss1 = hub.party("uss1", SC);
    let intent = format!("/dss/v1/operational_intent_references/{OTHER_ID}");
    let change = uss1.put(&intent, &operational_intent()).await.expect(201);
    let id = change["operational_intent_reference"]["subscription_id"].as_str().expect("an id");
    let path = format!("{PATH}/{id}");
    let found = uss1.get(&path).await.expect(200);
    let version = found["subscription"]["version"].as_str().expect("a version");

    uss1.delete(&format!("{path}/{version}")).await.expect(400);

    assert_eq!(found["subscription"]["implicit_subscription"], true);
    assert_eq!(found["subscription"]["dependent_operational_intents"], json!([OTHER_ID]));
}

#[tokio::test]
async fn tells_a_search_that_is_too_large_from_a_put() {
    let hub = Fixture::start().await;
    let uss1 = hub.party("uss1", SC);

    uss1.post(&format!("{PATH}/query"), &large_circle()).await.expect(413);
    let large = with(subscription(), "/extents/volume/outline_circle/radius/value", json!(1e7));
    uss1.put(&format!("{PATH}/{ID}"), &large).await.expect(400);
}
