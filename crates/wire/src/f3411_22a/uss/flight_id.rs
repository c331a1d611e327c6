//! Names of flights.

use std::fmt;

use serde::Serializer;

use crate::text::Text;

/// A name of a flight, unique to its service provider (`RIDFlightID`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RidFlightId(Box<str>);

/// A text can name no flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RidFlightIdError {
    /// It has no characters.
    #[error("it is empty")]
    Empty,
    /// It has more characters than allowed.
    #[error("it is longer than {} characters", RidFlightId::LENGTH_MAX)]
    TooLong,
    /// It holds a character that would need care in a path.
    #[error("it holds one of the characters NUL, tab, line feed, return, # % / : ? @ [ \\ ]")]
    Character,
}

impl RidFlightId {
    /// How many characters it may have.
    pub const LENGTH_MAX: usize = 255;

    /// Returns the name, if `text` is one.
    pub fn new(text: &str) -> Result<Self, RidFlightIdError> {
        if text.is_empty() {
            return Err(RidFlightIdError::Empty);
        }
        if Self::LENGTH_MAX < text.chars().count() {
            return Err(RidFlightIdError::TooLong);
        }
        if text.contains(['\0', '\t', '\r', '\n', '#', '%', '/', ':', '?', '@', '[', '\\', ']']) {
            return Err(RidFlightIdError::Character);
        }
        Ok(RidFlightId(text.into()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RidFlightId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Text for RidFlightId {
    type Error = RidFlightIdError;

    fn read(text: &str) -> Result<Self, RidFlightIdError> {
        Self::new(text)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_1_to_255_characters_that_a_path_can_hold() {
        let check = |text: &str, expected: Result<(), RidFlightIdError>| {
            assert_eq!(RidFlightId::new(text).map(|_| ()), expected, "{text}");
        };

        check("uss1.JA6kHYCcByQ-6AfU", Ok(()));
        check("a b", Ok(()));
        check("", Err(RidFlightIdError::Empty));
        check(&"\u{f6}".repeat(255), Ok(()));
        check(&"\u{f6}".repeat(256), Err(RidFlightIdError::TooLong));
        for forbidden in "\0\t\r\n#%/:?@[\\]".chars() {
            check(&format!("a{forbidden}"), Err(RidFlightIdError::Character));
        }
    }
}
