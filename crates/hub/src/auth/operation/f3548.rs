//! The DSS part of F3548-21 (annex A3, `security` of each operation).

use axum::http::Method;

use crate::auth::operation::{self, Access, Operation};
use crate::auth::scope::Scope;

use Scope::{
    AvailabilityArbitration as AA, ConformanceMonitoringForSituationalAwareness as CMSA,
    ConstraintManagement as CM, ConstraintProcessing as CP, StrategicCoordination as SC,
};

/// Names an operation of F3548-21 by its `operationId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Id {
    /// `queryOperationalIntentReferences`.
    QueryOperationalIntentReferences,
    /// `getOperationalIntentReference`.
    GetOperationalIntentReference,
    /// `createOperationalIntentReference`.
    CreateOperationalIntentReference,
    /// `updateOperationalIntentReference`.
    UpdateOperationalIntentReference,
    /// `deleteOperationalIntentReference`.
    DeleteOperationalIntentReference,
    /// `queryConstraintReferences`.
    QueryConstraintReferences,
    /// `getConstraintReference`.
    GetConstraintReference,
    /// `createConstraintReference`.
    CreateConstraintReference,
    /// `updateConstraintReference`.
    UpdateConstraintReference,
    /// `deleteConstraintReference`.
    DeleteConstraintReference,
    /// `querySubscriptions`.
    QuerySubscriptions,
    /// `getSubscription`.
    GetSubscription,
    /// `createSubscription`.
    CreateSubscription,
    /// `updateSubscription`.
    UpdateSubscription,
    /// `deleteSubscription`.
    DeleteSubscription,
    /// `makeDssReport`.
    MakeDssReport,
    /// `getUssAvailability`.
    GetUssAvailability,
    /// `setUssAvailability`.
    SetUssAvailability,
}

/// Every operation of the DSS part.
pub(super) static OPERATIONS: [Operation; 18] = [
    Operation {
        id: operation::Id::F3548(Id::QueryOperationalIntentReferences),
        name: "queryOperationalIntentReferences",
        method: Method::POST,
        path: "/dss/v1/operational_intent_references/query",
        access: Access::Scopes(&[&[SC], &[CMSA]]),
    },
    Operation {
        id: operation::Id::F3548(Id::GetOperationalIntentReference),
        name: "getOperationalIntentReference",
        method: Method::GET,
        path: "/dss/v1/operational_intent_references/{entityid}",
        access: Access::Scopes(&[&[SC], &[CMSA]]),
    },
    Operation {
        id: operation::Id::F3548(Id::CreateOperationalIntentReference),
        name: "createOperationalIntentReference",
        method: Method::PUT,
        path: "/dss/v1/operational_intent_references/{entityid}",
        access: Access::Scopes(&[&[SC], &[SC, CP], &[CMSA]]),
    },
    Operation {
        id: operation::Id::F3548(Id::UpdateOperationalIntentReference),
        name: "updateOperationalIntentReference",
        method: Method::PUT,
        path: "/dss/v1/operational_intent_references/{entityid}/{ovn}",
        access: Access::Scopes(&[&[SC], &[SC, CP], &[CMSA]]),
    },
    Operation {
        id: operation::Id::F3548(Id::DeleteOperationalIntentReference),
        name: "deleteOperationalIntentReference",
        method: Method::DELETE,
        path: "/dss/v1/operational_intent_references/{entityid}/{ovn}",
        access: Access::Scopes(&[&[SC], &[CMSA]]),
    },
    Operation {
        id: operation::Id::F3548(Id::QueryConstraintReferences),
        name: "queryConstraintReferences",
        method: Method::POST,
        path: "/dss/v1/constraint_references/query",
        access: Access::Scopes(&[&[CM], &[CP]]),
    },
    Operation {
        id: operation::Id::F3548(Id::GetConstraintReference),
        name: "getConstraintReference",
        method: Method::GET,
        path: "/dss/v1/constraint_references/{entityid}",
        access: Access::Scopes(&[&[CM], &[CP]]),
    },
    Operation {
        id: operation::Id::F3548(Id::CreateConstraintReference),
        name: "createConstraintReference",
        method: Method::PUT,
        path: "/dss/v1/constraint_references/{entityid}",
        access: Access::Scopes(&[&[CM]]),
    },
    Operation {
        id: operation::Id::F3548(Id::UpdateConstraintReference),
        name: "updateConstraintReference",
        method: Method::PUT,
        path: "/dss/v1/constraint_references/{entityid}/{ovn}",
        access: Access::Scopes(&[&[CM]]),
    },
    Operation {
        id: operation::Id::F3548(Id::DeleteConstraintReference),
        name: "deleteConstraintReference",
        method: Method::DELETE,
        path: "/dss/v1/constraint_references/{entityid}/{ovn}",
        access: Access::Scopes(&[&[CM]]),
    },
    Operation {
        id: operation::Id::F3548(Id::QuerySubscriptions),
        name: "querySubscriptions",
        method: Method::POST,
        path: "/dss/v1/subscriptions/query",
        access: Access::Scopes(&[&[CP], &[SC]]),
    },
    Operation {
        id: operation::Id::F3548(Id::GetSubscription),
        name: "getSubscription",
        method: Method::GET,
        path: "/dss/v1/subscriptions/{subscriptionid}",
        access: Access::Scopes(&[&[CP], &[SC]]),
    },
    Operation {
        id: operation::Id::F3548(Id::CreateSubscription),
        name: "createSubscription",
        method: Method::PUT,
        path: "/dss/v1/subscriptions/{subscriptionid}",
        access: Access::Scopes(&[&[CP], &[SC]]),
    },
    Operation {
        id: operation::Id::F3548(Id::UpdateSubscription),
        name: "updateSubscription",
        method: Method::PUT,
        path: "/dss/v1/subscriptions/{subscriptionid}/{version}",
        access: Access::Scopes(&[&[CP], &[SC]]),
    },
    Operation {
        id: operation::Id::F3548(Id::DeleteSubscription),
        name: "deleteSubscription",
        method: Method::DELETE,
        path: "/dss/v1/subscriptions/{subscriptionid}/{version}",
        access: Access::Scopes(&[&[CP], &[SC]]),
    },
    Operation {
        id: operation::Id::F3548(Id::MakeDssReport),
        name: "makeDssReport",
        method: Method::POST,
        path: "/dss/v1/reports",
        access: Access::Scopes(&[&[CM], &[CP], &[SC], &[CMSA], &[AA]]),
    },
    Operation {
        id: operation::Id::F3548(Id::GetUssAvailability),
        name: "getUssAvailability",
        method: Method::GET,
        path: "/dss/v1/uss_availability/{uss_id}",
        access: Access::Scopes(&[&[AA], &[SC], &[CMSA]]),
    },
    Operation {
        id: operation::Id::F3548(Id::SetUssAvailability),
        name: "setUssAvailability",
        method: Method::PUT,
        path: "/dss/v1/uss_availability/{uss_id}",
        access: Access::Scopes(&[&[AA]]),
    },
];
