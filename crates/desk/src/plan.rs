//! Decides where and when a flight goes: pure, synchronous, deterministic.
//!
//! A course becomes volumes ([`corridor`]). A move delays all of them by whole steps of time and
//! lifts or lowers them by whole steps of altitude ([`moves`]). Because a move changes no outline,
//! whether two outlines meet is asked once for each pair; the pair then forbids exactly one
//! rectangle of moves, in integers ([`board`]). The least disturbing move that no rectangle forbids
//! is found without trying candidates one by one.
//!
//! It must never do I/O or read a clock, and it never guesses: an obstacle whose volumes are not
//! known cannot be given to it.

pub(crate) mod board;
pub(crate) mod bounded;
pub(crate) mod corridor;
pub(crate) mod decide;
pub(crate) mod moves;
pub(crate) mod rectangle;
pub(crate) mod search;

/// How many volumes an operational intent of ours has; longer courses get larger volumes.
pub const VOLUMES_PER_INTENT_MAX: usize = 64;
