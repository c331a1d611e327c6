//! The client against servers that misbehave.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// What a server does with each connection after it has read a request.
#[derive(Clone)]
enum Does {
    /// It answers with these bytes.
    Answers(Vec<u8>),
    /// It answers with a head and then with zeros for ever.
    Floods(&'static str),
    /// It says nothing.
    Nothing,
}

struct BadServer {
    base_url: String,
    connections: Arc<AtomicUsize>,
}

impl BadServer {
    async fn start(does: Does) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let base_url = format!("http://{}", listener.local_addr().expect("it has one"));
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(behave(stream, does.clone()));
            }
        });
        BadServer { base_url, connections }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn behave(mut stream: tokio::net::TcpStream, does: Does) {
    let mut request = [0; 4_096];
    let _ = stream.read(&mut request).await;
    match does {
        Does::Answers(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Does::Floods(head) => {
            let _ = stream.write_all(head.as_bytes()).await;
            while stream.write_all(&[b'0'; 65_536]).await.is_ok() {}
        }
        Does::Nothing => {
            let _ = stream.read(&mut request).await;
        }
    }
}

fn client(private_addresses: PrivateAddresses) -> Client {
    Client::new(private_addresses).expect("a client")
}

fn call_to(base_url: &str) -> Call {
    Call {
        name: CallName::GetOperationalIntentDetails,
        server: Server::Peer,
        method: Method::GET,
        url: join(base_url, "/uss/v1/operational_intents/x").expect("a url"),
        authorization: None,
        idempotency_key: None,
        body: None,
    }
}

async fn call(does: Does) -> Result<Answer, CallError> {
    let server = BadServer::start(does).await;
    client(PrivateAddresses::Allow).call(call_to(&server.base_url)).await
}

/// Returns an answer of `length` bytes, as a server writes it.
fn answer_of(length: usize) -> Does {
    let mut bytes = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").into_bytes();
    bytes.resize(bytes.len() + length, b'0');
    Does::Answers(bytes)
}

#[tokio::test]
async fn reads_an_answer_of_as_many_bytes_as_it_may_have() {
    let answer = call(answer_of(RESPONSE_BYTES_MAX)).await.expect("an answer");

    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body.len(), RESPONSE_BYTES_MAX);
}

#[tokio::test]
async fn refuses_an_answer_of_one_byte_more() {
    let announced = call(answer_of(RESPONSE_BYTES_MAX + 1)).await;

    assert!(matches!(announced, Err(CallError::TooLarge { .. })), "{announced:?}");
}

#[tokio::test]
async fn refuses_an_answer_that_never_ends() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nFFFFFFF\r\n";
    let flooded = call(Does::Floods(chunked)).await;

    assert!(matches!(flooded, Err(CallError::TooLarge { .. })), "{flooded:?}");
}

#[tokio::test(start_paused = true)]
async fn waits_no_longer_than_it_may_for_a_server_that_says_nothing() {
    let started = Instant::now();

    let nothing = call(Does::Nothing).await;

    assert!(matches!(nothing, Err(CallError::TimedOut | CallError::NotConnected(_))));
    assert!(started.elapsed() <= CALL_TIMEOUT + Duration::from_millis(10));
}

#[tokio::test]
async fn follows_no_redirect() {
    let elsewhere = BadServer::start(answer_of(2)).await;
    let head = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: {}/\r\ncontent-length: 0\r\n\r\n",
        elsewhere.base_url
    );

    let redirected = call(Does::Answers(head.into_bytes())).await;

    assert!(matches!(redirected, Err(CallError::Redirected)), "{redirected:?}");
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn takes_garbage_for_a_broken_connection() {
    let garbage = call(Does::Answers(b"\x16\x03\x01\x02\x00garbage\r\n\r\n".to_vec())).await;

    assert!(matches!(garbage, Err(CallError::Connection(_))), "{garbage:?}");
}

#[tokio::test]
async fn tells_an_answer_that_is_cut_off() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{".to_vec();

    let cut_off = call(Does::Answers(head)).await;

    assert!(matches!(cut_off, Err(CallError::Connection(_))), "{cut_off:?}");
}

#[tokio::test]
async fn reaches_no_peer_at_a_private_address() {
    let server = BadServer::start(answer_of(2)).await;
    let port = server.base_url.rsplit(':').next().expect("it has a port");
    let client = client(PrivateAddresses::Refuse);

    for host in [
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "10.0.0.1",
        "169.254.169.254",
        "2130706433",
        "0x7f.1",
    ] {
        let refused = client.call(call_to(&format!("https://{host}:{port}"))).await;
        assert!(matches!(refused, Err(CallError::Url(_))), "{host}: {refused:?}");
    }
    let by_name = client.call(call_to(&format!("https://localhost:{port}"))).await;
    let plain = client.call(call_to("http://uss.example.com")).await;

    assert!(matches!(by_name, Err(CallError::NotConnected(_))), "{by_name:?}");
    assert!(matches!(plain, Err(CallError::Url(_))), "{plain:?}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn reaches_what_its_operator_named_wherever_it_is() {
    let server = BadServer::start(answer_of(2)).await;
    let call = Call { server: Server::Configured, ..call_to(&server.base_url) };

    let answer = client(PrivateAddresses::Refuse).call(call).await;

    assert!(answer.is_ok(), "{answer:?}");
}

#[tokio::test]
async fn tells_a_server_that_is_not_there() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let base_url = format!("http://{}", listener.local_addr().expect("it has one"));
    drop(listener);

    let nobody = client(PrivateAddresses::Allow).call(call_to(&base_url)).await;

    assert!(matches!(nobody, Err(CallError::NotConnected(_))), "{nobody:?}");
}

#[tokio::test]
async fn counts_calls_by_how_they_ended() {
    let refuses = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec();
    let (good, bad) =
        (BadServer::start(answer_of(2)).await, BadServer::start(Does::Answers(refuses)).await);
    let client = client(PrivateAddresses::Allow);

    for base_url in [&good.base_url, &bad.base_url, &good.base_url] {
        client.call(call_to(base_url)).await.expect("an answer");
    }

    let stats = client.calls().stats();
    assert_eq!(stats.len(), 1);
    assert_eq!((stats[0].answered, stats[0].refused, stats[0].failed), (2, 1, 0));
}

#[test]
fn joins_paths_below_base_urls_only() {
    let joined = |base_url: &str| join(base_url, "/uss/v1/reports").map(String::from).ok();

    assert_eq!(joined("https://a.example").as_deref(), Some("https://a.example/uss/v1/reports"));
    assert_eq!(
        joined("https://a.example:8/utm/").as_deref(),
        Some("https://a.example:8/utm/uss/v1/reports")
    );
    for bad in [
        "https://a.example/?x=",
        "https://a.example/#",
        "https://user@a.example",
        "https://:secret@a.example",
        "ftp://a.example",
        "file:///etc/passwd",
        "a.example",
        "",
    ] {
        assert_eq!(joined(bad), None, "{bad}");
    }
}

#[test]
fn asks_for_tokens_by_the_name_of_the_host() {
    let audience = |url: &str| audience_of(&Url::parse(url).expect("a url")).ok();

    assert_eq!(audience("https://a.example:8082/utm").as_deref(), Some("a.example"));
    assert_eq!(audience("http://[::1]:8082").as_deref(), Some("::1"));
}
