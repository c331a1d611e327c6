//! Coverings with S2 cells of level 13.
//!
//! Both coverings descend from large cells to small ones and leave out what the region does not
//! meet. A region that comes within a few units of the last place of a cell (some nanometers on
//! the earth) meets it, as in golang/geo.

mod cap;
mod outline;
mod quad;

use crate::area::{AreaError, CELLS_PER_ENTITY_MAX};
use crate::cell::Cell;

pub(crate) use cap::cover as cap;
pub(crate) use outline::cover as outline;
use quad::{Quad, Rect};

/// Cells found so far, at most [`CELLS_PER_ENTITY_MAX`].
#[derive(Debug, Default)]
struct Found(Vec<Cell>);

impl Found {
    /// Adds all cells of the final level inside `quad`.
    fn push(&mut self, quad: Quad) -> Result<(), AreaError> {
        if CELLS_PER_ENTITY_MAX < self.0.len() + quad.cell_count() {
            return Err(AreaError::TooManyCells);
        }
        quad.for_each_cell(|cell| self.0.push(cell));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_20_000_cells_and_no_more() {
        let descend = |levels| (0..levels).fold(Quad::of_face(0), |quad, _| quad.children()[0]);
        let (large, single) = (descend(6), descend(13));
        let mut found = Found::default();

        assert_eq!(found.push(large), Ok(()));
        assert_eq!(found.push(large), Err(AreaError::TooManyCells));
        while found.0.len() < CELLS_PER_ENTITY_MAX {
            found.push(single).expect("there is room");
        }
        assert_eq!(found.push(single), Err(AreaError::TooManyCells));
        assert_eq!(found.0.len(), CELLS_PER_ENTITY_MAX);
    }
}
