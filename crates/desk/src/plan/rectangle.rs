//! Rectangles on the sphere that hold given points with a margin around them.
//!
//! They are made in the gnomonic projection around the middle of the points. There every great
//! circle is a straight line, so a rectangle's edges are the edges of the polygon on the sphere,
//! and what is convex in the plane is convex on the sphere: a rectangle that holds two points holds
//! the arc between them. Lengths in the plane are never shorter than on the sphere.

use spacetime::{Area, AreaError, LatLng, Polygon};

/// The smallest radius of curvature of the WGS84 ellipsoid, in meters, rounded down: an angle made
/// of a length with it is large enough on every course at every latitude.
const RADIUS_OF_CURVATURE_M_MIN: f64 = 6_335_000.0;
/// How far points may lie from their middle, in meters along the sphere.
pub(crate) const REACH_M_MAX: f64 = 600_000.0;
/// Corners are rounded to so many units a degree, to keep messages short.
const UNITS_PER_DEGREE: f64 = 1e7;
/// How far rounding may move a corner, in radians, with room to spare (6 cm).
const ROUNDING: f64 = 1e-8;
/// Points nearer than this to one another have no course between them, in the plane's unit (6 mm).
const APART_MIN: f64 = 1e-9;

/// A unit vector from the center of the sphere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Direction {
    x: f64,
    y: f64,
    z: f64,
}

/// A rectangle around points.
#[derive(Clone, Debug)]
pub(crate) struct Rectangle {
    corners: [LatLng; 4],
    /// How far apart the points are along the rectangle, without the margin, in meters.
    pub(crate) length_m: f64,
    /// How far apart the points are across the rectangle, without the margin, in meters.
    pub(crate) width_m: f64,
    margin_m: f64,
}

/// Points lie farther apart than [`REACH_M_MAX`] allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the points are too far apart")]
pub(crate) struct TooWide;

impl Direction {
    /// Returns the direction of a point.
    pub(crate) fn of(point: LatLng) -> Self {
        let (sin_lat, cos_lat) = point.lat_deg().to_radians().sin_cos();
        let (sin_lng, cos_lng) = point.lng_deg().to_radians().sin_cos();
        Direction { x: cos_lat * cos_lng, y: cos_lat * sin_lng, z: sin_lat }
    }

    /// Returns the point in this direction.
    pub(crate) fn point(self) -> LatLng {
        let lat = self.z.atan2(self.x.hypot(self.y)).to_degrees();
        let lng = self.y.atan2(self.x).to_degrees();
        LatLng::new(lat.clamp(-90.0, 90.0), lng.clamp(-180.0, 180.0)).expect("clamped")
    }

    /// Returns the middle of directions; `None` if they cancel one another out or there are none.
    pub(crate) fn mean(directions: &[Direction]) -> Option<Self> {
        let zero = Direction { x: 0.0, y: 0.0, z: 0.0 };
        directions.iter().fold(zero, |sum, direction| sum.plus(*direction, 1.0)).normal()
    }

    /// Returns the direction `part` of the way along the great circle to `other`.
    pub(crate) fn between(self, other: Direction, part: f64) -> Self {
        let angle = self.angle(other);
        if angle < APART_MIN {
            return self;
        }
        let near = ((1.0 - part) * angle).sin();
        let far = (part * angle).sin();
        let zero = Direction { x: 0.0, y: 0.0, z: 0.0 };
        zero.plus(self, near).plus(other, far).normal().unwrap_or(self)
    }

    /// Returns the angle between two directions, in radians.
    pub(crate) fn angle(self, other: Direction) -> f64 {
        self.cross(other).norm().atan2(self.dot(other))
    }

    /// Tells whether the angle between two directions is larger than `angle`, quickly.
    ///
    /// The chord of an angle is at most the angle, so a longer chord is enough to know; for small
    /// angles it is as good as the angle itself.
    pub(crate) fn is_farther(self, other: Direction, angle: f64) -> bool {
        let chord = self.plus(other, -1.0);
        angle * angle < chord.dot(chord)
    }

    fn plus(self, other: Direction, times: f64) -> Self {
        Direction {
            x: self.x + times * other.x,
            y: self.y + times * other.y,
            z: self.z + times * other.z,
        }
    }

    fn dot(self, other: Direction) -> f64 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    fn cross(self, other: Direction) -> Self {
        Direction {
            x: self.y * other.z - self.z * other.y,
            y: self.z * other.x - self.x * other.z,
            z: self.x * other.y - self.y * other.x,
        }
    }

    fn norm(self) -> f64 {
        self.dot(self).sqrt()
    }

    fn normal(self) -> Option<Self> {
        let norm = self.norm();
        if norm < APART_MIN {
            return None;
        }
        let zero = Direction { x: 0.0, y: 0.0, z: 0.0 };
        Some(zero.plus(self, 1.0 / norm))
    }
}

impl Rectangle {
    /// Returns the rectangle along the way from the first point to the last (or, if it ends where
    /// it began, to the farthest) that holds everything within `margin_m` of the points and of the
    /// arcs between any two of them, measured on the ellipsoid.
    pub(crate) fn around(points: &[Direction], margin_m: f64) -> Result<Self, TooWide> {
        let center = Direction::mean(points).ok_or(TooWide)?;
        let reach = points.iter().map(|point| center.angle(*point)).fold(0.0, f64::max);
        if REACH_M_MAX / spacetime::EARTH_RADIUS_M < reach {
            return Err(TooWide);
        }
        let frame = Frame::new(center, points);
        let mut bounds = PlaneBounds::default();
        for point in points {
            bounds.include(frame.project(*point));
        }
        // What is so near to a point is stretched at most by the square of the secant.
        let margin = margin_m / RADIUS_OF_CURVATURE_M_MIN + ROUNDING;
        let stretch = (reach + margin).cos().powi(2);
        let grown = bounds.grown(margin / stretch);
        let corners = grown.corners().map(|corner| rounded(frame.lift(corner).point()));
        Ok(Rectangle {
            corners,
            length_m: (bounds.u_max - bounds.u_min) * spacetime::EARTH_RADIUS_M,
            width_m: (bounds.v_max - bounds.v_min) * spacetime::EARTH_RADIUS_M,
            margin_m,
        })
    }

    /// Returns about how large the rectangle is, in km2.
    pub(crate) fn area_km2(&self) -> f64 {
        let length_m = self.length_m + 2.0 * self.margin_m;
        let width_m = self.width_m + 2.0 * self.margin_m;
        length_m * width_m / 1e6
    }

    /// Returns the area inside.
    pub(crate) fn area(&self) -> Result<Area, AreaError> {
        Ok(Polygon::new(self.corners.to_vec())?.into())
    }
}

/// The plane that touches the sphere at a point.
struct Frame {
    center: Direction,
    along: Direction,
    across: Direction,
}

#[derive(Clone, Copy)]
struct Plane {
    u: f64,
    v: f64,
}

struct PlaneBounds {
    u_min: f64,
    u_max: f64,
    v_min: f64,
    v_max: f64,
}

impl Frame {
    fn new(center: Direction, points: &[Direction]) -> Self {
        let along = course(points)
            .and_then(|course| course.plus(center, -course.dot(center)).normal())
            .unwrap_or_else(|| any_across(center));
        Frame { center, along, across: center.cross(along) }
    }

    fn project(&self, point: Direction) -> Plane {
        let height = point.dot(self.center);
        Plane { u: point.dot(self.along) / height, v: point.dot(self.across) / height }
    }

    fn lift(&self, plane: Plane) -> Direction {
        self.center
            .plus(self.along, plane.u)
            .plus(self.across, plane.v)
            .normal()
            .expect("it is at least as long as the unit vector to the center")
    }
}

impl Default for PlaneBounds {
    fn default() -> Self {
        PlaneBounds {
            u_min: f64::INFINITY,
            u_max: f64::NEG_INFINITY,
            v_min: f64::INFINITY,
            v_max: f64::NEG_INFINITY,
        }
    }
}

impl PlaneBounds {
    fn include(&mut self, plane: Plane) {
        self.u_min = self.u_min.min(plane.u);
        self.u_max = self.u_max.max(plane.u);
        self.v_min = self.v_min.min(plane.v);
        self.v_max = self.v_max.max(plane.v);
    }

    fn grown(&self, margin: f64) -> Self {
        PlaneBounds {
            u_min: self.u_min - margin,
            u_max: self.u_max + margin,
            v_min: self.v_min - margin,
            v_max: self.v_max + margin,
        }
    }

    fn corners(&self) -> [Plane; 4] {
        [
            Plane { u: self.u_min, v: self.v_min },
            Plane { u: self.u_max, v: self.v_min },
            Plane { u: self.u_max, v: self.v_max },
            Plane { u: self.u_min, v: self.v_max },
        ]
    }
}

/// Returns the way from the first point to the last, or to the farthest if that is the same place.
fn course(points: &[Direction]) -> Option<Direction> {
    let (first, last) = (points.first()?, points.last()?);
    let mut chord = last.plus(*first, -1.0);
    if chord.norm() < APART_MIN {
        for point in points {
            let other = point.plus(*first, -1.0);
            if chord.norm() < other.norm() {
                chord = other;
            }
        }
    }
    (APART_MIN < chord.norm()).then_some(chord)
}

/// Returns some unit vector at a right angle to `center`.
fn any_across(center: Direction) -> Direction {
    let axis = if center.z.abs() < 0.9 {
        Direction { x: 0.0, y: 0.0, z: 1.0 }
    } else {
        Direction { x: 1.0, y: 0.0, z: 0.0 }
    };
    axis.cross(center).normal().expect("the axis is not parallel to it")
}

fn rounded(point: LatLng) -> LatLng {
    let round = |degrees: f64| (degrees * UNITS_PER_DEGREE).round() / UNITS_PER_DEGREE;
    LatLng::new(round(point.lat_deg()), round(point.lng_deg())).expect("bounds are round numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(lat_deg: f64, lng_deg: f64) -> LatLng {
        LatLng::new(lat_deg, lng_deg).expect("in range")
    }

    /// The mean radius over the smallest radius of curvature of WGS84 (6,335,439 m, on the
    /// meridian at the equator): so much longer a length may be on the sphere.
    const LONGER_ON_THE_SPHERE: f64 = 6_371_010.0 / 6_335_439.0;

    /// Checks that whatever lies within the margin of the arcs between the points is inside.
    fn check(points: &[LatLng], margin_m: f64) {
        let directions: Vec<Direction> = points.iter().map(|point| Direction::of(*point)).collect();

        let rectangle = Rectangle::around(&directions, margin_m).expect("near enough");

        let area = rectangle.area().expect("in order");
        for from in &directions {
            for to in &directions {
                for part in 0..=4 {
                    let on_arc = from.between(*to, f64::from(part) / 4.0).point();
                    for bearing in (0..360).step_by(15) {
                        let farthest_m = margin_m * LONGER_ON_THE_SPHERE;
                        let near = on_arc.destination(f64::from(bearing), farthest_m);
                        assert!(area.contains(near), "{near:?} of {points:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn holds_everything_within_the_margin() {
        check(&[point(46.0, 7.0), point(46.3, 7.4)], 50.0);
        check(&[point(46.0, 7.0), point(46.0, 7.0)], 50.0);
        check(&[point(46.0, 7.0)], 2_000.0);
        check(&[point(46.0, 7.0), point(46.1, 7.2), point(46.0, 7.0)], 50.0);
        check(&[point(0.0, -0.5), point(0.2, 0.5), point(-0.3, 1.0)], 500.0);
        check(&[point(10.0, 179.9), point(10.2, -179.8)], 100.0);
        check(&[point(89.9, 0.0), point(89.9, 180.0)], 100.0);
        check(&[point(-90.0, 0.0), point(-89.0, 33.0)], 100.0);
        check(&[point(46.0, 3.0), point(47.0, 13.0)], 50.0);
    }

    #[test]
    fn is_no_larger_than_needed() {
        let points = [point(46.0, 7.0), point(46.0, 7.1)].map(Direction::of);

        let rectangle = Rectangle::around(&points, 50.0).expect("near enough");

        let length_m = point(46.0, 7.0).distance_m(point(46.0, 7.1));
        assert!((rectangle.length_m - length_m).abs() < 0.1, "{rectangle:?}");
        assert!(rectangle.width_m < 0.1, "{rectangle:?}");
        let area_km2 = rectangle.area().expect("in order").area_km2();
        assert!(area_km2 < rectangle.area_km2() * 1.02, "{area_km2} {rectangle:?}");
        assert!(rectangle.area_km2() < area_km2 * 1.02, "{area_km2} {rectangle:?}");
    }

    #[test]
    fn refuses_points_that_are_too_far_apart() {
        let around = |points: &[LatLng]| {
            let directions: Vec<Direction> = points.iter().map(|p| Direction::of(*p)).collect();
            Rectangle::around(&directions, 50.0).map(|_| ())
        };
        let start = point(46.0, 7.0);

        assert_eq!(around(&[start, start.destination(90.0, 1_190_000.0)]), Ok(()));
        assert_eq!(around(&[start, start.destination(90.0, 1_210_000.0)]), Err(TooWide));
        assert_eq!(around(&[start, point(-46.0, -173.0)]), Err(TooWide));
        assert_eq!(around(&[]), Err(TooWide));
    }

    #[test]
    fn tells_far_directions_apart_quickly() {
        let (a, b) = (Direction::of(point(46.0, 7.0)), Direction::of(point(46.1, 7.0)));
        let angle = a.angle(b);

        assert!(a.is_farther(b, angle * 0.999));
        assert!(!a.is_farther(b, angle * 1.001));
    }
}
