//! Durations as a number of seconds: whole ones where they are.

use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Whole(u64),
    Fraction(f64),
}

pub(super) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
    if value.subsec_nanos() == 0 {
        return to.serialize_u64(value.as_secs());
    }
    to.serialize_f64(value.as_secs_f64())
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    match Seconds::deserialize(from)? {
        Seconds::Whole(seconds) => Ok(Duration::from_secs(seconds)),
        Seconds::Fraction(seconds) => Duration::try_from_secs_f64(seconds)
            .map_err(|_| D::Error::custom("a duration is a number of seconds, zero or more")),
    }
}
