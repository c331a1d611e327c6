//! The command line of `tansiq hub` is a contract: scripts depend on it.

use rustix::process::Signal;

use crate::support::{AUDIENCE, Ask, Hub, Place, healthy, tansiq, tansiq_ok, text};

fn query(token: String) -> Ask {
    let path = "/dss/v1/uss_availability/alder".to_owned();
    Ask { method: "GET", path, token: Some(token), ..Ask::default() }
}

#[test]
fn answers_healthy_when_it_listens_and_ends_cleanly_when_asked() {
    for signal in [Signal::TERM, Signal::INT] {
        let place = Place::new();
        let mut hub = place.start_hub();

        assert_eq!(healthy(&hub), 200);
        hub.process.signal(signal);

        assert!(hub.process.wait().success());
    }
}

#[test]
fn answers_what_it_took_before_it_ends() {
    let place = Place::new();
    let hub = place.start_hub();
    let mut client = hub.connect();
    let ask = query(place.token("alder"));
    client.ask(&ask).expect("it answers");

    let status = hub.end();

    assert!(status.success());
    assert!(client.ask(&ask).is_err(), "the connection is closed");
}

#[test]
fn refuses_a_second_start_on_the_same_directory() {
    let place = Place::new();
    let hub = place.start_hub();

    let arguments = place.hub_arguments();
    let second = tansiq(&arguments.iter().map(String::as_str).collect::<Vec<_>>());

    assert_eq!(second.status.code(), Some(2));
    assert!(text(&second.stderr).contains("in use by another process"), "{}", text(&second.stderr));
    assert_eq!(healthy(&hub), 200);
}

#[test]
fn starts_again_where_it_ended() {
    let place = Place::new();
    let first = place.start_hub();
    assert!(first.end().success());

    let second = place.start_hub();

    assert_eq!(healthy(&second), 200);
}

#[test]
fn believes_every_key_and_audience_given() {
    let (one, other) = (Place::new(), Place::new());
    let mut arguments = one.hub_arguments();
    arguments.extend(["--public-key".to_owned(), other.public_key()]);
    arguments.extend(["--audience".to_owned(), "another.localhost".to_owned()]);
    let hub = Hub::start(&arguments);

    for place in [&one, &other] {
        let reply = hub.connect().ask(&query(place.token("alder"))).expect("it answers");
        assert_eq!(reply.status, 200);
    }

    let stranger = Place::new();
    let reply = hub.connect().ask(&query(stranger.token("alder"))).expect("it answers");
    assert_eq!(reply.status, 401);
}

#[test]
fn refuses_to_start_without_a_key_or_an_audience() {
    let place = Place::new();

    for (missing, given) in [
        ("--public-key", ["--audience".to_owned(), AUDIENCE.to_owned()]),
        ("--audience", ["--public-key".to_owned(), place.public_key()]),
    ] {
        let refused = tansiq(&["hub", "--data", &place.data(), &given[0], &given[1]]);

        assert_eq!(refused.status.code(), Some(2));
        assert!(text(&refused.stderr).contains(missing), "{}", text(&refused.stderr));
    }
}

#[test]
fn prints_a_configuration_that_it_takes_back() {
    let place = Place::new();
    let mut arguments = place.hub_arguments();
    arguments.extend(["--allow-http".to_owned(), "--print-config".to_owned()]);
    let printed = tansiq_ok(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let file = place.path("hub.toml");
    std::fs::write(&file, &printed).expect("written");

    let file = file.display().to_string();
    let again = tansiq_ok(&["hub", "--config", &file, "--print-config"]);

    assert_eq!(again, printed);
    assert!(printed.contains(AUDIENCE) && printed.contains("allow_http = true"), "{printed}");
    let hub = Hub::start(&["hub".to_owned(), "--config".to_owned(), file]);
    assert_eq!(healthy(&hub), 200);
}

#[test]
fn refuses_a_configuration_with_a_key_that_it_does_not_know() {
    let place = Place::new();
    let file = place.path("hub.toml");
    std::fs::write(&file, "no_such_key = 1\n").expect("written");

    let refused = tansiq(&["hub", "--config", &file.display().to_string(), "--print-config"]);

    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("no_such_key"), "{}", text(&refused.stderr));
}

#[test]
fn tells_its_health_to_the_admin_listener_only() {
    let place = Place::new();
    let mut arguments = place.hub_arguments();
    arguments.push("--admin-listen=127.0.0.1:0".to_owned());
    let hub = Hub::start(&arguments);

    let ask = Ask { method: "GET", path: "/health/ready".to_owned(), ..Ask::default() };
    let public = hub.connect().ask(&ask).expect("it answers");
    let admin_address = hub.process.wait_for_line("health and metrics are on ");
    let admin_address = admin_address.parse().expect("an address");
    let mut admin = crate::support::Client::connect(admin_address).expect("it accepts");
    let ready = admin.ask(&ask).expect("it answers");

    assert_eq!(public.status, 404);
    assert_eq!(ready.status, 200);
    assert!(ready.json().is_object());
}

#[test]
fn teaches_by_its_help() {
    for command in ["hub", "desk", "demo", "bench", "token"] {
        let help = tansiq_ok(&[command, "--help"]);

        assert!(help.contains("Example"), "{command}");
    }
    assert_eq!(tansiq(&["hub", "--no-such-flag"]).status.code(), Some(2));
}

#[test]
fn lists_what_parties_reported_without_their_tokens() {
    let place = Place::new();
    let hub = place.start_hub();
    let report = serde_json::json!({
        "exchange": {
            "url": "https://birch.example.com/uss/v1/operational_intents",
            "method": "GET",
            "headers": ["Authorization: Bearer secret-token"],
            "recorder_role": "Client",
            "request_time": { "value": "2026-01-01T00:00:00Z", "format": "RFC3339" },
        },
    });
    let ask = Ask {
        method: "POST",
        path: "/dss/v1/reports".to_owned(),
        token: Some(place.token("alder")),
        body: report.to_string(),
        ..Ask::default()
    };
    let reply = hub.connect().ask(&ask).expect("it answers");
    assert_eq!(reply.status, 201, "{}", text(&reply.body));

    let listed = tansiq_ok(&["reports", "list", "--data", &place.data()]);

    assert_eq!(listed.lines().count(), 1, "{listed}");
    let kept: serde_json::Value = serde_json::from_str(&listed).expect("a line of JSON");
    assert_eq!(kept["party"], "alder");
    assert!(listed.contains("birch.example.com") && !listed.contains("secret-token"), "{listed}");
}

#[test]
fn names_the_rules_that_it_knows_with_its_version() {
    let said = tansiq_ok(&["--version"]);

    let lines: Vec<_> = said.lines().collect();
    let [release, rules @ ..] = &lines[..] else { panic!("{said}") };
    assert!(release.starts_with("tansiq "), "{said}");
    for family in ["the hubs (family 0)", "the airspace (family 1)", "the pool (family 2)"] {
        let begins = format!("  rules of {family}: version ");
        assert!(rules.iter().any(|line| line.starts_with(&begins)), "{said}");
    }
}
