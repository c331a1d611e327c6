//! What F3411 shares and that ended (airspace-rules section 2 on ended entities).

use airspace::{EXPIRIES_PER_ENTRY_MAX, EntityId, F3411Settings, Settings};

use crate::asks::{
    A, B, area, change_area, delete, delete_area, entity, intent, place, random_ovn, rewatch, sub,
    unwatch, watch,
};
use crate::scene::Scene;

/// 30 minutes after the end of [`place`].
const GONE: i64 = 660 + 1_800;

/// Lets the clock move without any other effect.
fn tick(scene: &mut Scene) {
    scene.decide_unchecked(B, delete(255, &random_ovn(255))).expect_err("there is none");
}

#[test]
fn keeps_what_has_ended_for_half_an_hour() {
    let mut scene = Scene::new();
    scene.quietly(A, area(1, place()));
    scene.quietly(A, watch(2, place()));
    scene.quietly(A, intent(3, place()));
    let is_found = |scene: &Scene| {
        let area = scene.state.find_identification_service_area(scene.now(), entity(1));
        let watch = scene.state.find_remote_id_subscription(scene.now(), sub(2));
        (area.is_some(), watch.is_some())
    };

    scene.at(GONE - 1);
    tick(&mut scene);
    assert_eq!(is_found(&scene), (true, true));
    assert_eq!(scene.state.counts().parties, 1);

    scene.at(GONE);
    assert_eq!(is_found(&scene), (false, false), "a read knows before the next entry does");
    tick(&mut scene);
    let counts = scene.state.counts();
    assert_eq!((counts.identification_service_areas, counts.remote_id_subscriptions), (0, 0));
    assert_eq!(counts.operational_intents, 1, "what F3548-21 shares is kept longer");
    scene.state.check().expect("indices follow the tables");
}

#[test]
fn extends_and_deletes_what_has_ended() {
    let mut scene = Scene::new();
    for id in [1, 2] {
        scene.quietly(A, area(id, place()));
        scene.quietly(A, watch(id, place()));
    }
    let areas = [scene.area_version(1), scene.area_version(2)];
    let watches = [scene.watch_version(1), scene.watch_version(2)];

    scene.at(GONE - 1);
    scene.ask(A, change_area(1, areas[0], place().during(GONE, GONE + 60)));
    scene.ask(A, delete_area(2, areas[1]));
    scene.ask(A, rewatch(1, watches[0], place().during(GONE, GONE + 60)));
    scene.ask(A, unwatch(2, watches[1]));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts area 1: area 1 @5 2460..2520 uss-a
    uss-a deletes area 2: area 2 @3 60..660 uss-a
    uss-a watches s1: s1 @6 2460..2520 index 0 uss-a; areas [1]
    uss-a unwatches s2: s2 @4 60..660 index 0 uss-a
    ");
}

#[test]
fn tells_of_the_deletion_of_what_has_ended() {
    let mut scene = Scene::new();
    scene.quietly(A, area(1, place()));
    scene.quietly(B, watch(2, place().during(0, 10_000)));
    let version = scene.area_version(1);

    scene.at(GONE - 1).ask(A, delete_area(1, version));

    insta::assert_snapshot!(
        scene.transcript(),
        @"uss-a deletes area 1: area 1 @1 60..660 uss-a; tell w s2=1"
    );
}

#[test]
fn knows_nothing_of_what_is_gone() {
    let mut scene = Scene::new();
    scene.quietly(A, area(1, place()));
    scene.quietly(A, watch(1, place()));
    let (area_version, watch_version) = (scene.area_version(1), scene.watch_version(1));

    scene.at(GONE);
    scene.ask(A, change_area(1, area_version, place().during(GONE, GONE + 60)));
    scene.ask(A, delete_area(1, area_version));
    scene.ask(A, rewatch(1, watch_version, place().during(GONE, GONE + 60)));
    scene.ask(A, unwatch(1, watch_version));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts area 1: NotFound
    uss-a deletes area 1: NotFound
    uss-a watches s1: NotFound
    uss-a unwatches s1: NotFound
    ");
}

#[test]
fn bumps_no_index_when_an_area_goes() {
    let mut scene = Scene::new();
    scene.quietly(B, watch(9, place().during(0, 10_000)));
    scene.quietly(A, area(1, place()));

    scene.at(GONE);
    tick(&mut scene);

    let view = scene.state.find_remote_id_subscription(scene.now(), sub(9)).expect("it is there");
    assert_eq!(view.notification_index, 1);
}

#[test]
fn removes_so_many_an_entry_of_all_kinds_together() {
    let mut scene = Scene::new();
    scene.quietly(A, F3411Settings { retention_s: 86_400 });
    scene.fill(A, 1);
    let mut put = area(0, place().during(0, 60));
    for number in 1..=EXPIRIES_PER_ENTRY_MAX as u128 {
        put.id = EntityId::from_random_bytes((number << 8).to_be_bytes());
        scene.decide_unchecked(A, put.clone()).expect("it is new");
    }
    scene.quietly(A, watch(1, place().during(0, 60)));
    let left = |scene: &Scene| {
        let counts = scene.state.counts();
        (
            counts.operational_intents,
            counts.identification_service_areas,
            counts.remote_id_subscriptions,
        )
    };

    scene.at(200_000);
    tick(&mut scene);
    assert_eq!(left(&scene), (0, 1, 1));
    scene.look_at_areas(&place().during(0, 300_000).footprint());
    tick(&mut scene);

    assert_eq!(left(&scene), (0, 0, 0));
    insta::assert_snapshot!(scene.transcript(), @"");
}

#[test]
fn creates_anew_what_is_gone_but_not_yet_removed() {
    let mut scene = Scene::new();
    scene.quietly(A, F3411Settings { retention_s: 86_400 });
    scene.fill(A, 3 * EXPIRIES_PER_ENTRY_MAX);
    scene.quietly(A, area(1, place()));
    scene.quietly(A, watch(2, place()));
    let later = place().during(200_000, 201_000);

    scene.at(200_000);
    scene.ask(B, area(1, later.clone()));
    scene.ask(B, watch(2, later));
    assert_eq!(scene.state.counts().identification_service_areas, 1);

    insta::assert_snapshot!(scene.transcript(), @"
    uss-b puts area 1: area 1 @3 200000..201000 uss-b
    uss-b watches s2: s2 @4 200000..201000 index 0 uss-b; areas [1]
    ");
}

#[test]
fn keeps_as_long_as_the_operator_sets() {
    let mut scene = Scene::new();
    assert_eq!(scene.state.f3411_settings(), F3411Settings { retention_s: 1_800 });
    scene.quietly(A, area(1, place()));
    scene.quietly(A, area(2, place().during(0, 5_000)));

    scene.ask("hub", F3411Settings { retention_s: 60 });
    assert_eq!(scene.state.f3411_settings(), F3411Settings { retention_s: 60 });
    assert_eq!(scene.state.settings(), Settings { f3548_retention_s: 86_400 });
    scene.at(660 + 60);
    tick(&mut scene);
    assert_eq!(scene.state.counts().identification_service_areas, 1);

    scene.note("what was gone stays gone when more is kept");
    scene.ask("hub", F3411Settings { retention_s: 1_000_000 });
    scene.ask(A, delete_area(1, crate::asks::no_version()));
    let version = scene.area_version(2);
    scene.at(900_000).ask(A, delete_area(2, version));

    insta::assert_snapshot!(scene.transcript(), @"
    hub sets: F3411Settings { retention_s: 60 }
    what was gone stays gone when more is kept
    hub sets: F3411Settings { retention_s: 1000000 }
    uss-a deletes area 1: NotFound
    uss-a deletes area 2: area 2 @2 0..5000 uss-a
    ");
}
