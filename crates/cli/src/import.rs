//! `tansiq import`: carries over what a deployed hub has, so that its clients notice nothing.
//!
//! A database is read as it was at one moment, row by row; each row becomes a command in a new log
//! (`hub::import`). The directory of that log appears when all of it is durable and the source is
//! still what was read, and not before.

mod column;
mod destination;
mod report;
mod row;
mod server;
mod snapshot;
mod tables;
mod tls;

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use airspace::SubscriptionId;
use airspace::import::Import as Imported;
use clap::{Args, Subcommand};
use hub::clock::Clock;
use hub::import::Importer;
use indicatif::ProgressBar;
use spacetime::Timestamp;

use self::destination::Destination;
use self::report::Report;
use self::server::Server;
use self::snapshot::{Database, Fingerprint, Snapshot, SourceError};
use self::tables::{AUX, AUX_TABLES, Kind, RID, RID_KINDS, SCD, SCD_KINDS, SCHEMA_VERSION};
use self::tls::Files;
use crate::failure::{self, Failure};
use crate::output::{line, note};
use crate::progress;

/// How far the clock of the database may be from ours (F3548-21 wants its hosts within 5 s): what
/// has ended, and what may still be asked for, is decided by ours.
const CLOCK_APART_MAX: Duration = Duration::from_secs(5);

/// The arguments of `tansiq import`.
#[derive(Debug, Args)]
pub(crate) struct Import {
    #[command(subcommand)]
    source: Source,
}

#[derive(Debug, Subcommand)]
enum Source {
    /// Reads the database of a deployed InterUSS DSS into a new directory for a hub.
    #[command(after_help = "\
Stop the writes of all instances of the pool first, and never let them write again beside the hub:
docs/migrating.md has the steps. OVNs, versions, notification indices and subscriptions stay what
they were; what has ended is counted and not carried over. A password that is not in the URL is
taken from PGPASSWORD. The name of a database in the URL is not looked at: they are rid, scd, aux.

Examples:
  tansiq import interuss --database postgresql://yugabyte@127.0.0.1:5433/ \\
                         --data /var/lib/tansiq --dry-run
  tansiq import interuss --database postgresql://root@db.example.com:26257/ \\
                         --ca ca.crt --cert client.root.crt --key client.root.key \\
                         --data /var/lib/tansiq")]
    Interuss(Box<Interuss>),
}

#[derive(Args)]
struct Interuss {
    /// The server with the databases: postgresql://USER:PASSWORD@HOST:PORT/
    #[arg(long, value_name = "URL")]
    database: String,
    /// The directory to make, for a hub to be started on; must be empty or not there.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Reads and counts as an import would, and writes nothing; the pool may go on meanwhile.
    #[arg(long)]
    dry_run: bool,
    /// Where every row that cannot be carried over is listed; DIR/import-report.txt unless given.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// The roots that the server's certificate must come from, a PEM file; TLS is used with it.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Our own certificate, when the server wants one, a PEM file.
    #[arg(long, value_name = "FILE", requires_all = ["ca", "key"])]
    cert: Option<PathBuf>,
    /// The key of our own certificate, a PEM file.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
}

/// What is read, and what comes of it.
struct Run {
    importer: Importer,
    report: Report,
    bar: ProgressBar,
    now: Timestamp,
    /// Implicit subscriptions that came with an intent.
    implicit: HashSet<SubscriptionId>,
    fingerprints: Vec<(Kind, Fingerprint)>,
}

/// Whether the source was still the same after it was read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Same,
    Changed(Kind),
}

/// Runs `tansiq import`.
pub(crate) fn run(import: Import) -> Result<(), Failure> {
    let Source::Interuss(interuss) = import.source;
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::refused("cannot start the runtime", &error))?;
    runtime.block_on(interuss.import())
}

impl Interuss {
    async fn import(&self) -> Result<(), Failure> {
        Destination::check(&self.data).map_err(|error| refused(&error))?;
        let server = Server::new(&self.database, self.files()).map_err(|error| refused(&error))?;
        let clock = Clock::system();
        let mut scd = open(&server, SCD, &clock).await?;
        let mut rid = open(&server, RID, &clock).await?;
        if self.dry_run {
            let report = Report::begin(self.report.as_deref())?;
            let mut run = Run::new(Importer::rehearse(clock.clone()), report, clock.now());
            run.read_all(&server, &mut scd, &mut rid).await?;
            let after = look_again(&run.fingerprints, &mut scd, &mut rid).await?;
            return run.tell_rehearsal(self, after).await;
        }
        let destination = Destination::prepare(&self.data).map_err(|error| refused(&error))?;
        let importer = open_importer(&destination, &clock).await?;
        let made = destination.path().join(report::FILE_NAME);
        let report = Report::begin(Some(self.report.as_deref().unwrap_or(&made)))?;
        let mut run = Run::new(importer, report, clock.now());
        run.read_all(&server, &mut scd, &mut rid).await?;
        let Run { importer, mut report, fingerprints, .. } = run;
        let imported = importer.finish().await.map_err(|error| refused(&error))?;
        let imported = imported.expect("it did not only rehearse");
        report.finish()?;
        if let After::Changed(kind) = look_again(&fingerprints, &mut scd, &mut rid).await? {
            return Err(changed(kind));
        }
        destination.publish().map_err(|error| refused(&error))?;
        report.tell(Some(self.report.as_deref().unwrap_or(&self.data.join(report::FILE_NAME))))?;
        line(format_args!(
            "\n{} holds {} entries; start a hub on it: tansiq hub --data {0} ...",
            self.data.display(),
            imported.head.position
        ))
    }

    fn files(&self) -> Option<Files<'_>> {
        let identity = self.cert.as_deref().zip(self.key.as_deref());
        self.ca.as_deref().map(|ca| Files { ca, identity })
    }
}

/// The URL may hold a password.
impl std::fmt::Debug for Interuss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interuss").field("data", &self.data).finish_non_exhaustive()
    }
}

impl Run {
    fn new(importer: Importer, report: Report, now: Timestamp) -> Self {
        let bar = progress::bar(0, "rows");
        let (implicit, fingerprints) = (HashSet::new(), Vec::new());
        Run { importer, report, bar, now, implicit, fingerprints }
    }

    /// Reads everything that is carried over, and counts the rest.
    async fn read_all(
        &mut self,
        server: &Server,
        scd: &mut Database,
        rid: &mut Database,
    ) -> Result<(), Failure> {
        self.read(scd, &SCD_KINDS).await?;
        self.read(rid, &RID_KINDS).await?;
        self.count_aux(server).await?;
        self.bar.finish_and_clear();
        Ok(())
    }

    /// Reads one database in one snapshot.
    async fn read(&mut self, database: &mut Database, kinds: &[Kind]) -> Result<(), Failure> {
        let snapshot = database.snapshot().await.map_err(|error| refused(&error))?;
        for kind in kinds {
            let print = snapshot.fingerprint(*kind).await.map_err(|error| refused(&error))?;
            self.report.tally(*kind).found = print.rows;
            self.bar.inc_length(print.rows);
            self.fingerprints.push((*kind, print));
        }
        let mut passed = self.bar.position();
        for kind in kinds {
            self.bar.set_message(kind.name());
            self.read_kind(&snapshot, *kind).await?;
            passed += self.report.tally(*kind).found;
            self.bar.set_position(passed);
        }
        Ok(())
    }

    async fn read_kind(&mut self, snapshot: &Snapshot<'_>, kind: Kind) -> Result<(), Failure> {
        let rows = snapshot.rows(kind, self.now).await;
        let mut rows = rows.map_err(|error| refused(&error))?;
        loop {
            let page = rows.next().await.map_err(|error| refused(&error))?;
            if page.is_empty() {
                return Ok(());
            }
            for row in &page {
                match kind {
                    Kind::ImplicitSubscription => self.see_implicit(&row::id(row))?,
                    _ => self.carry(kind, row).await?,
                }
            }
            self.bar.inc(page.len() as u64);
        }
    }

    /// Carries a row over, or lists why it cannot be.
    async fn carry(&mut self, kind: Kind, row: &tokio_postgres::Row) -> Result<(), Failure> {
        let mut import = match row::read(kind, row, self.now) {
            Ok(import) => import,
            Err(why) => return self.report.list(kind, &row::id(row), &why.to_string()),
        };
        let mut implicit = None;
        if let Imported::OperationalIntent(intent) = &mut import {
            let known = &self.implicit;
            intent.implicit_subscription.take_if(|came| known.contains(&came.id));
            implicit = intent.implicit_subscription.as_ref().map(|comes| comes.id);
        }
        match self.importer.put(import).await.map_err(|error| refused(&error))? {
            Err(why) => self.report.list(kind, &row::id(row), &failure::chain(&why)),
            Ok(()) => {
                self.report.tally(kind).carried += 1;
                if let Some(id) = implicit {
                    self.implicit.insert(id);
                    self.report.tally(Kind::ImplicitSubscription).carried += 1;
                }
                Ok(())
            }
        }
    }

    /// Lists an implicit subscription if it did not come with any intent.
    fn see_implicit(&mut self, id: &str) -> Result<(), Failure> {
        if SubscriptionId::parse(id).is_ok_and(|id| self.implicit.contains(&id)) {
            return Ok(());
        }
        let why = "no operational intent names it that was carried over";
        self.report.list(Kind::ImplicitSubscription, id, why)
    }

    async fn count_aux(&mut self, server: &Server) -> Result<(), Failure> {
        // Old pools have none.
        let mut aux = match Database::connect(server, AUX).await {
            Ok(aux) => aux,
            Err(SourceError::Connect { source, .. }) if is_no_database(&source) => return Ok(()),
            Err(error) => return Err(refused(&error)),
        };
        let snapshot = aux.snapshot().await.map_err(|error| refused(&error))?;
        for table in AUX_TABLES {
            if snapshot.has_table(table).await.map_err(|error| refused(&error))? {
                let rows = snapshot.count(table).await.map_err(|error| refused(&error))?;
                self.report.count(table, rows);
            }
        }
        Ok(())
    }

    async fn tell_rehearsal(self, asked: &Interuss, after: After) -> Result<(), Failure> {
        let Run { importer, mut report, .. } = self;
        importer.finish().await.map_err(|error| refused(&error))?;
        report.finish()?;
        report.tell(asked.report.as_deref())?;
        line("\ndry run: nothing was written")?;
        if let After::Changed(kind) = after {
            note(format_args!(
                "the {} changed meanwhile, so an import would have been refused: stop writes first",
                kind.name()
            ));
        }
        Ok(())
    }
}

/// Compares the source as it is now with what was read.
async fn look_again(
    fingerprints: &[(Kind, Fingerprint)],
    scd: &mut Database,
    rid: &mut Database,
) -> Result<After, Failure> {
    for (database, kinds) in [(scd, &SCD_KINDS[..]), (rid, &RID_KINDS[..])] {
        let snapshot = database.snapshot().await.map_err(|error| refused(&error))?;
        for (kind, read) in fingerprints.iter().filter(|(kind, _)| kinds.contains(kind)) {
            let present = snapshot.fingerprint(*kind).await;
            if present.map_err(|error| refused(&error))? != *read {
                return Ok(After::Changed(*kind));
            }
        }
    }
    Ok(After::Same)
}

/// Connects to a database and checks that it is one that can be read.
async fn open(server: &Server, name: &'static str, clock: &Clock) -> Result<Database, Failure> {
    let connected = Database::connect(server, name).await;
    let mut database = connected.map_err(|error| refused(&error))?;
    let known = tables::known(name, database.maker());
    let snapshot = database.snapshot().await.map_err(|error| refused(&error))?;
    let version = snapshot.text(SCHEMA_VERSION).await.map_err(|error| refused(&error))?;
    let version = version.unwrap_or_else(|| "unknown".to_owned());
    if !known.contains(&version) {
        return Err(Failure::Refused(format!(
            "the schema of the database `{name}` is {version}; known here is {known}: migrate it \
             with the db-manager of the deployed hub first"
        )));
    }
    let before = clock.now();
    let theirs = snapshot.clock().await.map_err(|error| refused(&error))?;
    let after = clock.now();
    let near = before.minus(CLOCK_APART_MAX)..=after.plus(CLOCK_APART_MAX);
    if !theirs.is_some_and(|theirs| near.contains(&theirs)) {
        return Err(Failure::Refused(format!(
            "the clock of the database server and that of this machine are more than {} s apart; \
             set the wrong one first: what has ended is decided by it",
            CLOCK_APART_MAX.as_secs()
        )));
    }
    drop(snapshot);
    Ok(database)
}

async fn open_importer(destination: &Destination, clock: &Clock) -> Result<Importer, Failure> {
    let (path, clock) = (destination.path().to_owned(), clock.clone());
    let opening = tokio::task::spawn_blocking(move || Importer::open(&path, clock));
    opening
        .await
        .map_err(|error| Failure::refused("the import was interrupted", &error))?
        .map_err(|error| refused(&error))
}

fn changed(kind: Kind) -> Failure {
    Failure::Refused(format!(
        "the {} changed while they were read, so nothing was imported: stop the writes of every \
         instance of the pool first, then import again",
        kind.name()
    ))
}

fn refused(error: &dyn std::error::Error) -> Failure {
    Failure::refused("cannot import", error)
}

fn is_no_database(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&tokio_postgres::error::SqlState::INVALID_CATALOG_NAME)
}
