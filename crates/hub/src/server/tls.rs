//! TLS by rustls, with certificates that are read again when their files change.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::Tls;

/// How many bytes a file of certificates or keys may have.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Why TLS cannot be set up; each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}; give tls.{field} an existing PEM file", path.display())]
    Unreadable {
        /// Which setting names it.
        field: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file holds nothing of what it should.
    #[error("{} holds no {what} in PEM; give tls.{field} one that does", path.display())]
    Empty {
        /// Which setting names it.
        field: &'static str,
        /// What it should hold.
        what: &'static str,
        /// Which file.
        path: PathBuf,
    },
    /// What the files hold does not fit together.
    #[error("the TLS certificate and key cannot be used; do they belong to each other?")]
    Unusable(#[source] rustls::Error),
    /// The roots cannot verify clients.
    #[error("the roots in tls.client_roots cannot verify client certificates")]
    Roots(#[source] rustls::server::VerifierBuilderError),
}

/// Accepts TLS connections with the present certificate.
pub(super) struct Acceptor {
    tls: Tls,
    present: RwLock<Present>,
}

struct Present {
    files: Files,
    acceptor: TlsAcceptor,
}

/// The contents of the files, to notice that they changed.
#[derive(PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_roots: Option<Vec<u8>>,
}

impl Acceptor {
    pub(super) fn load(tls: &Tls) -> Result<Self, TlsError> {
        let files = Files::read(tls)?;
        let acceptor = files.acceptor(tls)?;
        Ok(Acceptor { tls: tls.clone(), present: RwLock::new(Present { files, acceptor }) })
    }

    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let acceptor = {
            let present = self.present.read().unwrap_or_else(PoisonError::into_inner);
            present.acceptor.clone()
        };
        acceptor.accept(stream).await
    }

    /// Looks at the files again and again until the server stops.
    pub(super) async fn renew(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut failing = false;
        loop {
            tokio::select! {
                _ = stop.changed() => return,
                () = tokio::time::sleep(self.tls.refresh) => {}
            }
            match self.look() {
                Ok(changed) => {
                    if changed {
                        tracing::info!("the TLS certificate was renewed");
                    }
                    failing = false;
                }
                Err(error) if !failing => {
                    tracing::error!(%error, "the TLS certificate cannot be renewed; the last one stays");
                    failing = true;
                }
                Err(_) => {}
            }
        }
    }

    /// Takes the files' contents if they changed; tells whether they did.
    fn look(&self) -> Result<bool, TlsError> {
        let files = Files::read(&self.tls)?;
        if self.present.read().unwrap_or_else(PoisonError::into_inner).files == files {
            return Ok(false);
        }
        let acceptor = files.acceptor(&self.tls)?;
        *self.present.write().unwrap_or_else(PoisonError::into_inner) = Present { files, acceptor };
        Ok(true)
    }
}

impl Files {
    fn read(tls: &Tls) -> Result<Self, TlsError> {
        let roots = tls.client_roots.as_deref();
        Ok(Files {
            certificate: read("certificate", &tls.certificate)?,
            key: read("key", &tls.key)?,
            client_roots: roots.map(|path| read("client_roots", path)).transpose()?,
        })
    }

    fn acceptor(&self, tls: &Tls) -> Result<TlsAcceptor, TlsError> {
        let chain = certificates(&self.certificate);
        if chain.is_empty() {
            return Err(empty("certificate", "certificate", &tls.certificate));
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| empty("key", "private key", &tls.key))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Unusable)?;
        let builder = match (&self.client_roots, &tls.client_roots) {
            (Some(text), Some(path)) => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(certificates(text));
                if roots.is_empty() {
                    return Err(empty("client_roots", "certificate", path));
                }
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .build()
                        .map_err(TlsError::Roots)?;
                builder.with_client_cert_verifier(verifier)
            }
            _ => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(TlsError::Unusable)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Acceptor").field("tls", &self.tls).finish_non_exhaustive()
    }
}

fn certificates(text: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(text).filter_map(Result::ok).collect()
}

fn read(field: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |source| TlsError::Unreadable { field, path: path.to_owned(), source };
    if FILE_BYTES_MAX < std::fs::metadata(path).map_err(unreadable)?.len() {
        return Err(unreadable(io::ErrorKind::FileTooLarge.into()));
    }
    std::fs::read(path).map_err(unreadable)
}

fn empty(field: &'static str, what: &'static str, path: &Path) -> TlsError {
    TlsError::Empty { field, what, path: path.to_owned() }
}
