//! A hub's copy of the pool's log, read without etcd and without the hub.

use std::collections::{BTreeMap, VecDeque};
use std::error::Error;
use std::io;
use std::path::Path;

use hub::replica::States;
use log::{ExportError, Exported, Head, Position, Snapshot, SnapshotStore};
use pool::{
    AppliedHead, Command, FAMILY, Genesis, Hash, HubId, Pool, SignedHeader, State, confirmed,
};

use crate::failure::Failure;

/// How many of the last chains are kept, to hold against what hubs have signed; hubs that follow
/// are behind by a small part of that.
const CHAINS_MAX: usize = 65_536;

/// What a copy comes to.
pub(super) struct Copy {
    /// How the pool began.
    pub(super) genesis: Genesis,
    /// The last entry, in words and as the pool names it.
    pub(super) head: AppliedHead,
    /// Up to which position a majority of the admitted hubs has signed this very log.
    pub(super) confirmed: u64,
    state: State,
}

/// What is taken in of a copy, entry by entry.
#[derive(Default)]
struct Reading {
    genesis: Option<Genesis>,
    state: State,
    before: AppliedHead,
    /// The chains at the last positions, the last of them that of `before`.
    chains: VecDeque<Hash>,
    /// The last header of each hub.
    headers: BTreeMap<HubId, SignedHeader>,
}

impl Copy {
    /// Reads a copy from its first entry on, or from a snapshot where it begins at one.
    pub(super) fn read(dir: &Path) -> Result<Self, Failure> {
        let mut reading = Reading::begin(dir)?;
        let after = Position::new(reading.before.position).expect("it was one");
        let all = after.next()..=Position::MAX;
        let read =
            log::export(dir, all, |exported| reading.take(&exported).map_err(io::Error::other));
        read.map_err(|error| {
            let what = format!("the copy in {} cannot be used", dir.display());
            match error {
                ExportError::Log(error) => Failure::refused(&what, &error),
                ExportError::Output(error) => Failure::refused(&what, &error),
            }
        })?;
        reading
            .finish()
            .ok_or_else(|| Failure::Refused(format!("{} holds no pool's log", dir.display())))
    }

    /// Returns what the pool has come to.
    pub(super) fn pool(&self) -> &Pool {
        self.state.pool().expect("the copy began with a genesis")
    }
}

impl Reading {
    /// Begins with nothing, or with the oldest snapshot where the first entry is not kept.
    fn begin(dir: &Path) -> Result<Self, Failure> {
        let refused = |error: &dyn Error| {
            Failure::refused(&format!("the copy in {} cannot be used", dir.display()), error)
        };
        let first = log::chain_at(dir, Position::ZERO.next()).map_err(|error| refused(&error))?;
        let is_empty = log::head(dir).map_err(|error| refused(&error))? == Head::default();
        if first.is_some() || is_empty {
            return Ok(Reading::default());
        }
        let store = SnapshotStore::in_log(dir);
        let good = store.good().map_err(|error| refused(&error))?;
        let read = |mut snapshot: Snapshot| {
            let mut states = States::read(&mut snapshot).ok()?;
            (states.hash() == snapshot.state_hash).then_some((snapshot.head, states))
        };
        let (head, states) = good.filter_map(read).last().ok_or_else(|| {
            let dir = dir.display();
            Failure::Refused(format!("the copy in {dir} begins at a snapshot that is damaged"))
        })?;
        let before = AppliedHead { position: head.position.number(), chain: head.chain };
        Ok(Reading {
            genesis: states.lineage.genesis().cloned(),
            state: states.pool,
            before,
            chains: VecDeque::from([head.chain]),
            headers: BTreeMap::new(),
        })
    }

    fn take(&mut self, exported: &Exported) -> Result<(), String> {
        let position = exported.head.position;
        let entry = exported.entry.as_ref().ok_or_else(|| {
            format!(
                "the entry at position {position} was let go (log.old_entries = \"drop\"): use the \
                 copy of a hub that keeps old entries"
            )
        })?;
        if entry.family.0 == FAMILY {
            let command = Command::from_bytes(&entry.command)
                .map_err(|error| format!("the entry at position {position}: {error}"))?;
            self.state
                .apply(&self.before, entry.proposer.as_str(), &command)
                .map_err(|error| format!("the entry at position {position}: {error}"))?;
            self.keep(command);
        }
        self.before = AppliedHead { position: position.number(), chain: exported.head.chain };
        self.chains.push_back(exported.head.chain);
        if CHAINS_MAX < self.chains.len() {
            self.chains.pop_front();
        }
        Ok(())
    }

    fn keep(&mut self, command: Command) {
        match command {
            Command::Genesis(genesis) => self.genesis = Some(genesis),
            Command::Placed(placed) => {
                let hub = placed.header.slot.hub.clone();
                let signed = SignedHeader { header: placed.header, signature: placed.signature };
                self.headers.insert(hub, signed);
            }
            Command::Bad(_) | Command::Change(_) | Command::OpenEpoch(_) => {}
        }
    }

    fn finish(self) -> Option<Copy> {
        let membership = self.state.pool()?.membership();
        let headers: Vec<_> = self.headers.values().cloned().collect();
        let confirmed = confirmed(membership, &headers, |position| self.chain_at(position));
        Some(Copy { genesis: self.genesis?, head: self.before, confirmed, state: self.state })
    }

    fn chain_at(&self, position: u64) -> Option<Hash> {
        let back = usize::try_from(self.before.position.checked_sub(position)?).ok()?;
        let index = self.chains.len().checked_sub(back + 1)?;
        self.chains.get(index).copied()
    }
}
