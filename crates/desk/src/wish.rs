//! From what a user asks for to what is planned with.

use spacetime::{Area, VERTICES_MAX, Volume};

use crate::book::Wish;
use crate::flight::{Bounds, Course, FlightRequest, IDENTIFICATION_CHARS_MAX};
use crate::plan::VOLUMES_PER_INTENT_MAX;
use crate::plan::bounded::Bounded;
use crate::plan::corridor::{self, Buffers, PathError};
use crate::plan::moves::{BoundsError, Move, Moves};
use crate::remote_id::course;
use crate::remote_id::watched_area::AreaTooLarge;

/// Something is asked for that cannot be; the text begins with the field's name.
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
    /// It is an area to be watched, and that is too large.
    #[error(transparent)]
    Watch(#[from] AreaTooLarge),
    /// A text of its identification is too long.
    #[error("identification.{field}: it has more than {IDENTIFICATION_CHARS_MAX} characters")]
    Identification {
        /// Which.
        field: &'static str,
    },
}

impl Wish {
    /// Returns the flight that a user asks for, with volumes around its course.
    pub(crate) fn new(request: FlightRequest) -> Result<Self, RequestError> {
        if let Some(field) = request.identification.too_long() {
            return Err(RequestError::Identification { field });
        }
        let path = match &request.course {
            Course::Path { points, .. } => course::thin(points),
            Course::Volumes(_) => Vec::new(),
        };
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
            path,
            identification: request.identification,
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

#[cfg(test)]
mod tests {
    use spacetime::{Altitude, LatLng, Polygon, Timestamp};

    use super::*;
    use crate::flight::PathPoint;
    use crate::test_data::volume;

    fn path(altitude_m: f64, start_s: i64) -> Course {
        let point = |lng_deg, seconds| PathPoint {
            position: LatLng::new(46.95, lng_deg).expect("in range"),
            altitude_m,
            time: Timestamp::from_micros(seconds * 1_000_000).expect("in range"),
        };
        Course::Path {
            points: vec![point(7.4, start_s), point(7.41, start_s + 60)],
            buffer_lateral_m: 50.0,
            buffer_vertical_m: 15.0,
        }
    }

    fn refused(course: Course, bounds: Bounds) -> Option<RequestError> {
        Wish::new(FlightRequest { bounds, ..FlightRequest::new(course) }).err()
    }

    fn outline(vertices: usize) -> Volume {
        let center = LatLng::new(46.95, 7.44).expect("in range");
        let corner = |number| center.destination(360.0 * number as f64 / vertices as f64, 5_000.0);
        let polygon = Polygon::new((0..vertices).map(corner).collect()).expect("a polygon");
        let like = volume(100);
        Volume::new(
            polygon.into(),
            like.altitude_lower(),
            like.altitude_upper(),
            like.starts_at(),
            like.ends_at(),
        )
        .expect("in order")
    }

    #[test]
    fn keeps_buffers_within_the_altitudes_of_the_standard() {
        let bounds = Bounds {
            altitude_m_min: -8_000.0,
            altitude_m_max: 100_000.0,
            altitude_m_step: 500.0,
            ..Bounds::default()
        };
        let request = FlightRequest { bounds, ..FlightRequest::new(path(-7_500.0, 0)) };

        let wish = Wish::new(request).expect("in order");

        let (lowest_mm, _) = wish.moves.climb_range_mm();
        // One step down would be allowed for the path, but not for the volume around it.
        assert_eq!(lowest_mm, 0);
    }

    #[test]
    fn takes_as_many_volumes_as_an_intent_may_have() {
        let volumes = |count| Course::Volumes(vec![volume(100); count]);

        assert_eq!(refused(volumes(VOLUMES_PER_INTENT_MAX), Bounds::default()), None);
        for count in [0, VOLUMES_PER_INTENT_MAX + 1] {
            let error = refused(volumes(count), Bounds::default());
            assert_eq!(error, Some(RequestError::VolumeCount));
        }
    }

    #[test]
    fn takes_as_many_vertices_as_an_intent_may_have() {
        let half = outline(VERTICES_MAX / 2);
        let volumes = |more| Course::Volumes(vec![half.clone(), half.clone(), more]);

        assert_eq!(refused(volumes(volume(100)), Bounds::default()), None);
        let error = refused(volumes(outline(3)), Bounds::default());
        assert_eq!(error, Some(RequestError::VertexCount));
    }

    #[test]
    fn refuses_volumes_without_bounds() {
        let full = volume(100);
        let of = |lower: Option<Altitude>, start: Option<Timestamp>| {
            let area = full.area().clone();
            Volume::new(area, lower, full.altitude_upper(), start, full.ends_at())
                .expect("in order")
        };
        for open in [of(None, full.starts_at()), of(full.altitude_lower(), None)] {
            let error = refused(Course::Volumes(vec![full.clone(), open]), Bounds::default());
            assert_eq!(error, Some(RequestError::Unbounded { index: 1 }));
        }
    }

    #[test]
    fn takes_texts_of_its_identification_of_bounded_length() {
        let check = |length: usize, error: Option<RequestError>| {
            let identification = crate::Identification {
                operator_id: "\u{f6}".repeat(length),
                ..crate::Identification::default()
            };
            let request = FlightRequest { identification, ..FlightRequest::new(path(100.0, 0)) };
            assert_eq!(Wish::new(request).err(), error);
        };

        check(IDENTIFICATION_CHARS_MAX, None);
        let field = "operator_id";
        check(IDENTIFICATION_CHARS_MAX + 1, Some(RequestError::Identification { field }));
    }

    #[test]
    fn refuses_delays_beyond_the_end_of_time() {
        let bounds = Bounds { delay_s_max: 3_600, delay_s_step: 60, ..Bounds::default() };
        let end_s = Timestamp::MAX.as_micros() / 1_000_000;

        assert_eq!(refused(path(100.0, end_s - 3_660), bounds), None);
        let error = refused(path(100.0, end_s - 3_659), bounds);
        assert_eq!(error, Some(RequestError::EndsTooLate));
    }
}
