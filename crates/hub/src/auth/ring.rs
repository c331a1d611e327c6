//! The keys that tokens are verified with at present, and where they come from.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use spacetime::Timestamp;

use crate::clock::Clock;
use crate::config::Tokens;

use super::fetch::{FetchError, Fetcher};
use super::key::{self, Key, KeyError};

/// How many bytes a file with keys may have.
const KEY_FILE_BYTES_MAX: u64 = 1 << 20;

/// How long after a fetch an unknown `kid` does not start another one.
const FETCHES_APART_MIN: Duration = Duration::from_secs(5);

/// Why a hub cannot start with its keys; each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file cannot be read.
    #[error("cannot read the key file {}; give --public-key an existing file", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file does not hold keys.
    #[error("cannot use the key file {}", path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// Why, and what to do.
        #[source]
        source: KeyError,
    },
    /// The system offers no way to fetch a key set.
    #[error("cannot fetch a key set on this machine; are its root certificates installed?")]
    Client(#[source] reqwest::Error),
}

/// How one source of keys does.
#[derive(Clone, Debug)]
pub struct SourceHealth {
    /// The file or the URL.
    pub name: String,
    /// How many keys it gave.
    pub keys: usize,
    /// When it was last found good; `None` if it never was.
    pub good_at: Option<Timestamp>,
    /// Why it was not good when last looked at.
    pub error: Option<String>,
}

/// The keys at one moment.
#[derive(Debug, Default)]
pub(super) struct Present {
    /// Grows whenever the keys change.
    pub(super) generation: u64,
    pub(super) keys: Vec<Key>,
}

/// The keys, and where they come from.
#[derive(Debug)]
pub(super) struct Ring {
    present: RwLock<Arc<Present>>,
    files: Mutex<Vec<FileSource>>,
    set: Option<SetSource>,
    clock: Clock,
}

#[derive(Debug)]
struct FileSource {
    path: PathBuf,
    text: Vec<u8>,
    keys: Vec<Key>,
    health: SourceHealth,
}

#[derive(Debug)]
struct SetSource {
    fetcher: Fetcher,
    refresh: Duration,
    /// Held during a fetch, so that there is one at a time.
    tried_at: tokio::sync::Mutex<Option<Timestamp>>,
    state: Mutex<SetState>,
}

#[derive(Debug)]
struct SetState {
    body: Vec<u8>,
    keys: Vec<Key>,
    health: SourceHealth,
}

impl Ring {
    /// Reads every file, which must be good, and tries to fetch the set.
    pub(super) async fn start(tokens: &Tokens, clock: Clock) -> Result<Self, KeysError> {
        let mut files = Vec::new();
        for path in &tokens.public_keys {
            files.push(FileSource::open(path, clock.now())?);
        }
        let set = match &tokens.jwks_url {
            Some(url) => Some(SetSource::new(url, tokens.jwks_refresh)?),
            None => None,
        };
        let ring = Ring { present: RwLock::default(), files: Mutex::new(files), set, clock };
        ring.publish();
        if let Some(set) = &ring.set {
            ring.fetch(set, Duration::ZERO).await;
        }
        Ok(ring)
    }

    /// Returns the keys at present.
    pub(super) fn present(&self) -> Arc<Present> {
        Arc::clone(&self.present.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at every file and fetches the set when it is time.
    pub(super) async fn refresh(&self) {
        let now = self.clock.now();
        let changed = self.lock_files().iter_mut().fold(false, |any, file| file.look(now) | any);
        if changed {
            self.publish();
        }
        if let Some(set) = &self.set {
            self.fetch(set, set.refresh).await;
        }
    }

    /// Fetches the set if it does not know this `kid`; tells whether it does now.
    pub(super) async fn find_unknown(&self, kid: &str) -> bool {
        let Some(set) = &self.set else { return false };
        if set.knows(kid) {
            return false;
        }
        self.fetch(set, FETCHES_APART_MIN).await;
        set.knows(kid)
    }

    /// Returns how each source does.
    pub(super) fn health(&self) -> Vec<SourceHealth> {
        let mut health: Vec<_> = self.lock_files().iter().map(|file| file.health.clone()).collect();
        health.extend(self.set.as_ref().map(|set| set.lock().health.clone()));
        health
    }

    /// Fetches the set, unless it was tried less than `apart` ago.
    async fn fetch(&self, set: &SetSource, apart: Duration) {
        let mut tried_at = set.tried_at.lock().await;
        let now = self.clock.now();
        if tried_at.is_some_and(|at| at <= now && now < at.plus(apart)) {
            return;
        }
        *tried_at = Some(now);
        let body = set.fetcher.fetch().await;
        if set.take(body, now) {
            self.publish();
        }
    }

    /// Makes the keys of all sources the present ones.
    fn publish(&self) {
        let mut keys: Vec<Key> =
            self.lock_files().iter().flat_map(|file| file.keys.iter().cloned()).collect();
        if let Some(set) = &self.set {
            keys.extend(set.lock().keys.iter().cloned());
        }
        let mut present = self.present.write().unwrap_or_else(PoisonError::into_inner);
        *present = Arc::new(Present { generation: present.generation + 1, keys });
    }

    fn lock_files(&self) -> MutexGuard<'_, Vec<FileSource>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FileSource {
    fn open(path: &Path, now: Timestamp) -> Result<Self, KeysError> {
        let text = read_bounded(path)
            .map_err(|source| KeysError::Unreadable { path: path.to_owned(), source })?;
        let keys = key::from_pem(&text)
            .map_err(|source| KeysError::Unusable { path: path.to_owned(), source })?;
        let name = path.display().to_string();
        let health = SourceHealth { name, keys: keys.len(), good_at: Some(now), error: None };
        Ok(FileSource { path: path.to_owned(), text, keys, health })
    }

    /// Reads the file again; tells whether its keys changed. When it is not good, they stay.
    fn look(&mut self, now: Timestamp) -> bool {
        let read = read_bounded(&self.path).map_err(|error| error.to_string());
        let keys = match read {
            Ok(text) if text == self.text => Ok(None),
            Ok(text) => key::from_pem(&text)
                .map(|keys| Some((text, keys)))
                .map_err(|error| error.to_string()),
            Err(error) => Err(error),
        };
        match keys {
            Ok(None) => {
                self.health.found_good(self.keys.len(), now);
                false
            }
            Ok(Some((text, keys))) => {
                tracing::info!(keys.source = %self.health.name, "the key file changed; new keys");
                self.health.found_good(keys.len(), now);
                self.text = text;
                self.keys = keys;
                true
            }
            Err(error) => {
                self.health.found_bad(error);
                false
            }
        }
    }
}

impl SetSource {
    fn new(url: &str, refresh: Duration) -> Result<Self, KeysError> {
        let fetcher = Fetcher::new(url).map_err(KeysError::Client)?;
        let name = fetcher.url().to_owned();
        let health = SourceHealth { name, keys: 0, good_at: None, error: None };
        Ok(SetSource {
            fetcher,
            refresh,
            tried_at: tokio::sync::Mutex::default(),
            state: Mutex::new(SetState { body: Vec::new(), keys: Vec::new(), health }),
        })
    }

    fn knows(&self, kid: &str) -> bool {
        self.lock().keys.iter().any(|key| key.kid.as_deref() == Some(kid))
    }

    /// Takes what a fetch brought; tells whether the keys changed. When it failed, they stay.
    fn take(&self, fetched: Result<Vec<u8>, FetchError>, now: Timestamp) -> bool {
        let mut state = self.lock();
        let body = match fetched {
            Ok(body) => body,
            Err(error) => {
                state.health.found_bad(chain(&error));
                return false;
            }
        };
        if body == state.body {
            let keys = state.keys.len();
            state.health.found_good(keys, now);
            return false;
        }
        match key::from_key_set(&body) {
            Ok(keys) => {
                tracing::info!(
                    keys.source = %state.health.name,
                    keys.count = keys.len(),
                    "the key set changed; new keys"
                );
                state.health.found_good(keys.len(), now);
                state.keys = keys;
                state.body = body;
                true
            }
            Err(error) => {
                state.health.found_bad(error.to_string());
                false
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, SetState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SourceHealth {
    fn found_good(&mut self, keys: usize, now: Timestamp) {
        if self.error.is_some() {
            tracing::info!(keys.source = %self.name, "keys can be read again");
        }
        self.keys = keys;
        self.good_at = Some(now);
        self.error = None;
    }

    /// Warns once for each new error, not once for each try.
    fn found_bad(&mut self, error: String) {
        if self.error.as_ref() != Some(&error) {
            tracing::warn!(
                keys.source = %self.name,
                error,
                "keys cannot be renewed; the last good ones are kept"
            );
        }
        self.error = Some(error);
    }
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    if KEY_FILE_BYTES_MAX < std::fs::metadata(path)?.len() {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is too large for a key file"));
    }
    std::fs::read(path)
}

/// Returns an error and all its sources in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
