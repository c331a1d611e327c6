//! The etcd that a pool is on: it holds the pool's genesis and the keys of its hubs, nothing else,
//! and tells its users apart by the common names of their certificates.
//!
//! What is done here keeps owners from each other's keys; it is no part of what makes a pool's log
//! true. Each step looks at what is there first, so that all of it can be done again.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use etcd::messages::compare::{CompareResult, CompareTarget, TargetUnion};
use etcd::messages::permission::Type;
use etcd::messages::request_op::Request;
use etcd::messages::{
    AuthRoleAddRequest, AuthRoleDeleteRequest, AuthRoleGetRequest, AuthRoleGrantPermissionRequest,
    AuthUserAddRequest, AuthUserDeleteRequest, AuthUserGetRequest, AuthUserGrantRoleRequest,
    Compare, Permission, PutRequest, RangeRequest, RequestOp, TxnRequest, UserAddOptions,
};
use etcd::{CallError, Client, Config, Member, Release, Tls};
use hyper::Uri;
use pool::{Genesis, HubId, KEY_PREFIX};

use super::files;
use crate::clock;
use crate::failure::Failure;
use crate::output::line;

/// The key that holds the genesis of the pool that a cluster belongs to.
pub(super) const GENESIS_KEY: &str = "genesis";

/// What follows all keys of hubs.
const KEYS_END: &str = "log0";

/// The user that may do everything, and its role.
const ROOT: &str = "root";

/// How long etcd may take for an answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// How long a member that was just started may take until it answers.
const START_MAX: Duration = Duration::from_secs(10);

/// How long is waited before a member is asked again.
const START_STEP: Duration = Duration::from_millis(200);

/// Which etcd, and who asks.
#[derive(Debug, Args)]
pub(super) struct EtcdArgs {
    /// The client URL of every member of the cluster.
    #[arg(long = "etcd", value_name = "URL", num_args = 1.., required = true)]
    endpoints: Vec<String>,
    /// The roots that the members' certificates must come from, a PEM file.
    #[arg(long, value_name = "FILE", requires_all = ["cert", "key"])]
    ca: Option<PathBuf>,
    /// A certificate with the common name root, a PEM file.
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

/// Prepares an empty cluster for a pool, or completes what was begun.
pub(super) async fn prepare(args: &EtcdArgs, genesis: &Genesis) -> Result<(), Failure> {
    let cluster = Cluster::open(args).await?;
    let (id, release) = (cluster.id, cluster.release);
    line(format_args!("etcd {release}, cluster {id:016x}, {} member(s)", args.endpoints.len()))?;
    match cluster.check_holds(genesis).await? {
        Holds::Nothing => {
            cluster.put_genesis(genesis).await?;
            line(format_args!("genesis: put, fingerprint {}", genesis.fingerprint()))?;
        }
        Holds::Pool => {
            line(format_args!("genesis: there, fingerprint {}", genesis.fingerprint()))?;
        }
    }
    if args.no_auth {
        line("users: none; everybody on this machine may do everything (--no-auth)")?;
        return line("next: start the hubs (tansiq hub --help)");
    }
    cluster.prepare_users(genesis).await?;
    line("next: every owner starts its hubs, each with a certificate that has the hub's name")
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
    if !cluster.users().await?.contains(hub.as_str()) {
        return line(format_args!("user {hub}: not there"));
    }
    let name = hub.to_string();
    let user = AuthUserDeleteRequest { name };
    cluster.member.user_delete(user, ANSWER_MAX).await.map_err(|error| failed(&error))?;
    let role = AuthRoleDeleteRequest { role: role_of(hub) };
    match cluster.member.role_delete(role, ANSWER_MAX).await {
        // An interrupted `grant` has not made it yet.
        Err(CallError::Refused { .. }) | Ok(_) => {}
        Err(error) => return Err(failed(&error)),
    }
    line(format_args!("user {hub}: removed; what is under {} stays", key_of(hub)))
}

impl EtcdArgs {
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
        let client = Client::new(&args.config()?)
            .map_err(|error| Failure::refused("etcd cannot be reached so", &error))?;
        let mut seen = BTreeSet::new();
        let mut cluster: Option<Cluster> = None;
        for member in client.members() {
            let status = first_status(member).await?;
            let release = Release::parse(&status.version).and_then(|r| r.check().map(|()| r));
            let release = release.map_err(|error| {
                Failure::refused(&format!("{} is no etcd for a pool", member.url()), &error)
            })?;
            let header = status.header.unwrap_or_default();
            seen.insert(header.member_id);
            let known = cluster.get_or_insert(Cluster {
                member: member.clone(),
                id: header.cluster_id,
                release,
            });
            if known.id != header.cluster_id {
                return Err(Failure::Refused(format!(
                    "{} and {} are of two clusters; name the members of one",
                    known.member.url(),
                    member.url()
                )));
            }
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
    async fn check_holds(&self, genesis: &Genesis) -> Result<Holds, Failure> {
        let found = self.range(GENESIS_KEY, "", 1).await?.pop();
        // Every key is in one of these ranges, the genesis, or one of a hub.
        let after_genesis = format!("{GENESIS_KEY}\0");
        for (from, to) in [("\0", GENESIS_KEY), (&after_genesis, KEY_PREFIX), (KEYS_END, "\0")] {
            if let Some((key, _)) = self.range(from, to, 1).await?.pop() {
                return Err(Failure::Refused(format!(
                    "the cluster is not a pool's alone: it holds the key {:?}; use an empty etcd",
                    String::from_utf8_lossy(&key)
                )));
            }
        }
        if let Some((_, value)) = found {
            return check_genesis(genesis, &value);
        }
        if let Some((key, _)) = self.range(KEY_PREFIX, KEYS_END, 1).await?.pop() {
            return Err(Failure::Refused(format!(
                "the cluster holds the key {:?} and no genesis: use an empty etcd",
                String::from_utf8_lossy(&key)
            )));
        }
        Ok(Holds::Nothing)
    }

    /// Returns keys from `from` on, before `to`; with an empty `to` the one key.
    async fn range(
        &self,
        from: &str,
        to: &str,
        limit: i64,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Failure> {
        let request = RangeRequest {
            key: from.to_owned().into(),
            range_end: to.to_owned().into(),
            limit,
            ..RangeRequest::default()
        };
        let found = self.member.range(request, ANSWER_MAX).await.map_err(|error| failed(&error))?;
        Ok(found.kvs.into_iter().map(|kv| (kv.key.to_vec(), kv.value.to_vec())).collect())
    }

    async fn put_genesis(&self, genesis: &Genesis) -> Result<(), Failure> {
        let never_put = Compare {
            result: CompareResult::Equal.into(),
            target: CompareTarget::Version.into(),
            key: GENESIS_KEY.into(),
            target_union: Some(TargetUnion::Version(0)),
        };
        let put = PutRequest { key: GENESIS_KEY.into(), value: genesis.to_bytes().into() };
        let request = TxnRequest {
            compare: vec![never_put],
            success: vec![RequestOp { request: Some(Request::RequestPut(put)) }],
            failure: Vec::new(),
        };
        let done = self.member.txn(request, ANSWER_MAX).await.map_err(|error| failed(&error))?;
        if !done.succeeded {
            return Err(Failure::Refused(
                "somebody else has put a genesis this very moment: run this again".to_owned(),
            ));
        }
        Ok(())
    }

    async fn prepare_users(&self, genesis: &Genesis) -> Result<(), Failure> {
        let hubs: Vec<_> = genesis.founding().hubs.iter().map(|hub| hub.id.clone()).collect();
        let auth = self.member.auth_status(ANSWER_MAX).await.map_err(|error| failed(&error))?;
        self.check_users().await?;
        if auth.enabled {
            // Since then hubs may have been removed, and are not to come back so.
            return self.tell_users(&hubs).await;
        }
        self.add_root().await?;
        for hub in &hubs {
            let done = if self.add_user(hub).await? { "added" } else { "there" };
            line(format_args!("user {hub}: {done}"))?;
        }
        self.member.auth_enable(ANSWER_MAX).await.map_err(|error| failed(&error))?;
        // From here on only root may ask this.
        self.check_users().await?;
        line("users: told apart from now on, by their certificates")
    }

    async fn tell_users(&self, hubs: &[HubId]) -> Result<(), Failure> {
        let users = self.users().await?;
        for hub in hubs.iter().filter(|hub| !users.contains(hub.as_str())) {
            line(format_args!(
                "user {hub}: not there; if the hub was not removed: tansiq pool access grant {hub}"
            ))?;
        }
        let names: Vec<_> = users.iter().map(String::as_str).collect();
        line(format_args!("users: told apart already: {}", names.join(", ")))
    }

    async fn users(&self) -> Result<BTreeSet<String>, Failure> {
        let users = self.member.user_list(ANSWER_MAX).await.map_err(|error| failed(&error))?;
        Ok(users.users.into_iter().collect())
    }

    /// Refuses users of whom a pool knows nothing, or who may do more than a hub.
    async fn check_users(&self) -> Result<(), Failure> {
        for user in self.users().await? {
            let request = AuthUserGetRequest { name: user.clone() };
            let found = self.member.user_get(request, ANSWER_MAX).await;
            let roles = found.map_err(|error| failed(&error))?.roles;
            let may_be = match HubId::new(&user) {
                _ if user == ROOT => roles.iter().all(|role| role == ROOT),
                Ok(hub) => {
                    roles.iter().all(|role| *role == role_of(&hub))
                        && (roles.is_empty() || self.is_role_of(&hub).await?)
                }
                Err(_) => false,
            };
            if !may_be {
                return Err(Failure::Refused(format!(
                    "the user {user:?} of etcd is no hub's, or may do more than a hub: remove it \
                     (etcdctl user delete), or use an empty etcd"
                )));
            }
        }
        Ok(())
    }

    /// Tells whether the role that has the name of a hub's may do nothing more.
    async fn is_role_of(&self, hub: &HubId) -> Result<bool, Failure> {
        let request = AuthRoleGetRequest { role: role_of(hub) };
        let found = self.member.role_get(request, ANSWER_MAX).await.map_err(|e| failed(&e))?;
        let allowed = permissions_of(hub);
        Ok(found.perm.iter().all(|permission| allowed.contains(permission)))
    }

    async fn add_root(&self) -> Result<(), Failure> {
        let users = self.users().await?;
        if !users.contains(ROOT) {
            self.add_user_named(ROOT).await?;
        }
        self.grant_role(ROOT, ROOT).await
    }

    /// Adds what is not there yet of a hub's user and role; tells whether the user was not.
    async fn add_user(&self, hub: &HubId) -> Result<bool, Failure> {
        let role = role_of(hub);
        let request = AuthRoleAddRequest { name: role.clone() };
        match self.member.role_add(request, ANSWER_MAX).await {
            Err(error) if !is_there_already(&error) => return Err(failed(&error)),
            Ok(_) | Err(_) => {}
        }
        for permission in permissions_of(hub) {
            let request =
                AuthRoleGrantPermissionRequest { name: role.clone(), perm: Some(permission) };
            let granted = self.member.role_grant_permission(request, ANSWER_MAX).await;
            granted.map_err(|error| failed(&error))?;
        }
        if !self.is_role_of(hub).await? {
            return Err(Failure::Refused(format!(
                "the role {role} of etcd may do more than a hub: remove it (etcdctl role delete \
                 {role}) and run this again"
            )));
        }
        let is_new = !self.users().await?.contains(hub.as_str());
        if is_new {
            self.add_user_named(hub.as_str()).await?;
        }
        self.grant_role(hub.as_str(), &role).await?;
        Ok(is_new)
    }

    async fn add_user_named(&self, name: &str) -> Result<(), Failure> {
        let request = AuthUserAddRequest {
            name: name.to_owned(),
            password: String::new(),
            options: Some(UserAddOptions { no_password: true }),
        };
        self.member.user_add(request, ANSWER_MAX).await.map_err(|error| failed(&error))?;
        Ok(())
    }

    async fn grant_role(&self, user: &str, role: &str) -> Result<(), Failure> {
        let request = AuthUserGrantRoleRequest { user: user.to_owned(), role: role.to_owned() };
        self.member.user_grant_role(request, ANSWER_MAX).await.map_err(|error| failed(&error))?;
        Ok(())
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

fn check_genesis(genesis: &Genesis, found: &[u8]) -> Result<Holds, Failure> {
    if found == genesis.to_bytes() {
        return Ok(Holds::Pool);
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

/// Returns what a hub may do: write its own key, and read the genesis and all hubs' keys.
fn permissions_of(hub: &HubId) -> [Permission; 3] {
    let permission = |kind: Type, key: String, end: &str| Permission {
        perm_type: kind.into(),
        key: key.into(),
        range_end: end.to_owned().into(),
    };
    [
        permission(Type::Write, key_of(hub), ""),
        permission(Type::Read, KEY_PREFIX.to_owned(), KEYS_END),
        permission(Type::Read, GENESIS_KEY.to_owned(), ""),
    ]
}

fn key_of(hub: &HubId) -> String {
    format!("{KEY_PREFIX}{hub}")
}

fn role_of(hub: &HubId) -> String {
    format!("hub-{hub}")
}

fn is_there_already(error: &CallError) -> bool {
    matches!(error, CallError::Refused { why, .. } if why.contains("already exists"))
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

    #[test]
    fn lets_a_hub_write_its_own_key_only() {
        let hub = HubId::new("alder-1").expect("a name");

        let permissions = permissions_of(&hub);
        let mut writing =
            permissions.iter().filter(|permission| permission.perm_type != i32::from(Type::Read));

        let own = writing.next().expect("it writes");
        assert_eq!((&own.key[..], &own.range_end[..]), (&b"log/alder-1"[..], &b""[..]));
        assert_eq!(writing.next(), None);
    }
}
