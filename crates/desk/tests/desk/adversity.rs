//! Desks among hubs and peers that do not do what they should.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use desk::{ChangeError, Desk, GivenUp, PLAN_ATTEMPTS_MAX, Resolution};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    ALL_SCOPES, Asked, Played, World, id, may_climb, send, through_the_middle, token, volume4d,
};

const OVN: &str = "an-ovn-that-is-long-enough";

/// Plays a hub that knows of `number` more intents after so many puts, all far above.
async fn restless_hub(puts: Arc<AtomicU32>, quiet_after: u32) -> Played {
    Played::start(move |asked: Asked| {
        let puts = Arc::clone(&puts);
        async move {
            if asked.path.ends_with("/query") {
                return (
                    200,
                    json!({ "operational_intent_references": [], "constraint_references": [] }),
                );
            }
            if asked.method == Method::GET {
                return (200, asked.details(OVN, 5_000.0));
            }
            let put = puts.fetch_add(1, Ordering::SeqCst);
            if quiet_after <= put {
                let taken = asked.reference(asked.last_segment(), OVN);
                let body = json!({ "subscribers": [], "operational_intent_reference": taken });
                return (201, body);
            }
            let missing = asked.reference(&id(put), "Available from USS");
            (409, json!({ "message": "more", "missing_operational_intents": [missing] }))
        }
    })
    .await
}

async fn fly_at(hub: &Played) -> desk::Report {
    let world = World::with_hub_at(hub.base_url());
    let desk = world.desk("alder").await;
    let report = desk.fly(through_the_middle(60.0)).await.expect("the hub answers");
    desk.shutdown().await;
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gives_up_when_the_airspace_changes_each_time() {
    let puts = Arc::new(AtomicU32::new(0));
    let hub = restless_hub(Arc::clone(&puts), u32::MAX).await;

    let report = fly_at(&hub).await;

    assert_eq!(report.resolution, Resolution::GivenUp(GivenUp::TooManyAttempts));
    assert_eq!(report.attempts, PLAN_ATTEMPTS_MAX);
    assert_eq!(puts.load(Ordering::SeqCst), PLAN_ATTEMPTS_MAX);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn succeeds_at_the_last_attempt_that_it_has() {
    let hub = restless_hub(Arc::default(), PLAN_ATTEMPTS_MAX - 1).await;

    let report = fly_at(&hub).await;

    assert_eq!(report.resolution, Resolution::AsAsked);
    assert_eq!(report.attempts, PLAN_ATTEMPTS_MAX);
}

/// Puts an intent of mallory's at the hub whose details are found at `uss_base_url`.
async fn put_intent(world: &World, uss_base_url: &str) {
    let url = format!("{}/dss/v1/operational_intent_references/{}", world.hub_url, id(1));
    let body = json!({
        "extents": [volume4d(200.0, 100.0)],
        "key": [],
        "state": "Accepted",
        "uss_base_url": uss_base_url,
    });
    let put = send(Method::PUT, &url, Some(&token("mallory", ALL_SCOPES)), Some(&body)).await;
    assert_eq!(put.status, StatusCode::CREATED, "{put:?}");
}

/// Flies among an intent whose manager's desk answers as given.
async fn fly_among<F>(answer: impl Fn(Asked) -> F + Clone + Send + Sync + 'static) -> Resolution
where
    F: Future<Output = (u16, Value)> + Send + 'static,
{
    let world = World::start().await;
    let peer = Played::start(answer).await;
    put_intent(&world, &peer.base_url()).await;
    let desk = world.desk("alder").await;
    let mut request = through_the_middle(60.0);
    request.bounds = may_climb();
    let report = desk.fly(request).await.expect("the hub answers");
    desk.shutdown().await;
    world.end().await;
    report.resolution
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn never_flies_where_details_are_not_to_be_had() {
    type Answer = fn(Asked) -> (u16, Value);
    let answers: [(&str, Answer); 8] = [
        ("it refuses", |_| (403, json!({ "message": "no" }))),
        ("it does not know", |_| (404, json!({ "message": "no" }))),
        ("it answers garbage", |_| (200, json!(["garbage"]))),
        ("it tells no OVN", |asked| (200, asked.details("Available from USS", 100.0))),
        ("it tells of another intent", |asked| {
            let mut details = asked.details(OVN, 100.0);
            details["operational_intent"]["reference"]["id"] = json!(id(2));
            (200, details)
        }),
        ("it tells of another party's", |asked| {
            let mut details = asked.details(OVN, 100.0);
            details["operational_intent"]["reference"]["manager"] = json!("birch");
            (200, details)
        }),
        ("it tells no volumes", |asked| {
            let mut details = asked.details(OVN, 100.0);
            details["operational_intent"]["details"]["volumes"] = json!([]);
            (200, details)
        }),
        ("it tells an older version", |asked| {
            let mut details = asked.details(OVN, 100.0);
            details["operational_intent"]["reference"]["version"] = json!(0);
            (200, details)
        }),
    ];
    for (what, answer) in answers {
        let resolution = fly_among(move |asked| std::future::ready(answer(asked))).await;

        let Resolution::GivenUp(GivenUp::DetailsUnavailable { id: of, manager }) = resolution
        else {
            panic!("{what}: {resolution:?}");
        };
        assert_eq!((of.to_string(), manager.as_str()), (id(1), "mallory"), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gives_up_on_a_peer_that_tells_a_wrong_ovn_for_ever() {
    let asked_times = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked_times);

    let resolution = fly_among(move |asked| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move { (200, asked.details(OVN, 5_000.0)) }
    })
    .await;

    assert_eq!(resolution, Resolution::GivenUp(GivenUp::TooManyAttempts));
    // It does not trust what it was told before, and asks anew each time.
    assert_eq!(asked_times.load(Ordering::SeqCst), PLAN_ATTEMPTS_MAX + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asks_again_where_a_peer_learns_of_its_own_a_little_later() {
    let asked_times = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked_times);

    let resolution = fly_among(move |_| {
        let times = counted.fetch_add(1, Ordering::SeqCst);
        async move { if times < 3 { (404, json!({})) } else { (403, json!({})) } }
    })
    .await;

    assert!(matches!(resolution, Resolution::GivenUp(GivenUp::DetailsUnavailable { .. })));
    assert_eq!(asked_times.load(Ordering::SeqCst), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flies_where_an_intent_was_that_ended_meanwhile() {
    let world = World::start().await;
    let hub_url = world.hub_url.clone();
    let peer = Played::start(move |_| {
        let hub_url = hub_url.clone();
        async move {
            let token = token("mallory", ALL_SCOPES);
            let url = format!("{hub_url}/dss/v1/operational_intent_references/{}", id(1));
            let found = send(Method::GET, &url, Some(&token), None).await;
            let ovn = found.body["operational_intent_reference"]["ovn"].clone();
            let url = format!("{url}/{}", ovn.as_str().unwrap_or("gone"));
            send(Method::DELETE, &url, Some(&token), None).await;
            (404, json!({ "message": "it ended" }))
        }
    })
    .await;
    put_intent(&world, &peer.base_url()).await;
    let desk = world.desk("alder").await;

    let report = desk.fly(through_the_middle(60.0)).await.expect("the hub answers");

    assert_eq!(report.resolution, Resolution::AsAsked);
    desk.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn needs_no_details_of_a_party_that_is_down() {
    let world = World::start().await;
    put_intent(&world, "http://127.0.0.1:9").await;
    let url = format!("{}/dss/v1/uss_availability/mallory", world.hub_url);
    let body = json!({ "old_version": "", "availability": "Down" });
    let set = send(Method::PUT, &url, Some(&token("arbiter", ALL_SCOPES)), Some(&body)).await;
    let desk = world.desk("alder").await;

    let report = desk.fly(through_the_middle(60.0)).await.expect("the hub answers");

    assert_eq!(set.status, StatusCode::OK);
    assert_eq!(report.resolution, Resolution::AsAsked);
    desk.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn says_that_the_hub_is_not_there_and_keeps_nothing() {
    let world = World::with_hub_at("http://127.0.0.1:9".to_owned());
    let desk = world.desk("alder").await;

    let refused = desk.fly(through_the_middle(60.0)).await;

    assert!(matches!(refused, Err(ChangeError::Hub(_))), "{refused:?}");
    assert_eq!(desk.flights(), []);
    desk.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passes_on_why_the_hub_refuses() {
    let world = World::start().await;
    let desk = world.desk("alder").await;
    // It is over before it is put.
    world.clock.advance(std::time::Duration::from_secs(3_600));

    let refused = desk.fly(through_the_middle(60.0)).await;

    let text = refused.expect_err("it is over").to_string();
    assert!(text.starts_with("the hub answered 400: "), "{text}");
    assert_eq!(desk.flights(), []);
    desk.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reaches_no_peer_at_a_private_address_unless_allowed() {
    let world = World::start().await;
    let peer = Played::start(|asked| async move { (200, asked.details(OVN, 5_000.0)) }).await;
    put_intent(&world, &peer.base_url()).await;
    let mut config = world.desk_config("alder");
    config.private_addresses = desk::PrivateAddresses::Refuse;
    let desk = Desk::start(config).await.expect("the desk starts");

    let report = desk.fly(through_the_middle(60.0)).await.expect("the hub answers");

    let unavailable = GivenUp::DetailsUnavailable {
        id: airspace::EntityId::parse(&id(1)).expect("an id"),
        manager: airspace::Party::new("mallory").expect("a name"),
    };
    assert_eq!(report.resolution, Resolution::GivenUp(unavailable));
    desk.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asks_a_busy_hub_again_but_not_for_ever() {
    let puts = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&puts);
    let hub = Played::start(move |asked: Asked| {
        let is_put = asked.method == Method::PUT;
        counted.fetch_add(u32::from(is_put), Ordering::SeqCst);
        let nothing = json!({ "operational_intent_references": [], "constraint_references": [] });
        async move { if is_put { (503, json!({ "message": "busy" })) } else { (200, nothing) } }
    })
    .await;
    let world = World::with_hub_at(hub.base_url());
    let desk = world.desk("alder").await;

    let refused = desk.fly(through_the_middle(60.0)).await;

    let text = refused.expect_err("the hub is busy").to_string();
    assert_eq!(text, "the hub gave no answer: busy");
    assert_eq!(puts.load(Ordering::SeqCst), 4);
    assert_eq!(desk.flights(), []);
    desk.shutdown().await;
}

/// Subscribes a server to the town and lets a desk fly there; returns how often it was told.
async fn told(status: u16) -> u32 {
    let world = World::start().await;
    let times = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&times);
    let subscriber = Played::start(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move { (status, Value::Null) }
    })
    .await;
    let url = format!("{}/dss/v1/subscriptions/{}", world.hub_url, id(3));
    let body = json!({
        "extents": volume4d(500.0, 0.0),
        "uss_base_url": subscriber.base_url(),
        "notify_for_operational_intents": true,
    });
    let put = send(Method::PUT, &url, Some(&token("cedar", ALL_SCOPES)), Some(&body)).await;
    assert_eq!(put.status, StatusCode::OK, "{put:?}");
    let desk = world.desk("alder").await;
    desk.fly(through_the_middle(60.0)).await.expect("the hub answers");
    desk.told().await;
    desk.shutdown().await;
    world.end().await;
    times.load(Ordering::SeqCst)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tells_subscribers_until_they_answer_but_not_for_ever() {
    assert_eq!(told(200).await, 1);
    assert_eq!(told(409).await, 1);
    assert_eq!(told(503).await, 3);
}

/// Lets a desk put a flight at a hub without `Idempotency-Key`: it does what it is asked but fails
/// to say so, and refuses the same when it is asked again. Then the desk asks what the hub has.
async fn settle_at(has_it: bool) -> Vec<desk::Flight> {
    let puts = Arc::new(AtomicU32::new(0));
    let hub = Played::start(move |asked: Asked| {
        let puts = Arc::clone(&puts);
        async move {
            if asked.path.ends_with("/query") {
                return (
                    200,
                    json!({ "operational_intent_references": [], "constraint_references": [] }),
                );
            }
            if asked.method == Method::PUT {
                let first = puts.fetch_add(1, Ordering::SeqCst) == 0;
                let message = json!({ "message": "it exists" });
                return if first { (500, Value::Null) } else { (409, message) };
            }
            if !has_it {
                return (404, json!({ "message": "there is none" }));
            }
            let reference = asked.reference(asked.last_segment(), OVN);
            (200, json!({ "operational_intent_reference": reference }))
        }
    })
    .await;
    let world = World::with_hub_at(hub.base_url());
    let desk = world.desk("alder").await;

    let lost = desk.fly(through_the_middle(60.0)).await;
    desk.settle().await;

    assert!(matches!(lost, Err(ChangeError::Unknown(_))), "{lost:?}");
    let flights = desk.flights();
    desk.shutdown().await;
    flights
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn takes_over_what_a_hub_has_that_only_refuses_to_do_it_again() {
    let flights = settle_at(true).await;

    assert_eq!(flights.len(), 1);
    assert_eq!(flights[0].version, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forgets_what_a_hub_never_did() {
    assert_eq!(settle_at(false).await, []);
}
