//! Balls in space that hold parts of the unit sphere: a cheap first look at what may meet.

use s2::r3::vector::Vector;

/// All points of space within a distance of a center; the unit is the earth's radius.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ball {
    pub(crate) center: Vector,
    pub(crate) radius: f64,
}

impl Ball {
    /// Returns the ball that holds an arc shorter than half a circle: its ends are opposite points
    /// of the ball's surface, which every point of the arc sees at a right angle or more.
    pub(crate) fn around_arc(from: &Vector, to: &Vector) -> Self {
        Ball { center: (*from + *to) * 0.5, radius: 0.5 * (*to - *from).norm() }
    }

    /// Returns a ball that holds all of the given ones, of which there is at least one.
    pub(crate) fn around(balls: &[Ball]) -> Self {
        assert!(!balls.is_empty(), "there is a ball");
        let sum = balls.iter().fold(Vector::default(), |sum, ball| sum + ball.center);
        let center = sum * (1.0 / balls.len() as f64);
        let reach = |ball: &Ball| (ball.center - center).norm() + ball.radius;
        Ball { center, radius: balls.iter().map(reach).fold(0.0, f64::max) }
    }

    /// Tells whether the balls come within `slack` of one another.
    pub(crate) fn meets(&self, other: &Ball, slack: f64) -> bool {
        let reach = self.radius + other.radius + slack;
        (self.center - other.center).norm2() <= reach * reach
    }
}
