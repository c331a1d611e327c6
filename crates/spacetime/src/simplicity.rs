//! Whether an outline crosses itself, found by one sweep (Shamos and Hoey, 1976).
//!
//! A half-plane turns about an axis over the half of the sphere that holds the outline. The edges
//! that it meets are kept in the order in which it meets them; two edges that cross are neighbors
//! in that order before they do. All decisions are exact, so the order never goes wrong, and an
//! outline of n vertices takes n log n of them, whatever its shape.

use std::cmp::Ordering;

use s2::r3::vector::Vector;

use crate::orientation::{arcs_cross, is_counterclockwise};
use crate::outline::Outline;

/// Returns two vertices that are equal, by index, if there are any.
pub(crate) fn find_duplicates(points: &[Vector]) -> Option<(usize, usize)> {
    let key = |index: usize| (points[index].x, points[index].y, points[index].z);
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_unstable_by(|a, b| {
        key(*a).partial_cmp(&key(*b)).expect("directions are finite").then(a.cmp(b))
    });
    let pair = order.windows(2).find(|pair| key(pair[0]) == key(pair[1]))?;
    Some((pair[0], pair[1]))
}

/// Returns two edges that cross, by the index of their first vertex, if there are any.
///
/// Edges that share a vertex do not cross there. Vertices must differ from one another. Where an
/// edge touches another one exactly, points moved by infinitely small amounts decide.
pub(crate) fn find_crossing(outline: &Outline) -> Option<(usize, usize)> {
    let order = order(outline);
    let mut sweep = Sweep { outline, ranks: vec![0; order.len()], active: Vec::new() };
    for (rank, vertex) in order.iter().enumerate() {
        sweep.ranks[*vertex] = rank;
    }
    for vertex in order {
        let edges = [vertex, vertex.checked_sub(1).unwrap_or(sweep.ranks.len() - 1)];
        let (ending, starting): (Vec<usize>, Vec<usize>) =
            edges.into_iter().partition(|edge| sweep.last_of(*edge) == vertex);
        let crossing = ending
            .into_iter()
            .find_map(|edge| sweep.remove(edge))
            .or_else(|| starting.into_iter().find_map(|edge| sweep.insert(edge)));
        if crossing.is_some() {
            return crossing;
        }
    }
    None
}

/// Returns the vertices as the sweep meets them.
fn order(outline: &Outline) -> Vec<usize> {
    let (points, axis) = (outline.points(), axis(outline));
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_unstable_by(|a, b| {
        if a == b {
            return Ordering::Equal;
        }
        if is_counterclockwise(&axis, &points[*a], &points[*b]) {
            return Ordering::Less;
        }
        Ordering::Greater
    });
    order
}

struct Sweep<'a> {
    outline: &'a Outline,
    /// When the sweep meets each vertex.
    ranks: Vec<usize>,
    /// The edges that the half-plane meets, by the index of their first vertex in the outline, the
    /// nearest to the axis last. Small numbers, since they are often moved.
    active: Vec<u32>,
}

impl Sweep<'_> {
    /// Returns the vertices of an edge, the one that the sweep meets first in front.
    fn ends(&self, edge: usize) -> (usize, usize) {
        let next = if edge + 1 == self.ranks.len() { 0 } else { edge + 1 };
        if self.ranks[edge] < self.ranks[next] { (edge, next) } else { (next, edge) }
    }

    /// Returns the vertex of an edge that the sweep meets last.
    fn last_of(&self, edge: usize) -> usize {
        self.ends(edge).1
    }

    /// Puts an edge, whose first vertex is being met, in its place.
    fn insert(&mut self, edge: usize) -> Option<(usize, usize)> {
        let (first, last) = self.ends(edge);
        let at = self.active.partition_point(|other| {
            let other = self.ends(*other as usize);
            self.is_above(if other.0 == first { last } else { first }, other)
        });
        self.active.insert(at, edge as u32);
        let below = at.checked_sub(1).and_then(|below| self.crossing(below, at));
        below.or_else(|| self.crossing(at, at + 1))
    }

    /// Takes out an edge, whose last vertex is being met.
    fn remove(&mut self, edge: usize) -> Option<(usize, usize)> {
        let (first, last) = self.ends(edge);
        let at = self.active.partition_point(|other| {
            let ends = self.ends(*other as usize);
            *other != edge as u32 && self.is_above(if ends.1 == last { first } else { last }, ends)
        });
        let removed = self.active.remove(at);
        assert_eq!(removed, edge as u32, "edges that have not crossed keep their order");
        at.checked_sub(1).and_then(|below| self.crossing(below, at))
    }

    /// Tells whether a vertex is on the axis' side of an edge with the given ends.
    fn is_above(&self, vertex: usize, (first, last): (usize, usize)) -> bool {
        let points = self.outline.points();
        is_counterclockwise(&points[first], &points[last], &points[vertex])
    }

    /// Returns the active edges at two places if both are there and cross.
    fn crossing(&self, at: usize, other_at: usize) -> Option<(usize, usize)> {
        let edge = *self.active.get(at)? as usize;
        let other = *self.active.get(other_at)? as usize;
        let ((a, b), (c, d)) = (self.ends(edge), self.ends(other));
        if a == c || a == d || b == c || b == d {
            return None;
        }
        let points = self.outline.points();
        arcs_cross(&points[a], &points[b], &points[c], &points[d])
            .then_some((edge.min(other), edge.max(other)))
    }
}

/// Returns the axis about which to sweep: square to the outline's center and to its longest
/// extent, so that vertices in a row are met one after the other.
fn axis(outline: &Outline) -> Vector {
    let center = &outline.bound().center;
    let farthest = outline
        .points()
        .iter()
        .min_by(|a, b| a.dot(center).total_cmp(&b.dot(center)))
        .expect("an outline has vertices");
    let across = center.cross(farthest);
    if across.norm2() < 1e-30 { center.ortho() } else { across.normalize() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::subsequence;

    use super::*;
    use crate::lat_lng::LatLng;

    fn outline(vertices: &[(f64, f64)]) -> Outline {
        let point =
            |(lat, lng): &(f64, f64)| LatLng::new(*lat, *lng).expect("in range").direction();
        Outline::new(vertices.iter().map(point).collect()).expect("on one half of the sphere")
    }

    /// Compares every two edges that share no vertex.
    fn find_crossing_pairwise(outline: &Outline) -> Option<(usize, usize)> {
        let count = outline.points().len();
        let pairs = (0..count).flat_map(|a| (a + 2..count).map(move |b| (a, b)));
        let crosses = |(a, b): (usize, usize)| {
            let ((a0, a1), (b0, b1)) = (outline.edge(a), outline.edge(b));
            arcs_cross(a0, a1, b0, b1)
        };
        pairs.filter(|(a, b)| (b + 1) % count != *a).find(|pair| crosses(*pair))
    }

    fn check(vertices: &[(f64, f64)]) -> Result<(), TestCaseError> {
        let outline = outline(vertices);
        prop_assume!(find_duplicates(outline.points()).is_none());

        let found = find_crossing(&outline);

        prop_assert_eq!(found.is_some(), find_crossing_pairwise(&outline).is_some());
        if let Some((a, b)) = found {
            let ((a0, a1), (b0, b1)) = (outline.edge(a), outline.edge(b));
            prop_assert!(a < b && arcs_cross(a0, a1, b0, b1), "edges {a} and {b} do not cross");
        }
        Ok(())
    }

    /// A closed zigzag of so many teeth, a fifth of a degree wide and high, turned by an angle.
    fn comb(teeth: usize, turn: f64) -> Vec<(f64, f64)> {
        let step = 0.2 / teeth as f64;
        let tooth =
            |index: usize| (index as f64 * step, if index.is_multiple_of(2) { 0.0 } else { 0.2 });
        let mut comb: Vec<(f64, f64)> = (0..teeth).map(tooth).collect();
        comb.extend([(0.2, -0.01), (0.0, -0.01)]);
        let (sin, cos) = turn.sin_cos();
        comb.into_iter().map(|(x, y)| (x * sin + y * cos, x * cos - y * sin)).collect()
    }

    #[test]
    fn accepts_large_outlines_of_any_shape_and_finds_their_one_crossing() {
        for turn in [0.0, 0.5, std::f64::consts::FRAC_PI_4, 1.5, 2.2, 3.0] {
            let mut comb = comb(9_998, turn);
            assert_eq!(find_crossing(&outline(&comb)), None, "turned by {turn}");

            // The tip of one tooth goes through the next gap.
            comb[4_999].0 += 0.2 * 3.0 / 9_998.0 * turn.sin();
            comb[4_999].1 += 0.2 * 3.0 / 9_998.0 * turn.cos();
            assert!(find_crossing(&outline(&comb)).is_some(), "turned by {turn}");
        }
    }

    #[test]
    fn accepts_edges_along_one_meridian_or_the_equator() {
        let quarter = 2_500;
        for (lat, lng) in [(0.0, 0.0), (47.0, 8.0)] {
            let vertex = |index: usize| {
                let along = (index % quarter) as f64 / quarter as f64 * 0.1;
                match index / quarter {
                    0 => (lat + along, lng),
                    1 => (lat + 0.1, lng + along),
                    2 => (lat + 0.1 - along, lng + 0.1),
                    _ => (lat, lng + 0.1 - along),
                }
            };
            let vertices: Vec<(f64, f64)> = (0..4 * quarter).map(vertex).collect();
            assert_eq!(find_crossing(&outline(&vertices)), None);
        }
    }

    #[test]
    fn names_the_vertices_that_are_equal() {
        let points = outline(&[(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.0, 1.0)]);

        assert_eq!(find_duplicates(points.points()), Some((1, 3)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn finds_a_crossing_when_comparing_every_two_edges_does(
            vertices in prop::collection::vec((-1.0..1.0, -1.0..1.0), 3..9),
        ) {
            check(&vertices)?;
        }

        #[test]
        fn decides_alike_about_edges_that_touch(
            numbers in subsequence((0..25).collect::<Vec<i32>>(), 3..10).prop_shuffle(),
            corner in prop::sample::select(vec![(-2.0, -2.0), (0.0, 0.0), (45.0, 7.0)]),
        ) {
            let vertex = |at: &i32| (corner.0 + f64::from(at / 5), corner.1 + f64::from(at % 5));
            check(&numbers.iter().map(vertex).collect::<Vec<_>>())?;
        }

        #[test]
        fn decides_alike_about_vertices_in_a_row(
            numbers in subsequence((0..30).collect::<Vec<i32>>(), 3..12).prop_shuffle(),
            place in prop::sample::select(vec![(0.0, true), (0.0, false), (8.0, false)]),
        ) {
            let (fixed, is_equator) = place;
            let vertex = |at: &i32| {
                let along = f64::from(*at) / 100.0;
                if is_equator { (fixed, along) } else { (along, fixed) }
            };
            check(&numbers.iter().map(vertex).collect::<Vec<_>>())?;
        }

        #[test]
        fn decides_alike_about_outlines_smaller_than_a_hair(
            vertices in prop::collection::vec((0..40, 0..40), 3..8),
        ) {
            let vertex = |(lat, lng): &(i32, i32)| {
                (47.0 + f64::from(*lat) * 1e-14, 8.0 + f64::from(*lng) * 1e-14)
            };
            check(&vertices.iter().map(vertex).collect::<Vec<_>>())?;
        }
    }
}
