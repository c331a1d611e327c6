//! Which version of Tansiq this is.

use std::sync::LazyLock;

/// The commit that is built, if the environment of the build says so.
const COMMIT: Option<&str> = option_env!("TANSIQ_COMMIT");

const _: () = assert!(
    is_build_metadata(COMMIT),
    "TANSIQ_COMMIT must be letters, digits, hyphens and dots, such as a commit's hash"
);

/// Returns the version of this build, a semantic one.
///
/// It is the release's number and, if `TANSIQ_COMMIT` was set when it was built, `+` and that: what
/// is built from an archive of the source does not know its commit and does not pretend to.
pub fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| compose(env!("CARGO_PKG_VERSION"), COMMIT));
    &VERSION
}

fn compose(number: &str, commit: Option<&str>) -> String {
    match commit {
        None | Some("") => number.to_owned(),
        Some(commit) => format!("{number}+{commit}"),
    }
}

/// Tells whether a text may follow `+` (Semantic Versioning 2.0.0, 10), or is not there.
const fn is_build_metadata(text: Option<&str>) -> bool {
    let Some(text) = text else { return true };
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if !(first.is_ascii_alphanumeric() || *first == b'-' || *first == b'.') {
            return false;
        }
        rest = tail;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_commit_if_it_is_known() {
        assert_eq!(compose("1.2.3", Some("af0648f")), "1.2.3+af0648f");
        assert_eq!(compose("1.2.3", None), "1.2.3");
        assert_eq!(compose("1.2.3", Some("")), "1.2.3");
        assert!(version().starts_with(env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn takes_for_a_commit_what_a_semantic_version_can_hold() {
        assert!(is_build_metadata(None));
        assert!(is_build_metadata(Some("af0648f-dirty.1")));
        assert!(!is_build_metadata(Some("af0648f dirty")));
        assert!(!is_build_metadata(Some("a+b")));
    }
}
