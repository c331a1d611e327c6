//! The same log gives the same state, bit for bit, wherever one begins.

use airspace::import::Import;
use airspace::{Request, State, UssBaseUrl};
use proptest::prelude::any;
use proptest::{prop_assert_eq, prop_assert_ne};
use testkit::commands::{Entry, play, steps};
use testkit::model::Model;

use crate::check;

#[test]
fn reaches_the_same_hash_twice() {
    check(500, &steps(1..=40), |steps| {
        let entries = play(&steps);
        let (mut hashed_often, mut hashed_once) = (State::default(), State::default());
        for entry in &entries {
            apply(&mut hashed_often, entry);
            hashed_often.hash();
            apply(&mut hashed_once, entry);
        }

        prop_assert_eq!(hashed_often.hash(), hashed_once.hash());
        prop_assert_eq!(hashed_often.frozen().hash(), hashed_once.hash());
        Ok(())
    });
}

/// In a pool one hub answers, and all others apply the same unheard.
#[test]
fn reaches_the_same_hash_whether_or_not_the_answers_are_heard() {
    check(500, &steps(1..=40), |steps| {
        let (mut heard, mut unheard) = (State::default(), State::default());
        for entry in &play(&steps) {
            let said = apply(&mut heard, entry);
            let Entry { position, stamp, command } = entry;
            let not_said = unheard.apply_unheard(*position, *stamp, command);
            if command.retry.is_some() {
                prop_assert_eq!(said, not_said, "it may be asked for again");
            }
            prop_assert_eq!(heard.hash(), unheard.hash());
        }
        Ok(())
    });
}

#[test]
fn reaches_the_same_hash_from_every_snapshot_in_between() {
    check(150, &steps(1..=25), |steps| {
        let entries = play(&steps);
        let mut state = State::default();
        let mut frozen = vec![(state.frozen(), state.hash(), state.clock())];
        let mut decisions = Vec::new();
        for entry in &entries {
            decisions.push(apply(&mut state, entry));
            frozen.push((state.frozen(), state.hash(), state.clock()));
        }

        // What was frozen is written only now: what came after must not show in it.
        for (taken, (frozen, hash, clock)) in frozen.iter().enumerate() {
            let mut snapshot = Vec::new();
            frozen.write(&mut snapshot).expect("a vector takes everything");
            let mut restored = State::read(snapshot.as_slice()).expect("it was just written");
            prop_assert_eq!(frozen.hash(), *hash, "frozen after {} entries", taken);
            prop_assert_eq!(restored.hash(), *hash, "read after {} entries", taken);
            prop_assert_eq!(restored.clock(), *clock, "read after {} entries", taken);
            for (entry, decision) in entries.iter().zip(&decisions).skip(taken) {
                prop_assert_eq!(&apply(&mut restored, entry), decision, "after {}", taken);
            }
            prop_assert_eq!(restored.hash(), state.hash(), "continued after {} entries", taken);
        }
        Ok(())
    });
}

#[test]
fn has_another_hash_after_every_entry() {
    check(200, &steps(1..=40), |steps| {
        let mut state = State::default();
        let mut hashes = vec![state.hash()];
        for entry in play(&steps) {
            apply(&mut state, &entry);
            hashes.push(state.hash());
        }

        let all = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        prop_assert_eq!(hashes.len(), all);
        Ok(())
    });
}

/// What a command leaves behind is covered whole: another bit of it is another state.
#[test]
fn has_another_hash_where_one_command_was_another() {
    check(500, &(steps(1..=30), any::<usize>()), |(steps, which)| {
        let entries = play(&steps);
        let mut others = entries.clone();
        alter(&mut others[which % entries.len()]);

        let (mut state, mut other_state) = (State::default(), State::default());
        let (mut model, mut other_model) = (Model::default(), Model::default());
        for (entry, other) in entries.iter().zip(&others) {
            apply(&mut state, entry);
            apply(&mut other_state, other);
            model.apply(entry.position, entry.stamp, &entry.command);
            other_model.apply(other.position, other.stamp, &other.command);
        }

        // Equal models may stand on different states: what is past may leave a trace in them.
        if model != other_model {
            prop_assert_ne!(state.hash(), other_state.hash());
        }
        Ok(())
    });
}

fn apply(state: &mut State, entry: &Entry) -> airspace::Decision {
    state.apply(entry.position, entry.stamp, &entry.command)
}

/// Changes the smallest thing of each kind of command.
fn alter(entry: &mut Entry) {
    match &mut entry.command.request {
        Request::PutOperationalIntent(put) => put.uss_base_url = other_url(),
        Request::PutConstraint(put) => put.next_ovn[15] ^= 1,
        Request::PutSubscription(put) => put.uss_base_url = other_url(),
        Request::PutSettings(settings) => settings.f3548_retention_s += 1,
        Request::PutIdentificationServiceArea(put) => put.uss_base_url = other_url(),
        Request::PutRemoteIdSubscription(put) => put.uss_base_url = other_url(),
        Request::PutF3411Settings(settings) => settings.retention_s += 1,
        Request::Import(import) => alter_import(import),
        Request::DeleteOperationalIntent(_)
        | Request::DeleteConstraint(_)
        | Request::DeleteSubscription(_)
        | Request::DeleteIdentificationServiceArea(_)
        | Request::DeleteRemoteIdSubscription(_)
        | Request::PutUssAvailability(_) => {
            entry.stamp = entry.stamp.plus(std::time::Duration::from_micros(1));
        }
    }
}

fn alter_import(import: &mut Import) {
    let micros = std::time::Duration::from_micros(1);
    match import {
        Import::Subscription(new) => new.notification_index ^= 1,
        Import::OperationalIntent(new) => new.uss_base_url = other_url(),
        Import::Constraint(new) => new.updated_at = new.updated_at.minus(micros),
        Import::UssAvailability(new) => new.updated_at = new.updated_at.minus(micros),
        Import::IdentificationServiceArea(new) => new.updated_at = new.updated_at.minus(micros),
        Import::RemoteIdSubscription(new) => new.notification_index ^= 1,
    }
}

fn other_url() -> UssBaseUrl {
    UssBaseUrl::new("https://uss1.examplf").expect("it is short")
}
