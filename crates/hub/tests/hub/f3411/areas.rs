//! Identification service areas: statuses, precedence, who is told, and what crosses versions.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Fixture, ID, OTHER_ID, with};
use crate::f3411::fixture::{
    BOTH, OTHER_URL, URL, WRONG_VERSION, around, id, party, square, version_of, vertices,
};

#[tokio::test]
async fn lives_from_creation_to_deletion() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let uss1 = party(&hub, "uss1");
        let path = version.area(ID);

        let created = uss1.put(&path, &version.area_put(47.0)).await.expect(200);
        let area = &created["service_area"];
        assert_eq!((&area["id"], &area["owner"]), (&json!(ID), &json!("uss1")));
        assert_eq!(area.pointer(version.area_url()), Some(&json!(URL)));
        assert_eq!(area["time_end"], version.time(Duration::from_hours(1)));
        assert_eq!(created["subscribers"], json!([]));
        assert_eq!(uss1.get(&path).await.expect(200)["service_area"], *area);
        let search = format!("{}?area={}", version.areas(), around(47.0));
        assert_eq!(uss1.get(&search).await.expect(200)["service_areas"], json!([area]));

        let moved = with(version.area_put(48.0), version.area_url(), json!(OTHER_URL));
        let first = version_of(area);
        let updated = uss1.put(&format!("{path}/{first}"), &moved).await.expect(200);
        let area = &updated["service_area"];
        assert_ne!(version_of(area), first);
        assert_eq!(area.pointer(version.area_url()), Some(&json!(OTHER_URL)));
        assert_eq!(uss1.get(&search).await.expect(200)["service_areas"], json!([]));
        uss1.delete(&format!("{path}/{first}")).await.expect(409);
        let current = format!("{path}/{}", version_of(area));
        assert_eq!(uss1.delete(&current).await.expect(200)["service_area"], *area);
        uss1.get(&path).await.expect(404);
        uss1.delete(&current).await.expect(404);
    }
}

#[tokio::test]
async fn is_one_area_in_both_versions() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let (uss1, other) = (party(&hub, "uss1"), version.other());
        let put = with(version.area_put(47.0), version.area_url(), json!(OTHER_URL));

        let created = uss1.put(&version.area(ID), &put).await.expect(200);
        let found = uss1.get(&other.area(ID)).await.expect(200);
        let search = format!("{}?area={}", other.areas(), around(47.0));
        let listed = uss1.get(&search).await.expect(200);

        let area = &found["service_area"];
        assert_eq!(area.pointer(other.area_url()), Some(&json!(OTHER_URL)));
        assert_eq!(area["time_start"], other.time(Duration::ZERO));
        assert_eq!(version_of(area), version_of(&created["service_area"]));
        assert_eq!(listed["service_areas"], json!([area]));
        let path = format!("{}/{}", other.area(ID), version_of(area));
        let updated = uss1.put(&path, &other.area_put(47.0)).await.expect(200);
        let path = format!("{}/{}", version.area(ID), version_of(&updated["service_area"]));
        let deleted = uss1.delete(&path).await.expect(200);
        assert_eq!(deleted["service_area"].pointer(version.area_url()), Some(&json!(URL)));
    }
}

#[tokio::test]
async fn answers_in_the_order_that_clients_rely_on() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let (uss1, uss2) = (party(&hub, "uss1"), party(&hub, "uss2"));
        let (path, put) = (version.area(ID), version.area_put(47.0));
        let wrong = format!("{path}/{WRONG_VERSION}");

        uss1.put(&wrong, &put).await.expect(400);
        uss1.delete(&wrong).await.expect(404);
        let created = uss1.put(&path, &put).await.expect(200);
        let current = format!("{path}/{}", version_of(&created["service_area"]));
        uss1.put(&path, &put).await.expect(409);
        uss1.put(&wrong, &put).await.expect(409);
        uss2.put(&wrong, &put).await.expect(403);
        uss2.put(&current, &put).await.expect(403);
        uss2.delete(&wrong).await.expect(409);
        uss2.delete(&current).await.expect(403);
        uss2.get(&path).await.expect(200);
    }
}

/// Returns what an answer says must be notified, as pairs of a URL and its subscriptions.
fn told(answer: &Value) -> Vec<(&str, &Value)> {
    let subscribers = answer["subscribers"].as_array().expect("a list");
    let pairs = subscribers.iter().map(|one| (&one["url"], &one["subscriptions"]));
    pairs.map(|(url, subscriptions)| (url.as_str().expect("a URL"), subscriptions)).collect()
}

#[tokio::test]
async fn tells_whom_to_notify_in_whichever_version_they_subscribed() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let (uss1, uss2) = (party(&hub, "uss1"), party(&hub, "uss2"));
        let own = version.subscription_put(47.0);
        uss1.put(&version.subscription(&id(1)), &own).await.expect(200);
        let other = version.other();
        let theirs = with(other.subscription_put(47.0), other.subscription_url(), json!(OTHER_URL));
        uss2.put(&other.subscription(&id(2)), &theirs).await.expect(200);
        let state =
            |n: u32, index: u32| json!([{"subscription_id": id(n), "notification_index": index}]);

        let created = uss1.put(&version.area(ID), &version.area_put(47.0)).await.expect(200);
        let elsewhere = uss1.put(&version.area(OTHER_ID), &version.area_put(49.0)).await;
        let path = format!("{}/{}", version.area(ID), version_of(&created["service_area"]));
        let moved = uss1.put(&path, &version.area_put(48.0)).await.expect(200);
        let path = format!("{}/{}", version.area(ID), version_of(&moved["service_area"]));
        let deleted = uss1.delete(&path).await.expect(200);

        let mut first = told(&created);
        first.sort_unstable_by_key(|(url, _)| *url);
        assert_eq!(first, [(OTHER_URL, &state(2, 1)), (URL, &state(1, 1))]);
        assert_eq!(told(&elsewhere.expect(200)), []);
        assert_eq!(told(&moved).len(), 2, "who subscribed to where it was is told");
        assert_eq!(told(&deleted), [], "nobody subscribed to where it is");
        let found = uss2.get(&version.subscription(&id(2))).await.expect(200);
        assert_eq!(found["subscription"]["notification_index"], 2);
    }
}

#[tokio::test]
async fn takes_a_start_up_to_five_minutes_ago_and_any_length() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let uss1 = party(&hub, "uss1");
        let put = version.area_put(47.0);
        let check = async |n: u32, field: &str, time: Value, status: u16| {
            let body = with(put.clone(), &format!("/extents/{field}"), time);
            uss1.put(&version.area(&id(n)), &body).await.expect(status)
        };

        let from_now = check(1, "time_start", Value::Null, 200).await;
        let start = &from_now["service_area"]["time_start"];
        let start = start.get("value").unwrap_or(start).as_str().expect("a time");
        assert!(start.starts_with("2027-01-15T08:00:00"), "{start}");
        check(2, "time_start", version.time_of("2027-01-15T07:55:01Z"), 200).await;
        check(3, "time_start", version.time_of("2027-01-15T07:54:59Z"), 400).await;
        check(4, "time_end", Value::Null, 400).await;
        check(5, "time_end", version.time_of("2027-01-15T07:59:59Z"), 400).await;
        check(6, "time_end", version.time_of("2027-01-15T08:00:00Z"), 400).await;
        check(7, "time_end", version.time(Duration::from_hours(24 * 365)), 200).await;
    }
}

#[tokio::test]
async fn ends_when_its_owner_says_so_although_that_has_passed() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let uss1 = party(&hub, "uss1");
        let put = version.area_put(47.0);
        let created = uss1.put(&version.area(ID), &put).await.expect(200);
        let minute = Duration::from_secs(60);
        hub.advance(minute);
        let ended = with(put, "/extents/time_start", Value::Null);
        let ended = with(ended, "/extents/time_end", version.time(minute - minute / 60));

        let path = format!("{}/{}", version.area(ID), version_of(&created["service_area"]));
        let updated = uss1.put(&path, &ended).await.expect(200);

        assert_eq!(updated["service_area"]["time_end"], version.time(minute - minute / 60));
        let search = format!("{}?area={}", version.areas(), around(47.0));
        assert_eq!(uss1.get(&search).await.expect(200)["service_areas"], json!([]));
        uss1.get(&version.area(ID)).await.expect(200);
    }
}

#[tokio::test]
async fn is_not_larger_than_an_area_may_be() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let uss1 = party(&hub, "uss1");
        let of_degrees = |degrees: f64| {
            with(version.area_put(47.0), version.vertices(), vertices(&square(47.0, degrees / 2.0)))
        };

        uss1.put(&version.area(ID), &of_degrees(0.5)).await.expect(200);
        uss1.put(&version.area(OTHER_ID), &of_degrees(1.0)).await.expect(400);
        uss1.put(&version.area(OTHER_ID), &of_degrees(90.0)).await.expect(400);
    }
}
