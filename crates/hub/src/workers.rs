//! Threads for work that would hold up the runtime: parsing, covering, searching, rendering.
//!
//! Parties take turns: a worker that is free takes the next job of the next party, so a party that
//! asks once waits for at most one job of each other party, however many those have queued. One
//! party never holds every worker.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use airspace::Party;
use tokio::sync::oneshot;

/// How many jobs may wait.
pub const JOBS_MAX: usize = 8_192;

/// How many workers there are at least: more than one party's share even on one core.
pub const WORKERS_MIN: usize = 4;

type Job = Box<dyn FnOnce() + Send>;

/// A named number of threads that do what they are given.
#[derive(Debug)]
pub struct Workers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// Why a job has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkError {
    /// As many jobs wait as may.
    #[error("as many jobs wait for a worker as may")]
    QueueFull,
    /// The job panicked, or the workers have ended.
    #[error("the job ended without a result")]
    Ended,
}

struct Shared {
    queue: Mutex<Queue>,
    ready: Condvar,
    party_workers_max: usize,
}

#[derive(Default)]
struct Queue {
    /// Parties with a job that a worker may take now, in turn.
    turns: VecDeque<Party>,
    parties: HashMap<Party, Waiting>,
    jobs: usize,
    closed: bool,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    running: usize,
}

impl Workers {
    /// Starts so many workers.
    pub fn start(count: usize) -> std::io::Result<Self> {
        let count = count.max(WORKERS_MIN);
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            ready: Condvar::new(),
            party_workers_max: count - count / 4,
        });
        let mut workers = Workers { shared: Arc::clone(&shared), threads: Vec::new() };
        for number in 0..count {
            let shared = Arc::clone(&shared);
            let thread = std::thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn(move || shared.work())?;
            workers.threads.push(thread);
        }
        Ok(workers)
    }

    /// Does a job of a party in its turn and returns what it returns.
    pub async fn run<T: Send + 'static>(
        &self,
        party: &Party,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        let (sender, receiver) = oneshot::channel();
        let job = Box::new(move || {
            // Nobody waits any more: the request was given up.
            if !sender.is_closed() {
                let _ = sender.send(job());
            }
        });
        self.shared.lock().push(party, job, self.shared.party_workers_max)?;
        self.shared.ready.notify_one();
        receiver.await.map_err(|_| WorkError::Ended)
    }

    /// Returns how many jobs wait.
    pub fn waiting(&self) -> usize {
        self.shared.lock().jobs
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.ready.notify_all();
        for thread in self.threads.drain(..) {
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

impl Shared {
    fn work(&self) {
        while let Some((party, job)) = self.next_job() {
            if catch_unwind(AssertUnwindSafe(job)).is_err() {
                tracing::error!("a job panicked; its request is answered with an error");
            }
            let mut queue = self.lock();
            queue.finish(&party, self.party_workers_max);
            if !queue.turns.is_empty() {
                self.ready.notify_one();
            }
        }
    }

    fn next_job(&self) -> Option<(Party, Job)> {
        let mut queue = self.lock();
        loop {
            if queue.closed {
                return None;
            }
            if let Some(next) = queue.pop(self.party_workers_max) {
                return Some(next);
            }
            queue = self.ready.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Queue {
    fn push(&mut self, party: &Party, job: Job, party_workers_max: usize) -> Result<(), WorkError> {
        if self.closed {
            return Err(WorkError::Ended);
        }
        if JOBS_MAX <= self.jobs {
            return Err(WorkError::QueueFull);
        }
        let waiting = self.parties.entry(party.clone()).or_default();
        // A party is in `turns` exactly when it has a job and may have a worker more.
        if waiting.jobs.is_empty() && waiting.running < party_workers_max {
            self.turns.push_back(party.clone());
        }
        waiting.jobs.push_back(job);
        self.jobs += 1;
        Ok(())
    }

    fn pop(&mut self, party_workers_max: usize) -> Option<(Party, Job)> {
        let party = self.turns.pop_front()?;
        let waiting = self.parties.get_mut(&party).expect("a party in turn is known");
        let job = waiting.jobs.pop_front().expect("a party in turn has a job");
        waiting.running += 1;
        self.jobs -= 1;
        if !waiting.jobs.is_empty() && waiting.running < party_workers_max {
            self.turns.push_back(party.clone());
        }
        Some((party, job))
    }

    fn finish(&mut self, party: &Party, party_workers_max: usize) {
        let waiting = self.parties.get_mut(party).expect("a party with a worker is known");
        let was_at_its_share = waiting.running == party_workers_max;
        waiting.running -= 1;
        if was_at_its_share && !waiting.jobs.is_empty() {
            self.turns.push_back(party.clone());
        }
        if waiting.jobs.is_empty() && waiting.running == 0 {
            self.parties.remove(party);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(name: &str) -> Party {
        Party::new(name).expect("a good name")
    }

    fn queue_of(jobs: &[&str]) -> Queue {
        let mut queue = Queue::default();
        for name in jobs {
            queue.push(&party(name), Box::new(|| ()), 3).expect("there is room");
        }
        queue
    }

    fn next(queue: &mut Queue) -> Option<String> {
        queue.pop(3).map(|(party, _)| party.as_str().to_owned())
    }

    #[test]
    fn lets_parties_take_turns() {
        let mut queue = queue_of(&["greedy", "greedy", "greedy", "greedy", "modest"]);

        assert_eq!(next(&mut queue).as_deref(), Some("greedy"));
        assert_eq!(next(&mut queue).as_deref(), Some("modest"));
        assert_eq!(next(&mut queue).as_deref(), Some("greedy"));
    }

    #[test]
    fn keeps_a_worker_for_others() {
        let mut queue = queue_of(&["greedy"; 5]);
        for _ in 0..3 {
            assert_eq!(next(&mut queue).as_deref(), Some("greedy"));
        }

        assert_eq!(next(&mut queue), None);
        queue.push(&party("modest"), Box::new(|| ()), 3).expect("there is room");
        assert_eq!(next(&mut queue).as_deref(), Some("modest"));

        queue.finish(&party("greedy"), 3);
        assert_eq!(next(&mut queue).as_deref(), Some("greedy"));
        assert_eq!(next(&mut queue), None);
    }

    #[test]
    fn forgets_parties_that_are_done() {
        let mut queue = queue_of(&["one", "one"]);
        next(&mut queue);
        next(&mut queue);

        queue.finish(&party("one"), 3);
        queue.finish(&party("one"), 3);

        assert!(queue.parties.is_empty() && queue.turns.is_empty() && queue.jobs == 0);
    }

    #[test]
    fn takes_no_more_than_a_named_number_of_jobs() {
        let mut queue = Queue::default();
        for _ in 0..JOBS_MAX {
            queue.push(&party("one"), Box::new(|| ()), 3).expect("there is room");
        }

        let refused = queue.push(&party("other"), Box::new(|| ()), 3);

        assert_eq!(refused, Err(WorkError::QueueFull));
    }

    #[tokio::test]
    async fn survives_a_job_that_panics() {
        let workers = Workers::start(1).expect("threads start");

        let result = workers.run(&party("one"), || panic!("a job may")).await;

        assert_eq!(result, Err::<(), _>(WorkError::Ended));
        assert_eq!(workers.run(&party("one"), || 7).await, Ok(7));
    }
}
