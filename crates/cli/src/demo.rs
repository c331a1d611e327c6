//! `tansiq demo`: a hub, parties that share nothing but it, flights without a conflict, and the
//! proof.

mod flight;
mod fly;
mod front;
mod hub;
mod pool;
mod proof;
mod recorded;
mod report;
mod seen;
mod serve;
mod town;
mod tracks;
mod traffic;
mod world;

use std::path::{Path, PathBuf};
use std::time::Duration;

use airspace::EntityId;
use clap::Args;
use desk::{ConstraintRequest, Resolution};

pub(crate) use self::hub::{DemoHub, run as run_hub};

use self::flight::Flown;
use self::pool::Size;
use self::proof::{Room, Zone};
use self::recorded::{ROOM, Traffic};
use self::report::Story;
use self::town::{Closed, ClosedIds, Scene, Town};
use self::world::World;
use crate::clock;
use crate::failure::Failure;
use crate::local_pool::HUBS_MAX;
use crate::output::line;
use crate::progress;
use crate::signals::Signals;

/// How long after now the story in the town begins.
const STORY_LEAD_S: u64 = 10 * 60;

/// How many hubs a pool has at least that goes on when one of them and a member of etcd are killed.
const POOL_HUBS_MIN: usize = 3;

/// The arguments of `tansiq demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
Nothing leaves this machine: everything runs on loopback, with keys made for the occasion.

Examples:
  tansiq demo                                  a town, three parties; serves until Ctrl-C
  tansiq demo --once                           ends after the proof; exit code 1 if it fails
  tansiq demo --once --traffic flights.json.gz recorded traffic, dealt to two parties
  tansiq demo --once --hubs 3                  the town on a pool, of which a part is killed

A file of traffic has rows of timestamp (ms since 1970), icao24, callsign, latitude, longitude and
altitude (feet), as JSON rows or columns, or as CSV with a header line.")]
pub(crate) struct Demo {
    /// Recorded traffic to fly instead of the town's story.
    #[arg(long, value_name = "FILE")]
    traffic: Option<PathBuf>,
    /// Where the data go; must be empty or not there. A temporary directory unless given.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Flies the town on a pool of so many hubs (3 to 7) and as many members of etcd, and kills one
    /// of each while flights go on.
    #[arg(long, value_name = "HUBS", conflicts_with = "traffic", value_parser = parse_hubs)]
    hubs: Option<usize>,
    /// The etcd for the pool; the one on the path unless given, or one that Go builds.
    #[arg(long, value_name = "FILE", requires = "hubs")]
    etcd: Option<PathBuf>,
    /// Ends after the proof instead of serving until Ctrl-C.
    #[arg(long)]
    once: bool,
}

/// Runs `tansiq demo`.
pub(crate) fn run(demo: &Demo) -> Result<(), Failure> {
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::refused("cannot start the runtime", &error))?;
    runtime.block_on(async {
        match &demo.traffic {
            None => demo.town().await,
            Some(path) => demo.recorded(path).await,
        }
    })
}

impl Demo {
    async fn town(&self) -> Result<(), Failure> {
        // A pool's processes must not outlive this one.
        let mut signals = Signals::listen()?;
        let (world, flights, ending) = tokio::select! {
            told = self.tell_town() => told?,
            name = signals.next() => return Err(Failure::Refused(format!("stopped by {name}"))),
        };
        self.finish(world, flights, ending).await
    }

    async fn tell_town(&self) -> Result<(World, Vec<Flown>, Ending), Failure> {
        let town = Town { starts_at: clock::utc().plus(Duration::from_secs(STORY_LEAD_S)) };
        let pool = self.hubs.map(|hubs| Size { hubs, etcd: self.etcd.as_deref() });
        let world = World::start(&town::PARTIES, self.data.as_deref(), pool).await?;
        let began = clock::instant();
        if let Some(pool) = world.pool() {
            pool.tell(&world.parties)?;
        }
        line("Three parties share the airspace over a town. They share nothing but a hub, which")?;
        line(
            "knows that something is there, not what it is. Each plans its own flights, asks the",
        )?;
        line("others' desks what is in the way, and moves only its own.")?;
        line("")?;
        let watches = seen::watch(&world.desks, town::corners()).await?;
        let (zones, closed) = close(&world, town).await?;
        let scenes = town.scenes(closed);
        line(town::draw(&scenes))?;
        let mut filed = Vec::new();
        for (number, scene) in scenes.into_iter().enumerate() {
            filed.push(tell_scene(&world, number, scene).await?);
        }
        let bar = progress::bar(filed.len() as u64, "flights");
        let flights = fly::fly_all(&world.desks, filed, &bar).await?;
        bar.finish_and_clear();
        // The parties plan in the order told, so positions need no room of their own.
        let room = Room { lateral_m: 0.0, vertical_m: 0.0 };
        seen::move_on(&world, &flights).await?;
        Ok((world, flights, Ending { zones, room, took: elapsed(began), watches }))
    }

    async fn recorded(&self, path: &Path) -> Result<(), Failure> {
        let recording = traffic::read(path)
            .map_err(|error| Failure::refused(&path.display().to_string(), &error))?;
        let traffic = Traffic::of(&recording, clock::utc());
        drop(recording);
        tell_traffic(path, &traffic)?;
        let world = World::start(&recorded::PARTIES, self.data.as_deref(), None).await?;
        let began = clock::instant();
        let bar = progress::bar(traffic.flights.len() as u64, "flights");
        bar.set_message("planning");
        let filed = fly::file_all(&world.desks, traffic.flights, &bar).await?;
        bar.finish_and_clear();
        let bar = progress::bar(filed.len() as u64, "flights");
        bar.set_message("flying");
        let flights = fly::fly_all(&world.desks, filed, &bar).await?;
        bar.finish_and_clear();
        let took = elapsed(began);
        seen::move_on(&world, &flights).await?;
        let watches = match seen::busiest(&flights, world.now()) {
            Some(corners) => seen::watch(&world.desks, corners).await?,
            None => Vec::new(),
        };
        let ending = Ending { zones: Vec::new(), room: ROOM, took, watches };
        self.finish(world, flights, ending).await
    }

    async fn finish(
        &self,
        world: World,
        flights: Vec<Flown>,
        ending: Ending,
    ) -> Result<(), Failure> {
        for desk in &world.desks {
            desk.told().await;
        }
        seen::tell(&world, &ending.watches, &flights).await?;
        if let Some(pool) = world.pool() {
            pool.compare(&world.parties).await?;
        }
        let told = report::tell(Story {
            desks: &world.desks,
            parties: &world.parties,
            flights: &flights,
            zones: ending.zones,
            room: ending.room,
            took: ending.took,
        });
        if told.is_ok() && !self.once {
            serve::until_stopped(&world, &flights, &ending.watches).await?;
        }
        world.shutdown().await.and(told)
    }
}

/// What the report needs besides the flights.
struct Ending {
    zones: Vec<Zone>,
    room: Room,
    took: Duration,
    /// What each desk watches by remote ID, one a desk; none if nobody flies.
    watches: Vec<EntityId>,
}

fn elapsed(since: std::time::Instant) -> Duration {
    clock::instant().duration_since(since)
}

/// Closes what the authority closes.
async fn close(world: &World, town: Town) -> Result<(Vec<Zone>, ClosedIds), Failure> {
    let mut zones = Vec::new();
    for Closed { name, volume } in town.closed() {
        let request = ConstraintRequest { volumes: vec![volume.clone()], kind: None };
        let put = world.desks[town::RELIEF].put_constraint(request).await;
        let constraint =
            put.map_err(|error| Failure::refused("cannot put a constraint", &error))?;
        line(format_args!("{} closes {name}", world.parties[town::RELIEF]))?;
        zones.push(Zone { id: constraint.id, volumes: vec![volume] });
    }
    let ids = ClosedIds { hospital: zones[0].id, corridor: zones[1].id };
    Ok((zones, ids))
}

/// Files the flight of a scene and tells what came of it.
async fn tell_scene(world: &World, number: usize, scene: Scene) -> Result<Flown, Failure> {
    let letter = town::letter(number);
    let desk = &world.desks[scene.planned.desk];
    let party = &world.parties[scene.planned.desk];
    let asked = scene.planned.desk;
    let fail = async { world.pool().map_or(Ok(()), |pool| pool.fail_at(number, asked)) };
    let (flown, failed) = tokio::join!(fly::file(desk, scene.planned), fail);
    failed?;
    line(format_args!("{letter}  {party:<7} {}: {}", flown.planned.name, scene.told))?;
    match &flown.filed {
        Ok(report) => {
            for conflict in &report.conflicts {
                let kind = match conflict.kind {
                    desk::EntityKind::OperationalIntent => "a flight",
                    desk::EntityKind::Constraint => "a constraint",
                };
                line(format_args!("     {kind} of {} is in the way", conflict.manager))?;
            }
            line(format_args!("     -> {}", told_resolution(&report.resolution)))?;
        }
        Err(error) => line(format_args!("     -> failed: {error}"))?,
    }
    Ok(flown)
}

fn told_resolution(resolution: &Resolution) -> String {
    match resolution {
        Resolution::AsAsked => "accepted as asked".to_owned(),
        Resolution::Delayed { delay_s } => format!("accepted {}", told_delay(*delay_s)),
        Resolution::Moved { climb_m } => format!("accepted {}", told_climb(*climb_m)),
        Resolution::DelayedAndMoved { delay_s, climb_m } => {
            format!("accepted {} and {}", told_delay(*delay_s), told_climb(*climb_m))
        }
        Resolution::GivenUp(why) => format!("given up: {why}"),
    }
}

fn told_delay(delay_s: u32) -> String {
    format!("{} min {} s later", delay_s / 60, delay_s % 60)
}

fn told_climb(climb_m: f64) -> String {
    let way = if climb_m < 0.0 { "lower" } else { "higher" };
    format!("{:.0} m {way}", climb_m.abs())
}

fn parse_hubs(text: &str) -> Result<usize, String> {
    let hubs = text.parse().ok().filter(|hubs| (POOL_HUBS_MIN..=HUBS_MAX).contains(hubs));
    hubs.ok_or_else(|| format!("it must be from {POOL_HUBS_MIN} to {HUBS_MAX}"))
}

fn tell_traffic(path: &Path, traffic: &Traffic) -> Result<(), Failure> {
    line(format_args!("traffic      {}: {} rows", path.display(), traffic.rows))?;
    line(format_args!(
        "used         {} positions of {} aircraft in {} flights, dealt to {} parties",
        traffic.positions,
        traffic.aircraft,
        traffic.flights.len(),
        recorded::PARTIES.len()
    ))?;
    line(format_args!("not used     {} rows: {}", traffic.unusable.total(), traffic.unusable))?;
    line(format_args!(
        "times        shifted by {} s, so that the flights lie in the future",
        traffic.shift_s
    ))?;
    line("altitudes    barometric, taken as one common datum; not heights above WGS84")
}
