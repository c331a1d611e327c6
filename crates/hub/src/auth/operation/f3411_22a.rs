//! The DSS part of F3411-22a.

use axum::http::Method;

use super::f3411::Id;
use crate::auth::operation::{self, Access, Operation};
use crate::auth::scope::Scope;

use Scope::{DisplayProvider as DP, ServiceProvider as SP};

/// Every operation of the DSS part.
pub(super) static OPERATIONS: [Operation; 10] = [
    Operation {
        id: operation::Id::F3411_22a(Id::SearchIdentificationServiceAreas),
        name: "searchIdentificationServiceAreas",
        method: Method::GET,
        path: "/rid/v2/dss/identification_service_areas",
        access: Access::Scopes(&[&[DP]]),
    },
    Operation {
        id: operation::Id::F3411_22a(Id::GetIdentificationServiceArea),
        name: "getIdentificationServiceArea",
        method: Method::GET,
        path: "/rid/v2/dss/identification_service_areas/{id}",
        access: Access::Scopes(&[&[DP], &[SP]]),
    },
    Operation {
        id: operation::Id::F3411_22a(Id::CreateIdentificationServiceArea),
        name: "createIdentificationServiceArea",
        method: Method::PUT,
        path: "/rid/v2/dss/identification_service_areas/{id}",
        access: Access::Scopes(&[&[SP]]),
    },
    Operation {
        id: operation::Id::F3411_22a(Id::UpdateIdentificationServiceArea),
        name: "updateIdentificationServiceArea",
        method: Method::PUT,
        path: "/rid/v2/dss/identification_service_areas/{id}/{version}",
        access: Access::Scopes(&[&[SP]]),
    },
    Operation {
        id: operation::Id::F3411_22a(Id::DeleteIdentificationServiceArea),
        name: "deleteIdentificationServiceArea",
        method: Method::DELETE,
        path: "/rid/v2/dss/identification_service_areas/{id}/{version}",
        access: Access::Scopes(&[&[SP]]),
    },
    Operation {
        id: operation::Id::F3411_22a(Id::SearchSubscriptions),
        name: "searchSubscriptions",
        method: Method::GET,
        path: "/rid/v2/dss/subscriptions",
        access: Access::Scopes(&[&[DP]]),
    },
    Operation {
        id: operation::Id::F3411_22a(Id::GetSubscription),
        name: "getSubscription",
        method: Method::GET,
        path: "/rid/v2/dss/subscriptions/{id}",
        access: Access::Scopes(&[&[DP], &[SP]]),
    },
    Operation {
        id: operation::Id::F3411_22a(Id::CreateSubscription),
        name: "createSubscription",
        method: Method::PUT,
        path: "/rid/v2/dss/subscriptions/{id}",
        access: Access::Scopes(&[&[DP]]),
    },
    Operation {
        id: operation::Id::F3411_22a(Id::UpdateSubscription),
        name: "updateSubscription",
        method: Method::PUT,
        path: "/rid/v2/dss/subscriptions/{id}/{version}",
        access: Access::Scopes(&[&[DP]]),
    },
    Operation {
        id: operation::Id::F3411_22a(Id::DeleteSubscription),
        name: "deleteSubscription",
        method: Method::DELETE,
        path: "/rid/v2/dss/subscriptions/{id}/{version}",
        access: Access::Scopes(&[&[DP]]),
    },
];
