//! Tells whether what clients saw can have happened in one order (Herlihy and Wing, 1990).
//!
//! A history is linearizable if each operation can be given one moment between its call and its
//! answer so that a plain object, asked at those moments one after the other, answers the same. An
//! operation that was never answered may have happened at any moment after its call, or never.
//!
//! The search is that of Wing and Gong with the memory of Lowe ("Testing for linearizability",
//! 2017): a set of operations that are done and a state of the object are never looked at twice.

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;

/// How many pairs of done operations and state one check looks at before it gives up.
pub const LOOKS_MAX: usize = 10_000_000;

/// What a client asks, and what an object that does one thing after the other makes of it.
pub trait Object: Clone + Eq + Hash {
    /// What is asked.
    type Ask: Debug;
    /// What is answered.
    type Answer: Debug;

    /// Returns what the object is after it answered `ask` so; `None` if it cannot answer so.
    ///
    /// An `answer` of `None` is one that nobody saw: any is possible.
    fn after(&self, ask: &Self::Ask, answer: Option<&Self::Answer>) -> Option<Self>;
}

/// One operation of one client.
#[derive(Clone, Debug)]
pub struct Operation<A, R> {
    /// When it was called; moments are counted by whoever records the history.
    pub called: u64,
    /// When it was answered, and what; `None` if it never was.
    pub answered: Option<(u64, R)>,
    /// What was asked.
    pub ask: A,
}

/// A history is not linearizable, or nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotLinearizable {
    /// No order explains it.
    #[error(
        "no order explains the history: at most {explained} of {answered} answers; stuck at {stuck}"
    )]
    NoOrder {
        /// How many answers the best attempt explains.
        explained: usize,
        /// How many there are.
        answered: usize,
        /// The first answer in time that the best attempt does not explain.
        stuck: String,
    },
    /// The search was given up after [`LOOKS_MAX`] looks.
    #[error("the history has too much at the same time to be decided")]
    Undecided,
}

/// Checks a history of operations on an object that is `initial` before the first.
///
/// # Errors
/// [`NotLinearizable::NoOrder`] if no order of the operations explains every answer.
///
/// # Panics
/// If an operation is answered before it is called.
pub fn check<O: Object>(
    initial: &O,
    history: &[Operation<O::Ask, O::Answer>],
) -> Result<(), NotLinearizable> {
    let mut by_call: Vec<&Operation<O::Ask, O::Answer>> = history.iter().collect();
    by_call.sort_by_key(|operation| operation.called);
    for operation in &by_call {
        assert!(operation.called <= operation.end(), "an answer comes after its call");
    }
    Search { history: &by_call, seen: HashSet::new(), best: Best::default() }.run(initial)
}

impl<A, R> Operation<A, R> {
    /// Returns the last moment at which it can have happened.
    fn end(&self) -> u64 {
        self.answered.as_ref().map_or(u64::MAX, |(at, _)| *at)
    }
}

/// Which operations are done: one bit each, in the order of their calls.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Done(Vec<u64>);

struct Search<'a, O: Object> {
    /// Ascending by call.
    history: &'a [&'a Operation<O::Ask, O::Answer>],
    seen: HashSet<(Done, O)>,
    best: Best,
}

/// The attempt that explains most answers.
#[derive(Default)]
struct Best {
    explained: usize,
    stuck: Option<String>,
}

/// One step of an attempt: what is done, and which operations can come next.
struct Level<O> {
    done: Done,
    object: O,
    explained: usize,
    next: Vec<usize>,
}

impl<O: Object> Search<'_, O> {
    fn run(mut self, initial: &O) -> Result<(), NotLinearizable> {
        let answered = self.history.iter().filter(|it| it.answered.is_some()).count();
        if answered == 0 {
            return Ok(());
        }
        let none = Done(vec![0; self.history.len().div_ceil(64)]);
        let mut path = vec![self.level(none, initial.clone(), 0)];
        while let Some(level) = path.last_mut() {
            let Some(index) = level.next.pop() else {
                path.pop();
                continue;
            };
            let operation = self.history[index];
            let answer = operation.answered.as_ref().map(|(_, answer)| answer);
            let Some(object) = level.object.after(&operation.ask, answer) else {
                continue;
            };
            // Where nobody saw an answer, what changes nothing may as well never have happened.
            if answer.is_none() && object == level.object {
                continue;
            }
            let explained = level.explained + usize::from(answer.is_some());
            if explained == answered {
                return Ok(());
            }
            let done = level.done.with(index);
            if !self.seen.insert((done.clone(), object.clone())) {
                continue;
            }
            if LOOKS_MAX <= self.seen.len() {
                return Err(NotLinearizable::Undecided);
            }
            let level = self.level(done, object, explained);
            path.push(level);
        }
        let stuck = self.best.stuck.unwrap_or_default();
        Err(NotLinearizable::NoOrder { explained: self.best.explained, answered, stuck })
    }

    /// Returns what can come next: whatever was called before the first answer still to explain.
    fn level(&mut self, done: Done, object: O, explained: usize) -> Level<O> {
        let open = || (0..self.history.len()).filter(|index| !done.has(*index));
        let first = open().min_by_key(|index| self.history[*index].end());
        let first_end = first.map_or(0, |index| self.history[index].end());
        let mut next: Vec<usize> =
            open().take_while(|index| self.history[*index].called <= first_end).collect();
        // The last is tried first: mostly operations happen in the order of their answers.
        next.sort_by_key(|index| std::cmp::Reverse(self.history[*index].end()));
        if self.best.stuck.is_none() || self.best.explained < explained {
            let stuck = first.map(|index| format!("{:?}", self.history[index]));
            self.best = Best { explained, stuck };
        }
        Level { done, object, explained, next }
    }
}

impl Done {
    fn has(&self, index: usize) -> bool {
        self.0[index / 64] & (1 << (index % 64)) != 0
    }

    fn with(&self, index: usize) -> Done {
        let mut done = self.clone();
        done.0[index / 64] |= 1 << (index % 64);
        done
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A number that is read, written, and written if it is what was expected.
    #[derive(Clone, Debug, PartialEq, Eq, Hash)]
    struct Register(u8);

    #[derive(Clone, Debug)]
    enum Ask {
        Read,
        Write(u8),
        Swap { from: u8, to: u8 },
    }

    #[derive(Clone, Debug, PartialEq, Eq)]
    enum Answer {
        Is(u8),
        Written,
        Refused,
    }

    impl Register {
        fn answer(&self, ask: &Ask) -> (Register, Answer) {
            match ask {
                Ask::Read => (self.clone(), Answer::Is(self.0)),
                Ask::Write(to) => (Register(*to), Answer::Written),
                Ask::Swap { from, to } if *from == self.0 => (Register(*to), Answer::Written),
                Ask::Swap { .. } => (self.clone(), Answer::Refused),
            }
        }
    }

    impl Object for Register {
        type Ask = Ask;
        type Answer = Answer;

        fn after(&self, ask: &Ask, answer: Option<&Answer>) -> Option<Self> {
            let (after, would_answer) = self.answer(ask);
            answer.is_none_or(|answer| *answer == would_answer).then_some(after)
        }
    }

    fn answered(called: u64, at: u64, ask: Ask, answer: Answer) -> Operation<Ask, Answer> {
        Operation { called, answered: Some((at, answer)), ask }
    }

    fn is_linearizable(history: &[Operation<Ask, Answer>]) -> bool {
        check(&Register(0), history).is_ok()
    }

    #[test]
    fn explains_a_read_by_a_write_at_the_same_time() {
        let write = answered(0, 10, Ask::Write(1), Answer::Written);

        for value in [0, 1] {
            let read = answered(2, 5, Ask::Read, Answer::Is(value));
            assert!(is_linearizable(&[write.clone(), read]), "{value}");
        }
    }

    #[test]
    fn finds_a_stale_read() {
        let write = answered(0, 1, Ask::Write(1), Answer::Written);
        let read = answered(2, 3, Ask::Read, Answer::Is(0));

        let error = check(&Register(0), &[write, read]).expect_err("it is stale");

        assert!(matches!(error, NotLinearizable::NoOrder { explained: 1, answered: 2, .. }));
    }

    #[test]
    fn finds_a_value_that_comes_and_goes_and_comes() {
        let write = answered(0, 10, Ask::Write(1), Answer::Written);
        let seen = answered(1, 2, Ask::Read, Answer::Is(1));
        let gone = answered(3, 4, Ask::Read, Answer::Is(0));

        assert!(!is_linearizable(&[write, seen, gone]));
    }

    #[test]
    fn finds_an_acknowledged_write_that_is_lost() {
        let first = answered(0, 1, Ask::Swap { from: 0, to: 1 }, Answer::Written);
        let second = answered(2, 3, Ask::Swap { from: 0, to: 2 }, Answer::Written);

        assert!(!is_linearizable(&[first, second]));
    }

    #[test]
    fn lets_an_unanswered_write_happen_late_or_never() {
        let unanswered = Operation { called: 0, answered: None, ask: Ask::Write(1) };
        let before = answered(1, 2, Ask::Read, Answer::Is(0));
        let after = answered(3, 4, Ask::Read, Answer::Is(1));
        let again = answered(5, 6, Ask::Read, Answer::Is(0));

        assert!(is_linearizable(&[unanswered.clone(), before.clone()]));
        assert!(is_linearizable(&[unanswered.clone(), before.clone(), after.clone()]));
        assert!(!is_linearizable(&[unanswered, before, after, again]), "it happens once");
    }

    #[test]
    fn decides_many_writes_at_the_same_time() {
        let mut history: Vec<_> =
            (1..=12).map(|value| answered(0, 100, Ask::Write(value), Answer::Written)).collect();
        history.push(answered(101, 102, Ask::Read, Answer::Is(7)));
        assert!(is_linearizable(&history));

        history.push(answered(103, 104, Ask::Read, Answer::Is(8)));
        assert!(!is_linearizable(&history));
    }

    /// What clients ask, for how long each waits, and which of them are not answered.
    fn plans() -> impl Strategy<Value = Vec<(Ask, u64, u64, bool)>> {
        let ask = prop_oneof![
            Just(Ask::Read),
            (0..3_u8).prop_map(Ask::Write),
            (0..3_u8, 0..3_u8).prop_map(|(from, to)| Ask::Swap { from, to }),
        ];
        prop::collection::vec((ask, 0..6_u64, 0..6_u64, prop::bool::weighted(0.1)), 1..24)
    }

    /// Lets a register answer one after the other, each called up to some steps before its moment
    /// and answered up to some steps after it.
    fn history_of(plans: &[(Ask, u64, u64, bool)]) -> Vec<Operation<Ask, Answer>> {
        let mut register = Register(0);
        let mut history = Vec::new();
        for (step, (ask, before, after, lost)) in (10..).step_by(2).zip(plans) {
            let (next, answer) = register.answer(ask);
            register = next;
            let answered = (!lost).then_some((step + after, answer));
            history.push(Operation { called: step - before, answered, ask: ask.clone() });
        }
        history
    }

    /// Tries every order, without any memory or shortcut.
    fn some_order_explains(register: &Register, rest: &[Operation<Ask, Answer>]) -> bool {
        let Some(first_end) = rest.iter().map(Operation::end).min() else { return true };
        if first_end == u64::MAX {
            return true;
        }
        (0..rest.len()).filter(|index| rest[*index].called <= first_end).any(|index| {
            let mut rest = rest.to_vec();
            let operation = rest.swap_remove(index);
            let answer = operation.answered.as_ref().map(|(_, answer)| answer);
            let after = register.after(&operation.ask, answer);
            after.is_some_and(|after| some_order_explains(&after, &rest))
        })
    }

    proptest! {
        #[test]
        fn accepts_what_a_register_answered(plans in plans()) {
            prop_assert_eq!(check(&Register(0), &history_of(&plans)), Ok(()));
        }

        #[test]
        fn agrees_with_trying_every_order(
            plans in plans(), which in any::<prop::sample::Index>(), value in 0..3_u8,
        ) {
            let mut history = history_of(&plans);
            history.truncate(7);
            let changed = which.index(history.len());
            if let Some((_, answer @ Answer::Is(_))) = &mut history[changed].answered {
                *answer = Answer::Is(value);
            }

            prop_assert_eq!(is_linearizable(&history), some_order_explains(&Register(0), &history));
        }
    }
}
