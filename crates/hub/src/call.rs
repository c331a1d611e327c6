//! One request that was let in, before its body is read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use airspace::{Outcome, Party, Request, Retry};
use axum::body::Body;
use axum::http::request::Parts;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use spacetime::Timestamp;

use crate::admission::Permit;
use crate::auth::Caller;
use crate::auth::operation::Operation;
use crate::auth::scope::Scopes;
use crate::body;
use crate::context::{Context, Instance};
use crate::replica::declaration::{self, Declaration};
use crate::replica::{Replica, SubmitError};
use crate::reply::Failure;
use crate::reports::Reports;

/// How many bytes an `Idempotency-Key` may have.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// One request that was let in: its body is unread, its scope is checked.
///
/// What an open operation asks has no caller. So its handlers may not ask who calls, nor for what is
/// done in a party's name: its body, its jobs and its commands.
#[derive(Debug)]
pub(crate) struct Call {
    context: Arc<Context>,
    operation: &'static Operation,
    caller: Option<Arc<Caller>>,
    parts: Parts,
    /// Until it is read; in a mutex because a body may not be looked at from two threads.
    body: Mutex<Option<Body>>,
    held: Held,
}

/// What the request holds of its party's shares, until it is answered and what it queued is decided.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    _request: Arc<Permit>,
    body: Option<Arc<Permit>>,
    fate: Arc<Fate>,
}

/// Whether the request may have changed something already.
///
/// While it may have, "nothing was done" must not be said of it, whatever goes wrong.
#[derive(Debug, Default)]
pub(crate) struct Fate {
    touched: AtomicBool,
}

impl Call {
    pub(crate) fn new(
        context: Arc<Context>,
        operation: &'static Operation,
        caller: Option<Arc<Caller>>,
        request: axum::http::Request<Body>,
        held: Held,
    ) -> Self {
        let (parts, body) = request.into_parts();
        Call { context, operation, caller, parts, body: Mutex::new(Some(body)), held }
    }

    /// Returns what is asked.
    pub(crate) fn operation(&self) -> &'static Operation {
        self.operation
    }

    /// Returns who asks: `sub` of the token.
    ///
    /// # Panics
    ///
    /// If the operation is open, here and wherever a party's share or name is needed.
    pub(crate) fn party(&self) -> &Party {
        &self.caller().party
    }

    /// Returns what the token opens.
    pub(crate) fn scopes(&self) -> Scopes {
        self.caller().scopes
    }

    fn caller(&self) -> &Caller {
        self.caller.as_deref().expect("only operations that scopes open ask who calls")
    }

    /// Returns a parameter of the path, decoded; it may be empty.
    ///
    /// # Panics
    ///
    /// If the operation's path has no such parameter.
    pub(crate) fn parameter(&self, name: &'static str) -> Result<String, Failure> {
        let segment = self.operation.parameter(self.parts.uri.path(), name);
        percent_decode(segment.expect("handlers name the parameters of their own path"))
            .ok_or_else(|| Failure::bad_request(format!("{name} in the path is not UTF-8 text")))
    }

    /// Returns a parameter of the query, decoded, if it is given; it may be empty.
    pub(crate) fn query(&self, name: &str) -> Result<Option<String>, Failure> {
        let query = self.parts.uri.query().unwrap_or("");
        query_value(query, name).map_err(|wrong| Failure::bad_request(format!("{name}: {wrong}")))
    }

    /// Returns the whole body.
    pub(crate) async fn body(&mut self) -> Result<Bytes, Failure> {
        body::check_content_type(&self.parts.headers)?;
        let body = self.body.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let Some(body) = body else { return Ok(Bytes::new()) };
        let share = &self.context.shares.bodies;
        let limit = self.context.limits.body_max;
        let (bytes, permit) = body::read(body, share, self.party(), limit).await?;
        self.held.body = Some(Arc::new(permit));
        Ok(bytes)
    }

    /// Returns what lets the same request be sent again, if the client wants that.
    pub(crate) fn retry(&self, body: &[u8]) -> Result<Option<Retry>, Failure> {
        let mut values = self.parts.headers.get_all("idempotency-key").iter();
        let Some(key) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Failure::bad_request("Idempotency-Key is given more than once"));
        }
        if key.is_empty() || IDEMPOTENCY_KEY_BYTES_MAX < key.len() {
            let message = format!(
                "Idempotency-Key must have from 1 to {IDEMPOTENCY_KEY_BYTES_MAX} characters"
            );
            return Err(Failure::bad_request(message));
        }
        Ok(Some(Retry {
            key: Sha256::digest(key.as_bytes()).into(),
            fingerprint: fingerprint(&self.parts, body),
        }))
    }

    /// Does a job on the hub's workers, in turn with other parties' jobs.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let done = self.context.workers.run(self.party(), job).await;
        done.map_err(|error| self.held.fate.failure(error))
    }

    /// Puts a command of the caller into the log and returns what the state decided.
    pub(crate) async fn submit(
        &self,
        retry: Option<Retry>,
        request: Request,
    ) -> Result<Outcome, Failure> {
        let command = airspace::Command { party: self.party().clone(), retry, request };
        let outcome = self.context.replica.submit(command, self.held.clone());
        Ok(self.held.fate.follow(outcome).await?)
    }

    /// Puts a declaration of the caller about this hub into the log and waits until the state has it.
    pub(crate) async fn declare(&self, declaration: Declaration) -> Result<(), Failure> {
        let declared = self.context.replica.declare(declaration, self.held.clone());
        Ok(self.held.fate.follow(declared).await?)
    }

    /// Looks at what hubs have declared: shortly, when this hub has every write before this call.
    pub(crate) async fn read_declared<T>(
        &self,
        look: impl FnOnce(&declaration::State) -> T,
    ) -> Result<T, Failure> {
        self.barrier().await?;
        Ok(self.context.replica.read_declared(look))
    }

    /// Looks at the pool as [`Call::read`] does at the airspace; there is none on one machine.
    pub(crate) async fn read_pool<T>(
        &self,
        look: impl FnOnce(Option<&pool::Pool>) -> T,
    ) -> Result<T, Failure> {
        self.barrier().await?;
        Ok(self.context.replica.read_pool(look))
    }

    /// Returns what the hub tells of itself.
    pub(crate) fn instance(&self) -> &Instance {
        &self.context.instance
    }

    /// Looks at the state under a shared lock: shortly, when this hub has every write before this
    /// call.
    pub(crate) async fn read<T>(
        &self,
        look: impl FnOnce(&airspace::State, Timestamp) -> T,
    ) -> Result<T, Failure> {
        self.barrier().await?;
        Ok(self.context.replica.read(look))
    }

    /// Returns the replica, which has every write before this call, to be looked at in
    /// [`Call::work`].
    pub(crate) async fn replica(&self) -> Result<Replica, Failure> {
        self.barrier().await?;
        Ok(self.context.replica.clone())
    }

    async fn barrier(&self) -> Result<(), Failure> {
        let waited = self.context.replica.barrier().await;
        waited.map_err(|error| self.held.fate.failure(error))
    }

    /// Returns the time.
    pub(crate) fn now(&self) -> Timestamp {
        self.context.clock.now()
    }

    /// Draws 128 random bits.
    pub(crate) fn random_bytes(&self) -> [u8; 16] {
        self.context.entropy.bytes()
    }

    /// Tells whether USS base URLs may be `http`.
    pub(crate) fn allows_http(&self) -> bool {
        self.context.allow_http
    }

    /// Returns where reports are kept; its calls block and belong into [`Call::work`].
    pub(crate) fn reports(&self) -> Reports {
        self.context.reports.clone()
    }
}

impl Held {
    pub(crate) fn new(request: Permit) -> Self {
        Held { _request: Arc::new(request), body: None, fate: Arc::default() }
    }

    pub(crate) fn fate(&self) -> Arc<Fate> {
        Arc::clone(&self.fate)
    }
}

impl Fate {
    /// Waits for a change, which may have happened from now on until its error says otherwise.
    async fn follow<T>(
        &self,
        change: impl Future<Output = Result<T, SubmitError>>,
    ) -> Result<T, SubmitError> {
        self.touched.store(true, Ordering::Relaxed);
        let changed = change.await;
        if changed.as_ref().is_err_and(|error| *error != SubmitError::Unknown) {
            self.touched.store(false, Ordering::Relaxed);
        }
        changed
    }

    /// Returns what to say of an error that comes between a request and its answer.
    pub(crate) fn failure(&self, error: impl Into<Failure>) -> Failure {
        if self.touched.load(Ordering::Relaxed) {
            return SubmitError::Unknown.into();
        }
        error.into()
    }
}

fn fingerprint(parts: &Parts, body: &[u8]) -> [u8; 32] {
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let mut hasher = Sha256::new();
    // Neither a method nor a path holds a line feed, so the three cannot run into one another.
    hasher.update(parts.method.as_str());
    hasher.update(b"\n");
    hasher.update(path);
    hasher.update(b"\n");
    hasher.update(body);
    hasher.finalize().into()
}

/// Returns the value of a field of a query, in which `+` is a space as in forms (URL Standard, 5.1).
fn query_value(query: &str, name: &str) -> Result<Option<String>, &'static str> {
    let mut found = None;
    for field in query.split('&') {
        let (key, value) = field.split_once('=').unwrap_or((field, ""));
        if percent_decode(&key.replace('+', " ")).as_deref() != Some(name) {
            continue;
        }
        if found.is_some() {
            return Err("it is given more than once");
        }
        let value = percent_decode(&value.replace('+', " "));
        found = Some(value.ok_or("its value in the query is not UTF-8 text")?);
    }
    Ok(found)
}

/// Returns the text that a segment encodes (RFC 3986, section 2.1), if it is text without NUL.
fn percent_decode(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, tail @ ..] = rest else { return None };
        let (high, low) = (hex_digit(*high)?, hex_digit(*low)?);
        bytes.push(high << 4 | low);
        rest = tail;
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

fn hex_digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_a_path_encodes() {
        assert_eq!(percent_decode("").as_deref(), Some(""));
        assert_eq!(percent_decode("a%2Fb%c3%a9").as_deref(), Some("a/b\u{e9}"));
        assert_eq!(percent_decode("a+b").as_deref(), Some("a+b"));
    }

    #[test]
    fn refuses_what_is_no_text() {
        for segment in ["%00", "%ff", "%", "%4", "%zz", "a%c3"] {
            assert_eq!(percent_decode(segment), None, "{segment}");
        }
    }

    #[test]
    fn finds_a_field_of_a_query() {
        let query = "area=1,2%2C3&empty=&flag&with+space=a+b&a%72ea2=%2B&";

        for (name, value) in [
            ("area", Some("1,2,3")),
            ("empty", Some("")),
            ("flag", Some("")),
            ("with space", Some("a b")),
            ("area2", Some("+")),
            ("Area", None),
            ("are", None),
        ] {
            assert_eq!(query_value(query, name), Ok(value.map(str::to_owned)), "{name}");
        }
        assert_eq!(query_value("", "area"), Ok(None));
    }

    #[test]
    fn refuses_a_field_that_is_no_text_or_given_twice() {
        assert!(query_value("area=%ff", "area").is_err());
        assert!(query_value("area=%00", "area").is_err());
        assert!(query_value("area=%2", "area").is_err());
        assert!(query_value("area=1&area=1", "area").is_err());
        assert_eq!(query_value("area=%ff&other=%", "time"), Ok(None));
    }

    #[test]
    fn never_says_that_nothing_was_done_once_something_may_have_been() {
        let fate = Fate::default();
        let busy = || Failure::from(crate::admission::Denied::Full);
        assert_eq!(fate.failure(busy()), busy());

        fate.touched.store(true, Ordering::Relaxed);

        assert_eq!(fate.failure(busy()).status(), axum::http::StatusCode::GATEWAY_TIMEOUT);
    }

    #[test]
    fn fingerprints_method_path_and_body() {
        let parts = |method: &str, path: &str| {
            let request = axum::http::Request::builder().method(method).uri(path).body(());
            request.expect("a good request").into_parts().0
        };
        let first = fingerprint(&parts("PUT", "/a"), b"1");

        assert_eq!(first, fingerprint(&parts("PUT", "/a"), b"1"));
        assert_ne!(first, fingerprint(&parts("POST", "/a"), b"1"));
        assert_ne!(first, fingerprint(&parts("PUT", "/a?b"), b"1"));
        assert_ne!(first, fingerprint(&parts("PUT", "/a"), b"2"));
    }
}
