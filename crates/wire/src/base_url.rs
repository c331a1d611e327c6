//! Base URLs of USSs (F3548-21 `UssBaseURL`).

use std::net::Ipv6Addr;

use airspace::UssBaseUrl;

/// Which schemes a base URL may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Schemes {
    /// `https` alone.
    #[default]
    HttpsOnly,
    /// `http` too, for tests and closed networks.
    HttpAllowed,
}

/// A text is no base URL that other parties could call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// It does not begin with `https://` (or `http://`).
    #[error("it is no absolute http or https URL")]
    NotAbsolute,
    /// It is `http` where only `https` is allowed.
    #[error("it must be https")]
    NotHttps,
    /// It holds a character that no URL may hold.
    #[error("it holds a character that a URL may not hold")]
    Character,
    /// It names no host, or a malformed one.
    #[error("it has no valid host")]
    Host,
    /// Its port is no number up to 65535.
    #[error("it has no valid port")]
    Port,
    /// It carries a user name or a password, which every subscriber would be shown.
    #[error("it must not carry a user name or a password")]
    Credentials,
    /// It has a query or a fragment, so that no path can be appended.
    #[error("it must have neither a query nor a fragment")]
    QueryOrFragment,
}

impl Schemes {
    /// Tells whether `url` is an absolute URL of an allowed scheme, with nothing after its path.
    ///
    /// A trailing slash is accepted although the standard forbids it: clients send it.
    pub fn check(self, url: &UssBaseUrl) -> Result<(), BaseUrlError> {
        let (scheme, rest) = url.as_str().split_once("://").ok_or(BaseUrlError::NotAbsolute)?;
        let secure = scheme.eq_ignore_ascii_case("https");
        if !secure && !scheme.eq_ignore_ascii_case("http") {
            return Err(BaseUrlError::NotAbsolute);
        }
        if !secure && self == Schemes::HttpsOnly {
            return Err(BaseUrlError::NotHttps);
        }
        if rest.contains(['?', '#']) {
            return Err(BaseUrlError::QueryOrFragment);
        }
        if !rest.bytes().all(is_url_byte) {
            return Err(BaseUrlError::Character);
        }
        let authority = rest.split('/').next().expect("a split has a first part");
        check_authority(authority)
    }
}

fn check_authority(authority: &str) -> Result<(), BaseUrlError> {
    if authority.contains('@') {
        return Err(BaseUrlError::Credentials);
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(bracketed) => {
            let (address, after) = bracketed.split_once(']').ok_or(BaseUrlError::Host)?;
            address.parse::<Ipv6Addr>().map_err(|_| BaseUrlError::Host)?;
            (address, after.strip_prefix(':').or(after.is_empty().then_some("")))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, Some("")),
        },
    };
    if host.is_empty() || host.contains('[') {
        return Err(BaseUrlError::Host);
    }
    let port = port.ok_or(BaseUrlError::Host)?;
    // An empty port is the scheme's own (RFC 3986, section 3.2.3).
    let is_port = port.is_empty()
        || (port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok());
    if is_port { Ok(()) } else { Err(BaseUrlError::Port) }
}

/// Tells whether RFC 3986 lets a URL hold this byte.
fn is_url_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_absolute_urls_of_an_allowed_scheme_only() {
        let check = |url: &str, expected: Result<(), BaseUrlError>| {
            let text = UssBaseUrl::new(url).expect("a text without control characters");
            assert_eq!(Schemes::HttpsOnly.check(&text), expected, "{url}");
        };

        check("https://uss.example.com/utm", Ok(()));
        check("HTTPS://uss.example.com", Ok(()));
        check("https://uss.example.com:8443/utm/", Ok(()));
        check("https://localhost:8080", Ok(()));
        check("https://[2001:db8::1]:443/utm", Ok(()));
        check("https://[2001:db8::1]", Ok(()));
        check("https://uss.example.com:/", Ok(()));
        check("http://uss.example.com", Err(BaseUrlError::NotHttps));
        check("ftp://uss.example.com", Err(BaseUrlError::NotAbsolute));
        check("uss.example.com/utm", Err(BaseUrlError::NotAbsolute));
        check("//uss.example.com/utm", Err(BaseUrlError::NotAbsolute));
        check("https:/uss.example.com", Err(BaseUrlError::NotAbsolute));
        check("https://", Err(BaseUrlError::Host));
        check("https:///utm", Err(BaseUrlError::Host));
        check("https://:443/utm", Err(BaseUrlError::Host));
        check("https://[::1/utm", Err(BaseUrlError::Host));
        check("https://[::1]x/utm", Err(BaseUrlError::Host));
        check("https://[nonsense]/utm", Err(BaseUrlError::Host));
        check("https://host:65536", Err(BaseUrlError::Port));
        check("https://host:+80", Err(BaseUrlError::Port));
        check("https://host:80:80", Err(BaseUrlError::Port));
        check("https://user:secret@host/utm", Err(BaseUrlError::Credentials));
        check("https://host/utm?tenant=1", Err(BaseUrlError::QueryOrFragment));
        check("https://host/utm#part", Err(BaseUrlError::QueryOrFragment));
        check("https://host/a b", Err(BaseUrlError::Character));
        check("https://host/<a>", Err(BaseUrlError::Character));
        check("https://h\u{f6}st/utm", Err(BaseUrlError::Character));
    }

    #[test]
    fn accepts_http_where_it_is_allowed() {
        let url = UssBaseUrl::new("http://127.0.0.1:8083").expect("a valid text");

        assert_eq!(Schemes::HttpAllowed.check(&url), Ok(()));
    }
}
