//! Searches (airspace-rules 1.3.12 and section 2 on lists).

use airspace::{Search, TooManyFound};
use spacetime::Cells;

use crate::asks::{A, B, Place, cell, constraint, intent, party, place, subscription};
use crate::scene::Scene;

/// Returns what A finds of three intents and a constraint with a search.
fn found(search: &Search) -> String {
    let mut scene = Scene::new();
    scene.quietly(A, intent(1, place()));
    scene.quietly(B, intent(2, place().during(700, 900)));
    scene.quietly(B, intent(3, place().cells(&[2]).meters(500, 600)));
    scene.quietly(B, constraint(4, place().meters(500, 600)));
    let reader = party(A);
    let intents = scene.state.search_operational_intents(scene.now(), &reader, search);
    let constraints = scene.state.search_constraints(scene.now(), &reader, search);
    let intents = intents.expect("few").into_iter().map(|intent| intent.id.as_bytes()[15]);
    let constraints = constraints.expect("few").into_iter().map(|c| c.id.as_bytes()[15]);
    format!("{:?}\n", intents.chain(constraints).collect::<Vec<_>>())
}

fn without_time(place: &Place) -> Search {
    Search { starts_at: None, ends_at: None, ..place.search() }
}

fn without_end(place: &Place) -> Search {
    Search { ends_at: None, ..place.search() }
}

fn without_start(place: &Place) -> Search {
    Search { starts_at: None, ..place.search() }
}

#[test]
fn finds_what_touches_and_all_where_no_bound_is_given() {
    let both = place().cells(&[1, 2]);
    let answers = [
        found(&both.search()),
        found(&both.clone().during(660, 700).search()),
        found(&both.clone().during(661, 699).search()),
        found(&both.clone().meters(200, 500).search()),
        found(&both.clone().meters(201, 499).search()),
        found(&both.clone().at_any_altitude().search()),
        found(&without_time(&both)),
        found(&without_time(&both.clone().at_any_altitude())),
        found(&without_end(&both.clone().during(661, 0).at_any_altitude())),
        found(&without_start(&both.during(0, 699).at_any_altitude())),
        found(&place().cells(&[3]).search()),
    ];

    insta::assert_snapshot!(answers.concat(), @"
    [1, 4]
    [1, 2, 4]
    []
    [1, 3, 4]
    [4]
    [1, 3, 4]
    [1, 2, 4]
    [1, 2, 3, 4]
    [2]
    [1, 3, 4]
    []
    ");
}

#[test]
fn finds_what_has_ended() {
    let mut scene = Scene::new();
    scene.quietly(A, intent(1, place()));

    scene.at(80_000).look(B, &without_time(&place()));

    insta::assert_snapshot!(
        scene.transcript(),
        @"  uss-b sees 1 v1 Accepted hidden 60..660 100..200m none uss-a Unknown"
    );
}

#[test]
fn finds_each_thing_once() {
    let mut scene = Scene::new();
    let cells: Vec<u64> = (1..=50).collect();
    scene.quietly(A, intent(1, place().cells(&cells)));
    scene.quietly(A, subscription(2, place().cells(&cells)));

    scene.look(A, &place().cells(&cells).search());

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a sees 1 v1 Accepted r1 60..660 100..200m none uss-a Unknown
    uss-a sees s2 @1 60..660 OperationalIntents index 0
    ");
}

#[test]
fn lists_only_so_many_but_wants_all_keys() {
    let mut scene = Scene::new();
    scene.fill(A, airspace::ENTITIES_PER_SEARCH_MAX);
    let search = Search {
        starts_at: None,
        ends_at: None,
        altitude_lower: None,
        altitude_upper: None,
        cells: Cells::from_unsorted(vec![cell(1)]).expect("one"),
    };
    let list = |scene: &Scene| {
        let found = scene.state.search_operational_intents(scene.now(), &party(B), &search);
        found.map(|found| found.len())
    };

    assert_eq!(list(&scene), Ok(airspace::ENTITIES_PER_SEARCH_MAX));
    scene.fill(A, 1);
    assert_eq!(list(&scene), Err(TooManyFound));

    let everywhere = place().during(0, 80_000).meters(0, 50_000);
    let Err(airspace::Refusal::OperationalIntent(
        airspace::operational_intent::Refusal::MissingKeys { operational_intents, .. },
    )) = scene.decide_unchecked(B, intent(1, everywhere.clone()))
    else {
        panic!("keys are missing");
    };
    assert_eq!(operational_intents.len(), airspace::ENTITIES_PER_SEARCH_MAX + 1);
    assert_eq!(
        scene.decide_unchecked(B, subscription(2, everywhere)),
        Err(airspace::subscription::Refusal::TooManyFound.into()),
    );
}
