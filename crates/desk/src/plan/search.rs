//! Which areas to search at the hub so that nothing near a course, however moved, is missed.

use std::time::Duration;

use spacetime::{Altitude, Area, Timestamp, Volume};

use crate::plan::moves::Moves;
use crate::plan::rectangle::{Direction, Rectangle};

/// The largest area that several volumes are searched in together, in km2; hubs take polygons of
/// up to 2,500 km2.
const AREA_KM2_MAX: f64 = 2_000.0;
/// Added around the volumes, in meters, so that a corner cut by rounding costs nothing.
const MARGIN_M: f64 = 1.0;
/// A circle is held by this many corners around it.
const CORNERS: u32 = 8;

/// Returns volumes that together hold `course` after every one of `moves`.
///
/// Each spans the times and altitudes of the whole course, because a hub compares the union of all
/// volumes of an intent with the others: what shares a cell with one end of the course needs a key
/// even if it is there while the flight is at the other end.
///
/// There are at most as many as the course has volumes.
pub(crate) fn areas(course: &[Volume], moves: &Moves) -> Vec<Volume> {
    let whole = Extent::of(course, moves);
    let mut searches = Vec::new();
    let mut group: Option<(Vec<Direction>, Area)> = None;
    for volume in course {
        let corners = corners(volume.area());
        let joined = group.as_ref().and_then(|(directions, _)| {
            let all: Vec<Direction> = directions.iter().chain(&corners).copied().collect();
            around(&all).map(|area| (all, area))
        });
        if joined.is_some() {
            group = joined;
            continue;
        }
        searches.extend(group.take().map(|(_, area)| area));
        // An area that is too large to be drawn around is searched as it is.
        let area = around(&corners).unwrap_or_else(|| volume.area().clone());
        group = Some((corners, area));
    }
    searches.extend(group.map(|(_, area)| area));
    searches.into_iter().map(|area| whole.over(area)).collect()
}

/// Times and altitudes that hold a course after every move.
struct Extent {
    altitude_lower: Option<Altitude>,
    altitude_upper: Option<Altitude>,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
}

impl Extent {
    fn of(course: &[Volume], moves: &Moves) -> Self {
        let (lowest_mm, highest_mm) = moves.climb_range_mm();
        let delay = Duration::from_secs(u64::from(moves.delay_s_max()));
        let climbed = |altitude: Altitude, climb_mm: i32| {
            let millimeters = altitude.as_millimeters().saturating_add(climb_mm);
            Altitude::from_millimeters(millimeters)
        };
        let lower = course.iter().filter_map(Volume::altitude_lower).min();
        let upper = course.iter().filter_map(Volume::altitude_upper).max();
        let ends_at = course.iter().filter_map(Volume::ends_at).max();
        Extent {
            altitude_lower: lower.map(|altitude| climbed(altitude, lowest_mm)),
            altitude_upper: upper.map(|altitude| climbed(altitude, highest_mm)),
            starts_at: course.iter().filter_map(Volume::starts_at).min(),
            ends_at: ends_at.map(|time| time.plus(delay)),
        }
    }

    fn over(&self, area: Area) -> Volume {
        let (lower, upper) = (self.altitude_lower, self.altitude_upper);
        let volume = Volume::new(area, lower, upper, self.starts_at, self.ends_at);
        volume.expect("it holds volumes whose bounds are in order")
    }
}

fn around(directions: &[Direction]) -> Option<Area> {
    let rectangle = Rectangle::around(directions, MARGIN_M).ok()?;
    if AREA_KM2_MAX < rectangle.area_km2() {
        return None;
    }
    rectangle.area().ok()
}

/// Returns points of which the convex hull holds the area.
fn corners(area: &Area) -> Vec<Direction> {
    match area {
        Area::Polygon(polygon) => {
            polygon.vertices().iter().map(|vertex| Direction::of(*vertex)).collect()
        }
        Area::Circle(circle) => {
            // Corners this far out have edges that touch the circle; the slack covers that the
            // tangent of a large radius grows faster than the radius.
            let half_turn = std::f64::consts::PI / f64::from(CORNERS);
            let distance_m = circle.radius_m() / half_turn.cos() * 1.01;
            let corner = |number: u32| {
                let bearing_deg = 360.0 * f64::from(number) / f64::from(CORNERS);
                Direction::of(circle.center().destination(bearing_deg, distance_m))
            };
            (0..CORNERS).map(corner).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use spacetime::{Circle, LatLng, Polygon};

    use super::*;
    use crate::flight::Bounds;

    fn moves() -> Moves {
        let bounds = Bounds {
            delay_s_max: 600,
            delay_s_step: 60,
            altitude_m_min: 50.0,
            altitude_m_max: 250.0,
            altitude_m_step: 20.0,
        };
        Moves::new(&bounds, 100.0, 200.0).expect("in order")
    }

    fn volume(area: impl Into<Area>, start_s: i64) -> Volume {
        let time = |s: i64| Timestamp::from_micros(s * 1_000_000).ok();
        let altitude = |m: i32| Some(Altitude::from_millimeters(m * 1_000));
        Volume::new(area.into(), altitude(100), altitude(200), time(start_s), time(start_s + 60))
            .expect("in order")
    }

    fn start() -> LatLng {
        LatLng::new(46.0, 7.0).expect("in range")
    }

    /// A chain of squares, each 2 km wide, on a course that turns.
    fn chain(count: u32, turn_deg: f64) -> Vec<Volume> {
        let mut at = start();
        let mut course_deg = 0.0;
        let mut chain = Vec::new();
        for number in 0..count {
            let corner = |bearing_deg| at.destination(bearing_deg, 1_500.0);
            let square = Polygon::new([45.0, 135.0, 225.0, 315.0].map(corner).to_vec());
            chain.push(volume(square.expect("a square"), i64::from(number) * 60));
            at = at.destination(course_deg, 2_000.0);
            course_deg += turn_deg;
        }
        chain
    }

    fn check(course: &[Volume], most: usize) {
        let searches = areas(course, &moves());

        assert!(!searches.is_empty() && searches.len() <= most, "{}", searches.len());
        for search in &searches {
            search.area().cells().expect("a hub covers it");
        }
        let searched = spacetime::union_of_cells(
            searches.iter().map(|search| search.area().cells().expect("a hub covers it")),
        );
        let searched = searched.expect("few cells");
        for volume in course {
            let cells = volume.area().cells().expect("a hub covers it");
            assert!(searched.contains_all(&cells));
        }
    }

    #[test]
    fn searches_a_straight_course_at_once() {
        check(&chain(64, 0.0), 1);
    }

    #[test]
    fn searches_a_winding_course_in_parts_that_a_hub_takes() {
        check(&chain(64, 8.0), 4);
        check(&chain(64, 90.0), 1);
    }

    #[test]
    fn searches_circles_from_around() {
        let circles: Vec<Volume> = (0..10)
            .map(|n| {
                let center = start().destination(30.0, f64::from(n) * 3_000.0);
                volume(Circle::new(center, 2_500.0).expect("a circle"), 0)
            })
            .collect();

        check(&circles, 2);
    }

    #[test]
    fn searches_an_area_that_is_too_large_as_it_is() {
        let large = volume(Circle::new(start(), 50_000.0).expect("a circle"), 0);

        let searches = areas(std::slice::from_ref(&large), &moves());

        assert_eq!(searches.len(), 1);
        assert_eq!(searches[0].area(), large.area());
    }

    #[test]
    fn spans_the_whole_course_after_every_move() {
        let searches = areas(&chain(64, 8.0), &moves());

        for search in searches {
            assert_eq!(search.starts_at().map(Timestamp::as_micros), Some(0));
            assert_eq!(
                search.ends_at().map(Timestamp::as_micros),
                Some((64 * 60 + 600) * 1_000_000)
            );
            assert_eq!(search.altitude_lower(), Some(Altitude::from_millimeters(60_000)));
            assert_eq!(search.altitude_upper(), Some(Altitude::from_millimeters(240_000)));
        }
    }
}
