//! Health, metrics and the operator's word, on a listener of its own.
//!
//! Nobody is asked for a token here: listen on an address that only the operator reaches.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use log::LocalLog;

use crate::config::Config;
use crate::context::Context;
use crate::replica::SubmitError;
use crate::replica::declaration::Declaration;
use crate::reply::{self, Failure};
use crate::server::OpenConnections;

mod pool;
mod readiness;

pub(crate) use pool::PoolAdmin;
pub use readiness::LAG_ENTRIES_MAX;

/// What the operator's requests look at.
#[derive(Clone)]
pub(crate) struct Admin {
    context: Arc<Context>,
    log: Arc<LocalLog>,
    pool: Option<PoolAdmin>,
    connections: OpenConnections,
    disk_free_bytes_min: u64,
}

async fn ready(State(admin): State<Admin>) -> Response {
    let readiness = readiness::readiness(&admin);
    let status =
        if readiness.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    reply::json(status, &readiness)
}

async fn metrics(State(admin): State<Admin>) -> Response {
    admin.sample();
    let text = admin.context.telemetry.render();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// Takes the operator's word that the parties have put their entities again after a restore.
async fn confirm_restored(State(admin): State<Admin>) -> Result<Response, Failure> {
    if admin.context.replica.restored().is_none() {
        let message = "the log was not restored from a backup, or that was confirmed already";
        return Err(Failure::new(StatusCode::CONFLICT, message));
    }
    admin.context.replica.declare(Declaration::RestoredConfirmed, ()).await?;
    tracing::info!("an operator confirmed that the parties have put their entities again");
    Ok(reply::json(StatusCode::OK, &serde_json::json!({ "confirmed": true })))
}

/// Takes the operator's word that the wall clock is right after it jumped.
async fn accept_clock(State(admin): State<Admin>) -> Result<Response, Failure> {
    admin.context.clock.accept();
    tracing::warn!("an operator accepted the wall clock");
    // What an operator's word cannot mend: the log holds a later time than it is.
    admin.context.replica.check_clock().map_err(|error| match error {
        SubmitError::ClockApart => Failure::new(
            StatusCode::CONFLICT,
            "the wall clock is accepted, but the log holds a later time: no changes are taken \
             until then; if that is too long, restore a backup from before the wrong time",
        ),
        error => Failure::from(error),
    })?;
    Ok(reply::json(StatusCode::OK, &serde_json::json!({ "accepted": true })))
}

impl Admin {
    pub(crate) fn new(
        context: Arc<Context>,
        log: Arc<LocalLog>,
        pool: Option<PoolAdmin>,
        connections: OpenConnections,
    ) -> Self {
        Admin { context, log, pool, connections, disk_free_bytes_min: 0 }
    }

    /// Returns the operator's service.
    pub(crate) fn router(mut self, config: &Config) -> Router {
        self.disk_free_bytes_min = config.log.disk_free_bytes_min;
        let router = Router::new()
            .route("/health/live", get(async || reply::text(StatusCode::OK, "ok\n")))
            .route("/health/ready", get(ready))
            .route("/metrics", get(metrics))
            .route("/restored/confirm", post(confirm_restored))
            .route("/clock/accept", post(accept_clock))
            .with_state(self.clone());
        match self.pool {
            Some(pool) => router.merge(pool.router(self.context)),
            None => router,
        }
    }

    /// Sets the gauges to what they are at this moment.
    fn sample(&self) {
        let telemetry = &self.context.telemetry;
        let replica = &self.context.replica;
        let counts = replica.read(|state, _| state.counts());
        for (kind, count) in [
            ("operational_intent", counts.operational_intents),
            ("constraint", counts.constraints),
            ("subscription", counts.subscriptions),
            ("identification_service_area", counts.identification_service_areas),
            ("remote_id_subscription", counts.remote_id_subscriptions),
            ("uss_availability", counts.uss_availabilities),
            ("kept_outcome", counts.kept_outcomes),
            ("party", counts.parties),
        ] {
            telemetry.set("tansiq_state_entities", &[("kind", kind)], count as f64);
        }
        telemetry.set("tansiq_state_cells", &[], counts.cells as f64);
        let stats = self.log.stats();
        let position = replica.progress().head.position.number();
        telemetry.set("tansiq_log_position", &[], position as f64);
        telemetry.set("tansiq_log_queue_entries", &[], stats.queue.waiting_entries as f64);
        if let Some(bytes) = stats.disk_free_bytes {
            telemetry.set("tansiq_disk_free_bytes", &[], bytes as f64);
        }
        telemetry.set("tansiq_commands_waiting", &[], replica.waiting() as f64);
        let under_way = self.context.shares.requests.held();
        telemetry.set("tansiq_requests_under_way", &[], under_way as f64);
        telemetry.set("tansiq_jobs_waiting", &[], self.context.workers.waiting() as f64);
        telemetry.set("tansiq_connections_open", &[], self.connections.count() as f64);
        self.sample_keys();
        if let Some(pool) = &self.pool {
            pool.sample(&self.context);
        }
    }

    fn sample_keys(&self) {
        let telemetry = &self.context.telemetry;
        let now = self.context.clock.now();
        let sources = self.context.authenticator.health();
        let keys: usize = sources.iter().map(|source| source.keys).sum();
        let failing = sources.iter().filter(|source| source.error.is_some()).count();
        let ages = sources.iter().filter_map(|source| source.good_at).map(|at| now.since(at));
        telemetry.set("tansiq_keys", &[], keys as f64);
        telemetry.set("tansiq_keys_failing", &[], failing as f64);
        if let Some(oldest) = ages.max() {
            telemetry.set("tansiq_keys_age_seconds", &[], oldest.as_secs_f64());
        }
    }
}
