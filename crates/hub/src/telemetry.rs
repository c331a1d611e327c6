//! Metrics, in the text form of Prometheus.
//!
//! Each hub of a process has a registry of its own, so that the ones of tests and of the demo do
//! not count into one another.

use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder, Unit};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

use crate::auth::operation::{self, Operation};

/// Bounds of the buckets of durations, in seconds.
const SECONDS: &[f64] =
    &[0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

/// Bounds of the buckets of batch sizes.
const ENTRIES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

const METADATA: Metadata<'static> = Metadata::new("hub", Level::INFO, None);

/// Takes down what the log's writer tells.
#[derive(Debug)]
pub struct LogMetrics {
    batch_entries: Histogram,
    commit_seconds: Histogram,
    refused: Counter,
}

/// Counts and measures what a hub does.
pub struct Telemetry {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    requests: RwLock<HashMap<(operation::Id, u16), Request>>,
}

#[derive(Clone)]
struct Request {
    count: Counter,
    seconds: Histogram,
}

impl Telemetry {
    /// Returns an empty registry.
    pub fn new() -> Self {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
            .and_then(|builder| {
                builder.set_buckets_for_metric(Matcher::Suffix("_entries".to_owned()), ENTRIES)
            })
            .expect("the buckets are not empty")
            .build_recorder();
        let handle = recorder.handle();
        let telemetry = Telemetry { recorder, handle, requests: RwLock::default() };
        telemetry.describe();
        telemetry
    }

    /// Counts a request that was answered, and how long that took.
    pub fn count_request(&self, operation: &Operation, status: u16, took: Duration) {
        let request = self.request(operation, status);
        request.count.increment(1);
        request.seconds.record(took.as_secs_f64());
    }

    /// Sets a gauge.
    pub fn set(&self, name: &'static str, labels: &[(&'static str, &'static str)], value: f64) {
        self.gauge(name, labels).set(value);
    }

    /// Sets a gauge of one of a few, which a label names.
    pub fn set_of(&self, name: &'static str, (label, of): (&'static str, &str), value: f64) {
        let key = Key::from_parts(name, vec![Label::new(label, of.to_owned())]);
        self.recorder.register_gauge(&key, &METADATA).set(value);
    }

    /// Returns a counter, to be counted with.
    pub fn counter(&self, name: &'static str) -> Counter {
        self.recorder.register_counter(&Key::from_static_name(name), &METADATA)
    }

    /// Returns a histogram, to be recorded into.
    pub fn histogram(&self, name: &'static str) -> Histogram {
        self.recorder.register_histogram(&Key::from_static_name(name), &METADATA)
    }

    /// Returns everything as text.
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Takes recorded durations into their buckets; to be called every few seconds.
    pub fn run_upkeep(&self) {
        self.handle.run_upkeep();
    }

    fn request(&self, operation: &Operation, status: u16) -> Request {
        let known = self.requests.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(request) = known.get(&(operation.id, status)) {
            return request.clone();
        }
        drop(known);
        // Names are the operation's own in its API only: two APIs have a `getSubscription`.
        let mut labels = vec![
            Label::from_static_parts("api", operation.id.api()),
            Label::from_static_parts("operation", operation.name),
        ];
        let seconds = Key::from_parts("tansiq_request_seconds", labels.clone());
        labels.push(Label::new("status", status.to_string()));
        let count = Key::from_parts("tansiq_requests_total", labels);
        let request = Request {
            count: self.recorder.register_counter(&count, &METADATA),
            seconds: self.recorder.register_histogram(&seconds, &METADATA),
        };
        let mut known = self.requests.write().unwrap_or_else(PoisonError::into_inner);
        known.entry((operation.id, status)).or_insert(request).clone()
    }

    fn gauge(&self, name: &'static str, labels: &[(&'static str, &'static str)]) -> Gauge {
        let labels: Vec<Label> =
            labels.iter().map(|(name, value)| Label::from_static_parts(name, value)).collect();
        self.recorder.register_gauge(&Key::from_parts(name, labels), &METADATA)
    }

    fn describe(&self) {
        for (name, text) in [
            ("tansiq_requests_total", "Requests answered, by API, operation and status."),
            (
                "tansiq_log_refused_entries_total",
                "Entries refused for want of room or by an error.",
            ),
        ] {
            self.recorder.describe_counter(KeyName::from(name), None, text.into());
        }
        for (name, unit, text) in [
            ("tansiq_request_seconds", Unit::Seconds, "From a request's head to its answer."),
            ("tansiq_log_commit_seconds", Unit::Seconds, "Duration of a commit with its sync."),
            ("tansiq_log_batch_entries", Unit::Count, "Entries in one commit."),
        ] {
            self.recorder.describe_histogram(KeyName::from(name), Some(unit), text.into());
        }
        for (name, text) in [
            ("tansiq_log_position", "The last entry that the state has taken in."),
            ("tansiq_log_queue_entries", "Entries that wait to be written."),
            ("tansiq_disk_free_bytes", "Free bytes where the log is."),
            ("tansiq_state_entities", "Live entities, by kind."),
            ("tansiq_requests_under_way", "Requests under way."),
            ("tansiq_state_cells", "Cells of all entities, each as often as it is covered."),
            ("tansiq_commands_waiting", "Commands that wait for their decision."),
            ("tansiq_jobs_waiting", "Jobs that wait for a worker."),
            ("tansiq_connections_open", "Open connections."),
            ("tansiq_keys", "Keys that tokens are verified with."),
            ("tansiq_keys_age_seconds", "Age of the oldest good source of keys."),
            ("tansiq_keys_failing", "Sources of keys that cannot be renewed."),
            ("tansiq_pool_etcd_up", "1 while the pool's etcd is reached."),
            ("tansiq_pool_etcd_db_bytes", "Size of the database of a member of etcd."),
            ("tansiq_pool_evidence", "Kept pieces of evidence of what is wrong in the pool."),
            ("tansiq_pool_clock_stands", "1 while fewer than a majority of hubs are heard."),
            ("tansiq_pool_with_majority", "1 while no majority of hubs differs from this one."),
            ("tansiq_pool_lag_entries", "Entries of the pool's log that are not applied yet."),
            ("tansiq_pool_hubs_set_aside", "Hubs that are set aside."),
            ("tansiq_pool_hub_sequence", "Batches that a hub has put."),
            ("tansiq_pool_hub_stamp_seconds", "Stamp of a hub's last batch, since 1970."),
            ("tansiq_pool_hub_apart_seconds", "How far that is after the pool's clock."),
            ("tansiq_pool_hub_applied_position", "How far a hub says that it has come."),
        ] {
            self.recorder.describe_gauge(KeyName::from(name), None, text.into());
        }
    }
}

impl LogMetrics {
    /// Returns what takes down a log's work into these metrics.
    pub fn new(telemetry: &Telemetry) -> Self {
        LogMetrics {
            batch_entries: telemetry.histogram("tansiq_log_batch_entries"),
            commit_seconds: telemetry.histogram("tansiq_log_commit_seconds"),
            refused: telemetry.counter("tansiq_log_refused_entries_total"),
        }
    }
}

impl log::Observer for LogMetrics {
    fn committed(&self, commit: log::Commit) {
        self.batch_entries.record(commit.entries as f64);
        self.commit_seconds.record(commit.duration.as_secs_f64());
    }

    fn refused(&self, entries: usize) {
        self.refused.increment(entries as u64);
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Telemetry(..)")
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use super::*;

    #[test]
    fn counts_requests_by_operation_and_status() {
        let telemetry = Telemetry::new();
        let operation = operation::find(&Method::GET, "/dss/v1/subscriptions/x").expect("routed");

        telemetry.count_request(operation, 200, Duration::from_millis(3));
        telemetry.count_request(operation, 200, Duration::from_millis(30));
        telemetry.count_request(operation, 404, Duration::from_millis(1));

        let text = telemetry.render();
        let labels = "api=\"f3548-21\",operation=\"getSubscription\"";
        let count = format!("tansiq_requests_total{{{labels},status=\"200\"}} 2");
        assert!(text.contains(&count), "{text}");
        let fast = format!("tansiq_request_seconds_bucket{{{labels},le=\"0.005\"}} 2");
        assert!(text.contains(&fast), "{text}");
    }

    #[test]
    fn keeps_the_counts_of_hubs_apart() {
        let (one, other) = (Telemetry::new(), Telemetry::new());

        one.set("tansiq_state_entities", &[("kind", "subscription")], 5.0);

        assert!(one.render().contains("tansiq_state_entities{kind=\"subscription\"} 5"));
        assert!(!other.render().contains("tansiq_state_entities{"));
    }
}
