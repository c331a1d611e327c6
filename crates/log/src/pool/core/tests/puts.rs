//! Appends, batches, and what becomes of them when answers are lost.

use ::pool::{BATCH_BYTES_MAX, CHANGES_PER_BATCH_MAX, COMMAND_BYTES_MAX, ENTRIES_PER_BATCH_MAX};

use super::*;

#[test]
fn fills_the_next_batch_while_one_is_under_way() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);

    let first = rig.append(b"1");
    let rest = [rig.append(b"2"), rig.append(b"3")];
    assert_eq!(rig.puts.len(), 1, "one at a time");
    rig.settle(&mut store);

    let entries: Vec<_> = store.values(A).iter().map(|batch| batch.entries().len()).collect();
    assert_eq!(entries, [0, 1, 2]);
    assert_eq!(rig.commands(), [b"1", b"2", b"3"]);
    // Genesis, two batches without entries' places before them, and the first batch of all.
    let positions: Vec<_> = rig.answers.values().map(|it| it.expect("placed").number()).collect();
    assert_eq!((first, rest), (1, [2, 3]));
    assert_eq!(positions, [4, 6, 7]);
    assert_eq!(rig.placed[3].ticket, Some(Ticket(first)));
    assert_eq!(rig.released, 0);
}

#[test]
fn sends_the_same_bytes_again_when_an_answer_is_lost_and_lands_once() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);

    let id = rig.append(b"1");
    let (sent, _lost) = rig.put(&mut store);
    rig.answer_put(sent.attempt, PutAnswer::Unanswered);
    rig.pass(RESEND_AFTER - Duration::from_millis(1));
    assert!(rig.puts.is_empty(), "not yet");
    rig.pass(Duration::from_millis(1));
    let (again, answer) = rig.put(&mut store);
    rig.answer_put(again.attempt, answer.clone());
    rig.watch(&store);

    assert!(matches!(answer, PutAnswer::Other { version: 2, .. }), "it happened before");
    assert_eq!((again.version, again.value), (sent.version, sent.value));
    assert!(again.again && !sent.again, "it asks another member");
    assert_eq!(rig.commands(), [b"1"]);
    assert!(rig.answers[&id].is_ok());
}

#[test]
fn takes_a_put_that_was_never_answered_when_the_watch_shows_it() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);

    let id = rig.append(b"1");
    let (late, answer) = rig.put(&mut store);
    rig.watch(&store);
    assert!(rig.answers[&id].is_ok());
    rig.append(b"2");
    rig.answer_put(late.attempt, answer);

    rig.settle(&mut store);
    assert_eq!(rig.commands(), [b"1", b"2"], "a late answer is nobody's");
}

#[test]
fn holds_a_bounded_number_of_puts_open_while_a_leader_is_frozen() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);

    rig.append(b"1");
    for _ in 0..2 * PUTS_OPEN_MAX {
        rig.pass(RESEND_AFTER);
    }
    assert_eq!(rig.puts.len(), PUTS_OPEN_MAX);
    let value = Arc::clone(&rig.puts[0].value);
    assert!(rig.puts.iter().all(|sent| sent.value == value), "the same bytes each time");
    // The leader comes back and does all of them.
    while !rig.puts.is_empty() {
        let (sent, answer) = rig.put(&mut store);
        rig.answer_put(sent.attempt, answer);
    }
    rig.watch(&store);

    assert_eq!(rig.commands(), [b"1"]);
    assert_eq!(store.values(A).len(), 2);
}

#[test]
fn refuses_with_never_only_what_was_not_put() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);

    let under_way = rig.append(b"1");
    let waits = rig.append(b"2");
    let (sent, _lost) = rig.put(&mut store);
    rig.answer_put(sent.attempt, PutAnswer::Unanswered);
    rig.pass(APPEND_WAIT_MAX - Duration::from_millis(1));
    assert_eq!(rig.answers, BTreeMap::new());
    rig.pass(Duration::from_millis(1));

    assert_eq!(rig.answers[&under_way], Err(AppendError::Unanswered));
    assert_eq!(rig.answers[&waits], Err(AppendError::Unreachable));
    assert_eq!(rig.released, 1, "what may land is still counted");
    rig.watch(&store);
    assert_eq!(rig.commands(), [b"1"], "it has landed after all");
    assert_eq!(rig.placed.last().expect("placed").ticket, Some(Ticket(under_way)));
}

#[test]
fn refuses_with_never_what_was_refused_each_time() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);

    let id = rig.append(b"1");
    for _ in 0..APPEND_WAIT_MAX.as_secs() / RESEND_AFTER.as_secs() {
        let sent = rig.puts.pop_front().expect("sent");
        rig.answer_put(sent.attempt, PutAnswer::Refused);
        rig.pass(RESEND_AFTER);
    }

    assert_eq!(rig.answers[&id], Err(AppendError::Unreachable));
    assert_eq!(rig.released, 1);
    rig.settle(&mut store);
    assert_eq!(rig.commands(), Vec::<Vec<u8>>::new());
    let id = rig.append(b"2");
    rig.settle(&mut store);
    assert!(rig.answers[&id].is_ok());
}

#[test]
fn says_that_etcd_is_full_and_goes_on_when_it_is_not() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    store.is_full = true;

    let ids = [rig.append(b"1"), rig.append(b"2")];
    rig.settle(&mut store);
    let later = rig.append(b"3");

    for id in [ids[0], ids[1], later] {
        assert_eq!(rig.answers[&id], Err(AppendError::PoolFull));
    }
    assert_eq!(rig.released, 3);
    let due = rig.core.due().expect("it asks again");
    assert!(rig.now < due, "but not without a pause");
    store.is_full = false;
    rig.pass(due - rig.now);
    rig.settle(&mut store);
    let id = rig.append(b"4");
    rig.settle(&mut store);
    assert!(rig.answers[&id].is_ok());
    assert_eq!(rig.commands(), [b"4"]);
}

#[test]
fn goes_on_after_etcd_was_full_although_the_watch_is_quicker_than_the_answer() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    store.is_full = true;
    rig.append(b"1");
    rig.settle(&mut store);
    store.is_full = false;

    rig.pass(RESEND_AFTER);
    let (sent, answer) = rig.put(&mut store);
    rig.watch(&store);
    rig.answer_put(sent.attempt, answer);

    let id = rig.append(b"2");
    rig.settle(&mut store);
    assert!(rig.answers[&id].is_ok());
}

#[test]
fn does_not_say_never_when_etcd_is_full_after_a_put_without_an_answer() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);

    let id = rig.append(b"1");
    let first = rig.puts.pop_front().expect("sent");
    rig.answer_put(first.attempt, PutAnswer::Unanswered);
    rig.pass(RESEND_AFTER);
    let second = rig.puts.pop_front().expect("sent again");
    rig.answer_put(second.attempt, PutAnswer::Full);
    assert_eq!(rig.answers.get(&id), None);
    // The first one was only slow.
    store.put(&key_of(&super::id(A)), first.version, &first.value);
    rig.watch(&store);

    assert!(rig.answers[&id].is_ok());
}

#[test]
fn puts_a_heartbeat_when_it_has_nothing_to_say() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);

    rig.pass(HEARTBEAT_AFTER - Duration::from_millis(1));
    assert!(rig.puts.is_empty());
    rig.clock = rig.clock.plus(Duration::from_secs(5));
    let applied = ::pool::AppliedHead { position: 2, chain: [9; 32] };
    let state = Some(::pool::StateHash { position: 1, hash: [8; 32] });
    rig.give(Input::Announce(Announced { applied, state }));
    rig.pass(Duration::from_millis(1));
    rig.settle(&mut store);

    let batches = store.values(A);
    let report = &batches.last().expect("two").header().report;
    assert_eq!(batches.len(), 2);
    assert_eq!((report.applied, report.state, report.stamp), (applied, state, rig.clock));
    assert_eq!(rig.core.due(), Some(rig.now + HEARTBEAT_AFTER), "and then nothing for a while");
}

#[test]
fn names_the_state_at_the_roundest_position_that_it_has_not_named() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let mut named_after = |positions: &[u64]| {
        for &position in positions {
            let applied = ::pool::AppliedHead { position, chain: [9; 32] };
            let state = Some(::pool::StateHash { position, hash: [8; 32] });
            rig.give(Input::Announce(Announced { applied, state }));
        }
        rig.pass(HEARTBEAT_AFTER);
        rig.settle(&mut store);
        let batches = store.values(A);
        let report = batches.last().expect("some").header().report.clone();
        (report.applied.position, report.state.expect("one").position)
    };

    assert_eq!(named_after(&[768, 1_024, 1_280]), (1_280, 1_024));
    assert_eq!(named_after(&[1_280]), (1_280, 1_280));
    assert_eq!(named_after(&[1_536, 1_792]), (1_792, 1_536));
    assert_eq!(named_after(&[1_792, 2_048]), (2_048, 2_048));
}

#[test]
fn keeps_to_the_bounds_of_a_batch() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);

    rig.append(b"under way");
    for _ in 0..=ENTRIES_PER_BATCH_MAX {
        rig.append(b"");
    }
    rig.settle(&mut store);
    rig.append(b"under way");
    for _ in 0..3 {
        rig.append(&vec![7; COMMAND_BYTES_MAX]);
    }
    rig.settle(&mut store);

    let batches = store.values(A);
    let entries: Vec<_> = batches.iter().map(|batch| batch.entries().len()).collect();
    assert_eq!(entries, [0, 1, ENTRIES_PER_BATCH_MAX, 1, 1, 1, 1, 1]);
    let largest = batches.iter().map(|batch| batch.to_bytes().len()).max().expect("many");
    assert!(largest <= BATCH_BYTES_MAX, "{largest}");
    assert!(rig.answers.values().all(Result::is_ok));
    assert_eq!(rig.evidence, []);
}

#[test]
fn puts_no_more_changes_at_once_than_a_batch_may_have() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let stale = change(&rig, Action::SetQuorum { quorum: 1 });

    rig.append(b"under way");
    for _ in 0..=CHANGES_PER_BATCH_MAX {
        rig.append_entry(stale.clone());
    }
    rig.settle(&mut store);

    let batches = store.values(A);
    let entries: Vec<_> = batches.iter().map(|batch| batch.entries().len()).collect();
    assert_eq!(entries, [0, 1, CHANGES_PER_BATCH_MAX, 1]);
    let refused = rig.kinds().into_iter().filter(|kind| matches!(kind, Kind::Change { .. }));
    assert_eq!(refused.count(), CHANGES_PER_BATCH_MAX, "the first has voided the others");
}

#[test]
fn refuses_what_could_only_spoil_a_batch() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let good = entry(A, b"good");

    let under_way = rig.append(b"under way");
    let bad = [
        Entry { proposer: Proposer::new(B).expect("a name"), ..good.clone() },
        Entry { version: 2, ..good.clone() },
        Entry { version: 0, family: Family(9), ..good.clone() },
        Entry { family: Family::POOL, version: ::pool::VERSION, ..good.clone() },
        entry(A, &vec![7; COMMAND_BYTES_MAX + 1]),
    ];
    let bad = bad.map(|entry| rig.append_entry(entry));
    let good = rig.append_entry(good);
    rig.settle(&mut store);

    assert!(bad.iter().all(|id| rig.answers[id] == Err(AppendError::NotWritten)));
    assert!(rig.answers[&under_way].is_ok() && rig.answers[&good].is_ok());
    assert_eq!(rig.released, bad.len());
    assert_eq!(rig.evidence, []);
}

#[test]
fn refuses_what_was_written_under_rules_that_are_no_longer_active() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let mut other = Rig::up(B, &mut store);
    // Both can run it, but only one of them has said so.
    let rule = Rule { family: Family::AIRSPACE.0, version: 2 };
    rig.core.config.rules = rules(2);
    other.core.config.rules = rules(2);
    let left_behind = vec![id(A), id(B)];
    let activation = change(&other, Action::ActivateRules { rule, left_behind });

    let late = rig.append(b"1");
    other.append_entry(activation);
    other.settle(&mut store);
    rig.settle(&mut store);

    assert_eq!(rig.answers[&late], Err(AppendError::NotWritten));
    assert_eq!(rig.core.state().pool().expect("founded").rules().version(1), 2);
    let later = rig.append_entry(Entry { version: 2, ..entry(A, b"2") });
    rig.settle(&mut store);
    other.settle(&mut store);
    assert!(rig.answers[&later].is_ok());
    assert_eq!(rig.core.head(), other.core.head());
}

#[test]
fn puts_what_waits_when_it_is_closed_and_takes_no_more() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);

    let ids = [rig.append(b"1"), rig.append(b"2")];
    rig.give(Input::Close);
    let refused = rig.append(b"3");
    assert!(!rig.closed);
    rig.settle(&mut store);

    assert!(rig.closed);
    assert!(ids.iter().all(|id| rig.answers[id].is_ok()));
    assert_eq!(rig.answers[&refused], Err(AppendError::Closed));
    assert_eq!(rig.core.due(), None);
}

#[test]
fn is_closed_after_a_while_whatever_etcd_does() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);

    let ids = [rig.append(b"1"), rig.append(b"2")];
    rig.give(Input::Close);
    rig.ask(1);
    rig.pass(CLOSE_WAIT_MAX);

    assert!(rig.closed);
    assert_eq!(rig.answers[&ids[0]], Err(AppendError::Unanswered));
    assert_eq!(rig.answers[&ids[1]], Err(AppendError::Closed));
    assert_eq!(rig.resolved[&1], Err(ReadError::Closed));
}
