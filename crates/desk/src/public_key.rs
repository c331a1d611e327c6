//! Where the keys of others come from when none are named.

use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{KeyPair, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;

/// How many characters a line of a PEM file has (RFC 7468).
const LINE_LENGTH: usize = 64;

/// The public half of a private key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PublicKeyError {
    /// A file cannot be read or written.
    #[error("cannot use the file {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds no RSA private key.
    #[error("{} holds no RSA private key as PKCS#8 in PEM", path.display())]
    NotAKey {
        /// Which.
        path: PathBuf,
    },
}

/// Returns where the authorization server of a token endpoint publishes its keys, by custom.
pub(crate) fn key_set_url(token_url: &str) -> Option<String> {
    let mut url = Url::parse(token_url).ok()?;
    url.set_path("/.well-known/jwks.json");
    url.set_query(None);
    url.set_fragment(None);
    Some(url.into())
}

/// Writes the public half of a private key into a directory, and returns where.
pub(crate) fn write_public_half(
    key_file: &Path,
    directory: &Path,
) -> Result<PathBuf, PublicKeyError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| PublicKeyError::File { path, source }
    };
    let not_a_key = || PublicKeyError::NotAKey { path: key_file.to_owned() };
    let pem = std::fs::read_to_string(key_file).map_err(failed(key_file))?;
    let pair =
        RsaKeyPair::from_pkcs8(&der(&pem).ok_or_else(not_a_key)?).map_err(|_| not_a_key())?;
    let public = pair.public_key().as_der().map_err(|_| not_a_key())?;
    let path = directory.join("token-key.pub.pem");
    std::fs::write(&path, written(public.as_ref())).map_err(failed(&path))?;
    Ok(path)
}

fn der(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (body, _) = rest.split_once("-----END PRIVATE KEY-----")?;
    let base64: String = body.split_whitespace().collect();
    STANDARD.decode(base64).ok()
}

fn written(der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
    for line in base64.as_bytes().chunks(LINE_LENGTH) {
        pem.push_str(std::str::from_utf8(line).expect("base64 is ASCII"));
        pem.push('\n');
    }
    pem.push_str("-----END PUBLIC KEY-----\n");
    pem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_the_authorization_server_for_its_keys() {
        assert_eq!(
            key_set_url("http://localhost:8085/token?sub=alder").as_deref(),
            Some("http://localhost:8085/.well-known/jwks.json")
        );
        assert_eq!(key_set_url("no url"), None);
    }

    #[test]
    fn refuses_a_file_that_holds_no_key() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("key.pem");
        std::fs::write(&file, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
            .expect("written");

        let refused = write_public_half(&file, directory.path());

        assert!(matches!(refused, Err(PublicKeyError::NotAKey { .. })));
    }
}
