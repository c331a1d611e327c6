//! A blocking HTTP/1.1 connection, as plain as can be: it says what this test sends and reads what a
//! hub answers.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long a line of an answer's head, and how many of them, are read.
const LINE_BYTES_MAX: u64 = 16 * 1024;
const LINES_MAX: usize = 100;

/// How large an answer's body is read.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A connection to a hub.
pub(super) struct Client {
    pub(super) hub: SocketAddr,
    stream: BufReader<TcpStream>,
}

/// What is asked.
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: String,
}

/// What is answered.
pub(super) struct Reply {
    pub(super) status: u16,
    body: Vec<u8>,
}

impl Client {
    /// Connects; that and each answer may take so long.
    pub(super) fn connect(hub: SocketAddr, within: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&hub, within)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(within))?;
        stream.set_write_timeout(Some(within))?;
        Ok(Client { hub, stream: BufReader::new(stream) })
    }

    /// Asks and waits for the answer; after an error the connection is of no more use.
    pub(super) fn ask(&mut self, token: &str, request: &Request) -> io::Result<Reply> {
        let Request { method, path, body } = request;
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.hub);
        write!(text, "Authorization: Bearer {token}\r\nContent-Type: application/json\r\n")
            .and_then(|()| write!(text, "Content-Length: {}\r\n\r\n{body}", body.len()))
            .expect("memory does not fail");
        self.stream.get_mut().write_all(text.as_bytes())?;
        self.read_reply()
    }

    fn read_reply(&mut self) -> io::Result<Reply> {
        let status_line = self.read_line()?;
        let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(odd)?;
        let mut length = 0;
        for _ in 0..LINES_MAX {
            let line = self.read_line()?.to_ascii_lowercase();
            if line.is_empty() {
                if BODY_BYTES_MAX < length {
                    return Err(odd());
                }
                let mut body = vec![0; length];
                self.stream.read_exact(&mut body)?;
                return Ok(Reply { status, body });
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(|_| odd())?;
            }
        }
        Err(odd())
    }

    fn read_line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.by_ref().take(LINE_BYTES_MAX).read_line(&mut line)?;
        match line.strip_suffix("\r\n") {
            Some(line) => Ok(line.to_owned()),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Reply {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a hub answers in JSON")
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn odd() -> io::Error {
    io::ErrorKind::InvalidData.into()
}
