//! Volumes around a path.
//!
//! Each volume holds the path for a span of time, in a rectangle along the way. A volume is made as
//! long as it stays narrow: not much wider than its buffers, not much higher, not too long in time.
//! If that gives more volumes than an intent may have, all of these limits are doubled.

use std::time::Duration;

use spacetime::{Altitude, Timestamp, Volume};

use crate::flight::{BUFFER_LATERAL_M, BUFFER_VERTICAL_M, POINTS_MAX, PathPoint};
use crate::plan::VOLUMES_PER_INTENT_MAX;
use crate::plan::rectangle::{Direction, Rectangle};

/// How long a volume lasts, before limits are doubled.
const SPAN: Duration = Duration::from_secs(60);
/// How much of the path's own height a volume holds, before limits are doubled, in meters.
const HEIGHT_M: f64 = 300.0;
/// How much of the path's own width a volume holds, in lateral buffers, before limits are doubled.
const WIDTH_PER_BUFFER: f64 = 1.0;
/// How often limits are doubled; 2^20 minutes are two years.
const DOUBLINGS_MAX: u32 = 20;
/// The largest volume, in km2; hubs take polygons of up to 2,500 km2.
const AREA_KM2_MAX: f64 = 2_000.0;

/// A path cannot become volumes.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum PathError {
    /// It has too few or too many points.
    #[error("path: it must have 2 to {POINTS_MAX} points, it has {count}")]
    Points {
        /// How many there are.
        count: usize,
    },
    /// A point is not later than the one before.
    #[error("path[{index}].time: it is not later than the one before")]
    NotLater {
        /// Which, from 0.
        index: usize,
    },
    /// An altitude is out of bounds.
    #[error("path[{index}].altitude_m: it is not within -8000 to 100000 with its buffer")]
    Altitude {
        /// Which, from 0.
        index: usize,
    },
    /// The lateral buffer is out of bounds.
    #[error(
        "buffer_lateral_m: it is not within {} to {}",
        BUFFER_LATERAL_M.start(),
        BUFFER_LATERAL_M.end()
    )]
    BufferLateral,
    /// The vertical buffer is out of bounds.
    #[error(
        "buffer_vertical_m: it is not within {} to {}",
        BUFFER_VERTICAL_M.start(),
        BUFFER_VERTICAL_M.end()
    )]
    BufferVertical,
    /// Two points are farther apart than a volume can be long.
    #[error("path[{index}]: it is too far from the one before")]
    TooFar {
        /// Which, from 0.
        index: usize,
    },
    /// The path is so long or so wide that it needs more volumes than one intent may have.
    #[error("path: it needs more than {VOLUMES_PER_INTENT_MAX} volumes; split the flight")]
    TooLong,
}

/// How far a path must be contained.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buffers {
    /// To the side, in meters.
    pub(crate) lateral_m: f64,
    /// Up and down, in meters.
    pub(crate) vertical_m: f64,
}

#[derive(Clone, Copy)]
struct Place {
    direction: Direction,
    altitude_m: f64,
    time: Timestamp,
}

#[derive(Clone, Copy)]
struct Limits {
    span: Duration,
    height_m: f64,
    width_m: f64,
}

/// Returns at most [`VOLUMES_PER_INTENT_MAX`] volumes that hold the path with its buffers.
///
/// Between its points the path follows great circles at constant speed and constant climb. Each
/// volume starts when the one before ends.
pub(crate) fn volumes(points: &[PathPoint], buffers: Buffers) -> Result<Vec<Volume>, PathError> {
    check(points, buffers)?;
    let mut limits =
        Limits { span: SPAN, height_m: HEIGHT_M, width_m: WIDTH_PER_BUFFER * buffers.lateral_m };
    for _ in 0..=DOUBLINGS_MAX {
        if let Some(volumes) = within(points, buffers, limits)? {
            return Ok(volumes);
        }
        limits.span *= 2;
        limits.height_m *= 2.0;
        limits.width_m *= 2.0;
    }
    Err(PathError::TooLong)
}

fn check(points: &[PathPoint], buffers: Buffers) -> Result<(), PathError> {
    if !(2..=POINTS_MAX).contains(&points.len()) {
        return Err(PathError::Points { count: points.len() });
    }
    if !BUFFER_LATERAL_M.contains(&buffers.lateral_m) {
        return Err(PathError::BufferLateral);
    }
    if !BUFFER_VERTICAL_M.contains(&buffers.vertical_m) {
        return Err(PathError::BufferVertical);
    }
    for (index, point) in points.iter().enumerate() {
        let lower_m = point.altitude_m - buffers.vertical_m;
        let upper_m = point.altitude_m + buffers.vertical_m;
        if !(-8_000.0 <= lower_m && upper_m <= 100_000.0) {
            return Err(PathError::Altitude { index });
        }
    }
    for (before, pair) in points.windows(2).enumerate() {
        if pair[1].time <= pair[0].time {
            return Err(PathError::NotLater { index: before + 1 });
        }
    }
    Ok(())
}

/// Returns the volumes that keep to the limits; `None` if there are more than may be.
fn within(
    points: &[PathPoint],
    buffers: Buffers,
    limits: Limits,
) -> Result<Option<Vec<Volume>>, PathError> {
    let Some(places) = places(points, limits.span) else {
        return Ok(None);
    };
    let mut volumes = Vec::new();
    let mut first = 0;
    while first + 1 < places.len() {
        if VOLUMES_PER_INTENT_MAX <= volumes.len() {
            return Ok(None);
        }
        let Some((last, rectangle)) = longest(&places, first, buffers, limits) else {
            let reached = places[first + 1].time;
            let index = points.partition_point(|point| point.time < reached);
            return Err(PathError::TooFar { index });
        };
        volumes.push(volume(&places[first..=last], &rectangle, buffers));
        first = last;
    }
    Ok(Some(volumes))
}

/// Returns the points and, where they are more than `span` apart, points between them; `None` if
/// so many are needed that there would be too many volumes.
fn places(points: &[PathPoint], span: Duration) -> Option<Vec<Place>> {
    let place = |point: &PathPoint| Place {
        direction: Direction::of(point.position),
        altitude_m: point.altitude_m,
        time: point.time,
    };
    let mut places = vec![place(&points[0])];
    let mut added = 0;
    for pair in points.windows(2) {
        let (from, to) = (place(&pair[0]), place(&pair[1]));
        let lasts = to.time.since(from.time);
        let parts = lasts.as_micros().div_ceil(span.as_micros());
        let parts = u32::try_from(parts).ok()?;
        added += parts as usize - 1;
        if VOLUMES_PER_INTENT_MAX < added {
            return None;
        }
        for part in 1..parts {
            places.push(between(from, to, part, parts));
        }
        places.push(to);
    }
    Some(places)
}

fn between(from: Place, to: Place, part: u32, parts: u32) -> Place {
    let share = f64::from(part) / f64::from(parts);
    let lasts = to.time.since(from.time);
    Place {
        direction: from.direction.between(to.direction, share),
        altitude_m: from.altitude_m + share * (to.altitude_m - from.altitude_m),
        time: from.time.plus(lasts / parts * part),
    }
}

/// Returns the last place of the longest volume from `first` that keeps to the limits, but at least
/// the next place; `None` if not even that is near enough.
fn longest(
    places: &[Place],
    first: usize,
    buffers: Buffers,
    limits: Limits,
) -> Option<(usize, Rectangle)> {
    let mut found = None;
    let mut directions = vec![places[first].direction];
    let (mut lowest_m, mut highest_m) = (places[first].altitude_m, places[first].altitude_m);
    for (last, place) in places.iter().enumerate().skip(first + 1) {
        directions.push(place.direction);
        lowest_m = lowest_m.min(place.altitude_m);
        highest_m = highest_m.max(place.altitude_m);
        let Ok(rectangle) = Rectangle::around(&directions, buffers.lateral_m) else {
            break;
        };
        if AREA_KM2_MAX < rectangle.area_km2() {
            break;
        }
        let narrow = rectangle.width_m <= limits.width_m
            && highest_m - lowest_m <= limits.height_m
            && place.time.since(places[first].time) <= limits.span;
        if found.is_some() && !narrow {
            break;
        }
        found = Some((last, rectangle));
    }
    found
}

fn volume(places: &[Place], rectangle: &Rectangle, buffers: Buffers) -> Volume {
    let altitudes = || places.iter().map(|place| place.altitude_m);
    let lowest_m = altitudes().fold(f64::INFINITY, f64::min) - buffers.vertical_m;
    let highest_m = altitudes().fold(f64::NEG_INFINITY, f64::max) + buffers.vertical_m;
    let volume = Volume::new(
        rectangle.area().expect("a rectangle of at least a meter is a polygon"),
        Some(Altitude::floor_of_meters(lowest_m)),
        Some(Altitude::ceil_of_meters(highest_m)),
        Some(places[0].time),
        Some(places[places.len() - 1].time),
    );
    volume.expect("places ascend in time and the buffer is not negative")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use spacetime::LatLng;

    use super::*;

    const BUFFERS: Buffers = Buffers { lateral_m: 50.0, vertical_m: 15.0 };

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_micros((seconds * 1e6) as i64).expect("in range")
    }

    fn path_point(position: LatLng, altitude_m: f64, seconds: f64) -> PathPoint {
        PathPoint { position, altitude_m, time: at(seconds) }
    }

    fn start() -> LatLng {
        LatLng::new(46.95, 7.44).expect("in range")
    }

    /// A path that turns, climbs and waits as its legs say: course, meters, climb, seconds.
    fn path(legs: &[(f64, f64, f64, f64)]) -> Vec<PathPoint> {
        let mut points = vec![path_point(start(), 500.0, 0.0)];
        let mut seconds = 0.0;
        for (bearing_deg, distance_m, climb_m, lasts_s) in legs {
            let from = points[points.len() - 1];
            seconds += lasts_s;
            let position = from.position.destination(*bearing_deg, *distance_m);
            points.push(path_point(position, from.altitude_m + climb_m, seconds));
        }
        points
    }

    /// Checks that what is within the buffers at any time is inside a volume of that time.
    fn check_contained(points: &[PathPoint], volumes: &[Volume]) {
        for pair in points.windows(2) {
            for part in 0..=10 {
                let share = f64::from(part) / 10.0;
                let lasts = pair[1].time.since(pair[0].time);
                let time = pair[0].time.plus(lasts.mul_f64(share));
                let (from, to) = (Direction::of(pair[0].position), Direction::of(pair[1].position));
                let position = from.between(to, share).point();
                let climbed_m = pair[1].altitude_m - pair[0].altitude_m;
                let altitude_m = pair[0].altitude_m + share * climbed_m;
                check_point(volumes, position, altitude_m, time);
            }
        }
    }

    fn check_point(volumes: &[Volume], position: LatLng, altitude_m: f64, time: Timestamp) {
        let now: Vec<&Volume> = volumes
            .iter()
            .filter(|volume| volume.starts_at() <= Some(time) && Some(time) <= volume.ends_at())
            .collect();
        assert!(!now.is_empty(), "no volume at {time:?}");
        for volume in now {
            let lower = volume.altitude_lower().expect("given").as_meters();
            let upper = volume.altitude_upper().expect("given").as_meters();
            assert!(lower <= altitude_m - 14.99 && altitude_m + 14.99 <= upper, "{altitude_m}");
            for bearing_deg in (0..360).step_by(30) {
                let beside = position.destination(f64::from(bearing_deg), 50.0);
                assert!(volume.area().contains(beside), "{beside:?} at {time:?}");
            }
        }
    }

    #[test]
    fn makes_one_volume_of_a_short_straight_path() {
        let points = path(&[(90.0, 400.0, 0.0, 20.0), (90.0, 400.0, 0.0, 20.0)]);

        let volumes = volumes(&points, BUFFERS).expect("in order");

        assert_eq!(volumes.len(), 1);
        assert!(volumes[0].area().area_km2() < 0.1, "{}", volumes[0].area().area_km2());
        check_contained(&points, &volumes);
    }

    #[test]
    fn splits_a_long_leg_in_time() {
        let points = path(&[(90.0, 30_000.0, 0.0, 150.0)]);

        let volumes = volumes(&points, BUFFERS).expect("in order");

        let bounds: Vec<_> = volumes.iter().map(|v| (v.starts_at(), v.ends_at())).collect();
        let time = |seconds| Some(at(seconds));
        assert_eq!(
            bounds,
            [(time(0.0), time(50.0)), (time(50.0), time(100.0)), (time(100.0), time(150.0))]
        );
        check_contained(&points, &volumes);
    }

    #[test]
    fn holds_a_turn_in_volumes_that_stay_narrow() {
        let turn: Vec<_> = (0..18).map(|leg| (f64::from(leg) * 20.0, 300.0, 20.0, 5.0)).collect();
        let points = path(&turn);

        let volumes = volumes(&points, BUFFERS).expect("in order");

        let area_km2: f64 = volumes.iter().map(|volume| volume.area().area_km2()).sum();
        assert!(area_km2 < 2.0, "{area_km2}");
        check_contained(&points, &volumes);
    }

    #[test]
    fn holds_an_aircraft_that_waits() {
        let points = path(&[(0.0, 0.0, 0.0, 40.0), (0.0, 0.0, 10.0, 3_600.0)]);

        let volumes = volumes(&points, BUFFERS).expect("in order");

        assert_eq!(volumes.len(), 61);
        check_contained(&points, &volumes);
    }

    #[test]
    fn makes_no_more_volumes_than_an_intent_may_have() {
        let legs: Vec<_> = (0..2_000)
            .map(|leg| (f64::from(leg % 7) * 50.0, 500.0, f64::from(leg % 3) - 1.0, 10.0))
            .collect();
        let points = path(&legs);

        let volumes = volumes(&points, BUFFERS).expect("in order");

        assert!(volumes.len() <= VOLUMES_PER_INTENT_MAX, "{}", volumes.len());
        check_contained(&points, &volumes);
    }

    #[test]
    fn refuses_paths_that_make_no_sense() {
        let good = path(&[(90.0, 400.0, 0.0, 20.0), (90.0, 400.0, 0.0, 20.0)]);
        let refused = |points: &[PathPoint], buffers| volumes(points, buffers).map(|_| ());
        let with = |change: fn(&mut Vec<PathPoint>)| {
            let mut points = good.clone();
            change(&mut points);
            refused(&points, BUFFERS)
        };

        assert_eq!(with(|points| points.truncate(1)), Err(PathError::Points { count: 1 }));
        assert_eq!(with(|p| p[2].time = p[1].time), Err(PathError::NotLater { index: 2 }));
        assert_eq!(with(|p| p[1].altitude_m = f64::NAN), Err(PathError::Altitude { index: 1 }));
        assert_eq!(with(|p| p[0].altitude_m = -7_990.0), Err(PathError::Altitude { index: 0 }));
        for lateral_m in [0.9, 5_000.1, f64::NAN] {
            let buffers = Buffers { lateral_m, ..BUFFERS };
            assert_eq!(refused(&good, buffers), Err(PathError::BufferLateral));
        }
        for vertical_m in [0.9, 1_000.1, f64::INFINITY] {
            let buffers = Buffers { vertical_m, ..BUFFERS };
            assert_eq!(refused(&good, buffers), Err(PathError::BufferVertical));
        }
    }

    #[test]
    fn takes_as_many_points_as_there_may_be() {
        let waits = |legs: usize| path(&vec![(0.0, 0.0, 0.0, 0.1); legs]);

        let taken = volumes(&waits(POINTS_MAX - 1), BUFFERS);
        let refused = volumes(&waits(POINTS_MAX), BUFFERS);

        assert!(taken.is_ok());
        assert_eq!(refused, Err(PathError::Points { count: POINTS_MAX + 1 }));
    }

    #[test]
    fn refuses_to_jump_across_the_earth() {
        let points = path(&[(90.0, 100.0, 0.0, 1.0), (90.0, 3_000_000.0, 0.0, 1.0)]);

        assert_eq!(volumes(&points, BUFFERS), Err(PathError::TooFar { index: 2 }));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn holds_any_path_with_its_buffers(
            legs in prop::collection::vec(
                (0.0..360.0_f64, 0.0..20_000.0_f64, -300.0..300.0_f64, 1.0..400.0_f64),
                1..40,
            ),
        ) {
            let mut points = path(&legs);
            for point in &mut points {
                point.altitude_m = point.altitude_m.clamp(-7_000.0, 90_000.0);
            }

            let volumes = volumes(&points, BUFFERS).expect("in order");

            prop_assert!(volumes.len() <= VOLUMES_PER_INTENT_MAX);
            check_contained(&points, &volumes);
        }
    }
}
