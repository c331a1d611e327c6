//! Who is told of a change (airspace-rules 1.3.10).

use airspace::subscription::NotifyFor;

use crate::asks::{
    A, B, Intent, Place, constraint, delete, implicit, intent, place, random_ovn, subscription, url,
};
use crate::scene::Scene;

/// Subscribes A at [`place`], then lets B put something at `other`.
fn check(other: Place) -> String {
    let mut scene = Scene::new();
    scene.quietly(A, subscription(9, place().meters(0, 1)));
    scene.ask(B, intent(1, other));
    scene.transcript().to_owned()
}

#[test]
fn tells_where_cell_and_time_touch_whatever_the_altitude() {
    let answers = [
        check(place()),
        check(place().cells(&[2])),
        check(place().cells(&[3, 1])),
        check(place().during(660, 900)),
        check(place().during(661, 900)),
        check(place().during(-60, 60)),
        check(place().during(-60, 59)),
        check(place().meters(9_000, 9_100)),
    ];

    insta::assert_snapshot!(answers.concat(), @"
    uss-b puts 1: 1 v1 Accepted r1 60..660 100..200m none uss-b Unknown; tell s s9=1
    uss-b puts 1: 1 v1 Accepted r1 60..660 100..200m none uss-b Unknown
    uss-b puts 1: 1 v1 Accepted r1 60..660 100..200m none uss-b Unknown; tell s s9=1
    uss-b puts 1: 1 v1 Accepted r1 660..900 100..200m none uss-b Unknown; tell s s9=1
    uss-b puts 1: 1 v1 Accepted r1 661..900 100..200m none uss-b Unknown
    uss-b puts 1: 1 v1 Accepted r1 -60..60 100..200m none uss-b Unknown; tell s s9=1
    uss-b puts 1: 1 v1 Accepted r1 -60..59 100..200m none uss-b Unknown
    uss-b puts 1: 1 v1 Accepted r1 60..660 9000..9100m none uss-b Unknown; tell s s9=1
    ");
}

#[test]
fn tells_the_caller_too_and_groups_by_url_in_order() {
    let mut scene = Scene::new();
    for (party, id, at) in [(A, 7, "v"), (B, 5, "u"), (A, 6, "v"), (B, 8, "t")] {
        let mut put = subscription(id, place());
        put.uss_base_url = url(at);
        scene.quietly(party, put);
    }

    scene.ask(A, intent(1, place()));
    scene.ask(A, intent(1, place()).bits(2).over(&random_ovn(1)));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts 1: 1 v1 Accepted r1 60..660 100..200m none uss-a Unknown; tell t s8=1; tell u s5=1; tell v s6=1 s7=1
    uss-a puts 1: 1 v2 Accepted r2 60..660 100..200m none uss-a Unknown; tell t s8=2; tell u s5=2; tell v s6=2 s7=2
    ");
}

#[test]
fn tells_those_who_want_to_know_of_the_kind() {
    let mut scene = Scene::new();
    let kinds = [NotifyFor::OperationalIntents, NotifyFor::Constraints, NotifyFor::Both];
    for (id, notify_for) in (7..).zip(kinds) {
        let mut put = subscription(id, place());
        put.notify_for = notify_for;
        scene.quietly(A, put);
    }

    scene.ask(B, intent(1, place()));
    scene.ask(B, constraint(2, place()));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-b puts 1: 1 v1 Accepted r1 60..660 100..200m none uss-b Unknown; tell s s7=1 s9=1
    uss-b puts constraint 2: constraint 2 v1 r2 60..660 uss-b Unknown; tell s s8=1 s9=2
    ");
}

#[test]
fn tells_those_between_where_it_was_and_where_it_is() {
    let mut scene = Scene::new();
    scene.quietly(A, subscription(7, place().cells(&[1]).during(60, 100)));
    scene.quietly(A, subscription(8, place().cells(&[1]).during(200, 300)));
    scene.quietly(A, subscription(9, place().cells(&[2]).during(60, 100)));

    scene.ask(B, intent(1, place().cells(&[1]).during(60, 100)));
    scene.note("in the bounding union of both: the new cell at the old time too");
    let moved = intent(1, place().cells(&[2]).during(400, 500)).bits(2).over(&random_ovn(1));
    scene.ask(B, moved);
    scene.note("deleting tells of where it was only");
    scene.ask(B, delete(1, &random_ovn(2)));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-b puts 1: 1 v1 Accepted r1 60..100 100..200m none uss-b Unknown; tell s s7=1
    in the bounding union of both: the new cell at the old time too
    uss-b puts 1: 1 v2 Accepted r2 400..500 100..200m none uss-b Unknown; tell s s7=2 s8=1 s9=1
    deleting tells of where it was only
    uss-b deletes 1: 1 v2 Accepted r2 400..500 100..200m none uss-b Unknown
    ");
}

#[test]
fn tells_a_subscription_that_has_ended() {
    let mut scene = Scene::new();
    scene.quietly(A, subscription(9, place().during(60, 100)));

    scene.at(500).ask(B, intent(1, place().during(90, 600)));

    insta::assert_snapshot!(
        scene.transcript(),
        @"uss-b puts 1: 1 v1 Accepted r1 90..600 100..200m none uss-b Unknown; tell s s9=1"
    );
}

#[test]
fn counts_the_new_implicit_subscription_from_one() {
    let mut scene = Scene::new();
    scene.quietly(A, intent(1, place()).with(implicit(8)));

    scene.ask(B, intent(2, place()).key(&[1]).with(implicit(9)));
    scene.look(A, &place().search()).look(B, &place().search());

    insta::assert_snapshot!(scene.transcript(), @"
    uss-b puts 2: 2 v1 Accepted r2 60..660 100..200m s9 uss-b Unknown; tell s s8=2 s9=1
      uss-a sees 1 v1 Accepted r1 60..660 100..200m s8 uss-a Unknown
      uss-a sees 2 v1 Accepted hidden 60..660 100..200m s9 uss-b Unknown
      uss-a sees s8 @1 60..660 OperationalIntents index 2 implicit <-1
      uss-b sees 1 v1 Accepted hidden 60..660 100..200m s8 uss-a Unknown
      uss-b sees 2 v1 Accepted r2 60..660 100..200m s9 uss-b Unknown
      uss-b sees s9 @2 60..660 OperationalIntents index 1 implicit <-2
    ");
}

#[test]
fn leaves_the_version_of_a_subscription_that_is_told() {
    let mut scene = Scene::new();
    scene.ask(A, subscription(9, place()));

    scene.ask(B, intent(1, place()));
    scene.look(A, &place().search());

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a subscribes s9: s9 @1 60..660 OperationalIntents index 0; intents []
    uss-b puts 1: 1 v1 Accepted r1 60..660 100..200m none uss-b Unknown; tell s s9=1
      uss-a sees 1 v1 Accepted hidden 60..660 100..200m none uss-b Unknown
      uss-a sees s9 @1 60..660 OperationalIntents index 1
    ");
}
