//! Certificates that are not the pool's, on either side.

use std::path::PathBuf;

use etcd::messages::RangeRequest;
use etcd::server::{Cluster, Options, ServerTls};
use etcd::{Client, Tls};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::support::{TestHub, eventually, fixture as file};

use super::fixture::{ETCD_ANSWER_MAX, TestPool, program};
use super::look::ready;

/// Whom a hub trusts, and what it shows.
struct Certificates {
    ca: &'static str,
    cert: &'static str,
    key: &'static str,
}

const GOOD: Certificates =
    Certificates { ca: "root.cert.pem", cert: "client.cert.pem", key: "client.key.pem" };

fn member(cluster: &Cluster) -> etcd::Member {
    let read = |name| std::fs::read(file(name)).expect("the fixture is there");
    let tls = Tls { ca: read(GOOD.ca), cert: read(GOOD.cert), key: read(GOOD.key) };
    let config = etcd::Config { endpoints: cluster.urls(), tls: Some(tls) };
    Client::new(&config).expect("good").member()
}

/// Starts an etcd that lets in who has a certificate of the fixtures' root.
fn start(pool: &TestPool) -> Cluster {
    let dir: PathBuf = pool.dir.path().join("with-certificates");
    let mut options = Options::new(program().expect("one runs").clone(), dir, 1);
    options.tls = Some(ServerTls {
        ca: file("root.cert.pem"),
        cert: file("server-one.cert.pem"),
        key: file("server-one.key.pem"),
    });
    options.flags = vec!["--enable-grpc-gateway=false".to_owned()];
    Cluster::start(options).expect("started")
}

#[tokio::test(flavor = "multi_thread")]
async fn reaches_no_etcd_with_wrong_certificates_and_writes_nothing() {
    let Some(pool) = TestPool::start().await else { return };
    let cluster = start(&pool);
    let member = member(&cluster);
    let founded = async || log::pool::found(&member, &pool.genesis, None).await.is_ok();
    eventually(founded).await;
    let keys = async || {
        let request = RangeRequest {
            key: "log/".into(),
            range_end: "log0".into(),
            ..RangeRequest::default()
        };
        member.range(request, ETCD_ANSWER_MAX).await.expect("it answers").count
    };
    let settings_with = |certificates: &Certificates| {
        let mut settings = pool.settings(0);
        settings.etcd = cluster.urls();
        settings.etcd_ca = Some(file(certificates.ca));
        settings.etcd_cert = Some(file(certificates.cert));
        settings.etcd_key = Some(file(certificates.key));
        settings
    };

    // An etcd that this hub's owners have not signed, and a hub that the etcd's owners have not.
    let strangers = [
        Certificates { ca: "rsa.cert.pem", ..GOOD },
        Certificates { cert: "rsa.cert.pem", key: "rsa.key.pem", ..GOOD },
    ];
    // A start waits for etcd: both at once.
    let kept_out = strangers.map(|stranger| {
        let settings = settings_with(&stranger);
        spawn_blocking(|| Handle::current().block_on(is_kept_out(settings)))
    });
    for hub in kept_out {
        hub.await.expect("it is kept out");
    }
    assert_eq!(keys().await, 0);

    let settings = settings_with(&GOOD);
    let hub = TestHub::start_with(|config| config.pool = Some(settings)).await;
    eventually(async || ready(&hub).await.0).await;
    assert_eq!(keys().await, 1);
}

async fn is_kept_out(settings: hub::config::Pool) {
    let hub = TestHub::start_with(|config| config.pool = Some(settings)).await;
    let problem = "check the endpoints, the certificates and that it runs";
    eventually(async || ready(&hub).await.1.contains(problem)).await;
    assert!(!ready(&hub).await.0);
    hub.hub.shutdown().await;
}
