//! The stored form that commands had in version 1, to be read and never written.

use std::io;

use borsh::BorshDeserialize;

use super::{Command, Request, Retry, Settings};
use crate::operational_intent::{OperationalIntentState, SubscriptionChoice};
use crate::{
    EntityId, Extent, NextOvn, Ovn, OvnHash, Party, UssBaseUrl, constraint, operational_intent,
    subscription, uss_availability,
};

/// A command of version 1.
#[derive(BorshDeserialize)]
struct CommandV1 {
    party: Party,
    retry: Option<Retry>,
    request: RequestV1,
}

/// What a party could ask in version 1.
#[derive(BorshDeserialize)]
enum RequestV1 {
    PutOperationalIntent(PutV1),
    DeleteOperationalIntent(operational_intent::Delete),
    PutConstraint(constraint::Put),
    DeleteConstraint(constraint::Delete),
    PutSubscription(subscription::Put),
    DeleteSubscription(subscription::Delete),
    PutUssAvailability(uss_availability::Put),
    PutSettings(Settings),
}

/// A put of an operational intent that has the OVNs of its key in full.
#[derive(BorshDeserialize)]
struct PutV1 {
    id: EntityId,
    ovn: Option<Ovn>,
    extent: Extent,
    state: OperationalIntentState,
    key: Vec<Ovn>,
    uss_base_url: UssBaseUrl,
    subscription: SubscriptionChoice,
    next_ovn: NextOvn,
}

/// Reads a command of version 1.
pub(super) fn read(bytes: &[u8]) -> io::Result<Command> {
    let CommandV1 { party, retry, request } = CommandV1::try_from_slice(bytes)?;
    Ok(Command { party, retry, request: request.into() })
}

impl From<RequestV1> for Request {
    fn from(request: RequestV1) -> Self {
        match request {
            RequestV1::PutOperationalIntent(put) => Request::PutOperationalIntent(put.into()),
            RequestV1::DeleteOperationalIntent(delete) => Request::DeleteOperationalIntent(delete),
            RequestV1::PutConstraint(put) => Request::PutConstraint(put),
            RequestV1::DeleteConstraint(delete) => Request::DeleteConstraint(delete),
            RequestV1::PutSubscription(put) => Request::PutSubscription(put),
            RequestV1::DeleteSubscription(delete) => Request::DeleteSubscription(delete),
            RequestV1::PutUssAvailability(put) => Request::PutUssAvailability(put),
            RequestV1::PutSettings(settings) => Request::PutSettings(settings),
        }
    }
}

impl From<PutV1> for operational_intent::Put {
    fn from(put: PutV1) -> Self {
        operational_intent::Put {
            id: put.id,
            ovn: put.ovn,
            extent: put.extent,
            state: put.state,
            key: OvnHash::key_of(&put.key),
            uss_base_url: put.uss_base_url,
            subscription: put.subscription,
            next_ovn: put.next_ovn,
        }
    }
}
