//! What the stored forms of this crate share: each value has exactly one form in bytes.
//!
//! Borsh is canonical by itself but for the order in lists that stand for sets; whoever has such a
//! list checks it with [`is_ascending`] after reading.

use std::io;

use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest, Sha256};

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// Returns the bytes of a value.
pub(crate) fn to_bytes(value: &impl BorshSerialize) -> Vec<u8> {
    borsh::to_vec(value).expect("writing to memory does not fail")
}

/// Returns the bytes of a value after the number of its form.
pub(crate) fn to_bytes_of_form(form: u8, value: &impl BorshSerialize) -> Vec<u8> {
    let mut bytes = vec![form];
    borsh::to_writer(&mut bytes, value).expect("writing to memory does not fail");
    bytes
}

/// Reads a value after the number of its form; nothing may follow it.
pub(crate) fn from_bytes_of_form<T: BorshDeserialize>(form: u8, bytes: &[u8]) -> io::Result<T> {
    match bytes.split_first() {
        Some((&first, rest)) if first == form => T::try_from_slice(rest),
        Some((&first, _)) => Err(invalid(format!("form {first} is not known"))),
        None => Err(invalid("there are no bytes")),
    }
}

/// Returns SHA-256 over the parts, one after the other.
pub(crate) fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Tells whether each item is greater than the one before, so that a set has one form.
pub(crate) fn is_ascending<T, K: Ord + ?Sized>(items: &[T], key: impl Fn(&T) -> &K) -> bool {
    items.windows(2).all(|pair| key(&pair[0]) < key(&pair[1]))
}

/// Returns the error of bytes that are not what they should be.
pub(crate) fn invalid(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// Returns lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads 32 bytes of hexadecimal digits in any case; white space between them is skipped.
pub(crate) fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|character| !character.is_ascii_whitespace())
        .map(|character| character.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits: [u8; 64] = digits?.try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    Some(bytes)
}
