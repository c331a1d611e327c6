//! Finds what is in given cells at a given time and altitude.
//!
//! One ordered tree an index holds an entry for each cell of each thing stored. What a search costs
//! grows with what overlaps and with the logarithm of what is stored: things that ended, that start
//! later or that are stacked above cost nothing. The order of what it returns says nothing; callers
//! order their answers by ids, so that no answer depends on how the tree came about.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use spacetime::{Altitude, Cell, Cells, Timestamp};

use crate::extent::{Extent, Search, TooManyFound};
use crate::table::Slot;

#[cfg(test)]
mod tests;
mod tree;

use tree::{Entry, Tree};

/// How many results are gathered before repeated ones are removed the first time.
const GATHERED_MIN: usize = 1024;

/// A stretch of time and altitude; what is not given reaches as far as numbers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) starts_at: Timestamp,
    pub(crate) ends_at: Timestamp,
    pub(crate) lower: Altitude,
    pub(crate) upper: Altitude,
}

/// Where and when something stored is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Occupied {
    pub(crate) bounds: Bounds,
    /// Ascending, without repetition; an operational intent shares them with its implicit
    /// subscription.
    pub(crate) cells: Arc<[Cell]>,
}

/// What a search asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query<'a> {
    pub(crate) bounds: Bounds,
    /// Ascending, without repetition.
    pub(crate) cells: &'a [Cell],
}

/// The cells of everything of one kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    tree: Tree,
}

impl Bounds {
    /// The lowest altitude, of what has none.
    pub(crate) const LOWEST: Altitude = Altitude::from_millimeters(i32::MIN);
    /// The highest altitude, of what has none.
    pub(crate) const HIGHEST: Altitude = Altitude::from_millimeters(i32::MAX);

    /// Returns the bounds of all altitudes between two times.
    pub(crate) fn of_time(starts_at: Timestamp, ends_at: Timestamp) -> Self {
        Bounds { starts_at, ends_at, lower: Self::LOWEST, upper: Self::HIGHEST }
    }

    /// Tells whether the two share a moment and an altitude; touching is sharing.
    pub(crate) fn overlaps(&self, other: &Bounds) -> bool {
        self.starts_at <= other.ends_at
            && other.starts_at <= self.ends_at
            && self.lower <= other.upper
            && other.lower <= self.upper
    }

    /// Returns the bounds around both.
    pub(crate) fn union(&self, other: &Bounds) -> Bounds {
        Bounds {
            starts_at: self.starts_at.min(other.starts_at),
            ends_at: self.ends_at.max(other.ends_at),
            lower: self.lower.min(other.lower),
            upper: self.upper.max(other.upper),
        }
    }

    /// Returns the bounds of what ends after `horizon` among these.
    pub(crate) fn after(&self, horizon: Timestamp) -> Bounds {
        let earliest = horizon.plus(Duration::from_micros(1));
        Bounds { starts_at: self.starts_at.max(earliest), ..*self }
    }

    /// Returns how long they last.
    pub(crate) fn duration(&self) -> Duration {
        self.ends_at.since(self.starts_at)
    }

    /// Returns the bounds without those of altitude.
    pub(crate) fn at_any_altitude(&self) -> Bounds {
        Self::of_time(self.starts_at, self.ends_at)
    }
}

impl From<&Extent> for Bounds {
    fn from(extent: &Extent) -> Self {
        Bounds {
            starts_at: extent.starts_at,
            ends_at: extent.ends_at,
            lower: extent.altitude_lower.unwrap_or(Self::LOWEST),
            upper: extent.altitude_upper.unwrap_or(Self::HIGHEST),
        }
    }
}

impl From<&Search> for Bounds {
    fn from(search: &Search) -> Self {
        Bounds {
            starts_at: search.starts_at.unwrap_or(Timestamp::MIN),
            ends_at: search.ends_at.unwrap_or(Timestamp::MAX),
            lower: search.altitude_lower.unwrap_or(Self::LOWEST),
            upper: search.altitude_upper.unwrap_or(Self::HIGHEST),
        }
    }
}

impl From<&Extent> for Occupied {
    fn from(extent: &Extent) -> Self {
        Occupied { bounds: Bounds::from(extent), cells: Arc::from(extent.cells.as_slice()) }
    }
}

impl Occupied {
    /// Returns the place of what is at any altitude.
    pub(crate) fn at_any_altitude(bounds: Bounds, cells: &Cells) -> Self {
        Occupied { bounds: bounds.at_any_altitude(), cells: Arc::from(cells.as_slice()) }
    }

    /// Returns the cells that are in either.
    pub(crate) fn union_of_cells(&self, other: &[Cell]) -> Arc<[Cell]> {
        if *self.cells == *other {
            return Arc::clone(&self.cells);
        }
        let mut cells = Vec::with_capacity(self.cells.len() + other.len());
        cells.extend_from_slice(&self.cells);
        cells.extend_from_slice(other);
        cells.sort_unstable();
        cells.dedup();
        Arc::from(cells)
    }

    /// Tells whether every cell of `other` is in this.
    pub(crate) fn covers(&self, other: &[Cell]) -> bool {
        *self.cells == *other || other.iter().all(|cell| self.cells.binary_search(cell).is_ok())
    }
}

impl Index {
    /// Returns the index of all of these, faster than one by one.
    pub(crate) fn of<'a>(things: impl Iterator<Item = (Slot, &'a Occupied)>) -> Self {
        let entries = things.flat_map(|(slot, occupied)| entries(slot, occupied)).collect();
        Index { tree: Tree::of(entries) }
    }

    /// Adds a thing; it must not be there.
    pub(crate) fn insert(&mut self, slot: Slot, occupied: &Occupied) {
        for entry in entries(slot, occupied) {
            self.tree.insert(entry);
        }
    }

    /// Removes a thing; it must be there, with exactly this.
    pub(crate) fn remove(&mut self, slot: Slot, occupied: &Occupied) {
        for entry in entries(slot, occupied) {
            let removed = self.tree.remove(&entry);
            assert!(removed, "what is stored is in the index");
        }
    }

    /// Returns how many entries there are: one a cell of each thing.
    pub(crate) fn len(&self) -> usize {
        self.tree.len()
    }

    /// Returns everything that overlaps and that `keep` keeps, each once.
    pub(crate) fn search(&self, query: &Query<'_>, keep: impl Fn(Slot) -> bool) -> Vec<Slot> {
        self.search_at_most(usize::MAX, query, keep).expect("no list is longer than that")
    }

    /// Returns everything that overlaps and that `keep` keeps, each once, unless it is more than
    /// `max`.
    pub(crate) fn search_at_most(
        &self,
        max: usize,
        query: &Query<'_>,
        keep: impl Fn(Slot) -> bool,
    ) -> Result<Vec<Slot>, TooManyFound> {
        let mut found = Vec::new();
        let mut gathered_max = GATHERED_MIN;
        let flow = self.tree.visit(query, &mut |slot| {
            if !keep(slot) {
                return ControlFlow::Continue(());
            }
            found.push(slot);
            if found.len() < gathered_max {
                return ControlFlow::Continue(());
            }
            remove_repeated(&mut found);
            gathered_max = GATHERED_MIN.max(2 * found.len());
            if max < found.len() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        remove_repeated(&mut found);
        if flow.is_break() || max < found.len() {
            return Err(TooManyFound);
        }
        Ok(found)
    }

    /// Says what in the tree contradicts its invariants.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.tree.check()
    }

    /// Tells whether a thing is there with exactly this.
    pub(crate) fn contains(&self, slot: Slot, occupied: &Occupied) -> bool {
        entries(slot, occupied).all(|entry| self.tree.contains(&entry))
    }
}

fn entries(slot: Slot, occupied: &Occupied) -> impl Iterator<Item = Entry> {
    occupied.cells.iter().map(move |&cell| Entry { cell, bounds: occupied.bounds, slot })
}

fn remove_repeated(found: &mut Vec<Slot>) {
    found.sort_unstable();
    found.dedup();
}
