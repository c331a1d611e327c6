//! Where a flight is by its plan: on its path, or somewhere in its volumes.

use std::time::Duration;

use spacetime::{Timestamp, Volume};

use crate::flight::PathPoint;
use crate::plan::moves::Move;
use crate::remote_id::telemetry::{Accuracy, Telemetry};

/// How many points of a path are kept to tell where a flight is; of longer paths every second,
/// third and so on.
pub(crate) const PATH_POINTS_MAX: usize = 1_024;

/// Returns at most [`PATH_POINTS_MAX`] points of a path, with the first and the last.
pub(crate) fn thin(points: &[PathPoint]) -> Vec<PathPoint> {
    // One place is for the last point.
    let step = points.len().div_ceil(PATH_POINTS_MAX - 1).max(1);
    let mut kept: Vec<PathPoint> = points.iter().step_by(step).copied().collect();
    let last = points.last().filter(|last| kept.last() != Some(last));
    kept.extend(last);
    kept
}

/// Returns where a flight on a path is at a time, after a move; `None` before it and after it.
///
/// Between points it follows great circles at constant speed and constant climb, as its volumes
/// were made.
pub(crate) fn on_path(path: &[PathPoint], moved: Move, time: Timestamp) -> Option<Telemetry> {
    let delay = Duration::from_secs(u64::from(moved.delay_s));
    let planned = time.minus(delay);
    let next = path.partition_point(|point| point.time < planned).max(1);
    let (from, to) = (path.get(next - 1)?, path.get(next)?);
    if planned < from.time {
        return None;
    }
    let lasts_s = to.time.since(from.time).as_secs_f64();
    let part = planned.since(from.time).as_secs_f64() / lasts_s;
    let distance_m = from.position.distance_m(to.position);
    let position =
        from.position.destination(from.position.bearing_deg(to.position), distance_m * part);
    let climb_m = to.altitude_m - from.altitude_m;
    Some(Telemetry {
        time,
        position,
        altitude_m: Some(from.altitude_m + climb_m * part + moved.climb_m()),
        // At the end of the leg the course is no longer that of its start.
        track_deg: (0.0 < distance_m).then(|| track_deg(position, from, to)),
        speed_m_per_s: Some(distance_m / lasts_s),
        climb_m_per_s: Some(climb_m / lasts_s),
        accuracy: Accuracy::default(),
    })
}

fn track_deg(position: spacetime::LatLng, from: &PathPoint, to: &PathPoint) -> f64 {
    let behind_m = from.position.distance_m(position);
    let ahead_m = position.distance_m(to.position);
    if behind_m < ahead_m {
        return position.bearing_deg(to.position);
    }
    (position.bearing_deg(from.position) + 180.0) % 360.0
}

/// Returns the middle of the volume that a flight is in at a time, as far off as the volume is
/// large; `None` before the first and after the last.
pub(crate) fn in_volumes<'a>(
    mut volumes: impl Iterator<Item = &'a Volume>,
    time: Timestamp,
) -> Option<Telemetry> {
    let holds = |volume: &&Volume| {
        volume.starts_at().is_none_or(|start| start <= time)
            && volume.ends_at().is_none_or(|end| time <= end)
    };
    let volume = volumes.find(holds)?;
    let bound = volume.area().bounding_circle();
    let altitudes_m = volume.altitude_lower().zip(volume.altitude_upper());
    let altitudes_m = altitudes_m.map(|(lower, upper)| (lower.as_meters(), upper.as_meters()));
    Some(Telemetry {
        time,
        position: bound.center(),
        altitude_m: altitudes_m.map(|(lower, upper)| f64::midpoint(lower, upper)),
        track_deg: None,
        speed_m_per_s: None,
        climb_m_per_s: None,
        accuracy: Accuracy {
            horizontal_m: Some(bound.radius_m()),
            vertical_m: altitudes_m.map(|(lower, upper)| (upper - lower) / 2.0),
            ..Accuracy::default()
        },
    })
}

#[cfg(test)]
mod tests {
    use spacetime::LatLng;

    use super::*;
    use crate::flight::POINTS_MAX;
    use crate::test_data::volume;

    fn at(seconds: f64) -> Timestamp {
        let micros = 1_800_000_000_000_000 + (seconds * 1e6) as i64;
        Timestamp::from_micros(micros).expect("in range")
    }

    fn point(east_m: f64, north_m: f64, altitude_m: f64, seconds: f64) -> PathPoint {
        let middle = LatLng::new(46.95, 7.44).expect("in range");
        let position = middle.destination(90.0, east_m).destination(0.0, north_m);
        PathPoint { position, altitude_m, time: at(seconds) }
    }

    fn path() -> [PathPoint; 3] {
        [
            point(0.0, 0.0, 100.0, 0.0),
            point(1_000.0, 0.0, 120.0, 100.0),
            point(1_000.0, 500.0, 120.0, 150.0),
        ]
    }

    #[test]
    fn goes_from_point_to_point_at_constant_speed() {
        let half = on_path(&path(), Move::default(), at(50.0)).expect("it flies");
        let later = on_path(&path(), Move::default(), at(125.0)).expect("it flies");

        assert!(half.position.distance_m(point(500.0, 0.0, 0.0, 0.0).position) < 0.1);
        assert_eq!(half.altitude_m, Some(110.0));
        assert!((half.track_deg.expect("it moves") - 90.0).abs() < 0.1);
        assert!((half.speed_m_per_s.expect("known") - 10.0).abs() < 1e-3);
        assert!((half.climb_m_per_s.expect("known") - 0.2).abs() < 1e-9);
        assert!(later.position.distance_m(point(1_000.0, 250.0, 0.0, 0.0).position) < 0.1);
        assert!(later.track_deg.is_some_and(|track| !(0.1..=359.9).contains(&track)));
    }

    #[test]
    fn is_nowhere_before_and_after() {
        let moved = Move { delay_s: 30, climb_mm: 5_000 };
        let place = |seconds| on_path(&path(), moved, at(seconds));

        assert_eq!(place(29.999), None);
        let first = place(30.0).expect("it starts");
        assert_eq!((first.position, first.altitude_m), (path()[0].position, Some(105.0)));
        let last = place(180.0).expect("it still flies");
        assert!(last.position.distance_m(path()[2].position) < 0.001);
        assert_eq!(place(180.001), None);
    }

    #[test]
    fn has_no_track_while_it_hovers() {
        let hovering = [point(0.0, 0.0, 100.0, 0.0), point(0.0, 0.0, 120.0, 10.0)];

        let there = on_path(&hovering, Move::default(), at(5.0)).expect("it flies");

        assert_eq!((there.track_deg, there.speed_m_per_s), (None, Some(0.0)));
    }

    #[test]
    fn is_as_far_off_as_its_volume_is_large() {
        let circle = volume(100);

        let there = in_volumes([&circle].into_iter(), at(60.0)).expect("it is in it");

        assert_eq!(there.position, LatLng::new(46.95, 7.44).expect("in range"));
        assert_eq!(there.altitude_m, Some(115.0));
        assert_eq!(there.accuracy.horizontal_m, Some(100.0));
        assert_eq!(there.accuracy.vertical_m, Some(15.0));
        assert_eq!(in_volumes([&circle].into_iter(), at(59.9)), None);
        assert_eq!(in_volumes([&circle].into_iter(), at(120.1)), None);
    }

    #[test]
    fn keeps_both_ends_of_a_long_path() {
        let long = |count: usize| -> Vec<PathPoint> {
            (0..count).map(|number| point(number as f64, 0.0, 100.0, number as f64)).collect()
        };

        for count in [2, PATH_POINTS_MAX - 1, PATH_POINTS_MAX, POINTS_MAX] {
            let points = long(count);
            let kept = thin(&points);

            assert!(kept.len() <= PATH_POINTS_MAX, "{count}");
            assert_eq!((kept.first(), kept.last()), (points.first(), points.last()), "{count}");
        }
        assert_eq!(thin(&long(PATH_POINTS_MAX - 1)).len(), PATH_POINTS_MAX - 1);
    }
}
