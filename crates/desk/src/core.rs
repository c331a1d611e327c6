//! What all parts of a desk share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use airspace::EntityId;
use hub::clock::Clock;
use hub::entropy::Entropy;
use spacetime::Volume;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use crate::book::{Book, Own, Pending, Taken};
use crate::cache::Cache;
use crate::client::Client;
use crate::client::hub::Hub;
use crate::client::peer::Peers;
use crate::config::RemoteId;
use crate::entity::{Known, Period};
use crate::flight::EntityKind;
use crate::outbox::{Notice, Outbox};
use crate::remote_id::register::Tries;
use crate::remote_id::registration::{Registration, Registrations};
use crate::remote_id::sky::Sky;
use crate::remote_id::telemetry::AllPositions;
use crate::store::{Change, Store, WriteError};

/// How many flights are planned at once; others wait.
pub const FLIGHTS_AT_ONCE_MAX: usize = 64;

/// How long a change waits for what follows from it at the hub by remote ID.
const FOLLOWED_WITHIN: Duration = Duration::from_secs(2);
/// Registrations share so many lanes by their ids.
const LANES: usize = 64;

/// A desk without its listeners.
pub(crate) struct Core {
    /// Where others reach the desk.
    pub(crate) base_url: airspace::UssBaseUrl,
    /// The clock.
    pub(crate) clock: Clock,
    /// The source of random bytes.
    pub(crate) entropy: Entropy,
    /// Makes all calls, and counts them.
    pub(crate) client: Client,
    /// The hub.
    pub(crate) hub: Hub,
    /// The other desks.
    pub(crate) peers: Peers,
    /// Notifications owed to them.
    pub(crate) outbox: Arc<Outbox>,
    /// The disk.
    pub(crate) store: Arc<Store>,
    /// Whether others see the desk's flights by remote ID.
    pub(crate) remote_id: RemoteId,
    /// Held from deciding on a change of an own entity until the hub has answered, so that the
    /// desk's own flights never race one another, and no entity is changed twice at once.
    pub(crate) turn: tokio::sync::Mutex<()>,
    /// Bounds how many flights are planned at once.
    pub(crate) planning: Semaphore,
    /// Wakes what settles pending requests.
    pub(crate) unsettled: Notify,
    /// What the desk holds in memory.
    pub(crate) memory: Memory,
}

/// What a desk holds in memory; each part behind a lock that is never held across a wait.
pub(crate) struct Memory {
    book: Mutex<Book>,
    cache: Mutex<Cache>,
    registrations: Mutex<Registrations>,
    positions: Mutex<AllPositions>,
    sky: Mutex<Sky>,
    /// Entities that are to be put for the first time count before they are in the book.
    reserved: AtomicUsize,
    /// Held while the hub is asked about a registration, so that it is asked one thing at a time.
    lanes: [tokio::sync::Mutex<()>; LANES],
}

/// A place in the book for an entity that is not in it yet; free again when dropped.
pub(crate) struct Reservation<'a>(&'a Core);

impl Memory {
    /// Returns the memory of a desk that holds these.
    pub(crate) fn new(owns: Vec<Own>, registrations: Vec<Registration>) -> Self {
        Memory {
            book: Mutex::new(Book::new(owns)),
            cache: Mutex::default(),
            registrations: Mutex::new(Registrations::new(registrations)),
            positions: Mutex::default(),
            sky: Mutex::default(),
            reserved: AtomicUsize::new(0),
            lanes: std::array::from_fn(|_| tokio::sync::Mutex::new(())),
        }
    }
}

impl Core {
    /// Returns the desk's own entities; the lock is never held across a wait.
    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.memory.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what is known of others' entities; the lock is never held across a wait.
    pub(crate) fn cache(&self) -> MutexGuard<'_, Cache> {
        self.memory.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what the desk keeps at the hub by remote ID; the lock is never held across a wait.
    pub(crate) fn registrations(&self) -> MutexGuard<'_, Registrations> {
        self.memory.registrations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns where the desk's flights were; the lock is never held across a wait.
    pub(crate) fn positions(&self) -> MutexGuard<'_, AllPositions> {
        self.memory.positions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what is known of others by remote ID; the lock is never held across a wait.
    pub(crate) fn sky(&self) -> MutexGuard<'_, Sky> {
        self.memory.sky.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody asks the hub about a registration, and keeps others from it.
    pub(crate) async fn lane(&self, id: EntityId) -> tokio::sync::MutexGuard<'_, ()> {
        let lane = usize::from(id.as_bytes()[0]) % LANES;
        self.memory.lanes[lane].lock().await
    }

    /// Returns an entity of the desk's own.
    pub(crate) fn find(&self, id: EntityId) -> Option<Own> {
        self.book().find(id).cloned()
    }

    /// Returns a new id.
    pub(crate) fn draw_id(&self) -> EntityId {
        EntityId::from_random_bytes(self.entropy.bytes())
    }

    /// Keeps a place for one more entity, if there may be one more.
    pub(crate) fn reserve(&self) -> Option<Reservation<'_>> {
        let reserved = self.memory.reserved.fetch_add(1, Ordering::Relaxed);
        let reservation = Reservation(self);
        self.book().has_room(reserved).then_some(reservation)
    }

    /// Writes down what the hub is about to be asked: durable when it returns without error.
    pub(crate) async fn begin(&self, own: &Own, pending: Arc<Pending>) -> Result<(), WriteError> {
        let own = Own { pending: Some(pending), ..own.clone() };
        self.store.write(vec![Change::put(&own)]).await?;
        self.book().put(own);
        Ok(())
    }

    /// Takes over what the hub took, and whom to tell.
    ///
    /// Others are served the new version at once. The write is queued when this returns, in the
    /// order of changes; what it returns waits until it is done. When the write fails, the pending
    /// request is still in the store, and is sent again with the same key after a restart.
    pub(crate) async fn take(
        self: &Arc<Self>,
        own: Own,
        taken: Taken,
        notices: Vec<Notice>,
    ) -> impl Future<Output = ()> + use<> {
        let own = Own { taken: Some(taken), pending: None, ..own };
        let follow = self.follow(own.id, Some(&own));
        let mut changes = vec![Change::put(&own)];
        changes.extend(notices.iter().map(Change::add));
        self.book().put(own);
        self.write_and_tell(changes, notices, follow).await
    }

    /// Removes an entity that the hub no longer has, and takes over whom to tell; as
    /// [`Core::take`].
    pub(crate) async fn remove(
        self: &Arc<Self>,
        id: EntityId,
        notices: Vec<Notice>,
    ) -> impl Future<Output = ()> + use<> {
        let follow = self.follow(id, None);
        let mut changes = vec![Change::RemoveOwn(id)];
        changes.extend(notices.iter().map(Change::add));
        self.book().remove(id);
        self.positions().remove(id);
        self.write_and_tell(changes, notices, follow).await
    }

    /// Forgets a request that the hub did not do, durably; an entity that was never taken goes.
    pub(crate) async fn abandon(&self, id: EntityId) -> Result<(), WriteError> {
        let Some(own) = self.find(id) else {
            return Ok(());
        };
        let change = if own.taken.is_none() {
            self.book().remove(id);
            Change::RemoveOwn(id)
        } else {
            let own = Own { pending: None, ..own };
            let change = Change::put(&own);
            self.book().put(own);
            change
        };
        self.store.write(vec![change]).await
    }

    /// Returns what of the desk's own the hub has in a period, but not `but`.
    pub(crate) fn own_known(&self, but: EntityId, period: Period) -> Vec<Arc<Known>> {
        let book = self.book();
        let others = book.taken().filter(|(own, _)| own.id != but);
        let near = others.filter(|(_, taken)| taken.known.period.overlaps(period));
        near.map(|(_, taken)| Arc::clone(&taken.known)).collect()
    }

    /// Returns the details of an own entity of this kind, as others may see them.
    pub(crate) fn own_details(&self, kind: EntityKind, id: EntityId) -> Option<Arc<Known>> {
        let book = self.book();
        let own = book.find(id).filter(|own| own.kind == kind)?;
        own.taken.as_ref().map(|taken| Arc::clone(&taken.known))
    }

    /// Wants the hub to have by remote ID what follows from a flight as it is now, `None` if it is
    /// gone; returns what changed.
    pub(crate) fn follow(&self, id: EntityId, own: Option<&Own>) -> Vec<Registration> {
        let shown = own.filter(|_| self.remote_id != RemoteId::Off).and_then(Own::shown);
        let volumes: Vec<&Volume> = shown
            .map_or_else(Vec::new, |known| known.volumes.iter().map(|one| &one.volume).collect());
        let shown = shown.map(|known| (known.entity.version(), volumes.as_slice()));
        self.registrations().follow(id, shown, || self.draw_id())
    }

    async fn write_and_tell(
        self: &Arc<Self>,
        mut changes: Vec<Change>,
        notices: Vec<Notice>,
        follow: Vec<Registration>,
    ) -> impl Future<Output = ()> + use<> {
        let core = Arc::clone(self);
        let numbers = core.outbox.owe(notices);
        changes.extend(follow.iter().map(Change::register));
        let written = core.store.queue(changes).await;
        async move {
            if let Err(error) = written.await {
                tracing::error!(error = %error,
                    "what the hub did is not written down; it is asked again after a restart");
            }
            core.deliver(numbers);
            core.follow_up(follow).await;
        }
    }

    /// Delivers notifications that are stored, in the background.
    pub(crate) fn deliver(&self, numbers: Vec<u64>) {
        for number in numbers {
            let outbox = Arc::clone(&self.outbox);
            tokio::spawn(async move { outbox.deliver(number).await });
        }
    }

    /// Asks the hub for what is wanted of registrations, and waits for it a little.
    ///
    /// What takes longer goes on; what fails is tried again by the desk's upkeep.
    async fn follow_up(self: &Arc<Self>, follow: Vec<Registration>) {
        let mut tasks = JoinSet::new();
        for Registration { id, .. } in follow {
            let core = Arc::clone(self);
            tasks.spawn(async move {
                if let Err(error) = core.register(id, Tries::Several).await {
                    tracing::warn!(registration.id = %id, error = %error,
                        "the hub does not have yet what remote id wants");
                }
            });
        }
        let all = async { while tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(FOLLOWED_WITHIN, all).await;
        tasks.detach_all();
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.0.memory.reserved.fetch_sub(1, Ordering::Relaxed);
    }
}
