//! What hubs say about themselves in the log: the family [`log::Family::HUB`].
//!
//! A pure state of its own, like every family's.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use airspace::{EntityId, Party, TextError};
use borsh::{BorshDeserialize, BorshSerialize};
use log::{Entry, Proposer};
use sha2::{Digest, Sha256};
use spacetime::Timestamp;

/// Of how many sources the last heartbeat of one hub is kept; the one not heard of for longest goes.
pub const HEARTBEAT_SOURCES_MAX: usize = 16;

/// Of how many hubs heartbeats are kept; the one not heard of for longest goes.
pub const HEARTBEAT_HUBS_MAX: usize = 32;

/// What a hub says: version 2 of the stored form, which version 1 begins.
///
/// Its borsh encoding is canonical and described in `docs/log-format.md`.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Declaration {
    /// Its log was put back from a backup: what was answered after the backup is gone.
    Restored,
    /// An operator confirmed that the parties have put their entities again.
    RestoredConfirmed,
    /// This log is an airspace representation, of this id. Since version 2.
    Founded {
        /// Its id, until the log is put back from a backup.
        dar_id: DarId,
    },
    /// Somebody says that the proposing hub is alive. Since version 2.
    Heartbeat(Heartbeat),
}

/// The id of a DSS airspace representation: who sees the same one sees the same airspace.
///
/// A UUIDv4, as the ids of entities are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DarId(EntityId);

/// A sign of life of a hub (the auxiliary API's `Heartbeat`).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Heartbeat {
    /// What made it.
    pub source: HeartbeatSource,
    /// Who sent it: `sub` of its token.
    pub reporter: Party,
    /// When it was, as its reporter says.
    pub timestamp: Timestamp,
    /// Until when the next one of this source is due.
    pub next_expected_before: Option<Timestamp>,
}

/// What makes heartbeats of a hub, as its operator calls it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct HeartbeatSource(String);

/// A heartbeat that the state holds.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RegisteredHeartbeat {
    /// Where in the log it is.
    pub position: u64,
    /// How many heartbeats of the same hub were before it.
    pub index: u64,
    /// What it says.
    pub heartbeat: Heartbeat,
}

/// What hubs have declared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Set from a start from a backup until an operator's confirmation.
    pub restored: Option<Restored>,
    pool: Pool,
}

/// A start from a backup that nobody has confirmed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Restored {
    /// The position of the declaration.
    pub position: u64,
    /// Its stamp.
    pub at: Timestamp,
}

/// What came with version 2; while it is empty the state has the form and the hash of version 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Pool {
    dar_id: Option<DarId>,
    /// By the name of the hub.
    hubs: BTreeMap<String, Heartbeats>,
}

/// The heartbeats of one hub.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Heartbeats {
    /// How many there were, kept or not.
    count: u64,
    /// The last one of each source, as they came.
    kept: Vec<RegisteredHeartbeat>,
}

impl Declaration {
    /// Reads what an entry of `version` holds.
    pub fn from_bytes(version: u16, bytes: &[u8]) -> io::Result<Self> {
        let declaration = Self::try_from_slice(bytes)?;
        if version < declaration.known_since() {
            return Err(malformed("the declaration is newer than the version of its entry"));
        }
        Ok(declaration)
    }

    /// Returns the first version of the family that has it.
    fn known_since(&self) -> u16 {
        match self {
            Declaration::Restored | Declaration::RestoredConfirmed => 1,
            Declaration::Founded { .. } | Declaration::Heartbeat(_) => 2,
        }
    }
}

impl DarId {
    /// Returns the id with 122 of these 128 random bits.
    pub fn from_random_bytes(bytes: [u8; 16]) -> Self {
        DarId(EntityId::from_random_bytes(bytes))
    }

    /// Returns the id of what the hubs of a pool share in its present epoch.
    ///
    /// What was answered may be gone in the next epoch: that is another representation.
    pub fn of_pool(membership: &pool::Membership) -> Self {
        let mut hasher = Sha256::new_with_prefix(b"tansiq/dar/1\0");
        hasher.update(membership.pool().as_bytes());
        hasher.update(membership.epoch().to_le_bytes());
        let hash: [u8; 32] = hasher.finalize().into();
        let (bits, _) = hash.split_first_chunk().expect("16 of 32 bytes");
        Self::from_random_bytes(*bits)
    }
}

impl fmt::Display for DarId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl HeartbeatSource {
    /// How many bytes of UTF-8 it may have.
    pub const LENGTH_MAX: usize = 256;

    /// Returns the source, checked.
    pub fn new(text: &str) -> Result<Self, TextError> {
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        if Self::LENGTH_MAX < text.len() {
            return Err(TextError::TooLong { max: Self::LENGTH_MAX });
        }
        if text.chars().any(char::is_control) {
            return Err(TextError::ControlCharacter);
        }
        Ok(HeartbeatSource(text.to_owned()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl BorshDeserialize for HeartbeatSource {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        Self::new(&String::deserialize_reader(reader)?).map_err(malformed)
    }
}

impl State {
    /// How many bytes [`State::to_bytes`] has at most.
    pub const BYTES_MAX: usize = {
        const TIME: usize = 8;
        const NUMBER: usize = 8;
        const LENGTH: usize = 4;
        const OPTION: usize = 1;
        let source = LENGTH + HeartbeatSource::LENGTH_MAX;
        let reporter = LENGTH + Party::LENGTH_MAX;
        let heartbeat = NUMBER + NUMBER + source + reporter + TIME + OPTION + TIME;
        let name = LENGTH + Proposer::LENGTH_MAX;
        let hub = name + NUMBER + LENGTH + HEARTBEAT_SOURCES_MAX * heartbeat;
        let restored = OPTION + NUMBER + TIME;
        let dar_id = OPTION + 16;
        restored + dar_id + LENGTH + HEARTBEAT_HUBS_MAX * hub
    };

    /// Takes in the declaration that `entry`, at `position`, holds.
    pub fn apply(&mut self, position: u64, entry: &Entry, declaration: &Declaration) {
        match declaration {
            Declaration::Restored => {
                self.restored = Some(Restored { position, at: entry.stamp });
                // What was answered after the backup is gone: it is another representation now.
                self.pool.dar_id = None;
            }
            Declaration::RestoredConfirmed => self.restored = None,
            // Of hubs that found a log at the same time the first in the log has done it.
            Declaration::Founded { dar_id } => {
                self.pool.dar_id.get_or_insert(*dar_id);
            }
            Declaration::Heartbeat(heartbeat) => {
                self.pool.register(position, &entry.proposer, heartbeat);
            }
        }
    }

    /// Returns the id of the airspace representation, unless it is yet to be founded.
    pub fn dar_id(&self) -> Option<DarId> {
        self.pool.dar_id
    }

    /// Returns the heartbeat of a hub that has the latest time; of equal ones the last that came.
    pub fn most_recent_heartbeat(&self, hub: &str) -> Option<&RegisteredHeartbeat> {
        let heartbeats = self.pool.hubs.get(hub)?;
        heartbeats.kept.iter().max_by_key(|registered| registered.heartbeat.timestamp)
    }

    /// Returns what a snapshot holds of it: what came with version 2 only if there is any.
    pub fn to_bytes(&self) -> Vec<u8> {
        const INFALLIBLE: &str = "writing to memory does not fail";
        let mut bytes = borsh::to_vec(&self.restored).expect(INFALLIBLE);
        if self.pool != Pool::default() {
            borsh::to_writer(&mut bytes, &self.pool).expect(INFALLIBLE);
        }
        bytes
    }

    /// Reads what [`State::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> io::Result<Self> {
        let mut rest = bytes;
        let restored = Option::deserialize(&mut rest)?;
        if rest.is_empty() {
            return Ok(State { restored, pool: Pool::default() });
        }
        let pool = Pool::try_from_slice(rest)?;
        if pool == Pool::default() {
            return Err(malformed("a part of the state is there and empty"));
        }
        Ok(State { restored, pool })
    }

    /// Returns the hash of everything that a snapshot holds of it.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.to_bytes()).into()
    }
}

impl Pool {
    fn register(&mut self, position: u64, hub: &Proposer, heartbeat: &Heartbeat) {
        let name = hub.as_str();
        if HEARTBEAT_HUBS_MAX <= self.hubs.len() && !self.hubs.contains_key(name) {
            let quietest = self.hubs.iter().min_by_key(|(_, heartbeats)| heartbeats.position());
            let quietest = quietest.map(|(name, _)| name.clone()).expect("there are many");
            self.hubs.remove(&quietest);
        }
        self.hubs.entry(name.to_owned()).or_default().register(position, heartbeat);
    }
}

impl Heartbeats {
    fn register(&mut self, position: u64, heartbeat: &Heartbeat) {
        self.kept.retain(|kept| kept.heartbeat.source != heartbeat.source);
        if HEARTBEAT_SOURCES_MAX <= self.kept.len() {
            self.kept.remove(0);
        }
        let index = self.count;
        self.kept.push(RegisteredHeartbeat { position, index, heartbeat: heartbeat.clone() });
        self.count += 1;
    }

    /// Returns where the last one is.
    fn position(&self) -> u64 {
        self.kept.last().map_or(0, |registered| registered.position)
    }
}

fn malformed(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests;
