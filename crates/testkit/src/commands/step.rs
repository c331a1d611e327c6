//! What one step of a sequence means.

use airspace::operational_intent::{NotifyForConstraints, OperationalIntentState};
use airspace::subscription::NotifyFor;
use airspace::uss_availability::UssAvailabilityState;
use airspace::{F3411Settings, Settings};

/// One command to be, and one look at what is there afterwards.
#[derive(Clone, Debug)]
pub struct Step {
    /// When it is stamped.
    pub elapse: Elapse,
    /// Who asks.
    pub asker: Asker,
    /// The `Idempotency-Key`, if it has one.
    pub retry: Option<RetryPlan>,
    /// What is asked.
    pub action: Action,
    /// What is looked at afterwards.
    pub look: Look,
}

/// A number that picks one of whatever there is to pick from, modulo how many there are.
pub type Choice = u8;

/// The stamp of a step.
#[derive(Clone, Copy, Debug)]
pub enum Elapse {
    /// This many microseconds after the clock, or before it.
    By(i64),
    /// This many microseconds after an entity's end.
    PastEnd(Choice, i64),
    /// This many microseconds after an entity has been kept for as long as it is.
    PastRetention(Choice, i64),
    /// This many microseconds after an outcome has been kept for as long as it is.
    PastKept(Choice, i64),
}

/// A point in time.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// This many microseconds after now, or before it.
    Now(i64),
    /// This many microseconds after an entity's start.
    StartOf(Choice, i64),
    /// This many microseconds after an entity's end.
    EndOf(Choice, i64),
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub enum Asker {
    /// Whose the thing is that the step is about, or the party with this number.
    Manager(Choice),
    /// The party with this number.
    Party(Choice),
}

/// An `Idempotency-Key` and what is sent with it, of a few.
#[derive(Clone, Copy, Debug)]
pub struct RetryPlan {
    /// Which key.
    pub key: Choice,
    /// Which request.
    pub fingerprint: Choice,
}

/// The OVN or version that a request names.
#[derive(Clone, Copy, Debug)]
pub enum VersionPlan {
    /// The current one, or none if the thing does not exist.
    AsNeeded,
    /// None, as if to create.
    None,
    /// One that was never given.
    Wrong,
    /// One that this thing or another has or had.
    Other(Choice),
}

/// A bound of an extent or a search: given or not.
pub type Bound<T> = Option<T>;

/// Where and when.
#[derive(Clone, Copy, Debug)]
pub struct ExtentPlan {
    /// When it starts, or ends if the other is earlier.
    pub start: Moment,
    /// When it ends.
    pub end: Moment,
    /// Its lowest height, of a few.
    pub lower: Choice,
    /// How many of those heights it is tall.
    pub height: Choice,
    /// Its cells, of a few: one a bit.
    pub cells: u8,
}

/// Where and when something of F3411 is to be.
#[derive(Clone, Copy, Debug)]
pub struct FootprintPlan {
    /// When it starts, if that is given.
    pub start: Bound<Moment>,
    /// When it ends, if that is given; it may be before the start.
    pub end: Bound<Moment>,
    /// Its cells, of a few: one a bit.
    pub cells: u8,
}

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Who looks.
    pub reader: Choice,
    /// How many microseconds after the clock, or where in time.
    pub now: Elapse,
    /// Where and when.
    pub extent: ExtentPlan,
    /// Which of the bounds are given: start, end, lower, upper; one a bit.
    pub given: u8,
}

/// The OVNs in a key.
#[derive(Clone, Copy, Debug)]
pub enum KeyPlan {
    /// All that there are.
    All,
    /// All but one.
    AllBut(Choice),
    /// Those of the operational intents.
    OperationalIntents,
    /// Those of one's own.
    Own,
    /// None.
    Empty,
}

/// The subscription of an operational intent.
#[derive(Clone, Copy, Debug)]
pub enum SubscriptionPlan {
    /// None; a new implicit one in states that need one.
    None,
    /// The one it has, or a new implicit one.
    Kept(Choice),
    /// One that exists, mostly one's own, or one that does not.
    Existing(Choice),
    /// A new implicit one; its URL, of a few.
    Implicit(Choice, NotifyForConstraints),
    /// A new implicit one whose id is taken.
    ImplicitTaken(Choice),
}

/// What the next OVN is made of.
#[derive(Clone, Copy, Debug)]
pub enum NextOvnPlan {
    /// Random bits.
    Random,
    /// A suffix of so many milliseconds after now.
    Requested(i64),
    /// A suffix that was asked for before.
    RequestedAgain(Choice),
}

/// Something to carry over.
#[derive(Clone, Copy, Debug)]
pub struct ImportPlan {
    /// Which one, of a few.
    pub id: Choice,
    /// Whose it is.
    pub owner: Choice,
    /// Where and when.
    pub extent: ExtentPlan,
    /// Its URL, of a few.
    pub url: Choice,
    /// Its version or notification index.
    pub number: u32,
    /// How many microseconds after now it was changed, mostly before.
    pub changed: i64,
    /// What it is.
    pub kind: ImportKind,
}

/// What is carried over.
#[derive(Clone, Copy, Debug)]
pub enum ImportKind {
    /// An explicit subscription of F3548.
    Subscription(NotifyFor),
    /// An operational intent.
    OperationalIntent(ImportedIntent),
    /// A constraint.
    Constraint,
    /// The availability of its owner.
    UssAvailability(UssAvailabilityState),
    /// An identification service area.
    IdentificationServiceArea,
    /// A subscription of F3411.
    RemoteIdSubscription,
}

/// What is carried over of an operational intent only.
#[derive(Clone, Copy, Debug)]
pub struct ImportedIntent {
    /// Its state.
    pub state: OperationalIntentState,
    /// Its suffix is one of so many milliseconds after now, if one was asked for.
    pub suffix: Option<i64>,
    /// How many suffixes it had before.
    pub past: u8,
    /// Its subscription.
    pub subscription: ImportedSubscription,
}

/// The subscription of an operational intent that is carried over.
#[derive(Clone, Copy, Debug)]
pub enum ImportedSubscription {
    /// None.
    None,
    /// One that exists, mostly its manager's, or one that does not.
    Existing(Choice),
    /// An implicit one that comes with it.
    Implicit(NotifyFor),
    /// One that comes with it although it may exist.
    Taken(Choice),
    /// One of the party with this number comes with it.
    OfOther(Choice),
    /// One comes with it, but it names another or none.
    NotNamed(Choice),
    /// One comes with it that was changed so many microseconds after now.
    Changed(i64),
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the fields are those of the requests, as plans")]
pub enum Action {
    PutOperationalIntent {
        id: Choice,
        ovn: VersionPlan,
        extent: ExtentPlan,
        state: OperationalIntentState,
        key: KeyPlan,
        url: Choice,
        subscription: SubscriptionPlan,
        next_ovn: NextOvnPlan,
    },
    DeleteOperationalIntent {
        id: Choice,
        ovn: VersionPlan,
    },
    PutConstraint {
        id: Choice,
        ovn: VersionPlan,
        extent: ExtentPlan,
        given: u8,
        url: Choice,
    },
    DeleteConstraint {
        id: Choice,
        ovn: VersionPlan,
    },
    PutSubscription {
        id: Choice,
        version: VersionPlan,
        extent: ExtentPlan,
        given: u8,
        url: Choice,
        notify_for: NotifyFor,
    },
    DeleteSubscription {
        id: Choice,
        version: VersionPlan,
    },
    PutUssAvailability {
        uss: Choice,
        version: VersionPlan,
        availability: UssAvailabilityState,
    },
    PutSettings(Settings),
    PutIdentificationServiceArea {
        id: Choice,
        version: VersionPlan,
        footprint: FootprintPlan,
        url: Choice,
    },
    DeleteIdentificationServiceArea {
        id: Choice,
        version: VersionPlan,
    },
    PutRemoteIdSubscription {
        id: Choice,
        version: VersionPlan,
        footprint: FootprintPlan,
        url: Choice,
    },
    DeleteRemoteIdSubscription {
        id: Choice,
        version: VersionPlan,
    },
    PutF3411Settings(F3411Settings),
    Import(ImportPlan),
}
