//! `tansiq hub`: runs a hub in the foreground.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use hub::Config;

use crate::failure::Failure;
use crate::output;
use crate::signals::Signals;
use crate::telemetry::{self, LogFormat};

/// What the hub says before its address once it answers; `tansiq bench` waits for it.
pub(crate) const LISTENING: &str = "the hub listens on ";

/// The arguments of `tansiq hub`.
#[derive(Debug, Args)]
#[command(after_help = "\
Runs in the foreground and logs to standard error. `/healthy` answers when it is ready; SIGTERM and
SIGINT end it after what it took is answered. What is not given here is taken from --config, then
from defaults; --print-config shows what comes of it. A hub of a pool has the table [pool] in its
--config; `tansiq pool join` makes it.

Examples:
  tansiq keys new --out /tmp/test
  tansiq hub --data /tmp/hub --public-key /tmp/test.pub.pem --audience localhost --allow-http
  curl http://127.0.0.1:8082/healthy

  tansiq hub --config /etc/tansiq/hub.toml --admin-listen 127.0.0.1:8083
  curl http://127.0.0.1:8083/health/ready")]
pub(crate) struct Hub {
    /// Where the standard's API is served; port 0 takes any.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// The directory of the log; made when it is not there. One hub at a time may have it.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A PEM file with a key that tokens are verified with; several may be given.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    public_key: Vec<PathBuf>,
    /// A name that tokens for this hub carry in `aud`; several may be given.
    #[arg(long, value_name = "NAME", num_args = 1..)]
    audience: Vec<String>,
    /// Lets USS base URLs be http, for tests.
    #[arg(long)]
    allow_http: bool,
    /// Where health and metrics are served; nowhere unless given.
    #[arg(long, value_name = "ADDR")]
    admin_listen: Option<SocketAddr>,
    /// A TOML file; what is given here goes before it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How lines of the process's own log are written.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    /// Declares that DIR was restored from a backup.
    #[arg(long)]
    restored: bool,
    /// Confirms that all parties have put their entities again after a restore.
    #[arg(long, conflicts_with = "restored")]
    confirm_restored: bool,
    /// Prints the configuration that would be used, as TOML, and ends.
    #[arg(long)]
    print_config: bool,
}

/// Runs `tansiq hub`.
pub(crate) fn run(hub: &Hub) -> Result<(), Failure> {
    let config = hub.config()?;
    if hub.print_config {
        return output::line(config.to_toml().trim_end());
    }
    config.check().map_err(|error| Failure::refused("cannot start the hub", &error))?;
    telemetry::start(format_of(&config), "info")?;
    match hub::server::raise_descriptor_limit() {
        Ok(limit) => tracing::debug!(limit, "raised the limit of open descriptors"),
        Err(error) => tracing::warn!(%error, "cannot raise the limit of open descriptors"),
    }
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::refused("cannot start the runtime", &error))?;
    runtime.block_on(serve(config))
}

impl Hub {
    fn config(&self) -> Result<Config, Failure> {
        let mut config = match &self.config {
            None => Config::default(),
            Some(path) => Config::from_file(path)
                .map_err(|error| Failure::refused("cannot start the hub", &error))?,
        };
        if let Some(listen) = self.listen {
            config.listen = listen;
        }
        if let Some(data) = &self.data {
            config.data.clone_from(data);
        }
        if !self.public_key.is_empty() {
            config.tokens.public_keys.clone_from(&self.public_key);
        }
        if !self.audience.is_empty() {
            config.tokens.audiences.clone_from(&self.audience);
        }
        if self.admin_listen.is_some() {
            config.admin_listen = self.admin_listen;
        }
        config.allow_http |= self.allow_http;
        config.restored |= self.restored;
        config.confirm_restored |= self.confirm_restored;
        match self.log_format {
            None => {}
            Some(LogFormat::Text) => config.log_format = hub::config::LogFormat::Text,
            Some(LogFormat::Json) => config.log_format = hub::config::LogFormat::Json,
        }
        Ok(config)
    }
}

fn format_of(config: &Config) -> LogFormat {
    match config.log_format {
        hub::config::LogFormat::Text => LogFormat::Text,
        hub::config::LogFormat::Json => LogFormat::Json,
    }
}

async fn serve(config: Config) -> Result<(), Failure> {
    // Before the start, so that a signal during it is not lost.
    let mut signals = Signals::listen()?;
    let hub = tokio::select! {
        started = hub::Hub::start(config) => {
            started.map_err(|error| Failure::refused("cannot start the hub", &error))?
        }
        name = signals.next() => {
            tracing::info!(signal = name, "ending before the hub was ready");
            return Ok(());
        }
    };
    tracing::info!("{LISTENING}{}", hub.local_addr());
    if let Some(address) = hub.admin_addr() {
        tracing::info!("health and metrics are on {address}");
    }
    let failed = tokio::select! {
        name = signals.next() => {
            tracing::info!(signal = name, "ending");
            None
        }
        why = hub.failed() => {
            tracing::error!(%why, "the hub ends; started again it goes on from its disk");
            Some(why)
        }
    };
    hub.shutdown().await;
    match failed {
        None => Ok(()),
        Some(why) => Err(Failure::Check(format!("the hub had to end: {why}"))),
    }
}
