//! The query of flights: a view and how far back it looks (F3411-22a `searchFlights`).

use std::fmt;
use std::time::Duration;

use spacetime::{AreaError, Circle, LatLng};

/// The longest diagonal of a view, in meters (F3411-22a NetMaxDisplayAreaDiagonal).
pub const VIEW_DIAGONAL_M_MAX: f64 = 7_000.0;

/// How far back recent positions may be asked for, in seconds.
pub const RECENT_POSITIONS_S_MAX: f64 = 60.0;

/// The radius that is added to a circle around a view, so that even a point has one.
const BOUND_SLACK_M: f64 = 0.1;

/// A rectangle of a map, at most [`VIEW_DIAGONAL_M_MAX`] from corner to corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// A corner, as it was given.
    corner: LatLng,
    /// The opposite one.
    opposite: LatLng,
}

/// What a search of flights asks for, each parameter of the query percent-decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SearchFlightsParameters<'a> {
    /// Two opposite corners: `lat1,lng1,lat2,lng2`.
    pub view: Option<&'a str>,
    /// How many seconds back positions are asked for.
    pub recent_positions_duration: Option<&'a str>,
}

/// A search of flights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchFlights {
    /// Where.
    pub view: View,
    /// How far back positions are asked for; with zero none are.
    pub recent_positions: Duration,
}

/// A search of flights is malformed; the text begins with the parameter's name.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum SearchFlightsError {
    /// There is no view.
    #[error("view: it must be given")]
    ViewMissing,
    /// The view is not four numbers.
    #[error("view: it is not lat1,lng1,lat2,lng2")]
    ViewFormat,
    /// A corner is not on the earth.
    #[error("view: {0}")]
    Corner(AreaError),
    /// The view is too large.
    #[error("view: its diagonal is longer than {VIEW_DIAGONAL_M_MAX} m")]
    ViewTooLarge,
    /// The duration is no number within its bounds.
    #[error("recent_positions_duration: it is not a number from 0 to {RECENT_POSITIONS_S_MAX}")]
    RecentPositionsDuration,
}

impl SearchFlightsError {
    /// Tells whether the search is well-formed but its view is too large.
    pub fn is_view_too_large(&self) -> bool {
        matches!(self, SearchFlightsError::ViewTooLarge)
    }
}

/// Returns the search that a query asks for.
pub fn parse_search_flights(
    parameters: &SearchFlightsParameters<'_>,
) -> Result<SearchFlights, SearchFlightsError> {
    let view = View::parse(parameters.view.ok_or(SearchFlightsError::ViewMissing)?)?;
    let seconds = match parameters.recent_positions_duration {
        Some(text) => text.trim().parse().ok(),
        None => Some(0.0),
    };
    let seconds = seconds
        .filter(|seconds| (0.0..=RECENT_POSITIONS_S_MAX).contains(seconds))
        .ok_or(SearchFlightsError::RecentPositionsDuration)?;
    Ok(SearchFlights { view, recent_positions: Duration::from_secs_f64(seconds) })
}

impl View {
    /// Returns the smallest rectangle with these opposite corners, if it is small enough.
    ///
    /// Its sides are meridians and parallels. Of the two ways around the earth it takes the
    /// shorter one, so it may lie across the 180th meridian.
    pub fn new(corner: LatLng, opposite: LatLng) -> Result<Self, SearchFlightsError> {
        // Both diagonals are equally long: each joins the same latitudes, as far apart.
        if VIEW_DIAGONAL_M_MAX < corner.distance_m(opposite) {
            return Err(SearchFlightsError::ViewTooLarge);
        }
        Ok(View { corner, opposite })
    }

    /// Returns the view that `lat1,lng1,lat2,lng2` writes.
    pub fn parse(text: &str) -> Result<Self, SearchFlightsError> {
        let mut numbers = [0.0; 4];
        let mut parts = text.split(',');
        for number in &mut numbers {
            let part = parts.next().ok_or(SearchFlightsError::ViewFormat)?;
            *number = part.trim().parse().map_err(|_| SearchFlightsError::ViewFormat)?;
        }
        if parts.next().is_some() {
            return Err(SearchFlightsError::ViewFormat);
        }
        let corner = |lat, lng| LatLng::new(lat, lng).map_err(SearchFlightsError::Corner);
        View::new(corner(numbers[0], numbers[1])?, corner(numbers[2], numbers[3])?)
    }

    /// Tells whether a point is inside or on a side.
    pub fn contains(&self, point: LatLng) -> bool {
        let (lat1, lat2) = (self.corner.lat_deg(), self.opposite.lat_deg());
        if point.lat_deg() < lat1.min(lat2) || lat1.max(lat2) < point.lat_deg() {
            return false;
        }
        let width = degrees_east(self.corner, self.opposite);
        let from_corner = degrees_east(self.corner, point);
        // Both are counted from the same corner, in the direction of the other.
        if width < 0.0 {
            (width..=0.0).contains(&from_corner)
        } else {
            (0.0..=width).contains(&from_corner)
        }
    }

    /// Returns a circle that contains the view, hardly larger than need be.
    pub fn bounding_circle(&self) -> Circle {
        let lat = f64::midpoint(self.corner.lat_deg(), self.opposite.lat_deg());
        let lng = self.corner.lng_deg() + degrees_east(self.corner, self.opposite) / 2.0;
        let center = LatLng::new(lat, within_half_a_turn(lng)).expect("it is between two points");
        // The corners are the farthest points of a rectangle from its middle.
        let radius_m = center.distance_m(self.corner).max(center.distance_m(self.opposite));
        Circle::new(center, radius_m + BOUND_SLACK_M).expect("it is finite and more than zero")
    }
}

impl fmt::Display for View {
    /// Writes it as the query has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (corner, opposite) = (self.corner, self.opposite);
        write!(f, "{},{},", corner.lat_deg(), corner.lng_deg())?;
        write!(f, "{},{}", opposite.lat_deg(), opposite.lng_deg())
    }
}

/// Returns how far east `to` is of `from`, in degrees within -180 to 180.
fn degrees_east(from: LatLng, to: LatLng) -> f64 {
    within_half_a_turn(to.lng_deg() - from.lng_deg())
}

/// Returns the same direction within -180 to 180 degrees; `degrees` is within -360 to 360.
fn within_half_a_turn(degrees: f64) -> f64 {
    if degrees < -180.0 {
        degrees + 360.0
    } else if 180.0 < degrees {
        degrees - 360.0
    } else {
        degrees
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;

    fn at(lat_deg: f64, lng_deg: f64) -> LatLng {
        LatLng::new(lat_deg, lng_deg).expect("in range")
    }

    fn view(text: &str) -> View {
        View::parse(text).expect("a view")
    }

    fn search(view: &str, duration: Option<&str>) -> Result<SearchFlights, SearchFlightsError> {
        let parameters =
            SearchFlightsParameters { view: Some(view), recent_positions_duration: duration };
        parse_search_flights(&parameters)
    }

    fn refusal(view: &str, duration: Option<&str>) -> String {
        search(view, duration).expect_err("a malformed search was accepted").to_string()
    }

    #[test]
    fn reads_two_corners_and_a_duration() {
        let found = search(" 29.97816,31.13296,29.98025, 31.13535", Some("60"));

        let found = found.expect("a good search");
        assert_eq!(found.view.to_string(), "29.97816,31.13296,29.98025,31.13535");
        assert_eq!(found.recent_positions, Duration::from_secs(60));
        let of = |duration| search("0,0,0,0", duration).map(|search| search.recent_positions);
        assert_eq!(of(None), Ok(Duration::ZERO));
        assert_eq!(of(Some("0")), Ok(Duration::ZERO));
        assert_eq!(of(Some("1.5")), Ok(Duration::from_millis(1_500)));
    }

    #[test]
    fn refuses_what_is_no_search_of_flights() {
        let missing = parse_search_flights(&SearchFlightsParameters::default());

        assert_eq!(missing, Err(SearchFlightsError::ViewMissing));
        for text in ["", "1,2,3", "1,2,3,4,5", "1,2,,4", "a,b,c,d", "1;2;3;4", "1,2,3,4,"] {
            assert_eq!(View::parse(text), Err(SearchFlightsError::ViewFormat), "{text}");
        }
        assert_snapshot!(refusal("90.1,0,90,0", None),
            @"view: latitude 90.1 is not within -90 to 90 degrees");
        assert_snapshot!(refusal("0,NaN,0,0", None),
            @"view: longitude NaN is not within -180 to 180 degrees");
        assert_snapshot!(refusal("0,0,inf,0", None),
            @"view: latitude inf is not within -90 to 90 degrees");
        for duration in ["", "-0.1", "60.1", "NaN", "inf", "1s"] {
            let error = search("0,0,0,0", Some(duration));
            assert_eq!(error, Err(SearchFlightsError::RecentPositionsDuration), "{duration}");
        }
    }

    #[test]
    fn refuses_diagonals_of_more_than_seven_kilometers() {
        // A degree of a meridian is 111,195 m.
        let north = |meters: f64| View::new(at(47.0, 8.0), at(47.0 + meters / 111_195.1, 8.0));

        assert!(north(6_999.0).is_ok());
        let error = north(7_001.0).expect_err("too large");
        assert!(error.is_view_too_large());
        assert_eq!(error.to_string(), "view: its diagonal is longer than 7000 m");
        assert!(View::new(at(0.0, 179.98), at(0.0, -179.98)).is_ok());
        assert!(View::new(at(0.0, -179.0), at(0.0, 179.0)).is_err());
    }

    #[test]
    fn contains_what_is_between_its_corners_whichever_are_given() {
        for text in ["47,8,47.02,8.03", "47.02,8.03,47,8", "47.02,8,47,8.03", "47,8.03,47.02,8"] {
            let view = view(text);

            for inside in [at(47.01, 8.01), at(47.0, 8.0), at(47.02, 8.03), at(47.02, 8.0)] {
                assert!(view.contains(inside), "{inside:?} of {text}");
            }
            for outside in [at(46.99, 8.01), at(47.03, 8.01), at(47.01, 7.99), at(47.01, 8.04)] {
                assert!(!view.contains(outside), "{outside:?} of {text}");
            }
        }
    }

    #[test]
    fn lies_across_the_180th_meridian_where_that_is_shorter() {
        let view = view("10,179.99,10.01,-179.99");

        assert!(view.contains(at(10.0, 180.0)) && view.contains(at(10.0, -180.0)));
        assert!(view.contains(at(10.005, 179.995)) && view.contains(at(10.005, -179.995)));
        assert!(!view.contains(at(10.005, 0.0)) && !view.contains(at(10.005, 179.98)));
        assert!(180.0 - view.bounding_circle().center().lng_deg().abs() < 1e-9);
    }

    #[test]
    fn is_bounded_by_a_circle_even_if_it_is_a_point() {
        let circle = view("47,8,47,8").bounding_circle();

        assert_eq!(circle.center(), at(47.0, 8.0));
        assert!(0.0 < circle.radius_m() && circle.radius_m() < 1.0);
    }

    proptest! {
        #[test]
        fn lies_in_its_bounding_circle(
            lat in -89.9..89.9,
            lng in -180.0..180.0,
            north in -0.04..0.04,
            east in -0.04..0.04,
            at_north in 0.0..=1.0,
            at_east in 0.0..=1.0,
        ) {
            let around = |lng: f64| within_half_a_turn(lng);
            let opposite = at(lat + north, around(lng + east));
            let view = View::new(at(lat, lng), opposite).expect("small enough");
            let inside = at(lat + north * at_north, around(lng + east * at_east));

            let circle = view.bounding_circle();

            prop_assert!(circle.center().distance_m(inside) <= circle.radius_m());
            prop_assert!(circle.radius_m() <= VIEW_DIAGONAL_M_MAX);
        }
    }
}
