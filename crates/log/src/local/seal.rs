//! Moves old entries out of the database into sealed segments, beside the writer, in small steps.
//!
//! A crash between any two steps loses nothing: first the segment file is made durable, then the
//! database takes it up, then the rows go. A file that was not taken up is removed at the next
//! start; rows that were left are removed by the next sealing, and until then nobody reads them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Transaction};
use spacetime::Timestamp;

use super::LocalLog;
use crate::database::number_of;
use crate::engine::{damage, storage};
use crate::history::History;
use crate::segment::{self, Kept, SEGMENT_BYTES_MAX, SEGMENT_ENTRIES_MAX, Segment, Span, Writer};
use crate::snapshot::SNAPSHOTS_KEPT;
use crate::{Entry, Head, LogError, Position};

/// How many segments one call seals.
const SEGMENTS_PER_CALL_MAX: usize = 8;

/// How many rows are deleted in one transaction, between two of the writer's own.
const ROWS_PER_STEP: u64 = 1024;

/// How much later than the rest the first entry of a segment that is not full is sealed: so that
/// a slow log makes about one segment in this time, not one a call.
const SPAN: Duration = Duration::from_secs(24 * 60 * 60);

/// When more pages than this are free, and they are a quarter of all, the file is made smaller.
const FREE_PAGES_MAX: i64 = 16_384;

/// By how many pages the file is made smaller in one transaction.
const VACUUM_PAGES: i64 = 256;

/// Which entries are sealed, and what is kept of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealing {
    /// Entries with a stamp older than this are sealed.
    pub age: Duration,
    /// What a sealed segment keeps of its entries.
    pub kept: Kept,
}

/// What a call of [`LocalLog::seal_old`] has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealReport {
    /// How many segments were sealed; as many as a call may seal means that there may be more.
    pub segments: usize,
    /// Up to which position the log is sealed.
    pub sealed_to: Position,
}

impl LocalLog {
    /// Seals entries that are old enough and not needed for a restart.
    ///
    /// Entries newer than the newest snapshot stay; with [`Kept::LeafHashes`] those newer than the
    /// oldest of [`SNAPSHOTS_KEPT`], so that a damaged snapshot costs nothing. Blocks, for seconds
    /// when there is much to do: call it now and then from a thread of its own.
    pub fn seal_old(&self, now: Timestamp, sealing: Sealing) -> Result<SealReport, LogError> {
        let _one_at_a_time = self.sealing.lock().expect("nobody panics while sealing");
        let mut sealed_to = self.remove_sealed_rows()?;
        let mut segments = 0;
        while segments < SEGMENTS_PER_CALL_MAX {
            let Some(span) = self.plan_segment(sealed_to, now, sealing)? else { break };
            let segment = self.write_segment(span)?;
            self.run(move |transaction| segment::insert(transaction, &segment))?;
            sealed_to = self.remove_sealed_rows()?;
            segments += 1;
        }
        Ok(SealReport { segments, sealed_to: sealed_to.position })
    }

    /// Returns which entries the next segment has, if there are enough that are old enough.
    fn plan_segment(
        &self,
        sealed_to: Head,
        now: Timestamp,
        sealing: Sealing,
    ) -> Result<Option<Span>, LogError> {
        let Some(bound) = self.sealing_bound(sealing.kept)? else { return Ok(None) };
        let cutoff = now.minus(sealing.age);
        let mut history = History::open(&self.dir, sealed_to.position)?;
        let mut window = Window::default();
        while !window.full {
            let records = history.read(bound)?;
            if records.is_empty() {
                break;
            }
            for record in records {
                let position = record.head.position;
                let bytes = record.bytes.ok_or(LogError::Gone(position))?;
                let entry = Entry::from_bytes(&bytes)
                    .map_err(|error| damage(position, &format!("it is no entry: {error}")))?;
                window.add(record.head, bytes.len(), entry.stamp, cutoff);
            }
        }
        let before = sealed_to;
        Ok(window.end(cutoff).map(|after| Span { kept: sealing.kept, before, after }))
    }

    /// Returns the last position that may be sealed.
    fn sealing_bound(&self, kept: Kept) -> Result<Option<Position>, LogError> {
        let needed = match kept {
            Kept::Entries => 0,
            Kept::LeafHashes | Kept::Nothing => SNAPSHOTS_KEPT - 1,
        };
        let header = self.snapshots.headers().map_err(storage)?.nth(needed);
        // The entry of the snapshot itself stays, so that its chain is at hand.
        Ok(header.and_then(|header| Position::new(header.head.position.number().checked_sub(1)?)))
    }

    fn write_segment(&self, span: Span) -> Result<Segment, LogError> {
        let mut history = History::open(&self.dir, span.before.position)?;
        let mut writer =
            Writer::create(&self.dir.join(segment::DIR_NAME), span).map_err(storage)?;
        loop {
            let records = history.read(span.after.position)?;
            if records.is_empty() {
                break;
            }
            for record in records {
                let bytes = record.bytes.ok_or(LogError::Gone(record.head.position))?;
                writer.add(&bytes).map_err(storage)?;
            }
        }
        assert_eq!(history.head(), span.after, "the plan was made from the same entries");
        writer.finish().map_err(storage)
    }

    /// Deletes rows that are in segments, and returns how far the log is sealed.
    fn remove_sealed_rows(&self) -> Result<Head, LogError> {
        let sealed_to = segment::sealed_to(&crate::database::open_for_reading(&self.dir)?)?;
        while self.run(move |transaction| remove_rows(transaction, sealed_to.position))? {}
        Ok(sealed_to)
    }
}

/// The oldest entries that are not sealed, as many as go into one segment.
#[derive(Default)]
struct Window {
    entries: u64,
    bytes: u64,
    full: bool,
    first_stamp: Option<Timestamp>,
    last: Head,
    /// At the last entry that is old enough; one with a wrong later stamp before it does no harm.
    old: Option<Head>,
}

impl Window {
    fn add(&mut self, head: Head, bytes: usize, stamp: Timestamp, cutoff: Timestamp) {
        let bytes = self.bytes + bytes as u64 + 4;
        if self.full || SEGMENT_ENTRIES_MAX <= self.entries || SEGMENT_BYTES_MAX < bytes {
            self.full = true;
            return;
        }
        self.entries += 1;
        self.bytes = bytes;
        self.first_stamp.get_or_insert(stamp);
        self.last = head;
        if stamp < cutoff {
            self.old = Some(head);
        }
    }

    /// Returns where the segment ends, if it is worth one.
    fn end(&self, cutoff: Timestamp) -> Option<Head> {
        let old = self.old?;
        let is_whole = self.full && old == self.last;
        let is_overdue = self.first_stamp? < cutoff.minus(SPAN);
        (is_whole || is_overdue).then_some(old)
    }
}

/// Deletes the oldest rows up to `sealed_to`, not too many; tells whether there may be more.
fn remove_rows(transaction: &Transaction<'_>, sealed_to: Position) -> rusqlite::Result<bool> {
    let first: Option<i64> =
        transaction.query_row("SELECT min(position) FROM entry", [], |row| row.get(0))?;
    let sealed_to = number_of(sealed_to);
    let Some(first) = first.filter(|first| *first <= sealed_to) else {
        return shrink(transaction);
    };
    let step = i64::try_from(ROWS_PER_STEP).expect("small");
    let last = sealed_to.min(first.saturating_add(step - 1));
    transaction.execute("DELETE FROM entry WHERE position <= ?1", [last])?;
    Ok(true)
}

/// Gives pages at the end of the file back to the disk when very many are free.
fn shrink(connection: &Connection) -> rusqlite::Result<bool> {
    let count = |pragma: &str| -> rusqlite::Result<i64> {
        connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0))
    };
    let (free, all) = (count("freelist_count")?, count("page_count")?);
    if free <= FREE_PAGES_MAX || free < all / 4 {
        return Ok(false);
    }
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({VACUUM_PAGES})"))?;
    // It gives back one page for every row that is read.
    let mut pages = vacuum.query([])?;
    while pages.next()?.is_some() {}
    Ok(true)
}

/// Removes segment files that a crash kept from becoming part of the log.
pub(crate) fn remove_orphans(
    dir: &Path,
    connection: &Connection,
    head: Head,
) -> Result<(), LogError> {
    let sealed_to = segment::sealed_to(connection)?.position;
    let segments_dir = dir.join(segment::DIR_NAME);
    for file in fs::read_dir(&segments_dir).map_err(storage)? {
        let path = file.map_err(storage)?.path();
        let Some(first) = segment::first_position(&path) else { continue };
        let is_part =
            segment::find(connection, first)?.is_some_and(|it| path.ends_with(it.file_name()));
        if is_part {
            continue;
        }
        // Only what the database still holds in rows may go.
        if sealed_to < first && first <= head.position {
            fs::remove_file(&path).map_err(storage)?;
            tracing::info!(segment.path = %path.display(), "removed a segment that a crash left");
        } else {
            tracing::warn!(segment.path = %path.display(), "a file is no segment of this log");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_a_segment_to_its_bound_of_bytes_and_no_further() {
        let old = Timestamp::MIN;
        let entry_bytes = 4 * 1024 * 1024 - 4;
        let fit = SEGMENT_BYTES_MAX / (4 * 1024 * 1024);
        let mut window = Window::default();
        let mut head = Head::default();

        for _ in 0..fit {
            head = head.followed_by(&[0; 32]);
            window.add(head, entry_bytes, old, Timestamp::MAX);
        }
        assert!(!window.full, "the last of these fits exactly");
        let last = head;
        window.add(head.followed_by(&[0; 32]), 0, old, Timestamp::MAX);

        assert!(window.full);
        assert_eq!(window.end(Timestamp::MAX), Some(last));
    }

    #[test]
    fn passes_over_one_wrong_later_stamp() {
        let old = Timestamp::default();
        let cutoff = old.plus(2 * SPAN);
        let mut window = Window::default();
        let mut head = Head::default();

        for stamp in [old, Timestamp::MAX, old, cutoff] {
            head = head.followed_by(&[0; 32]);
            window.add(head, 1, stamp, cutoff);
        }

        assert_eq!(window.end(cutoff).map(|end| end.position), Position::new(3));
    }

    #[test]
    fn gives_back_free_pages_in_steps_until_few_are_free() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = crate::database::path_in(dir.path());
        let connection = crate::database::open_for_writing(&path).expect("created");
        let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
                    INSERT INTO outcome SELECT i, zeroblob(4 * 1024 * 1024) FROM n;";
        connection.execute_batch(fill).expect("filled");
        connection.execute_batch("DELETE FROM outcome").expect("emptied");
        let free = || -> i64 {
            connection.query_row("PRAGMA freelist_count", [], |row| row.get(0)).expect("a row")
        };
        let before = free();

        let steps = (0..).take_while(|_| shrink(&connection).expect("shrunk")).count() as i64;

        assert!(FREE_PAGES_MAX < before && free() <= FREE_PAGES_MAX, "{before} to {}", free());
        assert_eq!(steps, (before - FREE_PAGES_MAX + VACUUM_PAGES - 1) / VACUUM_PAGES);
    }
}
