//! What is asked next, and what follows from a flight.

use spacetime::LatLng;

use super::*;
use crate::test_data::{id, volume};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros((1_800_000_000 + seconds) * 1_000_000).expect("in range")
}

fn point(lat: f64) -> LatLng {
    LatLng::new(lat, 7.44).expect("in range")
}

fn watch(number: u8) -> Registration {
    let area = WatchedArea::new([point(46.95), point(46.96)]).expect("small");
    Registration::new(id(number), Purpose::Watch(area))
}

/// The area of flight 1, which holds until 180 s.
fn area() -> Registration {
    let mut registrations = Registrations::default();
    let changed = registrations.follow(id(1), Some((1, &[&volume(100)])), || id(2));
    let [area] = <[Registration; 1]>::try_from(changed).expect("one circle holds it");
    area
}

fn held(seconds: i64) -> Option<Held> {
    Some(Held { version: "v".to_owned(), ends_at: at(seconds) })
}

fn asked() -> Arc<Asked> {
    let (path, idempotency_key) = ("/x".to_owned(), "once".to_owned());
    Arc::new(Asked { put: None, path, idempotency_key })
}

#[test]
fn is_put_if_it_is_wanted_and_deleted_if_not() {
    let check = |wanted: bool, held: Option<Held>, next: Next| {
        let registration = Registration { wanted, held, ..area() };
        assert_eq!(registration.next(at(0)), next);
    };

    check(true, None, Next::Put);
    check(true, held(180), Next::Nothing);
    check(false, held(180), Next::Delete);
    check(false, None, Next::Forget);
}

#[test]
fn finds_out_what_became_of_a_request_before_it_asks_another() {
    for (wanted, held) in [(true, None), (false, held(180))] {
        let pending = Some(asked());
        let registration = Registration { wanted, held, pending, ..area() };

        assert_eq!(registration.next(at(0)), Next::AskAgain(asked()));
    }
}

#[test]
fn renews_a_subscription_an_hour_before_its_end() {
    let registration = Registration { held: held(86_400), ..watch(1) };

    assert_eq!(registration.next(at(86_400 - 3_600)), Next::Nothing);
    assert_eq!(registration.next(at(86_400 - 3_599)), Next::Put);
    assert_eq!(Registration { held: held(180), ..area() }.next(at(179)), Next::Nothing);
}

#[test]
fn asks_for_no_area_that_is_over() {
    assert_eq!(area().next(at(180)), Next::Put);
    assert_eq!(area().next(at(181)), Next::Nothing);
}

#[test]
fn waits_longer_after_each_refusal_but_not_for_ever() {
    let mut registration = watch(1);
    let mut waits_s = Vec::new();
    for _ in 0..=DOUBLINGS_MAX + 1 {
        registration.refuse(at(0));
        let until = registration.refused.until.expect("refused");
        waits_s.push(until.since(at(0)).as_secs());
        assert_eq!(registration.next(until.minus(Duration::from_secs(1))), Next::Nothing);
        assert_eq!(registration.next(until), Next::Put);
    }

    assert_eq!(waits_s, [5, 10, 20, 40, 80, 160, 320, 640, 640]);
    registration.unwant();
    assert_eq!(registration.next(at(0)), Next::Forget);
}

#[test]
fn follows_a_flight_from_version_to_version_to_its_end() {
    let mut registrations = Registrations::default();
    let mut number = 10;
    let mut draw_id = || {
        number += 1;
        id(number)
    };
    let volume = volume(100);
    let volumes = [&volume];
    let mut follow = |registrations: &mut Registrations, shown: Option<u32>| {
        let shown = shown.map(|version| (version, &volumes[..]));
        let changed = registrations.follow(id(1), shown, &mut draw_id);
        changed.iter().map(|one| (one.id, one.wanted)).collect::<Vec<_>>()
    };

    assert_eq!(follow(&mut registrations, None), []);
    assert_eq!(follow(&mut registrations, Some(1)), [(id(11), true)]);
    assert_eq!(follow(&mut registrations, Some(1)), []);
    assert_eq!(follow(&mut registrations, Some(2)), [(id(11), false), (id(12), true)]);
    assert_eq!(follow(&mut registrations, None), [(id(12), false)]);
    assert_eq!(registrations.of_flight(id(1)).count(), 0);
    assert_eq!(registrations.flights().collect::<Vec<_>>(), [id(1)]);
    registrations.remove(id(11));
    registrations.remove(id(12));
    assert_eq!(registrations.flights().next(), None);
}

#[test]
fn has_room_for_as_many_watches_as_it_may() {
    let mut registrations = Registrations::default();
    for number in 1..u8::try_from(WATCHES_MAX).expect("small") {
        registrations.put(watch(number + 2));
    }
    registrations.put(area());

    assert!(registrations.has_room());
    registrations.put(watch(200));
    assert!(!registrations.has_room());
    // The hub may still have its subscription.
    registrations.change(id(200), Registration::unwant);
    assert!(!registrations.has_room());
    assert_eq!(registrations.watches().count(), WATCHES_MAX - 1);
}
