//! Subscriptions of operational intents (airspace-rules 1.3.9).

use airspace::operational_intent::SubscriptionChoice;

use crate::asks::{
    A, B, Intent, delete, existing, implicit, implicit_for_constraints, intent, place, random_ovn,
    resubscribe, subscription, unsubscribe,
};
use crate::scene::Scene;

#[test]
fn needs_no_subscription() {
    let mut scene = Scene::new();

    scene.ask(A, intent(1, place()));

    insta::assert_snapshot!(
        scene.transcript(),
        @"uss-a puts 1: 1 v1 Accepted r1 60..660 100..200m none uss-a Unknown"
    );
}

#[test]
fn refuses_an_unknown_or_foreign_subscription() {
    let mut scene = Scene::new();
    scene.quietly(B, subscription(9, place()));

    scene.ask(A, intent(1, place()).with(existing(8)));
    scene.ask(A, intent(1, place()).with(existing(9)));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts 1: SubscriptionNotFound
    uss-a puts 1: SubscriptionNotManager
    ");
}

#[test]
fn wants_an_explicit_subscription_to_cover_time_and_cells() {
    let mut scene = Scene::new();
    scene.quietly(A, subscription(9, place().cells(&[1, 2]).meters(0, 1)));

    scene.note("too early, too late, elsewhere, elsewhere and too early, within");
    scene.ask(A, intent(1, place().during(59, 600)).with(existing(9)));
    scene.ask(A, intent(1, place().during(60, 661)).with(existing(9)));
    scene.ask(A, intent(1, place().cells(&[2, 3])).with(existing(9)));
    scene.ask(A, intent(1, place().cells(&[2, 3]).during(59, 600)).with(existing(9)));
    scene.ask(A, intent(1, place().cells(&[1, 2])).with(existing(9)));

    insta::assert_snapshot!(scene.transcript(), @"
    too early, too late, elsewhere, elsewhere and too early, within
    uss-a puts 1: SubscriptionTimeTooSmall
    uss-a puts 1: SubscriptionTimeTooSmall
    uss-a puts 1: SubscriptionAreaTooSmall
    uss-a puts 1: SubscriptionTimeTooSmall
    uss-a puts 1: 1 v1 Accepted r1 60..660 100..200m s9 uss-a Unknown; tell s s9=1
    ");
}

#[test]
fn takes_a_subscription_to_constraints_alone() {
    let mut scene = Scene::new();
    let mut put = subscription(9, place());
    put.notify_for = airspace::subscription::NotifyFor::Constraints;
    scene.quietly(A, put);

    scene.ask(A, intent(1, place()).with(existing(9)));

    insta::assert_snapshot!(
        scene.transcript(),
        @"uss-a puts 1: 1 v1 Accepted r1 60..660 100..200m s9 uss-a Unknown"
    );
}

#[test]
fn lets_an_implicit_subscription_grow_and_never_shrink() {
    let mut scene = Scene::new();
    scene.ask(A, intent(1, place()).with(implicit(9)));

    scene.note("earlier, later and wider");
    let wide = place().cells(&[2, 3]).during(30, 900);
    scene.ask(A, intent(1, wide.clone()).with(existing(9)).bits(2).over(&random_ovn(1)));
    scene.look(A, &place().search());
    scene.note("within");
    let narrow = place().cells(&[2]).during(100, 200);
    scene.ask(A, intent(1, narrow).with(existing(9)).bits(3).over(&random_ovn(2)));
    scene.look(A, &place().search());
    scene.note("another may use it, and lets it grow too");
    scene.ask(A, intent(4, place().cells(&[4]).during(60, 100_000)).with(existing(9)));
    scene.look(A, &place().search());

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts 1: 1 v1 Accepted r1 60..660 100..200m s9 uss-a Unknown; tell s s9=1
    earlier, later and wider
    uss-a puts 1: 1 v2 Accepted r2 30..900 100..200m s9 uss-a Unknown; tell s s9=2
      uss-a sees s9 @1 30..900 OperationalIntents index 2 implicit <-1
    within
    uss-a puts 1: 1 v3 Accepted r3 100..200 100..200m s9 uss-a Unknown; tell s s9=3
      uss-a sees s9 @1 30..900 OperationalIntents index 3 implicit <-1
    another may use it, and lets it grow too
    uss-a puts 4: 4 v1 Accepted r4 60..100000 100..200m s9 uss-a Unknown; tell s s9=4
      uss-a sees s9 @2 30..100000 OperationalIntents index 4 implicit <-1 <-4
    ");
}

#[test]
fn gives_an_implicit_subscription_any_duration() {
    let mut scene = Scene::new();

    scene.ask(A, intent(1, place().during(0, 400_000)).with(implicit(9)));
    scene.look(A, &place().search());

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts 1: 1 v1 Accepted r1 0..400000 100..200m s9 uss-a Unknown; tell s s9=1
      uss-a sees 1 v1 Accepted r1 0..400000 100..200m s9 uss-a Unknown
      uss-a sees s9 @1 0..400000 OperationalIntents index 1 implicit <-1
    ");
}

#[test]
fn notifies_of_constraints_as_the_implicit_subscription_was_asked() {
    let mut scene = Scene::new();

    scene.quietly(A, intent(1, place()).with(implicit(8)));
    scene.quietly(A, intent(2, place()).key(&[1]).with(implicit_for_constraints(9)));
    scene.look(A, &place().search());

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a sees 1 v1 Accepted r1 60..660 100..200m s8 uss-a Unknown
    uss-a sees 2 v1 Accepted r2 60..660 100..200m s9 uss-a Unknown
    uss-a sees s8 @1 60..660 OperationalIntents index 2 implicit <-1
    uss-a sees s9 @2 60..660 Both index 1 implicit <-2
    ");
}

#[test]
fn refuses_a_drawn_id_that_is_taken() {
    let mut scene = Scene::new();
    scene.quietly(B, subscription(9, place()));

    scene.ask(A, intent(1, place()).with(implicit(9)));

    insta::assert_snapshot!(scene.transcript(), @"uss-a puts 1: SubscriptionIdTaken");
}

#[test]
fn replaces_an_implicit_subscription_by_a_new_one() {
    let mut scene = Scene::new();
    scene.ask(A, intent(1, place()).with(implicit(8)));

    scene.note("the old one is gone before anybody is told");
    scene.ask(A, intent(1, place()).with(implicit(9)).bits(2).over(&random_ovn(1)));
    scene.look(A, &place().search());

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts 1: 1 v1 Accepted r1 60..660 100..200m s8 uss-a Unknown; tell s s8=1
    the old one is gone before anybody is told
    uss-a puts 1: 1 v2 Accepted r2 60..660 100..200m s9 uss-a Unknown; tell s s9=1
      uss-a sees 1 v2 Accepted r2 60..660 100..200m s9 uss-a Unknown
      uss-a sees s9 @1 60..660 OperationalIntents index 1 implicit <-1
    ");
}

#[test]
fn keeps_an_implicit_subscription_that_another_names() {
    let mut scene = Scene::new();
    scene.quietly(A, intent(1, place()).with(implicit(9)));
    scene.quietly(A, intent(2, place().cells(&[2])).with(existing(9)));

    scene.ask(A, intent(1, place()).with(implicit(8)).bits(3).over(&random_ovn(1)));
    scene.look(A, &place().search());
    scene.ask(A, delete(2, &random_ovn(2)));
    scene.look(A, &place().search());

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts 1: 1 v2 Accepted r3 60..660 100..200m s8 uss-a Unknown; tell s s8=1 s9=3
      uss-a sees 1 v2 Accepted r3 60..660 100..200m s8 uss-a Unknown
      uss-a sees s8 @1 60..660 OperationalIntents index 1 implicit <-1
      uss-a sees s9 @2 60..660 OperationalIntents index 3 implicit <-2
    uss-a deletes 2: 2 v1 Accepted r2 60..660 100..200m s9 uss-a Unknown; tell s s9=4
      uss-a sees 1 v2 Accepted r3 60..660 100..200m s8 uss-a Unknown
      uss-a sees s8 @1 60..660 OperationalIntents index 1 implicit <-1
    ");
}

#[test]
fn detaches_when_none_is_named() {
    let mut scene = Scene::new();
    scene.quietly(A, subscription(8, place()));
    scene.quietly(A, intent(1, place()).with(implicit(9)));
    scene.quietly(A, intent(2, place()).key(&[1]).with(existing(8)));

    scene.note("an implicit one goes, an explicit one stays");
    scene.ask(A, intent(1, place()).key(&[2]).bits(3).over(&random_ovn(1)));
    scene.ask(A, intent(2, place()).key(&[3]).bits(4).over(&random_ovn(2)));
    scene.look(A, &place().search());

    insta::assert_snapshot!(scene.transcript(), @"
    an implicit one goes, an explicit one stays
    uss-a puts 1: 1 v2 Accepted r3 60..660 100..200m none uss-a Unknown; tell s s8=3
    uss-a puts 2: 2 v2 Accepted r4 60..660 100..200m none uss-a Unknown; tell s s8=4
      uss-a sees 1 v2 Accepted r3 60..660 100..200m none uss-a Unknown
      uss-a sees 2 v2 Accepted r4 60..660 100..200m none uss-a Unknown
      uss-a sees s8 @1 60..660 OperationalIntents index 4
    ");
}

#[test]
fn moves_from_an_implicit_to_an_explicit_one() {
    let mut scene = Scene::new();
    scene.quietly(A, subscription(8, place()));
    scene.quietly(A, intent(1, place()).with(implicit(9)));

    scene.ask(A, intent(1, place()).with(existing(8)).bits(2).over(&random_ovn(1)));
    scene.look(A, &place().search());

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts 1: 1 v2 Accepted r2 60..660 100..200m s8 uss-a Unknown; tell s s8=2
      uss-a sees 1 v2 Accepted r2 60..660 100..200m s8 uss-a Unknown
      uss-a sees s8 @1 60..660 OperationalIntents index 2 <-1
    ");
}

#[test]
fn deletes_the_implicit_subscription_with_its_operational_intent_after_telling_it() {
    let mut scene = Scene::new();
    scene.quietly(A, intent(1, place()).with(implicit(9)));

    scene.ask(A, delete(1, &random_ovn(1)));
    scene.look(A, &place().search());

    insta::assert_snapshot!(
        scene.transcript(),
        @"uss-a deletes 1: 1 v1 Accepted r1 60..660 100..200m s9 uss-a Unknown; tell s s9=2"
    );
}

#[test]
fn keeps_an_explicit_subscription_that_was_implicit() {
    let mut scene = Scene::new();
    scene.ask(A, intent(1, place()).with(implicit(9)));

    scene.note("putting it makes it explicit, its index stays");
    scene.ask(A, resubscribe(9, &scene.version(9), place()));
    scene.ask(A, delete(1, &random_ovn(1)));
    scene.look(A, &place().search());
    scene.ask(A, unsubscribe(9, &scene.version(9)));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts 1: 1 v1 Accepted r1 60..660 100..200m s9 uss-a Unknown; tell s s9=1
    putting it makes it explicit, its index stays
    uss-a subscribes s9: s9 @1 60..660 OperationalIntents index 1 <-1; intents [1]
    uss-a deletes 1: 1 v1 Accepted r1 60..660 100..200m s9 uss-a Unknown; tell s s9=2
      uss-a sees s9 @1 60..660 OperationalIntents index 2
    uss-a unsubscribes s9: s9 @1 60..660 OperationalIntents index 2
    ");
}

#[test]
fn checks_the_subscription_before_the_key() {
    let mut scene = Scene::new();
    scene.quietly(B, intent(1, place()));

    scene.ask(A, intent(2, place()).with(existing(9)));
    scene.ask(A, intent(2, place()).with(SubscriptionChoice::None));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts 2: SubscriptionNotFound
    uss-a puts 2: missing 1(hidden)
    ");
}

#[test]
fn lets_so_many_name_one_subscription() {
    let mut scene = Scene::new();
    scene.quietly(A, subscription(9, place().during(0, 660)));
    scene.quietly(A, subscription(8, place().cells(&[2])));
    scene.fill_with(A, airspace::DEPENDENTS_PER_SUBSCRIPTION_MAX, &existing(9));
    let (now, owner) = (scene.now(), crate::asks::party(A));

    let more = intent(1, place().during(10, 600)).with(existing(9));
    let refused = scene.decide_unchecked(A, more.clone());
    assert_eq!(refused, Err(airspace::operational_intent::Refusal::TooMany.into()));
    let found = scene.state.search_subscriptions(now, &owner, &place().search()).expect("one");
    let dependents = found[0].dependent_operational_intents.len();
    assert_eq!(dependents, airspace::DEPENDENTS_PER_SUBSCRIPTION_MAX);

    let mut again = intent(200, place().during(0, 60)).with(existing(9));
    again.id = found[0].dependent_operational_intents[0];
    again.extent.altitude_lower = Some(spacetime::Altitude::from_millimeters(0));
    again.extent.altitude_upper = again.extent.altitude_lower;
    scene.decide_unchecked(A, again.over(&random_ovn(200))).expect("it names it already");

    let elsewhere = intent(1, place().cells(&[2])).with(existing(8));
    scene.decide_unchecked(A, elsewhere.clone()).expect("it is in another cell");
    let both = place().cells(&[1, 2]).search();
    let found = scene.state.search_subscriptions(now, &owner, &both);
    assert_eq!(found, Err(airspace::TooManyFound));
}
