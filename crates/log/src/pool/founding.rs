//! What tells a pool's etcd from another: its genesis, kept there beside the hubs' keys.

use std::time::Duration;

use ::pool::{Genesis, SignedChange};
use etcd::messages::compare::{CompareResult, CompareTarget, TargetUnion};
use etcd::messages::request_op::Request;
use etcd::messages::{Compare, PutRequest, RequestOp, TxnRequest};
use etcd::{CallError, Member};

/// The key of the genesis' bytes.
pub const GENESIS_KEY: &str = "genesis";

/// The key of the signed change that opened the epoch; not there in the first.
pub const EPOCH_KEY: &str = "epoch";

/// How long etcd may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// An etcd was not made the pool's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoundError {
    /// It is a pool's already.
    #[error("this etcd is a pool's already; a pool needs an empty one")]
    Taken,
    /// It does not answer, or not as it should.
    #[error("etcd cannot be asked")]
    Call(#[from] CallError),
}

/// Makes an empty etcd the pool's, in the epoch that `opening` opens, or its first.
pub async fn found(
    member: &Member,
    genesis: &Genesis,
    opening: Option<&SignedChange>,
) -> Result<(), FoundError> {
    let absent = |key: &str| Compare {
        result: CompareResult::Equal.into(),
        target: CompareTarget::Version.into(),
        key: key.to_owned().into(),
        target_union: Some(TargetUnion::Version(0)),
    };
    let put = |key: &str, value: Vec<u8>| RequestOp {
        request: Some(Request::RequestPut(PutRequest {
            key: key.to_owned().into(),
            value: value.into(),
        })),
    };
    let mut success = vec![put(GENESIS_KEY, genesis.to_bytes())];
    success.extend(opening.map(|signed| put(EPOCH_KEY, signed.to_bytes())));
    let compare = vec![absent(GENESIS_KEY), absent(EPOCH_KEY)];
    let request = TxnRequest { compare, success, failure: Vec::new() };
    if member.txn(request, ANSWER_MAX).await?.succeeded { Ok(()) } else { Err(FoundError::Taken) }
}
