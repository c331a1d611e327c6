//! Public keys that tokens are verified with, from PEM files and from JSON Web Keys.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

use super::der;

/// How many keys one file or one key set may hold.
pub const KEYS_PER_SOURCE_MAX: usize = 64;

/// RSA keys shorter than this can be broken.
const RSA_BITS_MIN: usize = 2_048;
const RSA_BITS_MAX: usize = 8_192;

const RSA_ALGORITHMS: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

/// DER contents of object identifiers (RFC 3279, RFC 5480, RFC 8410).
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const SECP256R1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const SECP384R1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// A public key, and what it verifies.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// Its name in a key set; a key of a file has none and is tried for every token.
    pub(super) kid: Option<String>,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) decoding: DecodingKey,
}

/// Bytes hold no keys to verify tokens with; each message says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is no PEM in it.
    #[error("it holds no public key in PEM; make one with `openssl pkey -in KEY -pubout`")]
    NoPem,
    /// It holds a private key.
    #[error("it holds a private key; give the public one (`openssl pkey -in KEY -pubout`)")]
    Private,
    /// A key is of no kind that verifies tokens here.
    #[error("it holds a key that is neither RSA of 2048 to 8192 bits, P-256, P-384 nor Ed25519")]
    Unsupported,
    /// There are too many.
    #[error("it holds more than {KEYS_PER_SOURCE_MAX} keys")]
    TooMany,
    /// It is not a key set.
    #[error("it is not a JSON Web Key Set")]
    NotKeySet,
}

/// A JSON Web Key (RFC 7517), as far as it matters here.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// Returns the keys of a PEM file: public keys and certificates.
pub(super) fn from_pem(text: &[u8]) -> Result<Vec<Key>, KeyError> {
    let sections = pem::parse_many(text).map_err(|_| KeyError::NoPem)?;
    let mut keys = Vec::new();
    for section in sections {
        let key = match section.tag() {
            "PUBLIC KEY" => der::expect(&mut section.contents(), der::SEQUENCE)
                .and_then(from_subject_public_key_info),
            "CERTIFICATE" => der::subject_public_key_info(section.contents())
                .and_then(from_subject_public_key_info),
            "RSA PUBLIC KEY" => from_rsa_public_key(section.contents()),
            tag if tag.ends_with("PRIVATE KEY") => return Err(KeyError::Private),
            _ => continue,
        };
        keys.push(key.ok_or(KeyError::Unsupported)?);
    }
    match keys.len() {
        0 => Err(KeyError::NoPem),
        1..=KEYS_PER_SOURCE_MAX => Ok(keys),
        _ => Err(KeyError::TooMany),
    }
}

/// Returns the keys of a key set that verify tokens here; it may hold others.
pub(super) fn from_key_set(json: &[u8]) -> Result<Vec<Key>, KeyError> {
    #[derive(Deserialize)]
    struct KeySet {
        keys: Vec<serde_json::Value>,
    }
    let set: KeySet = serde_json::from_slice(json).map_err(|_| KeyError::NotKeySet)?;
    if KEYS_PER_SOURCE_MAX < set.keys.len() {
        return Err(KeyError::TooMany);
    }
    let keys = set.keys.into_iter().filter_map(|value| {
        let jwk: Jwk = serde_json::from_value(value).ok()?;
        from_jwk(&jwk)
    });
    Ok(keys.collect())
}

/// Reads the content of a `SubjectPublicKeyInfo` (RFC 5280, section 4.1.2.7).
fn from_subject_public_key_info(content: &[u8]) -> Option<Key> {
    let mut rest = content;
    let mut algorithm = der::expect(&mut rest, der::SEQUENCE)?;
    let bits = der::expect(&mut rest, der::BIT_STRING)?;
    // The first byte counts unused bits: none in a key.
    let (0, key) = bits.split_first()? else { return None };
    let identifier = der::expect(&mut algorithm, der::OBJECT_IDENTIFIER)?;
    match identifier {
        RSA_ENCRYPTION => from_rsa_public_key(key),
        EC_PUBLIC_KEY => match der::expect(&mut algorithm, der::OBJECT_IDENTIFIER)? {
            SECP256R1 => from_ec_point(key, Algorithm::ES256),
            SECP384R1 => from_ec_point(key, Algorithm::ES384),
            _ => None,
        },
        ED25519 => from_ed25519(key),
        _ => None,
    }
}

/// Reads an `RSAPublicKey` (RFC 8017, appendix A.1.1).
fn from_rsa_public_key(bytes: &[u8]) -> Option<Key> {
    let mut rest = bytes;
    let mut content = der::expect(&mut rest, der::SEQUENCE)?;
    let modulus = der::expect(&mut content, der::INTEGER)?;
    der::expect(&mut content, der::INTEGER)?;
    rsa(modulus, DecodingKey::from_rsa_der(bytes))
}

fn rsa(modulus: &[u8], decoding: DecodingKey) -> Option<Key> {
    let leading_zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    let bits = (modulus.len() - leading_zeros) * 8;
    if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits) {
        return None;
    }
    Some(Key { kid: None, algorithms: RSA_ALGORITHMS.to_vec(), decoding })
}

/// Reads an uncompressed point (SEC 1, section 2.3.3).
fn from_ec_point(point: &[u8], algorithm: Algorithm) -> Option<Key> {
    let coordinate_bytes = if algorithm == Algorithm::ES256 { 32 } else { 48 };
    if point.first() != Some(&4) || point.len() != 1 + 2 * coordinate_bytes {
        return None;
    }
    let decoding = DecodingKey::from_ec_der(point);
    Some(Key { kid: None, algorithms: vec![algorithm], decoding })
}

fn from_ed25519(key: &[u8]) -> Option<Key> {
    if key.len() != 32 {
        return None;
    }
    let decoding = DecodingKey::from_ed_der(key);
    Some(Key { kid: None, algorithms: vec![Algorithm::EdDSA], decoding })
}

/// Returns the key, if it is one that verifies tokens here and not for something else.
fn from_jwk(jwk: &Jwk) -> Option<Key> {
    let signs = jwk.usage.as_deref().is_none_or(|usage| usage == "sig");
    let verifies =
        jwk.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|op| op == "verify"));
    if !signs || !verifies {
        return None;
    }
    let decode = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_ref()?).ok();
    let mut key = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => {
            let (n, e) = (decode(&jwk.n)?, decode(&jwk.e)?);
            rsa(&n, DecodingKey::from_rsa_raw_components(&n, &e))?
        }
        ("EC", Some("P-256")) => {
            from_ec_point(&point(&decode(&jwk.x)?, &decode(&jwk.y)?), Algorithm::ES256)?
        }
        ("EC", Some("P-384")) => {
            from_ec_point(&point(&decode(&jwk.x)?, &decode(&jwk.y)?), Algorithm::ES384)?
        }
        ("OKP", Some("Ed25519")) => from_ed25519(&decode(&jwk.x)?)?,
        _ => return None,
    };
    if let Some(name) = &jwk.alg {
        let named: Algorithm = name.parse().ok()?;
        key.algorithms.retain(|algorithm| *algorithm == named);
    }
    key.kid = jwk.kid.clone();
    (!key.algorithms.is_empty()).then_some(key)
}

fn point(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}
