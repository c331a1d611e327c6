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
pub(crate) struct Acceptor {
    tls: Tls,
    present: RwLock<Present>,
}

/// The certificates, in PEM, of the authorities that TLS stands on at a moment.
#[derive(Debug)]
pub(crate) struct Authorities {
    /// Those whose clients are let in: empty if clients need no certificate.
    pub(crate) accepted: Vec<String>,
    /// Those that lead from this server's own certificate towards its root.
    pub(crate) own: Vec<String>,
}

struct Present {
    files: Files,
    acceptor: TlsAcceptor,
    authorities: Arc<Authorities>,
}

/// The contents of the files, to notice that they changed.
#[derive(PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_roots: Option<Vec<u8>>,
}

impl Acceptor {
    /// Reads the files.
    pub(crate) fn load(tls: &Tls) -> Result<Self, TlsError> {
        let present = Present::new(Files::read(tls)?, tls)?;
        Ok(Acceptor { tls: tls.clone(), present: RwLock::new(present) })
    }

    /// Returns what connections are accepted with at this moment.
    pub(crate) fn authorities(&self) -> Arc<Authorities> {
        let present = self.present.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&present.authorities)
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
        let present = Present::new(files, &self.tls)?;
        *self.present.write().unwrap_or_else(PoisonError::into_inner) = present;
        Ok(true)
    }
}

impl Present {
    fn new(files: Files, tls: &Tls) -> Result<Self, TlsError> {
        let chain = certificates(&files.certificate);
        // The server's own is the first, each other one certifies the one before (RFC 8446, 4.4.2).
        let own = chain.iter().skip(1).map(pem_text).collect();
        let mut roots = RootCertStore::empty();
        let mut accepted = Vec::new();
        for root in files.client_roots.as_deref().map(certificates).unwrap_or_default() {
            let text = pem_text(&root);
            // What cannot be read as a root lets nobody in.
            if roots.add(root).is_ok() {
                accepted.push(text);
            }
        }
        let acceptor = files.acceptor(tls, chain, roots)?;
        Ok(Present { files, acceptor, authorities: Arc::new(Authorities { accepted, own }) })
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

    fn acceptor(
        &self,
        tls: &Tls,
        chain: Vec<CertificateDer<'static>>,
        roots: RootCertStore,
    ) -> Result<TlsAcceptor, TlsError> {
        if chain.is_empty() {
            return Err(empty("certificate", "certificate", &tls.certificate));
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| empty("key", "private key", &tls.key))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Unusable)?;
        let builder = match &tls.client_roots {
            Some(path) => {
                if roots.is_empty() {
                    return Err(empty("client_roots", "certificate", path));
                }
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .build()
                        .map_err(TlsError::Roots)?;
                builder.with_client_cert_verifier(verifier)
            }
            None => builder.with_no_client_auth(),
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

fn pem_text(certificate: &CertificateDer<'_>) -> String {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new("CERTIFICATE", certificate.as_ref()), config)
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
