//! What is carried over from a deployed hub (issue 5, migration).

use airspace::import::{
    Constraint, IdentificationServiceArea, Import, Refusal, RemoteIdSubscription, Subscription,
    UssAvailability,
};
use airspace::uss_availability::{self, UssAvailabilityState};
use airspace::{F3411Settings, NextOvn, OvnHash, OvnSuffix};
use spacetime::Timestamp;

use crate::asks::{
    A, B, Intent, area, change_area, constraint, delete, entity, existing, intent, party, place,
    random_ovn, resubscribe, rewatch, subscription, suffix, time, watch,
};
use crate::old::{
    CHANGED, bringing, naming, old_area, old_availability, old_constraint, old_intent,
    old_subscription, old_watch, one_of_each, whole,
};
use crate::scene::Scene;

/// The operator that imports.
const OPERATOR: &str = "operator";

/// Returns the version that a deployed hub made of the number `id` and of [`CHANGED`].
fn deployed_version(id: u8) -> String {
    let mut scene = Scene::new();
    scene.at(CHANGED).quietly(A, subscription(id, place().during(CHANGED, 0)));
    assert_eq!(scene.state.clock(), time(CHANGED));
    scene.version(id)
}

#[test]
fn carries_over_one_of_each_kind() {
    let mut scene = Scene::new();

    for import in one_of_each(&place()) {
        scene.ask(OPERATOR, import);
    }
    let everywhere = place();
    scene.look(A, &everywhere.search());
    scene.look_at_areas(&everywhere.footprint()).look_at_watches(A, &everywhere.footprint());

    insta::assert_snapshot!(scene.transcript(), @"
    operator imports s1: imported
    operator imports 1: imported
    operator imports constraint 2: imported
    operator imports availability of uss-b: imported
    operator imports area 1: imported
    operator imports watch s1: imported
      uss-a sees 1 v7 Activated ? 60..660 100..200m none uss-a Unknown
      uss-a sees constraint 2 v7 ? 60..660 uss-a Unknown
      uss-a sees s1 @1 60..660 Both index 41
      there is area 1 @2 60..660 uss-a
      uss-a has s1 @2 60..660 index 41 uss-a
    ");
}

#[test]
fn keeps_versions_and_ovns_as_deployed_hubs_made_them() {
    let mut scene = Scene::new();
    let mut changed = Scene::new();
    changed.at(CHANGED).quietly(A, area(1, place()));

    for import in one_of_each(&place()) {
        scene.quietly(OPERATOR, import);
    }

    assert_eq!(scene.version(1), deployed_version(1));
    assert_eq!(scene.ovn(A, 1).as_str(), deployed_version(1));
    let found = scene.state.find_constraint(scene.now(), &party(A), entity(2));
    let ovn = found.expect("it is there").ovn.expect("the manager sees it");
    assert_eq!(ovn.as_str(), deployed_version(2));
    assert_eq!(scene.area_version(1), changed.area_version(1));
    assert_eq!(scene.watch_version(1), changed.area_version(1));
    let availability = scene.state.find_uss_availability(&party(B));
    assert_eq!(availability.availability, UssAvailabilityState::Down);
    assert!(!availability.version.is_empty());
}

#[test]
fn goes_on_from_what_was_carried_over() {
    let mut scene = Scene::new();
    for import in one_of_each(&place()) {
        scene.quietly(OPERATOR, import);
    }
    let (ovn, version) = (scene.ovn(A, 1), scene.version(1));
    let (area_version, watch_version) = (scene.area_version(1), scene.watch_version(1));

    let constraint = scene.state.find_constraint(scene.now(), &party(A), entity(2));
    let mut again = intent(1, place()).over(&ovn).with(existing(1));
    again.key = OvnHash::key_of(&constraint.expect("it is there").ovn);
    scene.ask(A, again.clone());
    scene.ask(A, again);
    scene.note("the OVN was shown to nobody but its manager");
    scene.ask(B, intent(9, place()));
    scene.ask(A, resubscribe(1, &version, place()));
    scene.ask(A, change_area(1, area_version, place()));
    scene.ask(A, rewatch(1, watch_version, place()));
    scene.ask(A, delete(1, &random_ovn(1)));
    let availability = scene.state.find_uss_availability(&party(B));
    let normal = uss_availability::Put {
        uss_id: party(B),
        old_version: availability.version,
        availability: UssAvailabilityState::Normal,
    };
    scene.ask(A, normal);

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts 1: 1 v8 Accepted r1 60..660 100..200m s1 uss-a Unknown; tell s s1=42
    uss-a puts 1: OvnMismatch
    the OVN was shown to nobody but its manager
    uss-b puts 9: missing 1(hidden)
    uss-a subscribes s1: s1 @1 60..660 OperationalIntents index 42 <-1; intents [1]
    uss-a puts area 1: area 1 @2 60..660 uss-a; tell w s1=42
    uss-a watches s1: s1 @3 60..660 index 0 uss-a; areas [1]
    uss-a deletes 1: 1 v8 Accepted r1 60..660 100..200m s1 uss-a Unknown; tell s s1=43
    uss-a says uss-b is: uss-b @4 Normal
    ");
}

#[test]
fn counts_on_from_the_index_that_a_subscription_had() {
    let mut scene = Scene::new();
    scene.quietly(OPERATOR, Import::Subscription(old_subscription(1, &place())));
    scene.quietly(OPERATOR, Import::RemoteIdSubscription(old_watch(1, &place())));

    scene.ask(B, constraint(2, place()));
    scene.ask(B, area(2, place()));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-b puts constraint 2: constraint 2 v1 r2 60..660 uss-b Unknown; tell s s1=42
    uss-b puts area 2: area 2 @1 60..660 uss-b; tell w s1=42
    ");
}

#[test]
fn bumps_no_index_and_tells_nobody() {
    let mut scene = Scene::new();
    scene.quietly(B, subscription(8, place()));
    scene.quietly(B, watch(8, place()));

    scene.quietly(OPERATOR, whole(old_intent(1, &place())));
    scene.quietly(OPERATOR, Import::IdentificationServiceArea(old_area(1, &place())));

    scene.look(B, &place().search()).look_at_watches(B, &place().footprint());
    insta::assert_snapshot!(scene.transcript(), @"
    uss-b sees 1 v7 Activated hidden 60..660 100..200m none uss-a Unknown
    uss-b sees s8 @1 60..660 OperationalIntents index 0
    uss-b has s8 @2 60..660 index 0 uss-b
    ");
}

#[test]
fn brings_an_implicit_subscription_with_the_first_that_names_it() {
    let mut scene = Scene::new();
    let implicit = old_subscription(9, &place().cells(&[1, 2]));

    scene.ask(OPERATOR, naming(old_intent(1, &place()), 9));
    scene.ask(OPERATOR, bringing(old_intent(1, &place()), implicit.clone()));
    scene.ask(OPERATOR, naming(old_intent(2, &place().cells(&[2])), 9));
    scene.ask(OPERATOR, bringing(old_intent(3, &place()), implicit));
    scene.look(A, &place().cells(&[1, 2]).search());
    scene.note("it goes with the last");
    for id in [1, 2] {
        let ovn = scene.ovn(A, id);
        scene.ask(A, delete(id, &ovn));
    }
    assert_eq!(scene.state.counts().subscriptions, 0);

    insta::assert_snapshot!(scene.transcript(), @"
    operator imports 1: SubscriptionNotFound
    operator imports 1: imported
    operator imports 2: imported
    operator imports 3: AlreadyExists
      uss-a sees 1 v7 Activated ? 60..660 100..200m s9 uss-a Unknown
      uss-a sees 2 v7 Activated ? 60..660 100..200m s9 uss-a Unknown
      uss-a sees s9 @1 60..660 Both index 41 implicit <-1 <-2
    it goes with the last
    uss-a deletes 1: 1 v7 Activated ? 60..660 100..200m s9 uss-a Unknown; tell s s9=42
    uss-a deletes 2: 2 v7 Activated ? 60..660 100..200m s9 uss-a Unknown; tell s s9=43
    ");
}

#[test]
fn refuses_a_subscription_that_is_not_there_or_not_its_managers() {
    let mut scene = Scene::new();
    let mut of_another = old_subscription(8, &place());
    of_another.manager = party(B);

    scene.ask(OPERATOR, naming(old_intent(1, &place()), 9));
    scene.note("brought, but another is named, or none");
    let mut other = old_intent(1, &place());
    other.implicit_subscription = Some(old_subscription(9, &place()));
    scene.ask(OPERATOR, whole(other.clone()));
    scene.ask(OPERATOR, naming(other, 7));
    scene.note("another party's, brought or there");
    scene.ask(OPERATOR, bringing(old_intent(1, &place()), of_another.clone()));
    scene.quietly(OPERATOR, Import::Subscription(of_another));
    scene.ask(OPERATOR, naming(old_intent(1, &place()), 8));

    insta::assert_snapshot!(scene.transcript(), @"
    operator imports 1: SubscriptionNotFound
    brought, but another is named, or none
    operator imports 1: SubscriptionNotFound
    operator imports 1: SubscriptionNotFound
    another party's, brought or there
    operator imports 1: SubscriptionNotManager
    operator imports 1: SubscriptionNotManager
    ");
}

#[test]
fn refuses_an_id_that_exists() {
    let mut scene = Scene::new();
    for import in one_of_each(&place()) {
        scene.quietly(OPERATOR, import);
    }

    for import in one_of_each(&place()) {
        assert_eq!(scene.decide_unchecked(OPERATOR, import), Err(Refusal::AlreadyExists.into()));
    }
}

#[test]
fn refuses_what_ended_too_long_ago() {
    let [subscription, intent, constraint, _, area, watch] =
        one_of_each(&place().during(-100_000, 0));
    for (import, retention_s) in [
        (subscription, 86_400),
        (intent, 86_400),
        (constraint, 86_400),
        (area, 1_800),
        (watch, 1_800),
    ] {
        let mut scene = Scene::new();
        scene.at(retention_s);
        assert_eq!(
            scene.decide_unchecked(OPERATOR, import.clone()),
            Err(Refusal::Gone.into()),
            "{import:?}"
        );

        let mut scene = Scene::new();
        scene.at(retention_s - 1);
        scene.quietly(OPERATOR, import);
    }
}

#[test]
fn refuses_what_was_changed_after_the_clock() {
    let after = |micros: i64| {
        let updated_at = Timestamp::from_micros(time(0).as_micros() + micros).expect("in range");
        let mut intent = old_intent(1, &place());
        intent.ovn = NextOvn::of_time(updated_at);
        let implicit = Subscription { updated_at, ..old_subscription(9, &place()) };
        [
            Import::Subscription(Subscription { updated_at, ..old_subscription(1, &place()) }),
            whole(intent),
            bringing(old_intent(1, &place()), implicit),
            Import::Constraint(Constraint { updated_at, ..old_constraint(1, &place()) }),
            Import::UssAvailability(UssAvailability { updated_at, ..old_availability(B) }),
            Import::IdentificationServiceArea(IdentificationServiceArea {
                updated_at,
                ..old_area(1, &place())
            }),
            Import::RemoteIdSubscription(RemoteIdSubscription {
                updated_at,
                ..old_watch(1, &place())
            }),
        ]
    };

    for (now, later) in after(0).into_iter().zip(after(1)) {
        let mut scene = Scene::new();
        assert_eq!(
            scene.decide_unchecked(OPERATOR, later.clone()),
            Err(Refusal::ChangedInFuture.into()),
            "{later:?}"
        );
        Scene::new().quietly(OPERATOR, now);
    }
}

#[test]
fn remembers_the_suffixes_that_could_still_be_requested() {
    let mut scene = Scene::new();
    let mut old = old_intent(1, &place());
    old.ovn = NextOvn::Requested(suffix(0, 3));
    old.past_suffixes = vec![suffix(0, 2), suffix(-301, 1), suffix(0, 2), suffix(0, 3)];
    scene.ask(OPERATOR, whole(old));
    let ovn = scene.ovn(A, 1);

    for number in [2, 3, 4] {
        scene.ask(A, intent(1, place()).over(&ovn).suffix(suffix(0, number)));
    }

    insta::assert_snapshot!(scene.transcript(), @"
    operator imports 1: imported
    uss-a puts 1: OvnSuffixUsed
    uss-a puts 1: OvnSuffixUsed
    uss-a puts 1: 1 v8 Accepted x4 60..660 100..200m none uss-a Unknown
    ");
}

#[test]
fn remembers_only_so_many_suffixes() {
    let suffixes = |count: usize| -> Vec<OvnSuffix> {
        let text = |number| format!("{:012x}70008000{number:012x}", time(0).as_micros() / 1_000);
        let all = (0..count).map(|number| OvnSuffix::parse(&text(number)).expect("a UUIDv7"));
        all.collect()
    };
    let with = |past: usize, current: bool| {
        let mut old = old_intent(1, &place());
        let mut all = suffixes(past + 1);
        let last = all.pop().expect("one more");
        if current {
            old.ovn = NextOvn::Requested(last);
        }
        old.past_suffixes = all;
        whole(old)
    };
    let max = airspace::PAST_SUFFIXES_MAX;

    for (past, current) in [(max, false), (max - 1, true)] {
        Scene::new().quietly(OPERATOR, with(past, current));
        let refused = Scene::new().decide_unchecked(OPERATOR, with(past + 1, current));
        assert_eq!(refused, Err(Refusal::TooMany.into()));
    }
}

#[test]
fn lets_so_many_name_one_subscription() {
    let mut scene = Scene::new();
    scene.quietly(A, subscription(9, place().during(0, 660)));
    scene.fill_with(A, airspace::DEPENDENTS_PER_SUBSCRIPTION_MAX - 1, &existing(9));
    let outside = place().meters(1, 2);

    scene.decide_unchecked(OPERATOR, naming(old_intent(1, &outside), 9)).expect("it is the last");
    let refused = scene.decide_unchecked(OPERATOR, naming(old_intent(2, &outside), 9));

    assert_eq!(refused, Err(Refusal::TooMany.into()));
}

#[test]
fn carries_over_more_than_ten_in_a_cell() {
    let mut scene = Scene::new();

    for id in 1..=11 {
        scene.quietly(OPERATOR, Import::RemoteIdSubscription(old_watch(id, &place())));
    }
    scene.ask(A, watch(12, place()));

    insta::assert_snapshot!(scene.transcript(), @"uss-a watches s12: TooManyInCell");
}

#[test]
fn takes_the_place_of_what_is_gone_and_not_yet_removed() {
    let mut scene = Scene::new();
    scene.quietly(OPERATOR, F3411Settings { retention_s: 86_400 });
    scene.fill(A, 6 * airspace::EXPIRIES_PER_ENTRY_MAX);
    let implicit = old_subscription(9, &place());
    scene.quietly(OPERATOR, bringing(old_intent(250, &place()), implicit));
    scene.quietly(A, constraint(252, place()));
    scene.quietly(A, subscription(253, place()));
    scene.quietly(A, area(254, place()));
    scene.quietly(A, watch(255, place()));
    let later = place().during(200_000, 201_000);

    scene.at(200_000);
    scene.ask(OPERATOR, bringing(old_intent(250, &later), old_subscription(9, &later)));
    scene.ask(OPERATOR, Import::Constraint(old_constraint(252, &later)));
    scene.ask(OPERATOR, Import::Subscription(old_subscription(253, &later)));
    scene.ask(OPERATOR, Import::IdentificationServiceArea(old_area(254, &later)));
    scene.ask(OPERATOR, Import::RemoteIdSubscription(old_watch(255, &later)));

    scene.look(A, &later.search());
    insta::assert_snapshot!(scene.transcript(), @"
    operator imports 250: imported
    operator imports constraint 252: imported
    operator imports s253: imported
    operator imports area 254: imported
    operator imports watch s255: imported
      uss-a sees 250 v7 Activated ? 200000..201000 100..200m s9 uss-a Unknown
      uss-a sees constraint 252 v7 ? 200000..201000 uss-a Unknown
      uss-a sees s9 @4 200000..201000 Both index 41 implicit <-250
      uss-a sees s253 @5 200000..201000 Both index 41
    ");
}

#[test]
fn takes_the_ovn_of_a_time_before_1970_too() {
    let mut scene = Scene::new();
    let mut old = old_intent(1, &place());
    old.ovn = NextOvn::of_time(Timestamp::from_micros(-1).expect("in range"));

    scene.quietly(OPERATOR, whole(old));

    assert_eq!(scene.ovn(A, 1).as_str().len(), 44);
}

#[test]
fn shows_no_time_that_an_ovn_is_made_of() {
    assert_eq!(format!("{:?}", NextOvn::of_time(time(CHANGED))), "Random(..)");
}
