//! Short texts that parties give: their names and their addresses.

use std::fmt;
use std::io;
use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};

/// A text is empty or too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// It has no characters.
    #[error("it is empty")]
    Empty,
    /// It has more bytes than allowed.
    #[error("it is longer than {max} bytes")]
    TooLong {
        /// How many bytes are allowed.
        max: usize,
    },
    /// It holds a character that no such text may hold.
    #[error("it holds a control character")]
    ControlCharacter,
}

/// The name of an organisation: `sub` of its tokens, `manager` in F3548-21.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Party(Arc<str>);

/// The base URL of a USS (F3548-21 `UssBaseURL`); `wire` has checked that it is one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UssBaseUrl(Arc<str>);

impl UssBaseUrl {
    /// Tells whether it is the same text, kept once for both or not.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self == other
    }
}

macro_rules! text {
    ($name:ident, $max:expr) => {
        impl $name {
            /// How many bytes of UTF-8 it may have.
            pub const LENGTH_MAX: usize = $max;

            /// Returns the text, checked.
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
                Ok($name(Arc::from(text)))
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl BorshSerialize for $name {
            fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
                self.as_str().serialize(writer)
            }
        }

        impl BorshDeserialize for $name {
            fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
                Self::new(&String::deserialize_reader(reader)?)
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
            }
        }
    };
}

text!(Party, 1024);
text!(UssBaseUrl, 2048);
