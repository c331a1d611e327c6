//! Writing a state as it was, and reading it again.

use std::collections::BTreeSet;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use spacetime::Timestamp;

use super::{RemoteIdIndices, RemoteIdTables, State, Tables};
use crate::entity::{Entity, Shared};
use crate::expiry::Ends;
use crate::idempotency::KeptOutcome;
use crate::index::Index;
use crate::operational_intent::OperationalIntent;
use crate::subscription::{Dependents, Subscription};
use crate::table::{Record, Table};
use crate::{F3411Settings, Settings, stored};

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

    /// Writes its stored form, in the first version that holds all of it: see `docs/log-format.md`.
    pub fn write<W: Write>(&self, writer: W) -> io::Result<()> {
        let mut writer = BufWriter::new(writer);
        let tables = &self.tables;
        tables.version.serialize(&mut writer)?;
        tables.clock.serialize(&mut writer)?;
        tables.horizon.serialize(&mut writer)?;
        tables.settings.serialize(&mut writer)?;
        write_table(&tables.subscriptions, &mut writer)?;
        write_table(&tables.operational_intents, &mut writer)?;
        write_table(&tables.constraints, &mut writer)?;
        write_table(&tables.uss_availabilities, &mut writer)?;
        write_table(&tables.kept_outcomes, &mut writer)?;
        if tables.has_remote_id() {
            tables.remote_id.write(&mut writer)?;
        }
        tables.hash().serialize(&mut writer)?;
        writer.flush()
    }
}

impl State {
    /// Reads a stored form of any version to its end, and makes the state that it is of.
    ///
    /// # Errors
    /// When it is of another version, cut off or longer, or when its records are not in order or
    /// not what the hash at its end says.
    pub fn read<R: Read>(reader: R) -> io::Result<State> {
        let mut reader = BufReader::new(reader);
        let version = u16::deserialize_reader(&mut reader)?;
        if !(stored::VERSION_MIN..=stored::VERSION_MAX).contains(&version) {
            return Err(invalid("the state is stored in a version that is not known here"));
        }
        let mut shared = Shared::default();
        let clock = Timestamp::deserialize_reader(&mut reader)?;
        let horizon = Timestamp::deserialize_reader(&mut reader)?;
        let settings = Settings::deserialize_reader(&mut reader)?;
        let subscriptions = read_table(&mut reader, |new| shared.add(new))?;
        let operational_intents = read_table(&mut reader, |new: &mut OperationalIntent| {
            shared.add(new);
            share_cells(new, &subscriptions);
        })?;
        let mut tables = Tables {
            version,
            clock,
            horizon,
            settings,
            subscriptions,
            operational_intents,
            constraints: read_table(&mut reader, |new| shared.add(new))?,
            uss_availabilities: read_table(&mut reader, |_| {})?,
            kept_outcomes: read_table(&mut reader, |new: &mut KeptOutcome| {
                new.party = shared.parties.add_kept(&new.party, (new.position, new.key));
            })?,
            remote_id: RemoteIdTables::default(),
        };
        if tables.has_remote_id() {
            tables.remote_id = RemoteIdTables::read(&mut reader, &mut shared)?;
        }
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
            operational_intent_index: index_of(&tables.operational_intents),
            constraint_index: index_of(&tables.constraints),
            subscription_index: index_of(&tables.subscriptions),
            remote_id_indices: RemoteIdIndices {
                identification_service_areas: index_of(
                    &tables.remote_id.identification_service_areas,
                ),
                subscriptions: index_of(&tables.remote_id.subscriptions),
            },
            dependents: dependents_of(&tables.operational_intents),
            shared,
            kept: tables.kept_outcomes.iter().map(|(slot, kept)| (kept.position, slot)).collect(),
            tables,
            ends: Ends::default(),
            is_unheard: false,
        };
        state.ends = state.ends_of_tables();
        state
    }

    /// Returns what is to be removed when its time has come.
    pub(super) fn ends_of_tables(&self) -> Ends {
        let tables = &self.tables;
        let without_dependents =
            |stored: &Subscription| !stored.implicit && self.dependents.count(stored.id) == 0;
        Ends {
            operational_intents: ends_of(&tables.operational_intents, |_| true),
            constraints: ends_of(&tables.constraints, |_| true),
            subscriptions: ends_of(&tables.subscriptions, without_dependents),
            identification_service_areas: ends_of(
                &tables.remote_id.identification_service_areas,
                |_| true,
            ),
            remote_id_subscriptions: ends_of(&tables.remote_id.subscriptions, |_| true),
        }
    }
}

impl RemoteIdTables {
    fn write(&self, writer: &mut impl Write) -> io::Result<()> {
        self.horizon.serialize(writer)?;
        self.settings.serialize(writer)?;
        write_table(&self.identification_service_areas, writer)?;
        write_table(&self.subscriptions, writer)
    }

    fn read(reader: &mut impl Read, shared: &mut Shared) -> io::Result<Self> {
        Ok(RemoteIdTables {
            horizon: Timestamp::deserialize_reader(reader)?,
            settings: F3411Settings::deserialize_reader(reader)?,
            identification_service_areas: read_table(reader, |new| shared.add(new))?,
            subscriptions: read_table(reader, |new| shared.add(new))?,
        })
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

fn index_of<E: Entity>(table: &Table<E>) -> Index {
    Index::of(table.iter().map(|(slot, stored)| (slot, stored.occupied())))
}

/// Returns ends and ids of what `keep` keeps.
fn ends_of<E: Entity>(
    table: &Table<E>,
    keep: impl Fn(&E) -> bool,
) -> BTreeSet<(Timestamp, E::Key)> {
    let stored = table.iter().map(|(_, stored)| stored).filter(|stored| keep(stored));
    stored.map(|stored| (stored.occupied().bounds.ends_at, stored.key())).collect()
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
