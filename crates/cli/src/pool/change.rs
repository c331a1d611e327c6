//! `tansiq pool admit`, `remove` and so on: makes changes, for owners to sign.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use pool::{
    Action, Change, GenesisHub, HubId, KeyPair, Membership, OwnerName, PartyName, Refusal, Rule,
    SignedChange,
};

use super::card::Card;
use super::membership::Source;
use super::sign::{self, Signer};
use super::{files, words};
use crate::failure::Failure;
use crate::output::line;

/// What every command that makes a change is told.
#[derive(Debug, Args)]
pub(super) struct Make {
    #[command(flatten)]
    source: Source,
    /// The file to make; named after what the change does unless given.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    signer: Signer,
}

/// The arguments of `tansiq pool admit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tansiq pool admit birch-2.hub.toml --admin 127.0.0.1:8083 \\
    --key alder.key.pem --card alder.owner.toml
  tansiq pool admit fir.owner.toml --quorum 3 --admin 127.0.0.1:8083 \\
    --key alder.offline.key.pem --card alder.owner.toml")]
pub(super) struct Admit {
    /// The card of the hub or of the owner.
    admitted: PathBuf,
    /// How many owners must sign from then on, where an owner is admitted.
    #[arg(long, value_name = "NUMBER")]
    quorum: Option<u8>,
    #[command(flatten)]
    make: Make,
}

/// The arguments of `tansiq pool remove`.
#[derive(Debug, Subcommand)]
pub(super) enum Remove {
    /// Removes a hub: what it puts afterwards has no effect.
    #[command(after_help = "\
Shut it out of etcd afterwards: tansiq pool access revoke. A party that was bound to this hub
only can use none until it is bound to another, or unbound.")]
    Hub {
        /// Which.
        id: HubId,
        #[command(flatten)]
        make: Make,
    },
    /// Removes an owner and all its hubs; only offline keys count.
    Owner {
        /// Who.
        name: OwnerName,
        /// How many owners must sign from then on.
        #[arg(long, value_name = "NUMBER")]
        quorum: u8,
        #[command(flatten)]
        make: Make,
    },
}

/// The arguments of `tansiq pool readmit`.
#[derive(Debug, Args)]
#[command(after_help = "\
A hub is set aside by anything under its key in etcd that is not its next signed batch. Find
out first how that came about (its key stolen? somebody else's hand in etcd?). What it put
before has no effect on the pool any more, and its stamps are forgotten.")]
pub(super) struct Readmit {
    /// Which hub.
    id: HubId,
    #[command(flatten)]
    make: Make,
}

/// The arguments of `tansiq pool replace-key`.
#[derive(Debug, Subcommand)]
pub(super) enum ReplaceKey {
    /// Gives a hub another key; its owner decides that alone.
    #[command(after_help = "\
Make the new key first (tansiq pool keys hub ID --owner NAME --out DIR). The new key signs
too, so that nobody takes another's key into use. When the change takes effect the hub ends,
and is started again with the new key. Where the old key is lost, start the hub with the new
one first and hand the change to it: it puts nothing else until then.

Example:
  tansiq pool replace-key hub alder-1 --new new/alder-1.key.pem --admin 127.0.0.1:8083 \\
    --key alder.key.pem --card alder.owner.toml")]
    Hub {
        /// Which.
        id: HubId,
        /// The new private key.
        #[arg(long, value_name = "FILE")]
        new: PathBuf,
        #[command(flatten)]
        make: Make,
    },
    /// Gives an owner other keys; the quorum decides, and only offline keys count.
    #[command(after_help = "\
For an owner that has lost a key, or whose key was stolen: it makes new ones (tansiq pool keys
owner NAME --out DIR) and gives the others its new card, face to face. To keep one of the two
keys, copy its line from the old card.")]
    Owner {
        /// The owner's new card.
        new: PathBuf,
        #[command(flatten)]
        make: Make,
    },
}

/// The arguments of `tansiq pool bind`.
#[derive(Debug, Args)]
#[command(after_help = "\
A command in the party's name has no effect then when another hub put it: a hub's owner that
has the party's tokens, or makes them, cannot use them elsewhere. Parties that are not bound
use every hub.

Example:
  tansiq pool bind rescue-1 alder-1 alder-2 --admin 127.0.0.1:8083 \\
    --key alder.key.pem --card alder.owner.toml")]
pub(super) struct Bind {
    /// The party: `sub` of its tokens.
    party: PartyName,
    /// The hubs that it may use.
    #[arg(required = true)]
    hubs: Vec<HubId>,
    #[command(flatten)]
    make: Make,
}

/// The arguments of `tansiq pool unbind`.
#[derive(Debug, Args)]
pub(super) struct Unbind {
    /// The party: `sub` of its tokens.
    party: PartyName,
    #[command(flatten)]
    make: Make,
}

/// The arguments of `tansiq pool quorum`.
#[derive(Debug, Args)]
#[command(after_help = "Must be more than half of the owners. Only offline keys count.")]
pub(super) struct Quorum {
    /// How many owners must sign from then on.
    quorum: u8,
    #[command(flatten)]
    make: Make,
}

/// The arguments of `tansiq pool activate`.
#[derive(Debug, Args)]
#[command(after_help = "\
When every admitted hub runs a release that knows the version, no signature is needed.
Otherwise the quorum may decide, naming every hub that does not: those stop until they are
upgraded.")]
pub(super) struct Activate {
    /// The family of rules.
    family: u8,
    /// Its next version.
    version: u16,
    /// The hubs that do not know the version and will stop.
    #[arg(long, value_name = "HUB", num_args = 1..)]
    left_behind: Vec<HubId>,
    #[command(flatten)]
    make: Make,
}

/// Runs `tansiq pool admit`.
pub(super) fn admit(admit: &Admit) -> Result<(), Failure> {
    match (Card::read(&admit.admitted)?, admit.quorum) {
        (Card::Hub(GenesisHub { id, owner, key }), None) => {
            let name = format!("admit-{id}");
            admit.make.make(&name, Action::AdmitHub { id, owner, key })
        }
        (Card::Owner(owner), Some(quorum)) => {
            let name = format!("admit-{}", owner.name);
            admit.make.make(&name, Action::AdmitOwner { owner, quorum })
        }
        (Card::Hub(_), Some(_)) => Err(Failure::Refused(
            "a hub does not change the quorum: leave --quorum out (tansiq pool quorum changes it)"
                .to_owned(),
        )),
        (Card::Owner(_), None) => Err(Failure::Refused(
            "an owner more: say with --quorum how many must sign from then on".to_owned(),
        )),
    }
}

/// Runs `tansiq pool remove`.
pub(super) fn remove(remove: Remove) -> Result<(), Failure> {
    match remove {
        Remove::Hub { id, make } => make.make(&format!("remove-{id}"), Action::RemoveHub { id }),
        Remove::Owner { name, quorum, make } => {
            make.make(&format!("remove-{name}"), Action::RemoveOwner { name, quorum })
        }
    }
}

/// Runs `tansiq pool readmit`.
pub(super) fn readmit(readmit: Readmit) -> Result<(), Failure> {
    let Readmit { id, make } = readmit;
    make.make(&format!("readmit-{id}"), Action::Readmit { id })
}

/// Runs `tansiq pool replace-key`.
pub(super) fn replace_key(replace: ReplaceKey) -> Result<(), Failure> {
    match replace {
        ReplaceKey::Hub { id, new, make } => {
            let new = files::read_key(&new)?;
            let name = format!("replace-key-{id}");
            make.make_with(&name, Action::ReplaceHubKey { id, key: new.public_key() }, Some(&new))
        }
        ReplaceKey::Owner { new, make } => {
            let owner = Card::read_owner(&new)?;
            let name = format!("replace-key-{}", owner.name);
            make.make(&name, Action::ReplaceOwnerKeys { owner })
        }
    }
}

/// Runs `tansiq pool bind`.
pub(super) fn bind(bind: Bind) -> Result<(), Failure> {
    let Bind { party, hubs, make } = bind;
    make.make("bind", Action::Bind { party, hubs: ascending(hubs) })
}

/// Runs `tansiq pool unbind`.
pub(super) fn unbind(unbind: Unbind) -> Result<(), Failure> {
    let Unbind { party, make } = unbind;
    make.make("unbind", Action::Unbind { party })
}

/// Runs `tansiq pool quorum`.
pub(super) fn quorum(quorum: &Quorum) -> Result<(), Failure> {
    quorum.make.make("quorum", Action::SetQuorum { quorum: quorum.quorum })
}

/// Runs `tansiq pool activate`.
pub(super) fn activate(activate: Activate) -> Result<(), Failure> {
    let Activate { family, version, left_behind, make } = activate;
    let rule = Rule { family, version };
    let name = format!("activate-{family}-{version}");
    make.make(&name, Action::ActivateRules { rule, left_behind: ascending(left_behind) })
}

impl Make {
    fn make(&self, name: &str, action: Action) -> Result<(), Failure> {
        self.make_with(name, action, None)
    }

    /// Makes a change, which the new key of a hub signs too, and writes it to a file.
    fn make_with(
        &self,
        name: &str,
        action: Action,
        new_key: Option<&KeyPair>,
    ) -> Result<(), Failure> {
        let out = match &self.out {
            Some(out) => out.clone(),
            None => Path::new(name).with_added_extension("change"),
        };
        files::refuse_existing(&[&out])?;
        let membership = self.source.load()?;
        let change = change_after(&membership, action).map_err(|refusal| refused(&refusal))?;
        membership.rehearse(&change).map_err(|refusal| refused(&refusal))?;
        let mut signed = SignedChange::unsigned(change);
        if let Some(key) = new_key {
            signed.sign_with_new_key(key);
        }
        self.signer.sign(&mut signed)?;
        files::write_new(&out, &signed.to_bytes())?;
        line(words::change(&signed, Some(&membership)))?;
        line(format_args!("written to {}", out.display()))?;
        sign::next(&out, &signed)
    }
}

/// Returns a change that comes after what was decided last.
fn change_after(membership: &Membership, action: Action) -> Result<Change, Refusal> {
    let before = match &action {
        Action::ReplaceHubKey { id, .. } => {
            membership.hub_hash(id).ok_or_else(|| Refusal::UnknownHub(id.clone()))?
        }
        _ => membership.hash(),
    };
    Ok(Change { pool: membership.pool(), epoch: membership.epoch(), before, action })
}

fn refused(refusal: &Refusal) -> Failure {
    Failure::refused("the change would have no effect", refusal)
}

fn ascending(mut hubs: Vec<HubId>) -> Vec<HubId> {
    hubs.sort_unstable();
    hubs.dedup();
    hubs
}
