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
    // The coefficients of the expanded determinant, the largest term first. The search ends with
    // the last one at the latest, since `c` is not the earth's center.
    let terms: [&dyn Fn() -> f64; 8] = [
        &|| minor(b.x, b.y, c.x, c.y),
        &|| minor(b.z, b.x, c.z, c.x),
        &|| minor(b.y, b.z, c.y, c.z),
        &|| minor(c.x, c.y, a.x, a.y),
        &|| c.x,
        &|| -c.y,
        &|| minor(c.z, c.x, a.z, a.x),
        &|| c.z,
    ];
    let sign = terms.iter().map(|term| term()).find(|term| *term != 0.0);
    (0.0 < sign.expect("c is not the center")) == is_even
}

/// Tells whether `a` comes after `b` by x, then y, then z.
fn is_after(a: &Vector, b: &Vector) -> bool {
    (b.x, b.y, b.z) < (a.x, a.y, a.z)
}

/// Returns a number with the sign of `a * d - b * c`, exactly.
fn minor(a: f64, b: f64, c: f64, d: f64) -> f64 {
    orient2d(Coord { x: a, y: b }, Coord { x: c, y: d }, Coord { x: 0.0, y: 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lat_lng::LatLng;

    fn at(lat_deg: f64, lng_deg: f64) -> Vector {
        LatLng::new(lat_deg, lng_deg).expect("in range").direction()
    }

    /// Checks all six orders of three points.
    fn check(a: Vector, b: Vector, c: Vector, expected: bool) {
        for (a, b, c) in [(a, b, c), (b, c, a), (c, a, b)] {
            assert_eq!(is_counterclockwise(&a, &b, &c), expected, "{a:?} {b:?} {c:?}");
            assert_eq!(is_counterclockwise(&c, &b, &a), !expected, "{c:?} {b:?} {a:?}");
        }
    }

    #[test]
    fn sees_the_turn_of_points_that_are_apart() {
        check(at(0.0, 0.0), at(0.0, 1.0), at(1.0, 0.5), true);
        check(at(0.0, 0.0), at(0.0, 1e-6), at(1e-6, 0.0), true);
        check(at(80.0, 179.0), at(80.0, -179.0), at(-80.0, 180.0), false);
    }

    #[test]
    fn sees_the_turn_of_points_that_only_exact_arithmetic_can_tell() {
        // Three points in a row in the plane of two axes; the shortcuts for such points must not
        // be taken when one of them is a hair outside it.
        for axis in 0..3 {
            let point = |degrees: f64, off: f64| {
                let (sin, cos) = degrees.to_radians().sin_cos();
                let mut components = [cos, sin, 0.0];
                components[2] = off;
                components.rotate_right(axis);
                Vector::new(components[0], components[1], components[2])
            };
            for off in [1e-17, 1e-60] {
                check(point(10.0, 0.0), point(11.0, off), point(12.0, 0.0), false);
                check(point(10.0, 0.0), point(11.0, -off), point(12.0, 0.0), true);
                check(point(10.0, off), point(11.0, 0.0), point(12.0, 0.0), true);
                check(point(10.0, 0.0), point(11.0, 0.0), point(12.0, -off), false);
            }
        }
    }

    #[test]
    fn decides_about_points_on_one_circle_as_golang_geo_does() {
        let equator = |a, b, c, expected| check(at(0.0, a), at(0.0, b), at(0.0, c), expected);
        equator(0.0, 1.0, 2.0, true);
        equator(0.0, 2.0, 1.0, false);
        equator(-10.0, 170.0, 3.0, false);
        equator(0.0, 90.0, 180.0, true);
        let meridian = |a, b, c, expected| check(at(a, 0.0), at(b, 0.0), at(c, 0.0), expected);
        meridian(0.0, 1.0, 2.0, false);
        meridian(-5.0, 5.0, 90.0, false);
        // Three points exactly in a row in space, and with the middle one moved by its last place.
        let a =
            Vector::new(0.725_719_278_770_368_3, 0.460_588_256_058_891, 0.511_067_497_305_048_5);
        let b =
            Vector::new(0.725_719_274_663_820_8, 0.460_588_265_738_181_7, 0.511_067_494_413_127_4);
        let middle = |y| Vector::new(0.725_719_276_717_094_6, y, 0.511_067_495_859_088);
        check(a, b, middle(0.460_588_260_898_536_33), false);
        check(a, b, middle(0.460_588_260_898_536_3), true);
        // Each of these is decided by another coefficient, the first by the first.
        for [a, b, c] in [
            [[-3.0, -1.0, 0.0], [-2.0, 1.0, 0.0], [1.0, -2.0, 0.0]],
            [[-6.0, 3.0, 3.0], [-4.0, 2.0, -1.0], [-2.0, 1.0, 4.0]],
            [[0.0, -1.0, -1.0], [0.0, 1.0, -2.0], [0.0, 2.0, 1.0]],
            [[-1.0, 2.0, 7.0], [2.0, 1.0, -4.0], [4.0, 2.0, -8.0]],
            [[-4.0, -2.0, 7.0], [2.0, 1.0, -4.0], [4.0, 2.0, -8.0]],
            [[0.0, -5.0, 7.0], [0.0, -4.0, 8.0], [0.0, -2.0, 4.0]],
            [[-5.0, -2.0, 7.0], [0.0, 0.0, -2.0], [0.0, 0.0, -1.0]],
            [[0.0, -2.0, 7.0], [0.0, 0.0, 1.0], [0.0, 0.0, 2.0]],
        ] {
            let [a, b, c] = [a, b, c].map(|[x, y, z]| Vector::new(x, y, z));
            check(a, b, c, true);
        }
        let axis = |x, y, z| Vector::new(x, y, z);
        check(axis(1.0, 0.0, 0.0), axis(-1.0, 0.0, 0.0), axis(0.0, 1.0, 0.0), false);
        check(axis(0.0, 0.0, 1.0), axis(0.0, 0.0, -1.0), axis(0.0, 1.0, 0.0), true);
        check(axis(0.0, 1.0, 0.0), axis(0.0, -1.0, 0.0), axis(0.0, 0.0, 1.0), false);
    }

    #[test]
    fn takes_a_point_that_equals_another_as_beside_it() {
        let (point, other) = (at(10.0, 10.0), at(20.0, 20.0));

        let left = is_counterclockwise(&point, &point, &other);

        assert_eq!(is_counterclockwise(&point, &other, &point), !left);
    }

    #[test]
    fn arcs_cross_only_between_their_ends() {
        let (west, east) = (at(0.0, -1.0), at(0.0, 1.0));

        assert!(arcs_cross(&west, &east, &at(-1.0, 0.5), &at(1.0, 0.5)));
        assert!(!arcs_cross(&west, &east, &at(-1.0, 1.5), &at(1.0, 1.5)));
        assert!(!arcs_cross(&west, &east, &at(0.5, 0.0), &at(1.0, 0.0)));
        assert!(!arcs_cross(&west, &east, &at(-1.0, 179.5), &at(1.0, 179.5)));
        assert!(!arcs_cross(&west, &at(0.0, 0.0), &at(0.0, 0.5), &east));
    }
}
