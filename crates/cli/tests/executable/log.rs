//! The tools around a hub's log.

use std::path::Path;

use serde_json::Value;

use crate::support::{Ask, Hub, Place, display, intent_body, intent_path, tansiq, tansiq_ok, text};

const ID: &str = "00000000-0000-4000-8000-00000000000a";

/// A hub that took one operational intent and ended; returns the intent's OVN.
fn write_one(place: &Place) -> String {
    let hub = place.start_hub();
    let ovn = put_one(place, &hub);
    assert!(hub.end().success());
    ovn
}

fn put_one(place: &Place, hub: &Hub) -> String {
    let ask = Ask {
        method: "PUT",
        path: intent_path(ID, None),
        token: Some(place.token("alder")),
        body: intent_body(45.0, 0, "Accepted"),
        ..Ask::default()
    };
    let reply = hub.connect().ask(&ask).expect("it answers");
    assert_eq!(reply.status, 201, "{}", text(&reply.body));
    let ovn = reply.json()["operational_intent_reference"]["ovn"].as_str().map(str::to_owned);
    ovn.expect("an OVN")
}

fn lines_of_json(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

#[test]
fn verifies_against_a_head_kept_elsewhere() {
    let place = Place::new();
    write_one(&place);

    let head = tansiq_ok(&["log", "head", &place.data()]).trim().to_owned();
    tansiq_ok(&["log", "verify", &place.data(), "--expect", &head]);

    let (position, chain) = head.split_once(':').expect("POSITION:CHAINHEX");
    let other = format!("{position}:{}", "0".repeat(chain.len()));
    let unfit = tansiq(&["log", "verify", &place.data(), "--expect", &other]);
    assert_eq!(unfit.status.code(), Some(1), "{}", text(&unfit.stderr));
    let nonsense = tansiq(&["log", "verify", &place.data(), "--expect", "head"]);
    assert_eq!(nonsense.status.code(), Some(2), "{}", text(&nonsense.stderr));
}

#[test]
fn shows_what_was_asked_and_hides_ovns() {
    let place = Place::new();
    let ovn = write_one(&place);

    let shown = tansiq_ok(&["log", "show", &place.data()]);

    let puts: Vec<Value> = lines_of_json(&shown)
        .into_iter()
        .filter(|entry| !entry["request"]["put_operational_intent"].is_null())
        .collect();
    assert_eq!(puts.len(), 1, "{shown}");
    assert_eq!(puts[0]["party"], "alder");
    assert_eq!(puts[0]["request"]["put_operational_intent"]["id"], ID);
    assert!(!shown.contains(&ovn));
    let position = puts[0]["position"].to_string();
    let arguments = ["log", "show", &place.data(), "--from", &position, "--to", &position];
    assert_eq!(lines_of_json(&tansiq_ok(&arguments)), puts);
}

#[test]
fn exports_every_entry() {
    let place = Place::new();
    write_one(&place);

    let exported = lines_of_json(&tansiq_ok(&["log", "export", &place.data()]));

    let head = tansiq_ok(&["log", "head", &place.data()]);
    assert!(head.starts_with(&format!("{}:", exported.len())), "{head}");
}

#[test]
fn backs_up_a_hub_that_runs_and_restores_it_elsewhere() {
    let place = Place::new();
    let hub = place.start_hub();
    put_one(&place, &hub);
    let backup = display(&place.path("backup"));
    tansiq_ok(&["log", "backup", &place.data(), &backup]);
    drop(hub);

    let restored = display(&place.path("restored"));
    tansiq_ok(&["log", "restore", &backup, &restored]);
    tansiq_ok(&["log", "verify", &restored]);

    let mut arguments = place.hub_arguments();
    for argument in &mut arguments {
        if *argument == place.data() {
            argument.clone_from(&restored);
        }
    }
    let undeclared = tansiq(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(undeclared.status.code(), Some(2));
    assert!(text(&undeclared.stderr).contains("--restored"), "{}", text(&undeclared.stderr));
    arguments.push("--restored".to_owned());
    let hub = Hub::start(&arguments);
    let token = Some(place.token("alder"));
    let ask = Ask { method: "GET", path: intent_path(ID, None), token, ..Ask::default() };
    assert_eq!(hub.connect().ask(&ask).expect("it answers").status, 200);
}

/// Changes one letter of an entry wherever the files of a directory hold it.
fn damage(dir: &Path) {
    let needle = b"test.example.com";
    let mut damaged = 0;
    for file in std::fs::read_dir(dir).expect("a directory").filter_map(Result::ok) {
        let Ok(mut bytes) = std::fs::read(file.path()) else { continue };
        let found = bytes.windows(needle.len()).position(|window| window == needle);
        if let Some(at) = found {
            bytes[at] ^= 1;
            std::fs::write(file.path(), bytes).expect("written");
            damaged += 1;
        }
    }
    assert!(0 < damaged, "the entry is in a file");
}

#[test]
fn finds_an_entry_that_was_changed() {
    let place = Place::new();
    write_one(&place);

    damage(&place.path("data"));
    let verified = tansiq(&["log", "verify", &place.data()]);

    assert_eq!(verified.status.code(), Some(1));
    assert!(text(&verified.stderr).contains("position"), "{}", text(&verified.stderr));
}

#[test]
fn refuses_a_directory_without_a_log() {
    let place = Place::new();

    let refused = tansiq(&["log", "verify", &display(place.dir.path())]);

    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
}
