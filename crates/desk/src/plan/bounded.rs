//! Volumes with a cap around each, so that most pairs are told apart by one product.

use spacetime::{Area, LatLng, Volume};

use crate::plan::rectangle::Direction;

/// What is added to every cap so that rounding never cuts anything off, in radians (6 mm).
const MARGIN: f64 = 1e-9;

/// A volume and a cap that holds its area.
#[derive(Clone, Debug)]
pub(crate) struct Bounded {
    /// The volume.
    pub(crate) volume: Volume,
    center: Direction,
    angle: f64,
}

impl Bounded {
    /// Returns the volume with a cap around it.
    pub(crate) fn new(volume: Volume) -> Self {
        let (center, angle) = match volume.area() {
            Area::Circle(circle) => {
                let angle = circle.radius_m() / spacetime::EARTH_RADIUS_M;
                (Direction::of(circle.center()), angle)
            }
            Area::Polygon(polygon) => cap_of(polygon.vertices()),
        };
        Bounded { volume, center, angle: angle + MARGIN }
    }

    /// Returns the volumes, each with a cap around it.
    pub(crate) fn all(volumes: Vec<Volume>) -> Vec<Self> {
        volumes.into_iter().map(Bounded::new).collect()
    }

    /// Tells whether the areas meet, exactly; times and altitudes do not matter.
    pub(crate) fn meets(&self, other: &Bounded) -> bool {
        let reach = self.angle + other.angle;
        if self.center.is_farther(other.center, reach) {
            return false;
        }
        self.volume.area().intersects(other.volume.area())
    }
}

/// Returns a cap that holds all vertices; as it is convex, it holds the polygon.
fn cap_of(vertices: &[LatLng]) -> (Direction, f64) {
    let directions: Vec<Direction> = vertices.iter().map(|vertex| Direction::of(*vertex)).collect();
    let center = Direction::mean(&directions).unwrap_or(directions[0]);
    let farthest = directions.iter().map(|direction| center.angle(*direction)).fold(0.0, f64::max);
    (center, farthest)
}
