//! Where a desk finds the pool: a desk knows one hub by its URL, so something stands in front of the
//! hubs that passes each request on to one of them, and to the next when that one is gone.
//!
//! Sending a request again is safe: what changes anything carries an `Idempotency-Key`, which every
//! hub of the pool knows.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use crate::failure::Failure;

/// How many bytes a request of a desk may have.
const REQUEST_BYTES_MAX: usize = 4 << 20;

/// How many bytes a hub's answer may have.
const ANSWER_BYTES_MAX: usize = 128 << 20;

/// How long hubs are tried: less than a desk waits for an answer.
const TRIED_MAX: Duration = Duration::from_millis(4_500);

/// How long is waited when none of them could answer.
const ROUND_PAUSE: Duration = Duration::from_millis(50);

/// How many connections are taken at once: a desk keeps a few.
const CONNECTIONS_MAX: usize = 256;

/// What stands before the hubs for one desk; it ends when this is dropped.
pub(crate) struct Front {
    /// Where the desk asks.
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    task: AbortHandle,
}

struct Shared {
    hubs: Vec<SocketAddr>,
    /// The number of the hub that is asked, modulo how many there are.
    turn: AtomicUsize,
    /// How many requests each hub has answered.
    answered: Vec<AtomicU64>,
    /// How long hubs are tried.
    tried_max: Duration,
}

/// A hub did not answer.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("it cannot be reached")]
    Connect(#[from] std::io::Error),
    #[error("the connection broke")]
    Broken(#[from] hyper::Error),
    #[error("its answer cannot be read")]
    Unreadable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Front {
    /// Listens; requests go to the hub with the number `first` as long as it answers.
    pub(crate) async fn start(hubs: Vec<SocketAddr>, first: usize) -> Result<Self, Failure> {
        Self::start_with(hubs, first, TRIED_MAX).await
    }

    async fn start_with(
        hubs: Vec<SocketAddr>,
        first: usize,
        tried_max: Duration,
    ) -> Result<Self, Failure> {
        let failed = |error| Failure::refused("cannot listen before the hubs", &error);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let answered = hubs.iter().map(|_| AtomicU64::new(0)).collect();
        let shared = Arc::new(Shared { hubs, turn: AtomicUsize::new(first), answered, tried_max });
        let task = tokio::spawn(listen(listener, Arc::clone(&shared))).abort_handle();
        Ok(Front { address, shared, task })
    }

    /// Returns the number of the hub that is asked now.
    pub(crate) fn hub(&self) -> usize {
        self.shared.turn.load(Ordering::Relaxed) % self.shared.hubs.len()
    }

    /// Returns how many requests each hub has answered.
    pub(crate) fn answered(&self) -> Vec<u64> {
        self.shared.answered.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    let places = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS_MAX));
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("it is never closed");
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ROUND_PAUSE).await;
            continue;
        };
        // A connection that cannot be had so is only slower.
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let answer = service_fn(|request| pass_on(&shared, request));
            let connection = server::Builder::new().serve_connection(TokioIo::new(stream), answer);
            // A desk that hangs up is nobody to tell.
            let _ = connection.await;
            drop(place);
        });
    }
}

async fn pass_on(
    shared: &Shared,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, REQUEST_BYTES_MAX).collect().await else {
        return Ok(without_body(StatusCode::BAD_REQUEST));
    };
    let request = Request::from_parts(head, Full::new(body.to_bytes()));
    let tried = tokio::time::timeout(shared.tried_max, shared.try_hubs(&request)).await;
    Ok(tried.unwrap_or_else(|_| without_body(StatusCode::GATEWAY_TIMEOUT)))
}

fn without_body(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

impl Shared {
    /// Asks hubs in turn until one answers.
    async fn try_hubs(&self, request: &Request<Full<Bytes>>) -> Response<Full<Bytes>> {
        loop {
            for _ in 0..self.hubs.len() {
                let turn = self.turn.load(Ordering::Relaxed);
                let number = turn % self.hubs.len();
                match ask(self.hubs[number], request.clone()).await {
                    Ok(answer) if answer.status() != StatusCode::SERVICE_UNAVAILABLE => {
                        self.answered[number].fetch_add(1, Ordering::Relaxed);
                        return answer.map(Full::new);
                    }
                    Ok(_) | Err(_) => self.turn_from(turn),
                }
            }
            tokio::time::sleep(ROUND_PAUSE).await;
        }
    }

    /// Asks the next hub from now on, unless somebody else has turned already.
    fn turn_from(&self, turn: usize) {
        let (order, next) = (Ordering::Relaxed, turn.wrapping_add(1));
        // If somebody else turned meanwhile, that is as good.
        let _ = self.turn.compare_exchange(turn, next, order, order);
    }
}

/// Asks a hub over a connection of its own: none is kept to a hub that may be killed.
async fn ask(hub: SocketAddr, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, AskError> {
    let stream = TcpStream::connect(hub).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = client::handshake(TokioIo::new(stream)).await?;
    // What goes wrong on the connection comes out of the sender's call.
    tokio::spawn(async move { drop(connection.await) });
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
    Ok(Response::from_parts(head, body.map_err(AskError::Unreadable)?.to_bytes()))
}

/// Asks for what is at a path of a hub.
pub(super) async fn get(hub: SocketAddr, path: &str) -> Result<Bytes, Failure> {
    let request = Request::get(path)
        .header(hyper::header::HOST, hub.to_string())
        .body(Full::default())
        .expect("paths in the code are good");
    let asked = tokio::time::timeout(TRIED_MAX, ask(hub, request)).await;
    let failed = |why: &str| Failure::Check(format!("the hub at {hub} does not answer: {why}"));
    match asked {
        Err(_) => Err(failed("it takes too long")),
        Ok(Err(error)) => Err(failed(&crate::failure::chain(&error))),
        Ok(Ok(answer)) if answer.status() != StatusCode::OK => {
            Err(failed(answer.status().as_str()))
        }
        Ok(Ok(answer)) => Ok(answer.into_body()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Answers every connection's request with these bytes.
    async fn hub_that_says(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("it has one");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.expect("a request"));
                }
                let head = String::from_utf8(head).expect("ASCII");
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let length = length.map_or(0, |length| length.parse().expect("a number"));
                stream.read_exact(&mut vec![0; length]).await.expect("a body");
                stream.write_all(answer.as_bytes()).await.expect("it is read");
            }
        });
        address
    }

    async fn nobody() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        listener.local_addr().expect("it has one")
    }

    const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood";
    const CONFLICT: &str = "HTTP/1.1 409 Conflict\r\ncontent-length: 0\r\n\r\n";
    const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
    const BROKEN: &str = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";

    async fn status(front: &Front) -> StatusCode {
        let request = Request::get("/").body(Full::default()).expect("good");
        ask(front.address, request).await.expect("an answer").status()
    }

    #[tokio::test]
    async fn goes_on_to_the_next_hub_when_one_is_gone_and_stays_there() {
        for gone in [nobody().await, hub_that_says(BUSY).await, hub_that_says(BROKEN).await] {
            let front = Front::start(vec![hub_that_says(GOOD).await, gone], 1).await;
            let front = front.expect("started");

            let body = get(front.address, "/").await.expect("the other one answers");
            let again = status(&front).await;

            assert_eq!((&body[..], again), (&b"good"[..], StatusCode::OK));
            assert_eq!((front.hub(), front.answered()), (0, vec![2, 0]));
        }
    }

    #[tokio::test]
    async fn passes_on_what_a_hub_refuses() {
        let hubs = vec![hub_that_says(CONFLICT).await, hub_that_says(GOOD).await];
        let front = Front::start(hubs, 0).await.expect("started");

        assert_eq!(status(&front).await, StatusCode::CONFLICT);
        assert_eq!(front.hub(), 0);
    }

    #[tokio::test]
    async fn takes_requests_of_the_greatest_length_and_no_longer() {
        let front = Front::start(vec![hub_that_says(GOOD).await], 0).await.expect("started");
        for (length, status) in
            [(REQUEST_BYTES_MAX, StatusCode::OK), (REQUEST_BYTES_MAX + 1, StatusCode::BAD_REQUEST)]
        {
            let body = Full::from(vec![b' '; length]);
            let request = Request::put("/").body(body).expect("good");

            let answer = ask(front.address, request).await.expect("an answer");

            assert_eq!(answer.status(), status, "{length} bytes");
        }
    }

    #[tokio::test]
    async fn gives_up_when_no_hub_answers_in_time() {
        let soon = Duration::from_millis(1);
        let front = Front::start_with(vec![nobody().await], 0, soon).await.expect("started");

        assert_eq!(status(&front).await, StatusCode::GATEWAY_TIMEOUT);
        assert_eq!(front.answered(), [0]);
    }
}
