//! The pool: one hub, so the pool is this hub.

use axum::http::StatusCode;
use axum::response::Response;
use wire::Rfc3339;
use wire::aux_::{self, DSSInstance, DSSInstancesResponse, PoolResponse};

use crate::call::Call;
use crate::replica::declaration::{Declaration, Heartbeat, HeartbeatSource, RegisteredHeartbeat};
use crate::reply::{self, Failure};

/// When to ask again for the id of an airspace representation that is yet to be founded.
const FOUNDED_RETRY_AFTER_S: u32 = 60;

/// Answers `getPool`.
pub(super) fn find(call: &Call) -> Result<Response, Failure> {
    let Some(dar_id) = call.read_declared(|declared| declared.dar_id()) else {
        let message = "the hub has not been able to write its id into the log yet";
        return Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, message)
            .with_retry_after(FOUNDED_RETRY_AFTER_S));
    };
    Ok(reply::json(StatusCode::OK, &PoolResponse { dar_id: dar_id.to_string() }))
}

/// Answers `getDSSInstances`, and `putDSSInstancesHeartbeat` when it is done.
pub(super) fn list_instances(call: &Call, status: StatusCode) -> Response {
    let instance = call.instance();
    let most_recent =
        call.read_declared(|declared| declared.most_recent_heartbeat(&instance.name).cloned());
    let instance = DSSInstance {
        id: instance.name.to_string(),
        public_endpoint: instance.public_url.clone(),
        most_recent_heartbeat: most_recent.map(sent),
    };
    reply::json(status, &DSSInstancesResponse { dss_instances: vec![instance] })
}

/// Answers `putDSSInstancesHeartbeat`: registers a heartbeat of this hub in the log.
///
/// Repeated, it is another heartbeat: an `Idempotency-Key` is of no use here and not looked at.
pub(super) async fn put_heartbeat(call: Call) -> Result<Response, Failure> {
    let source = call.query("source")?.unwrap_or_default();
    let source = HeartbeatSource::new(&source)
        .map_err(|error| Failure::bad_request(format!("source: {error}")))?;
    let timestamp = time(&call, "timestamp")?.unwrap_or_else(|| Rfc3339::from(call.now()));
    let next_expected_before = time(&call, "next_heartbeat_expected_before")?;
    if next_expected_before.is_some_and(|next| next < timestamp) {
        let message = "next_heartbeat_expected_before is before the time of the heartbeat itself";
        return Err(Failure::bad_request(message));
    }
    let heartbeat = Heartbeat {
        source,
        reporter: call.party().clone(),
        timestamp: timestamp.floor(),
        next_expected_before: next_expected_before.map(Rfc3339::ceil),
    };
    call.declare(Declaration::Heartbeat(heartbeat)).await?;
    Ok(list_instances(&call, StatusCode::CREATED))
}

fn time(call: &Call, name: &str) -> Result<Option<Rfc3339>, Failure> {
    let Some(text) = call.query(name)? else { return Ok(None) };
    let time = Rfc3339::parse(&text);
    time.map(Some).map_err(|error| Failure::bad_request(format!("{name}: {error}")))
}

/// Returns a heartbeat as it is sent.
fn sent(registered: RegisteredHeartbeat) -> aux_::Heartbeat {
    let RegisteredHeartbeat { index, heartbeat, .. } = registered;
    aux_::Heartbeat {
        timestamp: heartbeat.timestamp.into(),
        reporter: Some(heartbeat.reporter.to_string()),
        source: heartbeat.source.as_str().to_owned(),
        index,
        next_heartbeat_expected_before: heartbeat.next_expected_before.map(Rfc3339::from),
    }
}
