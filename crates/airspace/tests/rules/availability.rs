//! Availability of USSs (airspace-rules 1.5).

use airspace::Party;
use airspace::uss_availability::{Put, UssAvailabilityState};

use crate::asks::{A, B, intent, place};
use crate::scene::Scene;

fn put(uss: &str, old_version: &str, availability: UssAvailabilityState) -> Put {
    Put {
        uss_id: Party::new(uss).expect("a name"),
        old_version: old_version.to_owned(),
        availability,
    }
}

#[test]
fn sets_an_availability_only_over_the_version_it_has() {
    let mut scene = Scene::new();

    scene.ask(A, put("uss-x", "what", UssAvailabilityState::Down));
    scene.ask(A, put("uss-x", "", UssAvailabilityState::Down));
    scene.ask(A, put("uss-x", "", UssAvailabilityState::Normal));
    let known = scene.state.find_uss_availability(&Party::new("uss-x").expect("a name"));
    scene.ask(A, put("uss-x", &known.version, UssAvailabilityState::Normal));
    scene.ask(A, put("uss-x", &known.version, UssAvailabilityState::Down));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a says uss-x is: VersionMismatch
    uss-a says uss-x is: uss-x @1 Down
    uss-a says uss-x is: VersionMismatch
    uss-a says uss-x is: uss-x @2 Normal
    uss-a says uss-x is: VersionMismatch
    ");
}

#[test]
fn knows_nothing_of_a_uss_that_nobody_spoke_of() {
    let scene = Scene::new();

    let known = scene.state.find_uss_availability(&Party::new("uss-x").expect("a name"));

    assert_eq!(known.version, "");
    assert_eq!(known.availability, UssAvailabilityState::Unknown);
}

#[test]
fn sets_so_many_and_no_more() {
    let mut scene = Scene::new();
    for number in 0..airspace::USS_AVAILABILITIES_MAX {
        let put = put(&format!("uss{number}"), "", UssAvailabilityState::Normal);
        scene.decide_unchecked(A, put).expect("it is new");
    }

    let more = scene.decide_unchecked(A, put("more", "", UssAvailabilityState::Normal));
    assert_eq!(more, Err(airspace::uss_availability::Refusal::TooMany.into()));
    let known = scene.state.find_uss_availability(&Party::new("uss7").expect("a name"));
    let again = put("uss7", &known.version, UssAvailabilityState::Down);
    scene.decide_unchecked(A, again).expect("it is known");
}

#[test]
fn shows_the_availability_of_each_manager() {
    let mut scene = Scene::new();
    scene.quietly(A, put(A, "", UssAvailabilityState::Down));
    scene.quietly(A, put(B, "", UssAvailabilityState::Normal));
    for (id, party) in [(1, A), (2, B), (3, B), (4, "uss-c"), (5, A), (6, B)] {
        let height = i32::from(id) * 100;
        scene.quietly(party, intent(id, place().meters(height, height + 50)));
    }

    scene.look("uss-d", &place().at_any_altitude().search());

    insta::assert_snapshot!(scene.transcript(), @"
    uss-d sees 1 v1 Accepted hidden 60..660 100..150m none uss-a Down
    uss-d sees 2 v1 Accepted hidden 60..660 200..250m none uss-b Normal
    uss-d sees 3 v1 Accepted hidden 60..660 300..350m none uss-b Normal
    uss-d sees 4 v1 Accepted hidden 60..660 400..450m none uss-c Unknown
    uss-d sees 5 v1 Accepted hidden 60..660 500..550m none uss-a Down
    uss-d sees 6 v1 Accepted hidden 60..660 600..650m none uss-b Normal
    ");
}
