//! Files flights, lets them take off and land; many at a time, as parties do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use airspace::EntityId;
use desk::{ChangeError, Desk, Report};
use indicatif::ProgressBar;
use spacetime::Timestamp;
use tokio::task::JoinSet;

use super::flight::{Flown, Planned};
use crate::failure::{Failure, chain};

/// How many flights a desk is asked to plan at the same time.
const AT_ONCE: usize = 4;

/// Files flights in the order given, each desk several at a time; returns them in that order.
pub(crate) async fn file_all(
    desks: &[Desk],
    flights: Vec<Planned>,
    bar: &ProgressBar,
) -> Result<Vec<Flown>, Failure> {
    let mut queues = vec![Vec::new(); desks.len()];
    for (number, planned) in flights.into_iter().enumerate() {
        queues[planned.desk].push((number, planned));
    }
    let mut workers: JoinSet<Vec<(usize, Flown)>> = JoinSet::new();
    for (desk, queue) in desks.iter().zip(queues) {
        let queue = Arc::new(queue);
        let next = Arc::new(AtomicUsize::new(0));
        for _ in 0..AT_ONCE {
            let (desk, queue, next) = (desk.clone(), Arc::clone(&queue), Arc::clone(&next));
            let bar = bar.clone();
            workers.spawn(async move {
                let mut filed = Vec::new();
                while let Some((number, planned)) = queue.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    filed.push((*number, file(&desk, planned.clone()).await));
                    bar.inc(1);
                }
                filed
            });
        }
    }
    collect(workers).await
}

/// Files one flight.
pub(crate) async fn file(desk: &Desk, planned: Planned) -> Flown {
    let filed = desk.fly(planned.request.clone()).await.map_err(|error| chain(&error));
    Flown { planned, filed, took_off: None, landed: false }
}

/// Lets every accepted flight take off, in order of time, and land if it ends before the last one
/// has taken off: there the clock of the demonstration stops.
pub(crate) async fn fly_all(
    desks: &[Desk],
    flights: Vec<Flown>,
    bar: &ProgressBar,
) -> Result<Vec<Flown>, Failure> {
    let accepted = || flights.iter().filter_map(Flown::accepted);
    let stops_at = accepted().map(starts_at).max().unwrap_or(Timestamp::MIN);
    let mut order: Vec<(usize, Flown)> = flights.into_iter().enumerate().collect();
    order.sort_by_key(|(_, flight)| flight.accepted().map(starts_at));
    let lanes = desks.len() * AT_ONCE;
    let mut queues = vec![Vec::new(); lanes];
    let mut turns = vec![0; desks.len()];
    for (number, flight) in order {
        let desk = flight.planned.desk;
        queues[desk * AT_ONCE + turns[desk] % AT_ONCE].push((number, flight));
        turns[desk] += 1;
    }
    let mut workers: JoinSet<Vec<(usize, Flown)>> = JoinSet::new();
    for (lane, queue) in queues.into_iter().enumerate() {
        let lane = Lane { desk: desks[lane / AT_ONCE].clone(), stops_at, bar: bar.clone() };
        workers.spawn(async move { lane.fly(queue).await });
    }
    collect(workers).await
}

/// Some of a desk's flights, one event after the other.
struct Lane {
    desk: Desk,
    stops_at: Timestamp,
    bar: ProgressBar,
}

impl Lane {
    /// Flies these, ascending by take-off.
    async fn fly(&self, mut queue: Vec<(usize, Flown)>) -> Vec<(usize, Flown)> {
        for next in 0..queue.len() {
            let (before, rest) = queue.split_at_mut(next);
            let (_, flight) = &mut rest[0];
            if let Some((id, takes_off_at)) =
                flight.accepted().map(|report| (report.id, starts_at(report)))
            {
                self.land(before, takes_off_at).await;
                flight.took_off = Some(self.take_off(id).await);
            }
            self.bar.inc(1);
        }
        self.land(&mut queue, self.stops_at).await;
        queue
    }

    async fn take_off(&self, id: EntityId) -> Result<Report, String> {
        self.desk.activate(id).await.map_err(|error| chain(&error))
    }

    /// Lands what flies and has ended before `now`.
    async fn land(&self, flights: &mut [(usize, Flown)], now: Timestamp) {
        for (_, flight) in flights {
            if flight.landed || !flight.has_flown() {
                continue;
            }
            let Some(report) = flight.accepted() else { continue };
            if ends_at(report) < now {
                let ended = self.desk.end(report.id).await;
                // By its clock the desk may have ended it itself.
                flight.landed = matches!(ended, Ok(()) | Err(ChangeError::NotFound));
            }
        }
    }
}

/// Returns when a report's flight starts.
pub(crate) fn starts_at(report: &Report) -> Timestamp {
    let starts = report.volumes.iter().filter_map(|volume| volume.starts_at());
    starts.min().unwrap_or(Timestamp::MIN)
}

/// Returns when a report's flight ends.
pub(crate) fn ends_at(report: &Report) -> Timestamp {
    let ends = report.volumes.iter().filter_map(|volume| volume.ends_at());
    ends.max().unwrap_or(Timestamp::MAX)
}

async fn collect(mut workers: JoinSet<Vec<(usize, Flown)>>) -> Result<Vec<Flown>, Failure> {
    let mut all = Vec::new();
    while let Some(done) = workers.join_next().await {
        all.extend(done.map_err(|error| Failure::refused("a desk's task ended", &error))?);
    }
    all.sort_by_key(|(number, _)| *number);
    Ok(all.into_iter().map(|(_, flight)| flight).collect())
}
