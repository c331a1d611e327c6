//! Those who wait to read, and the questions that they share.
//!
//! A reader must see every write that was answered anywhere before it came. The answer to a
//! question that was sent after it came covers those; one that was under way need not. And only an
//! etcd that has shown what this hub holds is asked: one that was put back from a backup, and has
//! grown since, would answer with less.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::{Core, Now, Output, QuestionAnswer, ReadError, ReaderId, Refused};

/// How long somebody waits to read.
pub const READ_WAIT_MAX: Duration = Duration::from_secs(5);

/// How many may wait.
pub const READERS_MAX: usize = 16 * 1024;

/// After what time a question that is not answered is asked again.
pub const QUESTION_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How many questions may be under way.
pub const QUESTIONS_OPEN_MAX: usize = 4;

/// How long after a question that is under way the next is sent.
pub const QUESTION_SPACING: Duration = Duration::from_millis(10);

/// Who waits for what.
#[derive(Debug, Default)]
pub(super) struct Readers {
    /// For the next question, in order of arrival.
    waiting: VecDeque<Reader>,
    /// For answers, by number of the question.
    asked: BTreeMap<u64, Question>,
    /// For the log to reach a revision.
    answered: Vec<(u64, Vec<Reader>)>,
    count: usize,
    questions: u64,
    sent: Option<Duration>,
    /// The last question that was sent got no answer.
    again: bool,
}

#[derive(Clone, Copy, Debug)]
struct Reader {
    id: ReaderId,
    since: Duration,
}

#[derive(Debug)]
struct Question {
    sent: Duration,
    /// Over which link, that was good then.
    link: u64,
    /// Up to which revision everything had been shown then; less etcd cannot answer.
    seen: u64,
    readers: Vec<Reader>,
}

impl Readers {
    /// Returns when there is something to do for readers; questions are for a good link only.
    pub(super) fn due(&self, is_linked: bool) -> Option<Duration> {
        let asked = self.asked.values();
        let again = asked.clone().map(|question| question.sent + QUESTION_AGAIN_AFTER).min();
        let oldest = self.waiting.front().into_iter();
        let oldest = oldest.chain(asked.filter_map(|question| question.readers.first()));
        let oldest = oldest.chain(self.answered.iter().filter_map(|(_, readers)| readers.first()));
        let late = oldest.map(|reader| reader.since + READ_WAIT_MAX).min();
        let question = is_linked.then(|| self.next_question_due()).flatten();
        [again, late, question].into_iter().flatten().min()
    }

    fn next_question_due(&self) -> Option<Duration> {
        if self.waiting.is_empty() || QUESTIONS_OPEN_MAX <= self.asked.len() {
            return None;
        }
        match self.sent {
            Some(sent) if !self.asked.is_empty() || self.again => Some(sent + QUESTION_SPACING),
            _ => Some(Duration::ZERO),
        }
    }

    /// Has readers wait for the next question once more.
    fn ask_again(&mut self, readers: Vec<Reader>) {
        self.again = true;
        // Any question that is sent from now on covers them too.
        self.waiting.extend(readers);
        self.waiting.make_contiguous().sort_by_key(|reader| reader.since);
    }

    fn take_late(&mut self, now: Duration) -> Vec<Reader> {
        let is_late = |reader: &Reader| reader.since + READ_WAIT_MAX <= now;
        let mut late = Vec::new();
        // Each list is in order of arrival.
        while let Some(reader) = self.waiting.pop_front_if(|reader| is_late(reader)) {
            late.push(reader);
        }
        let asked = self.asked.values_mut().map(|question| &mut question.readers);
        for readers in asked.chain(self.answered.iter_mut().map(|(_, readers)| readers)) {
            let count = readers.iter().take_while(|reader| is_late(reader)).count();
            late.extend(readers.drain(..count));
        }
        self.answered.retain(|(_, readers)| !readers.is_empty());
        late
    }
}

impl Core {
    pub(super) fn take_reader(&mut self, now: Now, reader: ReaderId) {
        let refused = match self.end {
            super::End::Ended => Some(ReadError::Closed),
            _ if READERS_MAX <= self.readers.count => Some(ReadError::TooMany),
            _ => None,
        };
        if let Some(refused) = refused {
            self.outputs.push(Output::Resolve { reader, result: Err(refused) });
            return;
        }
        self.readers.count += 1;
        self.readers.waiting.push_back(Reader { id: reader, since: now.elapsed });
    }

    pub(super) fn advance_readers(&mut self, now: Now) {
        for reader in self.readers.take_late(now.elapsed) {
            self.resolve(reader, Err(ReadError::Unanswered));
        }
        let overdue = |question: &Question| question.sent + QUESTION_AGAIN_AFTER <= now.elapsed;
        while let Some(oldest) = self.readers.asked.first_entry() {
            if !overdue(oldest.get()) {
                break;
            }
            let readers = oldest.remove().readers;
            self.readers.ask_again(readers);
        }
        let due = self.readers.next_question_due();
        if self.is_linked() && due.is_some_and(|due| due <= now.elapsed) {
            self.ask(now);
        }
    }

    fn ask(&mut self, now: Now) {
        let readers = &mut self.readers;
        readers.questions += 1;
        readers.sent = Some(now.elapsed);
        let again = std::mem::take(&mut readers.again);
        let waiting = std::mem::take(&mut readers.waiting).into();
        let question = readers.questions;
        let (sent, link, seen) = (now.elapsed, self.link.number(), self.intake.seen());
        readers.asked.insert(question, Question { sent, link, seen, readers: waiting });
        self.outputs.push(Output::Ask { question, again });
    }

    pub(super) fn take_question_answer(
        &mut self,
        now: Now,
        question: u64,
        answer: Option<QuestionAnswer>,
    ) {
        let Some(asked) = self.readers.asked.remove(&question) else { return };
        let Question { link, seen, readers, .. } = asked;
        let answer = answer.filter(|_| link == self.link.number() && self.is_linked());
        let Some(QuestionAnswer { revision, highest }) = answer else {
            return self.readers.ask_again(readers);
        };
        if revision < seen {
            self.readers.ask_again(readers);
            self.report_engine(::pool::Kind::EngineBehind { held: seen, shown: revision });
            return self.refuse_link(now, Refused::Behind);
        }
        self.know(now, highest);
        self.readers.answered.push((highest, readers));
        self.resolve_readers();
    }

    /// Answers those for whom the log has come far enough.
    pub(super) fn resolve_readers(&mut self) {
        let seen = self.intake.seen();
        if self.readers.answered.iter().all(|(revision, _)| seen < *revision) {
            return;
        }
        let head = self.intake.head();
        for (revision, readers) in std::mem::take(&mut self.readers.answered) {
            if seen < revision {
                self.readers.answered.push((revision, readers));
                continue;
            }
            for reader in readers {
                self.resolve(reader, Ok(head));
            }
        }
    }

    pub(super) fn fail_readers(&mut self, error: ReadError) {
        let readers = std::mem::take(&mut self.readers);
        let asked = readers.asked.into_values().flat_map(|question| question.readers);
        let answered = readers.answered.into_iter().flat_map(|(_, readers)| readers);
        for reader in readers.waiting.into_iter().chain(asked).chain(answered) {
            self.outputs.push(Output::Resolve { reader: reader.id, result: Err(error) });
        }
    }

    fn resolve(&mut self, reader: Reader, result: Result<crate::Head, ReadError>) {
        self.readers.count -= 1;
        self.outputs.push(Output::Resolve { reader: reader.id, result });
    }
}
