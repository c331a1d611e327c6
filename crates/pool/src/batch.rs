//! What a hub puts under its key: some entries and a signed header, in one form of bytes.
//!
//! The form, all integers little endian: `form u8 = 1 | header (borsh) | entries, each with its
//! length u32 | signature, 64 bytes`. The signature is over the header, which holds the hash of the
//! entries, so that header and signature prove a batch without its entries.

use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest, Sha256};
use spacetime::Timestamp;

use crate::canonical::{Hash, sha256, to_bytes};
use crate::keys::Purpose;
use crate::rules::FAMILIES_MAX;
use crate::{HubId, KeyPair, PoolId, PublicKey, Rules, Signature};

#[cfg(test)]
mod tests;

/// How many bytes a batch may have: what etcd is asked to write stays below 1 MiB with all around.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024 - AROUND_BYTES;

/// Room for what a transaction has besides the value: key, comparison, framing.
const AROUND_BYTES: usize = 16 * 1024;

/// How many entries a batch may have.
pub const ENTRIES_PER_BATCH_MAX: usize = 8192;

/// How many of them may be changes: each may cost every hub a quorum of verifications.
pub const CHANGES_PER_BATCH_MAX: usize = 8;

/// How many bytes a command may have, so that each fits into a batch.
pub const COMMAND_BYTES_MAX: usize = 512 * 1024;

/// How many bytes an entry of a batch may have in the log's form: its command, and names.
pub const ENTRY_BYTES_MAX: usize = COMMAND_BYTES_MAX + 1024;

/// How many bytes a header has at most.
pub const HEADER_BYTES_MAX: usize = {
    let slot = 32 + 4 + 4 + HubId::LENGTH_MAX + 8 + 32;
    let report = 8 + 32 + 1 + 8 + 32 + 8 + 4 + FAMILIES_MAX * 3;
    slot + report + 4 + 32
};

const SIGNATURE_BYTES: usize = 64;
const LENGTH_BYTES: usize = 4;

/// The first byte of every batch: the version of the byte form itself.
const FORM: u8 = 1;

const _: () = assert!(
    1 + HEADER_BYTES_MAX + LENGTH_BYTES + ENTRY_BYTES_MAX + SIGNATURE_BYTES <= BATCH_BYTES_MAX,
    "every entry fits into a batch of its own"
);

/// What a hub signs.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Header {
    /// Where the batch belongs.
    pub slot: Slot,
    /// What the hub says of itself.
    pub report: Report,
    /// What the batch holds.
    pub contents: Contents,
}

/// Where a batch belongs, and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Slot {
    /// In which pool.
    pub pool: PoolId,
    /// In which epoch of it.
    pub epoch: u32,
    /// Under the key of which hub.
    pub hub: HubId,
    /// As which version of that key.
    pub sequence: u64,
    /// After what: the hash of the hub's last good batch, or of what admitted it if that came later
    /// (the genesis, a change, the opening of the epoch).
    pub previous: Hash,
}

/// What a hub says of itself with every batch.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Report {
    /// How far it had applied the log.
    pub applied: AppliedHead,
    /// The hash of its state where it last took one.
    pub state: Option<StateHash>,
    /// Its clock.
    pub stamp: Timestamp,
    /// The highest version of each family's rules that it can run.
    pub rules: Rules,
}

/// What a batch holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Contents {
    /// How many entries.
    pub entries: u32,
    /// SHA-256 over the entries, each with its length before it as in the batch.
    pub hash: Hash,
}

/// How far a hub had applied the log, and which log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AppliedHead {
    /// The last position, 0 before the first.
    pub position: u64,
    /// The chain there.
    pub chain: Hash,
}

/// The hash of a hub's whole state at a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct StateHash {
    /// After which position.
    pub position: u64,
    /// The hash.
    pub hash: Hash,
}

/// A signed header and the entries that it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    header: Header,
    entries: Vec<Vec<u8>>,
    signature: Signature,
}

/// Bytes or entries are no batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// There are more bytes than a batch may have.
    #[error("the batch is larger than {BATCH_BYTES_MAX} bytes")]
    TooLarge,
    /// There are more entries than a batch may have.
    #[error("the batch has more than {ENTRIES_PER_BATCH_MAX} entries")]
    TooManyEntries,
    /// They begin with the number of another form.
    #[error("the batch has form {0}, which this version does not read")]
    UnknownForm(u8),
    /// They are cut off, or something follows, or the header is none.
    #[error("the bytes are not those of a batch")]
    Malformed,
    /// The header is of other entries.
    #[error("the entries are not those that the header is for")]
    Entries,
}

impl Header {
    /// Tells whether the hub with this key has signed the header.
    pub fn verify(&self, signature: &Signature, key: &PublicKey) -> bool {
        key.verify(Purpose::Batch, &to_bytes(self), signature)
    }

    /// Returns what the hub's next batch names as the one before it.
    pub fn batch_hash(&self, signature: &Signature) -> Hash {
        sha256(&[b"tansiq/pool/batch-hash/1\0", &to_bytes(self), signature.as_bytes()])
    }
}

impl Batch {
    /// Makes a batch and signs it.
    pub fn sign(
        slot: Slot,
        report: Report,
        entries: Vec<Vec<u8>>,
        key: &KeyPair,
    ) -> Result<Self, BatchError> {
        if ENTRIES_PER_BATCH_MAX < entries.len() {
            return Err(BatchError::TooManyEntries);
        }
        let header = Header { slot, report, contents: Contents::of(&entries)? };
        let header_bytes = to_bytes(&header);
        let entry_bytes: usize = entries.iter().map(|entry| LENGTH_BYTES + entry.len()).sum();
        if BATCH_BYTES_MAX < 1 + header_bytes.len() + entry_bytes + SIGNATURE_BYTES {
            return Err(BatchError::TooLarge);
        }
        let signature = key.sign(Purpose::Batch, &header_bytes);
        Ok(Batch { header, entries, signature })
    }

    /// Puts a batch together again from what the log keeps of it; the signature is not verified.
    pub fn rebuild(
        header: Header,
        entries: Vec<Vec<u8>>,
        signature: Signature,
    ) -> Result<Self, BatchError> {
        if ENTRIES_PER_BATCH_MAX < entries.len() {
            return Err(BatchError::TooManyEntries);
        }
        if header.contents != Contents::of(&entries)? {
            return Err(BatchError::Entries);
        }
        Ok(Batch { header, entries, signature })
    }

    /// Returns the canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![FORM];
        bytes.extend(to_bytes(&self.header));
        for entry in &self.entries {
            bytes.extend(length_of(entry).expect("it was checked when the batch was made"));
            bytes.extend(entry);
        }
        bytes.extend(self.signature.as_bytes());
        bytes
    }

    /// Returns the batch whose canonical bytes these are; the signature is not verified.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BatchError> {
        if BATCH_BYTES_MAX < bytes.len() {
            return Err(BatchError::TooLarge);
        }
        let (&form, mut rest) = bytes.split_first().ok_or(BatchError::Malformed)?;
        if form != FORM {
            return Err(BatchError::UnknownForm(form));
        }
        let header = Header::deserialize(&mut rest).map_err(|_| BatchError::Malformed)?;
        let (mut rest, signature) =
            rest.split_last_chunk::<SIGNATURE_BYTES>().ok_or(BatchError::Malformed)?;
        let count = usize::try_from(header.contents.entries).unwrap_or(usize::MAX);
        if ENTRIES_PER_BATCH_MAX < count {
            return Err(BatchError::TooManyEntries);
        }
        let entries = read_entries(&mut rest, count).ok_or(BatchError::Malformed)?;
        if !rest.is_empty() {
            return Err(BatchError::Malformed);
        }
        Batch::rebuild(header, entries, Signature::from_bytes(*signature))
    }

    /// Returns what the hub signed.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the entries, each in the log's canonical bytes.
    pub fn entries(&self) -> &[Vec<u8>] {
        &self.entries
    }

    /// Returns the signature.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Tells whether the hub with this key has signed the batch.
    pub fn verify(&self, key: &PublicKey) -> bool {
        self.header.verify(&self.signature, key)
    }

    /// Returns what the hub's next batch names as the one before it.
    pub fn hash(&self) -> Hash {
        self.header.batch_hash(&self.signature)
    }

    /// Returns how many bytes a batch of these entries has at most, to fill one up to its bound.
    pub fn bytes_max(entries: usize, entry_bytes: usize) -> usize {
        1 + HEADER_BYTES_MAX + entries * LENGTH_BYTES + entry_bytes + SIGNATURE_BYTES
    }

    /// Takes the batch apart.
    pub fn into_parts(self) -> (Header, Vec<Vec<u8>>, Signature) {
        (self.header, self.entries, self.signature)
    }
}

impl Contents {
    fn of(entries: &[Vec<u8>]) -> Result<Self, BatchError> {
        let mut hasher = Sha256::new();
        for entry in entries {
            hasher.update(length_of(entry)?);
            hasher.update(entry);
        }
        let entries = u32::try_from(entries.len()).map_err(|_| BatchError::TooManyEntries)?;
        Ok(Contents { entries, hash: hasher.finalize().into() })
    }
}

fn length_of(entry: &[u8]) -> Result<[u8; LENGTH_BYTES], BatchError> {
    if BATCH_BYTES_MAX < entry.len() {
        return Err(BatchError::TooLarge);
    }
    let length = u32::try_from(entry.len()).map_err(|_| BatchError::TooLarge)?;
    Ok(length.to_le_bytes())
}

fn read_entries(rest: &mut &[u8], count: usize) -> Option<Vec<Vec<u8>>> {
    let mut entries = Vec::new();
    for _ in 0..count {
        let (length, after) = rest.split_first_chunk::<LENGTH_BYTES>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (entry, after) = after.split_at_checked(length)?;
        entries.push(entry.to_vec());
        *rest = after;
    }
    Some(entries)
}
