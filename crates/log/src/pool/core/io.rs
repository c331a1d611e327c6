//! What goes into the core and comes out of it.

use std::sync::Arc;

use ::pool::{AppliedHead, Evidence, Hash, Rule, StateHash};

use super::Value;
use crate::local::Placement;
use crate::{AppendError, Entry, Head, Position, Ticket};

/// Names an append until it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppendId(pub u64);

/// Names someone who waits to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReaderId(pub u64);

/// What happens to a core.
#[derive(Clone, Debug)]
pub enum Input {
    /// This hub has an entry for the log.
    Append(Append),
    /// Somebody wants to read everything that was answered anywhere before now.
    Ask(ReaderId),
    /// This hub has applied more of the log; the next batch says so.
    Announce(Announced),
    /// A member of etcd answers and watches.
    Connected(Connected),
    /// None does.
    NotConnected {
        /// Which link was asked for.
        link: u64,
    },
    /// A link shows nothing more.
    WatchBroke {
        /// Which.
        link: u64,
    },
    /// What a link is to show is no longer in etcd.
    Compacted {
        /// Which.
        link: u64,
        /// Everything up to this revision is gone, but for what is newest under each key.
        revision: u64,
    },
    /// A link shows what comes next, in order.
    Events {
        /// Which.
        link: u64,
        /// Versions of keys.
        events: Vec<Event>,
        /// More of the last revision may follow.
        more: bool,
    },
    /// A link has shown everything up to a revision.
    Progress {
        /// Which.
        link: u64,
        /// The revision.
        revision: u64,
    },
    /// A put came to something.
    PutAnswered {
        /// Which.
        attempt: u64,
        /// To what.
        answer: PutAnswer,
    },
    /// A question was answered, or not.
    QuestionAnswered {
        /// Which.
        question: u64,
        /// What etcd says.
        answer: Option<QuestionAnswer>,
    },
    /// Another hub's copy has these entries, none if it has no more, or it does not answer.
    Fetched {
        /// The number of the question.
        fetch: u64,
        /// In canonical bytes.
        entries: Option<Vec<Vec<u8>>>,
    },
    /// The copy takes more entries, or it does not, and the link is not read.
    Room(bool),
    /// Time has passed.
    Tick,
    /// Nothing more will be appended.
    Close,
}

/// What a hub says of itself with its next batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Announced {
    /// How far it has applied the log.
    pub applied: AppliedHead,
    /// The hash of its state where it last took one.
    pub state: Option<StateHash>,
}

/// An entry on its way into the log.
#[derive(Clone, Debug)]
pub struct Append {
    /// Its name here.
    pub id: AppendId,
    /// The entry.
    pub entry: Arc<Entry>,
    /// Its canonical bytes.
    pub bytes: Vec<u8>,
    /// What the proposer calls it.
    pub ticket: Ticket,
}

/// What a member of etcd said before it began to watch: a linearizable answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// The link.
    pub link: u64,
    /// The revision of etcd.
    pub revision: u64,
    /// The highest revision of a key of a hub.
    pub highest: u64,
    /// The version of this hub's own key, 0 if it is not there.
    pub own_version: u64,
    /// SHA-256 of the genesis that is kept there.
    pub genesis: Option<Hash>,
    /// The signed change that opened the epoch there; none in a pool's first.
    pub opening: Option<Vec<u8>>,
}

/// A version of a key, or its deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The revision at which it is.
    pub revision: u64,
    /// The whole key.
    pub key: Vec<u8>,
    /// The version of the key, 0 for a deletion.
    pub version: u64,
    /// The value, `None` for a deletion.
    pub value: Option<Vec<u8>>,
}

/// What a put came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutAnswer {
    /// It is done.
    Put {
        /// At this revision.
        revision: u64,
    },
    /// The key has another version than the one before: this one was put earlier, or another.
    Other {
        /// Which it has.
        version: u64,
        /// Since when.
        revision: u64,
    },
    /// Nothing was done: etcd is full.
    Full,
    /// Nothing was done.
    Refused,
    /// There was no answer: it may have been done, or be done yet.
    Unanswered,
}

/// How far etcd is: a linearizable answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuestionAnswer {
    /// The revision of etcd.
    pub revision: u64,
    /// The highest revision of a key of a hub.
    pub highest: u64,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Drop the link, if there is one, and make another to a member that was not asked last.
    Connect {
        /// Its number.
        link: u64,
        /// From which revision it is to show everything.
        from: u64,
    },
    /// Put a value as this hub's key, if the version before is there.
    Put {
        /// The number of this attempt.
        attempt: u64,
        /// As which version.
        version: u64,
        /// The value.
        value: Value,
        /// It was sent before: ask another member.
        again: bool,
    },
    /// Ask how far etcd is.
    Ask {
        /// The number of the question.
        question: u64,
        /// An earlier one was not answered: ask another member.
        again: bool,
    },
    /// Ask another hub for entries of its copy.
    Fetch {
        /// The number of the question.
        fetch: u64,
        /// After which position.
        after: Position,
        /// Which of the other hubs.
        turn: u64,
    },
    /// Hand these entries out and keep them.
    Place(Vec<Placement>),
    /// An append came to this.
    Answer {
        /// Which.
        id: AppendId,
        /// To what.
        result: Result<Position, AppendError>,
    },
    /// An entry that was appended will not be placed.
    Release {
        /// How many bytes it has.
        bytes: usize,
    },
    /// Somebody may read once this is applied, or is not to wait any longer.
    Resolve {
        /// Who.
        reader: ReaderId,
        /// How far the log is, at least.
        result: Result<Head, ReadError>,
    },
    /// Something is wrong; the bytes show it.
    Evidence(Evidence, Vec<u8>),
    /// A link was refused.
    Refused(Refused),
    /// This hub must end; everybody who waits was answered.
    Stop(Stop),
    /// The log is closed; everybody who waits was answered.
    Closed,
}

/// Why an etcd is not the pool's; nothing was put there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No pool was founded there.
    #[error(
        "this etcd holds no pool: check the endpoints, or found the pool with `tansiq pool init`"
    )]
    NoPool,
    /// It is another pool's.
    #[error("this etcd belongs to another pool, its genesis is another: check the endpoints")]
    OtherPool,
    /// It is of another epoch than this hub's copy leads to.
    #[error(
        "this etcd is of another epoch of the pool than this hub's copy leads to: check the \
         endpoints, or take the copy of another hub"
    )]
    OtherEpoch,
    /// It knows less than this hub has seen.
    #[error("this etcd knows less than it has shown before: it was put back from a backup")]
    Behind,
    /// It shows something else where this hub holds an entry.
    #[error("this etcd shows another history than this hub holds")]
    Differs,
    /// It left versions of a key out.
    #[error("this etcd does not show every version of a key")]
    Incomplete,
}

/// Why a hub must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// Somebody else signs with this hub's key.
    #[error(
        "another process puts batches under this hub's key, at revision {revision}: stop it, and \
         give this hub a new key if it is not yours"
    )]
    KeyUsedTwice {
        /// Where that was seen.
        revision: u64,
    },
    /// The pool has another key for this hub from now on.
    #[error("the key of this hub was replaced: start it with the new one")]
    KeyReplaced,
    /// The pool runs rules that this release does not know.
    #[error(
        "the pool runs version {} of the rules of family {}, which this release does not know: \
         start a release whose `tansiq --version` names it", .0.version, .0.family
    )]
    TooOld(Rule),
    /// What this hub has missed is no longer in etcd.
    #[error(
        "etcd no longer holds what this hub has missed, up to revision {revision}: it must come \
         from the copy of another hub"
    )]
    Compacted {
        /// Everything up to here is gone.
        revision: u64,
    },
}

/// A reader is not to wait any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The pool has not answered in time.
    #[error("the pool has not answered in time")]
    Unanswered,
    /// Too many wait already.
    #[error("too many wait already")]
    TooMany,
    /// The log is closed.
    #[error("the log is closed")]
    Closed,
}
