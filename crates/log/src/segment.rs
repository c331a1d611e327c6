//! Sealed segments: old entries in compressed files that never change again.
//!
//! A segment is a file in `segments/`, named by its first position and the SHA-256 of all its
//! bytes, and a row of the table `segment` that says it is part of the log. Its form is described
//! in `docs/log-format.md`.

use std::fs::File;
use std::io::{self, Cursor, Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use rusqlite::{Connection, OptionalExtension, Row};
use sha2::{Digest, Sha256};

use crate::database::{number_of, position_of, read_error};
use crate::engine::{damage, storage};
use crate::files::{NewFile, hex};
use crate::{ENTRY_BYTES_MAX, Hash, Head, LogError, Position, leaf_hash};

/// The directory of the segments in a log's directory.
pub(crate) const DIR_NAME: &str = "segments";

/// How many entries a segment has at most.
pub const SEGMENT_ENTRIES_MAX: u64 = 65_536;

/// How many bytes of entries a segment has at most, before compression.
pub const SEGMENT_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// How many bytes a segment file may have: what does not compress grows by less than this.
const FILE_BYTES_MAX: u64 = 2 * SEGMENT_BYTES_MAX;

const MAGIC: [u8; 8] = *b"TNSQSEG1";

/// Magic, kind, 7 zero bytes, first and last position, chain before and after.
const HEADER_BYTES: usize = 8 + 8 + 8 + 8 + 32 + 32;

const COLUMNS: &str = "first, last, kind, chain_before, chain_after, sha256";

/// What a segment keeps of its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The entries.
    Entries,
    /// Only their leaf hashes: the log can still be verified, but no longer read there.
    LeafHashes,
    /// Nothing but the chain at the last of them: the log begins at a snapshot taken there.
    Nothing,
}

/// Which entries a segment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// What is kept of them.
    pub(crate) kept: Kept,
    /// The head before the first of them.
    pub(crate) before: Head,
    /// The head at the last of them.
    pub(crate) after: Head,
}

/// A segment as the database knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Which entries it holds.
    pub(crate) span: Span,
    /// SHA-256 of its file.
    pub(crate) sha256: Hash,
}

/// Writes a segment file.
pub(crate) struct Writer {
    span: Span,
    encoder: Encoder,
}

/// Leaf hashes are random and stay as they are.
enum Encoder {
    Entries(DeflateEncoder<NewFile>),
    LeafHashes(NewFile),
}

/// Reads a segment file whose hash was right.
pub(crate) struct Reader {
    kept: Kept,
    next: Position,
    last: Position,
    bytes: Box<dyn Read + Send>,
}

/// One entry of a segment.
pub(crate) struct Sealed {
    /// Its leaf hash.
    pub(crate) leaf: Hash,
    /// Its bytes, unless only the hash is kept.
    pub(crate) bytes: Option<Vec<u8>>,
}

impl Kept {
    fn number(self) -> u8 {
        match self {
            Kept::Entries => 1,
            Kept::LeafHashes => 2,
            Kept::Nothing => 3,
        }
    }

    fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Kept::Entries),
            2 => Some(Kept::LeafHashes),
            3 => Some(Kept::Nothing),
            _ => None,
        }
    }
}

impl Span {
    /// Returns the first position.
    pub(crate) fn first(&self) -> Position {
        self.before.position.next()
    }

    fn header(&self) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header[0..8].copy_from_slice(&MAGIC);
        header[8] = self.kept.number();
        header[16..24].copy_from_slice(&self.first().number().to_le_bytes());
        header[24..32].copy_from_slice(&self.after.position.number().to_le_bytes());
        header[32..64].copy_from_slice(&self.before.chain);
        header[64..96].copy_from_slice(&self.after.chain);
        header
    }
}

impl Segment {
    /// Returns the name of its file.
    pub(crate) fn file_name(&self) -> String {
        format!("{:020}-{}.seg", self.span.first().number(), hex(&self.sha256))
    }

    /// Tells whether it has a file: not where nothing is kept.
    pub(crate) fn has_file(&self) -> bool {
        self.span.kept != Kept::Nothing
    }

    fn damaged(&self, what: &str) -> LogError {
        let (first, last) = (self.span.first(), self.span.after.position);
        let name = self.file_name();
        damage(first, &format!("the segment file {name} (positions {first} to {last}) {what}"))
    }

    /// Opens its file in `dir`, which must have the bytes that were sealed.
    pub(crate) fn open(&self, dir: &Path) -> Result<Reader, LogError> {
        if !self.has_file() {
            return Err(LogError::Gone(self.span.first()));
        }
        let bytes = self.load(dir)?;
        if bytes.get(..HEADER_BYTES) != Some(&self.span.header()[..]) {
            return Err(self.damaged("has a header that does not fit"));
        }
        let mut body = Cursor::new(bytes);
        body.set_position(HEADER_BYTES as u64);
        let bytes: Box<dyn Read + Send> = match self.span.kept {
            Kept::Entries => Box::new(DeflateDecoder::new(body)),
            Kept::LeafHashes | Kept::Nothing => Box::new(body),
        };
        let last = self.span.after.position;
        Ok(Reader { kept: self.span.kept, next: self.span.first(), last, bytes })
    }

    /// Returns the bytes of its file in `dir`, checked against its hash.
    pub(crate) fn load(&self, dir: &Path) -> Result<Vec<u8>, LogError> {
        let file = match File::open(dir.join(self.file_name())) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(self.damaged("is missing"));
            }
            Err(error) => return Err(storage(error)),
        };
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(storage)?;
        if <Hash>::from(Sha256::digest(&bytes)) != self.sha256 {
            return Err(self.damaged("is not what was sealed"));
        }
        Ok(bytes)
    }
}

impl Writer {
    /// Creates the file of a segment in `dir`, under a temporary name.
    pub(crate) fn create(dir: &Path, span: Span) -> io::Result<Self> {
        let mut file = NewFile::create(dir, &format!("{:020}", span.first().number()))?;
        file.write_all(&span.header())?;
        let encoder = match span.kept {
            Kept::Entries => Encoder::Entries(DeflateEncoder::new(file, Compression::default())),
            Kept::LeafHashes => Encoder::LeafHashes(file),
            Kept::Nothing => unreachable!("what is not kept has no file"),
        };
        Ok(Writer { span, encoder })
    }

    /// Adds the next entry.
    pub(crate) fn add(&mut self, entry_bytes: &[u8]) -> io::Result<()> {
        match &mut self.encoder {
            Encoder::Entries(encoder) => {
                let length = u32::try_from(entry_bytes.len()).expect("ENTRY_BYTES_MAX is less");
                encoder.write_all(&length.to_le_bytes())?;
                encoder.write_all(entry_bytes)
            }
            Encoder::LeafHashes(file) => file.write_all(&leaf_hash(entry_bytes)),
        }
    }

    /// Makes the file durable under its name.
    pub(crate) fn finish(self) -> io::Result<Segment> {
        let file = match self.encoder {
            Encoder::Entries(encoder) => encoder.finish()?,
            Encoder::LeafHashes(file) => file,
        };
        let (sha256, length) = file.hash();
        assert!(length <= FILE_BYTES_MAX, "a segment that could not be read again");
        let segment = Segment { span: self.span, sha256 };
        file.keep(&segment.file_name())?;
        Ok(segment)
    }
}

impl Reader {
    /// Returns the next entry, `None` after the last.
    pub(crate) fn read(&mut self) -> io::Result<Option<Sealed>> {
        if self.last < self.next {
            return Ok(None);
        }
        let sealed = match self.kept {
            Kept::LeafHashes | Kept::Nothing => {
                let mut leaf = [0; 32];
                self.bytes.read_exact(&mut leaf)?;
                Sealed { leaf, bytes: None }
            }
            Kept::Entries => {
                let bytes = self.read_entry()?;
                Sealed { leaf: leaf_hash(&bytes), bytes: Some(bytes) }
            }
        };
        self.next = self.next.next();
        Ok(Some(sealed))
    }

    fn read_entry(&mut self) -> io::Result<Vec<u8>> {
        let mut length = [0; 4];
        self.bytes.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length) as usize;
        if ENTRY_BYTES_MAX < length {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "an entry is too long"));
        }
        let mut bytes = vec![0; length];
        self.bytes.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// Returns the first position that the name of a segment file says.
pub(crate) fn first_position(path: &Path) -> Option<Position> {
    let name = path.file_name()?.to_str()?.strip_suffix(".seg")?;
    let (first, _) = name.split_once('-')?;
    first.parse().ok().and_then(Position::new)
}

/// Returns the segment that holds `position`.
pub(crate) fn find(
    connection: &Connection,
    position: Position,
) -> Result<Option<Segment>, LogError> {
    let sql =
        format!("SELECT {COLUMNS} FROM segment WHERE first <= ?1 ORDER BY first DESC LIMIT 1");
    let row = connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.query_row([number_of(position)], stored).optional())
        .map_err(|error| read_error(position, error))?;
    let Some(row) = row else { return Ok(None) };
    let segment = parse(row)?;
    Ok((position <= segment.span.after.position).then_some(segment))
}

/// Returns the head of the snapshot at which the log begins, if it does not begin with its first
/// entry.
pub(crate) fn base(connection: &Connection) -> Result<Option<Head>, LogError> {
    let first = find(connection, Position::ZERO.next())?;
    Ok(first.filter(|segment| !segment.has_file()).map(|segment| segment.span.after))
}

/// Returns every segment, oldest first.
pub(crate) fn list(connection: &Connection) -> Result<Vec<Segment>, LogError> {
    let sql = format!("SELECT {COLUMNS} FROM segment ORDER BY first");
    let rows = connection
        .prepare(&sql)
        .and_then(|mut statement| statement.query_map([], stored)?.collect::<Result<Vec<_>, _>>())
        .map_err(|error| read_error(Position::ZERO, error))?;
    rows.into_iter().map(parse).collect()
}

/// Returns the head at the end of the last segment.
pub(crate) fn sealed_to(connection: &Connection) -> Result<Head, LogError> {
    let sql = format!("SELECT {COLUMNS} FROM segment ORDER BY first DESC LIMIT 1");
    let row = connection
        .query_row(&sql, [], stored)
        .optional()
        .map_err(|error| read_error(Position::ZERO, error))?;
    Ok(row.map(parse).transpose()?.map_or(Head::default(), |segment| segment.span.after))
}

/// Makes a segment part of the log.
pub(crate) fn insert(connection: &Connection, segment: &Segment) -> rusqlite::Result<()> {
    let span = &segment.span;
    connection.execute(
        "INSERT INTO segment (first, last, kind, chain_before, chain_after, sha256)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (
            number_of(span.first()),
            number_of(span.after.position),
            span.kept.number(),
            span.before.chain,
            span.after.chain,
            segment.sha256,
        ),
    )?;
    Ok(())
}

type StoredSegment = (i64, i64, i64, Hash, Hash, Hash);

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredSegment> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
}

fn parse(row: StoredSegment) -> Result<Segment, LogError> {
    let (first, last, kind, chain_before, chain_after, sha256) = row;
    let (first, last) = (position_of(first)?, position_of(last)?);
    let damaged = || damage(first, "the row of its segment makes no sense");
    let kept = Kept::from_number(kind).ok_or_else(damaged)?;
    let before = first.number().checked_sub(1).and_then(Position::new).ok_or_else(damaged)?;
    if last < first {
        return Err(damaged());
    }
    let span = Span {
        kept,
        before: Head { position: before, chain: chain_before },
        after: Head { position: last, chain: chain_after },
    };
    Ok(Segment { span, sha256 })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn sealed(dir: &Path, kept: Kept) -> Segment {
        let entries: [&[u8]; 3] = [b"one", b"two", b""];
        let mut after = Head::default();
        for entry in entries {
            after = after.followed_by(&leaf_hash(entry));
        }
        let span = Span { kept, before: Head::default(), after };
        let mut writer = Writer::create(dir, span).expect("created");
        for entry in entries {
            writer.add(entry).expect("written");
        }
        writer.finish().expect("kept")
    }

    #[test]
    fn gives_back_what_was_sealed() {
        let dir = tempfile::tempdir().expect("a directory");

        for kept in [Kept::Entries, Kept::LeafHashes] {
            let segment = sealed(dir.path(), kept);
            let mut reader = segment.open(dir.path()).expect("opened");
            let mut head = Head::default();
            while let Some(sealed) = reader.read().expect("read") {
                assert_eq!(sealed.bytes.is_some(), kept == Kept::Entries);
                head = head.followed_by(&sealed.leaf);
            }

            assert_eq!(head, segment.span.after);
        }
    }

    #[test]
    fn refuses_a_file_with_any_byte_changed() {
        let dir = tempfile::tempdir().expect("a directory");
        let segment = sealed(dir.path(), Kept::Entries);
        let path = dir.path().join(segment.file_name());
        let bytes = fs::read(&path).expect("readable");

        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            fs::write(&path, &changed).expect("written");
            assert!(matches!(segment.open(dir.path()), Err(LogError::Damaged(_))), "byte {at}");
        }
        fs::remove_file(&path).expect("removed");
        assert!(matches!(segment.open(dir.path()), Err(LogError::Damaged(_))), "missing");
    }
}
