//! One connection through a proxy: in each direction a thread that reads and one that writes.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::link::{Link, Way, now};

/// How many bytes are read at once.
pub const CHUNK_BYTES_MAX: usize = 16 * 1024;

/// How many chunks are on the way in a direction; then the sender is held up.
pub const CHUNKS_MAX: usize = 64;

/// How long connecting to the server may take.
const CONNECT_MAX: Duration = Duration::from_secs(2);

/// How often a connection that waits for its way to be healed looks whether its client is there.
const LOOK_EVERY: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct Connection {
    client: TcpStream,
    has_ended: AtomicBool,
    /// Once they are known.
    further: Mutex<Option<Further>>,
}

#[derive(Clone, Debug)]
struct Further {
    link: Link,
    server: Option<Arc<TcpStream>>,
}

/// What is on the way: bytes, or that there are no more if it is empty.
struct Chunk {
    due: Instant,
    bytes: Vec<u8>,
}

impl Connection {
    pub(super) fn new(client: TcpStream) -> Self {
        Connection { client, has_ended: AtomicBool::new(false), further: Mutex::new(None) }
    }

    /// Carries what is said until both have ended or one is gone.
    pub(super) fn carry(
        self: &Arc<Self>,
        target: SocketAddr,
        sort: &(impl Fn(&TcpStream) -> Option<Link> + ?Sized),
    ) {
        if let Some(link) = sort(&self.client)
            && let Some(server) = self.connect(target, &link)
        {
            std::thread::scope(|scope| {
                scope.spawn(|| self.pump(&link, Way::There, &self.client, &server));
                self.pump(&link, Way::Back, &server, &self.client);
            });
        }
        self.end();
    }

    /// Ends it at once.
    pub(super) fn end(&self) {
        self.has_ended.store(true, Ordering::SeqCst);
        // A side that is gone needs no more.
        let _ = self.client.shutdown(Shutdown::Both);
        let further = self.further.lock().expect("nobody panics while holding this lock").clone();
        let Some(Further { link, server }) = further else { return };
        if let Some(server) = server {
            let _ = server.shutdown(Shutdown::Both);
        }
        link.wake();
    }

    /// Connects to the server once the link lets a handshake pass.
    fn connect(&self, target: SocketAddr, link: &Link) -> Option<Arc<TcpStream>> {
        self.remember(Further { link: link.clone(), server: None });
        while !link.wait_open(LOOK_EVERY) {
            if self.has_ended() || is_gone(&self.client) {
                return None;
            }
        }
        let server = Arc::new(TcpStream::connect_timeout(&target, CONNECT_MAX).ok()?);
        let _ = self.client.set_nodelay(true);
        let _ = server.set_nodelay(true);
        self.remember(Further { link: link.clone(), server: Some(Arc::clone(&server)) });
        (!self.has_ended()).then_some(server)
    }

    fn remember(&self, further: Further) {
        *self.further.lock().expect("nobody panics while holding this lock") = Some(further);
    }

    fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::SeqCst)
    }

    fn pump(&self, link: &Link, way: Way, from: &TcpStream, to: &TcpStream) {
        let (sender, chunks) = sync_channel(CHUNKS_MAX);
        std::thread::scope(|scope| {
            scope.spawn(|| read(link, way, from, sender));
            self.write(link, way, chunks, to);
            // Whoever reads for this direction ends with it.
            let _ = from.shutdown(Shutdown::Read);
        });
    }

    fn write(&self, link: &Link, way: Way, chunks: Receiver<Chunk>, mut to: &TcpStream) {
        for Chunk { due, bytes } in chunks {
            if !link.wait(way, due, || self.has_ended()) {
                return;
            }
            if bytes.is_empty() || to.write_all(&bytes).is_err() {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
        }
    }
}

/// Reads until nothing more comes, and says so last.
fn read(link: &Link, way: Way, mut from: &TcpStream, chunks: SyncSender<Chunk>) {
    let mut buffer = vec![0; CHUNK_BYTES_MAX];
    let mut last_due = now();
    loop {
        // An error ends what comes, as the end does: the other side is told in its turn.
        let count = from.read(&mut buffer).unwrap_or(0);
        let due = last_due.max(now() + link.draw_delay(way));
        last_due = due;
        let sent = chunks.send(Chunk { due, bytes: buffer[..count].to_vec() });
        if count == 0 || sent.is_err() {
            return;
        }
    }
}

/// Tells whether a client has hung up, before anything of it was read.
fn is_gone(client: &TcpStream) -> bool {
    let mut byte = [0];
    let _ = client.set_nonblocking(true);
    let peeked = client.peek(&mut byte);
    let _ = client.set_nonblocking(false);
    match peeked {
        Ok(count) => count == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}
