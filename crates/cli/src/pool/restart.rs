//! `tansiq pool restart`: goes on with a pool on an empty etcd, when its own is lost.

use std::path::PathBuf;

use clap::Args;
use pool::{Action, Change, SignedChange};

use super::copy::Copy;
use super::sign::Signer;
use super::{files, words};
use crate::failure::Failure;
use crate::log::hex;
use crate::output::line;

/// The arguments of `tansiq pool restart`.
#[derive(Debug, Args)]
#[command(after_help = "\
When a majority of etcd's members is lost for good, the pool goes on in its next epoch: from
one position of its log, on an empty etcd. What only etcd had is gone; what a hub answered
with success is in that hub's copy. So:
  1. end all hubs; each owner runs `tansiq log head DIR` on its copy and tells the others
  2. the owner of the copy with the highest position checks that it holds all others:
     tansiq log verify DIR --expect POSITION:CHAIN, for the head of each
  3. it makes the change with this command, as many as the quorum sign it (show, sign)
  4. an empty etcd is set up and prepared: tansiq pool init etcd --data DIR --opening FILE ...
  5. the other hubs get that copy (tansiq log backup, tansiq log restore), and all start on the new
     etcd

Example:
  tansiq pool restart --data /var/lib/tansiq --key alder.key.pem --card alder.owner.toml")]
pub(super) struct Restart {
    /// The directory of a hub that does not run: the longest copy of the pool's log.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The file to make.
    #[arg(long, value_name = "FILE", default_value = "restart.change")]
    out: PathBuf,
    #[command(flatten)]
    signer: Signer,
}

/// Runs `tansiq pool restart`.
pub(super) fn run(restart: &Restart) -> Result<(), Failure> {
    let copy = Copy::read(&restart.data)?;
    let membership = copy.pool().membership();
    let change = Change {
        pool: membership.pool(),
        epoch: membership.epoch(),
        before: membership.hash(),
        action: Action::OpenEpoch { head: copy.head },
    };
    let mut signed = SignedChange::unsigned(change);
    restart.signer.sign(&mut signed)?;
    files::write_new(&restart.out, &signed.to_bytes())?;
    line(format_args!("copy: {}:{}", copy.head.position, hex(&copy.head.chain)))?;
    line(format_args!(
        "a majority of the hubs has signed this log up to position {}",
        copy.confirmed
    ))?;
    line(words::change(&signed, Some(membership)))?;
    line(format_args!("written to {}", restart.out.display()))?;
    line(format_args!(
        "next: check that this copy holds the heads of all others (tansiq log verify {} --expect \
         POSITION:CHAIN), then have the others sign it",
        restart.data.display()
    ))
}
