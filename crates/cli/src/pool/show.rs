//! `tansiq pool show`: says in words what a file says, before anybody signs or compares it.

use std::path::{Path, PathBuf};

use clap::Args;
use pool::{CHANGE_BYTES_MAX, GENESIS_BYTES_MAX, Genesis, SignedChange};

use super::card::Card;
use super::membership::Source;
use super::{files, words};
use crate::failure::Failure;
use crate::output::line;

/// The most that a file of any kind that is shown may have.
const FILE_BYTES_MAX: usize = {
    let most =
        if GENESIS_BYTES_MAX < CHANGE_BYTES_MAX { CHANGE_BYTES_MAX } else { GENESIS_BYTES_MAX };
    if most < files::SMALL_FILE_BYTES_MAX { files::SMALL_FILE_BYTES_MAX } else { most }
};

/// The arguments of `tansiq pool show`.
#[derive(Debug, Args)]
#[command(after_help = "\
FILE is a genesis, a change, or a card. With --card the genesis is checked: exit code 1 if it
does not name the owner or the hub with exactly the keys of the card. A change is tried where
--admin, --membership or --genesis tells who belongs to the pool: would it have an effect?

Examples:
  tansiq pool show delta.genesis --card alder.owner.toml --card alder-1.hub.toml
  tansiq pool show admit-birch-2.change --admin 127.0.0.1:8083")]
pub(super) struct Show {
    /// The file.
    file: PathBuf,
    /// A card that the genesis must agree with; may be given several times.
    #[arg(long = "card", value_name = "CARD")]
    cards: Vec<PathBuf>,
    #[command(flatten)]
    source: Source,
}

/// Runs `tansiq pool show`.
pub(super) fn run(show: &Show) -> Result<(), Failure> {
    let bytes = files::read(&show.file, FILE_BYTES_MAX)?;
    if let Ok(genesis) = Genesis::from_bytes(&bytes) {
        line(words::genesis(&genesis))?;
        for card in &show.cards {
            check_card(&genesis, card)?;
        }
        return Ok(());
    }
    if !show.cards.is_empty() {
        return Err(Failure::Check(format!("{} is no genesis of a pool", show.file.display())));
    }
    if let Ok(signed) = SignedChange::from_bytes(&bytes) {
        let membership = show.source.find()?;
        return line(words::change(&signed, membership.as_ref()));
    }
    match Card::parse(&String::from_utf8_lossy(&bytes)) {
        Ok(card) => line(card.to_text().trim_end()),
        Err(_) => Err(Failure::Refused(format!(
            "{} is no genesis, no change and no card of a pool",
            show.file.display()
        ))),
    }
}

/// Refuses a genesis that does not say of an owner or a hub what its card says.
fn check_card(genesis: &Genesis, path: &Path) -> Result<(), Failure> {
    let founding = genesis.founding();
    let (what, is_there) = match Card::read(path)? {
        Card::Owner(owner) => (format!("owner {}", owner.name), founding.owners.contains(&owner)),
        Card::Hub(hub) => (format!("hub {}", hub.id), founding.hubs.contains(&hub)),
    };
    if !is_there {
        return Err(Failure::Check(format!(
            "the genesis does not have the {what} as {} says: somebody changed one of them; do not \
             use this genesis",
            path.display()
        )));
    }
    line(format_args!("the {what} is in it as {} says", path.display()))
}
