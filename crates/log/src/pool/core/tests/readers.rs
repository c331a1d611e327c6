//! Reads that see every write answered anywhere before they came.

use super::*;

#[test]
fn shares_only_a_question_that_is_sent_after_a_reader_came() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);

    rig.ask(1);
    rig.ask(2);
    rig.ask(3);
    assert_eq!(rig.questions.len(), 1, "the others came while it was under way");
    let old = store.clone();
    // Another hub's write is answered now, before its watch event has come here.
    let mut other = Rig::up(B, &mut store);
    other.append(b"1");
    other.settle(&mut store);
    rig.answer_questions(&old);
    assert_eq!(rig.resolved.keys().collect::<Vec<_>>(), [&1]);
    assert_eq!(rig.questions.len(), 1, "one for both");
    rig.answer_questions(&store);
    assert_eq!(rig.resolved.len(), 1, "they wait for what was answered");
    rig.watch(&store);

    assert_eq!(rig.resolved[&2], Ok(other.core.head()));
    assert_eq!(rig.resolved[&3], Ok(other.core.head()));
}

#[test]
fn asks_again_when_there_is_no_answer_and_gives_up_in_time() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);

    rig.ask(1);
    rig.pass(QUESTION_AGAIN_AFTER);
    let asked: Vec<_> = rig.questions.iter().map(|(_, again)| *again).collect();
    assert_eq!(asked, [false, true], "the second asks another member");
    rig.pass(READ_WAIT_MAX - QUESTION_AGAIN_AFTER - Duration::from_millis(1));
    assert_eq!(rig.resolved.len(), 0);
    rig.pass(Duration::from_millis(1));

    assert_eq!(rig.resolved[&1], Err(ReadError::Unanswered));
    rig.answer_questions(&store);
    assert_eq!(rig.resolved.len(), 1, "answers that come later are nobody's");
}

#[test]
fn gives_up_a_reader_whose_revision_is_never_shown() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    Rig::up(B, &mut store);

    rig.ask(1);
    rig.answer_questions(&store);
    rig.pass(READ_WAIT_MAX);

    assert_eq!(rig.resolved[&1], Err(ReadError::Unanswered));
}

#[test]
fn asks_another_question_soon_after_one_that_failed() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);

    rig.ask(1);
    let (question, _) = rig.questions.pop_front().expect("asked");
    rig.give(Input::QuestionAnswered { question, answer: None });
    assert!(rig.questions.is_empty(), "not in a loop without a pause");
    rig.pass(QUESTION_SPACING);
    rig.answer_questions(&store);

    assert_eq!(rig.resolved[&1], Ok(rig.core.head()));
}

#[test]
fn has_a_bounded_number_of_questions_under_way() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);

    for reader in 0..10 {
        rig.ask(reader);
        rig.pass(QUESTION_SPACING);
    }

    assert_eq!(rig.questions.len(), QUESTIONS_OPEN_MAX);
    rig.answer_questions(&store);
    rig.pass(QUESTION_SPACING);
    rig.answer_questions(&store);
    assert_eq!(rig.resolved.len(), 10);
}

#[test]
fn lets_a_bounded_number_wait() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);

    for reader in 0..=READERS_MAX as u64 {
        rig.ask(reader);
    }

    assert_eq!(rig.resolved, BTreeMap::from([(READERS_MAX as u64, Err(ReadError::TooMany))]));
    rig.answer_questions(&store);
    rig.pass(QUESTION_SPACING);
    rig.answer_questions(&store);
    assert_eq!(rig.resolved.len(), READERS_MAX + 1);
    rig.ask(1_000_000);
    rig.pass(QUESTION_SPACING);
    rig.answer_questions(&store);
    assert!(rig.resolved[&1_000_000].is_ok());
}

#[test]
fn takes_an_answer_that_was_under_way_while_more_was_shown() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);

    rig.ask(1);
    let old = store.clone();
    Rig::up(B, &mut store);
    rig.watch(&store);
    rig.answer_questions(&old);

    assert!(rig.resolved[&1].is_ok());
    assert_eq!(rig.refused, []);
    assert_eq!(rig.evidence, []);
}

#[test]
fn reads_nothing_from_an_etcd_that_knows_less_than_it_has_shown() {
    let mut store = Store::of(&genesis());
    let old = store.clone();
    let mut rig = Rig::up(A, &mut store);

    rig.ask(1);
    rig.answer_questions(&old);

    assert_eq!(rig.resolved.len(), 0);
    assert_eq!(rig.refused, [Refused::Behind]);
    let behind = Kind::EngineBehind { held: store.revision, shown: old.revision };
    assert_eq!(rig.kinds(), [behind]);
}

#[test]
fn asks_only_an_etcd_that_has_shown_what_this_hub_holds() {
    let mut store = Store::of(&genesis());
    let mut rig = Rig::up(A, &mut store);
    let mut backup = store.clone();
    rig.append(b"1");
    rig.settle(&mut store);
    // The etcd is put back from a backup and grows past what this hub has seen.
    let mut other = Rig::up(B, &mut backup);
    for _ in 0..3 {
        other.append(b"2");
        other.settle(&mut backup);
    }

    rig.ask(1);
    let (link, _) = rig.link.expect("linked");
    rig.give(Input::WatchBroke { link });
    rig.answer_questions(&backup);
    rig.ask(2);
    rig.connect(&backup);
    rig.watch(&backup);
    assert!(rig.questions.is_empty());
    assert_eq!(rig.refused, [Refused::Differs]);
    rig.pass(CONNECT_AGAIN_AFTER);
    rig.settle(&mut store);

    assert_eq!(rig.resolved, BTreeMap::from([1, 2].map(|reader| (reader, Ok(rig.core.head())))));
}
