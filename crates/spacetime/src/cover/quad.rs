//! S2 cells as rectangles on the faces of a cube.

use s2::cellid::CellID;
use s2::r3::vector::Vector;

use crate::cell::Cell;

/// The level of the cells of a covering.
pub(super) const LEVEL: u32 = Cell::LEVEL as u32;
/// The level of the smallest cells of S2.
const LEVEL_MAX: u32 = 30;

/// A rectangle in the (u, v) coordinates of a face, where great circles are straight lines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rect {
    pub(super) u: [f64; 2],
    pub(super) v: [f64; 2],
}

/// An S2 cell of any level up to 13, by its column and row on a face of the cube.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quad {
    pub(super) face: u8,
    level: u32,
    column: u32,
    row: u32,
}

impl Quad {
    /// Returns the cell that is a whole face.
    pub(super) fn of_face(face: u8) -> Self {
        Quad { face, level: 0, column: 0, row: 0 }
    }

    /// Returns the smallest cell, of level 13 at most, that holds the part of `rect` on the face.
    pub(super) fn around(face: u8, rect: &Rect) -> Self {
        let [left, right] = rect.u.map(uv_to_ij);
        let [bottom, top] = rect.v.map(uv_to_ij);
        let differing = (left ^ right) | (bottom ^ top);
        let shift = (32 - differing.leading_zeros()).max(LEVEL_MAX - LEVEL);
        Quad { face, level: LEVEL_MAX - shift, column: left >> shift, row: bottom >> shift }
    }

    /// Tells whether this is a cell of the covering's level.
    pub(super) fn is_final(self) -> bool {
        self.level == LEVEL
    }

    /// Returns the four cells of the next level.
    pub(super) fn children(self) -> [Quad; 4] {
        [(0, 0), (1, 0), (1, 1), (0, 1)].map(|(column, row)| Quad {
            face: self.face,
            level: self.level + 1,
            column: 2 * self.column + column,
            row: 2 * self.row + row,
        })
    }

    /// Returns its bounds on the face.
    pub(super) fn rect(self) -> Rect {
        let line = |at: u32| st_to_uv(f64::from(at) / f64::from(1_u32 << self.level));
        Rect {
            u: [line(self.column), line(self.column + 1)],
            v: [line(self.row), line(self.row + 1)],
        }
    }

    /// Returns how many cells of level 13 are inside.
    pub(super) fn cell_count(self) -> usize {
        1 << (2 * (LEVEL - self.level))
    }

    /// Visits all cells of level 13 inside.
    pub(super) fn for_each_cell(self, mut visit: impl FnMut(Cell)) {
        let shift = LEVEL - self.level;
        for column in self.column << shift..(self.column + 1) << shift {
            for row in self.row << shift..(self.row + 1) << shift {
                visit(cell(self.face, column, row));
            }
        }
    }
}

impl Rect {
    /// Returns the smallest rectangle that holds two points.
    pub(super) fn between((u0, v0): (f64, f64), (u1, v1): (f64, f64)) -> Rect {
        Rect { u: [u0.min(u1), u0.max(u1)], v: [v0.min(v1), v0.max(v1)] }
    }

    /// Returns the rectangle with every side moved outward.
    pub(super) fn grown(&self, by: f64) -> Rect {
        Rect { u: [self.u[0] - by, self.u[1] + by], v: [self.v[0] - by, self.v[1] + by] }
    }

    /// Returns the middle.
    pub(super) fn middle(&self) -> (f64, f64) {
        (0.5 * (self.u[0] + self.u[1]), 0.5 * (self.v[0] + self.v[1]))
    }

    /// Returns the corners, counterclockwise.
    pub(super) fn corners(&self) -> [(f64, f64); 4] {
        let ([left, right], [bottom, top]) = (self.u, self.v);
        [(left, bottom), (right, bottom), (right, top), (left, top)]
    }

    /// Tells whether the point is inside or on the boundary.
    pub(super) fn contains(&self, (u, v): (f64, f64)) -> bool {
        self.u[0] <= u && u <= self.u[1] && self.v[0] <= v && v <= self.v[1]
    }
}

/// Returns the coordinates of a direction on the axes of a face: u, v and w, outward.
pub(super) fn to_face(face: u8, p: &Vector) -> (f64, f64, f64) {
    match face {
        0 => (p.y, p.z, p.x),
        1 => (-p.x, p.z, p.y),
        2 => (-p.x, -p.y, p.z),
        3 => (-p.z, -p.y, -p.x),
        4 => (-p.z, p.x, -p.y),
        _ => (p.y, p.x, -p.z),
    }
}

/// Returns the direction of a point on a face; it has no unit length.
pub(super) fn from_face(face: u8, (u, v): (f64, f64)) -> Vector {
    match face {
        0 => Vector::new(1.0, u, v),
        1 => Vector::new(-u, 1.0, v),
        2 => Vector::new(-u, -v, 1.0),
        3 => Vector::new(-1.0, -v, -u),
        4 => Vector::new(v, -1.0, -u),
        _ => Vector::new(v, u, -1.0),
    }
}

/// Returns the face on which a direction is.
pub(super) fn face_of(p: &Vector) -> u8 {
    let (x, y, z) = (p.x.abs(), p.y.abs(), p.z.abs());
    let (axis, component) = if y < x {
        if z < x { (0, p.x) } else { (2, p.z) }
    } else if z < y {
        (1, p.y)
    } else {
        (2, p.z)
    };
    if component < 0.0 { axis + 3 } else { axis }
}

/// Returns the cell of level 13 in a column and row of a face.
fn cell(face: u8, column: u32, row: u32) -> Cell {
    let leaf = |at: u32| (at << (LEVEL_MAX - LEVEL)) as i32;
    let id = CellID::from_face_ij(face, leaf(column), leaf(row)).parent(Cell::LEVEL);
    Cell::from_id(id.0).expect("a cell of level 13 by construction")
}

/// Returns the face coordinate of a fraction of the face, by S2's quadratic projection, which
/// makes cells of similar size.
fn st_to_uv(s: f64) -> f64 {
    if 0.5 <= s {
        (1.0 / 3.0) * (4.0 * s * s - 1.0)
    } else {
        (1.0 / 3.0) * (1.0 - 4.0 * (1.0 - s) * (1.0 - s))
    }
}

/// Returns the column or row, among those of the smallest cells, of a face coordinate.
fn uv_to_ij(u: f64) -> u32 {
    let s =
        if 0.0 <= u { 0.5 * (1.0 + 3.0 * u).sqrt() } else { 1.0 - 0.5 * (1.0 - 3.0 * u).sqrt() };
    let size = 1_u32 << LEVEL_MAX;
    // Out of the face saturates to its border.
    ((s * f64::from(size)).floor() as u32).min(size - 1)
}
