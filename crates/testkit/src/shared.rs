//! Material that lies beside the repository and not in it: the standards' API descriptions,
//! recorded traffic, recorded answers. A user's machine has none of it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Returns the directory `shared` beside the repository, or the one that the environment names in
/// `TANSIQ_SHARED`; `None` when it is not there.
#[expect(
    clippy::disallowed_methods,
    reason = "a test has no composition root, and this is the only variable that tests read"
)]
pub fn shared_dir() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let dir = std::env::var_os("TANSIQ_SHARED").map_or_else(beside, PathBuf::from);
    dir.is_dir().then_some(dir)
}

/// Says that `what` was not tested since [`shared_dir`] is not there.
///
/// It goes around the capture of test output: a test that tested nothing must be seen.
pub fn skip(what: &str) {
    let notice = format!("skipped: {what}: there is no ../shared (or TANSIQ_SHARED)\n");
    // Without a standard error there is nobody to tell.
    let _ = io::stderr().write_all(notice.as_bytes());
}
