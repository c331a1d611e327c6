//! S2 cells of one level, and sets of them.

use borsh::{BorshDeserialize, BorshSerialize};

/// The id of an S2 cell of level 13, about 1.27 km2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct Cell(u64);

/// A non-empty set of cells, ascending, without repetition.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct Cells(Box<[Cell]>);

/// Numbers are no set of level-13 cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CellsError {
    /// There is no cell in it.
    #[error("the set of cells is empty")]
    Empty,
    /// A number is not the id of an S2 cell of level 13.
    #[error("{0:#x} is not the id of an S2 cell of level 13")]
    NotLevel13(u64),
    /// The cells are not strictly ascending.
    #[error("the cells are not in ascending order")]
    NotAscending,
}

impl Cell {
    /// The level of every cell here (F3548-21 and F3411 implementations agreed on 13).
    pub const LEVEL: u64 = 13;

    /// Returns the cell with this S2 id.
    pub fn from_id(id: u64) -> Result<Self, CellsError> {
        let marker = 1_u64 << (2 * (30 - Self::LEVEL));
        let face = id >> 61;
        if id & (marker | (marker - 1)) != marker || 5 < face {
            return Err(CellsError::NotLevel13(id));
        }
        Ok(Cell(id))
    }

    /// Returns the S2 id.
    pub const fn id(self) -> u64 {
        self.0
    }
}

impl Cells {
    /// Returns the set of the given cells, in any order.
    pub fn from_unsorted(mut cells: Vec<Cell>) -> Result<Self, CellsError> {
        cells.sort_unstable();
        cells.dedup();
        if cells.is_empty() {
            return Err(CellsError::Empty);
        }
        Ok(Cells(cells.into_boxed_slice()))
    }

    /// Returns the cells, ascending.
    pub fn as_slice(&self) -> &[Cell] {
        &self.0
    }

    /// Returns how many cells there are; never zero.
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the cells that are in either set.
    pub fn union(&self, other: &Cells) -> Cells {
        let all = self.0.iter().chain(other.0.iter()).copied().collect();
        Self::from_unsorted(all).expect("a union of non-empty sets is not empty")
    }

    /// Tells whether every cell of `other` is in this set.
    pub fn contains_all(&self, other: &Cells) -> bool {
        other.0.iter().all(|cell| self.0.binary_search(cell).is_ok())
    }

    /// Tells whether the sets share a cell.
    pub fn intersects(&self, other: &Cells) -> bool {
        let (small, large) = if self.len() < other.len() { (self, other) } else { (other, self) };
        small.0.iter().any(|cell| large.0.binary_search(cell).is_ok())
    }
}

impl BorshDeserialize for Cell {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        Self::from_id(u64::deserialize_reader(reader)?).map_err(invalid_data)
    }
}

impl BorshDeserialize for Cells {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        let cells = Vec::<Cell>::deserialize_reader(reader)?;
        if cells.is_empty() {
            return Err(invalid_data(CellsError::Empty));
        }
        if !cells.is_sorted_by(|a, b| a < b) {
            return Err(invalid_data(CellsError::NotAscending));
        }
        Ok(Cells(cells.into_boxed_slice()))
    }
}

fn invalid_data(error: CellsError) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_set;
    use proptest::prelude::*;

    use super::*;

    fn cell(number: u64) -> Cell {
        Cell::from_id((2 * number + 1) << 34).expect("a cell of level 13")
    }

    fn cells(numbers: impl IntoIterator<Item = u64>) -> Cells {
        Cells::from_unsorted(numbers.into_iter().map(cell).collect()).expect("not empty")
    }

    #[test]
    fn refuses_numbers_that_are_no_cells_of_level_13() {
        let good = cell(5).id();

        for id in [0, 1, good >> 2, good << 2, good | 1, good | 2, good | (6 << 61), u64::MAX] {
            assert_eq!(Cell::from_id(id), Err(CellsError::NotLevel13(id)), "{id:#x}");
        }
        assert_eq!(Cell::from_id(good | (5 << 61)).map(Cell::id), Ok(good | (5 << 61)));
    }

    #[test]
    fn reads_back_what_it_wrote_and_nothing_else() {
        let write = |cells: &[Cell]| borsh::to_vec(cells).expect("memory takes it");
        let read = |bytes: &[u8]| borsh::from_slice::<Cells>(bytes).map_err(|e| e.to_string());

        let two = cells([7, 5]);
        assert_eq!(read(&borsh::to_vec(&two).expect("memory takes it")), Ok(two));
        assert_eq!(read(&write(&[])), Err(CellsError::Empty.to_string()));
        for unordered in [[cell(7), cell(5)], [cell(5), cell(5)]] {
            assert_eq!(read(&write(&unordered)), Err(CellsError::NotAscending.to_string()));
        }
        let other_level = borsh::to_vec(&vec![1_u64]).expect("memory takes it");
        assert_eq!(read(&other_level), Err(CellsError::NotLevel13(1).to_string()));
    }

    proptest! {
        #[test]
        fn is_a_set(a in btree_set(0_u64..20, 1..10), b in btree_set(0_u64..20, 1..10)) {
            let (left, right) = (cells(a.clone()), cells(b.clone()));

            prop_assert_eq!(left.union(&right), cells(a.union(&b).copied()));
            prop_assert_eq!(left.intersects(&right), !a.is_disjoint(&b));
            prop_assert_eq!(left.contains_all(&right), a.is_superset(&b));
            prop_assert_eq!(left.len(), a.len());
        }
    }
}
