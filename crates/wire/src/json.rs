//! JSON text to and from messages, strictly.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// How deep objects and lists may lie in one another.
pub const NESTING_MAX: usize = 64;

/// How many characters of a parser's message are passed on; it may repeat what it was given.
const MESSAGE_LENGTH_MAX: usize = 300;

/// A text is not the JSON of the message that was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// There is nothing but white space.
    #[error("the body is empty")]
    Empty,
    /// The bytes are no UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// Objects and lists lie too deep in one another.
    #[error("the body is nested deeper than {NESTING_MAX} levels")]
    TooDeep,
    /// A text holds U+0000, which many a store and terminal cannot hold.
    #[error("the body holds a text with the character U+0000")]
    HoldsNul,
    /// It is no JSON, or JSON of another shape.
    #[error("{}{message}", if path.is_empty() { String::new() } else { format!("{path}: ") })]
    Malformed {
        /// Where, such as `extents[0].volume`; empty is the whole body.
        path: String,
        /// What is wrong there.
        message: String,
    },
}

/// Returns the message that `body` writes.
///
/// Unknown fields are ignored. Refused are what is no UTF-8, anything but white space after the
/// value, nesting beyond [`NESTING_MAX`] even in unknown fields, and U+0000 in any text.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, JsonError> {
    let text = std::str::from_utf8(body).map_err(|_| JsonError::NotUtf8)?;
    scan(text)?;
    match serde_json::from_str(text) {
        Ok(message) => Ok(message),
        Err(error) => Err(explain::<T>(text, &error)),
    }
}

/// Returns the JSON of a message.
pub fn render<T: Serialize + ?Sized>(message: &T) -> Vec<u8> {
    serde_json::to_vec(message).expect("messages have text keys and a vector takes every byte")
}

/// Checks what the parser does not: it skips unknown fields however deep they are.
fn scan(text: &str) -> Result<(), JsonError> {
    if text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {
        return Err(JsonError::Empty);
    }
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut in_text = false;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => in_text = !in_text,
            b'\\' if in_text => {
                if bytes[at..].starts_with(br"\u0000") {
                    return Err(JsonError::HoldsNul);
                }
                at += 1;
            }
            b'{' | b'[' if !in_text => {
                depth += 1;
                if NESTING_MAX < depth {
                    return Err(JsonError::TooDeep);
                }
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// Reads a text that was refused once more, with the path of what is wrong.
///
/// Only refused texts pay for keeping the path.
fn explain<T: DeserializeOwned>(text: &str, error: &serde_json::Error) -> JsonError {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let (path, message) = match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Err(error) => (error.path().to_string(), error.inner().to_string()),
        Ok(_) => (String::new(), error.to_string()),
    };
    // It writes `.` for the whole and `?` for a part that it did not get to know.
    let known = path.trim_end_matches(['.', '?']);
    JsonError::Malformed {
        path: known.chars().take(MESSAGE_LENGTH_MAX).collect(),
        message: message.chars().take(MESSAGE_LENGTH_MAX).collect(),
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Message {
        #[expect(dead_code, reason = "only read")]
        numbers: Vec<f64>,
    }

    fn refusal(body: &[u8]) -> String {
        parse::<Message>(body).expect_err("a malformed body was accepted").to_string()
    }

    #[test]
    fn names_the_place_of_what_is_wrong() {
        assert_snapshot!(refusal(br#"{"numbers": [1, "2"]}"#),
            @r#"numbers[1]: invalid type: string "2", expected f64 at line 1 column 19"#);
        assert_snapshot!(refusal(b"{}"), @"missing field `numbers` at line 1 column 2");
        assert_snapshot!(refusal(br#"{"numbers": [null]}"#),
            @"numbers[0]: invalid type: null, expected f64 at line 1 column 17");
        assert_snapshot!(refusal(br#"{"numbers": [NaN]}"#),
            @"numbers[0]: expected value at line 1 column 14");
        assert_snapshot!(refusal(br#"{"numbers": [1e999]}"#),
            @"numbers[0]: number out of range at line 1 column 18");
        assert_snapshot!(refusal(br#"{"numbers": ["#),
            @"numbers: EOF while parsing a list at line 1 column 13");
        assert_snapshot!(refusal(br#"{"numbers": []} {}"#),
            @"trailing characters at line 1 column 17");
        assert_snapshot!(refusal(b"\xff"), @"the body is not UTF-8");
        assert_snapshot!(refusal(b" \n"), @"the body is empty");
        assert_snapshot!(refusal(br#"{"numbers": [], "other": "a\u0000"}"#),
            @"the body holds a text with the character U+0000");
    }

    #[test]
    fn takes_an_escaped_backslash_for_no_escape() {
        assert!(parse::<Message>(br#"{"numbers": [], "other": "a\\u0000"}"#).is_ok());
    }

    #[test]
    fn refuses_nesting_beyond_the_bound_even_in_unknown_fields() {
        let nested = |levels: usize| {
            let (open, close) = ("[".repeat(levels), "]".repeat(levels));
            format!(r#"{{"numbers": [], "other": {open}{close}}}"#)
        };

        assert!(parse::<Message>(nested(NESTING_MAX - 1).as_bytes()).is_ok());
        assert_eq!(refusal(nested(NESTING_MAX).as_bytes()), JsonError::TooDeep.to_string());
        assert_eq!(refusal(nested(1_000_000).as_bytes()), JsonError::TooDeep.to_string());
    }

    #[test]
    fn never_repeats_a_long_input_in_full() {
        let body = format!(r#"{{"numbers": "{}"}}"#, "x".repeat(1_000_000));

        assert!(refusal(body.as_bytes()).len() <= 2 * MESSAGE_LENGTH_MAX + 2);
    }
}
