//! The states of all families, composed.

use std::io::{self, Read, Write};

use airspace::{Command, Decision, FrozenState};
use borsh::BorshDeserialize;
use log::{Committed, Entry, Family, Position};
use sha2::{Digest, Sha256};

use super::declaration::{self, Declaration};

/// The version of the airspace's rules and stored form that this build writes; it reads all before
/// it too.
pub const AIRSPACE_VERSION: u16 = 2;

/// The version of declarations that this build writes; it reads all before it too.
pub const HUB_VERSION: u16 = 2;

/// The first byte of a snapshot's body.
const BODY_VERSION: u8 = 1;

/// The state of each family.
#[derive(Debug, Default)]
pub(super) struct States {
    pub(super) hub: declaration::State,
    pub(super) airspace: airspace::State,
}

/// All states as they were at one position, to be written beside the follower.
pub(super) struct FrozenStates {
    hub: declaration::State,
    airspace: FrozenState,
}

/// An entry, read and ready to be applied.
#[derive(Debug)]
pub(super) enum Parsed {
    Declaration(Declaration),
    Command(Box<Command>),
}

/// What applying an entry came to.
#[derive(Debug)]
pub(super) enum Applied {
    Declared,
    Decided(Decision),
}

/// An entry of the log cannot be applied by this build: it must not go on.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Its family or version is of a later build.
    #[error(
        "the entry at position {position} is of family {family}, version {version}, which this \
         version of tansiq does not know; start a newer one"
    )]
    Unknown {
        /// Where it is.
        position: Position,
        /// Its family.
        family: u8,
        /// Its version.
        version: u16,
    },
    /// Its bytes are no command.
    #[error("the entry at position {position} is no command; run `tansiq log verify DIR`")]
    Malformed {
        /// Where it is.
        position: Position,
        /// What is wrong with it.
        #[source]
        source: io::Error,
    },
}

impl States {
    /// Applies an entry: pure, and the same on every hub.
    pub(super) fn apply(&mut self, committed: &Committed, parsed: &Parsed) -> Applied {
        let position = committed.position.number();
        match parsed {
            Parsed::Declaration(declaration) => {
                self.hub.apply(position, &committed.entry, declaration);
                Applied::Declared
            }
            Parsed::Command(command) => {
                let stamp = committed.entry.stamp;
                Applied::Decided(self.airspace.apply(position, stamp, command))
            }
        }
    }

    pub(super) fn frozen(&self) -> FrozenStates {
        FrozenStates { hub: self.hub.clone(), airspace: self.airspace.frozen() }
    }

    /// Reads what [`FrozenStates::write`] wrote.
    pub(super) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut head = [0; 5];
        from.read_exact(&mut head)?;
        let [version, length @ ..] = head;
        let length = u32::from_le_bytes(length) as usize;
        if version != BODY_VERSION || declaration::State::BYTES_MAX < length {
            let message = "the snapshot has a form that this version does not read";
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let mut declared = vec![0; length];
        from.read_exact(&mut declared)?;
        let hub = declaration::State::from_bytes(&declared)?;
        let airspace = airspace::State::read(from)?;
        Ok(States { hub, airspace })
    }

    pub(super) fn hash(&mut self) -> [u8; 32] {
        compose_hashes(self.hub.hash(), self.airspace.hash())
    }
}

impl FrozenStates {
    pub(super) fn hash(&self) -> [u8; 32] {
        compose_hashes(self.hub.hash(), self.airspace.hash())
    }

    /// Writes the body of a snapshot, described in `docs/log-format.md`.
    pub(super) fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        let declared = self.hub.to_bytes();
        let length = u32::try_from(declared.len()).expect("at most State::BYTES_MAX");
        to.write_all(&[BODY_VERSION])?;
        to.write_all(&length.to_le_bytes())?;
        to.write_all(&declared)?;
        self.airspace.write(to)
    }
}

/// Reads an entry's command, as its family and version say.
pub(super) fn parse(position: Position, entry: &Entry) -> Result<Parsed, ApplyError> {
    let malformed = |source| ApplyError::Malformed { position, source };
    match (entry.family, entry.version) {
        (Family::HUB, version @ 1..=HUB_VERSION) => {
            let parsed = Declaration::from_bytes(version, &entry.command).map_err(malformed)?;
            Ok(Parsed::Declaration(parsed))
        }
        (Family::AIRSPACE, version @ 1..=AIRSPACE_VERSION) => {
            let parsed = parse_command(version, &entry.command).map_err(malformed)?;
            Ok(Parsed::Command(Box::new(parsed)))
        }
        (Family(family), version) => Err(ApplyError::Unknown { position, family, version }),
    }
}

/// Reads a command, which an entry of an earlier version than its own form cannot hold.
fn parse_command(version: u16, bytes: &[u8]) -> io::Result<Command> {
    let command = Command::try_from_slice(bytes)?;
    if version < command.request.since_version() {
        let message = format!("version {version} has no such request");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(command)
}

/// Returns the hash of all states: SHA-256 over each family's number and hash, ascending.
fn compose_hashes(hub: [u8; 32], airspace: [u8; 32]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for (Family(family), hash) in [(Family::HUB, hub), (Family::AIRSPACE, airspace)] {
        hasher.update([family]);
        hasher.update(hash);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use airspace::{F3411Settings, Request, Settings};
    use log::Proposer;
    use spacetime::Timestamp;

    use super::*;
    use crate::replica::own_party;

    fn parsed(version: u16, request: Request) -> Result<Parsed, ApplyError> {
        let command = Command { party: own_party(), retry: None, request };
        let entry = Entry {
            family: Family::AIRSPACE,
            version,
            proposer: Proposer::new("hub").expect("a good name"),
            stamp: Timestamp::from_micros(5).expect("in range"),
            command: borsh::to_vec(&command).expect("writing to memory does not fail"),
        };
        parse(Position::new(7).expect("a small number"), &entry)
    }

    #[test]
    fn reads_what_both_versions_hold_in_entries_of_both() {
        let old = Request::PutSettings(Settings { f3548_retention_s: 60 });
        let new = Request::PutF3411Settings(F3411Settings { retention_s: 60 });

        assert!(parsed(1, old.clone()).is_ok());
        assert!(parsed(2, old.clone()).is_ok());
        assert!(parsed(2, new).is_ok());
        assert!(matches!(parsed(0, old.clone()), Err(ApplyError::Unknown { version: 0, .. })));
        assert!(matches!(parsed(3, old), Err(ApplyError::Unknown { version: 3, .. })));
    }

    #[test]
    fn refuses_a_request_that_is_newer_than_its_entry() {
        let new = Request::PutF3411Settings(F3411Settings { retention_s: 60 });

        let error = parsed(1, new).expect_err("version 1 has no such request");

        assert!(matches!(error, ApplyError::Malformed { .. }), "{error:?}");
        let source = error.source().expect("it says why").to_string();
        assert_eq!(source, "version 1 has no such request");
    }
}
