//! The tables of what this hub serves: method, path, and what opens it; one table an API.
//!
//! The router is built from them and a test walks them, so an operation that is served has its
//! scopes here and nowhere else.

use axum::http::Method;

use crate::auth::scope::Scope;

pub mod aux_;
pub mod f3411;
pub mod f3548;
pub mod versioning;

mod f3411_19;
mod f3411_22a;

/// An operation that the hub serves.
#[derive(Debug)]
pub struct Operation {
    /// Which one.
    pub id: Id,
    /// The `operationId` of its description; unique in its API.
    pub name: &'static str,
    /// Its method.
    pub method: Method,
    /// Its path; a segment in braces is a parameter, and may be empty.
    pub path: &'static str,
    /// What opens it.
    pub access: Access,
}

/// Names an operation by its API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Id {
    /// Of F3548-21.
    F3548(f3548::Id),
    /// Of F3411-19.
    F3411_19(f3411::Id),
    /// Of F3411-22a.
    F3411_22a(f3411::Id),
    /// Of the auxiliary API.
    Aux(aux_::Id),
    /// Of the versioning API.
    Versioning(versioning::Id),
}

/// What opens an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing: anybody may ask, without a token, and so without a name.
    Open,
    /// A good token with every scope of at least one of these sets.
    Scopes(&'static [&'static [Scope]]),
}

/// Returns every operation that the hub serves, API by API.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    let tables: [&[Operation]; 5] = [
        &f3548::OPERATIONS,
        &f3411_19::OPERATIONS,
        &f3411_22a::OPERATIONS,
        &aux_::OPERATIONS,
        &versioning::OPERATIONS,
    ];
    tables.into_iter().flatten()
}

/// Returns the operation that answers `method` on `path`, which is percent-encoded as it came.
pub fn find(method: &Method, path: &str) -> Option<&'static Operation> {
    operations().find(|operation| operation.method == *method && operation.matches(path))
}

impl Id {
    /// Returns the name of the API, as metrics show it.
    pub const fn api(self) -> &'static str {
        match self {
            Id::F3548(_) => "f3548-21",
            Id::F3411_19(_) => "f3411-19",
            Id::F3411_22a(_) => "f3411-22a",
            Id::Aux(_) => "aux",
            Id::Versioning(_) => "versioning",
        }
    }
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
    use std::collections::HashSet;

    use super::*;

    fn found(method: Method, path: &str) -> Option<Id> {
        find(&method, path).map(|operation| operation.id)
    }

    #[test]
    fn finds_each_operation_by_its_own_path() {
        for operation in operations() {
            assert_eq!(found(operation.method.clone(), operation.path), Some(operation.id));
        }
    }

    #[test]
    fn gives_each_operation_an_id_and_in_its_api_a_name_of_its_own() {
        let ids: HashSet<Id> = operations().map(|operation| operation.id).collect();
        let names: HashSet<(&str, &str)> =
            operations().map(|operation| (operation.id.api(), operation.name)).collect();

        assert_eq!(ids.len(), operations().count());
        assert_eq!(names.len(), operations().count());
    }

    #[test]
    fn lets_an_empty_segment_be_a_parameter() {
        let base = "/dss/v1/operational_intent_references";

        assert_eq!(
            found(Method::PUT, &format!("{base}/")),
            Some(Id::F3548(f3548::Id::CreateOperationalIntentReference))
        );
        assert_eq!(
            found(Method::PUT, &format!("{base}//")),
            Some(Id::F3548(f3548::Id::UpdateOperationalIntentReference))
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
