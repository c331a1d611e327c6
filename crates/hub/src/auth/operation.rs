//! The one table of what this hub serves: method, path, and which scopes open it.
//!
//! The router is built from it and a test walks it, so an operation that is served has its scopes
//! here and nowhere else (F3548-21, annex A3, `security` of each operation).

use axum::http::Method;

use crate::auth::scope::Scope;

use Scope::{
    AvailabilityArbitration as AA, ConformanceMonitoringForSituationalAwareness as CMSA,
    ConstraintManagement as CM, ConstraintProcessing as CP, StrategicCoordination as SC,
};

/// An operation of a standard that the hub serves.
#[derive(Debug)]
pub struct Operation {
    /// Which one.
    pub id: Id,
    /// The standard's `operationId`.
    pub name: &'static str,
    /// Its method.
    pub method: Method,
    /// Its path; a segment in braces is a parameter, and may be empty.
    pub path: &'static str,
    /// The sets of scopes of which a token must hold at least one whole.
    pub scopes: &'static [&'static [Scope]],
}

/// Names an operation (F3548-21's `operationId`).
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

/// Every operation that the hub serves to parties.
pub static OPERATIONS: [Operation; 18] = [
    Operation {
        id: Id::QueryOperationalIntentReferences,
        name: "queryOperationalIntentReferences",
        method: Method::POST,
        path: "/dss/v1/operational_intent_references/query",
        scopes: &[&[SC], &[CMSA]],
    },
    Operation {
        id: Id::GetOperationalIntentReference,
        name: "getOperationalIntentReference",
        method: Method::GET,
        path: "/dss/v1/operational_intent_references/{entityid}",
        scopes: &[&[SC], &[CMSA]],
    },
    Operation {
        id: Id::CreateOperationalIntentReference,
        name: "createOperationalIntentReference",
        method: Method::PUT,
        path: "/dss/v1/operational_intent_references/{entityid}",
        scopes: &[&[SC], &[SC, CP], &[CMSA]],
    },
    Operation {
        id: Id::UpdateOperationalIntentReference,
        name: "updateOperationalIntentReference",
        method: Method::PUT,
        path: "/dss/v1/operational_intent_references/{entityid}/{ovn}",
        scopes: &[&[SC], &[SC, CP], &[CMSA]],
    },
    Operation {
        id: Id::DeleteOperationalIntentReference,
        name: "deleteOperationalIntentReference",
        method: Method::DELETE,
        path: "/dss/v1/operational_intent_references/{entityid}/{ovn}",
        scopes: &[&[SC], &[CMSA]],
    },
    Operation {
        id: Id::QueryConstraintReferences,
        name: "queryConstraintReferences",
        method: Method::POST,
        path: "/dss/v1/constraint_references/query",
        scopes: &[&[CM], &[CP]],
    },
    Operation {
        id: Id::GetConstraintReference,
        name: "getConstraintReference",
        method: Method::GET,
        path: "/dss/v1/constraint_references/{entityid}",
        scopes: &[&[CM], &[CP]],
    },
    Operation {
        id: Id::CreateConstraintReference,
        name: "createConstraintReference",
        method: Method::PUT,
        path: "/dss/v1/constraint_references/{entityid}",
        scopes: &[&[CM]],
    },
    Operation {
        id: Id::UpdateConstraintReference,
        name: "updateConstraintReference",
        method: Method::PUT,
        path: "/dss/v1/constraint_references/{entityid}/{ovn}",
        scopes: &[&[CM]],
    },
    Operation {
        id: Id::DeleteConstraintReference,
        name: "deleteConstraintReference",
        method: Method::DELETE,
        path: "/dss/v1/constraint_references/{entityid}/{ovn}",
        scopes: &[&[CM]],
    },
    Operation {
        id: Id::QuerySubscriptions,
        name: "querySubscriptions",
        method: Method::POST,
        path: "/dss/v1/subscriptions/query",
        scopes: &[&[CP], &[SC]],
    },
    Operation {
        id: Id::GetSubscription,
        name: "getSubscription",
        method: Method::GET,
        path: "/dss/v1/subscriptions/{subscriptionid}",
        scopes: &[&[CP], &[SC]],
    },
    Operation {
        id: Id::CreateSubscription,
        name: "createSubscription",
        method: Method::PUT,
        path: "/dss/v1/subscriptions/{subscriptionid}",
        scopes: &[&[CP], &[SC]],
    },
    Operation {
        id: Id::UpdateSubscription,
        name: "updateSubscription",
        method: Method::PUT,
        path: "/dss/v1/subscriptions/{subscriptionid}/{version}",
        scopes: &[&[CP], &[SC]],
    },
    Operation {
        id: Id::DeleteSubscription,
        name: "deleteSubscription",
        method: Method::DELETE,
        path: "/dss/v1/subscriptions/{subscriptionid}/{version}",
        scopes: &[&[CP], &[SC]],
    },
    Operation {
        id: Id::MakeDssReport,
        name: "makeDssReport",
        method: Method::POST,
        path: "/dss/v1/reports",
        scopes: &[&[CM], &[CP], &[SC], &[CMSA], &[AA]],
    },
    Operation {
        id: Id::GetUssAvailability,
        name: "getUssAvailability",
        method: Method::GET,
        path: "/dss/v1/uss_availability/{uss_id}",
        scopes: &[&[AA], &[SC], &[CMSA]],
    },
    Operation {
        id: Id::SetUssAvailability,
        name: "setUssAvailability",
        method: Method::PUT,
        path: "/dss/v1/uss_availability/{uss_id}",
        scopes: &[&[AA]],
    },
];

/// Returns the operation that answers `method` on `path`, which is percent-encoded as it came.
pub fn find(method: &Method, path: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.method == *method && operation.matches(path))
}

impl Operation {
    /// Returns the segment of `path` that the parameter `name` stands for, still percent-encoded.
    pub fn parameter<'path>(&self, path: &'path str, name: &str) -> Option<&'path str> {
        let mut pairs = self.path.split('/').zip(path.split('/'));
        pairs.find_map(|(template, segment)| {
            (parameter_name(template) == Some(name)).then_some(segment)
        })
    }

    fn matches(&self, path: &str) -> bool {
        let mut templates = self.path.split('/');
        let mut segments = path.split('/');
        loop {
            match (templates.next(), segments.next()) {
                (None, None) => return true,
                (Some(template), Some(segment)) => {
                    if parameter_name(template).is_none() && template != segment {
                        return false;
                    }
                }
                _ => return false,
            }
        }
    }
}

fn parameter_name(template: &str) -> Option<&str> {
    template.strip_prefix('{')?.strip_suffix('}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: Method, path: &str) -> Option<Id> {
        find(&method, path).map(|operation| operation.id)
    }

    #[test]
    fn finds_each_operation_by_its_own_path() {
        for operation in &OPERATIONS {
            assert_eq!(found(operation.method.clone(), operation.path), Some(operation.id));
        }
    }

    #[test]
    fn lets_an_empty_segment_be_a_parameter() {
        let base = "/dss/v1/operational_intent_references";

        assert_eq!(
            found(Method::PUT, &format!("{base}/")),
            Some(Id::CreateOperationalIntentReference)
        );
        assert_eq!(
            found(Method::PUT, &format!("{base}//")),
            Some(Id::UpdateOperationalIntentReference)
        );
        assert_eq!(found(Method::PUT, base), None);
        assert_eq!(found(Method::PUT, &format!("{base}///")), None);
    }

    #[test]
    fn knows_no_other_method_and_no_trailing_slash() {
        assert_eq!(found(Method::PATCH, "/dss/v1/reports"), None);
        assert_eq!(found(Method::OPTIONS, "/dss/v1/reports"), None);
        assert_eq!(found(Method::POST, "/dss/v1/reports/"), None);
        assert_eq!(found(Method::POST, "//dss/v1/reports"), None);
        assert_eq!(found(Method::HEAD, "/dss/v1/subscriptions/x"), None);
    }

    #[test]
    fn takes_parameters_out_of_a_path() {
        let path = "/dss/v1/subscriptions/one/two%2F";
        let operation = find(&Method::DELETE, path).expect("it is routed");

        assert_eq!(operation.parameter(path, "subscriptionid"), Some("one"));
        assert_eq!(operation.parameter(path, "version"), Some("two%2F"));
        assert_eq!(operation.parameter(path, "ovn"), None);
    }
}
