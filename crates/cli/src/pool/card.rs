//! Cards: what an owner gives the others of itself and of its hubs, in a file that people can read.

use std::path::Path;

use pool::{GenesisHub, Owner};
use serde::{Deserialize, Serialize};

use super::files;
use crate::failure::Failure;

/// What a card says, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Card {
    /// An owner and its public keys.
    Owner(Owner),
    /// A hub, its owner and its public key.
    Hub(GenesisHub),
}

/// The stored form.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Stored {
    Owner(StoredOwner),
    Hub(StoredHub),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredOwner {
    name: String,
    key: String,
    offline_key: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredHub {
    id: String,
    owner: String,
    key: String,
}

impl Card {
    /// Reads a card.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = files::read(path, files::SMALL_FILE_BYTES_MAX)?;
        let text = String::from_utf8_lossy(&bytes);
        Self::parse(&text).map_err(|error| {
            Failure::Refused(format!("{} is no card of an owner or a hub: {error}", path.display()))
        })
    }

    /// Reads a card of an owner.
    pub(super) fn read_owner(path: &Path) -> Result<Owner, Failure> {
        match Self::read(path)? {
            Card::Owner(owner) => Ok(owner),
            Card::Hub(_) => Err(Failure::Refused(format!(
                "{} is the card of a hub; give that of an owner, NAME.owner.toml",
                path.display()
            ))),
        }
    }

    /// Reads the text of a card.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        // The parser's own message shows the line, which may be one of a private key.
        let stored =
            toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())?;
        match stored {
            Stored::Owner(owner) => owner.check().map(Card::Owner),
            Stored::Hub(hub) => hub.check().map(Card::Hub),
        }
    }

    /// Returns the text of the card.
    pub(super) fn to_text(&self) -> String {
        let (stored, what) = match self {
            Card::Owner(owner) => (
                Stored::Owner(StoredOwner {
                    name: owner.name.to_string(),
                    key: owner.key.to_string(),
                    offline_key: owner.offline_key.to_string(),
                }),
                "an owner's name and public keys",
            ),
            Card::Hub(hub) => (
                Stored::Hub(StoredHub {
                    id: hub.id.to_string(),
                    owner: hub.owner.to_string(),
                    key: hub.key.to_string(),
                }),
                "a hub's name, owner and public key",
            ),
        };
        let table = toml::to_string(&stored).expect("names and keys are text");
        format!("# {what}, for the other owners of a pool; nothing in here is secret\n{table}")
    }
}

impl StoredOwner {
    fn check(&self) -> Result<Owner, String> {
        let text = |error: &dyn std::error::Error| error.to_string();
        Ok(Owner {
            name: self.name.parse().map_err(|error| text(&error))?,
            key: self.key.parse().map_err(|error| text(&error))?,
            offline_key: self.offline_key.parse().map_err(|error| text(&error))?,
        })
    }
}

impl StoredHub {
    fn check(&self) -> Result<GenesisHub, String> {
        let text = |error: &dyn std::error::Error| error.to_string();
        Ok(GenesisHub {
            id: self.id.parse().map_err(|error| text(&error))?,
            owner: self.owner.parse().map_err(|error| text(&error))?,
            key: self.key.parse().map_err(|error| text(&error))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use pool::KeyPair;

    use super::*;

    fn owner() -> Card {
        let key = |seed| KeyPair::from_seed(&[seed; 32]).public_key();
        let name = "alder".parse().expect("a name");
        Card::Owner(Owner { name, key: key(1), offline_key: key(2) })
    }

    fn hub() -> Card {
        let key = KeyPair::from_seed(&[3; 32]).public_key();
        let (id, owner) = ("alder-1".parse().expect("a name"), "alder".parse().expect("a name"));
        Card::Hub(GenesisHub { id, owner, key })
    }

    #[test]
    fn reads_what_it_writes() {
        for card in [owner(), hub()] {
            assert_eq!(Card::parse(&card.to_text()), Ok(card));
        }
    }

    #[test]
    fn refuses_what_is_no_card() {
        let hub = hub().to_text();
        for wrong in [
            String::new(),
            "[owner]\nname = \"alder\"".to_owned(),
            hub.replace("alder-1", "Alder 1"),
            hub.replace("key = \"", "key = \"00"),
            format!("{hub}more = 1"),
            format!("{hub}{}", owner().to_text()),
        ] {
            assert!(Card::parse(&wrong).is_err(), "{wrong}");
        }
    }
}
