//! Clients, which ask one thing after the other, and what they were told.

use std::time::Duration;

use testkit::linearizable::Operation;

use super::intent::{Answer, Asked, INTENTS, Said, command};
use super::trace;
use super::weaken::Weakness;
use super::world::{Event, Life, World};

const THINKS_MIN: Duration = Duration::from_millis(5);

/// A client, and what it waits for.
#[derive(Debug, Default)]
pub(crate) struct Client {
    call: Option<Call>,
}

#[derive(Clone, Copy, Debug)]
struct Call {
    life: Life,
    intent: usize,
    asked: Asked,
    called: u64,
    since: Duration,
}

/// What all clients were told, by operational intent.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) history: [Vec<Operation<Asked, Answer>>; INTENTS],
    /// OVNs that somebody saw: guesses for who wants to change something.
    seen: [Vec<u32>; INTENTS],
    /// What was said last, by client.
    pub(crate) last: Vec<Option<Said>>,
    pub(crate) ovns: u32,
    moment: u64,
    /// No client begins anything new.
    pub(crate) is_closed: bool,
}

impl Client {
    /// Returns the operational intent that it asks about.
    pub(crate) fn intent(&self) -> usize {
        self.call.map_or(0, |call| call.intent)
    }

    /// Returns since when it waits for a process.
    pub(crate) fn waits(&self) -> Option<(Life, Duration)> {
        self.call.map(|call| (call.life, call.since))
    }
}

impl Records {
    fn tick(&mut self) -> u64 {
        self.moment += 1;
        self.moment
    }
}

impl World {
    /// Lets a client ask something, if it is not waiting.
    pub(crate) fn act(&mut self, client: usize) {
        if self.records.is_closed || self.clients[client].call.is_some() {
            return;
        }
        let hub = self.random.index(self.hubs.len());
        if self.hubs[hub].process.is_none() {
            let wait = self.random.millis(10, 200);
            return self.after(wait, Event::Client(client));
        }
        let intent = self.random.index(INTENTS);
        let asked = self.draw(intent);
        self.ask(client, hub, intent, asked);
    }

    /// Has a client ask a hub something.
    pub(crate) fn ask(&mut self, client: usize, hub: usize, intent: usize, asked: Asked) {
        let (life, clock, now) = (self.life(hub), self.clock(hub), self.true_time());
        let (called, since) = (self.records.tick(), self.now);
        self.clients[client].call = Some(Call { life, intent, asked, called, since });
        let weakness = self.plan.weakness;
        let Some(process) = self.process(life) else { return self.reply(client, Said::Never) };
        let Some(command) = command(intent, asked, now) else {
            if weakness == Some(Weakness::ReadsAtOnce) {
                return self.read(life, client);
            }
            return match process.read(client, clock) {
                Some(input) => self.feed(life, input),
                None => self.reply(client, Said::Never),
            };
        };
        let answers_early = weakness == Some(Weakness::AnswersEarly);
        let Some(input) = process.write(&command, (!answers_early).then_some(client), clock) else {
            return self.reply(client, Said::Never);
        };
        if answers_early {
            self.reply(client, Said::Answer(Answer::Done));
        }
        self.feed(life, input);
    }

    /// Tells a client what came of what it asked.
    pub(crate) fn reply(&mut self, client: usize, said: Said) {
        let Some(call) = self.clients[client].call.take() else { return };
        let Call { intent, asked, called, .. } = call;
        let at = self.records.tick();
        if self.traces {
            let hub = call.life.hub;
            let what = format!("client {client} of hub {hub}: {intent} {asked:?}: {said:?}");
            trace::print(self.now, &what);
        }
        if let Some(last) = self.records.last.get_mut(client) {
            *last = Some(said);
        }
        let answered = match said {
            Said::Answer(answer) => {
                self.records.seen[intent].extend(seen(asked, answer));
                Some((at, answer))
            }
            Said::Unknown => None,
            // It promises that nothing was done, so it is as if it was never asked.
            Said::Never => return self.go_on(client),
        };
        if answered.is_some() || asked != Asked::Read {
            let operation = Operation { called, answered, ask: asked };
            self.records.history[intent].push(operation);
        }
        self.go_on(client);
    }

    /// Tells all clients of a process that nobody knows what came of what they asked.
    pub(crate) fn lose_calls(&mut self, life: Life) {
        for client in 0..self.clients.len() {
            if self.clients[client].call.is_some_and(|call| call.life == life) {
                self.reply(client, Said::Unknown);
            }
        }
    }

    fn go_on(&mut self, client: usize) {
        let wait = self.random.between(THINKS_MIN, self.plan.thinks);
        self.after(wait, Event::Client(client));
    }

    fn draw(&mut self, intent: usize) -> Asked {
        let seen = &self.records.seen[intent];
        let from = match seen.len().min(3) {
            0 => 0,
            last => seen[seen.len() - 1 - self.random.index(last)],
        };
        let kind = self.random.below(10);
        self.records.ovns += 1;
        let to = self.records.ovns;
        match kind {
            0..3 => Asked::Read,
            3..5 => Asked::Create { to },
            5..8 => Asked::Update { from, to },
            _ => Asked::Delete { from },
        }
    }
}

/// Returns the OVN that an answer shows.
fn seen(asked: Asked, answer: Answer) -> Option<u32> {
    match (asked, answer) {
        (Asked::Read, Answer::Is(ovn)) => ovn,
        (Asked::Create { to } | Asked::Update { to, .. }, Answer::Done) => Some(to),
        _ => None,
    }
}
