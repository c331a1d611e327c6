//! The tables of the desk's database.

use rusqlite::{Connection, TransactionBehavior};

/// The format of the database; an older one is brought to it, a newer one is not touched.
pub(super) const FORMAT: i64 = 2;

/// The tables of format 1.
pub(super) const TABLES_1: &str = "
    CREATE TABLE owns (id BLOB PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE notices (number INTEGER PRIMARY KEY, record TEXT NOT NULL);
    CREATE TABLE reports (number INTEGER PRIMARY KEY AUTOINCREMENT, report TEXT NOT NULL);
    PRAGMA user_version = 1;
";

/// What format 2 has beyond format 1; all else of format 1 is as it was.
const REMOTE_ID: &str = "
    CREATE TABLE registrations (id BLOB PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
    PRAGMA user_version = 2;
";

/// Makes every commit durable, makes the tables that are missing, and returns the format.
pub(super) fn set_up(connection: &mut Connection) -> Result<i64, rusqlite::Error> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let format = |connection: &Connection| {
        connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
    };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if format(&transaction)? == 0 {
        transaction.execute_batch(TABLES_1)?;
    }
    if format(&transaction)? == 1 {
        transaction.execute_batch(REMOTE_ID)?;
    }
    transaction.commit()?;
    format(connection)
}
