//! What one party may have, so that none starves the others.

use std::collections::{BTreeMap, BTreeSet};

use crate::index::Occupied;
use crate::table::Hash;
use crate::{Party, UssBaseUrl};

/// How many entities of all kinds, subscriptions among them, a party may have stored.
///
/// What has ended counts until it is removed; an implicit subscription counts like any other, so
/// this is two million flights at a time.
pub const LIVE_ENTITIES_PER_PARTY_MAX: u64 = 4_000_000;

/// How many cells these may have together, each counted as often as it is covered.
pub const CELLS_PER_PARTY_MAX: u64 = 20_000_000;

/// How many operational intents may name one subscription, so that what it shows stays small.
pub const DEPENDENTS_PER_SUBSCRIPTION_MAX: usize = 100_000;

/// How many USSs may have an availability.
pub const USS_AVAILABILITIES_MAX: usize = 100_000;

/// How many OVN suffixes of one operational intent, past and current, are remembered at most.
///
/// A suffix is remembered for ten minutes at most, so this is reached by a manager that changes an
/// operational intent more than about twice a second, each time with a suffix of its own.
pub const PAST_SUFFIXES_MAX: usize = 1_024;

/// What a party has stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) entities: u64,
    pub(crate) cells: u64,
    /// Positions and keys of its kept outcomes.
    pub(crate) kept: BTreeSet<(u64, Hash)>,
}

/// What a command would add to what its party has stored, and what it would remove.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Growth {
    added: Amount,
    removed: Amount,
}

#[derive(Clone, Copy, Debug, Default)]
struct Amount {
    entities: u64,
    cells: u64,
}

/// Parties with something stored, and what they have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parties(BTreeMap<Party, Usage>);

/// The base URLs in use, each kept once for all that name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UssBaseUrls(BTreeMap<UssBaseUrl, u64>);

impl Growth {
    /// Returns what one entity adds in place of what it was, if anything.
    pub(crate) fn of(new: &Occupied, old: Option<&Occupied>) -> Self {
        let mut growth = Growth::default();
        growth.add(new.cells.len());
        if let Some(old) = old {
            growth.remove(old.cells.len());
        }
        growth
    }

    /// Adds an entity with so many cells.
    pub(crate) fn add(&mut self, cells: usize) {
        self.added.entities += 1;
        self.added.cells += cells as u64;
    }

    /// Removes an entity with so many cells.
    pub(crate) fn remove(&mut self, cells: usize) {
        self.removed.entities += 1;
        self.removed.cells += cells as u64;
    }

    /// Tells whether a party that has this may grow so; what does not grow always may.
    pub(crate) fn fits(&self, usage: &Usage) -> bool {
        let entities = usage.entities + self.added.entities;
        let cells = usage.cells + self.added.cells;
        let entities_max = LIVE_ENTITIES_PER_PARTY_MAX.max(usage.entities);
        let cells_max = CELLS_PER_PARTY_MAX.max(usage.cells);
        entities <= entities_max + self.removed.entities && cells <= cells_max + self.removed.cells
    }
}

impl Parties {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns how many cells all have together.
    pub(crate) fn cells(&self) -> u64 {
        self.0.values().map(|usage| usage.cells).sum()
    }

    /// Tells whether a party may grow so.
    pub(crate) fn allow(&self, party: &Party, growth: &Growth) -> bool {
        match self.0.get(party) {
            Some(usage) => growth.fits(usage),
            None => growth.fits(&Usage::default()),
        }
    }

    /// Returns the key of the party's kept outcome with the lowest position, if it has more than
    /// `max`.
    pub(crate) fn surplus_outcome(&self, party: &Party, max: usize) -> Option<Hash> {
        let kept = &self.0.get(party)?.kept;
        let (_, key) = kept.first()?;
        (max < kept.len()).then_some(*key)
    }

    /// Counts an entity of a party; returns the party's one shared name.
    pub(crate) fn add_entity(&mut self, party: &Party, cells: usize) -> Party {
        self.change(party, |usage| {
            usage.entities += 1;
            usage.cells += cells as u64;
        });
        self.name(party)
    }

    /// Counts a kept outcome of a party; returns the party's one shared name.
    pub(crate) fn add_kept(&mut self, party: &Party, kept: (u64, Hash)) -> Party {
        self.change(party, |usage| usage.kept.insert(kept));
        self.name(party)
    }

    /// Counts an entity of a party no more.
    pub(crate) fn remove_entity(&mut self, party: &Party, cells: usize) {
        self.change(party, |usage| {
            usage.entities -= 1;
            usage.cells -= cells as u64;
        });
    }

    fn name(&self, party: &Party) -> Party {
        let (name, _) = self.0.get_key_value(party).expect("it has something now");
        name.clone()
    }

    /// Changes what a party has; a party without anything is forgotten.
    pub(crate) fn change<T>(&mut self, party: &Party, change: impl FnOnce(&mut Usage) -> T) -> T {
        if let Some(usage) = self.0.get_mut(party) {
            let changed = change(usage);
            if *usage == Usage::default() {
                self.0.remove(party);
            }
            return changed;
        }
        let mut usage = Usage::default();
        let changed = change(&mut usage);
        if usage != Usage::default() {
            self.0.insert(party.clone(), usage);
        }
        changed
    }
}

impl UssBaseUrls {
    /// Counts a use; returns the one shared text.
    pub(crate) fn add(&mut self, url: &UssBaseUrl) -> UssBaseUrl {
        if let Some(uses) = self.0.get_mut(url) {
            *uses += 1;
        } else {
            self.0.insert(url.clone(), 1);
        }
        let (shared, _) = self.0.get_key_value(url).expect("it is in use now");
        shared.clone()
    }

    /// Counts a use no more.
    pub(crate) fn remove(&mut self, url: &UssBaseUrl) {
        let uses = self.0.get_mut(url).expect("what is stored is counted");
        *uses -= 1;
        if *uses == 0 {
            self.0.remove(url);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(entities: u64, cells: u64) -> Usage {
        Usage { entities, cells, kept: BTreeSet::new() }
    }

    fn growth(added: &[usize], removed: &[usize]) -> Growth {
        let mut growth = Growth::default();
        added.iter().for_each(|&cells| growth.add(cells));
        removed.iter().for_each(|&cells| growth.remove(cells));
        growth
    }

    #[test]
    fn allows_the_last_entity_and_no_more() {
        let max = LIVE_ENTITIES_PER_PARTY_MAX;

        assert!(growth(&[1], &[]).fits(&usage(max - 1, max)));
        assert!(!growth(&[1], &[]).fits(&usage(max, max)));
        assert!(!growth(&[1, 1], &[]).fits(&usage(max - 1, max)));
    }

    #[test]
    fn allows_the_last_cell_and_no_more() {
        let max = CELLS_PER_PARTY_MAX;

        assert!(growth(&[7], &[]).fits(&usage(1, max - 7)));
        assert!(!growth(&[8], &[]).fits(&usage(1, max - 7)));
    }

    #[test]
    fn counts_what_is_removed_at_the_same_time() {
        let full = usage(LIVE_ENTITIES_PER_PARTY_MAX, CELLS_PER_PARTY_MAX);

        assert!(growth(&[5, 5], &[5, 5]).fits(&full));
        assert!(growth(&[4], &[5]).fits(&full));
        assert!(!growth(&[6], &[5]).fits(&full));
        assert!(!growth(&[2, 2], &[9]).fits(&full));
    }

    #[test]
    fn lets_a_party_above_a_limit_shrink() {
        let above = usage(LIVE_ENTITIES_PER_PARTY_MAX + 5, CELLS_PER_PARTY_MAX + 5);

        assert!(growth(&[3], &[4]).fits(&above));
        assert!(!growth(&[5], &[4]).fits(&above));
    }

    #[test]
    fn forgets_a_party_with_nothing() {
        let party = Party::new("uss1").expect("a name");
        let mut parties = Parties::default();

        parties.add_entity(&party, 3);
        parties.remove_entity(&party, 3);

        assert_eq!(parties, Parties::default());
    }
}
