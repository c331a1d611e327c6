//! Desks that lose the hub's answer, or end before they have it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use airspace::operational_intent::OperationalIntentState;
use desk::{ChangeError, Desk, Resolution};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{
    ALL_SCOPES, REMOTE_ID_SCOPES, World, place, send, straight, through_the_middle, token, town,
};

/// Stands between a desk and the hub and can swallow the hub's answers.
struct Line {
    addr: SocketAddr,
    swallows: Swallows,
}

/// The beginning of the paths whose answers are lost, if any are.
type Swallows = Arc<Mutex<Option<&'static str>>>;

impl Line {
    async fn to(hub_url: &str) -> Self {
        let hub = hub_url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let addr = listener.local_addr().expect("it has one");
        let swallows = Swallows::default();
        let swallowing = Arc::clone(&swallows);
        tokio::spawn(async move {
            while let Ok((desk, _)) = listener.accept().await {
                let hub = TcpStream::connect(&hub).await.expect("the hub listens");
                tokio::spawn(carry(desk, hub, Arc::clone(&swallowing)));
            }
        });
        Line { addr, swallows }
    }

    /// From now on puts and deletions of these paths are carried to the hub, and their answers are
    /// lost.
    fn break_answers(&self, paths: &'static str) {
        *self.swallows.lock().expect("nobody panics") = Some(paths);
    }

    fn mend(&self) {
        *self.swallows.lock().expect("nobody panics") = None;
    }
}

async fn carry(mut desk: TcpStream, mut hub: TcpStream, swallows: Swallows) {
    let (mut from_desk, mut from_hub) = (vec![0; 65_536], vec![0; 65_536]);
    // The path of the change that is under way, if one is.
    let mut change = None;
    loop {
        tokio::select! {
            read = desk.read(&mut from_desk) => {
                let Ok(length @ 1..) = read else { return };
                let head = &from_desk[..length];
                let path = |method: &str| {
                    let path = head.strip_prefix(method.as_bytes())?;
                    Some(String::from_utf8_lossy(&path[..path.len().min(200)]).into_owned())
                };
                if let Some(begun) = path("PUT ").or_else(|| path("DELETE ")) {
                    change = Some(begun);
                } else if path("POST ").or_else(|| path("GET ")).is_some() {
                    change = None;
                }
                if hub.write_all(head).await.is_err() { return }
            }
            read = hub.read(&mut from_hub) => {
                let Ok(length @ 1..) = read else { return };
                // Both connections close: the desk learns that no answer will come.
                let swallowed = *swallows.lock().expect("nobody panics");
                let is_lost = |path: &String| swallowed.is_some_and(|lost| path.starts_with(lost));
                if change.as_ref().is_some_and(is_lost) { return }
                if desk.write_all(&from_hub[..length]).await.is_err() { return }
            }
        }
    }
}

async fn start(world: &World, line: &Line, party: &str) -> Desk {
    let mut config = world.desk_config(party);
    config.hub = format!("http://{}", line.addr);
    // The same after a restart, so that the hub names the same place.
    config.base_url = Some(format!("http://{party}.localhost:1"));
    config.audiences = vec!["127.0.0.1".to_owned()];
    Desk::start(config).await.expect("the desk starts")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finds_out_after_a_restart_what_the_hub_did_with_a_new_flight() {
    let world = World::start().await;
    let line = Line::to(&world.hub_url).await;
    let alder = start(&world, &line, "alder").await;
    line.break_answers("/");

    let lost = alder.fly(through_the_middle(60.0)).await;
    let before = alder.flights();
    alder.shutdown().await;
    line.mend();
    let alder = start(&world, &line, "alder").await;
    alder.settle().await;

    assert!(matches!(lost, Err(ChangeError::Unknown(_))), "{lost:?}");
    assert_eq!(before, []);
    let flights = alder.flights();
    assert_eq!(flights.len(), 1);
    assert_eq!((flights[0].version, flights[0].state), (1, OperationalIntentState::Accepted));
    let url = format!("http://{}/uss/v1/operational_intents/{}", alder.addr(), flights[0].id);
    let shown = send(Method::GET, &url, Some(&token("birch", ALL_SCOPES)), None).await;
    assert_eq!(shown.status, StatusCode::OK);
    alder.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finds_out_what_the_hub_did_with_an_activation_and_an_end() {
    let world = World::start().await;
    let line = Line::to(&world.hub_url).await;
    let alder = start(&world, &line, "alder").await;
    let activated = alder.fly(through_the_middle(60.0)).await.expect("the hub answers");
    let far = straight(place(-500.0, 3_000.0), place(500.0, 3_000.0), 60.0);
    let ended = alder.fly(far).await.expect("the hub answers");
    line.break_answers("/");

    let lost_activation = alder.activate(activated.id).await;
    let lost_end = alder.end(ended.id).await;
    let unsettled = alder.activate(activated.id).await;
    line.mend();
    alder.settle().await;

    assert!(matches!(lost_activation, Err(ChangeError::Unknown(_))), "{lost_activation:?}");
    assert!(matches!(lost_end, Err(ChangeError::Unknown(_))), "{lost_end:?}");
    assert!(matches!(unsettled, Err(ChangeError::Unsettled)), "{unsettled:?}");
    let flights = alder.flights();
    assert_eq!(flights.len(), 1);
    assert_eq!(
        (flights[0].id, flights[0].version, flights[0].state),
        (activated.id, 2, OperationalIntentState::Activated)
    );
    alder.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settles_a_lost_flight_when_another_of_its_own_runs_into_it() {
    let world = World::start().await;
    let line = Line::to(&world.hub_url).await;
    let alder = start(&world, &line, "alder").await;
    line.break_answers("/");
    let lost = alder.fly(through_the_middle(60.0)).await;
    line.mend();
    let mut request = through_the_middle(60.0);
    request.bounds = crate::support::may_wait(600);

    let second = alder.fly(request).await.expect("the hub answers");

    assert!(matches!(lost, Err(ChangeError::Unknown(_))), "{lost:?}");
    assert_eq!(second.resolution, Resolution::Delayed { delay_s: 120 });
    assert_eq!(alder.flights().len(), 2);
    alder.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn has_its_flights_after_a_restart_and_can_end_them() {
    let world = World::start().await;
    let alder = world.desk("alder").await;
    let report = alder.fly(through_the_middle(60.0)).await.expect("the hub answers");
    let before = alder.flights();
    alder.shutdown().await;

    let alder = world.desk("alder").await;
    let after = alder.flights();
    alder.end(report.id).await.expect("the hub answers");

    assert_eq!(before, after);
    assert_eq!(alder.flights(), []);
    alder.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ends_flights_that_are_over() {
    let world = World::start().await;
    let alder = world.desk("alder").await;
    let report = alder.fly(through_the_middle(60.0)).await.expect("the hub answers");
    alder.shutdown().await;
    world.clock.advance(std::time::Duration::from_secs(600));

    let alder = world.desk("alder").await;
    alder.tidy().await;

    assert_eq!(alder.flights(), []);
    let url = format!("{}/dss/v1/operational_intent_references/{}", world.hub_url, report.id);
    let gone = send(Method::GET, &url, Some(&token("alder", ALL_SCOPES)), None).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    alder.shutdown().await;
    world.end().await;
}

/// Returns the identification service areas that the hub has in the town.
async fn areas(world: &World) -> Vec<Value> {
    let [one, other] = town();
    let (south, west, north, east) =
        (one.lat_deg(), one.lng_deg(), other.lat_deg(), other.lng_deg());
    let area = format!("{south},{west},{north},{west},{north},{east}");
    let url = format!("{}/rid/v2/dss/identification_service_areas?area={area}", world.hub_url);
    let found = send(Method::GET, &url, Some(&token("cedar", REMOTE_ID_SCOPES)), None).await;
    found.body["service_areas"].as_array().expect("a list").clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finds_out_after_a_restart_what_the_hub_did_with_an_area() {
    let world = World::start().await;
    let line = Line::to(&world.hub_url).await;
    let alder = start(&world, &line, "alder").await;
    let report = alder.fly(through_the_middle(60.0)).await.expect("the hub answers");
    line.break_answers("/rid/v2/dss/identification_service_areas/");

    let activated = alder.activate(report.id).await;
    alder.shutdown().await;
    let lost = areas(&world).await;
    line.mend();
    let alder = start(&world, &line, "alder").await;
    alder.settle().await;
    let settled = areas(&world).await;
    // Had it lost the version, the hub would refuse to delete it.
    alder.end(report.id).await.expect("the hub answers");

    assert!(activated.is_ok(), "{activated:?}");
    assert_eq!(lost.len(), 1);
    assert_eq!(settled, lost);
    assert_eq!(areas(&world).await, [] as [Value; 0]);
    alder.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removes_an_area_although_the_answer_to_its_removal_is_lost() {
    let world = World::start().await;
    let line = Line::to(&world.hub_url).await;
    let alder = start(&world, &line, "alder").await;
    let report = alder.fly(through_the_middle(60.0)).await.expect("the hub answers");
    alder.activate(report.id).await.expect("the hub answers");
    line.break_answers("/rid/v2/dss/identification_service_areas/");

    alder.end(report.id).await.expect("the hub answers");
    alder.shutdown().await;
    line.mend();
    let alder = start(&world, &line, "alder").await;
    alder.settle().await;
    alder.shutdown().await;

    assert_eq!(areas(&world).await, [] as [Value; 0]);
    let path = world.dir.path().join("alder/desk.sqlite3");
    let store = rusqlite::Connection::open(path).expect("it opens");
    let kept = store.query_row("SELECT count(*) FROM registrations", [], |row| row.get(0));
    assert_eq!(kept, Ok(0));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_a_watch_although_the_answer_to_its_subscription_is_lost() {
    let world = World::start().await;
    let line = Line::to(&world.hub_url).await;
    let birch = start(&world, &line, "birch").await;
    line.break_answers("/rid/v2/dss/subscriptions/");

    let watch = birch.watch(town()).await.expect("it is begun");
    birch.shutdown().await;
    line.mend();
    let birch = start(&world, &line, "birch").await;
    birch.settle().await;
    birch.end_watch(watch).await.expect("it is there");

    let url = format!("{}/rid/v2/dss/subscriptions/{watch}", world.hub_url);
    let gone = send(Method::GET, &url, Some(&token("birch", REMOTE_ID_SCOPES)), None).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    birch.shutdown().await;
    world.end().await;
}
