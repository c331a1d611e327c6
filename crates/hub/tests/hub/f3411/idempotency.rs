//! `Idempotency-Key`: the same request again is answered as it was the first time.

use crate::client::{Fixture, ID};
use crate::f3411::fixture::{BOTH, SCOPES, version_of};

#[tokio::test]
async fn answers_a_repeated_request_as_the_first_time() {
    for version in BOTH {
        for (path, put, shown) in [
            (version.area(ID), version.area_put(47.0), "service_area"),
            (version.subscription(ID), version.subscription_put(47.0), "subscription"),
        ] {
            let hub = Fixture::start().await;
            let with_key = |key: &str| hub.party("uss1", SCOPES).with_key(key);

            let first = with_key("one").put(&path, &put).await;
            let again = with_key("one").put(&path, &put).await;
            assert_eq!(first.text(), again.text());
            again.expect(200);
            let current = format!("{path}/{}", version_of(&first.expect(200)[shown]));
            let first = with_key("two").put(&current, &put).await;
            let again = with_key("two").put(&current, &put).await;
            assert_eq!(first.text(), again.text());
            again.expect(200);
            let current = format!("{path}/{}", version_of(&first.expect(200)[shown]));
            let first = with_key("three").delete(&current).await;
            let again = with_key("three").delete(&current).await;
            assert_eq!(first.text(), again.text());
            first.expect(200);
            again.expect(200);
        }
    }
}

#[tokio::test]
async fn answers_a_repeated_refusal_as_the_first_time() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let (path, put) = (version.area(ID), version.area_put(47.0));
        let uss1 = hub.party("uss1", SCOPES);
        let created = uss1.put(&path, &put).await.expect(200);
        let hasty = hub.party("uss1", SCOPES).with_key("a key");

        let first = hasty.put(&path, &put).await;
        let current = format!("{path}/{}", version_of(&created["service_area"]));
        uss1.delete(&current).await.expect(200);
        let again = hasty.put(&path, &put).await;

        assert_eq!(first.text(), again.text());
        first.expect(409);
        again.expect(409);
    }
}

/// Both versions may ask for the same, but they answer differently.
#[tokio::test]
async fn refuses_the_key_of_another_request() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let uss1 = hub.party("uss1", SCOPES).with_key("a key");
        let other = version.other();

        uss1.put(&version.area(ID), &version.area_put(47.0)).await.expect(200);

        uss1.put(&version.area(ID), &version.area_put(48.0)).await.expect(422);
        uss1.put(&other.area(ID), &other.area_put(47.0)).await.expect(422);
        uss1.put(&version.subscription(ID), &version.subscription_put(47.0)).await.expect(422);
    }
}
