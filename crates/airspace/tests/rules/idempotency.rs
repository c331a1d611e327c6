//! Repeated requests (airspace-rules section 2 on `Idempotency-Key`).

use airspace::{Decision, FORGOTTEN_PER_ENTRY_MAX, KEPT_OUTCOMES_PER_PARTY_MAX, Retry};

use crate::asks::{A, B, intent, place};
use crate::scene::Scene;

const DAY_S: i64 = 86_400;

fn retry(key: u8, fingerprint: u8) -> Option<Retry> {
    Some(Retry { key: [key; 32], fingerprint: [fingerprint; 32] })
}

/// Says how a command with a key was decided.
fn decided(decision: &Decision) -> String {
    match decision {
        Decision::Decided { outcome: Ok(_), forgotten } => format!("accepted {forgotten:?}"),
        Decision::Decided { outcome: Err(_), forgotten } => format!("refused {forgotten:?}"),
        Decision::Repeat { first } => format!("as at {first}"),
        Decision::KeyReused => "key reused".to_owned(),
    }
}

fn ask(scene: &mut Scene, party: &str, retry: Option<Retry>) -> String {
    decided(&scene.decide(party, retry, intent(1, place()).into()))
}

#[test]
fn repeats_the_first_outcome_of_a_key() {
    let mut scene = Scene::new();

    assert_eq!(ask(&mut scene, A, retry(1, 1)), "accepted []");
    assert_eq!(ask(&mut scene, A, retry(1, 1)), "as at 1");
    assert_eq!(ask(&mut scene, A, retry(1, 2)), "key reused");
    assert_eq!(ask(&mut scene, A, retry(2, 1)), "refused []");
    assert_eq!(ask(&mut scene, A, retry(2, 1)), "as at 4");
    assert_eq!(ask(&mut scene, A, None), "refused []");
}

#[test]
fn keeps_the_keys_of_parties_apart() {
    let mut scene = Scene::new();

    assert_eq!(ask(&mut scene, A, retry(1, 1)), "accepted []");
    assert_eq!(ask(&mut scene, B, retry(1, 2)), "refused []");
    assert_eq!(ask(&mut scene, B, retry(1, 2)), "as at 2");
}

#[test]
fn changes_nothing_but_the_clock_on_a_repeat() {
    let mut scene = Scene::new();
    ask(&mut scene, A, retry(1, 1));
    let counts = scene.state.counts();
    let clock = scene.state.clock();

    ask(&mut scene, A, retry(1, 1));

    assert_eq!(scene.state.counts(), counts);
    assert!(clock < scene.state.clock());
}

#[test]
fn forgets_a_key_after_a_day() {
    let mut scene = Scene::new();
    ask(&mut scene, A, retry(1, 1));

    scene.at(DAY_S - 1);
    assert_eq!(ask(&mut scene, A, retry(1, 1)), "as at 1");
    assert_eq!(ask(&mut scene, A, retry(1, 2)), "key reused");
    scene.at(DAY_S);
    assert_eq!(ask(&mut scene, A, retry(1, 2)), "refused [1]");
    assert_eq!(ask(&mut scene, A, retry(1, 2)), "as at 4");
}

#[test]
fn says_what_is_needed_no_more_so_many_an_entry() {
    let mut scene = Scene::new();
    for number in 0..=FORGOTTEN_PER_ENTRY_MAX {
        ask(&mut scene, A, retry(number as u8, 0));
    }

    scene.at(2 * DAY_S);
    let Decision::Decided { forgotten, .. } = scene.decide(B, None, intent(2, place()).into())
    else {
        panic!("it has no key");
    };

    assert_eq!(forgotten, (1..=FORGOTTEN_PER_ENTRY_MAX as u64).collect::<Vec<_>>());
    assert_eq!(ask(&mut scene, B, None), "refused [65]");
}

#[test]
fn forgets_the_first_of_too_many_keys_of_a_party() {
    let mut scene = Scene::new();
    let key = |number: usize| {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_be_bytes());
        Some(Retry { key, fingerprint: [0; 32] })
    };
    ask(&mut scene, B, key(0));
    for number in 0..KEPT_OUTCOMES_PER_PARTY_MAX {
        scene.keep_unchecked(A, key(number));
    }

    assert_eq!(ask(&mut scene, A, key(0)), "as at 2");
    assert_eq!(ask(&mut scene, A, key(KEPT_OUTCOMES_PER_PARTY_MAX)), "refused [2]");
    assert_eq!(ask(&mut scene, A, key(0)), "refused [3]");
    assert_eq!(ask(&mut scene, B, key(0)), "as at 1");
    assert_eq!(scene.state.counts().kept_outcomes, KEPT_OUTCOMES_PER_PARTY_MAX + 1);
}
