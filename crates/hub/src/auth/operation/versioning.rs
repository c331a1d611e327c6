//! InterUSS's versioning API, by which test suites ask systems for their versions.

use axum::http::Method;

use crate::auth::operation::{self, Access, Operation};
use crate::auth::scope::Scope;

/// Names an operation of the versioning API by its `operationId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Id {
    /// `GetVersion`.
    GetVersion,
}

/// Every operation of the versioning API.
pub(super) static OPERATIONS: [Operation; 1] = [Operation {
    id: operation::Id::Versioning(Id::GetVersion),
    name: "GetVersion",
    method: Method::GET,
    path: "/versions/{system_identity}",
    access: Access::Scopes(&[&[Scope::ReadSystemVersions]]),
}];
