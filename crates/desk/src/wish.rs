//! From what a user asks for to what is planned with.

use spacetime::{Area, VERTICES_MAX, Volume};

use crate::book::Wish;
use crate::flight::{Bounds, Course, FlightRequest};
use crate::plan::VOLUMES_PER_INTENT_MAX;
use crate::plan::bounded::Bounded;
use crate::plan::corridor::{self, Buffers, PathError};
use crate::plan::moves::{BoundsError, Move, Moves};

/// A flight or a constraint is asked for that cannot be; the text begins with the field's name.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// Its path cannot become volumes.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Its bounds make no sense.
    #[error(transparent)]
    Bounds(#[from] BoundsError),
    /// It has no volumes, or too many.
    #[error("volumes: there must be 1 to {VOLUMES_PER_INTENT_MAX}")]
    VolumeCount,
    /// Its volumes have too many vertices.
    #[error("volumes: they have more than {VERTICES_MAX} vertices together")]
    VertexCount,
    /// A volume lacks a bound that it must have.
    #[error("volumes[{index}]: it must have start and end, and for a flight both altitudes")]
    Unbounded {
        /// Which, from 0.
        index: usize,
    },
    /// With the longest delay, a volume would leave the range of time.
    #[error("delay_s_max: with it the flight would end after the year 9999")]
    EndsTooLate,
}

impl Wish {
    /// Returns the flight that a user asks for, with volumes around its course.
    pub(crate) fn new(request: FlightRequest) -> Result<Self, RequestError> {
        let (course, heights) = match request.course {
            Course::Path { points, buffer_lateral_m, buffer_vertical_m } => {
                let buffers =
                    Buffers { lateral_m: buffer_lateral_m, vertical_m: buffer_vertical_m };
                let volumes = corridor::volumes(&points, buffers)?;
                let altitudes = points.iter().map(|point| point.altitude_m);
                (volumes, Heights::of(altitudes, buffer_vertical_m))
            }
            Course::Volumes(volumes) => {
                check_volumes(&volumes)?;
                let bounds = volumes.iter().flat_map(|volume| {
                    [volume.altitude_lower(), volume.altitude_upper()].into_iter().flatten()
                });
                let heights = Heights::of(bounds.map(|altitude| altitude.as_meters()), 0.0);
                (volumes, heights)
            }
        };
        let bounds = heights.clamp(request.bounds);
        let moves = Moves::new(&bounds, heights.lowest_m, heights.highest_m)?;
        let latest = Move { delay_s: moves.delay_s_max(), climb_mm: 0 };
        if course.iter().any(|volume| latest.of(volume).is_none()) {
            return Err(RequestError::EndsTooLate);
        }
        Ok(Wish {
            course: Bounded::all(course),
            bounds,
            lowest_m: heights.lowest_m,
            highest_m: heights.highest_m,
            moves,
            priority: request.priority,
            lower_priority: request.lower_priority,
            allowed_constraints: request.allowed_constraints,
        })
    }
}

/// The altitudes that are kept within the bounds, and how far volumes reach beyond them.
struct Heights {
    lowest_m: f64,
    highest_m: f64,
    beyond_m: f64,
}

impl Heights {
    fn of(altitudes_m: impl Iterator<Item = f64> + Clone, beyond_m: f64) -> Self {
        Heights {
            lowest_m: altitudes_m.clone().fold(f64::INFINITY, f64::min),
            highest_m: altitudes_m.fold(f64::NEG_INFINITY, f64::max),
            beyond_m,
        }
    }

    /// Narrows bounds so that no volume leaves the altitudes that the standard knows.
    fn clamp(&self, bounds: Bounds) -> Bounds {
        let (lowest_m, highest_m) = (-8_000.0 + self.beyond_m, 100_000.0 - self.beyond_m);
        if bounds.altitude_m_min < -8_000.0 || 100_000.0 < bounds.altitude_m_max {
            // They are refused as they are.
            return bounds;
        }
        Bounds {
            altitude_m_min: bounds.altitude_m_min.max(lowest_m),
            altitude_m_max: bounds.altitude_m_max.min(highest_m),
            ..bounds
        }
    }
}

fn check_volumes(volumes: &[Volume]) -> Result<(), RequestError> {
    check_counts(volumes)?;
    for (index, volume) in volumes.iter().enumerate() {
        let bounded = volume.starts_at().is_some()
            && volume.ends_at().is_some()
            && volume.altitude_lower().is_some()
            && volume.altitude_upper().is_some();
        if !bounded {
            return Err(RequestError::Unbounded { index });
        }
    }
    Ok(())
}

/// Refuses volumes that are too many, or have too many vertices.
pub(crate) fn check_counts(volumes: &[Volume]) -> Result<(), RequestError> {
    if volumes.is_empty() || VOLUMES_PER_INTENT_MAX < volumes.len() {
        return Err(RequestError::VolumeCount);
    }
    let vertices = |volume: &Volume| match volume.area() {
        Area::Polygon(polygon) => polygon.vertices().len(),
        Area::Circle(_) => 0,
    };
    if VERTICES_MAX < volumes.iter().map(vertices).sum() {
        return Err(RequestError::VertexCount);
    }
    Ok(())
}
