//! `tansiq pool join`: makes what a hub of a pool is started with, after checking all of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use hub::config::{Newcomer, Pool};
use pool::{Genesis, HubId, PoolId};
use serde::Serialize;

use super::cluster::{self, EtcdArgs};
use super::files;
use crate::failure::Failure;
use crate::output::{line, note};

/// The arguments of `tansiq pool join`.
#[derive(Debug, Args)]
#[command(after_help = "\
Checks that the genesis is the one whose fingerprint the owners have told you, that the key is
the hub's, and that etcd holds this pool and lets this hub write its own key and no other.
Then prints the table [pool] for the hub's configuration file; what was checked goes to
standard error. Nothing is written anywhere.

With --head the hub refuses a log that does not hold this head, whoever signed it. Hubs that were
removed since, or whoever has their keys, can show a newcomer a log of their own from that day on:
ask several owners for a head, as for the fingerprint.

Example:
  tansiq pool join alder-1 --genesis delta.genesis --expect \"c06c a868 ... b120\" \\
    --hub-key alder-1.key.pem --etcd https://etcd.alder.example:2379 ... --ca owners.ca.pem \\
    --cert alder-1.cert.pem --key alder-1.cert.key.pem --peer-listen 0.0.0.0:8084 \\
    --peer birch-1=https://hub.birch.example:8084 --head 120345:5443bd..92b3 >> hub.toml
  tansiq hub --config hub.toml")]
pub(super) struct Join {
    /// The hub's name.
    id: HubId,
    /// The genesis.
    #[arg(long, value_name = "FILE")]
    genesis: PathBuf,
    /// The fingerprint, as the owners have told it.
    #[arg(long, value_name = "FINGERPRINT")]
    expect: PoolId,
    /// The hub's private key, of `tansiq pool keys hub`.
    #[arg(long, value_name = "FILE")]
    hub_key: PathBuf,
    #[command(flatten)]
    etcd: EtcdArgs,
    /// Where the other hubs of the pool may ask this one, with certificates as for etcd.
    #[arg(long, value_name = "ADDR")]
    peer_listen: Option<SocketAddr>,
    /// Where another hub is asked; may be given several times.
    #[arg(long = "peer", value_name = "HUB=URL", value_parser = parse_peer)]
    peers: Vec<(HubId, String)>,
    /// A recent head of the pool's log, as the owners have told it (`tansiq log head DIR` at each).
    #[arg(long, value_name = "POSITION:CHAIN", value_parser = parse_head)]
    head: Option<String>,
}

/// What is printed: a part of a hub's configuration.
#[derive(Serialize)]
struct Printed {
    pool: Pool,
}

/// Runs `tansiq pool join`.
pub(super) fn run(join: &Join) -> Result<(), Failure> {
    let genesis = files::read_genesis(&join.genesis)?;
    check_genesis(&genesis, join.expect)?;
    join.check_key(&genesis)?;
    cluster::run(cluster::check_hub(&join.etcd, &genesis, &join.id))?;
    let printed = Printed { pool: join.settings()? };
    line(toml::to_string(&printed).expect("paths that came in as text go out as text").trim_end())
}

fn check_genesis(genesis: &Genesis, expected: PoolId) -> Result<(), Failure> {
    let fingerprint = genesis.fingerprint();
    if fingerprint != expected {
        return Err(Failure::Check(format!(
            "the genesis is not the one that was told: its fingerprint is {fingerprint}; ask the \
             owners for the right file"
        )));
    }
    note(format_args!("genesis: {}, {fingerprint}", genesis.founding().name));
    Ok(())
}

impl Join {
    fn check_key(&self, genesis: &Genesis) -> Result<(), Failure> {
        let key = files::read_key(&self.hub_key)?.public_key();
        let hubs = &genesis.founding().hubs;
        match hubs.iter().find(|hub| hub.id == self.id) {
            Some(hub) if hub.key == key => note("key: the hub's in the genesis"),
            Some(hub) => note(format_args!(
                "key: not the hub's in the genesis, {}; right only if it was replaced since by {key}",
                hub.key
            )),
            None => note(format_args!(
                "key: the genesis does not name the hub; the owners must have admitted it with {key}"
            )),
        }
        Ok(())
    }

    fn settings(&self) -> Result<Pool, Failure> {
        let [ca, cert, key] = self.etcd.files();
        let [ca, cert, key] = [absolute_of(ca)?, absolute_of(cert)?, absolute_of(key)?];
        let with_peers = self.peer_listen.is_some() || !self.peers.is_empty();
        let for_peers = |file: &Option<PathBuf>| file.clone().filter(|_| with_peers);
        let peers: BTreeMap<_, _> =
            self.peers.iter().map(|(hub, url)| (hub.to_string(), url.clone())).collect();
        Ok(Pool {
            genesis: absolute(&self.genesis)?,
            hub: self.id.to_string(),
            key: absolute(&self.hub_key)?,
            etcd: self.etcd.endpoints().to_vec(),
            peer_listen: self.peer_listen,
            peer_ca: for_peers(&ca),
            peer_cert: for_peers(&cert),
            peer_key: for_peers(&key),
            etcd_ca: ca,
            etcd_cert: cert,
            etcd_key: key,
            peers,
            consistency: hub::replica::Consistency::default(),
            newcomer: Newcomer { head: self.head.clone(), ..Newcomer::default() },
        })
    }
}

fn parse_head(text: &str) -> Result<String, String> {
    crate::log::parse_head(text).map(|_| text.to_owned())
}

fn absolute_of(path: Option<&Path>) -> Result<Option<PathBuf>, Failure> {
    path.map(absolute).transpose()
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|error| Failure::refused(&format!("{} is no path", path.display()), &error))
}

fn parse_peer(text: &str) -> Result<(HubId, String), String> {
    let (hub, url) = text.split_once('=').ok_or("it is not HUB=URL")?;
    let hub = HubId::new(hub).map_err(|error| error.to_string())?;
    Ok((hub, url.to_owned()))
}
