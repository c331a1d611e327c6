//! Which process has made a connection, as Linux tells in `/proc`.

use std::fs;
use std::net::{IpAddr, SocketAddr, TcpStream};

/// Tells which of some processes has made a connection that was accepted on this machine.
pub(super) fn maker_of(accepted: &TcpStream, processes: &[u32]) -> Option<u32> {
    let (theirs, ours) = (accepted.peer_addr().ok()?, accepted.local_addr().ok()?);
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let inode = inode_in(&table, theirs, ours)?;
    let socket = format!("socket:[{inode}]");
    processes.iter().copied().find(|process| has_open(*process, &socket))
}

/// Finds the inode of the socket with these ends in the table that Linux prints.
fn inode_in(table: &str, local: SocketAddr, remote: SocketAddr) -> Option<&str> {
    let (local, remote) = (printed(local)?, printed(remote)?);
    table.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let is_it = words.nth(1)? == local && words.next()? == remote;
        is_it.then(|| words.nth(6)).flatten()
    })
}

/// Returns an address as Linux prints it: the bytes in the order of the machine.
fn printed(address: SocketAddr) -> Option<String> {
    let IpAddr::V4(ip) = address.ip() else { return None };
    let word = u32::from_ne_bytes(ip.octets());
    Some(format!("{word:08X}:{:04X}", address.port()))
}

fn has_open(process: u32, socket: &str) -> bool {
    // A process that has ended has nothing open.
    let Ok(open) = fs::read_dir(format!("/proc/{process}/fd")) else { return false };
    open.flatten()
        .any(|file| fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == socket))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 101 1
   1: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 102 1
   2: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 103 1
";

    #[test]
    #[cfg(target_endian = "little")]
    fn finds_the_side_that_connected() {
        let server: SocketAddr = "127.0.0.1:8080".parse().expect("an address");
        let client: SocketAddr = "127.0.0.1:50000".parse().expect("an address");

        assert_eq!(inode_in(TABLE, client, server), Some("102"));
        assert_eq!(inode_in(TABLE, server, client), Some("103"));
        assert_eq!(inode_in(TABLE, client, client), None);
    }
}
