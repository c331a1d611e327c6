//! The DSS part of F3411-19.
//!
//! Its description gives no operation a name: they have the ones of F3411-22a. And it asks who reads
//! a subscription for both scopes, of which one token rarely has both; either opens it, as clients
//! rely on.

use axum::http::Method;

use super::f3411::Id;
use crate::auth::operation::{self, Access, Operation};
use crate::auth::scope::Scope;

use Scope::{ReadIdentificationServiceAreas as R, WriteIdentificationServiceAreas as W};

/// Every operation of the DSS part.
pub(super) static OPERATIONS: [Operation; 10] = [
    Operation {
        id: operation::Id::F3411_19(Id::SearchIdentificationServiceAreas),
        name: "searchIdentificationServiceAreas",
        method: Method::GET,
        path: "/v1/dss/identification_service_areas",
        access: Access::Scopes(&[&[R]]),
    },
    Operation {
        id: operation::Id::F3411_19(Id::GetIdentificationServiceArea),
        name: "getIdentificationServiceArea",
        method: Method::GET,
        path: "/v1/dss/identification_service_areas/{id}",
        access: Access::Scopes(&[&[R]]),
    },
    Operation {
        id: operation::Id::F3411_19(Id::CreateIdentificationServiceArea),
        name: "createIdentificationServiceArea",
        method: Method::PUT,
        path: "/v1/dss/identification_service_areas/{id}",
        access: Access::Scopes(&[&[W]]),
    },
    Operation {
        id: operation::Id::F3411_19(Id::UpdateIdentificationServiceArea),
        name: "updateIdentificationServiceArea",
        method: Method::PUT,
        path: "/v1/dss/identification_service_areas/{id}/{version}",
        access: Access::Scopes(&[&[W]]),
    },
    Operation {
        id: operation::Id::F3411_19(Id::DeleteIdentificationServiceArea),
        name: "deleteIdentificationServiceArea",
        method: Method::DELETE,
        path: "/v1/dss/identification_service_areas/{id}/{version}",
        access: Access::Scopes(&[&[W]]),
    },
    Operation {
        id: operation::Id::F3411_19(Id::SearchSubscriptions),
        name: "searchSubscriptions",
        method: Method::GET,
        path: "/v1/dss/subscriptions",
        access: Access::Scopes(&[&[R]]),
    },
    Operation {
        id: operation::Id::F3411_19(Id::GetSubscription),
        name: "getSubscription",
        method: Method::GET,
        path: "/v1/dss/subscriptions/{id}",
        access: Access::Scopes(&[&[R], &[W]]),
    },
    Operation {
        id: operation::Id::F3411_19(Id::CreateSubscription),
        name: "createSubscription",
        method: Method::PUT,
        path: "/v1/dss/subscriptions/{id}",
        access: Access::Scopes(&[&[R]]),
    },
    Operation {
        id: operation::Id::F3411_19(Id::UpdateSubscription),
        name: "updateSubscription",
        method: Method::PUT,
        path: "/v1/dss/subscriptions/{id}/{version}",
        access: Access::Scopes(&[&[R]]),
    },
    Operation {
        id: operation::Id::F3411_19(Id::DeleteSubscription),
        name: "deleteSubscription",
        method: Method::DELETE,
        path: "/v1/dss/subscriptions/{id}/{version}",
        access: Access::Scopes(&[&[R]]),
    },
];
