//! How processes share the processor time.

use std::time::Duration;

use crate::failure::Failure;
use crate::output;

/// How many ticks of processor time a second has (`USER_HZ`, the same on all Linux machines).
const TICKS_PER_S: u64 = 100;

/// What the threads of proxies are called, as much of it as Linux keeps.
const PROXY: &str = "proxy";

/// Who takes processor time: by name, how much each had taken at the beginning.
pub(super) struct Shares(Vec<(String, Taker, u64)>);

/// Somebody who takes processor time.
#[derive(Clone, Copy)]
enum Taker {
    /// A process.
    Process(u32),
    /// The threads of this process that carry what goes between owners.
    Proxies,
    /// The other threads of this process.
    Load,
}

impl Shares {
    /// Looks at processes, given by name and process id, and at this one.
    pub(super) fn begin(processes: impl IntoIterator<Item = (String, u32)>) -> Self {
        let processes = processes.into_iter().map(|(name, id)| (name, Taker::Process(id)));
        let own = [("load", Taker::Load), ("proxies", Taker::Proxies)];
        let own = own.map(|(name, taker)| (name.to_owned(), taker));
        let all = processes.chain(own);
        Shares(all.map(|(name, taker)| (name, taker, taker.ticks().unwrap_or(0))).collect())
    }

    /// Tells how much of the processor time since the beginning each has taken, and of how much.
    pub(super) fn report(&self) -> Result<(), Failure> {
        let taken = |(_, taker, before): &(String, Taker, u64)| {
            taker.ticks().unwrap_or(*before).saturating_sub(*before)
        };
        let taken: Vec<(&str, u64)> =
            self.0.iter().map(|taker| (taker.0.as_str(), taken(taker))).collect();
        let all: u64 = taken.iter().map(|(_, ticks)| ticks).sum();
        let share = |(name, ticks): &(&str, u64)| {
            let percent = 100.0 * *ticks as f64 / all.max(1) as f64;
            format!("{name} {percent:.1} %")
        };
        let shares: Vec<String> = taken.iter().filter(|(_, ticks)| 0 < *ticks).map(share).collect();
        let all = Duration::from_secs(all).as_secs_f64() / TICKS_PER_S as f64;
        output::line(format_args!("processor time: {} of {all:.1} s", shares.join(", ")))
    }
}

impl Taker {
    /// Returns how much it has taken, in ticks; `None` if it is gone.
    fn ticks(self) -> Option<u64> {
        match self {
            Taker::Process(id) => ticks_of(id),
            Taker::Proxies => Some(ticks_of(std::process::id())?.saturating_sub(ticks_of_load())),
            Taker::Load => Some(ticks_of_load()),
        }
    }
}

/// Returns how much the threads of this process have taken, in ticks, that are no proxies.
///
/// They are few: of each thread up to a tick is not counted yet, and proxies have many.
fn ticks_of_load() -> u64 {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return 0 };
    let ticks = threads.flatten().filter_map(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).ok()?;
        let is_proxy = stat.split_once('(')?.1.starts_with(PROXY);
        (!is_proxy).then(|| ticks_in(&stat))?
    });
    ticks.sum()
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

    #[test]
    fn counts_the_threads_of_proxies_apart() {
        let busy = || {
            let mut number = 0_u64;
            while Taker::Proxies.ticks().is_some_and(|ticks| ticks < 10) {
                number = std::hint::black_box(number + 1);
            }
        };

        let proxy = std::thread::Builder::new().name("proxy-connection".to_owned()).spawn(busy);

        // It ends when its own time is seen among that of proxies.
        proxy.expect("started").join().expect("no panic");
    }
}
