//! Where and when: time, altitude, areas on the sphere, 4D volumes and S2 cells.
//!
//! Pure geometry and integers. It knows nothing of standards, parties or JSON, reads no clock and
//! does no I/O. Facts that must be exact are integers (microseconds, millimeters, cell ids); floats
//! live only inside geometry and are never keys.

mod altitude;
mod cell;
mod time;

pub use altitude::Altitude;
pub use cell::{Cell, Cells, CellsError};
pub use time::{Timestamp, TimestampError};
