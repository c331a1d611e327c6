//! Messages of InterUSS's versioning API, by which test suites ask systems for their versions.

use serde::{Deserialize, Serialize};

/// Tells the version of a system (`GetVersionResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetVersionResponse {
    /// The identity of the system, as it was asked for.
    pub system_identity: String,
    /// Its version.
    pub system_version: String,
}
