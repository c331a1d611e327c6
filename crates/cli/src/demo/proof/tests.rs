use std::time::Duration;

use spacetime::{Circle, Polygon};

use super::*;

/// Where and when a test's volume is: meters east of a point, meters up, seconds.
#[derive(Clone, Copy)]
struct Place {
    east_m: f64,
    up_m: f64,
    start_s: u64,
}

const HERE: Place = Place { east_m: 0.0, up_m: 100.0, start_s: 0 };

fn at(east_m: f64, north_m: f64) -> LatLng {
    LatLng::new(45.0 + north_m / 111_195.0, 9.0 + east_m / 78_626.0).expect("in range")
}

fn time(s: u64) -> Timestamp {
    Timestamp::MIN.plus(Duration::from_secs(80_000_000_000 + s))
}

/// A box of 100 m by 100 m by 30 m that lasts a minute.
fn volume(place: Place) -> Volume {
    let (west_m, east_m) = (place.east_m, place.east_m + 100.0);
    let corners = vec![at(west_m, 0.0), at(east_m, 0.0), at(east_m, 100.0), at(west_m, 100.0)];
    Volume::new(
        Polygon::new(corners).expect("a polygon").into(),
        Some(Altitude::floor_of_meters(place.up_m)),
        Some(Altitude::ceil_of_meters(place.up_m + 30.0)),
        Some(time(place.start_s)),
        Some(time(place.start_s + 60)),
    )
    .expect("a volume")
}

fn id(number: u8) -> EntityId {
    EntityId::from_random_bytes([number; 16])
}

fn claim(number: u8, party: &str, places: &[Place]) -> Claim {
    Claim {
        id: id(number),
        party: Party::new(party).expect("a name"),
        volumes: places.iter().map(|&place| volume(place)).collect(),
        allowed: BTreeSet::new(),
    }
}

fn overlaps(ours: Place, theirs: Place) -> usize {
    let claims = vec![claim(1, "alder", &[ours]), claim(2, "birch", &[theirs])];
    check(&Evidence { claims, ..Evidence::default() }).overlaps.len()
}

#[test]
fn finds_an_overlap_of_two_parties() {
    assert_eq!(overlaps(HERE, Place { east_m: 99.0, ..HERE }), 1);
    assert_eq!(overlaps(HERE, Place { up_m: 129.0, ..HERE }), 1);
    assert_eq!(overlaps(HERE, Place { start_s: 59, ..HERE }), 1);
}

#[test]
fn finds_what_only_touches_in_time_or_altitude() {
    assert_eq!(overlaps(HERE, Place { up_m: 130.0, ..HERE }), 1);
    assert_eq!(overlaps(HERE, Place { start_s: 60, ..HERE }), 1);
}

#[test]
fn finds_no_overlap_where_one_dimension_is_apart() {
    assert_eq!(overlaps(HERE, Place { east_m: 101.0, ..HERE }), 0);
    assert_eq!(overlaps(HERE, Place { up_m: 131.0, ..HERE }), 0);
    assert_eq!(overlaps(HERE, Place { start_s: 61, ..HERE }), 0);
}

#[test]
fn finds_one_bad_pair_among_many_good_ones() {
    let mut claims: Vec<Claim> = (0..50)
        .map(|number| {
            let party = if number % 2 == 0 { "alder" } else { "birch" };
            let east_m = 150.0 * f64::from(number);
            claim(number, party, &[Place { east_m, ..HERE }])
        })
        .collect();
    assert!(check(&Evidence { claims: claims.clone(), ..Evidence::default() }).holds());

    // Its second volume starts last of all and lies in the first of number 7.
    claims[40].volumes.push(volume(Place { east_m: 150.0 * 7.0 + 20.0, start_s: 30, ..HERE }));
    let verdict = check(&Evidence { claims, ..Evidence::default() });

    assert_eq!(verdict.overlaps, vec![(id(7), id(40))]);
    assert!(!verdict.holds());
}

#[test]
fn finds_an_overlap_with_a_volume_that_lasts_all_day() {
    let mut long = claim(1, "alder", &[HERE]);
    long.volumes[0] = Volume::new(
        long.volumes[0].area().clone(),
        long.volumes[0].altitude_lower(),
        long.volumes[0].altitude_upper(),
        long.volumes[0].starts_at(),
        Some(time(86_400)),
    )
    .expect("a volume");
    let claims = vec![
        long,
        claim(2, "birch", &[Place { east_m: 500.0, start_s: 100, ..HERE }]),
        claim(3, "birch", &[Place { start_s: 80_000, ..HERE }]),
    ];

    let verdict = check(&Evidence { claims, ..Evidence::default() });

    assert_eq!(verdict.overlaps, vec![(id(1), id(3))]);
}

#[test]
fn leaves_a_party_to_itself() {
    let claims = vec![claim(1, "alder", &[HERE]), claim(2, "alder", &[HERE])];

    let verdict = check(&Evidence { claims, ..Evidence::default() });

    assert!(verdict.holds());
    assert_eq!((verdict.intents, verdict.parties), (2, 1));
}

#[test]
fn finds_who_enters_a_constraint_without_leave() {
    let circle = Circle::new(at(150.0, 50.0), 60.0).expect("a circle");
    let closed = Volume::new(circle.into(), None, None, Some(time(0)), Some(time(600)));
    let zones = vec![Zone { id: id(9), volumes: vec![closed.expect("a volume")] }];
    let mut invited = claim(2, "birch", &[HERE]);
    invited.allowed.insert(id(9));
    let claims = vec![
        claim(1, "alder", &[HERE]),
        invited,
        claim(3, "cedar", &[Place { start_s: 601, ..HERE }]),
        claim(4, "cedar", &[Place { east_m: 300.0, ..HERE }]),
    ];

    let entered = check(&Evidence { claims, zones, ..Evidence::default() }).entered;

    assert_eq!(entered, vec![(id(1), id(9))]);
}

fn finding(ours: Place, theirs: Place) -> Evidence {
    Evidence {
        claims: vec![claim(2, "birch", &[Place { east_m: 5_000.0, ..theirs }, theirs])],
        findings: vec![Finding { id: id(2), ours: volume(ours), theirs: volume(theirs) }],
        ..Evidence::default()
    }
}

#[test]
fn believes_a_conflict_that_was_one() {
    let verdict = check(&finding(HERE, Place { east_m: 50.0, ..HERE }));

    assert_eq!((verdict.conflicts, verdict.invented.len()), (1, 0));
}

#[test]
fn finds_a_conflict_that_was_none() {
    for theirs in [
        Place { east_m: 100.5, ..HERE },
        Place { up_m: 130.01, ..HERE },
        Place { start_s: 61, ..HERE },
    ] {
        assert_eq!(check(&finding(HERE, theirs)).invented, vec![id(2)]);
    }
}

#[test]
fn finds_a_conflict_with_what_nobody_put() {
    let mut evidence = finding(HERE, HERE);
    evidence.claims[0].volumes.pop();
    assert_eq!(check(&evidence).invented, vec![id(2)]);

    evidence.earlier.insert(id(2), vec![volume(HERE)]);
    assert!(check(&evidence).invented.is_empty());
}

#[test]
fn counts_positions_without_the_room_they_need() {
    let volumes = [volume(HERE)];
    let middle = Position { position: at(50.0, 50.0), altitude_m: 115.0, time: time(30) };
    let positions = [
        middle,
        Position { position: at(40.0, 50.0), ..middle },
        Position { altitude_m: 116.0, ..middle },
        Position { time: time(61), ..middle },
    ];

    let room = Room { lateral_m: 49.0, vertical_m: 15.0 };

    assert_eq!(count_outside(&volumes, &positions, room), 3);
    assert_eq!(count_outside(&volumes, &positions[..1], room), 0);
}
