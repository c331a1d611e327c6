//! Messages of the auxiliary API (`interuss-aux.yaml`), which is about hubs and not about airspace.
//!
//! The name has an underscore because some file systems take no file called `aux.rs`.

use serde::{Deserialize, Serialize};

use crate::rfc3339::Rfc3339;

/// Tells the version of a hub (`VersionResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionResponse {
    /// Its version, a semantic one.
    pub version: String,
}

/// Tells which airspace representation a hub serves (`PoolResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolResponse {
    /// The id of the DSS airspace representation; the same on every hub of a pool.
    #[serde(default)]
    pub dar_id: String,
}

/// Lists the hubs of a pool (`DSSInstancesResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DSSInstancesResponse {
    /// Each hub.
    #[serde(default)]
    pub dss_instances: Vec<DSSInstance>,
}

/// One hub of a pool (`DSSInstance`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DSSInstance {
    /// Its name.
    pub id: String,
    /// Where clients reach it, if its operator says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_endpoint: Option<String>,
    /// The latest of its heartbeats, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_recent_heartbeat: Option<Heartbeat>,
}

/// A sign of life of a hub (`Heartbeat`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// When it was registered, or when its reporter says that it was.
    pub timestamp: Rfc3339,
    /// Who reported it: `sub` of the token; nobody, if no client did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reporter: Option<String>,
    /// What made it.
    pub source: String,
    /// How many heartbeats of the same hub were before it.
    #[serde(default)]
    pub index: u64,
    /// Until when the next one is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_heartbeat_expected_before: Option<Rfc3339>,
}

/// Lists certificates (`CAsResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CAsResponse {
    /// Each in PEM.
    #[serde(rename = "CAs", default)]
    pub cas: Vec<String>,
}

/// Tells what all hubs of a pool must have in common (`GlobalOptionsResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlobalOptionsResponse {
    /// Whether a change of F3548-21 entities locks all of them.
    #[serde(default)]
    pub scd_global_lock: bool,
    /// Whether a change of F3548-21 entities locks what has the same hash as its cells.
    #[serde(default)]
    pub scd_hash_lock: bool,
    /// Whether notification indices are times.
    #[serde(default)]
    pub time_based_notification_index: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn text<T: Serialize>(message: &T) -> String {
        String::from_utf8(json::render(message)).expect("JSON is UTF-8")
    }

    #[test]
    fn writes_what_is_not_known_as_nothing() {
        let instance = DSSInstance {
            id: "hub".to_owned(),
            public_endpoint: None,
            most_recent_heartbeat: None,
        };
        let message = DSSInstancesResponse { dss_instances: vec![instance] };

        assert_eq!(text(&message), r#"{"dss_instances":[{"id":"hub"}]}"#);
        assert_eq!(json::parse(text(&message).as_bytes()), Ok(message));
    }

    #[test]
    fn reads_back_what_it_writes_of_a_heartbeat() {
        let time = |text: &str| Rfc3339::parse(text).expect("a good time");
        let message = Heartbeat {
            timestamp: time("2027-01-15T08:00:00Z"),
            reporter: Some("operator".to_owned()),
            source: "cron".to_owned(),
            index: 3,
            next_heartbeat_expected_before: Some(time("2027-01-15T08:05:00.5Z")),
        };

        assert_eq!(
            text(&message),
            r#"{"timestamp":"2027-01-15T08:00:00Z","reporter":"operator","source":"cron","index":3,"next_heartbeat_expected_before":"2027-01-15T08:05:00.5Z"}"#
        );
        assert_eq!(json::parse(text(&message).as_bytes()), Ok(message));
    }

    #[test]
    fn reads_what_deployed_hubs_leave_out() {
        let instances = br#"{"dss_instances": [{"id": "a", "public_endpoint": "https://a.example",
            "most_recent_heartbeat": {"timestamp": "2027-01-15T08:00:00Z", "source": "cron"}}]}"#;

        let read: DSSInstancesResponse = json::parse(instances).expect("it is well-formed");

        let heartbeat = read.dss_instances[0].most_recent_heartbeat.as_ref().expect("one is there");
        assert_eq!((heartbeat.index, &heartbeat.reporter), (0, &None));
        assert_eq!(json::parse::<CAsResponse>(b"{}").map(|response| response.cas), Ok(Vec::new()));
    }

    #[test]
    fn writes_the_names_of_the_description() {
        let options = GlobalOptionsResponse {
            scd_global_lock: false,
            scd_hash_lock: false,
            time_based_notification_index: false,
        };

        assert_eq!(text(&CAsResponse { cas: vec!["PEM".to_owned()] }), r#"{"CAs":["PEM"]}"#);
        assert_eq!(
            text(&options),
            r#"{"scd_global_lock":false,"scd_hash_lock":false,"time_based_notification_index":false}"#
        );
    }
}
