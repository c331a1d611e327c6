//! Star-shaped polygons and circles of any place on earth, with samples of them and an inside test
//! that shares nothing with the crate but the conversion to directions.

use proptest::prelude::*;
use spacetime::{Area, Circle, LatLng, Polygon};

/// A direction from the earth's center.
pub(crate) type Vector = [f64; 3];

/// An area that looks like a star from its center, and what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Star {
    pub(crate) area: Area,
    center: Vector,
    rim: Rim,
    /// The distance from the center to the farthest point, in meters.
    pub(crate) reach_m: f64,
}

#[derive(Clone, Debug)]
enum Rim {
    Vertices(Vec<Vector>),
    Radius(f64),
}

const EARTH_RADIUS_M: f64 = spacetime::EARTH_RADIUS_M;
/// How many steps a sample takes from the center outward.
const STEPS_OUT: usize = 12;
/// How many steps it takes around.
const STEPS_AROUND: usize = 96;

/// Returns areas around `center` that reach up to `reach_m`: polygons, and circles.
pub(crate) fn star(center: LatLng, reach_m: f64) -> impl Strategy<Value = Star> {
    let radii = prop::collection::vec(0.05..1.0, 4..48);
    (radii, 0.0..360.0, 0.02..1.0, prop::bool::weighted(0.25)).prop_map(
        move |(radii, turn_deg, scale, is_circle)| {
            if is_circle {
                return circle(center, reach_m * scale);
            }
            let step_deg = 360.0 / radii.len() as f64;
            let vertex = |(index, radius): (usize, &f64)| {
                center.destination(turn_deg + step_deg * index as f64, radius * reach_m * scale)
            };
            polygon(center, radii.iter().enumerate().map(vertex).collect())
        },
    )
}

/// Returns points anywhere, often at a pole, on the antimeridian or on the border of S2's faces.
pub(crate) fn place() -> impl Strategy<Value = LatLng> {
    let lat = prop_oneof![
        4 => -90.0..=90.0,
        1 => prop::sample::select(vec![-90.0, -89.999, 0.0, 35.264_389_682_754_65, 89.99, 90.0]),
    ];
    let lng = prop_oneof![
        4 => -180.0..=180.0,
        1 => prop::sample::select(vec![-180.0, -135.0, 0.0, 45.0, 90.0, 179.999, 180.0]),
    ];
    (lat, lng).prop_map(|(lat, lng)| LatLng::new(lat, lng).expect("in range"))
}

fn circle(center: LatLng, radius_m: f64) -> Star {
    let area = Circle::new(center, radius_m).expect("a radius").into();
    Star { area, center: vector(center), rim: Rim::Radius(radius_m), reach_m: radius_m }
}

fn polygon(center: LatLng, vertices: Vec<LatLng>) -> Star {
    let reach_m = vertices.iter().map(|v| center.distance_m(*v)).fold(0.0, f64::max);
    let rim = Rim::Vertices(vertices.iter().map(|vertex| vector(*vertex)).collect());
    let area = Polygon::new(vertices).expect("a star does not cross itself").into();
    Star { area, center: vector(center), rim, reach_m }
}

impl Star {
    /// Returns points of the area, rim and center included.
    pub(crate) fn samples(&self) -> Vec<Vector> {
        let rim = self.rim_samples();
        let out = |point: &Vector| {
            let point = *point;
            (0..=STEPS_OUT)
                .map(move |step| mix(&self.center, &point, step as f64 / STEPS_OUT as f64))
        };
        rim.iter().flat_map(out).collect()
    }

    /// Returns a distance, in meters, within which of every point of the area there is a sample.
    pub(crate) fn spacing_m(&self) -> f64 {
        let around = match &self.rim {
            Rim::Vertices(_) => 2.0 * self.reach_m * self.edge_count() as f64 / STEPS_AROUND as f64,
            Rim::Radius(radius_m) => radius_m * std::f64::consts::TAU / STEPS_AROUND as f64,
        };
        around + self.reach_m / STEPS_OUT as f64
    }

    /// Tells whether a point is inside by `margin_m` or more (roughly; negative: outside by less).
    pub(crate) fn holds(&self, point: &Vector, margin_m: f64) -> bool {
        match &self.rim {
            Rim::Radius(radius_m) => distance_m(&self.center, point) <= radius_m - margin_m,
            Rim::Vertices(vertices) => {
                let count = vertices.len();
                (0..count).any(|at| {
                    let (from, to) = (&vertices[at], &vertices[(at + 1) % count]);
                    // Vertices go clockwise, as courses do. A slice is a third of a turn at most.
                    side_m(from, &self.center, point) >= 0.0
                        && side_m(&self.center, to, point) >= 0.0
                        && side_m(to, from, point) >= margin_m
                })
            }
        }
    }

    fn edge_count(&self) -> usize {
        match &self.rim {
            Rim::Vertices(vertices) => vertices.len(),
            Rim::Radius(_) => 1,
        }
    }

    fn rim_samples(&self) -> Vec<Vector> {
        match &self.rim {
            Rim::Vertices(vertices) => {
                let count = vertices.len();
                let per_edge = STEPS_AROUND / count;
                let edge = |at: usize| {
                    let (from, to) = (vertices[at], vertices[(at + 1) % count]);
                    (0..per_edge).map(move |step| mix(&from, &to, step as f64 / per_edge as f64))
                };
                (0..count).flat_map(edge).collect()
            }
            Rim::Radius(radius_m) => {
                let center = lat_lng(&self.center);
                let around = |step: usize| {
                    let bearing_deg = 360.0 * step as f64 / STEPS_AROUND as f64;
                    vector(center.destination(bearing_deg, *radius_m))
                };
                (0..STEPS_AROUND).map(around).collect()
            }
        }
    }
}

/// Returns the point of a direction.
pub(crate) fn lat_lng(v: &Vector) -> LatLng {
    let lat = v[2].atan2(v[0].hypot(v[1])).to_degrees();
    LatLng::new(lat, v[1].atan2(v[0]).to_degrees()).expect("in range")
}

/// Returns the distance between two directions on the earth, in meters.
pub(crate) fn distance_m(a: &Vector, b: &Vector) -> f64 {
    let chord = (0..3).map(|k| (a[k] - b[k]).powi(2)).sum::<f64>().sqrt();
    2.0 * (chord / 2.0).min(1.0).asin() * EARTH_RADIUS_M
}

/// Returns how far left of the great circle through `a` and `b` a point is, in meters.
fn side_m(a: &Vector, b: &Vector, point: &Vector) -> f64 {
    let minus = |a: &Vector, b: &Vector| [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
    let ([x, y, z], [u, v, w]) = (minus(b, a), minus(point, a));
    let normal = [y * w - z * v, z * u - x * w, x * v - y * u];
    let determinant = normal[0] * a[0] + normal[1] * a[1] + normal[2] * a[2];
    determinant / (x * x + y * y + z * z).sqrt().max(1e-12) * EARTH_RADIUS_M
}

/// Returns the direction of a point.
pub(crate) fn vector(point: LatLng) -> Vector {
    let (lat, lng) = (point.lat_deg().to_radians(), point.lng_deg().to_radians());
    [lat.cos() * lng.cos(), lat.cos() * lng.sin(), lat.sin()]
}

/// Returns the point on the chord between two directions, back on the sphere.
fn mix(a: &Vector, b: &Vector, part: f64) -> Vector {
    let v = [0, 1, 2].map(|k| a[k] + (b[k] - a[k]) * part);
    let norm = v.iter().map(|c| c * c).sum::<f64>().sqrt();
    v.map(|c| c / norm)
}

/// Returns the area drawn toward its center.
pub(crate) fn shrunk(star: &Star, scale: f64) -> Area {
    let center = lat_lng(&star.center);
    match &star.rim {
        Rim::Radius(radius_m) => circle(center, radius_m * scale).area,
        Rim::Vertices(vertices) => {
            let inner = vertices.iter().map(|vertex| lat_lng(&mix(&star.center, vertex, scale)));
            polygon(center, inner.collect()).area
        }
    }
}
