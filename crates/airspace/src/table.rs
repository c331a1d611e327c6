//! Tables of what the state keeps, each with the root of a SHA-256 tree over its records.
//!
//! Records lie in slots, a number each that indices use and that no answer, hash or stored form
//! ever shows. Ids lead to slots through pages, chosen by a hash of the key. A clone shares slots
//! and pages with the original until either changes them, so a frozen state costs little.
//!
//! The tree is a function of the records alone: a leaf a record, a page over the leaves of its keys
//! in ascending order, a group over 256 pages, the root over 256 groups. What changes forgets the
//! hashes above it; asking for the root renews only those.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest, Sha256};

mod slab;
#[cfg(test)]
mod tests;

use slab::Slab;
pub(crate) use slab::Slot;

/// A SHA-256 hash.
pub(crate) type Hash = [u8; 32];

/// How many pages a group has, and how many groups a table.
const FANOUT: usize = 256;

/// What a hash is over: no two kinds of node of the tree have one preimage.
const LEAF: u8 = 0;
const PAGE: u8 = 1;
const NODE: u8 = 2;

/// The hash of a page or a group without records.
const EMPTY: Hash = [0; 32];

/// What a table holds.
pub(crate) trait Record: Clone {
    /// What names a record.
    type Key: Ord + Clone + BorshSerialize;
    /// Its stored form.
    type Stored: BorshSerialize + BorshDeserialize;

    /// Returns what names it.
    fn key(&self) -> Self::Key;
    /// Returns its stored form.
    fn to_stored(&self) -> Self::Stored;
    /// Returns the record that a stored form is of.
    fn from_stored(stored: Self::Stored) -> Self;
}

#[derive(Clone, Debug)]
pub(crate) struct Table<R: Record> {
    slab: Slab<R>,
    /// By the first byte of a key's hash; those that never held anything are not made.
    groups: Vec<Option<Arc<Group<R::Key>>>>,
    epoch: Epoch,
}

/// Counts how often the hash of a table was asked for or a clone of it was made.
///
/// Within one epoch no hash is made that this table sees, and nobody else comes to share its pages:
/// what was forgotten in it stays so.
#[derive(Debug)]
struct Epoch(AtomicU64);

#[derive(Clone, Debug)]
struct Group<K> {
    /// By the second byte of a key's hash.
    pages: [Page<K>; FANOUT],
    hash: OnceLock<Hash>,
}

#[derive(Clone, Debug)]
struct Page<K> {
    /// Ascending by key.
    slots: Arc<Vec<(K, Slot)>>,
    hash: OnceLock<Hash>,
}

/// The first two bytes of the hash of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PageNumber {
    group: u8,
    page: u8,
}

impl<R: Record> Default for Table<R> {
    fn default() -> Self {
        let epoch = Epoch(AtomicU64::new(1));
        Table { slab: Slab::default(), groups: vec![None; FANOUT], epoch }
    }
}

impl<R: Record> Table<R> {
    pub(crate) fn len(&self) -> usize {
        self.slab.len()
    }

    /// Finds the slot of a key.
    pub(crate) fn find(&self, key: &R::Key) -> Option<Slot> {
        let number = PageNumber::of(key);
        let group = self.groups[usize::from(number.group)].as_ref()?;
        let page = &group.pages[usize::from(number.page)];
        let place = page.place(key).ok()?;
        Some(page.slots[place].1)
    }

    /// Finds the record of a key.
    pub(crate) fn record(&self, key: &R::Key) -> Option<&R> {
        self.find(key).map(|slot| self.at(slot))
    }

    /// Returns the record in a slot; there must be one.
    pub(crate) fn at(&self, slot: Slot) -> &R {
        self.slab.at(slot)
    }

    /// Returns the record in a slot to change anything but its key.
    pub(crate) fn at_mut(&mut self, slot: Slot) -> &mut R {
        let (record, number) = self.slab.at_mut(slot, self.epoch.now());
        if let Some(number) = number {
            page_mut(&mut self.groups, number);
        }
        record
    }

    /// Adds a record; its key must be new.
    pub(crate) fn insert(&mut self, record: R) -> Slot {
        let key = record.key();
        let number = PageNumber::of(&key);
        let slot = self.slab.insert(record, number);
        let page = page_mut(&mut self.groups, number);
        let place = page.place(&key).expect_err("a key is added once");
        Arc::make_mut(&mut page.slots).insert(place, (key, slot));
        slot
    }

    /// Adds a record that comes after all others in the order of the tree; tells whether it does.
    pub(crate) fn push(&mut self, record: R, last: &mut Option<(PageNumber, R::Key)>) -> bool {
        let key = record.key();
        let place = (PageNumber::of(&key), key);
        if last.as_ref().is_some_and(|last| place <= *last) {
            return false;
        }
        *last = Some(place);
        self.insert(record);
        true
    }

    /// Removes the record in a slot; there must be one.
    pub(crate) fn remove(&mut self, slot: Slot) -> R {
        let (record, number) = self.slab.remove(slot);
        let page = page_mut(&mut self.groups, number);
        let place = page.place(&record.key()).expect("a key leads to its slot");
        let (_, removed) = Arc::make_mut(&mut page.slots).remove(place);
        assert_eq!(removed, slot, "a key leads to its slot");
        record
    }

    /// Lists all records in their order in the tree: by page, then by key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &R)> {
        let pages = self.groups.iter().flatten().flat_map(|group| &group.pages);
        pages.flat_map(|page| page.slots.iter()).map(|&(_, slot)| (slot, self.at(slot)))
    }

    /// Returns the root of the tree.
    pub(crate) fn hash(&self) -> Hash {
        self.epoch.end();
        node_over(self.groups.iter().map(|group| match group {
            Some(group) => self.group_hash(group),
            None => EMPTY,
        }))
    }

    fn group_hash(&self, group: &Group<R::Key>) -> Hash {
        *group.hash.get_or_init(|| {
            if group.pages.iter().all(|page| page.slots.is_empty()) {
                return EMPTY;
            }
            node_over(group.pages.iter().map(|page| self.page_hash(page)))
        })
    }

    fn page_hash(&self, page: &Page<R::Key>) -> Hash {
        *page.hash.get_or_init(|| {
            if page.slots.is_empty() {
                return EMPTY;
            }
            let mut hasher = Sha256::new_with_prefix([PAGE]);
            for &(_, slot) in page.slots.iter() {
                hasher.update(self.slab.leaf(slot, leaf_of));
            }
            hasher.finalize().into()
        })
    }

    /// Says what contradicts the invariants.
    pub(crate) fn check(&self) -> Result<(), String> {
        let mut renewed = Table::default();
        let mut last = None;
        for (slot, record) in self.iter() {
            if self.find(&record.key()) != Some(slot) {
                return Err("a key does not lead to its record".to_owned());
            }
            if !renewed.push(record.clone(), &mut last) {
                return Err("records are not in order".to_owned());
            }
        }
        if renewed.len() != self.len() {
            return Err(format!("{} keys lead to {} records", renewed.len(), self.len()));
        }
        if renewed.hash() != self.hash() {
            return Err("a hash is older than what it is over".to_owned());
        }
        Ok(())
    }
}

impl Epoch {
    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Ends the epoch and returns the number of the next.
    fn end(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl Clone for Epoch {
    /// Ends the epoch of the original: its pages are shared now.
    fn clone(&self) -> Self {
        Epoch(AtomicU64::new(self.end()))
    }
}

impl<K> Default for Group<K> {
    fn default() -> Self {
        let slots = Arc::new(Vec::new());
        let page = |_| Page { slots: Arc::clone(&slots), hash: OnceLock::from(EMPTY) };
        Group { pages: array::from_fn(page), hash: OnceLock::new() }
    }
}

impl<K: Ord> Page<K> {
    /// Returns where a key is, or where it would be.
    fn place(&self, key: &K) -> Result<usize, usize> {
        self.slots.binary_search_by(|(other, _)| other.cmp(key))
    }
}

impl PageNumber {
    fn of(key: &impl BorshSerialize) -> Self {
        let mut hasher = Sha256::new();
        borsh::to_writer(HashWriter(&mut hasher), key).expect("a hash takes any number of bytes");
        let hash: Hash = hasher.finalize().into();
        PageNumber { group: hash[0], page: hash[1] }
    }
}

/// Returns a page to change it or one of its records; the hashes above are forgotten.
fn page_mut<K: Clone>(groups: &mut [Option<Arc<Group<K>>>], number: PageNumber) -> &mut Page<K> {
    let group = groups[usize::from(number.group)].get_or_insert_default();
    let group = Arc::make_mut(group);
    group.hash = OnceLock::new();
    let page = &mut group.pages[usize::from(number.page)];
    page.hash = OnceLock::new();
    page
}

fn leaf_of<R: Record>(record: &R) -> Hash {
    let mut hasher = Sha256::new_with_prefix([LEAF]);
    borsh::to_writer(HashWriter(&mut hasher), &record.to_stored())
        .expect("a hash takes any number of bytes");
    hasher.finalize().into()
}

fn node_over(hashes: impl Iterator<Item = Hash>) -> Hash {
    // All at once: most of what it takes to hash them one by one is handing them over.
    let mut bytes = [0; 1 + FANOUT * size_of::<Hash>()];
    let (kind, places) = bytes.split_at_mut(1);
    kind[0] = NODE;
    for (place, hash) in places.chunks_exact_mut(size_of::<Hash>()).zip(hashes) {
        place.copy_from_slice(&hash);
    }
    Sha256::digest(bytes).into()
}

struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
