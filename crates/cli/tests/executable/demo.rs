//! The demonstration proves what it shows.

use std::fmt::Write as _;

use rustix::process::Signal;

use crate::support::{Place, Process, display, tansiq, text};

/// The numbers of the last line of a demonstration.
#[derive(Debug, PartialEq)]
struct Proof {
    intents: u64,
    parties: u64,
    overlaps: u64,
    conflicts: u64,
    invented: u64,
    flown: u64,
    flights: u64,
    entered: u64,
}

fn proof_of(stdout: &str) -> Proof {
    let last = stdout.lines().last().unwrap_or_default();
    let words = "proof: {} intents of {} parties, {} overlaps, {} conflicts found, {} invented; \
                 {} of {} flights flown, {} constraints entered";
    let mut numbers = Vec::new();
    let mut rest = last;
    let mut parts = words.split("{}");
    rest =
        rest.strip_prefix(parts.next().expect("a beginning")).unwrap_or_else(|| panic!("{last}"));
    for part in parts {
        let digits = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
        numbers.push(rest[..digits].parse().unwrap_or_else(|_| panic!("{last}")));
        rest = rest[digits..].strip_prefix(part).unwrap_or_else(|| panic!("{last}"));
    }
    let [intents, parties, overlaps, conflicts, invented, flown, flights, entered] =
        numbers.try_into().expect("eight numbers");
    Proof { intents, parties, overlaps, conflicts, invented, flown, flights, entered }
}

fn demo(arguments: &[&str]) -> (String, Proof) {
    let output = tansiq(&[&["demo", "--once"], arguments].concat());
    let stdout = text(&output.stdout);
    assert!(output.status.success(), "{stdout}\n{}", text(&output.stderr));
    let proof = proof_of(&stdout);
    assert_eq!((proof.overlaps, proof.invented, proof.entered), (0, 0, 0), "{stdout}");
    (stdout, proof)
}

#[test]
fn flies_the_town_without_a_conflict() {
    let (stdout, proof) = demo(&[]);

    assert_eq!(proof.parties, 3, "{stdout}");
    assert_eq!((proof.flown, proof.flights), (11, 12), "{stdout}");
    assert!(6 <= proof.conflicts, "{stdout}");
    for told in ["later", "higher", "given up", "a constraint of relief", "a flight of birch"] {
        assert!(stdout.contains(told), "`{told}` in {stdout}");
    }
}

#[test]
fn flies_the_town_on_a_pool_of_which_a_hub_and_a_member_of_etcd_are_killed() {
    let output = tansiq(&["demo", "--once", "--hubs", "3"]);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    if stderr.contains("no etcd is here") {
        println!("skipped: {stderr}");
        return;
    }

    assert!(output.status.success(), "{stdout}\n{stderr}");
    let proof = proof_of(&stdout);
    assert_eq!((proof.overlaps, proof.invented, proof.entered), (0, 0, 0), "{stdout}");
    assert_eq!((proof.flown, proof.flights), (11, 12), "{stdout}");
    assert_eq!(stdout.matches("kill -9").count(), 2, "{stdout}");
    // The desk that asked the killed hub went on at another; those that run agree.
    let alder = stdout.lines().find(|line| line.starts_with("pool         alder"));
    let alder = alder.unwrap_or_else(|| panic!("{stdout}"));
    assert!(alder.contains(" by ash-1") && alder.contains(" by beech-1"), "{alder}");
    assert!(stdout.contains("beech-1 and cedar-1 agree"), "{stdout}");
}

#[test]
fn refuses_a_pool_that_would_not_outlive_a_hub() {
    for hubs in ["0", "2", "8", "x"] {
        let output = tansiq(&["demo", "--once", "--hubs", hubs]);

        assert_eq!(output.status.code(), Some(2), "{hubs}");
        assert!(text(&output.stderr).contains("from 3 to 7"), "{hubs}");
    }
}

#[test]
fn refuses_a_program_that_is_no_etcd() {
    let output = tansiq(&["demo", "--once", "--hubs", "3", "--etcd", "/bin/sh"]);

    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("/bin/sh"), "{}", text(&output.stderr));
}

#[test]
fn shows_each_party_the_others_flights_and_how_old_that_is() {
    let (stdout, _) = demo(&[]);

    for party in ["alder", "birch", "relief"] {
        let seen = stdout.lines().skip_while(|line| {
            !(line.contains(party) && line.ends_with("sees 2 flights of the others"))
        });
        let rows: Vec<&str> = seen.skip(1).take(2).collect();
        assert_eq!(rows.len(), 2, "{party}: {stdout}");
        for row in rows {
            let age = row.rsplit_once("age ").and_then(|(_, age)| age.strip_suffix(" s"));
            let age_s: f64 =
                age.and_then(|age| age.parse().ok()).unwrap_or_else(|| panic!("{row}"));
            // Positions are of whole seconds, and a slow machine takes a while to ask for them.
            assert!((0.0..30.0).contains(&age_s), "{row}");
            assert!(!row.contains(&format!(" {party} ")), "{row}");
        }
    }
}

/// Rows of two aircraft that cross at the same altitude at the same time, and of one far away.
fn crossing_traffic() -> String {
    let mut rows = String::from("timestamp,icao24,callsign,latitude,longitude,altitude\n");
    for step in 0..30 {
        let time_ms = 1_533_000_000_000_u64 + step * 10_000;
        let along = 0.02 * step as f64 - 0.3;
        for (icao24, lat, lng) in
            [("aa", 46.0, 8.0 + along), ("bb", 46.0 + along, 8.0), ("cc", 50.0, 8.0 + along)]
        {
            writeln!(rows, "{time_ms},{icao24},X,{lat},{lng},30000").expect("memory does not fail");
        }
    }
    rows.push_str("1533000000000,dd,X,,8.0,30000\n");
    rows
}

#[test]
fn flies_recorded_traffic_without_a_conflict() {
    let place = Place::new();
    let file = place.path("traffic.csv");
    std::fs::write(&file, crossing_traffic()).expect("written");

    let (stdout, proof) = demo(&["--traffic", &display(&file)]);

    assert_eq!((proof.flown, proof.flights, proof.parties), (3, 3, 2), "{stdout}");
    assert!(1 <= proof.conflicts, "{stdout}");
    assert!(stdout.contains("1 without position"), "{stdout}");
    assert!(stdout.contains("90 recorded positions, 0 without"), "{stdout}");
    // The aircraft are so far apart that only one is in the area that both look at.
    assert_eq!(stdout.matches("sees 1 flight of the others").count(), 1, "{stdout}");
    assert_eq!(stdout.matches("sees 0 flights of the others").count(), 1, "{stdout}");
}

#[test]
fn refuses_a_file_that_is_no_traffic() {
    let place = Place::new();
    let file = place.path("traffic.json");
    std::fs::write(&file, "hello").expect("written");

    let refused = tansiq(&["demo", "--once", "--traffic", &display(&file)]);

    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("no traffic"), "{}", text(&refused.stderr));
}

#[test]
fn serves_until_it_is_stopped_and_leaves_its_data_where_asked() {
    let place = Place::new();
    let data = place.path("demo");
    let mut demo = Process::start(&["demo", "--data", &display(&data)]);
    demo.wait_for_line("Press Ctrl-C to stop.");

    demo.signal(Signal::INT);

    assert!(demo.wait().success());
    assert!(data.join("hub").is_dir());
}
