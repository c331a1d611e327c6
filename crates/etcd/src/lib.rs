//! A client of etcd, as far as the log of a pool needs one.
//!
//! It reads and writes keys in transactions, watches them, and looks after members. What an answer
//! means for the log is decided by the log; here is only said whether there was an answer. It must
//! never send a request a second time by itself: whether that is safe is for the caller to know.
//!
//! For tests, the demonstration and measuring, [`server`] runs clusters on this machine, of a
//! program that [`program`] finds or builds on [`ports`] that stay theirs, and [`proxy`] makes the
//! network between members bad.

pub mod messages {
    //! Messages of etcd's gRPC API, version 3, under etcd's own names: see `proto/etcd.proto`.
    #![expect(missing_docs, reason = "generated; the names are etcd's")]
    tonic::include_proto!("etcdserverpb");
}

pub mod ports;
pub mod program;
pub mod proxy;
pub mod server;

mod client;
mod error;
mod member;
mod release;
mod watch;

pub use client::{Client, Config, ConfigError, ENDPOINTS_MAX, Tls};
pub use error::CallError;
pub use member::{ANSWER_BYTES_MAX, Member};
pub use release::{Release, ReleaseError};
pub use watch::Watch;
