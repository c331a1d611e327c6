//! Carrying over what a deployed hub has, from a real PostgreSQL server.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::deployed;
use crate::postgres::{PASSWORD, Postgres, USER};
use crate::support::{Ask, Hub, Place, Process, display, tansiq, tansiq_ok, text};

/// What the deployed implementation answered when it ran on the rows of `deployed::fill`.
const ANSWERS: &str = include_str!("../data/deployed-answers.jsonl");

/// What comes of the rows of `deployed::fill`.
const FILLED: &str = "\
kind                             found   carried     ended  not carried
subscriptions                        3         2         1            0
operational intents                  5         4         1            0
implicit subscriptions               1         1         0            0
constraints                          2         1         1            0
USS availabilities                   1         1         0            0
identification service areas         2         1         1            0
remote ID subscriptions              2         1         1            0
pool participants                    1  (aux: counted only)
";

/// What comes of the rows of `deployed::fill_unreadable`, and of none else.
const UNREADABLE: &str = "\
kind                             found   carried     ended  not carried
subscriptions                        3         0         0            3
operational intents                  8         0         0            8
implicit subscriptions               2         0         0            2
constraints                          2         0         0            2
USS availabilities                   2         0         0            2
identification service areas         4         0         0            4
remote ID subscriptions              1         0         0            1
pool participants                    1  (aux: counted only)
";

/// Why each of them cannot be carried.
const REASONS: &str = "\
subscription 5f000000-0000-4000-8000-000000000001: it has no ends_at
subscription 5f000000-0000-4000-8000-000000000002: it notifies of nothing
subscription 5f000000-0000-4000-8000-000000000003: its notification_index is not good: \
out of range integral type conversion attempted
operational intent 0f000000-0000-1000-8000-000000000006: its id is not good: \
it is not a version 4 UUID of RFC 4122
operational intent 0f000000-0000-4000-8000-000000000001: its ends_at is not good: \
it is infinite, or out of range
operational intent 0f000000-0000-4000-8000-000000000002: its state is not good: `Unknown`
operational intent 0f000000-0000-4000-8000-000000000003: its OVN was requested in a form that is \
none of ours, so it could not be kept
operational intent 0f000000-0000-4000-8000-000000000004: its implicit subscription cannot be \
carried: it has no cells
operational intent 0f000000-0000-4000-8000-000000000005: the subscription that it names belongs \
to another party
operational intent 0f000000-0000-4000-8000-000000000007: it was changed in the future, by the \
clock of this machine
operational intent 0f000000-0000-4000-8000-000000000008: it covers 20001 cells, more than the \
20000 that an entity may
implicit subscription 5f000000-0000-4000-8000-000000000004: no operational intent names it that \
was carried over
implicit subscription 5f000000-0000-4000-8000-000000000005: no operational intent names it that \
was carried over
constraint cf000000-0000-4000-8000-000000000001: its altitude_lower is not good: it is out of range
constraint cf000000-0000-4000-8000-000000000002: its url is not good: it is empty
USS availability : its id is not good: it is empty
USS availability birch: its availability is not good: `Asleep`
identification service area af000000-0000-4000-8000-000000000001: its cells is not good: \
0x4 is not the id of an S2 cell of level 13
identification service area af000000-0000-4000-8000-000000000002: its owner is not good: \
it is longer than 1024 bytes
identification service area af000000-0000-4000-8000-000000000003: its url is not good: \
it is longer than 2048 bytes
identification service area af000000-0000-4000-8000-000000000004: its url is not good: \
it holds a control character
remote ID subscription ef000000-0000-4000-8000-000000000001: it has no notification_index
";

/// Runs an import to its end, with a password in the environment.
fn import(url: &str, data: &str, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tansiq"))
        .args(["import", "interuss", "--database", url, "--data", data])
        .args(more)
        .env("PGPASSWORD", PASSWORD)
        .stdin(Stdio::null())
        .output()
        .expect("the executable runs")
}

fn ask(place: &Place, hub: &Hub, line: &Value) -> Value {
    let of = |name: &str| line[name].as_str().expect("a text").to_owned();
    let token = Some(place.token_for(&of("party"), &of("scope")));
    let ask = Ask { method: "GET", path: of("path"), token, ..Ask::default() };
    let reply = hub.connect().ask(&ask).expect("it answers");
    assert_eq!(reply.status, 200, "{}: {}", ask.path, text(&reply.body));
    reply.json()
}

/// Names of all that is in a directory, except a key pair that was put there.
fn names_in(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).expect("a directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name().display().to_string());
    names.filter(|name| !name.starts_with("key.")).collect()
}

#[test]
fn clients_notice_nothing() {
    let Some(postgres) = Postgres::start() else { return };
    deployed::found(&postgres, "v1.1.1");
    deployed::fill(&postgres);
    let place = Place::new();

    let rehearsed = import(&postgres.url(), &place.data(), &["--dry-run"]);
    assert!(rehearsed.status.success(), "{}", text(&rehearsed.stderr));
    assert_eq!(text(&rehearsed.stdout), format!("{FILLED}\ndry run: nothing was written\n"));
    assert_eq!(names_in(place.dir.path()), Vec::<String>::new());

    let imported = import(&postgres.url(), &place.data(), &[]);
    assert!(imported.status.success(), "{}", text(&imported.stderr));
    assert!(text(&imported.stdout).starts_with(FILLED), "{}", text(&imported.stdout));
    assert_eq!(names_in(place.dir.path()), ["data"]);
    let report = std::fs::read_to_string(place.path("data").join("import-report.txt"));
    assert_eq!(report.expect("it is there"), FILLED);
    tansiq_ok(&["log", "verify", &place.data()]);

    let hub = place.start_hub();
    for line in ANSWERS.lines() {
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        assert_eq!(ask(&place, &hub, &line), line["answer"], "{}", line["path"]);
    }

    let in_use = import(&postgres.url(), &place.data(), &[]);
    assert!(hub.end().success());
    let left = import(&postgres.url(), &place.data(), &[]);
    for again in [in_use, left] {
        assert_eq!(again.status.code(), Some(2));
        assert!(text(&again.stderr).contains("has a log"), "{}", text(&again.stderr));
    }
}

#[test]
fn lists_every_row_that_it_cannot_carry_and_carries_the_rest() {
    let Some(postgres) = Postgres::start() else { return };
    deployed::found(&postgres, "v1.1.1");
    deployed::fill_unreadable(&postgres);
    let place = Place::new();

    let imported = import(&postgres.url(), &place.data(), &[]);

    assert!(imported.status.success(), "{}", text(&imported.stderr));
    assert!(text(&imported.stdout).starts_with(UNREADABLE), "{}", text(&imported.stdout));
    let report = std::fs::read_to_string(place.path("data").join("import-report.txt"));
    assert_eq!(report.expect("it is there"), format!("{REASONS}{UNREADABLE}"));
    let warned = text(&imported.stderr);
    assert!(warned.contains("22 rows cannot be carried over"), "{warned}");
    // Nothing is in the log but the entry that closes the import.
    let shown = tansiq_ok(&["log", "show", &place.data()]);
    assert_eq!(shown.lines().count(), 1, "{shown}");

    deployed::fill(&postgres);
    let list = display(&place.path("list"));
    let other = display(&place.path("other"));
    let imported = import(&postgres.url(), &other, &["--report", &list]);
    assert!(imported.status.success(), "{}", text(&imported.stderr));
    let listed = std::fs::read_to_string(place.path("list")).expect("it is there");
    assert!(listed.starts_with(REASONS), "{listed}");
    assert!(text(&imported.stdout).contains("operational intents                 13         4"));
}

#[test]
fn carries_urls_as_they_are_that_a_client_could_not_put_any_more() {
    let Some(postgres) = Postgres::start() else { return };
    deployed::found(&postgres, "v1.1.1");
    let urls = [
        "http://alder.example.com/rid",
        "https://user:secret@alder.example.com/rid?tenant=1#part",
        "https://alder.example.com:70000/a b",
        "https://h\u{f6}he.example.com/rid",
    ];
    for (number, url) in urls.iter().enumerate() {
        deployed::add_area(&postgres, &area_id(number), url);
    }
    let place = Place::new();

    let imported = import(&postgres.url(), &place.data(), &[]);

    assert!(imported.status.success(), "{}", text(&imported.stderr));
    let hub = place.start_hub();
    for (number, url) in urls.iter().enumerate() {
        let path = format!("/v1/dss/identification_service_areas/{}", area_id(number));
        let scope = "dss.read.identification_service_areas";
        let line = json!({ "party": "birch", "scope": scope, "path": path });
        assert_eq!(ask(&place, &hub, &line)["service_area"]["flights_url"], *url);
    }
}

fn area_id(number: usize) -> String {
    format!("a1000000-0000-4000-8000-{number:012}")
}

#[test]
fn leaves_nothing_when_the_source_changes_while_it_is_read() {
    let Some(postgres) = Postgres::start() else { return };
    deployed::found(&postgres, "v1.1.1");
    deployed::fill(&postgres);
    let place = Place::new();
    // The snapshot is taken with the first table; this is the last of that database.
    let writer = postgres.session("scd");
    writer.execute("BEGIN; LOCK TABLE scd_uss_availability IN ACCESS EXCLUSIVE MODE");

    let (url, data) = (postgres.url(), place.data());
    let mut import = Process::start(&["import", "interuss", "--database", &url, "--data", &data]);
    postgres.wait_for_line("still waiting for AccessShareLock");
    // An index alone, as a notification moves it.
    writer.execute(
        "UPDATE scd_subscriptions SET notification_index = 4 WHERE notification_index = 3; COMMIT",
    );

    import.wait_for_line("the subscriptions changed while they were read");
    assert_eq!(import.wait().code(), Some(2));
    assert_eq!(names_in(place.dir.path()), Vec::<String>::new());
}

#[test]
fn refuses_a_schema_that_it_does_not_know() {
    let Some(postgres) = Postgres::start() else { return };
    // A number of CockroachDB's schema, on PostgreSQL.
    deployed::found(&postgres, "v3.4.1");
    let place = Place::new();

    let refused = import(&postgres.url(), &place.data(), &[]);

    assert_eq!(refused.status.code(), Some(2));
    let said = text(&refused.stderr);
    assert!(said.contains("v3.4.1") && said.contains("v1.0 and later of v1"), "{said}");
    assert_eq!(names_in(place.dir.path()), Vec::<String>::new());
}

#[test]
fn knows_the_server_by_its_certificate_and_keeps_the_password_to_itself() {
    let Some(postgres) = Postgres::start() else { return };
    deployed::found(&postgres, "v1.1.1");
    let place = Place::new();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hub/tests/fixtures");
    let root = display(&fixtures.join("root.cert.pem"));
    let another = display(&fixtures.join("rsa.cert.pem"));
    let rehearse = |url: &str, ca: &str| import(url, &place.data(), &["--dry-run", "--ca", ca]);

    let url = format!("postgresql://{USER}@localhost:{}/", postgres.port);
    let known = rehearse(&url, &root);
    assert!(known.status.success(), "{}", text(&known.stderr));
    assert_eq!(rehearse(&url, &another).status.code(), Some(2), "of another root");

    let wrong = format!("postgresql://{USER}:wrong-secret@localhost:{}/", postgres.port);
    let refused = rehearse(&wrong, &root);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("authentication"), "{}", text(&refused.stderr));
    for output in [known, refused] {
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(!said.contains("wrong-secret") && !said.contains(PASSWORD), "{said}");
    }
}

#[test]
fn refuses_a_directory_with_something_in_it() {
    let place = Place::new();
    let nowhere = "postgresql://dss@127.0.0.1:1/";

    let key_pair = display(place.dir.path());
    let refused = tansiq(&["import", "interuss", "--database", nowhere, "--data", &key_pair]);

    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("is not empty"), "{}", text(&refused.stderr));
}

#[test]
fn never_prints_a_url_that_it_cannot_read() {
    let place = Place::new();

    for url in ["postgresql://u:hunter@2@h:1/", "hunter2", "postgresql://u:hunter2@h:port/"] {
        let refused = tansiq(&["import", "interuss", "--database", url, "--data", &place.data()]);

        assert_eq!(refused.status.code(), Some(2));
        assert!(!text(&refused.stderr).contains("hunter"), "{}", text(&refused.stderr));
    }
}
