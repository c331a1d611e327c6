//! Begins a hub's copy with a snapshot of another hub, where entries are too many or not to be had.
//!
//! Before the log is opened. Nobody has to believe the other hub: the proof leads from the genesis to
//! the keys of more than half of the hubs, which have signed the state's hash and the log behind it,
//! and the bytes must come to that state. A hub that gives something else is left for the next.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use log::pool::{FORM, Witness};
use log::{Beginning, Head, Position};
use pool::{AppliedHead, Evidence, Genesis, Kind, PROOF_BYTES_MAX, Proof, ProofError, Proven};
use sha2::{Digest, Sha256};

use super::evidence::EvidenceStore;
use super::offer::PIECE_BYTES_MAX;
use super::peers::{AskError, Peer, Peers};
use super::{PartError, read_genesis};
use crate::config::{Config, Pool};
use crate::replica::States;

mod way;

use way::{Mine, Other, way};

/// How many bytes a snapshot may have that is taken from another hub.
pub const SNAPSHOT_BYTES_MAX: u64 = 64 << 30;

/// How often all other hubs are asked for a snapshot before the start is given up.
pub const ROUNDS_MAX: u32 = 5;

/// How long is waited between two rounds.
const ROUND_PAUSE: Duration = Duration::from_secs(2);

/// How long a hub may take to make the proof of a snapshot and to give it.
const PROOF_ANSWER_MAX: Duration = Duration::from_secs(60);

/// How long a hub may take to give a piece.
const PIECE_ANSWER_MAX: Duration = Duration::from_secs(30);

/// How many bytes of a proof are kept as evidence.
const EVIDENCE_BYTES_MAX: usize = 1 << 20;

/// A file in the hub's data that says: only a snapshot can help at the next start.
const WANTED_NAME: &str = "snapshot.wanted";

/// A file in the hub's data that a snapshot is put together in.
const PART_NAME: &str = "snapshot.part";

/// What a hub begins with.
struct Newcomer {
    data: PathBuf,
    genesis: Genesis,
    told: Option<AppliedHead>,
    peers: Peers,
}

/// What asking all other hubs once came to.
enum Round {
    Taken,
    Refused {
        refusals: Vec<String>,
        /// One has a good snapshot, but it cannot be told whether its log holds the told head.
        is_head_unknown: bool,
    },
}

/// A snapshot could not be had from a hub.
#[derive(Debug, thiserror::Error)]
enum TakeError {
    #[error(transparent)]
    Ask(#[from] AskError),
    /// What the hub gives is not what it must be.
    #[error("it gives a snapshot that is none: {why}")]
    Lie { position: u64, why: String, bytes: Vec<u8> },
    /// What it gives is good, and not of the log whose head was told.
    #[error(transparent)]
    Told(ProofError),
    /// This hub cannot keep it.
    #[error("it cannot be kept: {0}")]
    Own(String),
}

/// Begins the copy with a snapshot, if that is the way for this hub; holds the copy against the head
/// that the owners have told, if it holds that.
pub(crate) async fn prepare(config: &Config, settings: &Pool) -> Result<(), PartError> {
    let told = settings.newcomer.told().expect("the configuration was checked");
    let data = config.data.clone();
    let looked = blocking(move || look(&data, told.as_ref())).await?;
    // What is wrong with a copy that cannot be read is said by who opens it.
    let Some(mine) = looked? else { return Ok(()) };
    if settings.peers.is_empty() {
        return Ok(());
    }
    let genesis = read_genesis(&settings.genesis)?;
    let peers = Peers::new(settings, genesis.fingerprint())?;
    let newcomer = Newcomer { data: config.data.clone(), genesis, told, peers };
    newcomer.begin(mine, settings.newcomer.entries_max).await
}

/// Says that at the next start only a snapshot can help.
pub(crate) fn want_snapshot(data: &Path) -> io::Result<()> {
    fs::write(data.join(WANTED_NAME), b"")
}

/// Looks at the copy as it is, `None` where it cannot be read.
fn look(data: &Path, told: Option<&AppliedHead>) -> Result<Option<Mine>, PartError> {
    let is_wanted = data.join(WANTED_NAME).exists();
    let Ok(head) = log::head_if_begun(data) else { return Ok(None) };
    let position = head.position.number();
    if let Some(told) = told.filter(|told| told.position <= position)
        && let Some(at) = Position::new(told.position)
        && let Ok(Some(chain)) = log::chain_at(data, at)
        && 0 < position
        && chain != told.chain
    {
        return Err(PartError::OtherHead(ProofError::OtherHead(told.position)));
    }
    Ok(Some(Mine { position, is_wanted }))
}

impl Newcomer {
    async fn begin(&self, mine: Mine, entries_max: u64) -> Result<(), PartError> {
        let mut refusals = Vec::new();
        for round in 0..ROUNDS_MAX {
            if round != 0 {
                tokio::time::sleep(ROUND_PAUSE).await;
            }
            let others = self.others().await;
            let way = way(mine, others.iter().map(|(_, other)| *other), entries_max);
            if !way.takes_snapshot {
                return Ok(());
            }
            tracing::info!(
                log.position = mine.position,
                log.missing = way.missing,
                "this hub begins with a snapshot of another"
            );
            refusals = match self.ask(others.into_iter().map(|(peer, _)| peer)).await? {
                Round::Taken => return Ok(()),
                // Whether entries are the way then is for the operator to decide.
                Round::Refused { refusals, is_head_unknown } if is_head_unknown => refusals,
                Round::Refused { .. } if way.has_entries => {
                    tracing::warn!("no hub gave a snapshot: every entry is taken instead");
                    return Ok(());
                }
                Round::Refused { refusals, .. } => refusals,
            };
        }
        Err(PartError::NoSnapshot(refusals.join("; ")))
    }

    /// Asks one hub after the other.
    async fn ask(&self, peers: impl Iterator<Item = &Peer>) -> Result<Round, PartError> {
        let mut refusals = Vec::new();
        let mut is_head_unknown = false;
        for peer in peers {
            let hub = peer.hub.as_str();
            let error = match self.take(peer).await {
                Ok(()) => return Ok(Round::Taken),
                Err(TakeError::Told(error @ ProofError::OtherHead(_))) => {
                    return Err(PartError::OtherHead(error));
                }
                Err(error) => error,
            };
            tracing::warn!(%error, hub.id = hub, "a hub gave no snapshot to begin with");
            refusals.push(format!("{hub}: {error}"));
            is_head_unknown |= matches!(error, TakeError::Told(_));
            self.testify(peer, error).await?;
        }
        Ok(Round::Refused { refusals, is_head_unknown })
    }

    /// Returns the hubs that answer, those that are furthest first.
    async fn others(&self) -> Vec<(&Peer, Other)> {
        let mut others = Vec::new();
        for peer in self.peers.all() {
            match self.peers.whole_head(peer).await {
                Ok(head) => {
                    let (position, begins_after) = (head.position, head.begins_after);
                    others.push((peer, Other { position, begins_after }));
                }
                Err(error) => {
                    let hub = peer.hub.as_str();
                    tracing::debug!(%error, hub.id = hub, "a hub of the pool was not heard");
                }
            }
        }
        others.sort_by_key(|(_, other)| std::cmp::Reverse(other.position));
        others
    }

    /// Begins the copy with the snapshot of a hub.
    async fn take(&self, peer: &Peer) -> Result<(), TakeError> {
        let (body_bytes, proven) = self.take_proof(peer).await?;
        let part = self.data.join(PART_NAME);
        let taken = self.take_body(peer, &proven, body_bytes, &part).await;
        let data = self.data.clone();
        let began = match taken {
            Ok(()) => {
                let part = part.clone();
                blocking(move || begin_with(&data, &part, &proven)).await.map_err(own)?
            }
            Err(error) => Err(error),
        };
        // What is left over is replaced the next time.
        let _ = fs::remove_file(&part);
        began
    }

    async fn take_proof(&self, peer: &Peer) -> Result<(u64, Proven), TakeError> {
        let query = self.told.map_or(String::new(), |told| format!("?head={}", told.position));
        let url = format!("{}/peer/v1/snapshot{query}", peer.url);
        let bytes_max = size_of::<u64>() + PROOF_BYTES_MAX;
        let body = self.peers.get(&url, PROOF_ANSWER_MAX, bytes_max).await?;
        let (genesis, told) = (self.genesis.clone(), self.told);
        blocking(move || verify(&body, &genesis, told.as_ref())).await.map_err(own)?
    }

    /// Puts the bytes of a snapshot together in a file.
    async fn take_body(
        &self,
        peer: &Peer,
        proven: &Proven,
        body_bytes: u64,
        part: &Path,
    ) -> Result<(), TakeError> {
        fs::create_dir_all(&self.data).map_err(own)?;
        let mut file = File::create(part).map_err(own)?;
        let position = proven.head.position;
        let mut offset = 0;
        while offset < body_bytes {
            let url =
                format!("{}/peer/v1/snapshot/piece?position={position}&offset={offset}", peer.url);
            let piece = self.peers.get(&url, PIECE_ANSWER_MAX, PIECE_BYTES_MAX).await?;
            let expected = (body_bytes - offset).min(PIECE_BYTES_MAX as u64);
            if piece.len() as u64 != expected {
                let why = "a piece of it is cut off".to_owned();
                return Err(TakeError::Lie { position, why, bytes: Vec::new() });
            }
            offset += expected;
            file = blocking(move || file.write_all(&piece).map(|()| file))
                .await
                .map_err(own)?
                .map_err(own)?;
        }
        Ok(())
    }

    /// Keeps what shows that a hub has lied.
    async fn testify(&self, peer: &Peer, error: TakeError) -> Result<(), PartError> {
        let TakeError::Lie { position, mut bytes, .. } = error else { return Ok(()) };
        bytes.truncate(EVIDENCE_BYTES_MAX);
        let hash = if bytes.is_empty() { [0; 32] } else { Sha256::digest(&bytes).into() };
        let kind = Kind::Snapshot { position };
        let (hub, data) = (Some(peer.hub.clone()), self.data.clone());
        blocking(move || {
            let store = EvidenceStore::open(&data).map_err(|source| PartError::Evidence {
                path: EvidenceStore::path_in(&data),
                source,
            })?;
            store.evidence(&Evidence { hub, kind, hash }, &bytes);
            Ok(())
        })
        .await?
    }
}

fn verify(
    body: &[u8],
    genesis: &Genesis,
    told: Option<&AppliedHead>,
) -> Result<(u64, Proven), TakeError> {
    let lie = |position: u64, why: String| TakeError::Lie { position, why, bytes: body.to_vec() };
    let (length, proof) =
        body.split_first_chunk().ok_or_else(|| lie(0, "its answer is cut off".to_owned()))?;
    let body_bytes = u64::from_le_bytes(*length);
    let proof = Proof::from_bytes(proof).map_err(|error| lie(0, error.to_string()))?;
    let position = proof.head.position;
    if SNAPSHOT_BYTES_MAX < body_bytes || Position::new(position).is_none() {
        return Err(lie(position, "it is larger than a snapshot may be".to_owned()));
    }
    match proof.verify(genesis, told, &FORM) {
        Ok(proven) => Ok((body_bytes, proven)),
        Err(error @ (ProofError::OtherHead(_) | ProofError::HeadNotShown(_))) => {
            Err(TakeError::Told(error))
        }
        Err(error) => Err(lie(position, error.to_string())),
    }
}

/// Reads the snapshot in a file, and begins the copy with it if it is the one that was proven.
fn begin_with(data: &Path, part: &Path, proven: &Proven) -> Result<(), TakeError> {
    let position = proven.head.position;
    let lie = |why: String| TakeError::Lie { position, why, bytes: Vec::new() };
    let mut file = BufReader::with_capacity(1 << 18, File::open(part).map_err(own)?);
    let mut states = States::read(&mut file).map_err(|error| lie(error.to_string()))?;
    if file.read(&mut [0]).map_err(own)? != 0 {
        return Err(lie("something follows it".to_owned()));
    }
    let hash = states.hash();
    proven.check(&states.pool, &hash, &states.lineage).map_err(|error| lie(error.to_string()))?;
    let frozen = states.frozen();
    let head = Head {
        position: Position::new(position).expect("it was checked"),
        chain: proven.head.chain,
    };
    let beginning = Beginning { head, state_hash: hash, rest: &proven.rest };
    let kept = log::begin_at(data, &beginning, |to| frozen.write(to)).map_err(own)?;
    if let Some(kept) = kept {
        tracing::warn!(
            path = %kept.display(),
            "the copy was too far back and begins anew; what it was is in this backup"
        );
    }
    // If it stays, the next start asks once more and finds that nothing is missing.
    let _ = fs::remove_file(data.join(WANTED_NAME));
    tracing::info!(log.position = position, "the copy begins with a snapshot of another hub");
    Ok(())
}

fn own(error: impl std::error::Error) -> TakeError {
    let mut why = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        why = format!("{why}: {error}");
        source = error.source();
    }
    TakeError::Own(why)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PartError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| PartError::Interrupted)
}

#[cfg(test)]
mod tests {
    use pool::{
        Command, Founding, GenesisHub, HubId, KeyPair, Lineage, Membership, Owner, OwnerName,
        PROPOSER, PoolName,
    };

    use super::*;
    use crate::replica::known_rules;

    fn genesis() -> Genesis {
        let key = |seed| KeyPair::from_seed(&[seed; 32]).public_key();
        let name = OwnerName::new("alder").expect("a name");
        let hub = HubId::new("alder-1").expect("a name");
        Genesis::new(Founding {
            name: PoolName::new("trial").expect("a name"),
            nonce: [7; 32],
            owners: vec![Owner { name: name.clone(), key: key(1), offline_key: key(2) }],
            quorum: 1,
            hubs: vec![GenesisHub { id: hub, owner: name, key: key(3) }],
            rules: known_rules(),
        })
        .expect("a good one")
    }

    /// The states of a pool that was just founded.
    fn founded() -> States {
        let mut states = States::default();
        let command = Command::Genesis(genesis());
        let effect = states.pool.apply(&AppliedHead::default(), PROPOSER, &command);
        states.lineage.take(&command, &effect.expect("it is the first"));
        states
    }

    fn proven() -> Proven {
        Proven {
            membership: Membership::found(&genesis()),
            lineage: Lineage::found(genesis()),
            head: AppliedHead { position: 256, chain: [3; 32] },
            state: founded().hash(),
            rest: Vec::new(),
        }
    }

    /// Begins with states and some bytes after them; says whether a log was made.
    fn begin(states: &States, after: &[u8], proven: &Proven) -> (Result<(), TakeError>, bool) {
        let dir = tempfile::tempdir().expect("a directory");
        let (data, part) = (dir.path().join("data"), dir.path().join("part"));
        let mut body = Vec::new();
        states.frozen().write(&mut body).expect("memory");
        body.extend(after);
        fs::write(&part, body).expect("written");
        let began = begin_with(&data, &part, proven);
        let head = log::head_if_begun(&data).expect("readable");
        (began, head != Head::default())
    }

    #[test]
    fn begins_with_the_state_that_was_proven_and_with_no_other() {
        let (began, is_made) = begin(&founded(), b"", &proven());
        assert!(began.is_ok() && is_made, "{began:?}");

        let other_state = Proven { state: [0; 32], ..proven() };
        let other_lineage = Proven { lineage: Lineage::default(), ..proven() };
        for (states, after, proven) in [
            (States::default(), &b""[..], proven()),
            (founded(), &b"more"[..], proven()),
            (founded(), &b""[..], other_state),
            (founded(), &b""[..], other_lineage),
        ] {
            let (began, is_made) = begin(&states, after, &proven);
            assert!(matches!(began, Err(TakeError::Lie { position: 256, .. })), "{began:?}");
            assert!(!is_made, "nothing is written");
        }
    }
}
