//! Looks at the members of the pool's etcd: who answers, and how full each is.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use etcd::messages::StatusResponse;
use etcd::{CallError, Client, ConfigError};
use tokio::task::JoinSet;

/// How often the members are looked at.
pub const MEMBERS_INTERVAL: Duration = Duration::from_secs(30);

/// How long a member may take to say how it is.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// The members that the settings name, and what each said last.
#[derive(Debug)]
pub(crate) struct Members {
    client: Client,
    last: Mutex<Arc<[MemberStatus]>>,
}

/// What a member says, or why it does not.
#[derive(Clone, Debug)]
pub(crate) struct MemberStatus {
    pub(crate) url: String,
    pub(crate) answer: Result<StatusResponse, CallError>,
}

impl Members {
    /// Needs a tokio runtime.
    pub(crate) fn new(config: &etcd::Config) -> Result<Self, ConfigError> {
        Ok(Members { client: Client::new(config)?, last: Mutex::new(Arc::new([])) })
    }

    /// Returns what each said last.
    pub(crate) fn last(&self) -> Arc<[MemberStatus]> {
        Arc::clone(&self.last.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks each how it is; tells of those that have become half full.
    pub(crate) async fn look(&self) -> Arc<[MemberStatus]> {
        let mut asking = JoinSet::new();
        for member in self.client.members() {
            let member = member.clone();
            asking.spawn(async move {
                let answer = member.status(ANSWER_MAX).await;
                MemberStatus { url: member.url().to_owned(), answer }
            });
        }
        let mut found = asking.join_all().await;
        found.sort_unstable_by(|one, other| one.url.cmp(&other.url));
        let found: Arc<[MemberStatus]> = found.into();
        for member in self.take(&found) {
            tracing::warn!(etcd.url = member.url, "{}", HALF_FULL);
        }
        found
    }

    /// Keeps what the members say, and returns those that have become half full.
    fn take<'a>(&self, found: &'a Arc<[MemberStatus]>) -> Vec<&'a MemberStatus> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *last, Arc::clone(found));
        let was_half_full =
            |url: &str| before.iter().any(|before| before.url == url && before.is_half_full());
        let half_full = found.iter().filter(|member| member.is_half_full());
        half_full.filter(|member| !was_half_full(&member.url)).collect()
    }
}

/// What an operator is told of a member that is half full.
pub(crate) const HALF_FULL: &str = "a member of the pool's etcd has used half of its quota: see to \
     --auto-compaction-mode=periodic, and defragment its members one by one with `etcdctl defrag`";

impl MemberStatus {
    /// Tells whether the member has used half of what it may.
    pub(crate) fn is_half_full(&self) -> bool {
        let Ok(status) = &self.answer else { return false };
        // An etcd that says nothing of its quota has the usual one, which is less than ours.
        0 < status.db_size_quota && status.db_size_quota <= status.db_size.saturating_mul(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(size: i64, quota: i64) -> MemberStatus {
        let status = StatusResponse { db_size: size, db_size_quota: quota, ..Default::default() };
        MemberStatus { url: "http://127.0.0.1:1".to_owned(), answer: Ok(status) }
    }

    #[test]
    fn is_half_full_from_half_of_the_quota_on() {
        assert!(!member(49, 100).is_half_full());
        assert!(member(50, 100).is_half_full());
        assert!(!member(50, 0).is_half_full());
    }

    #[tokio::test]
    async fn tells_once_that_a_member_has_become_half_full() {
        let endpoints = vec!["http://127.0.0.1:1".to_owned()];
        let members = Members::new(&etcd::Config { endpoints, tls: None }).expect("good");
        let tells = |size| members.take(&Arc::from([member(size, 100)])).len();

        assert_eq!([49, 50, 51, 49, 50].map(tells), [0, 1, 0, 0, 1]);
    }

    #[tokio::test]
    async fn says_of_a_member_that_is_not_there_that_it_does_not_answer() {
        let endpoints = vec!["http://127.0.0.1:1".to_owned()];
        let members = Members::new(&etcd::Config { endpoints, tls: None }).expect("good");
        assert!(members.last().is_empty());

        let found = members.look().await;

        assert!(found[0].answer.is_err());
        assert_eq!(members.last().len(), 1);
    }
}
