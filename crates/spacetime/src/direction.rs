//! Directions from the earth's center: what is asked of two of them.

use s2::r3::vector::Vector;

/// Returns the angle between two directions, in radians; accurate for small angles too.
pub(crate) fn angle(a: &Vector, b: &Vector) -> f64 {
    normal(a, b).norm().atan2(2.0 * a.dot(b))
}

/// Returns twice the cross product of two unit vectors, accurate however near they are to one
/// another.
pub(crate) fn normal(from: &Vector, to: &Vector) -> Vector {
    (*from - *to).cross(&(*from + *to))
}
