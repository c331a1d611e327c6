//! Takes in what etcd shows: judges each version, numbers what comes of it, keeps the pool's state.

use std::sync::Arc;

use ::pool::{
    AppliedHead, ApplyError, Batch, Command, Effect, EntryFacts, Evidence, FAMILY, Fault, Found,
    Genesis, Hash, HubId, KEY_PREFIX, Kind, PROPOSER, Placed, Pool, Rule, STAMP_APART_MAX, State,
    VERSION, Verdict,
};
use sha2::{Digest, Sha256};
use spacetime::Timestamp;

use super::{Core, End, Event, Life, Now, Output, Refused, Start, Stop};
use crate::entry::EntryRef;
use crate::local::Placement;
use crate::{AppendError, Entry, Family, Head, Proposer, Ticket, leaf_hash};

/// What was taken in from etcd last, to be shown again by every new link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its revision.
    pub revision: u64,
    /// The whole key.
    pub key: Vec<u8>,
    /// SHA-256 of the value, zeros where the key was deleted.
    pub hash: Hash,
}

/// How far the log is here.
#[derive(Debug)]
pub(super) struct Intake {
    state: State,
    head: Head,
    held: Option<Held>,
    /// Everything up to this revision has been shown.
    seen: u64,
    /// The version of this hub's own key that was shown last.
    own_version: u64,
}

/// Founds a pool: returns its state, and the first entry of its log.
pub fn found(genesis: &Genesis) -> Result<(State, Placement), ApplyError> {
    let mut state = State::default();
    let command = Command::Genesis(genesis.clone());
    state.apply(&AppliedHead::default(), PROPOSER, &command)?;
    let (entry, bytes) = own_entry(&command, State::default().stamp_of(&command));
    let leaf = leaf_hash(&bytes);
    let head = Head::default().followed_by(&leaf);
    Ok((state, Placement { head, leaf, entry, bytes, ticket: None }))
}

/// Returns the key that a hub's batches are versions of.
pub fn key_of(hub: &HubId) -> Vec<u8> {
    format!("{KEY_PREFIX}{}", hub.as_str()).into_bytes()
}

/// Returns the entry of what every hub makes for itself, and its bytes.
pub(super) fn own_entry(command: &Command, stamp: Timestamp) -> (Arc<Entry>, Vec<u8>) {
    let entry = Entry {
        family: Family::POOL,
        version: VERSION,
        proposer: Proposer::new(PROPOSER).expect("a name"),
        stamp,
        command: command.to_bytes(),
    };
    let bytes = entry.to_bytes().expect("a header or a genesis is small");
    (Arc::new(entry), bytes)
}

/// Reads what the pool must know of an entry.
pub(crate) fn read_entry(bytes: &[u8]) -> Option<EntryFacts<'_>> {
    let EntryRef { family, version, proposer, command, .. } = EntryRef::from_bytes(bytes).ok()?;
    Some(EntryFacts { family: family.0, version, proposer, command })
}

impl Event {
    fn found(&self) -> Found<'_> {
        let Event { revision, key, version, value } = self;
        let (revision, version) = (*revision, *version);
        Found { revision, key, version, value: value.as_deref() }
    }
}

impl Intake {
    pub(super) fn new(start: Start) -> Self {
        let Start { state, head, held } = start;
        let seen = state.pool().map_or(0, Pool::revision);
        Intake { state, head, held, seen, own_version: 0 }
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    pub(super) fn pool(&self) -> Option<&Pool> {
        self.state.pool()
    }

    pub(super) fn head(&self) -> Head {
        self.head
    }

    pub(super) fn applied(&self) -> AppliedHead {
        AppliedHead { position: self.head.position.number(), chain: self.head.chain }
    }

    pub(super) fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    /// Returns the revision up to which something was taken in.
    pub(super) fn revision(&self) -> u64 {
        self.pool().map_or(0, Pool::revision)
    }

    pub(super) fn own_version(&self) -> u64 {
        self.own_version
    }

    pub(super) fn take_own_version(&mut self, version: u64) {
        self.own_version = version;
    }

    /// Numbers an entry.
    fn follow(&mut self, entry: Arc<Entry>, bytes: Vec<u8>, ticket: Option<Ticket>) -> Placement {
        let leaf = leaf_hash(&bytes);
        self.head = self.head.followed_by(&leaf);
        Placement { head: self.head, leaf, entry, bytes, ticket }
    }

    /// Takes in what every hub makes for itself, which its verdict or its check has allowed.
    fn take_command(&mut self, command: &Command) -> (Placement, Effect) {
        let before = self.applied();
        let stamp = self.state.stamp_of(command);
        let effect = self.state.apply(&before, PROPOSER, command);
        let effect = effect.expect("it was judged by this very state");
        let (entry, bytes) = own_entry(command, stamp);
        (self.follow(entry, bytes, None), effect)
    }

    /// Takes in an entry of another hub's copy, which was judged as this hub would have.
    pub(super) fn take_again(&mut self, placement: &Placement, command: Option<&Command>) {
        if let Some(command) = command {
            let before = self.applied();
            let applied = self.state.apply(&before, placement.entry.proposer.as_str(), command);
            assert!(applied.is_ok(), "the same entries were applied before: {applied:?}");
        }
        self.head = placement.head;
    }

    /// The etcd that was followed is no more.
    pub(super) fn begin_epoch(&mut self) {
        self.held = None;
        self.seen = 0;
        self.own_version = 0;
    }

    pub(super) fn hold(&mut self, event: &Event, hash: Hash) {
        let (revision, key) = (event.revision, event.key.clone());
        self.held = Some(Held { revision, key, hash });
        self.seen = self.seen.max(revision.saturating_sub(1));
    }
}

impl Core {
    pub(super) fn take_events(&mut self, now: Now, link: u64, events: &[Event], more: bool) {
        for event in events {
            if self.end == End::Ended || !self.link.is(link) {
                return;
            }
            self.take_event(now, event);
        }
        let Some(last) = events.last() else { return };
        // What follows may be of the same revision.
        self.see(now, link, if more { last.revision - 1 } else { last.revision });
    }

    pub(super) fn take_progress(&mut self, now: Now, link: u64, revision: u64) {
        self.see(now, link, revision);
    }

    /// Everything up to a revision has been shown.
    fn see(&mut self, now: Now, link: u64, revision: u64) {
        if self.end == End::Ended || !self.link.is(link) {
            return;
        }
        if let Some(held) = self.link.to_show()
            && held.revision <= revision
        {
            return self.refuse_history(now, held.revision);
        }
        if self.intake.seen < revision {
            self.intake.seen = revision;
            self.link.moved(now);
        }
        self.resolve_readers();
    }

    fn take_event(&mut self, now: Now, event: &Event) {
        let found = event.found();
        let hash = found.hash();
        if !self.is_shown(now, event, &hash) {
            return;
        }
        let is_own = event.key == self.own_key();
        if is_own {
            self.intake.own_version = event.version;
        }
        let pool = self.intake.pool().expect("a link is refused before the pool is founded");
        match pool.judge(&found, read_entry) {
            Verdict::Accepted(batch) => self.take_batch(event, hash, *batch, is_own),
            Verdict::Spent(fault) => {
                self.take_bad(event, hash, fault);
                if is_own && !self.spend(&hash) {
                    self.meet_own(event, &hash);
                }
            }
            Verdict::SetAside(fault) => {
                self.take_bad(event, hash, fault);
                if is_own {
                    self.refuse_flight(AppendError::NotAdmitted);
                }
            }
            Verdict::Foreign(fault) => {
                self.report_value(&found, fault);
                if is_own && self.is_flying(&hash) {
                    self.refuse_flight(AppendError::NotAdmitted);
                }
            }
            Verdict::Stale => {}
            Verdict::Incomplete => {
                self.report_engine(Kind::EngineIncomplete { revision: event.revision });
                self.refuse_link(now, Refused::Incomplete);
            }
            Verdict::TooOld { needed } => {
                self.stop(Stop::TooOld(Rule { family: FAMILY, version: needed }));
            }
        }
    }

    /// Tells whether the link has shown what this hub holds, before anything else.
    fn is_shown(&mut self, now: Now, event: &Event, hash: &Hash) -> bool {
        let Some(held) = self.link.to_show() else { return true };
        let is_it = event.revision == held.revision && event.key == held.key;
        if is_it && *hash == held.hash {
            self.link.shown();
            return true;
        }
        if is_it || held.revision < event.revision {
            self.refuse_history(now, held.revision);
        }
        // Others of the same revision were taken in before it.
        false
    }

    fn refuse_history(&mut self, now: Now, revision: u64) {
        self.report_engine(Kind::EngineDiffers { revision });
        self.refuse_link(now, Refused::Differs);
    }

    fn take_batch(&mut self, event: &Event, hash: Hash, batch: Batch, is_own: bool) {
        let had_its_key = self.has_its_key();
        let landed = if is_own { self.land(&hash) } else { None };
        let (header, entries, signature) = batch.into_parts();
        let hub = header.slot.hub.clone();
        let placed = Placed { revision: event.revision, header, signature };
        let command = Command::Placed(Box::new(placed));
        let (placement, effect) = self.intake.take_command(&command);
        self.intake.hold(event, hash);
        self.report_apart(event, hash, &placement, &effect);
        let mut placements = vec![placement];
        for (index, bytes) in entries.into_iter().enumerate() {
            let own = landed.as_ref().map(|landed| &landed.entries[index]);
            let entry = match own {
                Some(queued) => Arc::clone(&queued.entry),
                None => Arc::new(Entry::from_bytes(&bytes).expect("the verdict has read it")),
            };
            let ticket = own.map(|queued| queued.ticket);
            self.take_change(&hub, &entry, &bytes);
            placements.push(self.intake.follow(entry, bytes, ticket));
        }
        let answers: Vec<_> = placements[1..].iter().map(|it| it.head.position).collect();
        self.outputs.push(Output::Place(placements));
        if let Some(landed) = &landed {
            for (index, position) in answers.into_iter().enumerate() {
                self.answer(landed, index, position);
            }
        } else if is_own {
            self.meet_own(event, &hash);
        }
        self.check_changes(had_its_key);
    }

    /// Takes in an entry of a batch, if it is a change; it is not numbered yet.
    fn take_change(&mut self, hub: &HubId, entry: &Entry, bytes: &[u8]) {
        if entry.family != Family::POOL {
            return;
        }
        let command = Command::from_bytes(&entry.command).expect("the verdict has read it");
        let before = self.intake.applied();
        match self.intake.state.apply(&before, hub.as_str(), &command) {
            Ok(Effect::Refused(refusal)) => {
                let kind = Kind::Change { position: before.position + 1, refusal };
                let hash = Sha256::digest(bytes).into();
                let evidence = Evidence { hub: Some(hub.clone()), kind, hash };
                self.outputs.push(Output::Evidence(evidence, bytes.to_vec()));
            }
            Ok(_) => {}
            // A change before it has activated rules that this release does not know, which ends
            // this hub after the batch.
            Err(error) => assert!(matches!(error, ApplyError::TooOld { .. }), "{error}"),
        }
    }

    fn take_bad(&mut self, event: &Event, hash: Hash, fault: Fault) {
        let found = event.found();
        let bad = found.bad(fault).expect("what has a consequence is under a hub's key");
        let (placement, _) = self.intake.take_command(&Command::Bad(bad));
        self.intake.hold(event, hash);
        self.outputs.push(Output::Place(vec![placement]));
        self.report_value(&found, fault);
    }

    /// Goes on in the pool's next epoch; the opening was checked.
    pub(super) fn open_epoch(&mut self, signed: ::pool::SignedChange) {
        let command = Command::OpenEpoch(Box::new(signed));
        let (placement, _) = self.intake.take_command(&command);
        self.intake.begin_epoch();
        self.outputs.push(Output::Place(vec![placement]));
        // What was on its way was for an etcd that is no more.
        self.refuse_flight(AppendError::NotWritten);
    }

    /// Ends this hub where the pool runs rules that it does not know, or has another key for it.
    pub(super) fn check_changes(&mut self, had_its_key: bool) {
        let rules = self.intake.pool().map(Pool::rules);
        if let Some(rule) = rules.and_then(|rules| rules.beyond(&self.config.rules)) {
            self.stop(Stop::TooOld(rule));
        }
        let hub = self.intake.pool().and_then(|pool| pool.membership().hub(&self.config.hub));
        if had_its_key && hub.is_some() && !self.has_its_key() && self.life == Life::Alive {
            self.stop(Stop::KeyReplaced);
        }
    }

    fn report_value(&mut self, found: &Found<'_>, fault: Fault) {
        let evidence = Evidence::of_value(found, fault);
        let bytes = found.value.unwrap_or_default().to_vec();
        self.outputs.push(Output::Evidence(evidence, bytes));
    }

    fn report_apart(&mut self, event: &Event, hash: Hash, placement: &Placement, effect: &Effect) {
        let Effect::Placed { hub, apart_us } = effect else { return };
        let bound = u64::try_from(STAMP_APART_MAX.as_micros()).expect("some seconds");
        if apart_us.unsigned_abs() <= bound {
            return;
        }
        let position = placement.head.position.number();
        let kind = Kind::StampApart { position, apart_us: *apart_us };
        let evidence = Evidence { hub: Some(hub.clone()), kind, hash };
        self.outputs.push(Output::Evidence(evidence, event.value.clone().unwrap_or_default()));
    }
}
