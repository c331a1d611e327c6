//! How processes share the processor time.

use std::time::Duration;

use crate::failure::Failure;
use crate::output;

/// How many ticks of processor time a second has (`USER_HZ`, the same on all Linux machines).
const TICKS_PER_S: u64 = 100;

/// Processes by name, and how much processor time each had taken at the beginning.
pub(super) struct Shares(Vec<(String, u32, u64)>);

impl Shares {
    /// Looks at processes, given by name and process id, and at this one.
    pub(super) fn begin(processes: impl IntoIterator<Item = (String, u32)>) -> Self {
        let load = ("load".to_owned(), std::process::id());
        let all = processes.into_iter().chain([load]);
        Shares(all.map(|(name, id)| (name, id, ticks_of(id).unwrap_or(0))).collect())
    }

    /// Tells how much of the processor time since the beginning each has taken, and of how much.
    pub(super) fn report(&self) -> Result<(), Failure> {
        let taken = |(_, id, before): &(String, u32, u64)| {
            ticks_of(*id).unwrap_or(*before).saturating_sub(*before)
        };
        let all: u64 = self.0.iter().map(taken).sum();
        let share = |process| {
            let percent = 100.0 * taken(process) as f64 / all.max(1) as f64;
            format!("{} {percent:.0} %", process.0)
        };
        let shares: Vec<String> = self.0.iter().map(share).collect();
        let all = Duration::from_secs(all).as_secs_f64() / TICKS_PER_S as f64;
        output::line(format_args!("processor time: {} of {all:.1} s", shares.join(", ")))
    }
}

/// Returns how much processor time a process has taken, in ticks; `None` if it is gone.
fn ticks_of(id: u32) -> Option<u64> {
    ticks_in(&std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

/// Finds user and system time in a line of `/proc/ID/stat` (proc(5): fields 14 and 15).
fn ticks_in(stat: &str) -> Option<u64> {
    // The name, in parentheses, may have spaces and parentheses in it.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_times_of_a_process_with_a_strange_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 31 11 0 0 20 0 1 0 5";

        assert_eq!(ticks_in(stat), Some(42));
        assert_eq!(ticks_in("7 (a) S 1"), None);
        assert!(ticks_of(std::process::id()).is_some());
    }
}
