//! Reports of problems between a USS and another, or the DSS (F3548-21).

use serde::{Deserialize, Serialize};

use crate::f3548::common::Time;
use crate::json::{self, JsonError};
use crate::text;

/// How many bytes a report's id may have (F3548-21 `ErrorReport` maxLength).
pub const REPORT_ID_LENGTH_MAX: usize = 128;

/// What stands in place of a removed secret.
const REMOVED: &str = "(removed)";

/// Reports a problem of communication (`ErrorReport`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorReport {
    /// Its id, given by the one that receives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_id: Option<String>,
    /// What went wrong.
    pub exchange: ExchangeRecord,
}

/// A request and its answer (`ExchangeRecord`).
///
/// The description requires a field `request_source` that it does not describe and that clients do
/// not send; it is passed on where it is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeRecord {
    /// Full URL of the request.
    pub url: String,
    /// Its method.
    pub method: String,
    /// Headers of request and answer, each a line `Name: value`.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub headers: Vec<String>,
    /// Which side recorded this.
    pub recorder_role: RecorderRole,
    /// When the request was sent or received.
    pub request_time: Time,
    /// Who sent the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_source: Option<String>,
    /// The request's body, base64.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub request_body: String,
    /// When the answer was sent or received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_time: Option<Time>,
    /// The answer's body, base64.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub response_body: String,
    /// The answer's status; 0 if there was none.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub response_code: i32,
    /// What was wrong, for a person to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Which side of an exchange recorded it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecorderRole {
    /// The one that sent the request.
    Client,
    /// The one that received it.
    Server,
}

/// A report is malformed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// It is not the JSON of the message.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// It comes with an id longer than an id may be.
    #[error("report_id: it is longer than {REPORT_ID_LENGTH_MAX} bytes")]
    ReportId,
}

/// Returns the report that a body writes.
pub fn parse(body: &[u8]) -> Result<ErrorReport, ParseError> {
    let report: ErrorReport = json::parse(body)?;
    if report.report_id.as_ref().is_some_and(|id| REPORT_ID_LENGTH_MAX < id.len()) {
        return Err(ParseError::ReportId);
    }
    Ok(report)
}

impl ErrorReport {
    /// Returns the report with the id that its receiver gives it.
    pub fn with_id(self, id: String) -> Self {
        ErrorReport { report_id: Some(id), ..self }
    }

    /// Returns the report without the secrets that headers carry, to be kept.
    ///
    /// F3548-21 demands the `Authorization` header in a report; its value opens doors as long as
    /// the token lasts. Tokens are removed from the other plain texts too. Bodies are base64 and
    /// stay as they are: the standard's messages carry no tokens.
    pub fn without_secrets(self) -> Self {
        let exchange = self.exchange;
        ErrorReport {
            report_id: self.report_id,
            exchange: ExchangeRecord {
                url: without_tokens(&exchange.url),
                headers: exchange.headers.iter().map(|header| without_secret(header)).collect(),
                problem: exchange.problem.map(|problem| without_tokens(&problem)),
                ..exchange
            },
        }
    }
}

/// Returns a header without its value where the value is, or may hold, a secret.
fn without_secret(header: &str) -> String {
    let lower = header.to_ascii_lowercase();
    if !["authorization", "cookie", "bearer"].iter().any(|word| lower.contains(word)) {
        return without_tokens(header);
    }
    let name = header.split_once(':').map_or("", |(name, _)| name.trim());
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if name.is_empty() || !is_name { REMOVED.to_owned() } else { format!("{name}: {REMOVED}") }
}

/// Returns a text without JSON Web Tokens: their header is an object, so they begin with `eyJ`.
fn without_tokens(text: &str) -> String {
    let is_token = |character: char| {
        character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.' | '=')
    };
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("eyJ") {
        kept.push_str(&rest[..start]);
        let from = &rest[start..];
        let length = from.find(|character| !is_token(character)).unwrap_or(from.len());
        let run = &from[..length];
        kept.push_str(if run.contains('.') { REMOVED } else { run });
        rest = &from[length..];
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_what_opens_doors_from_headers() {
        let check = |header: &str, kept: &str| assert_eq!(without_secret(header), kept);

        check("Authorization: Bearer eyJhbGciOi.J9.sig", "Authorization: (removed)");
        check("authorization:Basic dXNlcjpzZWNyZXQ=", "authorization: (removed)");
        check(" Proxy-Authorization : x", "Proxy-Authorization: (removed)");
        check("Set-Cookie: session=1", "Set-Cookie: (removed)");
        check("Host: a\r\nAuthorization: Bearer x", "Host: (removed)");
        check("Bearer abc", "(removed)");
        check("Authorization", "(removed)");
        check("X-Forwarded: eyJhbGci.eyJzdWIi.c2ln, b", "X-Forwarded: (removed), b");
        check("Content-Type: application/json", "Content-Type: application/json");
    }

    #[test]
    fn removes_tokens_from_plain_texts_and_nothing_else() {
        let check = |text: &str, kept: &str| assert_eq!(without_tokens(text), kept);

        check("https://a/b?token=eyJh.eyJz.c2&x=1", "https://a/b?token=(removed)&x=1");
        check("he said \"eyJ\" twice, eyJ", "he said \"eyJ\" twice, eyJ");
        check("eyJ\u{e9}.x", "eyJ\u{e9}.x");
        check("", "");
    }
}
