//! Takes entries of the pool's family in.

use std::sync::Arc;

use spacetime::Timestamp;

use super::{ApplyError, Effect, Heard, HubState, Pool, SetAside, State};
use crate::canonical::Hash;
use crate::{
    Action, AppliedHead, Bad, Command, Consequence, FAMILY, Genesis, HubId, Membership, PROPOSER,
    Placed, Refusal, Rule, SignedChange, VERSION,
};

impl State {
    /// Takes in the entry after `before`, put by `proposer`.
    ///
    /// Errors say that the log is not one that this state can follow; nothing has changed then.
    pub fn apply(
        &mut self,
        before: &AppliedHead,
        proposer: &str,
        command: &Command,
    ) -> Result<Effect, ApplyError> {
        let from_a_hub = matches!(command, Command::Change(_));
        if from_a_hub == (proposer == PROPOSER) {
            return Err(ApplyError::Proposer);
        }
        let Some(pool) = &mut self.pool else {
            let Command::Genesis(genesis) = command else {
                return Err(ApplyError::NotFounded);
            };
            self.pool = Some(Pool::found(before, genesis)?);
            return Ok(Effect::Founded);
        };
        pool.check_version()?;
        match command {
            Command::Genesis(_) => Err(ApplyError::FoundedBefore),
            Command::Placed(placed) => pool.place(before.position + 1, placed),
            Command::Bad(bad) => pool.take_bad(before.position + 1, bad),
            Command::Change(signed) => Ok(pool.change(proposer, signed)),
            Command::OpenEpoch(signed) => pool.open_epoch(before, signed),
        }
    }
}

impl Pool {
    fn found(before: &AppliedHead, genesis: &Genesis) -> Result<Self, ApplyError> {
        if *before != AppliedHead::default() {
            return Err(ApplyError::NotFounded);
        }
        let membership = Membership::found(genesis);
        let previous = *membership.pool().as_bytes();
        let hubs = membership.hubs().iter().map(|_| HubState::of(previous, 0)).collect();
        let pool = Pool {
            membership: Arc::new(membership),
            rules: genesis.founding().rules.clone(),
            clock: Timestamp::MIN,
            revision: 0,
            hubs,
        };
        pool.check_version()?;
        Ok(pool)
    }

    /// Says whether this build can judge and apply for the pool.
    pub(super) fn check_version(&self) -> Result<(), ApplyError> {
        let needed = self.rules.version(FAMILY);
        if needed != VERSION {
            return Err(ApplyError::TooOld { needed });
        }
        Ok(())
    }

    fn place(&mut self, position: u64, placed: &Placed) -> Result<Effect, ApplyError> {
        let slot = &placed.header.slot;
        if slot.pool != self.membership.pool() || slot.epoch != self.membership.epoch() {
            return Err(ApplyError::Misplaced("the batch is of another pool or epoch"));
        }
        let index = self.take_revision(&slot.hub, placed.revision)?;
        let hub = &mut self.hubs[index];
        let any_version = hub.any_version || hub.set_aside.is_some();
        if !any_version && slot.sequence != hub.sequence + 1 {
            return Err(ApplyError::Misplaced("the batch is out of sequence"));
        }
        if slot.previous != hub.previous {
            return Err(ApplyError::Misplaced("the batch does not follow the one before"));
        }
        let report = &placed.header.report;
        hub.sequence = slot.sequence;
        hub.any_version = false;
        hub.previous = placed.header.batch_hash(&placed.signature);
        hub.revision = placed.revision;
        hub.highest = hub.highest.max(report.stamp);
        self.revision = placed.revision;
        self.clock = self.clock.max(self.median());
        let apart_us = match self.clock {
            // Nothing can be apart from a clock that has not begun.
            Timestamp::MIN => 0,
            clock => report.stamp.as_micros() - clock.as_micros(),
        };
        self.hubs[index].heard = Some(Heard {
            position,
            stamp: report.stamp,
            apart_us,
            applied: report.applied,
            state: report.state,
            rules: report.rules.clone(),
        });
        Ok(Effect::Placed { hub: slot.hub.clone(), apart_us })
    }

    fn take_bad(&mut self, position: u64, bad: &Bad) -> Result<Effect, ApplyError> {
        let index = self.take_revision(&bad.hub, bad.revision)?;
        let hub = &mut self.hubs[index];
        if hub.set_aside.is_some() {
            return Err(ApplyError::Misplaced("the hub is set aside already"));
        }
        let (name, fault) = (bad.hub.clone(), bad.fault);
        let effect = match fault.consequence() {
            Consequence::Nothing => {
                return Err(ApplyError::Misplaced("there is no entry of what changes nothing"));
            }
            Consequence::SlotSpent => {
                if !hub.any_version && bad.version != hub.sequence + 1 {
                    return Err(ApplyError::Misplaced("the spent place is out of sequence"));
                }
                hub.sequence = bad.version;
                hub.any_version = false;
                hub.spent += 1;
                Effect::Spent { hub: name, fault }
            }
            Consequence::HubSetAside => {
                hub.set_aside = Some(SetAside { position, fault, hash: bad.hash });
                Effect::SetAside { hub: name, fault }
            }
        };
        hub.revision = bad.revision;
        self.revision = bad.revision;
        Ok(effect)
    }

    /// Returns the index of a hub under whose key something was found at a revision not yet taken.
    fn take_revision(&self, hub: &HubId, revision: u64) -> Result<usize, ApplyError> {
        let index = self.index(hub).ok_or(ApplyError::Misplaced("the hub is not admitted"))?;
        if revision < self.revision || revision <= self.hubs[index].revision {
            return Err(ApplyError::Misplaced("the revision was taken in before"));
        }
        Ok(index)
    }

    /// Says whether a change would have an effect if `hub` put it now.
    pub fn check_change(&self, hub: &HubId, signed: &SignedChange) -> Result<(), Refusal> {
        self.clone().decide(hub.as_str(), signed).map(|_| ())
    }

    fn change(&mut self, proposer: &str, signed: &SignedChange) -> Effect {
        self.decide(proposer, signed).unwrap_or_else(Effect::Refused)
    }

    fn decide(&mut self, proposer: &str, signed: &SignedChange) -> Result<Effect, Refusal> {
        if !HubId::new(proposer).is_ok_and(|hub| self.is_admitted(&hub)) {
            return Err(Refusal::Proposer);
        }
        match &signed.change.action {
            Action::OpenEpoch { .. } => Err(Refusal::EpochHere),
            Action::ActivateRules { rule, left_behind } => {
                self.activate(signed, *rule, left_behind)
            }
            _ => {
                let after = self.membership.after(signed)?;
                self.follow_membership(after, signed.change.hash());
                Ok(Effect::Changed(Box::new(signed.change.clone())))
            }
        }
    }

    fn activate(
        &mut self,
        signed: &SignedChange,
        rule: Rule,
        named: &[HubId],
    ) -> Result<Effect, Refusal> {
        signed.change.check_place(&self.membership)?;
        let Rule { family, version } = rule;
        if Some(version) != self.rules.version(family).checked_add(1) {
            return Err(Refusal::Version { family, version });
        }
        if !crate::canonical::is_ascending(named, |hub| hub) {
            return Err(Refusal::HubList);
        }
        // A hub that can run it in the meantime may be named all the same: so none can make the
        // others' signatures void by saying now this, now that.
        if !self.left_behind(rule).iter().all(|hub| named.contains(hub)) {
            return Err(Refusal::LeftBehind);
        }
        if let Some(unknown) = named.iter().find(|hub| !self.is_admitted(hub)) {
            return Err(Refusal::UnknownHub(unknown.clone()));
        }
        let by_all = named.is_empty() && signed.is_unsigned();
        if !by_all {
            self.membership.after(signed)?;
        }
        self.rules = self.rules.with(rule).map_err(|_| Refusal::TooManyFamilies)?;
        Ok(Effect::Activated(rule))
    }

    /// Says whether the pool's next epoch can be opened after `before`.
    pub fn check_opening(
        &self,
        before: &AppliedHead,
        signed: &SignedChange,
    ) -> Result<(), Refusal> {
        self.opened(before, signed).map(|_| ())
    }

    fn opened(&self, before: &AppliedHead, signed: &SignedChange) -> Result<Membership, Refusal> {
        match &signed.change.action {
            Action::OpenEpoch { head } if head == before => self.membership.after(signed),
            _ => Err(Refusal::EpochHere),
        }
    }

    fn open_epoch(
        &mut self,
        before: &AppliedHead,
        signed: &SignedChange,
    ) -> Result<Effect, ApplyError> {
        let membership = self.opened(before, signed).map_err(ApplyError::Epoch)?;
        let epoch = membership.epoch();
        let previous = signed.change.hash();
        self.membership = Arc::new(membership);
        self.revision = 0;
        for hub in &mut self.hubs {
            // Its keys begin anew, and nothing that it signed before can come again.
            hub.sequence = 0;
            hub.any_version = false;
            hub.revision = 0;
            hub.previous = previous;
        }
        Ok(Effect::Opened { epoch })
    }

    /// Takes a membership over; hubs that were admitted with it begin anew after `admission`.
    fn follow_membership(&mut self, after: Membership, admission: Hash) {
        let hubs = after.hubs().iter().map(|hub| {
            let known = self.membership.hub(&hub.id);
            match self.index(&hub.id) {
                Some(index) if known.is_some_and(|known| known.admitted == hub.admitted) => {
                    self.hubs[index].clone()
                }
                _ => HubState { any_version: true, ..HubState::of(admission, self.revision) },
            }
        });
        self.hubs = hubs.collect();
        self.membership = Arc::new(after);
        self.clock = self.clock.max(self.median());
    }
}

impl HubState {
    fn of(previous: Hash, revision: u64) -> Self {
        HubState {
            sequence: 0,
            any_version: false,
            previous,
            revision,
            highest: Timestamp::MIN,
            heard: None,
            spent: 0,
            set_aside: None,
        }
    }
}
