//! Proxies before all members of a cluster, with a condition for each pair, each way.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::process::maker_of;
use super::{Condition, Link, Proxy, Way};

/// How long a connection waits until it is known which member has made it.
pub const PROCESS_WAIT_MAX: Duration = Duration::from_secs(5);

/// Proxies before all members of a cluster.
#[derive(Debug)]
pub struct Mesh {
    members: Arc<Members>,
    /// By who connects, then by whom to.
    links: Vec<Vec<Link>>,
    proxies: Vec<Proxy>,
}

/// The process of each member that runs.
#[derive(Debug)]
struct Members {
    processes: Mutex<Vec<Option<u32>>>,
    changed: Condvar,
}

impl Mesh {
    /// Starts a proxy before each member; `targets` is where they listen for each other.
    pub fn start(targets: &[SocketAddr]) -> io::Result<Self> {
        Self::start_seeded(targets, 0)
    }

    /// Starts it so that its links draw what they draw from a seed, each otherwise.
    pub fn start_seeded(targets: &[SocketAddr], seed: u64) -> io::Result<Self> {
        let members = Arc::new(Members {
            processes: Mutex::new(vec![None; targets.len()]),
            changed: Condvar::new(),
        });
        let mut seeds = seed..;
        let mut link = || Link::seeded(seeds.next().expect("there is always another number"));
        let links: Vec<Vec<Link>> =
            targets.iter().map(|_| targets.iter().map(|_| link()).collect()).collect();
        let mut proxies = Vec::new();
        for (to, target) in targets.iter().enumerate() {
            let from: Vec<Link> = links.iter().map(|links| links[to].clone()).collect();
            let members = Arc::clone(&members);
            let sort = move |client: &TcpStream| Some(from[members.maker_of(client)?].clone());
            proxies.push(Proxy::start_sorted(*target, sort)?);
        }
        Ok(Mesh { members, links, proxies })
    }

    /// Returns where members are to look for each other.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.proxies.iter().map(Proxy::address).collect()
    }

    /// Says that a member runs as this process.
    pub fn set_process(&self, member: usize, process: u32) {
        self.members.lock()[member] = Some(process);
        self.members.changed.notify_all();
    }

    /// Changes how what `from` says reaches `to`, whichever of them has connected.
    pub fn set(&self, from: usize, to: usize, condition: Condition) {
        self.links[from][to].set(Way::There, condition);
        self.links[to][from].set(Way::Back, condition);
    }

    /// Changes how everything reaches everybody.
    pub fn set_all(&self, condition: Condition) {
        for from in 0..self.links.len() {
            for to in 0..self.links.len() {
                self.set(from, to, condition);
            }
        }
    }

    /// Cuts both ways between these members and all others.
    pub fn isolate(&self, members: &[usize]) {
        let others = (0..self.links.len()).filter(|other| !members.contains(other));
        for other in others {
            for member in members {
                self.set(*member, other, Condition::CUT);
                self.set(other, *member, Condition::CUT);
            }
        }
    }

    /// Makes everything good again.
    pub fn heal(&self) {
        self.set_all(Condition::default());
    }

    /// Drops all connections to a member.
    pub fn break_connections(&self, member: usize) {
        self.proxies[member].break_connections();
    }
}

impl Members {
    /// Returns the member that has made a connection, once it is known as a process.
    fn maker_of(&self, accepted: &TcpStream) -> Option<usize> {
        let mut processes = self.lock();
        loop {
            let running: Vec<u32> = processes.iter().flatten().copied().collect();
            if let Some(maker) = maker_of(accepted, &running) {
                return processes.iter().position(|process| *process == Some(maker));
            }
            let waited = self.changed.wait_timeout(processes, PROCESS_WAIT_MAX);
            let (again, waited) = waited.expect("nobody panics while holding this lock");
            if waited.timed_out() {
                return None;
            }
            processes = again;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Option<u32>>> {
        self.processes.lock().expect("nobody panics while holding this lock")
    }
}
