//! `tansiq pool access`: who may ask the pool's etcd.

use clap::Subcommand;
use pool::HubId;

use super::cluster::{self, EtcdArgs};
use crate::failure::Failure;

/// The arguments of `tansiq pool access`.
#[derive(Debug, Subcommand)]
pub(super) enum Access {
    /// Adds a hub's user to etcd: it may write its own key and read the pool's.
    #[command(after_help = "\
Before or after the owners have admitted the hub: without that nothing that it puts has an
effect.

Example:
  tansiq pool access grant birch-2 --etcd https://etcd.alder.example:2379 ... \\
    --ca owners.ca.pem --cert root.cert.pem --key root.key.pem")]
    Grant {
        /// Which hub.
        id: HubId,
        #[command(flatten)]
        etcd: EtcdArgs,
    },
    /// Removes a hub's user from etcd.
    #[command(after_help = "\
After the owners have removed the hub. What it put stays; nothing in a pool's etcd is ever
deleted.")]
    Revoke {
        /// Which hub.
        id: HubId,
        #[command(flatten)]
        etcd: EtcdArgs,
    },
}

/// Runs `tansiq pool access`.
pub(super) fn run(access: &Access) -> Result<(), Failure> {
    match access {
        Access::Grant { id, etcd } => cluster::run(cluster::grant(etcd, id)),
        Access::Revoke { id, etcd } => cluster::run(cluster::revoke(etcd, id)),
    }
}
