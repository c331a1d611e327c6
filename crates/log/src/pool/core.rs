//! What a hub does on a pool's log, as a machine: inputs in, outputs out, nothing else.
//!
//! The time is told with each input. Whoever drives it carries outputs to etcd, to the copy and to
//! whoever waits, and calls again no later than [`Core::due`]. A simulation drives the same machine.
//!
//! Who checks what: a batch is put only over a link whose etcd has shown the last entry that this
//! hub holds, byte for byte, and all that it had then (`link`); it is sent again with the same
//! bytes until the watch has shown what has its place (`flight`); nothing is refused with "never"
//! while it may still land (`flight`); a reader is answered by a question that was sent after it
//! came (`readers`).

use std::sync::Arc;
use std::time::Duration;

use ::pool::{HubId, KeyPair, Rules, State};
use spacetime::Timestamp;

use self::catch_up::CatchUp;
use self::flight::Flight;
use self::intake::Intake;
use self::link::Link;
use self::queue::Queue;
use self::readers::Readers;
use crate::Head;

mod catch_up;
mod flight;
mod intake;
mod io;
mod link;
mod queue;
mod readers;
#[cfg(test)]
mod tests;

pub use catch_up::{FETCH_AGAIN_AFTER, UNCONFIRMED_BYTES_MAX};
pub use flight::{FORMER_BATCHES_MAX, HEARTBEAT_AFTER, PUTS_OPEN_MAX, RESEND_AFTER};
pub(super) use intake::read_entry;
pub use intake::{Held, found, key_of};
pub use io::{
    Announced, Append, AppendId, Connected, Event, Input, Output, PutAnswer, QuestionAnswer,
    ReadError, ReaderId, Refused, Stop,
};
pub use link::{CONNECT_AGAIN_AFTER, WATCH_BEHIND_MAX};
pub use queue::APPEND_WAIT_MAX;
pub use readers::{
    QUESTION_AGAIN_AFTER, QUESTION_SPACING, QUESTIONS_OPEN_MAX, READ_WAIT_MAX, READERS_MAX,
};

/// How long a log that is closed goes on putting what waits.
pub const CLOSE_WAIT_MAX: Duration = Duration::from_secs(3);

/// What time it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// How long ago the core was made, by a clock that never goes back.
    pub elapsed: Duration,
    /// The hub's clock.
    pub clock: Timestamp,
}

/// Who this hub is.
#[derive(Debug)]
pub struct Config {
    /// Its name.
    pub hub: HubId,
    /// What it signs with.
    pub key: KeyPair,
    /// The highest version of each family's rules that it can run.
    pub rules: Rules,
}

/// From where the core goes on: the end of the hub's copy.
#[derive(Debug)]
pub struct Start {
    /// The state of the pool there.
    pub state: State,
    /// The head of the copy.
    pub head: Head,
    /// What was taken in last from etcd, if anything was and it is known.
    pub held: Option<Held>,
}

/// A hub on a pool's log.
#[derive(Debug)]
pub struct Core {
    config: Config,
    intake: Intake,
    link: Link,
    flight: Option<Flight>,
    life: Life,
    queue: Queue,
    readers: Readers,
    /// How many other hubs' copies can be asked.
    copies: u64,
    catch_up: Option<CatchUp>,
    announced: Announced,
    /// The position of the last state that a batch has named.
    named_state: u64,
    /// When a batch was sent or refused last.
    put_at: Option<Duration>,
    attempts: u64,
    /// etcd was full when it was asked last.
    is_full: bool,
    end: End,
    outputs: Vec<Output>,
}

/// Whether something of a former process under this hub's key can still land.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// The first batch of this process is not in yet; so many of former ones were met.
    Starting { former: u32 },
    /// It is, and only this process puts.
    Alive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    Closing { until: Duration },
    Ended,
}

impl Core {
    /// Makes a core that goes on from `start`; it connects when it is given its first input.
    pub fn new(config: Config, start: Start) -> Self {
        let intake = Intake::new(start);
        let announced = Announced { applied: intake.applied(), state: None };
        Core {
            config,
            intake,
            link: Link::new(),
            flight: None,
            life: Life::Starting { former: 0 },
            queue: Queue::default(),
            readers: Readers::default(),
            copies: 0,
            catch_up: None,
            announced,
            named_state: 0,
            put_at: None,
            attempts: 0,
            is_full: false,
            end: End::Open,
            outputs: Vec::new(),
        }
    }

    /// Takes an input and returns what is to be done, in order.
    pub fn handle(&mut self, now: Now, input: Input) -> Vec<Output> {
        match input {
            Input::Append(append) => self.take_append(now, append),
            Input::Ask(reader) => self.take_reader(now, reader),
            Input::Announce(announced) => self.take_announced(announced),
            Input::Connected(connected) => self.take_connected(now, &connected),
            Input::NotConnected { link } => self.lose_link(now, link, CONNECT_AGAIN_AFTER),
            Input::WatchBroke { link } => self.lose_link(now, link, Duration::ZERO),
            Input::Compacted { link, revision } => self.take_compacted(now, link, revision),
            Input::Events { link, events, more } => self.take_events(now, link, &events, more),
            Input::Progress { link, revision } => self.take_progress(now, link, revision),
            Input::PutAnswered { attempt, answer } => self.take_put_answer(now, attempt, answer),
            Input::QuestionAnswered { question, answer } => {
                self.take_question_answer(now, question, answer);
            }
            Input::Fetched { fetch, entries } => self.take_fetched(now, fetch, entries),
            Input::Room(room) => self.link.take_room(now, room),
            Input::Tick => {}
            Input::Close => self.begin_closing(now),
        }
        self.advance(now);
        std::mem::take(&mut self.outputs)
    }

    /// Returns when there is something to do at the latest, if ever.
    pub fn due(&self) -> Option<Duration> {
        if self.end == End::Ended {
            return None;
        }
        let closing = match self.end {
            End::Closing { until } => Some(until),
            _ => None,
        };
        let dues = [
            self.queue.due(),
            self.flight.as_ref().and_then(|flight| flight.due(self.is_linked())),
            self.link.due(self.intake.seen()),
            self.readers.due(self.is_linked()),
            self.catch_up.as_ref().filter(|_| self.link.is_held()).and_then(CatchUp::due),
            self.put_due(),
            closing,
        ];
        dues.into_iter().flatten().min()
    }

    /// Returns how far the log reaches here.
    pub fn head(&self) -> Head {
        self.intake.head()
    }

    /// Returns the state of the pool here.
    pub fn state(&self) -> &State {
        self.intake.state()
    }

    /// Tells whether etcd has shown that it is the pool's, and all that it had then.
    pub fn is_linked(&self) -> bool {
        self.link.is_good(self.intake.seen())
    }

    /// Tells whether etcd was full when this hub put something last.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// Tells whether this hub signs with the key that the pool has for it, as far as is known here.
    pub fn signs_as_admitted(&self) -> bool {
        self.has_its_key()
    }

    /// Tells whether appends can come through, as far as is known here.
    pub fn is_up(&self) -> bool {
        self.end == End::Open && self.life == Life::Alive && self.is_linked() && self.counts()
    }

    /// Does what time or the last input makes due.
    fn advance(&mut self, now: Now) {
        if self.end == End::Ended {
            return;
        }
        self.give_up_late_appends(now);
        self.send_again(now);
        self.advance_link(now);
        self.advance_catch_up(now);
        self.advance_readers(now);
        self.form_batch(now);
        self.end_closing(now);
    }

    fn begin_closing(&mut self, now: Now) {
        if self.end == End::Open {
            self.end = End::Closing { until: now.elapsed + CLOSE_WAIT_MAX };
        }
    }

    fn end_closing(&mut self, now: Now) {
        let End::Closing { until } = self.end else { return };
        let has_work = !self.queue.is_empty() || self.flight.as_ref().is_some_and(Flight::has_work);
        if !has_work || until <= now.elapsed {
            self.finish();
            self.outputs.push(Output::Closed);
        }
    }

    fn stop(&mut self, why: Stop) {
        if self.end != End::Ended {
            self.finish();
            self.outputs.push(Output::Stop(why));
        }
    }

    /// Answers everybody who waits: nothing more will come of it here.
    fn finish(&mut self) {
        self.end = End::Ended;
        self.abandon_flight();
        self.refuse_queue(crate::AppendError::Closed);
        self.fail_readers(ReadError::Closed);
    }

    fn own_key(&self) -> Vec<u8> {
        intake::key_of(&self.config.hub)
    }
}

/// The value of a batch, shared by those who send it.
pub(crate) type Value = Arc<[u8]>;
