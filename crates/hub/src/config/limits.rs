//! Bounds on what clients may take of a hub.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ConfigError, seconds, within};

/// Bounds on what clients may take of a hub; the defaults suit two cores and two gigabytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// How many connections are open at once; when full, the one idle for longest is closed.
    pub connections_max: u32,
    /// How long a client may take for a TLS handshake.
    #[serde(rename = "handshake_s_max", with = "seconds")]
    pub handshake_max: Duration,
    /// How long a client may take for the head of a request, from its first byte.
    #[serde(rename = "header_s_max", with = "seconds")]
    pub header_max: Duration,
    /// How long a client may take for the body of a request.
    #[serde(rename = "body_s_max", with = "seconds")]
    pub body_max: Duration,
    /// How long a request may take from its head to its answer.
    #[serde(rename = "request_s_max", with = "seconds")]
    pub request_max: Duration,
    /// How long a client may take nothing of an answer.
    #[serde(rename = "write_stall_s_max", with = "seconds")]
    pub write_stall_max: Duration,
    /// How long a connection without a request stays open.
    #[serde(rename = "idle_s_max", with = "seconds")]
    pub idle_max: Duration,
    /// How long a stopping hub takes to answer what it took.
    #[serde(rename = "shutdown_s_max", with = "seconds")]
    pub shutdown_max: Duration,
    /// How many requests are under way at once; one party alone has at most half. Not more than the
    /// log's queue takes, so that each has its place in it.
    pub requests_max: u32,
    /// How many bytes of request bodies are in memory at once; one party alone has at most half.
    pub bodies_bytes_max: u64,
    /// How many bytes of long answers are in memory at once; one party alone has at most half.
    pub answers_bytes_max: u64,
    /// How many threads parse, search and render; 0 takes two for each core.
    pub workers: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections_max: 16_384,
            handshake_max: Duration::from_secs(10),
            header_max: Duration::from_secs(10),
            body_max: Duration::from_secs(8),
            request_max: Duration::from_secs(10),
            write_stall_max: Duration::from_secs(30),
            idle_max: Duration::from_secs(120),
            shutdown_max: Duration::from_secs(15),
            requests_max: 2_048,
            bodies_bytes_max: 256 << 20,
            answers_bytes_max: 512 << 20,
            workers: 0,
        }
    }
}

impl Limits {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        const HOUR_S: u64 = 3_600;
        within("limits.connections_max", u64::from(self.connections_max), 1, 1_000_000)?;
        within("limits.requests_max", u64::from(self.requests_max), 2, log::QUEUE_MAX as u64)?;
        within("limits.bodies_bytes_max", self.bodies_bytes_max, 16 << 20, 1 << 40)?;
        within("limits.answers_bytes_max", self.answers_bytes_max, 16 << 20, 1 << 40)?;
        within("limits.workers", u64::from(self.workers), 0, 1_024)?;
        for (field, duration) in [
            ("limits.handshake_s_max", self.handshake_max),
            ("limits.header_s_max", self.header_max),
            ("limits.body_s_max", self.body_max),
            ("limits.request_s_max", self.request_max),
            ("limits.write_stall_s_max", self.write_stall_max),
            ("limits.idle_s_max", self.idle_max),
            ("limits.shutdown_s_max", self.shutdown_max),
        ] {
            within(field, duration.as_secs_f64().ceil() as u64, 1, HOUR_S)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_a_request_take_longer_than_the_pool_is_waited_for() {
        let request_max = Limits::default().request_max;

        for wait_max in [log::pool::core::APPEND_WAIT_MAX, crate::replica::READ_WAIT_MAX] {
            assert!(wait_max + Duration::from_secs(1) <= request_max, "{wait_max:?}");
        }
    }
}
