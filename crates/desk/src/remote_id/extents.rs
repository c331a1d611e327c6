//! The identification service areas of a flight: large enough to hold it, too coarse to show it.
//!
//! F3411-22a (`CreateIdentificationServiceAreaParameters`) wants extents that neither wrap a flight
//! tightly nor are centered where it takes off. So an area is a circle around a point of a coarse
//! grid, with a radius in whole steps, for the whole time of what it holds. A flight that is too
//! long for one circle gets several.

use spacetime::{Altitude, Area, Circle, LatLng, Timestamp, Volume};

use crate::remote_id::telemetry::RECENT_MAX;

/// The largest circle around several volumes, in meters; hubs take circles of up to 10,000 km2.
const RADIUS_M_MAX: f64 = 50_000.0;
/// The step between radii, in meters.
const RADIUS_M_STEP: f64 = 500.0;
/// How many centers there are in a degree, each way; half a step is less than a kilometer.
const CENTERS_PER_DEGREE: f64 = 100.0;
/// The step between altitudes, in millimeters.
const ALTITUDE_MM_STEP: i32 = 100_000;
/// The altitudes that the standard knows, in millimeters.
const ALTITUDES_MM: (i32, i32) = (-8_000_000, 100_000_000);

/// Returns areas that hold volumes, which follow one another, until their recent positions are
/// no longer told.
pub(crate) fn extents(volumes: &[&Volume]) -> Vec<Volume> {
    let mut all = Vec::new();
    let mut rest = volumes;
    while !rest.is_empty() {
        let (area, held) = longest(rest);
        all.push(extent(area, &rest[..held]));
        rest = &rest[held..];
    }
    all
}

/// Returns an area that holds as many of the first volumes as one may, and how many those are.
fn longest(volumes: &[&Volume]) -> (Area, usize) {
    // A single volume that no circle holds is as coarse as its user made it.
    let mut best = (volumes[0].area().clone(), 1);
    for held in 1..=volumes.len() {
        let Some(circle) = around(&volumes[..held]) else {
            break;
        };
        best = (circle.into(), held);
    }
    best
}

/// Returns a coarse circle around volumes, if one is not too large.
fn around(volumes: &[&Volume]) -> Option<Circle> {
    let bounds: Vec<Circle> = volumes.iter().map(|one| one.area().bounding_circle()).collect();
    // The middle of the way is a fair center, and the radius makes up for what it is not.
    let first = bounds.first()?.center();
    let farthest = bounds
        .iter()
        .map(|bound| bound.center())
        .max_by(|one, other| first.distance_m(*one).total_cmp(&first.distance_m(*other)))?;
    let middle = first.destination(first.bearing_deg(farthest), first.distance_m(farthest) / 2.0);
    let center = on_grid(middle);
    let reach_m = |bound: &Circle| center.distance_m(bound.center()) + bound.radius_m();
    let radius_m = bounds.iter().map(reach_m).fold(0.0, f64::max);
    let radius_m = (radius_m / RADIUS_M_STEP).ceil() * RADIUS_M_STEP;
    if RADIUS_M_MAX < radius_m {
        return None;
    }
    Circle::new(center, radius_m).ok()
}

fn on_grid(point: LatLng) -> LatLng {
    let round = |degrees: f64| (degrees * CENTERS_PER_DEGREE).round() / CENTERS_PER_DEGREE;
    let (lat, lng) = (round(point.lat_deg()), round(point.lng_deg()));
    LatLng::new(lat.clamp(-90.0, 90.0), lng.clamp(-180.0, 180.0)).expect("clamped to the earth")
}

fn extent(area: Area, volumes: &[&Volume]) -> Volume {
    let lowest = volumes.iter().map(|one| one.altitude_lower()).min().flatten();
    let above = || volumes.iter().map(|one| one.altitude_upper());
    let highest = if above().all(|upper| upper.is_some()) { above().max().flatten() } else { None };
    let starts_at = volumes.iter().map(|one| one.starts_at()).min().flatten();
    let ends_at = volumes.iter().filter_map(|one| one.ends_at()).max();
    let later = |end: Timestamp| end.plus(RECENT_MAX);
    Volume::new(
        area,
        lowest.map(|lowest| coarse(lowest, i32::div_euclid)),
        highest.map(|highest| coarse(highest, div_ceil)),
        starts_at,
        ends_at.map(later),
    )
    .expect("bounds that are in order stay so when they are widened")
}

/// Returns an altitude in whole steps, rounded as `divide` says.
fn coarse(altitude: Altitude, divide: impl Fn(i32, i32) -> i32) -> Altitude {
    let steps = divide(altitude.as_millimeters(), ALTITUDE_MM_STEP);
    let (lowest, highest) = ALTITUDES_MM;
    Altitude::from_millimeters((steps * ALTITUDE_MM_STEP).clamp(lowest, highest))
}

fn div_ceil(value: i32, step: i32) -> i32 {
    -(-value).div_euclid(step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flight::PathPoint;
    use crate::plan::corridor::{Buffers, volumes};

    fn flight(length_m: f64) -> Vec<Volume> {
        let from = LatLng::new(46.9512, 7.4434).expect("in range");
        let time = |seconds| Timestamp::from_micros(1_800_000_000_000_000 + seconds * 1_000_000);
        let point = |position, seconds| PathPoint {
            position,
            altitude_m: 615.0,
            time: time(seconds).expect("in range"),
        };
        let points: Vec<PathPoint> = (0..=20_u8)
            .map(|step| {
                let part = f64::from(step) / 20.0;
                point(from.destination(70.0, length_m * part), i64::from(step) * 60)
            })
            .collect();
        volumes(&points, Buffers { lateral_m: 50.0, vertical_m: 30.0 }).expect("in order")
    }

    fn of(volumes: &[Volume]) -> Vec<Volume> {
        extents(&volumes.iter().collect::<Vec<_>>())
    }

    #[test]
    fn holds_a_flight_in_one_coarse_circle() {
        let flight = flight(5_000.0);

        let areas = of(&flight);

        let [area] = areas.as_slice() else { panic!("one: {areas:?}") };
        let Area::Circle(circle) = area.area() else { panic!("a circle: {area:?}") };
        for volume in &flight {
            let bound = volume.area().bounding_circle();
            let reach_m = circle.center().distance_m(bound.center()) + bound.radius_m();
            assert!(reach_m <= circle.radius_m());
        }
        assert!(circle.radius_m() <= 4_500.0 && circle.radius_m() % 500.0 == 0.0, "{circle:?}");
        let off_grid = (circle.center().lat_deg() * 100.0).fract().abs();
        assert!(!(1e-6..=1.0 - 1e-6).contains(&off_grid), "{circle:?}");
        let altitudes = (area.altitude_lower(), area.altitude_upper());
        let meters = |meters: i32| Some(Altitude::from_millimeters(meters * 1_000));
        assert_eq!(altitudes, (meters(500), meters(700)));
        assert_eq!(area.starts_at(), flight[0].starts_at());
        let end = flight.last().and_then(Volume::ends_at).expect("it has one");
        assert_eq!(area.ends_at(), Some(end.plus(RECENT_MAX)));
    }

    #[test]
    fn splits_a_flight_that_is_too_long_for_one_circle() {
        let flight = flight(250_000.0);

        let areas = of(&flight);

        assert_eq!(areas.len(), 3);
        for volume in &flight {
            assert!(areas.iter().any(|area| area.intersects(volume)));
        }
        for area in &areas {
            let Area::Circle(circle) = area.area() else { panic!("a circle: {area:?}") };
            assert!(circle.radius_m() <= RADIUS_M_MAX && area.area().cells().is_ok());
        }
    }

    #[test]
    fn takes_a_volume_as_it_is_if_no_circle_may_hold_it() {
        let center = LatLng::new(46.95, 7.44).expect("in range");
        let large = Circle::new(center, 56_000.0).expect("a circle");
        let small = &flight(100.0)[0];
        let volume = |area: Area| {
            Volume::new(area, None, small.altitude_upper(), small.starts_at(), small.ends_at())
                .expect("in order")
        };

        let areas = of(&[volume(large.into()), small.clone()]);

        assert_eq!(areas.len(), 2);
        assert_eq!(areas[0].area(), &Area::from(large));
        assert_eq!(areas[0].altitude_lower(), None);
    }
}
