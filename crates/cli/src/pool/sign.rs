//! `tansiq pool sign`: adds an owner's signature to a change.

use std::path::{Path, PathBuf};

use clap::Args;
use pool::{Action, KeyPair, OwnerKey, SignedChange};

use super::card::Card;
use super::{files, words};
use crate::failure::Failure;
use crate::output::line;

/// The arguments of `tansiq pool sign`.
#[derive(Debug, Args)]
#[command(after_help = "\
Look first at what you sign: tansiq pool show FILE. The signature goes into the file itself;
send it on to the next owner, until as many as the quorum have signed. What decides who the
owners are (admit and remove an owner, replace an owner's keys, the quorum) is signed with the
offline key: carry the file to where it is kept.

Example:
  tansiq pool sign admit-birch-2.change --key alder.key.pem --card alder.owner.toml")]
pub(super) struct Sign {
    /// The change.
    file: PathBuf,
    /// The owner's key, or its offline key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The owner's card, which says whose key it is.
    #[arg(long, value_name = "CARD")]
    card: PathBuf,
}

/// Who signs a change that is being made.
#[derive(Debug, Args)]
pub(super) struct Signer {
    /// The owner's key, to sign the change at once.
    #[arg(long, value_name = "FILE", requires = "card")]
    key: Option<PathBuf>,
    /// The owner's card, which says whose key it is.
    #[arg(long, value_name = "CARD", requires = "key")]
    card: Option<PathBuf>,
}

impl Signer {
    /// Signs a change, if a key was given.
    pub(super) fn sign(&self, signed: &mut SignedChange) -> Result<(), Failure> {
        match (&self.key, &self.card) {
            (Some(key), Some(card)) => sign(signed, key, card),
            _ => Ok(()),
        }
    }
}

/// Runs `tansiq pool sign`.
pub(super) fn run(arguments: &Sign) -> Result<(), Failure> {
    let mut signed = files::read_change(&arguments.file)?;
    sign(&mut signed, &arguments.key, &arguments.card)?;
    files::replace(&arguments.file, &signed.to_bytes())?;
    line(words::change(&signed, None))?;
    line(format_args!("the signature is in {}", arguments.file.display()))?;
    next(&arguments.file, &signed)
}

/// Tells what becomes of a change in a file.
pub(super) fn next(file: &Path, signed: &SignedChange) -> Result<(), Failure> {
    if matches!(signed.change.action, Action::ReplaceHubKey { .. }) {
        return line(format_args!(
            "next: the hub's owner alone decides this: hand it to any hub (tansiq pool submit {} \
             --admin HOST:PORT); yours ends when it takes effect, and is started again with the \
             new key",
            file.display()
        ));
    }
    if words::is_for_all_hubs(&signed.change.action) {
        return line(format_args!(
            "next: when every hub runs a release that knows the version, hand it to any hub (tansiq \
             pool submit {} --admin HOST:PORT); no signature is needed then",
            file.display()
        ));
    }
    let offline = signed.change.action.needs_offline_keys();
    let key = if offline { "OWNER.offline.key.pem" } else { "OWNER.key.pem" };
    let file = file.display();
    line(format_args!(
        "next: until as many owners as the quorum have signed, the others look at it (tansiq pool \
         show {file}) and sign it (tansiq pool sign {file} --key {key} --card OWNER.owner.toml)"
    ))
}

fn sign(signed: &mut SignedChange, key: &Path, card: &Path) -> Result<(), Failure> {
    let owner = Card::read_owner(card)?;
    let pair = files::read_key(key)?;
    let with = which(&owner, &pair).ok_or_else(|| {
        Failure::Refused(format!(
            "{} is no key of {}: {} names other public keys",
            key.display(),
            owner.name,
            card.display()
        ))
    })?;
    if with == OwnerKey::Online && signed.change.action.needs_offline_keys() {
        return Err(Failure::Refused(format!(
            "this change decides who the owners are: sign it with the offline key of {}",
            owner.name
        )));
    }
    signed
        .sign(&owner.name, with, &pair)
        .map_err(|error| Failure::refused("the change cannot be signed", &error))
}

fn which(owner: &pool::Owner, pair: &KeyPair) -> Option<OwnerKey> {
    let key = pair.public_key();
    if key == owner.key {
        return Some(OwnerKey::Online);
    }
    (key == owner.offline_key).then_some(OwnerKey::Offline)
}
