//! What the log carries for this family, and what the state answers.

use std::io;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::constraint::{self, ConstraintReference};
use crate::identification_service_area::{self, IdentificationServiceAreaView};
use crate::import::{self, Import};
use crate::operational_intent::{self, OperationalIntentReference};
use crate::remote_id_subscription::{self, RemoteIdSubscriptionView};
use crate::subscription::{self, SubscriptionView};
use crate::uss_availability::{self, UssAvailabilityStatus};
use crate::{Party, SubscriberToNotify};

mod version_1;

/// One request of one party, as the log keeps it: version 2 of the stored form.
///
/// Version 1 had fewer requests, and the OVNs of a key in full; [`Command::from_bytes`] reads both.
/// Its borsh encoding is canonical and described byte by byte in `docs/log-format.md`.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Command {
    /// Who asks: `sub` of its token.
    pub party: Party,
    /// Given when the client sent an `Idempotency-Key`.
    pub retry: Option<Retry>,
    /// What it asks.
    pub request: Request,
}

/// An `Idempotency-Key` and what was sent with it, both hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Retry {
    /// SHA-256 of the header's value.
    pub key: [u8; 32],
    /// SHA-256 over method, path and body.
    pub fingerprint: [u8; 32],
}

/// What a party asks.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Request {
    /// Creates or updates an operational intent.
    PutOperationalIntent(operational_intent::Put),
    /// Deletes an operational intent.
    DeleteOperationalIntent(operational_intent::Delete),
    /// Creates or updates a constraint.
    PutConstraint(constraint::Put),
    /// Deletes a constraint.
    DeleteConstraint(constraint::Delete),
    /// Creates or updates a subscription.
    PutSubscription(subscription::Put),
    /// Deletes a subscription.
    DeleteSubscription(subscription::Delete),
    /// Sets the availability of a USS.
    PutUssAvailability(uss_availability::Put),
    /// Changes the settings, asked by a hub for its operator.
    PutSettings(Settings),
    /// Creates or updates an identification service area; since version 2, like all that follow.
    PutIdentificationServiceArea(identification_service_area::Put),
    /// Deletes an identification service area.
    DeleteIdentificationServiceArea(identification_service_area::Delete),
    /// Creates or updates a subscription of F3411.
    PutRemoteIdSubscription(remote_id_subscription::Put),
    /// Deletes a subscription of F3411.
    DeleteRemoteIdSubscription(remote_id_subscription::Delete),
    /// Changes the settings about F3411, asked by a hub for its operator.
    PutF3411Settings(F3411Settings),
    /// Carries over what a deployed hub had, asked by an operator before a hub serves.
    Import(Import),
}

/// What an operator may set about the airspace; part of the state, so the same on every hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Settings {
    /// How long after its end an F3548-21 entity is kept, in seconds.
    pub f3548_retention_s: u32,
}

/// What an operator may set about remote ID; part of the state, so the same on every hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct F3411Settings {
    /// How long after its end an F3411 entity is kept, in seconds.
    pub retention_s: u32,
}

/// What the state answers to a command.
pub type Outcome = Result<Accepted, Refusal>;

/// What an entry of the log came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It was decided now.
    Decided {
        /// What is answered; to be kept when the command carries a [`Retry`].
        outcome: Outcome,
        /// Positions whose kept outcome is needed no more.
        forgotten: Vec<u64>,
    },
    /// The party sent it before: the answer is the outcome kept for that position.
    Repeat {
        /// Where it was decided.
        first: u64,
    },
    /// The party used the same `Idempotency-Key` for another request.
    KeyReused,
}

/// What was done.
///
/// References, dependents and listed ids ascend by id; subscribers ascend by URL, and the
/// subscriptions of each by id. So the same state gives the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Accepted {
    /// An operational intent was created, updated or deleted.
    OperationalIntent {
        /// The operational intent as it is, or as it last was.
        reference: OperationalIntentReference,
        /// Whom the caller must notify.
        subscribers: Vec<SubscriberToNotify>,
    },
    /// A constraint was created, updated or deleted.
    Constraint {
        /// The constraint as it is, or as it last was.
        reference: ConstraintReference,
        /// Whom the caller must notify.
        subscribers: Vec<SubscriberToNotify>,
    },
    /// A subscription was created or updated.
    SubscriptionPut {
        /// The subscription as it is.
        subscription: SubscriptionView,
        /// The operational intents there, if it notifies of them.
        operational_intents: Option<Vec<OperationalIntentReference>>,
        /// The constraints there, if it notifies of them.
        constraints: Option<Vec<ConstraintReference>>,
    },
    /// A subscription was deleted.
    SubscriptionDeleted {
        /// The subscription as it last was.
        subscription: SubscriptionView,
    },
    /// An availability was set.
    UssAvailability(UssAvailabilityStatus),
    /// The settings were changed.
    Settings(Settings),
    /// An identification service area was created, updated or deleted.
    IdentificationServiceArea {
        /// The area as it is, or as it last was.
        area: IdentificationServiceAreaView,
        /// Whom the caller must notify.
        subscribers: Vec<SubscriberToNotify>,
    },
    /// A subscription of F3411 was created or updated.
    RemoteIdSubscriptionPut {
        /// The subscription as it is.
        subscription: RemoteIdSubscriptionView,
        /// The identification service areas there that have not ended, ascending by id.
        areas: Vec<IdentificationServiceAreaView>,
    },
    /// A subscription of F3411 was deleted.
    RemoteIdSubscriptionDeleted {
        /// The subscription as it last was.
        subscription: RemoteIdSubscriptionView,
    },
    /// The settings about F3411 were changed.
    F3411Settings(F3411Settings),
    /// Something was carried over.
    Imported,
}

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, BorshSerialize, BorshDeserialize)]
pub enum Refusal {
    /// About an operational intent.
    #[error(transparent)]
    OperationalIntent(#[from] operational_intent::Refusal),
    /// About a constraint.
    #[error(transparent)]
    Constraint(#[from] constraint::Refusal),
    /// About a subscription.
    #[error(transparent)]
    Subscription(#[from] subscription::Refusal),
    /// About an availability.
    #[error(transparent)]
    UssAvailability(#[from] uss_availability::Refusal),
    /// About an identification service area.
    #[error(transparent)]
    IdentificationServiceArea(#[from] identification_service_area::Refusal),
    /// About a subscription of F3411.
    #[error(transparent)]
    RemoteIdSubscription(#[from] remote_id_subscription::Refusal),
    /// About something to carry over.
    #[error(transparent)]
    Import(#[from] import::Refusal),
}

impl Command {
    /// Reads a command in the stored form of a version.
    pub fn from_bytes(version: u16, bytes: &[u8]) -> io::Result<Self> {
        match version {
            1 => version_1::read(bytes),
            2 => Self::try_from_slice(bytes),
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "the version is not known")),
        }
    }

    /// Returns the stored form of version 2.
    pub fn to_bytes(&self) -> Vec<u8> {
        borsh::to_vec(self).expect("a vector takes any number of bytes")
    }
}

impl Request {
    /// Returns the version of the stored form that it came with; no entry of an earlier one holds it.
    pub fn since_version(&self) -> u16 {
        match self {
            Request::PutOperationalIntent(_)
            | Request::DeleteOperationalIntent(_)
            | Request::PutConstraint(_)
            | Request::DeleteConstraint(_)
            | Request::PutSubscription(_)
            | Request::DeleteSubscription(_)
            | Request::PutUssAvailability(_)
            | Request::PutSettings(_) => 1,
            Request::PutIdentificationServiceArea(_)
            | Request::DeleteIdentificationServiceArea(_)
            | Request::PutRemoteIdSubscription(_)
            | Request::DeleteRemoteIdSubscription(_)
            | Request::PutF3411Settings(_)
            | Request::Import(_) => 2,
        }
    }
}

macro_rules! request {
    ($variant:ident, $command:ty) => {
        impl From<$command> for Request {
            fn from(command: $command) -> Self {
                Request::$variant(command)
            }
        }
    };
}

request!(PutOperationalIntent, operational_intent::Put);
request!(DeleteOperationalIntent, operational_intent::Delete);
request!(PutConstraint, constraint::Put);
request!(DeleteConstraint, constraint::Delete);
request!(PutSubscription, subscription::Put);
request!(DeleteSubscription, subscription::Delete);
request!(PutUssAvailability, uss_availability::Put);
request!(PutSettings, Settings);
request!(PutIdentificationServiceArea, identification_service_area::Put);
request!(DeleteIdentificationServiceArea, identification_service_area::Delete);
request!(PutRemoteIdSubscription, remote_id_subscription::Put);
request!(DeleteRemoteIdSubscription, remote_id_subscription::Delete);
request!(PutF3411Settings, F3411Settings);
request!(Import, Import);
