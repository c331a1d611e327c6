//! How a pool begins: the first entry of its log, which all owners compare out of band.

use std::fmt;
use std::io;
use std::str::FromStr;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::canonical::{
    Hash, from_bytes_of_form, hex, invalid, is_ascending, parse_hex, sha256, to_bytes_of_form,
};
use crate::membership::{HUBS_MAX, OWNERS_MAX, Owner, QuorumError, check_keys, check_quorum};
use crate::{HubId, OwnerName, PoolName, PublicKey, Rules};

/// The first byte of a genesis: the version of its byte form.
const FORM: u8 = 1;

/// How many bytes a genesis has at most.
pub const GENESIS_BYTES_MAX: usize = {
    const NAME: usize = 4 + 64;
    let owners = 4 + OWNERS_MAX * (NAME + 32 + 32);
    let hubs = 4 + HUBS_MAX * (NAME + NAME + 32);
    let rules = 4 + crate::FAMILIES_MAX * 3;
    1 + NAME + 32 + owners + 1 + hubs + rules
};

/// What a pool is founded with.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Founding {
    /// What people call the pool.
    pub name: PoolName,
    /// Random bytes: nothing that is signed for one pool is good in another of the same owners.
    pub nonce: [u8; 32],
    /// Who owns it.
    pub owners: Vec<Owner>,
    /// How many owners must sign a change.
    pub quorum: u8,
    /// Its first hubs.
    pub hubs: Vec<GenesisHub>,
    /// Which rules it begins with.
    pub rules: Rules,
}

/// One of the first hubs.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct GenesisHub {
    /// Its name.
    pub id: HubId,
    /// Who owns it.
    pub owner: OwnerName,
    /// What it signs its batches with.
    pub key: PublicKey,
}

/// The first entry of a pool's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis(Founding);

/// The SHA-256 of a genesis' bytes, shown in groups that people can read to each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct PoolId(Hash);

/// No pool can begin like this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// There are none or too many.
    #[error("a pool has 1 to {OWNERS_MAX} owners")]
    OwnerCount,
    /// There are none or too many.
    #[error("a pool has 1 to {HUBS_MAX} hubs")]
    HubCount,
    /// Names must differ; in the stored form they are in order.
    #[error("two owners or two hubs have one name, or they are not in order")]
    Names,
    /// A hub belongs to nobody.
    #[error("the owner {owner} of hub {hub} is not among the owners")]
    Owner {
        /// The hub.
        hub: HubId,
        /// Its owner.
        owner: OwnerName,
    },
    /// A key is there twice.
    #[error("one key is used twice; each owner has two of its own, each hub one")]
    Keys,
    /// The quorum is too small or too large.
    #[error(transparent)]
    Quorum(#[from] QuorumError),
    /// Nothing that the pool itself decides has rules.
    #[error("the rules name no version of family {}, the pool's own", crate::FAMILY)]
    Rules,
}

impl Genesis {
    /// Returns the genesis, checked, with owners and hubs in order.
    pub fn new(mut founding: Founding) -> Result<Self, GenesisError> {
        founding.owners.sort_by(|one, other| one.name.cmp(&other.name));
        founding.hubs.sort_by(|one, other| one.id.cmp(&other.id));
        founding.check()?;
        Ok(Genesis(founding))
    }

    /// Returns what the pool is founded with.
    pub fn founding(&self) -> &Founding {
        &self.0
    }

    /// Returns the canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        to_bytes_of_form(FORM, &self.0)
    }

    /// Reads what [`Genesis::to_bytes`] wrote; every other byte string is refused.
    pub fn from_bytes(bytes: &[u8]) -> io::Result<Self> {
        if GENESIS_BYTES_MAX < bytes.len() {
            return Err(invalid("a genesis is not as long"));
        }
        let founding: Founding = from_bytes_of_form(FORM, bytes)?;
        founding.check().map_err(invalid)?;
        Ok(Genesis(founding))
    }

    /// Returns what identifies the pool; `sha256sum` of the stored bytes gives the same.
    pub fn fingerprint(&self) -> PoolId {
        PoolId(sha256(&[&self.to_bytes()]))
    }
}

impl Founding {
    fn check(&self) -> Result<(), GenesisError> {
        if self.owners.is_empty() || OWNERS_MAX < self.owners.len() {
            return Err(GenesisError::OwnerCount);
        }
        if self.hubs.is_empty() || HUBS_MAX < self.hubs.len() {
            return Err(GenesisError::HubCount);
        }
        let owners_ascend = is_ascending(&self.owners, |owner| &owner.name);
        if !owners_ascend || !is_ascending(&self.hubs, |hub| &hub.id) {
            return Err(GenesisError::Names);
        }
        for hub in &self.hubs {
            if !self.owners.iter().any(|owner| owner.name == hub.owner) {
                return Err(GenesisError::Owner { hub: hub.id.clone(), owner: hub.owner.clone() });
            }
        }
        if !check_keys(&self.owners, self.hubs.iter().map(|hub| hub.key)) {
            return Err(GenesisError::Keys);
        }
        if self.rules.version(crate::FAMILY) == 0 {
            return Err(GenesisError::Rules);
        }
        check_quorum(self.quorum, self.owners.len())?;
        Ok(())
    }
}

impl BorshSerialize for Genesis {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        self.to_bytes().serialize(writer)
    }
}

impl BorshDeserialize for Genesis {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        Self::from_bytes(&Vec::<u8>::deserialize_reader(reader)?)
    }
}

impl PoolId {
    /// Returns the bytes.
    pub const fn as_bytes(&self) -> &Hash {
        &self.0
    }
}

/// Sixteen groups of four digits: `9f86 d081 ...`.
impl fmt::Display for PoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, pair) in self.0.chunks_exact(2).enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{}", hex(pair))?;
        }
        Ok(())
    }
}

impl fmt::Debug for PoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// A text is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint has 64 hexadecimal digits")]
pub struct FingerprintError;

impl FromStr for PoolId {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        parse_hex(text).map(PoolId).ok_or(FingerprintError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial;

    fn refuses(change: impl FnOnce(&mut Founding)) -> GenesisError {
        let mut founding = trial::founding(3, 3, 2);
        change(&mut founding);
        Genesis::new(founding).expect_err("it must be refused")
    }

    #[test]
    fn has_one_form_and_one_fingerprint() {
        let genesis = trial::genesis(3, 5, 2);
        let bytes = genesis.to_bytes();

        assert_eq!(Genesis::from_bytes(&bytes).expect("its own form"), genesis);
        let mut founding = genesis.founding().clone();
        founding.owners.reverse();
        founding.hubs.reverse();
        assert_eq!(Genesis::new(founding), Ok(genesis));
    }

    #[test]
    fn is_another_pool_with_one_byte_of_difference() {
        let genesis = trial::genesis(2, 2, 2);
        let bytes = genesis.to_bytes();

        for index in 0..bytes.len() {
            let mut other = bytes.clone();
            other[index] ^= 1;
            if let Ok(other) = Genesis::from_bytes(&other) {
                assert_ne!(other.fingerprint(), genesis.fingerprint(), "byte {index}");
            }
        }
        for length in 0..bytes.len() {
            assert!(Genesis::from_bytes(&bytes[..length]).is_err(), "{length} bytes");
        }
        assert!(Genesis::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    }

    #[test]
    fn shows_its_fingerprint_in_groups_that_can_be_read_out() {
        let fingerprint = trial::genesis(1, 1, 1).fingerprint();
        let shown = fingerprint.to_string();

        assert_eq!(shown.split(' ').count(), 16);
        assert!(shown.split(' ').all(|group| group.len() == 4), "{shown}");
        assert_eq!(shown.parse(), Ok(fingerprint));
        assert_eq!(shown.replace(' ', "").to_uppercase().parse(), Ok(fingerprint));
        assert_eq!(shown[1..].parse::<PoolId>(), Err(FingerprintError));
    }

    #[test]
    fn refuses_what_no_pool_can_begin_with() {
        assert_eq!(refuses(|founding| founding.owners.clear()), GenesisError::OwnerCount);
        assert_eq!(refuses(|founding| founding.hubs.clear()), GenesisError::HubCount);
        let twice = refuses(|founding| founding.owners[1].name = founding.owners[0].name.clone());
        assert_eq!(twice, GenesisError::Names);
        let twice = refuses(|founding| founding.hubs[1].id = founding.hubs[0].id.clone());
        assert_eq!(twice, GenesisError::Names);
        let none = refuses(|founding| founding.rules = Rules::default());
        assert_eq!(none, GenesisError::Rules);
        let nobody = OwnerName::new("nobody").expect("a name");
        assert!(matches!(
            refuses(|founding| founding.hubs[0].owner = nobody),
            GenesisError::Owner { .. }
        ));
        for (quorum, error) in [
            (0, QuorumError::NotMoreThanHalf),
            (1, QuorumError::NotMoreThanHalf),
            (4, QuorumError::MoreThanOwners),
        ] {
            let refused = refuses(|founding| founding.quorum = quorum);
            assert_eq!(refused, GenesisError::Quorum(error), "{quorum}");
        }
    }

    #[test]
    fn refuses_a_key_that_is_used_twice() {
        let edits: [fn(&mut Founding); 4] = [
            |founding| founding.owners[1].key = founding.owners[0].key,
            |founding| founding.owners[0].offline_key = founding.owners[0].key,
            |founding| founding.hubs[0].key = founding.owners[2].offline_key,
            |founding| founding.hubs[1].key = founding.hubs[0].key,
        ];
        for edit in edits {
            assert_eq!(refuses(edit), GenesisError::Keys);
        }
    }

    #[test]
    fn takes_as_many_owners_and_hubs_as_there_may_be_and_no_more() {
        let most = trial::genesis(OWNERS_MAX, HUBS_MAX, 33);
        assert!(most.to_bytes().len() <= GENESIS_BYTES_MAX);
        assert!(Genesis::from_bytes(&most.to_bytes()).is_ok());

        let owners = trial::founding(OWNERS_MAX + 1, 1, 40);
        assert_eq!(Genesis::new(owners), Err(GenesisError::OwnerCount));
        let hubs = trial::founding(1, HUBS_MAX + 1, 1);
        assert_eq!(Genesis::new(hubs), Err(GenesisError::HubCount));
    }
}
