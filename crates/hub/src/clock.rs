//! The one place where the hub reads a clock.
//!
//! Two clocks are read together: the wall clock, which people set and which may be set wrongly, and
//! a steady one, which only goes on. When the wall clock jumps against the steady one by more than
//! [`CLOCK_APART_MAX`], the hub goes on counting from before the jump and says that it did, until
//! the wall clock is back or an operator says that it is right now. Nothing that a wrong clock
//! would do (expire everything, stamp the log with another year) can be undone afterwards.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use spacetime::Timestamp;

/// How far two clocks may be apart while writes are taken (F3548-21 wants its hosts within 5 s).
pub const CLOCK_APART_MAX: Duration = Duration::from_secs(5);

/// How long the steady clock is trusted before the wall clock, if near, is the reference again.
const ANCHOR_AGE_MAX: Duration = Duration::from_secs(10);

/// Tells the time; clones tell the same.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    source: Source,
    anchor: Mutex<Instants>,
}

#[derive(Debug)]
enum Source {
    System,
    Manual(Mutex<Instants>),
    /// Goes on as the machine's steady clock does, from what that said at the start.
    Simulated {
        hands: Mutex<Instants>,
        since: i64,
    },
}

/// What both clocks said at one moment, in microseconds.
#[derive(Clone, Copy, Debug)]
struct Instants {
    wall: i64,
    steady: i64,
}

/// What the clock says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The time to go by.
    pub now: Timestamp,
    /// Whether the wall clock can be believed.
    pub trust: Trust,
}

/// Whether the wall clock can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It goes with the steady clock.
    Steady,
    /// It jumped against the steady clock by so many microseconds, forward if positive.
    Jumped {
        /// How far.
        micros: i64,
    },
}

impl Clock {
    /// Returns the machine's clock.
    pub fn system() -> Self {
        let clock = Clock(Arc::new(Shared {
            source: Source::System,
            anchor: Mutex::new(Instants { wall: 0, steady: 0 }),
        }));
        clock.accept();
        clock
    }

    /// Returns a clock that stands at `now` until it is moved: for tests and simulations.
    pub fn manual(now: Timestamp) -> Self {
        let start = Instants { wall: now.as_micros(), steady: 0 };
        Clock(Arc::new(Shared {
            source: Source::Manual(Mutex::new(start)),
            anchor: Mutex::new(start),
        }))
    }

    /// Returns a clock that begins at `now`, goes on as fast as the machine's, and can be moved on:
    /// for demonstrations.
    pub fn simulated(now: Timestamp) -> Self {
        let start = Instants { wall: now.as_micros(), steady: 0 };
        let source = Source::Simulated { hands: Mutex::new(start), since: steady_micros() };
        Clock(Arc::new(Shared { source, anchor: Mutex::new(start) }))
    }

    /// Moves a manual or simulated clock on by `duration`.
    ///
    /// # Panics
    ///
    /// If it is the machine's clock.
    pub fn advance(&self, duration: Duration) {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        let mut hands = self.hands();
        hands.wall = hands.wall.saturating_add(micros);
        hands.steady = hands.steady.saturating_add(micros);
    }

    /// Sets the wall clock of a manual or simulated clock, as a person or a time server would.
    ///
    /// # Panics
    ///
    /// If it is the machine's clock.
    pub fn set_wall(&self, wall: Timestamp) {
        self.hands().wall = wall.as_micros();
    }

    /// Returns the time to go by.
    pub fn now(&self) -> Timestamp {
        self.read().now
    }

    /// Returns the time to go by, and whether the wall clock can be believed.
    pub fn read(&self) -> Reading {
        let present = self.instants();
        let mut anchor = lock(&self.0.anchor);
        let steady = anchor.wall.saturating_add(present.steady - anchor.steady);
        let jump = present.wall.saturating_sub(steady);
        if CLOCK_APART_MAX.as_micros() < u128::from(jump.unsigned_abs()) {
            return Reading { now: timestamp(steady), trust: Trust::Jumped { micros: jump } };
        }
        if ANCHOR_AGE_MAX.as_micros() < u128::from((present.steady - anchor.steady).unsigned_abs())
        {
            *anchor = present;
        }
        Reading { now: timestamp(present.wall), trust: Trust::Steady }
    }

    /// Believes the wall clock as it is now: an operator's word after a jump.
    pub fn accept(&self) {
        let present = self.instants();
        *lock(&self.0.anchor) = present;
    }

    fn instants(&self) -> Instants {
        match &self.0.source {
            Source::System => Instants { wall: wall_micros(), steady: steady_micros() },
            Source::Manual(hands) => *lock(hands),
            Source::Simulated { hands, since } => {
                let (hands, gone) = (*lock(hands), steady_micros() - since);
                Instants {
                    wall: hands.wall.saturating_add(gone),
                    steady: hands.steady.saturating_add(gone),
                }
            }
        }
    }

    fn hands(&self) -> MutexGuard<'_, Instants> {
        match &self.0.source {
            Source::System => panic!("the machine's clock is not moved by hand"),
            Source::Manual(hands) | Source::Simulated { hands, .. } => lock(hands),
        }
    }
}

fn lock(instants: &Mutex<Instants>) -> MutexGuard<'_, Instants> {
    instants.lock().unwrap_or_else(PoisonError::into_inner)
}

fn timestamp(micros: i64) -> Timestamp {
    let clamped = micros.clamp(Timestamp::MIN.as_micros(), Timestamp::MAX.as_micros());
    Timestamp::from_micros(clamped).expect("clamped to the range")
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
fn wall_micros() -> i64 {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since_epoch.map_or(0, |duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
}

/// Linux's boot-time clock goes on while the machine sleeps, as the wall clock does; waking up is
/// then no jump.
fn steady_micros() -> i64 {
    #[cfg(target_os = "linux")]
    let id = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let id = rustix::time::ClockId::Monotonic;
    let time = rustix::time::clock_gettime(id);
    time.tv_sec.saturating_mul(1_000_000).saturating_add(time.tv_nsec / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).expect("in range")
    }

    #[test]
    fn follows_a_wall_clock_that_is_corrected_a_little() {
        let clock = Clock::manual(at(1_000));

        clock.set_wall(at(1_005));

        assert_eq!(clock.read(), Reading { now: at(1_005), trust: Trust::Steady });
    }

    #[test]
    fn counts_on_from_before_a_jump() {
        let clock = Clock::manual(at(1_000));

        clock.set_wall(at(9_000));
        clock.advance(Duration::from_secs(20));

        let jumped = Trust::Jumped { micros: 8_000_000_000 };
        assert_eq!(clock.read(), Reading { now: at(1_020), trust: jumped });
    }

    #[test]
    fn notices_a_jump_back() {
        let clock = Clock::manual(at(1_000));

        clock.set_wall(at(994));

        assert_eq!(clock.read().trust, Trust::Jumped { micros: -6_000_000 });
        assert_eq!(clock.now(), at(1_000));
    }

    #[test]
    fn trusts_a_wall_clock_that_came_back() {
        let clock = Clock::manual(at(1_000));
        clock.set_wall(at(9_000));
        clock.advance(Duration::from_secs(20));

        clock.set_wall(at(1_021));

        assert_eq!(clock.read(), Reading { now: at(1_021), trust: Trust::Steady });
    }

    #[test]
    fn takes_an_operators_word_for_a_jump() {
        let clock = Clock::manual(at(1_000));
        clock.set_wall(at(9_000));

        clock.accept();

        assert_eq!(clock.read(), Reading { now: at(9_000), trust: Trust::Steady });
    }

    #[test]
    fn simulates_a_clock_that_goes_on_and_can_be_moved_on() {
        let clock = Clock::simulated(at(1_000));

        let first = clock.now();
        clock.advance(Duration::from_secs(3_600));
        let later = clock.read();

        assert!(at(1_000) <= first);
        assert_eq!(later.trust, Trust::Steady);
        assert!(first.plus(Duration::from_secs(3_600)) <= later.now);
    }

    #[test]
    fn lets_small_corrections_add_up() {
        let clock = Clock::manual(at(1_000));

        for step in 1..=10 {
            clock.advance(Duration::from_secs(11));
            clock.set_wall(at(1_000 + 13 * step));
            assert_eq!(clock.read().trust, Trust::Steady);
        }
    }

    #[test]
    fn reads_the_machines_clock_as_steady() {
        let clock = Clock::system();

        assert_eq!(clock.read().trust, Trust::Steady);
        assert!(at(1_700_000_000) < clock.now());
    }
}
