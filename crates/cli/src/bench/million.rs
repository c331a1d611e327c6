//! Many live operational intents, one to a cell: how fast they are written, what they take in
//! memory and on disk, and how long the hub takes to start again with them after a crash.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use indicatif::ProgressBar;

use super::bodies::{Bodies, Intent, Place};
use super::busy::{REFERENCES, clients, put};
use super::load::{Tally, run_all};
use super::target::{Process, Target};
use crate::clock;
use crate::failure::Failure;
use crate::progress;

/// How many intents lie side by side before the next row begins.
const ROW: u32 = 1_400;

/// How far apart they are in degrees: farther than cells are wide.
const STEP_DEG: f64 = 0.02;

/// Where the first is.
const CORNER_DEG: (f64, f64) = (35.0, -14.0);

/// How many intents fit between the first and the pole.
pub(crate) const INTENTS_MAX: u32 = 2_000_000;

/// What was measured.
#[derive(Debug)]
pub(crate) struct Measured {
    /// What the connections saw while they filled it.
    pub(crate) tally: Tally,
    /// How long filling took.
    pub(crate) filled_in: Duration,
    /// Resident memory of the empty hub, in bytes.
    pub(crate) resident_empty: u64,
    /// When full.
    pub(crate) resident_full: u64,
    /// When started again.
    pub(crate) resident_restarted: u64,
    /// Size of its directory, in bytes.
    pub(crate) stored: u64,
    /// From starting the process until it listened.
    pub(crate) restarted_in: Duration,
}

/// Fills a hub that was started here and starts it again.
pub(crate) async fn fill(
    mut target: Target,
    connections: usize,
    intents: u32,
) -> Result<Measured, Failure> {
    let needs_own = || Failure::Refused("this scenario starts its own hub".to_owned());
    let resident = |process: &Process| {
        let unknown = || Failure::Refused("cannot read the hub's memory in /proc".to_owned());
        process.resident_bytes().ok_or_else(unknown)
    };
    let resident_empty = resident(target.process.as_ref().ok_or_else(needs_own)?)?;
    let began = clock::instant();
    let tally = put_all(&target, connections, intents).await?;
    let filled_in = clock::instant().duration_since(began);

    let process = target.process.as_mut().ok_or_else(needs_own)?;
    let resident_full = resident(process)?;
    process.crash_and_restart()?;
    let resident_restarted = resident(process)?;
    let (stored, restarted_in) = (process.stored_bytes(), process.started_in());
    target.process.take().ok_or_else(needs_own)?.stop()?;
    Ok(Measured {
        tally,
        filled_in,
        resident_empty,
        resident_full,
        resident_restarted,
        stored,
        restarted_in,
    })
}

async fn put_all(target: &Target, connections: usize, intents: u32) -> Result<Tally, Failure> {
    let bodies = Arc::new(Bodies::new());
    let next = Arc::new(AtomicU32::new(0));
    let bar = progress::bar(u64::from(intents), "intents");
    let workers = clients(target, connections).map(|mut client| {
        let (bodies, next, bar) = (Arc::clone(&bodies), Arc::clone(&next), bar.clone());
        async move {
            while !client.gives_up() {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if intents <= number {
                    break;
                }
                let path = format!("{REFERENCES}/{}", client.new_id());
                let body = bodies.put(place(number), Intent::Accepted, client.party());
                put(&mut client, path, body).await;
                advance(&bar, number);
            }
            client.tally
        }
    });
    let tally = run_all(workers).await;
    bar.finish_and_clear();
    tally
}

fn place(number: u32) -> Place {
    let (row, column) = (number / ROW, number % ROW);
    Place {
        lat_deg: CORNER_DEG.0 + f64::from(row) * STEP_DEG,
        lng_deg: CORNER_DEG.1 + f64::from(column) * STEP_DEG,
        band: 0,
    }
}

fn advance(bar: &ProgressBar, number: u32) {
    // Drawing costs more than a request; once in a thousand is enough to see it move.
    if number.is_multiple_of(1_000) {
        bar.set_position(u64::from(number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_on_earth() {
        let last = place(INTENTS_MAX - 1);

        assert!(last.lat_deg < 89.0, "{last:?}");
        assert!(place(ROW - 1).lng_deg < 179.0);
    }
}
