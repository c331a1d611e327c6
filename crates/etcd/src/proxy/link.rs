//! What lies between two that talk, and how it is.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// A direction of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From whoever connects to the server.
    There,
    /// From the server to whoever connected.
    Back,
}

/// How one way of a link is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// Nothing passes until this is healed.
    pub is_cut: bool,
    /// How long everything takes, give or take the jitter.
    pub delay: Duration,
    /// How much longer or shorter than that it may take; every length between is as likely.
    pub jitter: Duration,
    /// What happens to some of it.
    pub stall: Option<Stall>,
}

/// What lost segments do to a connection: they are sent again later, and all that follows waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// How many of a thousand chunks are held up.
    pub per_mille: u32,
    /// For how long.
    pub length: Duration,
}

/// What lies between two that talk; clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Link(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    there: Condition,
    back: Condition,
    /// What all that is drawn begins with.
    seed: u64,
    /// Chunks so far: from their number it is drawn how long one takes and whether it is held up.
    drawn: u64,
}

impl Condition {
    /// Nothing passes.
    pub const CUT: Condition =
        Condition { is_cut: true, delay: Duration::ZERO, jitter: Duration::ZERO, stall: None };

    /// Everything takes so long.
    pub fn delayed(delay: Duration) -> Self {
        Condition { delay, ..Condition::default() }
    }

    /// Returns how long a chunk takes for which two numbers were drawn.
    fn delay_of(&self, [length, stall]: [u64; 2]) -> Duration {
        let width_ns = u64::try_from(2 * self.jitter.as_nanos()).unwrap_or(u64::MAX);
        let within = Duration::from_nanos(length % width_ns.saturating_add(1));
        let stalled = self.stall.filter(|stalled| stall % 1_000 < stalled.per_mille.into());
        let longest = self.delay + within + stalled.map_or(Duration::ZERO, |stall| stall.length);
        longest.saturating_sub(self.jitter)
    }
}

impl Link {
    /// Returns a link that is good, and draws otherwise than those of other seeds.
    pub fn seeded(seed: u64) -> Self {
        let link = Self::default();
        link.lock().seed = seed;
        link
    }

    /// Changes one way; what is on the way keeps the delay it was given.
    pub fn set(&self, way: Way, condition: Condition) {
        let mut state = self.lock();
        match way {
            Way::There => state.there = condition,
            Way::Back => state.back = condition,
        }
        drop(state);
        self.0.changed.notify_all();
    }

    /// Changes both ways alike.
    pub fn set_both(&self, condition: Condition) {
        self.set(Way::There, condition);
        self.set(Way::Back, condition);
    }

    /// Returns how long a chunk that comes now is under way.
    pub(super) fn draw_delay(&self, way: Way) -> Duration {
        let mut state = self.lock();
        state.drawn += 1;
        let drawn = mixed(state.seed).wrapping_add(state.drawn);
        let stall = mixed(drawn);
        state.condition(way).delay_of([mixed(stall), stall])
    }

    /// Waits until `due`, and on until the way is not cut; `false` when `ended` says so before.
    pub(super) fn wait(&self, way: Way, due: Instant, ended: impl Fn() -> bool) -> bool {
        let mut state = self.lock();
        loop {
            if ended() {
                return false;
            }
            let left = due.saturating_duration_since(now());
            if state.condition(way).is_cut {
                state = self.0.changed.wait(state).expect("nobody panics while holding this lock");
            } else if left.is_zero() {
                return true;
            } else {
                let waited = self.0.changed.wait_timeout(state, left);
                (state, _) = waited.expect("nobody panics while holding this lock");
            }
        }
    }

    /// Waits until no way is cut or `within` is over, and tells whether none is.
    pub(super) fn wait_open(&self, within: Duration) -> bool {
        let is_cut = |state: &mut State| state.there.is_cut || state.back.is_cut;
        let waited = self.0.changed.wait_timeout_while(self.lock(), within, is_cut);
        !waited.expect("nobody panics while holding this lock").1.timed_out()
    }

    /// Wakes up whoever waits, to look whether it has ended.
    pub(super) fn wake(&self) {
        // Who has looked and not yet waits holds the lock.
        drop(self.lock());
        self.0.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("nobody panics while holding this lock")
    }
}

impl State {
    fn condition(&self, way: Way) -> Condition {
        match way {
            Way::There => self.there,
            Way::Back => self.back,
        }
    }
}

/// Returns the moment; it is real time that real processes are held up for.
#[expect(clippy::disallowed_methods, reason = "real connections are delayed by real time")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Returns a number in which each bit of `number` matters (SplitMix64's last step).
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
