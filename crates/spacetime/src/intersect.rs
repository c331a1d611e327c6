//! Whether areas meet, on the sphere.
//!
//! There is no projection: distances are chords in space between points of the unit sphere, which
//! floating-point numbers hold to some nanometers. Whatever comes within [`SLACK_M`] counts as
//! touching, so rounding never hides an intersection.

use s2::r3::vector::Vector;

use crate::ball::Ball;
use crate::circle::Circle;
use crate::direction::{angle, normal};
use crate::lat_lng::EARTH_RADIUS_M;
use crate::orientation::arcs_cross;
use crate::outline::Outline;

/// Areas that come this near to one another, in meters, count as meeting.
///
/// No intersection is ever missed; areas that are farther apart than this never count as meeting.
pub const SLACK_M: f64 = 0.001;

/// The same as a distance on the unit sphere.
const SLACK: f64 = SLACK_M / EARTH_RADIUS_M;

/// What is farther apart than this is left out at first sight. It is more than the slack, so that
/// rounding at first sight decides nothing, and the order of two areas does not matter.
const SIGHT: f64 = 2.0 * SLACK;

/// Tells whether two circles meet.
pub(crate) fn circles_meet(a: &Circle, b: &Circle) -> bool {
    angle(a.direction(), b.direction()) <= a.angle() + b.angle() + SLACK
}

/// Tells whether a circle meets an outline or its inside.
pub(crate) fn circle_meets_outline(circle: &Circle, outline: &Outline) -> bool {
    let disk = Disk::new(circle.direction(), circle.angle() + SLACK);
    if !disk.ball().meets(outline.bound(), SIGHT) {
        return false;
    }
    outline.contains(circle.direction()) || disk.meets_edge_of(outline)
}

/// Tells whether two outlines or their insides meet.
pub(crate) fn outlines_meet(a: &Outline, b: &Outline) -> bool {
    if !a.bound().meets(b.bound(), SIGHT) {
        return false;
    }
    // When no edges meet, the outlines are apart or one is inside the other.
    edges_meet(a, b) || a.contains(&b.points()[0]) || b.contains(&a.points()[0])
}

/// Tells whether a point is in a circle or within the slack of it.
pub(crate) fn circle_contains(circle: &Circle, point: &Vector) -> bool {
    angle(circle.direction(), point) <= circle.angle() + SLACK
}

/// Tells whether a point is inside an outline or within the slack of it.
pub(crate) fn outline_contains(outline: &Outline, point: &Vector) -> bool {
    let disk = Disk::new(point, SLACK);
    disk.ball().meets(outline.bound(), SIGHT)
        && (outline.contains(point) || disk.meets_edge_of(outline))
}

/// Tells whether an edge of one outline meets one of the other.
///
/// Looks at runs of edges first; the work is bounded by the product of their numbers of vertices.
fn edges_meet(a: &Outline, b: &Outline) -> bool {
    for (run_a, ball_a) in a.runs() {
        if !ball_a.meets(b.bound(), SIGHT) {
            continue;
        }
        for (run_b, ball_b) in b.runs() {
            if ball_a.meets(ball_b, SIGHT) && runs_meet((a, run_a.clone()), (b, run_b)) {
                return true;
            }
        }
    }
    false
}

/// A range of the edges of an outline.
type Run<'a> = (&'a Outline, std::ops::Range<usize>);

fn runs_meet((a, run_a): Run<'_>, (b, run_b): Run<'_>) -> bool {
    for edge in run_a.map(|index| a.edge(index)) {
        let normal = normal(edge.0, edge.1);
        let side_min = SIGHT * normal.norm();
        for other in run_b.clone().map(|index| b.edge(index)) {
            if !is_beyond(other, &normal, side_min) && arcs_meet(edge, other) {
                return true;
            }
        }
    }
    false
}

/// Tells whether both ends of an arc, and so all of it, are on one side of a great circle.
fn is_beyond((from, to): (&Vector, &Vector), normal: &Vector, side_min: f64) -> bool {
    let (from_side, to_side) = (normal.dot(from), normal.dot(to));
    (side_min < from_side && side_min < to_side) || (from_side < -side_min && to_side < -side_min)
}

/// Tells whether two arcs cross or come within the slack of one another.
fn arcs_meet(a: (&Vector, &Vector), b: (&Vector, &Vector)) -> bool {
    is_near_arc(a.0, b)
        || is_near_arc(a.1, b)
        || is_near_arc(b.0, a)
        || is_near_arc(b.1, a)
        || arcs_cross(a.0, a.1, b.0, b.1)
}

/// Tells whether a point is within the slack of an arc.
fn is_near_arc(point: &Vector, (from, to): (&Vector, &Vector)) -> bool {
    let is_near = |end: &Vector| (*point - *end).norm2() <= SLACK * SLACK;
    if is_near(from) || is_near(to) {
        return true;
    }
    let normal = normal(from, to);
    is_beside(point, (from, to), &normal) && is_within(point.dot(&normal), SLACK, normal.norm2())
}

/// Tells whether the point of the arc's great circle nearest to `point` is on the arc.
fn is_beside(point: &Vector, (from, to): (&Vector, &Vector), normal: &Vector) -> bool {
    0.0 <= normal.cross(from).dot(point) && normal.cross(to).dot(point) <= 0.0
}

/// Tells whether a product with a vector of squared length `norm2` is a sine of at most `sin`.
fn is_within(product: f64, sin: f64, norm2: f64) -> bool {
    product * product <= sin * sin * norm2
}

/// A circle on the unit sphere, with what is often needed of it.
struct Disk {
    center: Vector,
    /// The length of the chord from the center to the rim.
    chord: f64,
    /// The length of the chord from the opposite point to the rim.
    chord_opposite: f64,
}

impl Disk {
    fn new(center: &Vector, angle: f64) -> Self {
        let half = (angle / 2.0).min(std::f64::consts::FRAC_PI_2);
        Disk { center: *center, chord: 2.0 * half.sin(), chord_opposite: 2.0 * half.cos() }
    }

    fn ball(&self) -> Ball {
        Ball { center: self.center, radius: self.chord }
    }

    /// Tells whether any edge comes into the disk.
    fn meets_edge_of(&self, outline: &Outline) -> bool {
        let ball = self.ball();
        outline
            .runs()
            .filter(|(_, run_ball)| ball.meets(run_ball, SIGHT))
            .any(|(run, _)| run.into_iter().any(|index| self.meets_arc(outline.edge(index))))
    }

    fn meets_arc(&self, (from, to): (&Vector, &Vector)) -> bool {
        if self.contains(from) || self.contains(to) {
            return true;
        }
        let normal = normal(from, to);
        if !is_beside(&self.center, (from, to), &normal) {
            return false;
        }
        // The nearest point of the arc is at most a quarter turn away.
        let sin = 0.5 * self.chord * self.chord_opposite;
        self.chord_opposite <= self.chord
            || is_within(self.center.dot(&normal), sin, normal.norm2())
    }

    /// Tells whether a point is in the disk, by the shorter of the two chords, whose length is the
    /// more accurate one.
    fn contains(&self, point: &Vector) -> bool {
        if self.chord < self.chord_opposite {
            return (self.center - *point).norm2() <= self.chord * self.chord;
        }
        self.chord_opposite * self.chord_opposite <= (self.center + *point).norm2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lat_lng::LatLng;

    /// A point near the equator, so many meters north and east of longitude zero.
    fn at(north_m: f64, east_m: f64) -> Vector {
        let degrees = |meters: f64| (meters / EARTH_RADIUS_M).to_degrees();
        LatLng::new(degrees(north_m), degrees(east_m)).expect("in range").direction()
    }

    /// Checks two arcs in all orders of their ends and of themselves.
    fn check(a: (Vector, Vector), b: (Vector, Vector), expected: bool) {
        let reversed = |arc: (Vector, Vector)| (arc.1, arc.0);
        for (a, b) in [(a, b), (b, a)] {
            for a in [a, reversed(a)] {
                for b in [b, reversed(b)] {
                    let (a, b) = ((&a.0, &a.1), (&b.0, &b.1));
                    assert_eq!(arcs_meet(a, b), expected, "{a:?} {b:?}");
                    let normal = normal(a.0, a.1);
                    let is_beyond = is_beyond(b, &normal, SIGHT * normal.norm());
                    assert!(!expected || !is_beyond, "left out at first sight: {a:?} {b:?}");
                }
            }
        }
    }

    #[test]
    fn arcs_meet_when_they_cross_or_come_within_a_millimeter() {
        let arc = (at(0.0, 0.0), at(0.0, 1_000.0));
        for (from, to, expected) in [
            ((-10.0, 500.0), (10.0, 500.0), true),
            ((-10.0, 500.0), (10.0, 2_000.0), false),
            ((0.000_9, 500.0), (10.0, 500.0), true),
            ((0.001_1, 500.0), (10.0, 500.0), false),
            ((-0.000_9, 500.0), (-10.0, 400.0), true),
            ((-0.001_1, 500.0), (-10.0, 400.0), false),
            ((0.0, 1_000.000_9), (0.0, 2_000.0), true),
            ((0.0, 1_000.001_1), (0.0, 2_000.0), false),
            ((0.0, -0.000_9), (5.0, -10.0), true),
            ((0.0, -0.001_1), (5.0, -10.0), false),
            ((0.0, 1_000.0), (10.0, 1_010.0), true),
            ((0.000_9, -500.0), (0.000_9, 1_500.0), true),
            ((0.001_1, -500.0), (0.001_1, 1_500.0), false),
        ] {
            check(arc, (at(from.0, from.1), at(to.0, to.1)), expected);
        }
    }

    #[test]
    fn an_arc_is_beyond_a_circle_on_either_side_only() {
        let (from, to) = (at(0.0, 0.0), at(0.0, 1_000.0));
        let normal = normal(&from, &to);
        let side_min = SIGHT * normal.norm();
        let is_beyond = |from_m: f64, to_m: f64| {
            is_beyond((&at(from_m, 0.0), &at(to_m, 5_000.0)), &normal, side_min)
        };

        assert!(is_beyond(0.01, 500.0) && is_beyond(500.0, 0.01));
        assert!(is_beyond(-0.01, -500.0) && is_beyond(-500.0, -0.01));
        assert!(!is_beyond(-0.01, 0.01) && !is_beyond(0.01, -0.01));
        assert!(!is_beyond(0.001, 500.0) && !is_beyond(500.0, 0.001));
        assert!(!is_beyond(-0.001, -500.0) && !is_beyond(-500.0, -0.001));
    }

    #[test]
    fn a_disk_meets_an_arc_that_passes_between_its_ends() {
        let (from, to) = (at(0.0, -5_000.0), at(0.0, 5_000.0));
        for (north_m, radius_m, expected) in [
            (100.0, 100.1, true),
            (100.0, 99.9, false),
            (-100.0, 100.1, true),
            (-100.0, 99.9, false),
        ] {
            let disk = Disk::new(&at(north_m, 0.0), radius_m / EARTH_RADIUS_M);
            assert_eq!(disk.meets_arc((&from, &to)), expected, "{north_m} {radius_m}");
            assert_eq!(disk.meets_arc((&to, &from)), expected, "{north_m} {radius_m}");
        }
        let beside = Disk::new(&at(0.0, 5_100.0), 99.9 / EARTH_RADIUS_M);
        assert!(!beside.meets_arc((&from, &to)));
    }
}
