//! Reads the stored log from any position, segments and rows alike, and checks it on the way.
//!
//! Whoever hands out, verifies, exports or copies stored entries reads them here, so that nothing
//! leaves the log whose chain does not fit.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};

use crate::database::{number_of, open_for_reading, path_in, position_of, read_error};
use crate::engine::{damage, storage};
use crate::segment::{self, Segment};
use crate::{Hash, Head, LogError, Position, leaf_hash};

/// How many entries are read at once.
pub(crate) const READ_ENTRIES_MAX: usize = 1024;

/// After how many bytes a read ends.
pub(crate) const READ_BYTES_MAX: usize = 4 * 1024 * 1024;

const MISSING: &str = "the entry is missing";

/// A reader of the stored log; holds no lock between two reads.
pub(crate) struct History {
    connection: Connection,
    segments: PathBuf,
    head: Head,
    open: Option<OpenSegment>,
}

/// One stored entry; its chain fits what was read before.
pub(crate) struct Record {
    /// The head with this entry.
    pub(crate) head: Head,
    /// Its leaf hash.
    pub(crate) leaf: Hash,
    /// Its bytes, unless only its leaf hash is kept.
    pub(crate) bytes: Option<Vec<u8>>,
}

struct OpenSegment {
    segment: Segment,
    reader: segment::Reader,
}

enum Found {
    Rows(Vec<Row>),
    Segment(Segment),
}

struct Row {
    position: Position,
    chain: Hash,
    bytes: Vec<u8>,
}

impl History {
    /// Opens the log in `dir`; the first entry read will be the one after `after`.
    ///
    /// The chain at `after` is taken as it is stored.
    pub(crate) fn open(dir: &Path, after: Position) -> Result<Self, LogError> {
        if !path_in(dir).is_file() {
            return Err(storage(format!("there is no log in {}", dir.display())));
        }
        let mut history = History {
            connection: open_for_reading(dir)?,
            segments: dir.join(segment::DIR_NAME),
            head: Head::default(),
            open: None,
        };
        history.seek(after)?;
        Ok(history)
    }

    /// Returns how far the stored log reaches now.
    pub(crate) fn end(&self) -> Result<Head, LogError> {
        crate::database::head(&self.connection)
    }

    /// Returns the head of the snapshot at which the log begins; the default where it begins with its
    /// first entry.
    pub(crate) fn base(&self) -> Result<Head, LogError> {
        Ok(segment::base(&self.connection)?.unwrap_or_default())
    }

    /// Returns what was read last, or where reading starts.
    pub(crate) fn head(&self) -> Head {
        self.head
    }

    /// Returns the connection, to read other tables with.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Returns the next entries up to and with position `until`, none when it is reached.
    pub(crate) fn read(&mut self, until: Position) -> Result<VecDeque<Record>, LogError> {
        if until <= self.head.position {
            return Ok(VecDeque::new());
        }
        if self.open.is_some() {
            return self.read_segment(until);
        }
        match self.find_next(until)? {
            Found::Rows(rows) => self.check_rows(rows),
            Found::Segment(segment) => {
                self.enter(segment)?;
                self.read_segment(until)
            }
        }
    }

    fn seek(&mut self, after: Position) -> Result<(), LogError> {
        if after == Position::ZERO {
            return Ok(());
        }
        let transaction =
            self.connection.unchecked_transaction().map_err(|error| read_error(after, error))?;
        let segment = segment::find(&transaction, after)?;
        let chain = self.find_chain(after)?;
        drop(transaction);
        if let Some(segment) = segment {
            if after == segment.span.after.position {
                self.head = segment.span.after;
                return Ok(());
            }
            self.head = segment.span.before;
            while self.head.position < after {
                self.read(after)?;
            }
            return Ok(());
        }
        let Some(chain) = chain else {
            let head = self.end()?.position;
            if head < after {
                return Err(LogError::BeyondTheEnd { asked: after, head });
            }
            return Err(damage(after, MISSING));
        };
        self.head = Head { position: after, chain };
        Ok(())
    }

    fn find_chain(&self, position: Position) -> Result<Option<Hash>, LogError> {
        self.connection
            .prepare_cached("SELECT chain FROM entry WHERE position = ?1")
            .and_then(|mut statement| {
                statement.query_row([number_of(position)], |row| row.get(0)).optional()
            })
            .map_err(|error| read_error(position, error))
    }

    /// Looks at segments and rows in one transaction, for entries move from rows to segments.
    fn find_next(&self, until: Position) -> Result<Found, LogError> {
        let next = self.head.position.next();
        let transaction =
            self.connection.unchecked_transaction().map_err(|error| read_error(next, error))?;
        if let Some(segment) = segment::find(&transaction, next)? {
            return Ok(Found::Segment(segment));
        }
        Ok(Found::Rows(load_rows(&transaction, next, until)?))
    }

    /// Opens a segment and goes to the next entry, which may be in its middle.
    fn enter(&mut self, segment: Segment) -> Result<(), LogError> {
        let next = self.head.position.next();
        let mut reader = segment.open(&self.segments)?;
        let mut head = segment.span.before;
        while head.position < self.head.position {
            let sealed = reader.read().map_err(|error| unreadable(next, &error))?;
            let Some(sealed) = sealed else { break };
            head = head.followed_by(&sealed.leaf);
        }
        if head != self.head {
            return Err(damage(next, "its segment does not continue what comes before it"));
        }
        self.open = Some(OpenSegment { segment, reader });
        Ok(())
    }

    fn read_segment(&mut self, until: Position) -> Result<VecDeque<Record>, LogError> {
        let mut open = self.open.take().expect("the caller opened it");
        let mut records = VecDeque::new();
        let mut length = 0;
        while records.len() < READ_ENTRIES_MAX && length < READ_BYTES_MAX {
            if until <= self.head.position {
                break;
            }
            let next = self.head.position.next();
            let sealed = open.reader.read().map_err(|error| unreadable(next, &error))?;
            let Some(sealed) = sealed else { break };
            self.head = self.head.followed_by(&sealed.leaf);
            length += sealed.bytes.as_ref().map_or(0, Vec::len);
            records.push_back(Record { head: self.head, leaf: sealed.leaf, bytes: sealed.bytes });
        }
        if self.head.position < open.segment.span.after.position {
            self.open = Some(open);
        } else if self.head != open.segment.span.after {
            let first = open.segment.span.first();
            return Err(damage(first, "the chain of its segment does not fit"));
        }
        Ok(records)
    }

    fn check_rows(&mut self, rows: Vec<Row>) -> Result<VecDeque<Record>, LogError> {
        let mut records = VecDeque::new();
        let mut wrong = MISSING;
        for row in rows {
            let leaf = leaf_hash(&row.bytes);
            let head = self.head.followed_by(&leaf);
            if row.position != head.position {
                break;
            }
            if row.chain != head.chain {
                wrong = "the chain does not fit";
                break;
            }
            self.head = head;
            records.push_back(Record { head, leaf, bytes: Some(row.bytes) });
        }
        // What is sound before the damage is handed out; the next read begins at the damage.
        if records.is_empty() {
            return Err(damage(self.head.position.next(), wrong));
        }
        Ok(records)
    }
}

fn load_rows(
    connection: &Connection,
    next: Position,
    until: Position,
) -> Result<Vec<Row>, LogError> {
    let failed = |error| read_error(next, error);
    let mut statement = connection
        .prepare_cached(
            "SELECT position, chain, bytes FROM entry
             WHERE ?1 <= position AND position <= ?2 ORDER BY position LIMIT ?3",
        )
        .map_err(failed)?;
    let limit = i64::try_from(READ_ENTRIES_MAX).expect("small");
    let mut found = statement.query((number_of(next), number_of(until), limit)).map_err(failed)?;
    let mut rows: Vec<Row> = Vec::new();
    let mut length = 0;
    while length < READ_BYTES_MAX {
        match found.next().and_then(|row| row.map(parse_row).transpose()) {
            Ok(Some((number, chain, bytes))) => {
                length += bytes.len();
                rows.push(Row { position: position_of(number)?, chain, bytes });
            }
            Ok(None) => break,
            // What was read before is sound; the next read begins where this one broke off.
            Err(_) if !rows.is_empty() => break,
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(rows)
}

fn parse_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, Hash, Vec<u8>)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn unreadable(position: Position, error: &io::Error) -> LogError {
    damage(position, &format!("its segment cannot be read: {error}"))
}
