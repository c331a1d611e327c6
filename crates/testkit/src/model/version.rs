//! The texts of OVNs and versions.

use airspace::{EntityId, NextOvn, Ovn, RemoteIdVersion};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use spacetime::Timestamp;

/// Bits that hold a time stand for the OVN that a deployed hub made of it.
pub(super) fn next_ovn(id: EntityId, next: NextOvn) -> Ovn {
    let text = match next {
        NextOvn::Random(bytes) => match time_in(bytes) {
            Some(updated_at) => return of_time(id, updated_at),
            None => URL_SAFE_NO_PAD.encode(bytes),
        },
        NextOvn::Requested(suffix) => format!("{id}_{suffix}"),
    };
    Ovn::new(&text).expect("an OVN is short and not empty")
}

/// The OVN that a deployed hub gave an entity last changed at this time.
pub(super) fn of_time(id: EntityId, updated_at: Timestamp) -> Ovn {
    Ovn::new(&hashed(&id.to_string(), updated_at)).expect("a hash is short and not empty")
}

/// The hash of an id and the time of its last change, as deployed hubs make versions.
pub(super) fn hashed(id: &str, updated_at: Timestamp) -> String {
    let time = jiff::Timestamp::from_microsecond(updated_at.as_micros())
        .expect("years 0000 to 9999 are in its range");
    let hash = Sha256::digest(format!("{id}{time}"));
    STANDARD.encode(hash).replace('+', "-").replace('/', ".").replace('=', "_")
}

/// The time in bits of which the first 64 are zero.
pub(super) fn time_in(bits: [u8; 16]) -> Option<Timestamp> {
    if bits[..8] != [0; 8] {
        return None;
    }
    let micros = i64::from_be_bytes(bits[8..].try_into().expect("8 of 16 bytes are left"));
    Timestamp::from_micros(micros).ok()
}

/// The nanoseconds from 1970 to the last change in base 32, as deployed hubs make versions of
/// remote ID; they have none for years that 64 bits of nanoseconds, one of them the sign, do not
/// reach.
pub(super) fn of_remote_id(updated_at: Timestamp) -> RemoteIdVersion {
    const DIGITS: &str = "0123456789abcdefghijklmnopqrstuv";
    let micros = u64::try_from(updated_at.as_micros()).unwrap_or(0);
    let mut nanos = i64::try_from(u128::from(micros) * 1000).unwrap_or(i64::MAX);
    let mut text = String::new();
    while nanos != 0 || text.is_empty() {
        let digit = usize::try_from(nanos % 32).expect("it is below 32");
        text.insert_str(0, &DIGITS[digit..=digit]);
        nanos /= 32;
    }
    RemoteIdVersion::parse(&text).expect("its digits are those of base 32")
}

/// The number of an entity that is put once more; the highest number is the last.
pub(super) fn next(old: Option<u32>) -> u32 {
    old.unwrap_or(0).saturating_add(1)
}
