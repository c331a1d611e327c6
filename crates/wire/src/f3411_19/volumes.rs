//! Volumes as F3411-19 writes them: times and altitudes are plain, outlines are polygons.

use airspace::Footprint;
use serde::{Deserialize, Serialize};
use spacetime::AreaError;

use crate::f3548::common::Polygon;
use crate::period::{self, EndsBeforeStart, PeriodOf};
use crate::rfc3339::Rfc3339;

/// An area inside an outline (`GeoPolygon`); written as the `Polygon` of F3548-21.
pub type GeoPolygon = Polygon;

/// An area from one altitude to another (`Volume3D`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Volume3D {
    /// Its outline.
    pub footprint: GeoPolygon,
    /// Its lowest altitude, in meters above the WGS84 ellipsoid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub altitude_lo: Option<f64>,
    /// Its highest altitude, in meters above the WGS84 ellipsoid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub altitude_hi: Option<f64>,
}

/// A volume for a time (`Volume4D`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Volume4D {
    /// Where.
    pub spatial_volume: Volume3D,
    /// From when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_start: Option<Rfc3339>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_end: Option<Rfc3339>,
}

/// A volume is malformed; the text begins with the field's name.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum VolumeError {
    /// The outline is malformed.
    #[error("spatial_volume.footprint.vertices: {0}")]
    Footprint(AreaError),
    /// The outline is in order, but what it encloses cannot be covered: mostly, it is too large.
    #[error("spatial_volume.footprint: {0}")]
    Area(AreaError),
    /// An altitude is no `float`.
    #[error("spatial_volume.{field}: it is beyond the range of a float of 32 bits")]
    AltitudeOutOfBounds {
        /// Which.
        field: &'static str,
    },
    /// The lower altitude is above the upper one.
    #[error("spatial_volume.altitude_lo: it is above altitude_hi")]
    AltitudesInverted,
    /// The start is not before the end.
    #[error("time_end: it is not after time_start")]
    EndsBeforeStart,
}

impl VolumeError {
    /// Tells whether the volume is well-formed but too large.
    pub fn is_too_large(&self) -> bool {
        match self {
            VolumeError::Footprint(error) | VolumeError::Area(error) => error.is_too_large(),
            VolumeError::AltitudeOutOfBounds { .. }
            | VolumeError::AltitudesInverted
            | VolumeError::EndsBeforeStart => false,
        }
    }
}

impl Volume3D {
    /// Checks the altitudes, of which the standard says only that they are a `float`.
    fn check_altitudes(&self) -> Result<(), VolumeError> {
        for (field, altitude) in
            [("altitude_lo", self.altitude_lo), ("altitude_hi", self.altitude_hi)]
        {
            if altitude.is_some_and(|meters| !(meters as f32).is_finite()) {
                return Err(VolumeError::AltitudeOutOfBounds { field });
            }
        }
        match (self.altitude_lo, self.altitude_hi) {
            (Some(lowest), Some(highest)) if highest < lowest => {
                Err(VolumeError::AltitudesInverted)
            }
            _ => Ok(()),
        }
    }
}

/// Returns where and when a volume is; its altitudes are checked and left out.
pub(super) fn footprint_of(volume: &Volume4D, of: PeriodOf) -> Result<Footprint, VolumeError> {
    let area = volume.spatial_volume.footprint.to_area().map_err(VolumeError::Footprint)?;
    volume.spatial_volume.check_altitudes()?;
    let (starts_at, ends_at) = period::widen(volume.time_start, volume.time_end, of)
        .map_err(|EndsBeforeStart| VolumeError::EndsBeforeStart)?;
    let cells = area.cells().map_err(VolumeError::Area)?;
    Ok(Footprint { starts_at, ends_at, cells })
}
