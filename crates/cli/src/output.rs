//! Writing results to standard output; everything else goes to standard error.

use std::fmt;
use std::io::{self, Write};

use crate::failure::Failure;

/// Writes one line to standard output.
pub(crate) fn line(text: impl fmt::Display) -> Result<(), Failure> {
    writeln!(io::stdout().lock(), "{text}").map_err(|error| stdout_failed(&error))
}

/// Returns the failure of a write to standard output.
pub(crate) fn stdout_failed(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::ReaderGone;
    }
    Failure::refused("cannot write to standard output", error)
}

/// Writes one line to standard error; a closed standard error is no reason to stop.
pub(crate) fn note(text: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
