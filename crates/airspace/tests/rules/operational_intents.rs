//! Creating, updating and deleting operational intents (airspace-rules 1.3).

use airspace::operational_intent::OperationalIntentState::{
    Accepted, Activated, Contingent, Nonconforming,
};

use crate::asks::{
    A, B, Intent, delete, entity, existing, implicit, intent, party, place, random_ovn, time,
};
use crate::scene::Scene;

#[test]
fn creates_updates_and_deletes() {
    let mut scene = Scene::new();

    scene.ask(A, intent(1, place()).with(implicit(9)));
    let update = intent(1, place().during(90, 600)).state(Activated).with(existing(9)).bits(2);
    scene.ask(A, update.over(&random_ovn(1)));
    scene.look(A, &place().search()).look(B, &place().search());
    scene.ask(A, delete(1, &random_ovn(2)));
    scene.look(A, &place().search());

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts 1: 1 v1 Accepted r1 60..660 100..200m s9 uss-a Unknown; tell s s9=1
    uss-a puts 1: 1 v2 Activated r2 90..600 100..200m s9 uss-a Unknown; tell s s9=2
      uss-a sees 1 v2 Activated r2 90..600 100..200m s9 uss-a Unknown
      uss-a sees s9 @1 60..660 OperationalIntents index 2 implicit <-1
      uss-b sees 1 v2 Activated hidden 90..600 100..200m s9 uss-a Unknown
    uss-a deletes 1: 1 v2 Activated r2 90..600 100..200m s9 uss-a Unknown; tell s s9=3
    ");
}

#[test]
fn answers_the_manager_first_then_the_ovn() {
    let mut scene = Scene::new();
    scene.ask(A, intent(1, place()));

    scene.note("create what exists; update over the wrong OVN; update; update what does not exist");
    for party in [B, A] {
        scene.ask(party, intent(1, place()));
        scene.ask(party, intent(1, place()).over(&random_ovn(7)));
        scene.ask(party, intent(1, place()).over(&random_ovn(1)).bits(1));
        scene.ask(party, intent(2, place()).over(&random_ovn(1)));
    }
    scene.note("delete what does not exist; over the wrong OVN; delete");
    for party in [B, A] {
        scene.ask(party, delete(2, &random_ovn(1)));
        scene.ask(party, delete(1, &random_ovn(7)));
        scene.ask(party, delete(1, &random_ovn(1)));
    }

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts 1: 1 v1 Accepted r1 60..660 100..200m none uss-a Unknown
    create what exists; update over the wrong OVN; update; update what does not exist
    uss-b puts 1: NotManager
    uss-b puts 1: NotManager
    uss-b puts 1: NotManager
    uss-b puts 2: NotFound
    uss-a puts 1: AlreadyExists
    uss-a puts 1: OvnMismatch
    uss-a puts 1: 1 v2 Accepted r1 60..660 100..200m none uss-a Unknown
    uss-a puts 2: NotFound
    delete what does not exist; over the wrong OVN; delete
    uss-b deletes 2: NotFound
    uss-b deletes 1: NotManager
    uss-b deletes 1: NotManager
    uss-a deletes 2: NotFound
    uss-a deletes 1: OvnMismatch
    uss-a deletes 1: 1 v2 Accepted r1 60..660 100..200m none uss-a Unknown
    ");
}

#[test]
fn refuses_what_ends_in_the_past_before_anything_else() {
    let mut scene = Scene::new();
    scene.ask(A, intent(1, place().during(-600, 660)));

    scene.at(660).ask(A, intent(2, place().during(-600, 660)).key(&[1]));
    scene.note("one microsecond later");
    scene.ask(A, intent(3, place().during(-600, 660)).key(&[1, 2]));
    scene.ask(B, intent(1, place().during(-600, 660)));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts 1: 1 v1 Accepted r1 -600..660 100..200m none uss-a Unknown
    uss-a puts 2: 2 v1 Accepted r2 -600..660 100..200m none uss-a Unknown
    one microsecond later
    uss-a puts 3: EndsInPast
    uss-b puts 1: EndsInPast
    ");
}

#[test]
fn goes_from_any_state_to_any_other() {
    let mut scene = Scene::new();
    scene.quietly(A, intent(1, place()).with(implicit(9)));

    let mut bits = 1;
    for from in [Accepted, Activated, Nonconforming, Contingent] {
        for to in [Accepted, Activated, Nonconforming, Contingent] {
            for state in [from, to] {
                let put = intent(1, place()).state(state).with(existing(9)).bits(bits + 1);
                scene.quietly(A, put.over(&random_ovn(bits)));
                bits += 1;
            }
        }
    }
}

#[test]
fn counts_versions_from_one() {
    let mut scene = Scene::new();

    scene.ask(A, intent(1, place()));
    scene.ask(A, intent(1, place()).bits(2).over(&random_ovn(1)));
    scene.ask(A, intent(1, place()).bits(3).over(&random_ovn(1)));
    scene.ask(A, intent(1, place()).bits(3).over(&random_ovn(2)));
    scene.ask(A, delete(1, &random_ovn(3)));
    scene.ask(A, intent(1, place()));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts 1: 1 v1 Accepted r1 60..660 100..200m none uss-a Unknown
    uss-a puts 1: 1 v2 Accepted r2 60..660 100..200m none uss-a Unknown
    uss-a puts 1: OvnMismatch
    uss-a puts 1: 1 v3 Accepted r3 60..660 100..200m none uss-a Unknown
    uss-a deletes 1: 1 v3 Accepted r3 60..660 100..200m none uss-a Unknown
    uss-a puts 1: 1 v1 Accepted r1 60..660 100..200m none uss-a Unknown
    ");
}

#[test]
fn refuses_before_it_changes_anything() {
    let mut scene = Scene::new();
    scene.quietly(B, intent(1, place()));
    scene.quietly(A, intent(2, place().meters(900, 950)).with(implicit(9)));
    let before = scene.state.counts();

    scene.ask(A, intent(3, place()).with(implicit(8)));
    scene.ask(A, intent(2, place()).with(existing(9)).over(&random_ovn(2)));

    assert_eq!(scene.state.counts(), before);
    let (_, subscription) =
        scene.state.find_subscription(scene.now(), crate::asks::sub(9)).expect("it is there");
    assert_eq!(subscription.notification_index, 1);
    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts 3: missing 1(hidden)
    uss-a puts 2: missing 1(hidden)
    ");
}

#[test]
fn moves_the_clock_by_a_microsecond_at_least() {
    let mut scene = Scene::new();
    let micros = |scene: &Scene| scene.state.clock().as_micros() - time(0).as_micros();
    let refuse = |scene: &mut Scene| {
        scene.decide_unchecked(A, intent(1, place())).expect_err("it exists");
    };

    scene.quietly(A, intent(1, place()));
    assert_eq!(micros(&scene), 0);
    refuse(&mut scene);
    assert_eq!(micros(&scene), 1);
    refuse(scene.at(-5));
    assert_eq!(micros(&scene), 2);
    refuse(scene.at(5));
    assert_eq!(micros(&scene), 5_000_000);
}

#[test]
fn hides_the_ovn_from_all_but_the_manager() {
    let mut scene = Scene::new();
    scene.quietly(A, intent(1, place()));

    for (reader, seen) in [(A, Some(random_ovn(1))), (B, None)] {
        let found = scene.state.find_operational_intent(scene.now(), &party(reader), entity(1));
        assert_eq!(found.expect("it is there").ovn, seen);
    }
}
