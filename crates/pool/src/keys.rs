//! Ed25519 keys and signatures.
//!
//! A signature says what it is for: what a hub signs as a batch is never good as the change of an
//! owner, even where one key does both.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use borsh::{BorshDeserialize, BorshSerialize};

use crate::canonical::{hex, parse_hex};

/// An Ed25519 public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct PublicKey([u8; 32]);

/// An Ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Signature([u8; 64]);

/// An Ed25519 key that signs; it never shows its secret.
pub struct KeyPair(Ed25519KeyPair);

/// Bytes or a text are no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// They are not an Ed25519 key in PKCS#8.
    #[error("it is not an Ed25519 key in PKCS#8")]
    Pkcs8,
    /// It is not 64 hexadecimal digits.
    #[error("it is not an Ed25519 public key in 64 hexadecimal digits")]
    Text,
}

/// What a signature is for; each begins its message in a way no other does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A hub put a batch.
    Batch,
    /// An owner wants a change.
    Change,
    /// Whoever signs has the key that a change names.
    Possession,
}

impl Purpose {
    fn message(self, bytes: &[u8]) -> Vec<u8> {
        let purpose: &[u8] = match self {
            Purpose::Batch => b"tansiq/pool/batch/1\0",
            Purpose::Change => b"tansiq/pool/change/1\0",
            Purpose::Possession => b"tansiq/pool/possession/1\0",
        };
        [purpose, bytes].concat()
    }
}

impl PublicKey {
    /// Returns the key of these bytes; whether it is one shows when something is verified.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        PublicKey(bytes)
    }

    /// Returns the bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Tells whether the owner of this key has signed `bytes` for this purpose.
    pub(crate) fn verify(&self, purpose: Purpose, bytes: &[u8], signature: &Signature) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, &self.0);
        key.verify(&purpose.message(bytes), &signature.0).is_ok()
    }
}

impl Signature {
    /// Returns the signature of these bytes.
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Signature(bytes)
    }

    /// Returns the bytes.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl KeyPair {
    /// Returns the key that a seed of 32 random bytes makes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        KeyPair(Ed25519KeyPair::from_seed_unchecked(seed).expect("every 32 bytes are a seed"))
    }

    /// Reads a key in PKCS#8 (DER), with its public key or without.
    pub fn from_pkcs8(bytes: &[u8]) -> Result<Self, KeyError> {
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(bytes);
        key.map(KeyPair).map_err(|_| KeyError::Pkcs8)
    }

    /// Returns the key in PKCS#8 (DER), version 1, as OpenSSL writes it.
    pub fn to_pkcs8(&self) -> Vec<u8> {
        let document = self.0.to_pkcs8v1().expect("a key has a PKCS#8 form");
        document.as_ref().to_vec()
    }

    /// Returns what others verify with.
    pub fn public_key(&self) -> PublicKey {
        let bytes = self.0.public_key().as_ref();
        PublicKey(bytes.try_into().expect("a public key of Ed25519 has 32 bytes"))
    }

    pub(crate) fn sign(&self, purpose: Purpose, bytes: &[u8]) -> Signature {
        let signature = self.0.sign(&purpose.message(bytes));
        Signature(signature.as_ref().try_into().expect("a signature of Ed25519 has 64 bytes"))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        parse_hex(text).map(PublicKey).ok_or(KeyError::Text)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyPair").field(&self.public_key()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032 7.1, test 1.
    const SEED: [u8; 32] = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c,
        0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae,
        0x7f, 0x60,
    ];
    const PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    #[test]
    fn makes_the_key_of_rfc_8032() {
        let key = KeyPair::from_seed(&SEED);

        assert_eq!(key.public_key().to_string(), PUBLIC);
        assert_eq!(PUBLIC.to_uppercase().parse(), Ok(key.public_key()));
        assert_eq!(PUBLIC[1..].parse::<PublicKey>(), Err(KeyError::Text));
        assert_eq!(format!("{key:?}"), format!("KeyPair({PUBLIC})"));
    }

    #[test]
    fn comes_back_from_pkcs8() {
        let key = KeyPair::from_seed(&SEED);

        let read = KeyPair::from_pkcs8(&key.to_pkcs8()).expect("it was just written");

        assert_eq!(read.public_key(), key.public_key());
        assert_eq!(KeyPair::from_pkcs8(&SEED).map(|_| ()), Err(KeyError::Pkcs8));
    }

    #[test]
    fn signs_for_one_purpose_only() {
        let key = KeyPair::from_seed(&SEED);
        let signature = key.sign(Purpose::Batch, b"bytes");

        assert!(key.public_key().verify(Purpose::Batch, b"bytes", &signature));
        assert!(!key.public_key().verify(Purpose::Change, b"bytes", &signature));
        assert!(!key.public_key().verify(Purpose::Possession, b"bytes", &signature));
        assert!(!key.public_key().verify(Purpose::Batch, b"bytez", &signature));
        let other = KeyPair::from_seed(&[1; 32]).public_key();
        assert!(!other.verify(Purpose::Batch, b"bytes", &signature));
    }

    #[test]
    fn verifies_nothing_with_bytes_that_are_no_key() {
        // y = 2 is on no point of the curve.
        let mut bytes = [0; 32];
        bytes[0] = 2;
        let key = PublicKey::from_bytes(bytes);

        assert!(!key.verify(Purpose::Batch, b"", &Signature::from_bytes([0; 64])));
    }
}
