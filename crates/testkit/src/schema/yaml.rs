//! YAML read as the JSON value that it writes.

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value};

/// Returns the value of the one document in `text`.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let documents = Yaml::load_from_str(text).map_err(|error| error.to_string())?;
    let [document] = documents.as_slice() else {
        return Err(format!("{} documents where one is expected", documents.len()));
    };
    value_of(document)
}

fn value_of(node: &Yaml<'_>) -> Result<Value, String> {
    match node {
        Yaml::Value(scalar) => scalar_of(scalar),
        Yaml::Sequence(items) => items.iter().map(value_of).collect(),
        Yaml::Mapping(entries) => {
            let mut object = Map::new();
            for (key, value) in entries {
                object.insert(key_of(key)?, value_of(value)?);
            }
            Ok(Value::Object(object))
        }
        other => Err(format!("no JSON has this: {other:?}")),
    }
}

fn scalar_of(scalar: &Scalar<'_>) -> Result<Value, String> {
    match scalar {
        Scalar::Null => Ok(Value::Null),
        Scalar::Boolean(value) => Ok(Value::from(*value)),
        Scalar::Integer(value) => Ok(Value::from(*value)),
        Scalar::FloatingPoint(value) => Ok(Value::from(value.into_inner())),
        Scalar::String(text) => Ok(Value::from(text.as_ref())),
    }
}

/// A status without quotes is a number in YAML and a text in JSON.
fn key_of(key: &Yaml<'_>) -> Result<String, String> {
    match value_of(key)? {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(format!("{other} is no key of an object")),
    }
}
