//! What the process says of itself on standard error.

use std::io;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// A line of text each, for people.
    Text,
    /// A JSON object each, for machines.
    Json,
}

/// The environment variables that may hold a filter, the first that is set wins.
const FILTER_VARIABLES: [&str; 2] = ["TANSIQ_LOG", "RUST_LOG"];

/// Starts writing log lines to standard error, those that the environment asks for, or `default`.
pub(crate) fn start(format: LogFormat, default: &str) -> Result<(), Failure> {
    let filter = match filter_of_environment() {
        None => EnvFilter::new(default),
        Some((name, text)) => EnvFilter::try_new(&text)
            .map_err(|error| Failure::refused(&format!("{name}={text} is no filter"), &error))?,
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = match format {
        LogFormat::Text => builder.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| Failure::Refused(format!("cannot start logging: {error}")))
}

#[expect(clippy::disallowed_methods, reason = "the composition root reads the environment")]
fn filter_of_environment() -> Option<(&'static str, String)> {
    FILTER_VARIABLES
        .into_iter()
        .find_map(|name| Some((name, std::env::var(name).ok().filter(|text| !text.is_empty())?)))
}
