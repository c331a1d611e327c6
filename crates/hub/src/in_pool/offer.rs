//! Gives newcomers a snapshot: first what proves it, then its bytes, piece by piece.
//!
//! Nothing is held between two answers, so that a slow newcomer costs this hub nothing: each answer
//! has a bound, few are made at once, and a snapshot that was replaced meanwhile is gone.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use log::pool::FORM;
use log::{ExportError, Head, LocalLog, LogError, Position};
use pool::{AppliedHead, LEAVES_MAX, Proof, ProofBuilder};
use tokio::sync::Semaphore;

use super::answerer::Answerer;
use crate::replica::States;
use crate::reply::Failure;

/// How many bytes of a snapshot one answer has at most.
pub const PIECE_BYTES_MAX: usize = 4 << 20;

/// How many proofs are made at once: each reads a snapshot once, and what follows it.
const PROOFS_MAX: usize = 1;

/// How many pieces are read at once.
const PIECES_MAX: usize = 4;

/// What newcomers are given.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    copy: Arc<LocalLog>,
    /// The directory of the copy.
    data: PathBuf,
    proofs: Arc<Semaphore>,
    pieces: Arc<Semaphore>,
}

/// No snapshot can be offered.
enum OfferError {
    /// Not now: none has been announced by a majority, or none is there.
    None,
    /// The copy cannot be read.
    Unreadable(String),
}

impl Offer {
    pub(super) fn new(copy: Arc<LocalLog>, data: PathBuf) -> Self {
        let [proofs, pieces] = [PROOFS_MAX, PIECES_MAX].map(|max| Arc::new(Semaphore::new(max)));
        Offer { copy, data, proofs, pieces }
    }

    /// Returns the answer for the newest snapshot that can be proven: how many bytes it has (u64,
    /// little endian), and the proof, which reaches to the head that was told if it can.
    ///
    /// Only of the present epoch: nobody gets from an earlier one into it with what etcd has.
    fn newest(&self, told: Option<u64>, epoch: u32) -> Result<Vec<u8>, OfferError> {
        let unreadable = |error: &dyn std::error::Error| OfferError::Unreadable(error.to_string());
        let snapshots = self.copy.snapshots();
        for mut snapshot in snapshots.good().map_err(|error| unreadable(&error))? {
            let (head, state_hash) = (snapshot.head, snapshot.state_hash);
            let Ok(lineage) = States::read_lineage(&mut snapshot) else { continue };
            if lineage.membership().ok().is_none_or(|membership| membership.epoch() != epoch) {
                continue;
            }
            let applied = applied(head);
            let begin = |start, through| {
                ProofBuilder::new(lineage.clone(), applied, state_hash, start, through)
                    .map_err(|error| unreadable(&error))
            };
            let mut proof = None;
            if let Some((start, through)) = self.reach(head, told).map_err(|e| unreadable(&e))? {
                proof = self.prove(begin(start, through)?, start.position)?;
            }
            if proof.is_none() {
                proof = self.prove(begin(applied, 0)?, applied.position)?;
            }
            if let Some(proof) = proof {
                let mut answer = snapshot.body_bytes.to_le_bytes().to_vec();
                answer.extend(proof.to_bytes());
                return Ok(answer);
            }
        }
        Err(OfferError::None)
    }

    /// Returns from where to where the leaf hashes go so that they hold the head that was told, if
    /// one was and they can.
    fn reach(&self, head: Head, told: Option<u64>) -> Result<Option<(AppliedHead, u64)>, LogError> {
        let Some(told) = told else { return Ok(None) };
        let snapshot = head.position.number();
        let leaves_max = LEAVES_MAX as u64;
        if leaves_max < told.abs_diff(snapshot) {
            return Ok(None);
        }
        if snapshot <= told {
            return Ok(Some((applied(head), told)));
        }
        let Some(position) = Position::new(told) else { return Ok(None) };
        let chain = log::chain_at(&self.data, position)?;
        Ok(chain.map(|chain| (AppliedHead { position: told, chain }, 0)))
    }

    fn prove(&self, mut builder: ProofBuilder, start: u64) -> Result<Option<Proof>, OfferError> {
        let after = Position::new(start).expect("it is one of the log");
        if self.copy.head().map_err(|e| OfferError::Unreadable(e.to_string()))?.position <= after {
            return Ok(None);
        }
        let all = after.next()..=Position::MAX;
        let exported = log::export(&self.data, all, |exported| {
            let entry = exported.entry.map(|entry| entry.to_bytes().expect("it was in the log"));
            if builder.take(exported.leaf, entry.as_deref(), &FORM) {
                return Ok(());
            }
            Err(io::ErrorKind::Interrupted.into())
        });
        match exported {
            Ok(_) | Err(ExportError::Output(_)) => Ok(builder.finish()),
            Err(ExportError::Log(error)) => Err(OfferError::Unreadable(error.to_string())),
        }
    }
}

/// Answers with the newest snapshot's length and what proves it; `?head=POSITION` has the proof hold
/// this position of the log.
pub(super) async fn snapshot(
    State(answerer): State<Answerer>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let offer = answerer.offer;
    let told = match query.as_deref().filter(|query| !query.is_empty()) {
        None => None,
        Some(query) => {
            let number = query.strip_prefix("head=").and_then(|number| number.parse().ok());
            Some(number.ok_or_else(|| Failure::bad_request("ask with ?head=POSITION"))?)
        }
    };
    let epoch = answerer.replica.read_pool(|pool| pool.map_or(0, |it| it.membership().epoch()));
    let permit = Arc::clone(&offer.proofs).try_acquire_owned().map_err(|_| busy())?;
    let making = tokio::task::spawn_blocking(move || {
        let made = offer.newest(told, epoch);
        drop(permit);
        made
    });
    match making.await.map_err(|_| stopping())? {
        Ok(answer) => Ok((StatusCode::OK, Body::from(answer)).into_response()),
        Err(OfferError::None) => {
            let message =
                "there is no snapshot here yet that most hubs are known to have announced";
            Err(Failure::new(StatusCode::NOT_FOUND, message))
        }
        Err(OfferError::Unreadable(error)) => {
            tracing::error!(error, "a snapshot for another hub cannot be read");
            let message = "the snapshots cannot be read";
            Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, message))
        }
    }
}

/// Answers with a piece of a snapshot: `?position=POSITION&offset=BYTES`.
pub(super) async fn piece(
    State(answerer): State<Answerer>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let offer = answerer.offer;
    let parse = || {
        let (position, offset) = query.as_deref()?.split_once('&')?;
        let position = Position::new(position.strip_prefix("position=")?.parse().ok()?)?;
        Some((position, offset.strip_prefix("offset=")?.parse::<u64>().ok()?))
    };
    let wrong = || Failure::bad_request("ask with ?position=POSITION&offset=BYTES");
    let (position, offset) = parse().ok_or_else(wrong)?;
    let permit = Arc::clone(&offer.pieces).try_acquire_owned().map_err(|_| busy())?;
    let reading = tokio::task::spawn_blocking(move || {
        let piece = offer.copy.snapshots().piece(position, offset, PIECE_BYTES_MAX);
        drop(permit);
        piece
    });
    match reading.await.map_err(|_| stopping())? {
        Ok(Some(bytes)) => Ok((StatusCode::OK, Body::from(bytes)).into_response()),
        Ok(None) => {
            Err(Failure::new(StatusCode::GONE, "this snapshot is not here; ask for the newest"))
        }
        Err(error) => {
            tracing::error!(%error, "a snapshot for another hub cannot be read");
            let message = "the snapshot cannot be read";
            Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, message))
        }
    }
}

fn applied(head: Head) -> AppliedHead {
    AppliedHead { position: head.position.number(), chain: head.chain }
}

fn busy() -> Failure {
    let message = "too many hubs read snapshots; ask again";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, message).with_retry_after(1)
}

fn stopping() -> Failure {
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, "the hub is stopping")
}
