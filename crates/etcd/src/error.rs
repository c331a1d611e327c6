//! What becomes of a call.

use tonic::Code;

/// A call was not answered as it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// There was no answer: what was asked may have been done, and may still be.
    #[error("{url} did not answer: {why}")]
    Unanswered {
        /// Who was asked.
        url: String,
        /// What happened instead.
        why: String,
    },
    /// The store is full; nothing was done.
    #[error("the store of {url} is full")]
    Full {
        /// Who was asked.
        url: String,
    },
    /// It was refused; nothing was done.
    #[error("{url} refused: {why}")]
    Refused {
        /// Who was asked.
        url: String,
        /// Its words.
        why: String,
    },
}

impl CallError {
    /// Returns the error that a failed call of `url` ends with.
    pub(crate) fn of(url: &str, status: &tonic::Status) -> Self {
        let url = url.to_owned();
        let why = status.message();
        match status.code() {
            Code::ResourceExhausted if why.contains("database space exceeded") => {
                CallError::Full { url }
            }
            // A connection that is closed for too many frames has this code too, whatever was done.
            Code::ResourceExhausted if !why.starts_with("etcdserver: ") => {
                CallError::Unanswered { url, why: why.to_owned() }
            }
            Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::ResourceExhausted
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Unauthenticated => CallError::Refused { url, why: why.to_owned() },
            // Everything else, lost leaders and time limits of etcd's own among it, says nothing
            // about what was done.
            _ => CallError::Unanswered { url, why: format!("{}: {why}", status.code()) },
        }
    }

    /// Tells whether what was asked may have been done.
    pub fn is_unanswered(&self) -> bool {
        matches!(self, CallError::Unanswered { .. })
    }
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::*;

    fn of(code: Code, message: &str) -> CallError {
        CallError::of("http://127.0.0.1:1", &Status::new(code, message))
    }

    #[test]
    fn takes_only_plain_words_for_a_refusal() {
        for code in [Code::Unavailable, Code::Unknown, Code::Cancelled, Code::DeadlineExceeded] {
            assert!(of(code, "etcdserver: request timed out").is_unanswered(), "{code:?}");
        }
        for code in [Code::PermissionDenied, Code::InvalidArgument, Code::Unauthenticated] {
            assert!(!of(code, "etcdserver: permission denied").is_unanswered(), "{code:?}");
        }
    }

    #[test]
    fn knows_a_full_store() {
        let full = of(Code::ResourceExhausted, "etcdserver: mvcc: database space exceeded");

        assert!(matches!(full, CallError::Full { .. }));
        let busy = of(Code::ResourceExhausted, "etcdserver: too many requests");
        assert!(matches!(busy, CallError::Refused { .. }));
        let closed = of(Code::ResourceExhausted, "h2 protocol error: enhance your calm");
        assert!(closed.is_unanswered());
    }
}
