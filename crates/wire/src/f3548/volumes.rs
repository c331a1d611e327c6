//! Volumes of messages to and from volumes of `spacetime`, and their union to an extent.

use airspace::{Extent, Search};
use spacetime::{Altitude, Area, AreaError, Cells, LatLng, Timestamp, VERTICES_MAX};

use crate::f3548::common::{self, Circle, LatLngPoint, LengthUnits, Polygon, Radius, Time};
use crate::f3548::common::{Volume3D, Volume4D};
use crate::period::{self, EndsBeforeStart, PeriodOf};

/// The lowest altitude of a message, in meters (F3548-21 `Altitude`).
pub const ALTITUDE_M_MIN: f64 = -8_000.0;

/// The highest altitude of a message, in meters (F3548-21 `Altitude`).
pub const ALTITUDE_M_MAX: f64 = 100_000.0;

/// How many cells the volumes of one entity may cover, counted anew for each volume.
///
/// It bounds the work for volumes that all cover the same cells, of which the union is small.
pub const CELLS_COVERED_MAX: usize = 20 * spacetime::CELLS_PER_ENTITY_MAX;

/// A volume is malformed; the text begins with the field's name.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum VolumeError {
    /// Neither outline is given, or both.
    #[error("volume: exactly one of outline_circle and outline_polygon must be given")]
    Outline,
    /// The circle is malformed.
    #[error("volume.outline_circle: {0}")]
    Circle(AreaError),
    /// The polygon is malformed.
    #[error("volume.outline_polygon.vertices: {0}")]
    Polygon(AreaError),
    /// The outline is in order, but what it encloses cannot be covered: mostly, it is too large.
    #[error("volume: {0}")]
    Area(AreaError),
    /// An altitude is out of bounds.
    #[error("volume.{field}.value: it is not between {ALTITUDE_M_MIN} and {ALTITUDE_M_MAX}")]
    AltitudeOutOfBounds {
        /// Which.
        field: &'static str,
    },
    /// The lower altitude is above the upper one.
    #[error("volume.altitude_lower: it is above altitude_upper")]
    AltitudesInverted,
    /// The start is not before the end.
    #[error("time_end: it is not after time_start")]
    EndsBeforeStart,
    /// A field that must be given here is not.
    #[error("{0}: it must be given")]
    Missing(&'static str),
}

/// The volumes of an entity are malformed; the text begins with the field's name.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ExtentsError {
    /// There are no volumes.
    #[error("extents: at least one volume must be given")]
    Empty,
    /// The outlines have too many vertices together.
    #[error("extents: the outlines have more than {VERTICES_MAX} vertices together")]
    TooManyVertices,
    /// One of the volumes is malformed.
    #[error("extents[{index}].{error}")]
    Volume {
        /// Which, from 0.
        index: usize,
        /// What is wrong with it.
        error: VolumeError,
    },
    /// All volumes together cover too many cells.
    #[error("extents: {0}")]
    Cells(AreaError),
    /// The volumes, each counted by itself, cover too many cells.
    #[error("extents: the volumes cover more than {CELLS_COVERED_MAX} cells one by one")]
    TooMuchToCover,
}

/// Which fields every volume of an entity must give, beyond its outline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Required {
    /// Start and end: constraints.
    Times,
    /// Start, end and both altitudes: operational intents.
    TimesAndAltitudes,
}

impl VolumeError {
    /// Tells whether the volume is well-formed but too large.
    pub fn is_too_large(&self) -> bool {
        match self {
            VolumeError::Circle(error) | VolumeError::Polygon(error) | VolumeError::Area(error) => {
                error.is_too_large()
            }
            VolumeError::Outline
            | VolumeError::AltitudeOutOfBounds { .. }
            | VolumeError::AltitudesInverted
            | VolumeError::EndsBeforeStart
            | VolumeError::Missing(_) => false,
        }
    }
}

impl ExtentsError {
    /// Tells whether the volumes are well-formed but too large.
    pub fn is_too_large(&self) -> bool {
        match self {
            ExtentsError::Volume { error, .. } => error.is_too_large(),
            ExtentsError::Cells(error) => error.is_too_large(),
            ExtentsError::TooMuchToCover => true,
            ExtentsError::Empty | ExtentsError::TooManyVertices => false,
        }
    }
}

impl Volume4D {
    /// Returns the volume with its outline checked and its bounds widened to whole microseconds
    /// and millimeters. Whether its area is too large shows only when it is covered.
    pub fn to_volume(&self) -> Result<spacetime::Volume, VolumeError> {
        let area = self.volume.area()?;
        let (altitude_lower, altitude_upper) = self.volume.altitudes()?;
        let (starts_at, ends_at) = self.times(PeriodOf::Entity)?;
        let volume =
            spacetime::Volume::new(area, altitude_lower, altitude_upper, starts_at, ends_at);
        Ok(volume.expect("bounds that are in order stay so when they are widened"))
    }

    fn times(&self, of: PeriodOf) -> Result<(Option<Timestamp>, Option<Timestamp>), VolumeError> {
        let value = |time: Time| time.value;
        period::widen(self.time_start.map(value), self.time_end.map(value), of)
            .map_err(|EndsBeforeStart| VolumeError::EndsBeforeStart)
    }

    fn require(&self, required: Required) -> Result<(), VolumeError> {
        let missing = |field: &'static str| Err(VolumeError::Missing(field));
        if self.time_start.is_none() {
            return missing("time_start");
        }
        if self.time_end.is_none() {
            return missing("time_end");
        }
        match required {
            Required::Times => Ok(()),
            Required::TimesAndAltitudes if self.volume.altitude_lower.is_none() => {
                missing("volume.altitude_lower")
            }
            Required::TimesAndAltitudes if self.volume.altitude_upper.is_none() => {
                missing("volume.altitude_upper")
            }
            Required::TimesAndAltitudes => Ok(()),
        }
    }
}

impl Volume3D {
    fn area(&self) -> Result<Area, VolumeError> {
        match (&self.outline_circle, &self.outline_polygon) {
            (Some(circle), None) => circle.to_area().map_err(VolumeError::Circle),
            (None, Some(polygon)) => polygon.to_area().map_err(VolumeError::Polygon),
            (None, None) | (Some(_), Some(_)) => Err(VolumeError::Outline),
        }
    }

    fn altitudes(&self) -> Result<(Option<Altitude>, Option<Altitude>), VolumeError> {
        for (field, altitude) in
            [("altitude_lower", self.altitude_lower), ("altitude_upper", self.altitude_upper)]
        {
            let in_bounds = altitude
                .is_none_or(|altitude| (ALTITUDE_M_MIN..=ALTITUDE_M_MAX).contains(&altitude.value));
            if !in_bounds {
                return Err(VolumeError::AltitudeOutOfBounds { field });
            }
        }
        if let (Some(lower), Some(upper)) = (self.altitude_lower, self.altitude_upper)
            && upper.value < lower.value
        {
            return Err(VolumeError::AltitudesInverted);
        }
        let lower = self.altitude_lower.map(|lower| Altitude::floor_of_meters(lower.value));
        let upper = self.altitude_upper.map(|upper| Altitude::ceil_of_meters(upper.value));
        Ok((lower, upper))
    }

    fn vertices(&self) -> usize {
        self.outline_polygon.as_ref().map_or(0, |polygon| polygon.vertices.len())
    }
}

impl Circle {
    fn to_area(self) -> Result<Area, AreaError> {
        let center = LatLng::new(self.center.lat, self.center.lng)?;
        Ok(spacetime::Circle::new(center, self.radius.value)?.into())
    }
}

impl Polygon {
    pub(crate) fn to_area(&self) -> Result<Area, AreaError> {
        let mut vertices = Vec::with_capacity(self.vertices.len());
        for vertex in &self.vertices {
            vertices.push(LatLng::new(vertex.lat, vertex.lng)?);
        }
        Ok(spacetime::Polygon::new(vertices)?.into())
    }
}

/// Returns the union of an entity's volumes: all its time, all its altitudes, all its cells.
pub(crate) fn extent_of(volumes: &[Volume4D], required: Required) -> Result<Extent, ExtentsError> {
    let vertices: usize = volumes.iter().map(|volume| volume.volume.vertices()).sum();
    if VERTICES_MAX < vertices {
        return Err(ExtentsError::TooManyVertices);
    }
    let mut checked = Vec::with_capacity(volumes.len());
    for (index, volume) in volumes.iter().enumerate() {
        let at = |error| ExtentsError::Volume { index, error };
        volume.require(required).map_err(at)?;
        checked.push(volume.to_volume().map_err(at)?);
    }
    let starts_at = checked.iter().filter_map(|volume| volume.starts_at()).min();
    let ends_at = checked.iter().filter_map(|volume| volume.ends_at()).max();
    // Without volumes there are no times; with them they were required.
    let (Some(starts_at), Some(ends_at)) = (starts_at, ends_at) else {
        return Err(ExtentsError::Empty);
    };
    Ok(Extent {
        starts_at,
        ends_at,
        altitude_lower: bound(&checked, |volume| volume.altitude_lower(), Ord::min),
        altitude_upper: bound(&checked, |volume| volume.altitude_upper(), Ord::max),
        cells: cover(&checked)?,
    })
}

/// Returns the widest of one bound of all volumes; one that is unbounded leaves the union so.
fn bound(
    volumes: &[spacetime::Volume],
    of: impl Fn(&spacetime::Volume) -> Option<Altitude>,
    wider: impl Fn(Altitude, Altitude) -> Altitude,
) -> Option<Altitude> {
    let mut widest = of(volumes.first()?)?;
    for volume in volumes {
        widest = wider(widest, of(volume)?);
    }
    Some(widest)
}

/// Returns what a search or a subscription asks for.
pub(crate) fn search_of(volume: &Volume4D, of: PeriodOf) -> Result<Search, VolumeError> {
    let area = volume.volume.area()?;
    let (altitude_lower, altitude_upper) = volume.volume.altitudes()?;
    let (starts_at, ends_at) = volume.times(of)?;
    let cells = area.cells().map_err(VolumeError::Area)?;
    Ok(Search { starts_at, ends_at, altitude_lower, altitude_upper, cells })
}

fn cover(volumes: &[spacetime::Volume]) -> Result<Cells, ExtentsError> {
    let mut coverings = Vec::with_capacity(volumes.len());
    let mut covered = 0;
    for (index, volume) in volumes.iter().enumerate() {
        let cells = volume
            .area()
            .cells()
            .map_err(|error| ExtentsError::Volume { index, error: VolumeError::Area(error) })?;
        covered += cells.len();
        if CELLS_COVERED_MAX < covered {
            return Err(ExtentsError::TooMuchToCover);
        }
        coverings.push(cells);
    }
    spacetime::union_of_cells(coverings).map_err(ExtentsError::Cells)
}

impl From<&spacetime::Volume> for Volume4D {
    fn from(volume: &spacetime::Volume) -> Self {
        let (outline_circle, outline_polygon) = match volume.area() {
            Area::Circle(circle) => (Some(circle.into()), None),
            Area::Polygon(polygon) => (None, Some(polygon.into())),
        };
        Volume4D {
            volume: Volume3D {
                outline_circle,
                outline_polygon,
                altitude_lower: volume.altitude_lower().map(common::Altitude::from),
                altitude_upper: volume.altitude_upper().map(common::Altitude::from),
            },
            time_start: volume.starts_at().map(Time::from),
            time_end: volume.ends_at().map(Time::from),
        }
    }
}

impl From<&spacetime::Circle> for Circle {
    fn from(circle: &spacetime::Circle) -> Self {
        Circle {
            center: circle.center().into(),
            radius: Radius { value: circle.radius_m(), units: LengthUnits::M },
        }
    }
}

impl From<&spacetime::Polygon> for Polygon {
    fn from(polygon: &spacetime::Polygon) -> Self {
        let vertices = polygon.vertices().iter().map(|vertex| LatLngPoint::from(*vertex));
        Polygon { vertices: vertices.collect() }
    }
}

impl From<LatLng> for LatLngPoint {
    fn from(point: LatLng) -> Self {
        LatLngPoint { lat: point.lat_deg(), lng: point.lng_deg() }
    }
}
