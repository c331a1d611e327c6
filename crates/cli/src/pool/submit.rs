//! `tansiq pool submit`: hands a change to a hub, which puts it into the pool's log.

use std::path::PathBuf;

use clap::Args;
use pool::Action;
use serde_json::json;

use super::admin::Address;
use super::membership;
use super::{files, words};
use crate::failure::Failure;
use crate::log::hex;
use crate::output::line;

/// The arguments of `tansiq pool submit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Any hub of the pool takes it; once it is in the log every hub follows it. A change that could
have no effect (too few signatures, something else decided meanwhile) is refused before it
gets there.

Example:
  tansiq pool submit admit-birch-2.change --admin 127.0.0.1:8083")]
pub(super) struct Submit {
    /// The change, signed.
    file: PathBuf,
    /// The admin listener of a hub of the pool.
    #[arg(long, value_name = "HOST:PORT")]
    admin: Address,
}

/// Runs `tansiq pool submit`.
pub(super) fn run(submit: &Submit) -> Result<(), Failure> {
    let signed = files::read_change(&submit.file)?;
    if matches!(signed.change.action, Action::OpenEpoch { .. }) {
        return Err(Failure::Refused(
            "an epoch is not opened by a hub: prepare an empty etcd with the change (tansiq pool \
             init etcd --opening)"
                .to_owned(),
        ));
    }
    let membership = membership::of_hub(&submit.admin)?;
    line(words::change(&signed, None))?;
    // Unsigned activations are for the hubs to try: they know what each of them can run.
    let is_tried = !matches!(signed.change.action, Action::ActivateRules { .. });
    if is_tried && let Err(refusal) = membership.after(&signed) {
        return Err(Failure::refused(
            "nothing was handed in: the change would have no effect",
            &refusal,
        ));
    }
    let body = json!({ "change": hex(&signed.to_bytes()) });
    submit.admin.post("/pool/changes", &body)?;
    line("it is in the pool's log and has taken effect")?;
    next(&signed.change.action)
}

fn next(action: &Action) -> Result<(), Failure> {
    match action {
        Action::AdmitHub { id, .. } => line(format_args!(
            "next: let the hub into etcd (tansiq pool access grant {id}), then its owner starts it \
             (tansiq pool join makes what it is started with)"
        )),
        Action::RemoveHub { id } => {
            line(format_args!("next: shut the hub out of etcd (tansiq pool access revoke {id})"))
        }
        Action::RemoveOwner { .. } => line(
            "next: shut the owner's hubs out of etcd (tansiq pool access revoke), take its members \
             out of the cluster, and its authority out of what the others trust",
        ),
        Action::ReplaceHubKey { id, .. } => {
            line(format_args!("next: the hub {id} has ended; start it again with the new key"))
        }
        _ => Ok(()),
    }
}
