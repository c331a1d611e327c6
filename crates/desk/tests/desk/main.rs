//! Desks against a hub and against one another, in one process but over HTTP.

mod adversity;
mod authorization;
mod coordination;
mod crash;
mod provider;
mod served;
mod support;
mod user;
mod watches;
