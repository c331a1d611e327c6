//! Outlines on the sphere, as unit vectors: which share a point, and how far apart the others are.
//!
//! Edges are arcs of great circles. Everything is a sign of a triple product, a sum of angles or a
//! distance to an arc; there is no projection. Errors stay below a millimeter for outlines up to
//! some hundred kilometers wide.

use std::f64::consts::PI;
use std::ops::{Add, Mul, Sub};

use spacetime::{Area, LatLng, Volume};

/// The radius that the coverings of F3548-21 implementations use.
const EARTH_RADIUS_M: f64 = 6_371_010.0;

/// A point of space; a point of the sphere when its length is 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Vector {
    x: f64,
    y: f64,
    z: f64,
}

/// The edge of an area, with a circle around it all to tell quickly what is far away.
#[derive(Clone, Debug)]
pub(super) struct Outline {
    shape: Shape,
    center: Vector,
    reach_m: f64,
}

#[derive(Clone, Debug)]
enum Shape {
    Polygon(Vec<Vector>),
    Circle,
}

impl Outline {
    /// Returns the outline of the area of `volume`.
    pub(super) fn of(volume: &Volume) -> Self {
        match volume.area() {
            Area::Polygon(polygon) => Outline::polygon(polygon.vertices()),
            Area::Circle(circle) => Outline {
                shape: Shape::Circle,
                center: Vector::of(circle.center()),
                reach_m: circle.radius_m(),
            },
        }
    }

    fn polygon(vertices: &[LatLng]) -> Self {
        let corners: Vec<Vector> = vertices.iter().map(|corner| Vector::of(*corner)).collect();
        let sum = corners.iter().fold(Vector { x: 0.0, y: 0.0, z: 0.0 }, |sum, &at| sum + at);
        let center = sum.normalized();
        let reach_m = corners.iter().map(|&at| center.distance_m(at)).fold(0.0, f64::max);
        Outline { shape: Shape::Polygon(corners), center, reach_m }
    }

    /// Returns how far apart the two areas are at least, in meters: 0 when they share a point.
    pub(super) fn gap_m(&self, other: &Outline) -> f64 {
        match (&self.shape, &other.shape) {
            (Shape::Circle, Shape::Circle) => {
                (self.center.distance_m(other.center) - self.reach_m - other.reach_m).max(0.0)
            }
            (Shape::Circle, Shape::Polygon(corners)) => gap_to_circle_m(corners, self),
            (Shape::Polygon(corners), Shape::Circle) => gap_to_circle_m(corners, other),
            (Shape::Polygon(ours), Shape::Polygon(theirs)) => gap_of_polygons_m(ours, theirs),
        }
    }

    /// Tells whether the two areas share a point.
    pub(super) fn meets(&self, other: &Outline) -> bool {
        let centers_apart_m = self.center.distance_m(other.center);
        if self.reach_m + other.reach_m + 1.0 < centers_apart_m {
            return false;
        }
        self.gap_m(other) <= 0.0
    }

    /// Returns how deep inside the area a point lies, in meters; negative outside.
    pub(super) fn depth_m(&self, point: LatLng) -> f64 {
        let point = Vector::of(point);
        let Shape::Polygon(corners) = &self.shape else {
            return self.reach_m - self.center.distance_m(point);
        };
        let to_edge_m = distance_to_edges_m(point, corners);
        if contains(corners, point) { to_edge_m } else { -to_edge_m }
    }

    /// Tells whether two outlines are drawn alike, each corner within `tolerance_m`.
    pub(super) fn is_like(&self, other: &Outline, tolerance_m: f64) -> bool {
        match (&self.shape, &other.shape) {
            (Shape::Circle, Shape::Circle) => {
                self.center.distance_m(other.center) <= tolerance_m
                    && (self.reach_m - other.reach_m).abs() <= tolerance_m
            }
            (Shape::Polygon(ours), Shape::Polygon(theirs)) => {
                ours.len() == theirs.len()
                    && ours.iter().zip(theirs).all(|(a, b)| a.distance_m(*b) <= tolerance_m)
            }
            (Shape::Circle, Shape::Polygon(_)) | (Shape::Polygon(_), Shape::Circle) => false,
        }
    }
}

fn gap_to_circle_m(corners: &[Vector], circle: &Outline) -> f64 {
    if contains(corners, circle.center) {
        return 0.0;
    }
    (distance_to_edges_m(circle.center, corners) - circle.reach_m).max(0.0)
}

/// Two polygons share a point when edges cross or when one holds a corner of the other; otherwise
/// they are nearest to each other at a corner of one of them.
fn gap_of_polygons_m(ours: &[Vector], theirs: &[Vector]) -> f64 {
    for (a, b) in edges(ours) {
        if edges(theirs).any(|(c, d)| cross(a, b, c, d)) {
            return 0.0;
        }
    }
    if contains(theirs, ours[0]) || contains(ours, theirs[0]) {
        return 0.0;
    }
    let from_ours = ours.iter().map(|&corner| distance_to_edges_m(corner, theirs));
    let from_theirs = theirs.iter().map(|&corner| distance_to_edges_m(corner, ours));
    from_ours.chain(from_theirs).fold(f64::INFINITY, f64::min)
}

fn edges(corners: &[Vector]) -> impl Iterator<Item = (Vector, Vector)> {
    corners.iter().copied().zip(corners.iter().copied().cycle().skip(1))
}

/// Tells whether the arcs a-b and c-d cross, ends excluded.
fn cross(a: Vector, b: Vector, c: Vector, d: Vector) -> bool {
    let ours = a.cross(b);
    let theirs = c.cross(d);
    let apart = |from: f64, to: f64| (from < 0.0 && 0.0 < to) || (to < 0.0 && 0.0 < from);
    // The great circles meet in two opposite points; the arcs cross only in the near one.
    apart(ours.dot(c), ours.dot(d))
        && apart(theirs.dot(a), theirs.dot(b))
        && 0.0 < (a + b).dot(c + d)
}

/// Tells whether the polygon winds around the point: its edges' bearings sum to a full turn.
fn contains(corners: &[Vector], point: Vector) -> bool {
    let mut turned = 0.0;
    for (from, to) in edges(corners) {
        let (from, to) = (point.cross(from), point.cross(to));
        turned += point.dot(from.cross(to)).atan2(from.dot(to));
    }
    PI < turned.abs() && 0.0 < point.dot(corners[0])
}

fn distance_to_edges_m(point: Vector, corners: &[Vector]) -> f64 {
    edges(corners).map(|(a, b)| distance_to_arc_m(point, a, b)).fold(f64::INFINITY, f64::min)
}

/// Returns the distance of a point from the arc of a great circle from `a` to `b`.
fn distance_to_arc_m(point: Vector, a: Vector, b: Vector) -> f64 {
    let normal = a.cross(b);
    let beside = 0.0 < normal.cross(a).dot(point) && normal.cross(b).dot(point) < 0.0;
    if beside {
        return normal.normalized().dot(point).abs().min(1.0).asin() * EARTH_RADIUS_M;
    }
    point.distance_m(a).min(point.distance_m(b))
}

impl Vector {
    /// Returns the point of the sphere at a latitude and longitude.
    pub(super) fn of(position: LatLng) -> Self {
        let (sin_lat, cos_lat) = position.lat_deg().to_radians().sin_cos();
        let (sin_lng, cos_lng) = position.lng_deg().to_radians().sin_cos();
        Vector { x: cos_lat * cos_lng, y: cos_lat * sin_lng, z: sin_lat }
    }

    fn dot(self, other: Vector) -> f64 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    fn cross(self, other: Vector) -> Vector {
        Vector {
            x: self.y * other.z - self.z * other.y,
            y: self.z * other.x - self.x * other.z,
            z: self.x * other.y - self.y * other.x,
        }
    }

    fn normalized(self) -> Vector {
        self * (1.0 / self.dot(self).sqrt())
    }

    /// Returns the length of the shortest way over the sphere.
    fn distance_m(self, other: Vector) -> f64 {
        let chord = self - other;
        2.0 * (chord.dot(chord).sqrt() / 2.0).min(1.0).asin() * EARTH_RADIUS_M
    }
}

impl Add for Vector {
    type Output = Vector;

    fn add(self, other: Vector) -> Vector {
        Vector { x: self.x + other.x, y: self.y + other.y, z: self.z + other.z }
    }
}

impl Sub for Vector {
    type Output = Vector;

    fn sub(self, other: Vector) -> Vector {
        Vector { x: self.x - other.x, y: self.y - other.y, z: self.z - other.z }
    }
}

impl Mul<f64> for Vector {
    type Output = Vector;

    fn mul(self, by: f64) -> Vector {
        Vector { x: self.x * by, y: self.y * by, z: self.z * by }
    }
}

#[cfg(test)]
mod tests {
    use spacetime::{Circle, Polygon};

    use super::*;

    /// Degrees of latitude that make a meter.
    const DEG_PER_M: f64 = 180.0 / (PI * EARTH_RADIUS_M);

    fn at(east_m: f64, north_m: f64) -> LatLng {
        // On the equator a degree of longitude is as long as one of latitude.
        LatLng::new(north_m * DEG_PER_M, east_m * DEG_PER_M).expect("near the equator")
    }

    fn outline(area: impl Into<Area>) -> Outline {
        Outline::of(&Volume::new(area.into(), None, None, None, None).expect("a volume"))
    }

    fn polygon(corners: &[(f64, f64)]) -> Outline {
        let corners = corners.iter().map(|&(east_m, north_m)| at(east_m, north_m)).collect();
        outline(Polygon::new(corners).expect("a polygon"))
    }

    fn square(west_m: f64, south_m: f64, side_m: f64) -> Outline {
        let (east_m, north_m) = (west_m + side_m, south_m + side_m);
        polygon(&[(west_m, south_m), (east_m, south_m), (east_m, north_m), (west_m, north_m)])
    }

    fn circle(east_m: f64, north_m: f64, radius_m: f64) -> Outline {
        outline(Circle::new(at(east_m, north_m), radius_m).expect("a circle"))
    }

    #[test]
    fn measures_the_gap_between_squares() {
        let here = square(0.0, 0.0, 100.0);

        assert!((here.gap_m(&square(130.0, 0.0, 100.0)) - 30.0).abs() < 0.001);
        assert!((here.gap_m(&square(130.0, 140.0, 100.0)) - 50.0).abs() < 0.001);
        assert!(!here.meets(&square(100.01, 0.0, 100.0)));
        assert!(here.meets(&square(99.99, 0.0, 100.0)));
    }

    #[test]
    fn sees_a_cross_that_holds_no_corner_of_either() {
        let lying = polygon(&[(-500.0, -10.0), (500.0, -10.0), (500.0, 10.0), (-500.0, 10.0)]);
        let upright = polygon(&[(-10.0, -500.0), (10.0, -500.0), (10.0, 500.0), (-10.0, 500.0)]);

        assert!(lying.meets(&upright));
    }

    #[test]
    fn sees_an_area_inside_another() {
        let large = square(0.0, 0.0, 1_000.0);
        let small = square(400.0, 400.0, 10.0);

        assert!(large.meets(&small));
        assert!(small.meets(&large));
        assert!(large.meets(&circle(500.0, 500.0, 1.0)));
        assert!(circle(500.0, 500.0, 5_000.0).meets(&large));
    }

    #[test]
    fn leaves_the_notch_of_a_concave_area_free() {
        let horseshoe = polygon(&[
            (0.0, 0.0),
            (300.0, 0.0),
            (300.0, 300.0),
            (200.0, 300.0),
            (200.0, 100.0),
            (100.0, 100.0),
            (100.0, 300.0),
            (0.0, 300.0),
        ]);

        assert!((horseshoe.gap_m(&square(140.0, 200.0, 20.0)) - 40.0).abs() < 0.001);
        assert!((horseshoe.gap_m(&circle(150.0, 200.0, 20.0)) - 30.0).abs() < 0.001);
    }

    #[test]
    fn measures_circles_to_the_rim() {
        let here = circle(0.0, 0.0, 100.0);

        assert!((here.gap_m(&circle(300.0, 0.0, 150.0)) - 50.0).abs() < 0.001);
        assert!((here.gap_m(&square(150.0, -50.0, 100.0)) - 50.0).abs() < 0.001);
        assert!(here.meets(&square(99.0, -50.0, 100.0)));
    }

    #[test]
    fn measures_how_deep_a_point_lies() {
        let here = square(0.0, 0.0, 200.0);

        assert!((here.depth_m(at(50.0, 100.0)) - 50.0).abs() < 0.001);
        assert!((here.depth_m(at(-30.0, 100.0)) + 30.0).abs() < 0.001);
        assert!((circle(0.0, 0.0, 100.0).depth_m(at(60.0, 0.0)) - 40.0).abs() < 0.001);
    }

    #[test]
    fn takes_edges_as_great_circles() {
        // At 60 degrees north an arc between two points of one latitude runs north of it.
        let corner = |lat_deg, lng_deg| LatLng::new(lat_deg, lng_deg).expect("in range");
        let wide = [corner(60.0, 0.0), corner(60.0, 10.0), corner(59.0, 10.0), corner(59.0, 0.0)];
        let wide = outline(Polygon::new(wide.to_vec()).expect("a polygon"));

        assert!(0.0 < wide.depth_m(corner(60.05, 5.0)));
        assert!(wide.depth_m(corner(60.3, 5.0)) < 0.0);
        assert!(wide.depth_m(corner(59.03, 5.0)) < 0.0);
    }
}
