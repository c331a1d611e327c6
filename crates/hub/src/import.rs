//! Carries over what a deployed hub had into a log that no hub uses yet: `tansiq import`.
//!
//! What is imported becomes commands in a log, like everything else. The importer decides each on a
//! state of its own before it is written, so that the log holds none that is refused; when all is
//! written it follows the log as a hub will and compares.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use airspace::import::{Import, Refusal};
use airspace::{Accepted, Command, Decision, Outcome, Request, State};
use log::{AppendError, Entry, Family, Head, LocalLog, Log, Position, Proposer, Receipt, Ticket};
use spacetime::Timestamp;

use crate::clock::{Clock, Trust};
use crate::replica::{self, AIRSPACE_VERSION, Options, Replica, ReplicaError};

/// What the importer is called in the log.
const PROPOSER: &str = "tansiq-import";

/// How many entries wait for the disk at a time; the log's queue takes [`log::QUEUE_MAX`].
const WAITING_MAX: usize = log::QUEUE_MAX / 4;

/// How many bytes of them; the log's queue takes [`log::QUEUE_BYTES_MAX`].
const WAITING_BYTES_MAX: usize = log::QUEUE_BYTES_MAX / 4;

/// Decides what can be carried over and, unless it only rehearses, writes it into a log.
#[derive(Debug)]
pub struct Importer {
    state: State,
    clock: Clock,
    written: Option<Written>,
}

/// What an import has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Where the log ends.
    pub head: Head,
    /// The hash of the state that it makes.
    pub state_hash: [u8; 32],
}

/// The log that is written.
#[derive(Debug)]
struct Written {
    log: Arc<LocalLog>,
    dir: PathBuf,
    proposer: Proposer,
    waiting: VecDeque<(Receipt, usize)>,
    waiting_bytes: usize,
    entries: u64,
}

/// An import cannot go on, and what it has written is good for nothing.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The log cannot be opened.
    #[error(transparent)]
    Open(#[from] log::OpenError),
    /// There is something in the log.
    #[error("{} has a log with entries in it; an import only begins a new one", .0.display())]
    InUse(PathBuf),
    /// The clock jumped.
    #[error("the clock of this machine was set while it ran; try again")]
    ClockJumped,
    /// An entry cannot be written.
    #[error("cannot write the log in {}", dir.display())]
    Append {
        /// Where.
        dir: PathBuf,
        /// Why.
        #[source]
        source: AppendError,
    },
    /// The log that was written cannot be followed.
    #[error("cannot follow the log that was written")]
    Replica(#[from] ReplicaError),
    /// The log makes another state than was decided.
    #[error("the log that was written makes another state than it should: a bug")]
    Differs,
    /// It was interrupted.
    #[error("the import was interrupted")]
    Interrupted,
}

impl Importer {
    /// Returns an importer that only decides, and writes nothing.
    pub fn rehearse(clock: Clock) -> Self {
        Importer { state: State::default(), clock, written: None }
    }

    /// Returns an importer that begins a new log in `dir`.
    ///
    /// Reads files: not for asynchronous tasks.
    pub fn open(dir: &Path, clock: Clock) -> Result<Self, ImportError> {
        let log = LocalLog::open(dir, log::Options::default())?;
        if log.head().map_err(|_| ImportError::Interrupted)? != Head::default() {
            return Err(ImportError::InUse(dir.to_owned()));
        }
        let proposer = Proposer::new(PROPOSER).expect("a short name");
        let written = Written {
            log: Arc::new(log),
            dir: dir.to_owned(),
            proposer,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            entries: 0,
        };
        Ok(Importer { state: State::default(), clock, written: Some(written) })
    }

    /// Carries one thing over, or says why it cannot be; then nothing of it is written.
    ///
    /// It is durable once [`Importer::finish`] returns, not before.
    pub async fn put(&mut self, import: Import) -> Result<Result<(), Refusal>, ImportError> {
        match self.submit(Request::Import(import)).await? {
            Ok(Accepted::Imported) => Ok(Ok(())),
            Err(airspace::Refusal::Import(refusal)) => Ok(Err(refusal)),
            other => unreachable!("an import is imported or refused as one, not {other:?}"),
        }
    }

    /// Waits until all is durable, follows the log as a hub will, compares, and closes it.
    ///
    /// Returns nothing if it only rehearsed.
    pub async fn finish(mut self) -> Result<Option<Imported>, ImportError> {
        // The last entry leaves the settings as they are; its stamp is after that of whatever was
        // decided and not written, so that the state's clock is the log's.
        let settings = Request::PutSettings(self.state.settings());
        self.submit(settings).await?.expect("settings are not refused");
        let Some(mut written) = self.written else { return Ok(None) };
        written.wait_for(0, 0).await?;
        let options = Options {
            proposer: written.proposer.clone(),
            snapshot_entries: u64::MAX,
            clock: self.clock,
        };
        let log = Arc::clone(&written.log);
        let replica = tokio::task::spawn_blocking(move || Replica::start(log, options))
            .await
            .map_err(|_| ImportError::Interrupted)??;
        replica.caught_up().await?;
        let head = replica.progress().head;
        let followed = replica.read(|state, _| state.frozen()).hash();
        let log = written.log;
        let closing = tokio::task::spawn_blocking(move || {
            log.close();
            replica.join();
        });
        closing.await.map_err(|_| ImportError::Interrupted)?;
        let written_to = Position::new(written.entries).expect("as many as were appended");
        let state_hash = self.state.hash();
        if head.position != written_to || followed != state_hash {
            return Err(ImportError::Differs);
        }
        Ok(Some(Imported { head, state_hash }))
    }

    /// Decides a request, and writes it unless it is refused.
    async fn submit(&mut self, request: Request) -> Result<Outcome, ImportError> {
        let stamp = self.next_stamp()?;
        let command = Command { party: replica::own_party(), retry: None, request };
        let position = self.written.as_ref().map_or(0, |written| written.entries) + 1;
        let Decision::Decided { outcome, .. } = self.state.apply(position, stamp, &command) else {
            unreachable!("what has no key for retries is no repeat");
        };
        if let (Ok(_), Some(written)) = (&outcome, &mut self.written) {
            written.append(&command, stamp).await?;
        }
        Ok(outcome)
    }

    /// Returns a stamp after every one before, so that a refusal between two entries leaves no
    /// trace in the state's clock.
    fn next_stamp(&self) -> Result<Timestamp, ImportError> {
        let reading = self.clock.read();
        if reading.trust != Trust::Steady {
            return Err(ImportError::ClockJumped);
        }
        Ok(reading.now.max(self.state.clock().plus(Duration::from_micros(1))))
    }
}

impl Written {
    async fn append(&mut self, command: &Command, stamp: Timestamp) -> Result<(), ImportError> {
        let bytes = borsh::to_vec(command).expect("writing to memory does not fail");
        let length = bytes.len();
        self.wait_for(WAITING_MAX - 1, WAITING_BYTES_MAX.saturating_sub(length)).await?;
        let entry = Entry {
            family: Family::AIRSPACE,
            version: AIRSPACE_VERSION,
            proposer: self.proposer.clone(),
            stamp,
            command: bytes,
        };
        let receipt = self.log.append(entry, Ticket(self.entries));
        let receipt = receipt.map_err(|source| self.failed(source))?;
        self.entries += 1;
        self.waiting.push_back((receipt, length));
        self.waiting_bytes += length;
        Ok(())
    }

    /// Waits until no more than so many entries and bytes wait for the disk.
    async fn wait_for(&mut self, entries: usize, bytes: usize) -> Result<(), ImportError> {
        while entries < self.waiting.len() || bytes < self.waiting_bytes {
            let Some((receipt, length)) = self.waiting.pop_front() else { break };
            self.waiting_bytes -= length;
            receipt.await.map_err(|source| self.failed(source))?;
        }
        Ok(())
    }

    fn failed(&self, source: AppendError) -> ImportError {
        ImportError::Append { dir: self.dir.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use airspace::Party;
    use airspace::import::UssAvailability;
    use airspace::uss_availability::UssAvailabilityState;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_micros(1_767_323_045_000_006).expect("in range")
    }

    fn availability(number: usize) -> Import {
        Import::UssAvailability(UssAvailability {
            uss_id: Party::new(&format!("uss-{number}")).expect("a name"),
            availability: UssAvailabilityState::Down,
            updated_at: now().minus(Duration::from_secs(1)),
        })
    }

    #[tokio::test]
    async fn writes_what_is_accepted_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut importer = Importer::open(dir.path(), Clock::manual(now())).expect("opened");

        importer.put(availability(1)).await.expect("written").expect("accepted");
        let again = importer.put(availability(1)).await.expect("decided");
        assert_eq!(again, Err(Refusal::AlreadyExists));
        importer.put(availability(2)).await.expect("written").expect("accepted");
        let last = importer.put(availability(2)).await.expect("decided");
        assert_eq!(last, Err(Refusal::AlreadyExists));

        let imported = importer.finish().await.expect("the log makes the same state");
        let imported = imported.expect("it did not only rehearse");
        assert_eq!(imported.head.position.number(), 3, "two of them and the settings");
        assert_eq!(log::head(dir.path()).expect("it is there"), imported.head);
    }

    #[tokio::test]
    async fn holds_no_more_than_so_much_that_waits_for_the_disk() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut importer = Importer::open(dir.path(), Clock::manual(now())).expect("opened");

        for number in 0..=WAITING_MAX {
            importer.put(availability(number)).await.expect("written").expect("accepted");
            let written = importer.written.as_ref().expect("it writes");
            assert!(written.waiting.len() <= WAITING_MAX);
            assert!(written.waiting_bytes <= WAITING_BYTES_MAX);
        }

        let imported = importer.finish().await.expect("durable").expect("it wrote");
        assert_eq!(imported.head.position.number(), WAITING_MAX as u64 + 2);
    }

    #[tokio::test]
    async fn decides_the_same_without_a_directory() {
        let mut importer = Importer::rehearse(Clock::manual(now()));

        importer.put(availability(1)).await.expect("decided").expect("accepted");
        let again = importer.put(availability(1)).await.expect("decided");

        assert_eq!(again, Err(Refusal::AlreadyExists));
        assert_eq!(importer.finish().await.expect("nothing fails"), None);
    }

    #[tokio::test]
    async fn begins_a_new_log_only() {
        let dir = tempfile::tempdir().expect("a directory");
        let importer = Importer::open(dir.path(), Clock::manual(now())).expect("opened");
        importer.finish().await.expect("durable");

        let refused = Importer::open(dir.path(), Clock::manual(now()));

        assert!(matches!(refused, Err(ImportError::InUse(_))));
    }

    #[tokio::test]
    async fn ends_when_the_clock_jumps() {
        let clock = Clock::manual(now());
        let mut importer = Importer::rehearse(clock.clone());

        clock.set_wall(now().plus(Duration::from_secs(3_600)));

        let refused = importer.put(availability(1)).await;
        assert!(matches!(refused, Err(ImportError::ClockJumped)));
    }
}
