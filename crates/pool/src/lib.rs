//! What hubs of several owners agree on: who belongs to the pool, in which order what they put
//! counts, what time it is, and who did what was wrong.
//!
//! The engine (etcd) gives one order of values under the hubs' keys and is trusted with nothing
//! else. Every hub gives each value it finds to [`Pool::judge`] and takes what comes of it into its
//! log and its [`State`]; both are functions of what was found before, so that a wrong value has
//! the same consequence, or none, on every hub. What must never happen here: I/O, a clock, a random
//! number, or a verdict that depends on anything but the state and the value.

mod batch;
mod canonical;
mod change;
mod command;
mod comparison;
mod confirmation;
mod evidence;
mod fault;
#[cfg(test)]
mod forms;
mod genesis;
mod keys;
mod lineage;
mod membership;
mod proof;
mod rules;
mod state;
mod text;
#[cfg(test)]
mod trial;

pub use batch::{
    AppliedHead, BATCH_BYTES_MAX, Batch, BatchError, CHANGES_PER_BATCH_MAX, COMMAND_BYTES_MAX,
    Contents, ENTRIES_PER_BATCH_MAX, ENTRY_BYTES_MAX, HEADER_BYTES_MAX, Header, Report, Slot,
    StateHash,
};
pub use canonical::Hash;
pub use change::{
    Action, CHANGE_BYTES_MAX, Change, OwnerKey, OwnerSignature, Refusal, SignError, SignedChange,
};
pub use command::{Bad, Command, FAMILY, PROPOSER, Placed, VERSION};
pub use comparison::{
    AGREEMENTS_TO_FORGET, Announced, Comparison, Mine, OwnLog, Standing, Subject, View,
};
pub use confirmation::{SignedHeader, announced_by_majority, confirmed};
pub use evidence::{EVIDENCE_FIRST_MAX, EVIDENCE_LAST_MAX, Evidence, Kind, Shelf};
pub use fault::{Consequence, Fault};
pub use genesis::{
    FingerprintError, Founding, GENESIS_BYTES_MAX, Genesis, GenesisError, GenesisHub, PoolId,
};
pub use keys::{KeyError, KeyPair, PublicKey, Signature};
pub use lineage::{LINEAGE_BYTES_MAX, Lineage, LineageError};
pub use membership::{
    BINDINGS_MAX, Binding, HUB_KEYS_MAX, HUBS_MAX, Hub, Membership, OWNERS_MAX, Owner, QuorumError,
};
pub use proof::{
    LEAVES_MAX, LogForm, PROOF_BYTES_MAX, PROOF_HEADERS_MAX, Proof, ProofBuilder, ProofError,
    Proven, REST_ENTRIES_MAX,
};
pub use rules::{FAMILIES_MAX, Rule, Rules, RulesError};
pub use state::{
    ApplyError, Effect, EntryFacts, Found, Heard, HubState, KEY_PREFIX, Pool, ReadEntry,
    STAMP_APART_MAX, SetAside, State, Verdict,
};
pub use text::{HubId, NameError, OwnerName, PartyName, PoolName};
