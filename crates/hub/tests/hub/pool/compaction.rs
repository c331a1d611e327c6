//! etcd forgets while clients contend and hubs watch it.

use etcd::proxy::{Condition, Link, Proxy};
use hub::clock::Clock;
use testkit::contention::Contention;
use tokio::runtime::Handle;

use crate::support::{ALL_SCOPES, TestHub, token_at};

use super::fixture::TestPool;
use super::look::even;

/// How often etcd forgets, and how much clients do in between.
const COMPACTIONS: usize = 8;
const OPERATIONS: u64 = 30;

/// How often each operational intent must have been changed to say anything.
const CHANGES_MIN: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn loses_nothing_while_etcd_forgets_under_load_and_under_a_watch() {
    let Some(pool) = TestPool::start().await else { return };
    let clock = Clock::system();
    let listening = |number| {
        let mut settings = pool.settings(number);
        settings.peer_listen = Some(([127, 0, 0, 1], 0).into());
        settings
    };
    let start = async |settings| {
        TestHub::start_by(clock.clone(), |config| config.pool = Some(settings)).await
    };
    let (first, second) = (start(listening(0)).await, start(listening(1)).await);
    let link = Link::default();
    let url = &pool.cluster.urls()[0];
    let etcd = url.trim_start_matches("http://").parse().expect("an address");
    let proxy = Proxy::start(etcd, &link).expect("started");
    let mut settings = pool.settings(2);
    settings.etcd = vec![format!("http://{}", proxy.address())];
    for (name, hub) in [("alder-1", &first), ("birch-1", &second)] {
        let peer = format!("http://{}", hub.hub.peer_addr().expect("it listens"));
        settings.peers.insert(name.to_owned(), peer);
    }
    let third = start(settings).await;
    let hubs = [first, second, third];
    let addresses = [0, 1, 2].map(|number| hubs[number].hub.local_addr());
    let now_s = clock.now().as_micros() / 1_000_000;
    let contention = Contention::new(token_at(now_s, "uss1", ALL_SCOPES), 1);

    tokio::task::block_in_place(|| {
        let compact = || Handle::current().block_on(pool.compact());
        contention.while_doing(addresses[..2].to_vec(), || {
            contention.wait_for_more(OPERATIONS);
            // The third hub's watch ends, and what it misses is forgotten.
            link.set_both(Condition { is_cut: true, ..Condition::default() });
            proxy.break_connections();
            for _ in 0..COMPACTIONS {
                contention.wait_for_more(OPERATIONS);
                compact();
            }
            link.set_both(Condition::default());
            contention.set_hubs(addresses.to_vec());
            contention.wait_for_more_at(addresses[2], OPERATIONS);
        });
        contention.check(CHANGES_MIN);
    });

    even(&hubs).await;
}
