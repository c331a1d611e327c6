//! What ended long ago (airspace-rules section 2 on ended entities).

use airspace::{EXPIRIES_PER_ENTRY_MAX, Settings};

use crate::asks::{
    A, B, Intent, constraint, delete, entity, existing, implicit, intent, party, place, random_ovn,
    resubscribe, sub, subscription, time, unsubscribe,
};
use crate::scene::Scene;

/// 24 hours after the end of [`place`].
const GONE: i64 = 660 + 86_400;

/// Lets the clock move without any other effect.
fn tick(scene: &mut Scene) {
    scene.decide_unchecked(B, delete(255, &random_ovn(255))).expect_err("there is none");
}

#[test]
fn keeps_what_has_ended_for_a_day() {
    let mut scene = Scene::new();
    scene.quietly(A, intent(1, place()).with(implicit(9)));
    scene.quietly(A, constraint(2, place()));
    scene.quietly(A, subscription(3, place()));

    scene.at(GONE - 1).note("a second before");
    tick(&mut scene);
    let counts = scene.state.counts();
    assert_eq!((counts.operational_intents, counts.constraints, counts.subscriptions), (1, 1, 2));
    scene.ask(A, intent(1, place().during(0, 90_000)).over(&random_ovn(1)));
    scene.at(GONE).note("a day after");
    tick(&mut scene);

    let counts = scene.state.counts();
    assert_eq!((counts.operational_intents, counts.constraints, counts.subscriptions), (1, 0, 0));
    insta::assert_snapshot!(scene.transcript(), @"
    a second before
    uss-a puts 1: 1 v2 Accepted r1 0..90000 100..200m none uss-a Unknown; tell s s3=1
    a day after
    ");
}

#[test]
fn treats_what_is_gone_as_unknown() {
    let mut scene = Scene::new();
    scene.quietly(A, intent(1, place()).with(implicit(9)));
    scene.quietly(A, subscription(3, place()));
    scene.quietly(A, constraint(2, place()));
    let version = scene.version(3);

    scene.at(GONE);
    scene.ask(A, delete(1, &random_ovn(1)));
    scene.ask(A, airspace::constraint::Delete { id: entity(2), ovn: random_ovn(2) });
    scene.ask(A, unsubscribe(3, &version));
    scene.ask(A, unsubscribe(9, &version));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a deletes 1: NotFound
    uss-a deletes constraint 2: NotFound
    uss-a unsubscribes s3: NotFound
    uss-a unsubscribes s9: NotFound
    ");
}

#[test]
fn hides_from_a_reader_whose_clock_is_ahead() {
    let mut scene = Scene::new();
    scene.quietly(A, intent(1, place()).with(implicit(9)));
    scene.quietly(A, constraint(2, place()));
    scene.quietly(A, subscription(3, place()));
    let mut any_time = place().search();
    (any_time.starts_at, any_time.ends_at) = (None, None);
    let state = &scene.state;
    let reader = party(A);

    for (now, seen) in [(time(GONE - 1), true), (time(GONE), false)] {
        assert_eq!(state.find_operational_intent(now, &reader, entity(1)).is_some(), seen);
        assert_eq!(state.find_constraint(now, &reader, entity(2)).is_some(), seen);
        assert_eq!(state.find_subscription(now, sub(3)).is_some(), seen);
        assert_eq!(state.find_subscription(now, sub(9)).is_some(), seen);
        let intents = state.search_operational_intents(now, &reader, &any_time).expect("few");
        assert_eq!(!intents.is_empty(), seen);
        let constraints = state.search_constraints(now, &reader, &any_time).expect("few");
        assert_eq!(!constraints.is_empty(), seen);
    }
}

#[test]
fn keeps_a_subscription_until_its_last_dependent_goes() {
    let mut scene = Scene::new();
    scene.quietly(A, subscription(3, place()));
    scene.quietly(A, intent(1, place()).with(existing(3)));
    let update = resubscribe(3, &scene.version(3), place().during(60, 800));
    scene.at(300).quietly(A, update);
    scene.quietly(A, intent(2, place().during(700, 800)).with(existing(3)));

    scene.at(800 + 86_399);
    tick(&mut scene);
    let (_, view) = scene.state.find_subscription(scene.now(), sub(3)).expect("it is there");
    assert_eq!(view.dependent_operational_intents, [entity(2)]);

    scene.at(800 + 86_400);
    tick(&mut scene);
    assert_eq!(scene.state.counts().subscriptions, 0);
}

#[test]
fn keeps_an_ended_subscription_while_a_later_dependent_names_it() {
    let mut scene = Scene::new();
    scene.quietly(A, intent(1, place()).with(implicit(9)));
    scene.quietly(A, intent(2, place().cells(&[2]).during(0, 5_000)).with(existing(9)));

    scene.at(GONE);
    tick(&mut scene);
    scene.note("the first is gone, the subscription has the other").look(A, &place().search());
    let (_, view) = scene.state.find_subscription(scene.now(), sub(9)).expect("it is there");
    assert_eq!(view.dependent_operational_intents, [entity(2)]);

    scene.at(5_000 + 86_400);
    tick(&mut scene);
    assert_eq!(scene.state.counts().subscriptions, 0);
    insta::assert_snapshot!(
        scene.transcript(),
        @"the first is gone, the subscription has the other"
    );
}

#[test]
fn removes_so_many_an_entry_and_hides_the_rest() {
    let mut scene = Scene::new();
    scene.fill(A, 2 * EXPIRIES_PER_ENTRY_MAX + 1);
    let mut any_time = place().search();
    (any_time.starts_at, any_time.ends_at) = (None, None);

    for left in [EXPIRIES_PER_ENTRY_MAX + 1, 1, 0] {
        scene.at(200_000);
        tick(&mut scene);
        assert_eq!(scene.state.counts().operational_intents, left);
        let found = scene.state.search_operational_intents(scene.now(), &party(A), &any_time);
        assert_eq!(found, Ok(vec![]));
    }
}

#[test]
fn creates_anew_what_is_gone_but_not_yet_removed() {
    let mut scene = Scene::new();
    scene.quietly(A, intent(250, place()).with(implicit(251)));
    scene.quietly(A, constraint(252, place()));
    scene.quietly(A, subscription(253, place()));
    scene.fill(A, 3 * EXPIRIES_PER_ENTRY_MAX);
    let later = place().during(200_000, 201_000);

    scene.at(200_000);
    scene.ask(B, intent(250, later.clone()).with(implicit(251)));
    scene.ask(B, constraint(252, later.clone()));
    scene.ask(B, subscription(253, later));
    assert_eq!(scene.state.counts().operational_intents, 1);

    insta::assert_snapshot!(scene.transcript(), @"
    uss-b puts 250: 250 v1 Accepted r250 200000..201000 100..200m s251 uss-b Unknown; tell s s251=1
    uss-b puts constraint 252: constraint 252 v1 r252 200000..201000 uss-b Unknown
    uss-b subscribes s253: s253 @2 200000..201000 OperationalIntents index 0; intents [250]
    ");
}

#[test]
fn keeps_as_long_as_the_operator_sets() {
    let mut scene = Scene::new();
    scene.quietly(A, intent(1, place()));
    scene.quietly(A, intent(2, place().cells(&[2]).during(0, 50_000)));

    scene.ask("hub", Settings { f3548_retention_s: 3_600 });
    assert_eq!(scene.state.settings(), Settings { f3548_retention_s: 3_600 });
    scene.at(660 + 3_600);
    tick(&mut scene);
    assert_eq!(scene.state.counts().operational_intents, 1);

    scene.note("what was gone stays gone when more is kept");
    scene.ask("hub", Settings { f3548_retention_s: 1_000_000 });
    scene.ask(A, delete(1, &random_ovn(1)));
    scene.at(900_000).ask(A, delete(2, &random_ovn(2)));

    insta::assert_snapshot!(scene.transcript(), @"
    hub sets: Settings { f3548_retention_s: 3600 }
    what was gone stays gone when more is kept
    hub sets: Settings { f3548_retention_s: 1000000 }
    uss-a deletes 1: NotFound
    uss-a deletes 2: 2 v1 Accepted r2 0..50000 100..200m none uss-a Unknown
    ");
}

#[test]
fn bumps_no_index_and_tells_nobody() {
    let mut scene = Scene::new();
    scene.quietly(B, subscription(9, place().during(60, 86_460)));
    scene.quietly(A, intent(1, place()));

    scene.at(GONE);
    tick(&mut scene);

    let (_, view) = scene.state.find_subscription(scene.now(), sub(9)).expect("it is there");
    assert_eq!(view.notification_index, 1);
}
