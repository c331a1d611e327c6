//! Writing a state as it was, and reading it again.

use std::io::{self, BufReader, BufWriter, Read, Write};
use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use spacetime::Timestamp;

use super::{State, Tables};
use crate::constraint::Constraint;
use crate::expiry::Ends;
use crate::idempotency::KeptOutcome;
use crate::index::{Index, Occupied};
use crate::limits::{Parties, UssBaseUrls};
use crate::operational_intent::OperationalIntent;
use crate::subscription::{Dependents, Subscription};
use crate::table::{Record, Table};
use crate::{Party, Settings, UssBaseUrl, stored};

/// The state at one position of the log, which stays as it is while the state goes on.
///
/// It shares memory with the state it was taken from; what changes there afterwards is copied.
#[derive(Clone, Debug)]
pub struct FrozenState {
    tables: Tables,
}

impl FrozenState {
    pub(super) fn of(tables: Tables) -> Self {
        FrozenState { tables }
    }

    /// Returns the hash of all that it holds, the same as [`State::hash`] then.
    pub fn hash(&self) -> [u8; 32] {
        self.tables.hash()
    }

    /// Writes its stored form, version 1: see `docs/log-format.md`.
    pub fn write<W: Write>(&self, writer: W) -> io::Result<()> {
        let mut writer = BufWriter::new(writer);
        let tables = &self.tables;
        stored::VERSION.serialize(&mut writer)?;
        tables.clock.serialize(&mut writer)?;
        tables.horizon.serialize(&mut writer)?;
        tables.settings.serialize(&mut writer)?;
        write_table(&tables.subscriptions, &mut writer)?;
        write_table(&tables.operational_intents, &mut writer)?;
        write_table(&tables.constraints, &mut writer)?;
        write_table(&tables.uss_availabilities, &mut writer)?;
        write_table(&tables.kept_outcomes, &mut writer)?;
        tables.hash().serialize(&mut writer)?;
        writer.flush()
    }
}

impl State {
    /// Reads a stored form, version 1, to its end, and makes the state that it is of.
    ///
    /// # Errors
    /// When it is of another version, cut off or longer, or when its records are not in order or
    /// not what the hash at its end says.
    pub fn read<R: Read>(reader: R) -> io::Result<State> {
        let mut reader = BufReader::new(reader);
        if u16::deserialize_reader(&mut reader)? != stored::VERSION {
            return Err(invalid("the state is stored in a version that is not known here"));
        }
        let mut shared = Shared::default();
        let clock = Timestamp::deserialize_reader(&mut reader)?;
        let horizon = Timestamp::deserialize_reader(&mut reader)?;
        let settings = Settings::deserialize_reader(&mut reader)?;
        let subscriptions = read_table(&mut reader, |new: &mut Subscription| {
            shared.entity(&mut new.manager, &mut new.uss_base_url, &new.occupied);
        })?;
        let operational_intents = read_table(&mut reader, |new: &mut OperationalIntent| {
            shared.entity(&mut new.manager, &mut new.uss_base_url, &new.occupied);
            share_cells(new, &subscriptions);
        })?;
        let tables = Tables {
            clock,
            horizon,
            settings,
            subscriptions,
            operational_intents,
            constraints: read_table(&mut reader, |new: &mut Constraint| {
                shared.entity(&mut new.manager, &mut new.uss_base_url, &new.occupied);
            })?,
            uss_availabilities: read_table(&mut reader, |_| {})?,
            kept_outcomes: read_table(&mut reader, |new: &mut KeptOutcome| {
                new.party = shared.parties.add_kept(&new.party, (new.position, new.key));
            })?,
        };
        if <[u8; 32]>::deserialize_reader(&mut reader)? != tables.hash() {
            return Err(invalid("the records of the state do not have the hash at its end"));
        }
        if reader.read(&mut [0])? != 0 {
            return Err(invalid("the state goes on after its end"));
        }
        Ok(State::of(tables, shared))
    }

    /// Makes the indices that follow from the tables.
    fn of(tables: Tables, shared: Shared) -> State {
        let mut state = State {
            operational_intent_index: index_of(&tables.operational_intents, |r| &r.occupied),
            constraint_index: index_of(&tables.constraints, |r| &r.occupied),
            subscription_index: index_of(&tables.subscriptions, |r| &r.occupied),
            dependents: dependents_of(&tables.operational_intents),
            parties: shared.parties,
            uss_base_urls: shared.uss_base_urls,
            kept: tables.kept_outcomes.iter().map(|(slot, kept)| (kept.position, slot)).collect(),
            tables,
            ends: Ends::default(),
        };
        state.ends = state.ends_of_tables();
        state
    }

    /// Returns what is to be removed when its time has come.
    pub(super) fn ends_of_tables(&self) -> Ends {
        let tables = &self.tables;
        let operational_intents = tables.operational_intents.iter();
        let constraints = tables.constraints.iter();
        let subscriptions = tables.subscriptions.iter();
        Ends {
            operational_intents: operational_intents
                .map(|(_, stored)| (stored.occupied.bounds.ends_at, stored.id))
                .collect(),
            constraints: constraints
                .map(|(_, stored)| (stored.occupied.bounds.ends_at, stored.id))
                .collect(),
            subscriptions: subscriptions
                .filter(|(_, stored)| !stored.implicit && self.dependents.count(stored.id) == 0)
                .map(|(_, stored)| (stored.occupied.bounds.ends_at, stored.id))
                .collect(),
        }
    }
}

/// What many records have in common, kept once and counted.
#[derive(Default)]
struct Shared {
    parties: Parties,
    uss_base_urls: UssBaseUrls,
}

impl Shared {
    fn entity(&mut self, manager: &mut Party, url: &mut UssBaseUrl, occupied: &Occupied) {
        *manager = self.parties.add_entity(manager, occupied.cells.len());
        *url = self.uss_base_urls.add(url);
    }
}

/// Lets an operational intent and its subscription share their cells if they have the same.
fn share_cells(new: &mut OperationalIntent, subscriptions: &Table<Subscription>) {
    if let Some(id) = &new.subscription_id
        && let Some(subscription) = subscriptions.record(id)
        && subscription.occupied.cells == new.occupied.cells
    {
        new.occupied.cells = Arc::clone(&subscription.occupied.cells);
    }
}

fn index_of<R: Record>(table: &Table<R>, occupied: impl Fn(&R) -> &Occupied) -> Index {
    Index::of(table.iter().map(|(slot, record)| (slot, occupied(record))))
}

pub(super) fn dependents_of(operational_intents: &Table<OperationalIntent>) -> Dependents {
    let stored = operational_intents.iter();
    stored
        .filter_map(|(slot, r)| Some((r.subscription_id?, r.occupied.bounds.ends_at, slot)))
        .collect()
}

fn write_table<R: Record>(table: &Table<R>, writer: &mut impl Write) -> io::Result<()> {
    (table.len() as u64).serialize(writer)?;
    for (_, record) in table.iter() {
        record.to_stored().serialize(writer)?;
    }
    Ok(())
}

fn read_table<R: Record>(
    reader: &mut impl Read,
    mut share: impl FnMut(&mut R),
) -> io::Result<Table<R>> {
    let count = u64::deserialize_reader(reader)?;
    let mut table = Table::default();
    let mut last = None;
    for _ in 0..count {
        let mut record = R::from_stored(R::Stored::deserialize_reader(reader)?);
        share(&mut record);
        if !table.push(record, &mut last) {
            return Err(invalid("the records of the state are not in order"));
        }
    }
    Ok(table)
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
