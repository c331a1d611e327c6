//! Opaque version numbers (airspace-rules 1.3.2, and section 2 on OVNs and past OVNs).

use airspace::{NextOvn, OvnSuffix, PAST_SUFFIXES_MAX};

use crate::asks::{A, Intent, delete, intent, place, random_ovn, suffix, time};
use crate::scene::Scene;

#[test]
fn makes_22_characters_of_random_bits() {
    let mut scene = Scene::new();
    let mut put = intent(1, place());
    put.next_ovn = NextOvn::Random([
        0xfb, 0xff, 0xbf, 0x00, 0x10, 0x83, 0x10, 0x51, 0x87, 0x20, 0x92, 0x8b, 0x30, 0xd3, 0x8f,
        0xff,
    ]);

    scene.quietly(A, put);

    assert_eq!(scene.ovn(A, 1).as_str(), "-_-_ABCDEFGHIJKLMNOP_w");
}

#[test]
fn makes_id_and_suffix_of_a_requested_one() {
    let mut scene = Scene::new();

    scene.quietly(A, intent(1, place()).suffix(suffix(0, 7)));

    let ovn = scene.ovn(A, 1);
    assert_eq!(ovn.as_str(), format!("00000000-0000-4000-8000-000000000001_{}", suffix(0, 7)));
}

#[test]
fn shows_no_ovn_to_who_looks_inside() {
    assert_eq!(format!("{:?}", random_ovn(1)), "Ovn(..)");
    assert_eq!(format!("{:?}", NextOvn::Random([1; 16])), "Random(..)");
    let requested = NextOvn::Requested(suffix(0, 1));
    assert_eq!(format!("{requested:?}"), format!("Requested({})", suffix(0, 1)));
}

#[test]
fn takes_suffixes_of_the_next_and_last_five_minutes() {
    let mut scene = Scene::new();
    let far = place().during(60, 9_000);

    for (id, now) in [(1, -1), (2, 0), (3, 600), (4, 601)] {
        let put = intent(id, far.clone().cells(&[u64::from(id)])).suffix(suffix(300, id));
        scene.at(now).note(&format!("5 minutes, asked at {now}")).ask(A, put);
    }

    insta::assert_snapshot!(scene.transcript(), @"
    5 minutes, asked at -1
    uss-a puts 1: OvnSuffixNotNow
    5 minutes, asked at 0
    uss-a puts 2: 2 v1 Accepted x2 60..9000 100..200m none uss-a Unknown
    5 minutes, asked at 600
    uss-a puts 3: 3 v1 Accepted x3 60..9000 100..200m none uss-a Unknown
    5 minutes, asked at 601
    uss-a puts 4: OvnSuffixNotNow
    ");
}

#[test]
fn refuses_a_suffix_used_before_or_now() {
    let mut scene = Scene::new();
    scene.ask(A, intent(1, place()).suffix(suffix(0, 1)));

    scene.note("the current one");
    let current = scene.ovn(A, 1);
    scene.ask(A, intent(1, place()).suffix(suffix(0, 1)).over(&current));
    scene.note("one before, also after random ones");
    scene.ask(A, intent(1, place()).suffix(suffix(0, 2)).over(&current));
    let current = scene.ovn(A, 1);
    scene.ask(A, intent(1, place()).bits(9).over(&current));
    let current = scene.ovn(A, 1);
    scene.ask(A, intent(1, place()).suffix(suffix(0, 1)).over(&current));
    scene.ask(A, intent(1, place()).suffix(suffix(0, 2)).over(&current));
    scene.note("another operational intent, and the same id anew");
    scene.ask(A, intent(2, place().cells(&[2])).suffix(suffix(0, 1)));
    scene.ask(A, delete(1, &current));
    scene.ask(A, intent(1, place()).suffix(suffix(0, 1)));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts 1: 1 v1 Accepted x1 60..660 100..200m none uss-a Unknown
    the current one
    uss-a puts 1: OvnSuffixUsed
    one before, also after random ones
    uss-a puts 1: 1 v2 Accepted x2 60..660 100..200m none uss-a Unknown
    uss-a puts 1: 1 v3 Accepted r9 60..660 100..200m none uss-a Unknown
    uss-a puts 1: OvnSuffixUsed
    uss-a puts 1: OvnSuffixUsed
    another operational intent, and the same id anew
    uss-a puts 2: 2 v1 Accepted x1 60..660 100..200m none uss-a Unknown
    uss-a deletes 1: 1 v3 Accepted r9 60..660 100..200m none uss-a Unknown
    uss-a puts 1: 1 v1 Accepted x1 60..660 100..200m none uss-a Unknown
    ");
}

#[test]
fn says_what_key_is_missing_before_what_suffix_was_used() {
    let mut scene = Scene::new();
    scene.quietly(A, intent(1, place()).suffix(suffix(0, 1)));
    let current = scene.ovn(A, 1);
    scene.quietly(A, intent(2, place().meters(300, 400)));

    let wide = place().meters(100, 400);
    scene.ask(A, intent(1, wide.clone()).suffix(suffix(0, 1)).over(&current));
    scene.ask(A, intent(1, wide).suffix(suffix(0, 1)).over(&current).key(&[2]));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts 1: missing 2(r2)
    uss-a puts 1: OvnSuffixUsed
    ");
}

#[test]
fn remembers_so_many_suffixes_until_they_are_five_minutes_old() {
    let mut scene = Scene::new();
    let place = place().during(60, 9_000);
    scene.quietly(A, intent(1, place.clone()).suffix(numbered(0, 0)));
    for number in 1..PAST_SUFFIXES_MAX {
        let put = intent(1, place.clone()).suffix(numbered(0, number)).over(&scene.ovn(A, 1));
        scene.decide_unchecked(A, put).expect("it is new");
    }

    let next = intent(1, place.clone()).suffix(numbered(290, 0)).over(&scene.ovn(A, 1));
    scene.note("one more");
    scene.ask(A, next.clone());
    scene.note("when those of before can be requested no more");
    scene.at(300).ask(A, next.clone());
    scene.at(301).ask(A, next);
    scene.note("a random one is always good");
    let ovn = scene.ovn(A, 1);
    scene.ask(A, intent(1, place).over(&ovn));

    insta::assert_snapshot!(scene.transcript(), @"
    one more
    uss-a puts 1: TooMany
    when those of before can be requested no more
    uss-a puts 1: TooMany
    uss-a puts 1: 1 v1025 Accepted x0 60..9000 100..200m none uss-a Unknown
    a random one is always good
    uss-a puts 1: 1 v1026 Accepted r1 60..9000 100..200m none uss-a Unknown
    ");
}

/// Returns a suffix of a moment; there are 65,536 of each.
fn numbered(seconds: i64, number: usize) -> OvnSuffix {
    let millis = time(seconds).as_micros() / 1000;
    OvnSuffix::parse(&format!("{millis:012x}70008000000000{number:04x}00")).expect("a UUIDv7")
}
