//! Names: of pools, owners, hubs and parties.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::PROPOSER;
use crate::canonical::invalid;

/// A text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It has no characters.
    #[error("the name is empty")]
    Empty,
    /// It has more bytes than allowed.
    #[error("the name is longer than {max} bytes")]
    TooLong {
        /// How many bytes are allowed.
        max: usize,
    },
    /// It holds a character that such a name may not hold, or begins with one.
    #[error(
        "the name may hold a-z, 0-9, '-', '_' and '.' only, and must begin with a letter or a digit"
    )]
    Character,
    /// It holds a control character.
    #[error("the name holds a control character")]
    ControlCharacter,
    /// It is what entries are called that no hub has put.
    #[error("the name {PROPOSER:?} is reserved")]
    Reserved,
}

/// The name of a hub: its key in etcd is `log/` and this.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HubId(Arc<str>);

/// The name of an owner of hubs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerName(Arc<str>);

/// The name of a pool, for people; its [`PoolId`](crate::PoolId) is what identifies it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolName(Arc<str>);

/// The name of an organisation that uses hubs: `sub` of its tokens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartyName(Arc<str>);

macro_rules! name {
    ($name:ident, $max:expr, $check:path) => {
        impl $name {
            /// How many bytes it may have.
            pub const LENGTH_MAX: usize = $max;

            /// Returns the name, checked.
            pub fn new(text: &str) -> Result<Self, NameError> {
                if text.is_empty() {
                    return Err(NameError::Empty);
                }
                if Self::LENGTH_MAX < text.len() {
                    return Err(NameError::TooLong { max: Self::LENGTH_MAX });
                }
                $check(text)?;
                Ok($name(Arc::from(text)))
            }

            /// Returns the name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl BorshSerialize for $name {
            fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
                self.as_str().serialize(writer)
            }
        }

        impl BorshDeserialize for $name {
            fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
                Self::new(&String::deserialize_reader(reader)?).map_err(invalid)
            }
        }
    };
}

name!(HubId, 64, check_hub);
name!(OwnerName, 64, check_plain);
name!(PoolName, 64, check_plain);
name!(PartyName, 1024, check_party);

fn check_hub(text: &str) -> Result<(), NameError> {
    if text == PROPOSER {
        return Err(NameError::Reserved);
    }
    check_plain(text)
}

/// No two names look alike, and each is good in a key, a path and a label.
fn check_plain(text: &str) -> Result<(), NameError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let first = text.bytes().next().is_some_and(plain);
    if !first || !text.bytes().all(|byte| plain(byte) || b"-_.".contains(&byte)) {
        return Err(NameError::Character);
    }
    Ok(())
}

/// Names of parties are what their token issuers call them.
fn check_party(text: &str) -> Result<(), NameError> {
    if text.chars().any(char::is_control) {
        return Err(NameError::ControlCharacter);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_names_that_are_good_in_keys_and_paths_only() {
        for good in ["a", "0", "hub-1", "a.b_c"] {
            assert!(HubId::new(good).is_ok(), "{good}");
        }
        for bad in ["A", "a/b", "..", ".a", "-a", "a b", "\u{430}", "a\n"] {
            assert_eq!(HubId::new(bad), Err(NameError::Character), "{bad}");
        }
        assert_eq!(HubId::new(""), Err(NameError::Empty));
    }

    #[test]
    fn takes_names_of_the_greatest_length_and_no_longer() {
        assert!(HubId::new(&"x".repeat(HubId::LENGTH_MAX)).is_ok());
        let longer = HubId::new(&"x".repeat(HubId::LENGTH_MAX + 1));
        assert_eq!(longer, Err(NameError::TooLong { max: 64 }));
        assert!(PartyName::new(&"x".repeat(PartyName::LENGTH_MAX)).is_ok());
        assert!(PartyName::new(&"x".repeat(PartyName::LENGTH_MAX + 1)).is_err());
    }

    #[test]
    fn lets_no_hub_be_called_what_the_pool_itself_is() {
        assert_eq!(HubId::new(PROPOSER), Err(NameError::Reserved));
        assert!(OwnerName::new(PROPOSER).is_ok());
    }
}
