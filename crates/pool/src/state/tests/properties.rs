//! What holds whatever anybody puts.

use proptest::prelude::*;

use super::*;

/// Something that is put under the key of a hub.
#[derive(Clone, Debug)]
enum Put {
    /// Its next batch, with a stamp.
    Good { stamp: i64, flights: usize },
    /// Its next batch with one byte changed.
    Changed { index: prop::sample::Index, mask: u8 },
    /// A batch that was put before, by whichever hub.
    Again { index: prop::sample::Index },
    /// A batch of its own that is bad inside.
    Bad,
    /// Its next batch with a change that these owners have signed.
    Change { what: u8, about: u16, owners: Vec<u16> },
    /// Any bytes.
    Bytes(Vec<u8>),
    /// The deletion of the key.
    Deletion,
}

fn put() -> impl Strategy<Value = Put> {
    prop_oneof![
        8 => (-5000..5000_i64, 0..3_usize)
            .prop_map(|(stamp, flights)| Put::Good { stamp, flights }),
        1 => (any::<prop::sample::Index>(), 1..=255_u8)
            .prop_map(|(index, mask)| Put::Changed { index, mask }),
        1 => any::<prop::sample::Index>().prop_map(|index| Put::Again { index }),
        1 => Just(Put::Bad),
        6 => (0..8_u8, 0..5_u16, prop::collection::vec(0..4_u16, 0..4))
            .prop_map(|(what, about, owners)| Put::Change { what, about, owners }),
        1 => prop::collection::vec(any::<u8>(), 0..50).prop_map(Put::Bytes),
        1 => Just(Put::Deletion),
    ]
}

fn puts() -> impl Strategy<Value = Vec<(u16, Put)>> {
    prop::collection::vec((0..5_u16, put()), 0..40)
}

fn action(what: u8, about: u16) -> Action {
    let (id, owner, party) = (hub_id(about), owner_name(about % 3), "uss");
    let party = crate::PartyName::new(party).expect("a name");
    match what {
        0 => Action::AdmitHub { id, owner, key: key(about).public_key() },
        1 => Action::RemoveHub { id },
        2 | 3 => Action::Readmit { id },
        4 => Action::Bind { party, hubs: vec![id] },
        5 => Action::Unbind { party },
        6 => Action::RemoveOwner { name: owner_name(about), quorum: 2 },
        _ => Action::AdmitOwner { owner: trial::owner(about), quorum: 2 },
    }
}

/// Returns what is put, made for the trial as it is.
fn value(trial: &Trial, hub: u16, put: &Put, before: &[Vec<u8>]) -> Option<Vec<u8>> {
    if let Put::Bytes(bytes) = put {
        return Some(bytes.clone());
    }
    if let Put::Again { index } = put
        && !before.is_empty()
    {
        return Some(before[index.index(before.len())].clone());
    }
    trial.pool().next_slot(&hub_id(hub))?;
    let batch = |stamp, entries| trial.batch(hub, at(stamp), entries).to_bytes();
    match put {
        Put::Good { stamp, flights } => Some(batch(*stamp, vec![flight(hub); *flights])),
        Put::Changed { index, mask } => {
            let mut bytes = batch(0, vec![flight(hub)]);
            let index = index.index(bytes.len());
            bytes[index] ^= mask;
            Some(bytes)
        }
        Put::Bad => Some(batch(0, vec![b"x".to_vec()])),
        Put::Change { what, about, owners } => {
            let change = signed(trial.membership(), action(*what, *about), owners);
            Some(batch(0, vec![change_entry(hub, &change), flight(hub)]))
        }
        Put::Again { .. } | Put::Bytes(_) | Put::Deletion => None,
    }
}

/// Puts all and returns the events, as etcd has them.
fn run(trial: &mut Trial, puts: &[(u16, Put)]) -> Vec<(u16, Option<Vec<u8>>)> {
    let (mut events, mut values) = (Vec::new(), Vec::new());
    for (hub, put) in puts {
        let value = value(trial, *hub, put, &values);
        trial.put_bytes(*hub, value.as_deref());
        values.extend(value.clone());
        events.push((*hub, value));
    }
    events
}

proptest! {
    #[test]
    fn two_hubs_that_find_the_same_have_the_same(puts in puts()) {
        let mut one = Trial::new(3, 3, 2);
        let mut other = one.clone();
        let events = run(&mut one, &puts);

        for (hub, value) in &events {
            other.put_bytes(*hub, value.as_deref());
            // The other hub starts anew from its snapshot after every event.
            let bytes = other.state.to_bytes();
            prop_assert!(bytes.len() <= State::BYTES_MAX);
            other.state = State::from_bytes(&bytes).expect("its own form");
        }

        prop_assert_eq!(&one.state, &other.state);
        prop_assert_eq!(one.state.hash(), other.state.hash());
        prop_assert_eq!((one.head, one.effects), (other.head, other.effects));
    }

    #[test]
    fn what_is_put_is_bounded_by_what_a_quorum_has_signed(puts in puts()) {
        let mut trial = Trial::new(3, 3, 2);
        let mut membership = trial.membership().clone();
        for put in &puts {
            let number = membership.number();
            run(&mut trial, std::slice::from_ref(put));

            let few = |owners: &Vec<u16>| {
                let mut owners = owners.clone();
                owners.sort_unstable();
                owners.dedup();
                owners.len() < 2
            };
            if let (_, Put::Change { owners, .. }) = put && few(owners) {
                prop_assert_eq!(trial.membership(), &membership);
            }
            prop_assert_eq!(membership.check(), Ok(()));
            prop_assert!(trial.membership().number() <= number + 1);
            membership = trial.membership().clone();
        }
    }

    #[test]
    fn the_clock_never_goes_back_and_stays_among_the_others_stamps(
        stamps in prop::collection::vec((0..3_u16, -100_000..100_000_i64), 0..60),
    ) {
        let mut trial = three();
        let mut clock = trial.pool().clock();
        for (hub, stamp) in stamps {
            trial.beat(hub, stamp);

            let now = trial.pool().clock();
            prop_assert!(clock <= now);
            clock = now;
            for liar in 0..3 {
                let others = trial.pool().hubs().filter(|(id, _)| **id != hub_id(liar));
                let highest: Vec<_> =
                    others.filter_map(|(_, other)| other.highest_stamp()).collect();
                prop_assert!(*highest.iter().min().expect("two") <= now);
                prop_assert!(now <= *highest.iter().max().expect("two"));
            }
        }
    }

    #[test]
    fn nothing_of_a_removed_hub_changes_anything(
        values in prop::collection::vec(prop::option::of(put()), 0..20),
    ) {
        let mut trial = three();
        let mut former = trial.clone();
        trial.decide(1, Action::RemoveHub { id: hub_id(0) });
        let state = trial.state.clone();

        for put in values {
            let value = put.and_then(|put| value(&former, 0, &put, &[]));
            former.put_bytes(0, value.as_deref());
            let verdict = trial.put_bytes(0, value.as_deref());
            prop_assert_eq!(verdict, Verdict::Foreign(Fault::NotAdmitted));
        }

        prop_assert_eq!(trial.state, state);
    }

    #[test]
    fn what_one_hub_does_wrong_changes_nothing_of_the_others(
        wrong in prop::collection::vec((0..4_usize, put()), 0..10),
    ) {
        let mut right = three();
        let mut with_wrong = right.clone();
        let mut values = Vec::new();
        for round in 0..4 {
            for (_, put) in wrong.iter().filter(|(when, _)| *when == round) {
                // Whatever it is, but not what a quorum has signed: that may change the others.
                if matches!(put, Put::Change { .. }) {
                    continue;
                }
                let value = value(&with_wrong, 2, put, &values);
                with_wrong.put_bytes(2, value.as_deref());
                values.extend(value);
            }
            for hub in [0, 1] {
                for trial in [&mut right, &mut with_wrong] {
                    trial.put(hub, at(10), vec![flight(hub)]);
                }
            }
        }

        for hub in [0, 1].map(hub_id) {
            let [a, b] = [&right, &with_wrong].map(|trial| trial.pool().hub(&hub).expect("a hub"));
            prop_assert_eq!((a.sequence(), a.spent()), (b.sequence(), b.spent()));
            prop_assert!(b.set_aside().is_none());
        }
        prop_assert_eq!(right.membership(), with_wrong.membership());
        prop_assert_eq!(with_wrong.pool().clock(), at(10));
    }

    #[test]
    fn a_state_is_read_from_its_own_bytes_only(
        puts in puts(),
        index: prop::sample::Index,
        mask in 1..=255_u8,
    ) {
        let mut trial = Trial::new(3, 3, 2);
        run(&mut trial, &puts);
        let mut bytes = trial.state.to_bytes();
        let index = index.index(bytes.len());
        bytes[index] ^= mask;

        if let Ok(other) = State::from_bytes(&bytes) {
            prop_assert_ne!(&other, &trial.state);
            prop_assert_eq!(other.to_bytes(), bytes);
        }
    }
}
