//! What a process asks for is carried to the store and back, to the disk, and to those who wait.

use std::sync::Arc;
use std::time::Duration;

use hub::replica::FrozenStates;
use log::pool::core::{Connected, Event as Found, Input, Output, PutAnswer};
use log::pool::{CONNECT_ANSWER_MAX, PUT_ANSWER_MAX, QUESTION_ANSWER_MAX, WATCH_SILENCE_MAX};
use log::{AppendError, Head};
use pool::Pool;

use super::intent::{Answer, Said};
use super::process::{Ended, Progress, Stream, Waiting};
use super::store::{Shown, key_of};
use super::weaken::Weakness;
use super::world::{Event, Life, World, answered, told};

const NO_TIME: Duration = Duration::ZERO;

/// How many events a watch shows at once.
const SHOWN_MAX: u64 = 4;

/// How often a watch that shows nothing says how far it is.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

impl World {
    /// Does what a core says.
    pub(crate) fn carry(&mut self, life: Life, output: Output) {
        match output {
            Output::Connect { link, from } => self.connect(life, link, from),
            Output::Put { attempt, version, value, .. } => {
                self.after(
                    PUT_ANSWER_MAX,
                    Event::Reach(life, answered(attempt, PutAnswer::Unanswered)),
                );
                let value = Arc::clone(&value);
                self.send(life, Event::Put { life, attempt, version, value });
            }
            Output::Ask { question, .. } => {
                self.after(QUESTION_ANSWER_MAX, Event::Reach(life, told(question, None)));
                self.send(life, Event::Ask { life, question });
            }
            Output::Place(placements) => self.place(life, placements),
            Output::Answer { id, result } => {
                let Err(error) = result else { return };
                let waiting = self.process(life).and_then(|process| process.waiting(id));
                if let Some(Waiting::Client(client)) = waiting {
                    self.reply(client, self.said_of(error));
                }
            }
            Output::Resolve { reader, result } => {
                let client = self.process(life).and_then(|process| process.reader(reader));
                match (client, result) {
                    (Some(client), Ok(head)) => self.read_at(life, client, head),
                    (Some(client), Err(_)) => self.reply(client, Said::Never),
                    (None, _) => {}
                }
            }
            Output::Evidence(evidence, _) => self.hubs[life.hub].evidence.push(evidence),
            Output::Refused(refused) => self.hubs[life.hub].refused.push(refused),
            Output::Stop(stop) => self.end(life, Ended::Log(stop)),
            Output::Fetch { fetch, after, turn } => self.fetch(life, fetch, after.number(), turn),
            Output::Release { .. } | Output::Closed => {}
        }
    }

    fn said_of(&self, error: AppendError) -> Said {
        let says_never = self.plan.weakness == Some(Weakness::SaysNever);
        if error.is_unknown() && !says_never { Said::Unknown } else { Said::Never }
    }

    /// Sends something to the store, which it may not reach.
    fn send(&mut self, life: Life, event: Event) {
        let is_put = matches!(event, Event::Put { .. });
        if self.now < self.hubs[life.hub].cut.0 || self.is_lost() {
            return;
        }
        let mut wait = self.latency();
        if is_put && !self.is_calm && self.random.chance(self.plan.late_per_mille) {
            // It hangs with a leader that is frozen, and lands when nobody expects it any more.
            wait = self.random.millis(500, 9_000);
        }
        self.after(wait, event);
    }

    /// Sends something from the store, which may not arrive.
    fn send_back(&mut self, life: Life, event: Event) {
        if self.now < self.hubs[life.hub].cut.1 || self.is_lost() {
            return;
        }
        let wait = self.latency();
        self.after(wait, event);
    }

    fn is_lost(&mut self) -> bool {
        !self.is_calm && self.random.chance(self.plan.loss_per_mille)
    }

    fn latency(&mut self) -> Duration {
        if self.is_calm { self.random.millis(1, 3) } else { self.random.millis(1, 40) }
    }

    fn connect(&mut self, life: Life, link: u64, from: u64) {
        if let Some(process) = self.process(life) {
            process.stream = None;
            process.connecting = Some(link);
        }
        self.after(CONNECT_ANSWER_MAX, Event::NoLink(life, link));
        self.send(life, Event::Connect { life, link, from });
    }

    pub(crate) fn lack_link(&mut self, life: Life, link: u64) {
        let Some(process) = self.process(life) else { return };
        if process.connecting == Some(link) {
            process.connecting = None;
            self.feed(life, Input::NotConnected { link });
        }
    }

    pub(crate) fn take_connect(&mut self, life: Life, link: u64, from: u64) {
        let hub = &self.hubs[life.hub];
        let own_key = key_of(&self.founders.hub_id(hub.number));
        let connected = self.stores[hub.store].look(link, &own_key);
        self.send_back(life, Event::Linked { life, connected, from });
    }

    pub(crate) fn take_link(&mut self, life: Life, connected: Connected, from: u64) {
        let link = connected.link;
        let Some(process) = self.process(life) else { return };
        if process.connecting != Some(link) {
            return;
        }
        process.connecting = None;
        process.stream = Some(Stream { link, next: from, is_awaited: false });
        self.feed(life, Input::Connected(connected));
        let hub = &mut self.hubs[life.hub];
        hub.has_met_backup |= hub.store != 0;
        self.await_events(life);
        self.after(PROGRESS_EVERY, Event::Progress(life, link));
    }

    pub(crate) fn take_put(&mut self, life: Life, attempt: u64, version: u64, value: Arc<[u8]>) {
        let hub = &self.hubs[life.hub];
        let key = key_of(&self.founders.hub_id(hub.number));
        let store = hub.store;
        let answer = self.stores[store].put(&key, version, Arc::clone(&value));
        if let (PutAnswer::Put { revision }, Some(Weakness::TrustsPuts)) =
            (&answer, self.plan.weakness)
        {
            let event = Found { revision: *revision, key, version, value: Some(value.to_vec()) };
            self.show_early(life, event);
        }
        self.send_back(life, Event::Reach(life, answered(attempt, answer)));
        self.tell_watchers(store);
    }

    pub(crate) fn take_question(&mut self, life: Life, question: u64) {
        let answer = self.stores[self.hubs[life.hub].store].question();
        self.send_back(life, Event::Reach(life, told(question, Some(answer))));
    }

    /// Has every watch of a store show what is new.
    pub(crate) fn tell_watchers(&mut self, store: usize) {
        for hub in 0..self.hubs.len() {
            if self.hubs[hub].store == store {
                self.await_events(self.life(hub));
            }
        }
    }

    fn await_events(&mut self, life: Life) {
        let Some(process) = self.process(life) else { return };
        let Some(stream) = process.stream.as_mut().filter(|stream| !stream.is_awaited) else {
            return;
        };
        stream.is_awaited = true;
        let link = stream.link;
        let lag = self.plan.lags.get(life.hub).copied().unwrap_or_default();
        let wait = if self.is_calm { self.latency() } else { self.random.between(NO_TIME, lag) };
        self.after(wait, Event::Show(life, link));
    }

    /// Returns the stream of a link that is still the process's.
    fn stream(&mut self, life: Life, link: u64) -> Option<&mut Stream> {
        self.process(life)?.stream.as_mut().filter(|stream| stream.link == link)
    }

    pub(crate) fn show(&mut self, life: Life, link: u64) {
        let (now, (_, cut)) = (self.now, self.hubs[life.hub].cut);
        let Some(stream) = self.stream(life, link) else { return };
        if now < cut {
            // What was on the way comes when the way is good again, if anybody still listens.
            return self.at(cut, Event::Show(life, link));
        }
        stream.is_awaited = false;
        let next = stream.next;
        let events_max = usize::try_from(1 + self.random.below(SHOWN_MAX)).expect("few");
        match self.stores[self.hubs[life.hub].store].show(next, events_max) {
            Shown::Nothing => {}
            Shown::Events(events, after) => {
                self.stream(life, link).expect("it is there").next = after;
                let store = &self.stores[self.hubs[life.hub].store];
                let is_last = matches!(store.show(after, 1), Shown::Nothing);
                let more = !is_last && self.random.chance(200);
                self.await_events(life);
                self.feed(life, Input::Events { link, events, more });
            }
            Shown::Compacted(revision) => self.feed(life, Input::Compacted { link, revision }),
        }
    }

    pub(crate) fn show_progress(&mut self, life: Life, link: u64) {
        let (now, (_, cut)) = (self.now, self.hubs[life.hub].cut);
        let store = self.hubs[life.hub].store;
        let revision = self.stores[store].revision();
        let Some(stream) = self.stream(life, link) else { return };
        if now < cut {
            stream.is_awaited = true;
            return self.after(
                WATCH_SILENCE_MAX,
                Event::Reach(life, Box::new(Input::WatchBroke { link })),
            );
        }
        let next = stream.next;
        self.after(PROGRESS_EVERY, Event::Progress(life, link));
        if matches!(self.stores[store].show(next, 1), Shown::Nothing) {
            self.feed(life, Input::Progress { link, revision });
        }
    }

    /// Shows a process what it has put, before its place is known.
    fn show_early(&mut self, life: Life, event: Found) {
        let stream = self.process(life).and_then(|process| process.stream);
        if let Some(Stream { link, .. }) = stream {
            self.feed(life, Input::Events { link, events: vec![event], more: false });
        }
    }

    fn place(&mut self, life: Life, placements: Vec<log::Placement>) {
        let hub = &mut self.hubs[life.hub];
        hub.disk.write(&placements);
        let heads: Vec<Head> = placements.iter().map(|placement| placement.head).collect();
        let Some(process) = hub.process.as_mut() else { return };
        process.take(placements);
        let sync_is_due = std::mem::replace(&mut process.sync_is_due, true);
        self.await_apply(life);
        if !sync_is_due {
            let wait = self.random.millis(0, 1_000);
            self.after(wait, Event::Sync(life));
        }
        for head in heads {
            self.compare_with_all(life.hub, head);
        }
    }

    /// Has a process apply what was handed out.
    pub(crate) fn await_apply(&mut self, life: Life) {
        let Some(process) = self.process(life) else { return };
        if process.has_handed() && !std::mem::replace(&mut process.apply_is_due, true) {
            let wait = self.random.millis(0, 5);
            self.after(wait, Event::Apply(life));
        }
    }

    pub(crate) fn apply(&mut self, life: Life) {
        let clock = self.clock(life.hub);
        let hub = &mut self.hubs[life.hub];
        if hub.life != life.number {
            return;
        }
        let Some(process) = hub.process.as_mut() else { return };
        process.apply_is_due = false;
        let progress = process.apply(&hub.disk, clock);
        self.take_progress(life, progress);
        self.await_apply(life);
    }

    /// Answers who waits, and does what comes of it.
    pub(crate) fn take_progress(&mut self, life: Life, progress: Progress) {
        self.hubs[life.hub].evidence.extend(progress.evidence);
        for (waiting, said) in progress.said {
            if let Waiting::Client(client) = waiting {
                self.reply(client, said);
            }
        }
        for client in progress.readers {
            self.read(life, client);
        }
        if let Some((head, frozen)) = progress.snapshot {
            let wait = self.random.millis(0, 2_000);
            self.after(wait, Event::Keep(life, head, Box::new(frozen)));
        }
        if let Some(announced) = progress.announce {
            self.feed(life, Input::Announce(announced));
        }
        if let Some(ended) = progress.ended {
            self.end(life, ended);
        }
    }

    fn read_at(&mut self, life: Life, client: usize, head: Head) {
        if self.process(life).is_some_and(|process| process.read_at(head, client)) {
            self.read(life, client);
        }
    }

    /// Answers a read with what a process has applied.
    pub(crate) fn read(&mut self, life: Life, client: usize) {
        let (clock, number) = (self.clock(life.hub), self.clients[client].intent());
        let Some(process) = self.process(life) else { return };
        let answer: Answer = super::intent::read(&process.states.airspace, number, clock);
        self.reply(client, Said::Answer(answer));
    }

    pub(crate) fn sync(&mut self, life: Life) {
        let hub = &mut self.hubs[life.hub];
        if hub.life == life.number
            && let Some(process) = hub.process.as_mut()
        {
            process.sync_is_due = false;
            hub.disk.sync_at(process.core.state().pool().map_or(0, Pool::revision));
        }
    }

    /// Keeps a snapshot, which must not be ahead of what is durable.
    pub(crate) fn keep(&mut self, life: Life, head: Head, frozen: &FrozenStates) {
        let hub = &mut self.hubs[life.hub];
        if hub.life == life.number && hub.process.is_some() {
            hub.disk.sync();
            hub.disk.keep(head, frozen);
        }
    }
}
