//! Entries and their canonical byte form.
//!
//! The form, all integers little endian, described in `docs/log-format.md`:
//! `form u8 = 1 | family u8 | version u16 | stamp i64 | proposer length u8 | proposer |
//! command length u32 | command`. An entry has exactly one form and every other byte string is
//! refused, so that equal hashes mean equal entries.

use std::fmt;
use std::sync::Arc;

use spacetime::Timestamp;

/// How many bytes a command may have that is read; one that is appended has at most
/// [`APPEND_BYTES_MAX`](crate::APPEND_BYTES_MAX).
pub const COMMAND_BYTES_MAX: usize = (4 * 1024 + 256) * 1024;

/// How many bytes an entry may have in its canonical form.
pub const ENTRY_BYTES_MAX: usize = FIXED_BYTES + Proposer::LENGTH_MAX + COMMAND_BYTES_MAX;

/// The first byte of every entry: the version of the byte form itself.
const FORM: u8 = 1;

/// What an entry has besides proposer and command: form, family, version, stamp, two lengths.
const FIXED_BYTES: usize = 1 + 1 + 2 + 8 + 1 + 4;

/// One thing that was asked, as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which state it is for.
    pub family: Family,
    /// Under which version of that family's rules it was written.
    pub version: u16,
    /// Which hub put it into the log.
    pub proposer: Proposer,
    /// The proposer's clock when it did.
    pub stamp: Timestamp,
    /// What is asked, in the family's own stored form; at most [`COMMAND_BYTES_MAX`].
    pub command: Vec<u8>,
}

/// An entry in its canonical bytes, without copies of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryRef<'a> {
    pub(crate) family: Family,
    pub(crate) version: u16,
    pub(crate) proposer: &'a str,
    pub(crate) stamp: Timestamp,
    pub(crate) command: &'a [u8],
}

/// Which state an entry is for; families that this build does not know are kept as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Family(pub u8);

/// The name of a hub, as its operator gave it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Proposer(Arc<str>);

/// A text is no name of a hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposerError {
    /// It has no characters.
    #[error("the name is empty")]
    Empty,
    /// It has more than [`Proposer::LENGTH_MAX`] bytes.
    #[error("the name is longer than {} bytes", Proposer::LENGTH_MAX)]
    TooLong,
    /// It holds a control character.
    #[error("the name holds a control character")]
    ControlCharacter,
}

/// Bytes are not the canonical form of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// They end before the entry does.
    #[error("the entry is cut off")]
    CutOff,
    /// There are more bytes after the entry.
    #[error("bytes follow the entry")]
    BytesFollow,
    /// They begin with the number of another form.
    #[error("the entry has form {0}, which this version does not read")]
    UnknownForm(u8),
    /// The proposer is none.
    #[error("the proposer is invalid")]
    Proposer(#[source] ProposerError),
    /// The proposer is not UTF-8.
    #[error("the proposer is not UTF-8")]
    ProposerText,
    /// The stamp lies outside years 0000 to 9999.
    #[error("the stamp is out of range")]
    Stamp,
    /// The command is longer than [`COMMAND_BYTES_MAX`].
    #[error("the command is longer than {COMMAND_BYTES_MAX} bytes")]
    CommandTooLarge,
}

impl Family {
    /// What hubs say about themselves and the log: a start from a backup, state hashes.
    pub const HUB: Family = Family(0);
    /// The rules of F3548-21.
    pub const AIRSPACE: Family = Family(1);
    /// Who belongs to a pool and what is found in its etcd.
    pub const POOL: Family = Family(::pool::FAMILY);
}

impl Proposer {
    /// How many bytes of UTF-8 a name may have.
    pub const LENGTH_MAX: usize = 255;

    /// Returns the name, checked.
    pub fn new(name: &str) -> Result<Self, ProposerError> {
        Self::check(name)?;
        Ok(Proposer(Arc::from(name)))
    }

    fn check(name: &str) -> Result<(), ProposerError> {
        if name.is_empty() {
            return Err(ProposerError::Empty);
        }
        if Self::LENGTH_MAX < name.len() {
            return Err(ProposerError::TooLong);
        }
        if name.chars().any(char::is_control) {
            return Err(ProposerError::ControlCharacter);
        }
        Ok(())
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Proposer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Entry {
    /// Returns the canonical bytes, refused when the command is too large.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EntryError> {
        if COMMAND_BYTES_MAX < self.command.len() {
            return Err(EntryError::CommandTooLarge);
        }
        let proposer = self.proposer.as_str().as_bytes();
        let proposer_length = u8::try_from(proposer.len()).expect("Proposer::LENGTH_MAX is 255");
        let command_length = u32::try_from(self.command.len()).expect("COMMAND_BYTES_MAX is less");

        let mut bytes = Vec::with_capacity(FIXED_BYTES + proposer.len() + self.command.len());
        bytes.push(FORM);
        bytes.push(self.family.0);
        bytes.extend(self.version.to_le_bytes());
        bytes.extend(self.stamp.as_micros().to_le_bytes());
        bytes.push(proposer_length);
        bytes.extend(proposer);
        bytes.extend(command_length.to_le_bytes());
        bytes.extend(&self.command);
        Ok(bytes)
    }

    /// Returns the entry whose canonical bytes these are.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EntryError> {
        let EntryRef { family, version, proposer, stamp, command } = EntryRef::from_bytes(bytes)?;
        let proposer = Proposer(Arc::from(proposer));
        Ok(Entry { family, version, proposer, stamp, command: command.to_vec() })
    }
}

impl<'a> EntryRef<'a> {
    /// Returns the entry whose canonical bytes these are.
    pub(crate) fn from_bytes(bytes: &'a [u8]) -> Result<Self, EntryError> {
        let mut rest = bytes;
        let [form] = take_array(&mut rest)?;
        if form != FORM {
            return Err(EntryError::UnknownForm(form));
        }
        let [family] = take_array(&mut rest)?;
        let version = u16::from_le_bytes(take_array(&mut rest)?);
        let stamp = Timestamp::from_micros(i64::from_le_bytes(take_array(&mut rest)?))
            .map_err(|_| EntryError::Stamp)?;
        let [proposer_length] = take_array(&mut rest)?;
        let proposer = str::from_utf8(take(&mut rest, usize::from(proposer_length))?)
            .map_err(|_| EntryError::ProposerText)?;
        Proposer::check(proposer).map_err(EntryError::Proposer)?;
        let command_length = u32::from_le_bytes(take_array(&mut rest)?) as usize;
        if COMMAND_BYTES_MAX < command_length {
            return Err(EntryError::CommandTooLarge);
        }
        let command = take(&mut rest, command_length)?;
        if !rest.is_empty() {
            return Err(EntryError::BytesFollow);
        }
        Ok(EntryRef { family: Family(family), version, proposer, stamp, command })
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], EntryError> {
    let (taken, left) = rest.split_at_checked(length).ok_or(EntryError::CutOff)?;
    *rest = left;
    Ok(taken)
}

fn take_array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], EntryError> {
    let (taken, left) = rest.split_first_chunk().ok_or(EntryError::CutOff)?;
    *rest = left;
    Ok(*taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(command: Vec<u8>) -> Entry {
        Entry {
            family: Family::AIRSPACE,
            version: 0x0203,
            proposer: Proposer::new("hub").expect("a name"),
            stamp: Timestamp::from_micros(-2).expect("in range"),
            command,
        }
    }

    #[test]
    fn has_the_documented_bytes() {
        let bytes = entry(vec![0xaa, 0xbb]).to_bytes().expect("small");

        assert_eq!(
            bytes,
            [
                1, // form
                1, // family
                0x03, 0x02, // version
                0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // stamp
                3, b'h', b'u', b'b', // proposer
                2, 0, 0, 0, 0xaa, 0xbb, // command
            ]
        );
    }

    #[test]
    fn takes_a_command_of_the_largest_size_and_no_larger() {
        let largest = entry(vec![7; COMMAND_BYTES_MAX]);
        let bytes = largest.to_bytes().expect("just small enough");

        assert!(bytes.len() <= ENTRY_BYTES_MAX);
        assert_eq!(Entry::from_bytes(&bytes), Ok(largest));
        let larger = entry(vec![7; COMMAND_BYTES_MAX + 1]);
        assert_eq!(larger.to_bytes(), Err(EntryError::CommandTooLarge));
    }

    #[test]
    fn refuses_every_other_byte_string() {
        let bytes = entry(vec![1, 2, 3]).to_bytes().expect("small");

        for length in 0..bytes.len() {
            assert_eq!(Entry::from_bytes(&bytes[..length]), Err(EntryError::CutOff), "{length}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(Entry::from_bytes(&longer), Err(EntryError::BytesFollow));
        let other_form = [&[2], &bytes[1..]].concat();
        assert_eq!(Entry::from_bytes(&other_form), Err(EntryError::UnknownForm(2)));
        let nameless = [&bytes[..12], &[0], &bytes[16..]].concat();
        assert_eq!(Entry::from_bytes(&nameless), Err(EntryError::Proposer(ProposerError::Empty)));
    }

    #[test]
    fn takes_names_of_the_greatest_length_and_no_longer() {
        assert!(Proposer::new(&"x".repeat(Proposer::LENGTH_MAX)).is_ok());
        let longer = Proposer::new(&"x".repeat(Proposer::LENGTH_MAX + 1));
        assert_eq!(longer, Err(ProposerError::TooLong));
        assert_eq!(Proposer::new("a\nb"), Err(ProposerError::ControlCharacter));
    }

    proptest! {
        #[test]
        fn bytes_that_are_read_are_the_ones_that_are_written(
            bytes in prop::collection::vec(any::<u8>(), 0..64),
            name in "[a-z]{1,9}",
            command in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            if let Ok(read) = Entry::from_bytes(&bytes) {
                prop_assert_eq!(read.to_bytes(), Ok(bytes));
            }
            let mut made = entry(command);
            made.proposer = Proposer::new(&name).expect("a name");
            let written = made.to_bytes().expect("small");
            prop_assert_eq!(Entry::from_bytes(&written), Ok(made));
        }
    }
}
