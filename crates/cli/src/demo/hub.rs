//! A hub of the demonstration as a process of its own, so that killing it is what it says.
//!
//! Its clock is the demonstration's: it begins now and is moved on by lines on standard input, each
//! a number of microseconds, answered by one line on standard output when it is done. It ends with
//! standard input, so none is left behind by a demonstration that was killed.

use std::io::BufRead;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use hub::clock::Clock;
use hub::entropy::Entropy;
use hub::{Config, Hub};
use tokio::sync::oneshot;

use crate::clock;
use crate::failure::Failure;
use crate::hub::LISTENING;
use crate::output::line;
use crate::signals::Signals;
use crate::telemetry::{self, LogFormat};

/// The arguments of `tansiq demo-hub`.
#[derive(Debug, Args)]
pub(crate) struct DemoHub {
    /// The hub's configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Runs `tansiq demo-hub`.
pub(crate) fn run(arguments: &DemoHub) -> Result<(), Failure> {
    let config = Config::from_file(&arguments.config)
        .map_err(|error| Failure::refused("cannot start the hub", &error))?;
    telemetry::start(LogFormat::Text, "info")?;
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::refused("cannot start the runtime", &error))?;
    runtime.block_on(serve(config))
}

async fn serve(config: Config) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    let clock = Clock::simulated(clock::utc());
    let ended = listen_to_the_demonstration(clock.clone());
    let hub = Hub::start_with(config, clock, Entropy::system())
        .await
        .map_err(|error| Failure::refused("cannot start the hub", &error))?;
    tracing::info!("{LISTENING}{}", hub.local_addr());
    let failed = tokio::select! {
        _ = ended => None,
        _ = signals.next() => None,
        why = hub.failed() => Some(why),
    };
    hub.shutdown().await;
    match failed {
        None => Ok(()),
        Some(why) => Err(Failure::Check(format!("the hub had to end: {why}"))),
    }
}

/// Moves the clock as it is told; the receiver resolves when nobody is left who could tell.
fn listen_to_the_demonstration(clock: Clock) -> oneshot::Receiver<()> {
    let (ends, ended) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        for told in std::io::stdin().lock().lines().map_while(Result::ok) {
            let Ok(micros) = told.parse() else { break };
            clock.advance(Duration::from_micros(micros));
            if line("moved").is_err() {
                break;
            }
        }
        drop(ends);
    });
    ended
}
