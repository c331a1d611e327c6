//! The link to a member of etcd that shows what comes, and whether it may be believed.
//!
//! A link is good once it has shown the last entry that this hub holds, byte for byte, and all that
//! etcd had when the link was made. Only over a good link is anything put.

use std::time::Duration;

use ::pool::{Evidence, Kind, SignedChange};

use super::intake::Held;
use super::{Connected, Core, End, Now, Output, Refused};

/// After what time another link is asked for when none came about, or one was refused.
pub const CONNECT_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// How long a link may show nothing although etcd has said that there is more.
pub const WATCH_BEHIND_MAX: Duration = Duration::from_secs(1);

/// The present link.
#[derive(Debug)]
pub(super) struct Link {
    /// The number of the last one that was asked for.
    number: u64,
    status: Status,
    /// The highest revision that etcd has told of.
    known: u64,
    /// Since when nothing has come although more is known.
    behind_since: Duration,
    /// The copy takes no more at present, so the link is not read.
    is_held_up: bool,
}

#[derive(Debug)]
enum Status {
    Down {
        again: Duration,
    },
    /// What etcd no longer holds must come from elsewhere first.
    Held,
    Connecting,
    Up {
        catch_up_to: u64,
        to_show: Option<Held>,
    },
}

impl Link {
    pub(super) fn new() -> Self {
        Link {
            number: 0,
            status: Status::Down { again: Duration::ZERO },
            known: 0,
            behind_since: Duration::ZERO,
            is_held_up: false,
        }
    }

    /// Tells whether this is the present link, up or not yet.
    pub(super) fn is_asked(&self, link: u64) -> bool {
        self.number == link && matches!(self.status, Status::Connecting | Status::Up { .. })
    }

    /// Has no link made until it is dropped.
    pub(super) fn hold(&mut self) {
        self.status = Status::Held;
    }

    pub(super) fn is_held(&self) -> bool {
        matches!(self.status, Status::Held)
    }

    /// Returns the number of the present link.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Tells whether this is the present link, and it is up.
    pub(super) fn is(&self, link: u64) -> bool {
        self.number == link && matches!(self.status, Status::Up { .. })
    }

    /// Tells whether the link has shown what it must before anything is put.
    pub(super) fn is_good(&self, seen: u64) -> bool {
        let Status::Up { catch_up_to, to_show } = &self.status else { return false };
        to_show.is_none() && *catch_up_to <= seen
    }

    /// Tells whether what is shown at `revision` came after the link was made.
    pub(super) fn is_new(&self, revision: u64) -> bool {
        matches!(self.status, Status::Up { catch_up_to, .. } if catch_up_to < revision)
    }

    /// Returns what the link must show first.
    pub(super) fn to_show(&self) -> Option<&Held> {
        match &self.status {
            Status::Up { to_show, .. } => to_show.as_ref(),
            _ => None,
        }
    }

    /// The link has shown what it had to.
    pub(super) fn shown(&mut self) {
        if let Status::Up { to_show, .. } = &mut self.status {
            *to_show = None;
        }
    }

    /// Takes down that etcd is at least so far.
    pub(super) fn know(&mut self, now: Now, seen: u64, revision: u64) {
        if self.known <= seen && seen < revision {
            self.behind_since = now.elapsed;
        }
        self.known = self.known.max(revision);
    }

    /// The link has shown something.
    pub(super) fn moved(&mut self, now: Now) {
        self.behind_since = now.elapsed;
    }

    pub(super) fn take_room(&mut self, now: Now, room: bool) {
        self.is_held_up = !room;
        self.behind_since = now.elapsed;
    }

    /// Lets go of the link; another is asked for at once.
    pub(super) fn drop_now(&mut self, now: Now) {
        self.drop_until(now.elapsed);
    }

    fn drop_until(&mut self, again: Duration) {
        self.status = Status::Down { again };
    }

    /// What was known is of an etcd that is no longer the pool's.
    fn forget(&mut self) {
        self.known = 0;
    }

    fn behind_due(&self, seen: u64) -> Option<Duration> {
        let is_up = matches!(self.status, Status::Up { .. });
        let is_behind = is_up && !self.is_held_up && seen < self.known;
        is_behind.then_some(self.behind_since + WATCH_BEHIND_MAX)
    }

    pub(super) fn due(&self, seen: u64) -> Option<Duration> {
        match self.status {
            Status::Down { again } => Some(again),
            Status::Connecting | Status::Held => None,
            Status::Up { .. } => self.behind_due(seen),
        }
    }
}

impl Core {
    /// Asks for a link where there is none, or one that shows nothing.
    pub(super) fn advance_link(&mut self, now: Now) {
        if self.link.behind_due(self.intake.seen()).is_some_and(|due| due <= now.elapsed) {
            self.link.drop_now(now);
        }
        if self.end == End::Ended {
            return;
        }
        if let Status::Down { again } = self.link.status
            && again <= now.elapsed
        {
            self.link.number += 1;
            self.link.status = Status::Connecting;
            let (link, from) = (self.link.number, self.intake.revision().max(1));
            self.outputs.push(Output::Connect { link, from });
        }
    }

    pub(super) fn lose_link(&mut self, now: Now, link: u64, wait: Duration) {
        if self.link.is_asked(link) {
            self.link.drop_until(now.elapsed + wait);
        }
    }

    /// Looks at what a member says before it watches.
    pub(super) fn take_connected(&mut self, now: Now, connected: &Connected) {
        if connected.link != self.link.number || !matches!(self.link.status, Status::Connecting) {
            return;
        }
        if let Err(refused) = self.check(connected) {
            return self.refuse_link(now, refused);
        }
        if let Some(opening) = self.opening_of(connected) {
            match opening {
                Ok(signed) => {
                    self.open_epoch(signed);
                    self.link.forget();
                    self.link.drop_now(now);
                }
                Err(refused) => self.refuse_link(now, refused),
            }
            return;
        }
        let held = self.intake.held().map_or(0, |held| held.revision).max(self.intake.seen());
        if connected.revision < held {
            let kind = Kind::EngineBehind { held, shown: connected.revision };
            self.report_engine(kind);
            return self.refuse_link(now, Refused::Behind);
        }
        let to_show = self.intake.held().cloned();
        self.link.status = Status::Up { catch_up_to: connected.highest, to_show };
        self.intake.take_own_version(connected.own_version);
        self.doubt_flight(connected.own_version);
        self.link.moved(now);
        self.know(now, connected.highest);
    }

    /// Takes down that etcd is at least so far.
    pub(super) fn know(&mut self, now: Now, revision: u64) {
        self.link.know(now, self.intake.seen(), revision);
    }

    /// Lets go of a link that shows what cannot be.
    pub(super) fn refuse_link(&mut self, now: Now, refused: Refused) {
        self.outputs.push(Output::Refused(refused));
        self.link.drop_until(now.elapsed + CONNECT_AGAIN_AFTER);
    }

    pub(super) fn report_engine(&mut self, kind: Kind) {
        let evidence = Evidence { hub: None, kind, hash: [0; 32] };
        self.outputs.push(Output::Evidence(evidence, Vec::new()));
    }

    fn check(&self, connected: &Connected) -> Result<(), Refused> {
        let pool = self.intake.pool().ok_or(Refused::NoPool)?;
        let genesis = connected.genesis.as_ref().ok_or(Refused::NoPool)?;
        if genesis != pool.membership().pool().as_bytes() {
            return Err(Refused::OtherPool);
        }
        Ok(())
    }

    /// Returns the change that opens the epoch of this etcd, if this hub is not in it yet.
    fn opening_of(&self, connected: &Connected) -> Option<Result<SignedChange, Refused>> {
        let pool = self.intake.pool()?;
        let here = pool.membership().epoch();
        let Some(opening) = &connected.opening else {
            return (here != 1).then_some(Err(Refused::OtherEpoch));
        };
        let Ok(signed) = SignedChange::from_bytes(opening) else {
            return Some(Err(Refused::OtherEpoch));
        };
        match signed.change.epoch {
            before if before.checked_add(1) == Some(here) => None,
            before if before == here => {
                let head = self.intake.applied();
                let may = pool.check_opening(&head, &signed);
                Some(may.map(|()| signed).map_err(|_| Refused::OtherEpoch))
            }
            _ => Some(Err(Refused::OtherEpoch)),
        }
    }
}
