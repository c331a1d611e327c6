//! One running hub: everything started in order, and stopped in order.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use airspace::{Command, F3411Settings, Request, Settings};
use log::pool::PoolLog;
use log::{LocalLog, Proposer, Sealing, SyncMode};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::auth::{Authenticator, KeysError};
use crate::clock::Clock;
use crate::config::{Config, ConfigError, OldEntries, Tls};
use crate::context::{Context, Instance, Shares};
use crate::entropy::Entropy;
use crate::in_pool::answerer::Answerer;
use crate::in_pool::peers::Peers;
use crate::in_pool::{self, MEMBERS_INTERVAL, PEER_INTERVAL, Part, PartError};
use crate::replica::declaration::{DarId, Declaration};
use crate::replica::{self, Options, Replica, ReplicaError, SubmitError};
use crate::reports::Reports;
use crate::server::{Acceptor, Server, ServerError};
use crate::telemetry::{LogMetrics, Telemetry};
use crate::workers::Workers;
use crate::{admin, dispatch};

/// How often recorded durations are taken into their buckets.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// How often old entries are looked for and settings are compared.
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(600);

/// When a hub of a pool asks again how far the pool's log is, until it has caught up once.
const CATCH_UP_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How often certificates for other hubs are looked at.
const PEER_TLS_REFRESH: Duration = Duration::from_secs(10);

/// How long a stopping hub waits for the state to take in what is in the log.
const CATCH_UP_MAX: Duration = Duration::from_secs(10);

/// A hub that runs until it is shut down.
#[derive(Debug)]
pub struct Hub {
    context: Arc<Context>,
    opened: Opened,
    server: Server,
    admin: Option<Server>,
    /// What other hubs of a pool ask.
    peers: Option<Server>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// The log and what follows it; dropping this closes the one and ends the other, and blocks shortly.
#[derive(Debug)]
struct Opened {
    /// The log of this machine, or the copy that it has of a pool's.
    copy: Arc<LocalLog>,
    /// Its part in a pool, if it is in one.
    part: Option<Part>,
    replica: Replica,
}

/// Why a hub cannot start; each message, with its sources, says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is not one to start with.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The log cannot be opened.
    #[error(transparent)]
    Log(#[from] log::OpenError),
    /// The hub cannot take part in its pool.
    #[error(transparent)]
    Pool(#[from] PartError),
    /// The state cannot be made from the log.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// The keys cannot be read.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A listener cannot be started.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The directory of the reports cannot be used.
    #[error("cannot use {}; check the rights on it", path.display())]
    Reports {
        /// Which directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The workers cannot be started.
    #[error("cannot start worker threads; raise the limit of processes")]
    Workers(#[source] std::io::Error),
    /// The start from a backup cannot be declared.
    #[error("cannot write into the log that it was restored, so the hub does not serve")]
    Declare(#[source] SubmitError),
    /// The mark of a backup cannot be taken off the log.
    #[error("cannot settle the restored log; check the disk")]
    Settle(#[source] log::LogError),
    /// A start was interrupted.
    #[error("the start was interrupted")]
    Interrupted,
}

impl Hub {
    /// Starts a hub with the machine's clock and random numbers, on the current tokio runtime.
    ///
    /// When this returns the state has caught up with the log and requests are answered. In a pool
    /// that cannot be reached, or whose log is long, they are answered with 503 until then.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::start_with(config, Clock::system(), Entropy::system()).await
    }

    /// Starts a hub with another clock or source of random numbers: for tests and simulations.
    pub async fn start_with(
        config: Config,
        clock: Clock,
        entropy: Entropy,
    ) -> Result<Self, StartError> {
        config.check()?;
        let telemetry = Telemetry::new();
        // From here on a start that fails closes the log by dropping this.
        let opened = open(&config, &clock, &telemetry).await?;
        catch_up(&opened).await?;
        declare(&config, &opened).await?;
        settle(&config, &opened.replica, &entropy).await;
        let acceptor = config.tls.as_ref().map(Acceptor::load).transpose();
        let acceptor = acceptor.map_err(ServerError::from)?.map(Arc::new);
        let context = Arc::new(Context {
            instance: Instance {
                name: proposer(&config),
                public_url: config.public_url.clone(),
                acceptor: acceptor.clone(),
            },
            replica: opened.replica.clone(),
            authenticator: Authenticator::start(&config.tokens, clock.clone()).await?,
            clock,
            entropy,
            workers: Workers::start(worker_count(&config)).map_err(StartError::Workers)?,
            reports: Reports::open(&config.data)
                .map_err(|source| StartError::Reports { path: config.data.clone(), source })?,
            telemetry,
            shares: Shares::new(&config.limits),
            limits: config.limits.clone(),
            allow_http: config.allow_http,
        });
        let router = dispatch::router(Arc::clone(&context));
        let server = Server::start_with(config.listen, router, &config.limits, acceptor).await?;
        let admin = match config.admin_listen {
            Some(listen) => {
                let connections = server.connections();
                let log = Arc::clone(&opened.copy);
                let pool = opened.part.as_ref().map(admin::PoolAdmin::of);
                let admin = admin::Admin::new(Arc::clone(&context), log, pool, connections);
                let router = admin.router(&config);
                Some(Server::start(listen, router, &config.limits, None).await?)
            }
            None => None,
        };
        let peers = listen_to_peers(&config, &opened).await?;
        let (stop, stopped) = watch::channel(false);
        let mut tasks = spawn_tasks(&config, &context, &opened.copy, &stopped);
        spawn_pool_tasks(&mut tasks, &config, &opened, &stopped)?;
        tracing::info!(hub.addr = %server.local_addr(), "the hub is ready");
        Ok(Hub { context, opened, server, admin, peers, stop, tasks })
    }

    /// Returns where the standards' APIs are served.
    pub fn local_addr(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// Returns where health and metrics are served.
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(Server::local_addr)
    }

    /// Returns where other hubs of the pool are answered.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.peers.as_ref().map(Server::local_addr)
    }

    /// Resolves to why the hub must end, when it must: shut it down, and end the process as failed.
    pub async fn failed(&self) -> Arc<str> {
        self.context.replica.failed().await
    }

    /// Stops: answers what it took, in bounded time, and closes the log.
    pub async fn shutdown(mut self) {
        tracing::info!("the hub stops");
        self.stop.send_replace(true);
        self.server.shutdown().await;
        for server in [self.admin, self.peers].into_iter().flatten() {
            server.shutdown().await;
        }
        self.tasks.shutdown().await;
        // So that whoever waits is answered, and what is kept is on the disk, before it is closed.
        let replica = &self.context.replica;
        if tokio::time::timeout(CATCH_UP_MAX, replica.caught_up()).await.is_err() {
            tracing::warn!("the log is closed before the state has caught up with it");
        }
        let opened = self.opened;
        if let Err(error) = tokio::task::spawn_blocking(move || drop(opened)).await {
            tracing::error!(%error, "closing the log panicked: a bug");
        }
        tracing::info!("the hub has stopped");
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        match &self.part {
            Some(part) => part.log.close(),
            None => self.copy.close(),
        }
        self.replica.join();
    }
}

/// Opens the log and starts to follow it.
async fn open(config: &Config, clock: &Clock, telemetry: &Telemetry) -> Result<Opened, StartError> {
    let options = log::Options {
        restored_declared: config.restored,
        disk_free_bytes_min: config.log.disk_free_bytes_min,
        observer: Arc::new(LogMetrics::new(telemetry)),
        // What a power cut takes from the end of a copy the pool has.
        sync: if config.pool.is_some() { SyncMode::Behind } else { SyncMode::EachCommit },
    };
    if let Some(settings) = &config.pool {
        in_pool::newcomer::prepare(config, settings).await?;
    }
    let config = config.clone();
    let replica_options = Options {
        proposer: proposer(&config),
        snapshot_entries: config.log.snapshot_entries,
        clock: clock.clone(),
    };
    let opening = tokio::task::spawn_blocking(move || {
        let copy = Arc::new(LocalLog::open(&config.data, options)?);
        let Some(settings) = &config.pool else {
            let replica = Replica::start(Arc::clone(&copy), replica_options)?;
            return Ok(Opened { copy, part: None, replica });
        };
        let (part, replica) = in_pool::open(&config, settings, &copy, replica_options)?;
        Ok(Opened { copy, part: Some(part), replica })
    });
    opening.await.map_err(|_| StartError::Interrupted)?
}

/// Waits until the state has caught up with the log; in a pool only for a while.
async fn catch_up(opened: &Opened) -> Result<(), ReplicaError> {
    match opened.replica.caught_up().await {
        Err(ReplicaError::Follow(log::LogError::Unanswered)) if opened.part.is_some() => {
            tracing::warn!("the pool does not say how far its log is; the hub starts without");
            Ok(())
        }
        caught_up => caught_up,
    }
}

fn proposer(config: &Config) -> Proposer {
    let name = config.pool.as_ref().map_or(&config.name, |pool| &pool.hub);
    Proposer::new(name).expect("the configuration was checked")
}

/// Writes into the log what the operator says about this start.
async fn declare(config: &Config, opened: &Opened) -> Result<(), StartError> {
    let Opened { copy: log, part, replica } = opened;
    // In a pool nothing that was answered is gone: the copy catches up.
    let declares = config.restored && part.is_none();
    if declares && (log.is_restored() || replica.restored().is_none()) {
        replica.declare(Declaration::Restored, ()).await.map_err(StartError::Declare)?;
    }
    if log.is_restored() {
        let log = Arc::clone(log);
        let settling = tokio::task::spawn_blocking(move || log.settle_restore());
        settling.await.map_err(|_| StartError::Interrupted)?.map_err(StartError::Settle)?;
    }
    if config.confirm_restored && replica.restored().is_some() {
        replica.declare(Declaration::RestoredConfirmed, ()).await.map_err(StartError::Declare)?;
    }
    if replica.restored().is_some() {
        tracing::warn!(
            "the log was restored from a backup: what was answered after it is gone; confirm with \
             POST /restored/confirm or --confirm-restored when the parties have put theirs again"
        );
    }
    Ok(())
}

/// Sees to what a log has once and its operator has set; a pool's owners do that for theirs.
async fn settle(config: &Config, replica: &Replica, entropy: &Entropy) {
    if config.pool.is_none() {
        found(replica, entropy).await;
        put_settings(config, replica).await;
    }
}

/// Makes the log an airspace representation of its own, if it is none or was put back from a backup.
async fn found(replica: &Replica, entropy: &Entropy) {
    if replica.read_declared(|declared| declared.dar_id().is_some()) {
        return;
    }
    let dar_id = DarId::from_random_bytes(entropy.bytes());
    match replica.declare(Declaration::Founded { dar_id }, ()).await {
        Ok(()) => tracing::info!(%dar_id, "the log is an airspace representation of its own"),
        Err(error) => {
            tracing::warn!(%error, "the log could not be given its DAR id; tried again later");
        }
    }
}

/// Puts the operator's settings into the log, as far as they are not what the state has.
async fn put_settings(config: &Config, replica: &Replica) {
    let f3548 = Settings { f3548_retention_s: whole_seconds(config.f3548_retention) };
    let f3411 = F3411Settings { retention_s: whole_seconds(config.f3411_retention) };
    let (has_f3548, has_f3411) =
        replica.read(|state, _| (state.settings() == f3548, state.f3411_settings() == f3411));
    let requests = [
        (!has_f3548).then_some(Request::PutSettings(f3548)),
        (!has_f3411).then_some(Request::PutF3411Settings(f3411)),
    ];
    for request in requests.into_iter().flatten() {
        let command = Command { party: replica::own_party(), retry: None, request };
        if let Err(error) = replica.submit(command, ()).await {
            tracing::warn!(%error, "settings could not be put into the log; tried again later");
        }
    }
}

fn whole_seconds(retention: Duration) -> u32 {
    u32::try_from(retention.as_secs()).expect("the configuration was checked")
}

fn worker_count(config: &Config) -> usize {
    if config.limits.workers != 0 {
        return config.limits.workers as usize;
    }
    2 * std::thread::available_parallelism().map_or(1, usize::from)
}

/// Starts what is done again and again while the hub runs.
fn spawn_tasks(
    config: &Config,
    context: &Arc<Context>,
    log: &Arc<LocalLog>,
    stopped: &watch::Receiver<bool>,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let keys = Arc::clone(context);
    tasks.spawn(again(config.tokens.refresh, stopped.clone(), async move || {
        keys.authenticator.refresh().await;
    }));
    let upkeep = Arc::clone(context);
    tasks.spawn(again(UPKEEP_INTERVAL, stopped.clone(), async move || {
        upkeep.telemetry.run_upkeep();
    }));
    let (config, context, log) = (config.clone(), Arc::clone(context), Arc::clone(log));
    tasks.spawn(again(HOUSEKEEPING_INTERVAL, stopped.clone(), async move || {
        settle(&config, &context.replica, &context.entropy).await;
        seal_old(&config, &context, &log).await;
    }));
    tasks
}

/// Starts what a hub of a pool does besides.
fn spawn_pool_tasks(
    tasks: &mut JoinSet<()>,
    config: &Config,
    opened: &Opened,
    stopped: &watch::Receiver<bool>,
) -> Result<(), PartError> {
    let (Some(settings), Some(part)) = (&config.pool, &opened.part) else { return Ok(()) };
    tasks.spawn(Part::watch(PoolLog::failed(&part.log), opened.replica.clone()));
    tasks.spawn(part.watch_stranded(config.data.clone(), opened.replica.clone()));
    let catching_up = opened.replica.clone();
    tasks.spawn(async move {
        while catching_up.failure().is_none() && catching_up.caught_up().await.is_err() {
            tokio::time::sleep(CATCH_UP_AGAIN_AFTER).await;
        }
    });
    let members = Arc::clone(&part.members);
    tasks.spawn(again(MEMBERS_INTERVAL, stopped.clone(), async move || {
        members.look().await;
    }));
    let peers = Peers::new(settings, part.genesis.fingerprint())?;
    let replica = opened.replica.clone();
    let comparing = async move || peers.compare(&replica).await;
    tasks.spawn(again(PEER_INTERVAL, stopped.clone(), comparing));
    Ok(())
}

/// Starts to answer other hubs of the pool, if there is one and the settings say where.
async fn listen_to_peers(config: &Config, opened: &Opened) -> Result<Option<Server>, StartError> {
    let (Some(settings), Some(part)) = (&config.pool, &opened.part) else { return Ok(None) };
    let Some(listen) = settings.peer_listen else { return Ok(None) };
    let (replica, copy) = (opened.replica.clone(), Arc::clone(&opened.copy));
    let pool = part.genesis.fingerprint();
    let answerer = Answerer::new(pool, settings.hub_id(), replica, copy, config.data.clone());
    let files = settings.peer_tls().expect("the configuration was checked");
    let tls = files.map(|files| Tls {
        certificate: files.cert.clone(),
        key: files.key.clone(),
        client_roots: Some(files.ca.clone()),
        refresh: PEER_TLS_REFRESH,
    });
    let server = Server::start(listen, answerer.router(), &config.limits, tls.as_ref()).await?;
    Ok(Some(server))
}

/// Does something every `interval`, until the hub stops.
async fn again(interval: Duration, mut stopped: watch::Receiver<bool>, work: impl AsyncFn()) {
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            () = tokio::time::sleep(interval) => {}
        }
        work().await;
    }
}

async fn seal_old(config: &Config, context: &Context, log: &Arc<LocalLog>) {
    let kept = match config.log.old_entries {
        OldEntries::Seal => log::Kept::Entries,
        OldEntries::Drop => log::Kept::LeafHashes,
    };
    let sealing = Sealing { age: config.log.segment_age, kept };
    let (log, now) = (Arc::clone(log), context.clock.now());
    match tokio::task::spawn_blocking(move || log.seal_old(now, sealing)).await {
        Ok(Ok(report)) if report.segments != 0 => tracing::info!(
            log.segments = report.segments,
            log.sealed_to = %report.sealed_to,
            "old entries of the log were sealed"
        ),
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::error!(%error, "old entries of the log cannot be sealed"),
        Err(error) => tracing::error!(%error, "sealing panicked: a bug"),
    }
}
