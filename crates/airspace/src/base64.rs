//! Base64 in the alphabets that OVNs and versions are written in.

/// RFC 4648 section 5, without padding: OVNs.
pub(crate) const URL_SAFE: Alphabet = Alphabet { last: *b"-_", padding: None };

/// What deployed hubs write versions in.
pub(crate) const VERSION: Alphabet = Alphabet { last: *b"-.", padding: Some('_') };

/// How 64 values are written: letters and digits as in RFC 4648, then these.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alphabet {
    last: [u8; 2],
    padding: Option<char>,
}

/// Returns `bytes` written in `alphabet`.
pub(crate) fn encode(alphabet: Alphabet, bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let mut bits = 0_u32;
        for place in 0..3 {
            bits = bits << 8 | u32::from(group.get(place).copied().unwrap_or(0));
        }
        for place in 0..=group.len() {
            text.push(alphabet.letter(bits >> (18 - 6 * place) & 63));
        }
        if let Some(padding) = alphabet.padding {
            text.extend(std::iter::repeat_n(padding, 3 - group.len()));
        }
    }
    text
}

impl Alphabet {
    fn letter(self, value: u32) -> char {
        let value = value as u8;
        let letter = match value {
            0..=25 => b'A' + value,
            26..=51 => b'a' + value - 26,
            52..=61 => b'0' + value - 52,
            62 => self.last[0],
            _ => self.last[1],
        };
        char::from(letter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_vectors_of_rfc_4648() {
        let vectors = [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ];
        for (bytes, text) in vectors {
            assert_eq!(encode(URL_SAFE, bytes.as_bytes()), text);
        }
    }

    #[test]
    fn writes_the_last_two_values_and_the_padding_of_each_alphabet() {
        let bytes = [0xfb, 0xff, 0xfe, 0xff];

        assert_eq!(encode(URL_SAFE, &bytes), "-__-_w");
        assert_eq!(encode(VERSION, &bytes), "-..-.w__");
    }
}
