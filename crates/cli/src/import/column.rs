//! The columns of a row, as types of ours.

use std::error::Error;

use bytes::BytesMut;
use spacetime::{Altitude, CELLS_PER_ENTITY_MAX, Cell, Cells, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

/// 2000-01-01T00:00:00Z, from where PostgreSQL counts, in microseconds since 1970.
const EPOCH_US: i64 = 946_684_800_000_000;

/// A `timestamptz` as it is stored: microseconds since 2000; the greatest is infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StoredTime(i64);

/// A row cannot be carried over, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("it has no {0}")]
    Missing(&'static str),
    #[error("its {0} cannot be read")]
    Type(&'static str),
    #[error("its {column} is not good: {why}")]
    Value { column: &'static str, why: String },
    #[error("it covers {0} cells, more than the {CELLS_PER_ENTITY_MAX} that an entity may")]
    TooManyCells(i64),
    #[error("it does not end after it starts")]
    Reversed,
    #[error("it notifies of nothing")]
    NotifiesOfNothing,
    #[error("its OVN was requested in a form that is none of ours, so it could not be kept")]
    Ovn,
    #[error("its implicit subscription cannot be carried: {0}")]
    ImplicitSubscription(Box<Unreadable>),
}

/// The columns of one table in a row, all with the same prefix.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    row: &'a Row,
    prefix: &'static str,
}

impl StoredTime {
    pub(super) fn of(time: Timestamp) -> Self {
        StoredTime(time.as_micros().saturating_sub(EPOCH_US))
    }

    /// Returns the time, unless it is infinite or outside years 0000 to 9999.
    pub(super) fn timestamp(self) -> Option<Timestamp> {
        Timestamp::from_micros(self.0.checked_add(EPOCH_US)?).ok()
    }
}

impl<'a> FromSql<'a> for StoredTime {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(StoredTime(i64::from_be_bytes(raw.try_into()?)))
    }

    accepts!(TIMESTAMPTZ);
}

impl ToSql for StoredTime {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.0.to_be_bytes());
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl<'a> Columns<'a> {
    pub(super) fn new(row: &'a Row) -> Self {
        Columns { row, prefix: "" }
    }

    /// Returns the columns of another table that are in the same row.
    pub(super) fn prefixed(self, prefix: &'static str) -> Self {
        Columns { row: self.row, prefix }
    }

    pub(super) fn find<T: FromSql<'a>>(
        self,
        column: &'static str,
    ) -> Result<Option<T>, Unreadable> {
        let found = if self.prefix.is_empty() {
            self.row.try_get(column)
        } else {
            self.row.try_get(&*format!("{}{column}", self.prefix))
        };
        found.map_err(|_| Unreadable::Type(column))
    }

    pub(super) fn get<T: FromSql<'a>>(self, column: &'static str) -> Result<T, Unreadable> {
        self.find(column)?.ok_or(Unreadable::Missing(column))
    }

    pub(super) fn time(self, column: &'static str) -> Result<Timestamp, Unreadable> {
        let time: StoredTime = self.get(column)?;
        time.timestamp().ok_or_else(|| bad(column, "it is infinite, or out of range"))
    }

    pub(super) fn count(self, column: &'static str) -> Result<u32, Unreadable> {
        let count: i64 = self.get(column)?;
        u32::try_from(count).map_err(|error| bad(column, error))
    }

    /// Returns the nearest altitude to the single-precision meters that are stored: it is what was
    /// given, if that had no more than three decimals and lay below 8 km.
    pub(super) fn altitude(self, column: &'static str) -> Result<Option<Altitude>, Unreadable> {
        let Some(meters) = self.find::<f32>(column)? else { return Ok(None) };
        let millimeters = (f64::from(meters) * 1000.0).round();
        if !(f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&millimeters) {
            return Err(bad(column, "it is out of range"));
        }
        Ok(Some(Altitude::from_millimeters(millimeters as i32)))
    }

    pub(super) fn cells(self) -> Result<Cells, Unreadable> {
        let count = self.find::<i64>("cell_count")?.unwrap_or(0);
        if usize::try_from(count).is_ok_and(|count| CELLS_PER_ENTITY_MAX < count) {
            return Err(Unreadable::TooManyCells(count));
        }
        let stored: Vec<i64> = self.get("cells")?;
        let mut cells = Vec::with_capacity(stored.len());
        for id in stored {
            // The database has no unsigned numbers: the same 64 bits.
            cells.push(Cell::from_id(id.cast_unsigned()).map_err(|error| bad("cells", error))?);
        }
        Cells::from_unsorted(cells).map_err(|error| bad("cells", error))
    }
}

/// Returns why the value of a column is no good.
pub(super) fn bad(column: &'static str, why: impl ToString) -> Unreadable {
    Unreadable::Value { column, why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_time_as_postgresql_does() {
        let stored = StoredTime(1);
        let time = Timestamp::from_micros(EPOCH_US + 1).expect("in range");

        assert_eq!(stored.timestamp(), Some(time));
        assert_eq!(StoredTime::of(time), stored);
        assert_eq!(StoredTime(i64::MAX).timestamp(), None);
        assert_eq!(StoredTime(i64::MIN).timestamp(), None);
    }
}
