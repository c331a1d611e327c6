//! Constraint references.

use serde_json::json;

use crate::client::{Fixture, ID, with};
use crate::f3548::fixture::{circle_at, constraint, large_circle};

const PATH: &str = "/dss/v1/constraint_references";
const CM: &str = "utm.constraint_management";
const CP: &str = "utm.constraint_processing";

#[tokio::test]
async fn lives_from_creation_to_deletion() {
    let hub = Fixture::start().await;
    let (authority, reader) = (hub.party("authority", CM), hub.party("uss1", CP));
    let path = format!("{PATH}/{ID}");

    let created = authority.put(&path, &constraint()).await.expect(201);
    let ovn = created["constraint_reference"]["ovn"].as_str().expect("own OVN");
    assert_eq!(created["subscribers"], json!([]));
    let found = reader.get(&path).await.expect(200);
    assert_eq!(found["constraint_reference"]["ovn"], "Available from USS");
    let found = reader.post(&format!("{PATH}/query"), &circle_at(47.0)).await.expect(200);
    assert_eq!(found["constraint_references"][0]["id"], ID);
    let updated = authority.put(&format!("{path}/{ovn}"), &constraint()).await.expect(200);
    let ovn = updated["constraint_reference"]["ovn"].as_str().expect("own OVN");
    authority.delete(&format!("{path}/{ovn}")).await.expect(200);
    reader.get(&path).await.expect(404);
}

#[tokio::test]
async fn answers_in_the_order_that_clients_rely_on() {
    let hub = Fixture::start().await;
    let (authority, other) = (hub.party("authority", CM), hub.party("other", CM));
    let path = format!("{PATH}/{ID}");
    let wrong = format!("{path}/0123456789abcdef");

    authority.put(&wrong, &constraint()).await.expect(409);
    authority.delete(&wrong).await.expect(404);
    authority.put(&path, &constraint()).await.expect(201);
    authority.put(&path, &constraint()).await.expect(409);
    authority.put(&wrong, &constraint()).await.expect(409);
    other.put(&wrong, &constraint()).await.expect(403);
    other.delete(&wrong).await.expect(403);
}

#[tokio::test]
async fn tells_a_search_that_is_too_large_from_a_malformed_one() {
    let hub = Fixture::start().await;
    let authority = hub.party("authority", CM);
    let query = format!("{PATH}/query");
    let crossing = json!({"vertices": [
        {"lat": 0.0, "lng": 0.0}, {"lat": 5.0, "lng": 5.0},
        {"lat": 0.0, "lng": 5.0}, {"lat": 5.0, "lng": 0.0},
    ]});

    authority.post(&query, &large_circle()).await.expect(413);
    authority.post(&query, &json!({})).await.expect(400);
    let area = json!({"area_of_interest": {"volume": {"outline_polygon": crossing}}});
    authority.post(&query, &area).await.expect(400);
    let large = with(constraint(), "/extents/0/volume/outline_circle/radius/value", json!(1e7));
    authority.put(&format!("{PATH}/{ID}"), &large).await.expect(400);
}
