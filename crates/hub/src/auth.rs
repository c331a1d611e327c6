//! Who asks, and what they may: tokens, keys, scopes.
//!
//! Nothing here ends the process: when keys cannot be renewed the last good ones are kept, and
//! health and metrics say so. No message quotes a token.

use std::sync::Arc;

use airspace::Party;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use crate::clock::Clock;
use crate::config::Tokens;

pub mod operation;
pub mod scope;

mod cache;
mod der;
mod fetch;
mod key;
mod ring;
mod token;

#[cfg(test)]
mod tests;

pub use cache::TOKEN_CACHE_MAX;
pub use fetch::{FetchError, KEY_SET_BYTES_MAX};
pub use key::{KEYS_PER_SOURCE_MAX, KeyError};
pub use ring::{KeysError, SourceHealth};
pub use token::{LEEWAY, LIFETIME_MAX, TOKEN_BYTES_MAX, TokenError};

use cache::Cache;
use ring::Ring;
use scope::Scopes;
use token::Demands;

/// Whom a good token speaks for, and what it opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// `sub`.
    pub party: Party,
    /// `scope`.
    pub scopes: Scopes,
}

/// Tells good tokens from others.
#[derive(Debug)]
pub struct Authenticator {
    ring: Ring,
    cache: Cache,
    demands: Demands,
    clock: Clock,
}

impl Authenticator {
    /// Reads the key files, which must be good, and tries to fetch the key set, which may fail.
    pub async fn start(tokens: &Tokens, clock: Clock) -> Result<Self, KeysError> {
        let ring = Ring::start(tokens, clock.clone()).await?;
        let demands =
            Demands { audiences: tokens.audiences.clone(), issuer: tokens.issuer.clone() };
        Ok(Authenticator { ring, cache: Cache::default(), demands, clock })
    }

    /// Returns whom a request speaks for.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Arc<Caller>, TokenError> {
        let token = bearer(headers)?;
        let now = self.clock.now();
        let keys = self.ring.present();
        if let Some(caller) = self.cache.find(token, keys.generation, now) {
            return Ok(caller);
        }
        let verified = token::verify(token, &keys.keys, &self.demands, now);
        if let Err(TokenError::Signature) = verified
            && let Some(kid) = token::key_id(token)
            && self.ring.find_unknown(&kid).await
        {
            let keys = self.ring.present();
            let good = token::verify(token, &keys.keys, &self.demands, now)?;
            return Ok(self.cache.remember(token, keys.generation, good));
        }
        Ok(self.cache.remember(token, keys.generation, verified?))
    }

    /// Looks at key files and, when it is time, fetches the key set.
    pub async fn refresh(&self) {
        self.ring.refresh().await;
    }

    /// Returns how each source of keys does.
    pub fn health(&self) -> Vec<SourceHealth> {
        self.ring.health()
    }
}

/// Returns the token of `Authorization: Bearer`, whose scheme may be in any case (RFC 9110, 11.1).
fn bearer(headers: &HeaderMap) -> Result<&str, TokenError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(TokenError::Missing)?;
    if values.next().is_some() {
        return Err(TokenError::Malformed);
    }
    let text = value.to_str().map_err(|_| TokenError::Malformed)?;
    let (scheme, token) = text.split_once(' ').ok_or(TokenError::Missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(TokenError::Missing);
    }
    Ok(token.trim())
}
