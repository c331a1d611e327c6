//! TLS, client certificates, and certificates that change while the hub runs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hub::config::Tls;
use hub::{Config, Hub, StartError};
use reqwest::{Certificate, Identity, StatusCode};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::support::{TestHub, config, eventually, fixture};

/// Returns settings with copies of a fixture's certificate and key in `dir`.
pub(crate) fn tls(dir: &Path, name: &str) -> Tls {
    let tls = Tls {
        certificate: dir.join("certificate.pem"),
        key: dir.join("key.pem"),
        client_roots: None,
        refresh: Duration::from_millis(20),
    };
    put_certificate(&tls, name);
    tls
}

fn put_certificate(tls: &Tls, name: &str) {
    std::fs::copy(fixture(&format!("{name}.cert.pem")), &tls.certificate).expect("it is copied");
    std::fs::copy(fixture(&format!("{name}.key.pem")), &tls.key).expect("it is copied");
}

fn certificate(name: &str) -> CertificateDer<'static> {
    let path = fixture(&format!("{name}.cert.pem"));
    CertificateDer::from_pem_file(path).expect("a certificate")
}

/// Returns the certificate that the hub shows.
async fn shown(hub: &TestHub) -> CertificateDer<'static> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate("root")).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the defaults are good")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(hub.hub.local_addr()).await.expect("it listens");
    let name = ServerName::try_from("localhost").expect("a name");
    let stream = TlsConnector::from(Arc::new(client)).connect(name, stream).await;
    let stream = stream.expect("the handshake succeeds");
    let shown = stream.get_ref().1.peer_certificates().expect("it shows one");
    shown[0].clone().into_owned()
}

/// Returns a client that trusts the fixtures' root, with a fixture as its certificate.
pub(crate) fn client(identity: Option<&str>) -> reqwest::Client {
    let root = std::fs::read(fixture("root.cert.pem")).expect("the fixture is there");
    let root = Certificate::from_pem(&root).expect("a certificate");
    let mut builder = reqwest::Client::builder().tls_certs_only([root]);
    if let Some(name) = identity {
        let mut pem = std::fs::read(fixture(&format!("{name}.key.pem"))).expect("it is there");
        pem.extend(std::fs::read(fixture(&format!("{name}.cert.pem"))).expect("it is there"));
        builder = builder.identity(Identity::from_pem(&pem).expect("an identity"));
    }
    builder.build().expect("a client")
}

fn healthy(hub: &TestHub) -> String {
    format!("https://localhost:{}/healthy", hub.hub.local_addr().port())
}

#[tokio::test]
async fn serves_both_versions_of_http_over_tls() {
    let dir = tempfile::tempdir().expect("a directory");
    let tls = tls(dir.path(), "server-one");
    let hub = TestHub::start_with(|config| config.tls = Some(tls)).await;

    let response = client(None).get(healthy(&hub)).send().await.expect("it answers");

    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn takes_a_new_certificate_without_a_restart_and_keeps_the_old_one_if_it_is_bad() {
    let dir = tempfile::tempdir().expect("a directory");
    let files = tls(dir.path(), "server-one");
    let hub = TestHub::start_with(|config| config.tls = Some(files.clone())).await;
    assert_eq!(shown(&hub).await, certificate("server-one"));

    put_certificate(&files, "server-two");
    eventually(async || shown(&hub).await == certificate("server-two")).await;

    std::fs::write(&files.certificate, "half written").expect("it is written");
    std::fs::copy(fixture("server-one.key.pem"), &files.key).expect("it is copied");
    assert_eq!(shown(&hub).await, certificate("server-two"));
    std::fs::copy(fixture("server-one.cert.pem"), &files.certificate).expect("it is copied");
    eventually(async || shown(&hub).await == certificate("server-one")).await;
}

#[tokio::test]
async fn lets_in_only_clients_with_a_certificate_when_roots_are_given() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut tls = tls(dir.path(), "server-one");
    tls.client_roots = Some(fixture("root.cert.pem"));
    let hub = TestHub::start_with(|config| config.tls = Some(tls)).await;

    let known = client(Some("client")).get(healthy(&hub)).send().await.expect("it answers");

    assert_eq!(known.status(), StatusCode::OK);
    assert!(client(None).get(healthy(&hub)).send().await.is_err());
    // A certificate for servers, by the same root, is none for clients.
    assert!(client(Some("server-two")).get(healthy(&hub)).send().await.is_err());
}

#[tokio::test]
async fn refuses_to_start_with_a_key_of_another_certificate() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut config: Config = config(dir.path());
    let mut tls = tls(dir.path(), "server-one");
    tls.key = fixture("server-two.key.pem");
    config.tls = Some(tls);

    let error = Hub::start(config).await.expect_err("they do not belong together");

    assert!(matches!(error, StartError::Server(_)), "{error}");
    assert!(error.to_string().contains("belong"), "{error}");
}

#[tokio::test]
async fn closes_a_connection_that_does_not_shake_hands_in_time() {
    use tokio::io::AsyncReadExt;

    let dir = tempfile::tempdir().expect("a directory");
    let tls = tls(dir.path(), "server-one");
    let hub = TestHub::start_with(|config| {
        config.tls = Some(tls);
        config.limits.handshake_max = Duration::from_millis(300);
    })
    .await;
    let mut stream = TcpStream::connect(hub.hub.local_addr()).await.expect("it listens");

    let read = stream.read(&mut [0; 16]).await;

    assert_eq!(read.unwrap_or(0), 0);
}
