//! As much of DER (X.690) as finds the public key in a key or a certificate.

/// A tag and its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
}

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
/// `[0] EXPLICIT`, the version of a certificate.
const VERSION: u8 = 0xa0;

/// Takes the first element off `rest`.
pub(super) fn next<'a>(rest: &mut &'a [u8]) -> Option<Element<'a>> {
    let (&tag, after_tag) = rest.split_first()?;
    let (&first, after_length) = after_tag.split_first()?;
    let (length, body) = match first {
        0..=0x7f => (usize::from(first), after_length),
        0x81..=0x84 => {
            let (digits, body) = after_length.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), body)
        }
        _ => return None,
    };
    let (content, after) = body.split_at_checked(length)?;
    *rest = after;
    Some(Element { tag, content })
}

/// Takes the first element off `rest`, if it has this tag, and returns its content.
pub(super) fn expect<'a>(rest: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    next(rest).filter(|element| element.tag == tag).map(|element| element.content)
}

/// Returns the content of a certificate's `subjectPublicKeyInfo` (RFC 5280, section 4.1).
pub(super) fn subject_public_key_info(certificate: &[u8]) -> Option<&[u8]> {
    let mut rest = certificate;
    let mut certificate = expect(&mut rest, SEQUENCE)?;
    let mut to_be_signed = expect(&mut certificate, SEQUENCE)?;
    let mut after_version = to_be_signed;
    if next(&mut after_version)?.tag == VERSION {
        to_be_signed = after_version;
    }
    expect(&mut to_be_signed, INTEGER)?;
    // Signature algorithm, issuer, validity, subject.
    for _ in 0..4 {
        expect(&mut to_be_signed, SEQUENCE)?;
    }
    expect(&mut to_be_signed, SEQUENCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_short_and_long_lengths() {
        let long = [&[0x04, 0x82, 0x01, 0x00][..], &[7; 256], &[0x02, 0x01, 0x05]].concat();
        let mut rest = &long[..];

        assert_eq!(next(&mut rest).map(|element| element.content.len()), Some(256));
        assert_eq!(expect(&mut rest, INTEGER), Some(&[5][..]));
        assert_eq!(next(&mut rest), None);
    }

    #[test]
    fn refuses_what_is_cut_off_or_of_no_length() {
        for bytes in [&[0x02][..], &[0x02, 2, 1], &[0x30, 0x80, 0, 0], &[0x04, 0x82, 1]] {
            assert_eq!(next(&mut &bytes[..]), None, "{bytes:?}");
        }
    }
}
