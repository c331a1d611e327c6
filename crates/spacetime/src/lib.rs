//! Where and when: time, altitude, areas on the sphere, 4D volumes and S2 cells.
//!
//! Pure geometry and integers. It knows nothing of standards, parties or JSON, reads no clock and
//! does no I/O. Facts that must be exact are integers (microseconds, millimeters, cell ids); floats
//! live only inside geometry and are never keys.

mod altitude;
mod area;
mod ball;
mod calendar;
mod cell;
mod circle;
mod cover;
mod direction;
mod intersect;
mod lat_lng;
mod orientation;
mod outline;
mod polygon;
mod simplicity;
mod time;
mod trigonometry;
mod volume;

pub use altitude::Altitude;
pub use area::{
    Area, AreaError, CELLS_PER_ENTITY_MAX, CIRCLE_AREA_KM2_MAX, OUTLINE_LENGTH_KM_MAX,
    POLYGON_AREA_KM2_MAX, union_of_cells,
};
pub use cell::{Cell, Cells, CellsError};
pub use circle::Circle;
pub use intersect::SLACK_M;
pub use lat_lng::{EARTH_RADIUS_M, LatLng};
pub use polygon::{Polygon, VERTICES_MAX};
pub use time::{Timestamp, TimestampError};
pub use volume::{Volume, VolumeError};
