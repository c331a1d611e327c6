//! A B+ tree of entries, each with a cell, a time, an altitude and a slot.
//!
//! Entries are ordered by cell, then along a Z-order curve over start and lowest altitude, so that
//! neighbors in the tree are neighbors in time and in altitude. Each child's bounds stand in its
//! parent, and a search enters only the children that it overlaps.

use std::cmp::Ordering;
use std::mem;
use std::ops::ControlFlow;

use spacetime::{Altitude, Cell, Timestamp};

use crate::index::{Bounds, Query};
use crate::table::Slot;

/// How many entries or children a node holds at most.
const NODE_MAX: usize = 32;

/// How many it holds at least, unless it is the root.
const NODE_MIN: usize = 10;

/// How many a node gets when a tree is built at once: room for what comes later.
const NODE_BUILT: usize = 24;

/// How far an altitude in mm is shifted to weigh like a time in us: 30 m like 8 minutes.
const ALTITUDE_SHIFT: u32 = 14;

#[cfg(test)]
std::thread_local! {
    /// How many nodes searches of this thread have entered.
    pub(super) static NODES_ENTERED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// One cell of something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) cell: Cell,
    pub(super) bounds: Bounds,
    pub(super) slot: Slot,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    root: Node,
    len: usize,
}

#[derive(Clone, Debug)]
enum Node {
    Leaf(Vec<Entry>),
    Branch(Vec<Child>),
}

#[derive(Clone, Debug)]
struct Child {
    /// Not after any entry of the child, and after every entry of the child before.
    first: Entry,
    /// Around all entries of the child.
    bounds: Bounds,
    node: Box<Node>,
}

impl Default for Node {
    fn default() -> Self {
        Node::Leaf(Vec::new())
    }
}

impl Tree {
    /// Returns the tree of these entries, in any order, none twice.
    pub(super) fn of(mut entries: Vec<Entry>) -> Self {
        let len = entries.len();
        entries.sort_unstable_by(order);
        let mut nodes: Vec<Node> = parts_of(entries).into_iter().map(Node::Leaf).collect();
        while 1 < nodes.len() {
            let children = nodes.into_iter().map(Child::of).collect();
            nodes = parts_of(children).into_iter().map(Node::Branch).collect();
        }
        Tree { root: nodes.pop().unwrap_or_default(), len }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn insert(&mut self, entry: Entry) {
        self.len += 1;
        if let Some(right) = self.root.insert(entry) {
            let left = Child::of(mem::take(&mut self.root));
            let mut children = Vec::with_capacity(NODE_MAX);
            children.extend([left, right]);
            self.root = Node::Branch(children);
        }
    }

    /// Removes the entry and tells whether it was there.
    pub(super) fn remove(&mut self, entry: &Entry) -> bool {
        if !self.root.remove(entry) {
            return false;
        }
        self.len -= 1;
        if let Node::Branch(children) = &mut self.root
            && children.len() == 1
        {
            let only = children.pop().expect("there is one");
            self.root = *only.node;
        }
        true
    }

    pub(super) fn contains(&self, entry: &Entry) -> bool {
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(entries) => {
                    return entries.binary_search_by(|other| order(other, entry)).is_ok();
                }
                Node::Branch(children) => node = &children[place_of(children, entry)].node,
            }
        }
    }

    /// Calls `found` for each entry that overlaps, until it breaks.
    pub(super) fn visit(
        &self,
        query: &Query<'_>,
        found: &mut impl FnMut(Slot) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.root.visit(query, found)
    }

    /// Says what contradicts the invariants.
    pub(super) fn check(&self) -> Result<(), String> {
        let mut entries = Vec::new();
        self.root.check(true, &mut entries)?;
        if entries.len() != self.len {
            return Err(format!("{} entries are counted as {}", entries.len(), self.len));
        }
        if !entries.is_sorted_by(|a, b| order(a, b).is_lt()) {
            return Err("entries are not in order".to_owned());
        }
        Ok(())
    }
}

impl Node {
    fn len(&self) -> usize {
        match self {
            Node::Leaf(entries) => entries.len(),
            Node::Branch(children) => children.len(),
        }
    }

    /// Adds an entry; returns what the node had to give to a new one on its right.
    fn insert(&mut self, entry: Entry) -> Option<Child> {
        match self {
            Node::Leaf(entries) => {
                let at = entries.partition_point(|other| order(other, &entry).is_lt());
                add(entries, at, entry).map(|right| Child::of(Node::Leaf(right)))
            }
            Node::Branch(children) => {
                let at = place_of(children, &entry);
                let right = children[at].insert(entry)?;
                add(children, at + 1, right).map(|right| Child::of(Node::Branch(right)))
            }
        }
    }

    fn remove(&mut self, entry: &Entry) -> bool {
        match self {
            Node::Leaf(entries) => {
                let Ok(at) = entries.binary_search_by(|other| order(other, entry)) else {
                    return false;
                };
                entries.remove(at);
                true
            }
            Node::Branch(children) => {
                let at = place_of(children, entry);
                let removed = children[at].node.remove(entry);
                if removed {
                    mend(children, at);
                }
                removed
            }
        }
    }

    fn bounds(&self) -> Bounds {
        let all = match self {
            Node::Leaf(entries) => entries.iter().map(|e| e.bounds).reduce(|a, b| a.union(&b)),
            Node::Branch(children) => children.iter().map(|c| c.bounds).reduce(|a, b| a.union(&b)),
        };
        all.expect("no node but an empty root is empty")
    }

    fn first(&self) -> Entry {
        match self {
            Node::Leaf(entries) => entries[0],
            Node::Branch(children) => children[0].first,
        }
    }

    fn visit(
        &self,
        query: &Query<'_>,
        found: &mut impl FnMut(Slot) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        #[cfg(test)]
        NODES_ENTERED.set(NODES_ENTERED.get() + 1);
        match self {
            Node::Leaf(entries) => visit_entries(entries, query, found),
            Node::Branch(children) => visit_children(children, query, found),
        }
    }

    fn check(&self, is_root: bool, all: &mut Vec<Entry>) -> Result<(), String> {
        if NODE_MAX < self.len() || (!is_root && self.len() < NODE_MIN) {
            return Err(format!("a node holds {}", self.len()));
        }
        match self {
            Node::Leaf(entries) => all.extend_from_slice(entries),
            Node::Branch(children) => {
                for child in children {
                    if child.bounds != child.node.bounds() {
                        return Err("the bounds of a child are not exact".to_owned());
                    }
                    let before = all.len();
                    if all.last().is_some_and(|last| !order(last, &child.first).is_lt()) {
                        return Err("a child begins before its neighbor ends".to_owned());
                    }
                    child.node.check(false, all)?;
                    if order(&all[before], &child.first).is_lt() {
                        return Err("a child holds an entry before its first".to_owned());
                    }
                }
            }
        }
        Ok(())
    }
}

impl Child {
    fn of(node: Node) -> Self {
        Child { first: node.first(), bounds: node.bounds(), node: Box::new(node) }
    }

    fn insert(&mut self, entry: Entry) -> Option<Child> {
        if order(&entry, &self.first).is_lt() {
            self.first = entry;
        }
        self.bounds = self.bounds.union(&entry.bounds);
        let right = self.node.insert(entry)?;
        self.bounds = self.node.bounds();
        Some(right)
    }
}

/// Returns which child may hold the entry.
fn place_of(children: &[Child], entry: &Entry) -> usize {
    children.partition_point(|child| order(&child.first, entry).is_le()).saturating_sub(1)
}

/// Adds an item; a full list gives its second half away.
fn add<T>(items: &mut Vec<T>, at: usize, item: T) -> Option<Vec<T>> {
    if items.len() < NODE_MAX {
        items.insert(at, item);
        return None;
    }
    let half = NODE_MAX / 2;
    let mut right = Vec::with_capacity(NODE_MAX);
    right.extend(items.drain(half..));
    if at <= half {
        items.insert(at, item);
    } else {
        right.insert(at - half, item);
    }
    Some(right)
}

/// Renews what is said of a child that lost an entry, and joins it with a neighbor if it is small.
fn mend(children: &mut Vec<Child>, at: usize) {
    if NODE_MIN <= children[at].node.len() {
        children[at].bounds = children[at].node.bounds();
        return;
    }
    let left_at = if at + 1 < children.len() { at } else { at - 1 };
    let mut right = children.remove(left_at + 1);
    let left = &mut children[left_at];
    match (left.node.as_mut(), right.node.as_mut()) {
        (Node::Leaf(left), Node::Leaf(right)) => balance(left, right),
        (Node::Branch(left), Node::Branch(right)) => balance(left, right),
        _ => unreachable!("all leaves are at one depth"),
    }
    left.bounds = left.node.bounds();
    if right.node.len() == 0 {
        return;
    }
    right.first = right.node.first();
    right.bounds = right.node.bounds();
    children.insert(left_at + 1, right);
}

/// Moves everything to the left if there is room, else half to each.
fn balance<T>(left: &mut Vec<T>, right: &mut Vec<T>) {
    let all = left.len() + right.len();
    if all <= NODE_MAX {
        left.append(right);
    } else if left.len() < all / 2 {
        left.extend(right.drain(..all / 2 - left.len()));
    } else {
        right.splice(..0, left.drain(all / 2..));
    }
}

/// Cuts a list into lists of about [`NODE_BUILT`], all of nearly one length.
fn parts_of<T>(items: Vec<T>) -> Vec<Vec<T>> {
    let count = items.len().div_ceil(NODE_BUILT);
    let all = items.len();
    let mut items = items.into_iter();
    let mut parts = Vec::with_capacity(count);
    for part in 0..count {
        let len = all * (part + 1) / count - all * part / count;
        let mut list = Vec::with_capacity(NODE_MAX);
        list.extend(items.by_ref().take(len));
        parts.push(list);
    }
    parts
}

fn visit_entries(
    entries: &[Entry],
    query: &Query<'_>,
    found: &mut impl FnMut(Slot) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let (Some(first), Some(last)) = (query.cells.first(), query.cells.last()) else {
        return ControlFlow::Continue(());
    };
    let start = entries.partition_point(|entry| entry.cell < *first);
    let mut known = (*first, true);
    for entry in &entries[start..] {
        if *last < entry.cell {
            break;
        }
        if entry.cell != known.0 {
            known = (entry.cell, query.cells.binary_search(&entry.cell).is_ok());
        }
        if known.1 && entry.bounds.overlaps(&query.bounds) {
            found(entry.slot)?;
        }
    }
    ControlFlow::Continue(())
}

fn visit_children(
    children: &[Child],
    query: &Query<'_>,
    found: &mut impl FnMut(Slot) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Some(first) = query.cells.first() else {
        return ControlFlow::Continue(());
    };
    let start = children.partition_point(|child| child.first.cell < *first).saturating_sub(1);
    let mut cells = query.cells;
    for (at, child) in children.iter().enumerate().skip(start) {
        cells = &cells[cells.partition_point(|cell| *cell < child.first.cell)..];
        if cells.is_empty() {
            break;
        }
        // The child may reach into the cell in which its neighbor begins.
        let end = match children.get(at + 1) {
            Some(next) => cells.partition_point(|cell| *cell <= next.first.cell),
            None => cells.len(),
        };
        if 0 < end && child.bounds.overlaps(&query.bounds) {
            child.node.visit(&Query { bounds: query.bounds, cells: &cells[..end] }, found)?;
        }
    }
    ControlFlow::Continue(())
}

fn order(a: &Entry, b: &Entry) -> Ordering {
    a.cell
        .cmp(&b.cell)
        .then_with(|| z_order(&a.bounds, &b.bounds))
        .then_with(|| a.slot.cmp(&b.slot))
}

/// Compares along the curve that interleaves the bits of start and lowest altitude: the one whose
/// highest differing bit is higher decides.
fn z_order(a: &Bounds, b: &Bounds) -> Ordering {
    let times = (unsigned_time(a.starts_at), unsigned_time(b.starts_at));
    let altitudes = (unsigned_altitude(a.lower), unsigned_altitude(b.lower));
    let time = times.0 ^ times.1;
    let altitude = altitudes.0 ^ altitudes.1;
    if time < altitude && time < (time ^ altitude) {
        altitudes.0.cmp(&altitudes.1)
    } else {
        times.0.cmp(&times.1)
    }
}

fn unsigned_time(time: Timestamp) -> u64 {
    time.as_micros().cast_unsigned() ^ (1 << 63)
}

fn unsigned_altitude(altitude: Altitude) -> u64 {
    u64::from(altitude.as_millimeters().cast_unsigned() ^ (1 << 31)) << ALTITUDE_SHIFT
}
