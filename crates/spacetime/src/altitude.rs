//! Heights above the WGS84 ellipsoid.

use borsh::{BorshDeserialize, BorshSerialize};

/// An altitude in millimeters above the WGS84 ellipsoid.
///
/// What comes finer is widened: use [`Altitude::floor_of_meters`] for a lower bound and
/// [`Altitude::ceil_of_meters`] for an upper one.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
)]
pub struct Altitude(i32);

impl Altitude {
    /// Returns the altitude of `millimeters`.
    pub const fn from_millimeters(millimeters: i32) -> Self {
        Altitude(millimeters)
    }

    /// Returns millimeters above the ellipsoid.
    pub const fn as_millimeters(self) -> i32 {
        self.0
    }

    /// Returns meters above the ellipsoid.
    pub fn as_meters(self) -> f64 {
        f64::from(self.0) / 1000.0
    }

    /// Returns the highest altitude not above `meters`, for lower bounds.
    pub fn floor_of_meters(meters: f64) -> Self {
        Altitude((meters * 1000.0).floor() as i32)
    }

    /// Returns the lowest altitude not below `meters`, for upper bounds.
    pub fn ceil_of_meters(meters: f64) -> Self {
        Altitude((meters * 1000.0).ceil() as i32)
    }
}
