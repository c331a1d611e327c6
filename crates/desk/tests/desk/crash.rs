//! Desks that lose the hub's answer, or end before they have it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use airspace::operational_intent::OperationalIntentState;
use desk::{ChangeError, Desk, Resolution};
use reqwest::{Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{ALL_SCOPES, World, place, send, straight, through_the_middle, token};

/// Stands between a desk and the hub and can swallow the hub's answers.
struct Line {
    addr: SocketAddr,
    swallows: Arc<AtomicBool>,
}

impl Line {
    async fn to(hub_url: &str) -> Self {
        let hub = hub_url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let addr = listener.local_addr().expect("it has one");
        let swallows = Arc::new(AtomicBool::new(false));
        let swallowing = Arc::clone(&swallows);
        tokio::spawn(async move {
            while let Ok((desk, _)) = listener.accept().await {
                let hub = TcpStream::connect(&hub).await.expect("the hub listens");
                tokio::spawn(carry(desk, hub, Arc::clone(&swallowing)));
            }
        });
        Line { addr, swallows }
    }

    /// From now on puts and deletions are carried to the hub, and their answers are lost.
    fn break_answers(&self) {
        self.swallows.store(true, Ordering::SeqCst);
    }

    fn mend(&self) {
        self.swallows.store(false, Ordering::SeqCst);
    }
}

async fn carry(mut desk: TcpStream, mut hub: TcpStream, swallows: Arc<AtomicBool>) {
    let (mut from_desk, mut from_hub) = (vec![0; 65_536], vec![0; 65_536]);
    let mut changes = false;
    loop {
        tokio::select! {
            read = desk.read(&mut from_desk) => {
                let Ok(length @ 1..) = read else { return };
                let head = &from_desk[..length];
                let starts = |methods: &[&str]| {
                    methods.iter().any(|method| head.starts_with(method.as_bytes()))
                };
                changes = starts(&["PUT ", "DELETE "])
                    || (changes && !starts(&["POST ", "GET "]));
                if hub.write_all(head).await.is_err() { return }
            }
            read = hub.read(&mut from_hub) => {
                let Ok(length @ 1..) = read else { return };
                // Both connections close: the desk learns that no answer will come.
                if changes && swallows.load(Ordering::SeqCst) { return }
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
    line.break_answers();

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
    line.break_answers();

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
    line.break_answers();
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
