//! Tables of what the state keeps, each with the root of a SHA-256 tree over its records.
//!
//! Records lie in slots, a number each that indices use and that no answer, hash or stored form
//! ever shows. Ids lead to slots through pages, chosen by a hash of the key. A clone shares slots
//! and pages with the original until either changes them, so a frozen state costs little.
//!
//! The tree is a function of the records alone: a leaf a record, a page over the leaves of its keys
//! in ascending order, a group over 64 pages, the root over 64 groups. What changes forgets the
//! hashes above it; asking for the root renews only those.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest, Sha256};

mod slab;

use slab::Slab;
pub(crate) use slab::Slot;

/// A SHA-256 hash.
pub(crate) type Hash = [u8; 32];

/// How many pages a table has.
const PAGES: usize = 4096;

/// How many pages a group has, and how many groups a table.
const GROUP: usize = 64;

/// What a hash is over: no two kinds of node of the tree have one preimage.
const LEAF: u8 = 0;
const PAGE: u8 = 1;
const NODE: u8 = 2;

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
    pages: Vec<Page<R::Key>>,
    groups: Vec<OnceLock<Hash>>,
}

#[derive(Clone, Debug)]
struct Page<K> {
    slots: Arc<BTreeMap<K, Slot>>,
    hash: OnceLock<Hash>,
}

impl<R: Record> Default for Table<R> {
    fn default() -> Self {
        let empty = Page {
            slots: Arc::new(BTreeMap::new()),
            hash: OnceLock::from(Hash::from(Sha256::digest([PAGE]))),
        };
        Table {
            slab: Slab::default(),
            pages: vec![empty; PAGES],
            groups: vec![OnceLock::new(); PAGES / GROUP],
        }
    }
}

impl<R: Record> Table<R> {
    pub(crate) fn len(&self) -> usize {
        self.slab.len()
    }

    /// Finds the slot of a key.
    pub(crate) fn find(&self, key: &R::Key) -> Option<Slot> {
        self.pages[page_of(key)].slots.get(key).copied()
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
        let (record, page) = self.slab.at_mut(slot);
        self.pages[page].hash = OnceLock::new();
        self.groups[page / GROUP] = OnceLock::new();
        record
    }

    /// Adds a record; its key must be new.
    pub(crate) fn insert(&mut self, record: R) -> Slot {
        let key = record.key();
        let page = page_of(&key);
        let slot = self.slab.insert(record, page);
        let replaced = Arc::make_mut(&mut self.pages[page].slots).insert(key, slot);
        assert!(replaced.is_none(), "a key is added once");
        self.forget(page);
        slot
    }

    /// Removes the record in a slot; there must be one.
    pub(crate) fn remove(&mut self, slot: Slot) -> R {
        let (record, page) = self.slab.remove(slot);
        let removed = Arc::make_mut(&mut self.pages[page].slots).remove(&record.key());
        assert_eq!(removed, Some(slot), "a key leads to its slot");
        self.forget(page);
        record
    }

    /// Lists all records in their order in the tree: by page, then by key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &R)> {
        self.pages.iter().flat_map(|page| page.slots.values()).map(|&slot| (slot, self.at(slot)))
    }

    /// Returns the root of the tree.
    pub(crate) fn hash(&self) -> Hash {
        let groups = self.groups.iter().zip(self.pages.chunks(GROUP));
        node_over(groups.map(|(group, pages)| {
            *group.get_or_init(|| node_over(pages.iter().map(|page| self.page_hash(page))))
        }))
    }

    /// Adds a record that comes after all others in the order of the tree, and tells whether it does.
    pub(crate) fn push(&mut self, record: R, last: &mut Option<(usize, R::Key)>) -> bool {
        let key = record.key();
        let place = (page_of(&key), key);
        if last.as_ref().is_some_and(|last| place <= *last) {
            return false;
        }
        *last = Some(place);
        self.insert(record);
        true
    }

    fn page_hash(&self, page: &Page<R::Key>) -> Hash {
        *page.hash.get_or_init(|| {
            let mut hasher = Sha256::new_with_prefix([PAGE]);
            for &slot in page.slots.values() {
                hasher.update(self.slab.leaf(slot, |record| leaf_of(record)));
            }
            hasher.finalize().into()
        })
    }

    fn forget(&mut self, page: usize) {
        self.pages[page].hash = OnceLock::new();
        self.groups[page / GROUP] = OnceLock::new();
    }

    /// Says what contradicts the invariants.
    pub(crate) fn check(&self) -> Result<(), String> {
        let mut count = 0;
        for (page, content) in self.pages.iter().enumerate() {
            for (key, &slot) in content.slots.iter() {
                count += 1;
                if self.at(slot).key() != *key || page_of(key) != page {
                    return Err("a key does not lead to its record".to_owned());
                }
            }
        }
        if count != self.len() {
            return Err(format!("{count} keys lead to {} records", self.len()));
        }
        let mut renewed = self.clone();
        renewed.slab.forget_leaves();
        for page in 0..PAGES {
            renewed.forget(page);
        }
        if renewed.hash() != self.hash() {
            return Err("a hash is older than what it is over".to_owned());
        }
        Ok(())
    }
}

/// Returns the page of a key, of [`PAGES`]: the first 12 bits of its SHA-256.
pub(crate) fn page_of(key: &impl BorshSerialize) -> usize {
    let mut hasher = Sha256::new();
    borsh::to_writer(HashWriter(&mut hasher), key).expect("a hash takes any number of bytes");
    let hash: Hash = hasher.finalize().into();
    usize::from(u16::from_be_bytes([hash[0], hash[1]]) >> 4)
}

fn leaf_of<R: Record>(record: &R) -> Hash {
    let mut hasher = Sha256::new_with_prefix([LEAF]);
    borsh::to_writer(HashWriter(&mut hasher), &record.to_stored())
        .expect("a hash takes any number of bytes");
    hasher.finalize().into()
}

fn node_over(hashes: impl Iterator<Item = Hash>) -> Hash {
    let mut hasher = Sha256::new_with_prefix([NODE]);
    for hash in hashes {
        hasher.update(hash);
    }
    hasher.finalize().into()
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
