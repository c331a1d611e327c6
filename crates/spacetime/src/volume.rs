//! Areas with altitude and time.

use crate::altitude::Altitude;
use crate::area::Area;
use crate::time::Timestamp;

/// An area between two altitudes and two times; what is not given is unbounded. All bounds belong
/// to the volume.
#[derive(Clone, Debug, PartialEq)]
pub struct Volume {
    area: Area,
    altitude_lower: Option<Altitude>,
    altitude_upper: Option<Altitude>,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
}

/// The bounds of a volume do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VolumeError {
    /// The lower altitude is above the upper one.
    #[error("the lower altitude is above the upper altitude")]
    AltitudesSwapped,
    /// The start is not before the end.
    #[error("the start of the volume is not before its end")]
    StartNotBeforeEnd,
}

impl Volume {
    /// Returns the volume, if the lower altitude is not above the upper one and the start is
    /// before the end.
    pub fn new(
        area: Area,
        altitude_lower: Option<Altitude>,
        altitude_upper: Option<Altitude>,
        starts_at: Option<Timestamp>,
        ends_at: Option<Timestamp>,
    ) -> Result<Self, VolumeError> {
        if let (Some(lower), Some(upper)) = (altitude_lower, altitude_upper)
            && upper < lower
        {
            return Err(VolumeError::AltitudesSwapped);
        }
        if let (Some(start), Some(end)) = (starts_at, ends_at)
            && end <= start
        {
            return Err(VolumeError::StartNotBeforeEnd);
        }
        Ok(Volume { area, altitude_lower, altitude_upper, starts_at, ends_at })
    }

    /// Returns the area.
    pub const fn area(&self) -> &Area {
        &self.area
    }

    /// Returns the lowest altitude of the volume.
    pub const fn altitude_lower(&self) -> Option<Altitude> {
        self.altitude_lower
    }

    /// Returns the highest altitude of the volume.
    pub const fn altitude_upper(&self) -> Option<Altitude> {
        self.altitude_upper
    }

    /// Returns the first point in time of the volume.
    pub const fn starts_at(&self) -> Option<Timestamp> {
        self.starts_at
    }

    /// Returns the last point in time of the volume.
    pub const fn ends_at(&self) -> Option<Timestamp> {
        self.ends_at
    }

    /// Tells whether the volumes share a point in space and time; volumes that touch do.
    ///
    /// Times and altitudes are compared exactly, areas as [`Area::intersects`] does.
    pub fn intersects(&self, other: &Volume) -> bool {
        overlap((self.starts_at, self.ends_at), (other.starts_at, other.ends_at))
            && overlap(
                (self.altitude_lower, self.altitude_upper),
                (other.altitude_lower, other.altitude_upper),
            )
            && self.area.intersects(&other.area)
    }
}

/// Tells whether two ranges share a value; their ends belong to them, `None` is unbounded.
fn overlap<T: PartialOrd>(a: (Option<T>, Option<T>), b: (Option<T>, Option<T>)) -> bool {
    let is_not_after = |start: &Option<T>, end: &Option<T>| match (start, end) {
        (Some(start), Some(end)) => start <= end,
        _ => true,
    };
    is_not_after(&a.0, &b.1) && is_not_after(&b.0, &a.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circle::Circle;
    use crate::lat_lng::LatLng;

    fn volume(altitudes: (i32, i32), times: (i64, i64)) -> Result<Volume, VolumeError> {
        let center = LatLng::new(47.0, 8.0).expect("in range");
        let area = Circle::new(center, 100.0).expect("a circle").into();
        let altitude = |meters: i32| Some(Altitude::from_millimeters(meters * 1000));
        let time = |micros| Some(Timestamp::from_micros(micros).expect("in range"));
        Volume::new(
            area,
            altitude(altitudes.0),
            altitude(altitudes.1),
            time(times.0),
            time(times.1),
        )
    }

    fn intersects(a: ((i32, i32), (i64, i64)), b: ((i32, i32), (i64, i64))) -> bool {
        let a = volume(a.0, a.1).expect("a volume");
        let b = volume(b.0, b.1).expect("a volume");
        assert_eq!(a.intersects(&b), b.intersects(&a));
        a.intersects(&b)
    }

    #[test]
    fn refuses_bounds_that_do_not_fit() {
        assert_eq!(volume((10, 9), (0, 1)), Err(VolumeError::AltitudesSwapped));
        assert_eq!(volume((0, 1), (5, 5)), Err(VolumeError::StartNotBeforeEnd));
        assert_eq!(volume((0, 1), (6, 5)), Err(VolumeError::StartNotBeforeEnd));
        assert!(volume((10, 10), (0, 1)).is_ok());
    }

    #[test]
    fn meets_what_touches_it_in_altitude_and_time() {
        assert!(intersects(((0, 100), (0, 10)), ((100, 200), (10, 20))));
        assert!(!intersects(((0, 100), (0, 10)), ((101, 200), (0, 10))));
        assert!(!intersects(((0, 100), (0, 10)), ((0, 100), (11, 20))));
        assert!(intersects(((0, 100), (0, 10)), ((40, 50), (4, 5))));
    }

    #[test]
    fn takes_a_bound_that_is_not_given_as_none() {
        let bounded = volume((0, 100), (0, 10)).expect("a volume");
        let unbounded =
            Volume::new(bounded.area().clone(), None, None, None, None).expect("a volume");

        assert!(bounded.intersects(&unbounded) && unbounded.intersects(&bounded));
        assert!(unbounded.intersects(&unbounded));
    }
}
