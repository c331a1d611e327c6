//! The auxiliary API that deployed hubs serve beside the standards (`interuss-aux.yaml`).

use axum::http::Method;

use crate::auth::operation::{self, Access, Operation};

/// Names an operation of the auxiliary API by its `operationId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Id {
    /// `getVersion`.
    GetVersion,
}

/// Every operation of the auxiliary API.
pub(super) static OPERATIONS: [Operation; 1] = [Operation {
    id: operation::Id::Aux(Id::GetVersion),
    name: "getVersion",
    method: Method::GET,
    path: "/aux/v1/version",
    access: Access::Open,
}];
