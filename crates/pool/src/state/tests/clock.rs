//! One clock that nobody owns.

use super::*;

const HOUR: i64 = 3600;
/// 2036-01-01, in seconds after 2026-01-01.
const IN_2036: i64 = 3652 * 24 * HOUR;

fn clock(trial: &Trial) -> Timestamp {
    trial.pool().clock()
}

#[test]
fn begins_when_a_majority_was_heard() {
    let mut trial = Trial::new(3, 3, 2);
    assert_eq!(clock(&trial), Timestamp::MIN);
    trial.beat(0, 10);
    assert_eq!(clock(&trial), Timestamp::MIN);
    assert_eq!(last_effect(&trial), &Effect::Placed { hub: hub_id(0), apart_us: 0 });

    trial.beat(1, 12);

    assert_eq!(clock(&trial), at(10));
}

#[test]
fn is_the_lower_median() {
    for (stamps, expected) in
        [(&[5][..], 5), (&[5, 9], 5), (&[9, 5, 7], 7), (&[9, 5, 7, 8], 7), (&[1, 2, 3, 4, 5], 3)]
    {
        let hubs = stamps.len();
        let mut trial = Trial::new(1, hubs, 1);
        for (hub, stamp) in (0..).zip(stamps) {
            trial.beat(hub, *stamp);
        }
        assert_eq!(clock(&trial), at(expected), "{stamps:?}");
    }
}

#[test]
fn is_not_moved_by_one_hub_of_three_that_is_an_hour_ahead_or_behind() {
    for apart in [HOUR, -HOUR] {
        let mut right = three();
        let mut wrong = right.clone();
        for seconds in 2..50 {
            for trial in [&mut right, &mut wrong] {
                trial.beat(0, seconds);
                trial.beat(1, seconds);
            }
            right.beat(2, seconds);
            wrong.beat(2, seconds + apart);

            assert_eq!(clock(&wrong), clock(&right));
        }
        let heard = wrong.pool().hub(&hub_id(2)).and_then(HubState::heard).expect("it was heard");
        assert_eq!(heard.apart_us, apart * 1_000_000, "and everybody sees it");
    }
}

#[test]
fn is_not_moved_by_one_hub_that_is_up_alone_in_2036() {
    let mut trial = three();
    let before = clock(&trial);
    for seconds in 0..100 {
        trial.put(0, at(IN_2036 + seconds), vec![flight(0)]);
        assert_eq!(clock(&trial), before);
    }
    assert_eq!(trial.pool().heard_since(at(2)), 1);

    // The others return and find all as it was; the clock goes on with theirs.
    trial.beat(1, 60);
    trial.beat(2, 61);
    assert_eq!(clock(&trial), at(61));
    trial.beat(1, 62);
    assert_eq!(clock(&trial), at(62));
}

#[test]
fn stands_while_fewer_than_a_majority_are_heard() {
    let mut trial = Trial::new(4, 4, 3);
    for hub in 0..4 {
        trial.beat(hub, 1);
    }
    for seconds in 2..20 {
        trial.beat(0, seconds);
        trial.beat(1, seconds);
        assert_eq!(clock(&trial), at(1));
    }
    trial.beat(2, 20);
    assert_eq!(clock(&trial), at(19));
}

#[test]
fn never_goes_back() {
    let mut trial = three();
    trial.beat(0, 50);
    trial.beat(1, 50);
    assert_eq!(clock(&trial), at(50));

    trial.beat(0, 3);
    trial.beat(1, 3);
    assert_eq!(clock(&trial), at(50));
    let key = key(50).public_key();
    trial.decide(0, Action::AdmitHub { id: hub_id(3), owner: owner_name(0), key });
    assert_eq!(clock(&trial), at(50));
    trial.decide(0, Action::RemoveHub { id: hub_id(1) });
    assert_eq!(clock(&trial), at(50));
    trial.decide(0, Action::Readmit { id: hub_id(0) });
    assert_eq!(clock(&trial), at(50));
}

#[test]
fn counts_the_hubs_that_are_set_aside_as_silent() {
    let mut trial = three();
    set_aside(&mut trial, 1);
    set_aside(&mut trial, 2);

    trial.beat(0, 90);

    assert_eq!(clock(&trial), at(1));
}

#[test]
fn counts_new_hubs_from_their_admission_on() {
    let mut trial = three();
    for number in [3, 4] {
        let key = key(50 + number).public_key();
        let owner = owner_name(0);
        trial.decide(0, Action::AdmitHub { id: hub_id(number), owner, key });
    }
    for hub in [0, 1] {
        trial.beat(hub, 30);
    }
    assert_eq!(clock(&trial), at(1), "two of five are no majority");

    trial.beat(2, 31);
    assert_eq!(clock(&trial), at(30));
}

#[test]
fn goes_on_at_once_when_the_owners_remove_those_who_held_it() {
    let mut trial = three();
    trial.beat(2, 50);
    trial.decide(2, Action::RemoveHub { id: hub_id(0) });
    assert_eq!(clock(&trial), at(1));

    trial.decide(2, Action::RemoveHub { id: hub_id(1) });

    assert_eq!(clock(&trial), at(50));
    assert!(State::from_bytes(&trial.state.to_bytes()).is_ok());
}

#[test]
fn takes_no_stamp_of_a_bad_batch() {
    let mut trial = three();
    for hub in [0, 1] {
        let bad = trial.batch(hub, at(99), vec![b"x".to_vec()]).to_bytes();
        assert!(matches!(trial.put_bytes(hub, Some(&bad)), Verdict::Spent(_)));
    }
    assert_eq!(clock(&trial), at(1));
}

#[test]
fn forgets_a_wrong_stamp_when_the_owners_readmit_the_hub() {
    let mut trial = three();
    trial.beat(2, IN_2036);
    trial.beat(0, 2);
    assert_eq!(clock(&trial), at(2), "of 1, 2 and 2036");

    trial.decide(0, Action::Readmit { id: hub_id(2) });

    trial.beat(0, 9);
    assert_eq!(clock(&trial), at(2), "of none, 1 and 9 it would be 1");
    assert_eq!(trial.pool().hub(&hub_id(2)).and_then(HubState::highest_stamp), None);
    trial.beat(2, 5);
    assert_eq!(clock(&trial), at(5));
}

#[test]
fn judges_by_the_later_of_a_stamp_and_the_clock() {
    let trial = three();

    assert_eq!(trial.pool().judged_at(at(0)), at(1));
    assert_eq!(trial.pool().judged_at(at(7)), at(7));
}
