//! The tables of the desk's database.

use rusqlite::{Connection, TransactionBehavior};

/// The format of the database; a desk of another one does not touch it.
pub(super) const FORMAT: i64 = 1;

const TABLES: &str = "
    CREATE TABLE owns (id BLOB PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE notices (number INTEGER PRIMARY KEY, record TEXT NOT NULL);
    CREATE TABLE reports (number INTEGER PRIMARY KEY AUTOINCREMENT, report TEXT NOT NULL);
    PRAGMA user_version = 1;
";

/// Makes every commit durable, makes the tables where there are none, and returns the format.
pub(super) fn set_up(connection: &mut Connection) -> Result<i64, rusqlite::Error> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let format = |connection: &Connection| {
        connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
    };
    if format(connection)? == 0 {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(TABLES)?;
        transaction.commit()?;
    }
    format(connection)
}
