//! How many connections are open, and which of them has been idle for longest.

use std::collections::{BTreeMap, HashMap};
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
    open: HashMap<Number, Open>,
    /// Idle connections, the one idle for longest first.
    idle: BTreeMap<u64, Number>,
    /// How many were asked to close and have not yet.
    asked: usize,
    /// Grows with every connection and whenever one becomes idle.
    next: u64,
}

/// Names a connection among all that ever were.
type Number = u64;

#[derive(Debug)]
struct Open {
    close: Arc<Notify>,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Busy,
    /// Its place among the idle ones.
    Idle(u64),
    /// It was asked to close.
    Asked,
}

/// The place of one open connection; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    connection: Connection,
    close: Arc<Notify>,
}

/// Tells what one connection does; clones are of the same.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    connections: Arc<Connections>,
    number: Number,
}

impl Connections {
    pub(super) fn new(max: usize) -> Self {
        Connections { max, inner: Mutex::default(), freed: Notify::new() }
    }

    pub(super) fn open(&self) -> usize {
        self.lock().open.len()
    }

    /// Waits until one more may be accepted: one above the most, for which an idle one will go.
    pub(super) async fn room(&self) {
        loop {
            let freed = self.freed.notified();
            if self.open() <= self.max {
                return;
            }
            freed.await;
        }
    }

    /// Counts a connection that was accepted, and has an idle one close if that is one too many.
    pub(super) fn open_one(self: &Arc<Self>) -> Slot {
        let close = Arc::new(Notify::new());
        let mut inner = self.lock();
        let number = inner.take_number();
        inner.open.insert(number, Open { close: Arc::clone(&close), state: State::Busy });
        // Before it is idle itself: who comes is not the one to go.
        inner.make_room(self.max);
        inner.becomes_idle(number);
        drop(inner);
        Slot { connection: Connection { connections: Arc::clone(self), number }, close }
    }

    /// Asks the connection that has been idle for longest to close; it counts until it has.
    pub(super) fn close_idlest(&self) {
        self.lock().close_idlest();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn take_number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Asks as many idle connections to close as there are too many.
    fn make_room(&mut self, max: usize) {
        while max < self.open.len() - self.asked {
            if !self.close_idlest() {
                return;
            }
        }
    }

    /// Tells whether there was one.
    fn close_idlest(&mut self) -> bool {
        let Some((_, number)) = self.idle.pop_first() else { return false };
        let open = self.open.get_mut(&number).expect("an idle connection is open");
        open.state = State::Asked;
        open.close.notify_one();
        self.asked += 1;
        true
    }

    fn becomes_idle(&mut self, number: Number) {
        let place = self.take_number();
        // What ends after its connection did makes nothing idle.
        let Some(open) = self.open.get_mut(&number) else { return };
        if let State::Busy = open.state {
            open.state = State::Idle(place);
            self.idle.insert(place, number);
        }
    }

    fn becomes_busy(&mut self, number: Number) {
        let Some(open) = self.open.get_mut(&number) else { return };
        if let State::Idle(place) = open.state {
            open.state = State::Busy;
            self.idle.remove(&place);
        }
    }

    fn closed(&mut self, number: Number) {
        let open = self.open.remove(&number).expect("it is closed once");
        match open.state {
            State::Busy => {}
            State::Idle(place) => drop(self.idle.remove(&place)),
            State::Asked => self.asked -= 1,
        }
    }
}

impl Slot {
    pub(super) fn connection(&self) -> Connection {
        self.connection.clone()
    }

    /// Resolves when the connection is to make room for another.
    pub(super) async fn close_asked(&self) {
        self.close.notified().await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Connection { connections, number } = &self.connection;
        connections.lock().closed(*number);
        connections.freed.notify_one();
    }
}

impl Connection {
    /// Notes that nothing is under way; it may have to make room at once.
    pub(super) fn becomes_idle(&self) {
        let mut inner = self.connections.lock();
        inner.becomes_idle(self.number);
        inner.make_room(self.connections.max);
    }

    pub(super) fn becomes_busy(&self) {
        self.connections.lock().becomes_busy(self.number);
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
    fn makes_room_as_soon_as_one_becomes_idle_and_no_more_than_is_needed() {
        let connections = Arc::new(Connections::new(2));
        let slots: Vec<Slot> = (0..3).map(|_| connections.open_one()).collect();
        assert!(is_asked_to_close(&slots[0]));
        slots[1].connection().becomes_busy();
        slots[2].connection().becomes_busy();
        let fourth = connections.open_one();
        fourth.connection().becomes_busy();

        slots[1].connection().becomes_idle();
        slots[2].connection().becomes_idle();

        assert!(is_asked_to_close(&slots[1]));
        assert!(!is_asked_to_close(&slots[2]));
    }

    #[test]
    fn does_not_count_what_ends_after_its_connection() {
        let connections = Arc::new(Connections::new(1));
        let slot = connections.open_one();
        let connection = slot.connection();
        connection.becomes_busy();

        drop(slot);
        connection.becomes_idle();

        assert!(connections.lock().idle.is_empty());
    }

    #[test]
    fn forgets_connections_that_are_gone() {
        let connections = Arc::new(Connections::new(5));
        let slots: Vec<Slot> = (0..5).map(|_| connections.open_one()).collect();

        drop(slots);

        assert_eq!(connections.open(), 0);
        assert!(connections.lock().idle.is_empty());
        assert_eq!(connections.lock().asked, 0);
    }
}
