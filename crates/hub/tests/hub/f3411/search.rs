//! Searches: the forms of `area`, its size, and times.

use std::time::Duration;

use hub::server::HEADER_BYTES_MAX;
use serde_json::json;

use crate::client::{Client, Fixture, ID};
use crate::f3411::fixture::{BOTH, Version, area_of, around, party, square};
use crate::support;

/// Sends both searches of a version with a query and expects a status of each.
async fn search(party: &Client, version: Version, query: &str, status: u16) {
    for path in [version.areas(), version.subscriptions()] {
        party.get(&format!("{path}{query}")).await.expect(status);
    }
}

#[tokio::test]
async fn takes_an_area_in_every_form_of_a_query() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let uss1 = party(&hub, "uss1");
        for area in [
            "47,8,47,8.01,47.01,8.01".to_owned(),
            "47%2C8%2C47%2C8.01%2C47.01%2C8.01".to_owned(),
            "47,+8,47,%208.01,47.01,8.01".to_owned(),
            "4.7e1,8,47,8.01,47.01,8.01".to_owned(),
            "-47,-8,-47,-8.01,-47.01,-8.01".to_owned(),
            around(47.0),
        ] {
            search(&uss1, version, &format!("?area={area}"), 200).await;
            search(&uss1, version, &format!("?unknown=%ff&area={area}&"), 200).await;
        }
    }
}

#[tokio::test]
async fn refuses_an_area_that_is_none() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let uss1 = party(&hub, "uss1");
        let good = around(47.0);
        for query in [
            "",
            "?",
            "?area",
            "?area=",
            "?area=,",
            "?area=,,,,,",
            "?area=47",
            "?area=47,8",
            "?area=47,8,47,8.01",
            "?area=47,8,47,8.01,47.01",
            "?area=47,8,47,8.01,47.01,",
            "?area=47,8,,8.01,47.01,8.01",
            "?area=47,8,47,8.01,47.01,8.01,",
            "?area=a,b,c,d,e,f",
            "?area=NaN,NaN,NaN,NaN,NaN,NaN",
            "?area=inf,8,47,8.01,47.01,8.01",
            "?area=91,8,47,8.01,47.01,8.01",
            "?area=47,181,47,8.01,47.01,8.01",
            "?area=47;8;47;8.01;47.01;8.01",
            "?area=47,8,47.01,8.01,47,8.01,47.01,8",
            "?area=47,8,47,8.01,47.01,8.01,47,8",
            "?area=47%008,47,8.01,47.01,8.01",
            "?area=%ff",
            "?area=%zz",
            "?AREA=47,8,47,8.01,47.01,8.01",
            &format!("?area={good}&area={good}"),
        ] {
            for path in [version.areas(), version.subscriptions()] {
                let refused = uss1.get(&format!("{path}{query}")).await;

                assert_eq!(refused.status, 400, "{path}{query}: {}", refused.text());
                let message = refused.expect(400)["message"].to_string();
                assert!(message.contains("area"), "{query}: {message}");
            }
        }
    }
}

#[tokio::test]
async fn refuses_an_area_that_is_too_large() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let uss1 = party(&hub, "uss1");

        let area = |half: f64| format!("?area={}", area_of(&square(47.0, half)));
        search(&uss1, version, &area(0.25), 200).await;
        search(&uss1, version, &area(0.5), 413).await;
        search(&uss1, version, &area(40.0), 413).await;
        search(&uss1, version, "?area=-89,-179,-89,179,89,179,89,-179", 413).await;
    }
}

/// The head of a request is bounded before the points are counted: `wire` tests their own bound.
#[tokio::test]
async fn takes_as_many_points_as_the_head_of_a_request_holds() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let uss1 = party(&hub, "uss1");
        let ring: Vec<(f64, f64)> = (0..500)
            .map(|step| f64::from(step) * std::f64::consts::TAU / 500.0)
            .map(|angle| ((angle.sin() * 1e4).round() / 1e5, (angle.cos() * 1e4).round() / 1e5))
            .collect();
        let short = |points: usize| format!("?area={}1,2", "1,2,".repeat(points - 1));

        search(&uss1, version, &format!("?area={}", area_of(&ring)), 200).await;
        // As short as points can be; they are all the same one, which is no outline.
        search(&uss1, version, &short(3_500), 400).await;
        for points in [HEADER_BYTES_MAX as usize / 4, spacetime::VERTICES_MAX + 1] {
            for path in [version.areas(), version.subscriptions()] {
                let answer = uss1.get(&format!("{path}{}", short(points))).await;
                assert_eq!(answer.status, 431, "{path}: {points} points");
            }
        }
    }
}

#[tokio::test]
async fn finds_what_is_there_at_the_times_asked_for() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let uss1 = party(&hub, "uss1");
        uss1.put(&version.area(ID), &version.area_put(47.0)).await.expect(200);
        let hour = Duration::from_hours(1);
        let count = async |times: &str| {
            let path = format!("{}?area={}{times}", version.areas(), around(47.0));
            let found = uss1.get(&path).await.expect(200);
            found["service_areas"].as_array().map(Vec::len).expect("a list")
        };
        let at = |name: &str, after: Duration| format!("&{name}={}", support::time(after));

        assert_eq!(count("").await, 1);
        assert_eq!(count(&at("earliest_time", hour / 2)).await, 1);
        assert_eq!(count(&at("earliest_time", hour * 2)).await, 0);
        assert_eq!(count(&at("latest_time", hour * 24 * 30)).await, 1);
        assert_eq!(count("&earliest_time=2000-01-01T00:00:00Z").await, 1);
        assert_eq!(count("&earliest_time=2027-01-15T09:30:00%2B01:00").await, 1);
        let (past, before) = ("2027-01-15T07:00:00Z", "2027-01-15T07:30:00Z");
        assert_eq!(count(&format!("&earliest_time={past}&latest_time={before}")).await, 0);
        hub.advance(hour / 12);
        let now = at("earliest_time", hour / 12);
        assert_eq!(count(&format!("{now}{}", at("latest_time", hour / 12))).await, 1);
    }
}

#[tokio::test]
async fn refuses_times_that_are_none() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let uss1 = party(&hub, "uss1");
        for times in [
            "earliest_time=yesterday",
            "latest_time=",
            "earliest_time",
            "earliest_time=2027-01-15",
            "latest_time=2027-01-15T08:00:00",
            "latest_time=2027-13-15T08:00:00Z",
            "earliest_time=2027-01-15T10:00:00Z&latest_time=2027-01-15T09:00:00Z",
            "latest_time=2027-01-15T08:00:00Z&latest_time=2027-01-15T08:00:00Z",
            "earliest_time=%ff",
        ] {
            let path = format!("{}?area={}&{times}", version.areas(), around(47.0));
            let refused = uss1.get(&path).await;

            assert_eq!(refused.status, 400, "{times}: {}", refused.text());
            assert!(refused.expect(400)["message"].to_string().contains("time"), "{times}");
        }
    }
}

#[tokio::test]
async fn finds_nothing_where_nothing_is() {
    for version in BOTH {
        let hub = Fixture::start().await;
        let uss1 = party(&hub, "uss1");
        uss1.put(&version.area(ID), &version.area_put(47.0)).await.expect(200);

        let path = format!("{}?area={}", version.areas(), around(48.0));

        assert_eq!(uss1.get(&path).await.expect(200), json!({"service_areas": []}));
    }
}
