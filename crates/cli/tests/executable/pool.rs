//! `tansiq pool`: what owners exchange, and the etcd that they prepare.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Output;

use pool::{Genesis, SignedChange};
use tempfile::TempDir;

use crate::support::{tansiq, text};

/// A folder in which three owners have made their keys and a genesis; commands run in it.
pub(crate) struct Owners {
    dir: TempDir,
}

impl Owners {
    pub(crate) fn new() -> Self {
        let owners = Owners { dir: tempfile::tempdir().expect("a directory") };
        for owner in ["alder", "birch", "cedar"] {
            let hub = format!("{owner}-1");
            let out = owners.out();
            owners.ok(&["keys", "owner", owner, "--out", &out]);
            owners.ok(&["keys", "hub", &hub, "--owner", owner, "--out", &out]);
        }
        owners.found("delta.genesis");
        owners
    }

    pub(crate) fn found(&self, name: &str) {
        let cards = ["alder", "birch", "cedar"].map(|owner| {
            [self.file(&format!("{owner}.owner.toml")), self.file(&format!("{owner}-1.hub.toml"))]
        });
        let cards: Vec<&str> = cards.iter().flatten().map(String::as_str).collect();
        let out = self.file(name);
        self.ok(&[&["init", "genesis", "--name", "delta", "--out", &out], &cards[..]].concat());
    }

    pub(crate) fn out(&self) -> String {
        self.dir.path().display().to_string()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        tansiq(&[&["pool"], arguments].concat())
    }

    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs a command that must be refused, and returns what it says.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stdout));
        text(&output.stderr)
    }

    /// Makes a change that `owner` signs, and returns its file.
    fn change(&self, arguments: &[&str], key: &str) -> String {
        let file = self.file("a.change");
        let genesis = self.file("delta.genesis");
        let (key, card) = (self.file(key), self.file("alder.owner.toml"));
        let made = ["--genesis", &genesis, "--out", &file, "--key", &key, "--card", &card];
        self.ok(&[arguments, &made[..]].concat());
        file
    }
}

#[test]
fn makes_private_keys_that_only_their_owner_reads_and_overwrites_none() {
    let owners = Owners::new();
    let keys = ["alder.key.pem", "alder.offline.key.pem", "alder-1.key.pem"];
    let read = |name: &str| std::fs::read(owners.path(name)).expect("it is there");
    let before = keys.map(read);

    let again = owners.refused(&["keys", "owner", "alder", "--out", &owners.out()]);
    std::fs::remove_file(owners.path("alder-1.key.pem")).expect("it is there");
    let half =
        owners.refused(&["keys", "hub", "alder-1", "--owner", "alder", "--out", &owners.out()]);

    for name in &keys[..2] {
        let mode = owners.path(name).metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert!(again.contains("exists: nothing was written"), "{again}");
    assert!(half.contains("alder-1.hub.toml"), "{half}");
    assert_eq!([read(keys[0]), read(keys[1])], [before[0].clone(), before[1].clone()]);
    assert!(!owners.path("alder-1.key.pem").exists());
}

#[test]
fn shows_a_genesis_and_finds_a_card_that_was_exchanged() {
    let owners = Owners::new();
    let genesis = owners.file("delta.genesis");
    let bytes = std::fs::read(&genesis).expect("it is there");
    let fingerprint = Genesis::from_bytes(&bytes).expect("a genesis").fingerprint();

    let card = owners.file("alder.owner.toml");
    let hub = owners.file("alder-1.hub.toml");
    let shown = owners.ok(&["show", &genesis, "--card", &card, "--card", &hub]);
    assert!(shown.contains(&format!("fingerprint: {fingerprint}\n")), "{shown}");
    assert!(shown.contains("2 of 3 owners decide"), "{shown}");
    assert!(shown.contains("the owner alder is in it"), "{shown}");

    let other = tempfile::tempdir().expect("a directory");
    let out = other.path().display().to_string();
    owners.ok(&["keys", "owner", "alder", "--out", &out]);
    let exchanged = other.path().join("alder.owner.toml").display().to_string();
    let shown = owners.run(&["show", &genesis, "--card", &exchanged]);
    assert_eq!(shown.status.code(), Some(1));
    assert!(text(&shown.stderr).contains("do not use this genesis"), "{}", text(&shown.stderr));
}

#[test]
fn founds_another_pool_each_time() {
    let owners = Owners::new();

    owners.found("other.genesis");

    let read = |name: &str| std::fs::read(owners.path(name)).expect("it is there");
    assert_ne!(read("delta.genesis"), read("other.genesis"));
}

#[test]
fn refuses_a_pool_that_could_not_decide() {
    let owners = Owners::new();
    let out = owners.file("none.genesis");
    let card = owners.file("alder.owner.toml");

    let no_hub = owners.refused(&["init", "genesis", "--name", "x", "--out", &out, &card]);
    let cards =
        ["alder.owner.toml", "birch.owner.toml", "alder-1.hub.toml"].map(|c| owners.file(c));
    let [alder, birch, hub] = &cards;
    let founding = ["init", "genesis", "--name", "x", "--out", &out, alder, birch, hub];
    let small = owners.refused(&[&founding[..], &["--quorum", "1"]].concat());

    assert!(no_hub.contains("hubs"), "{no_hub}");
    assert!(small.contains("more than half"), "{small}");
    assert!(!owners.path("none.genesis").exists());
}

#[test]
fn collects_signatures_in_a_file_until_a_quorum_has_signed() {
    let owners = Owners::new();
    owners.ok(&["keys", "hub", "birch-2", "--owner", "birch", "--out", &owners.out()]);
    let admitted = owners.file("birch-2.hub.toml");

    let change = owners.change(&["admit", &admitted], "alder.key.pem");
    let genesis = owners.file("delta.genesis");
    let shown = owners.ok(&["show", &change, "--genesis", &genesis]);
    assert!(shown.contains("admits the hub birch-2 of birch"), "{shown}");
    assert!(shown.contains("signed by 1 of the 2 owners"), "{shown}");

    let (key, card) = (owners.file("birch.offline.key.pem"), owners.file("birch.owner.toml"));
    let signed = owners.ok(&["sign", &change, "--key", &key, "--card", &card]);
    assert!(signed.contains("signed by birch, with its offline key"), "{signed}");
    let shown = owners.ok(&["show", &change, "--genesis", &genesis]);
    assert!(shown.contains("complete"), "{shown}");
    let bytes = std::fs::read(&change).expect("it is there");
    assert_eq!(SignedChange::from_bytes(&bytes).expect("a change").signatures().len(), 2);
}

#[test]
fn makes_every_change_that_owners_can_decide() {
    let owners = Owners::new();
    owners.ok(&["keys", "owner", "fir", "--out", &owners.out()]);
    let new = tempfile::tempdir().expect("a directory");
    let out = new.path().display().to_string();
    owners.ok(&["keys", "hub", "alder-1", "--owner", "alder", "--out", &out]);
    owners.ok(&["keys", "owner", "birch", "--out", &out]);
    let new_key = new.path().join("alder-1.key.pem").display().to_string();
    let new_owner = new.path().join("birch.owner.toml").display().to_string();
    let fir = owners.file("fir.owner.toml");

    let online = "alder.key.pem";
    let offline = "alder.offline.key.pem";
    for (arguments, key, said) in [
        (&["remove", "hub", "birch-1"][..], online, "removes the hub birch-1"),
        (&["remove", "owner", "birch", "--quorum", "2"], offline, "removes the owner birch"),
        (&["admit", &fir, "--quorum", "3"], offline, "admits the owner fir"),
        (&["readmit", "birch-1"], online, "birch-1 begin anew"),
        (&["replace-key", "hub", "alder-1", "--new", &new_key], online, "alder-1 another key"),
        (&["replace-key", "owner", &new_owner], offline, "owner birch other keys"),
        (
            &["bind", "rescue", "cedar-1", "alder-1"],
            online,
            "rescue use these hubs only: alder-1, ce",
        ),
        (&["quorum", "3"], offline, "lets 3 owners decide"),
        (&["activate", "1", "3", "--left-behind", "birch-1"], online, "leaves these hubs behind"),
    ] {
        let change = owners.change(arguments, key);
        let shown = owners.ok(&["show", &change]);
        assert!(shown.contains(said), "{arguments:?}: {shown}");
        assert!(shown.contains("signed by alder"), "{arguments:?}: {shown}");
        std::fs::remove_file(change).expect("it is there");
    }
}

#[test]
fn makes_no_change_that_could_have_no_effect() {
    let owners = Owners::new();
    let genesis = owners.file("delta.genesis");
    let out = owners.file("none.change");
    let made = ["--genesis", &genesis, "--out", &out];
    let alder_1 = owners.file("alder-1.hub.toml");

    for (arguments, said) in [
        (&["remove", "hub", "fir-1"][..], "hub fir-1 is not admitted"),
        (&["admit", &alder_1], "admitted already"),
        (&["bind", "rescue", "fir-1"], "hub fir-1 is not admitted"),
        (&["unbind", "rescue"], "not bound"),
        (&["quorum", "1"], "not more than half"),
        (&["quorum", "4"], "more than there are owners"),
    ] {
        let refused = owners.refused(&[arguments, &made[..]].concat());
        assert!(refused.contains(said), "{arguments:?}: {refused}");
    }
    assert!(!owners.path("none.change").exists());
}

#[test]
fn refuses_signatures_with_the_wrong_key() {
    let owners = Owners::new();
    let change = owners.change(&["quorum", "3"], "alder.offline.key.pem");
    let before = std::fs::read(&change).expect("it is there");
    let card = owners.file("birch.owner.toml");
    let sign = |key: &str| {
        let key = owners.file(key);
        owners.refused(&["sign", &change, "--key", &key, "--card", &card])
    };

    let online = sign("birch.key.pem");
    let others = sign("cedar.offline.key.pem");
    let no_key = sign("cedar.owner.toml");

    assert!(online.contains("sign it with the offline key of birch"), "{online}");
    assert!(others.contains("is no key of birch"), "{others}");
    assert!(no_key.contains("is no private key"), "{no_key}");
    assert_eq!(std::fs::read(&change).expect("it is there"), before);
}

#[test]
fn refuses_files_that_are_something_else() {
    let owners = Owners::new();
    let damaged = owners.path("damaged");
    let mut bytes = std::fs::read(owners.path("delta.genesis")).expect("it is there");
    bytes.pop();
    std::fs::write(&damaged, bytes).expect("written");
    let damaged = damaged.display().to_string();
    let large = owners.path("large");
    std::fs::write(&large, vec![1; 2 << 20]).expect("written");
    let large = large.display().to_string();

    let shown = owners.refused(&["show", &damaged]);
    assert!(shown.contains("is no genesis, no change and no card"), "{shown}");
    let shown = owners.refused(&["show", &large]);
    assert!(shown.contains("it is something else"), "{shown}");
    let made = owners.refused(&["quorum", "3", "--genesis", &damaged]);
    assert!(made.contains("is no genesis of a pool"), "{made}");
}
