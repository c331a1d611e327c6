//! Subscriptions to identification service areas (airspace-rules 1.6).

use airspace::remote_id_subscription::{Put, Refusal, SUBSCRIPTIONS_PER_CELL_MAX};
use airspace::{ENTITIES_PER_SEARCH_MAX, EntityId};

use crate::asks::{
    A, B, area, no_version, place, rewatch, sub, subscription, time, unwatch, watch,
};
use crate::scene::Scene;

/// Leaves start, end or both to the rules.
fn without(mut put: Put, start: bool, end: bool) -> Put {
    put.footprint.starts_at = put.footprint.starts_at.filter(|_| !start);
    put.footprint.ends_at = put.footprint.ends_at.filter(|_| !end);
    put
}

/// Lets a party have as many subscriptions in cell 1 as it may, with ids from 1.
fn fill(scene: &mut Scene, party: &str) {
    for id in 1..=SUBSCRIPTIONS_PER_CELL_MAX {
        scene.quietly(party, watch(u8::try_from(id).expect("few"), place()));
    }
}

#[test]
fn fills_in_start_and_end() {
    let mut scene = Scene::new();

    scene.note("created: from now, for 24 hours");
    scene.ask(A, without(watch(1, place()), true, true));
    scene.ask(A, without(watch(2, place()), false, true));
    scene.ask(A, without(watch(3, place()), true, false));
    scene.note("updated: as it was");
    scene.at(30);
    for id in [1, 2, 3] {
        let version = scene.watch_version(id);
        scene.ask(A, without(rewatch(id, version, place()), true, true));
    }

    insta::assert_snapshot!(scene.transcript(), @"
    created: from now, for 24 hours
    uss-a watches s1: s1 @1 0..86400 index 0 uss-a; areas []
    uss-a watches s2: s2 @2 60..86460 index 0 uss-a; areas []
    uss-a watches s3: s3 @3 2us..660 index 0 uss-a; areas []
    updated: as it was
    uss-a watches s1: s1 @4 0..86400 index 0 uss-a; areas []
    uss-a watches s2: s2 @5 60..86460 index 0 uss-a; areas []
    uss-a watches s3: s3 @6 2us..660 index 0 uss-a; areas []
    ");
}

#[test]
fn refuses_times_that_cannot_be() {
    let mut scene = Scene::new();

    scene.note("a start more than 5 minutes ago");
    scene.at(0).ask(A, watch(1, place().during(-300, 60)));
    scene.at(1).ask(A, watch(2, place().during(-300, 60)));
    scene.note("an end at or before the start");
    scene.ask(A, watch(3, place().during(60, 60)));
    scene.ask(A, watch(3, place().during(60, 59)));
    scene.note("more than 24 hours");
    scene.ask(A, watch(4, place().during(60, 86_460)));
    scene.ask(A, watch(5, place().during(60, 86_461)));
    scene.note("an end in the past is an end");
    scene.at(100).ask(A, watch(6, place().during(-100, 99)));

    insta::assert_snapshot!(scene.transcript(), @"
    a start more than 5 minutes ago
    uss-a watches s1: s1 @1 -300..60 index 0 uss-a; areas []
    uss-a watches s2: StartsInPast
    an end at or before the start
    uss-a watches s3: EndsBeforeStart
    uss-a watches s3: EndsBeforeStart
    more than 24 hours
    uss-a watches s4: s4 @2 60..86460 index 0 uss-a; areas []
    uss-a watches s5: TooLong
    an end in the past is an end
    uss-a watches s6: s6 @3 -100..99 index 0 uss-a; areas []
    ");
}

#[test]
fn looks_at_times_before_the_id_that_exists() {
    let mut scene = Scene::new();
    scene.quietly(A, watch(1, place()));

    for party in [B, A] {
        scene.ask(party, watch(1, place().during(60, 60)));
        scene.ask(party, watch(1, place()));
    }

    insta::assert_snapshot!(scene.transcript(), @"
    uss-b watches s1: EndsBeforeStart
    uss-b watches s1: AlreadyExists
    uss-a watches s1: EndsBeforeStart
    uss-a watches s1: AlreadyExists
    ");
}

#[test]
fn answers_the_version_first_then_the_owner_then_the_times() {
    let mut scene = Scene::new();
    scene.quietly(A, watch(1, place()));
    let version = scene.watch_version(1);
    let past = place().during(-400, 60);

    for party in [B, A] {
        scene.ask(party, rewatch(2, version, past.clone()));
        scene.ask(party, rewatch(1, no_version(), past.clone()));
        scene.ask(party, rewatch(1, version, past.clone()));
        scene.ask(party, unwatch(2, version));
        scene.ask(party, unwatch(1, no_version()));
        scene.ask(party, unwatch(1, version));
    }

    insta::assert_snapshot!(scene.transcript(), @"
    uss-b watches s2: NotFound
    uss-b watches s1: VersionMismatch
    uss-b watches s1: NotOwner
    uss-b unwatches s2: NotFound
    uss-b unwatches s1: VersionMismatch
    uss-b unwatches s1: NotOwner
    uss-a watches s2: NotFound
    uss-a watches s1: VersionMismatch
    uss-a watches s1: StartsInPast
    uss-a unwatches s2: NotFound
    uss-a unwatches s1: VersionMismatch
    uss-a unwatches s1: s1 @1 60..660 index 0 uss-a
    ");
}

#[test]
fn counts_anew_from_an_update_and_keeps_the_version_while_it_counts() {
    let mut scene = Scene::new();
    scene.quietly(A, watch(1, place()));
    let version = scene.watch_version(1);

    scene.ask(B, area(1, place()));
    scene.ask(B, area(2, place()));
    assert_eq!(scene.watch_version(1), version);
    scene.ask(A, rewatch(1, version, place()));
    scene.ask(B, area(3, place()));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-b puts area 1: area 1 @2 60..660 uss-b; tell w s1=1
    uss-b puts area 2: area 2 @3 60..660 uss-b; tell w s1=2
    uss-a watches s1: s1 @4 60..660 index 0 uss-a; areas [1 2]
    uss-b puts area 3: area 3 @5 60..660 uss-b; tell w s1=1
    ");
}

#[test]
fn lists_the_areas_in_its_cells_that_have_not_ended() {
    let mut scene = Scene::new();
    scene.quietly(A, area(4, place().cells(&[1, 2]).during(90_000, 100_000)));
    scene.quietly(B, area(3, place().during(0, 100)));
    scene.quietly(B, area(2, place().cells(&[2]).during(0, 99)));
    scene.quietly(B, area(1, place().cells(&[3])));

    scene.note("whatever the times of the subscription");
    scene.at(100).ask(A, watch(1, place().cells(&[1, 2]).during(200, 300)));
    scene.at(101).ask(A, watch(2, place().cells(&[1, 2]).during(200, 300)));

    insta::assert_snapshot!(scene.transcript(), @"
    whatever the times of the subscription
    uss-a watches s1: s1 @5 200..300 index 0 uss-a; areas [3 4]
    uss-a watches s2: s2 @6 200..300 index 0 uss-a; areas [4]
    ");
}

#[test]
fn lets_a_party_have_ten_in_a_cell() {
    let mut scene = Scene::new();
    fill(&mut scene, A);

    scene.note("the eleventh, also with one cell of many, also when it starts later");
    scene.ask(A, watch(11, place()));
    scene.ask(A, watch(11, place().cells(&[0, 1, 2])));
    scene.ask(A, watch(11, place().during(1_000, 2_000)));
    scene.note("another party, another cell");
    scene.ask(B, watch(12, place()));
    scene.ask(A, watch(13, place().cells(&[0, 2])));
    scene.note("an update counts itself, unless it leaves");
    let version = scene.watch_version(10);
    scene.ask(A, rewatch(10, version, place().during(60, 600)));
    scene.ask(A, rewatch(10, version, place().cells(&[2])));
    scene.ask(A, watch(14, place()));

    insta::assert_snapshot!(scene.transcript(), @"
    the eleventh, also with one cell of many, also when it starts later
    uss-a watches s11: TooManyInCell
    uss-a watches s11: TooManyInCell
    uss-a watches s11: TooManyInCell
    another party, another cell
    uss-b watches s12: s12 @11 60..660 index 0 uss-b; areas []
    uss-a watches s13: s13 @12 60..660 index 0 uss-a; areas []
    an update counts itself, unless it leaves
    uss-a watches s10: TooManyInCell
    uss-a watches s10: s10 @13 60..660 index 0 uss-a; areas []
    uss-a watches s14: s14 @14 60..660 index 0 uss-a; areas []
    ");
}

#[test]
fn counts_a_cell_and_not_the_area() {
    let mut scene = Scene::new();
    for id in 1..=20_u8 {
        scene.quietly(A, watch(id, place().cells(&[u64::from(id)])));
    }
    let all: Vec<u64> = (0..40).collect();

    let outcome = scene.decide_unchecked(A, watch(21, place().cells(&all)));

    outcome.expect("one is in each cell");
}

#[test]
fn counts_those_that_have_not_ended() {
    let mut scene = Scene::new();
    fill(&mut scene, A);

    scene.at(660).ask(A, watch(11, place().during(660, 1_000)));
    scene.at(661).ask(A, watch(11, place().during(660, 1_000)));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a watches s11: TooManyInCell
    uss-a watches s11: s11 @11 660..1000 index 0 uss-a; areas []
    ");
}

#[test]
fn says_that_a_cell_is_full_after_all_that_is_wrong_with_the_put() {
    let mut scene = Scene::new();
    fill(&mut scene, A);
    let version = scene.watch_version(1);

    scene.ask(A, watch(1, place()));
    scene.ask(A, watch(11, place().during(60, 60)));
    scene.ask(A, rewatch(1, no_version(), place()));
    scene.ask(A, rewatch(1, version, place().during(60, 60)));
    scene.ask(A, rewatch(1, version, place()));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a watches s1: AlreadyExists
    uss-a watches s11: EndsBeforeStart
    uss-a watches s1: VersionMismatch
    uss-a watches s1: EndsBeforeStart
    uss-a watches s1: TooManyInCell
    ");
}

#[test]
fn lists_only_so_many_areas() {
    let mut scene = Scene::new();
    let mut put = area(0, place());
    for number in 1..=ENTITIES_PER_SEARCH_MAX as u128 {
        put.id = EntityId::from_random_bytes((number << 8).to_be_bytes());
        scene.decide_unchecked(A, put.clone()).expect("it is new");
    }
    let found = scene.state.search_identification_service_areas(scene.now(), &place().footprint());
    assert_eq!(found.expect("as many as there may be").len(), ENTITIES_PER_SEARCH_MAX);
    scene.decide_unchecked(B, watch(1, place())).expect("as many as there may be");

    scene.decide_unchecked(A, area(0, place().cells(&[1, 2]))).expect("it is new");

    let found = scene.state.search_identification_service_areas(scene.now(), &place().footprint());
    assert_eq!(found, Err(airspace::TooManyFound));
    let refused = scene.decide_unchecked(B, watch(2, place()));
    assert_eq!(refused, Err(Refusal::TooManyFound.into()));
    assert_eq!(scene.state.counts().remote_id_subscriptions, 1);
    scene.decide_unchecked(B, watch(2, place().cells(&[2]))).expect("one is there");
}

#[test]
fn is_found_by_its_owner_in_its_cells_until_it_ends() {
    let mut scene = Scene::new();
    scene.quietly(A, watch(2, place().cells(&[1, 2])));
    scene.quietly(A, watch(1, place().cells(&[2]).during(50_000, 60_000)));
    scene.quietly(B, watch(3, place()));

    scene.look_at_watches(A, &place().cells(&[1, 2, 3]).footprint());
    scene.look_at_watches(A, &place().footprint());
    scene.note("at its end, and after");
    scene.at(660).look_at_watches(A, &place().footprint());
    scene.at(661).look_at_watches(A, &place().footprint());

    let view = scene.state.find_remote_id_subscription(scene.now(), sub(2));
    assert_eq!(view.expect("by its id it is found").ends_at, time(660));
    insta::assert_snapshot!(scene.transcript(), @"
      uss-a has s1 @2 50000..60000 index 0 uss-a
      uss-a has s2 @1 60..660 index 0 uss-a
      uss-a has s2 @1 60..660 index 0 uss-a
    at its end, and after
      uss-a has s2 @1 60..660 index 0 uss-a
    ");
}

#[test]
fn shares_no_id_with_subscriptions_of_f3548() {
    let mut scene = Scene::new();

    scene.ask(A, subscription(1, place()));
    scene.ask(B, watch(1, place()));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a subscribes s1: s1 @1 60..660 OperationalIntents index 0; intents []
    uss-b watches s1: s1 @2 60..660 index 0 uss-b; areas []
    ");
}
