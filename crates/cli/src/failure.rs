//! Why a command ends otherwise than well, and the exit code that says so.

use std::fmt;
use std::process::ExitCode;

/// Why a command did not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A check that was asked for failed: a proof, a log, a comparison. Exit code 1.
    Check(String),
    /// The command could not be begun or carried out as asked. Exit code 2.
    Refused(String),
    /// Whoever read standard output wants no more (`tansiq log show DIR | head`). Exit code 0.
    ReaderGone,
}

impl Failure {
    /// Returns a refusal that tells `what` failed and why, with the whole chain of causes.
    pub(crate) fn refused(what: &str, error: &dyn std::error::Error) -> Self {
        Failure::Refused(format!("{what}: {}", chain(error)))
    }

    /// Returns the code that the process ends with.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Failure::Check(_) => ExitCode::from(1),
            Failure::Refused(_) => ExitCode::from(2),
            Failure::ReaderGone => ExitCode::SUCCESS,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Check(message) | Failure::Refused(message) => f.write_str(message),
            Failure::ReaderGone => f.write_str("the reader of standard output has gone"),
        }
    }
}

/// Returns an error's message followed by those of its causes, each said once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let message = cause.to_string();
        if !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot open the log")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("the disk is full")]
    struct Inner;

    #[test]
    fn tells_every_cause_once() {
        assert_eq!(chain(&Outer(Inner)), "cannot open the log: the disk is full");
    }
}
