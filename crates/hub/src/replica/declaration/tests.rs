use log::Family;

use super::*;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).expect("in range")
}

fn proposer(name: &str) -> Proposer {
    Proposer::new(name).expect("a good name")
}

/// Returns what holds a declaration of a hub, at 5 us.
fn entry(hub: &str) -> Entry {
    let command = Vec::new();
    Entry { family: Family::HUB, version: 2, proposer: proposer(hub), stamp: at(5), command }
}

fn dar_id(n: u8) -> DarId {
    DarId::from_random_bytes([n; 16])
}

fn founded(n: u8) -> Declaration {
    Declaration::Founded { dar_id: dar_id(n) }
}

fn heartbeat(source: &str, timestamp: i64) -> Declaration {
    Declaration::Heartbeat(Heartbeat {
        source: HeartbeatSource::new(source).expect("a good source"),
        reporter: Party::new("operator").expect("a good name"),
        timestamp: at(timestamp),
        next_expected_before: None,
    })
}

/// Returns the state after these declarations of one hub, at positions 1 and following.
fn state(declarations: &[Declaration]) -> State {
    let mut state = State::default();
    for (position, declaration) in (1..).zip(declarations) {
        state.apply(position, &entry("hub"), declaration);
    }
    state
}

/// Returns source and index of a hub's most recent heartbeat.
fn most_recent<'state>(state: &'state State, hub: &str) -> Option<(&'state str, u64)> {
    let registered = state.most_recent_heartbeat(hub)?;
    Some((registered.heartbeat.source.as_str(), registered.index))
}

#[test]
fn stays_restored_until_confirmed() {
    let mut state = State::default();
    let untouched = state.hash();

    state.apply(7, &entry("hub"), &Declaration::Restored);
    assert_eq!(state.restored, Some(Restored { position: 7, at: at(5) }));
    assert_ne!(state.hash(), untouched);

    state.apply(8, &entry("hub"), &Declaration::RestoredConfirmed);
    assert_eq!(state, State::default());
    assert_eq!(state.hash(), untouched);
}

#[test]
fn is_the_representation_that_was_founded_first() {
    assert_eq!(state(&[]).dar_id(), None);
    assert_eq!(state(&[founded(1), founded(2)]).dar_id(), Some(dar_id(1)));
    assert_eq!(dar_id(1).to_string(), "01010101-0101-4101-8101-010101010101");
}

#[test]
fn is_another_representation_after_a_restore() {
    let restored = state(&[founded(1), Declaration::Restored]);
    assert_eq!(restored.dar_id(), None);

    let confirmed =
        state(&[founded(1), Declaration::Restored, founded(2), Declaration::RestoredConfirmed]);
    assert_eq!(confirmed.dar_id(), Some(dar_id(2)));
}

#[test]
fn knows_the_most_recent_heartbeat_of_all_sources() {
    let hub = "hub";

    assert_eq!(most_recent(&state(&[]), hub), None);
    assert_eq!(most_recent(&state(&[heartbeat("a", 9), heartbeat("b", 8)]), hub), Some(("a", 0)));
    assert_eq!(most_recent(&state(&[heartbeat("a", 9), heartbeat("b", 9)]), hub), Some(("b", 1)));
    // A source's heartbeat takes the place of the one before, even of a later one.
    let again = state(&[heartbeat("a", 9), heartbeat("b", 8), heartbeat("a", 7)]);
    assert_eq!(most_recent(&again, hub), Some(("b", 1)));
    let more = state(&[heartbeat("a", 9), heartbeat("b", 8), heartbeat("a", 10)]);
    assert_eq!(most_recent(&more, hub), Some(("a", 2)));
}

#[test]
fn keeps_the_heartbeats_of_each_hub_apart() {
    let mut state = state(&[heartbeat("a", 9)]);

    state.apply(2, &entry("other"), &heartbeat("b", 3));

    assert_eq!(most_recent(&state, "hub"), Some(("a", 0)));
    assert_eq!(most_recent(&state, "other"), Some(("b", 0)));
    assert_eq!(most_recent(&state, "third"), None);
}

#[test]
fn forgets_the_source_not_heard_of_for_longest_when_there_are_too_many() {
    let last = i64::try_from(HEARTBEAT_SOURCES_MAX).expect("a few");
    // The first two sources claim the latest times; the first is heard of once more.
    let mut declarations =
        vec![heartbeat("0", 1_001), heartbeat("1", 1_002), heartbeat("0", 1_000)];
    declarations.extend((2..last).map(|n| heartbeat(&n.to_string(), n)));
    assert_eq!(most_recent(&state(&declarations), "hub"), Some(("1", 1)));

    declarations.push(heartbeat("one more", last));
    assert_eq!(most_recent(&state(&declarations), "hub"), Some(("0", 2)));

    declarations.push(heartbeat("and one more", last + 1));
    let index = u64::try_from(declarations.len() - 1).expect("a few");
    assert_eq!(most_recent(&state(&declarations), "hub"), Some(("and one more", index)));
}

#[test]
fn forgets_the_hub_not_heard_of_for_longest_when_there_are_too_many() {
    let mut state = State::default();
    let name = |n: usize| format!("hub {n}");
    for n in 0..HEARTBEAT_HUBS_MAX {
        state.apply(n as u64 + 1, &entry(&name(n)), &heartbeat("a", 1));
    }
    state.apply(100, &entry(&name(0)), &heartbeat("b", 1));
    for n in 0..HEARTBEAT_HUBS_MAX {
        assert!(most_recent(&state, &name(n)).is_some(), "{n}");
    }

    state.apply(101, &entry("one more"), &heartbeat("a", 1));

    assert_eq!(most_recent(&state, &name(0)), Some(("b", 1)));
    assert_eq!(most_recent(&state, &name(1)), None);
    assert_eq!(most_recent(&state, &name(2)), Some(("a", 0)));
    assert_eq!(most_recent(&state, "one more"), Some(("a", 0)));
}

#[test]
fn has_the_form_and_the_hash_of_version_1_while_it_holds_nothing_newer() {
    let restored_at =
        |position: u64| [&[1][..], &position.to_le_bytes(), &5_i64.to_le_bytes()].concat();

    assert_eq!(state(&[]).to_bytes(), [0]);
    assert_eq!(state(&[Declaration::Restored]).to_bytes(), restored_at(1));
    assert_eq!(state(&[founded(1), Declaration::Restored]).to_bytes(), restored_at(2));
    let expected: [u8; 32] = Sha256::digest(restored_at(1)).into();
    assert_eq!(state(&[Declaration::Restored]).hash(), expected);
}

#[test]
fn writes_version_2_as_described() {
    let state = state(&[founded(1), heartbeat("a", 9)]);

    let bytes = state.to_bytes();

    let id = [1, 1, 1, 1, 1, 1, 0x41, 1, 0x81, 1, 1, 1, 1, 1, 1, 1];
    let mut expected = vec![0, 1];
    expected.extend(id);
    expected.extend(1_u32.to_le_bytes());
    expected.extend(3_u32.to_le_bytes());
    expected.extend(b"hub");
    expected.extend(1_u64.to_le_bytes());
    expected.extend(1_u32.to_le_bytes());
    expected.extend(2_u64.to_le_bytes());
    expected.extend(0_u64.to_le_bytes());
    expected.extend(1_u32.to_le_bytes());
    expected.extend(b"a");
    expected.extend(8_u32.to_le_bytes());
    expected.extend(b"operator");
    expected.extend(9_i64.to_le_bytes());
    expected.push(0);
    assert_eq!(bytes, expected);
    assert_eq!(State::from_bytes(&bytes).expect("it is its own form"), state);
}

#[test]
fn reads_the_largest_state_and_nothing_malformed() {
    let mut state = state(&[founded(1), Declaration::Restored, founded(2)]);
    let mut position = 4;
    for hub in 0..HEARTBEAT_HUBS_MAX {
        let hub = format!("{hub:0>width$}", width = Proposer::LENGTH_MAX);
        for source in 0..HEARTBEAT_SOURCES_MAX {
            let source = format!("{source:0>width$}", width = HeartbeatSource::LENGTH_MAX);
            let heartbeat = Heartbeat {
                source: HeartbeatSource::new(&source).expect("a good source"),
                reporter: Party::new(&"r".repeat(Party::LENGTH_MAX)).expect("a good name"),
                timestamp: at(1),
                next_expected_before: Some(at(2)),
            };
            state.apply(position, &entry(&hub), &Declaration::Heartbeat(heartbeat));
            position += 1;
        }
    }

    let bytes = state.to_bytes();

    assert_eq!(bytes.len(), State::BYTES_MAX);
    assert_eq!(State::from_bytes(&bytes).expect("it is its own form"), state);
    assert!(State::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    assert!(State::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    assert!(State::from_bytes(&[]).is_err());
    // An empty second part would be a second form of the same state.
    assert!(State::from_bytes(&[0, 0, 0, 0, 0, 0]).is_err());
}

#[test]
fn reads_in_an_entry_what_its_version_has() {
    let read = |version: u16, declaration: &Declaration| {
        let bytes = borsh::to_vec(declaration).expect("writing to memory does not fail");
        Declaration::from_bytes(version, &bytes).ok()
    };

    for declaration in [Declaration::Restored, Declaration::RestoredConfirmed] {
        assert_eq!(read(1, &declaration).as_ref(), Some(&declaration));
        assert_eq!(read(2, &declaration).as_ref(), Some(&declaration));
    }
    for declaration in [founded(1), heartbeat("a", 9)] {
        assert_eq!(read(1, &declaration), None);
        assert_eq!(read(2, &declaration).as_ref(), Some(&declaration));
    }
    assert!(Declaration::from_bytes(2, &[4]).is_err());
    assert!(Declaration::from_bytes(2, &[0, 0]).is_err());
}

#[test]
fn takes_sources_of_some_length_that_can_be_shown() {
    let longest = "s".repeat(HeartbeatSource::LENGTH_MAX);

    assert_eq!(HeartbeatSource::new(&longest).map(|source| source.0), Ok(longest.clone()));
    let too_long = TextError::TooLong { max: HeartbeatSource::LENGTH_MAX };
    assert_eq!(HeartbeatSource::new(&format!("{longest}s")), Err(too_long));
    assert_eq!(HeartbeatSource::new(""), Err(TextError::Empty));
    assert_eq!(HeartbeatSource::new("a\nb"), Err(TextError::ControlCharacter));
    let smuggled = borsh::to_vec(&String::new()).expect("writing to memory does not fail");
    assert!(HeartbeatSource::try_from_slice(&smuggled).is_err());
}
