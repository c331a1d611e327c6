//! Whether an outline crosses itself, found by one sweep (Shamos and Hoey, 1976).
//!
//! A half-plane turns about an axis over the half of the sphere that holds the outline. The edges
//! that it meets are kept in the order in which it meets them; two edges that cross are neighbors
//! in that order before they do. All decisions are exact, so the order never goes wrong, and an
//! outline of n vertices takes n log n of them, whatever its shape.

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
    let mut sweep = Sweep { outline, axis: axis(outline), active: Vec::new() };
    let count = outline.points().len();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_unstable_by(|a, b| sweep.order(*a, *b));
    let mut rank = vec![0; count];
    for (position, vertex) in order.iter().enumerate() {
        rank[*vertex] = position;
    }
    for vertex in order {
        let after = Edge { from: vertex, to: (vertex + 1) % count, index: vertex };
        let index = (vertex + count - 1) % count;
        let before = Edge { from: vertex, to: index, index };
        for edge in [after, before] {
            if rank[edge.to] < rank[vertex]
                && let Some(crossing) = sweep.remove(edge.reversed())
            {
                return Some(crossing);
            }
        }
        for edge in [after, before] {
            if rank[vertex] < rank[edge.to]
                && let Some(crossing) = sweep.insert(edge)
            {
                return Some(crossing);
            }
        }
    }
    None
}

/// An edge, from the vertex that the sweep meets first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Edge {
    from: usize,
    to: usize,
    /// The vertex that it starts from in the outline.
    index: usize,
}

impl Edge {
    fn reversed(self) -> Self {
        Edge { from: self.to, to: self.from, index: self.index }
    }

    fn shares_vertex(self, other: Edge) -> bool {
        self.from == other.from
            || self.from == other.to
            || self.to == other.from
            || self.to == other.to
    }
}

struct Sweep<'a> {
    outline: &'a Outline,
    axis: Vector,
    /// The edges that the half-plane meets, the nearest to the axis last.
    active: Vec<Edge>,
}

impl Sweep<'_> {
    /// Orders two vertices as the sweep meets them.
    fn order(&self, a: usize, b: usize) -> std::cmp::Ordering {
        if a == b {
            return std::cmp::Ordering::Equal;
        }
        let points = self.outline.points();
        if is_counterclockwise(&self.axis, &points[a], &points[b]) {
            return std::cmp::Ordering::Less;
        }
        std::cmp::Ordering::Greater
    }

    /// Puts an edge, whose first vertex is being met, in its place.
    fn insert(&mut self, edge: Edge) -> Option<(usize, usize)> {
        let at = self.active.partition_point(|other| {
            let end = if other.from == edge.from { edge.to } else { edge.from };
            self.is_above(end, *other)
        });
        self.active.insert(at, edge);
        let below = at.checked_sub(1).and_then(|below| self.crossing(below, at));
        below.or_else(|| self.crossing(at, at + 1))
    }

    /// Takes out an edge, whose last vertex is being met.
    fn remove(&mut self, edge: Edge) -> Option<(usize, usize)> {
        let at = self.active.partition_point(|other| {
            let end = if other.to == edge.to { edge.from } else { edge.to };
            *other != edge && self.is_above(end, *other)
        });
        let removed = self.active.remove(at);
        assert_eq!(removed, edge, "edges that have not crossed keep their order");
        at.checked_sub(1).and_then(|below| self.crossing(below, at))
    }

    /// Tells whether a vertex is on the axis' side of an edge.
    fn is_above(&self, vertex: usize, edge: Edge) -> bool {
        let points = self.outline.points();
        is_counterclockwise(&points[edge.from], &points[edge.to], &points[vertex])
    }

    /// Returns the active edges at two places if both are there and cross.
    fn crossing(&self, at: usize, other_at: usize) -> Option<(usize, usize)> {
        let (edge, other) = (self.active.get(at)?, self.active.get(other_at)?);
        if edge.shares_vertex(*other) {
            return None;
        }
        let points = self.outline.points();
        let [a, b, c, d] = [edge.from, edge.to, other.from, other.to].map(|vertex| &points[vertex]);
        let pair = (edge.index.min(other.index), edge.index.max(other.index));
        arcs_cross(a, b, c, d).then_some(pair)
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
