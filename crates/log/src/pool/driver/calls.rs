//! What is asked of etcd once.

use std::time::Duration;

use etcd::messages::compare::{CompareResult, CompareTarget, TargetUnion};
use etcd::messages::request_op::Request;
use etcd::messages::response_op::Response;
use etcd::messages::{
    Compare, KeyValue, PutRequest, RangeRequest, RequestOp, ResponseHeader, TxnRequest, TxnResponse,
};
use etcd::{CallError, Client, Member};

use crate::pool::core::{PutAnswer, QuestionAnswer, Value};

/// How long the answer to a put is waited for: as long as etcd lets one hang.
pub const PUT_ANSWER_MAX: Duration = Duration::from_secs(6);

/// How long the answer to a question is waited for.
pub const QUESTION_ANSWER_MAX: Duration = Duration::from_secs(2);

/// The keys of hubs, from and to.
pub(super) const HUBS: (&str, &str) = (::pool::KEY_PREFIX, "log0");

/// Puts a version of a key if the one before is there.
pub(super) async fn put(
    client: Client,
    member: Member,
    key: Vec<u8>,
    version: u64,
    value: Value,
) -> PutAnswer {
    match member.txn(put_request(key, version, &value), PUT_ANSWER_MAX).await {
        Ok(response) if response.succeeded => {
            PutAnswer::Put { revision: revision(&response.header) }
        }
        Ok(response) => other(&response),
        Err(error) => {
            tracing::debug!(%error, "a put was not answered");
            if error.is_unanswered() {
                client.turn_from(&member);
            }
            match error {
                CallError::Unanswered { .. } => PutAnswer::Unanswered,
                CallError::Full { .. } => PutAnswer::Full,
                CallError::Refused { url, why } => {
                    tracing::warn!(etcd.url = %url, "etcd refuses what this hub puts: {why}");
                    PutAnswer::Refused
                }
            }
        }
    }
}

/// Asks how far etcd is; linearizable.
pub(super) async fn ask(client: Client, member: Member) -> Option<QuestionAnswer> {
    match member.range(hubs_request(), QUESTION_ANSWER_MAX).await {
        Ok(response) => Some(QuestionAnswer {
            revision: revision(&response.header),
            highest: highest(&response.kvs),
        }),
        Err(error) => {
            tracing::debug!(%error, "a question was not answered");
            client.turn_from(&member);
            None
        }
    }
}

/// Asks for the keys of all hubs, without values.
pub(super) fn hubs_request() -> RangeRequest {
    RangeRequest {
        key: HUBS.0.into(),
        range_end: HUBS.1.into(),
        keys_only: true,
        ..RangeRequest::default()
    }
}

/// Returns the highest revision of these keys.
pub(super) fn highest(keys: &[KeyValue]) -> u64 {
    keys.iter().map(|key| unsigned(key.mod_revision)).max().unwrap_or(0)
}

pub(super) fn revision(header: &Option<ResponseHeader>) -> u64 {
    header.as_ref().map_or(0, |header| unsigned(header.revision))
}

/// Returns a number that etcd never has below zero.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn put_request(key: Vec<u8>, version: u64, value: &Value) -> TxnRequest {
    let before = i64::try_from(version - 1).expect("etcd counts in i64");
    let compare = Compare {
        result: CompareResult::Equal.into(),
        target: CompareTarget::Version.into(),
        key: key.clone().into(),
        target_union: Some(TargetUnion::Version(before)),
    };
    let put = PutRequest { key: key.clone().into(), value: value.to_vec().into() };
    let look = RangeRequest { key: key.into(), keys_only: true, ..RangeRequest::default() };
    let operation = |request| RequestOp { request: Some(request) };
    TxnRequest {
        compare: vec![compare],
        success: vec![operation(Request::RequestPut(put))],
        failure: vec![operation(Request::RequestRange(look))],
    }
}

fn other(response: &TxnResponse) -> PutAnswer {
    let looked = response.responses.first().and_then(|looked| looked.response.as_ref());
    let key = match looked {
        Some(Response::ResponseRange(range)) => range.kvs.first(),
        _ => None,
    };
    PutAnswer::Other {
        version: key.map_or(0, |key| unsigned(key.version)),
        revision: key.map_or(0, |key| unsigned(key.mod_revision)),
    }
}
