//! Owners that are far from each other: what goes between them takes as long as it does there.
//!
//! Each owner's hub and member of etcd are next to each other. Members reach each other, and hubs
//! the other owners' members and hubs, through proxies of this process.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use etcd::proxy::{Condition, Link, Mesh, Proxy};
use etcd::server::Cluster;

/// How far owners may be from each other, one way, in milliseconds, and by how much that may vary.
pub(crate) const DELAY_MS_MAX: f64 = 200.0;

/// Up to what round trip etcd's own intervals are kept; `docs/pool.md` names it.
const ROUND_TRIP_MAX: Duration = Duration::from_millis(50);

/// How many heartbeats etcd waits for before it elects another leader; `docs/pool.md` names it.
const HEARTBEATS_PER_ELECTION: u128 = 10;

/// From what the length of each delay is drawn.
const SEED: u64 = 7;

/// How far apart owners are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Distance {
    /// How long everything takes from one to another, one way.
    pub(crate) delay: Duration,
    /// How much longer or shorter it may take.
    pub(crate) jitter: Duration,
}

/// What lies between owners; gone when it is dropped.
#[derive(Debug)]
pub(super) struct Network {
    /// Between members.
    _mesh: Mesh,
    /// Before each member, for hubs of other owners.
    members: Vec<Proxy>,
    /// Before each hub, for hubs of other owners.
    peers: Vec<Proxy>,
}

impl Distance {
    /// Returns the flags that etcd needs at this distance, as `docs/pool.md` has it.
    pub(super) fn etcd_flags(self) -> Vec<String> {
        let round_trip = 2 * (self.delay + self.jitter);
        if round_trip <= ROUND_TRIP_MAX {
            return Vec::new();
        }
        let heartbeat_ms = round_trip.as_micros().div_ceil(1_000);
        let election_ms = HEARTBEATS_PER_ELECTION * heartbeat_ms;
        vec![
            format!("--heartbeat-interval={heartbeat_ms}"),
            format!("--election-timeout={election_ms}"),
        ]
    }

    fn condition(self) -> Condition {
        let Distance { delay, jitter } = self;
        Condition { jitter, ..Condition::delayed(delay) }
    }
}

impl Network {
    /// Starts the members of a cluster that far apart; `peers` is where hubs listen for hubs.
    pub(super) fn start(
        distance: Distance,
        cluster: &mut Cluster,
        peers: &[SocketAddr],
    ) -> io::Result<Self> {
        let condition = distance.condition();
        let mesh = Mesh::start_seeded(&cluster.peer_addresses(), SEED)?;
        mesh.set_all(condition);
        cluster.advertise_peers(&mesh.addresses());
        for number in 0..peers.len() {
            cluster.start_member(number)?;
            mesh.set_process(number, cluster.pid(number).expect("it was just started"));
        }
        let mut seeds = (SEED + 1_000)..;
        let mut before = |target: &SocketAddr| {
            let link = Link::seeded(seeds.next().expect("there is always another number"));
            link.set_both(condition);
            Proxy::start(*target, &link)
        };
        let members =
            cluster.client_addresses().iter().map(&mut before).collect::<Result<_, _>>()?;
        let peers = peers.iter().map(&mut before).collect::<Result<_, _>>()?;
        Ok(Network { _mesh: mesh, members, peers })
    }

    /// Makes of the members' URLs those at which the hub with this number reaches them: its own
    /// directly.
    pub(super) fn put_before(&self, urls: &mut [String], number: usize, scheme: &str) {
        for (other, (url, proxy)) in urls.iter_mut().zip(&self.members).enumerate() {
            if other != number {
                *url = format!("{scheme}://{}", proxy.address());
            }
        }
    }

    /// Returns where hubs reach hubs of other owners.
    pub(super) fn peers(&self) -> Vec<SocketAddr> {
        self.peers.iter().map(Proxy::address).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(delay_ms: f64, jitter_ms: f64) -> Vec<String> {
        let [delay, jitter] = [delay_ms, jitter_ms].map(|ms| Duration::from_secs_f64(ms / 1e3));
        Distance { delay, jitter }.etcd_flags()
    }

    #[test]
    fn sets_the_intervals_of_etcd_where_round_trips_are_longer_than_it_expects() {
        assert_eq!(flags(16.5, 7.5), [""; 0]);
        assert_eq!(flags(25.0, 0.0), [""; 0]);
        assert_eq!(flags(25.2, 0.0), ["--heartbeat-interval=51", "--election-timeout=510"]);
        let farthest = flags(DELAY_MS_MAX, DELAY_MS_MAX);
        assert_eq!(farthest, ["--heartbeat-interval=800", "--election-timeout=8000"]);
    }
}
