//! The one table of what the desk serves to others, and which scopes open it.

use axum::http::Method;
use hub::auth::scope::Scope;

use Scope::{
    AvailabilityArbitration as AA, ConformanceMonitoringForSituationalAwareness as CMSA,
    ConstraintManagement as CM, ConstraintProcessing as CP, DisplayProvider as DP,
    ServiceProvider as SP, StrategicCoordination as SC,
};

/// An operation of a standard that the desk serves.
#[derive(Debug)]
pub struct Operation {
    /// Which.
    pub(crate) id: Id,
    /// The standard's `operationId`.
    pub name: &'static str,
    /// Its method.
    pub method: Method,
    /// Its path; the segment in braces is a parameter.
    pub path: &'static str,
    /// The sets of scopes of which a token must hold at least one whole.
    pub scopes: &'static [&'static [Scope]],
}

/// Names an operation by the `operationId` of F3548-21 or F3411-22a.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Id {
    /// `getOperationalIntentDetails`.
    GetOperationalIntentDetails,
    /// `getOperationalIntentTelemetry`.
    GetOperationalIntentTelemetry,
    /// `notifyOperationalIntentDetailsChanged`.
    NotifyOperationalIntentDetailsChanged,
    /// `getConstraintDetails`.
    GetConstraintDetails,
    /// `notifyConstraintDetailsChanged`.
    NotifyConstraintDetailsChanged,
    /// `makeUssReport`.
    MakeUssReport,
    /// `getLogSet`.
    GetLogSet,
    /// `searchFlights`.
    SearchFlights,
    /// `getFlightDetails`.
    GetFlightDetails,
    /// `getIdentificationServiceAreaDetails`.
    GetIdentificationServiceAreaDetails,
    /// `postIdentificationServiceArea`.
    PostIdentificationServiceArea,
}

/// Every operation that the desk serves to others.
pub static OPERATIONS: [Operation; 11] = [
    Operation {
        id: Id::GetOperationalIntentDetails,
        name: "getOperationalIntentDetails",
        method: Method::GET,
        path: "/uss/v1/operational_intents/{entityid}",
        scopes: &[&[SC]],
    },
    Operation {
        id: Id::GetOperationalIntentTelemetry,
        name: "getOperationalIntentTelemetry",
        method: Method::GET,
        path: "/uss/v1/operational_intents/{entityid}/telemetry",
        scopes: &[&[CMSA]],
    },
    Operation {
        id: Id::NotifyOperationalIntentDetailsChanged,
        name: "notifyOperationalIntentDetailsChanged",
        method: Method::POST,
        path: "/uss/v1/operational_intents",
        scopes: &[&[SC]],
    },
    Operation {
        id: Id::GetConstraintDetails,
        name: "getConstraintDetails",
        method: Method::GET,
        path: "/uss/v1/constraints/{entityid}",
        scopes: &[&[CP]],
    },
    Operation {
        id: Id::NotifyConstraintDetailsChanged,
        name: "notifyConstraintDetailsChanged",
        method: Method::POST,
        path: "/uss/v1/constraints",
        scopes: &[&[CM]],
    },
    Operation {
        id: Id::MakeUssReport,
        name: "makeUssReport",
        method: Method::POST,
        path: "/uss/v1/reports",
        scopes: &[&[SC], &[CP], &[CM], &[CMSA], &[AA]],
    },
    // The description gives it no scopes of its own, so the general ones hold: all of them.
    Operation {
        id: Id::GetLogSet,
        name: "getLogSet",
        method: Method::GET,
        path: "/uss/v1/log_sets/{log_set_id}",
        scopes: &[&[SC, CM, CP, CMSA, AA]],
    },
    Operation {
        id: Id::SearchFlights,
        name: "searchFlights",
        method: Method::GET,
        path: "/uss/flights",
        scopes: &[&[DP]],
    },
    Operation {
        id: Id::GetFlightDetails,
        name: "getFlightDetails",
        method: Method::GET,
        path: "/uss/flights/{id}/details",
        scopes: &[&[DP]],
    },
    Operation {
        id: Id::GetIdentificationServiceAreaDetails,
        name: "getIdentificationServiceAreaDetails",
        method: Method::GET,
        path: "/uss/identification_service_areas/{id}",
        scopes: &[&[DP]],
    },
    Operation {
        id: Id::PostIdentificationServiceArea,
        name: "postIdentificationServiceArea",
        method: Method::POST,
        path: "/uss/identification_service_areas/{id}",
        scopes: &[&[SP]],
    },
];

/// Returns the operation that answers, and its parameter, percent-encoded as it came.
pub(crate) fn find<'path>(
    method: &Method,
    path: &'path str,
) -> Option<(&'static Operation, &'path str)> {
    let operations = OPERATIONS.iter().filter(|operation| operation.method == *method);
    operations.filter_map(|operation| Some((operation, operation.parameter(path)?))).next()
}

impl Operation {
    /// Returns the parameter in a path, empty if it has none; `None` if the path is another one.
    fn parameter<'path>(&self, path: &'path str) -> Option<&'path str> {
        let mut parameter = "";
        let mut segments = path.split('/');
        for template in self.path.split('/') {
            let segment = segments.next()?;
            if template.starts_with('{') {
                parameter = segment;
            } else if template != segment {
                return None;
            }
        }
        segments.next().is_none().then_some(parameter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: Method, path: &str) -> Option<(Id, &str)> {
        find(&method, path).map(|(operation, parameter)| (operation.id, parameter))
    }

    #[test]
    fn finds_each_operation_by_its_own_path() {
        for operation in &OPERATIONS {
            let (id, _) = found(operation.method.clone(), operation.path).expect("its own");
            assert_eq!(id, operation.id, "{}", operation.name);
        }
    }

    #[test]
    fn lets_an_empty_segment_be_a_parameter() {
        let id = Id::GetOperationalIntentDetails;

        assert_eq!(found(Method::GET, "/uss/v1/operational_intents/x"), Some((id, "x")));
        assert_eq!(found(Method::GET, "/uss/v1/operational_intents/"), Some((id, "")));
    }

    #[test]
    fn finds_nothing_elsewhere() {
        for path in ["/uss/v1/operational_intents/a/b", "/uss/v1/reports/", "/uss/v1", "/", ""] {
            assert_eq!(found(Method::GET, path), None, "{path}");
        }
        assert_eq!(found(Method::PUT, "/uss/v1/reports"), None);
    }
}
