//! Founds a pool whose owners are all here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use hub::config::Pool;
use hub::entropy::Entropy;
use log::pool::FoundError;
use pool::{Founding, Genesis, GenesisHub, HubId, KeyPair, Owner, OwnerName};

use super::security::Security;
use crate::clock;
use crate::failure::Failure;
use crate::keys;
use crate::pool::cluster::{self, EtcdArgs, Purpose};

/// The owners, as many as are asked for from the beginning.
pub(super) const OWNERS: [&str; 7] = ["ash", "beech", "cedar", "elm", "fir", "hazel", "larch"];

/// How long members that were just started may take to agree on the first write.
const FOUND_MAX: Duration = Duration::from_secs(30);

/// How long is waited before they are asked again.
const FOUND_STEP: Duration = Duration::from_millis(100);

/// An owner, its hub and all their keys.
pub(super) struct Owned {
    /// The owner's name.
    pub(super) name: &'static str,
    /// The hub's name.
    pub(super) hub: HubId,
    key: KeyPair,
    offline_key: KeyPair,
    hub_key: KeyPair,
}

impl Owned {
    /// Makes new keys.
    pub(super) fn new(name: &&'static str) -> Self {
        Owned {
            name,
            hub: HubId::new(&format!("{name}-1")).expect("names in the code are good"),
            key: new_key(),
            offline_key: new_key(),
            hub_key: new_key(),
        }
    }

    /// Returns the owner's name.
    pub(super) fn owner(&self) -> OwnerName {
        self.name.parse().expect("names in the code are good")
    }

    /// Returns the hub's private key as PEM.
    pub(super) fn key_pem(&self) -> String {
        keys::pem("PRIVATE KEY", &self.hub_key.to_pkcs8())
    }
}

fn new_key() -> KeyPair {
    KeyPair::from_seed(&random())
}

fn random() -> [u8; 32] {
    let entropy = Entropy::system();
    let mut bytes = [0; 32];
    for half in bytes.chunks_exact_mut(16) {
        half.copy_from_slice(&entropy.bytes());
    }
    bytes
}

/// Returns the genesis of a pool of these owners; more than half of them decide.
pub(super) fn genesis(owned: &[Owned]) -> Result<Genesis, Failure> {
    let owner = |owned: &Owned| Owner {
        name: owned.owner(),
        key: owned.key.public_key(),
        offline_key: owned.offline_key.public_key(),
    };
    let hub = |owned: &Owned| GenesisHub {
        id: owned.hub.clone(),
        owner: owned.owner(),
        key: owned.hub_key.public_key(),
    };
    let founding = Founding {
        name: "trial".parse().expect("a name"),
        nonce: random(),
        quorum: u8::try_from(owned.len() / 2 + 1).expect("there are few owners"),
        owners: owned.iter().map(owner).collect(),
        hubs: owned.iter().map(hub).collect(),
        rules: hub::replica::known_rules(),
    };
    Genesis::new(founding).map_err(|error| Failure::refused("the pool cannot be founded", &error))
}

/// Makes the members the pool's, as soon as they agree with each other; with certificates they let
/// each hub write its own key from then on.
pub(super) async fn found(
    root: &EtcdArgs,
    genesis: &Genesis,
    security: Security,
) -> Result<(), Failure> {
    let client = root.client()?;
    let began = clock::instant();
    loop {
        match log::pool::found(&client.member(), genesis, None).await {
            // The members are ours and were empty: if it is taken, an earlier try took it.
            Ok(()) | Err(FoundError::Taken) => break,
            Err(error) if FOUND_MAX <= began.elapsed() => {
                return Err(Failure::refused("the members of etcd do not come together", &error));
            }
            Err(FoundError::Call(_)) => tokio::time::sleep(FOUND_STEP).await,
        }
    }
    if security == Security::Clear {
        return Ok(());
    }
    let hubs: Vec<_> = genesis.founding().hubs.iter().map(|hub| hub.id.clone()).collect();
    let purpose = Purpose { genesis, opening: None, hubs: &hubs, tell: |_| Ok(()) };
    cluster::prepare(root, &purpose).await
}

/// Returns the revision that a member has come to.
pub(super) async fn revision(root: &EtcdArgs) -> Result<u64, Failure> {
    let status = root.client()?.member().status(FOUND_MAX).await;
    let status = status.map_err(|error| Failure::refused("etcd does not answer", &error))?;
    let revision = status.header.map_or(0, |header| header.revision);
    Ok(u64::try_from(revision).unwrap_or(0))
}

/// Returns how a hub takes part; its files and where it listens are still to be named. It asks the
/// member beside it first.
pub(super) fn settings(
    owned: &[Owned],
    number: usize,
    peers: &[String],
    mut members: Vec<String>,
) -> Pool {
    members.rotate_left(number);
    let others = owned.iter().zip(peers).enumerate().filter(|(other, _)| *other != number);
    let others: BTreeMap<_, _> =
        others.map(|(_, (owned, url))| (owned.hub.to_string(), url.clone())).collect();
    Pool {
        genesis: PathBuf::new(),
        hub: owned[number].hub.to_string(),
        key: PathBuf::new(),
        etcd: members,
        etcd_ca: None,
        etcd_cert: None,
        etcd_key: None,
        peer_listen: None,
        peer_ca: None,
        peer_cert: None,
        peer_key: None,
        peers: others,
        consistency: hub::replica::Consistency::default(),
        newcomer: hub::config::Newcomer::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn founds_pools_of_every_size_that_may_be_asked_for() {
        for count in 1..=OWNERS.len() {
            let owned: Vec<Owned> = OWNERS.iter().take(count).map(Owned::new).collect();

            let genesis = genesis(&owned).expect("it can be founded");

            let founding = genesis.founding();
            assert_eq!((founding.owners.len(), founding.hubs.len()), (count, count));
            assert!(count < 2 * usize::from(founding.quorum), "{count}");
        }
    }

    #[test]
    fn lets_each_hub_ask_its_own_member_first_and_all_other_hubs() {
        let owned: Vec<Owned> = OWNERS.iter().take(3).map(Owned::new).collect();
        let peers = ["http://p0", "http://p1", "http://p2"].map(str::to_owned);
        let members = ["http://m0", "http://m1", "http://m2"].map(str::to_owned).to_vec();

        let settings = settings(&owned, 1, &peers, members);

        assert_eq!(settings.etcd, ["http://m1", "http://m2", "http://m0"]);
        let peers: Vec<_> = settings.peers.iter().map(|(hub, url)| (&**hub, &**url)).collect();
        assert_eq!(peers, [("ash-1", "http://p0"), ("cedar-1", "http://p2")]);
    }
}
