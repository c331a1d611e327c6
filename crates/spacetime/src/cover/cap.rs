//! Coverings of circles.

use s2::r3::vector::Vector;

use super::quad::{from_face, to_face};
use super::{Found, Quad};
use crate::area::AreaError;
use crate::cell::Cell;

/// A cap meets what it misses by less than this, as an angle in radians: some nanometers.
const MARGIN: f64 = 4.0 * f64::EPSILON;

/// Returns the cells that the cap of an angular radius around `center` meets.
///
/// The radius is less than a quarter turn: whoever covers a circle has checked its area.
pub(crate) fn cover(center: &Vector, radius: f64) -> Result<Vec<Cell>, AreaError> {
    let (sin, cos) = (radius + MARGIN).sin_cos();
    assert!(0.0 < cos, "the area was checked");
    let cap = Cap { center: *center, sin2: sin * sin, chord2: chord2(radius + MARGIN) };
    let mut found = Found::default();
    for face in 0..6 {
        cap.descend(Quad::of_face(face), &mut found)?;
    }
    Ok(found.0)
}

/// A cap smaller than a half sphere.
struct Cap {
    center: Vector,
    /// The squared sine of the angular radius.
    sin2: f64,
    /// The squared length of the chord from the center to the rim.
    chord2: f64,
}

enum Relation {
    Apart,
    Meets,
    Contains,
}

impl Cap {
    fn descend(&self, quad: Quad, found: &mut Found) -> Result<(), AreaError> {
        match self.relation(quad) {
            Relation::Apart => Ok(()),
            Relation::Contains => found.push(quad),
            Relation::Meets if quad.is_final() => found.push(quad),
            Relation::Meets => {
                quad.children().into_iter().try_for_each(|child| self.descend(child, found))
            }
        }
    }

    /// Tells how the cap lies to a cell.
    fn relation(&self, quad: Quad) -> Relation {
        let rect = quad.rect();
        let corners = rect.corners().map(|corner| from_face(quad.face, corner).normalize());
        match corners.iter().filter(|corner| self.contains(corner)).count() {
            // Both are convex, so the cap holds what is between the corners.
            4 => return Relation::Contains,
            0 => {}
            _ => return Relation::Meets,
        }
        let (u, v, w) = to_face(quad.face, &self.center);
        if 0.0 < w && rect.grown(MARGIN).contains((u / w, v / w)) {
            return Relation::Meets;
        }
        let edges = [(0, 1), (1, 2), (2, 3), (3, 0)];
        if edges.iter().any(|(from, to)| self.meets_arc(&corners[*from], &corners[*to])) {
            return Relation::Meets;
        }
        Relation::Apart
    }

    fn contains(&self, point: &Vector) -> bool {
        (self.center - *point).norm2() <= self.chord2
    }

    /// Tells whether an arc, whose ends are outside, comes into the cap between them.
    fn meets_arc(&self, from: &Vector, to: &Vector) -> bool {
        let normal = from.cross(to);
        let height = self.center.dot(&normal);
        if self.sin2 * normal.norm2() < height * height {
            return false;
        }
        let along = normal.cross(&self.center);
        0.0 < along.dot(to) && along.dot(from) < 0.0
    }
}

/// Returns the squared length of the chord of an angle.
fn chord2(angle: f64) -> f64 {
    let half = (angle / 2.0).sin();
    4.0 * half * half
}
