//! One value against one schema.

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::LoadError;

/// What is checked, and what only describes.
const KEYWORDS: [&str; 28] = [
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "default",
    "deprecated",
    "description",
    "enum",
    "example",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "nullable",
    "oneOf",
    "pattern",
    "properties",
    "readOnly",
    "required",
    "title",
    "type",
    "writeOnly",
];

/// What schemas of F3411-19 were published as requiring, though they have no such property and no
/// hub sends it.
const REQUIRED_OF_NOTHING: [(&str, &str); 2] = [
    ("/components/schemas/Subscription", "url"),
    ("/components/schemas/SubscriptionState", "subscription"),
];

/// How deep references and nested values are followed.
const DEPTH_MAX: usize = 100;

/// How many references may lead from one to the next.
const REFERENCES_MAX: usize = 20;

/// RFC 3339, loosely: a day 39 of a month 19 passes.
const DATE_TIME: &str = concat!(
    r"^[0-9]{4}-[01][0-9]-[0-3][0-9][Tt][0-2][0-9]:[0-5][0-9]:[0-6][0-9](\.[0-9]+)?",
    r"([Zz]|[+-][0-2][0-9]:[0-5][0-9])$"
);

const UUID: &str = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$";

/// Refuses what is not or cannot be checked, and mends what the published descriptions got wrong.
pub(super) fn prepare(document: &mut Value) -> Result<(), LoadError> {
    refuse_unknown_references(document, document)?;
    let schemas = document["components"]["schemas"].as_object_mut();
    for (name, schema) in schemas.into_iter().flatten() {
        prepare_schema(&format!("/components/schemas/{name}"), schema)?;
    }
    prepare_inline("/paths", &mut document["paths"])
}

/// Lists what is wrong with `value`; nothing when it fits `schema`.
pub(super) fn errors(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut checker = Checker { document, errors: Vec::new() };
    checker.check(schema, value, "", DEPTH_MAX);
    checker.errors
}

/// Returns what `described` refers to, or itself.
pub(super) fn follow<'a>(document: &'a Value, described: &'a Value) -> &'a Value {
    let mut found = described;
    for _ in 0..REFERENCES_MAX {
        let Some(reference) = found.get("$ref").and_then(Value::as_str) else {
            return found;
        };
        let pointer = reference.strip_prefix('#').expect("references stay in the document");
        found = document.pointer(pointer).expect("a reference names what is there");
    }
    panic!("more than {REFERENCES_MAX} references lead from one to the next: {described}");
}

fn refuse_unknown_references(document: &Value, part: &Value) -> Result<(), LoadError> {
    if let Some(reference) = part.get("$ref").and_then(Value::as_str)
        && reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer)).is_none()
    {
        return Err(LoadError::UnknownReference { reference: reference.to_owned() });
    }
    let values = part.as_object().into_iter().flatten().map(|(_, value)| value);
    for value in values.chain(part.as_array().into_iter().flatten()) {
        refuse_unknown_references(document, value)?;
    }
    Ok(())
}

/// Prepares the schemas that operations have of their own.
fn prepare_inline(place: &str, part: &mut Value) -> Result<(), LoadError> {
    for (name, value) in part.as_object_mut().into_iter().flatten() {
        let place = format!("{place}/{name}");
        if name == "schema" {
            prepare_schema(&place, value)?;
        } else {
            prepare_inline(&place, value)?;
        }
    }
    for (index, value) in part.as_array_mut().into_iter().flatten().enumerate() {
        prepare_inline(&format!("{place}/{index}"), value)?;
    }
    Ok(())
}

fn prepare_schema(place: &str, schema: &mut Value) -> Result<(), LoadError> {
    let Some(object) = schema.as_object_mut() else {
        return Err(LoadError::Format(format!("{place} is no schema")));
    };
    for keyword in object.keys() {
        if !KEYWORDS.contains(&keyword.as_str()) {
            let place = place.to_owned();
            return Err(LoadError::UnknownKeyword { place, keyword: keyword.clone() });
        }
    }
    if let Some(pattern) = object.get("pattern").and_then(Value::as_str)
        && Regex::new(pattern).is_err()
    {
        return Err(LoadError::Format(format!("pattern {pattern} at {place} is not understood")));
    }
    mend_bounds(object);
    mend_required(place, object);
    for (name, property) in
        object.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten()
    {
        prepare_schema(&format!("{place}/properties/{name}"), property)?;
    }
    for part in ["allOf", "anyOf", "oneOf"] {
        for schema in object.get_mut(part).and_then(Value::as_array_mut).into_iter().flatten() {
            prepare_schema(&format!("{place}/{part}"), schema)?;
        }
    }
    for part in ["items", "additionalProperties"] {
        if let Some(schema) = object.get_mut(part).filter(|schema| !schema.is_boolean()) {
            prepare_schema(&format!("{place}/{part}"), schema)?;
        }
    }
    Ok(())
}

/// `Longitude` of F3411-19 was published with its bounds exchanged: minimum 180, maximum -180.
fn mend_bounds(schema: &mut Map<String, Value>) {
    let minimum = schema.get("minimum").and_then(Value::as_f64);
    let maximum = schema.get("maximum").and_then(Value::as_f64);
    if let (Some(minimum), Some(maximum)) = (minimum, maximum)
        && maximum < minimum
    {
        schema.insert("minimum".to_owned(), Value::from(maximum));
        schema.insert("maximum".to_owned(), Value::from(minimum));
    }
}

fn mend_required(place: &str, schema: &mut Map<String, Value>) {
    let properties = schema.get("properties").and_then(Value::as_object);
    let nothing: Vec<&str> = REQUIRED_OF_NOTHING
        .into_iter()
        .filter(|(at, name)| *at == place && !properties.is_some_and(|all| all.contains_key(*name)))
        .map(|(_, name)| name)
        .collect();
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| !nothing.iter().any(|nothing| name == nothing));
    }
}

struct Checker<'a> {
    document: &'a Value,
    errors: Vec<String>,
}

impl Checker<'_> {
    fn check(&mut self, schema: &Value, value: &Value, place: &str, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else {
            return self.error(place, "it is nested too deeply");
        };
        let schema = follow(self.document, schema);
        if value.is_null() && schema["nullable"] == Value::Bool(true) {
            return;
        }
        if let Some(wanted) = schema.get("type").and_then(Value::as_str)
            && !has_type(value, wanted)
        {
            return self.error(place, &format!("{value} is no {wanted}"));
        }
        if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
            && !allowed.contains(value)
        {
            self.error(place, &format!("{value} is none of {allowed:?}"));
        }
        self.check_combinations(schema, value, place, depth);
        match value {
            Value::Number(_) => self.check_number(schema, value, place),
            Value::String(text) => self.check_text(schema, text, place),
            Value::Array(items) => self.check_items(schema, items, place, depth),
            Value::Object(object) => self.check_object(schema, object, place, depth),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn check_combinations(&mut self, schema: &Value, value: &Value, place: &str, depth: usize) {
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.check(part, value, place, depth);
        }
        for (keyword, fitting_max) in [("anyOf", usize::MAX), ("oneOf", 1)] {
            let Some(parts) = schema.get(keyword).and_then(Value::as_array) else {
                continue;
            };
            let mut fitting = 0;
            let mut reasons = Vec::new();
            for part in parts {
                let mut checker = Checker { document: self.document, errors: Vec::new() };
                checker.check(part, value, place, depth);
                fitting += usize::from(checker.errors.is_empty());
                reasons.append(&mut checker.errors);
            }
            match (fitting, parts.len()) {
                (0, 1) => self.errors.append(&mut reasons),
                (0, _) => self.error(place, &format!("it fits none of {keyword}: {reasons:?}")),
                (n, _) if fitting_max < n => self.error(place, "it fits more than one of oneOf"),
                _ => {}
            }
        }
    }

    fn check_number(&mut self, schema: &Value, value: &Value, place: &str) {
        let number = value.as_f64().expect("a number of JSON fits a double");
        let exclusive = |keyword: &str| schema[keyword] == Value::Bool(true);
        if let Some(minimum) = schema.get("minimum").and_then(Value::as_f64)
            && (number < minimum || (exclusive("exclusiveMinimum") && number <= minimum))
        {
            self.error(place, &format!("{number} is below the minimum of {minimum}"));
        }
        if let Some(maximum) = schema.get("maximum").and_then(Value::as_f64)
            && (maximum < number || (exclusive("exclusiveMaximum") && maximum <= number))
        {
            self.error(place, &format!("{number} is above the maximum of {maximum}"));
        }
        if schema["format"] == "int32"
            && value.as_i64().is_none_or(|number| i32::try_from(number).is_err())
        {
            self.error(place, &format!("{value} is no int32"));
        }
        if schema["format"] == "int64" && value.as_i64().is_none() {
            self.error(place, &format!("{value} is no int64"));
        }
    }

    fn check_text(&mut self, schema: &Value, text: &str, place: &str) {
        self.check_count(schema, text.chars().count(), ["minLength", "maxLength"], place);
        let format = match schema["format"].as_str() {
            Some("date-time") => Some(DATE_TIME),
            Some("uuid") => Some(UUID),
            _ => None,
        };
        for pattern in format.into_iter().chain(schema["pattern"].as_str()) {
            let regex = Regex::new(pattern).expect("it was understood when it was loaded");
            if !regex.is_match(text) {
                self.error(place, &format!("{text:?} does not match {pattern}"));
            }
        }
    }

    fn check_items(&mut self, schema: &Value, items: &[Value], place: &str, depth: usize) {
        self.check_count(schema, items.len(), ["minItems", "maxItems"], place);
        if let Some(schema) = schema.get("items") {
            for (index, item) in items.iter().enumerate() {
                self.check(schema, item, &format!("{place}/{index}"), depth);
            }
        }
    }

    /// A property that may be left out may be null too, as the descriptions say at their top.
    fn check_object(
        &mut self,
        schema: &Value,
        object: &Map<String, Value>,
        place: &str,
        depth: usize,
    ) {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for name in &required {
            if !object.contains_key(*name) {
                self.error(place, &format!("it has no {name}"));
            }
        }
        let other = &schema["additionalProperties"];
        for (name, value) in object {
            let place = format!("{place}/{name}");
            match schema["properties"].get(name) {
                Some(_) if value.is_null() && !required.contains(&name.as_str()) => {}
                Some(schema) => self.check(schema, value, &place, depth),
                None if other == &Value::Bool(false) => self.error(&place, "it is not described"),
                None if other.is_object() => self.check(other, value, &place, depth),
                None => {}
            }
        }
    }

    fn check_count(&mut self, schema: &Value, count: usize, keywords: [&str; 2], place: &str) {
        let count = u64::try_from(count).expect("a length fits 64 bits");
        let [minimum, maximum] = keywords.map(|keyword| schema[keyword].as_u64());
        if minimum.is_some_and(|minimum| count < minimum) {
            self.error(place, &format!("a length of {count} is below {}", keywords[0]));
        }
        if maximum.is_some_and(|maximum| maximum < count) {
            self.error(place, &format!("a length of {count} is above {}", keywords[1]));
        }
    }

    fn error(&mut self, place: &str, what: &str) {
        self.errors.push(format!("{}: {what}", if place.is_empty() { "/" } else { place }));
    }
}

fn has_type(value: &Value, wanted: &str) -> bool {
    match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0)
        }
        "boolean" => value.is_boolean(),
        other => panic!("OpenAPI has no type {other}"),
    }
}
