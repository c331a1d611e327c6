//! What a hub keeps: over a restart, and after an end.

use std::time::Duration;

use serde_json::json;

use crate::client::{Fixture, ID, OTHER_ID, with};
use crate::f3411::fixture::{BOTH, around, party, version_of};

#[tokio::test]
async fn keeps_what_has_ended_as_long_as_the_operator_says() {
    for version in BOTH {
        let minute = Duration::from_secs(60);
        let hub = Fixture::start_with(|config| config.f3411_retention = minute).await;
        let uss1 = party(&hub, "uss1");
        let end = version.time(minute);
        let area = with(version.area_put(47.0), "/extents/time_end", end.clone());
        let subscription = with(version.subscription_put(47.0), "/extents/time_end", end);
        let area = uss1.put(&version.area(ID), &area).await.expect(200);
        uss1.put(&version.subscription(ID), &subscription).await.expect(200);

        hub.advance(minute + Duration::from_secs(1));
        for (path, list) in
            [(version.areas(), "service_areas"), (version.subscriptions(), "subscriptions")]
        {
            let search = format!("{path}?area={}", around(47.0));
            assert_eq!(uss1.get(&search).await.expect(200)[list], json!([]));
        }
        uss1.get(&version.area(ID)).await.expect(200);
        uss1.get(&version.subscription(ID)).await.expect(200);

        hub.advance(minute);
        uss1.get(&version.area(ID)).await.expect(404);
        uss1.get(&version.subscription(ID)).await.expect(404);
        let path = format!("{}/{}", version.area(ID), version_of(&area["service_area"]));
        uss1.delete(&path).await.expect(404);
        uss1.put(&version.area(ID), &version.area_put(47.0)).await.expect(200);
    }
}

#[tokio::test]
async fn keeps_areas_and_subscriptions_over_a_restart() {
    for (version, snapshot_entries) in [(BOTH[0], 1), (BOTH[1], 1), (BOTH[1], 1_000)] {
        let hub =
            Fixture::start_with(|config| config.log.snapshot_entries = snapshot_entries).await;
        let uss1 = party(&hub, "uss1");
        let subscribed = version.subscription_put(47.0);
        uss1.put(&version.subscription(ID), &subscribed).await.expect(200);
        let area = uss1.put(&version.area(ID), &version.area_put(47.0)).await.expect(200);
        let subscription = uss1.get(&version.subscription(ID)).await.expect(200);

        let hub = hub.restart().await;
        let uss1 = party(&hub, "uss1");
        let found = uss1.get(&version.area(ID)).await.expect(200);
        assert_eq!(found["service_area"], area["service_area"]);
        assert_eq!(uss1.get(&version.subscription(ID)).await.expect(200), subscription);
        let path = format!("{}/{}", version.area(ID), version_of(&area["service_area"]));
        let deleted = uss1.delete(&path).await.expect(200);
        let told = &deleted["subscribers"][0]["subscriptions"][0];
        assert_eq!(told["notification_index"], 2);
    }
}

#[tokio::test]
async fn counts_what_it_keeps() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let uss1 = party(&hub, "uss1");
        let subscribed = version.subscription_put(47.0);
        uss1.put(&version.subscription(ID), &subscribed).await.expect(200);
        for id in [ID, OTHER_ID] {
            uss1.put(&version.area(id), &version.area_put(47.0)).await.expect(200);
        }

        let count = async |kind: &str| {
            hub.metric(&format!("tansiq_state_entities{{kind=\"{kind}\"}}")).await
        };

        assert_eq!(count("identification_service_area").await, 2.0);
        assert_eq!(count("remote_id_subscription").await, 1.0);
        assert_eq!(count("subscription").await, 0.0, "that is of F3548-21");
    }
}
