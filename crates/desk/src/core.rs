//! What all parts of a desk share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use airspace::EntityId;
use hub::clock::Clock;
use hub::entropy::Entropy;
use tokio::sync::{Notify, Semaphore};

use crate::book::{Book, Own, Pending, Taken};
use crate::cache::Cache;
use crate::client::Client;
use crate::client::hub::Hub;
use crate::client::peer::Peers;
use crate::entity::{Known, Period};
use crate::flight::EntityKind;
use crate::outbox::{Notice, Outbox};
use crate::store::{Change, Store, WriteError};

/// How many flights are planned at once; others wait.
pub const FLIGHTS_AT_ONCE_MAX: usize = 64;

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
    /// Held from deciding on a change of an own entity until the hub has answered, so that the
    /// desk's own flights never race one another, and no entity is changed twice at once.
    pub(crate) turn: tokio::sync::Mutex<()>,
    /// Bounds how many flights are planned at once.
    pub(crate) planning: Semaphore,
    /// Wakes what settles pending requests.
    pub(crate) unsettled: Notify,
    book: Mutex<Book>,
    cache: Mutex<Cache>,
    /// Entities that are to be put for the first time count before they are in the book.
    reserved: AtomicUsize,
}

/// What [`Core::new`] is made of.
pub(crate) struct Parts {
    pub(crate) base_url: airspace::UssBaseUrl,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) client: Client,
    pub(crate) hub: Hub,
    pub(crate) peers: Peers,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) store: Arc<Store>,
}

/// A place in the book for an entity that is not in it yet; free again when dropped.
pub(crate) struct Reservation<'a>(&'a Core);

impl Core {
    /// Returns a desk that holds `owns`.
    pub(crate) fn new(parts: Parts, owns: Vec<Own>) -> Self {
        Core {
            base_url: parts.base_url,
            clock: parts.clock,
            entropy: parts.entropy,
            client: parts.client,
            hub: parts.hub,
            peers: parts.peers,
            outbox: parts.outbox,
            store: parts.store,
            turn: tokio::sync::Mutex::new(()),
            planning: Semaphore::new(FLIGHTS_AT_ONCE_MAX),
            unsettled: Notify::new(),
            book: Mutex::new(Book::new(owns)),
            cache: Mutex::default(),
            reserved: AtomicUsize::new(0),
        }
    }

    /// Returns the desk's own entities; the lock is never held across a wait.
    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what is known of others' entities; the lock is never held across a wait.
    pub(crate) fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
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
        let reserved = self.reserved.fetch_add(1, Ordering::Relaxed);
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
        let mut changes = vec![Change::put(&own)];
        changes.extend(notices.iter().map(Change::add));
        self.book().put(own);
        self.write_and_tell(changes, notices).await
    }

    /// Removes an entity that the hub no longer has, and takes over whom to tell; as
    /// [`Core::take`].
    pub(crate) async fn remove(
        self: &Arc<Self>,
        id: EntityId,
        notices: Vec<Notice>,
    ) -> impl Future<Output = ()> + use<> {
        let mut changes = vec![Change::RemoveOwn(id)];
        changes.extend(notices.iter().map(Change::add));
        self.book().remove(id);
        self.write_and_tell(changes, notices).await
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

    async fn write_and_tell(
        self: &Arc<Self>,
        changes: Vec<Change>,
        notices: Vec<Notice>,
    ) -> impl Future<Output = ()> + use<> {
        let core = Arc::clone(self);
        let numbers = core.outbox.owe(notices);
        let written = core.store.queue(changes).await;
        async move {
            if let Err(error) = written.await {
                tracing::error!(error = %error,
                    "what the hub did is not written down; it is asked again after a restart");
            }
            for number in numbers {
                let outbox = Arc::clone(&core.outbox);
                tokio::spawn(async move { outbox.deliver(number).await });
            }
        }
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.0.reserved.fetch_sub(1, Ordering::Relaxed);
    }
}
