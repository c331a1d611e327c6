//! Exact answers about which side of a great circle a point is on.
//!
//! Points are directions from the earth's center. Where three of them lie exactly on one great
//! circle the answer is that of points moved by infinitely small amounts (Edelsbrunner and Muecke,
//! "Simulation of Simplicity", 1990), ordered by coordinates as golang/geo orders them: so there
//! is always an answer, all answers fit together, and the same outlines are accepted.

use robust::{Coord, Coord3D, orient2d, orient3d};
use s2::r3::vector::Vector;

/// Bounds the rounding error of the determinant of three vectors of about unit length.
const DETERMINANT_ERROR_MAX: f64 = 1e-15;

/// Tells whether `a`, `b`, `c` turn counterclockwise, seen from outside the sphere.
///
/// `b` and `c` must differ; `a` may equal one of them, and counts as a different point just before
/// it, as long as every question asks with the same point first.
pub(crate) fn is_counterclockwise(a: &Vector, b: &Vector, c: &Vector) -> bool {
    let determinant = a.cross(b).dot(c);
    if DETERMINANT_ERROR_MAX < determinant.abs() {
        return 0.0 < determinant;
    }
    let determinant = exact_determinant(a, b, c);
    if determinant != 0.0 {
        return 0.0 < determinant;
    }
    perturbed_is_counterclockwise(a, b, c)
}

/// Tells whether the arcs `a`-`b` and `c`-`d`, each shorter than half a circle, cross.
///
/// `c` and `d` must differ from one another; see [`is_counterclockwise`] for equal points.
pub(crate) fn arcs_cross(a: &Vector, b: &Vector, c: &Vector, d: &Vector) -> bool {
    let d_is_left = is_counterclockwise(a, b, d);
    if d_is_left == is_counterclockwise(a, b, c) {
        return false;
    }
    arcs_cross_given_sides(a, b, c, d, d_is_left)
}

/// Tells whether the arcs cross, given that `c` and `d` are on different sides of the circle
/// through `a` and `b`, and whether `d` is on its left.
pub(crate) fn arcs_cross_given_sides(
    a: &Vector,
    b: &Vector,
    c: &Vector,
    d: &Vector,
    d_is_left: bool,
) -> bool {
    is_counterclockwise(a, c, d) == d_is_left && is_counterclockwise(b, c, d) != d_is_left
}

/// Returns a number with the sign of the determinant of the three vectors.
fn exact_determinant(a: &Vector, b: &Vector, c: &Vector) -> f64 {
    // All in one coordinate plane, as on the equator: common, and slow for the general method.
    if (a.z == 0.0 && b.z == 0.0 && c.z == 0.0)
        || (a.y == 0.0 && b.y == 0.0 && c.y == 0.0)
        || (a.x == 0.0 && b.x == 0.0 && c.x == 0.0)
    {
        return 0.0;
    }
    // The plane through two of them and the origin, seen from the third: differences of points
    // that are near one another are exact, which spares most of the long arithmetic.
    let origin = Coord3D { x: 0.0, y: 0.0, z: 0.0 };
    -orient3d(coord(a), coord(b), origin, coord(c))
}

fn coord(v: &Vector) -> Coord3D<f64> {
    Coord3D { x: v.x, y: v.y, z: v.z }
}

/// Answers for points exactly on one great circle: in ascending order each is moved by an
/// infinitely small amount, the first the most, and of its coordinates z the most.
fn perturbed_is_counterclockwise(a: &Vector, b: &Vector, c: &Vector) -> bool {
    let (mut p, mut is_even) = ([a, b, c], true);
    for (left, right) in [(0, 1), (1, 2), (0, 1)] {
        if is_after(p[left], p[right]) {
            p.swap(left, right);
            is_even = !is_even;
        }
    }
    let [a, b, c] = p;
    // The coefficients of the expanded determinant, the largest term first.
    let terms: [&dyn Fn() -> f64; 12] = [
        &|| minor(b.x, b.y, c.x, c.y),
        &|| minor(b.z, b.x, c.z, c.x),
        &|| minor(b.y, b.z, c.y, c.z),
        &|| minor(c.x, c.y, a.x, a.y),
        &|| c.x,
        &|| -c.y,
        &|| minor(c.z, c.x, a.z, a.x),
        &|| c.z,
        &|| minor(a.x, a.y, b.x, b.y),
        &|| -b.x,
        &|| b.y,
        &|| a.x,
    ];
    let sign = terms.iter().map(|term| term()).find(|term| *term != 0.0).unwrap_or(1.0);
    (0.0 < sign) == is_even
}

/// Tells whether `a` comes after `b` by x, then y, then z.
fn is_after(a: &Vector, b: &Vector) -> bool {
    (b.x, b.y, b.z) < (a.x, a.y, a.z)
}

/// Returns a number with the sign of `a * d - b * c`, exactly.
fn minor(a: f64, b: f64, c: f64, d: f64) -> f64 {
    orient2d(Coord { x: a, y: b }, Coord { x: c, y: d }, Coord { x: 0.0, y: 0.0 })
}
