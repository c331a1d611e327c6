//! The auxiliary API that deployed hubs serve beside the standards (`interuss-aux.yaml`).

use axum::http::Method;

use crate::auth::operation::{self, Access, Operation};
use crate::auth::scope::Scope;

use Scope::{
    PoolStatusHeartbeatWrite, PoolStatusRead, ReadIdentificationServiceAreas as R,
    WriteIdentificationServiceAreas as W,
};

/// Names an operation of the auxiliary API by its `operationId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Id {
    /// `getVersion`.
    GetVersion,
    /// `validateOauth`.
    ValidateOauth,
    /// `getPool`.
    GetPool,
    /// `getDSSInstances`.
    GetDssInstances,
    /// `putDSSInstancesHeartbeat`.
    PutDssInstancesHeartbeat,
    /// `getAcceptedCAs`.
    GetAcceptedCas,
    /// `getInstanceCAs`.
    GetInstanceCas,
    /// `getGlobalOptions`.
    GetGlobalOptions,
}

/// Every operation of the auxiliary API.
pub(super) static OPERATIONS: [Operation; 8] = [
    Operation {
        id: operation::Id::Aux(Id::GetVersion),
        name: "getVersion",
        method: Method::GET,
        path: "/aux/v1/version",
        access: Access::Open,
    },
    Operation {
        id: operation::Id::Aux(Id::ValidateOauth),
        name: "validateOauth",
        method: Method::GET,
        path: "/aux/v1/validate_oauth",
        access: Access::Scopes(&[&[R], &[W]]),
    },
    Operation {
        id: operation::Id::Aux(Id::GetPool),
        name: "getPool",
        method: Method::GET,
        path: "/aux/v1/pool",
        access: Access::Scopes(&[&[PoolStatusRead]]),
    },
    Operation {
        id: operation::Id::Aux(Id::GetDssInstances),
        name: "getDSSInstances",
        method: Method::GET,
        path: "/aux/v1/pool/dss_instances",
        access: Access::Scopes(&[&[PoolStatusRead]]),
    },
    Operation {
        id: operation::Id::Aux(Id::PutDssInstancesHeartbeat),
        name: "putDSSInstancesHeartbeat",
        method: Method::PUT,
        path: "/aux/v1/pool/dss_instances/heartbeat",
        access: Access::Scopes(&[&[PoolStatusHeartbeatWrite]]),
    },
    Operation {
        id: operation::Id::Aux(Id::GetAcceptedCas),
        name: "getAcceptedCAs",
        method: Method::GET,
        path: "/aux/v1/configuration/accepted_ca_certs",
        access: Access::Open,
    },
    Operation {
        id: operation::Id::Aux(Id::GetInstanceCas),
        name: "getInstanceCAs",
        method: Method::GET,
        path: "/aux/v1/configuration/ca_certs",
        access: Access::Open,
    },
    Operation {
        id: operation::Id::Aux(Id::GetGlobalOptions),
        name: "getGlobalOptions",
        method: Method::GET,
        path: "/aux/v1/configuration/global_options",
        access: Access::Scopes(&[&[PoolStatusRead]]),
    },
];
