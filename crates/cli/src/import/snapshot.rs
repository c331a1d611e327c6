//! One database as it was at one moment, read a bounded number of rows at a time.

use std::time::Duration;

use aws_lc_rs::digest;
use spacetime::Timestamp;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, IsolationLevel, Portal, Row, Transaction};

use super::column::StoredTime;
use super::server::Server;
use super::tables::Kind;

/// How many rows with their cells are held at a time.
const ROWS_PER_PAGE_MAX: i32 = 200;

/// How many rows of a fingerprint are held at a time.
const PRINTS_PER_PAGE_MAX: i32 = 5_000;

/// How long the database may take for one page.
const PAGE_MAX: Duration = Duration::from_secs(60);

/// Reads rows and says how many and which there are.
pub(super) struct Database {
    name: &'static str,
    client: Client,
    maker: Maker,
}

/// Whose database it is; they number their schemas differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Maker {
    Cockroach,
    /// PostgreSQL, and what is made of it, like YugabyteDB.
    Postgres,
}

/// What a database is at one moment.
pub(super) struct Snapshot<'a> {
    name: &'static str,
    transaction: Transaction<'a>,
}

/// The rows of one query, page by page.
pub(super) struct Pages<'a> {
    snapshot: &'a Snapshot<'a>,
    portal: Portal,
    rows_max: i32,
}

/// How many rows a table has, and which, in which version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    pub(super) rows: u64,
    sha256: [u8; 32],
}

/// A database cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    #[error("cannot connect to the database `{database}` on {host}")]
    Connect { database: &'static str, host: String, source: tokio_postgres::Error },
    #[error("cannot read the database `{database}`")]
    Query { database: &'static str, source: tokio_postgres::Error },
    #[error("the database `{database}` did not answer within {} s", PAGE_MAX.as_secs())]
    Slow { database: &'static str },
}

impl Database {
    pub(super) async fn connect(server: &Server, name: &'static str) -> Result<Self, SourceError> {
        let connected = server.connect(name).await;
        let client = connected.map_err(|source| SourceError::Connect {
            database: name,
            host: server.host(),
            source,
        })?;
        let mut database = Database { name, client, maker: Maker::Postgres };
        let version = database.snapshot().await?.text("SELECT version()").await?;
        if version.is_some_and(|version| version.contains("CockroachDB")) {
            database.maker = Maker::Cockroach;
        }
        Ok(database)
    }

    pub(super) fn maker(&self) -> Maker {
        self.maker
    }

    /// Begins to look at the database as it is now.
    pub(super) async fn snapshot(&mut self) -> Result<Snapshot<'_>, SourceError> {
        let level = match self.maker {
            // Others than serializable are new there.
            Maker::Cockroach => IsolationLevel::Serializable,
            Maker::Postgres => IsolationLevel::RepeatableRead,
        };
        let name = self.name;
        let transaction = self.client.build_transaction().isolation_level(level).read_only(true);
        Ok(Snapshot { name, transaction: bounded(name, transaction.start()).await? })
    }
}

impl Snapshot<'_> {
    /// Returns the text in the first column of the first row.
    pub(super) async fn text(&self, sql: &str) -> Result<Option<String>, SourceError> {
        let row = bounded(self.name, self.transaction.query_opt(sql, &[])).await?;
        row.map(|row| row.try_get(0)).transpose().map_err(|source| self.failed(source))
    }

    /// Returns what the database's own clock says; nothing if it is out of range.
    pub(super) async fn clock(&self) -> Result<Option<Timestamp>, SourceError> {
        let sql = "SELECT clock_timestamp()::timestamptz";
        let row = bounded(self.name, self.transaction.query_one(sql, &[])).await?;
        let time: StoredTime = row.try_get(0).map_err(|source| self.failed(source))?;
        Ok(time.timestamp())
    }

    /// Tells whether there is a table of this name.
    pub(super) async fn has_table(&self, table: &str) -> Result<bool, SourceError> {
        let sql = "SELECT 1::bigint FROM information_schema.tables WHERE table_name = $1::text";
        Ok(!bounded(self.name, self.transaction.query(sql, &[&table])).await?.is_empty())
    }

    /// Returns how many rows a table has.
    pub(super) async fn count(&self, table: &str) -> Result<u64, SourceError> {
        let sql = format!("SELECT count(*)::bigint FROM {table}");
        let row = bounded(self.name, self.transaction.query_one(&sql, &[])).await?;
        let count: i64 = row.try_get(0).map_err(|source| self.failed(source))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Returns the rows of a kind that may be carried over.
    pub(super) async fn rows(&self, kind: Kind, now: Timestamp) -> Result<Pages<'_>, SourceError> {
        let now = StoredTime::of(now);
        let parameters: &[&(dyn ToSql + Sync)] = if kind.is_timed() { &[&now] } else { &[] };
        self.pages(kind.rows_sql(), parameters, ROWS_PER_PAGE_MAX).await
    }

    /// Returns what changes when any row of a kind is changed.
    pub(super) async fn fingerprint(&self, kind: Kind) -> Result<Fingerprint, SourceError> {
        let mut pages = self.pages(kind.fingerprint_sql(), &[], PRINTS_PER_PAGE_MAX).await?;
        let mut hash = digest::Context::new(&digest::SHA256);
        let mut rows = 0;
        loop {
            let page = pages.next().await?;
            if page.is_empty() {
                break;
            }
            rows += page.len() as u64;
            for row in page {
                let print: &str = row.try_get(0).map_err(|source| self.failed(source))?;
                hash.update(print.as_bytes());
                // No text of a database holds it, so no two tables give the same bytes.
                hash.update(&[0]);
            }
        }
        let sha256 = hash.finish().as_ref().try_into().expect("SHA-256 has 32 bytes");
        Ok(Fingerprint { rows, sha256 })
    }

    async fn pages(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
        rows_max: i32,
    ) -> Result<Pages<'_>, SourceError> {
        let statement = bounded(self.name, self.transaction.prepare(sql)).await?;
        let portal = bounded(self.name, self.transaction.bind(&statement, parameters)).await?;
        Ok(Pages { snapshot: self, portal, rows_max })
    }

    fn failed(&self, source: tokio_postgres::Error) -> SourceError {
        SourceError::Query { database: self.name, source }
    }
}

impl Pages<'_> {
    /// Returns the next rows, none after the last.
    pub(super) async fn next(&mut self) -> Result<Vec<Row>, SourceError> {
        let Snapshot { name, transaction } = self.snapshot;
        bounded(name, transaction.query_portal(&self.portal, self.rows_max)).await
    }
}

async fn bounded<T>(
    database: &'static str,
    asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, SourceError> {
    match tokio::time::timeout(PAGE_MAX, asked).await {
        Ok(answer) => answer.map_err(|source| SourceError::Query { database, source }),
        Err(_) => Err(SourceError::Slow { database }),
    }
}
