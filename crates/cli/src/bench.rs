//! `tansiq bench`: a small load generator.

mod bodies;
mod busy;
mod connection;
mod histogram;
mod load;
mod million;
mod overlap;
mod pool;
mod processor;
mod target;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

pub(crate) use self::histogram::Histogram;

use self::busy::Busy;
use self::load::Tally;
use self::million::Measured;
use self::target::{Process, Start, StartPool, Target, Trust};
use crate::failure::Failure;
use crate::local_pool::{DELAY_MS_MAX, Distance, HUBS_MAX};
use crate::output;

/// A snapshot after so many entries, when asked for: several a second under full load.
const SNAPSHOT_ENTRIES: u64 = 5_000;

/// How many flights a second may be asked for.
const PACE_MAX: i64 = 100_000;

/// How many connections may be asked for.
const CONNECTIONS_MAX: u64 = 1_024;

/// The arguments of `tansiq bench`.
#[derive(Debug, Args)]
#[command(after_help = "\
Without --hub it starts a hub as a process of its own in a temporary directory. Put that directory
on the disk that you mean to measure (--data): every write waits for it.

With --hubs the same load goes to a hub alone first, then to a pool, each hub of an owner of its own
with a member of etcd beside it; the connections take turns at the hubs. With --delay-ms all that
goes from one owner's to another's takes so long, one way: between members of etcd, and from a hub to
other hubs and members. At the end it says what part of the processor time each process had, and
fails if a hub has noticed anything wrong: within these delays a pool must be quiet.

Examples:
  tansiq bench flights --connections 64 --live 1
  tansiq bench flights --connections 16 --live 100 --snapshot --data /var/tmp/bench
  tansiq bench searches --live 100
  tansiq bench flights --hubs 3                one hub, then a pool of three on three members of etcd
  tansiq bench flights --hubs 7 --connections 420 --delay-ms 16.5 --jitter-ms 7.5
  tansiq bench flights --hubs 7 --connections 420 --delay-ms 16.5 --jitter-ms 7.5 --pace 500
  tansiq bench flights --hubs 3 --overlap      flights that all must name each other
  tansiq bench million
  tansiq bench flights --hub http://127.0.0.1:8082 --key /tmp/test.key.pem --audience localhost")]
pub(crate) struct Bench {
    /// What to do.
    scenario: Scenario,
    /// A hub that runs already.
    #[arg(long, value_name = "URL", requires_all = ["key", "audience"], conflicts_with = "data")]
    hub: Option<String>,
    /// The private key to sign its tokens with, a PEM file.
    #[arg(long, value_name = "FILE", requires = "hub")]
    key: Option<PathBuf>,
    /// The audience of its tokens.
    #[arg(long, value_name = "NAME", requires = "hub")]
    audience: Option<String>,
    /// Where the hub that is started keeps its log; must be empty or not there.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How many connections ask at the same time.
    #[arg(long, default_value_t = 64,
          value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    connections: u64,
    /// How many flights live in the busy cell all the time, each with its subscription.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    live: u32,
    /// Begins so many flights a second, all connections in turn, instead of as many as can be. What
    /// a write takes then says how quick the hub is, not how many wait for it.
    #[arg(long, value_name = "FLIGHTS", conflicts_with = "overlap",
          value_parser = clap::value_parser!(u32).range(1..=PACE_MAX))]
    pace: Option<u32>,
    /// For how long.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// How many parties take turns.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=100))]
    parties: u64,
    /// Makes the hub take snapshots all the time.
    #[arg(long, conflicts_with = "hub")]
    snapshot: bool,
    /// Puts the flights to a hub alone first, then to a pool of so many hubs (1 to 7) with a member
    /// of etcd each, all on this machine.
    #[arg(long, value_name = "HUBS", conflicts_with_all = ["hub", "snapshot"],
          value_parser = parse_hubs)]
    hubs: Option<usize>,
    /// How long everything takes from one owner of the pool to another, one way (0 to 200).
    #[arg(long, value_name = "MS", requires = "hubs", value_parser = parse_delay)]
    delay_ms: Option<Duration>,
    /// How much longer or shorter than that it may take, at most as long as --delay-ms; every
    /// length between is as likely.
    #[arg(long, value_name = "MS", requires = "delay_ms", value_parser = parse_delay)]
    jitter_ms: Option<Duration>,
    /// Has all flights overlap in one volume: each write must name all others, and is tried again
    /// where another came before. One party speaks for all, and no flights are there before.
    #[arg(long)]
    overlap: bool,
    /// The etcd for the pool; the one on the path unless given, or one that Go builds.
    #[arg(long, value_name = "FILE", requires = "hubs")]
    etcd: Option<PathBuf>,
    /// How many intents `million` puts.
    #[arg(long, default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(million::INTENTS_MAX)))]
    intents: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// Creates, activates and deletes flights in one busy S2 cell, altitudes apart.
    Flights,
    /// Searches that cell.
    Searches,
    /// Puts a million intents, then crashes the hub and starts it again.
    Million,
}

/// Runs `tansiq bench`.
pub(crate) fn run(bench: &Bench) -> Result<(), Failure> {
    bench.check()?;
    let target = bench.target()?;
    let connections = usize::try_from(bench.connections).expect("it has a bound");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::refused("cannot start the runtime", &error))?;
    let duration = Duration::from_secs(bench.seconds);
    let busy = Busy { connections, live: bench.live, duration, pace: bench.pace };
    match bench.scenario {
        Scenario::Flights => {
            let tally = runtime.block_on(bench.fly(&target, busy))?;
            bench.report("durable writes", &tally, target.process)?;
            match bench.hubs {
                None => Ok(()),
                Some(hubs) => runtime.block_on(bench.fly_in_pool(hubs, busy)),
            }
        }
        Scenario::Searches => {
            let tally = runtime.block_on(busy::search(&target, busy))?;
            bench.report("searches", &tally, target.process)
        }
        Scenario::Million => {
            let measured = runtime.block_on(million::fill(target, connections, bench.intents))?;
            report_million(&measured)
        }
    }
}

impl Bench {
    fn target(&self) -> Result<Target, Failure> {
        let parties = self.parties();
        if let (Some(url), Some(key), Some(audience)) = (&self.hub, &self.key, &self.audience) {
            let trust = Trust { key: key.clone(), audience: audience.clone() };
            return Target::running(url, &trust, parties);
        }
        let alone = self.hubs.map_or("", |_| "alone");
        let data = self.data.as_ref().map(|data| data.join(alone));
        let snapshot_entries = self.snapshot.then_some(SNAPSHOT_ENTRIES);
        Target::start(&Start { data, snapshot_entries }, parties)
    }

    /// Refuses what does not go together.
    fn check(&self) -> Result<(), Failure> {
        let flies = self.scenario == Scenario::Flights;
        let only =
            |option: &str| Err(Failure::Refused(format!("{option} is for the scenario `flights`")));
        if self.hubs.is_some() && !flies {
            return only("--hubs");
        }
        if self.overlap && !flies {
            return only("--overlap");
        }
        if self.pace.is_some() && !flies {
            return only("--pace");
        }
        if self.delay_ms < self.jitter_ms {
            let shorter = "--jitter-ms is longer than --delay-ms: nothing comes before it is sent";
            return Err(Failure::Refused(shorter.to_owned()));
        }
        Ok(())
    }

    fn parties(&self) -> usize {
        if self.overlap {
            return 1;
        }
        usize::try_from(self.parties).expect("it has a bound")
    }

    async fn fly(&self, target: &Target, busy: Busy) -> Result<Tally, Failure> {
        if self.overlap { overlap::fly(target, busy).await } else { busy::fly(target, busy).await }
    }

    async fn fly_in_pool(&self, hubs: usize, busy: Busy) -> Result<(), Failure> {
        let data = self.data.as_ref().map(|data| data.join("pool"));
        let jitter = self.jitter_ms.unwrap_or_default();
        let distance = self.delay_ms.map(|delay| Distance { delay, jitter });
        let start = StartPool { hubs, etcd: self.etcd.as_deref(), distance, data: data.as_deref() };
        let target = Target::start_pool(&start, self.parties()).await?;
        let measured = pool::fly(&target, busy, self.overlap).await?;
        output::line("")?;
        let apart = distance.map_or_else(String::new, |Distance { delay, jitter }| {
            let [delay, jitter] = [delay, jitter].map(|it| it.as_secs_f64() * 1e3);
            format!(", {delay} +- {jitter} ms apart")
        });
        let what =
            format!("durable writes in a pool of {hubs} hubs, {hubs} members of etcd{apart}");
        let answered = self.report(&what, &measured.tally, None);
        measured.report(self.seconds)?;
        answered?;
        target.pool.expect("it was just started").pool.stop()
    }

    fn report(&self, what: &str, tally: &Tally, process: Option<Process>) -> Result<(), Failure> {
        let per_second = tally.latencies.count() as f64 / self.seconds as f64;
        output::line(format_args!(
            "{what}: {per_second:.0}/s over {} connections, {} live flights, {} parties, {} s{}",
            self.connections,
            if self.overlap { 0 } else { self.live },
            self.parties(),
            self.seconds,
            if self.snapshot { ", snapshots under way" } else { "" }
        ))?;
        output::line(latencies(&tally.latencies))?;
        let average = tally.answered_bytes.checked_div(tally.latencies.count()).unwrap_or(0);
        output::line(format_args!("answers: {average} bytes on average"))?;
        if matches!(self.scenario, Scenario::Flights) {
            // A flight is created, activated and deleted.
            output::line(format_args!("flights: {:.0}/s", per_second / 3.0))?;
        }
        if self.overlap {
            let refused = tally.refused as f64 / tally.latencies.count().max(1) as f64;
            output::line(format_args!("refused: {refused:.1} for each that was done"))?;
        }
        if let Some(process) = process {
            let resident = process.resident_bytes().unwrap_or(0);
            output::line(format_args!("hub: {} MiB resident", resident >> 20))?;
            process.stop()?;
        }
        errors(tally)
    }
}

fn parse_hubs(text: &str) -> Result<usize, String> {
    let hubs = text.parse().ok().filter(|hubs| (1..=HUBS_MAX).contains(hubs));
    hubs.ok_or_else(|| format!("it must be from 1 to {HUBS_MAX}"))
}

fn parse_delay(text: &str) -> Result<Duration, String> {
    let ms = text.parse().ok().filter(|ms| (0.0..=DELAY_MS_MAX).contains(ms));
    let ms: f64 = ms.ok_or_else(|| format!("it must be from 0 to {DELAY_MS_MAX} milliseconds"))?;
    Ok(Duration::from_secs_f64(ms / 1e3))
}

fn report_million(measured: &Measured) -> Result<(), Failure> {
    let count = measured.tally.latencies.count().max(1);
    let each = |bytes: u64| bytes / count;
    let filled_s = measured.filled_in.as_secs_f64();
    output::line(format_args!(
        "intents: {count} in {filled_s:.0} s, {:.0}/s",
        count as f64 / filled_s
    ))?;
    output::line(latencies(&measured.tally.latencies))?;
    output::line(format_args!(
        "memory: {} MiB empty, {} MiB full, {} MiB started again: {} bytes an intent",
        measured.resident_empty >> 20,
        measured.resident_full >> 20,
        measured.resident_restarted >> 20,
        each(measured.resident_restarted.saturating_sub(measured.resident_empty))
    ))?;
    output::line(format_args!(
        "disk: {} MiB, {} bytes an intent",
        measured.stored >> 20,
        each(measured.stored)
    ))?;
    output::line(format_args!(
        "restart after a crash: {:.2} s until it answers",
        measured.restarted_in.as_secs_f64()
    ))?;
    errors(&measured.tally)
}

fn latencies(histogram: &Histogram) -> String {
    let ms = |duration: Duration| duration.as_secs_f64() * 1_000.0;
    format!(
        "latency: p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
        ms(histogram.quantile(0.5)),
        ms(histogram.quantile(0.9)),
        ms(histogram.quantile(0.99)),
        ms(histogram.max())
    )
}

fn errors(tally: &Tally) -> Result<(), Failure> {
    output::line(format_args!("errors: {}", tally.errors))?;
    match &tally.first_error {
        None => Ok(()),
        Some(first) => Err(Failure::Check(format!("the first error was: {first}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_delays_up_to_the_longest_and_no_longer() {
        assert_eq!(parse_delay("0"), Ok(Duration::ZERO));
        assert_eq!(parse_delay("16.5"), Ok(Duration::from_micros(16_500)));
        assert_eq!(parse_delay("200"), Ok(Duration::from_millis(200)));
        for text in ["200.1", "-1", "nan", "inf", "10ms", ""] {
            let refused = parse_delay(text).expect_err(text);
            assert_eq!(refused, "it must be from 0 to 200 milliseconds");
        }
    }

    #[test]
    fn takes_as_many_hubs_as_there_are_owners_and_no_more() {
        assert_eq!((parse_hubs("1"), parse_hubs("7")), (Ok(1), Ok(7)));
        assert_eq!(parse_hubs("8"), Err("it must be from 1 to 7".to_owned()));
        assert!(parse_hubs("0").is_err());
    }
}
