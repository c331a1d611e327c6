//! Clocks that are wrong, and a pool that goes by none of them alone.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    ALL_SCOPES, Answer, NOW_S, TestHub, eventually, intent_path, operational_intent, time, token_at,
};

use super::fixture::{HUBS, TestPool, clock_at};
use super::look::{acknowledge, even, find, heard, put, ready, status, testifies};

/// How wrong a clock is.
const HOUR_S: i64 = 3_600;

/// In 2036.
const TEN_YEARS_S: i64 = 10 * 365 * 24 * 3_600;

/// Asks a hub with a token of its own time.
async fn ask_at(
    hub: &TestHub,
    now_s: i64,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Answer {
    let client = reqwest::Client::new();
    let request = client.request(method, hub.url(path));
    let request = request.bearer_auth(token_at(now_s, "uss1", ALL_SCOPES));
    Answer::of(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

/// Looks for an operational intent at a hub's own time.
pub(crate) async fn find_at(hub: &TestHub, n: u32) -> StatusCode {
    let now_s = hub.clock.now().as_micros() / 1_000_000;
    ask_at(hub, now_s, Method::GET, &intent_path(n), None).await.status
}

/// Has a hub put something at its own time.
pub(crate) async fn put_at(hub: &TestHub, n: u32, ends: Duration) {
    let now_s = hub.clock.now().as_micros() / 1_000_000;
    let body = Some(intent_until(n, ends));
    let answer = ask_at(hub, now_s, Method::PUT, &intent_path(n), body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
}

/// Returns an operational intent until so long after the hubs' start.
fn intent_until(n: u32, ends: Duration) -> Value {
    let mut intent = operational_intent(7.0 + f64::from(n) / 10.0, 100.0);
    intent["extents"][0]["time_end"] = json!({ "value": time(ends), "format": "RFC3339" });
    intent
}

/// Moves all clocks on, and waits until the pool's has followed.
async fn pass(hubs: &[TestHub], by: Duration) {
    for hub in hubs {
        hub.clock.advance(by);
    }
    for hub in hubs {
        heard(hub, 3).await;
    }
}

/// What must be the same whatever one clock says: what two honest hubs answer to the same requests,
/// with time that passes in between.
async fn outcomes(hubs: &[TestHub; 3]) -> Vec<(u16, Value)> {
    const RETENTION: Duration = Duration::from_hours(24);
    let [first, second, _] = hubs;
    let mut outcomes = Vec::new();
    let mut take = |answer: Answer| {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let reference = &body["operational_intent_reference"];
        let facts = json!({
            "version": reference["version"],
            "state": reference["state"],
            "ends": reference["time_end"]["value"],
        });
        outcomes.push((answer.status.as_u16(), facts));
    };
    let mut now_s = NOW_S;
    let until = |minutes: u64| Duration::from_secs(minutes * 60);
    // Of the past for who is an hour ahead, of the future for who is an hour behind.
    for (n, ends) in [(1, until(30)), (2, until(90))] {
        let body = Some(intent_until(n, ends));
        take(ask_at(first, now_s, Method::PUT, &intent_path(n), body).await);
    }
    for passed in [until(45), RETENTION] {
        pass(hubs, passed).await;
        now_s += i64::try_from(passed.as_secs()).expect("a day");
        for n in [1, 2] {
            take(ask_at(second, now_s, Method::GET, &intent_path(n), None).await);
        }
        let late = Some(intent_until(3, until(40)));
        take(ask_at(second, now_s, Method::PUT, &intent_path(3), late).await);
    }
    outcomes
}

/// Has two hubs with right clocks answer, and one whose clock is so far from theirs.
async fn outcomes_beside(apart_s: i64) -> Option<Vec<(u16, Value)>> {
    let pool = TestPool::start().await?;
    let (first, second) = (pool.hub(0).await, pool.hub(1).await);
    let hubs = [first, second, pool.hub_at(2, NOW_S + apart_s).await];
    for hub in &hubs {
        heard(hub, 3).await;
    }

    let outcomes = outcomes(&hubs).await;

    even(&hubs).await;
    if apart_s != 0 {
        for hub in &hubs {
            testifies(hub, is_apart).await;
        }
        let (is_ready, problems) = ready(&hubs[2]).await;
        assert!(!is_ready && problems.contains("clock cannot be trusted"), "{problems}");
    }
    Some(outcomes)
}

fn is_apart(piece: &Value) -> bool {
    piece["kind"] == "stamp_apart" && piece["hub"] == HUBS[2]
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_no_outcome_when_one_clock_of_three_is_an_hour_ahead_or_behind() {
    let (right, ahead, behind) =
        tokio::join!(outcomes_beside(0), outcomes_beside(HOUR_S), outcomes_beside(-HOUR_S));

    let Some(right) = right else { return };
    let statuses: Vec<_> = right.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [201, 201, 200, 200, 400, 404, 200, 400]);
    assert_eq!(Some(&right), ahead.as_ref());
    assert_eq!(Some(&right), behind.as_ref());
}

/// What two hubs answer that were away, and the second to which the pool's clock has come; the third
/// was away too, or up alone in 2036.
async fn outcomes_after(was_alone: bool) -> Option<(Vec<StatusCode>, String)> {
    let pool = TestPool::start().await?;
    let hubs = pool.hubs().await;
    heard(&hubs[0], 3).await;
    acknowledge(&hubs[0], 1).await;
    acknowledge(&hubs[1], 2).await;
    let [first, second, third] = hubs;
    let (first, second, mut third) = (first.stop().await, second.stop().await, third.stop().await);
    if was_alone {
        third.clock = clock_at(NOW_S + TEN_YEARS_S);
    }
    let third = third.start().await;
    if was_alone {
        be_alone_in_2036(&third).await;
    }
    let hubs = [first.start().await, second.start().await, third];
    heard(&hubs[0], 3).await;
    heard(&hubs[1], 3).await;

    let mut outcomes = Vec::new();
    for hub in &hubs[..2] {
        for n in [1, 2] {
            outcomes.push(find(hub, n).await);
        }
    }
    outcomes.push(put(&hubs[0], "uss1", 3).await.status);
    outcomes.push(find(&hubs[1], 3).await);
    let body = intent_until(4, Duration::from_secs(5));
    let ending = hubs[1].send("uss1", Method::PUT, &intent_path(4), Some(body)).await;
    outcomes.push(ending.status);
    let status = status(&hubs[0]).await;
    // Stamps differ by as much as an entry's does from the one before.
    let second = status["clock"]["state"].as_str().expect("a time")[..19].to_owned();
    even(&hubs).await;
    if was_alone {
        for hub in &hubs {
            testifies(hub, is_apart).await;
        }
    }
    Some((outcomes, second))
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_nothing_of_others_when_one_hub_was_up_alone_in_2036() {
    let (without, with) = tokio::join!(outcomes_after(false), outcomes_after(true));

    let Some(without) = without else { return };
    assert_eq!(without.0[0], StatusCode::OK);
    assert_eq!(Some(without), with);
}

/// A hub alone takes changes and hides nothing, since the pool's clock stands.
async fn be_alone_in_2036(hub: &TestHub) {
    let now_s = NOW_S + TEN_YEARS_S;
    eventually(async || {
        let answer = ask_at(hub, now_s, Method::GET, &intent_path(1), None).await;
        answer.status == StatusCode::OK
    })
    .await;
    let (is_ready, problems) = ready(hub).await;
    assert!(is_ready && problems.contains("clock stands and nothing expires"), "{problems}");
    let start = Duration::from_secs(u64::try_from(TEN_YEARS_S).expect("positive"));
    let mut later = intent_until(9, start + Duration::from_hours(1));
    let begins = time(start + Duration::from_secs(60));
    later["extents"][0]["time_start"] = json!({ "value": begins, "format": "RFC3339" });
    let taken = ask_at(hub, now_s, Method::PUT, &intent_path(9), Some(later)).await;
    assert_eq!(taken.status, StatusCode::CREATED, "{taken:?}");
    // A command's own times are judged by the later of its stamp and the clock.
    let past = Some(intent_until(8, Duration::from_hours(1)));
    let past = ask_at(hub, now_s, Method::PUT, &intent_path(8), past).await;
    assert_eq!(past.status, StatusCode::BAD_REQUEST, "{past:?}");
    assert_eq!(status(hub).await["clock"]["stands"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn judges_times_by_the_later_of_a_stamp_and_the_pools_clock() {
    // As wrong as a clock may be.
    const APART_S: i64 = 8;
    let Some(pool) = TestPool::start().await else { return };
    let hubs = [
        pool.hub_at(0, NOW_S).await,
        pool.hub_at(1, NOW_S - APART_S).await,
        pool.hub_at(2, NOW_S + APART_S).await,
    ];
    for hub in &hubs {
        heard(hub, 3).await;
    }
    let put_until = async |hub: &TestHub, n: u32, ends_s: i64| {
        let mut intent = operational_intent(7.0 + f64::from(n) / 10.0, 100.0);
        let time = |after_s: i64| {
            let micros = (NOW_S + after_s) * 1_000_000;
            let time = jiff::Timestamp::from_microsecond(micros).expect("in range").to_string();
            json!({ "value": time, "format": "RFC3339" })
        };
        intent["extents"][0]["time_start"] = time(-60);
        intent["extents"][0]["time_end"] = time(ends_s);
        ask_at(hub, NOW_S, Method::PUT, &intent_path(n), Some(intent)).await.status
    };

    // The pool's clock says 0 s, and these stamp it with 8 s less and 8 s more.
    assert_eq!(put_until(&hubs[1], 1, -4).await, StatusCode::BAD_REQUEST);
    assert_eq!(put_until(&hubs[1], 2, 4).await, StatusCode::CREATED);
    assert_eq!(put_until(&hubs[2], 3, 4).await, StatusCode::BAD_REQUEST);
    assert_eq!(put_until(&hubs[2], 4, 12).await, StatusCode::CREATED);
}
