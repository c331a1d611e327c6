use super::*;
use crate::trial::{
    Trial, at, change_entry, entry, flight, hub_id, key, offline, online, owner_name, signed,
};
use crate::{
    Action, Bad, Batch, Genesis, KEY_PREFIX, OwnerKey, PROPOSER, Placed, SignedChange, VERSION,
    trial,
};

mod clock;
mod epoch;
mod order;
mod own_change;
mod properties;
mod readmission;
mod rules;
mod wrong;

/// A pool of three owners with a hub each, whose hubs have all said something.
fn three() -> Trial {
    let mut trial = Trial::new(3, 3, 2);
    for hub in 0..3 {
        trial.beat(hub, 1);
    }
    trial
}

/// Puts something that sets a hub aside.
fn set_aside(trial: &mut Trial, hub: u16) {
    let verdict = trial.put_bytes(hub, Some(b"garbage"));
    assert_eq!(verdict, Verdict::SetAside(Fault::Malformed));
}

fn last_effect(trial: &Trial) -> &Effect {
    trial.effects.last().expect("there was one")
}

#[test]
fn is_nothing_before_its_genesis_and_lets_every_party_use_the_one_hub() {
    let state = State::default();

    assert_eq!(state.to_bytes(), b"");
    assert_eq!(State::from_bytes(b"").expect("its own form"), state);
    assert!(state.allows("anybody", &hub_id(0)));
}

#[test]
fn begins_with_its_genesis_and_with_nothing_else() {
    let genesis = Command::Genesis(trial::genesis(3, 3, 2));
    let start = AppliedHead::default();
    let later = AppliedHead { position: 1, chain: [0; 32] };
    let mut state = State::default();

    assert_eq!(state.apply(&start, "hub-000", &genesis), Err(ApplyError::Proposer));
    assert_eq!(state.apply(&later, PROPOSER, &genesis), Err(ApplyError::NotFounded));
    let unsigned = signed(three().membership(), Action::SetQuorum { quorum: 2 }, &[]);
    let change = Command::Change(Box::new(unsigned));
    assert_eq!(state.apply(&start, "hub-000", &change), Err(ApplyError::NotFounded));
    assert_eq!(state.apply(&start, PROPOSER, &change), Err(ApplyError::Proposer));
    assert_eq!(state.apply(&start, PROPOSER, &genesis), Ok(Effect::Founded));
    assert_eq!(state.apply(&later, PROPOSER, &genesis), Err(ApplyError::FoundedBefore));
}

#[test]
fn takes_no_entry_that_does_not_follow() {
    let trial = three();
    let good = Placed::of(100, &trial.batch(0, at(2), Vec::new()));
    let bad =
        Bad { revision: 100, hub: hub_id(0), version: 2, fault: Fault::Previous, hash: [0; 32] };
    let misplaced: [fn(&mut Placed); 7] = [
        |placed| placed.header.slot.pool = trial::genesis(3, 2, 2).fingerprint(),
        |placed| placed.header.slot.epoch = 2,
        |placed| placed.header.slot.hub = hub_id(9),
        |placed| placed.header.slot.sequence = 3,
        |placed| placed.header.slot.sequence = 1,
        |placed| placed.header.slot.previous = [0; 32],
        |placed| placed.revision = 1,
    ];
    let mut commands: Vec<_> = misplaced
        .iter()
        .map(|edit| {
            let mut placed = good.clone();
            edit(&mut placed);
            Command::Placed(Box::new(placed))
        })
        .collect();
    commands.extend([
        Command::Bad(Bad { hub: hub_id(9), ..bad.clone() }),
        Command::Bad(Bad { version: 3, ..bad.clone() }),
        Command::Bad(Bad { revision: 2, ..bad.clone() }),
        Command::Bad(Bad { fault: Fault::NotAdmitted, ..bad.clone() }),
    ]);
    for command in commands {
        let mut state = trial.state.clone();
        let applied = state.apply(&trial.head, PROPOSER, &command);

        assert!(matches!(applied, Err(ApplyError::Misplaced(_))), "{command:?}: {applied:?}");
        assert_eq!(state, trial.state);
    }
    for command in [Command::Placed(Box::new(good)), Command::Bad(bad)] {
        let mut state = trial.state.clone();
        assert!(state.apply(&trial.head, PROPOSER, &command).is_ok());
        assert_eq!(
            trial.state.clone().apply(&trial.head, "hub-000", &command),
            Err(ApplyError::Proposer)
        );
    }
}

#[test]
fn stamps_what_every_hub_makes_for_itself_alike() {
    let trial = three();
    let placed = Placed::of(100, &trial.batch(0, at(77), Vec::new()));
    let bad = Bad { revision: 1, hub: hub_id(0), version: 0, fault: Fault::Deleted, hash: [0; 32] };
    let genesis = Command::Genesis(trial::genesis(1, 1, 1));

    assert_eq!(trial.state.stamp_of(&Command::Placed(Box::new(placed))), at(77));
    assert_eq!(trial.state.stamp_of(&Command::Bad(bad)), at(1));
    assert_eq!(State::default().stamp_of(&genesis), Timestamp::MIN);
}

#[test]
fn takes_nothing_of_a_hub_twice_that_is_set_aside() {
    let mut trial = three();
    set_aside(&mut trial, 0);
    let bad =
        Bad { revision: 100, hub: hub_id(0), version: 3, fault: Fault::Signature, hash: [0; 32] };

    let applied = trial.state.apply(&trial.head, PROPOSER, &Command::Bad(bad));

    assert!(matches!(applied, Err(ApplyError::Misplaced(_))));
}

#[test]
fn comes_back_from_its_stored_form_and_from_no_other() {
    let mut trial = three();
    set_aside(&mut trial, 2);
    let bytes = trial.state.to_bytes();

    let back = State::from_bytes(&bytes).expect("its own form");
    assert_eq!(back, trial.state);
    assert_eq!(back.hash(), trial.state.hash());
    for length in 1..bytes.len() {
        assert!(State::from_bytes(&bytes[..length]).is_err(), "{length} bytes");
    }
    assert!(State::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    assert!(State::from_bytes(&vec![1; State::BYTES_MAX + 1]).is_err());
}

#[test]
fn is_not_read_when_its_parts_do_not_fit() {
    let trial = three();
    let edits: [fn(&mut Pool); 4] = [
        |pool| pool.hubs.truncate(2),
        |pool| pool.rules = Rules::default(),
        |pool| pool.hubs[0].revision = 1000,
        |pool| pool.clock = Timestamp::MIN,
    ];
    for (index, edit) in edits.into_iter().enumerate() {
        let mut state = trial.state.clone();
        edit(state.pool.as_mut().expect("it was founded"));

        assert!(State::from_bytes(&state.to_bytes()).is_err(), "edit {index}");
    }
}

#[test]
fn is_never_longer_than_it_may_be() {
    let most = u8::try_from(HUBS_MAX).expect("small");
    let genesis = trial::genesis(HUBS_MAX, HUBS_MAX, most);
    let mut state = State::default();
    let start = AppliedHead::default();
    state.apply(&start, PROPOSER, &Command::Genesis(genesis)).expect("it follows");

    assert!(state.to_bytes().len() < State::BYTES_MAX);
}
