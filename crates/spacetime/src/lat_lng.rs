//! Points on the sphere.

use s2::r3::vector::Vector;

use crate::area::AreaError;
use crate::direction::angle;
use crate::trigonometry::sin_cos;

/// The radius of the sphere on which all areas lie, in meters.
///
/// The deployed DSS and golang/geo use this mean radius; on the WGS84 ellipsoid a distance
/// computed with it is off by up to 0.6 %.
pub const EARTH_RADIUS_M: f64 = 6_371_010.0;

/// Components of a direction below this are taken as zero, so that products of three of them stay
/// exact; it is far less than the width of an atom.
const COMPONENT_MIN: f64 = 1e-90;

/// A point on the earth's surface, in degrees (WGS84 latitude and longitude, taken as spherical).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatLng {
    lat_deg: f64,
    lng_deg: f64,
}

impl LatLng {
    /// Returns the point, if latitude is within -90..=90 and longitude within -180..=180.
    pub fn new(lat_deg: f64, lng_deg: f64) -> Result<Self, AreaError> {
        if !(-90.0..=90.0).contains(&lat_deg) {
            return Err(AreaError::Latitude { degrees: lat_deg });
        }
        if !(-180.0..=180.0).contains(&lng_deg) {
            return Err(AreaError::Longitude { degrees: lng_deg });
        }
        Ok(LatLng { lat_deg, lng_deg })
    }

    /// Returns degrees north of the equator.
    pub const fn lat_deg(self) -> f64 {
        self.lat_deg
    }

    /// Returns degrees east of Greenwich.
    pub const fn lng_deg(self) -> f64 {
        self.lng_deg
    }

    /// Returns the length of the great-circle arc to `other`, in meters.
    pub fn distance_m(self, other: LatLng) -> f64 {
        angle(&self.direction(), &other.direction()) * EARTH_RADIUS_M
    }

    /// Returns the initial course of the great-circle arc to `other`, clockwise from north, in
    /// degrees within 0..360.
    pub fn bearing_deg(self, other: LatLng) -> f64 {
        let (lat, other_lat) = (self.lat_deg.to_radians(), other.lat_deg.to_radians());
        let lng = (other.lng_deg - self.lng_deg).to_radians();
        let east = lng.sin() * other_lat.cos();
        let north = lat.cos() * other_lat.sin() - lat.sin() * other_lat.cos() * lng.cos();
        let degrees = east.atan2(north).to_degrees();
        if degrees < 0.0 { (degrees + 360.0) % 360.0 } else { degrees }
    }

    /// Returns the point reached from here along the great circle that starts at `bearing_deg`
    /// (clockwise from north), after `distance_m` meters.
    ///
    /// Both must be finite.
    pub fn destination(self, bearing_deg: f64, distance_m: f64) -> LatLng {
        assert!(bearing_deg.is_finite() && distance_m.is_finite(), "course must be finite");
        let angle = distance_m / EARTH_RADIUS_M;
        let (north, east) = self.north_and_east();
        let (sin, cos) = bearing_deg.to_radians().sin_cos();
        let course = north * cos + east * sin;
        Self::of_direction(&(self.direction() * angle.cos() + course * angle.sin()))
    }

    /// Returns the unit vector from the earth's center to this point.
    pub(crate) fn direction(self) -> Vector {
        let (sin_lat, cos_lat) = sin_cos(self.lat_deg.to_radians());
        let (sin_lng, cos_lng) = sin_cos(self.lng_deg.to_radians());
        let flushed = |component: f64| {
            if component.abs() < COMPONENT_MIN { 0.0 } else { component }
        };
        Vector::new(flushed(cos_lat * cos_lng), flushed(cos_lat * sin_lng), flushed(sin_lat))
    }

    /// Returns the point in a direction from the earth's center, which need not have unit length.
    pub(crate) fn of_direction(direction: &Vector) -> LatLng {
        let lat = direction.z.atan2(direction.x.hypot(direction.y));
        let lng = direction.y.atan2(direction.x);
        LatLng {
            lat_deg: lat.to_degrees().clamp(-90.0, 90.0),
            lng_deg: lng.to_degrees().clamp(-180.0, 180.0),
        }
    }

    /// Returns the unit vectors that point north and east here; at a pole, along its longitude.
    fn north_and_east(self) -> (Vector, Vector) {
        let (sin_lat, cos_lat) = sin_cos(self.lat_deg.to_radians());
        let (sin_lng, cos_lng) = sin_cos(self.lng_deg.to_radians());
        let north = Vector::new(-sin_lat * cos_lng, -sin_lat * sin_lng, cos_lat);
        (north, Vector::new(-sin_lng, cos_lng, 0.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn point(lat_deg: f64, lng_deg: f64) -> LatLng {
        LatLng::new(lat_deg, lng_deg).expect("in range")
    }

    #[test]
    fn refuses_what_is_not_on_the_earth() {
        for (lat_deg, lng_deg) in [
            (90.000_000_1, 0.0),
            (-91.0, 0.0),
            (0.0, 180.000_000_1),
            (0.0, -181.0),
            (f64::NAN, 0.0),
            (0.0, f64::NAN),
            (f64::INFINITY, 0.0),
            (0.0, f64::NEG_INFINITY),
        ] {
            assert!(LatLng::new(lat_deg, lng_deg).is_err(), "{lat_deg} {lng_deg}");
        }
        for (lat_deg, lng_deg) in [(90.0, 180.0), (-90.0, -180.0), (0.0, -0.0)] {
            assert!(LatLng::new(lat_deg, lng_deg).is_ok(), "{lat_deg} {lng_deg}");
        }
    }

    #[test]
    fn measures_along_the_great_circle() {
        let quarter_m = EARTH_RADIUS_M * std::f64::consts::FRAC_PI_2;

        assert!((point(0.0, 0.0).distance_m(point(0.0, 90.0)) - quarter_m).abs() < 1e-6);
        assert!((point(0.0, 0.0).distance_m(point(90.0, 45.0)) - quarter_m).abs() < 1e-6);
        assert!((point(10.0, 179.5).distance_m(point(10.0, -179.5)) - 109_507.0).abs() < 10.0);
        assert!(point(10.0, 180.0).distance_m(point(10.0, -180.0)) < 1e-6);
    }

    #[test]
    fn names_the_course_clockwise_from_north() {
        assert!((point(0.0, 0.0).bearing_deg(point(0.0, 1.0)) - 90.0).abs() < 1e-9);
        assert!((point(0.0, 0.0).bearing_deg(point(-1.0, 0.0)) - 180.0).abs() < 1e-9);
        assert!((point(0.0, 0.0).bearing_deg(point(0.0, -1.0)) - 270.0).abs() < 1e-9);
        assert!(point(47.0, 8.0).bearing_deg(point(48.0, 8.0)).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn arrives_as_far_away_as_it_went(
            lat_deg in -89.0..89.0,
            lng_deg in -180.0..180.0,
            bearing_deg in 0.0..360.0,
            distance_m in 1.0..1_000_000.0,
        ) {
            let from = point(lat_deg, lng_deg);

            let to = from.destination(bearing_deg, distance_m);

            prop_assert!((from.distance_m(to) - distance_m).abs() < 1e-5);
            let turned = (from.bearing_deg(to) - bearing_deg + 540.0) % 360.0 - 180.0;
            prop_assert!(turned.abs() * distance_m < 1.0, "off by {turned} degrees");
        }
    }
}
