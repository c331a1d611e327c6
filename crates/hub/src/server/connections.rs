//! How many connections are open, and which of them has been idle for longest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The open connections of one listener.
#[derive(Debug)]
pub(super) struct Connections {
    max: usize,
    inner: Mutex<Inner>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    open: usize,
    /// Idle connections, the one idle for longest first.
    idle: BTreeMap<u64, Arc<Notify>>,
    /// Grows with every connection that becomes idle.
    next: u64,
}

/// The place of one open connection; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    connection: Arc<Connection>,
}

/// One open connection.
#[derive(Debug)]
pub(super) struct Connection {
    connections: Arc<Connections>,
    close: Arc<Notify>,
    /// Its number among the idle ones, while it is idle.
    idle: Mutex<Option<u64>>,
}

impl Connections {
    pub(super) fn new(max: usize) -> Self {
        Connections { max, inner: Mutex::default(), freed: Notify::new() }
    }

    pub(super) fn open(&self) -> usize {
        self.lock().open
    }

    /// Waits until one more may be accepted: one above the most, for which an idle one will go.
    pub(super) async fn room(&self) {
        loop {
            let freed = self.freed.notified();
            if self.lock().open <= self.max {
                return;
            }
            freed.await;
        }
    }

    /// Counts a connection that was accepted, and has an idle one close if that is one too many.
    pub(super) fn open_one(self: &Arc<Self>) -> Slot {
        let connection = Arc::new(Connection {
            connections: Arc::clone(self),
            close: Arc::new(Notify::new()),
            idle: Mutex::new(None),
        });
        let full = {
            let mut inner = self.lock();
            inner.open += 1;
            self.max < inner.open
        };
        if full {
            self.close_idlest();
        }
        connection.becomes_idle();
        Slot { connection }
    }

    /// Asks the connection that has been idle for longest to close; it counts until it has.
    pub(super) fn close_idlest(&self) {
        let idlest = self.lock().idle.pop_first();
        if let Some((_, close)) = idlest {
            close.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    pub(super) fn connection(&self) -> Arc<Connection> {
        Arc::clone(&self.connection)
    }

    /// Resolves when the connection is to make room for another.
    pub(super) async fn close_asked(&self) {
        self.connection.close.notified().await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.connection.becomes_busy();
        self.connection.connections.lock().open -= 1;
        self.connection.connections.freed.notify_one();
    }
}

impl Connection {
    pub(super) fn becomes_idle(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut inner = self.connections.lock();
        let number = inner.next;
        inner.next += 1;
        inner.idle.insert(number, Arc::clone(&self.close));
        if let Some(before) = idle.replace(number) {
            inner.idle.remove(&before);
        }
    }

    pub(super) fn becomes_busy(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = idle.take() {
            self.connections.lock().idle.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn is_asked_to_close(slot: &Slot) -> bool {
        slot.close_asked().now_or_never().is_some()
    }

    #[test]
    fn makes_room_by_closing_the_one_idle_for_longest() {
        let connections = Arc::new(Connections::new(2));
        let first = connections.open_one();
        let second = connections.open_one();
        first.connection().becomes_busy();
        first.connection().becomes_idle();

        let _third = connections.open_one();

        assert!(is_asked_to_close(&second));
        assert!(!is_asked_to_close(&first));
    }

    #[test]
    fn closes_no_connection_that_is_busy() {
        let connections = Arc::new(Connections::new(1));
        let busy = connections.open_one();
        busy.connection().becomes_busy();

        let other = connections.open_one();

        assert!(!is_asked_to_close(&busy));
        assert!(!is_asked_to_close(&other));
        assert!(connections.room().now_or_never().is_none());
        drop(busy);
        assert!(connections.room().now_or_never().is_some());
    }

    #[test]
    fn forgets_connections_that_are_gone() {
        let connections = Arc::new(Connections::new(5));
        let slots: Vec<Slot> = (0..5).map(|_| connections.open_one()).collect();

        drop(slots);

        assert_eq!(connections.open(), 0);
        assert!(connections.lock().idle.is_empty());
    }
}
