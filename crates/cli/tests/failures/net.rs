//! The network of a pool: whom each hub and each member of etcd reaches, each way.
//!
//! Site n is hub n and member n, of one owner.

use std::net::SocketAddr;

use etcd::proxy::{Condition, Link, Mesh, Proxy, Way};

/// Proxies before everything that hubs and members connect to.
pub(crate) struct Net {
    /// Between members.
    pub(crate) members: Mesh,
    /// Between hubs, which ask each other directly.
    pub(crate) hubs: Mesh,
    /// By hub, then by member.
    doors: Vec<Vec<Door>>,
}

/// The way of one hub to one member.
struct Door {
    link: Link,
    proxy: Proxy,
}

/// What is cut between a hub and a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    Both,
    /// What the hub says does not arrive.
    There,
    /// What the member says does not arrive.
    Back,
}

impl Net {
    /// Stands before members, for clients and for each other, and before hubs for each other.
    pub(crate) fn new(clients: &[SocketAddr], members: &[SocketAddr], hubs: &[SocketAddr]) -> Self {
        let door = |member: &SocketAddr| {
            let link = Link::default();
            Door { proxy: Proxy::start(*member, &link).expect("started"), link }
        };
        Net {
            members: Mesh::start(members).expect("started"),
            hubs: Mesh::start(hubs).expect("started"),
            doors: hubs.iter().map(|_| clients.iter().map(door).collect()).collect(),
        }
    }

    /// Returns where a hub finds the members, that of its own site first.
    pub(crate) fn urls(&self, hub: usize) -> Vec<String> {
        let doors = self.doors[hub].iter();
        let mut urls: Vec<_> =
            doors.map(|door| format!("http://{}", door.proxy.address())).collect();
        urls.rotate_left(hub);
        urls
    }

    /// Cuts a hub from a member.
    pub(crate) fn cut(&self, hub: usize, member: usize, cut: Cut) {
        let link = &self.doors[hub][member].link;
        if cut != Cut::Back {
            link.set(Way::There, Condition::CUT);
        }
        if cut != Cut::There {
            link.set(Way::Back, Condition::CUT);
        }
    }

    /// Cuts a hub from all members.
    pub(crate) fn cut_off(&self, hub: usize, cut: Cut) {
        for member in 0..self.doors[hub].len() {
            self.cut(hub, member, cut);
        }
    }

    /// Cuts some sites from all others.
    pub(crate) fn isolate(&self, sites: &[usize]) {
        self.members.isolate(sites);
        self.hubs.isolate(sites);
        for hub in 0..self.doors.len() {
            for member in 0..self.doors.len() {
                if sites.contains(&hub) != sites.contains(&member) {
                    self.cut(hub, member, Cut::Both);
                }
            }
        }
    }

    /// Changes how everything reaches everybody; what is of one site is beside each other.
    pub(crate) fn set_all(&self, condition: Condition) {
        self.members.set_all(condition);
        self.hubs.set_all(condition);
        for (hub, doors) in self.doors.iter().enumerate() {
            for (member, door) in doors.iter().enumerate() {
                let beside = hub == member && !condition.is_cut;
                door.link.set_both(if beside { Condition::default() } else { condition });
            }
        }
    }

    /// Makes everything good again.
    pub(crate) fn heal(&self) {
        self.set_all(Condition::default());
    }
}
