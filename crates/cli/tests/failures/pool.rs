//! A pool of real processes: as many hubs as members of etcd, an owner for each pair.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use etcd::ports::free_addresses;
use etcd::server::{Cluster, Options};
use rustix::process::{Pid, Signal, kill_process};

use crate::net::Net;
use crate::scope;
use crate::support::{AUDIENCE, Place, Process, display, tansiq, tansiq_ok, text};

const OWNERS: [&str; 5] = ["alder", "birch", "cedar", "elm", "fir"];

/// How long a member may take to say how it is.
const MEMBER_ANSWER_MAX: Duration = Duration::from_secs(2);

/// How often is looked for what must come, and how long is waited between.
const LOOKS_MAX: u32 = 1_200;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// The pool, its processes and its network.
pub(crate) struct Pool {
    pub(crate) net: Net,
    pub(crate) hubs: Vec<Hub>,
    pub(crate) token: String,
    members: Cluster,
    place: Place,
}

/// A hub of the pool, which runs or not.
pub(crate) struct Hub {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) data: PathBuf,
    config: PathBuf,
    process: Option<Process>,
}

/// What a hub is asked for by its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consistency {
    Linearizable,
    Local,
}

impl Pool {
    /// Starts a pool of so many hubs and members, if there is an etcd.
    pub(crate) fn start(sites: usize, consistency: Consistency) -> Option<Self> {
        let built = etcd::program::built_path();
        let program = match etcd::program::find(None, &scope::folders(), &built) {
            Ok(program) => program,
            Err(error) => {
                scope::say(&format!("skipped: no pool was tried through failures: {error}"));
                return None;
            }
        };
        let place = Place::new();
        let options = Options::new(program, place.path("etcd"), sites);
        let mut members = Cluster::prepare(options).expect("ports are free");
        let peers = free_addresses(sites).expect("ports are free");
        let clients: Vec<_> = members.urls().iter().map(|url| address_in(url)).collect();
        let net = Net::new(&clients, &members.peer_addresses(), &peers);
        members.advertise_peers(&net.members.addresses());
        let hubs = (0..sites).map(|site| Hub::new(&place, site)).collect();
        let token = place.token("contender");
        let mut pool = Pool { net, hubs, token, members, place };
        pool.start_members();
        pool.found();
        for (site, peer) in peers.iter().enumerate() {
            pool.configure(site, *peer, consistency);
        }
        pool.start_hubs();
        Some(pool)
    }

    /// Starts the members that do not run.
    pub(crate) fn start_members(&mut self) {
        for member in 0..self.hubs.len() {
            if !self.is_member_running(member) {
                self.members.start_member(member).expect("started");
                let process = self.members.pid(member).expect("it was started");
                self.net.members.set_process(member, process);
            }
        }
    }

    /// Starts the hubs that do not run, all at once, and waits until they listen.
    pub(crate) fn start_hubs(&mut self) {
        let mut started = Vec::new();
        for (number, hub) in self.hubs.iter_mut().enumerate() {
            if hub.process.is_none() {
                let process = Process::start(&["hub", "--config", &display(&hub.config)]);
                self.net.hubs.set_process(number, process.id());
                hub.process = Some(process);
                started.push(number);
            }
        }
        for number in started {
            let hub = &mut self.hubs[number];
            let process = hub.process.as_ref().expect("it was started");
            let address = |text| process.wait_for_line(text).parse().expect("an address");
            hub.address = address("the hub listens on ");
            hub.admin = address("health and metrics are on ");
        }
    }

    /// Kills a hub as a power cut would.
    pub(crate) fn kill_hub(&mut self, number: usize) {
        self.hubs[number].process.take().expect("it runs").kill();
    }

    /// Kills a member as a power cut would.
    pub(crate) fn kill_member(&mut self, number: usize) {
        self.members.kill_member(number).expect("killed");
    }

    /// Kills everything.
    pub(crate) fn kill_all(&mut self) {
        for number in 0..self.hubs.len() {
            self.kill_hub(number);
            self.kill_member(number);
        }
    }

    /// Sends a signal to a hub.
    pub(crate) fn signal_hub(&self, number: usize, signal: Signal) {
        self.hubs[number].process.as_ref().expect("it runs").signal(signal);
    }

    /// Sends a signal to a member.
    pub(crate) fn signal_member(&self, number: usize, signal: Signal) {
        let process = self.members.pid(number).expect("it runs");
        let process = i32::try_from(process).ok().and_then(Pid::from_raw).expect("a process");
        kill_process(process, signal).expect("it runs");
    }

    pub(crate) fn is_member_running(&self, number: usize) -> bool {
        self.members.pid(number).is_some()
    }

    /// Makes everything good again: the network, and what was stopped or killed.
    pub(crate) fn restore(&mut self) {
        self.net.heal();
        for number in 0..self.hubs.len() {
            if self.hubs[number].is_running() {
                self.signal_hub(number, Signal::CONT);
            }
            if self.is_member_running(number) {
                self.signal_member(number, Signal::CONT);
            }
        }
        self.start_members();
        self.start_hubs();
    }

    /// Ends all hubs as their operators would.
    pub(crate) fn end_hubs(&mut self) {
        for number in 0..self.hubs.len() {
            self.signal_hub(number, Signal::TERM);
        }
        for hub in &mut self.hubs {
            let mut process = hub.process.take().expect("it runs");
            assert!(process.wait().success(), "{} did not end well", hub.name);
        }
    }

    /// Returns where the hubs answer that run.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.hubs.iter().filter(|hub| hub.is_running()).map(|hub| hub.address).collect()
    }

    /// Waits until the members have a leader, and returns which of them that is; only those are
    /// asked that run.
    pub(crate) fn leader(&self) -> usize {
        wait_until("the members have a leader", || {
            let urls = self.members.urls();
            let mut running = (0..urls.len()).filter(|member| self.is_member_running(*member));
            running.find(|member| says_that_it_leads(&urls[*member])).ok_or_else(String::new)
        })
    }

    /// Makes everybody's keys and the genesis, and etcd the pool's, with the commands that owners use.
    fn found(&self) {
        let out = display(self.place.dir.path());
        let genesis = display(&self.place.path("genesis"));
        let mut cards = Vec::new();
        for (owner, hub) in OWNERS.iter().zip(&self.hubs) {
            tansiq_ok(&["pool", "keys", "owner", owner, "--out", &out]);
            tansiq_ok(&["pool", "keys", "hub", &hub.name, "--owner", owner, "--out", &out]);
            cards.push(display(&self.place.path(&format!("{owner}.owner.toml"))));
            cards.push(display(&self.place.path(&format!("{}.hub.toml", hub.name))));
        }
        let cards: Vec<&str> = cards.iter().map(String::as_str).collect();
        let command = ["pool", "init", "genesis", "--name", "trial", "--out", &genesis];
        tansiq_ok(&[&command[..], &cards].concat());
        let urls = self.members.urls();
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        let command = ["pool", "init", "etcd", "--no-auth", "--genesis", &genesis, "--etcd"];
        let command = [&command[..], &urls].concat();
        wait_until("the members are founded", || {
            let output = tansiq(&command);
            if output.status.success() { Ok(()) } else { Err(text(&output.stderr)) }
        });
    }

    fn configure(&self, number: usize, peer: SocketAddr, consistency: Consistency) {
        let hub = &self.hubs[number];
        let consistency = match consistency {
            Consistency::Linearizable => "linearizable",
            Consistency::Local => "local",
        };
        let mut config = format!(
            "listen = '127.0.0.1:0'\nadmin_listen = '127.0.0.1:0'\ndata = '{}'\n\
             [log]\nsnapshot_entries = 150\n\
             [tokens]\npublic_keys = ['{}']\naudiences = ['{AUDIENCE}']\n\
             [pool]\ngenesis = '{}'\nhub = '{}'\nkey = '{}'\netcd = {:?}\n\
             peer_listen = '{peer}'\nconsistency = '{consistency}'\n[pool.peers]\n",
            display(&hub.data),
            self.place.public_key(),
            display(&self.place.path("genesis")),
            hub.name,
            display(&self.place.path(&format!("{}.key.pem", hub.name))),
            self.net.urls(number),
        );
        let others = self.hubs.iter().zip(self.net.hubs.addresses()).enumerate();
        for (_, (other, address)) in others.filter(|(other, _)| *other != number) {
            writeln!(config, "{} = 'http://{address}'", other.name).expect("memory does not fail");
        }
        std::fs::write(&hub.config, config).expect("written");
    }
}

impl Hub {
    fn new(place: &Place, site: usize) -> Self {
        let name = format!("{}-1", OWNERS[site]);
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Hub {
            data: place.path(&format!("{name}-data")),
            config: place.path(&format!("{name}.toml")),
            name,
            address: nowhere,
            admin: nowhere,
            process: None,
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.process.is_some()
    }
}

/// Looks until it comes; what is seen instead is told if it does not.
pub(crate) fn wait_until<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let mut seen = String::new();
    for _ in 0..LOOKS_MAX {
        match look() {
            Ok(found) => return found,
            Err(instead) => seen = instead,
        }
        lasts(BETWEEN_LOOKS);
    }
    panic!("it does not come: {what}; instead: {seen}");
}

/// Lets what was done to the pool last for a time.
#[expect(
    clippy::disallowed_methods,
    reason = "nothing tells that a failure has lasted long enough"
)]
pub(crate) fn lasts(time: Duration) {
    std::thread::sleep(time);
}

fn says_that_it_leads(url: &str) -> bool {
    let config = etcd::Config { endpoints: vec![url.to_owned()], tls: None };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let answer = runtime.expect("a runtime").block_on(async {
        let member = etcd::Client::new(&config).expect("good").member();
        member.status(MEMBER_ANSWER_MAX).await
    });
    let own = |header: &etcd::messages::ResponseHeader| header.member_id;
    answer.is_ok_and(|status| status.header.as_ref().map(own) == Some(status.leader))
}

fn address_in(url: &str) -> SocketAddr {
    let (_, address) = url.split_once("//").expect("a URL");
    address.parse().expect("an address")
}
