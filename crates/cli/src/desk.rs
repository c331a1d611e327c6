//! `tansiq desk`: runs a party's own side in the foreground.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use desk::{ConstraintProcessing, PrivateAddresses, TokenSource};

use crate::failure::Failure;
use crate::signals::Signals;
use crate::telemetry::{self, LogFormat};

/// The arguments of `tansiq desk`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("tokens").required(true).args(["token_url", "token_key"])))]
#[command(after_help = "\
A desk plans its user's flights, asks the hub what is there and the other parties' desks what it is,
and answers theirs. By remote ID others see its active flights, and its user sees theirs. Its user
talks to /desk/v1 on --user-listen (or on --listen, if all is on loopback); everybody else to /uss at
--base-url.

Example, beside a hub started as in `tansiq hub --help`:
  tansiq desk --listen 127.0.0.1:8090 --data /tmp/alder --hub http://127.0.0.1:8082 \\
              --base-url http://127.0.0.1:8090 --token-key /tmp/test.key.pem --party alder \\
              --public-key /tmp/test.pub.pem --audience localhost --allow-private-addresses
  curl http://127.0.0.1:8090/desk/v1/flights")]
pub(crate) struct Desk {
    /// Where the other parties are answered; port 0 takes any.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// Where the desk's own user is answered, if elsewhere.
    #[arg(long, value_name = "ADDR")]
    user_listen: Option<SocketAddr>,
    /// The directory of its flights; made when it is not there.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The hub.
    #[arg(long, value_name = "URL")]
    hub: String,
    /// Where the other parties reach this desk; `http://` and where it listens unless given.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Where its tokens are fetched.
    #[arg(long, value_name = "URL")]
    token_url: Option<String>,
    /// A private key to sign its own tokens with, a PEM file: for tests.
    #[arg(long, value_name = "FILE")]
    token_key: Option<PathBuf>,
    /// The party that its own tokens name; host and port of the base URL unless given.
    #[arg(long, value_name = "NAME")]
    party: Option<String>,
    /// A PEM file with a key that the others' tokens are verified with; several may be given.
    ///
    /// Without one: the public half of --token-key, or the key set beside --token-url.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    public_key: Vec<PathBuf>,
    /// A name that tokens for this desk may carry besides the host of its base URL.
    #[arg(long, value_name = "NAME", num_args = 1..)]
    audience: Vec<String>,
    /// Lets it call other parties at private and loopback addresses, for tests.
    #[arg(long, alias = "allow-private")]
    allow_private_addresses: bool,
    /// Leaves constraints to somebody else.
    #[arg(long)]
    no_constraints: bool,
    /// Whether others see its active flights by remote ID, and where.
    #[arg(long, value_name = "SOURCE", default_value = "telemetry")]
    remote_id: RemoteId,
    /// How lines of the process's own log are written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

/// Where others see its flights.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum RemoteId {
    /// Where its user tells that they are (POST /desk/v1/flights/{id}/telemetry).
    Telemetry,
    /// Where their plan has them, as simulated: for demonstrations.
    Plan,
    /// Nowhere.
    Off,
}

/// Runs `tansiq desk`.
pub(crate) fn run(desk: Desk) -> Result<(), Failure> {
    telemetry::start(desk.log_format, "info")?;
    let config = desk.config();
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::refused("cannot start the runtime", &error))?;
    runtime.block_on(serve(config))
}

impl Desk {
    fn config(self) -> desk::Config {
        let party = self.party.unwrap_or_else(|| match &self.base_url {
            Some(url) => authority(url).to_owned(),
            None => self.listen.to_string(),
        });
        let tokens = match (self.token_url, self.token_key) {
            (Some(url), _) => TokenSource::Url { url, credentials: None },
            (None, Some(key_file)) => TokenSource::Key { key_file, party },
            (None, None) => unreachable!("clap has made sure of a source of tokens"),
        };
        let mut config = desk::Config::new(self.data, self.hub, tokens);
        config.listen = self.listen;
        config.user_listen = self.user_listen;
        config.base_url = self.base_url;
        config.public_keys = self.public_key;
        config.audiences = self.audience;
        config.remote_id = match self.remote_id {
            RemoteId::Telemetry => desk::RemoteId::Telemetry,
            RemoteId::Plan => desk::RemoteId::Plan,
            RemoteId::Off => desk::RemoteId::Off,
        };
        if self.allow_private_addresses {
            config.private_addresses = PrivateAddresses::Allow;
        }
        if self.no_constraints {
            config.constraint_processing = ConstraintProcessing::Off;
        }
        config
    }
}

/// Returns host and port of a URL.
fn authority(url: &str) -> &str {
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

async fn serve(config: desk::Config) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let desk = desk::Desk::start(config)
        .await
        .map_err(|error| Failure::refused("cannot start the desk", &error))?;
    tracing::info!("the desk listens on {}", desk.addr());
    if let Some(address) = desk.user_addr() {
        tracing::info!("its user is answered at http://{address}/desk/v1");
    }
    let name = signals.next().await;
    tracing::info!(signal = name, "ending");
    desk.shutdown().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::authority;

    #[test]
    fn a_desk_is_named_by_host_and_port_of_its_base_url() {
        assert_eq!(authority("https://uss.example.com/utm"), "uss.example.com");
        assert_eq!(authority("http://127.0.0.1:8090"), "127.0.0.1:8090");
    }
}
