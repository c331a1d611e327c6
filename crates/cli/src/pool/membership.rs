//! `tansiq pool membership`: who belongs to a pool now, and where a change is told that from.

use std::path::PathBuf;

use clap::Args;
use pool::{Binding, Hub, Membership, Owner, PublicKey};
use serde::Deserialize;
use serde_json::Value;

use super::admin::Address;
use super::{files, words};
use crate::failure::Failure;
use crate::log::{from_hex, hex};
use crate::output::line;

/// How many bytes a stored answer may have.
const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The arguments of `tansiq pool membership`.
#[derive(Debug, Args)]
#[command(after_help = "\
The file that --out makes is for changes that are made and looked at where there is no
network: give it to --membership there.

Example:
  tansiq pool membership --admin 127.0.0.1:8083 --out delta.membership")]
pub(super) struct Show {
    #[command(flatten)]
    source: Source,
    /// A file to keep the answer in.
    #[arg(long, value_name = "FILE", requires = "admin")]
    out: Option<PathBuf>,
}

/// Where it is read who belongs to the pool.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct Source {
    /// The admin listener of a hub of the pool, which is asked.
    #[arg(long, value_name = "HOST:PORT")]
    admin: Option<Address>,
    /// What such a hub answered before: a file of `tansiq pool membership --out`.
    #[arg(long, value_name = "FILE")]
    membership: Option<PathBuf>,
    /// The genesis, for a pool that has not changed since.
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
}

/// What a hub answers.
#[derive(Deserialize)]
struct Shown {
    pool: String,
    epoch: u32,
    number: u64,
    hash: String,
    quorum: u8,
    owners: Vec<ShownOwner>,
    hubs: Vec<ShownHub>,
    bindings: Vec<ShownBinding>,
}

#[derive(Deserialize)]
struct ShownOwner {
    name: String,
    key: String,
    offline_key: String,
}

#[derive(Deserialize)]
struct ShownHub {
    id: String,
    owner: String,
    key: String,
    admitted: u64,
    keys_replaced: u16,
}

#[derive(Deserialize)]
struct ShownBinding {
    party: String,
    hubs: Vec<String>,
}

/// Runs `tansiq pool membership`.
pub(super) fn run(show: &Show) -> Result<(), Failure> {
    let (membership, answer) = match &show.source.admin {
        Some(address) => {
            let answer = ask(address)?;
            (parse(&answer, &address.to_string())?, Some(answer))
        }
        None => (show.source.load()?, None),
    };
    line(words::membership(&membership))?;
    if let (Some(out), Some(answer)) = (&show.out, answer) {
        files::write_new(out, format!("{answer:#}\n").as_bytes())?;
        line(format_args!("written to {}", out.display()))?;
    }
    Ok(())
}

impl Source {
    /// Reads who belongs to the pool.
    pub(super) fn load(&self) -> Result<Membership, Failure> {
        self.find()?.ok_or_else(|| {
            Failure::Refused(
                "say where it is to be read who belongs to the pool: --admin HOST:PORT of a hub, \
                 --membership FILE, or --genesis FILE while nothing has changed since"
                    .to_owned(),
            )
        })
    }

    /// Reads who belongs to the pool, if it was said where.
    pub(super) fn find(&self) -> Result<Option<Membership>, Failure> {
        if let Some(address) = &self.admin {
            return Ok(Some(of_hub(address)?));
        }
        if let Some(path) = &self.membership {
            let place = path.display().to_string();
            let answer = serde_json::from_slice(&files::read(path, FILE_BYTES_MAX)?);
            let answer: Value = answer.map_err(|error| {
                let what = format!("{place} is no file of `tansiq pool membership --out`");
                Failure::refused(&what, &error)
            })?;
            return Ok(Some(parse(&answer, &place)?));
        }
        match &self.genesis {
            None => Ok(None),
            Some(path) => Ok(Some(Membership::found(&files::read_genesis(path)?))),
        }
    }
}

/// Asks a hub who belongs to its pool.
pub(super) fn of_hub(address: &Address) -> Result<Membership, Failure> {
    parse(&ask(address)?, &address.to_string())
}

fn ask(address: &Address) -> Result<Value, Failure> {
    address.get("/pool/membership")
}

/// Reads what a hub answered, and holds it against the hash that it names.
fn parse(answer: &Value, place: &str) -> Result<Membership, Failure> {
    let wrong = |why: String| {
        Failure::Refused(format!("{place} does not tell who belongs to a pool: {why}"))
    };
    let shown: Shown =
        serde_json::from_value(answer.clone()).map_err(|error| wrong(error.to_string()))?;
    let hash = shown.hash.clone();
    let membership = shown.check().map_err(&wrong)?;
    if hex(&membership.hash()) != hash {
        return Err(wrong("it is not what its hash is of".to_owned()));
    }
    Ok(membership)
}

impl Shown {
    /// Returns the membership: its stored form is the only way in, and checks what it says.
    fn check(self) -> Result<Membership, String> {
        let text = |error: &dyn std::error::Error| error.to_string();
        let pool: pool::PoolId = self.pool.parse().map_err(|error| text(&error))?;
        let mut owners = Vec::new();
        for owner in &self.owners {
            owners.push(Owner {
                name: owner.name.parse().map_err(|error| text(&error))?,
                key: key(&owner.key)?,
                offline_key: key(&owner.offline_key)?,
            });
        }
        let mut hubs = Vec::new();
        for hub in &self.hubs {
            hubs.push(Hub {
                id: hub.id.parse().map_err(|error| text(&error))?,
                owner: hub.owner.parse().map_err(|error| text(&error))?,
                admitted: hub.admitted,
                key: key(&hub.key)?,
                keys_replaced: hub.keys_replaced,
            });
        }
        let mut bindings = Vec::new();
        for binding in &self.bindings {
            let hubs: Result<Vec<_>, _> = binding.hubs.iter().map(|hub| hub.parse()).collect();
            bindings.push(Binding {
                party: binding.party.parse().map_err(|error| text(&error))?,
                hubs: hubs.map_err(|error: pool::NameError| text(&error))?,
            });
        }
        let stored = (pool, self.epoch, self.number, owners, self.quorum, hubs, bindings);
        let bytes = borsh::to_vec(&stored).expect("writing to memory does not fail");
        borsh::from_slice(&bytes).map_err(|error| text(&error))
    }
}

fn key(text: &str) -> Result<PublicKey, String> {
    let bytes: Option<[u8; 32]> = from_hex(text).and_then(|bytes| bytes.try_into().ok());
    bytes.map(PublicKey::from_bytes).ok_or_else(|| format!("{text:?} is no public key"))
}

#[cfg(test)]
mod tests {
    use pool::{Action, Change, Founding, Genesis, GenesisHub, KeyPair, Rule, Rules};
    use serde_json::json;

    use super::*;

    fn membership() -> Membership {
        let key = |seed| KeyPair::from_seed(&[seed; 32]).public_key();
        let owner = |name: &str, seed| Owner {
            name: name.parse().expect("a name"),
            key: key(seed),
            offline_key: key(seed + 1),
        };
        let hub = |id: &str, owner: &str, seed| GenesisHub {
            id: id.parse().expect("a name"),
            owner: owner.parse().expect("a name"),
            key: key(seed),
        };
        let founding = Founding {
            name: "delta".parse().expect("a name"),
            nonce: [9; 32],
            owners: vec![owner("alder", 1), owner("birch", 3)],
            quorum: 2,
            hubs: vec![hub("alder-1", "alder", 5), hub("birch-1", "birch", 6)],
            rules: Rules::new(vec![Rule { family: pool::FAMILY, version: 1 }]).expect("one"),
        };
        let found = Membership::found(&Genesis::new(founding).expect("good"));
        let party = "rescue".parse().expect("a name");
        let hubs = vec!["birch-1".parse().expect("a name")];
        let change = Change {
            pool: found.pool(),
            epoch: found.epoch(),
            before: found.hash(),
            action: Action::Bind { party, hubs },
        };
        found.rehearse(&change).expect("it may be bound")
    }

    /// What a hub answers.
    fn answer(membership: &Membership) -> Value {
        let owners = membership.owners().iter().map(|owner| {
            json!({
                "name": owner.name.as_str(),
                "key": owner.key.to_string(),
                "offline_key": owner.offline_key.to_string(),
            })
        });
        let hubs = membership.hubs().iter().map(|hub| {
            json!({
                "id": hub.id.as_str(),
                "owner": hub.owner.as_str(),
                "key": hub.key.to_string(),
                "admitted": hub.admitted,
                "keys_replaced": hub.keys_replaced,
                "hash": "of the hub",
            })
        });
        let bindings = membership.bindings().iter().map(|binding| {
            let hubs: Vec<_> = binding.hubs.iter().map(|hub| hub.as_str()).collect();
            json!({ "party": binding.party.as_str(), "hubs": hubs })
        });
        json!({
            "pool": hex(membership.pool().as_bytes()),
            "epoch": membership.epoch(),
            "number": membership.number(),
            "hash": hex(&membership.hash()),
            "quorum": membership.quorum(),
            "owners": owners.collect::<Vec<_>>(),
            "hubs": hubs.collect::<Vec<_>>(),
            "bindings": bindings.collect::<Vec<_>>(),
            "rules": [],
        })
    }

    #[test]
    fn reads_what_a_hub_answers() {
        let membership = membership();

        let read = parse(&answer(&membership), "a hub").expect("it is one");

        assert_eq!(read, membership);
    }

    #[test]
    fn refuses_an_answer_that_its_hash_is_not_of() {
        let good = answer(&membership());
        let edits: [fn(&mut Value); 4] = [
            |answer| answer["quorum"] = json!(1),
            |answer| answer["epoch"] = json!(2),
            |answer| answer["hubs"][0]["owner"] = json!("birch"),
            |answer| answer["owners"] = json!([]),
        ];
        for (index, edit) in edits.into_iter().enumerate() {
            let mut wrong = good.clone();
            edit(&mut wrong);
            assert!(parse(&wrong, "a hub").is_err(), "edit {index}");
        }
    }
}
