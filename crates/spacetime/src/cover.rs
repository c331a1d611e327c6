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
