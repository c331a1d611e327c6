//! The key check (airspace-rules 1.3.6 to 1.3.8; F3548-21 SCD0035).

use airspace::operational_intent::OperationalIntentState::{Activated, Contingent, Nonconforming};
use airspace::uss_availability::{Put, UssAvailabilityState};

use crate::asks::{
    A, B, Intent, Place, constraint, existing, implicit, implicit_for_constraints, intent, party,
    place, random_ovn, subscription,
};
use crate::scene::Scene;

/// Puts something of B at [`place`], then something of A at `other` without a key.
fn check(other: Place) -> String {
    let mut scene = Scene::new();
    scene.quietly(B, intent(1, place()));
    scene.ask(A, intent(2, other));
    scene.transcript().to_owned()
}

#[test]
fn wants_a_key_where_cell_time_and_altitude_touch() {
    let answers = [
        check(place()),
        check(place().cells(&[2])),
        check(place().cells(&[2, 1, 3])),
        check(place().during(660, 900)),
        check(place().during(661, 900)),
        check(place().during(-60, 60)),
        check(place().during(-60, 59)),
        check(place().meters(200, 300)),
        check(place().meters(201, 300)),
        check(place().meters(0, 100)),
        check(place().meters(0, 99)),
    ];

    insta::assert_snapshot!(answers.concat(), @"
    uss-a puts 2: missing 1(hidden)
    uss-a puts 2: 2 v1 Accepted r2 60..660 100..200m none uss-a Unknown
    uss-a puts 2: missing 1(hidden)
    uss-a puts 2: missing 1(hidden)
    uss-a puts 2: 2 v1 Accepted r2 661..900 100..200m none uss-a Unknown
    uss-a puts 2: missing 1(hidden)
    uss-a puts 2: 2 v1 Accepted r2 -60..59 100..200m none uss-a Unknown
    uss-a puts 2: missing 1(hidden)
    uss-a puts 2: 2 v1 Accepted r2 60..660 201..300m none uss-a Unknown
    uss-a puts 2: missing 1(hidden)
    uss-a puts 2: 2 v1 Accepted r2 60..660 0..99m none uss-a Unknown
    ");
}

#[test]
fn wants_the_keys_of_all_that_is_there_in_order_of_ids() {
    let mut scene = Scene::new();
    scene.quietly(B, intent(3, place()));
    scene.quietly(A, intent(1, place()).key(&[3]));
    scene.quietly(B, intent(2, place()).key(&[1, 3]));

    scene.ask(A, intent(4, place()));
    scene.ask(A, intent(4, place()).key(&[3, 7]));
    scene.ask(A, intent(4, place()).key(&[1, 2, 3]));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts 4: missing 1(r1) 2(hidden) 3(hidden)
    uss-a puts 4: missing 1(r1) 2(hidden)
    uss-a puts 4: 4 v1 Accepted r4 60..660 100..200m none uss-a Unknown
    ");
}

#[test]
fn wants_no_key_of_what_is_put() {
    let mut scene = Scene::new();
    scene.quietly(A, intent(1, place()));

    scene.ask(A, intent(1, place()).bits(2).over(&random_ovn(1)));

    insta::assert_snapshot!(
        scene.transcript(),
        @"uss-a puts 1: 1 v2 Accepted r2 60..660 100..200m none uss-a Unknown"
    );
}

#[test]
fn wants_the_current_ovn_and_no_past_one() {
    let mut scene = Scene::new();
    scene.quietly(B, intent(1, place()));
    scene.quietly(B, intent(1, place()).bits(5).over(&random_ovn(1)));

    scene.ask(A, intent(2, place()).key(&[1]));
    scene.ask(A, intent(2, place()).key(&[5]));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts 2: missing 1(hidden)
    uss-a puts 2: 2 v1 Accepted r2 60..660 100..200m none uss-a Unknown
    ");
}

#[test]
fn wants_a_key_to_be_accepted_or_activated_only() {
    let mut scene = Scene::new();
    scene.quietly(A, intent(2, place().meters(900, 950)).with(implicit(9)));
    scene.quietly(B, intent(1, place()));

    let put = intent(2, place()).with(existing(9)).over(&random_ovn(2));
    scene.ask(A, put.clone());
    scene.ask(A, put.clone().state(Activated));
    scene.ask(A, put.clone().state(Nonconforming));
    scene.ask(A, put.state(Contingent));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts 2: missing 1(hidden)
    uss-a puts 2: missing 1(hidden)
    uss-a puts 2: 2 v2 Nonconforming r2 60..660 100..200m s9 uss-a Unknown; tell s s9=3
    uss-a puts 2: 2 v3 Contingent r2 60..660 100..200m s9 uss-a Unknown; tell s s9=4
    ");
}

#[test]
fn wants_no_key_of_what_a_party_that_is_down_has_only_accepted() {
    let mut scene = Scene::new();
    let mut id = 0;
    for (cell, state) in [(1, None), (2, Some(Activated)), (3, Some(Nonconforming))] {
        id += 1;
        let put = intent(id, place().cells(&[cell])).with(implicit(id + 10));
        scene.quietly(B, put.clone());
        if let Some(state) = state {
            let update = put.state(state).with(existing(id + 10)).over(&random_ovn(id));
            scene.quietly(B, update);
        }
    }
    let ask = |scene: &mut Scene| {
        scene.ask(A, intent(9, place().cells(&[1, 2, 3])));
    };

    ask(&mut scene);
    for state in [UssAvailabilityState::Down, UssAvailabilityState::Normal] {
        let old_version = scene.state.find_uss_availability(&party(B)).version;
        scene.ask(A, Put { uss_id: party(B), old_version, availability: state });
        ask(&mut scene);
    }

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts 9: missing 1(hidden) 2(hidden) 3(hidden)
    uss-a says uss-b is: uss-b @1 Down
    uss-a puts 9: missing 2(hidden) 3(hidden)
    uss-a says uss-b is: uss-b @2 Normal
    uss-a puts 9: missing 1(hidden) 2(hidden) 3(hidden)
    ");
}

#[test]
fn wants_keys_of_constraints_if_the_subscription_notifies_of_them() {
    let mut scene = Scene::new();
    scene.quietly(B, constraint(1, place().meters(5_000, 6_000)));
    scene.quietly(B, constraint(2, place().at_any_altitude()));
    scene.quietly(B, constraint(3, place().during(661, 900)));
    let mut both = subscription(20, place());
    both.notify_for = airspace::subscription::NotifyFor::Both;
    scene.quietly(A, both);
    scene.quietly(A, subscription(21, place()));

    scene.note("without a subscription, or with one that does not notify of constraints");
    scene.ask(A, intent(10, place()));
    scene.ask(A, intent(11, place()).key(&[10]).with(existing(21)));
    scene.ask(A, intent(12, place()).key(&[10, 11]).with(implicit(22)));
    scene.note("with one that does: whatever the altitude");
    scene.ask(A, intent(13, place()).key(&[10, 11, 12]).with(existing(20)));
    scene.ask(A, intent(13, place()).key(&[10, 11]).with(implicit_for_constraints(23)));
    let put = intent(13, place()).key(&[1, 2, 10, 11, 12]);
    scene.ask(A, put.with(implicit_for_constraints(23)));

    insta::assert_snapshot!(scene.transcript(), @"
    without a subscription, or with one that does not notify of constraints
    uss-a puts 10: 10 v1 Accepted r10 60..660 100..200m none uss-a Unknown; tell s s20=1 s21=1
    uss-a puts 11: 11 v1 Accepted r11 60..660 100..200m s21 uss-a Unknown; tell s s20=2 s21=2
    uss-a puts 12: 12 v1 Accepted r12 60..660 100..200m s22 uss-a Unknown; tell s s20=3 s21=3 s22=1
    with one that does: whatever the altitude
    uss-a puts 13: missing constraint 1(hidden) constraint 2(hidden)
    uss-a puts 13: missing 12(r12) constraint 1(hidden) constraint 2(hidden)
    uss-a puts 13: 13 v1 Accepted r13 60..660 100..200m s23 uss-a Unknown; tell s s20=4 s21=4 s22=2 s23=1
    ");
}

#[test]
fn shows_the_caller_its_own_ovns_only() {
    let mut scene = Scene::new();
    scene.quietly(A, intent(1, place()));
    scene.quietly(B, intent(2, place()).key(&[1]));
    scene.quietly(A, constraint(3, place()));
    scene.quietly(B, constraint(4, place()));

    scene.ask(A, intent(9, place()).with(implicit_for_constraints(20)));

    insta::assert_snapshot!(
        scene.transcript(),
        @"uss-a puts 9: missing 1(r1) 2(hidden) constraint 3(r3) constraint 4(hidden)"
    );
}

#[test]
fn takes_ten_thousand_keys() {
    let mut scene = Scene::new();
    scene.quietly(B, intent(1, place()));
    let mut put = intent(2, place()).key(&[1]);
    for number in 0..10_000 {
        let ovn = airspace::Ovn::new(&format!("key-{number}")).expect("a key");
        put.key.push(airspace::OvnHash::of(&ovn));
    }
    put.key.sort_unstable();

    scene.ask(A, put);

    insta::assert_snapshot!(
        scene.transcript(),
        @"uss-a puts 2: 2 v1 Accepted r2 60..660 100..200m none uss-a Unknown"
    );
}
