//! Listens, and serves a router over HTTP/1.1 and HTTP/2 within bounds on everything.
//!
//! It knows nothing of the hub: whoever has a router may use it. What a client can hold up ends by
//! a timer of its own: the handshake, the head of a request, silence, an answer not taken. When
//! there are as many connections as may be, the one idle for longest makes room.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt;

use crate::config::{Limits, Tls};

mod activity;
mod connections;
mod descriptors;
mod paced;
mod tls;

pub use descriptors::{DESCRIPTORS_RESERVED, raise_descriptor_limit};
pub use tls::TlsError;
pub(crate) use tls::{Acceptor, Authorities};

use activity::{Activity, Tracked};
use connections::{Connections, Slot};
use paced::{Pace, Paced};

/// How many bytes the head of a request may have.
pub const HEADER_BYTES_MAX: u32 = 16 << 10;

/// How many requests one HTTP/2 connection may have under way.
pub const STREAMS_MAX: u32 = 128;

/// How many bytes of a body an HTTP/2 client may send ahead of what is read.
const STREAM_WINDOW_BYTES: u32 = 128 << 10;
const CONNECTION_WINDOW_BYTES: u32 = 512 << 10;

/// How often an HTTP/2 client is asked whether it is there, and how long it may take to say so.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIME_MAX: Duration = Duration::from_secs(20);

/// How long a connection that makes room may take to close.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(1);

/// How many connections may wait to be accepted: with the usual 128, clients that come all at once
/// have to try again and wait a second each.
const BACKLOG: u32 = 4_096;

/// How long accepting pauses when the process has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A listener and its connections.
#[derive(Debug)]
pub struct Server {
    local_addr: SocketAddr,
    connections: Arc<Connections>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

/// Tells how many connections of a server are open.
#[derive(Clone, Debug)]
pub struct OpenConnections(Arc<Connections>);

/// Why a server cannot start; each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}; is something else there, or is it of another machine?")]
    Listen {
        /// Which one.
        addr: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

struct Listening {
    listener: TcpListener,
    serving: Serving,
    shutdown_max: Duration,
}

/// What every connection is served with.
#[derive(Clone)]
struct Serving {
    router: Router,
    builder: auto::Builder<TokioExecutor>,
    acceptor: Option<Arc<Acceptor>>,
    connections: Arc<Connections>,
    pace: Pace,
    handshake_max: Duration,
    stop: watch::Receiver<bool>,
}

impl Server {
    /// Listens on `listen` (port 0 takes any free one) and serves `router` there.
    pub async fn start(
        listen: SocketAddr,
        router: Router,
        limits: &Limits,
        tls: Option<&Tls>,
    ) -> Result<Self, ServerError> {
        let acceptor = tls.map(Acceptor::load).transpose()?.map(Arc::new);
        Self::start_with(listen, router, limits, acceptor).await
    }

    /// As [`Server::start`], with TLS that is set up already.
    pub(crate) async fn start_with(
        listen: SocketAddr,
        router: Router,
        limits: &Limits,
        acceptor: Option<Arc<Acceptor>>,
    ) -> Result<Self, ServerError> {
        let listen_error = |source| ServerError::Listen { addr: listen, source };
        let listener = bind(listen).map_err(listen_error)?;
        let local_addr = listener.local_addr().map_err(listen_error)?;
        let connections = Arc::new(Connections::new(descriptors::connections_max(limits)));
        let (stop, stopped) = watch::channel(false);
        let serving = Serving {
            router,
            builder: builder(limits),
            acceptor: acceptor.clone(),
            connections: Arc::clone(&connections),
            pace: Pace::new(limits),
            handshake_max: limits.handshake_max,
            stop: stopped.clone(),
        };
        let shutdown_max = limits.shutdown_max;
        let listening = Listening { listener, serving, shutdown_max };
        if let Some(acceptor) = acceptor {
            tokio::spawn(acceptor.renew(stopped));
        }
        let accepting = tokio::spawn(listening.run());
        Ok(Server { local_addr, connections, stop, accepting })
    }

    /// Returns where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Returns what tells how many connections are open.
    pub fn connections(&self) -> OpenConnections {
        OpenConnections(Arc::clone(&self.connections))
    }

    /// Stops accepting, answers what it took, and closes every connection, in bounded time.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.accepting.await {
            tracing::error!(%error, "the listener ended by a bug");
        }
    }
}

impl OpenConnections {
    /// Returns how many there are.
    pub fn count(&self) -> usize {
        self.0.open()
    }
}

impl Listening {
    async fn run(self) {
        let mut stop = self.serving.stop.clone();
        let mut tasks = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                Some(_) = tasks.join_next() => {}
                // While there is no room and nobody idle, who comes waits in the kernel's queue.
                accepted = self.accept() => if let Some((stream, slot)) = accepted {
                    tasks.spawn(self.serving.clone().serve(stream, slot));
                },
            }
        }
        drop(self.listener);
        let finished = tokio::time::timeout(self.shutdown_max, async {
            while tasks.join_next().await.is_some() {}
        });
        if finished.await.is_err() {
            tracing::warn!(
                connections.open = tasks.len(),
                "connections were cut off that did not end in time"
            );
        }
        tasks.shutdown().await;
    }

    async fn accept(&self) -> Option<(TcpStream, Slot)> {
        self.serving.connections.room().await;
        match self.listener.accept().await {
            Ok((stream, _)) => {
                // Answers are written whole: waiting for more to send would only delay them.
                let _ = stream.set_nodelay(true);
                Some((stream, self.serving.connections.open_one()))
            }
            Err(error) => {
                if is_out_of_descriptors(&error) {
                    tracing::warn!(%error, "a connection could not be accepted; idle ones make room");
                    self.serving.connections.close_idlest();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                None
            }
        }
    }
}

impl Serving {
    async fn serve(self, stream: TcpStream, slot: Slot) {
        let Some(acceptor) = &self.acceptor else {
            return self.serve_stream(stream, slot).await;
        };
        let handshake = tokio::time::timeout(self.handshake_max, acceptor.accept(stream));
        let mut stop = self.stop.clone();
        let accepted = tokio::select! {
            accepted = handshake => accepted,
            () = slot.close_asked() => return,
            _ = stop.changed() => return,
        };
        match accepted {
            Ok(Ok(stream)) => self.serve_stream(stream, slot).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    async fn serve_stream<S>(&self, stream: S, slot: Slot)
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let activity = Arc::new(Activity::new(slot.connection()));
        let io = TokioIo::new(Paced::new(stream, Arc::clone(&activity), self.pace));
        let router = self.router.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let tracked = activity.begin(request.version());
            let answer = router.clone().oneshot(request.map(axum::body::Body::new));
            async move {
                let response = answer.await?;
                Ok::<_, Infallible>(response.map(|body| Tracked::new(body, tracked)))
            }
        });
        let mut connection = pin!(self.builder.serve_connection(io, service));
        let mut stop = self.stop.clone();
        let closing = tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(error, "a connection ended early");
                }
                return;
            }
            _ = stop.wait_for(|stop| *stop) => None,
            () = slot.close_asked() => Some(CLOSE_TIME_MAX),
        };
        connection.as_mut().graceful_shutdown();
        match closing {
            Some(limit) => drop(tokio::time::timeout(limit, connection).await),
            // The listener bounds how long a stopping server waits.
            None => drop(connection.await),
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // As tokio's own listeners do, so that a hub can start again where one has just ended.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // From the end of the last answer: `Paced` bounds silence and heads each on its own.
        .header_read_timeout(limits.idle_max + limits.header_max)
        .max_buf_size(HEADER_BYTES_MAX as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADER_BYTES_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIME_MAX);
    builder
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE, rustix::io::Errno::NOBUFS]
        .into_iter()
        .any(|errno| code == Some(errno.raw_os_error()))
}
