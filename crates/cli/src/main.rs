//! The one executable, `tansiq`: a hub, a desk, a demonstration, a load generator, and tools.
//!
//! This is the composition root: the only crate that reads the environment and decides how the
//! process logs and ends. It holds no rule of the airspace; those are in `airspace`, and what
//! parties decide is in `desk`.

mod bench;
mod clock;
mod demo;
mod desk;
mod failure;
mod hub;
mod hub_process;
mod import;
mod keys;
mod local_pool;
mod log;
mod output;
mod pool;
mod progress;
mod reports;
mod signals;
mod telemetry;
mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;
use crate::telemetry::LogFormat;

/// Lets parties that do not trust one another coordinate their airspace.
#[derive(Debug, Parser)]
#[command(
    name = "tansiq",
    version = ::hub::version(),
    long_version = pool::versions(),
    arg_required_else_help = true,
    after_help = "\
Start here:
  tansiq demo             watch parties plan flights without a conflict
  tansiq hub --help       run a hub
  tansiq desk --help      run a party's own side

Exit codes: 0 done, 1 a check failed, 2 refused to start or to go on.
The environment variable TANSIQ_LOG (or RUST_LOG) filters what is logged to standard error."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs a hub: the shared representation of ASTM F3548-21.
    Hub(hub::Hub),
    /// Runs a desk: one party's own side.
    Desk(desk::Desk),
    /// Shows a hub and parties at work, and proves that nobody flies into anybody.
    Demo(demo::Demo),
    /// Runs a hub of a demonstration, whose clock is moved by what it is told.
    #[command(hide = true)]
    DemoHub(demo::DemoHub),
    /// Puts load on a hub.
    Bench(bench::Bench),
    /// Carries over what a deployed hub of another make has.
    Import(import::Import),
    /// Looks at a hub's log: verifies, shows, copies it.
    Log(log::Log),
    /// Founds a pool of hubs of several owners, changes it, looks at it.
    Pool(pool::Pool),
    /// Signs a token for tests.
    Token(token::Token),
    /// Makes keys for tests.
    Keys(keys::Keys),
    /// Lists what parties reported to a hub.
    Reports(reports::Reports),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) | Err(Failure::ReaderGone) => ExitCode::SUCCESS,
        Err(failure) => {
            output::note(format_args!("tansiq: {failure}"));
            failure.exit_code()
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    // The servers start it themselves: their configuration says how lines are written.
    if !matches!(command, Command::Hub(_) | Command::Desk(_) | Command::DemoHub(_)) {
        telemetry::start(LogFormat::Text, "warn")?;
    }
    match command {
        Command::Hub(hub) => hub::run(&hub),
        Command::Desk(desk) => desk::run(desk),
        Command::Demo(demo) => demo::run(&demo),
        Command::DemoHub(hub) => demo::run_hub(&hub),
        Command::Bench(bench) => bench::run(&bench),
        Command::Import(import) => import::run(import),
        Command::Log(log) => log::run(log),
        Command::Pool(pool) => pool::run(pool),
        Command::Token(token) => token::run(token),
        Command::Keys(keys) => keys::run(keys),
        Command::Reports(reports) => reports::run(reports),
    }
}
