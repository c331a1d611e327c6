//! Carries what the core asks to etcd and to the copy, and what they say back: one thread.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use ::pool::Evidence;
use etcd::Client;
use spacetime::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use self::calls::{ask, put};
use self::link::{Ends, Shown};
use super::core::{
    Announced, Append, AppendId, Core, Input, Now, Output, ReadError, ReaderId, Refused, Stop,
};
use super::log::{PoolOpenError, tell};
use crate::clock::monotonic_now;
use crate::{AppendError, Entry, Head, LocalLog, Position, Ticket};

mod calls;
mod link;

pub use calls::{PUT_ANSWER_MAX, QUESTION_ANSWER_MAX};
pub use link::{CONNECT_ANSWER_MAX, PROGRESS_AFTER, WATCH_SILENCE_MAX};

/// How many answers of etcd wait for the core.
const ANSWERS_MAX: usize = 64;

/// How many answers of a watch wait for the core; what comes after waits in etcd.
const SHOWN_MAX: usize = 4;

/// How often is looked whether the disk has room, and the core is called at least.
const TICK: Duration = Duration::from_millis(500);

/// Tells the hub's time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Is told of what is wrong in the pool, from the engine's thread: must be quick.
pub trait Witness: Send + Sync + 'static {
    /// Something is wrong; the bytes show it.
    fn evidence(&self, evidence: &Evidence, bytes: &[u8]);
}

/// The other hubs of the pool, asked for entries of their copies; nobody has to believe them.
pub trait Peers: Send + Sync + 'static {
    /// Returns how many there are.
    fn count(&self) -> u64;

    /// Returns entries after a position in canonical bytes, in order, from the copy of one of them,
    /// the first being 0; none where it has no more, or does not answer in [`FETCH_ANSWER_MAX`].
    fn entries(&self, peer: u64, after: Position) -> EntriesFuture;
}

/// Resolves to entries of another hub's copy.
pub type EntriesFuture = Pin<Box<dyn Future<Output = Option<Vec<Vec<u8>>>> + Send>>;

/// How long another hub may take to answer with entries.
pub const FETCH_ANSWER_MAX: Duration = Duration::from_secs(10);

/// Witnesses nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWitness;

impl Witness for NoWitness {
    fn evidence(&self, _evidence: &Evidence, _bytes: &[u8]) {}
}

/// What the log asks of its driver.
pub(super) enum Call {
    Append {
        entry: Entry,
        bytes: Vec<u8>,
        ticket: Ticket,
        answer: oneshot::Sender<Result<Position, AppendError>>,
    },
    Ask(oneshot::Sender<Result<Head, ReadError>>),
    Announce(Announced),
    Close,
}

/// How the engine is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Appends can come through, as far as is known here.
    pub is_up: bool,
    /// etcd has shown that it is the pool's, and all that it had then.
    pub is_linked: bool,
    /// This hub signs with the key that the pool has for it, as far as is known here.
    pub signs_as_admitted: bool,
    /// etcd was full when this hub put something last: it takes nothing until there is room.
    pub is_full: bool,
    /// Why the last connection to etcd was given up or refused, while there is none.
    pub trouble: Option<Trouble>,
    /// The disk of the copy has no room for more.
    pub is_disk_full: bool,
    /// Why the engine has ended, when it has.
    pub stopped: Option<Stopped>,
}

/// Why there is no connection to etcd; each message says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It is not the pool's.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It is too old, or of a later series.
    #[error(transparent)]
    Release(#[from] etcd::ReleaseError),
    /// It does not answer, or not as it should.
    #[error("etcd cannot be asked: {0}; check the endpoints, the certificates and that it runs")]
    Call(#[from] etcd::CallError),
}

/// Why an engine has ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// The pool, or what is wrong in it, wants it.
    #[error(transparent)]
    Pool(#[from] Stop),
    /// The copy cannot be written.
    #[error("the copy of the pool's log cannot be written")]
    Copy,
    /// Its thread has panicked: a bug.
    #[error("the engine of the pool's log has ended without a word")]
    Broken,
    /// It was closed.
    #[error("the log is closed")]
    Closed,
}

/// What is around the core.
pub(super) struct Shell {
    pub(super) client: Client,
    pub(super) copy: Arc<LocalLog>,
    pub(super) clock: Clock,
    pub(super) witness: Arc<dyn Witness>,
    pub(super) peers: Option<Arc<dyn Peers>>,
    pub(super) own_key: Vec<u8>,
    pub(super) status: watch::Sender<Status>,
    /// Whoever opens the log waits for the first word.
    pub(super) opened: SyncSender<Result<(), PoolOpenError>>,
}

/// What carries.
pub(super) struct Driver {
    core: Core,
    shell: Shell,
    started: Instant,
    answers: HashMap<AppendId, oneshot::Sender<Result<Position, AppendError>>>,
    readers: HashMap<ReaderId, oneshot::Sender<Result<Head, ReadError>>>,
    named: u64,
    /// What calls of etcd have come to.
    answered: (mpsc::Sender<Input>, mpsc::Receiver<Input>),
    link: Option<JoinHandle<()>>,
    shown: mpsc::Receiver<Shown>,
    /// The copy takes no more at present, as the core knows.
    is_held_up: bool,
    /// How many members in a row were refused, before one was not.
    refusals: usize,
    /// When it was looked last whether the disk has room.
    disk_seen: Option<Duration>,
}

impl Driver {
    pub(super) fn new(core: Core, shell: Shell) -> Self {
        Driver {
            core,
            shell,
            started: monotonic_now(),
            answers: HashMap::new(),
            readers: HashMap::new(),
            named: 0,
            answered: mpsc::channel(ANSWERS_MAX),
            link: None,
            shown: mpsc::channel(1).1,
            is_held_up: false,
            refusals: 0,
            disk_seen: None,
        }
    }

    /// Carries until the log is closed or must end.
    pub(super) async fn run(mut self, mut calls: mpsc::UnboundedReceiver<Call>) {
        let mut input = Input::Tick;
        loop {
            if let Err(stopped) = self.feed(input) {
                return self.end(stopped);
            }
            input = self.next_input(&mut calls).await;
        }
    }

    /// Waits for what happens next; what the copy has no room for waits in etcd.
    async fn next_input(&mut self, calls: &mut mpsc::UnboundedReceiver<Call>) -> Input {
        let has_room = self.shell.copy.has_room();
        if has_room == self.is_held_up {
            self.is_held_up = !has_room;
            return Input::Room(has_room);
        }
        let now = self.started.elapsed();
        let wait = self.core.due().map_or(TICK, |due| due.saturating_sub(now).min(TICK));
        let copy = Arc::clone(&self.shell.copy);
        tokio::select! {
            Some(answer) = self.answered.1.recv() => answer,
            Some(shown) = self.shown.recv(), if has_room => self.take_shown(shown),
            call = calls.recv() => self.name(call.unwrap_or(Call::Close)),
            () = copy.room(), if !has_room => Input::Tick,
            () = tokio::time::sleep(wait) => Input::Tick,
        }
    }

    fn feed(&mut self, input: Input) -> Result<(), Stopped> {
        let now = Now { elapsed: self.started.elapsed(), clock: (self.shell.clock)() };
        for output in self.core.handle(now, input) {
            self.carry(output)?;
        }
        self.tell_status();
        self.look_at_the_disk(now.elapsed);
        Ok(())
    }

    fn tell_status(&mut self) {
        let core = &self.core;
        let (is_up, is_linked, is_full) = (core.is_up(), core.is_linked(), core.is_full());
        let signs_as_admitted = core.signs_as_admitted();
        if is_linked {
            self.refusals = 0;
            tell(&self.shell.opened, Ok(()));
        }
        self.shell.status.send_if_modified(|status| {
            let before = (status.is_up, status.is_linked, status.is_full, status.signs_as_admitted);
            if before == (is_up, is_linked, is_full, signs_as_admitted) {
                return false;
            }
            match (status.is_up, is_up) {
                (false, true) => tracing::info!("the pool's log is up"),
                (true, false) => tracing::warn!("the pool's log is not up"),
                _ => {}
            }
            if is_full && !status.is_full {
                tracing::error!("etcd refuses what this hub puts: {}", AppendError::PoolFull);
            }
            if is_linked {
                status.trouble = None;
            }
            (status.is_up, status.is_linked) = (is_up, is_linked);
            (status.is_full, status.signs_as_admitted) = (is_full, signs_as_admitted);
            true
        });
    }

    fn carry(&mut self, output: Output) -> Result<(), Stopped> {
        match output {
            Output::Connect { link, from } => self.connect(link, from),
            Output::Put { attempt, version, value, again } => {
                self.turn_if(again);
                let member = self.shell.client.member();
                let call = put(
                    self.shell.client.clone(),
                    member,
                    self.shell.own_key.clone(),
                    version,
                    value,
                );
                let answered = self.answered.0.clone();
                tokio::spawn(async move {
                    let answer = call.await;
                    // Nobody hears it when the log has ended.
                    let _ = answered.send(Input::PutAnswered { attempt, answer }).await;
                });
            }
            Output::Ask { question, again } => {
                self.turn_if(again);
                let call = ask(self.shell.client.clone(), self.shell.client.member());
                let answered = self.answered.0.clone();
                tokio::spawn(async move {
                    let answer = call.await;
                    // Nobody hears it when the log has ended.
                    let _ = answered.send(Input::QuestionAnswered { question, answer }).await;
                });
            }
            Output::Fetch { fetch, after, turn } => self.fetch(fetch, after, turn),
            Output::Place(placements) => {
                self.shell.copy.place(placements).map_err(|_| Stopped::Copy)?;
            }
            Output::Answer { id, result } => {
                if let Some(answer) = self.answers.remove(&id) {
                    // Who no longer waits needs no answer.
                    let _ = answer.send(result);
                }
            }
            Output::Release { bytes } => self.shell.copy.release_reserved(bytes),
            Output::Resolve { reader, result } => {
                if let Some(answer) = self.readers.remove(&reader) {
                    // Who no longer waits needs no answer.
                    let _ = answer.send(result);
                }
            }
            Output::Evidence(evidence, bytes) => {
                tracing::warn!(?evidence, "something is wrong in the pool");
                self.shell.witness.evidence(&evidence, &bytes);
            }
            Output::Refused(refused) => self.trouble(Trouble::Refused(refused)),
            Output::Stop(stop) => return Err(Stopped::Pool(stop)),
            Output::Closed => return Err(Stopped::Closed),
        }
        Ok(())
    }

    /// Asks another member from now on, where the last one has not answered.
    fn turn_if(&self, again: bool) {
        if again {
            self.shell.client.turn_from(&self.shell.client.member());
        }
    }

    fn connect(&mut self, link: u64, from: u64) {
        if let Some(former) = self.link.take() {
            former.abort();
            self.shell.client.turn_from(&self.shell.client.member());
        }
        let (sender, shown) = mpsc::channel(SHOWN_MAX);
        self.shown = shown;
        let ends = Ends { number: link, from, own_key: self.shell.own_key.clone() };
        self.link = Some(tokio::spawn(link::run(self.shell.client.member(), ends, sender)));
    }

    /// Asks another hub for entries; whether they are any good the core says.
    fn fetch(&self, fetch: u64, after: Position, peer: u64) {
        let Some(peers) = &self.shell.peers else { return };
        tracing::info!(log.position = %after, "etcd no longer holds what is missing: asking a hub");
        let entries = peers.entries(peer, after);
        let answered = self.answered.0.clone();
        tokio::spawn(async move {
            let entries = tokio::time::timeout(FETCH_ANSWER_MAX, entries).await;
            let entries = entries.ok().flatten();
            // Nobody hears it when the log has ended.
            let _ = answered.send(Input::Fetched { fetch, entries }).await;
        });
    }

    fn take_shown(&mut self, shown: Shown) -> Input {
        match shown {
            Shown::Input(input) => input,
            Shown::Trouble { link, trouble } => {
                self.trouble(trouble);
                Input::NotConnected { link }
            }
        }
    }

    fn trouble(&mut self, trouble: Trouble) {
        if !matches!(trouble, Trouble::Call(_)) {
            self.refusals += 1;
        }
        if self.shell.client.members().len() <= self.refusals {
            tell(&self.shell.opened, Err(PoolOpenError::Refused(trouble.clone())));
        }
        self.shell.status.send_modify(|status| {
            if status.trouble.as_ref() != Some(&trouble) {
                tracing::warn!("no connection to the pool: {trouble}");
            }
            status.trouble = Some(trouble);
        });
    }

    fn look_at_the_disk(&mut self, now: Duration) {
        if self.disk_seen.is_some_and(|seen| now < seen + TICK) {
            return;
        }
        self.disk_seen = Some(now);
        let is_disk_full = !self.shell.copy.disk_has_room();
        self.shell.status.send_if_modified(|status| {
            let changed = status.is_disk_full != is_disk_full;
            status.is_disk_full = is_disk_full;
            changed
        });
    }

    /// Gives what is asked a name by which it is answered.
    fn name(&mut self, call: Call) -> Input {
        self.named += 1;
        match call {
            Call::Append { entry, bytes, ticket, answer } => {
                let id = AppendId(self.named);
                self.answers.insert(id, answer);
                Input::Append(Append { id, entry: Arc::new(entry), bytes, ticket })
            }
            Call::Ask(answer) => {
                let reader = ReaderId(self.named);
                self.readers.insert(reader, answer);
                Input::Ask(reader)
            }
            Call::Announce(announced) => Input::Announce(announced),
            Call::Close => Input::Close,
        }
    }

    fn end(mut self, stopped: Stopped) {
        if let Some(link) = self.link.take() {
            link.abort();
        }
        if stopped != Stopped::Closed {
            tracing::error!("the pool's log has ended: {stopped}");
        }
        self.shell.status.send_modify(|status| {
            status.is_up = false;
            status.stopped = Some(stopped);
        });
    }
}
