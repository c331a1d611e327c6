//! What recorded clients sent to the deployed implementation, and what it answered.

use std::fs::File;
use std::io::Read;

use airspace::RemoteIdVersion;
use flate2::read::GzDecoder;
use serde_json::Value;
use wire::Schemes;
use wire::f3411::{ParseError, SearchParameters, parse_search};
use wire::f3411_19::{identification_service_areas as areas_19, subscriptions as subscriptions_19};
use wire::f3411_22a::{
    identification_service_areas as areas_22a, subscriptions as subscriptions_22a,
};

use crate::{area_target, rewrite, subscription_target};

/// Puts that are refused for what only the state and its clock can tell: a start long past, more
/// than 24 hours.
const NEED_STATE: [(&str, u64); 6] = [
    ("rid/v1/test_isa_validation", 6),
    ("rid/v1/test_subscription_validation", 25),
    ("rid/v1/test_subscription_validation", 27),
    ("rid/v2/test_isa_validation", 6),
    ("rid/v2/test_subscription_validation", 25),
    ("rid/v2/test_subscription_validation", 27),
];

/// One request and its answer.
struct Exchange {
    line: Value,
}

impl Exchange {
    fn text(&self, field: &str) -> &str {
        self.line[field].as_str().unwrap_or_default()
    }

    fn status(&self) -> u64 {
        self.line["status"].as_u64().expect("an answer has a status")
    }

    /// Returns the noun's segment and what follows it, without the query.
    fn route(&self) -> (&str, &str) {
        let path = self.text("path").split('?').next().expect("a split has a first part");
        let (_, rest) = path.split_once("/dss/").expect("all requests are to the DSS");
        rest.split_once('/').unwrap_or((rest, ""))
    }

    fn is_of_2019(&self) -> bool {
        self.text("path").starts_with("/v1/")
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        let (_, query) = self.text("path").split_once('?')?;
        assert!(!query.contains(['%', '+']), "nothing is encoded in the recording");
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(n, _)| *n == name)
            .map(|(_, value)| value)
    }

    fn needs_state(&self) -> bool {
        let seq = self.line["seq"].as_u64().expect("each has a number");
        NEED_STATE.contains(&(self.text("case"), seq))
    }

    fn describe(&self) -> String {
        format!("{} {} {}", self.text("case"), self.line["seq"], self.text("path"))
    }
}

fn exchanges() -> Option<Vec<Exchange>> {
    let Some(shared) = testkit::shared_dir() else {
        testkit::skip("remote ID messages against recorded traffic");
        return None;
    };
    let path = shared.join("conformance/replay/rid_prober.jsonl.gz");
    let mut text = String::new();
    let file = File::open(path).expect("the recording is there");
    GzDecoder::new(file).read_to_string(&mut text).expect("it is gzipped text");
    let read = |line: &str| Exchange { line: serde_json::from_str(line).expect("a line of JSON") };
    // The first line describes the recording.
    Some(text.lines().skip(1).map(read).collect())
}

fn parse_put(exchange: &Exchange) -> Result<(), ParseError> {
    let body = exchange.line["body"].to_string();
    let (body, schemes) = (body.as_bytes(), Schemes::HttpAllowed);
    let (noun, _) = exchange.route();
    match (exchange.is_of_2019(), noun) {
        (true, "identification_service_areas") => {
            areas_19::parse_put(body, area_target(), schemes).map(|_| ())
        }
        (false, "identification_service_areas") => {
            areas_22a::parse_put(body, area_target(), schemes).map(|_| ())
        }
        (true, "subscriptions") => {
            subscriptions_19::parse_put(body, subscription_target(), schemes).map(|_| ())
        }
        (false, "subscriptions") => {
            subscriptions_22a::parse_put(body, subscription_target(), schemes).map(|_| ())
        }
        (_, other) => panic!("there is no noun {other}"),
    }
}

#[test]
fn puts_are_accepted_and_refused_as_they_were() {
    let mut checked = 0;
    for exchange in exchanges().unwrap_or_default() {
        if exchange.text("method") != "PUT" {
            continue;
        }

        let outcome = parse_put(&exchange);

        let refused = exchange.status() == 400 && !exchange.needs_state();
        assert_eq!(outcome.is_err(), refused, "{}: {outcome:?}", exchange.describe());
        checked += 1;
    }
    assert!(checked == 0 || checked == 170, "{checked} puts");
}

#[test]
fn searches_are_accepted_and_refused_as_they_were() {
    let mut checked = 0;
    for exchange in exchanges().unwrap_or_default() {
        if exchange.text("method") != "GET" || !exchange.route().1.is_empty() {
            continue;
        }

        let outcome = parse_search(&SearchParameters {
            area: exchange.parameter("area"),
            earliest_time: exchange.parameter("earliest_time"),
            latest_time: exchange.parameter("latest_time"),
        });

        let status = match &outcome {
            Ok(_) => 200,
            Err(error) if error.is_too_large() => 413,
            Err(_) => 400,
        };
        assert_eq!(status, exchange.status(), "{}: {outcome:?}", exchange.describe());
        checked += 1;
    }
    assert!(checked == 0 || checked == 31, "{checked} searches");
}

#[test]
fn versions_are_read_and_written_as_they_were() {
    for exchange in exchanges().unwrap_or_default() {
        let Some((_, version)) = exchange.route().1.split_once('/') else {
            continue;
        };

        let read = RemoteIdVersion::parse(version);

        match read {
            Ok(read) => assert_eq!(read.to_string(), version),
            Err(_) => assert_eq!(exchange.status(), 400, "{}", exchange.describe()),
        }
    }
}

fn rewrite_answer(exchange: &Exchange) -> Value {
    let (noun, id) = exchange.route();
    let operation = match (exchange.text("method"), id) {
        ("GET", "") => "search",
        ("GET", _) => "get",
        ("PUT", _) => "put",
        ("DELETE", _) => "delete",
        (other, _) => panic!("there is no method {other}"),
    };
    let rewrite = match (exchange.is_of_2019(), noun, operation) {
        (true, "subscriptions", "search") => {
            rewrite::<subscriptions_19::SearchSubscriptionsResponse>
        }
        (true, "subscriptions", "get") => rewrite::<subscriptions_19::GetSubscriptionResponse>,
        (true, "subscriptions", "put") => rewrite::<subscriptions_19::PutSubscriptionResponse>,
        (true, "subscriptions", _) => rewrite::<subscriptions_19::DeleteSubscriptionResponse>,
        (true, _, "search") => rewrite::<areas_19::SearchIdentificationServiceAreasResponse>,
        (true, _, "get") => rewrite::<areas_19::GetIdentificationServiceAreaResponse>,
        (true, _, "put") => rewrite::<areas_19::PutIdentificationServiceAreaResponse>,
        (true, _, _) => rewrite::<areas_19::DeleteIdentificationServiceAreaResponse>,
        (false, "subscriptions", "search") => {
            rewrite::<subscriptions_22a::SearchSubscriptionsResponse>
        }
        (false, "subscriptions", "get") => rewrite::<subscriptions_22a::GetSubscriptionResponse>,
        (false, "subscriptions", "put") => rewrite::<subscriptions_22a::PutSubscriptionResponse>,
        (false, "subscriptions", _) => rewrite::<subscriptions_22a::DeleteSubscriptionResponse>,
        (false, _, "search") => rewrite::<areas_22a::SearchIdentificationServiceAreasResponse>,
        (false, _, "get") => rewrite::<areas_22a::GetIdentificationServiceAreaResponse>,
        (false, _, "put") => rewrite::<areas_22a::PutIdentificationServiceAreaResponse>,
        (false, _, _) => rewrite::<areas_22a::DeleteIdentificationServiceAreaResponse>,
    };
    rewrite(&exchange.line["response"])
}

#[test]
fn answers_come_back_as_they_were_written() {
    let mut checked = 0;
    for exchange in exchanges().unwrap_or_default() {
        if exchange.status() != 200 {
            continue;
        }

        let rewritten = rewrite_answer(&exchange);

        assert_eq!(rewritten, exchange.line["response"], "{}", exchange.describe());
        checked += 1;
    }
    assert!(checked == 0 || checked == 527, "{checked} answers");
}
