//! What the operator of a pool's hub sees of the pool, and how owners' changes get into it.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use log::pool::PoolLog;
use pool::{CHANGE_BYTES_MAX, Effect, Evidence, HubId, Kind, SignedChange, Subject};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::context::Context;
use crate::hex;
use crate::in_pool::Part;
use crate::in_pool::evidence::EvidenceStore;
use crate::in_pool::members::Members;
use crate::replica::SubmitError;
use crate::reply::{self, Failure};

mod membership;
mod status;

/// How many bytes the request may have that hands in a change: in hexadecimal, in JSON.
const CHANGE_BODY_BYTES_MAX: usize = 2 * CHANGE_BYTES_MAX + 1024;

/// What the operator's requests about the pool look at.
#[derive(Clone, Debug)]
pub(crate) struct PoolAdmin {
    log: Arc<PoolLog>,
    members: Arc<Members>,
    evidence: Arc<EvidenceStore>,
}

#[derive(Clone)]
struct Asked {
    pool: PoolAdmin,
    context: Arc<Context>,
}

/// A change that owners have signed.
#[derive(Debug, Deserialize)]
struct HandedIn {
    /// Its canonical bytes in hexadecimal.
    change: String,
}

impl PoolAdmin {
    pub(crate) fn of(part: &Part) -> Self {
        PoolAdmin {
            log: Arc::clone(&part.log),
            members: Arc::clone(&part.members),
            evidence: Arc::clone(&part.evidence),
        }
    }

    pub(super) fn router(self, context: Arc<Context>) -> Router {
        Router::new()
            .route("/pool/status", get(status))
            .route("/pool/membership", get(membership))
            .route("/pool/evidence", get(evidence))
            .route("/pool/evidence/{hash}", get(evidence_bytes))
            .route("/pool/changes", post(change))
            .layer(DefaultBodyLimit::max(CHANGE_BODY_BYTES_MAX))
            .with_state(Asked { pool: self, context })
    }
}

async fn status(State(asked): State<Asked>) -> Response {
    let members = asked.pool.members.look().await;
    let status = status::status(&asked.pool, &asked.context, &members);
    reply::json(StatusCode::OK, &status)
}

async fn membership(State(asked): State<Asked>) -> Result<Response, Failure> {
    let shown = asked.context.replica.read_pool(|pool| pool.map(membership::show));
    let shown = shown.ok_or_else(not_founded)?;
    Ok(reply::json(StatusCode::OK, &shown))
}

async fn evidence(State(asked): State<Asked>) -> Response {
    let kept = asked.pool.evidence.list();
    let counts = kept
        .counts
        .iter()
        .map(|(hub, count)| json!({ "hub": hub.as_ref().map(HubId::as_str), "count": count }));
    let shown = json!({
        "counts": counts.collect::<Vec<_>>(),
        "bytes_lost": kept.lost,
        "evidence": kept.pieces.iter().map(show_evidence).collect::<Vec<_>>(),
    });
    reply::json(StatusCode::OK, &shown)
}

/// Answers with the bytes that show a piece of evidence.
async fn evidence_bytes(
    State(asked): State<Asked>,
    Path(hash): Path<String>,
) -> Result<Response, Failure> {
    let not_kept = || Failure::new(StatusCode::NOT_FOUND, "no such bytes are kept");
    let hash = hex::decode_hash(&hash).ok_or_else(not_kept)?;
    let store = Arc::clone(&asked.pool.evidence);
    let reading = tokio::task::spawn_blocking(move || store.bytes(&hash));
    let bytes = reading.await.ok().flatten().ok_or_else(not_kept)?;
    Ok(([(CONTENT_TYPE, "application/octet-stream")], Bytes::from(bytes)).into_response())
}

/// Puts a change into the pool's log and answers what came of it.
async fn change(State(asked): State<Asked>, body: Bytes) -> Result<Response, Failure> {
    let malformed = || {
        let message = "the body must be {\"change\": a signed change of a pool in hexadecimal}";
        Failure::bad_request(message)
    };
    let handed_in: HandedIn = serde_json::from_slice(&body).map_err(|_| malformed())?;
    let bytes = hex::decode(&handed_in.change).ok_or_else(malformed)?;
    let signed = SignedChange::from_bytes(&bytes).map_err(|_| malformed())?;
    check(&asked, &signed)?;
    match asked.context.replica.change(signed).await? {
        Effect::Refused(refusal) => Err(Failure::new(StatusCode::CONFLICT, refusal.to_string())),
        effect => Ok(reply::json(StatusCode::OK, &json!({ "effect": word_of(&effect) }))),
    }
}

/// Refuses what would have no effect before it gets into the log, where it would stay for ever.
fn check(asked: &Asked, signed: &SignedChange) -> Result<(), Failure> {
    let hub = HubId::new(asked.context.instance.name.as_str()).expect("a hub's name in its pool");
    asked.context.replica.read_pool(|pool| {
        let pool = pool.ok_or_else(not_founded)?;
        if !pool.is_admitted(&hub) {
            return Err(SubmitError::NotAdmitted.into());
        }
        pool.check_change(&hub, signed)
            .map_err(|refusal| Failure::new(StatusCode::CONFLICT, refusal.to_string()))
    })
}

fn not_founded() -> Failure {
    let message = "this hub has not read the beginning of the pool's log yet";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, message).with_retry_after(1)
}

fn word_of(effect: &Effect) -> &'static str {
    match effect {
        Effect::Changed(_) => "changed",
        Effect::Activated(_) => "activated",
        effect => unreachable!("a change came to {effect:?}"),
    }
}

fn show_evidence(evidence: &Evidence) -> Value {
    let mut shown = match &evidence.kind {
        Kind::Value { key, revision, version, fault } => json!({
            "kind": "value",
            "says": fault.to_string(),
            "key": String::from_utf8_lossy(key),
            "revision": revision,
            "version": version,
        }),
        Kind::Change { position, refusal } => json!({
            "kind": "change",
            "says": refusal.to_string(),
            "position": position,
        }),
        Kind::Differs { subject, position, theirs, ours } => json!({
            "kind": "differs",
            "says": match subject {
                Subject::Log => "its log differs from this hub's",
                Subject::State => "its state differs from this hub's",
            },
            "position": position,
            "theirs": hex::encode(theirs),
            "ours": ours.map(|ours| hex::encode(&ours)),
        }),
        Kind::StampApart { position, apart_us } => json!({
            "kind": "stamp_apart",
            "says": "its stamps are apart from the pool's clock",
            "position": position,
            "apart_s": *apart_us as f64 / 1e6,
        }),
        Kind::KeyUsedTwice { revision, version } => json!({
            "kind": "key_used_twice",
            "says": "somebody else puts batches under this hub's key",
            "revision": revision,
            "version": version,
        }),
        Kind::EngineBehind { held, shown } => json!({
            "kind": "engine_behind",
            "says": "a member of etcd knows less than it has shown: it was put back from a backup",
            "held": held,
            "shown": shown,
        }),
        Kind::EngineDiffers { revision } => json!({
            "kind": "engine_differs",
            "says": "a member of etcd shows something else than this hub has taken in",
            "revision": revision,
        }),
        Kind::EngineIncomplete { revision } => json!({
            "kind": "engine_incomplete",
            "says": "a member of etcd does not show every version of a key",
            "revision": revision,
        }),
        Kind::Snapshot { position } => json!({
            "kind": "snapshot",
            "says": "it has given a snapshot that is not what a majority has announced",
            "position": position,
        }),
    };
    let has_bytes = evidence.hash != [0; 32];
    shown["hub"] = json!(evidence.hub.as_ref().map(HubId::as_str));
    shown["sha256"] = json!(has_bytes.then(|| hex::encode(&evidence.hash)));
    shown
}
