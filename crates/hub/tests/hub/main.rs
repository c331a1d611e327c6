//! Tests of a whole hub over HTTP: what is wired to what, and what clients may do to it.

mod admin;
mod authorization;
mod aux_;
mod bounds;
mod client;
mod f3411;
mod f3548;
mod fairness;
mod pool;
mod restart;
mod routes;
mod support;
mod tls;
