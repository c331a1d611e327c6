//! Tokens that were found good: a signature is verified once, not once a request.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};
use spacetime::Timestamp;

use super::Caller;
use super::token::Good;

/// How many tokens are remembered.
pub const TOKEN_CACHE_MAX: usize = 16_384;

/// Tokens that were found good with the present keys.
///
/// Two generations: when the younger is full it becomes the older, and what was in the older and
/// not asked for since is forgotten.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    /// Which key set the tokens were verified with.
    keys: u64,
    younger: HashMap<Digested, Remembered>,
    older: HashMap<Digested, Remembered>,
}

/// SHA-256 of a token: the token itself is a secret and is not kept.
type Digested = [u8; 32];

#[derive(Clone, Debug)]
struct Remembered {
    caller: Arc<Caller>,
    expires: Timestamp,
}

impl Cache {
    /// Returns whom a token speaks for, if it was found good with these keys and still is.
    pub(super) fn find(&self, token: &str, keys: u64, now: Timestamp) -> Option<Arc<Caller>> {
        let digest = digest(token);
        let mut generations = self.lock();
        if generations.keys != keys {
            return None;
        }
        let remembered = match generations.younger.get(&digest) {
            Some(remembered) => remembered.clone(),
            None => {
                let remembered = generations.older.remove(&digest)?;
                generations.insert(digest, remembered.clone());
                remembered
            }
        };
        (now <= remembered.expires).then_some(remembered.caller)
    }

    /// Remembers a token that was found good with these keys.
    pub(super) fn remember(&self, token: &str, keys: u64, good: Good) -> Arc<Caller> {
        let caller = Arc::new(good.caller);
        let remembered = Remembered { caller: Arc::clone(&caller), expires: good.expires };
        let mut generations = self.lock();
        if generations.keys < keys {
            *generations = Generations { keys, ..Generations::default() };
        }
        if generations.keys == keys {
            generations.insert(digest(token), remembered);
        }
        caller
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn insert(&mut self, digest: Digested, remembered: Remembered) {
        if TOKEN_CACHE_MAX / 2 <= self.younger.len() {
            self.older = mem::take(&mut self.younger);
        }
        self.younger.insert(digest, remembered);
    }
}

fn digest(token: &str) -> Digested {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use airspace::Party;

    use super::super::scope::Scopes;
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).expect("in range")
    }

    fn good() -> Good {
        let party = Party::new("one").expect("a good name");
        Good { caller: Caller { party, scopes: Scopes::default() }, expires: at(100) }
    }

    #[test]
    fn forgets_a_token_that_expired() {
        let cache = Cache::default();
        cache.remember("token", 1, good());

        assert!(cache.find("token", 1, at(100)).is_some());
        assert!(cache.find("token", 1, at(101)).is_none());
    }

    #[test]
    fn forgets_every_token_when_the_keys_change() {
        let cache = Cache::default();
        cache.remember("token", 1, good());

        assert!(cache.find("token", 2, at(1)).is_none());
        cache.remember("other", 2, good());
        assert!(cache.find("token", 2, at(1)).is_none());
        assert!(cache.find("token", 1, at(1)).is_none());
    }

    #[test]
    fn does_not_remember_what_keys_of_before_found_good() {
        let cache = Cache::default();
        cache.remember("new", 2, good());

        cache.remember("late", 1, good());

        assert!(cache.find("late", 1, at(1)).is_none());
        assert!(cache.find("late", 2, at(1)).is_none());
    }

    #[test]
    fn holds_no_more_than_a_named_number_and_keeps_what_is_used() {
        let cache = Cache::default();
        cache.remember("used", 1, good());
        for number in 0..2 * TOKEN_CACHE_MAX {
            cache.remember(&number.to_string(), 1, good());
            cache.find("used", 1, at(1));
        }

        let generations = cache.lock();
        assert!(generations.younger.len() + generations.older.len() <= TOKEN_CACHE_MAX);
        drop(generations);
        assert!(cache.find("used", 1, at(1)).is_some());
        assert!(cache.find("0", 1, at(1)).is_none());
    }
}
