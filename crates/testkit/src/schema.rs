//! Checks of JSON values against the schemas of an OpenAPI 3.0 description.
//!
//! It knows the keywords that the descriptions of F3548-21, F3411 and the auxiliary API use and
//! refuses a description with any other, so that no rule of a schema goes unchecked unseen.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

mod check;
mod yaml;

/// The HTTP methods that a path item may have an operation for.
const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// An OpenAPI 3.0 description.
#[derive(Clone, Debug)]
pub struct Api {
    document: Value,
}

/// One operation of a description.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    /// The path template, such as `/dss/v1/subscriptions/{subscriptionid}`.
    pub path: String,
    /// The method in upper case.
    pub method: String,
    /// Its `operationId`, if the description gives one.
    pub operation_id: Option<String>,
    /// The alternatives of scopes that open it: all of one inner list are needed.
    pub scopes: Vec<Vec<String>>,
    /// The statuses that it may answer with, ascending.
    pub statuses: Vec<u16>,
}

/// A description could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file could not be read.
    #[error("cannot read {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The text is no YAML, or not what an OpenAPI description is made of.
    #[error("it is no OpenAPI description: {0}")]
    Format(String),
    /// A reference names nothing in the description.
    #[error("reference {reference} names nothing")]
    UnknownReference {
        /// The reference.
        reference: String,
    },
    /// A schema uses a keyword that is not checked here.
    #[error("keyword {keyword} at {place} is not known here")]
    UnknownKeyword {
        /// The JSON pointer of the schema.
        place: String,
        /// The keyword.
        keyword: String,
    },
}

impl Api {
    /// Loads the description in the YAML file at `path`.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let text = fs::read_to_string(path)
            .map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
        Self::parse(&text)
    }

    /// Returns the description written in `text`.
    pub fn parse(text: &str) -> Result<Self, LoadError> {
        let mut document = yaml::parse(text).map_err(LoadError::Format)?;
        if !document["paths"].is_object() || !document["components"]["schemas"].is_object() {
            return Err(LoadError::Format("it has no paths or no schemas".to_owned()));
        }
        check::prepare(&mut document)?;
        Ok(Api { document })
    }

    /// Returns the description with every path below `prefix`, such as `/rid/v2`.
    ///
    /// That of F3411-22a leaves open below which URL a DSS serves it.
    pub fn under(mut self, prefix: &str) -> Self {
        let paths = self.document["paths"].as_object_mut().expect("it was parsed so");
        *paths = std::mem::take(paths)
            .into_iter()
            .map(|(path, item)| (format!("{prefix}{path}"), item))
            .collect();
        self
    }

    /// Lists every operation, ascending by path, then by method.
    pub fn operations(&self) -> Vec<Operation> {
        let mut operations = Vec::new();
        for (path, item) in self.document["paths"].as_object().into_iter().flatten() {
            for method in METHODS {
                if let Some(operation) = item.get(method) {
                    operations.push(self.describe(path, method, operation));
                }
            }
        }
        operations.sort();
        operations
    }

    /// Checks a response's body; `path` is a template of the description or a path that fits one.
    ///
    /// A response without a body is checked as `Value::Null`. The errors name the place in the
    /// value, as a JSON pointer, and what is wrong there.
    pub fn check_response(
        &self,
        method: &str,
        path: &str,
        status: u16,
        body: &Value,
    ) -> Result<(), Vec<String>> {
        let operation = self.find_operation(method, path)?;
        let responses = &operation["responses"];
        let Some(response) = responses.get(status.to_string()).or(responses.get("default")) else {
            return Err(vec![format!("{method} {path} has no response {status}")]);
        };
        match self.content_schema(response) {
            Some(schema) => self.check(schema, body),
            None if body.is_null() => Ok(()),
            None => Err(vec![format!("{method} {path} has no body in response {status}")]),
        }
    }

    /// Checks a request's body like [`Api::check_response`] a response's.
    pub fn check_request(&self, method: &str, path: &str, body: &Value) -> Result<(), Vec<String>> {
        let operation = self.find_operation(method, path)?;
        match operation.get("requestBody").and_then(|request| self.content_schema(request)) {
            Some(schema) => self.check(schema, body),
            None if body.is_null() => Ok(()),
            None => Err(vec![format!("{method} {path} has no body in its request")]),
        }
    }

    /// Checks a value against the schema called `name` in the description.
    pub fn check_schema(&self, name: &str, value: &Value) -> Result<(), Vec<String>> {
        match self.document["components"]["schemas"].get(name) {
            Some(schema) => self.check(schema, value),
            None => Err(vec![format!("there is no schema {name}")]),
        }
    }

    /// Lists the names of all schemas, ascending.
    pub fn schema_names(&self) -> Vec<&str> {
        let schemas = self.document["components"]["schemas"].as_object();
        let mut names: Vec<&str> = schemas.into_iter().flatten().map(|(n, _)| n.as_str()).collect();
        names.sort_unstable();
        names
    }

    fn check(&self, schema: &Value, value: &Value) -> Result<(), Vec<String>> {
        let errors = check::errors(&self.document, schema, value);
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn content_schema<'a>(&'a self, described: &'a Value) -> Option<&'a Value> {
        check::follow(&self.document, described)
            .get("content")?
            .get("application/json")?
            .get("schema")
    }

    /// A template without parameters at a segment wins over one with a parameter there.
    fn find_operation(&self, method: &str, path: &str) -> Result<&Value, Vec<String>> {
        let method = method.to_ascii_lowercase();
        let paths = self.document["paths"].as_object().into_iter().flatten();
        paths
            .filter(|(template, item)| fits(template, path) && item.get(&method).is_some())
            .min_by_key(|(template, _)| template.matches('{').count())
            .map(|(_, item)| &item[&method])
            .ok_or_else(|| vec![format!("there is no operation {method} {path}")])
    }

    fn describe(&self, path: &str, method: &str, operation: &Value) -> Operation {
        let security = operation.get("security").unwrap_or(&self.document["security"]);
        let mut scopes = Vec::new();
        for requirement in security.as_array().into_iter().flatten() {
            let schemes = requirement.as_object().into_iter().flatten();
            let needed = schemes.flat_map(|(_, names)| names.as_array().into_iter().flatten());
            scopes.push(needed.filter_map(|name| name.as_str().map(str::to_owned)).collect());
        }
        let responses = operation["responses"].as_object().into_iter().flatten();
        let mut statuses: Vec<u16> = responses.filter_map(|(s, _)| s.parse().ok()).collect();
        statuses.sort_unstable();
        Operation {
            path: path.to_owned(),
            method: method.to_ascii_uppercase(),
            operation_id: operation["operationId"].as_str().map(str::to_owned),
            scopes,
            statuses,
        }
    }
}

/// Tells whether `path`, with or without a query, is `template` with its parameters filled.
fn fits(template: &str, path: &str) -> bool {
    if template == path {
        return true;
    }
    let path = path.split('?').next().unwrap_or_default();
    let mut segments = path.split('/');
    for wanted in template.split('/') {
        let Some(segment) = segments.next() else {
            return false;
        };
        if wanted != segment && !wanted.starts_with('{') {
            return false;
        }
    }
    segments.next().is_none()
}
