//! Numbers with the bounds and the defaults of the standard.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// What a number measures; JSON holds no number that is not finite.
pub(super) trait Quantity {
    /// What an absent number and null stand for.
    const DEFAULT: f64;
    /// The least one.
    const MIN: f64;
    /// The greatest one.
    const MAX: f64;
}

/// Degrees north of the equator (`Latitude`).
pub(super) struct Latitude;

/// Degrees east of the prime meridian (`Longitude`).
pub(super) struct Longitude;

/// Meters above what the message says; -1000 is unknown.
pub(super) struct Height;

/// Meters above the reference of a `RIDHeight`.
pub(super) struct Distance;

/// Seconds that a time may be off.
pub(super) struct TimestampAccuracy;

/// Degrees clockwise from true north; 361 is unknown.
pub(super) struct Track;

/// Meters a second over ground; 255 is unknown.
pub(super) struct Speed;

/// Meters a second upward; 63 is unknown.
pub(super) struct VerticalSpeed;

/// Returns what an absent number stands for.
pub(super) fn default<Q: Quantity>() -> f64 {
    Q::DEFAULT
}

/// Reads a number within its bounds, or null.
pub(super) fn optional<'de, Q: Quantity, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<f64, D::Error> {
    check::<Q, D::Error>(Option::deserialize(deserializer)?.unwrap_or(Q::DEFAULT))
}

/// Reads a number within its bounds.
pub(super) fn required<'de, Q: Quantity, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<f64, D::Error> {
    check::<Q, D::Error>(f64::deserialize(deserializer)?)
}

/// Returns the number, if it is within its bounds.
pub(super) fn check<Q: Quantity, E: Error>(value: f64) -> Result<f64, E> {
    if value < Q::MIN {
        return Err(E::custom(format_args!("it is less than {}", Q::MIN)));
    }
    if Q::MAX < value {
        return Err(E::custom(format_args!("it is more than {}", Q::MAX)));
    }
    Ok(value)
}

macro_rules! quantity {
    ($name:ident, $default:expr, $min:expr, $max:expr) => {
        impl Quantity for $name {
            const DEFAULT: f64 = $default;
            const MIN: f64 = $min;
            const MAX: f64 = $max;
        }
    };
}

quantity!(Latitude, 0.0, -90.0, 90.0);
quantity!(Longitude, 0.0, -180.0, 180.0);
quantity!(Height, -1_000.0, f64::MIN, f64::MAX);
quantity!(Distance, 0.0, f64::MIN, f64::MAX);
quantity!(TimestampAccuracy, 0.0, 0.0, f64::MAX);
quantity!(Track, 361.0, 0.0, 361.0);
quantity!(Speed, 255.0, 0.0, f64::MAX);
quantity!(VerticalSpeed, 63.0, f64::MIN, f64::MAX);
