//! Identification service areas (airspace-rules 1.6).

use airspace::identification_service_area::Put;

use crate::asks::{
    A, B, area, change_area, delete_area, entity, intent, no_version, place, subscription, watch,
};
use crate::scene::Scene;

const YEAR_S: i64 = 365 * 86_400;

/// Leaves start, end or both to the rules.
fn without(mut put: Put, start: bool, end: bool) -> Put {
    put.footprint.starts_at = put.footprint.starts_at.filter(|_| !start);
    put.footprint.ends_at = put.footprint.ends_at.filter(|_| !end);
    put
}

#[test]
fn creates_updates_and_deletes() {
    let mut scene = Scene::new();

    scene.ask(A, area(1, place()));
    let version = scene.area_version(1);
    scene.at(10).ask(A, change_area(1, version, place().during(60, 900)));
    let version = scene.area_version(1);
    scene.ask(A, delete_area(1, version));
    scene.ask(A, delete_area(1, version));

    assert_eq!(scene.state.find_identification_service_area(scene.now(), entity(1)), None);
    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts area 1: area 1 @1 60..660 uss-a
    uss-a puts area 1: area 1 @2 60..900 uss-a
    uss-a deletes area 1: area 1 @2 60..900 uss-a
    uss-a deletes area 1: NotFound
    ");
}

#[test]
fn fills_in_start_and_end() {
    let mut scene = Scene::new();

    scene.note("created: from now; there must be an end");
    scene.ask(A, without(area(1, place()), true, false));
    scene.ask(A, without(area(2, place()), false, true));
    scene.note("updated: as it was");
    let version = scene.area_version(1);
    scene.at(30).ask(A, without(change_area(1, version, place()), true, true));

    insta::assert_snapshot!(scene.transcript(), @"
    created: from now; there must be an end
    uss-a puts area 1: area 1 @1 0..660 uss-a
    uss-a puts area 2: EndMissing
    updated: as it was
    uss-a puts area 1: area 1 @2 0..660 uss-a
    ");
}

#[test]
fn refuses_times_that_cannot_be() {
    let mut scene = Scene::new();

    scene.note("a start more than 5 minutes ago");
    scene.at(0).ask(A, area(1, place().during(-300, 60)));
    scene.at(1).ask(A, area(2, place().during(-300, 60)));
    scene.note("an end at or before the start");
    scene.ask(A, area(3, place().during(60, 60)));
    scene.ask(A, area(3, place().during(60, 59)));
    scene.note("it may last for years");
    scene.ask(A, area(4, place().during(60, 3 * YEAR_S)));

    insta::assert_snapshot!(scene.transcript(), @"
    a start more than 5 minutes ago
    uss-a puts area 1: area 1 @1 -300..60 uss-a
    uss-a puts area 2: StartsInPast
    an end at or before the start
    uss-a puts area 3: EndsBeforeStart
    uss-a puts area 3: EndsBeforeStart
    it may last for years
    uss-a puts area 4: area 4 @2 60..94608000 uss-a
    ");
}

/// Who has stopped flying says that an area ends now, and by then now is the past: as deployed hubs
/// do, this one takes it, and tells who watches.
#[test]
fn takes_an_end_that_has_passed() {
    let mut scene = Scene::new();
    scene.quietly(B, watch(9, place().during(0, 5_000)));

    scene.at(200).ask(A, area(1, place().during(0, 199)));
    scene.ask(A, area(2, place().during(0, 5_000)));
    let version = scene.area_version(2);
    let mut ended = without(change_area(2, version, place().during(0, 599)), true, false);
    scene.at(600).ask(A, ended.clone());
    scene.note("nobody finds it");
    scene.look_at_areas(&place().during(0, 5_000).footprint());
    scene.note("an update without times leaves them");
    ended.version = Some(scene.area_version(2));
    scene.at(700).ask(A, without(ended, true, true));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts area 1: area 1 @2 0..199 uss-a; tell w s9=1
    uss-a puts area 2: area 2 @3 0..5000 uss-a; tell w s9=2
    uss-a puts area 2: area 2 @4 0..599 uss-a; tell w s9=3
    nobody finds it
    an update without times leaves them
    uss-a puts area 2: area 2 @5 0..599 uss-a; tell w s9=4
    ");
}

#[test]
fn forgets_at_once_what_ended_too_long_ago() {
    let mut scene = Scene::new();
    scene.quietly(A, area(1, place().during(0, 5_000)));
    let version = scene.area_version(1);

    scene.at(4_000).ask(A, without(change_area(1, version, place().during(0, 1_000)), true, false));

    let now = scene.now();
    assert_eq!(scene.state.find_identification_service_area(now, entity(1)), None);
    insta::assert_snapshot!(
        scene.transcript(),
        @"uss-a puts area 1: area 1 @2 0..1000 uss-a"
    );
}

#[test]
fn looks_at_times_before_the_id_and_at_the_id_before_the_caller() {
    let mut scene = Scene::new();
    scene.quietly(A, area(1, place()));

    for party in [B, A] {
        scene.ask(party, area(1, place().during(-400, 60)));
        scene.ask(party, area(1, place()));
    }

    insta::assert_snapshot!(scene.transcript(), @"
    uss-b puts area 1: StartsInPast
    uss-b puts area 1: AlreadyExists
    uss-a puts area 1: StartsInPast
    uss-a puts area 1: AlreadyExists
    ");
}

#[test]
fn answers_the_owner_first_then_the_version_then_the_times_on_update() {
    let mut scene = Scene::new();
    scene.quietly(A, area(1, place()));
    let version = scene.area_version(1);
    let past = place().during(-400, 60);

    for party in [B, A] {
        scene.ask(party, change_area(2, version, past.clone()));
        scene.ask(party, change_area(1, no_version(), past.clone()));
        scene.ask(party, change_area(1, version, past.clone()));
        scene.ask(party, change_area(1, version, place()));
    }

    insta::assert_snapshot!(scene.transcript(), @"
    uss-b puts area 2: NotFound
    uss-b puts area 1: NotOwner
    uss-b puts area 1: NotOwner
    uss-b puts area 1: NotOwner
    uss-a puts area 2: NotFound
    uss-a puts area 1: VersionMismatch
    uss-a puts area 1: StartsInPast
    uss-a puts area 1: area 1 @2 60..660 uss-a
    ");
}

#[test]
fn answers_the_version_first_then_the_owner_on_delete() {
    let mut scene = Scene::new();
    scene.quietly(A, area(1, place()));
    let version = scene.area_version(1);

    for party in [B, A] {
        scene.ask(party, delete_area(2, version));
        scene.ask(party, delete_area(1, no_version()));
        scene.ask(party, delete_area(1, version));
    }

    insta::assert_snapshot!(scene.transcript(), @"
    uss-b deletes area 2: NotFound
    uss-b deletes area 1: VersionMismatch
    uss-b deletes area 1: NotOwner
    uss-a deletes area 2: NotFound
    uss-a deletes area 1: VersionMismatch
    uss-a deletes area 1: area 1 @1 60..660 uss-a
    ");
}

#[test]
fn changes_the_version_with_every_put() {
    let mut scene = Scene::new();

    scene.quietly(A, area(1, place()));
    let first = scene.area_version(1);
    scene.quietly(A, change_area(1, first, place()));

    assert_ne!(scene.area_version(1), first);
    scene.ask(A, change_area(1, first, place()));
    insta::assert_snapshot!(scene.transcript(), @"uss-a puts area 1: VersionMismatch");
}

#[test]
fn finds_what_has_not_ended_and_overlaps() {
    let mut scene = Scene::new();
    scene.quietly(A, area(1, place().during(0, 100)));
    scene.quietly(B, area(2, place().cells(&[1, 2]).during(100, 200)));
    scene.quietly(B, area(3, place().cells(&[3]).during(0, 300)));
    let everything = |seconds: Option<(i64, i64)>| {
        let (from, to) = seconds.unwrap_or_default();
        let mut footprint = place().cells(&[1, 2]).during(from, to).footprint();
        footprint.starts_at = footprint.starts_at.filter(|_| seconds.is_some());
        footprint.ends_at = footprint.ends_at.filter(|_| seconds.is_some());
        footprint
    };

    scene.note("without times: what has not ended, also what is to come");
    scene.look_at_areas(&everything(None));
    scene.note("until the start of the second, and just before");
    scene.look_at_areas(&everything(Some((-1_000, 100))));
    scene.look_at_areas(&everything(Some((-1_000, 99))));
    scene.note("from the end of the first, and just after");
    scene.look_at_areas(&everything(Some((100, 1_000))));
    scene.look_at_areas(&everything(Some((101, 1_000))));
    scene.note("an hour ago is no earlier than now");
    scene.at(101).look_at_areas(&everything(Some((-3_600, 3_600))));
    scene.at(201).look_at_areas(&everything(Some((-3_600, 3_600))));

    insta::assert_snapshot!(scene.transcript(), @"
    without times: what has not ended, also what is to come
      there is area 1 @1 0..100 uss-a
      there is area 2 @2 100..200 uss-b
    until the start of the second, and just before
      there is area 1 @1 0..100 uss-a
      there is area 2 @2 100..200 uss-b
      there is area 1 @1 0..100 uss-a
    from the end of the first, and just after
      there is area 1 @1 0..100 uss-a
      there is area 2 @2 100..200 uss-b
      there is area 2 @2 100..200 uss-b
    an hour ago is no earlier than now
      there is area 2 @2 100..200 uss-b
    ");
}

#[test]
fn tells_who_watches_where_it_was_or_is_whoever_and_whenever() {
    let mut scene = Scene::new();
    scene.quietly(A, watch(1, place().cells(&[1])));
    scene.quietly(B, watch(2, place().cells(&[2]).during(50_000, 60_000)));
    scene.quietly(B, watch(3, place().cells(&[3])));
    scene.quietly(B, subscription(9, place().cells(&[1, 2, 3])));

    scene.ask(A, area(1, place().cells(&[1])));
    scene.note("moved: where it was and where it is");
    let version = scene.area_version(1);
    scene.ask(A, change_area(1, version, place().cells(&[2])));
    scene.note("moved away: the one where it was only");
    let version = scene.area_version(1);
    scene.ask(A, change_area(1, version, place().cells(&[4])));
    let version = scene.area_version(1);
    scene.ask(A, change_area(1, version, place().cells(&[3])));
    let version = scene.area_version(1);
    scene.ask(A, delete_area(1, version));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts area 1: area 1 @5 60..660 uss-a; tell w s1=1
    moved: where it was and where it is
    uss-a puts area 1: area 1 @6 60..660 uss-a; tell w s1=2 s2=1
    moved away: the one where it was only
    uss-a puts area 1: area 1 @7 60..660 uss-a; tell w s2=2
    uss-a puts area 1: area 1 @8 60..660 uss-a; tell w s3=1
    uss-a deletes area 1: area 1 @8 60..660 uss-a; tell w s3=2
    ");
}

#[test]
fn tells_nobody_whose_subscription_has_ended() {
    let mut scene = Scene::new();
    scene.quietly(B, watch(1, place().during(0, 100)));
    scene.quietly(A, area(1, place()));

    scene.at(100).ask(A, area(2, place()));
    scene.at(101).ask(A, area(3, place()));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts area 2: area 2 @3 60..660 uss-a; tell w s1=2
    uss-a puts area 3: area 3 @4 60..660 uss-a
    ");
}

#[test]
fn groups_whom_it_tells_by_url_in_order() {
    let mut scene = Scene::new();
    for (id, url) in [(4, "b"), (3, "a"), (2, "b"), (1, "c")] {
        let mut put = watch(id, place());
        put.uss_base_url = crate::asks::url(url);
        scene.quietly(B, put);
    }

    scene.ask(A, area(1, place()));

    insta::assert_snapshot!(
        scene.transcript(),
        @"uss-a puts area 1: area 1 @5 60..660 uss-a; tell a s3=1; tell b s2=1 s4=1; tell c s1=1"
    );
}

#[test]
fn shares_no_id_with_operational_intents() {
    let mut scene = Scene::new();

    scene.ask(A, intent(1, place()));
    scene.ask(B, area(1, place()));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts 1: 1 v1 Accepted r1 60..660 100..200m none uss-a Unknown
    uss-b puts area 1: area 1 @1 60..660 uss-b
    ");
}

#[test]
fn refuses_before_it_changes_anything() {
    let mut scene = Scene::new();
    scene.quietly(A, area(1, place()));
    scene.quietly(B, watch(1, place()));
    let version = scene.area_version(1);
    let before = scene.state.counts();

    scene.decide_unchecked(B, delete_area(1, version)).expect_err("it is another's");
    scene.decide_unchecked(B, change_area(1, version, place())).expect_err("it is another's");
    scene.decide_unchecked(A, area(1, place().cells(&[2]))).expect_err("it exists");

    assert_eq!(scene.state.counts(), before);
    assert_eq!(scene.area_version(1), version);
    scene.look_at_watches(B, &place().footprint());
    insta::assert_snapshot!(scene.transcript(), @"uss-b has s1 @2 60..660 index 0 uss-b");
}
