//! Whether the members and hubs of a pool know each other by certificates, and those certificates.
//!
//! With them it is what `docs/pool.md` tells: each owner has an authority of its own, which signs for
//! its hub and its member; etcd knows hubs by their names and lets each write its own key.

use std::path::{Path, PathBuf};

use etcd::server::ServerTls;

use super::founding::Owned;
use crate::failure::Failure;
use crate::keys;
use crate::pool::certs::{self, Pair};
use crate::pool::cluster::EtcdArgs;

/// What etcd calls whoever prepares it.
const ROOT: &str = "root";

/// Flags of etcd that go with certificates: what is asked over its gateway is asked in the name of
/// the gateway.
const FLAGS: [&str; 1] = ["--enable-grpc-gateway=false"];

/// How the members and hubs of a pool know each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    /// Not at all: everything is in the clear.
    Clear,
    /// By certificates.
    Certificates,
}

/// The certificates of a pool, if it has any.
pub(super) struct Certificates(Option<Files>);

struct Files {
    /// The authorities of all owners.
    ca: PathBuf,
    /// Of hubs and of members, each in the order of their owners.
    hubs: Vec<Pair>,
    members: Vec<Pair>,
    /// Of whoever prepares etcd; the first owner's authority signs it.
    root: Pair,
}

impl Certificates {
    /// Makes what is needed, in a directory.
    pub(super) fn make(security: Security, dir: &Path, owned: &[Owned]) -> Result<Self, Failure> {
        if security == Security::Clear {
            return Ok(Certificates(None));
        }
        let (mut authorities, mut hubs, mut members, mut root) =
            (Vec::new(), Vec::new(), Vec::new(), None);
        for (number, owned) in owned.iter().enumerate() {
            let owner = owned.owner();
            let member = format!("member-{owner}");
            let names = [owned.hub.as_str(), &member, ROOT];
            let names = if number == 0 { &names[..] } else { &names[..2] };
            let mut made = certs::make(&owner, names, dir)?.into_iter();
            hubs.extend(made.next());
            members.extend(made.next());
            root = root.or(made.next());
            let authority = certs::authority_in(dir, &owner);
            authorities.extend(std::fs::read(&authority).map_err(|error| {
                Failure::refused(&format!("cannot read {}", authority.display()), &error)
            })?);
        }
        let ca = dir.join("owners.ca.pem");
        keys::write_new_file(&ca, &authorities, 0o644)?;
        let root = root.expect("a pool has a first owner");
        Ok(Certificates(Some(Files { ca, hubs, members, root })))
    }

    /// Returns what URLs of members and of hubs begin with.
    pub(super) const fn scheme(&self) -> &'static str {
        if self.0.is_some() { "https" } else { "http" }
    }

    /// Returns what each member is started with, and more flags for all.
    pub(super) fn of_members(&self) -> (Vec<ServerTls>, Vec<String>) {
        let Some(Files { ca, members, .. }) = &self.0 else {
            return (Vec::new(), Vec::new());
        };
        let tls = members.iter().map(|Pair { cert, key }| ServerTls {
            ca: ca.clone(),
            cert: cert.clone(),
            key: key.clone(),
        });
        (tls.collect(), FLAGS.map(str::to_owned).to_vec())
    }

    /// Adds to how a hub takes part what it shows members and other hubs.
    pub(super) fn add_to(&self, number: usize, pool: &mut hub::config::Pool) {
        let Some(Files { ca, hubs, .. }) = &self.0 else { return };
        let Pair { cert, key } = &hubs[number];
        (pool.etcd_ca, pool.peer_ca) = (Some(ca.clone()), Some(ca.clone()));
        (pool.etcd_cert, pool.peer_cert) = (Some(cert.clone()), Some(cert.clone()));
        (pool.etcd_key, pool.peer_key) = (Some(key.clone()), Some(key.clone()));
    }

    /// Returns how members are asked by whoever may do everything there.
    pub(super) fn root_of(&self, urls: Vec<String>) -> EtcdArgs {
        match &self.0 {
            None => EtcdArgs::in_the_clear(urls),
            Some(Files { ca, root, .. }) => {
                EtcdArgs::with_certificate(urls, ca.clone(), root.clone())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local_pool::founding::OWNERS;

    fn owned() -> Vec<Owned> {
        OWNERS.iter().take(3).map(Owned::new).collect()
    }

    #[test]
    fn lets_every_owner_sign_for_its_own_hub_and_member() {
        let dir = tempfile::tempdir().expect("a directory");

        let made = Certificates::make(Security::Certificates, dir.path(), &owned()).expect("made");

        let (members, _) = made.of_members();
        let mut certificates: Vec<_> = members.iter().map(|member| &member.cert).collect();
        certificates.dedup();
        assert_eq!((certificates.len(), made.scheme()), (3, "https"));
        let all = std::fs::read_to_string(dir.path().join("owners.ca.pem")).expect("written");
        assert_eq!(all.matches("BEGIN CERTIFICATE").count(), 3);
    }

    #[test]
    fn makes_nothing_for_a_pool_in_the_clear() {
        let dir = tempfile::tempdir().expect("a directory");

        let made = Certificates::make(Security::Clear, dir.path(), &owned()).expect("nothing");

        assert!(made.of_members().0.is_empty());
        assert_eq!(made.scheme(), "http");
        assert_eq!(std::fs::read_dir(dir.path()).expect("readable").count(), 0);
    }
}
