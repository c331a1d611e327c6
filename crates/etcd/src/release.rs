//! Which releases of etcd a pool may be built on.

use std::fmt;

/// A release of etcd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    /// The third number.
    pub patch: u32,
}

/// A release of etcd is not one to build a pool on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    /// It is too old: a client limited to its own key can write others'.
    #[error("etcd {0} lets one client write another's keys; install 3.6.14, 3.7.1 or a later one")]
    TooOld(Release),
    /// It is of a later series than those that were tried.
    #[error("etcd {0} is of a series that this version of tansiq does not know; use 3.6 or 3.7")]
    Unknown(Release),
    /// It does not say which it is.
    #[error("etcd calls itself {0:?}, which is no release")]
    Malformed(String),
}

impl Release {
    /// Returns the release that calls itself so.
    pub fn parse(text: &str) -> Result<Self, ReleaseError> {
        let malformed = || ReleaseError::Malformed(text.chars().take(64).collect());
        // A release that is being prepared is called `3.8.0-rc.1`.
        let (numbers, suffix) = text.split_once('-').unwrap_or((text, ""));
        if !suffix.is_empty() {
            return Err(malformed());
        }
        let mut parts = numbers.split('.').map(|part| part.parse::<u32>().ok());
        let mut next = || parts.next().flatten().ok_or_else(malformed);
        let release = Release { major: next()?, minor: next()?, patch: next()? };
        if parts.next().is_some() {
            return Err(malformed());
        }
        Ok(release)
    }

    /// Refuses releases with which one owner could act in another's name (etcd #13766, #14211,
    /// CVE-2026-44283).
    pub fn check(self) -> Result<(), ReleaseError> {
        match (self.major, self.minor, self.patch) {
            (3, 6, 14..) | (3, 7, 1..) => Ok(()),
            (3, 8.., _) | (4.., _, _) => Err(ReleaseError::Unknown(self)),
            _ => Err(ReleaseError::TooOld(self)),
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), ReleaseError> {
        Release::parse(text).expect("a release").check()
    }

    #[test]
    fn accepts_the_releases_that_keep_clients_apart() {
        for text in ["3.6.14", "3.6.20", "3.7.1", "3.7.3"] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn refuses_those_that_do_not() {
        for text in ["2.3.8", "3.4.23", "3.5.99", "3.6.13", "3.7.0", "0.6.14"] {
            assert!(matches!(check(text), Err(ReleaseError::TooOld(_))), "{text}");
        }
        for text in ["3.8.0", "4.0.0"] {
            assert!(matches!(check(text), Err(ReleaseError::Unknown(_))), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_release() {
        for text in ["", "3", "3.7", "3.7.1.2", "3.7.x", "3.7.1-rc.0", "-3.7.1", "v3.7.1"] {
            assert!(matches!(Release::parse(text), Err(ReleaseError::Malformed(_))), "{text}");
        }
    }
}
