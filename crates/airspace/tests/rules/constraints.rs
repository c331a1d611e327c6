//! Constraints (airspace-rules 1.5).

use airspace::constraint::{Delete, Put};
use airspace::uss_availability::{self, UssAvailabilityState};

use crate::asks::{A, B, constraint, entity, party, place, random_ovn, subscription};
use crate::scene::Scene;

fn update(id: u8, over: u8, bits: u8) -> Put {
    Put { ovn: Some(random_ovn(over)), next_ovn: [bits; 16], ..constraint(id, place()) }
}

fn delete(id: u8, over: u8) -> Delete {
    Delete { id: entity(id), ovn: random_ovn(over) }
}

#[test]
fn answers_the_manager_first_then_the_ovn() {
    let mut scene = Scene::new();
    scene.ask(A, constraint(1, place()));

    scene.note("create what exists; update over the wrong OVN; update; update what does not exist");
    for party in [B, A] {
        scene.ask(party, constraint(1, place()));
        scene.ask(party, update(1, 7, 1));
        scene.ask(party, update(1, 1, 1));
        scene.ask(party, update(2, 1, 1));
    }
    scene.note("delete what does not exist; over the wrong OVN; delete");
    for party in [B, A] {
        scene.ask(party, delete(2, 1));
        scene.ask(party, delete(1, 7));
        scene.ask(party, delete(1, 1));
    }

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts constraint 1: constraint 1 v1 r1 60..660 uss-a Unknown
    create what exists; update over the wrong OVN; update; update what does not exist
    uss-b puts constraint 1: NotManager
    uss-b puts constraint 1: NotManager
    uss-b puts constraint 1: NotManager
    uss-b puts constraint 2: NotFound
    uss-a puts constraint 1: AlreadyExists
    uss-a puts constraint 1: OvnMismatch
    uss-a puts constraint 1: constraint 1 v2 r1 60..660 uss-a Unknown
    uss-a puts constraint 2: NotFound
    delete what does not exist; over the wrong OVN; delete
    uss-b deletes constraint 2: NotFound
    uss-b deletes constraint 1: NotManager
    uss-b deletes constraint 1: NotManager
    uss-a deletes constraint 2: NotFound
    uss-a deletes constraint 1: OvnMismatch
    uss-a deletes constraint 1: constraint 1 v2 r1 60..660 uss-a Unknown
    ");
}

#[test]
fn refuses_what_ends_in_the_past_before_anything_else() {
    let mut scene = Scene::new();
    scene.ask(A, constraint(1, place().during(-600, 660)));

    scene.at(660).ask(A, constraint(2, place().during(-600, 660)));
    scene.note("one microsecond later");
    scene.ask(A, constraint(3, place().during(-600, 660)));
    scene.ask(B, constraint(1, place().during(-600, 660)));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts constraint 1: constraint 1 v1 r1 -600..660 uss-a Unknown
    uss-a puts constraint 2: constraint 2 v1 r2 -600..660 uss-a Unknown
    one microsecond later
    uss-a puts constraint 3: EndsInPast
    uss-b puts constraint 1: EndsInPast
    ");
}

#[test]
fn says_nothing_of_availability() {
    let mut scene = Scene::new();
    let down = uss_availability::Put {
        uss_id: party(A),
        old_version: String::new(),
        availability: UssAvailabilityState::Down,
    };
    scene.quietly(A, down);

    scene.ask(A, constraint(1, place()));

    insta::assert_snapshot!(
        scene.transcript(),
        @"uss-a puts constraint 1: constraint 1 v1 r1 60..660 uss-a Unknown"
    );
}

#[test]
fn tells_of_where_it_was_and_is() {
    let mut scene = Scene::new();
    for (id, cell) in [(7, 1), (8, 2), (9, 3)] {
        let mut put = subscription(id, place().cells(&[cell]));
        put.notify_for = airspace::subscription::NotifyFor::Constraints;
        scene.quietly(B, put);
    }

    scene.ask(A, constraint(1, place()));
    let moved = Put { extent: place().cells(&[2]).extent(), ..update(1, 1, 2) };
    scene.ask(A, moved);
    scene.ask(A, delete(1, 2));

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts constraint 1: constraint 1 v1 r1 60..660 uss-a Unknown; tell s s7=1
    uss-a puts constraint 1: constraint 1 v2 r2 60..660 uss-a Unknown; tell s s7=2 s8=1
    uss-a deletes constraint 1: constraint 1 v2 r2 60..660 uss-a Unknown; tell s s8=2
    ");
}

#[test]
fn needs_no_key() {
    let mut scene = Scene::new();
    scene.quietly(B, constraint(1, place()));

    scene.ask(A, constraint(2, place()));
    scene.look(A, &place().search()).look(B, &place().search());

    insta::assert_snapshot!(scene.transcript(), @"
    uss-a puts constraint 2: constraint 2 v1 r2 60..660 uss-a Unknown
      uss-a sees constraint 1 v1 hidden 60..660 uss-b Unknown
      uss-a sees constraint 2 v1 r2 60..660 uss-a Unknown
      uss-b sees constraint 1 v1 r1 60..660 uss-b Unknown
      uss-b sees constraint 2 v1 hidden 60..660 uss-a Unknown
    ");
}
