//! `tansiq reports`: what parties reported to a hub about one another.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use spacetime::Timestamp;

use crate::clock;
use crate::failure::Failure;
use crate::output;

/// The arguments of `tansiq reports`.
#[derive(Debug, Args)]
pub(crate) struct Reports {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the reports that are kept, oldest first, a line of JSON each.
    #[command(after_help = "\
Works while the hub runs. Values of Authorization headers were removed before the reports were kept.

Example:
  tansiq reports list --data /tmp/hub")]
    List {
        /// The directory of the hub.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
}

/// Runs `tansiq reports`.
pub(crate) fn run(reports: Reports) -> Result<(), Failure> {
    let Command::List { data } = reports.command;
    let kept = hub::reports::list(&data).map_err(|error| {
        Failure::refused(&format!("cannot read the reports in {}", data.display()), &error)
    })?;
    for report in kept {
        let received_at = Timestamp::from_micros(report.received_at_us).map(clock::rfc3339);
        output::line(json!({
            "id": report.id,
            "party": report.party,
            "received_at": received_at.ok(),
            "report": report.report,
        }))?;
    }
    Ok(())
}
