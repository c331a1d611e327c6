//! The states of all families, composed.

use std::io::{self, Read, Write};

use airspace::{Command, Decision, FrozenState, Party, Request, Times};
use log::{Committed, Entry, Family, Hash, Position, Proposer};
use pool::{AppliedHead, HubId, LINEAGE_BYTES_MAX, Lineage, Pool, Rule, Rules};
use sha2::{Digest, Sha256};
use spacetime::Timestamp;

use super::declaration::{self, Declaration};

/// The version of the airspace's rules and stored form that this build writes; it reads all before
/// it too.
pub const AIRSPACE_VERSION: u16 = 2;

/// The version of declarations that this build writes; it reads all before it too.
pub const HUB_VERSION: u16 = 2;

/// The first byte of a snapshot's body.
const BODY_VERSION: u8 = 1;

/// The first byte of a snapshot's body where the log is a pool's. 2 was one without the lineage: a
/// hub that finds such a one takes the log instead.
const POOL_BODY_VERSION: u8 = 3;

/// The state of each family.
#[derive(Debug, Default)]
pub struct States {
    /// What hubs have declared.
    pub hub: declaration::State,
    /// The airspace.
    pub airspace: airspace::State,
    /// Empty where the log is one machine's: then neither stored nor hashed.
    pub pool: pool::State,
    /// What led to the pool's membership: kept beside the state for newcomers, and not hashed.
    pub lineage: Lineage,
}

/// All states as they were at one position, to be written beside the follower.
pub struct FrozenStates {
    hub: declaration::State,
    airspace: FrozenState,
    pool: pool::State,
    lineage: Lineage,
}

/// An entry, read and ready to be applied.
#[derive(Debug)]
pub enum Parsed {
    /// Of a hub about itself.
    Declaration(Declaration),
    /// About the airspace.
    Command(Box<Command>),
    /// About the pool.
    Pool(Box<pool::Command>),
    /// Its bytes are not what its family and version say.
    Malformed(io::Error),
}

/// What applying an entry came to.
#[derive(Debug)]
pub enum Applied {
    /// A declaration is taken in.
    Declared,
    /// A command was decided.
    Decided(Decision),
    /// The pool has changed so, or not.
    Pool(pool::Effect),
    /// It has changed nothing.
    Void(Void),
}

/// Why an entry of a pool's log has no effect, the same on every hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Void {
    /// The party is bound to other hubs, or the hub was removed.
    PartyBound,
    /// It is for the operator of the only hub, which a pool has not.
    OneHubOnly,
    /// Its bytes are no command: whoever put it must not stop the others.
    Malformed,
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
    /// The pool's state does not lead to it.
    #[error("the entry at position {position} does not fit into the pool's log: {source}")]
    Pool {
        /// Where it is.
        position: Position,
        /// What is wrong with it.
        #[source]
        source: pool::ApplyError,
    },
}

impl States {
    /// Applies the entry after the chain `before`: pure, and the same on every hub.
    ///
    /// An entry without a ticket is one that nobody here waits for: its answer may be shorter.
    pub fn apply(
        &mut self,
        before: Hash,
        committed: &Committed,
        parsed: &Parsed,
    ) -> Result<Applied, ApplyError> {
        let (position, entry) = (committed.position.number(), &committed.entry);
        if let Some(void) = self.pool.pool().and_then(|pool| void(pool, &entry.proposer, parsed)) {
            return Ok(Applied::Void(void));
        }
        match parsed {
            Parsed::Declaration(declaration) => {
                self.hub.apply(position, entry, declaration);
                Ok(Applied::Declared)
            }
            Parsed::Command(command) => {
                let stamp = entry.stamp;
                let clock = self.pool.pool().map_or(stamp, Pool::clock);
                let times = Times { clock, stamp };
                let decision = match committed.ticket {
                    Some(_) => self.airspace.apply(position, times, command),
                    None => self.airspace.apply_unheard(position, times, command),
                };
                Ok(Applied::Decided(decision))
            }
            Parsed::Pool(command) => {
                let before = AppliedHead { position: position - 1, chain: before };
                let effect = self.pool.apply(&before, entry.proposer.as_str(), command);
                let effect = effect
                    .map_err(|source| ApplyError::Pool { position: committed.position, source })?;
                self.lineage.take(command, &effect);
                Ok(Applied::Pool(effect))
            }
            Parsed::Malformed(source) => {
                let source = io::Error::new(source.kind(), source.to_string());
                Err(ApplyError::Malformed { position: committed.position, source })
            }
        }
    }

    /// Returns the time of the log: that of the last command, in a pool the pool's if it is later.
    pub fn clock(&self) -> Timestamp {
        let clock = self.airspace.clock();
        self.pool.pool().map_or(clock, |pool| pool.clock().max(clock))
    }

    /// Returns all as they are now, to be written elsewhere while these go on.
    pub fn frozen(&self) -> FrozenStates {
        FrozenStates {
            hub: self.hub.clone(),
            airspace: self.airspace.frozen(),
            pool: self.pool.clone(),
            lineage: self.lineage.clone(),
        }
    }

    /// Reads what [`FrozenStates::write`] wrote.
    pub fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut states = Self::read_start(from)?;
        states.airspace = airspace::State::read(from)?;
        Ok(states)
    }

    /// Reads what led to the pool's membership, and leaves the rest.
    pub fn read_lineage(from: &mut impl Read) -> io::Result<Lineage> {
        Self::read_start(from).map(|states| states.lineage)
    }

    /// Reads all that comes before the airspace.
    fn read_start(from: &mut impl Read) -> io::Result<Self> {
        let mut version = [0];
        from.read_exact(&mut version)?;
        if version != [BODY_VERSION] && version != [POOL_BODY_VERSION] {
            return Err(unread_form());
        }
        let declared = read_part(from, declaration::State::BYTES_MAX)?;
        let hub = declaration::State::from_bytes(&declared)?;
        let mut pool = pool::State::default();
        let mut lineage = Lineage::default();
        if version == [POOL_BODY_VERSION] {
            pool = pool::State::from_bytes(&read_part(from, pool::State::BYTES_MAX)?)?;
            if pool.pool().is_none() {
                return Err(unread_form());
            }
            lineage = Lineage::from_bytes(&read_part(from, LINEAGE_BYTES_MAX)?)?;
        }
        Ok(States { hub, airspace: airspace::State::default(), pool, lineage })
    }

    /// Returns the hash of all that a snapshot holds; renews what changed since it was last asked.
    pub fn hash(&mut self) -> Hash {
        compose_hashes(self.hub.hash(), self.airspace.hash(), &self.pool)
    }
}

impl FrozenStates {
    /// Returns the hash of all that a snapshot holds.
    pub fn hash(&self) -> Hash {
        compose_hashes(self.hub.hash(), self.airspace.hash(), &self.pool)
    }

    /// Writes the body of a snapshot, described in `docs/log-format.md`.
    pub fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        let of_pool = self.pool.pool().is_some();
        to.write_all(&[if of_pool { POOL_BODY_VERSION } else { BODY_VERSION }])?;
        write_part(to, &self.hub.to_bytes())?;
        if of_pool {
            write_part(to, &self.pool.to_bytes())?;
            write_part(to, &self.lineage.to_bytes())?;
        }
        self.airspace.write(to)
    }
}

/// Says why an entry that is good on one machine has no effect in a pool, if it has none.
///
/// What every hub of a pool must do alike is for its owners to decide; what an operator decides
/// about the only hub there is has no place in it.
fn void(pool: &Pool, proposer: &Proposer, parsed: &Parsed) -> Option<Void> {
    let is_bound = |party: &Party| {
        let hub = HubId::new(proposer.as_str());
        !hub.is_ok_and(|hub| pool.allows(party.as_str(), &hub))
    };
    match parsed {
        Parsed::Command(command) => match &command.request {
            Request::PutSettings(_) | Request::PutF3411Settings(_) | Request::Import(_) => {
                Some(Void::OneHubOnly)
            }
            _ => is_bound(&command.party).then_some(Void::PartyBound),
        },
        Parsed::Declaration(Declaration::Heartbeat(heartbeat)) => {
            is_bound(&heartbeat.reporter).then_some(Void::PartyBound)
        }
        Parsed::Declaration(
            Declaration::Founded { .. } | Declaration::Restored | Declaration::RestoredConfirmed,
        ) => Some(Void::OneHubOnly),
        Parsed::Malformed(_) => Some(Void::Malformed),
        Parsed::Pool(_) => None,
    }
}

/// Returns the highest version of each family's rules that this build can run.
pub fn known_rules() -> Rules {
    let known = [
        (Family::HUB, HUB_VERSION),
        (Family::AIRSPACE, AIRSPACE_VERSION),
        (Family::POOL, pool::VERSION),
    ];
    let rules = known.map(|(Family(family), version)| Rule { family, version });
    Rules::new(rules.to_vec()).expect("ascending, each once, from version 1 on")
}

/// Reads an entry's command, as its family and version say.
pub fn parse(position: Position, entry: &Entry) -> Result<Parsed, ApplyError> {
    let parsed = match (entry.family, entry.version) {
        (Family::HUB, version @ 1..=HUB_VERSION) => {
            Declaration::from_bytes(version, &entry.command).map(Parsed::Declaration)
        }
        (Family::AIRSPACE, version @ 1..=AIRSPACE_VERSION) => {
            Command::from_bytes(version, &entry.command)
                .map(|parsed| Parsed::Command(Box::new(parsed)))
        }
        (Family::POOL, pool::VERSION) => {
            let parsed = pool::Command::from_bytes(&entry.command);
            let parsed = parsed.map_err(|source| ApplyError::Malformed { position, source })?;
            Ok(Parsed::Pool(Box::new(parsed)))
        }
        (Family(family), version) => {
            return Err(ApplyError::Unknown { position, family, version });
        }
    };
    Ok(parsed.unwrap_or_else(Parsed::Malformed))
}

/// Returns the hash of all states: SHA-256 over each family's number and hash, ascending.
fn compose_hashes(hub: Hash, airspace: Hash, pool: &pool::State) -> Hash {
    let pool = pool.pool().map(|_| (Family::POOL, pool.hash()));
    let mut hasher = Sha256::new();
    for (Family(family), hash) in
        [(Family::HUB, hub), (Family::AIRSPACE, airspace)].into_iter().chain(pool)
    {
        hasher.update([family]);
        hasher.update(hash);
    }
    hasher.finalize().into()
}

/// Reads bytes with their length before them.
fn read_part(from: &mut impl Read, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if bytes_max < length {
        return Err(unread_form());
    }
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn write_part(to: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).expect("a state's BYTES_MAX is below 4 GiB");
    to.write_all(&length.to_le_bytes())?;
    to.write_all(bytes)
}

fn unread_form() -> io::Error {
    let message = "the snapshot has a form that this version does not read";
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
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

        let parsed = parsed(1, new).expect("a version that is known");

        assert!(matches!(parsed, Parsed::Malformed(_)), "{parsed:?}");
    }
}
