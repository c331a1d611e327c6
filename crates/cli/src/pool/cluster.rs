//! The etcd that a pool is on: it holds the pool's genesis and the keys of its hubs, nothing else,
//! and tells its users apart by the common names of their certificates.
//!
//! What is done here keeps owners from each other's keys; it is no part of what makes a pool's log
//! true. Each step looks at what is there first, so that all of it can be done again.

mod users;

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use etcd::messages::RangeRequest;
use etcd::{CallError, Client, Config, Member, Release, Tls};
use hyper::Uri;
use log::pool::{EPOCH_KEY, GENESIS_KEY};
use pool::{Genesis, HubId, KEY_PREFIX, SignedChange};

use self::users::key_of;
use super::certs::Pair;
use super::files;
use crate::clock;
use crate::failure::Failure;
use crate::output::{line, note};

/// What follows all keys of hubs.
const KEYS_END: &str = "log0";

/// How long etcd may take for an answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// How long a member that was just started may take until it answers.
const START_MAX: Duration = Duration::from_secs(10);

/// How long is waited before a member is asked again.
const START_STEP: Duration = Duration::from_millis(200);

/// Which etcd, and who asks.
#[derive(Debug, Args)]
pub(crate) struct EtcdArgs {
    /// The client URL of every member of the cluster.
    #[arg(long = "etcd", value_name = "URL", num_args = 1.., required = true)]
    endpoints: Vec<String>,
    /// The roots that the members' certificates must come from, a PEM file.
    #[arg(long, value_name = "FILE", requires_all = ["cert", "key"])]
    ca: Option<PathBuf>,
    /// The certificate of who asks, a PEM file; its common name is the etcd user.
    #[arg(long, value_name = "FILE", requires = "ca")]
    cert: Option<PathBuf>,
    /// The certificate's private key, a PEM file.
    #[arg(long, value_name = "FILE", requires = "ca")]
    key: Option<PathBuf>,
    /// Lets everybody on this machine do everything, for trials: http, on loopback only.
    #[arg(long, conflicts_with = "ca")]
    no_auth: bool,
}

/// A cluster that answers, and the member of it that is asked.
struct Cluster {
    member: Member,
    id: u64,
    release: Release,
}

/// Whose cluster it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Nothing,
    Pool,
}

/// Runs what asks etcd to its end.
pub(super) fn run(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::refused("cannot start the runtime", &error))?.block_on(work)
}

/// What a cluster is to be prepared for.
pub(crate) struct Purpose<'a> {
    /// The pool.
    pub(crate) genesis: &'a Genesis,
    /// What opens the epoch that is on this cluster, but for the first.
    pub(crate) opening: Option<&'a SignedChange>,
    /// The hubs that are let in.
    pub(crate) hubs: &'a [HubId],
    /// Whom each step is told.
    pub(crate) tell: Tell,
}

/// Takes what was done, in words.
pub(crate) type Tell = fn(fmt::Arguments<'_>) -> Result<(), Failure>;

/// Prepares an empty cluster for a pool, or completes what was begun.
pub(crate) async fn prepare(args: &EtcdArgs, purpose: &Purpose<'_>) -> Result<(), Failure> {
    let Purpose { genesis, opening, tell, .. } = *purpose;
    let cluster = Cluster::open(args).await?;
    let (id, release) = (cluster.id, cluster.release);
    tell(format_args!("etcd {release}, cluster {id:016x}, {} member(s)", args.endpoints.len()))?;
    let fingerprint = genesis.fingerprint();
    match cluster.check_holds(purpose).await? {
        Holds::Nothing => {
            log::pool::found(&cluster.member, genesis, opening)
                .await
                .map_err(|error| Failure::refused("etcd cannot be made the pool's", &error))?;
            tell(format_args!("genesis: put, fingerprint {fingerprint}"))?;
        }
        Holds::Pool => tell(format_args!("genesis: there, fingerprint {fingerprint}"))?,
    }
    if args.no_auth {
        tell(format_args!("users: none; everybody on this machine may do everything (--no-auth)"))?;
        return tell(format_args!(
            "next: start the hubs (tansiq pool join makes what each is started with)"
        ));
    }
    cluster.prepare_users(purpose).await?;
    tell(format_args!(
        "next: every owner starts its hubs, each with a certificate whose common name is the hub's \
         name (tansiq pool join makes what each is started with)"
    ))
}

/// Checks that a cluster is the pool's and lets a hub in, asked as the hub; writes nothing.
pub(super) async fn check_hub(
    args: &EtcdArgs,
    genesis: &Genesis,
    hub: &HubId,
) -> Result<(), Failure> {
    let (cluster, _) = Cluster::of(&args.client()?.member()).await?;
    cluster.check_may_put(hub).await?;
    let Some(found) = cluster.find(GENESIS_KEY).await? else {
        return Err(Failure::Refused(
            "etcd holds no pool: check the URLs, or prepare it (tansiq pool init etcd)".to_owned(),
        ));
    };
    check_genesis(genesis, &found)?;
    note(format_args!("etcd: this pool's; the hub may write {}", key_of(hub)));
    Ok(())
}

/// Lets a hub in.
pub(super) async fn grant(args: &EtcdArgs, hub: &HubId) -> Result<(), Failure> {
    let cluster = Cluster::open_with_users(args).await?;
    let added = cluster.add_user(hub).await?;
    let done = if added { "added" } else { "there already" };
    line(format_args!("user {hub}: {done}; it may write {} and read the pool's keys", key_of(hub)))
}

/// Shuts a hub out.
pub(super) async fn revoke(args: &EtcdArgs, hub: &HubId) -> Result<(), Failure> {
    let cluster = Cluster::open_with_users(args).await?;
    if cluster.remove_user(hub).await? {
        return line(format_args!("user {hub}: removed; what is under {} stays", key_of(hub)));
    }
    line(format_args!("user {hub}: not there"))
}

impl EtcdArgs {
    /// Returns how members are asked with a certificate.
    pub(crate) fn with_certificate(endpoints: Vec<String>, ca: PathBuf, own: Pair) -> Self {
        let (cert, key) = (Some(own.cert), Some(own.key));
        EtcdArgs { endpoints, ca: Some(ca), cert, key, no_auth: false }
    }

    /// Returns how members on this machine are asked that let everybody do everything.
    pub(crate) fn in_the_clear(endpoints: Vec<String>) -> Self {
        EtcdArgs { endpoints, ca: None, cert: None, key: None, no_auth: true }
    }

    /// Returns the client URLs of the members.
    pub(super) fn endpoints(&self) -> &[String] {
        &self.endpoints
    }

    /// Returns the files of the authority, the certificate and its key.
    pub(super) fn files(&self) -> [Option<&Path>; 3] {
        [self.ca.as_deref(), self.cert.as_deref(), self.key.as_deref()]
    }

    /// Returns a client of the members.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        Client::new(&self.config()?)
            .map_err(|error| Failure::refused("etcd cannot be reached so", &error))
    }

    fn config(&self) -> Result<Config, Failure> {
        let tls = match (&self.ca, &self.cert, &self.key) {
            (Some(ca), Some(cert), Some(key)) => Some(Tls {
                ca: files::read_pem(ca)?,
                cert: files::read_pem(cert)?,
                key: files::read_pem(key)?,
            }),
            _ => None,
        };
        if tls.is_none() {
            self.check_loopback()?;
        }
        Ok(Config { endpoints: self.endpoints.clone(), tls })
    }

    /// Refuses to speak in the clear with other machines, or without having been told so.
    fn check_loopback(&self) -> Result<(), Failure> {
        if !self.no_auth {
            return Err(Failure::Refused(
                "without certificates etcd cannot tell the hubs apart: give --ca, --cert and \
                 --key, or --no-auth for a trial on this machine"
                    .to_owned(),
            ));
        }
        match self.endpoints.iter().find(|url| !is_loopback(url)) {
            None => Ok(()),
            Some(url) => Err(Failure::Refused(format!(
                "{url} is not on this machine: --no-auth is for trials on loopback only; give \
                 --ca, --cert and --key"
            ))),
        }
    }
}

impl Cluster {
    /// Connects, and refuses members that are too old, of several clusters, or not all there.
    async fn open(args: &EtcdArgs) -> Result<Self, Failure> {
        let client = args.client()?;
        let mut seen = BTreeSet::new();
        let mut cluster: Option<Cluster> = None;
        for member in client.members() {
            let (next, member_id) = Cluster::of(member).await?;
            seen.insert(member_id);
            if let Some(first) = &cluster
                && first.id != next.id
            {
                return Err(Failure::Refused(format!(
                    "{} and {} are of two clusters; name the members of one",
                    first.member.url(),
                    member.url()
                )));
            }
            cluster.get_or_insert(next);
        }
        let cluster = cluster.expect("a client has a member");
        let members =
            cluster.member.member_list(ANSWER_MAX).await.map_err(|error| failed(&error))?;
        let missing: Vec<_> =
            members.members.iter().filter(|member| !seen.contains(&member.id)).collect();
        if let Some(missing) = missing.first() {
            return Err(Failure::Refused(format!(
                "the cluster has {} members, and member {:?} ({}) is not among those given: name \
                 every member with --etcd, so that the release of each is looked at",
                members.members.len(),
                missing.name,
                missing.client_ur_ls.join(", ")
            )));
        }
        Ok(cluster)
    }

    /// Asks a member which cluster it is of, and which member, and refuses one that is too old.
    async fn of(member: &Member) -> Result<(Self, u64), Failure> {
        let status = first_status(member).await?;
        let release = Release::parse(&status.version)
            .and_then(|release| release.check().map(|()| release))
            .map_err(|error| {
                Failure::refused(&format!("{} is no etcd for a pool", member.url()), &error)
            })?;
        let header = status.header.unwrap_or_default();
        let cluster = Cluster { member: member.clone(), id: header.cluster_id, release };
        Ok((cluster, header.member_id))
    }

    async fn open_with_users(args: &EtcdArgs) -> Result<Self, Failure> {
        if args.no_auth {
            return Err(Failure::Refused(
                "with --no-auth etcd has no users: there is nobody to let in or to shut out"
                    .to_owned(),
            ));
        }
        Self::open(args).await
    }

    /// Refuses a cluster that holds anything but this pool.
    async fn check_holds(&self, purpose: &Purpose<'_>) -> Result<Holds, Failure> {
        self.check_foreign_keys().await?;
        let opening = self.find(EPOCH_KEY).await?;
        if let Some(value) = self.find(GENESIS_KEY).await? {
            check_genesis(purpose.genesis, &value)?;
            if opening != purpose.opening.map(SignedChange::to_bytes) {
                return Err(Failure::Refused(
                    "the cluster holds this pool in another epoch: use an empty etcd".to_owned(),
                ));
            }
            return Ok(Holds::Pool);
        }
        let orphan = self.range(KEY_PREFIX, KEYS_END).await?;
        if opening.is_some() || orphan.is_some() {
            return Err(Failure::Refused(
                "the cluster holds keys of a pool and no genesis: use an empty etcd".to_owned(),
            ));
        }
        Ok(Holds::Nothing)
    }

    /// Refuses a cluster with a key that no pool has.
    async fn check_foreign_keys(&self) -> Result<(), Failure> {
        // Every key is one of these two, one of a hub, or in one of these ranges.
        let [after_epoch, after_genesis] = [EPOCH_KEY, GENESIS_KEY].map(|key| format!("{key}\0"));
        for (from, to) in [
            ("\0", EPOCH_KEY),
            (&after_epoch, GENESIS_KEY),
            (&after_genesis, KEY_PREFIX),
            (KEYS_END, "\0"),
        ] {
            if let Some((key, _)) = self.range(from, to).await? {
                return Err(Failure::Refused(format!(
                    "the cluster is not a pool's alone: it holds the key {:?}; use an empty etcd",
                    String::from_utf8_lossy(&key)
                )));
            }
        }
        Ok(())
    }

    async fn find(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        Ok(self.range(key, "").await?.map(|(_, value)| value))
    }

    /// Returns the first key from `from` on and before `to`; with an empty `to` that one key.
    async fn range(&self, from: &str, to: &str) -> Result<Option<(Vec<u8>, Vec<u8>)>, Failure> {
        let (key, range_end) = (from.to_owned().into(), to.to_owned().into());
        let request = RangeRequest { key, range_end, limit: 1, ..RangeRequest::default() };
        let found = self.member.range(request, ANSWER_MAX).await.map_err(|error| failed(&error))?;
        let first = found.kvs.into_iter().next();
        Ok(first.map(|kv| (kv.key.to_vec(), kv.value.to_vec())))
    }
}

/// Waits for a member that was perhaps just started.
async fn first_status(member: &Member) -> Result<etcd::messages::StatusResponse, Failure> {
    let started = clock::instant();
    loop {
        match member.status(ANSWER_MAX).await {
            Ok(status) => return Ok(status),
            Err(error) if !error.is_unanswered() => return Err(failed(&error)),
            Err(error) if START_MAX <= started.elapsed() => return Err(failed(&error)),
            Err(_) => tokio::time::sleep(START_STEP).await,
        }
    }
}

fn check_genesis(genesis: &Genesis, found: &[u8]) -> Result<(), Failure> {
    if found == genesis.to_bytes() {
        return Ok(());
    }
    let whose = match Genesis::from_bytes(found) {
        Ok(other) => format!(
            "the genesis of another pool, {}, fingerprint {}",
            other.founding().name,
            other.fingerprint()
        ),
        Err(_) => "something under the key `genesis` that is none".to_owned(),
    };
    Err(Failure::Refused(format!(
        "the cluster holds {whose}; this one's fingerprint is {}: use an empty etcd, or the other \
         file",
        genesis.fingerprint()
    )))
}

/// Says what to do about a call of etcd that failed.
fn failed(error: &CallError) -> Failure {
    let next = match error {
        CallError::Unanswered { .. } => {
            "; is the member running, is the URL its client URL, and do the certificates fit?"
        }
        CallError::Full { .. } => "; docs/pool.md tells how room is made",
        CallError::Refused { why, .. } if why.contains("permission denied") => {
            "; only the user root may do this: the certificate's common name must be root"
        }
        CallError::Refused { why, .. } if why.contains("user name is empty") => {
            "; etcd does not know who asks: start its members with --client-cert-auth, and give a \
             certificate with the common name root"
        }
        CallError::Refused { .. } => "",
    };
    Failure::Refused(format!("{error}{next}"))
}

/// Tells whether a URL is of this machine.
fn is_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    let Some(host) = uri.host() else {
        return false;
    };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_is_on_this_machine() {
        for url in ["http://127.0.0.1:2379", "http://127.3.2.1:1", "http://[::1]:2379"] {
            assert!(is_loopback(url), "{url}");
        }
        assert!(is_loopback("http://localhost:2379"));
        for url in ["http://10.0.0.1:2379", "http://localhost.example:1", "http://", ""] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
