//! How many files and sockets the process may have open.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Limits;

/// How many descriptors are kept for the log, snapshots, keys and the admin listener.
pub const DESCRIPTORS_RESERVED: u64 = 256;

/// Raises the soft limit of open descriptors to the hard one, and returns it.
///
/// For an executable's start: a library does not change its process.
pub fn raise_descriptor_limit() -> io::Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    Ok(limit.maximum.unwrap_or(u64::MAX))
}

/// Returns how many connections may be open: as configured, or as many as there are descriptors.
pub(super) fn connections_max(limits: &Limits) -> usize {
    let configured = u64::from(limits.connections_max);
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let possible = descriptors.saturating_sub(DESCRIPTORS_RESERVED).max(1);
    if possible < configured {
        tracing::warn!(
            connections.max = possible,
            "fewer connections than configured: raise the hard limit of open files (ulimit -Hn)"
        );
    }
    usize::try_from(configured.min(possible)).expect("connections_max is a u32")
}
