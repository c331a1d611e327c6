//! Opaque version numbers (F3548-21 `EntityOVN`): proof that a party has seen an entity's details.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest, Sha256};
use spacetime::Timestamp;

use crate::text::TextError;
use crate::{EntityId, base64, version};

/// How far from now the time of a requested suffix may lie.
pub const SUFFIX_SKEW_MAX: Duration = Duration::from_secs(5 * 60);

/// An opaque version number of an entity.
///
/// A secret of its manager until the manager shows it: never logged, never shown to others.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ovn(Arc<str>);

/// What stands for an OVN in a key: the first 128 bits of the SHA-256 of its text.
///
/// A key may have thousands of OVNs of up to [`Ovn::LENGTH_MAX`] bytes, and each entry of the log
/// goes to every hub. As nobody guesses an OVN, nobody finds another text with its hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct OvnHash([u8; 16]);

/// The UUIDv7 that a manager wishes its next OVN to end with (`requested_ovn_suffix`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct OvnSuffix([u8; 16]);

/// What the next OVN is made of.
#[derive(Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum NextOvn {
    /// 128 bits that the proposer drew once; nobody can compute them. Those of which the first 64 are
    /// zero hold the time that a deployed hub made the OVN of: [`NextOvn::of_time`].
    Random([u8; 16]),
    /// `{entityid}_{suffix}`.
    Requested(OvnSuffix),
}

impl Ovn {
    /// How many bytes an OVN may have (F3548-21 `EntityOVN` maxLength); longer keys match nothing.
    pub const LENGTH_MAX: usize = 128;

    /// Returns the OVN written `text`.
    pub fn new(text: &str) -> Result<Self, TextError> {
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        if Self::LENGTH_MAX < text.len() {
            return Err(TextError::TooLong { max: Self::LENGTH_MAX });
        }
        Ok(Ovn(Arc::from(text)))
    }

    /// Returns the text, to be shown to the manager only.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the OVN of an entity that 128 bits make: 22 characters, or if they hold a time what a
    /// deployed hub makes of it.
    pub(crate) fn of_bits(id: EntityId, bits: [u8; 16]) -> Self {
        match time_in(bits) {
            Some(updated_at) => Ovn(Arc::from(version::of(id, updated_at))),
            None => Ovn(Arc::from(base64::encode(base64::URL_SAFE, &bits))),
        }
    }

    /// Returns the OVN that an entity gets.
    pub(crate) fn of(id: EntityId, next: NextOvn) -> Self {
        match next {
            NextOvn::Random(bits) => Self::of_bits(id, bits),
            NextOvn::Requested(suffix) => Ovn(Arc::from(format!("{id}_{suffix}"))),
        }
    }
}

impl OvnHash {
    /// Returns what stands for an OVN.
    pub fn of(ovn: &Ovn) -> Self {
        let hash: [u8; 32] = Sha256::digest(ovn.as_str()).into();
        let (first, _) = hash.split_first_chunk().expect("16 of 32 bytes");
        OvnHash(*first)
    }

    /// Returns what stands for these OVNs in a key: ascending, without repetition.
    pub fn key_of<'a>(ovns: impl IntoIterator<Item = &'a Ovn>) -> Vec<Self> {
        let mut key: Vec<_> = ovns.into_iter().map(OvnHash::of).collect();
        key.sort_unstable();
        key.dedup();
        key
    }

    /// Returns the bytes, which say nothing about the OVN to who does not know it.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl OvnSuffix {
    /// Returns the suffix, if `text` is a UUIDv7 in any of a UUID's written forms.
    pub fn parse(text: &str) -> Option<Self> {
        let uuid = uuid::Uuid::try_parse(text).ok()?;
        if uuid.get_version_num() != 7 || uuid.get_variant() != uuid::Variant::RFC4122 {
            return None;
        }
        Some(OvnSuffix(*uuid.as_bytes()))
    }

    /// Returns the milliseconds since 1970 that the UUIDv7 carries (RFC 9562, section 5.7).
    pub fn unix_millis(self) -> u64 {
        self.0[..6].iter().fold(0, |millis, byte| (millis << 8) | u64::from(*byte))
    }

    /// Tells whether its time is at most [`SUFFIX_SKEW_MAX`] from `now`, before or after.
    pub(crate) fn is_near(self, now: Timestamp) -> bool {
        let apart_us = i128::from(now.as_micros()) - self.unix_micros();
        apart_us.unsigned_abs() <= SUFFIX_SKEW_MAX.as_micros()
    }

    /// Tells whether it may still be requested at `now` or later.
    pub(crate) fn is_still_acceptable(self, now: Timestamp) -> bool {
        i128::from(now.as_micros()) <= self.unix_micros() + SUFFIX_SKEW_MAX.as_micros() as i128
    }

    fn unix_micros(self) -> i128 {
        i128::from(self.unix_millis()) * 1000
    }
}

impl NextOvn {
    /// Returns what the OVN is made of that a deployed hub gave an entity last changed at this time.
    pub fn of_time(updated_at: Timestamp) -> Self {
        NextOvn::Random(bits_of(updated_at))
    }

    /// Returns the time that the OVN is made of, if it is a deployed hub's.
    pub(crate) fn time(self) -> Option<Timestamp> {
        match self {
            NextOvn::Random(bits) => time_in(bits),
            NextOvn::Requested(_) => None,
        }
    }

    /// Returns the suffix that was requested, if one was.
    pub(crate) fn suffix(self) -> Option<OvnSuffix> {
        match self {
            NextOvn::Random(_) => None,
            NextOvn::Requested(suffix) => Some(suffix),
        }
    }
}

/// Returns the bits that hold a time: 64 of zero and then the microseconds since 1970.
///
/// So nothing about an imported entity is stored in another way. That bits are drawn so happens once
/// in 2^64 times and does no harm.
pub(crate) fn bits_of(updated_at: Timestamp) -> [u8; 16] {
    let mut bits = [0; 16];
    bits[8..].copy_from_slice(&updated_at.as_micros().to_be_bytes());
    bits
}

fn time_in(bits: [u8; 16]) -> Option<Timestamp> {
    let bits = u128::from_be_bytes(bits);
    let micros = u64::try_from(bits).ok()?.cast_signed();
    Timestamp::from_micros(micros).ok()
}

impl fmt::Display for OvnSuffix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&uuid::Uuid::from_bytes(self.0), f)
    }
}

impl fmt::Debug for Ovn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ovn(..)")
    }
}

impl fmt::Debug for OvnHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OvnHash(..)")
    }
}

impl fmt::Debug for NextOvn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NextOvn::Random(_) => f.write_str("Random(..)"),
            NextOvn::Requested(suffix) => write!(f, "Requested({suffix})"),
        }
    }
}

impl BorshSerialize for Ovn {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        self.as_str().serialize(writer)
    }
}

impl BorshDeserialize for Ovn {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        Self::new(&String::deserialize_reader(reader)?)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}
