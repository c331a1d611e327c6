//! Ports on loopback for processes that are killed and started again.
//!
//! A port that the system has handed out is free again when its process is killed, and may be the
//! next one's: of a listener, or of whoever connects somewhere. Those here are below what Linux
//! hands out by itself (32768 to 60999 unless configured), so that a process finds its port again.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// The first port, and how many there are.
const FIRST: u32 = 10_000;
const COUNT: u32 = 22_000;

/// How far apart processes begin to look that were started one after the other.
const APART: u32 = 1_009;

/// Returns addresses on loopback that were free a moment ago, all different.
///
/// # Errors
/// If all ports are taken.
pub fn free_addresses(count: usize) -> io::Result<Vec<SocketAddr>> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let begin = std::process::id().wrapping_mul(APART);
    let steps = (0..COUNT).map(|_| NEXT.fetch_add(1, Ordering::Relaxed));
    free_among(steps.map(|step| FIRST + begin.wrapping_add(step) % COUNT), count)
}

fn free_among(ports: impl Iterator<Item = u32>, count: usize) -> io::Result<Vec<SocketAddr>> {
    // They are held until all are known, so that none is found twice.
    let mut held = Vec::new();
    let mut ports = ports.map(|port| u16::try_from(port).expect("it is below 32768"));
    while held.len() < count {
        let port = ports.next().ok_or(io::ErrorKind::AddrInUse)?;
        held.extend(TcpListener::bind((Ipv4Addr::LOCALHOST, port)));
    }
    held.iter().map(TcpListener::local_addr).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn finds_ports_that_the_system_hands_out_to_nobody() {
        let some = [free_addresses(20), free_addresses(20)];

        let all: BTreeSet<_> = some.into_iter().flat_map(|some| some.expect("free")).collect();
        assert_eq!(all.len(), 40);
        assert!(all.iter().all(|address| (10_000..32_768).contains(&address.port())));
    }

    #[test]
    fn leaves_out_what_is_taken_and_tells_when_all_are() {
        let addresses = free_addresses(2).expect("they are free");
        let ports = || addresses.iter().map(|address| u32::from(address.port()));
        let _held = TcpListener::bind(addresses[0]).expect("it was free");

        assert_eq!(free_among(ports(), 1).expect("one is free"), addresses[1..]);
        let error = free_among(ports(), 2).expect_err("the other is taken");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }
}
