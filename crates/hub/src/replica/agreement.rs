//! What the other hubs of a pool say of their logs and states, held against this hub's own.
//!
//! It hears what stands in their batches, from the thread that applies the log, and what they say
//! directly, from the tasks that ask them. Who stands where is decided by [`pool::Comparison`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use log::{Hash, Head};
use pool::{
    Announced, AppliedHead, Comparison, Evidence, HubId, Kind, Mine, OwnLog, Pool, Report,
    STAMP_APART_MAX, Standing, StateHash, Subject, View,
};
use spacetime::Timestamp;

/// After how many entries each hub takes the hash of its state, at positions that this divides.
pub const STATE_HASH_ENTRIES: u64 = 256;

/// Of how many of the last entries the chain is at hand, to compare with what others had applied.
pub const CHAINS_KEPT_MAX: usize = 65_536;

/// How many of the last hashes of the state are at hand: those of as many entries.
const STATE_HASHES_KEPT_MAX: usize = CHAINS_KEPT_MAX / STATE_HASH_ENTRIES as usize;

/// How long after a hub's last batch it is held to be silent; without a majority the pool's clock
/// stands.
pub const SILENCE_MAX: Duration = Duration::from_secs(10);

/// What the others say, and where this hub stands among them.
#[derive(Debug)]
pub struct Agreement {
    own: HubId,
    comparison: Comparison,
    history: History,
    standing: Standing,
    heard: BTreeMap<HubId, Heard>,
    /// Where a hub has said directly that it is, which this one has not reached, and since when.
    ahead: BTreeMap<HubId, (u64, Timestamp)>,
    /// What is taken in is of now, and not of before this hub started.
    is_live: bool,
    told: Told,
    /// What is wrong with other hubs, to be kept for people.
    evidence: Vec<Evidence>,
}

/// When batches of a hub were taken in.
#[derive(Clone, Copy, Debug)]
struct Heard {
    /// The last one, by this hub's clock.
    at: Timestamp,
    /// There was another not long before it. The first one after a silence may have been on its way
    /// for as long as that, and its stamp is of then.
    is_steady: bool,
}

/// What is told once, when it begins, and not with every batch.
#[derive(Debug, Default)]
struct Told {
    apart: BTreeSet<HubId>,
    differing: BTreeSet<(HubId, Subject)>,
}

/// A batch of a hub, as it was taken in.
#[derive(Clone, Copy, Debug)]
pub struct HeardBatch<'a> {
    /// Whose.
    pub hub: &'a HubId,
    /// The position of its entry.
    pub position: u64,
    /// What the hub says of itself there.
    pub report: &'a Report,
    /// How far its stamp is after the pool's clock, in microseconds.
    pub apart_us: i64,
}

/// How another hub compares, and when it was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbor {
    /// How its log compares.
    pub log: View,
    /// How its state compares.
    pub state: View,
    /// When a batch of it was last taken in, by this hub's clock, since this hub started.
    pub heard_at: Option<Timestamp>,
}

/// The hashes that this hub had at the latest positions.
#[derive(Debug, Default)]
pub struct History {
    head: Head,
    /// Of the last positions, without a gap, up to the head.
    chains: VecDeque<Hash>,
    /// Ascending by position.
    states: VecDeque<StateHash>,
}

impl Agreement {
    /// Begins at `head`, for a hub whose log goes on from there.
    pub fn new(own: HubId, head: Head) -> Self {
        Agreement {
            own,
            comparison: Comparison::default(),
            history: History::starting_at(head),
            standing: Standing::Majority,
            heard: BTreeMap::new(),
            ahead: BTreeMap::new(),
            is_live: false,
            told: Told::default(),
            evidence: Vec::new(),
        }
    }

    /// Notes that this hub has applied the log up to `head`.
    pub fn reach(&mut self, head: Head) {
        self.history.reach(head);
        self.ahead.retain(|_, (position, _)| head.position.number() < *position);
    }

    /// Notes the hash of this hub's state at its head.
    pub fn take_state_hash(&mut self, hash: Hash) {
        self.history.take_state_hash(hash);
    }

    /// Returns what this hub says of itself.
    pub fn own_head(&self) -> (AppliedHead, Option<StateHash>) {
        let Head { position, chain } = self.history.head;
        let applied = AppliedHead { position: position.number(), chain };
        (applied, self.history.states.back().copied())
    }

    /// Says that what is taken in from now on is of now.
    pub fn go_live(&mut self) {
        self.is_live = true;
    }

    /// Takes in a batch, which `pool` has taken in.
    pub fn hear_batch(&mut self, pool: &Pool, batch: &HeardBatch<'_>, now: Timestamp) {
        if self.is_live {
            let before = self.heard.get(batch.hub).map(|heard| heard.at);
            let is_steady = before.is_some_and(|at| now.minus(SILENCE_MAX) <= at);
            self.heard.insert(batch.hub.clone(), Heard { at: now, is_steady });
            self.tell_of_clock(pool, batch, now);
        }
        let (applied, state) = (batch.report.applied, batch.report.state);
        let announced = Announced { applied, state, placed: Some(batch.position) };
        self.hear(batch.hub, &announced);
    }

    /// Takes in what a hub has said to this one, past etcd.
    pub fn hear_directly(&mut self, hub: &HubId, announced: &Announced, now: Timestamp) {
        let position = announced.applied.position;
        if *hub != self.own && self.history.head.position.number() < position {
            self.ahead.entry(hub.clone()).or_insert((position, now));
        }
        self.hear(hub, announced);
    }

    /// Tells whether the pool's log goes on and this hub is not shown it: a majority of the hubs has
    /// said directly that they are where this one has not come in [`SILENCE_MAX`].
    ///
    /// One alone could claim that to stop this hub.
    pub fn is_cut_off(&self, pool: &Pool, now: Timestamp) -> bool {
        let until = now.minus(SILENCE_MAX);
        let ahead = |hub: &HubId| self.ahead.get(hub).is_some_and(|(_, since)| *since < until);
        let count = pool.membership().hubs().iter().filter(|hub| ahead(&hub.id)).count();
        pool.membership().majority() <= count
    }

    /// Takes in what a hub says, in a batch or directly.
    pub fn hear(&mut self, hub: &HubId, announced: &Announced) {
        if *hub != self.own {
            self.comparison.hear(hub, announced, &self.history);
            // What it says next may hide that it differed.
            self.tell_of_differences(hub);
        }
    }

    /// Compares what lay ahead, and returns where this hub stands now.
    pub fn settle(&mut self, pool: &Pool) -> Standing {
        self.comparison.catch_up(&self.history);
        let admitted = pool.membership().hubs().iter().map(|hub| &hub.id);
        let standing = self.comparison.standing(&self.own, admitted.clone());
        for hub in admitted {
            self.tell_of_differences(hub);
        }
        if standing != self.standing {
            tell_of_standing(standing);
            self.standing = standing;
        }
        standing
    }

    /// Begins anew with another history of this hub, and what each hub said last.
    pub fn begin_anew(&mut self, history: History, pool: &Pool) -> Standing {
        self.history = history;
        self.comparison.begin_anew();
        for (hub, state) in pool.hubs() {
            if let Some(heard) = state.heard() {
                let (applied, state) = (heard.applied, heard.state);
                self.hear(hub, &Announced { applied, state, placed: Some(heard.position) });
            }
        }
        self.settle(pool)
    }

    /// Returns where this hub stood last.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Returns how another hub compares with this one.
    pub fn neighbor(&self, hub: &HubId) -> Neighbor {
        Neighbor {
            log: self.comparison.view(hub, Subject::Log),
            state: self.comparison.view(hub, Subject::State),
            heard_at: self.heard.get(hub).map(|heard| heard.at),
        }
    }

    /// Tells whether fewer than a majority of the hubs were heard lately: then the pool's clock
    /// stands, and says nothing about anybody's.
    pub fn clock_stands(&self, pool: &Pool, now: Timestamp) -> bool {
        self.count_heard(pool, now, |_| true) < pool.membership().majority()
    }

    /// Tells whether stamps of a hub can be held against the pool's clock: it, and a majority by
    /// which the clock goes, have put more than what was on its way for long.
    fn is_stamp_telling(&self, hub: &HubId, pool: &Pool, now: Timestamp) -> bool {
        let steady = self.count_heard(pool, now, |heard| heard.is_steady);
        let is_steady = self.heard.get(hub).is_some_and(|heard| heard.is_steady);
        is_steady && pool.membership().majority() <= steady
    }

    /// Returns how many hubs were heard lately, of those that count.
    fn count_heard(&self, pool: &Pool, now: Timestamp, counts: impl Fn(&Heard) -> bool) -> usize {
        let since = now.minus(SILENCE_MAX);
        let heard = |hub: &HubId| self.heard.get(hub).filter(|heard| since <= heard.at);
        let hubs = pool.membership().hubs().iter();
        hubs.filter(|hub| heard(&hub.id).is_some_and(&counts)).count()
    }

    /// Tells whether this hub's clock, which says `now`, is further from the pool's than that of a
    /// hub may be that takes changes.
    ///
    /// Behind it by more it never may; before it only while the pool's stands, which says nothing.
    pub fn is_clock_apart(&self, pool: &Pool, now: Timestamp) -> bool {
        let clock = pool.clock();
        if now.plus(STAMP_APART_MAX) < clock {
            return true;
        }
        clock.plus(STAMP_APART_MAX) < now
            && clock != Timestamp::MIN
            && !self.clock_stands(pool, now)
    }

    /// Returns what was found wrong with other hubs since the last call.
    pub fn take_evidence(&mut self) -> Vec<Evidence> {
        std::mem::take(&mut self.evidence)
    }

    fn tell_of_clock(&mut self, pool: &Pool, batch: &HeardBatch<'_>, now: Timestamp) {
        let HeardBatch { hub, position, apart_us, .. } = *batch;
        let is_apart = STAMP_APART_MAX.as_micros() < u128::from(apart_us.unsigned_abs());
        if !is_apart || !self.is_stamp_telling(hub, pool, now) {
            self.told.apart.remove(hub);
            return;
        }
        if self.told.apart.insert(hub.clone()) {
            self.evidence.push(Evidence {
                hub: Some(hub.clone()),
                kind: Kind::StampApart { position, apart_us },
                hash: [0; 32],
            });
            tracing::error!(
                hub.id = hub.as_str(),
                apart_s = apart_us as f64 / 1e6,
                "a hub's stamps are apart from the pool's clock: its owner must set its clock right"
            );
        }
    }

    fn tell_of_differences(&mut self, hub: &HubId) {
        for subject in [Subject::Log, Subject::State] {
            self.tell_of_difference(hub, subject);
        }
    }

    fn tell_of_difference(&mut self, hub: &HubId, subject: Subject) {
        let View::Differs { position, theirs, ours } = self.comparison.view(hub, subject) else {
            self.told.differing.remove(&(hub.clone(), subject));
            return;
        };
        if self.told.differing.insert((hub.clone(), subject)) {
            self.evidence.push(Evidence {
                hub: Some(hub.clone()),
                kind: Kind::Differs { subject, position, theirs, ours },
                hash: [0; 32],
            });
            let what = match subject {
                Subject::Log => "log",
                Subject::State => "state",
            };
            tracing::error!(
                hub.id = hub.as_str(),
                log.position = position,
                "the {what} of a hub of the pool differs from this hub's"
            );
        }
    }
}

impl History {
    /// Begins at `head`.
    pub fn starting_at(head: Head) -> Self {
        History { head, chains: VecDeque::from([head.chain]), states: VecDeque::new() }
    }

    /// Notes the chain after the next entry.
    pub fn reach(&mut self, head: Head) {
        assert_eq!(self.head.position.next(), head.position, "entries are applied one by one");
        self.head = head;
        self.chains.push_back(head.chain);
        if CHAINS_KEPT_MAX < self.chains.len() {
            self.chains.pop_front();
        }
    }

    /// Notes the hash of the state after the last entry.
    pub fn take_state_hash(&mut self, hash: Hash) {
        self.states.push_back(StateHash { position: self.head.position.number(), hash });
        if STATE_HASHES_KEPT_MAX < self.states.len() {
            self.states.pop_front();
        }
    }
}

impl OwnLog for History {
    fn chain_at(&self, position: u64) -> Mine {
        let Some(behind) = self.head.position.number().checked_sub(position) else {
            return Mine::NotYet;
        };
        let behind = usize::try_from(behind).unwrap_or(usize::MAX);
        let index = self.chains.len().checked_sub(1).and_then(|last| last.checked_sub(behind));
        index.map_or(Mine::Unknown, |index| Mine::Hash(self.chains[index]))
    }

    fn state_at(&self, position: u64) -> Mine {
        if self.head.position.number() < position {
            return Mine::NotYet;
        }
        let found = self.states.binary_search_by_key(&position, |state| state.position);
        found.map_or(Mine::Unknown, |index| Mine::Hash(self.states[index].hash))
    }
}

fn tell_of_standing(standing: Standing) {
    match standing {
        Standing::Majority => tracing::warn!("most hubs of the pool agree with this one"),
        Standing::Undecided => tracing::error!(
            "hubs of the pool differ and too few have spoken: no changes are taken until they have"
        ),
        Standing::NoMajority => tracing::error!(
            "the hubs of the pool differ and no majority agrees: no changes are taken; the owners \
             must compare their logs"
        ),
        Standing::Minority => tracing::error!(
            "most hubs of the pool differ from this one: it replays its copy of the log"
        ),
    }
}

#[cfg(test)]
mod tests {
    use log::Position;

    use super::*;

    fn head(number: u64) -> Head {
        let mut chain = [0; 32];
        chain[..8].copy_from_slice(&number.to_le_bytes());
        Head { position: Position::new(number).expect("small"), chain }
    }

    fn history(start: u64, end: u64) -> History {
        let mut history = History::starting_at(head(start));
        for number in start + 1..=end {
            history.reach(head(number));
            if number % STATE_HASH_ENTRIES == 0 {
                history.take_state_hash(head(number).chain);
            }
        }
        history
    }

    /// Found by the simulation: of several batches that were taken in at once only the last was
    /// compared, so that a lie went by unnoticed if the truth followed it.
    #[test]
    fn keeps_that_a_hub_differed_although_it_agrees_next() {
        let [own, other] = ["own", "other"].map(|name| HubId::new(name).expect("a name"));
        let mut agreement = Agreement::new(own, head(10));
        agreement.reach(head(11));
        agreement.reach(head(12));
        let said = |number: u64, chain| Announced {
            applied: AppliedHead { position: number, chain },
            state: None,
            placed: None,
        };

        agreement.hear(&other, &said(11, [9; 32]));
        agreement.hear(&other, &said(12, head(12).chain));

        let evidence = agreement.take_evidence();
        let [Evidence { hub, kind: Kind::Differs { position: 11, .. }, .. }] = &evidence[..] else {
            panic!("{evidence:?}");
        };
        assert_eq!(*hub, Some(other));
    }

    #[test]
    fn knows_its_chain_from_where_it_started_up_to_its_head() {
        let history = history(10, 20);

        for (position, mine) in [
            (9, Mine::Unknown),
            (10, Mine::Hash(head(10).chain)),
            (15, Mine::Hash(head(15).chain)),
            (20, Mine::Hash(head(20).chain)),
            (21, Mine::NotYet),
        ] {
            assert_eq!(history.chain_at(position), mine, "{position}");
        }
    }

    #[test]
    fn keeps_so_many_chains_and_states_and_no_more() {
        let kept = CHAINS_KEPT_MAX as u64;
        let end = 2 * kept;

        let history = history(0, end);

        assert_eq!(history.chain_at(end - kept), Mine::Unknown);
        assert_eq!(history.chain_at(end - kept + 1), Mine::Hash(head(end - kept + 1).chain));
        assert_eq!(history.state_at(end - kept), Mine::Unknown);
        let next = end - kept + STATE_HASH_ENTRIES;
        assert_eq!(history.state_at(next), Mine::Hash(head(next).chain));
        assert_eq!(history.state_at(next + 1), Mine::Unknown);
        assert_eq!(history.state_at(end + STATE_HASH_ENTRIES), Mine::NotYet);
    }
}
