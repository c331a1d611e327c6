//! Hashes as people and other programs see them: lower-case hexadecimal.

/// Returns bytes in hexadecimal.
pub(crate) fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the bytes that a text of hexadecimal digits stands for.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// Returns the hash that 64 hexadecimal digits stand for.
pub(crate) fn decode_hash(text: &str) -> Option<[u8; 32]> {
    decode(text)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_nothing_else() {
        assert_eq!(encode(&[0, 0x5a, 0xff]), "005aff");
        assert_eq!(decode("005aFF"), Some(vec![0, 0x5a, 0xff]));
        for wrong in ["0", "0g", "+1", "\u{ff11}0"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
        assert_eq!(decode_hash(&encode(&[7; 32])), Some([7; 32]));
        assert_eq!(decode_hash(&encode(&[7; 31])), None);
    }
}
