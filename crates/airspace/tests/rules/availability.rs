//! Availability of USSs (airspace-rules 1.5).

use airspace::Party;
use airspace::uss_availability::{Put, UssAvailabilityState};

use crate::asks::A;
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
