//! The pool: its hubs, or the one hub that is alone.

use axum::http::StatusCode;
use axum::response::Response;
use wire::Rfc3339;
use wire::aux_::{self, DSSInstance, DSSInstancesResponse, PoolResponse};

use crate::call::Call;
use crate::replica::declaration::{
    self, DarId, Declaration, Heartbeat, HeartbeatSource, RegisteredHeartbeat,
};
use crate::reply::{self, Failure};

/// When to ask again for the id of an airspace representation that is yet to be founded.
const FOUNDED_RETRY_AFTER_S: u32 = 60;

/// What the sign of life is called that a hub of a pool gives with each batch of its log.
const LOG_SOURCE: &str = "log";

/// A hub and its last sign of life.
struct SeenHub {
    name: String,
    most_recent: Option<aux_::Heartbeat>,
}

/// Answers `getPool`.
pub(super) async fn find(call: &Call) -> Result<Response, Failure> {
    let of_pool = call.read_pool(|pool| pool.map(|pool| DarId::of_pool(pool.membership()))).await?;
    let dar_id = match of_pool {
        Some(dar_id) => Some(dar_id),
        None => call.read_declared(|declared| declared.dar_id()).await?,
    };
    let Some(dar_id) = dar_id else {
        let message = "the hub has not been able to write its id into the log yet";
        return Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, message)
            .with_retry_after(FOUNDED_RETRY_AFTER_S));
    };
    Ok(reply::json(StatusCode::OK, &PoolResponse { dar_id: dar_id.to_string() }))
}

/// Answers `getDSSInstances`, and `putDSSInstancesHeartbeat` when it is done.
pub(super) async fn list_instances(call: &Call, status: StatusCode) -> Result<Response, Failure> {
    let own = call.instance();
    let hubs = call.read_pool(|pool| pool.map(hubs_of)).await?;
    let hubs =
        hubs.unwrap_or_else(|| vec![SeenHub { name: own.name.to_string(), most_recent: None }]);
    let instance = |declared: &declaration::State, hub: SeenHub| {
        let declared = declared.most_recent_heartbeat(&hub.name).cloned().map(sent);
        DSSInstance {
            public_endpoint: own.public_url.clone().filter(|_| hub.name == own.name.as_str()),
            most_recent_heartbeat: declared
                .into_iter()
                .chain(hub.most_recent)
                .max_by_key(|heartbeat| heartbeat.timestamp),
            id: hub.name,
        }
    };
    let instances = |declared: &declaration::State| {
        hubs.into_iter().map(|hub| instance(declared, hub)).collect()
    };
    let dss_instances = call.read_declared(instances).await?;
    Ok(reply::json(status, &DSSInstancesResponse { dss_instances }))
}

fn hubs_of(pool: &::pool::Pool) -> Vec<SeenHub> {
    let hubs = pool.hubs().map(|(id, hub)| SeenHub {
        name: id.to_string(),
        most_recent: hub.heard().map(|heard| aux_::Heartbeat {
            timestamp: heard.stamp.into(),
            reporter: None,
            source: LOG_SOURCE.to_owned(),
            index: hub.sequence(),
            next_heartbeat_expected_before: None,
        }),
    });
    hubs.collect()
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
    list_instances(&call, StatusCode::CREATED).await
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
