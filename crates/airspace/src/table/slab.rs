//! Numbered slots in chunks that clones share until they change.

use std::sync::{Arc, OnceLock};

use crate::table::{Hash, PageNumber};

/// How many slots a chunk has: what is copied when a shared one changes.
const CHUNK: usize = 16;

/// The number of a slot; never shown, hashed or stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot(u32);

#[derive(Clone, Debug)]
pub(super) struct Slab<R> {
    chunks: Vec<Arc<[Option<Filled<R>>; CHUNK]>>,
    free: Vec<Slot>,
    len: usize,
}

#[derive(Clone, Debug)]
struct Filled<R> {
    record: R,
    page: PageNumber,
    leaf: OnceLock<Hash>,
    /// In which epoch of its table it was lent out to be changed last.
    changed: u64,
}

impl<R> Default for Slab<R> {
    fn default() -> Self {
        Slab { chunks: Vec::new(), free: Vec::new(), len: 0 }
    }
}

impl Slot {
    /// Comes before every other slot.
    pub(crate) const FIRST: Slot = Slot(0);
    /// Comes after every other slot.
    pub(crate) const LAST: Slot = Slot(u32::MAX);

    #[cfg(test)]
    pub(crate) fn numbered(number: u32) -> Self {
        Slot(number)
    }

    fn place(self) -> (usize, usize) {
        let number = self.0 as usize;
        (number / CHUNK, number % CHUNK)
    }
}

impl<R: Clone> Slab<R> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn at(&self, slot: Slot) -> &R {
        &self.filled(slot).record
    }

    /// Returns the record to change; its leaf is forgotten.
    ///
    /// With it goes its page, if it was not lent out in this epoch before.
    pub(super) fn at_mut(&mut self, slot: Slot, epoch: u64) -> (&mut R, Option<PageNumber>) {
        let (chunk, place) = slot.place();
        let filled = Arc::make_mut(&mut self.chunks[chunk])[place]
            .as_mut()
            .expect("a slot in use is filled");
        if filled.changed == epoch {
            return (&mut filled.record, None);
        }
        filled.changed = epoch;
        filled.leaf = OnceLock::new();
        (&mut filled.record, Some(filled.page))
    }

    pub(super) fn insert(&mut self, record: R, page: PageNumber) -> Slot {
        let slot = self.free.pop().unwrap_or_else(|| self.grow());
        let (chunk, place) = slot.place();
        let filled = Filled { record, page, leaf: OnceLock::new(), changed: 0 };
        Arc::make_mut(&mut self.chunks[chunk])[place] = Some(filled);
        self.len += 1;
        slot
    }

    /// Removes the record and returns it with its page.
    pub(super) fn remove(&mut self, slot: Slot) -> (R, PageNumber) {
        let (chunk, place) = slot.place();
        let filled =
            Arc::make_mut(&mut self.chunks[chunk])[place].take().expect("a slot in use is filled");
        self.free.push(slot);
        self.len -= 1;
        (filled.record, filled.page)
    }

    /// Returns the leaf of a record, made once until the record changes.
    pub(super) fn leaf(&self, slot: Slot, make: impl FnOnce(&R) -> Hash) -> Hash {
        let filled = self.filled(slot);
        *filled.leaf.get_or_init(|| make(&filled.record))
    }

    fn filled(&self, slot: Slot) -> &Filled<R> {
        let (chunk, place) = slot.place();
        self.chunks[chunk][place].as_ref().expect("a slot in use is filled")
    }

    /// Adds a chunk and returns its first slot; the others are free.
    fn grow(&mut self) -> Slot {
        let first = self.chunks.len() * CHUNK;
        let last = u32::try_from(first + CHUNK - 1).expect("memory ends before slots do");
        self.chunks.push(Arc::new([const { None }; CHUNK]));
        self.free.extend((first as u32 + 1..=last).rev().map(Slot));
        Slot(first as u32)
    }
}
