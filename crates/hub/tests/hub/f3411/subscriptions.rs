//! Subscriptions: statuses, precedence, how many there may be, and what crosses versions.

use std::time::Duration;

use airspace::remote_id_subscription::SUBSCRIPTIONS_PER_CELL_MAX;
use serde_json::{Value, json};

use crate::client::{Fixture, ID, OTHER_ID, with};
use crate::f3411::fixture::{BOTH, OTHER_URL, URL, WRONG_VERSION, around, id, party, version_of};

#[tokio::test]
async fn lives_from_creation_to_deletion() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let uss1 = party(&hub, "uss1");
        let path = version.subscription(ID);

        let created = uss1.put(&path, &version.subscription_put(47.0)).await.expect(200);
        let shown = &created["subscription"];
        assert_eq!((&shown["id"], &shown["owner"]), (&json!(ID), &json!("uss1")));
        assert_eq!(shown.pointer(version.subscription_url()), Some(&json!(URL)));
        assert_eq!(shown["notification_index"], 0);
        assert_eq!(created["service_areas"], json!([]));
        let area = uss1.put(&version.area(OTHER_ID), &version.area_put(47.0)).await.expect(200);
        let found = uss1.get(&path).await.expect(200);
        assert_eq!(found["subscription"]["notification_index"], 1);
        assert_eq!(version_of(&found["subscription"]), version_of(shown));

        let current = format!("{path}/{}", version_of(shown));
        let updated = uss1.put(&current, &version.subscription_put(47.0)).await.expect(200);
        let shown = &updated["subscription"];
        assert_eq!(shown["notification_index"], 0, "an update starts over");
        assert_eq!(updated["service_areas"], json!([area["service_area"]]));
        let search = format!("{}?area={}", version.subscriptions(), around(47.0));
        assert_eq!(uss1.get(&search).await.expect(200)["subscriptions"], json!([shown]));
        uss1.delete(&current).await.expect(409);
        let current = format!("{path}/{}", version_of(shown));
        assert_eq!(uss1.delete(&current).await.expect(200)["subscription"], *shown);
        uss1.get(&path).await.expect(404);
        uss1.delete(&current).await.expect(404);
    }
}

#[tokio::test]
async fn is_one_subscription_in_both_versions() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let (uss1, other) = (party(&hub, "uss1"), version.other());
        let put =
            with(version.subscription_put(47.0), version.subscription_url(), json!(OTHER_URL));

        let created = uss1.put(&version.subscription(ID), &put).await.expect(200);
        let found = uss1.get(&other.subscription(ID)).await.expect(200);
        let search = format!("{}?area={}", other.subscriptions(), around(47.0));
        let listed = uss1.get(&search).await.expect(200);

        let shown = &found["subscription"];
        assert_eq!(shown.pointer(other.subscription_url()), Some(&json!(OTHER_URL)));
        assert_eq!(version_of(shown), version_of(&created["subscription"]));
        assert_eq!(listed["subscriptions"], json!([shown]));
        let path = format!("{}/{}", other.subscription(ID), version_of(shown));
        let updated = uss1.put(&path, &other.subscription_put(47.0)).await.expect(200);
        let version_now = version_of(&updated["subscription"]);
        uss1.delete(&format!("{}/{version_now}", version.subscription(ID))).await.expect(200);
    }
}

#[tokio::test]
async fn is_seen_by_everybody_and_listed_to_its_owner() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let (uss1, uss2) = (party(&hub, "uss1"), party(&hub, "uss2"));
        let path = version.subscription(ID);
        uss1.put(&path, &version.subscription_put(47.0)).await.expect(200);

        let found = uss2.get(&path).await.expect(200);
        let search = format!("{}?area={}", version.subscriptions(), around(47.0));
        let listed = uss2.get(&search).await.expect(200);

        assert_eq!(found["subscription"]["owner"], "uss1");
        assert_eq!(listed["subscriptions"], json!([]));
    }
}

#[tokio::test]
async fn answers_in_the_order_that_clients_rely_on() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let (uss1, uss2) = (party(&hub, "uss1"), party(&hub, "uss2"));
        let (path, put) = (version.subscription(ID), version.subscription_put(47.0));
        let wrong = format!("{path}/{WRONG_VERSION}");

        uss1.put(&wrong, &put).await.expect(400);
        uss1.delete(&wrong).await.expect(404);
        let created = uss1.put(&path, &put).await.expect(200);
        let current = format!("{path}/{}", version_of(&created["subscription"]));
        uss1.put(&path, &put).await.expect(409);
        uss2.put(&wrong, &put).await.expect(409);
        uss2.put(&current, &put).await.expect(403);
        uss2.delete(&wrong).await.expect(409);
        uss2.delete(&current).await.expect(403);
    }
}

#[tokio::test]
async fn is_one_of_no_more_than_ten_in_a_place() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let (uss1, uss2) = (party(&hub, "uss1"), party(&hub, "uss2"));
        let count = u32::try_from(SUBSCRIPTIONS_PER_CELL_MAX).expect("a small number");
        let put = async |n: u32, lat: f64| {
            // Both versions count together.
            let version = if n.is_multiple_of(2) { version } else { version.other() };
            uss1.put(&version.subscription(&id(n)), &version.subscription_put(lat)).await
        };

        let first = put(0, 47.0).await.expect(200);
        for n in 1..count {
            put(n, 47.0).await.expect(200);
        }

        let refused = put(count, 47.0).await;
        assert_eq!(refused.header("retry-after"), None, "only the party knows when one ends");
        let message = refused.expect(429)["message"].to_string();
        assert!(message.contains("10 subscriptions"), "{message}");
        put(count, 49.0).await.expect(200);
        uss2.put(&version.subscription(ID), &version.subscription_put(47.0)).await.expect(200);
        // An update counts what it updates, as deployed hubs do.
        let path =
            format!("{}/{}", version.subscription(&id(0)), version_of(&first["subscription"]));
        uss1.put(&path, &version.subscription_put(47.0)).await.expect(429);
        uss1.delete(&path).await.expect(200);
        put(count + 1, 47.0).await.expect(200);
    }
}

#[tokio::test]
async fn lasts_no_longer_than_a_day() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let uss1 = party(&hub, "uss1");
        let day = Duration::from_hours(24);
        let check = async |n: u32, field: &str, time: Value, status: u16| {
            let body = with(version.subscription_put(47.0), &format!("/extents/{field}"), time);
            uss1.put(&version.subscription(&id(n)), &body).await.expect(status)
        };

        check(1, "time_end", version.time(day), 200).await;
        check(2, "time_end", version.time(day + Duration::from_millis(1)), 400).await;
        let without_end = check(3, "time_end", Value::Null, 200).await;
        assert_eq!(without_end["subscription"]["time_end"], version.time(day));
        check(4, "time_start", version.time_of("2027-01-15T07:54:59Z"), 400).await;
        check(5, "time_start", version.time_of("2027-01-15T09:00:00Z"), 400).await;
        check(6, "time_end", version.time_of("2027-01-15T07:59:59Z"), 400).await;

        // Some clients write nanoseconds; a day is a day.
        let start = version.time_of("2027-01-15T08:00:00.123456789Z");
        let of_nanoseconds = with(version.subscription_put(47.0), "/extents/time_start", start);
        let end = version.time_of("2027-01-16T08:00:00.123456789Z");
        let of_nanoseconds = with(of_nanoseconds, "/extents/time_end", end);
        uss1.put(&version.subscription(&id(7)), &of_nanoseconds).await.expect(200);
    }
}

#[tokio::test]
async fn is_told_of_areas_that_have_not_ended() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let uss1 = party(&hub, "uss1");
        let later = version.time(Duration::from_hours(48));
        let far = with(version.area_put(47.0), "/extents/time_start", later);
        let far = with(far, "/extents/time_end", version.time(Duration::from_hours(49)));
        let soon = version.time(Duration::from_secs(60));
        let short = with(version.area_put(47.0), "/extents/time_end", soon);
        uss1.put(&version.area(&id(1)), &far).await.expect(200);
        uss1.put(&version.area(&id(2)), &short).await.expect(200);
        hub.advance(Duration::from_secs(61));

        let put = uss1.put(&version.subscription(ID), &version.subscription_put(47.0)).await;

        let areas = put.expect(200);
        let areas = areas["service_areas"].as_array().expect("a list");
        assert_eq!(areas.len(), 1, "when it starts does not matter, that it has ended does");
        assert_eq!(areas[0]["id"], id(1));
    }
}
