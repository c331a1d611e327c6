//! Two desks that share nothing but a hub.

use airspace::operational_intent::OperationalIntentState;
use desk::{
    ConstraintRequest, Desk, EntityKind, Flight, GivenUp, LowerPriority, Report, Resolution,
};
use reqwest::{Method, StatusCode};
use spacetime::{Altitude, Circle, Volume};

use crate::support::{
    ALL_SCOPES, World, at, may_climb, may_wait, place, send, straight, through_the_middle, token,
};

fn hospital(radius_m: f64) -> ConstraintRequest {
    let area = Circle::new(place(0.0, 0.0), radius_m).expect("a circle").into();
    let volume = Volume::new(
        area,
        Some(Altitude::from_millimeters(0)),
        Some(Altitude::from_millimeters(500_000)),
        Some(at(0.0)),
        Some(at(7_200.0)),
    );
    ConstraintRequest {
        volumes: vec![volume.expect("in order")],
        kind: Some("com.example.hospital".to_owned()),
    }
}

async fn two_desks() -> (World, Desk, Desk) {
    let world = World::start().await;
    let (alder, birch) = (world.desk("alder").await, world.desk("birch").await);
    (world, alder, birch)
}

async fn end(world: World, desks: [Desk; 2]) {
    for desk in desks {
        desk.shutdown().await;
    }
    world.end().await;
}

fn check_conflict(report: &Report, kind: EntityKind, manager: &str) {
    assert_eq!(report.conflicts.len(), 1, "{report:?}");
    let conflict = &report.conflicts[0];
    assert_eq!((conflict.kind, conflict.manager.as_str()), (kind, manager));
    assert!(conflict.ours.intersects(&conflict.theirs));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waits_for_the_flight_of_another_party() {
    let (world, alder, birch) = two_desks().await;
    let first = alder.fly(through_the_middle(60.0)).await.expect("the hub answers");
    let mut request = straight(place(0.0, -500.0), place(0.0, 500.0), 60.0);
    request.bounds = may_wait(600);

    let second = birch.fly(request).await.expect("the hub answers");

    assert_eq!(first.resolution, Resolution::AsAsked);
    assert_eq!((first.version, first.attempts), (Some(1), 1));
    assert_eq!(second.resolution, Resolution::Delayed { delay_s: 120 });
    check_conflict(&second, EntityKind::OperationalIntent, "alder");
    assert_eq!(second.conflicts[0].id, first.id);
    assert!(!second.volumes.iter().any(|own| own.intersects(&first.volumes[0])));
    end(world, [alder, birch]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn climbs_where_it_may_not_wait() {
    let (world, alder, birch) = two_desks().await;
    alder.fly(through_the_middle(60.0)).await.expect("the hub answers");
    let mut request = through_the_middle(60.0);
    request.bounds = may_climb();

    let second = birch.fly(request).await.expect("the hub answers");

    assert_eq!(second.resolution, Resolution::Moved { climb_m: 40.0 });
    let flight = birch.find_flight(second.id).expect("the hub has it");
    assert_eq!((flight.delay_s, flight.climb_m), (0, 40.0));
    assert_eq!(flight.volumes, second.volumes);
    end(world, [alder, birch]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gives_up_without_room_and_puts_nothing() {
    let (world, alder, birch) = two_desks().await;
    alder.fly(through_the_middle(60.0)).await.expect("the hub answers");

    let second = birch.fly(through_the_middle(60.0)).await.expect("the hub answers");

    assert_eq!(second.resolution, Resolution::GivenUp(GivenUp::NoRoom));
    assert_eq!((second.version, second.volumes.len()), (None, 0));
    check_conflict(&second, EntityKind::OperationalIntent, "alder");
    assert_eq!(birch.flights(), []);
    end(world, [alder, birch]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn avoids_its_own_flights_too() {
    let (world, alder, birch) = two_desks().await;
    alder.fly(through_the_middle(60.0)).await.expect("the hub answers");
    let mut request = through_the_middle(60.0);
    request.bounds = may_wait(600);

    let second = alder.fly(request).await.expect("the hub answers");

    assert_eq!(second.resolution, Resolution::Delayed { delay_s: 120 });
    check_conflict(&second, EntityKind::OperationalIntent, "alder");
    end(world, [alder, birch]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_out_of_constraints_unless_it_may_enter() {
    let (world, alder, birch) = two_desks().await;
    let constraint = alder.put_constraint(hospital(200.0)).await.expect("the hub answers");

    let refused = birch.fly(through_the_middle(60.0)).await.expect("the hub answers");
    let mut relief = through_the_middle(60.0);
    relief.allowed_constraints.insert(constraint.id);
    let taken = birch.fly(relief).await.expect("the hub answers");

    assert_eq!(refused.resolution, Resolution::GivenUp(GivenUp::NoRoom));
    check_conflict(&refused, EntityKind::Constraint, "alder");
    assert_eq!(taken.resolution, Resolution::AsAsked);
    assert_eq!(alder.constraints(), [constraint]);
    end(world, [alder, birch]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flies_where_a_constraint_was_once_it_ended() {
    let (world, alder, birch) = two_desks().await;
    let constraint = alder.put_constraint(hospital(200.0)).await.expect("the hub answers");

    alder.end_constraint(constraint.id).await.expect("the hub answers");
    let report = birch.fly(through_the_middle(60.0)).await.expect("the hub answers");

    assert_eq!(report.resolution, Resolution::AsAsked);
    assert_eq!(alder.constraints(), []);
    end(world, [alder, birch]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overrides_flights_of_lower_priority_only_if_told_to() {
    let (world, alder, birch) = two_desks().await;
    alder.fly(through_the_middle(60.0)).await.expect("the hub answers");
    let urgent = |priority, lower_priority| {
        let mut request = through_the_middle(60.0);
        (request.priority, request.lower_priority) = (priority, lower_priority);
        request
    };

    let avoids = birch.fly(urgent(10, LowerPriority::Avoid)).await.expect("the hub answers");
    let equal = birch.fly(urgent(0, LowerPriority::Override)).await.expect("the hub answers");
    let overrides = birch.fly(urgent(10, LowerPriority::Override)).await.expect("the hub answers");

    assert_eq!(avoids.resolution, Resolution::GivenUp(GivenUp::NoRoom));
    assert_eq!(equal.resolution, Resolution::GivenUp(GivenUp::NoRoom));
    assert_eq!(overrides.resolution, Resolution::AsAsked);
    end(world, [alder, birch]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn activates_and_ends_a_flight_and_makes_room() {
    let (world, alder, birch) = two_desks().await;
    let first = alder.fly(through_the_middle(60.0)).await.expect("the hub answers");

    let activated = alder.activate(first.id).await.expect("the hub answers");
    let state = alder.find_flight(first.id).map(|flight| flight.state);
    alder.end(first.id).await.expect("the hub answers");
    let second = birch.fly(through_the_middle(60.0)).await.expect("the hub answers");

    assert_eq!(activated.resolution, Resolution::AsAsked);
    assert_eq!(activated.version, Some(2));
    assert_eq!(state, Some(OperationalIntentState::Activated));
    assert_eq!(second.resolution, Resolution::AsAsked);
    assert_eq!(alder.flights(), []);
    assert!(alder.activate(first.id).await.is_err());
    assert!(alder.end(first.id).await.is_err());
    end(world, [alder, birch]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn moves_a_flight_at_activation_if_something_came_in_its_way() {
    let (world, alder, birch) = two_desks().await;
    let mut request = through_the_middle(60.0);
    request.bounds = may_climb();
    let first = alder.fly(request).await.expect("the hub answers");
    let mut urgent = through_the_middle(60.0);
    (urgent.priority, urgent.lower_priority) = (10, LowerPriority::Override);
    let second = birch.fly(urgent).await.expect("the hub answers");

    let activated = alder.activate(first.id).await.expect("the hub answers");

    assert_eq!(second.resolution, Resolution::AsAsked);
    assert_eq!(activated.resolution, Resolution::Moved { climb_m: 40.0 });
    check_conflict(&activated, EntityKind::OperationalIntent, "birch");
    let activated = alder.find_flight(first.id).expect("the hub has it");
    assert_eq!(activated.climb_m, 40.0);
    end(world, [alder, birch]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shows_others_what_the_hub_took_and_nothing_after_its_end() {
    let (world, alder, birch) = two_desks().await;
    let report = alder.fly(through_the_middle(60.0)).await.expect("the hub answers");
    let url = format!("{}/uss/v1/operational_intents/{}", alder.base_url(), report.id);
    let token = token("cedar", ALL_SCOPES);

    let shown = send(Method::GET, &url, Some(&token), None).await;
    alder.end(report.id).await.expect("the hub answers");
    let gone = send(Method::GET, &url, Some(&token), None).await;

    assert_eq!(shown.status, StatusCode::OK);
    let intent = &shown.body["operational_intent"];
    assert_eq!(intent["reference"]["manager"], "alder");
    assert_eq!(intent["reference"]["uss_base_url"], alder.base_url());
    assert!(intent["reference"]["ovn"].as_str().is_some_and(|ovn| 16 <= ovn.len()));
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    end(world, [alder, birch]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tells_others_so_that_they_need_not_ask() {
    let (world, alder, birch) = two_desks().await;
    // The subscription of this flight is for whatever comes near it.
    birch.fly(straight(place(-500.0, 200.0), place(500.0, 200.0), 60.0)).await.expect("answers");
    alder.fly(through_the_middle(60.0)).await.expect("the hub answers");
    alder.told().await;

    let report = birch.fly(through_the_middle(60.0)).await.expect("the hub answers");

    check_conflict(&report, EntityKind::OperationalIntent, "alder");
    let calls = |desk: &Desk, name: &str| {
        let calls = desk.calls().into_iter().find(|calls| calls.name.as_str() == name);
        calls.map_or(0, |calls| calls.answered)
    };
    assert_eq!(calls(&alder, "notify_operational_intent_details"), 1);
    assert_eq!(calls(&birch, "get_operational_intent_details"), 0);
    end(world, [alder, birch]).await;
}

/// Tells whether two flights overlap by more than a hand's breadth, without the index and the
/// intersection that planned them: corners in a flat plane, which is good enough for a town.
fn overlap(a: &Flight, b: &Flight) -> bool {
    a.volumes.iter().any(|one| b.volumes.iter().any(|other| volumes_overlap(one, other)))
}

fn volumes_overlap(a: &Volume, b: &Volume) -> bool {
    let apart = a.ends_at() < b.starts_at()
        || b.ends_at() < a.starts_at()
        || a.altitude_upper() < b.altitude_lower()
        || b.altitude_upper() < a.altitude_lower();
    !apart && !separated(&corners(a), &corners(b)) && !separated(&corners(b), &corners(a))
}

fn corners(volume: &Volume) -> Vec<(f64, f64)> {
    let spacetime::Area::Polygon(polygon) = volume.area() else {
        panic!("paths become rectangles");
    };
    let meters_per_degree = 111_195.0;
    let shrink = 46.95_f64.to_radians().cos();
    let plane = |vertex: &spacetime::LatLng| {
        let east = (vertex.lng_deg() - 7.44) * meters_per_degree * shrink;
        (east, (vertex.lat_deg() - 46.95) * meters_per_degree)
    };
    polygon.vertices().iter().map(plane).collect()
}

/// Tells whether an edge of `a` has all of `b` on its other side, but for 20 cm.
fn separated(a: &[(f64, f64)], b: &[(f64, f64)]) -> bool {
    let middle = a.iter().fold((0.0, 0.0), |sum, p| (sum.0 + p.0 / 4.0, sum.1 + p.1 / 4.0));
    (0..a.len()).any(|index| {
        let (from, to) = (a[index], a[(index + 1) % a.len()]);
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let side = |p: (f64, f64)| {
            ((to.0 - from.0) * (p.1 - from.1) - (to.1 - from.1) * (p.0 - from.0)) / length
        };
        let inside = side(middle).signum();
        b.iter().all(|p| side(*p) * inside < 0.2)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn never_overlaps_when_both_race_for_the_same_air() {
    let (world, alder, birch) = two_desks().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..48_i32 {
        let desk = if number % 2 == 0 { alder.clone() } else { birch.clone() };
        // Spokes of a wheel, all through its middle, all at once.
        let turn = f64::from(number) * 37.0;
        let (from, to) = (place(0.0, 0.0), place(0.0, 0.0));
        let mut request = straight(
            from.destination(turn, 600.0),
            to.destination(turn + 180.0, 600.0),
            60.0 + f64::from(number % 5) * 10.0,
        );
        request.bounds = desk::Bounds {
            delay_s_max: 3_600,
            delay_s_step: 15,
            altitude_m_min: 60.0,
            altitude_m_max: 240.0,
            altitude_m_step: 35.0,
        };
        tasks.spawn(async move { desk.fly(request).await.expect("the hub answers") });
    }

    let reports = tasks.join_all().await;

    let given_up = |report: &Report| match &report.resolution {
        Resolution::GivenUp(why) => Some(why.clone()),
        _ => None,
    };
    assert_eq!(reports.iter().find_map(given_up), None);
    let flights: Vec<Flight> = alder.flights().into_iter().chain(birch.flights()).collect();
    assert_eq!(flights.len(), 48);
    for (index, one) in flights.iter().enumerate() {
        for other in &flights[index + 1..] {
            assert!(!overlap(one, other), "{one:?} {other:?}");
        }
    }
    let found: usize = reports.iter().map(|report| report.conflicts.len()).sum();
    assert!(0 < found);
    for conflict in reports.iter().flat_map(|report| &report.conflicts) {
        assert!(volumes_overlap(&conflict.ours, &conflict.theirs), "{conflict:?}");
        let other = flights.iter().find(|flight| flight.id == conflict.id).expect("it flies");
        assert!(other.volumes.contains(&conflict.theirs));
    }
    end(world, [alder, birch]).await;
}
