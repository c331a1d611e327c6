//! Heights above the WGS84 ellipsoid.

use borsh::{BorshDeserialize, BorshSerialize};

/// An altitude in millimeters above the WGS84 ellipsoid.
///
/// What comes finer is widened: use [`Altitude::floor_of_meters`] for a lower bound and
/// [`Altitude::ceil_of_meters`] for an upper one. Both return a number of meters with up to three
/// decimals unchanged, so what was read is what is written.
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
    ///
    /// Saturates beyond +-2,147 km; whoever reads the number refuses what is not finite.
    pub fn floor_of_meters(meters: f64) -> Self {
        let near = Self::near(meters);
        if meters < near.as_meters() { Altitude(near.0.saturating_sub(1)) } else { near }
    }

    /// Returns the lowest altitude not below `meters`, for upper bounds.
    ///
    /// Saturates beyond +-2,147 km; whoever reads the number refuses what is not finite.
    pub fn ceil_of_meters(meters: f64) -> Self {
        let near = Self::near(meters);
        if near.as_meters() < meters { Altitude(near.0.saturating_add(1)) } else { near }
    }

    /// Returns the altitude nearest to `meters`; the conversion saturates.
    fn near(meters: f64) -> Self {
        Altitude((meters * 1000.0).round() as i32)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keeps_three_decimals_as_they_were_read() {
        for millimeters in [-8_000_000, -7_999_999, -1, 0, 1, 120_001, 609_601, 100_000_000] {
            let meters: f64 =
                format!("{}.{:03}", millimeters / 1000, (millimeters % 1000_i32).abs())
                    .parse()
                    .expect("a decimal number");
            let meters = if millimeters == -1 { -0.001 } else { meters };

            assert_eq!(Altitude::floor_of_meters(meters).as_millimeters(), millimeters);
            assert_eq!(Altitude::ceil_of_meters(meters).as_millimeters(), millimeters);
        }
    }

    #[test]
    fn saturates_where_millimeters_do_not_reach() {
        assert_eq!(Altitude::floor_of_meters(f64::MAX), Altitude(i32::MAX));
        assert_eq!(Altitude::ceil_of_meters(f64::MAX), Altitude(i32::MAX));
        assert_eq!(Altitude::floor_of_meters(f64::MIN), Altitude(i32::MIN));
        assert_eq!(Altitude::ceil_of_meters(f64::MIN), Altitude(i32::MIN));
    }

    proptest! {
        #[test]
        fn widens_what_is_finer_by_less_than_a_millimeter(meters in -8_000.0..=100_000.0) {
            let floor = Altitude::floor_of_meters(meters);
            let ceil = Altitude::ceil_of_meters(meters);

            prop_assert!(floor.as_meters() <= meters && meters <= ceil.as_meters());
            prop_assert!(ceil.0 - floor.0 <= 1);
        }
    }
}
