//! TCP proxies on the loopback interface, which make a network slow, deaf or mute.
//!
//! A [`Proxy`] stands before one server. What passes it lies under a [`Link`], whose condition can
//! be changed at any time: what is on the way is delayed, by more or less, stalls now and then as
//! lost segments make it stall, or stays where it is while the way is cut, and comes when it is
//! healed, as what TCP sends again does. Nothing is lost, repeated or reordered, since TCP does
//! none of that either: what a network loses, whoever speaks TCP over it gets late, and all that
//! follows too. Cutting one way stops the bytes of that way only, and the making of connections.
//!
//! A [`Mesh`] stands before all members of a cluster and knows by the process that connects which
//! of them does, so that every pair of members has its own condition, each way.
//!
//! Everything is bounded: what waits in a direction of a connection by [`CHUNKS_MAX`], the
//! connections of a proxy by [`CONNECTIONS_MAX`]; beyond that the sender is held up, and further
//! connections are closed at once.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use self::connection::Connection;

mod connection;
mod link;
mod mesh;
mod process;
#[cfg(test)]
mod tests;

pub use connection::{CHUNK_BYTES_MAX, CHUNKS_MAX};
pub use link::{Condition, Link, Stall, Way};
pub use mesh::{Mesh, PROCESS_WAIT_MAX};

/// How many connections a proxy has at most.
pub const CONNECTIONS_MAX: usize = 128;

/// Stands before one server; gone with all its connections when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    is_closed: AtomicBool,
    connections: Mutex<Vec<Arc<Connection>>>,
}

impl Proxy {
    /// Starts a proxy whose connections are all made over one link.
    pub fn start(target: SocketAddr, link: &Link) -> io::Result<Self> {
        let link = link.clone();
        Self::start_sorted(target, move |_| Some(link.clone()))
    }

    /// Starts a proxy that asks over which link each connection is made; `None` refuses it.
    ///
    /// `sort` may take its time: it is asked on the connection's own thread.
    pub fn start_sorted(
        target: SocketAddr,
        sort: impl Fn(&TcpStream) -> Option<Link> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            target,
            is_closed: AtomicBool::new(false),
            connections: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        let acceptor = std::thread::Builder::new()
            .name("proxy".to_owned())
            .spawn(move || accepting.accept(&listener, &Arc::new(sort)))?;
        Ok(Proxy { address, shared, acceptor: Some(acceptor) })
    }

    /// Returns where clients connect instead of to the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns how many connections there are.
    pub fn connections(&self) -> usize {
        self.shared.open().len()
    }

    /// Drops every connection: both ends see it closed at once, whatever is on the way is lost.
    pub fn break_connections(&self) {
        self.shared.break_connections();
    }
}

impl Shared {
    fn accept<S>(self: &Arc<Self>, listener: &TcpListener, sort: &Arc<S>)
    where
        S: Fn(&TcpStream) -> Option<Link> + Send + Sync + 'static,
    {
        loop {
            let accepted = listener.accept();
            if self.is_closed.load(Ordering::SeqCst) {
                return;
            }
            // An error is of that one connection: its client hung up meanwhile.
            let Ok((client, _)) = accepted else { continue };
            if CONNECTIONS_MAX <= self.open().len() {
                continue;
            }
            let connection = Arc::new(Connection::new(client));
            self.open().push(Arc::clone(&connection));
            let (shared, sort) = (Arc::clone(self), Arc::clone(sort));
            let carry = move || {
                connection.carry(shared.target, &*sort);
                shared.open().retain(|other| !Arc::ptr_eq(other, &connection));
            };
            let thread = std::thread::Builder::new().name("proxy-connection".to_owned());
            if thread.spawn(carry).is_err() {
                // It was moved into the thread that is not there: both ends are closed with it.
                self.break_connections();
            }
        }
    }

    fn open(&self) -> MutexGuard<'_, Vec<Arc<Connection>>> {
        self.connections.lock().expect("nobody panics while holding this lock")
    }

    fn break_connections(&self) {
        let connections = self.open().clone();
        for connection in connections {
            connection.end();
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_closed.store(true, Ordering::SeqCst);
        // The acceptor wakes up for this; where it cannot be reached it has ended.
        if let Ok(wake) = TcpStream::connect(self.address) {
            let _ = wake.shutdown(Shutdown::Both);
        }
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        self.shared.break_connections();
    }
}
