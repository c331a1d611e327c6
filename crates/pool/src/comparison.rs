//! Compares what hubs say of their logs and states with one's own.
//!
//! An engine that shows two hubs two histories, a flipped bit, a release that is not
//! deterministic: each shows as a hash that differs. Who is right nobody can tell from the hashes;
//! so the majority of the admitted hubs is, and without one nobody accepts writes. What a hub says
//! in its batches and what it says directly are heard here alike; a lying hub counts as one.
//!
//! A hub that agreed before another began to differ has said nothing about that difference. It
//! counts on one's own side only once it agrees at a position that is not before the first
//! difference, so that two sides of a split never both count a hub that fell silent before it.

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{AppliedHead, Hash, HubId, StateHash};

#[cfg(test)]
mod tests;

/// After how many agreements in a row it is forgotten since when a hub once differed.
///
/// Until then a hub that differs again is held to have differed all the time: who says now this,
/// now that, does not make everybody wait for the others each time.
pub const AGREEMENTS_TO_FORGET: u32 = 64;

/// What two hubs compare.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub enum Subject {
    /// The chain over all entries of the log.
    Log,
    /// The hash of the whole state.
    State,
}

/// What a hub says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// How far it has applied the log.
    pub applied: AppliedHead,
    /// The hash of its state where it last took one.
    pub state: Option<StateHash>,
    /// The position of the batch that says so; `None` when it was said directly.
    pub placed: Option<u64>,
}

/// What one has oneself.
pub trait OwnLog {
    /// Returns the chain at a position.
    fn chain_at(&self, position: u64) -> Mine;
    /// Returns the hash of the state after a position.
    fn state_at(&self, position: u64) -> Mine;
}

/// A hash of one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mine {
    /// This one.
    Hash(Hash),
    /// It is yet to come.
    NotYet,
    /// It is not kept, or was never taken.
    Unknown,
}

/// How another hub compares with one's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// Nothing of it could be compared yet.
    #[default]
    Unheard,
    /// It agreed last, at most at this position.
    Agrees {
        /// The highest position.
        position: u64,
    },
    /// It differs.
    Differs {
        /// Where it did last; the place of its batch where it claims what comes only later.
        position: u64,
        /// What it says.
        theirs: Hash,
        /// One's own; `None` where it claims to have had what comes only later.
        ours: Option<Hash>,
    },
}

/// Where one stands among the admitted hubs; what is later in this order is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Nobody differs, or more than half of the hubs agree with one. Go on, and report who differs.
    Majority,
    /// Somebody differs, and hubs whose word would decide have not spoken since. Accept no writes
    /// until they have, or ask them directly.
    Undecided,
    /// Somebody differs, and no side can have a majority. Accept no writes.
    NoMajority,
    /// More than half of the hubs differ. Replay one's own copy; if that does not help, stop.
    Minority,
}

/// What all others have said, compared with one's own.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    hubs: BTreeMap<HubId, Compared>,
    doubts: Doubts,
}

/// From which position on a majority must agree before one trusts one's own copy again.
#[derive(Clone, Copy, Debug, Default)]
struct Doubts {
    log: Option<u64>,
    state: Option<u64>,
}

#[derive(Clone, Debug, Default)]
struct Compared {
    log: Course,
    state: Course,
}

/// How one hub has compared on one subject so far.
#[derive(Clone, Copy, Debug, Default)]
struct Course {
    view: View,
    /// The lowest position at which it differed, until that is forgotten.
    differed_at: Option<u64>,
    /// How often in a row it agreed since it last differed.
    agreements: u32,
    /// The nearest of what it said that lies ahead of one's own log.
    pending: Option<(u64, Hash)>,
}

impl Comparison {
    /// Takes in what an admitted hub other than oneself says.
    pub fn hear(&mut self, hub: &HubId, announced: &Announced, own: &impl OwnLog) {
        let compared = self.hubs.entry(hub.clone()).or_default();
        let AppliedHead { position, chain } = announced.applied;
        // What a hub had applied when it put a batch lies before that batch, in its log as in ours.
        // Where it says otherwise the place of the batch is where it differs: what it claims may be
        // so far ahead that nobody else ever comes there to be counted.
        let placed = |position| announced.placed.filter(|placed| *placed <= position);
        match placed(position) {
            Some(placed) => compared.log.differs(placed, chain, None),
            None => compared.log.hear(position, chain, own.chain_at(position)),
        }
        let Some(StateHash { position, hash }) = announced.state else {
            return;
        };
        match placed(position) {
            Some(placed) => {
                compared.state.differs(placed, hash, None);
                // Since when, its log says: states are compared too seldom to wait for the next.
                compared.state.differed_at = Some(0);
            }
            None => compared.state.hear(position, hash, own.state_at(position)),
        }
    }

    /// Compares what lay ahead and has been reached since.
    pub fn catch_up(&mut self, own: &impl OwnLog) {
        for compared in self.hubs.values_mut() {
            if let Some((position, hash)) = compared.log.pending.take() {
                compared.log.hear(position, hash, own.chain_at(position));
            }
            if let Some((position, hash)) = compared.state.pending.take() {
                compared.state.hear(position, hash, own.state_at(position));
            }
        }
    }

    /// Forgets what was compared, after one's own copy was replayed: it was another.
    ///
    /// Where others differed before, a majority must agree before one accepts writes again; let
    /// what they said last be heard once more.
    pub fn begin_anew(&mut self) {
        self.doubts.log = self.doubts.log.max(self.differ_since(Subject::Log));
        self.doubts.state = self.doubts.state.max(self.differ_since(Subject::State));
        self.hubs.clear();
    }

    /// Returns how a hub compares.
    pub fn view(&self, hub: &HubId, subject: Subject) -> View {
        self.hubs.get(hub).map_or(View::Unheard, |compared| compared.course(subject).view)
    }

    /// Returns where `own` stands among the admitted hubs; what others said is forgotten.
    pub fn standing<'a>(
        &mut self,
        own: &HubId,
        admitted: impl Iterator<Item = &'a HubId> + Clone,
    ) -> Standing {
        self.hubs.retain(|hub, _| hub != own && admitted.clone().any(|admitted| admitted == hub));
        let count = admitted.count();
        self.standing_on(Subject::Log, count).max(self.standing_on(Subject::State, count))
    }

    fn standing_on(&mut self, subject: Subject, hubs: usize) -> Standing {
        let doubt = match subject {
            Subject::Log => self.doubts.log,
            Subject::State => self.doubts.state,
        };
        let Some(since) = doubt.max(self.differ_since(subject)) else {
            return Standing::Majority;
        };
        let agreeing = 1 + self.courses(subject).filter(|c| c.agrees_since(since)).count();
        let differing = self.courses(subject).filter(|c| c.is_different()).count();
        if hubs < 2 * agreeing {
            match subject {
                Subject::Log => self.doubts.log = None,
                Subject::State => self.doubts.state = None,
            }
            return Standing::Majority;
        }
        if hubs < 2 * differing {
            return Standing::Minority;
        }
        let silent = hubs.saturating_sub(agreeing + differing);
        if hubs < 2 * (agreeing + silent) || hubs < 2 * (differing + silent) {
            return Standing::Undecided;
        }
        Standing::NoMajority
    }

    /// Returns the position from which on all that differ have begun to, if any does.
    fn differ_since(&self, subject: Subject) -> Option<u64> {
        let differing = self.courses(subject).filter(|course| course.is_different());
        differing.filter_map(|course| course.differed_at).max()
    }

    fn courses(&self, subject: Subject) -> impl Iterator<Item = &Course> {
        self.hubs.values().map(move |compared| compared.course(subject))
    }
}

impl Standing {
    /// Tells whether a hub that stands here may accept writes.
    pub fn accepts_writes(self) -> bool {
        self == Standing::Majority
    }
}

impl Compared {
    fn course(&self, subject: Subject) -> &Course {
        match subject {
            Subject::Log => &self.log,
            Subject::State => &self.state,
        }
    }
}

impl Course {
    fn hear(&mut self, position: u64, theirs: Hash, mine: Mine) {
        match mine {
            Mine::Hash(ours) if ours == theirs => self.agrees(position),
            Mine::Hash(ours) => self.differs(position, theirs, Some(ours)),
            Mine::NotYet => {
                let nearer = self.pending.is_none_or(|(pending, _)| position < pending);
                if nearer {
                    self.pending = Some((position, theirs));
                }
            }
            Mine::Unknown => {}
        }
    }

    fn agrees(&mut self, position: u64) {
        let position = match self.view {
            View::Unheard => position,
            View::Agrees { position: highest } => highest.max(position),
            // It says what was so before it began to differ.
            View::Differs { position: differed, .. } if position < differed => return,
            View::Differs { .. } => position,
        };
        self.view = View::Agrees { position };
        self.agreements = self.agreements.saturating_add(1);
        if AGREEMENTS_TO_FORGET <= self.agreements {
            self.differed_at = None;
        }
    }

    fn differs(&mut self, position: u64, theirs: Hash, ours: Option<Hash>) {
        self.view = View::Differs { position, theirs, ours };
        self.differed_at = Some(self.differed_at.map_or(position, |first| first.min(position)));
        self.agreements = 0;
    }

    fn is_different(&self) -> bool {
        matches!(self.view, View::Differs { .. })
    }

    fn agrees_since(&self, since: u64) -> bool {
        matches!(self.view, View::Agrees { position } if since <= position)
    }
}
