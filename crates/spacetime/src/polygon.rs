//! Areas bounded by great-circle arcs.

use std::f64::consts::FRAC_PI_2;
use std::sync::Arc;

use s2::r3::vector::Vector;

use crate::area::AreaError;
use crate::intersect::SLACK_M;
use crate::lat_lng::{EARTH_RADIUS_M, LatLng, angle};
use crate::outline::Outline;
use crate::simplicity::{find_crossing, find_duplicates};

/// The most vertices of one polygon (F3548-21 OiMaxVertices, CstrMaxVertices).
pub const VERTICES_MAX: usize = 10_000;

/// An area bounded by the shortest arcs between its vertices, the last one joined to the first.
///
/// Its edges do not cross and its vertices differ. Of the two regions of the sphere the smaller
/// one is meant, whichever way the vertices wind. The area may be zero: then it is a line.
/// Clones share their vertices.
#[derive(Clone, Debug)]
pub struct Polygon {
    vertices: Arc<[LatLng]>,
    outline: Arc<Outline>,
}

impl Polygon {
    /// Returns the polygon, if it has 3 to [`VERTICES_MAX`] different vertices and edges that do
    /// not cross.
    ///
    /// An outline whose vertices are not all on one half of the earth is too large for anything
    /// here and is refused before its edges are looked at.
    pub fn new(vertices: Vec<LatLng>) -> Result<Self, AreaError> {
        let count = vertices.len();
        if count < 3 {
            return Err(AreaError::TooFewVertices { count });
        }
        if VERTICES_MAX < count {
            return Err(AreaError::TooManyVertices { count });
        }
        let points: Box<[Vector]> = vertices.iter().map(|vertex| vertex.direction()).collect();
        if let Some((first, second)) = find_duplicates(&points) {
            return Err(AreaError::DuplicateVertices { first, second });
        }
        let outline = Outline::new(points).ok_or(AreaError::TooWide)?;
        if let Some((first, second)) = find_crossing(&outline) {
            return Err(AreaError::CrossingEdges { first, second });
        }
        Ok(Polygon { vertices: vertices.into(), outline: Arc::new(outline) })
    }

    /// Returns a rectangle around the great-circle segment from `a` to `b` that contains every
    /// point within `half_width_m` of it, before its start and after its end too.
    ///
    /// It is `half_width_m` (and [`SLACK_M`]) from the segment at the ends; its long sides are
    /// great-circle arcs, which bulge outward: by 0.3 % of the half width for a segment of
    /// 1,000 km, by less than 0.001 % for one of 50 km. With `a` equal to `b` it is a square.
    /// Refuses a half width that is not finite or not more than zero, and a rectangle that is
    /// longer than a quarter of the earth.
    pub fn corridor(a: LatLng, b: LatLng, half_width_m: f64) -> Result<Self, AreaError> {
        if !(half_width_m.is_finite() && 0.0 < half_width_m) {
            return Err(AreaError::HalfWidth { half_width_m });
        }
        let (from, to) = (a.direction(), b.direction());
        let (length, margin) = (angle(&from, &to), (half_width_m + SLACK_M) / EARTH_RADIUS_M);
        if FRAC_PI_2 < length + 2.0 * margin {
            return Err(AreaError::TooWide);
        }
        // The segment becomes a part of the equator of its own coordinates, from longitude zero.
        let across = (to - from).cross(&(to + from));
        let pole = if across.norm2() == 0.0 { from.ortho() } else { across.normalize() };
        let quarter = pole.cross(&from);
        let corner = |lat: f64, lng: f64| {
            let on_equator = from * lng.cos() + quarter * lng.sin();
            LatLng::of_direction(&(on_equator * lat.cos() + pole * lat.sin()))
        };
        Self::new(vec![
            corner(-margin, -margin),
            corner(-margin, length + margin),
            corner(margin, length + margin),
            corner(margin, -margin),
        ])
    }

    /// Returns the vertices in the order given.
    pub fn vertices(&self) -> &[LatLng] {
        &self.vertices
    }

    pub(crate) fn outline(&self) -> &Outline {
        &self.outline
    }
}

impl PartialEq for Polygon {
    fn eq(&self, other: &Self) -> bool {
        self.vertices == other.vertices
    }
}
