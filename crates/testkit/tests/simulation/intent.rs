//! What clients contend for: a few operational intents, each known by the number in its OVN.

use airspace::operational_intent::{self, OperationalIntentState, SubscriptionChoice};
use airspace::{
    Command, Decision, EntityId, Extent, NextOvn, OvnSuffix, Party, Refusal, Request, UssBaseUrl,
};
use spacetime::{Altitude, Cell, Cells, Timestamp};
use testkit::linearizable::Object;

/// How many operational intents there are.
pub(crate) const INTENTS: usize = 2;

/// How long an operational intent lasts: longer than any clock is apart.
const LASTS: std::time::Duration = std::time::Duration::from_secs(20 * 3_600);

/// An operational intent; `None` is not there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Intent(pub Option<u32>);

/// What is asked of an operational intent; each OVN is asked for once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Read,
    Create { to: u32 },
    Update { from: u32, to: u32 },
    Delete { from: u32 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Is(Option<u32>),
    Done,
    Refused,
}

/// What a client hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// The pool's answer.
    Answer(Answer),
    /// Nothing was done, and never will be: 503.
    Never,
    /// Nobody knows: 504, or the hub is gone.
    Unknown,
}

impl Object for Intent {
    type Ask = Asked;
    type Answer = Answer;

    fn after(&self, asked: &Asked, answer: Option<&Answer>) -> Option<Self> {
        let (after, would_answer) = match *asked {
            Asked::Read => (self.clone(), Answer::Is(self.0)),
            Asked::Create { to } if self.0.is_none() => (Intent(Some(to)), Answer::Done),
            Asked::Update { from, to } if self.0 == Some(from) => (Intent(Some(to)), Answer::Done),
            Asked::Delete { from } if self.0 == Some(from) => (Intent(None), Answer::Done),
            _ => (self.clone(), Answer::Refused),
        };
        answer.is_none_or(|answer| *answer == would_answer).then_some(after)
    }
}

/// Returns the command of what is asked; `None` of a read.
pub(crate) fn command(number: usize, asked: Asked, now: Timestamp) -> Option<Command> {
    let request = match asked {
        Asked::Read => return None,
        Asked::Create { to } => put(number, None, to, now),
        Asked::Update { from, to } => put(number, Some(from), to, now),
        Asked::Delete { from } => {
            operational_intent::Delete { id: id(number), ovn: ovn(number, from) }.into()
        }
    };
    Some(Command { party: party(), retry: None, request })
}

/// Returns what a client hears of a decision.
pub(crate) fn said_of(decision: &Decision) -> Said {
    let Decision::Decided { outcome, .. } = decision else { return Said::Unknown };
    match outcome {
        Ok(_) => Said::Answer(Answer::Done),
        Err(Refusal::OperationalIntent(
            operational_intent::Refusal::AlreadyExists
            | operational_intent::Refusal::NotFound
            | operational_intent::Refusal::OvnMismatch,
        )) => Said::Answer(Answer::Refused),
        // Whatever else is refused, here because a hub's clock is far from the client's, says
        // nothing about what was there.
        Err(_) => Said::Never,
    }
}

/// Reads an operational intent, as its manager may.
pub(crate) fn read(state: &airspace::State, number: usize, now: Timestamp) -> Answer {
    let found = state.find_operational_intent(now, &party(), id(number));
    Answer::Is(found.map(|reference| {
        let ovn = reference.ovn.expect("its manager is shown its OVN");
        let (_, digits) = ovn.as_str().split_at(ovn.as_str().len() - 8);
        u32::from_str_radix(digits, 16).expect("it was asked for here")
    }))
}

fn put(number: usize, from: Option<u32>, to: u32, now: Timestamp) -> Request {
    operational_intent::Put {
        id: id(number),
        ovn: from.map(|from| ovn(number, from)),
        extent: extent(number, now),
        state: OperationalIntentState::Accepted,
        key: Vec::new(),
        uss_base_url: UssBaseUrl::new("https://uss.example").expect("a URL"),
        subscription: SubscriptionChoice::None,
        next_ovn: NextOvn::Requested(suffix(to)),
    }
    .into()
}

fn party() -> Party {
    Party::new("uss").expect("a name")
}

fn id(number: usize) -> EntityId {
    EntityId::from_random_bytes([u8::try_from(number).expect("few"); 16])
}

/// Each has a cell of its own: what they contend for is who changes one, not who is where.
fn extent(number: usize, now: Timestamp) -> Extent {
    let leaf = 2 * u64::try_from(number).expect("few") + 1;
    let cell = Cell::from_id(leaf << (2 * (30 - Cell::LEVEL))).expect("a cell of level 13");
    Extent {
        starts_at: now,
        ends_at: now.plus(LASTS),
        altitude_lower: Some(Altitude::floor_of_meters(100.0)),
        altitude_upper: Some(Altitude::ceil_of_meters(120.0)),
        cells: Cells::from_unsorted(vec![cell]).expect("one"),
    }
}

fn ovn(number: usize, ovn: u32) -> airspace::Ovn {
    let text = format!("{}_{}", id(number), suffix(ovn));
    airspace::Ovn::new(&text).expect("as the rules make it")
}

/// The UUIDv7 that carries the number of an OVN: of when a run begins.
fn suffix(number: u32) -> OvnSuffix {
    let millis = super::clock::BEGAN_US.cast_unsigned() / 1_000;
    let (high, low) = (millis >> 16, millis & 0xffff);
    let text = format!("{high:08x}-{low:04x}-7000-8000-0000{number:08x}");
    OvnSuffix::parse(&text).expect("a UUIDv7")
}
