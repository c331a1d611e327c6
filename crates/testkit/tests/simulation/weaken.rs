//! Hubs that decide something wrongly, to see whether the checks find it.

/// What a hub's shell does other than it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weakness {
    /// It answers reads without asking how far the log is.
    ReadsAtOnce,
    /// It says that nothing was done where nobody knows.
    SaysNever,
    /// It takes its batch for placed when the store says that it is put.
    TrustsPuts,
    /// One hub leaves out the effect of an entry.
    SkipsAnEntry,
    /// It says that a change is done when it is on its way.
    AnswersEarly,
}
