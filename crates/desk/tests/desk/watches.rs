//! A desk as a display provider of remote ID: what its user sees of others' flights.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use airspace::EntityId;
use airspace::remote_id_subscription::SUBSCRIPTIONS_PER_CELL_MAX;
use desk::{
    ChangeError, Desk, PROVIDERS_PER_LOOK_MAX, PrivateAddresses, RemoteId, RequestError,
    SeenFlight, WATCHES_MAX,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    Answer, Asked, Played, REMOTE_ID_SCOPES, World, id, place, send, through_the_middle, token,
    token_from, town,
};

/// Starts a desk whose flights are where their plan has them.
async fn planned(world: &World, party: &str) -> Desk {
    let mut config = world.desk_config(party);
    config.remote_id = RemoteId::Plan;
    Desk::start(config).await.expect("the desk starts")
}

async fn activated(desk: &Desk) -> EntityId {
    let report = desk.fly(through_the_middle(60.0)).await.expect("the hub answers");
    desk.activate(report.id).await.expect("the hub answers");
    desk.told().await;
    report.id
}

async fn flights(desk: &Desk, watch: EntityId) -> Vec<SeenFlight> {
    desk.look(watch).await.expect("the hub answers").flights
}

/// Puts an area of cedar's at the hub, for two hours around the town, and tells nobody.
async fn put_area_of_cedar(world: &World, uss_base_url: &str) {
    put_area(world, 7, uss_base_url).await;
}

async fn put_area(world: &World, number: u32, uss_base_url: &str) {
    let id = id(number);
    let url = format!("{}/rid/v2/dss/identification_service_areas/{id}", world.hub_url);
    let body = json!({
        "extents": crate::support::volume4d(500.0, 100.0),
        "uss_base_url": uss_base_url,
    });
    let token = token("cedar", REMOTE_ID_SCOPES);
    let put = send(Method::PUT, &url, Some(&token), Some(&body)).await;
    assert_eq!(put.status, StatusCode::OK, "{put:?}");
}

/// Returns what the hub has of a watch.
async fn subscription(world: &World, watch: EntityId) -> Answer {
    let url = format!("{}/rid/v2/dss/subscriptions/{watch}", world.hub_url);
    let now_s = world.clock.now().as_micros() / 1_000_000;
    let token = token_from(now_s, "birch", REMOTE_ID_SCOPES);
    send(Method::GET, &url, Some(&token), None).await
}

/// Answers as cedar's desk would that has one flight in the middle of the town.
async fn one_flight(_: Asked) -> (u16, Value) {
    let time = json!({ "value": "2027-01-15T07:59:57.5Z", "format": "RFC3339" });
    let state = json!({
        "timestamp": time,
        "timestamp_accuracy": 0.1,
        "speed_accuracy": "SA1mps",
        "position": { "lat": 46.95, "lng": 7.44, "alt": 650.0 },
    });
    let flight = json!({ "id": "one", "aircraft_type": "Glider", "current_state": state });
    (200, json!({ "timestamp": time, "flights": [flight] }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sees_the_flights_of_another_desk_with_the_age_of_their_positions() {
    let world = World::start().await;
    let (alder, birch) = (planned(&world, "alder").await, planned(&world, "birch").await);
    let watch = birch.watch(town()).await.expect("the hub answers");

    let before = flights(&birch, watch).await;
    let flight = activated(&alder).await;
    world.clock.advance(Duration::from_millis(90_400));
    let during = flights(&birch, watch).await;
    alder.end(flight).await.expect("the hub answers");
    alder.told().await;
    let after = birch.look(watch).await.expect("the hub answers");

    assert_eq!(before, []);
    let [seen] = during.as_slice() else { panic!("one: {during:?}") };
    assert_eq!((seen.id.clone(), seen.owner.as_str()), (flight.to_string(), "alder"));
    let state = seen.state.expect("it is in the area");
    assert!(state.position.distance_m(place(0.0, 0.0)) < 0.5, "{state:?}");
    assert_eq!((state.age, state.altitude_m), (Duration::from_millis(400), Some(100.0)));
    assert!(seen.simulated && state.extrapolated);
    assert_eq!((after.flights, after.silent), (Vec::new(), Vec::new()));
    for desk in [alder, birch] {
        desk.shutdown().await;
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sees_what_was_there_before_it_watched_and_its_own_flights_too() {
    let world = World::start().await;
    let alder = planned(&world, "alder").await;
    let flight = activated(&alder).await;
    world.clock.advance(Duration::from_secs(90));

    let watch = alder.watch(town()).await.expect("the hub answers");
    let seen = flights(&alder, watch).await;

    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].id.clone(), seen[0].owner.as_str()), (flight.to_string(), "alder"));
    assert!(seen[0].state.is_some());
    alder.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn learns_of_its_own_areas_without_being_told() {
    let world = World::start().await;
    let alder = planned(&world, "alder").await;
    let watch = alder.watch(town()).await.expect("the hub answers");
    let report = alder.fly(through_the_middle(10.0)).await.expect("the hub answers");
    alder.activate(report.id).await.expect("the hub answers");

    // The hub need not be asked again before a minute is over.
    world.clock.advance(Duration::from_secs(50));
    let during = flights(&alder, watch).await;
    alder.end(report.id).await.expect("the hub answers");
    let after = alder.look(watch).await.expect("the hub answers");

    assert_eq!(during.len(), 1);
    assert_eq!((after.flights.len(), after.silent.len()), (0, 0));
    alder.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finds_an_area_that_nobody_told_it_of() {
    let world = World::start().await;
    let cedar = Played::start(one_flight).await;
    let birch = planned(&world, "birch").await;
    let watch = birch.watch(town()).await.expect("the hub answers");
    put_area_of_cedar(&world, &cedar.base_url()).await;

    let believed = flights(&birch, watch).await;
    world.clock.advance(Duration::from_secs(60));
    let asked = flights(&birch, watch).await;

    assert_eq!(believed, []);
    assert_eq!(asked.len(), 1);
    let state = asked[0].state.expect("it is in the area");
    assert_eq!((asked[0].owner.as_str(), asked[0].id.as_str()), ("cedar", "one"));
    assert_eq!(state.age, Duration::from_millis(62_500));
    assert_eq!((state.altitude_m, state.speed_m_per_s), (Some(650.0), None));
    birch.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sees_again_after_a_restart() {
    let world = World::start().await;
    let (alder, birch) = (planned(&world, "alder").await, planned(&world, "birch").await);
    let watch = birch.watch(town()).await.expect("the hub answers");
    let before = subscription(&world, watch).await;
    birch.shutdown().await;
    // Nobody is there to be told of this one.
    activated(&alder).await;
    world.clock.advance(Duration::from_secs(90));

    let birch = planned(&world, "birch").await;
    let seen = flights(&birch, watch).await;

    assert_eq!(seen.len(), 1);
    let after = subscription(&world, watch).await;
    assert_eq!(before.body["subscription"]["version"], after.body["subscription"]["version"]);
    for desk in [alder, birch] {
        desk.shutdown().await;
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tells_which_service_providers_do_not_answer() {
    let world = World::start().await;
    let broken = Arc::new(AtomicBool::new(true));
    let is_broken = Arc::clone(&broken);
    let cedar = Played::start(move |asked| {
        let broken = is_broken.load(Ordering::SeqCst);
        async move { if broken { (500, json!({})) } else { one_flight(asked).await } }
    })
    .await;
    put_area_of_cedar(&world, &cedar.base_url()).await;
    let birch = planned(&world, "birch").await;
    let watch = birch.watch(town()).await.expect("the hub answers");

    let without = birch.look(watch).await.expect("the hub answers");
    broken.store(false, Ordering::SeqCst);
    let with = birch.look(watch).await.expect("the hub answers");

    assert_eq!(without.flights, []);
    let [silent] = without.silent.as_slice() else { panic!("one: {without:?}") };
    assert_eq!((silent.owner.as_str(), silent.why.as_str()), ("cedar", "the answer was 500"));
    assert_eq!(silent.uss_base_url.as_str(), cedar.base_url());
    assert_eq!((with.flights.len(), with.silent.len()), (1, 0));
    birch.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn does_not_go_where_a_service_provider_must_not_send_it() {
    let world = World::start().await;
    let cedar = Played::start(one_flight).await;
    put_area_of_cedar(&world, &cedar.base_url()).await;
    let mut config = world.desk_config("birch");
    config.private_addresses = PrivateAddresses::Refuse;
    let birch = Desk::start(config).await.expect("the desk starts");
    let watch = birch.watch(town()).await.expect("the hub answers");

    let sight = birch.look(watch).await.expect("the hub answers");

    assert_eq!((sight.flights.len(), sight.silent.len()), (0, 1));
    assert!(sight.silent[0].why.contains("cannot be called"), "{sight:?}");
    birch.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asks_as_many_service_providers_as_it_may_and_names_the_rest() {
    let world = World::start().await;
    let cedar = Played::start(one_flight).await;
    let beyond = u32::try_from(PROVIDERS_PER_LOOK_MAX).expect("small");
    for number in 0..=beyond {
        put_area(&world, number, &format!("{}/{number:03}", cedar.base_url())).await;
    }
    let birch = planned(&world, "birch").await;
    let watch = birch.watch(town()).await.expect("the hub answers");

    let sight = birch.look(watch).await.expect("the hub answers");

    let [silent] = sight.silent.as_slice() else { panic!("one: {sight:?}") };
    assert_eq!(silent.uss_base_url.as_str(), format!("{}/{beyond:03}", cedar.base_url()));
    assert_eq!(silent.why, "there are too many service providers to ask");
    birch.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renews_its_subscription_before_it_ends() {
    let world = World::start().await;
    let birch = planned(&world, "birch").await;
    let watch = birch.watch(town()).await.expect("the hub answers");
    let ends_at = async || {
        let found = subscription(&world, watch).await;
        found.body["subscription"]["time_end"]["value"].as_str().map(str::to_owned)
    };
    let first = ends_at().await;
    world.clock.advance(Duration::from_secs(22 * 3_600));
    birch.settle().await;
    let early = ends_at().await;

    world.clock.advance(Duration::from_secs(3_600));
    birch.settle().await;

    assert_eq!(first.as_deref(), Some("2027-01-16T07:59:00Z"));
    assert_eq!(early, first);
    assert_eq!(ends_at().await.as_deref(), Some("2027-01-17T06:59:00Z"));
    birch.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscribes_anew_if_the_hub_has_forgotten() {
    let world = World::start().await;
    let birch = planned(&world, "birch").await;
    let watch = birch.watch(town()).await.expect("the hub answers");
    birch.shutdown().await;
    world.clock.advance(Duration::from_secs(26 * 3_600));

    let birch = planned(&world, "birch").await;
    birch.settle().await;

    let found = subscription(&world, watch).await;
    assert_eq!(found.status, StatusCode::OK);
    assert_eq!(found.body["subscription"]["time_end"]["value"], "2027-01-17T09:59:00Z");
    birch.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removes_the_subscription_of_a_watch_that_ends() {
    let world = World::start().await;
    let birch = planned(&world, "birch").await;
    let watch = birch.watch(town()).await.expect("the hub answers");

    birch.end_watch(watch).await.expect("it is there");
    let again = birch.end_watch(watch).await;
    let look = birch.look(watch).await;

    assert_eq!(subscription(&world, watch).await.status, StatusCode::NOT_FOUND);
    assert!(matches!(again, Err(ChangeError::NotFound)), "{again:?}");
    assert!(matches!(look, Err(ChangeError::NotFound)), "{look:?}");
    birch.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refuses_watches_that_are_too_large_or_too_many() {
    let world = World::start().await;
    let birch = planned(&world, "birch").await;

    let large = birch.watch([place(0.0, 0.0), place(50_000.0, 0.0)]).await;
    for number in 0..WATCHES_MAX {
        // Hubs take ten subscriptions in one place.
        let corner = place(0.0, 10_000.0 * number as f64);
        birch.watch([corner, corner]).await.expect("the hub answers");
    }
    let beyond = birch.watch(town()).await;

    assert!(matches!(large, Err(ChangeError::Request(RequestError::Watch(_)))), "{large:?}");
    assert!(matches!(beyond, Err(ChangeError::Full)), "{beyond:?}");
    birch.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watches_one_place_as_often_as_the_hub_lets_it() {
    let world = World::start().await;
    let birch = planned(&world, "birch").await;
    for _ in 0..SUBSCRIPTIONS_PER_CELL_MAX {
        birch.watch(town()).await.expect("the hub answers");
    }

    let beyond = birch.watch(town()).await;

    let why = beyond.map_err(|error| error.to_string());
    assert!(why.as_ref().is_err_and(|why| why.contains("429")), "{why:?}");
    birch.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn says_why_the_hub_refuses_a_watch_and_forgets_it() {
    let hub = Played::start(|asked: Asked| async move {
        match asked.method {
            Method::PUT => (403, json!({ "message": "not you" })),
            _ => (404, json!({ "message": "not here" })),
        }
    })
    .await;
    let world = World::with_hub_at(hub.base_url());
    let birch = planned(&world, "birch").await;

    let refused = birch.watch(town()).await;
    birch.settle().await;

    let why = refused.map_err(|error| error.to_string());
    assert_eq!(why, Err("the hub answered 403: not you".to_owned()));
    let url = format!("http://{}/desk/v1/watches", birch.addr());
    let listed = send(Method::GET, &url, None, None).await;
    assert_eq!(listed.body, json!({ "watches": [] }));
    birch.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn does_not_follow_a_hub_that_changes_its_mind_for_ever() {
    let puts = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&puts);
    let hub = Played::start(move |asked: Asked| {
        let number = match asked.method {
            Method::PUT => counted.fetch_add(1, Ordering::SeqCst),
            _ => counted.load(Ordering::SeqCst),
        };
        async move {
            if asked.method == Method::PUT {
                return (409, json!({ "message": "another version" }));
            }
            // It ends so soon that it is put anew.
            let end = json!({ "value": "2027-01-15T08:30:00Z", "format": "RFC3339" });
            let subscription = json!({
                "id": asked.last_segment(),
                "uss_base_url": "http://127.0.0.1:1",
                "owner": "birch",
                "time_end": end,
                "version": format!("v{number}"),
            });
            (200, json!({ "subscription": subscription }))
        }
    })
    .await;
    let world = World::with_hub_at(hub.base_url());
    let birch = planned(&world, "birch").await;

    let refused = birch.watch(town()).await;

    assert!(matches!(refused, Err(ChangeError::Unsettled)), "{refused:?}");
    assert_eq!(puts.load(Ordering::SeqCst), 8);
    birch.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn takes_notifications_of_owners_for_its_own_watches_only() {
    let world = World::start().await;
    let birch = planned(&world, "birch").await;
    let watch = birch.watch(town()).await.expect("the hub answers");
    let time = |value: &str| json!({ "value": value, "format": "RFC3339" });
    let area = |owner: &str, version: &str| {
        json!({
            "uss_base_url": "http://127.0.0.1:1",
            "owner": owner,
            "time_start": time("2027-01-15T08:00:00Z"),
            "time_end": time("2027-01-15T10:00:00Z"),
            "version": version,
            "id": id(7),
        })
    };
    let tell = async |sender: &str, area: Value, subscription: String, index: u32| {
        let url = format!("http://{}/uss/identification_service_areas/{}", birch.addr(), id(7));
        let body = json!({
            "service_area": area,
            "subscriptions": [{ "subscription_id": subscription, "notification_index": index }],
        });
        let token = token(sender, "rid.service_provider");
        send(Method::POST, &url, Some(&token), Some(&body)).await.status
    };
    let silent = async || birch.look(watch).await.expect("the hub answers").silent.len();
    let ours = watch.to_string();

    let foreign = tell("cedar", area("cedar", "a"), id(9), 1).await;
    let before = silent().await;
    let claimed = tell("mallory", area("cedar", "a"), ours.clone(), 1).await;
    let other_id = {
        let mut area = area("cedar", "a");
        area["id"] = json!(id(8));
        tell("cedar", area, ours.clone(), 1).await
    };
    let told = tell("cedar", area("cedar", "a"), ours.clone(), 1).await;
    let during = silent().await;
    let deleted_by_another = tell("mallory", Value::Null, ours.clone(), 2).await;
    let deleted = tell("cedar", Value::Null, ours, 2).await;
    let after = silent().await;

    assert_eq!(
        (foreign, told, deleted),
        (StatusCode::NO_CONTENT, StatusCode::NO_CONTENT, StatusCode::NO_CONTENT,)
    );
    assert_eq!((claimed, deleted_by_another), (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN));
    assert_eq!(other_id, StatusCode::BAD_REQUEST);
    // Nobody listens where the area says, so its service provider is silent while it is known.
    assert_eq!((before, during, after), (0, 1, 0));
    birch.shutdown().await;
    world.end().await;
}
