//! The hash of the state and its stored form.

use std::io::ErrorKind;

use airspace::import::{self, Import};
use airspace::{F3411Settings, Request, Retry, State};

use crate::asks::{
    A, B, Intent, area, change_area, constraint, delete_area, existing, implicit, intent,
    no_version, party, place, random_ovn, subscription, suffix, time, watch,
};
use crate::scene::Scene;

/// Returns a state with something of every kind in it.
fn scene() -> Scene {
    let mut scene = Scene::new();
    scene.quietly(A, intent(1, place()).with(implicit(9)).suffix(suffix(0, 1)));
    let ovn = scene.ovn(A, 1);
    scene.quietly(A, intent(1, place()).with(existing(9)).bits(4).over(&ovn));
    scene.quietly(B, intent(2, place().cells(&[2, 3, 4])).suffix(suffix(0, 2)));
    scene.quietly(B, constraint(3, place().at_any_altitude()));
    scene.quietly(B, subscription(8, place().cells(&[3])));
    let down = airspace::uss_availability::Put {
        uss_id: party(B),
        old_version: String::new(),
        availability: airspace::uss_availability::UssAvailabilityState::Down,
    };
    scene.quietly(A, down);
    let retry = Retry { key: [1; 32], fingerprint: [2; 32] };
    scene.decide(A, Some(retry), intent(5, place().cells(&[9])).into());
    scene
}

/// Returns the same, with something of remote ID in it.
fn scene_with_remote_id() -> Scene {
    let mut scene = scene();
    scene.quietly(A, area(1, place().cells(&[1, 2])));
    scene.quietly(B, watch(2, place().cells(&[2])));
    scene.quietly(B, area(3, place().cells(&[2])));
    scene.quietly(A, F3411Settings { retention_s: 60 });
    scene
}

fn written(state: &State) -> Vec<u8> {
    let mut bytes = Vec::new();
    state.frozen().write(&mut bytes).expect("a vector takes any number of bytes");
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn reads_what_it_wrote() {
    let mut scene = scene();
    let bytes = written(&scene.state);

    let mut read = State::read(bytes.as_slice()).expect("it is whole");

    read.check().expect("indices follow the tables");
    assert_eq!(read.hash(), scene.state.hash());
    assert_eq!(read.counts(), scene.state.counts());
    assert_eq!(written(&read), bytes);
}

#[test]
fn reads_what_it_wrote_with_remote_id() {
    let mut scene = scene_with_remote_id();
    let bytes = written(&scene.state);

    let mut read = State::read(bytes.as_slice()).expect("it is whole");

    read.check().expect("indices follow the tables");
    assert_eq!(read.hash(), scene.state.hash());
    assert_eq!(read.counts(), scene.state.counts());
    assert_eq!(read.f3411_settings(), F3411Settings { retention_s: 60 });
    assert_eq!(written(&read), bytes);
}

#[test]
fn writes_version_1_until_something_of_version_2_is_accepted() {
    let version = |scene: &Scene| written(&scene.state)[..2].to_vec();
    let mut scene = scene();
    assert_eq!(version(&scene), [1, 0]);
    scene.decide_unchecked(A, delete_area(1, no_version())).expect_err("there is none");
    assert_eq!(version(&scene), [1, 0]);

    let retention = F3411Settings::default();
    let imported = import::UssAvailability {
        uss_id: party("uss-c"),
        availability: airspace::uss_availability::UssAvailabilityState::Down,
        updated_at: time(0),
    };
    let requests: [Request; 4] = [
        area(1, place()).into(),
        watch(1, place()).into(),
        retention.into(),
        Import::UssAvailability(imported).into(),
    ];
    for request in requests {
        let mut scene = self::scene();
        scene.quietly(A, request);
        assert_eq!(version(&scene), [2, 0]);
    }
}

#[test]
fn stays_at_version_2_when_all_of_remote_id_is_gone() {
    let mut scene = scene();
    scene.quietly(A, area(1, place()));
    let version = scene.area_version(1);
    scene.quietly(A, delete_area(1, version));

    let bytes = written(&scene.state);
    let mut read = State::read(bytes.as_slice()).expect("it is whole");

    assert_eq!(bytes[..2], [2, 0]);
    assert_eq!(written(&read), bytes);
    assert_eq!(read.hash(), scene.state.hash());
}

#[test]
fn puts_remote_id_after_what_version_1_holds() {
    let mut without = scene();
    let mut with = scene();
    with.quietly(A, F3411Settings::default());
    without.decide_unchecked(A, delete_area(1, no_version())).expect_err("the clock moves");
    let hash_at = written(&without.state).len() - 32;

    let (old, new) = (written(&without.state), written(&with.state));

    assert_eq!(new[2..hash_at], old[2..hash_at]);
    assert_eq!(new.len(), old.len() + 8 + 4 + 8 + 8);
    assert_ne!(with.state.hash(), without.state.hash());
}

#[test]
fn goes_on_the_same_from_what_it_read() {
    let mut scene = scene_with_remote_id();
    let read = State::read(written(&scene.state).as_slice()).expect("it is whole");
    let mut other = scene_with_remote_id();
    other.state = read;

    for scene in [&mut scene, &mut other] {
        scene.at(100);
        scene.ask(A, intent(6, place().cells(&[1, 2, 3])).with(implicit(7)));
        scene.ask(A, intent(1, place()).with(existing(9)).over(&random_ovn(4)).bits(5));
        scene.ask(A, area(4, place().cells(&[2])));
        scene.look_at_watches(B, &place().cells(&[2]).footprint());
        scene.at(200_000).ask(A, intent(6, place().during(200_000, 200_001)));
        scene.ask(A, area(3, place().during(200_000, 200_001)));
        scene.look(A, &place().during(0, 300_000).search());
    }

    assert_eq!(scene.transcript(), other.transcript());
    assert_eq!(scene.state.hash(), other.state.hash());
}

#[test]
fn refuses_what_is_cut_off() {
    let bytes = written(&scene_with_remote_id().state);

    for end in 0..bytes.len() {
        assert!(State::read(&bytes[..end]).is_err(), "cut off at {end}");
    }
}

#[test]
fn refuses_what_goes_on() {
    let mut bytes = written(&scene_with_remote_id().state);
    bytes.push(0);

    let error = State::read(bytes.as_slice()).expect_err("it goes on");

    assert_eq!(error.kind(), ErrorKind::InvalidData);
}

#[test]
fn refuses_every_altered_byte() {
    let bytes = written(&scene_with_remote_id().state);

    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1 << (at % 8);
        assert!(State::read(altered.as_slice()).is_err(), "byte {at} was altered");
    }
}

#[test]
fn refuses_counts_without_records() {
    let bytes = written(&State::default());
    let first_count = 2 + 8 + 8 + 4;
    let mut altered = bytes.clone();
    altered[first_count..first_count + 8].copy_from_slice(&u64::MAX.to_le_bytes());

    assert!(State::read(altered.as_slice()).is_err());
}

#[test]
fn refuses_a_version_that_is_not_known() {
    for version in [0, 3] {
        let mut bytes = written(&scene().state);
        bytes[0] = version;

        let error = State::read(bytes.as_slice()).expect_err("it is of another version");

        assert!(error.to_string().contains("version"), "{error}");
    }
}

#[test]
fn keeps_a_frozen_state_as_it_was() {
    let mut scene = scene_with_remote_id();
    let hash = scene.state.hash();
    let bytes = written(&scene.state);
    let frozen = scene.state.frozen();

    scene.quietly(A, intent(1, place()).with(existing(9)).over(&random_ovn(4)).bits(5));
    scene.quietly(B, intent(6, place().cells(&[7])).with(implicit(7)));
    let version = scene.area_version(1);
    scene.quietly(A, change_area(1, version, place()));
    scene.at(200_000).quietly(B, subscription(20, place().during(200_000, 200_060)));

    assert_ne!(scene.state.hash(), hash);
    assert_eq!(frozen.hash(), hash);
    let mut later = Vec::new();
    frozen.write(&mut later).expect("a vector takes any number of bytes");
    assert_eq!(later, bytes);
}

#[test]
fn hashes_the_content_and_not_the_way_to_it() {
    let mut one = Scene::new();
    one.quietly(A, intent(1, place()));
    one.quietly(A, intent(2, place().cells(&[2])));
    one.quietly(A, intent(3, place().cells(&[3])));
    one.quietly(A, crate::asks::delete(1, &random_ovn(1)));
    one.at(50).quietly(A, intent(4, place().cells(&[4])));

    let mut other = Scene::new();
    other.quietly(A, intent(3, place().cells(&[3])));
    other.quietly(A, intent(2, place().cells(&[2])));
    other.at(50).quietly(A, intent(4, place().cells(&[4])));

    assert_eq!(one.state.hash(), other.state.hash());
    assert_eq!(written(&one.state), written(&other.state));
}

#[test]
fn hashes_every_change() {
    let mut scene = Scene::new();
    let mut hashes = vec![scene.state.hash()];

    scene.quietly(A, intent(1, place()).with(implicit(9)));
    hashes.push(scene.state.hash());
    scene.decide_unchecked(A, intent(1, place())).expect_err("it exists");
    hashes.push(scene.state.hash());
    scene.quietly(A, airspace::Settings { f3548_retention_s: 1 });
    hashes.push(scene.state.hash());
    scene.quietly(A, area(1, place()));
    hashes.push(scene.state.hash());
    scene.quietly(A, watch(1, place()));
    hashes.push(scene.state.hash());
    scene.quietly(A, area(2, place()));
    hashes.push(scene.state.hash());
    scene.quietly(A, F3411Settings { retention_s: 1 });
    hashes.push(scene.state.hash());

    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 8);
}

#[test]
fn keeps_its_hash_and_its_stored_form() {
    let mut scene = scene();

    insta::assert_snapshot!(
        hex(&scene.state.hash()),
        @"9ca9a8838fa34ca1fd0be2abbe76b3176dc306106391c064ea879b0b4c6e03b8"
    );
    insta::assert_snapshot!(written(&scene.state).len(), @"822");
}

#[test]
fn keeps_its_hash_and_its_stored_form_with_remote_id() {
    let mut scene = scene_with_remote_id();

    insta::assert_snapshot!(hex(&scene.state.hash()), @"5a0786f63ec4d5b6ad31f2340fe249bccd7e2b05beeb3b82a5b0295de369606d");
    insta::assert_snapshot!(written(&scene.state).len(), @"1108");
}
