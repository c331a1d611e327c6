//! `tansiq pool` against hubs that run, on a real etcd; skipped, saying so, where there is none.

use std::time::Duration;

use etcd::server::Cluster;
use etcd::{Client, Config, Member};

use crate::pool::Owners;
use crate::pool_etcd::{answering, delete, start_cluster};
use crate::support::{Process, tansiq_ok};

const WITHIN: Duration = Duration::from_secs(10);

/// How often is looked for what must come, and how long is waited between.
const LOOKS_MAX: u32 = 600;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Three owners and an etcd without users, prepared for their pool.
struct Trial {
    owners: Owners,
    cluster: Cluster,
}

/// A hub of the pool that runs.
struct Hub {
    process: Process,
    admin: String,
}

impl Trial {
    async fn new() -> Option<Self> {
        let owners = Owners::new();
        tansiq_ok(&["keys", "new", "--out", &owners.file("auth")]);
        let cluster = start_cluster(&owners, "etcd", 1, None)?;
        let trial = Trial { owners, cluster };
        answering(&trial.member()).await;
        let genesis = trial.owners.file("delta.genesis");
        trial.prepare(&["--genesis", &genesis]);
        Some(trial)
    }

    fn prepare(&self, purpose: &[&str]) {
        let urls = self.cluster.urls();
        let urls: Vec<_> = urls.iter().map(String::as_str).collect();
        let arguments = [&["init", "etcd", "--no-auth"], purpose, &["--etcd"], &urls[..]];
        self.owners.ok(&arguments.concat());
    }

    fn member(&self) -> Member {
        Client::new(&Config { endpoints: self.cluster.urls(), tls: None }).expect("good").member()
    }

    /// Starts a hub of the pool with what `tansiq pool join` makes.
    fn start(&self, hub: &str) -> Hub {
        let table = self.join(hub);
        let (data, key) =
            (self.owners.file(&format!("{hub}-data")), self.owners.file("auth.pub.pem"));
        let config = format!(
            "listen = '127.0.0.1:0'\nadmin_listen = '127.0.0.1:0'\ndata = '{data}'\n[tokens]\n\
             public_keys = ['{key}']\naudiences = ['localhost']\n{table}"
        );
        let path = self.owners.path(&format!("{hub}.toml"));
        std::fs::write(&path, config).expect("written");
        let process = Process::start(&["hub", "--config", &path.display().to_string()]);
        let admin = process.wait_for_line("health and metrics are on ");
        Hub { process, admin }
    }

    fn join(&self, hub: &str) -> String {
        let genesis = self.owners.path("delta.genesis");
        let bytes = std::fs::read(&genesis).expect("it is there");
        let fingerprint = pool::Genesis::from_bytes(&bytes).expect("a genesis").fingerprint();
        let (genesis, expect) = (genesis.display().to_string(), fingerprint.to_string());
        let key = self.owners.file(&format!("{hub}.key.pem"));
        let url = &self.cluster.urls()[0];
        self.owners.ok(&[
            "join",
            hub,
            "--genesis",
            &genesis,
            "--expect",
            &expect,
            "--hub-key",
            &key,
            "--etcd",
            url,
            "--no-auth",
        ])
    }

    /// Makes a change, signs it as alder and birch, and returns its file.
    fn decide(&self, arguments: &[&str], key: &str) -> String {
        let change = self.owners.file(&format!("{}.change", arguments[0]));
        let key_of = |owner: &str| self.owners.file(&format!("{owner}.{key}"));
        let card_of = |owner: &str| self.owners.file(&format!("{owner}.owner.toml"));
        let (alder, alder_card) = (key_of("alder"), card_of("alder"));
        let made = ["--out", &change, "--key", &alder, "--card", &alder_card];
        self.owners.ok(&[arguments, &made].concat());
        let (birch, birch_card) = (key_of("birch"), card_of("birch"));
        self.owners.ok(&["sign", &change, "--key", &birch, "--card", &birch_card]);
        change
    }

    /// Looks at a hub's pool until it says so.
    async fn look(&self, command: &str, hub: &Hub, words: &[&str]) {
        let mut said = String::new();
        for _ in 0..LOOKS_MAX {
            said = self.owners.ok(&[command, "--admin", &hub.admin]);
            if said.lines().any(|line| words.iter().all(|word| line.contains(word))) {
                return;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        panic!("{words:?}:\n{said}");
    }
}

#[tokio::test]
async fn takes_what_owners_decide_into_a_pool_that_runs() {
    let Some(trial) = Trial::new().await else { return };
    let [alder, birch] = ["alder-1", "birch-1"].map(|hub| trial.start(hub));

    let bind = trial.decide(&["bind", "rescue", "alder-1", "--admin", &alder.admin], "key.pem");
    let done = trial.owners.ok(&["submit", &bind, "--admin", &birch.admin]);
    assert!(done.contains("has taken effect"), "{done}");
    trial.look("membership", &alder, &["party \"rescue\" may use alder-1 only"]).await;

    trial.look("membership", &birch, &["after 1 decision(s)"]).await;
    let again = trial.owners.refused(&["submit", &bind, "--admin", &birch.admin]);
    assert!(again.contains("does not name what was decided last"), "{again}");
    trial.look("status", &alder, &["birch-1", "agrees"]).await;
    trial.look("evidence", &alder, &["nothing was found wrong"]).await;
}

#[tokio::test]
async fn sets_a_hub_aside_whose_key_was_deleted_until_owners_readmit_it() {
    let Some(trial) = Trial::new().await else { return };
    let [alder, birch] = ["alder-1", "birch-1"].map(|hub| trial.start(hub));
    trial.look("status", &alder, &["birch-1", "agrees"]).await;

    trial.member().delete_range(delete("log/birch-1", ""), WITHIN).await.expect("deleted");
    for hub in [&alder, &birch] {
        trial.look("status", hub, &["hub birch-1 is set aside", "the key was deleted"]).await;
    }
    trial.look("evidence", &alder, &["the key was deleted", "log/birch-1"]).await;

    let readmit = trial.decide(&["readmit", "birch-1", "--admin", &alder.admin], "key.pem");
    trial.owners.ok(&["submit", &readmit, "--admin", &alder.admin]);
    trial.look("membership", &birch, &["after 1 decision(s)"]).await;
    let status = trial.owners.ok(&["status", "--admin", &birch.admin]);
    assert!(!status.contains("is set aside"), "{status}");
}

#[tokio::test]
async fn ends_a_hub_whose_key_was_replaced_and_goes_on_with_the_new_one() {
    let Some(trial) = Trial::new().await else { return };
    let [alder, mut birch] = ["alder-1", "birch-1"].map(|hub| trial.start(hub));
    let new = tempfile::tempdir().expect("a directory");
    let out = new.path().display().to_string();
    trial.owners.ok(&["keys", "hub", "birch-1", "--owner", "birch", "--out", &out]);
    let new_key = new.path().join("birch-1.key.pem");

    let change = trial.owners.file("replace.change");
    let (key, card) = (trial.owners.file("birch.key.pem"), trial.owners.file("birch.owner.toml"));
    let file = new_key.display().to_string();
    let made = ["replace-key", "hub", "birch-1", "--new", &file, "--admin", &alder.admin];
    trial.owners.ok(&[&made[..], &["--out", &change, "--key", &key, "--card", &card]].concat());
    trial.owners.ok(&["submit", &change, "--admin", &alder.admin]);
    birch.process.wait_for_line("the key of this hub was replaced");
    assert!(!birch.process.wait().success());
    std::fs::copy(new_key, trial.owners.path("birch-1.key.pem")).expect("copied");
    let birch = trial.start("birch-1");

    trial.look("status", &birch, &["alder-1", "agrees"]).await;
    trial.look("evidence", &alder, &["nothing was found wrong"]).await;
}

#[tokio::test]
async fn goes_on_from_a_copy_when_etcd_is_lost() {
    let Some(mut trial) = Trial::new().await else { return };
    let [mut alder, mut birch] = ["alder-1", "birch-1"].map(|hub| trial.start(hub));
    let bind = trial.decide(&["bind", "rescue", "alder-1", "--admin", &alder.admin], "key.pem");
    trial.owners.ok(&["submit", &bind, "--admin", &alder.admin]);
    for hub in [&mut alder, &mut birch] {
        hub.process.signal(rustix::process::Signal::TERM);
        assert!(hub.process.wait().success());
    }

    let data = trial.owners.file("alder-1-data");
    let restart = trial.decide(&["restart", "--data", &data], "key.pem");
    trial.cluster = start_cluster(&trial.owners, "next-etcd", 1, None).expect("there was one");
    answering(&trial.member()).await;
    trial.prepare(&["--data", &data, "--opening", &restart]);
    let alder = trial.start("alder-1");

    trial.look("status", &alder, &["epoch 2; owners alder, birch, cedar"]).await;
    trial.look("membership", &alder, &["party \"rescue\" may use alder-1 only"]).await;
    let refused = trial.owners.refused(&["submit", &restart, "--admin", &alder.admin]);
    assert!(refused.contains("not opened by a hub"), "{refused}");
}

#[tokio::test]
async fn opens_no_epoch_that_a_quorum_has_not_signed() {
    let Some(trial) = Trial::new().await else { return };
    let mut alder = trial.start("alder-1");
    alder.process.signal(rustix::process::Signal::TERM);
    assert!(alder.process.wait().success());

    let data = trial.owners.file("alder-1-data");
    let change = trial.owners.file("alone.change");
    let (key, card) = (trial.owners.file("alder.key.pem"), trial.owners.file("alder.owner.toml"));
    trial
        .owners
        .ok(&["restart", "--data", &data, "--out", &change, "--key", &key, "--card", &card]);
    let url = &trial.cluster.urls()[0];
    let prepare =
        ["init", "etcd", "--no-auth", "--data", &data, "--opening", &change, "--etcd", url];
    let refused = trial.owners.refused(&prepare);

    assert!(refused.contains("1 signatures and needs 2"), "{refused}");
}

#[tokio::test]
async fn joins_with_the_genesis_that_was_told_only() {
    let Some(trial) = Trial::new().await else { return };
    let genesis = trial.owners.file("delta.genesis");
    let key = trial.owners.file("alder-1.key.pem");
    let url = &trial.cluster.urls()[0];
    let join =
        ["join", "alder-1", "--genesis", &genesis, "--hub-key", &key, "--etcd", url, "--no-auth"];

    let other = trial.owners.run(&[&join[..], &["--expect", &"ab".repeat(32)]].concat());

    assert_eq!(other.status.code(), Some(1));
    assert!(other.stdout.is_empty());
    assert!(trial.join("alder-1").contains("hub = \"alder-1\""));
}
