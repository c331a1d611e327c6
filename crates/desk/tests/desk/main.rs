//! Desks against a hub and against one another, in one process but over HTTP.

mod adversity;
mod coordination;
mod crash;
mod served;
mod support;
mod user;
