//! Notifications that the desk owes to subscribers (F3548-21 SCD0085 and around it, F3411-22a
//! `SubscriberToNotify`).
//!
//! Who is to be told is written down in the same transaction as what the hub did. Delivery is tried
//! a few times and then given up, with a warning: a subscriber that cannot be reached finds the
//! change at the hub all the same, because it needs the key before it can put anything there.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use airspace::EntityId;
use tokio::sync::{Semaphore, watch};

use crate::client::peer::Peers;
use crate::flight::EntityKind;
use crate::store::{Change, Store};

/// How many notifications may be owed; more are dropped with an error in the log.
pub(crate) const NOTICES_MAX: usize = 100_000;
/// How often one is tried.
pub(crate) const NOTICE_ATTEMPTS_MAX: u32 = 3;
/// How many are delivered at once to one subscriber, so that one that is slow delays only itself.
const NOTICES_PER_SUBSCRIBER_MAX: usize = 8;
/// Subscribers share so many lanes by a hash of their URL.
const LANES: usize = 64;
/// How long is waited before a notification is tried again; four times as long each time.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// What a notification is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// An entity, which its body names.
    Entity(EntityKind),
    /// An identification service area, which its path names.
    ServiceArea(EntityId),
}

/// A notification that is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    /// Ascending in the order in which they are owed.
    pub(crate) number: u64,
    /// About what.
    pub(crate) about: About,
    /// To whom.
    pub(crate) uss_base_url: String,
    /// The body, JSON.
    pub(crate) body: Arc<str>,
}

/// Delivers notifications.
pub(crate) struct Outbox {
    peers: Peers,
    store: Arc<Store>,
    next: AtomicU64,
    owed: Mutex<BTreeMap<u64, Notice>>,
    lanes: [Semaphore; LANES],
    /// How many are owed.
    count: watch::Sender<usize>,
}

impl Outbox {
    /// Returns an outbox that owes what was owed when the desk ended.
    pub(crate) fn new(peers: Peers, store: Arc<Store>, notices: Vec<Notice>) -> Self {
        let next = notices.iter().map(|notice| notice.number + 1).max().unwrap_or(1);
        let owed: BTreeMap<u64, Notice> =
            notices.into_iter().map(|notice| (notice.number, notice)).collect();
        Outbox {
            peers,
            store,
            next: AtomicU64::new(next),
            count: watch::Sender::new(owed.len()),
            owed: Mutex::new(owed),
            lanes: std::array::from_fn(|_| Semaphore::new(NOTICES_PER_SUBSCRIBER_MAX)),
        }
    }

    /// Returns a notification with a number of its own, to be stored and then handed to
    /// [`Outbox::owe`].
    pub(crate) fn draft(&self, about: About, uss_base_url: &str, body: Vec<u8>) -> Notice {
        Notice {
            number: self.next.fetch_add(1, Ordering::Relaxed),
            about,
            uss_base_url: uss_base_url.to_owned(),
            body: String::from_utf8(body).expect("JSON is UTF-8").into(),
        }
    }

    /// Takes notifications that are stored, and returns their numbers for [`Outbox::deliver`].
    pub(crate) fn owe(&self, notices: Vec<Notice>) -> Vec<u64> {
        let mut owed = self.owed();
        let mut numbers = Vec::with_capacity(notices.len());
        for notice in notices {
            if NOTICES_MAX <= owed.len() {
                tracing::error!("too many notifications are owed; one is dropped");
                continue;
            }
            numbers.push(notice.number);
            owed.insert(notice.number, notice);
        }
        self.count.send_replace(owed.len());
        numbers
    }

    /// Returns the numbers of all notifications that are owed.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.owed().keys().copied().collect()
    }

    /// Delivers a notification, or gives it up, and forgets it.
    pub(crate) async fn deliver(&self, number: u64) {
        let Some(notice) = self.owed().get(&number).cloned() else {
            return;
        };
        let mut hasher = DefaultHasher::new();
        notice.uss_base_url.hash(&mut hasher);
        let lane = usize::try_from(hasher.finish() % LANES as u64).expect("there are few lanes");
        let _lane = self.lanes[lane].acquire().await.expect("lanes are never closed");
        self.try_often(&notice).await;
        if let Err(error) = self.store.write(vec![Change::RemoveNotice(number)]).await {
            tracing::warn!(error = %error, "a delivered notification stays in the store");
        }
        let mut owed = self.owed();
        owed.remove(&number);
        self.count.send_replace(owed.len());
    }

    /// Waits until nothing is owed.
    pub(crate) async fn empty(&self) {
        let mut count = self.count.subscribe();
        count.wait_for(|count| *count == 0).await.expect("the sender lives as long as this");
    }

    async fn try_often(&self, notice: &Notice) {
        let mut wait = RETRY_AFTER;
        for attempt in 1..=NOTICE_ATTEMPTS_MAX {
            let failure = match self.peers.notify(notice).await {
                Ok(status) if status.is_success() => return,
                // The subscriber has a newer version already, or does not want this one.
                Ok(status) if status.is_client_error() && status.as_u16() != 429 => {
                    tracing::debug!(peer.url = %notice.uss_base_url, %status,
                        "a subscriber refused a notification");
                    return;
                }
                Ok(status) => status.to_string(),
                Err(error) => error.to_string(),
            };
            if attempt == NOTICE_ATTEMPTS_MAX {
                tracing::warn!(peer.url = %notice.uss_base_url, error = %failure,
                    "a subscriber cannot be notified");
                return;
            }
            tokio::time::sleep(wait).await;
            wait *= 4;
        }
    }

    fn owed(&self) -> MutexGuard<'_, BTreeMap<u64, Notice>> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use hub::clock::Clock;
    use hub::entropy::Entropy;

    use super::*;
    use crate::client::Client;
    use crate::client::address::PrivateAddresses;
    use crate::client::tokens::{TokenSource, Tokens};

    const ABOUT: About = About::Entity(EntityKind::Constraint);

    fn outbox(directory: &std::path::Path, notices: Vec<Notice>) -> Outbox {
        let client = Client::new(PrivateAddresses::Refuse).expect("a client");
        let source =
            TokenSource::Url { url: "http://tokens.example".to_owned(), credentials: None };
        let (clock, entropy) = (Clock::system(), Entropy::seeded(1));
        let tokens = Tokens::new(source, "http://alder.example", client.clone(), clock, entropy)
            .expect("a source");
        let (store, _) = Store::open(directory).expect("it opens");
        Outbox::new(Peers::new(client, tokens), Arc::new(store), notices)
    }

    #[tokio::test]
    async fn owes_as_many_notifications_as_it_may() {
        let directory = tempfile::tempdir().expect("a directory");
        let outbox = outbox(directory.path(), Vec::new());
        let draft = || outbox.draft(ABOUT, "http://birch.example", b"{}".to_vec());

        let all = outbox.owe((0..NOTICES_MAX).map(|_| draft()).collect());
        let beyond = outbox.owe(vec![draft()]);

        assert_eq!(all.len(), NOTICES_MAX);
        assert_eq!(beyond, [] as [u64; 0]);
        assert_eq!(outbox.numbers().len(), NOTICES_MAX);
    }

    #[tokio::test]
    async fn goes_on_counting_after_a_restart() {
        let directory = tempfile::tempdir().expect("a directory");
        let owed = Notice {
            number: 7,
            about: ABOUT,
            uss_base_url: "http://birch.example".to_owned(),
            body: "{}".into(),
        };

        let outbox = outbox(directory.path(), vec![owed]);

        assert_eq!(outbox.numbers(), [7]);
        let next = outbox.draft(ABOUT, "http://birch.example", b"{}".to_vec());
        assert_eq!(next.number, 8);
    }
}
