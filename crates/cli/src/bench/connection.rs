//! One HTTP/1.1 connection that is kept, with as little work a request as can be: the hub under
//! load has the same two cores.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::clock;

/// How long an answer is waited for.
const ANSWER_S_MAX: u64 = 30;

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// The connection could not be made.
    #[error("cannot connect to {address}")]
    Connect {
        /// Where to.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The connection broke.
    #[error("the connection broke")]
    Http(#[from] hyper::Error),
    /// The answer took too long.
    #[error("there was no answer within {ANSWER_S_MAX} s")]
    TooSlow,
    /// The answer says that the request was not carried out.
    #[error("{method} {path} was answered with {status}: {body}")]
    Status {
        /// What was asked.
        method: Method,
        /// Of what.
        path: String,
        /// The answer.
        status: StatusCode,
        /// What it says.
        body: String,
    },
}

/// A connection to the hub for one party.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: HeaderValue,
    authorization: HeaderValue,
}

/// An answer and how long it took.
pub(super) struct Answer {
    /// Its body.
    pub(super) body: Bytes,
    /// From before the request was written until the body was read.
    pub(super) latency: Duration,
}

impl Connection {
    /// Connects; every request will carry the authorization given.
    pub(super) async fn open(
        address: SocketAddr,
        authorization: &HeaderValue,
    ) -> Result<Self, CallError> {
        let failed = |source| CallError::Connect { address, source };
        let stream = TcpStream::connect(address).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // What goes wrong on the connection comes out of the sender's calls.
        tokio::spawn(async move { drop(connection.await) });
        let host = address.to_string();
        Ok(Connection {
            sender,
            host: HeaderValue::from_str(&host).expect("an address is ASCII"),
            authorization: authorization.clone(),
        })
    }

    /// Sends a request; an answer that is no success is an error.
    pub(super) async fn call(
        &mut self,
        method: Method,
        path: String,
        body: Bytes,
    ) -> Result<Answer, CallError> {
        let uri: Uri = path.parse().expect("paths made here are good");
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method.clone();
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));

        let asked_at = clock::instant();
        let within = Duration::from_secs(ANSWER_S_MAX);
        let (status, body) = tokio::time::timeout(within, self.exchange(request))
            .await
            .map_err(|_| CallError::TooSlow)??;
        let latency = since(asked_at);
        if !status.is_success() {
            let body = String::from_utf8_lossy(&body).trim().to_owned();
            return Err(CallError::Status { method, path, status, body });
        }
        Ok(Answer { body, latency })
    }

    async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), hyper::Error> {
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}

fn since(instant: Instant) -> Duration {
    clock::instant().duration_since(instant)
}

/// Returns the first text value of `"name":"..."` in a JSON body, without parsing the rest.
pub(super) fn text_value<'a>(body: &'a [u8], name: &str) -> Option<&'a str> {
    let needle = format!("\"{name}\":\"");
    let start = body.windows(needle.len()).position(|at| at == needle.as_bytes())? + needle.len();
    let length = body[start..].iter().position(|byte| *byte == b'"')?;
    std::str::from_utf8(&body[start..start + length]).ok()
}

/// Returns the last text value of `"name":"..."` in a JSON body, which is long and has it near its
/// end.
pub(super) fn last_text_value<'a>(body: &'a [u8], name: &str) -> Option<&'a str> {
    let needle = format!("\"{name}\":\"");
    let start = body.windows(needle.len()).rposition(|at| at == needle.as_bytes())?;
    text_value(&body[start..], name)
}

/// Returns all text values of `"name":"..."` in a JSON body, without parsing the rest.
pub(super) fn text_values(mut body: &[u8], name: &str) -> Vec<String> {
    let mut values = Vec::new();
    while let Some(value) = text_value(body, name) {
        let end = value.as_ptr() as usize - body.as_ptr() as usize + value.len();
        values.push(value.to_owned());
        body = &body[end..];
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_value_without_parsing() {
        let body =
            br#"{"subscribers":[],"operational_intent_reference":{"ovn":"x_1","version":1}}"#;

        assert_eq!(text_value(body, "ovn"), Some("x_1"));
        assert_eq!(text_value(body, "id"), None);
        assert_eq!(text_value(br#"{"ovn":"x"#, "ovn"), None);
        assert_eq!(last_text_value(br#"[{"ovn":"x"},{"ovn":"y","n":1}]"#, "ovn"), Some("y"));
        assert_eq!(last_text_value(br#"{"ovn":"x"#, "ovn"), None);
        assert_eq!(text_values(br#"[{"ovn":"x"},{"ovn":"y","n":1}]"#, "ovn"), ["x", "y"]);
    }
}
