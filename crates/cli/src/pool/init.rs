//! `tansiq pool init`: founds a pool.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use hub::entropy::Entropy;
use hub::replica::known_rules;
use pool::{Founding, Genesis, PoolName};

use super::card::Card;
use super::cluster::{self, EtcdArgs, Purpose};
use super::copy::Copy;
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
    #[arg(long, value_name = "FILE", required_unless_present = "data", conflicts_with = "data")]
    genesis: Option<PathBuf>,
    /// The change that opens the pool's next epoch, signed, of `tansiq pool restart`.
    #[arg(long, value_name = "FILE", requires = "data")]
    opening: Option<PathBuf>,
    /// The directory of a hub that does not run: the copy from which the pool goes on.
    #[arg(long, value_name = "DIR", requires = "opening")]
    data: Option<PathBuf>,
    #[command(flatten)]
    etcd: EtcdArgs,
}

/// Runs `tansiq pool init`.
pub(super) fn run(init: &Init) -> Result<(), Failure> {
    match init {
        Init::Genesis(new) => new_genesis(new),
        Init::Etcd(prepare) => match (&prepare.data, &prepare.opening) {
            (Some(data), Some(opening)) => prepare_next(&prepare.etcd, data, opening),
            _ => prepare_first(prepare),
        },
    }
}

fn prepare_first(prepare: &PrepareEtcd) -> Result<(), Failure> {
    let genesis = prepare.genesis.as_ref().expect("it is required where no copy is given");
    let genesis = files::read_genesis(genesis)?;
    let hubs: Vec<_> = genesis.founding().hubs.iter().map(|hub| hub.id.clone()).collect();
    let purpose =
        Purpose { genesis: &genesis, opening: None, hubs: &hubs, tell: |step| line(step) };
    cluster::run(cluster::prepare(&prepare.etcd, &purpose))
}

/// Prepares a cluster for the epoch that the quorum has opened from a copy.
fn prepare_next(etcd: &EtcdArgs, data: &Path, opening: &Path) -> Result<(), Failure> {
    let copy = Copy::read(data)?;
    let signed = files::read_change(opening)?;
    copy.pool().check_opening(&copy.head, &signed).map_err(|refusal| {
        let what = format!("{} does not open an epoch from this copy", opening.display());
        Failure::refused(&what, &refusal)
    })?;
    let hubs: Vec<_> = copy.pool().membership().hubs().iter().map(|hub| hub.id.clone()).collect();
    let purpose = Purpose {
        genesis: &copy.genesis,
        opening: Some(&signed),
        hubs: &hubs,
        tell: |step| line(step),
    };
    cluster::run(cluster::prepare(etcd, &purpose))
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
        rules: known_rules(),
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
}
