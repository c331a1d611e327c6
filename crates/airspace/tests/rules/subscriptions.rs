//! Subscriptions (airspace-rules 1.4).

use airspace::subscription::{NotifyFor, Put};

use crate::asks::{
    A, B, Intent, constraint, delete, existing, intent, place, random_ovn, resubscribe, sub,
    subscription, time, unsubscribe,
};
use crate::scene::Scene;

/// Leaves start, end or both to the rules.
fn without(mut put: Put, start: bool, end: bool) -> Put {
    put.extent.starts_at = put.extent.starts_at.filter(|_| !start);
    put.extent.ends_at = put.extent.ends_at.filter(|_| !end);
    put
}

#[test]
fn fills_in_start_and_end() {
    let mut scene = Scene::new();

    scene.note("created: from now, for 24 hours");
    scene.ask(A, without(subscription(1, place()), true, true));
    scene.ask(A, without(subscription(2, place()), false, true));
    scene.ask(A, without(subscription(3, place()), true, false));
    scene.note("updated: as it was");
    scene.at(30);
    for id in [1, 2, 3] {
        let version = scene.version(id);
        scene.ask(A, without(resubscribe(id, &version, place()), true, true));
    }

    insta::assert_snapshot!(scene.transcript(), @"
    created: from now, for 24 hours
    uss-a subscribes s1: s1 @1 0..86400 OperationalIntents index 0; intents []
    uss-a subscribes s2: s2 @2 60..86460 OperationalIntents index 0; intents []
    uss-a subscribes s3: s3 @3 2us..660 OperationalIntents index 0; intents []
    updated: as it was
    uss-a subscribes s1: s1 @4 0..86400 OperationalIntents index 0; intents []
    uss-a subscribes s2: s2 @5 60..86460 OperationalIntents index 0; intents []
    uss-a subscribes s3: s3 @6 2us..660 OperationalIntents index 0; intents []
    ");
}

#[test]
fn refuses_times_that_cannot_be() {
    let mut scene = Scene::new();

    scene.note("a start more than 5 minutes ago");
    scene.at(0).ask(A, subscription(1, place().during(-300, 60)));
    scene.at(1).ask(A, subscription(2, place().during(-300, 60)));
    scene.note("an end at or before the start");
    scene.ask(A, subscription(3, place().during(60, 60)));
    scene.ask(A, subscription(3, place().during(60, 59)));
    scene.note("more than 24 hours");
    scene.ask(A, subscription(4, place().during(60, 86_460)));
    scene.ask(A, subscription(5, place().during(60, 86_461)));
    scene.note("an end in the past is not good");
    scene.at(100).ask(A, subscription(6, place().during(-100, 50)));

    insta::assert_snapshot!(scene.transcript(), @"
    a start more than 5 minutes ago
    uss-a subscribes s1: s1 @1 -300..60 OperationalIntents index 0; intents []
    uss-a subscribes s2: StartsInPast
    an end at or before the start
    uss-a subscribes s3: EndsBeforeStart
    uss-a subscribes s3: EndsBeforeStart
    more than 24 hours
    uss-a subscribes s4: s4 @2 60..86460 OperationalIntents index 0; intents []
    uss-a subscribes s5: TooLong
    an end in the past is not good
    uss-a subscribes s6: EndsInPast
    ");
}

#[test]
fn checks_times_before_anything_else() {
    let mut scene = Scene::new();
    scene.quietly(A, subscription(1, place()));

    scene.ask(B, subscription(1, place().during(60, 60)));
    scene.ask(B, resubscribe(1, "what", place().during(-400, 60)));
    scene.note("with the times that it has, whoever asks");
    scene.ask(B, without(resubscribe(1, "what", place().during(0, 50)), true, false));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-b subscribes s1: EndsBeforeStart
    uss-b subscribes s1: StartsInPast
    with the times that it has, whoever asks
    uss-b subscribes s1: EndsBeforeStart
    ");
}

#[test]
fn answers_the_version_first_then_the_manager_on_put() {
    let mut scene = Scene::new();
    scene.ask(A, subscription(1, place()));
    let version = scene.version(1);

    scene.note("create what exists; update over the wrong version; update; what does not exist");
    for party in [B, A] {
        scene.ask(party, subscription(1, place()));
        scene.ask(party, resubscribe(1, "what", place()));
        scene.ask(party, resubscribe(1, &version, place()));
        scene.ask(party, resubscribe(2, &version, place()));
    }

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a subscribes s1: s1 @1 60..660 OperationalIntents index 0; intents []
    create what exists; update over the wrong version; update; what does not exist
    uss-b subscribes s1: AlreadyExists
    uss-b subscribes s1: VersionMismatch
    uss-b subscribes s1: NotManager
    uss-b subscribes s2: NotFound
    uss-a subscribes s1: AlreadyExists
    uss-a subscribes s1: VersionMismatch
    uss-a subscribes s1: s1 @2 60..660 OperationalIntents index 0; intents []
    uss-a subscribes s2: NotFound
    ");
}

#[test]
fn answers_the_manager_first_then_the_version_on_delete() {
    let mut scene = Scene::new();
    scene.ask(A, subscription(1, place()));
    let version = scene.version(1);

    for party in [B, A] {
        scene.ask(party, unsubscribe(2, &version));
        scene.ask(party, unsubscribe(1, "what"));
        scene.ask(party, unsubscribe(1, &version));
    }

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a subscribes s1: s1 @1 60..660 OperationalIntents index 0; intents []
    uss-b unsubscribes s2: NotFound
    uss-b unsubscribes s1: NotManager
    uss-b unsubscribes s1: NotManager
    uss-a unsubscribes s2: NotFound
    uss-a unsubscribes s1: VersionMismatch
    uss-a unsubscribes s1: s1 @1 60..660 OperationalIntents index 0
    ");
}

#[test]
fn keeps_the_index_of_an_updated_subscription() {
    let mut scene = Scene::new();
    scene.quietly(A, subscription(1, place()));
    scene.quietly(B, intent(2, place()));

    scene.ask(A, resubscribe(1, &scene.version(1), place().during(60, 700)));

    insta::assert_snapshot!(
        scene.transcript(),
        @"uss-a subscribes s1: s1 @2 60..700 OperationalIntents index 1; intents [2]"
    );
}

#[test]
fn refuses_to_leave_a_dependent_outside() {
    let mut scene = Scene::new();
    scene.quietly(A, subscription(1, place().cells(&[1, 2]).during(0, 1_000)));
    scene.quietly(A, intent(5, place().cells(&[1, 2]).during(400, 900)).with(existing(1)));
    let version = scene.version(1);
    let good = place().cells(&[1, 2]).during(400, 900);

    scene.note("cells, end, start by more than 5 minutes, altitudes");
    scene.ask(A, resubscribe(1, &version, good.clone().cells(&[1, 3])));
    scene.ask(A, resubscribe(1, &version, good.clone().during(400, 899)));
    scene.ask(A, resubscribe(1, &version, good.clone().during(701, 900)));
    scene.ask(A, resubscribe(1, &version, good.clone().meters(101, 200)));
    scene.ask(A, resubscribe(1, &version, good.clone().meters(100, 199)));
    scene.note("start within 5 minutes; then without altitudes");
    scene.ask(A, resubscribe(1, &version, good.clone().during(700, 900)));
    scene.ask(A, resubscribe(1, &scene.version(1), good.at_any_altitude()));

    insta::assert_snapshot!(scene.transcript(), @"
    cells, end, start by more than 5 minutes, altitudes
    uss-a subscribes s1: DependentNotCovered
    uss-a subscribes s1: DependentNotCovered
    uss-a subscribes s1: DependentNotCovered
    uss-a subscribes s1: DependentNotCovered
    uss-a subscribes s1: DependentNotCovered
    start within 5 minutes; then without altitudes
    uss-a subscribes s1: s1 @2 700..900 OperationalIntents index 1 <-5; intents [5]
    uss-a subscribes s1: s1 @3 400..900 OperationalIntents index 1 <-5; intents [5]
    ");
}

#[test]
fn keeps_a_subscription_that_a_dependent_names() {
    let mut scene = Scene::new();
    scene.quietly(A, subscription(1, place()));
    scene.quietly(A, intent(5, place()).with(existing(1)));

    scene.ask(A, unsubscribe(1, &scene.version(1)));
    scene.ask(A, delete(5, &random_ovn(5)));
    scene.ask(A, unsubscribe(1, &scene.version(1)));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a unsubscribes s1: HasDependents
    uss-a deletes 5: 5 v1 Accepted r5 60..660 100..200m s1 uss-a Unknown; tell s s1=2
    uss-a unsubscribes s1: s1 @1 60..660 OperationalIntents index 2
    ");
}

#[test]
fn lists_what_is_there_of_the_kinds_it_notifies_of() {
    let mut scene = Scene::new();
    scene.quietly(B, intent(2, place().meters(900, 950)));
    scene.quietly(A, intent(1, place()));
    scene.quietly(B, intent(3, place().cells(&[7])));
    scene.quietly(B, intent(4, place().during(661, 700)));
    scene.quietly(B, constraint(6, place().meters(900, 950)));
    scene.quietly(B, constraint(5, place().during(660, 700)));

    let kinds = [NotifyFor::OperationalIntents, NotifyFor::Constraints, NotifyFor::Both];
    for (id, notify_for) in (10..).zip(kinds) {
        scene.ask(A, Put { notify_for, ..subscription(id, place()) });
    }

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a subscribes s10: s10 @1 60..660 OperationalIntents index 0; intents [1 2]
    uss-a subscribes s11: s11 @2 60..660 Constraints index 0; constraints [5 6]
    uss-a subscribes s12: s12 @3 60..660 Both index 0; intents [1 2]; constraints [5 6]
    ");
}

#[test]
fn shows_its_own_ovns_only_in_what_it_lists() {
    let mut scene = Scene::new();
    scene.quietly(A, intent(1, place()));
    scene.quietly(B, intent(2, place()).key(&[1]));

    let outcome = scene.quietly(A, subscription(9, place()));

    let airspace::Accepted::SubscriptionPut { operational_intents: Some(intents), .. } = outcome
    else {
        panic!("{outcome:?}");
    };
    let ovns: Vec<_> = intents.into_iter().map(|intent| intent.ovn).collect();
    assert_eq!(ovns, [Some(random_ovn(1)), None]);
}

#[test]
fn names_its_dependents_in_order_of_ids() {
    let mut scene = Scene::new();
    scene.quietly(A, subscription(9, place()));
    for id in [3, 1, 2] {
        let height = i32::from(id) * 100;
        let place = place().meters(height, height + 50);
        scene.quietly(A, intent(id, place).with(existing(9)));
    }

    scene.ask(A, resubscribe(9, &scene.version(9), place().meters(0, 1_000)));

    insta::assert_snapshot!(
        scene.transcript(),
        @"uss-a subscribes s9: s9 @2 60..660 OperationalIntents index 3 <-1 <-2 <-3; intents [1 2 3]"
    );
}

#[test]
fn changes_the_version_with_every_put() {
    let mut scene = Scene::new();
    scene.ask(A, subscription(9, place()));

    scene.ask(A, resubscribe(9, &scene.version(9), place()));
    scene.ask(A, unsubscribe(9, &scene.version(9)));
    scene.ask(A, subscription(9, place()));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a subscribes s9: s9 @1 60..660 OperationalIntents index 0; intents []
    uss-a subscribes s9: s9 @2 60..660 OperationalIntents index 0; intents []
    uss-a unsubscribes s9: s9 @2 60..660 OperationalIntents index 0
    uss-a subscribes s9: s9 @3 60..660 OperationalIntents index 0; intents []
    ");
}

#[test]
fn finds_a_subscription_that_has_ended_by_its_id_only() {
    let mut scene = Scene::new();
    scene.quietly(A, subscription(9, place()));
    let mut any_time = place().search();
    (any_time.starts_at, any_time.ends_at) = (None, None);

    scene.at(660).note("at its end").look(A, &any_time);
    scene.note("others see nothing").look(B, &any_time);
    let after = time(660).plus(std::time::Duration::from_micros(1));
    let found = scene.state.search_subscriptions(after, &crate::asks::party(A), &any_time);

    assert_eq!(found, Ok(vec![]));
    assert!(scene.state.find_subscription(after, sub(9)).is_some());
    insta::assert_snapshot!(scene.transcript(), @"
    at its end
      uss-a sees s9 @1 60..660 OperationalIntents index 0
    others see nothing
    ");
}
