//! The texts of OVNs and versions.

use airspace::{EntityId, NextOvn, Ovn};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use spacetime::Timestamp;

pub(super) fn next_ovn(id: EntityId, next: NextOvn) -> Ovn {
    let text = match next {
        NextOvn::Random(bytes) => URL_SAFE_NO_PAD.encode(bytes),
        NextOvn::Requested(suffix) => format!("{id}_{suffix}"),
    };
    Ovn::new(&text).expect("an OVN is short and not empty")
}

/// The hash of an id and the time of its last change, as deployed hubs make versions.
pub(super) fn hashed(id: &str, updated_at: Timestamp) -> String {
    let time = jiff::Timestamp::from_microsecond(updated_at.as_micros())
        .expect("years 0000 to 9999 are in its range");
    let hash = Sha256::digest(format!("{id}{time}"));
    STANDARD.encode(hash).replace('+', "-").replace('/', ".").replace('=', "_")
}
