//! What no client should send: each is refused with a clear message and changes nothing.

use serde_json::{Value, json};

use crate::client::{Client, Fixture, ID, OTHER_ID, with};
use crate::f3411::fixture::{BOTH, URL, Version, party, puts, square, version_of, vertices};

/// Puts an area and a subscription with what `pointer` names replaced, and expects a status.
async fn put_with(
    party: &Client,
    version: Version,
    (pointer, replacement): (&str, Value),
    status: u16,
) {
    for (path, put) in puts(version).into_iter().step_by(2) {
        let answer = party.put(&path, &with(put, pointer, replacement.clone())).await;

        let shown: String = replacement.to_string().chars().take(80).collect();
        assert_eq!(answer.status, status, "{path} {pointer} {shown}: {}", answer.text());
    }
}

#[tokio::test]
async fn is_a_body_that_is_no_message() {
    let hub = Fixture::start().await;
    let uss1 = party(&hub, "uss1");
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let in_unknown_field = format!(r#"{{"unknown": {nested}}}"#);
    for version in BOTH {
        for (path, good) in puts(version) {
            let good = good.to_string();
            let trailing = format!("{good} {{}}");
            for body in [
                b"".as_slice(),
                b"garbage",
                b"null",
                b"[]",
                b"{}",
                b"{\"extents\": null}",
                b"{\"extents\": NaN}",
                b"\xff\xfe",
                &good.as_bytes()[..good.len() / 2],
                trailing.as_bytes(),
                nested.as_bytes(),
                in_unknown_field.as_bytes(),
            ] {
                let answer = uss1.send_bytes("PUT", &path, body).await;

                let shown = String::from_utf8_lossy(&body[..body.len().min(40)]);
                assert_eq!(answer.status, 400, "PUT {path} {shown}: {}", answer.text());
                answer.expect(400);
            }
        }
        uss1.get(&version.area(ID)).await.expect(404);
        uss1.get(&version.subscription(OTHER_ID)).await.expect(404);
    }
}

#[tokio::test]
async fn is_a_body_that_says_it_is_no_json_or_is_too_large() {
    let hub = Fixture::start().await;
    let uss1 = party(&hub, "uss1");
    for version in BOTH {
        for (path, good) in puts(version) {
            let text = uss1.clone().with_content_type("text/plain");
            text.put(&path, &good).await.expect(415);
            let padded = format!("{}{good}", " ".repeat(4 << 20));
            let answer = uss1.send_bytes("PUT", &path, padded.as_bytes()).await;
            assert_eq!(answer.status, 413, "{path}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn is_an_id_or_a_version_that_is_none() {
    let hub = Fixture::start().await;
    let uss1 = party(&hub, "uss1");
    for version in BOTH {
        for (base, put) in [
            (version.areas(), version.area_put(47.0)),
            (version.subscriptions(), version.subscription_put(47.0)),
        ] {
            for id in ["", "no_uuid", "0192f3a0-0000-7000-8000-000000000001", "%00", "%ff", "%zz"] {
                uss1.get(&format!("{base}/{id}")).await.expect(400);
                uss1.put(&format!("{base}/{id}"), &put).await.expect(400);
                uss1.delete(&format!("{base}/{id}/0")).await.expect(400);
            }
            for version in ["", "w", "+1", "-1", "1.5", "%00", "%ff", "8000000000000", "%201"] {
                let path = format!("{base}/{ID}/{version}");
                for answer in [uss1.put(&path, &put).await, uss1.delete(&path).await] {
                    let message = answer.expect(400)["message"].to_string();
                    assert!(message.contains("version"), "{path}: {message}");
                }
            }
        }
    }
}

#[tokio::test]
async fn is_the_current_version_written_in_another_way() {
    let hub = Fixture::start().await;
    let uss1 = party(&hub, "uss1");
    for version in BOTH {
        for (path, put, shown) in [
            (version.area(ID), version.area_put(47.0), "service_area"),
            (version.subscription(OTHER_ID), version.subscription_put(47.0), "subscription"),
        ] {
            let created = uss1.put(&path, &put).await.expect(200);
            let current = version_of(&created[shown]);
            for other in [current.to_uppercase(), format!("0{current}"), format!("000{current}")] {
                uss1.put(&format!("{path}/{other}"), &put).await.expect(409);
                uss1.delete(&format!("{path}/{other}")).await.expect(409);
            }
            uss1.put(&format!("{path}/7vvvvvvvvvvvv"), &put).await.expect(409);
            uss1.delete(&format!("{path}/{current}")).await.expect(200);
        }
    }
}

#[tokio::test]
async fn is_an_altitude_that_no_float_holds() {
    let hub = Fixture::start().await;
    let uss1 = party(&hub, "uss1");
    for field in ["altitude_lo", "altitude_hi"] {
        for meters in [1e300, -1e300, 1e39] {
            let pointer = format!("/extents/spatial_volume/{field}");
            put_with(&uss1, Version::F3411_19, (&pointer, json!(meters)), 400).await;
        }
    }
}

#[tokio::test]
async fn is_an_outline_that_is_none() {
    let hub = Fixture::start().await;
    let uss1 = party(&hub, "uss1");
    let [a, b, c, d] = square(47.0, 0.005);
    for version in BOTH {
        for points in [
            vertices(&[]),
            vertices(&[a]),
            vertices(&[a, b]),
            vertices(&[a, c, b, d]),
            vertices(&[a, b, c, d, a]),
            vertices(&[(91.0, 8.0), b, c]),
            vertices(&[(47.0, 181.0), b, c]),
            vertices(&square(47.0, 0.5)),
            vertices(&square(0.0, 60.0)),
            json!([{"lat": 47.0}, {"lat": 47.0, "lng": 8.0}, {"lat": 47.1, "lng": 8.0}]),
            json!([null]),
            json!("47,8"),
            Value::Null,
        ] {
            put_with(&uss1, version, (version.vertices(), points), 400).await;
        }
        let count = spacetime::VERTICES_MAX + 1;
        let many: Vec<(f64, f64)> = (0..count)
            .map(|step| step as f64 * std::f64::consts::TAU / count as f64)
            .map(|angle| (angle.sin() * 0.1, angle.cos() * 0.1))
            .collect();
        put_with(&uss1, version, (version.vertices(), vertices(&many)), 400).await;
    }
}

#[tokio::test]
async fn is_a_time_that_is_none() {
    let hub = Fixture::start().await;
    let uss1 = party(&hub, "uss1");
    for version in BOTH {
        for field in ["/extents/time_start", "/extents/time_end"] {
            for time in ["", "soon", "2027-01-15", "2027-01-15T08:00:00", "2027-01-15T25:00:00Z"] {
                put_with(&uss1, version, (field, version.time_of(time)), 400).await;
            }
            for time in [json!(1_800_000_000), json!([]), json!({"value": "soon"})] {
                put_with(&uss1, version, (field, time), 400).await;
            }
        }
        // Reversed, and equal.
        for start in ["2027-01-15T09:00:01Z", "2027-01-15T09:00:00Z"] {
            let start = version.time_of(start);
            put_with(&uss1, version, ("/extents/time_start", start), 400).await;
        }
    }
}

#[tokio::test]
async fn is_an_altitude_above_the_upper_one() {
    let hub = Fixture::start().await;
    let uss1 = party(&hub, "uss1");
    let lower = json!({"value": 121.0, "reference": "W84", "units": "M"});

    put_with(&uss1, Version::F3411_19, ("/extents/spatial_volume/altitude_lo", json!(121.0)), 400)
        .await;
    put_with(&uss1, Version::F3411_22a, ("/extents/volume/altitude_lower", lower), 400).await;
}

#[tokio::test]
async fn is_a_url_that_nobody_can_ask() {
    let hub = Fixture::start_with(|config| config.allow_http = false).await;
    let uss1 = party(&hub, "uss1");
    for version in BOTH {
        let area = (version.area(ID), version.area_put(47.0), version.area_url(), "service_area");
        let subscription = (
            version.subscription(ID),
            version.subscription_put(47.0),
            version.subscription_url(),
            "subscription",
        );
        for (path, put, pointer, shown) in [area, subscription] {
            let urls = ["", "uss", "ftp://uss.example.com", "http://uss.example.com", "https://"];
            for url in urls {
                let body = with(put.clone(), pointer, json!(url));
                let message = uss1.put(&path, &body).await.expect(400)["message"].to_string();
                assert!(message.contains(&pointer[1..].replace('/', ".")), "{url}: {message}");
            }
            let created = uss1.put(&path, &put).await.expect(200);
            let current = format!("{path}/{}", created[shown]["version"].as_str().expect("text"));
            for url in urls {
                // An update is asked no less than a creation.
                uss1.put(&current, &with(put.clone(), pointer, json!(url))).await.expect(400);
            }
            let updated = uss1.put(&current, &put).await.expect(200);
            assert_eq!(updated[shown].pointer(pointer), Some(&json!(URL)));
            let version = updated[shown]["version"].as_str().expect("text");
            uss1.delete(&format!("{path}/{version}")).await.expect(200);
        }
    }
}

#[tokio::test]
async fn is_a_subscription_without_a_callback() {
    let hub = Fixture::start().await;
    let uss1 = party(&hub, "uss1");
    for version in BOTH {
        let path = version.subscription(ID);
        for callbacks in [json!(null), json!({}), json!({"other": URL}), json!(7)] {
            let field = version.subscription_url().split('/').nth(1).expect("a name");
            let body = with(version.subscription_put(47.0), &format!("/{field}"), callbacks);

            uss1.put(&path, &body).await.expect(400);
        }
    }
}
