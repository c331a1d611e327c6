//! `tansiq pool init`: founds a pool.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use hub::entropy::Entropy;
use pool::{Founding, Genesis, PoolName, Rule, Rules};

use super::card::Card;
use super::cluster::{self, EtcdArgs};
use super::{files, words};
use crate::failure::Failure;
use crate::output::line;

/// The arguments of `tansiq pool init`.
#[derive(Debug, Subcommand)]
pub(super) enum Init {
    /// Makes the genesis of a pool from the cards of its owners and its first hubs.
    #[command(after_help = "\
One owner makes it and sends the file to the others. Each of them looks at it (tansiq pool
show FILE --card ...: are our keys in it?) and all compare the fingerprint over a way on which
nobody can be in between: by telephone, face to face. From then on nothing about the pool
needs anybody's word.

Example:
  tansiq pool init genesis --name delta alder.owner.toml birch.owner.toml cedar.owner.toml \\
    alder-1.hub.toml birch-1.hub.toml cedar-1.hub.toml")]
    Genesis(NewGenesis),
    /// Prepares an empty etcd for a pool: its genesis, a user for each hub, and authentication.
    #[command(after_help = "\
Wants every member of the cluster named and running. Refuses an etcd that is too old, that
holds anything else, or another genesis. Puts the genesis under the key `genesis`; adds the
user root, and a user and a role for each hub, named as the hub, which may write its own key
and read the pool's; and has etcd tell users apart from then on. Users have no passwords:
their certificates' common names are their names. The certificate given here must be root's.
Each step is left out where it is done already, so an init that was interrupted is simply run
again.

Examples:
  tansiq pool init etcd --genesis delta.genesis \\
    --etcd https://etcd.alder.example:2379 https://etcd.birch.example:2379 \\
           https://etcd.cedar.example:2379 --ca owners.ca.pem --cert root.cert.pem --key root.key.pem
  tansiq pool init etcd --genesis delta.genesis --etcd http://127.0.0.1:2379 --no-auth")]
    Etcd(PrepareEtcd),
}

/// What a genesis is made of.
#[derive(Debug, Args)]
pub(super) struct NewGenesis {
    /// The cards of all owners and of their first hubs.
    #[arg(value_name = "CARD", required = true)]
    cards: Vec<PathBuf>,
    /// What people call the pool: a-z, 0-9, '-', '_' and '.'.
    #[arg(long, value_name = "NAME")]
    name: PoolName,
    /// How many owners must sign a change; the least that is more than half unless given.
    #[arg(long, value_name = "NUMBER")]
    quorum: Option<u8>,
    /// The file to make; NAME.genesis unless given.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Which etcd, and for which pool.
#[derive(Debug, Args)]
pub(super) struct PrepareEtcd {
    /// The genesis, whose fingerprint the owners have compared.
    #[arg(long, value_name = "FILE")]
    genesis: PathBuf,
    #[command(flatten)]
    etcd: EtcdArgs,
}

/// Runs `tansiq pool init`.
pub(super) fn run(init: &Init) -> Result<(), Failure> {
    match init {
        Init::Genesis(new) => new_genesis(new),
        Init::Etcd(prepare) => {
            let genesis = files::read_genesis(&prepare.genesis)?;
            cluster::run(cluster::prepare(&prepare.etcd, &genesis))
        }
    }
}

fn new_genesis(new: &NewGenesis) -> Result<(), Failure> {
    let out = match &new.out {
        Some(out) => out.clone(),
        None => PathBuf::from(format!("{}.genesis", new.name)),
    };
    let (mut owners, mut hubs) = (Vec::new(), Vec::new());
    for path in &new.cards {
        match Card::read(path)? {
            Card::Owner(owner) => owners.push(owner),
            Card::Hub(hub) => hubs.push(hub),
        }
    }
    let founding = Founding {
        name: new.name.clone(),
        nonce: nonce(),
        quorum: new.quorum.unwrap_or_else(|| more_than_half(owners.len())),
        owners,
        hubs,
        rules: rules(),
    };
    let genesis = Genesis::new(founding)
        .map_err(|error| Failure::refused("the pool cannot be founded with these cards", &error))?;
    files::write_new(&out, &genesis.to_bytes())?;
    line(words::genesis(&genesis))?;
    line(format_args!("written to {0}; `sha256sum {0}` gives the fingerprint too", out.display()))?;
    line(format_args!(
        "next: send the file to the other owners; each runs `tansiq pool show {} --card CARD` for \
         its own cards, and all compare the fingerprint by telephone or face to face",
        out.display()
    ))
}

/// Returns the rules that this build would have a pool begin with.
fn rules() -> Rules {
    let rules = [
        (log::Family::HUB.0, hub::replica::HUB_VERSION),
        (log::Family::AIRSPACE.0, hub::replica::AIRSPACE_VERSION),
        (pool::FAMILY, pool::VERSION),
    ];
    let rules = rules.map(|(family, version)| Rule { family, version });
    Rules::new(rules.to_vec()).expect("each family is there once")
}

fn nonce() -> [u8; 32] {
    let entropy = Entropy::system();
    let mut nonce = [0; 32];
    for half in nonce.chunks_exact_mut(16) {
        half.copy_from_slice(&entropy.bytes());
    }
    nonce
}

fn more_than_half(owners: usize) -> u8 {
    // More owners than there may be are refused with the genesis.
    u8::try_from(owners / 2 + 1).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_least_that_is_more_than_half() {
        for (owners, quorum) in [(1, 1), (2, 2), (3, 2), (4, 3), (7, 4), (64, 33)] {
            assert_eq!(more_than_half(owners), quorum, "{owners} owners");
        }
    }

    #[test]
    fn never_founds_two_pools_with_one_nonce() {
        assert_ne!(nonce(), nonce());
    }

    #[test]
    fn begins_with_rules_of_the_pool_itself() {
        assert_eq!(rules().version(pool::FAMILY), pool::VERSION);
    }
}
