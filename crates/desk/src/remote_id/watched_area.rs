//! What a watch looks at: a rectangle of a map, in views that other desks answer.

use airspace::SubscriptionId;
use spacetime::{Circle, LatLng};
use wire::f3411_22a::uss::view::{VIEW_DIAGONAL_M_MAX, View};

/// Into how many strips a watched area is divided, each way.
const STRIPS_MAX: u8 = 4;
/// How many views one watch asks for.
pub const VIEWS_PER_WATCH_MAX: usize = 16;
/// Into how many corners a circle is drawn for a search.
const OUTLINE_CORNERS: u8 = 16;

/// An area is too large to be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "corners: the area is larger than {VIEWS_PER_WATCH_MAX} views of {} km from corner to corner",
    VIEW_DIAGONAL_M_MAX / 1_000.0
)]
pub struct AreaTooLarge;

/// A rectangle between two meridians and two parallels, divided into views.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WatchedArea {
    corners: [LatLng; 2],
    views: Vec<View>,
}

impl WatchedArea {
    /// Returns the smallest rectangle with these opposite corners.
    ///
    /// Of the two ways around the earth it takes the shorter one.
    pub(crate) fn new(corners: [LatLng; 2]) -> Result<Self, AreaTooLarge> {
        for strips in 1..=STRIPS_MAX {
            if let Some(views) = divided(corners, strips) {
                return Ok(WatchedArea { corners, views });
            }
        }
        Err(AreaTooLarge)
    }

    /// Returns the corners, as they were given.
    pub(crate) const fn corners(&self) -> [LatLng; 2] {
        self.corners
    }

    /// Returns the views that cover it, at most [`VIEWS_PER_WATCH_MAX`].
    pub(crate) fn views(&self) -> &[View] {
        &self.views
    }

    /// Tells whether a point is in it.
    pub(crate) fn contains(&self, point: LatLng) -> bool {
        self.views.iter().any(|view| view.contains(point))
    }

    /// Returns a circle that holds it.
    pub(crate) fn bounding_circle(&self) -> Circle {
        let center = between(self.corners, [1, 1], 2);
        let bounds = self.views.iter().map(View::bounding_circle);
        let reach_m = |bound: Circle| center.distance_m(bound.center()) + bound.radius_m();
        let radius_m = bounds.map(reach_m).fold(0.0, f64::max);
        Circle::new(center, radius_m).expect("it holds a view, which is larger than a point")
    }

    /// Returns an outline that holds it, as searches at the hub write it.
    pub(crate) fn outline(&self) -> String {
        let circle = self.bounding_circle();
        // The sides of an outline come nearer to the middle than its corners.
        let half = std::f64::consts::PI / f64::from(OUTLINE_CORNERS);
        let radius_m = circle.radius_m() / half.cos() + 1.0;
        let corner = |number: u8| {
            let bearing_deg = 360.0 * f64::from(number) / f64::from(OUTLINE_CORNERS);
            let corner = circle.center().destination(bearing_deg, radius_m);
            format!("{:.7},{:.7}", corner.lat_deg(), corner.lng_deg())
        };
        (0..OUTLINE_CORNERS).map(corner).collect::<Vec<_>>().join(",")
    }
}

/// Returns the views of so many strips each way; `None` if one of them is too large.
fn divided(corners: [LatLng; 2], strips: u8) -> Option<Vec<View>> {
    let mut views = Vec::new();
    for north in 0..strips {
        for east in 0..strips {
            let corner = between(corners, [north, east], strips);
            let opposite = between(corners, [north + 1, east + 1], strips);
            views.push(View::new(corner, opposite).ok()?);
        }
    }
    Some(views)
}

/// Returns a point of the lattice between two corners, so many of `strips` steps north and east.
fn between([from, to]: [LatLng; 2], [north, east]: [u8; 2], strips: u8) -> LatLng {
    let within_half_a_turn = |degrees: f64| (degrees + 540.0).rem_euclid(360.0) - 180.0;
    let part = |number: u8| f64::from(number) / f64::from(strips);
    let lat = match north {
        0 => from.lat_deg(),
        all if all == strips => to.lat_deg(),
        some => from.lat_deg() + (to.lat_deg() - from.lat_deg()) * part(some),
    };
    let lng = match east {
        0 => from.lng_deg(),
        all if all == strips => to.lng_deg(),
        some => {
            let width_deg = within_half_a_turn(to.lng_deg() - from.lng_deg());
            within_half_a_turn(from.lng_deg() + width_deg * part(some))
        }
    };
    LatLng::new(lat, lng).expect("it is between two points")
}

/// Returns the id of the subscription of a watch: the same bits.
pub(crate) fn subscription_id(watch: airspace::EntityId) -> SubscriptionId {
    SubscriptionId::from_random_bytes(*watch.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(lat: f64, lng: f64) -> LatLng {
        LatLng::new(lat, lng).expect("in range")
    }

    fn area(corners: [(f64, f64); 2]) -> Result<WatchedArea, AreaTooLarge> {
        WatchedArea::new(corners.map(|(lat, lng)| point(lat, lng)))
    }

    #[test]
    fn is_one_view_if_that_is_large_enough() {
        let town = area([(46.93, 7.41), (46.97, 7.47)]).expect("small");

        assert_eq!(town.views().len(), 1);
        assert_eq!(town.views()[0].to_string(), "46.93,7.41,46.97,7.47");
    }

    #[test]
    fn is_divided_into_as_many_views_as_there_may_be() {
        // 0.17 and 0.18 degrees of latitude are 18.9 and 20.0 km; four views of 7 km across are 19.8.
        let last = area([(0.0, 10.0), (0.17, 10.17)]).expect("small enough");
        let beyond = area([(0.0, 10.0), (0.18, 10.18)]);

        assert_eq!(last.views().len(), VIEWS_PER_WATCH_MAX);
        assert_eq!(beyond, Err(AreaTooLarge));
        for (lat, lng) in [(0.0, 10.0), (0.17, 10.17), (0.085, 10.02), (0.0425, 10.0425)] {
            assert!(last.contains(point(lat, lng)), "{lat},{lng}");
        }
        assert!(!last.contains(point(0.171, 10.0)));
    }

    #[test]
    fn lies_across_the_180th_meridian() {
        let across = area([(-17.0, 179.95), (-16.9, -179.95)]).expect("small enough");

        assert!(across.contains(point(-16.95, 180.0)) && across.contains(point(-16.95, -180.0)));
        assert!(!across.contains(point(-16.95, 0.0)));
        let circle = across.bounding_circle();
        assert!(179.99 < circle.center().lng_deg().abs(), "{circle:?}");
        assert!(circle.radius_m() < 9_000.0, "{circle:?}");
    }

    #[test]
    fn is_held_by_its_circle_and_its_outline() {
        let town = area([(46.9, 7.4), (47.0, 7.5)]).expect("small enough");

        let circle = town.bounding_circle();
        let numbers: Vec<f64> =
            town.outline().split(',').map(|number| number.parse().expect("a number")).collect();
        let corners = numbers.chunks(2).map(|pair| point(pair[0], pair[1])).collect();
        let outline = spacetime::Area::from(spacetime::Polygon::new(corners).expect("a polygon"));

        for (lat, lng) in [(46.9, 7.4), (46.9, 7.5), (47.0, 7.4), (47.0, 7.5)] {
            assert!(circle.center().distance_m(point(lat, lng)) <= circle.radius_m());
            assert!(outline.contains(point(lat, lng)));
        }
        for bearing_deg in 0..360_u16 {
            let rim = circle.center().destination(f64::from(bearing_deg), circle.radius_m());
            assert!(outline.contains(rim), "{bearing_deg}");
        }
    }

    #[test]
    fn may_be_a_point() {
        let spot = area([(90.0, 0.0), (90.0, 0.0)]).expect("small");

        assert_eq!(spot.views().len(), 1);
        assert!(0.0 < spot.bounding_circle().radius_m());
    }
}
