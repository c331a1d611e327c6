//! Which etcd is believed, and what a link must show.

use super::*;

/// Returns the hub linked anew to a store, without anything shown yet.
fn linked_anew(mut rig: Rig, store: &Store) -> Rig {
    let (link, _) = rig.link.expect("linked");
    rig.give(Input::WatchBroke { link });
    rig.connect(store);
    rig
}

#[test]
fn goes_on_from_what_it_holds_and_takes_nothing_twice() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    rig.append(b"1");
    rig.settle(&mut store);
    let placed = rig.placed.len();

    let mut rig = linked_anew(rig, &store);
    assert_eq!(rig.link.expect("asked for").1, store.revision, "from the last entry that it holds");
    let again = store.events.clone();
    let (link, _) = rig.link.expect("linked");
    rig.give(Input::Events { link, events: again, more: false });

    assert_eq!(rig.placed.len(), placed);
    assert!(rig.core.is_up());
    let id = rig.append(b"2");
    rig.settle(&mut store);
    assert!(rig.answers[&id].is_ok());
    assert_eq!(rig.evidence, []);
}

#[test]
fn puts_nothing_before_the_link_has_shown_the_last_entry_and_all_there_was() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let mut other = Rig::up(B, &mut store);
    other.append(b"1");
    other.settle(&mut store);

    rig = linked_anew(rig, &store);
    rig.append(b"2");
    assert!(!rig.core.is_up());
    let (link, from) = rig.link.expect("linked");
    let events: Vec<_> = store.events.iter().filter(|it| from <= it.revision).cloned().collect();
    for event in &events {
        assert!(rig.puts.is_empty(), "before {}", event.revision);
        rig.give(Input::Events { link, events: vec![event.clone()], more: false });
    }

    assert_eq!(rig.puts.len(), 1);
}

#[test]
fn refuses_an_etcd_that_was_put_back_from_a_backup() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let old = store.clone();
    rig.append(b"1");
    rig.settle(&mut store);

    let mut rig = linked_anew(rig, &old);

    assert_eq!(rig.refused, [Refused::Behind]);
    let behind = Kind::EngineBehind { held: store.revision, shown: old.revision };
    assert_eq!(rig.kinds(), [behind]);
    rig.append(b"2");
    assert!(rig.puts.is_empty(), "nothing is put there");
    let (refused, _) = rig.link.expect("asked for");
    rig.pass(CONNECT_AGAIN_AFTER);
    assert_eq!(rig.link.expect("asked for").0, refused + 1, "another member is asked");
    rig.settle(&mut store);
    assert_eq!(rig.commands(), [b"1", b"2"]);
}

/// Found by the simulation: after an answer of which more may follow, a store that lacked just the
/// last entry was taken for good, and waited for without a word.
#[test]
fn refuses_an_etcd_that_lacks_only_the_last_entry_that_it_holds() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let old = store.clone();
    Rig::up(B, &mut store);
    let (link, _) = rig.link.expect("linked");
    let last = store.events.last().expect("two").clone();
    rig.give(Input::Events { link, events: vec![last], more: true });

    let rig = linked_anew(rig, &old);

    assert_eq!(rig.refused, [Refused::Behind]);
}

/// Found by the simulation: the hub held its batch for placed, and put nothing any more.
#[test]
fn sends_again_what_only_an_etcd_from_a_backup_has_taken() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let mut other = store.clone();
    let id = rig.append(b"1");
    let (sent, answer) = rig.put(&mut other);
    rig.answer_put(sent.attempt, answer);

    let mut rig = linked_anew(rig, &store);
    rig.settle(&mut store);
    rig.pass(RESEND_AFTER);
    rig.settle(&mut store);

    assert!(rig.answers[&id].is_ok());
    assert_eq!(rig.commands(), [b"1"]);
    assert!(rig.core.is_up());
}

#[test]
fn refuses_an_etcd_that_shows_another_entry_where_it_holds_one() {
    for change in [0, 1, 2] {
        let mut store = Store::of(&genesis());
        let mut rig = Rig::up(A, &mut store);
        rig.append(b"1");
        rig.settle(&mut store);
        let mut other = store.clone();
        let last = other.events.last_mut().expect("two");
        match change {
            0 => last.value = Some(b"something else".to_vec()),
            1 => last.key = key_of(&id(B)),
            _ => last.revision += 1,
        }
        other.revision += 1;

        let mut rig = linked_anew(rig, &other);
        rig.watch(&other);

        assert_eq!(rig.refused, [Refused::Differs], "{change}");
        assert_eq!(rig.kinds(), [Kind::EngineDiffers { revision: store.revision }], "{change}");
        assert!(!rig.core.is_up());
        assert_eq!(rig.placed.len(), 4, "nothing of it is taken in");
    }
}

#[test]
fn refuses_an_etcd_that_does_not_show_what_it_holds_at_all() {
    let mut store = Store::of(&genesis());
    let mut rig = linked_anew(Rig::up(A, &mut store), &store);

    let (link, _) = rig.link.expect("linked");
    rig.give(Input::Progress { link, revision: store.revision });

    assert_eq!(rig.refused, [Refused::Differs]);
}

#[test]
fn refuses_an_etcd_that_leaves_versions_out() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let mut other = Rig::up(B, &mut store);
    for command in [b"1", b"2"] {
        other.append(command);
        other.settle(&mut store);
    }
    let mut holey = store.clone();
    holey.events.remove(2);

    rig.watch(&holey);

    assert_eq!(rig.refused, [Refused::Incomplete]);
    assert_eq!(rig.kinds(), [Kind::EngineIncomplete { revision: store.revision }]);
    rig.pass(CONNECT_AGAIN_AFTER);
    rig.settle(&mut store);
    assert_eq!(rig.core.head(), other_head(&mut other, &mut store));
}

fn other_head(other: &mut Rig, store: &mut Store) -> Head {
    other.settle(store);
    other.core.head()
}

#[test]
fn refuses_an_etcd_that_is_not_the_pools() {
    let good = Store::of(&genesis());
    let mut founding = genesis().founding().clone();
    founding.nonce[0] ^= 1;
    let other = Genesis::new(founding).expect("valid");
    let cases = [
        (Store { genesis: None, ..good.clone() }, Refused::NoPool),
        (Store::of(&other), Refused::OtherPool),
        (Store { opening: Some(b"no change".to_vec()), ..good }, Refused::OtherEpoch),
    ];

    for (mut store, refused) in cases {
        let mut rig = Rig::new(A);
        rig.give(Input::Tick);
        rig.connect(&store);

        assert_eq!(rig.refused, [refused]);
        assert!(rig.puts.is_empty());
        store.write(&key_of(&id(B)), b"anything");
        rig.watch(&store);
        assert_eq!(rig.placed.len(), 1, "nothing of it is taken in");
    }
}

#[test]
fn goes_on_in_the_next_epoch_on_an_empty_etcd() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let mut other = Rig::up(B, &mut store);
    rig.settle(&mut store);
    let head = rig.core.intake.applied();
    let opening = change(&rig, Action::OpenEpoch { head });
    let Ok(Command::Change(signed)) = Command::from_bytes(&opening.command) else {
        panic!("it is a change")
    };
    let mut next = Store { opening: Some(signed.to_bytes()), ..Store::of(&genesis()) };

    let lost = rig.append(b"lost");
    let mut rig = linked_anew(rig, &next);
    rig.puts.clear();
    rig.settle(&mut next);
    let id = rig.append(b"1");
    rig.settle(&mut next);
    let mut other_linked = linked_anew(other, &next);
    other_linked.settle(&mut next);
    rig.settle(&mut next);

    assert_eq!(rig.answers[&lost], Err(AppendError::NotWritten));
    assert!(rig.answers[&id].is_ok());
    assert_eq!(rig.core.state().pool().expect("founded").membership().epoch(), 2);
    assert_eq!(rig.core.head(), other_linked.core.head());
    // Neither goes back to the etcd of the first epoch.
    other = linked_anew(other_linked, &store);
    assert_eq!(other.refused, [Refused::OtherEpoch]);
    // A hub that has not come so far has no way to what it lacks.
    let mut behind = Rig::new(B);
    behind.give(Input::Tick);
    behind.connect(&next);
    assert_eq!(behind.refused, [Refused::OtherEpoch]);
}

#[test]
fn gives_up_a_link_that_shows_less_than_etcd_has() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let (link, _) = rig.link.expect("linked");
    Rig::up(B, &mut store);

    rig.ask(1);
    rig.answer_questions(&store);
    rig.pass(WATCH_BEHIND_MAX - Duration::from_millis(1));
    assert_eq!(rig.link.expect("linked").0, link);
    rig.pass(Duration::from_millis(1));

    assert_eq!(rig.link.expect("asked for").0, link + 1);
    rig.settle(&mut store);
    assert!(rig.resolved[&1].is_ok());
}

/// Found by the simulation: a member that is cut off from the others says over and over how far it
/// is, and the hub stayed with it for ever.
#[test]
fn gives_up_a_link_that_only_says_how_far_behind_it_is() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let (link, _) = rig.link.expect("linked");
    let revision = store.revision;
    Rig::up(B, &mut store);

    rig.ask(1);
    rig.answer_questions(&store);
    rig.pass(WATCH_BEHIND_MAX / 2);
    rig.give(Input::Progress { link, revision });
    rig.pass(WATCH_BEHIND_MAX / 2);

    assert_eq!(rig.link.expect("asked for").0, link + 1);
}

#[test]
fn keeps_a_link_that_is_not_read_because_the_copy_has_no_room() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let (link, _) = rig.link.expect("linked");
    Rig::up(B, &mut store);
    rig.give(Input::Room(false));
    rig.ask(1);
    rig.answer_questions(&store);

    rig.pass(2 * WATCH_BEHIND_MAX);
    assert_eq!(rig.link.expect("linked").0, link);
    rig.give(Input::Room(true));
    rig.pass(WATCH_BEHIND_MAX);

    assert_eq!(rig.link.expect("asked for").0, link + 1);
}

#[test]
fn gives_up_a_link_when_etcd_has_less_than_it_has_put() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let (link, _) = rig.link.expect("linked");

    rig.append(b"1");
    let sent = rig.puts.pop_front().expect("sent");
    rig.answer_put(sent.attempt, PutAnswer::Other { version: 0, revision: 0 });

    assert_eq!(rig.link.expect("asked for").0, link + 1);
    rig.settle(&mut store);
    rig.pass(RESEND_AFTER);
    rig.settle(&mut store);
    assert_eq!(rig.commands(), [b"1"]);
}

#[test]
fn does_not_hear_links_that_it_has_given_up() {
    let mut store = Store::of(&genesis());
    let rig = Rig::up(A, &mut store);
    let (former, _) = rig.link.expect("linked");
    let mut rig = linked_anew(rig, &store);
    rig.watch(&store);
    Rig::up(B, &mut store);
    let placed = rig.placed.len();

    let events = store.events.clone();
    rig.give(Input::Events { link: former, events, more: false });
    rig.give(Input::WatchBroke { link: former });
    rig.give(Input::Compacted { link: former, revision: 1 });

    assert_eq!(rig.placed.len(), placed);
    assert!(rig.core.is_up() && rig.stopped.is_none());
}

#[test]
fn stops_when_what_it_has_missed_is_compacted() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let id = rig.append(b"1");

    let (link, _) = rig.link.expect("linked");
    rig.give(Input::Compacted { link, revision: 99 });

    assert_eq!(rig.stopped, Some(Stop::Compacted { revision: 99 }));
    assert_eq!(rig.answers[&id], Err(AppendError::Unanswered));
    assert_eq!(rig.append(b"2"), 2);
    assert_eq!(rig.answers[&2], Err(AppendError::Closed));
}

#[test]
fn has_seen_a_revision_only_when_all_fragments_of_it_are_there() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    Rig::up(B, &mut store);
    rig.ask(1);
    rig.answer_questions(&store);

    let (link, _) = rig.link.expect("linked");
    let events = vec![store.events.last().expect("two").clone()];
    rig.give(Input::Events { link, events: events.clone(), more: true });
    assert_eq!(rig.resolved.len(), 0);
    rig.give(Input::Events { link, events, more: false });

    assert_eq!(rig.resolved[&1], Ok(rig.core.head()));
}

#[test]
fn sends_nothing_again_to_an_etcd_that_has_not_shown_what_it_holds() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let id = rig.append(b"1");
    let (sent, _lost) = rig.put(&mut store.clone());
    rig.answer_put(sent.attempt, PutAnswer::Unanswered);

    let mut rig = linked_anew(rig, &store);
    rig.pass(2 * RESEND_AFTER);
    assert!(rig.puts.is_empty());
    assert!(rig.core.due().is_none_or(|due| rig.now < due));
    rig.watch(&store);

    assert_eq!(rig.puts[0].value, sent.value, "and then at once");
    rig.settle(&mut store);
    assert!(rig.answers[&id].is_ok());
}
