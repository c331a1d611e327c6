//! An airspace in which parties ask in turn, and the transcript of it.
//!
//! Times are seconds from a fixed moment, cells are small numbers, ids are small numbers. In the
//! transcript an OVN is named after its bits (`r7`) or its suffix (`x7`), a version after when it
//! was first seen (`@2`).

use std::fmt::Write;

use airspace::constraint::ConstraintReference;
use airspace::identification_service_area::IdentificationServiceAreaView;
use airspace::import::Import;
use airspace::operational_intent::{self, OperationalIntentReference, SubscriptionChoice};
use airspace::remote_id_subscription::RemoteIdSubscriptionView;
use airspace::subscription::SubscriptionView;
use airspace::{
    Accepted, Command, Decision, EntityId, Footprint, Outcome, Ovn, Refusal, RemoteIdVersion,
    Request, Retry, Search, State, SubscriberToNotify,
};
use spacetime::{Altitude, Timestamp};

use crate::asks::{START_US, delete, entity, intent, party, place, random_ovn, sub};

/// An airspace and the transcript of what happened in it.
pub(crate) struct Scene {
    pub(crate) state: State,
    pub(crate) position: u64,
    now_us: i64,
    versions: Vec<String>,
    transcript: String,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Scene {
            state: State::default(),
            position: 0,
            now_us: START_US,
            versions: Vec::new(),
            transcript: String::new(),
        }
    }

    /// Lets time pass until `seconds`.
    pub(crate) fn at(&mut self, seconds: i64) -> &mut Self {
        self.now_us = START_US + seconds * 1_000_000;
        self
    }

    /// Lets a party ask something, and writes down what it is answered.
    pub(crate) fn ask(&mut self, party: &str, request: impl Into<Request>) -> &mut Self {
        let request = request.into();
        let what = asked(&request);
        let Decision::Decided { outcome, .. } = self.decide(party, None, request) else {
            panic!("{what} has no key");
        };
        let answer = self.answer(&outcome);
        writeln!(self.transcript, "{party} {what}: {answer}").expect("it is a string");
        self
    }

    /// Lets a party ask something that is accepted, and writes nothing down.
    pub(crate) fn quietly(&mut self, party: &str, request: impl Into<Request>) -> Accepted {
        let Decision::Decided { outcome, .. } = self.decide(party, None, request.into()) else {
            panic!("it has no key");
        };
        self.answer(&outcome);
        outcome.expect("what prepares a scene is accepted")
    }

    /// Lets a party ask something with an `Idempotency-Key`.
    pub(crate) fn decide(
        &mut self,
        party: &str,
        retry: Option<Retry>,
        request: Request,
    ) -> Decision {
        self.position += 1;
        let stamp = Timestamp::from_micros(self.now_us).expect("in range");
        let command = Command { party: crate::asks::party(party), retry, request };
        let decision = self.state.apply(self.position, stamp, &command);
        self.state.check().expect("indices follow the tables");
        decision
    }

    /// Lets a party ask something without checking the whole state after it.
    pub(crate) fn decide_unchecked(&mut self, party: &str, request: impl Into<Request>) -> Outcome {
        self.position += 1;
        let command =
            Command { party: crate::asks::party(party), retry: None, request: request.into() };
        match self.state.apply(self.position, self.now(), &command) {
            Decision::Decided { outcome, .. } => outcome,
            other => panic!("{other:?} without a key"),
        }
    }

    /// Keeps the outcome of something that is refused.
    pub(crate) fn keep_unchecked(&mut self, party: &str, retry: Option<Retry>) {
        self.position += 1;
        let request = delete(255, &random_ovn(255)).into();
        let command = Command { party: crate::asks::party(party), retry, request };
        self.state.apply(self.position, self.now(), &command);
    }

    /// Puts so many operational intents into cell 1, apart in altitude, all of the next minute.
    pub(crate) fn fill(&mut self, party: &str, count: usize) {
        self.fill_with(party, count, &SubscriptionChoice::None);
    }

    /// The same, each with a subscription.
    pub(crate) fn fill_with(&mut self, party: &str, count: usize, with: &SubscriptionChoice) {
        for _ in 0..count {
            let number = self.position + 1;
            let mut put = intent(200, place().during(0, 60));
            let altitude = Altitude::from_millimeters(10_000_000 + 2 * number as i32);
            put.extent.altitude_lower = Some(altitude);
            put.extent.altitude_upper = Some(altitude);
            put.id = EntityId::from_random_bytes(u128::from(number << 8).to_be_bytes());
            put.subscription = with.clone();
            self.decide_unchecked(party, put).expect("nothing else is there");
        }
    }

    /// Writes a line between.
    pub(crate) fn note(&mut self, line: &str) -> &mut Self {
        writeln!(self.transcript, "{line}").expect("it is a string");
        self
    }

    /// Writes down what a party reads of everything in some cells.
    pub(crate) fn look(&mut self, reader: &str, search: &Search) -> &mut Self {
        let now = self.now();
        let reader = party(reader);
        let found = self.state.search_operational_intents(now, &reader, search);
        let intents = found.expect("few").iter().map(reference).collect::<Vec<_>>();
        let found = self.state.search_constraints(now, &reader, search);
        let constraints = found.expect("few").iter().map(constraint_reference).collect::<Vec<_>>();
        let found = self.state.search_subscriptions(now, &reader, search);
        let mut subscriptions = Vec::new();
        for view in found.expect("few") {
            subscriptions.push(self.subscription(&view));
        }
        for line in intents.into_iter().chain(constraints).chain(subscriptions) {
            writeln!(self.transcript, "  {reader} sees {line}").expect("it is a string");
        }
        self
    }

    /// Returns what happened so far.
    pub(crate) fn transcript(&self) -> &str {
        &self.transcript
    }

    /// Returns the time now.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.now_us).expect("in range")
    }

    /// Returns the current OVN of a party's operational intent.
    pub(crate) fn ovn(&self, party: &str, id: u8) -> Ovn {
        let found =
            self.state.find_operational_intent(self.now(), &crate::asks::party(party), entity(id));
        found.expect("it is there").ovn.expect("the manager sees it")
    }

    /// Returns the current version of a subscription.
    pub(crate) fn version(&self, id: u8) -> String {
        let (_, view) = self.state.find_subscription(self.now(), sub(id)).expect("it is there");
        view.version
    }

    /// Writes down which identification service areas are found.
    pub(crate) fn look_at_areas(&mut self, footprint: &Footprint) -> &mut Self {
        let now = self.now();
        let found = self.state.search_identification_service_areas(now, footprint);
        for view in found.expect("few") {
            let line = self.area(&view);
            writeln!(self.transcript, "  there is {line}").expect("it is a string");
        }
        self
    }

    /// Writes down which subscriptions to identification service areas a party finds.
    pub(crate) fn look_at_watches(&mut self, owner: &str, footprint: &Footprint) -> &mut Self {
        let (now, owner) = (self.now(), party(owner));
        let found = self.state.search_remote_id_subscriptions(now, &owner, &footprint.cells);
        for view in found.expect("few") {
            let line = self.remote_id_subscription(&view);
            writeln!(self.transcript, "  {owner} has {line}").expect("it is a string");
        }
        self
    }

    /// Returns the current version of an identification service area.
    pub(crate) fn area_version(&self, id: u8) -> RemoteIdVersion {
        let found = self.state.find_identification_service_area(self.now(), entity(id));
        found.expect("it is there").version
    }

    /// Returns the current version of a subscription to identification service areas.
    pub(crate) fn watch_version(&self, id: u8) -> RemoteIdVersion {
        let found = self.state.find_remote_id_subscription(self.now(), sub(id));
        found.expect("it is there").version
    }

    fn answer(&mut self, outcome: &Outcome) -> String {
        match outcome {
            Ok(Accepted::OperationalIntent { reference: intent, subscribers }) => {
                format!("{}{}", reference(intent), told(subscribers))
            }
            Ok(Accepted::Constraint { reference, subscribers }) => {
                format!("{}{}", constraint_reference(reference), told(subscribers))
            }
            Ok(Accepted::SubscriptionPut { subscription, operational_intents, constraints }) => {
                let mut text = self.subscription(subscription);
                if let Some(intents) = operational_intents {
                    let ids: Vec<_> = intents.iter().map(|i| short(i.id.as_bytes())).collect();
                    write!(text, "; intents [{}]", ids.join(" ")).expect("it is a string");
                }
                if let Some(constraints) = constraints {
                    let ids: Vec<_> = constraints.iter().map(|c| short(c.id.as_bytes())).collect();
                    write!(text, "; constraints [{}]", ids.join(" ")).expect("it is a string");
                }
                text
            }
            Ok(Accepted::SubscriptionDeleted { subscription }) => self.subscription(subscription),
            Ok(Accepted::UssAvailability(status)) => {
                let version = self.name_version(&status.version);
                format!("{} {version} {:?}", status.uss_id, status.availability)
            }
            Ok(Accepted::Settings(settings)) => format!("{settings:?}"),
            Ok(Accepted::IdentificationServiceArea { area, subscribers }) => {
                format!("{}{}", self.area(area), told(subscribers))
            }
            Ok(Accepted::RemoteIdSubscriptionPut { subscription, areas }) => {
                let ids: Vec<_> = areas.iter().map(|area| short(area.id.as_bytes())).collect();
                format!("{}; areas [{}]", self.remote_id_subscription(subscription), ids.join(" "))
            }
            Ok(Accepted::RemoteIdSubscriptionDeleted { subscription }) => {
                self.remote_id_subscription(subscription)
            }
            Ok(Accepted::F3411Settings(settings)) => format!("{settings:?}"),
            Ok(Accepted::Imported) => "imported".to_owned(),
            Err(refusal) => refused(refusal),
        }
    }

    fn subscription(&mut self, view: &SubscriptionView) -> String {
        let mut text = format!(
            "s{} {} {}..{} {:?} index {}",
            short(view.id.as_bytes()),
            self.name_version(&view.version),
            seconds(view.starts_at),
            seconds(view.ends_at),
            view.notify_for,
            view.notification_index,
        );
        if view.implicit {
            text += " implicit";
        }
        for dependent in &view.dependent_operational_intents {
            write!(text, " <-{}", short(dependent.as_bytes())).expect("it is a string");
        }
        text
    }

    fn area(&mut self, view: &IdentificationServiceAreaView) -> String {
        format!(
            "area {} {} {}..{} {}",
            short(view.id.as_bytes()),
            self.name_version(&view.version.to_string()),
            seconds(view.starts_at),
            seconds(view.ends_at),
            view.owner,
        )
    }

    fn remote_id_subscription(&mut self, view: &RemoteIdSubscriptionView) -> String {
        format!(
            "s{} {} {}..{} index {} {}",
            short(view.id.as_bytes()),
            self.name_version(&view.version.to_string()),
            seconds(view.starts_at),
            seconds(view.ends_at),
            view.notification_index,
            view.owner,
        )
    }

    fn name_version(&mut self, version: &str) -> String {
        let known = self.versions.iter().position(|known| known == version);
        let number = known.unwrap_or_else(|| {
            self.versions.push(version.to_owned());
            self.versions.len() - 1
        });
        format!("@{}", number + 1)
    }
}

fn seconds(time: Timestamp) -> String {
    let micros = time.as_micros() - START_US;
    if micros % 1_000_000 == 0 {
        return (micros / 1_000_000).to_string();
    }
    format!("{micros}us")
}

fn short(id: &[u8; 16]) -> String {
    id[15].to_string()
}

fn asked(request: &Request) -> String {
    match request {
        Request::PutOperationalIntent(put) => format!("puts {}", short(put.id.as_bytes())),
        Request::DeleteOperationalIntent(it) => format!("deletes {}", short(it.id.as_bytes())),
        Request::PutConstraint(put) => format!("puts constraint {}", short(put.id.as_bytes())),
        Request::DeleteConstraint(it) => format!("deletes constraint {}", short(it.id.as_bytes())),
        Request::PutSubscription(put) => format!("subscribes s{}", short(put.id.as_bytes())),
        Request::DeleteSubscription(it) => format!("unsubscribes s{}", short(it.id.as_bytes())),
        Request::PutUssAvailability(put) => format!("says {} is", put.uss_id),
        Request::PutSettings(_) | Request::PutF3411Settings(_) => "sets".to_owned(),
        Request::PutIdentificationServiceArea(put) => {
            format!("puts area {}", short(put.id.as_bytes()))
        }
        Request::DeleteIdentificationServiceArea(it) => {
            format!("deletes area {}", short(it.id.as_bytes()))
        }
        Request::PutRemoteIdSubscription(put) => {
            format!("watches s{}", short(put.id.as_bytes()))
        }
        Request::DeleteRemoteIdSubscription(it) => {
            format!("unwatches s{}", short(it.id.as_bytes()))
        }
        Request::Import(import) => imported(import),
    }
}

fn imported(import: &Import) -> String {
    let (kind, id) = match import {
        Import::Subscription(it) => ("s", short(it.id.as_bytes())),
        Import::OperationalIntent(it) => ("", short(it.id.as_bytes())),
        Import::Constraint(it) => ("constraint ", short(it.id.as_bytes())),
        Import::UssAvailability(it) => ("availability of ", it.uss_id.to_string()),
        Import::IdentificationServiceArea(it) => ("area ", short(it.id.as_bytes())),
        Import::RemoteIdSubscription(it) => ("watch s", short(it.id.as_bytes())),
    };
    format!("imports {kind}{id}")
}

fn reference(intent: &OperationalIntentReference) -> String {
    let subscription =
        intent.subscription_id.map_or("none".to_owned(), |id| format!("s{}", short(id.as_bytes())));
    format!(
        "{} v{} {:?} {} {}..{} {}..{}m {subscription} {} {:?}",
        short(intent.id.as_bytes()),
        intent.version,
        intent.state,
        ovn_name(intent.ovn.as_ref()),
        seconds(intent.starts_at),
        seconds(intent.ends_at),
        intent.altitude_lower.as_millimeters() / 1000,
        intent.altitude_upper.as_millimeters() / 1000,
        intent.manager,
        intent.uss_availability,
    )
}

fn constraint_reference(constraint: &ConstraintReference) -> String {
    format!(
        "constraint {} v{} {} {}..{} {} {:?}",
        short(constraint.id.as_bytes()),
        constraint.version,
        ovn_name(constraint.ovn.as_ref()),
        seconds(constraint.starts_at),
        seconds(constraint.ends_at),
        constraint.manager,
        constraint.uss_availability,
    )
}

fn ovn_name(ovn: Option<&Ovn>) -> String {
    let Some(ovn) = ovn else {
        return "hidden".to_owned();
    };
    if let Some((_, suffix)) = ovn.as_str().split_once("_0") {
        let number = u8::from_str_radix(&suffix[suffix.len() - 2..], 16).expect("two digits");
        return format!("x{number}");
    }
    let byte = (0..=u8::MAX).find(|byte| random_ovn(*byte) == *ovn);
    byte.map_or("?".to_owned(), |byte| format!("r{byte}"))
}

fn told(subscribers: &[SubscriberToNotify]) -> String {
    let mut text = String::new();
    for subscriber in subscribers {
        let url = subscriber.uss_base_url.as_str();
        write!(text, "; tell {}", url.trim_start_matches("https://")).expect("it is a string");
        for state in &subscriber.subscriptions {
            let id = short(state.subscription_id.as_bytes());
            write!(text, " s{id}={}", state.notification_index).expect("it is a string");
        }
    }
    text
}

fn refused(refusal: &Refusal) -> String {
    if let Refusal::OperationalIntent(operational_intent::Refusal::MissingKeys {
        operational_intents,
        constraints,
    }) = refusal
    {
        let mut text = "missing".to_owned();
        for intent in operational_intents {
            let (id, ovn) = (short(intent.id.as_bytes()), ovn_name(intent.ovn.as_ref()));
            write!(text, " {id}({ovn})").expect("it is a string");
        }
        for constraint in constraints {
            let (id, ovn) = (short(constraint.id.as_bytes()), ovn_name(constraint.ovn.as_ref()));
            write!(text, " constraint {id}({ovn})").expect("it is a string");
        }
        return text;
    }
    match refusal {
        Refusal::OperationalIntent(refusal) => format!("{refusal:?}"),
        Refusal::Constraint(refusal) => format!("{refusal:?}"),
        Refusal::Subscription(refusal) => format!("{refusal:?}"),
        Refusal::UssAvailability(refusal) => format!("{refusal:?}"),
        Refusal::IdentificationServiceArea(refusal) => format!("{refusal:?}"),
        Refusal::RemoteIdSubscription(refusal) => format!("{refusal:?}"),
        Refusal::Import(refusal) => format!("{refusal:?}"),
    }
}
