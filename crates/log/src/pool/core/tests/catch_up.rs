//! What etcd no longer holds, from other hubs' copies.

use super::*;

/// A hub of three that has missed what the two others have put since, and what etcd has dropped.
struct Missed {
    rig: Rig,
    others: [Rig; 2],
    store: Store,
}

const C: &str = "hub-c";

impl Missed {
    fn new() -> Self {
        let (genesis, mut store) = (three(), Store::of(&three()));
        let mut rig = Rig::of(A, &genesis);
        rig.core = rig.core.with_copies(2);
        let mut others = [B, C].map(|name| Rig::of(name, &genesis));
        rig.settle(&mut store);
        rig.append(b"before");
        rig.settle(&mut store);
        for round in 0..10_u8 {
            for other in &mut others {
                other.settle(&mut store);
                // What it has put last says how far it has come.
                let head = other.core.head();
                let applied =
                    ::pool::AppliedHead { position: head.position.number(), chain: head.chain };
                other.give(Input::Announce(Announced { applied, state: None }));
                other.append(&[round]);
                other.settle(&mut store);
            }
        }
        for other in &mut others {
            other.settle(&mut store);
        }
        let mut missed = Missed { rig, others, store };
        missed.compact();
        missed
    }

    /// Tells the hub that etcd no longer holds what it has missed.
    fn compact(&mut self) {
        let (link, _) = self.rig.link.expect("linked");
        self.rig.give(Input::Compacted { link, revision: self.store.revision - 3 });
    }

    fn copy(&self, other: usize) -> Vec<Placement> {
        self.others[other].placed.clone()
    }
}

/// A pool of one owner and three hubs.
fn three() -> Genesis {
    let mut founding = genesis().founding().clone();
    let hub = GenesisHub { id: id(C), key: key(C).public_key(), ..founding.hubs[0].clone() };
    founding.hubs.push(hub);
    Genesis::new(founding).expect("valid")
}

#[test]
fn takes_what_a_majority_has_signed_from_another_copy_and_the_rest_from_etcd() {
    for count in [usize::MAX, 1, 3] {
        let mut missed = Missed::new();
        let copy = missed.copy(0);

        while !missed.rig.fetches.is_empty() {
            missed.rig.answer_fetch(&copy, count);
        }
        let fetched = missed.rig.core.head().position;
        missed.rig.settle(&mut missed.store);

        let end = copy.last().expect("many").head;
        assert!(end.position.number() - 5 < fetched.number(), "{fetched} of {}", end.position);
        assert!(fetched < end.position, "nobody has signed the last");
        let taken = &missed.rig.placed[..copy.len()];
        assert!(taken.iter().zip(&copy).all(|(one, other)| one.bytes == other.bytes));
        assert!(missed.rig.core.is_up());
        assert_eq!(missed.rig.evidence, []);
    }
}

#[test]
fn stops_where_there_is_nobody_to_ask() {
    let mut store = Store::of(&three());
    let mut rig = Rig::of(A, &three());
    rig.settle(&mut store);
    let (link, _) = rig.link.expect("linked");

    rig.give(Input::Compacted { link, revision: 9 });

    assert_eq!(rig.stopped, Some(Stop::Compacted { revision: 9 }));
}

#[test]
fn takes_nothing_of_a_copy_that_was_changed_and_asks_the_next_hub() {
    type Change = fn(&mut Vec<Placement>);
    let changes: [(&str, Change); 5] = [
        ("an entry is another", |copy| {
            let bytes = entry(B, b"other").to_bytes().expect("small");
            copy[6].bytes = bytes;
        }),
        ("a batch is left out", |copy| {
            copy.drain(5..7);
        }),
        ("an entry is left out", |copy| {
            copy.remove(6);
        }),
        ("what hubs make themselves is made otherwise", |copy| {
            let mut entry = Entry::from_bytes(&copy[5].bytes).expect("an entry");
            entry.stamp = entry.stamp.plus(Duration::from_secs(1));
            copy[5].bytes = entry.to_bytes().expect("small");
        }),
        ("an entry is added", |copy| {
            let mut added = copy[6].clone();
            added.bytes = entry(B, b"added").to_bytes().expect("small");
            copy.insert(7, added);
        }),
    ];
    for (what, change) in changes {
        let mut missed = Missed::new();
        let good = missed.copy(1);
        let mut changed = missed.copy(0);
        change(&mut changed);

        let before = missed.rig.placed.len();
        let turn = missed.rig.fetches[0].2;
        let (fetch, after, _) = missed.rig.fetches.pop_front().expect("asked");
        let after = usize::try_from(after.number()).expect("small");
        let entries = changed[after..].iter().map(|it| it.bytes.clone()).collect();
        missed.rig.give(Input::Fetched { fetch, entries: Some(entries) });

        let taken = &missed.rig.placed[before..];
        assert!(taken.iter().zip(&good[before..]).all(|(one, it)| one.bytes == it.bytes), "{what}");
        assert!(taken.len() < 4, "{what}: {}", taken.len());
        missed.rig.pass(FETCH_AGAIN_AFTER);
        if missed.rig.fetches.is_empty() {
            // It has helped a little: etcd is tried again, and says the same.
            missed.compact();
        }
        assert_ne!(missed.rig.fetches[0].2, turn, "{what}");
        while !missed.rig.fetches.is_empty() {
            missed.rig.answer_fetch(&good, usize::MAX);
        }
        missed.rig.settle(&mut missed.store);
        assert!(missed.rig.core.is_up(), "{what}");
    }
}

#[test]
fn believes_no_hub_alone_about_what_was_found_bad() {
    let mut missed = Missed::new();
    let revision = missed.store.revision;
    let head = missed.rig.core.head();
    let bad = ::pool::Bad {
        revision,
        hub: id(C),
        version: 2,
        fault: ::pool::Fault::Signature,
        hash: [1; 32],
    };
    let state = missed.rig.core.state().clone();
    let command = Command::Bad(bad);
    let (_, bytes) = intake::own_entry(&command, state.stamp_of(&command));

    let (fetch, ..) = missed.rig.fetches.pop_front().expect("asked");
    missed.rig.give(Input::Fetched { fetch, entries: Some(vec![bytes]) });
    let (fetch, ..) = missed.rig.fetches.pop_front().expect("asked on");
    missed.rig.give(Input::Fetched { fetch, entries: Some(Vec::new()) });

    assert_eq!(missed.rig.core.head(), head);
    let hub = missed.rig.core.state().pool().expect("founded").hub(&id(C)).expect("admitted");
    assert_eq!(hub.set_aside(), None);
}

#[test]
fn gives_up_a_copy_that_goes_on_without_a_majoritys_word() {
    let mut rig = Rig::of(A, &three());
    rig.core = rig.core.with_copies(2);
    rig.give(Input::Tick);
    let (link, _) = rig.link.expect("asked for");
    rig.give(Input::Compacted { link, revision: 99 });
    // One hub alone puts more than may wait, and says of it all that it is so.
    let mut store = Store::of(&three());
    let mut liar = Rig::of(B, &three());
    liar.settle(&mut store);
    let large = vec![7; ::pool::COMMAND_BYTES_MAX];

    for _ in 0..UNCONFIRMED_BYTES_MAX / large.len() {
        assert_eq!(rig.fetches.len(), 1, "it is asked for more");
        liar.append(&large);
        liar.settle(&mut store);
        rig.answer_fetch(&liar.placed, usize::MAX);
    }

    assert_eq!(rig.placed.len(), 1, "nothing of it is taken in");
    assert!(rig.fetches.is_empty());
    rig.pass(FETCH_AGAIN_AFTER);
    assert_eq!(rig.fetches[0].2, 1, "the next hub is asked");
}

#[test]
fn lands_what_was_on_its_way_when_the_link_was_lost() {
    let (genesis, mut store) = (three(), Store::of(&three()));
    let mut rig = Rig::of(A, &genesis);
    rig.core = rig.core.with_copies(1);
    rig.settle(&mut store);
    let id = rig.append(b"1");
    let (sent, _lost) = rig.put(&mut store);
    rig.answer_put(sent.attempt, PutAnswer::Unanswered);
    let mut others = [B, C].map(|name| Rig::of(name, &genesis));
    for _ in 0..2 {
        for other in &mut others {
            other.settle(&mut store);
            let applied = other.core.intake.applied();
            other.give(Input::Announce(Announced { applied, state: None }));
            other.append(b"2");
            other.settle(&mut store);
        }
    }
    others[0].settle(&mut store);

    let (link, _) = rig.link.expect("linked");
    rig.give(Input::Compacted { link, revision: 99 });
    while !rig.fetches.is_empty() {
        rig.answer_fetch(&others[0].placed, usize::MAX);
    }

    let position = rig.answers[&id].expect("it has its place");
    let index = usize::try_from(position.number()).expect("small") - 1;
    assert_eq!(rig.placed[index].ticket, Some(Ticket(id)));
    assert_eq!(rig.placed[index].entry.command, b"1");
    rig.settle(&mut store);
    assert!(rig.core.is_up());
}
