//! Asks a hub's admin listener.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::failure::Failure;

/// How many bytes an answer may have: evidence is the longest, and it is kept within bounds.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long an answer is waited for; a change is answered when it has its place in the log.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Where a hub's admin listener is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    host: String,
    port: u16,
}

/// A text is no address of an admin listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not HOST:PORT, the admin_listen of a hub")]
pub(super) struct AddressError;

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
        let uri: Uri = text.parse().map_err(|_| AddressError)?;
        let authority = uri.authority().ok_or(AddressError)?;
        let port = authority.port_u16().ok_or(AddressError)?;
        let address = Address { host: authority.host().to_owned(), port };
        if address.to_string() == text { Ok(address) } else { Err(AddressError) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Address {
    /// Asks for what is at a path.
    pub(super) fn get(&self, path: &str) -> Result<Value, Failure> {
        let body = self.call(Method::GET, path, Bytes::new())?;
        serde_json::from_slice(&body)
            .map_err(|error| Failure::refused(&format!("{self} did not answer with JSON"), &error))
    }

    /// Asks for bytes at a path.
    pub(super) fn get_bytes(&self, path: &str) -> Result<Bytes, Failure> {
        self.call(Method::GET, path, Bytes::new())
    }

    /// Hands in what a path takes.
    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let body = self.call(Method::POST, path, body.to_string().into())?;
        serde_json::from_slice(&body)
            .map_err(|error| Failure::refused(&format!("{self} did not answer with JSON"), &error))
    }

    fn call(&self, method: Method, path: &str, body: Bytes) -> Result<Bytes, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|error| Failure::refused("cannot start the runtime", &error))?;
        runtime.block_on(async {
            let call = self.exchange(method, path, body);
            match tokio::time::timeout(ANSWER_MAX, call).await {
                Ok(answered) => answered,
                Err(_) => Err(Failure::Refused(format!(
                    "{self} did not answer within {} s",
                    ANSWER_MAX.as_secs()
                ))),
            }
        })
    }

    async fn exchange(&self, method: Method, path: &str, body: Bytes) -> Result<Bytes, Failure> {
        let connect = (self.host.trim_matches(['[', ']']), self.port);
        let stream = TcpStream::connect(connect).await.map_err(|error| {
            let what = format!("no hub's admin listener is at {self}; is admin_listen set there?");
            Failure::refused(&what, &error)
        })?;
        let broken = |error: hyper::Error| {
            Failure::refused(&format!("the connection to {self} broke"), &error)
        };
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // What goes wrong on the connection comes out of the sender's call.
        tokio::spawn(async move { drop(connection.await) });
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.to_string())
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .expect("paths and hosts were checked");
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| {
            Failure::Refused(format!("the answer of {self} cannot be read: {error}"))
        })?;
        let body = body.to_bytes();
        if status.is_success() {
            return Ok(body);
        }
        Err(self.refused(status, &body))
    }

    fn refused(&self, status: StatusCode, body: &[u8]) -> Failure {
        let told: Option<Value> = serde_json::from_slice(body).ok();
        let told = told.as_ref().and_then(|told| told["message"].as_str());
        let why = match (status, told) {
            (_, Some(told)) => told.to_owned(),
            (StatusCode::NOT_FOUND, None) => {
                "no hub of a pool answers there: give its admin_listen".to_owned()
            }
            (status, None) => format!("it answered with {status}"),
        };
        Failure::Refused(format!("{self}: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_addresses_with_a_port() {
        for (text, shown) in [
            ("127.0.0.1:8083", "127.0.0.1:8083"),
            ("http://127.0.0.1:8083/", "127.0.0.1:8083"),
            ("hub.example:1", "hub.example:1"),
            ("[::1]:8083", "[::1]:8083"),
        ] {
            let address: Address = text.parse().expect(text);
            assert_eq!(address.to_string(), shown);
        }
        for text in ["", "127.0.0.1", "https://127.0.0.1:1", "a:1/pool", "http://", "user@a:1"] {
            assert_eq!(text.parse::<Address>(), Err(AddressError), "{text}");
        }
    }
}
