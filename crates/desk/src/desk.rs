//! A running desk: everything started in order, and stopped in order.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use airspace::{EntityId, Party, UssBaseUrl};
use hub::auth::{Authenticator, KeysError};
use hub::server::{Server, ServerError};
use spacetime::LatLng;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use wire::f3548::uss::constraints::ConstraintDetails;

use crate::calls::CallStats;
use crate::change::ChangeError;
use crate::client::hub::Hub;
use crate::client::peer::Peers;
use crate::client::tokens::{TokenError, TokenSource, Tokens};
use crate::client::{CallError, Client, audience_of, join};
use crate::config::Config;
use crate::core::{Core, FLIGHTS_AT_ONCE_MAX, Memory};
use crate::entity::{Entity, Known};
use crate::flight::{Constraint, ConstraintRequest, EntityKind, Flight, FlightRequest, Report};
use crate::outbox::Outbox;
use crate::public_key::{self, PublicKeyError};
use crate::remote_id::look::Sight;
use crate::remote_id::telemetry::{Telemetry, TelemetryError};
use crate::server::{Reach, Serves, Serving, is_local_host};
use crate::store::{Contents, OpenError, Store};
use crate::upkeep;
use crate::wish::{RequestError, check_counts};

/// How often key files and key sets are looked at.
const KEYS_INTERVAL: Duration = Duration::from_secs(10);

/// A desk that runs until it is shut down; clones are the same desk.
#[derive(Clone)]
pub struct Desk(Arc<Running>);

struct Running {
    core: Arc<Core>,
    addr: SocketAddr,
    user_addr: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    /// Taken when the desk is shut down.
    parts: tokio::sync::Mutex<Option<(Vec<Server>, JoinSet<()>)>>,
}

/// Why a desk cannot start; each message, with its sources, says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The URL of the hub cannot be called.
    #[error("the hub's url cannot be used: {0}")]
    HubUrl(String),
    /// The desk's own base URL is none.
    #[error("the base url cannot be used: {0}")]
    BaseUrl(String),
    /// The source of tokens cannot be used.
    #[error("the source of tokens cannot be used")]
    Tokens(#[from] TokenError),
    /// The keys of others cannot be read.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The public half of the desk's own key cannot be had.
    #[error("no public key is given, and none can be made from the token key")]
    PublicKey(#[from] PublicKeyError),
    /// A listener cannot be started.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The client cannot be set up.
    #[error("outgoing calls cannot be set up: {0}")]
    Client(String),
}

impl Desk {
    /// Starts a desk on the current tokio runtime, which must have several threads.
    ///
    /// When this returns others are answered. What a crash left open is settled in the background.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let data = config.data.clone();
        let opened = tokio::task::spawn_blocking(move || Store::open(&data)).await;
        let (store, contents) = opened.expect("opening does not panic")?;
        let serving = Serving::new(authenticator(&config).await?, config.limits.clone());
        let (servers, base_url) = listen(&config, &serving).await?;
        let addr = servers[0].local_addr();
        let user_addr = match servers.get(1) {
            Some(server) => Some(server.local_addr()),
            None => is_local(&config, addr).then_some(addr),
        };
        let core = Arc::new(assemble(&config, store, contents, base_url)?);
        serving.ready(Arc::clone(&core));
        let (stop, stopped) = watch::channel(false);
        let tasks = spawn_tasks(&core, serving, &stopped);
        tracing::info!(desk.addr = %addr, desk.base_url = core.base_url.as_str(),
            "the desk is ready");
        let parts = tokio::sync::Mutex::new(Some((servers, tasks)));
        Ok(Desk(Arc::new(Running { core, addr, user_addr, stop, parts })))
    }

    /// Returns where other desks are answered.
    pub fn addr(&self) -> SocketAddr {
        self.0.addr
    }

    /// Returns where the desk's own user is answered.
    pub fn user_addr(&self) -> Option<SocketAddr> {
        self.0.user_addr
    }

    /// Returns the base URL under which others reach the desk.
    pub fn base_url(&self) -> &str {
        self.0.core.base_url.as_str()
    }

    /// Returns the party that the desk's tokens speak for.
    pub async fn party(&self) -> Result<Party, TokenError> {
        self.0.core.hub.party().await
    }

    /// Plans a flight and puts it: finds out what is there, decides, asks the hub, tells others.
    ///
    /// It goes on when the caller no longer waits. A flight that finds no room is no error; see
    /// [`crate::Resolution::GivenUp`].
    pub async fn fly(&self, request: FlightRequest) -> Result<Report, ChangeError> {
        self.0.core.fly_request(request).await
    }

    /// Activates an accepted flight; it may be moved if something came in its way.
    pub async fn activate(&self, id: EntityId) -> Result<Report, ChangeError> {
        let core = Arc::clone(&self.0.core);
        self.0.core.detached(async move { core.activate(id).await }).await
    }

    /// Ends a flight: deletes it at the hub and tells others.
    pub async fn end(&self, id: EntityId) -> Result<(), ChangeError> {
        self.end_entity(EntityKind::OperationalIntent, id).await
    }

    /// Returns the flights that the hub has, ascending by id.
    pub fn flights(&self) -> Vec<Flight> {
        self.0.core.book().taken().filter_map(|(own, _)| own.flight()).collect()
    }

    /// Returns a flight that the hub has.
    pub fn find_flight(&self, id: EntityId) -> Option<Flight> {
        self.0.core.book().find(id)?.flight()
    }

    /// Puts a constraint and tells others.
    pub async fn put_constraint(
        &self,
        request: ConstraintRequest,
    ) -> Result<Constraint, ChangeError> {
        check_counts(&request.volumes)?;
        for (index, volume) in request.volumes.iter().enumerate() {
            if volume.starts_at().is_none() || volume.ends_at().is_none() {
                return Err(RequestError::Unbounded { index }.into());
            }
        }
        let details = ConstraintDetails {
            volumes: request.volumes.iter().map(Into::into).collect(),
            kind: request.kind,
            geozone: None,
        };
        let core = Arc::clone(&self.0.core);
        let put = async move { core.put_constraint(details).await };
        let known = self.0.core.detached(put).await?;
        constraint(&known).ok_or(ChangeError::NotFound)
    }

    /// Ends a constraint: deletes it at the hub and tells others.
    pub async fn end_constraint(&self, id: EntityId) -> Result<(), ChangeError> {
        self.end_entity(EntityKind::Constraint, id).await
    }

    /// Returns the constraints that the hub has, ascending by id.
    pub fn constraints(&self) -> Vec<Constraint> {
        self.0.core.book().taken().filter_map(|(_, taken)| constraint(&taken.known)).collect()
    }

    /// Takes where an active flight is; others see it by remote ID.
    pub fn tell_position(&self, id: EntityId, told: Telemetry) -> Result<(), TelemetryError> {
        self.0.core.tell_position(id, told)
    }

    /// Begins to watch the area between two opposite corners by remote ID; returns which watch it
    /// is.
    pub async fn watch(&self, corners: [LatLng; 2]) -> Result<EntityId, ChangeError> {
        let core = Arc::clone(&self.0.core);
        self.0.core.detached(async move { core.watch(corners).await }).await
    }

    /// Returns which flights are in a watched area, as their service providers tell now.
    pub async fn look(&self, watch: EntityId) -> Result<Sight, ChangeError> {
        self.0.core.look(watch).await
    }

    /// Ends a watch.
    pub async fn end_watch(&self, watch: EntityId) -> Result<(), ChangeError> {
        let core = Arc::clone(&self.0.core);
        self.0.core.detached(async move { core.end_watch(watch).await }).await
    }

    /// Waits until every notification that is owed is delivered or given up.
    pub async fn told(&self) {
        self.0.core.outbox.empty().await;
    }

    /// Tries once to find out what became of requests of which that is not known.
    pub async fn settle(&self) {
        self.0.core.settle_all().await;
        self.0.core.register_all().await;
    }

    /// Ends flights and constraints that are over, as the desk does by itself now and then.
    pub async fn tidy(&self) {
        self.0.core.end_what_is_over().await;
    }

    /// Returns how outgoing calls went so far, by what they ask.
    pub fn calls(&self) -> Vec<CallStats> {
        self.0.core.client.calls().stats()
    }

    /// Stops: answers what it took, in bounded time, and closes the store.
    ///
    /// Notifications that are still owed are delivered after the next start.
    pub async fn shutdown(self) {
        self.0.stop.send_replace(true);
        self.0.core.planning.close();
        let Some((servers, mut tasks)) = self.0.parts.lock().await.take() else {
            return;
        };
        for server in servers {
            server.shutdown().await;
        }
        while tasks.join_next().await.is_some() {}
        // A change that is under way has written down what it asks before it asks.
        let _turn = self.0.core.turn.lock().await;
        self.0.core.store.close().await;
    }

    async fn end_entity(&self, kind: EntityKind, id: EntityId) -> Result<(), ChangeError> {
        let core = Arc::clone(&self.0.core);
        self.0.core.detached(async move { core.end(kind, id).await }).await
    }
}

impl Core {
    /// Plans a flight and puts it, and goes on when the caller no longer waits.
    pub(crate) async fn fly_request(
        self: &Arc<Self>,
        request: FlightRequest,
    ) -> Result<Report, ChangeError> {
        let core = Arc::clone(self);
        self.detached(async move {
            let wish = tokio::task::spawn_blocking(move || crate::book::Wish::new(request)).await;
            core.fly(wish.expect("making volumes does not panic")?).await
        })
        .await
    }

    /// Runs a change to its end even if the caller stops waiting, because half a change would have
    /// to be settled later.
    pub(crate) async fn detached<T: Send + 'static>(
        &self,
        change: impl Future<Output = Result<T, ChangeError>> + Send + 'static,
    ) -> Result<T, ChangeError> {
        match tokio::spawn(change).await {
            Ok(result) => result,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(ChangeError::Ending),
        }
    }
}

fn constraint(known: &Known) -> Option<Constraint> {
    let Entity::Constraint(constraint) = &known.entity else {
        return None;
    };
    Some(Constraint {
        id: constraint.reference.id,
        version: constraint.reference.version,
        kind: constraint.details.kind.clone(),
        volumes: known.volumes.iter().map(|one| one.volume.clone()).collect(),
    })
}

/// Returns what checks tokens of others.
async fn authenticator(config: &Config) -> Result<Authenticator, StartError> {
    let mut tokens = hub::config::Tokens {
        public_keys: config.public_keys.clone(),
        jwks_url: config.jwks_url.clone(),
        audiences: config.audiences.clone(),
        ..hub::config::Tokens::default()
    };
    tokens.audiences.push(own_audience(config)?);
    if tokens.public_keys.is_empty() && tokens.jwks_url.is_none() {
        match &config.tokens {
            // Who gives the desk its tokens gives the others theirs.
            TokenSource::Url { url, .. } => {
                tokens.jwks_url = Some(public_key::key_set_url(url).ok_or(TokenError::Url)?);
            }
            TokenSource::Key { key_file, .. } => {
                let file: PathBuf = public_key::write_public_half(key_file, &config.data)?;
                tokens.public_keys.push(file);
            }
        }
    }
    Ok(Authenticator::start(&tokens, config.clock.clone()).await?)
}

/// Returns the name by which tokens of others address the desk: the host of its base URL.
fn own_audience(config: &Config) -> Result<String, StartError> {
    let Some(base_url) = &config.base_url else {
        return Ok(config.listen.ip().to_string());
    };
    let url = join(base_url, "/").map_err(|error| StartError::BaseUrl(error.to_string()))?;
    audience_of(&url).map_err(|error| StartError::BaseUrl(error.to_string()))
}

/// Tells whether nobody but this machine can reach the desk.
fn is_local(config: &Config, addr: SocketAddr) -> bool {
    addr.ip().is_loopback()
        && config.user_listen.is_none()
        && own_audience(config).is_ok_and(|host| is_local_host(&host))
}

/// Starts the listeners, that for others first, and returns the base URL.
async fn listen(
    config: &Config,
    serving: &Serving,
) -> Result<(Vec<Server>, UssBaseUrl), StartError> {
    let serves = if is_local(config, config.listen) { Serves::Both } else { Serves::Peers };
    let router = serving.router(serves);
    let mut servers =
        vec![Server::start(config.listen, router, &config.limits, config.tls.as_ref()).await?];
    if let Some(listen) = config.user_listen {
        let reach = if listen.ip().is_loopback() { Reach::Local } else { Reach::Wide };
        let router = serving.router(Serves::User(reach));
        servers.push(Server::start(listen, router, &config.limits, None).await?);
    }
    let base_url = match &config.base_url {
        Some(base_url) => base_url.trim_end_matches('/').to_owned(),
        None => {
            let scheme = if config.tls.is_some() { "https" } else { "http" };
            format!("{scheme}://{}", servers[0].local_addr())
        }
    };
    let base_url =
        UssBaseUrl::new(&base_url).map_err(|error| StartError::BaseUrl(error.to_string()))?;
    wire::Schemes::HttpAllowed
        .check(&base_url)
        .map_err(|error| StartError::BaseUrl(error.to_string()))?;
    Ok((servers, base_url))
}

fn assemble(
    config: &Config,
    store: Store,
    contents: Contents,
    base_url: UssBaseUrl,
) -> Result<Core, StartError> {
    let client = Client::new(config.private_addresses)
        .map_err(|error| StartError::Client(error.to_string()))?;
    let tokens = Tokens::new(
        config.tokens.clone(),
        base_url.as_str(),
        client.clone(),
        config.clock.clone(),
        config.entropy.clone(),
    )?;
    let hub_url = |error: CallError| StartError::HubUrl(error.to_string());
    let (processing, store) = (config.constraint_processing, Arc::new(store));
    let hub = Hub::new(client.clone(), tokens.clone(), &config.hub, processing).map_err(hub_url)?;
    let peers = Peers::new(client.clone(), tokens);
    let outbox = Arc::new(Outbox::new(peers.clone(), Arc::clone(&store), contents.notices));
    let core = Core {
        base_url,
        clock: config.clock.clone(),
        entropy: config.entropy.clone(),
        client,
        hub,
        peers,
        outbox,
        store,
        remote_id: config.remote_id,
        turn: tokio::sync::Mutex::new(()),
        planning: Semaphore::new(FLIGHTS_AT_ONCE_MAX),
        unsettled: Notify::new(),
        memory: Memory::new(contents.owns, contents.registrations),
    };
    core.follow_all();
    Ok(core)
}

fn spawn_tasks(core: &Arc<Core>, serving: Serving, stopped: &watch::Receiver<bool>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(upkeep::keep_up(Arc::clone(core), stopped.clone()));
    for number in core.outbox.numbers() {
        let outbox = Arc::clone(&core.outbox);
        tokio::spawn(async move { outbox.deliver(number).await });
    }
    let mut stopped = stopped.clone();
    tasks.spawn(async move {
        loop {
            tokio::select! {
                () = tokio::time::sleep(KEYS_INTERVAL) => serving.authenticator().refresh().await,
                () = upkeep::stopped(&mut stopped) => return,
            }
        }
    });
    tasks
}
