//! Ids of entities and subscriptions (F3548-21 `EntityID`, `SubscriptionID`: UUIDv4).

use std::fmt;
use std::io;

use borsh::{BorshDeserialize, BorshSerialize};
use uuid::Uuid;

/// A text is no UUIDv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// It is no UUID in any of its written forms.
    #[error("it is not a UUID")]
    NotUuid,
    /// It is a UUID, but not of RFC 4122 variant, version 4.
    #[error("it is not a version 4 UUID of RFC 4122")]
    NotVersion4,
}

/// The id of an operational intent, a constraint or an identification service area.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId(Uuid);

/// The id of a subscription, of F3548-21 or of F3411.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(Uuid);

macro_rules! id {
    ($name:ident) => {
        impl $name {
            /// Returns the id that `text` writes: hyphenated, simple, braced or as
            /// a `urn:uuid:`, in any case.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                Self::from_uuid(Uuid::try_parse(text).map_err(|_| IdError::NotUuid)?)
            }

            /// Returns the id with 122 of these 128 random bits.
            pub fn from_random_bytes(bytes: [u8; 16]) -> Self {
                $name(uuid::Builder::from_random_bytes(bytes).into_uuid())
            }

            /// Returns the id in 16 bytes.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            fn from_uuid(uuid: Uuid) -> Result<Self, IdError> {
                if uuid.get_version_num() != 4 || uuid.get_variant() != uuid::Variant::RFC4122 {
                    return Err(IdError::NotVersion4);
                }
                Ok($name(uuid))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl BorshSerialize for $name {
            fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
                writer.write_all(self.0.as_bytes())
            }
        }

        impl BorshDeserialize for $name {
            fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
                let bytes = <[u8; 16]>::deserialize_reader(reader)?;
                Self::from_uuid(Uuid::from_bytes(bytes))
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
            }
        }
    };
}

id!(EntityId);
id!(SubscriptionId);
