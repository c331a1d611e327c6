//! Messages between USSs (F3411-22a): flights, their details, notifications.

pub mod flight_details;
pub mod flight_id;
pub mod flights;
pub mod identification_service_areas;
pub mod view;

mod quantity;
