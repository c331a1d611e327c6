//! What the environment says about these tests, and how they tell what they did.

use std::io::Write;

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// A case of each kind.
    Some,
    /// Everything.
    All,
}

/// Returns how much is tried.
pub(crate) fn scope() -> Scope {
    match variable("TANSIQ_FAILURES").as_deref() {
        None | Some("some") => Scope::Some,
        Some("all") => Scope::All,
        Some(other) => panic!("TANSIQ_FAILURES is neither `some` nor `all`: {other}"),
    }
}

/// Returns what decides what happens at random.
pub(crate) fn seed() -> u64 {
    match variable("TANSIQ_FAILURES_SEED") {
        None => 20_261_124,
        Some(text) => text.parse().unwrap_or_else(|_| panic!("the seed is no number: {text}")),
    }
}

/// Returns the folders that programs are looked for in.
pub(crate) fn folders() -> Vec<std::path::PathBuf> {
    variable("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// Says something around the capture of what tests print.
pub(crate) fn say(what: &str) {
    // Without a standard error there is nobody to tell.
    let _ = std::io::stderr().write_all(format!("{what}\n").as_bytes());
}

#[expect(clippy::disallowed_methods, reason = "the tests' own switches are read here only")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
