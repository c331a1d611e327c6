//! A closed chain of great-circle arcs on one half of the sphere.

use std::ops::Range;

use s2::r3::vector::Vector;

use crate::ball::Ball;
use crate::direction::angle;
use crate::orientation::{arcs_cross_given_sides, is_counterclockwise};

/// Every vertex of an outline is at least this far inside the half of the sphere around its
/// center, as a cosine: about six meters on the earth.
const COSINE_MIN: f64 = 1e-6;

/// How many edges in a row share a ball.
const EDGES_PER_RUN: usize = 16;

/// A closed chain of great-circle arcs, all of it on one half of the sphere.
///
/// Of the two regions that it bounds, the one on that half is meant: it is the smaller one,
/// whichever way the vertices wind.
#[derive(Clone, Debug)]
pub(crate) struct Outline {
    points: Box<[Vector]>,
    /// Holds the outline and its inside; its center is in the middle of the half sphere.
    bound: Ball,
    /// Hold the edges, so many in a row each.
    run_balls: Box<[Ball]>,
    /// A point that is certainly outside, a quarter of a circle from the center.
    outside: Vector,
}

impl Outline {
    /// Returns the outline through the given directions, or `None` when they are not all on one
    /// half of the sphere, as seen from their mean.
    ///
    /// Vertices that lie within 45 degrees (5,000 km) of any point always are.
    pub(crate) fn new(points: Box<[Vector]>) -> Option<Self> {
        assert!(3 <= points.len(), "an outline has three vertices");
        let sum = points.iter().fold(Vector::default(), |sum, point| sum + *point);
        let center = sum.normalize();
        if !points.iter().all(|point| COSINE_MIN <= point.dot(&center)) {
            return None;
        }
        let chord2 = points.iter().map(|point| (*point - center).norm2()).fold(0.0, f64::max);
        // A cap smaller than a half sphere is convex: it holds all that is between the vertices.
        let bound = Ball { center, radius: chord2.sqrt() + 4.0 * f64::EPSILON };
        let outside = center.ortho();
        let mut outline = Outline { points, bound, run_balls: Box::default(), outside };
        let balls: Vec<Ball> =
            outline.edges().map(|(from, to)| Ball::around_arc(from, to)).collect();
        outline.run_balls = balls.chunks(EDGES_PER_RUN).map(Ball::around).collect();
        Some(outline)
    }

    /// Returns the vertices.
    pub(crate) fn points(&self) -> &[Vector] {
        &self.points
    }

    /// Returns a ball that holds the outline and its inside, with its center on the sphere.
    pub(crate) fn bound(&self) -> &Ball {
        &self.bound
    }

    /// Returns all edges, by index, in runs with a ball that holds each.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (Range<usize>, &Ball)> {
        self.run_balls.iter().enumerate().map(|(run, ball)| {
            let first = run * EDGES_PER_RUN;
            (first..(first + EDGES_PER_RUN).min(self.points.len()), ball)
        })
    }

    /// Returns edge `index`, from vertex `index` to the next.
    pub(crate) fn edge(&self, index: usize) -> (&Vector, &Vector) {
        let next = if index + 1 == self.points.len() { 0 } else { index + 1 };
        (&self.points[index], &self.points[next])
    }

    /// Returns all edges in order.
    pub(crate) fn edges(&self) -> impl Iterator<Item = (&Vector, &Vector)> {
        (0..self.points.len()).map(|index| self.edge(index))
    }

    /// Tells whether `point` is inside.
    ///
    /// Exact; a point on the outline counts as moved by an infinitely small amount.
    pub(crate) fn contains(&self, point: &Vector) -> bool {
        if self.bound.radius * self.bound.radius < (*point - self.bound.center).norm2() {
            return false;
        }
        let outside = &self.outside;
        let mut inside = false;
        let last = &self.points[self.points.len() - 1];
        let mut from_is_left = is_counterclockwise(point, outside, last);
        for (from, to) in self.edges_from_last() {
            let to_is_left = is_counterclockwise(point, outside, to);
            if to_is_left != from_is_left
                && arcs_cross_given_sides(point, outside, from, to, to_is_left)
            {
                inside = !inside;
            }
            from_is_left = to_is_left;
        }
        inside
    }

    /// Returns the enclosed area as a solid angle, in steradians; never negative, less than 2 pi.
    pub(crate) fn area(&self) -> f64 {
        let first = &self.points[0];
        let fan = self.points.windows(2).skip(1);
        fan.map(|pair| signed_area(first, &pair[0], &pair[1])).sum::<f64>().abs()
    }

    /// Returns the length of all edges as an angle, in radians.
    pub(crate) fn length(&self) -> f64 {
        self.edges().map(|(from, to)| angle(from, to)).sum()
    }

    /// Returns all edges, the closing one first.
    fn edges_from_last(&self) -> impl Iterator<Item = (&Vector, &Vector)> {
        let last = self.points.len() - 1;
        std::iter::once(self.edge(last)).chain((0..last).map(|index| self.edge(index)))
    }
}

/// Returns the area of a triangle, positive when it turns counterclockwise.
///
/// The determinant is taken of differences, so that small triangles are accurate too.
fn signed_area(a: &Vector, b: &Vector, c: &Vector) -> f64 {
    let determinant = (*b - *a).cross(&(*c - *a)).dot(a);
    2.0 * determinant.atan2(1.0 + a.dot(b) + b.dot(c) + c.dot(a))
}
