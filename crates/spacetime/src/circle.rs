//! Areas around a point.

use std::f64::consts::PI;

use s2::r3::vector::Vector;

use crate::area::AreaError;
use crate::lat_lng::{EARTH_RADIUS_M, LatLng};

/// All points within a distance, measured along the sphere, of a center.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Circle {
    center: LatLng,
    radius_m: f64,
    direction: Vector,
}

impl Circle {
    /// Returns the circle, if the radius in meters is finite and more than zero.
    pub fn new(center: LatLng, radius_m: f64) -> Result<Self, AreaError> {
        if !(radius_m.is_finite() && 0.0 < radius_m) {
            return Err(AreaError::Radius { radius_m });
        }
        Ok(Circle { center, radius_m, direction: center.direction() })
    }

    /// Returns the center.
    pub const fn center(&self) -> LatLng {
        self.center
    }

    /// Returns the radius in meters.
    pub const fn radius_m(&self) -> f64 {
        self.radius_m
    }

    /// Returns the center's direction.
    pub(crate) const fn direction(&self) -> &Vector {
        &self.direction
    }

    /// Returns the angular radius in radians; half a turn is the whole earth.
    pub(crate) fn angle(&self) -> f64 {
        (self.radius_m / EARTH_RADIUS_M).min(PI)
    }

    /// Returns the area as a solid angle, in steradians.
    pub(crate) fn area(&self) -> f64 {
        let half_sin = (self.angle() / 2.0).sin();
        4.0 * PI * half_sin * half_sin
    }
}
