//! The executable as its users meet it: real processes, real HTTP, real signals.

#[path = "executable/demo.rs"]
mod demo;
#[path = "executable/deployed.rs"]
mod deployed;
#[path = "executable/desk.rs"]
mod desk;
#[path = "executable/hub.rs"]
mod hub;
#[path = "executable/idle.rs"]
mod idle;
#[path = "executable/import.rs"]
mod import;
#[path = "executable/kill.rs"]
mod kill;
#[path = "executable/linear.rs"]
mod linear;
#[path = "executable/log.rs"]
mod log;
#[path = "executable/pool.rs"]
mod pool;
#[path = "executable/pool_etcd.rs"]
mod pool_etcd;
#[path = "executable/pool_hubs.rs"]
mod pool_hubs;
#[path = "executable/postgres.rs"]
mod postgres;
#[path = "executable/support.rs"]
mod support;
