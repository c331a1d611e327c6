//! Sine and cosine that are the same on every machine.
//!
//! System libraries differ in the last place, and an outline that touches itself is judged by the
//! last place. These are the polynomials of the Cephes library (Moshier, 1984 to 1992), which
//! golang/geo's `math.Sin` and `math.Cos` evaluate too: so two hubs on different systems, and the
//! deployed DSS, see the same points. The error is below one unit in the last place.

use std::f64::consts::FRAC_PI_4;

/// A quarter of pi in three parts, whose products with small integers are exact.
const QUARTER_PI: [f64; 3] =
    [7.853_981_256_484_985e-1, 3.774_894_707_930_798e-8, 2.695_151_429_079_059_5e-15];

/// The coefficients of z^13 to z^3 in the sine of z, up to an eighth of a turn.
const SIN: [f64; 6] = [
    1.589_623_015_765_465_7e-10,
    -2.505_074_776_285_780_7e-8,
    2.755_731_362_138_572_4e-6,
    -1.984_126_982_958_954e-4,
    8.333_333_333_322_119e-3,
    -1.666_666_666_666_663e-1,
];

/// The coefficients of z^14 to z^4 in the cosine of z, up to an eighth of a turn.
const COS: [f64; 6] = [
    -1.135_853_652_138_768_2e-11,
    2.087_570_084_197_473e-9,
    -2.755_731_417_929_674e-7,
    2.480_158_728_885_170_5e-5,
    -1.388_888_888_887_305_6e-3,
    4.166_666_666_666_659_3e-2,
];

/// Returns the sine and the cosine of an angle of at most one turn either way, in radians.
pub(crate) fn sin_cos(radians: f64) -> (f64, f64) {
    let angle = radians.abs();
    assert!(angle <= 8.0 * FRAC_PI_4, "at most one turn");
    let eighths = (angle * (4.0 / std::f64::consts::PI)) as u32;
    // The nearest multiple of a quarter turn, counted in eighths.
    let even = eighths + (eighths & 1);
    let multiple = f64::from(even);
    let [high, middle, low] = QUARTER_PI;
    let rest = ((angle - multiple * high) - multiple * middle) - multiple * low;
    let (sin, cos) = (sin_near_zero(rest), cos_near_zero(rest));
    let (sin, cos) = match even & 7 {
        0 => (sin, cos),
        2 => (cos, -sin),
        4 => (-sin, -cos),
        _ => (-cos, sin),
    };
    (if radians < 0.0 { -sin } else { sin }, cos)
}

fn sin_near_zero(z: f64) -> f64 {
    let zz = z * z;
    z + z * zz * polynomial(&SIN, zz)
}

fn cos_near_zero(z: f64) -> f64 {
    let zz = z * z;
    1.0 - 0.5 * zz + zz * zz * polynomial(&COS, zz)
}

fn polynomial(coefficients: &[f64; 6], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn has_no_sine_at_zero_and_no_cosine_error_there() {
        assert_eq!(sin_cos(0.0), (0.0, 1.0));
        assert_eq!(sin_cos(-0.0), (0.0, 1.0));
    }

    proptest! {
        #[test]
        fn differs_from_the_system_by_the_last_place_only(radians in -TAU..TAU) {
            let (sin, cos) = sin_cos(radians);

            prop_assert!((sin - radians.sin()).abs() < 2.3e-16);
            prop_assert!((cos - radians.cos()).abs() < 2.3e-16);
        }
    }
}
