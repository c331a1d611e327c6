//! `tansiq pool keys`: the keys that owners and hubs sign with.

use std::path::{Path, PathBuf};

use aws_lc_rs::signature::Ed25519KeyPair;
use clap::{Args, Subcommand};
use pool::{GenesisHub, HubId, KeyPair, Owner, OwnerName};

use super::card::Card;
use super::files;
use crate::failure::Failure;
use crate::keys;
use crate::output::line;

/// The arguments of `tansiq pool keys`.
#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Makes an owner's two keys and its card.
    #[command(after_help = "\
An owner signs with two keys. The one in NAME.key.pem is for daily business: hubs, bindings,
rules. The one in NAME.offline.key.pem decides who the owners are, and replaces a lost or
stolen key of another owner: keep it away from every network, and a copy of it elsewhere. Both
are Ed25519, PKCS#8 in PEM, mode 0600. Nothing is overwritten.

Example:
  tansiq pool keys owner alder")]
    Owner(NewOwner),
    /// Makes a hub's key and its card.
    #[command(after_help = "\
The hub signs everything that it puts into the pool's log with this key. It stays on the hub's
machine; should it be lost or stolen its owner replaces it alone (tansiq pool replace-key
hub). A hub is named once: its key in etcd and the common name of its certificate are the same
name.

Example:
  tansiq pool keys hub alder-1 --owner alder")]
    Hub(NewHub),
}

/// Which owner.
#[derive(Debug, Args)]
pub(super) struct NewOwner {
    /// The owner's name: a-z, 0-9, '-', '_' and '.'.
    name: OwnerName,
    /// The directory to write to.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

/// Which hub.
#[derive(Debug, Args)]
pub(super) struct NewHub {
    /// The hub's name: a-z, 0-9, '-', '_' and '.'.
    id: HubId,
    /// The name of the hub's owner.
    #[arg(long, value_name = "NAME")]
    owner: OwnerName,
    /// The directory to write to.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

/// Runs `tansiq pool keys`.
pub(super) fn run(keys: &Keys) -> Result<(), Failure> {
    match keys {
        Keys::Owner(owner) => new_owner(owner),
        Keys::Hub(hub) => new_hub(hub),
    }
}

fn new_owner(new: &NewOwner) -> Result<(), Failure> {
    let file = |ending| files::in_dir(&new.out, new.name.as_str(), ending);
    let (online, offline) = (file(".key.pem"), file(".offline.key.pem"));
    let card = file(".owner.toml");
    files::refuse_existing(&[&online, &offline, &card])?;
    let (key, offline_key) = (generate(), generate());
    write_key(&online, &key)?;
    write_key(&offline, &offline_key)?;
    let owner = Owner {
        name: new.name.clone(),
        key: key.public_key(),
        offline_key: offline_key.public_key(),
    };
    files::write_new(&card, Card::Owner(owner).to_text().as_bytes())?;
    line(format_args!("private key:         {}", online.display()))?;
    line(format_args!("offline private key: {}", offline.display()))?;
    line(format_args!("public card:         {}", card.display()))?;
    line(format_args!(
        "next: move the offline key to a medium that is on no network; a key for each hub (tansiq \
         pool keys hub ID --owner {}); the public cards go to whoever makes the genesis",
        new.name
    ))
}

fn new_hub(new: &NewHub) -> Result<(), Failure> {
    let file = |ending| files::in_dir(&new.out, new.id.as_str(), ending);
    let (private, card) = (file(".key.pem"), file(".hub.toml"));
    files::refuse_existing(&[&private, &card])?;
    let key = generate();
    write_key(&private, &key)?;
    let hub = GenesisHub { id: new.id.clone(), owner: new.owner.clone(), key: key.public_key() };
    files::write_new(&card, Card::Hub(hub).to_text().as_bytes())?;
    line(format_args!("private key: {}", private.display()))?;
    line(format_args!("public card: {}", card.display()))?;
    line(
        "next: the card goes to whoever makes the genesis (tansiq pool init genesis), or into a \
         change that admits the hub (tansiq pool admit)",
    )
}

fn write_key(path: &Path, key: &KeyPair) -> Result<(), Failure> {
    keys::write_private(path, &files::key_to_pem(key))
}

fn generate() -> KeyPair {
    let key = Ed25519KeyPair::generate().expect("the system has random bytes");
    let document = key.to_pkcs8v1().expect("a key has a PKCS#8 form");
    KeyPair::from_pkcs8(document.as_ref()).expect("it was just written")
}
