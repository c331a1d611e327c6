//! `tansiq pool`: founds a pool of hubs of several owners, changes it, and looks at it.
//!
//! What owners decide travels between them as small files: public cards, the genesis, changes with
//! signatures. Nothing here decides who may do what; the rules are in `pool`, and every hub follows
//! them by itself.

mod access;
mod admin;
mod card;
pub(crate) mod certs;
mod change;
pub(crate) mod cluster;
mod copy;
mod evidence;
mod files;
mod init;
mod join;
mod keys;
mod membership;
mod restart;
mod show;
mod sign;
mod status;
mod submit;
mod table;
mod words;

use clap::{Args, Subcommand};

pub(crate) use self::words::versions;
use crate::failure::Failure;

/// The arguments of `tansiq pool`.
#[derive(Debug, Args)]
#[command(after_help = "\
How a pool begins (docs/pool.md has the whole of it):
  1. each owner:  tansiq pool keys owner alder
                  tansiq pool keys hub alder-1 --owner alder
  2. one owner:   tansiq pool init genesis --name delta *.owner.toml *.hub.toml
  3. each owner:  tansiq pool show delta.genesis --card alder.owner.toml --card alder-1.hub.toml
                  and compares the fingerprint with the others, by telephone or face to face
  4. one owner:   tansiq pool init etcd --genesis delta.genesis --etcd https://...
  5. each owner:  tansiq pool join alder-1 --genesis delta.genesis ... >> hub.toml
                  tansiq hub --config hub.toml

How it changes: one owner makes a change (admit, remove, ...), a file that the others look at
(show) and sign (sign), until as many as the quorum have signed; then any hub takes it
(submit).")]
pub(crate) struct Pool {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes the keys of an owner or of a hub, and the public card for the other owners.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Makes a pool's genesis from the owners' cards; prepares an empty etcd for it.
    #[command(subcommand)]
    Init(init::Init),
    /// Checks everything that a hub is to be started with, and makes its configuration.
    Join(join::Join),
    /// Tells in words what a genesis, a change or a card says: look before you sign.
    Show(show::Show),
    /// Makes the change that admits a hub or an owner.
    Admit(change::Admit),
    /// Makes the change that removes a hub or an owner.
    #[command(subcommand)]
    Remove(change::Remove),
    /// Makes the change that lets a hub begin anew that was set aside.
    Readmit(change::Readmit),
    /// Makes the change that gives a hub or an owner other keys.
    #[command(subcommand)]
    ReplaceKey(change::ReplaceKey),
    /// Makes the change that lets a party use some hubs only.
    Bind(change::Bind),
    /// Makes the change that lets a party use every hub again.
    Unbind(change::Unbind),
    /// Makes the change of how many owners must sign.
    Quorum(change::Quorum),
    /// Makes the change that activates the next version of a family's rules.
    Activate(change::Activate),
    /// Adds an owner's signature to a change.
    Sign(sign::Sign),
    /// Hands a signed change to a hub, which puts it into the pool's log.
    Submit(submit::Submit),
    /// Tells who belongs to a pool now.
    Membership(membership::Show),
    /// Tells how a pool does: hubs, stamps, lag, hashes, members of etcd and their space.
    Status(status::Status),
    /// Tells what a hub has found wrong in its pool.
    Evidence(evidence::Evidence),
    /// Lets a hub that was admitted into etcd, or shuts out one that was removed.
    #[command(subcommand)]
    Access(access::Access),
    /// Makes the change that goes on with the pool on an empty etcd, when its own is lost.
    Restart(restart::Restart),
    /// Makes a small certificate authority and certificates of it, for trying a pool out.
    Certs(certs::Certs),
}

/// Runs `tansiq pool`.
pub(crate) fn run(pool: Pool) -> Result<(), Failure> {
    match pool.command {
        Command::Keys(keys) => keys::run(&keys),
        Command::Init(init) => init::run(&init),
        Command::Join(join) => join::run(&join),
        Command::Show(show) => show::run(&show),
        Command::Admit(admit) => change::admit(&admit),
        Command::Remove(remove) => change::remove(remove),
        Command::Readmit(readmit) => change::readmit(readmit),
        Command::ReplaceKey(replace) => change::replace_key(replace),
        Command::Bind(bind) => change::bind(bind),
        Command::Unbind(unbind) => change::unbind(unbind),
        Command::Quorum(quorum) => change::quorum(&quorum),
        Command::Activate(activate) => change::activate(activate),
        Command::Sign(sign) => sign::run(&sign),
        Command::Submit(submit) => submit::run(&submit),
        Command::Membership(show) => membership::run(&show),
        Command::Status(status) => status::run(&status),
        Command::Evidence(evidence) => evidence::run(&evidence),
        Command::Access(access) => access::run(&access),
        Command::Restart(restart) => restart::run(&restart),
        Command::Certs(certs) => certs::run(&certs),
    }
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;

    use super::*;

    const README: &str = include_str!("../../../README.md");
    const POOL: &str = include_str!("../../../docs/pool.md");

    #[test]
    fn has_arguments_that_fit_together() {
        Pool::augment_args(clap::Command::new("pool")).debug_assert();
    }

    #[test]
    fn takes_every_command_that_the_documents_show() {
        let mut seen = 0;
        for text in [README, POOL] {
            for command in commands_of(text) {
                let parser = Pool::augment_args(clap::Command::new("tansiq pool"));
                let parsed = parser.try_get_matches_from(&command);
                let parsed = parsed.unwrap_or_else(|error| panic!("{command:?}: {error}"));
                assert!(Pool::from_arg_matches(&parsed).is_ok(), "{command:?}");
                seen += 1;
            }
        }
        assert!(16 <= seen, "only {seen} commands were found");
    }

    /// Returns the words of each `tansiq pool` in the code of a document, without `tansiq`.
    fn commands_of(text: &str) -> Vec<Vec<String>> {
        let code = text.split("```sh\n").skip(1);
        let code = code.map(|rest| rest.split("```").next().expect("there is a first"));
        let mut commands = Vec::new();
        for line in code.flat_map(|code| {
            let joined = code.replace("\\\n", " ");
            joined.lines().map(str::to_owned).collect::<Vec<_>>()
        }) {
            let Some(rest) = line.strip_prefix("tansiq pool ") else { continue };
            let rest = rest.replace("\"THE FINGERPRINT\"", &"ab".repeat(32));
            let words = rest.split_whitespace().take_while(|word| !["#", ">>"].contains(word));
            let words = words.map(|word| word.replace("$ETCD", "https://alder.example:2379"));
            commands.push([String::from("pool")].into_iter().chain(words).collect());
        }
        commands
    }
}
