//! What fails, what is done on purpose, and how it is over.

use std::sync::Arc;
use std::time::Duration;

use log::pool::core::Input;
use log::{Entry, Family, Head};
use pool::Action;

use super::founding::newer_rule;
use super::liar::{Known, Put};
use super::plan::{Cut, Fault, Scenario};
use super::process::{Ended, Process};
use super::random::Random;
use super::store::key_of;
use super::weaken::Weakness;
use super::world::{Event, Hub, Life, World};

/// How often a hub asks another directly.
const TALK_EVERY: Duration = Duration::from_millis(1_500);

/// How often a liar puts.
const LIAR_EVERY: Duration = Duration::from_millis(700);

/// How many entries a hub gives another at once, and how long the other waits for them.
const FETCHED_MAX: usize = 40;
const FETCH_WITHIN: Duration = Duration::from_secs(2);

/// How soon an owner looks whether rules are active.
const ACTIVATE_AGAIN: Duration = Duration::from_secs(3);

/// How soon a misdeed is tried again for which there was no occasion.
const TRY_AGAIN: Duration = Duration::from_millis(20);

impl World {
    /// Starts a hub that is not running, if its owner would.
    pub(crate) fn start(&mut self, hub: usize) {
        if self.hubs[hub].process.is_some() || self.hubs[hub].is_liar {
            return;
        }
        if self.hubs[hub].ended.is_some() {
            return;
        }
        let now = self.now;
        let Hub { number, disk, .. } = &mut self.hubs[hub];
        let mut process = Process::start(&self.founders, *number, disk, now);
        process.skips = self.plan.weakness == Some(Weakness::SkipsAnEntry) && hub == 0;
        self.hubs[hub].life += 1;
        self.hubs[hub].process = Some(process);
        let life = self.life(hub);
        if let [genesis] = self.hubs[hub].disk.after(Head::default()) {
            self.compare_with_all(hub, genesis.head);
        }
        self.feed(life, Input::Tick);
        self.await_apply(life);
        self.after(TALK_EVERY, Event::Talk(life));
    }

    /// A process ends by itself.
    pub(crate) fn end(&mut self, life: Life, ended: Ended) {
        if self.process(life).is_none() {
            return;
        }
        let hub = &mut self.hubs[life.hub];
        hub.disk.sync();
        hub.process = None;
        hub.ended = Some(ended);
        self.lose_calls(life);
    }

    fn crash(&mut self, hub: usize, down: Duration) {
        let life = self.life(hub);
        if self.process(life).is_none() {
            return;
        }
        let Hub { disk, process, .. } = &mut self.hubs[hub];
        *process = None;
        disk.crash(&mut self.random);
        self.lose_calls(life);
        self.after(down, Event::Start(hub));
    }

    /// A hub asks another how far it is.
    pub(crate) fn talk(&mut self, life: Life) {
        if self.process(life).is_none() {
            return;
        }
        self.after(TALK_EVERY, Event::Talk(life));
        let other = self.random.index(self.hubs.len());
        let answers = other != life.hub && self.hubs[other].paused_until <= self.now;
        let Some(process) = self.hubs[other].process.as_ref().filter(|_| answers) else {
            return;
        };
        let said = process.agreement.own_head();
        let id = self.founders.hub_id(self.hubs[other].number);
        let clock = self.clock(life.hub);
        let Hub { process, disk, .. } = &mut self.hubs[life.hub];
        let progress = process.as_mut().expect("it is there").hear(&id, said, disk, clock);
        self.take_progress(life, progress);
    }

    pub(crate) fn fail(&mut self, fault: Fault) {
        let goes_on = fault == Fault::Misdeed && self.plan.scenario == Scenario::Activation;
        if self.is_calm && !goes_on {
            return;
        }
        match fault {
            Fault::Crash { hub, down } => self.crash(hub, down),
            Fault::CrashAll { down } => {
                for hub in 0..self.hubs.len() {
                    self.crash(hub, down);
                }
            }
            Fault::Pause { hub, length } => self.hubs[hub].paused_until = self.now + length,
            Fault::Cut { hub, way, length } => {
                let until = self.now + length;
                let cut = &mut self.hubs[hub].cut;
                match way {
                    Cut::There => cut.0 = until,
                    Cut::Back => cut.1 = until,
                    Cut::Both => *cut = (until, until),
                }
            }
            Fault::BreakWatch { hub } => self.break_watch(hub),
            Fault::Full { length } => {
                self.stores[0].is_full = true;
                self.after(length, Event::Over(fault));
            }
            Fault::Compact => self.compact(),
            Fault::MissADay { hub, down } => {
                self.crash(hub, down + down);
                self.after(down, Event::Over(fault));
            }
            Fault::Misdeed => self.misdeed(),
            Fault::HealFork => self.heal_fork(),
        }
    }

    pub(crate) fn mend(&mut self, fault: Fault) {
        match fault {
            Fault::Full { .. } => self.make_room(),
            Fault::MissADay { .. } => self.compact(),
            _ => {}
        }
    }

    /// Ends all that is bad about network and store, and starts whoever is down.
    pub(crate) fn calm(&mut self) {
        self.is_calm = true;
        let may_be_none = matches!(
            self.plan.scenario,
            Scenario::RollBack | Scenario::RollBackOne | Scenario::Tamper | Scenario::LeaveOut
        );
        if may_be_none && !self.is_misdeed_done {
            // There was no occasion.
            self.plan.scenario = Scenario::Honest;
        }
        self.make_room();
        for hub in 0..self.hubs.len() {
            self.hubs[hub].cut = (self.now, self.now);
            self.start(hub);
        }
    }

    /// The store forgets what it has shown, but nothing that a hub could not take from another: it
    /// keeps a day, and hubs sign what they have every few seconds.
    fn compact(&mut self) {
        let processes = self.hubs.iter().filter_map(|hub| hub.process.as_ref());
        let furthest = processes.max_by_key(|process| process.head().position);
        let Some(pool) = furthest.and_then(|process| process.states.pool.pool()) else { return };
        let heard = pool.hubs().filter_map(|(_, hub)| hub.heard());
        let mut signed: Vec<u64> = heard.map(|heard| heard.applied.position).collect();
        signed.sort_unstable_by(|one, other| other.cmp(one));
        let by_most = signed.get(pool.membership().majority() - 1).copied().unwrap_or(0);
        let kept = self.hubs.iter().map(|hub| hub.disk.revision_within(by_most)).max();
        self.stores[0].compact(kept.unwrap_or(0));
    }

    /// A hub asks another for what it has after a position.
    pub(crate) fn fetch(&mut self, life: Life, fetch: u64, after: u64, turn: u64) {
        let others: Vec<usize> = (0..self.hubs.len()).filter(|hub| *hub != life.hub).collect();
        let other = &self.hubs[others[usize::try_from(turn).expect("few") % others.len()]];
        let is_lost = !self.is_calm && self.random.chance(self.plan.loss_per_mille);
        let has_it = other.process.is_some() && after <= other.disk.length();
        let mut entries = None;
        if has_it && !is_lost {
            let there = other.disk.after_position(after);
            let count = 1 + self.random.index(FETCHED_MAX);
            let mut some: Vec<_> = there.iter().take(count).map(|it| it.bytes.clone()).collect();
            if other.lies_about_its_copy && self.random.chance(500) {
                spoil(&mut some, &mut self.random);
            }
            entries = Some(some);
        }
        let wait = if entries.is_some() { self.random.millis(1, 40) } else { FETCH_WITHIN };
        self.after(wait, Event::Reach(life, Box::new(Input::Fetched { fetch, entries })));
    }

    fn make_room(&mut self) {
        for store in &mut self.stores {
            store.is_full = false;
        }
    }

    fn break_watch(&mut self, hub: usize) {
        let life = self.life(hub);
        let stream = self.process(life).and_then(|process| process.stream.take());
        if let Some(stream) = stream {
            self.feed(life, Input::WatchBroke { link: stream.link });
        }
    }

    fn misdeed(&mut self) {
        match self.plan.scenario {
            Scenario::Honest => {}
            Scenario::Activation => self.activate(),
            Scenario::Liar(_) => self.may_lie = true,
            Scenario::Clone => self.clone_hub(),
            Scenario::RollBack => self.roll_back(),
            Scenario::RollBackOne => self.roll_back_one(),
            Scenario::Fork { away } => self.fork(away),
            Scenario::ForkHealed => self.fork(1),
            Scenario::Frozen => {
                self.fork(1);
                self.stores[1].takes_until = Some(self.stores[1].revision());
            }
            Scenario::Tamper | Scenario::LeaveOut => self.show_otherwise(),
        }
    }

    /// An owner submits the activation of newer rules through a hub that knows them, until they are
    /// active.
    fn activate(&mut self) {
        let (life, clock) = (self.life(0), self.clock(0));
        let rule = newer_rule();
        let pool = self.process(life).and_then(|process| process.states.pool.pool().cloned());
        if pool.as_ref().is_some_and(|pool| pool.rules().version(rule.family) == rule.version) {
            return;
        }
        self.after(ACTIVATE_AGAIN, Event::Fault(Fault::Misdeed));
        if let Some(pool) = pool {
            let left_behind = pool.left_behind(rule);
            let action = Action::ActivateRules { rule, left_behind };
            let change = self.founders.signed(&pool, action);
            let input = self.process(life).expect("it is there").change(change, clock);
            self.feed(life, input);
        }
    }

    /// Starts a second process with the key and the disk of the first hub.
    fn clone_hub(&mut self) {
        let first = &self.hubs[0];
        let mut clone = Hub::new(first.number, first.apart_us);
        clone.disk = first.disk.clone();
        self.hubs.push(clone);
        self.start(self.hubs.len() - 1);
    }

    fn roll_back(&mut self) {
        let processes = self.hubs.iter().filter_map(|hub| hub.process.as_ref());
        let held = processes.filter_map(|it| Some(it.core.state().pool()?.revision()));
        let Some(held) = held.min().filter(|held| 8 < *held) else {
            return self.after(TRY_AGAIN, Event::Fault(Fault::Misdeed));
        };
        let back = 1 + self.random.below(4);
        self.stores[0].roll_back(held - back);
        self.is_misdeed_done = true;
        for hub in 0..self.hubs.len() {
            self.break_watch(hub);
        }
    }

    fn roll_back_one(&mut self) {
        let victim = self.victim();
        let process = self.hubs[victim].process.as_ref();
        let held = process.and_then(|it| Some(it.core.state().pool()?.revision()));
        let Some(held) = held.filter(|held| 8 < *held) else {
            return self.after(TRY_AGAIN, Event::Fault(Fault::Misdeed));
        };
        let mut member = self.stores[0].clone();
        member.roll_back(held - 1 - self.random.below(4));
        // A put that was done is sent again; if it came to be the last again, this were a fork.
        member.takes_until = Some(held - 1);
        self.stores.push(member);
        self.is_misdeed_done = true;
        self.hubs[victim].store = 1;
        self.break_watch(victim);
    }

    /// Shows the last hubs a history of their own from now on.
    fn fork(&mut self, away: usize) {
        self.stores.push(self.stores[0].clone());
        let first = self.hubs.len() - away;
        for hub in &mut self.hubs[first..] {
            hub.store = 1;
        }
    }

    fn heal_fork(&mut self) {
        for hub in 0..self.hubs.len() {
            if self.hubs[hub].store != 0 {
                self.hubs[hub].store = 0;
                self.break_watch(hub);
            }
        }
    }

    /// Shows one hub another value than the others at a revision that it has not seen yet, or
    /// leaves it out.
    fn show_otherwise(&mut self) {
        let victim = self.victim();
        let life = self.life(victim);
        let next = self.process(life).and_then(|process| process.stream).map(|stream| stream.next);
        let own = key_of(&self.founders.hub_id(self.hubs[victim].number));
        let mut other = self.stores[0].clone();
        let value: Arc<[u8]> = Arc::from([1, 2, 3]);
        let is_done = next.is_some_and(|next| {
            other.is_news(next, &own)
                && match self.plan.scenario {
                    Scenario::Tamper => other.tamper_last(value),
                    _ => other.leave_out_last(),
                }
        });
        if !is_done {
            return self.after(TRY_AGAIN, Event::Fault(Fault::Misdeed));
        }
        self.stores.push(other);
        self.is_misdeed_done = true;
        self.hubs[victim].store = 1;
    }

    fn victim(&self) -> usize {
        self.hubs.len() - 1
    }

    /// The liar puts what any hub puts, or once what none may.
    pub(crate) fn lie(&mut self) {
        self.after(LIAR_EVERY, Event::Lie);
        let honest = self.hubs.iter().filter(|hub| !hub.is_liar);
        let process = honest.filter_map(|hub| hub.process.as_ref()).next();
        let pool = process.and_then(|it| it.states.pool.pool());
        let (Some(process), Some(pool), Some(liar)) = (process, pool, self.liar.as_mut()) else {
            return;
        };
        if self.stores[0].is_full {
            return;
        }
        let (applied, state) = process.agreement.own_head();
        let founders = &self.founders;
        let key = key_of(&founders.hub_id(liar.number));
        let version = self.stores[0].version(&key);
        let clock = super::clock::reading(self.now, 0);
        let known = Known { founders, pool, applied, state, clock, version };
        let lies = self.may_lie && !liar.has_lied;
        let lie = if lies { liar.lie(&known) } else { None };
        let Put { hub, value } = lie.unwrap_or_else(|| liar.beat(&known));
        self.stores[0].force(&key_of(&hub), value);
        self.tell_watchers(0);
    }
}

/// Changes, leaves out or exchanges some of what a hub gives another.
fn spoil(entries: &mut Vec<Vec<u8>>, random: &mut Random) {
    if entries.len() < 2 {
        return;
    }
    let index = random.index(entries.len() - 1);
    match random.below(4) {
        0 => {
            let entry = &mut entries[index];
            let byte = random.index(entry.len());
            entry[byte] ^= 1;
        }
        1 => {
            entries.remove(index);
        }
        2 => entries.swap(index, index + 1),
        _ => leave_out_batches(entries, random.index(3)),
    }
}

/// Leaves out every batch of one hub: nothing in what is left shows it but what others signed.
fn leave_out_batches(entries: &mut Vec<Vec<u8>>, number: usize) {
    let hub = format!("hub-{number}");
    let mut is_left_out = false;
    entries.retain(|bytes| {
        let entry = Entry::from_bytes(bytes).expect("it was written here");
        if entry.family == Family::POOL
            && let Ok(pool::Command::Placed(placed)) = pool::Command::from_bytes(&entry.command)
        {
            is_left_out = placed.header.slot.hub.as_str() == hub;
        }
        !is_left_out
    });
}
