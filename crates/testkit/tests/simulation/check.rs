//! What must be so in a run, and after it.

use std::time::Duration;

use log::Head;
use log::pool::core::{Refused, Stop};
use pool::{Evidence, Fault, Kind, STAMP_APART_MAX, Standing};
use testkit::linearizable;

use super::client::Client;
use super::intent::{Asked, INTENTS, Intent, Said};
use super::plan::{Plan, STORM, Scenario};
use super::process::Ended;
use super::random::Random;
use super::world::{Violation, World};

/// How long everything has, once nothing fails any more, to be as if nothing had failed.
const CALM: Duration = Duration::from_secs(14);

/// How long whoever was asked last has to answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(12);

/// How long hubs have to be at one head, and how often that is looked at.
const EVEN_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How long a hub may take to know that it is shown nothing new.
const CUT_OFF_WITHIN: Duration = Duration::from_secs(15);

/// How often is looked whether everybody was answered.
const LOOK_FOR_ANSWERS_EVERY: Duration = Duration::from_millis(500);

/// Runs a plan and checks everything; prints what happens if it is to be traced.
pub(crate) fn run(plan: Plan, random: Random, traces: bool) -> Result<World, Violation> {
    let mut world = World::new(plan, random);
    world.traces = traces;
    world.run_until(STORM)?;
    world.calm();
    world.run_until(STORM + CALM)?;
    world.calm();
    world.records.is_closed = true;
    world.wait_for_answers()?;
    world.probe()?;
    if world.plan.scenario == Scenario::Frozen {
        world.run_until(world.now + CUT_OFF_WITHIN)?;
    }
    world.check_noticed()?;
    if world.is_one_history() {
        world.check_even()?;
        world.check_linearizable()?;
        world.check_clock()?;
    }
    Ok(world)
}

impl World {
    /// Tells whether all honest hubs must have one history, and all clients see it.
    fn is_one_history(&self) -> bool {
        match self.plan.scenario {
            Scenario::Honest
            | Scenario::Activation
            | Scenario::Liar(_)
            | Scenario::Clone
            | Scenario::RollBack
            | Scenario::RollBackOne => true,
            Scenario::Fork { .. }
            | Scenario::ForkHealed
            | Scenario::Frozen
            | Scenario::Tamper
            | Scenario::LeaveOut => false,
        }
    }

    /// Compares what a hub has placed with what any other has placed there.
    pub(crate) fn compare_with_all(&mut self, hub: usize, head: Head) {
        if !self.is_one_history() {
            return;
        }
        let index = usize::try_from(head.position.number() - 1).expect("a run is short");
        match self.chains.get(index) {
            None if index == self.chains.len() => self.chains.push(head.chain),
            Some(chain) if *chain == head.chain => {}
            _ => self.violate(format!("hub {hub} has another entry at {}", head.position)),
        }
    }

    /// Tells whether a hub must serve when everything is calm.
    fn must_serve(&self, hub: usize) -> bool {
        let is_last = hub + 1 == usize::from(self.plan.hubs);
        let is_first = self.hubs[hub].number == 0;
        match self.plan.scenario {
            Scenario::Honest | Scenario::RollBackOne => true,
            Scenario::Activation => !is_last,
            Scenario::Liar(_) => !self.hubs[hub].is_liar,
            Scenario::Clone => !is_first,
            Scenario::RollBack | Scenario::Fork { away: 2 } => false,
            Scenario::Fork { .. }
            | Scenario::ForkHealed
            | Scenario::Frozen
            | Scenario::Tamper
            | Scenario::LeaveOut => !is_last,
        }
    }

    /// Runs until nobody waits for an answer.
    fn wait_for_answers(&mut self) -> Result<(), Violation> {
        let end = self.now + ANSWERED_WITHIN;
        while let Some((life, since)) = self.clients.iter().find_map(Client::waits) {
            if end <= self.now {
                return Err(format!("a client waits for {life:?} since {since:?}"));
            }
            self.run_until(self.now + LOOK_FOR_ANSWERS_EVERY)?;
        }
        Ok(())
    }

    /// Has every hub that must serve answer a read and a change.
    fn probe(&mut self) -> Result<(), Violation> {
        let first = self.clients.len();
        for hub in 0..self.hubs.len() {
            self.clients.extend([Client::default(), Client::default()]);
            let (reader, writer) = (first + 2 * hub, first + 2 * hub + 1);
            self.records.last.resize(writer + 1, None);
            self.ask(reader, hub, hub % INTENTS, Asked::Read);
            self.ask(writer, hub, hub % INTENTS, Asked::Delete { from: 0 });
        }
        self.wait_for_answers()?;
        for hub in (0..self.hubs.len()).filter(|hub| self.must_serve(*hub)) {
            let said = [first + 2 * hub, first + 2 * hub + 1].map(|it| self.records.last[it]);
            let [read, written] = said.map(|it| matches!(it, Some(Said::Answer(_))));
            let may_not_write = self.plan.clocks.get(hub).is_some_and(|apart| *apart != 0);
            if !read || !(written || may_not_write) {
                let how = self.describe(hub);
                return Err(format!("hub {hub} does not serve: {said:?}, {how}"));
            }
        }
        Ok(())
    }

    fn describe(&self, hub: usize) -> String {
        let Some(process) = &self.hubs[hub].process else {
            return format!("ended: {:?}", self.hubs[hub].ended);
        };
        let (is_up, standing) = (process.core.is_up(), process.agreement.standing());
        let ids = self.hubs.iter().map(|hub| self.founders.hub_id(hub.number));
        let neighbors: Vec<_> = ids.map(|id| process.agreement.neighbor(&id)).collect();
        let head = process.head().position;
        format!("at {head}, up: {is_up}, {standing:?}, {neighbors:?}")
    }

    /// Waits until all hubs that serve are at one head, and compares their states there.
    fn check_even(&mut self) -> Result<(), Violation> {
        let end = self.now + EVEN_WITHIN;
        loop {
            let serving = (0..self.hubs.len()).filter(|hub| self.must_serve(*hub));
            let serving: Vec<_> = serving.filter(|it| self.hubs[*it].process.is_some()).collect();
            let heads: Vec<_> = serving.iter().map(|hub| self.applied(*hub)).collect();
            if heads.windows(2).all(|pair| pair[0] == pair[1]) {
                let hash = |hub: &usize| {
                    let process = self.hubs[*hub].process.as_mut().expect("it serves");
                    process.states.hash()
                };
                let hashes: Vec<_> = serving.iter().map(hash).collect();
                let is_even = hashes.windows(2).all(|pair| pair[0] == pair[1]);
                return if is_even { Ok(()) } else { Err("states differ at one head".to_owned()) };
            }
            if end < self.now {
                return Err(format!("hubs do not come to one head: {heads:?}"));
            }
            self.run_until(self.now + LOOK_EVERY)?;
        }
    }

    fn applied(&self, hub: usize) -> Head {
        self.hubs[hub].process.as_ref().map(|process| process.head()).unwrap_or_default()
    }

    fn check_linearizable(&self) -> Result<(), Violation> {
        for (number, history) in self.records.history.iter().enumerate() {
            let checked = linearizable::check(&Intent(None), history);
            checked.map_err(|error| format!("intent {number}: {error}"))?;
        }
        Ok(())
    }

    /// The clock of a pool is right as long as most of its hubs' are.
    fn check_clock(&self) -> Result<(), Violation> {
        let true_us = self.true_time().as_micros();
        for hub in (0..self.hubs.len()).filter(|hub| self.must_serve(*hub)) {
            let process = self.hubs[hub].process.as_ref().expect("it was probed");
            let clock = process.states.pool.pool().expect("it is founded").clock();
            let apart = (clock.as_micros() - true_us).unsigned_abs();
            if STAMP_APART_MAX.as_micros() < u128::from(apart) {
                return Err(format!("the pool's clock is {apart} us from the true time"));
            }
        }
        Ok(())
    }

    /// What was wrong must have been noticed, and nothing else.
    fn check_noticed(&self) -> Result<(), Violation> {
        for hub in 0..self.hubs.len() {
            self.check_ended(hub)?;
            if self.must_serve(hub) {
                self.check_evidence(hub)?;
            }
        }
        let last = usize::from(self.plan.hubs) - 1;
        match self.plan.scenario {
            Scenario::Honest | Scenario::Activation | Scenario::Liar(_) | Scenario::Clone => Ok(()),
            Scenario::RollBack => (0..=last).try_for_each(|hub| self.check_refuses(hub)),
            Scenario::RollBackOne if !self.hubs[last].has_met_backup => Ok(()),
            Scenario::RollBackOne => self.check_refuses(last),
            Scenario::Frozen => self.check_cut_off(last),
            Scenario::Fork { away: 2 } => (0..=last).try_for_each(|hub| self.check_rests(hub)),
            Scenario::Fork { .. }
            | Scenario::ForkHealed
            | Scenario::Tamper
            | Scenario::LeaveOut => self.check_rests(last),
        }
    }

    /// No hub ends but those that must.
    fn check_ended(&self, hub: usize) -> Result<(), Violation> {
        let Some(ended) = &self.hubs[hub].ended else {
            return self.check_must_end(hub);
        };
        let is_last = hub + 1 == usize::from(self.plan.hubs);
        let may = match ended {
            Ended::Minority => !self.is_one_history() && is_last,
            Ended::Log(Stop::TooOld(_)) => is_last && self.plan.scenario == Scenario::Activation,
            Ended::Log(Stop::KeyUsedTwice { .. }) => {
                self.plan.scenario == Scenario::Clone && self.hubs[hub].number == 0
            }
            Ended::Log(Stop::Compacted { .. } | Stop::KeyReplaced) | Ended::Apply(_) => false,
        };
        if may { Ok(()) } else { Err(format!("hub {hub} has ended: {ended:?}")) }
    }

    fn check_must_end(&self, hub: usize) -> Result<(), Violation> {
        let is_last = hub + 1 == usize::from(self.plan.hubs);
        match self.plan.scenario {
            Scenario::Activation if is_last => Err("a hub runs rules it does not know".to_owned()),
            Scenario::Clone if hub == 0 && self.hubs[self.hubs.len() - 1].ended.is_none() => {
                Err("two processes use one key".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// A hub has reported what was wrong, and nobody else.
    fn check_evidence(&self, hub: usize) -> Result<(), Violation> {
        let evidence = &self.hubs[hub].evidence;
        if let Some(liar) = &self.liar {
            let id = self.founders.hub_id(liar.number);
            if !evidence.iter().any(|it| liar.lie.is_shown_by(it, &id)) {
                let lie = liar.lie;
                return Err(format!("hub {hub} has not noticed {lie:?}: {evidence:?}"));
            }
        }
        for (number, apart) in self.plan.clocks.iter().enumerate() {
            let wrong = number != hub && *apart != 0 && !self.hubs[number].is_liar;
            let id = self.founders.hub_id(u16::try_from(number).expect("few"));
            let shows = |it: &Evidence| {
                it.hub.as_ref() == Some(&id) && matches!(it.kind, Kind::StampApart { .. })
            };
            if wrong && self.must_serve(number) && !evidence.iter().any(shows) {
                return Err(format!("hub {hub} has not reported the clock of hub {number}"));
            }
        }
        match evidence.iter().find(|it| !self.is_true(it)) {
            None => Ok(()),
            Some(false_one) => Err(format!("hub {hub} reports what is not: {false_one:?}")),
        }
    }

    /// Tells whether a piece of evidence can be true.
    fn is_true(&self, evidence: &Evidence) -> bool {
        match (self.plan.scenario, &evidence.kind) {
            // An honest hub's batch may be late, so its stamp too.
            (_, Kind::StampApart { .. }) => true,
            // What was on its way when newer rules became active was written under the old.
            (Scenario::Activation, Kind::Value { fault: Fault::EntryRules { .. }, .. }) => true,
            // The owner asked once more before it saw that it was done.
            (Scenario::Activation, Kind::Change { .. }) => true,
            (Scenario::Honest | Scenario::Activation, _) => false,
            _ => true,
        }
    }

    /// A hub has refused a store that knows less, or something else, than it has shown.
    fn check_refuses(&self, hub: usize) -> Result<(), Violation> {
        let refused = &self.hubs[hub].refused;
        let has = refused.iter().any(|it| matches!(it, Refused::Behind | Refused::Differs));
        if has { Ok(()) } else { Err(format!("hub {hub} believes a store from a backup")) }
    }

    /// A hub that is shown nothing new knows that it is.
    fn check_cut_off(&self, hub: usize) -> Result<(), Violation> {
        match &self.hubs[hub].process {
            Some(process) if !process.is_cut_off(self.clock(hub)) => {
                Err(format!("hub {hub} answers with what was once: {}", self.describe(hub)))
            }
            _ => Ok(()),
        }
    }

    /// A hub that is shown another history takes no changes any more.
    fn check_rests(&self, hub: usize) -> Result<(), Violation> {
        let accepts = |standing: Standing| standing.accepts_writes();
        // What it was shown may have been the same all the time.
        let is_another = !self.hubs[0].disk.has(self.hubs[hub].disk.head());
        match &self.hubs[hub].process {
            Some(process)
                if is_another && accepts(process.agreement.standing()) && process.core.is_up() =>
            {
                let how = self.describe(hub);
                Err(format!("hub {hub} goes on with a history of its own: {how}"))
            }
            _ => Ok(()),
        }
    }
}
