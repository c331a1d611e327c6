//! A hub whose owner puts what it likes: the others see the same, keep it, and go on.

use pool::{Action, AppliedHead, HubId, PartyName, StateHash};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::{TestHub, eventually};

use super::fixture::{HUBS, TestPool, hex, unhex};
use super::liar::{Known, LIAR, Liar, Lie, Put, Shown, constraint_path, hub_id, own_key};
use super::look::{acknowledge, even, evidence, find, shown, status, testifies};

/// From what the order of the lies is drawn.
const SEED: u64 = 6;

/// After so many batches there is a hash of the state.
const BATCHES: u64 = hub::replica::STATE_HASH_ENTRIES;

/// Two honest hubs, and one that lies.
struct Trial<'a> {
    pool: &'a TestPool,
    honest: [TestHub; 2],
    liar: Liar<'a>,
    /// How many intents were acknowledged: those with the numbers below.
    acknowledged: u32,
}

impl<'a> Trial<'a> {
    async fn start(pool: &'a TestPool) -> Self {
        let honest = [pool.hub(0).await, pool.hub(1).await];
        let action = Action::Bind {
            party: PartyName::new("bound").expect("a name"),
            hubs: vec![HubId::new(HUBS[0]).expect("a name")],
        };
        let bound = pool.decide(&honest[0], action).await;
        let mut trial = Trial { pool, honest, liar: Liar::new(pool, bound), acknowledged: 0 };
        let mut known = trial.known().await;
        for _ in 0..BATCHES {
            trial.liar.beat(known).await;
            known.version += 1;
        }
        trial.go_on().await;
        eventually(async || trial.known().await.state.is_some()).await;
        trial
    }

    /// Returns what an honest hub says of itself.
    async fn known(&self) -> Known {
        let status = status(&self.honest[0]).await;
        let hash = |text: &Value| {
            let text = text.as_str().expect("a text");
            <[u8; 32]>::try_from(unhex(text)).expect("a hash")
        };
        let log = &status["log"];
        let own = shown(&self.honest[0], 0).await;
        let state = own["state_position"]
            .as_u64()
            .map(|position| StateHash { position, hash: hash(&own["state_hash"]) });
        Known {
            applied: AppliedHead {
                position: log["applied_position"].as_u64().expect("a number"),
                chain: hash(&log["chain"]),
            },
            state,
            version: self.pool.version(&own_key()).await,
        }
    }

    /// Writes at each honest hub, and reads that at the other.
    async fn go_on(&mut self) {
        for (writer, reader) in [(0, 1), (1, 0)] {
            acknowledge(&self.honest[writer], self.acknowledged).await;
            assert_eq!(find(&self.honest[reader], self.acknowledged).await, StatusCode::OK);
            self.acknowledged += 1;
        }
    }

    /// Has the hub say something true, which must count.
    async fn beat(&mut self) {
        let known = self.known().await;
        self.liar.beat(known).await;
        for hub in &self.honest {
            eventually(async || shown(hub, LIAR).await["sequence"] == known.version + 1).await;
        }
    }

    /// Has the hub lie, and looks at what comes of it at every honest hub.
    async fn lie(&mut self, lie: Lie) {
        self.beat().await;
        let before = [evidence(&self.honest[0]).await, evidence(&self.honest[1]).await];
        let membership = self.pool.membership_hash(&self.honest[0]).await;
        let spent = shown(&self.honest[0], LIAR).await["spent"].as_u64().expect("a number");
        let known = self.known().await;

        let put = self.liar.lie(lie, membership, known).await;

        for (hub, before) in self.honest.iter().zip(&before) {
            check_evidence(hub, before, lie, &put).await;
            let shown = shown(hub, LIAR).await;
            let is_spent = matches!(lie.shown(), Shown::Spent(_));
            assert_eq!(shown["spent"], spent + u64::from(is_spent), "{lie:?}");
            let why = shown["set_aside"]["why"].as_str();
            match lie.shown() {
                Shown::SetAside(says) => assert!(why.is_some_and(|why| why.contains(says))),
                _ => assert_eq!(why, None, "{lie:?}"),
            }
        }
        assert_eq!(self.pool.membership_hash(&self.honest[1]).await, membership, "{lie:?}");
        if matches!(lie.shown(), Shown::SetAside(_)) {
            self.readmit().await;
        }
        self.go_on().await;
        even(&self.honest).await;
    }

    async fn readmit(&mut self) {
        let readmit = Action::Readmit { id: hub_id(LIAR) };
        let readmission = self.pool.decide(&self.honest[0], readmit).await;
        self.liar.begin_anew(&readmission);
    }
}

/// Looks for what must be kept of a lie, with its bytes.
async fn check_evidence(hub: &TestHub, before: &[Value], lie: Lie, put: &Put) {
    let (kind, says, about) = match lie.shown() {
        Shown::SetAside(says) | Shown::Spent(says) => ("value", says, Some(HUBS[LIAR])),
        Shown::OfNobody(says) => ("value", says, None),
        Shown::Change(says) => ("change", says, Some(HUBS[LIAR])),
        Shown::Kind(kind, says) => (kind, says, Some(HUBS[LIAR])),
        Shown::Nothing => return,
    };
    let piece = testifies(hub, |piece| !before.contains(piece) && piece["kind"] == kind).await;
    assert!(piece["says"].as_str().is_some_and(|said| said.contains(says)), "{lie:?}: {piece}");
    assert_eq!(piece["hub"].as_str(), about, "{lie:?}: {piece}");
    if matches!(lie.shown(), Shown::Kind(..)) {
        return;
    }
    if put.value.is_none() {
        assert_eq!(piece["sha256"], Value::Null, "nothing can be kept of a deletion");
        return;
    }
    let hash = hex(&Sha256::digest(&put.kept));
    assert_eq!(piece["sha256"], hash.as_str(), "{lie:?}: {piece}");
    if put.kept.is_empty() {
        return;
    }
    let path = format!("/pool/evidence/{hash}");
    eventually(async || hub.ask_admin(Method::GET, &path).await.body == put.kept).await;
}

/// Draws an order of all lies.
fn in_some_order(seed: u64) -> Vec<Lie> {
    let mut state = seed;
    let mut lies = Lie::ALL.to_vec();
    for index in (1..lies.len()).rev() {
        // Knuth's 64-bit congruence; its upper bits are good enough to mix.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        lies.swap(index, usize::try_from(state >> 33).expect("31 bits") % (index + 1));
    }
    lies
}

#[tokio::test(flavor = "multi_thread")]
async fn sees_every_lie_of_a_hub_keeps_it_and_goes_on() {
    let Some(pool) = TestPool::start().await else { return };
    let mut trial = Trial::start(&pool).await;

    for lie in in_some_order(SEED) {
        trial.lie(lie).await;
    }

    let known = trial.known().await;
    let made = trial.liar.act_as("unbound", known).await;
    trial.beat().await;
    for hub in &trial.honest {
        let is_there = async |n| {
            hub.send("uss9", Method::GET, &constraint_path(n), None).await.status == StatusCode::OK
        };
        assert!(is_there(made).await, "a hub acts for whom nobody has bound");
        for n in 97..=99 {
            assert!(!is_there(n).await, "and for nobody else, as in lie {n}");
        }
        for n in 0..trial.acknowledged {
            assert_eq!(find(hub, n).await, StatusCode::OK, "intent {n} was acknowledged");
        }
    }
    for (hub, other) in [(0, 1), (1, 0)] {
        let other = shown(&trial.honest[hub], other).await;
        assert_eq!((&other["log"], &other["state"]), (&"agrees".into(), &"agrees".into()));
    }
}

/// A hub that lies faster than anybody looks: what counts is that all are at the same place after.
#[tokio::test(flavor = "multi_thread")]
async fn has_the_same_hashes_after_lies_in_a_row() {
    let Some(pool) = TestPool::start().await else { return };
    let mut trial = Trial::start(&pool).await;

    for lie in in_some_order(SEED + 1) {
        let membership = pool.membership_hash(&trial.honest[0]).await;
        let known = trial.known().await;
        trial.liar.lie(lie, membership, known).await;
        let readmitted = async || {
            let action = Action::Readmit { id: hub_id(LIAR) };
            let signed = pool.signed(&trial.honest[0], action).await;
            let answer = super::fixture::submit(&trial.honest[0], &signed).await;
            (answer.status == StatusCode::OK).then_some(signed)
        };
        // Hubs that have just heard of another log take no changes until the others have spoken.
        let mut readmission = readmitted().await;
        while readmission.is_none() {
            readmission = readmitted().await;
        }
        trial.liar.begin_anew(&readmission.expect("it was decided"));
    }

    trial.beat().await;
    trial.go_on().await;
    even(&trial.honest).await;
    let [one, other] = &trial.honest;
    for number in 0..3 {
        let (one, other) = (shown(one, number).await, shown(other, number).await);
        for what in ["spent", "set_aside"] {
            assert_eq!(one[what], other[what]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn is_not_given_a_value_of_2_mib_by_etcd() {
    let Some(pool) = TestPool::start().await else { return };
    let hub = pool.hub(0).await;
    acknowledge(&hub, 1).await;
    let version = pool.version(&own_key()).await;

    // The first is more than etcd reads of a request, the second more than it takes.
    for bytes in [2 << 20, (2 << 20) - 4096] {
        let refused = pool.store(&own_key(), Some(&vec![0; bytes])).await;
        assert!(refused.is_err(), "{bytes} bytes");
    }

    assert_eq!(pool.version(&own_key()).await, version);
    acknowledge(&hub, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ends_when_another_process_has_its_key() {
    let Some(pool) = TestPool::start().await else { return };
    let first = pool.hub(0).await;
    acknowledge(&first, 1).await;

    let second = pool.hub(0).await;
    acknowledge(&second, 2).await;

    testifies(&first, |piece| piece["kind"] == "key_used_twice" && piece["hub"] == HUBS[0]).await;
    let (is_ready, problems) = super::look::ready(&first).await;
    assert!(!is_ready && problems.contains("must end"), "{problems}");
    assert_eq!(find(&second, 1).await, StatusCode::OK);
    acknowledge(&second, 3).await;
}
