//! Areas bounded by great-circle arcs.

use std::f64::consts::FRAC_PI_2;
use std::sync::Arc;

use s2::r3::vector::Vector;

use crate::area::AreaError;
use crate::direction::{angle, normal};
use crate::intersect::SLACK_M;
use crate::lat_lng::{EARTH_RADIUS_M, LatLng};
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
        let across = normal(&from, &to);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn polygon(vertices: &[(f64, f64)]) -> Result<Polygon, AreaError> {
        let vertex = |(lat, lng): &(f64, f64)| LatLng::new(*lat, *lng).expect("in range");
        Polygon::new(vertices.iter().map(vertex).collect())
    }

    /// So many points around a place.
    fn ring(count: usize) -> Vec<(f64, f64)> {
        let turn = |index: usize| index as f64 / count as f64 * std::f64::consts::TAU;
        (0..count).map(|i| (47.0 + 0.1 * turn(i).sin(), 8.0 + 0.1 * turn(i).cos())).collect()
    }

    #[test]
    fn takes_three_to_ten_thousand_vertices() {
        assert_eq!(polygon(&ring(2)), Err(AreaError::TooFewVertices { count: 2 }));
        assert_eq!(polygon(&[]), Err(AreaError::TooFewVertices { count: 0 }));
        assert!(polygon(&ring(3)).is_ok());
        assert!(polygon(&ring(VERTICES_MAX)).is_ok());
        let count = VERTICES_MAX + 1;
        assert_eq!(polygon(&ring(count)), Err(AreaError::TooManyVertices { count }));
    }

    #[test]
    fn refuses_a_vertex_that_comes_twice() {
        let square = [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.0)];
        assert!(polygon(&square).is_ok());

        let closed = [&square[..], &square[..1]].concat();
        let stalled = [&square[..2], &square[1..]].concat();
        let far = [(-0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.0, 0.0), (1.0, 0.5)];

        let duplicates = |first, second| Err(AreaError::DuplicateVertices { first, second });
        assert_eq!(polygon(&closed), duplicates(0, 4));
        assert_eq!(polygon(&stalled), duplicates(1, 2));
        assert_eq!(polygon(&far), duplicates(0, 3));
    }

    #[test]
    fn refuses_edges_that_cross() {
        let bow = [(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0)];

        assert_eq!(polygon(&bow), Err(AreaError::CrossingEdges { first: 0, second: 2 }));
    }

    #[test]
    fn winds_either_way_at_the_poles_and_across_the_antimeridian() {
        for vertices in [
            [(89.0, 0.0), (89.0, 90.0), (89.0, 180.0), (89.0, -90.0)],
            [(-89.0, 0.0), (-89.0, 90.0), (-89.0, 180.0), (-89.0, -90.0)],
            [(1.0, 179.0), (1.0, -179.0), (-1.0, -179.0), (-1.0, 179.0)],
        ] {
            let mut reversed = vertices;
            reversed.reverse();
            let (polygon, reversed) = (polygon(&vertices), polygon(&reversed));

            let area = polygon.expect("a polygon").outline().area();
            assert!((reversed.expect("a polygon").outline().area() - area).abs() < 1e-15);
            assert!(0.0 < area && area < 0.01, "{area}");
        }
    }

    #[test]
    fn refuses_what_is_not_on_one_half_of_the_earth() {
        let belt = [(0.0, 0.0), (0.0, 120.0), (0.0, -120.0)];
        let opposite = [(0.0, 0.0), (0.0, 90.0), (0.0, 180.0)];
        let cap = [(10.0, 0.0), (10.0, 120.0), (10.0, -120.0)];

        assert_eq!(polygon(&belt), Err(AreaError::TooWide));
        assert_eq!(polygon(&opposite), Err(AreaError::TooWide));
        assert!(polygon(&cap).is_ok());
    }

    #[test]
    fn refuses_corridors_without_width_or_longer_than_a_quarter_of_the_earth() {
        let (a, b) = (LatLng::new(0.0, 0.0), LatLng::new(0.0, 89.0));
        let (a, b) = (a.expect("in range"), b.expect("in range"));

        for half_width_m in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let refusal = Polygon::corridor(a, b, half_width_m).expect_err("no width");
            assert!(matches!(refusal, AreaError::HalfWidth { .. }));
        }
        assert!(Polygon::corridor(a, b, 50_000.0).is_ok());
        assert_eq!(Polygon::corridor(a, b, 60_000.0), Err(AreaError::TooWide));
    }

    #[test]
    fn a_corridor_is_hardly_larger_than_it_must_be() {
        let (a, b) = (LatLng::new(47.0, 8.0), LatLng::new(47.3, 8.4));
        let (a, b) = (a.expect("in range"), b.expect("in range"));

        for (end, half_width_m) in [(b, 50.0), (b, 0.5), (a, 0.5)] {
            let corridor = Polygon::corridor(a, end, half_width_m).expect("a corridor");

            let width_m = 2.0 * (half_width_m + SLACK_M);
            let rectangle_m2 = (a.distance_m(end) + width_m) * width_m;
            let area_m2 = corridor.outline().area() * EARTH_RADIUS_M * EARTH_RADIUS_M;
            assert!((area_m2 / rectangle_m2 - 1.0).abs() < 1e-5, "{area_m2} of {rectangle_m2}");
        }
    }
}
