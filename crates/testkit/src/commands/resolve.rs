//! What a step means where it stands.

use std::time::Duration;

use airspace::operational_intent::{
    self, NotifyForConstraints, OperationalIntentState, SubscriptionChoice,
};
use airspace::{
    Command, EntityId, Extent, NextOvn, Ovn, OvnSuffix, Party, Request, Retry, Search,
    SubscriptionId, UssBaseUrl, constraint, subscription, uss_availability,
};
use sha2::{Digest, Sha256};
use spacetime::{Altitude, Cell, Cells, Timestamp};

use super::step::{
    Action, Asker, Choice, Elapse, ExtentPlan, KeyPlan, Look, Moment, NextOvnPlan, Step,
    SubscriptionPlan, VersionPlan,
};
use crate::model::{Model, OUTCOME_KEPT_MAX};

const PARTIES: [&str; 3] = ["uss1", "uss2", "authority"];
const URLS: [&str; 3] =
    ["https://uss1.example", "https://uss2.example/utm", "https://uss1.example/b"];
const ENTITIES: u8 = 4;
const SUBSCRIPTIONS: u8 = 3;
const KEYS: u8 = 3;
const FINGERPRINTS: u8 = 2;

/// Level-13 cells beside one another.
const CELLS: [u64; 4] =
    [0x4790_0004_0000_0000, 0x4790_000c_0000_0000, 0x4790_0014_0000_0000, 0x4790_001c_0000_0000];

/// 2026-01-01T00:00:00Z: nothing is stamped earlier.
const START_MICROS: i64 = 1_767_225_600_000_000;

/// Turns steps into commands; it draws what a proposer draws, always the same in the same order.
#[derive(Clone, Debug, Default)]
pub struct Resolver {
    drawn: u64,
    suffixes: Vec<(EntityId, OvnSuffix)>,
    ovns: Vec<Ovn>,
    kept_at: Vec<Timestamp>,
}

/// Lists the ids that operational intents and constraints of sequences have.
pub fn entity_ids() -> Vec<EntityId> {
    (0..ENTITIES).map(entity_id).collect()
}

/// Lists the parties of sequences.
pub fn parties() -> Vec<Party> {
    PARTIES.iter().map(|name| Party::new(name).expect("it is short")).collect()
}

impl Resolver {
    /// Returns the stamp and the command that `step` means after what `model` has applied.
    pub fn resolve(&mut self, model: &Model, step: &Step) -> (Timestamp, Command) {
        self.remember_ovns(model);
        let stamp = self.stamp(model, step.elapse).max(start());
        let at = model.clock_of(stamp);
        let party = asker(model, step);
        let request = self.request(model, at, &party, &step.action);
        let retry = step.retry.map(|plan| Retry {
            key: [plan.key % KEYS; 32],
            fingerprint: [plan.fingerprint % FINGERPRINTS; 32],
        });
        if retry.is_some() {
            self.kept_at.push(at);
        }
        (stamp, Command { party, retry, request })
    }

    /// Returns the time, the reader and the search that `look` means.
    pub fn look(&self, model: &Model, look: Look) -> (Timestamp, Party, Search) {
        let now = self.stamp(model, look.now).max(model.clock);
        (now, super::party(look.reader), search(model, model.clock, look.extent, look.given))
    }

    /// Lists the subscriptions that there are or could be.
    pub fn subscription_ids(model: &Model) -> Vec<SubscriptionId> {
        let mut ids: Vec<_> = (0..SUBSCRIPTIONS).map(subscription_id).collect();
        ids.extend(model.subscriptions.iter().map(|known| known.id));
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    fn stamp(&self, model: &Model, elapse: Elapse) -> Timestamp {
        let retention = Duration::from_secs(u64::from(model.settings.f3548_retention_s));
        match elapse {
            Elapse::By(micros) => shift(model.clock, micros),
            Elapse::PastEnd(which, micros) => {
                pick(&spans(model), which).map_or(model.clock, |(_, end)| shift(*end, micros))
            }
            Elapse::PastRetention(which, micros) => pick(&spans(model), which)
                .map_or(model.clock, |(_, end)| shift(end.plus(retention), micros)),
            Elapse::PastKept(which, micros) => pick(&self.kept_at, which)
                .map_or(model.clock, |kept| shift(kept.plus(OUTCOME_KEPT_MAX), micros)),
        }
    }

    fn request(&mut self, model: &Model, at: Timestamp, party: &Party, action: &Action) -> Request {
        match *action {
            Action::PutOperationalIntent { .. } => {
                Request::PutOperationalIntent(self.put_operational_intent(model, at, party, action))
            }
            Action::DeleteOperationalIntent { id, ovn } => {
                let id = some_operational_intent(model, id);
                let current = operational_intent_ovn(model, id);
                let ovn = self.ovn(ovn, current).unwrap_or_else(wrong_ovn);
                Request::DeleteOperationalIntent(operational_intent::Delete { id, ovn })
            }
            Action::PutConstraint { id, ovn, extent, given, url } => {
                let id = some_constraint(model, id);
                let ovn = self.ovn(ovn, constraint_ovn(model, id));
                let mut extent = self::extent(model, at, extent);
                extent.altitude_lower = extent.altitude_lower.filter(|_| given & 1 == 0);
                extent.altitude_upper = extent.altitude_upper.filter(|_| given & 2 == 0);
                let (uss_base_url, next_ovn) = (self::url(url), self.draw());
                Request::PutConstraint(constraint::Put { id, ovn, extent, uss_base_url, next_ovn })
            }
            Action::DeleteConstraint { id, ovn } => {
                let id = some_constraint(model, id);
                let ovn = self.ovn(ovn, constraint_ovn(model, id)).unwrap_or_else(wrong_ovn);
                Request::DeleteConstraint(constraint::Delete { id, ovn })
            }
            Action::PutSubscription { id, version, extent, given, url, notify_for } => {
                let id = some_subscription(model, id);
                let version = self::version(model, version, subscription_version(model, id));
                let extent = search(model, at, extent, given);
                let uss_base_url = self::url(url);
                Request::PutSubscription(subscription::Put {
                    id,
                    version,
                    extent,
                    uss_base_url,
                    notify_for,
                })
            }
            Action::DeleteSubscription { id, version } => {
                let id = some_subscription(model, id);
                let version = self::version(model, version, subscription_version(model, id));
                let version = version.unwrap_or_else(|| "wrong".to_owned());
                Request::DeleteSubscription(subscription::Delete { id, version })
            }
            Action::PutUssAvailability { uss, version, availability } => {
                let uss_id = super::party(uss);
                let current = model.find_uss_availability(&uss_id).version;
                let old_version = self::version(model, version, Some(current)).unwrap_or_default();
                Request::PutUssAvailability(uss_availability::Put {
                    uss_id,
                    old_version,
                    availability,
                })
            }
            Action::PutSettings(settings) => Request::PutSettings(settings),
        }
    }

    fn put_operational_intent(
        &mut self,
        model: &Model,
        at: Timestamp,
        party: &Party,
        action: &Action,
    ) -> operational_intent::Put {
        let Action::PutOperationalIntent {
            id,
            ovn,
            extent,
            state,
            key,
            url,
            subscription,
            next_ovn,
        } = *action
        else {
            unreachable!("the caller has matched it");
        };
        let id = some_operational_intent(model, id);
        let ovn = self.ovn(ovn, operational_intent_ovn(model, id));
        let is_accepted = ovn.is_none() || state == OperationalIntentState::Accepted;
        let state = if is_accepted { OperationalIntentState::Accepted } else { state };
        let subscription = match subscription {
            SubscriptionPlan::None if !is_accepted => {
                SubscriptionPlan::Implicit(url, NotifyForConstraints::No)
            }
            other => other,
        };
        operational_intent::Put {
            id,
            ovn,
            extent: self::extent(model, at, extent),
            state,
            key: self::key(model, party, key),
            uss_base_url: self::url(url),
            subscription: self.subscription(model, party, id, subscription),
            next_ovn: self.next_ovn(id, at, next_ovn),
        }
    }

    fn ovn(&self, plan: VersionPlan, current: Option<Ovn>) -> Option<Ovn> {
        match plan {
            VersionPlan::AsNeeded => current,
            VersionPlan::None => None,
            VersionPlan::Wrong => Some(wrong_ovn()),
            VersionPlan::Other(which) => pick(&self.ovns, which).cloned(),
        }
    }

    fn subscription(
        &mut self,
        model: &Model,
        party: &Party,
        id: EntityId,
        plan: SubscriptionPlan,
    ) -> SubscriptionChoice {
        let implicit = |id, choice, notify_for_constraints| SubscriptionChoice::Implicit {
            id,
            uss_base_url: url(choice),
            notify_for_constraints,
        };
        match plan {
            SubscriptionPlan::None => SubscriptionChoice::None,
            SubscriptionPlan::Kept(which) => {
                let known = model.operational_intents.iter().find(|known| known.id == id);
                match known.and_then(|known| known.subscription_id) {
                    Some(kept) => SubscriptionChoice::Existing(kept),
                    None => implicit(self.new_subscription_id(), which, NotifyForConstraints::Yes),
                }
            }
            SubscriptionPlan::Existing(which) => {
                let own: Vec<_> =
                    model.subscriptions.iter().filter(|known| known.manager == *party).collect();
                match pick(&own, which).filter(|_| which < Choice::MAX / 2) {
                    Some(known) => SubscriptionChoice::Existing(known.id),
                    None => SubscriptionChoice::Existing(some_subscription(model, which)),
                }
            }
            SubscriptionPlan::Implicit(url, notify_for_constraints) => {
                implicit(self.new_subscription_id(), url, notify_for_constraints)
            }
            SubscriptionPlan::ImplicitTaken(which) => {
                implicit(some_subscription(model, which), which, NotifyForConstraints::Yes)
            }
        }
    }

    /// One asked for again is one of the last few: an older one is too far from now.
    fn next_ovn(&mut self, id: EntityId, at: Timestamp, plan: NextOvnPlan) -> NextOvn {
        let suffix = match plan {
            NextOvnPlan::Random => return NextOvn::Random(self.draw()),
            NextOvnPlan::RequestedAgain(which) => {
                let mut last = self.suffixes.iter().rev().filter(|(of, _)| *of == id);
                last.nth(usize::from(which % 3)).map(|(_, suffix)| *suffix)
            }
            NextOvnPlan::Requested(_) => None,
        };
        if let Some(suffix) = suffix {
            return NextOvn::Requested(suffix);
        }
        let millis = if let NextOvnPlan::Requested(millis) = plan { millis } else { 0 };
        let suffix = self.new_suffix(at, millis);
        self.suffixes.push((id, suffix));
        NextOvn::Requested(suffix)
    }

    fn new_suffix(&mut self, at: Timestamp, millis: i64) -> OvnSuffix {
        let mut bytes = self.draw();
        let millis = u64::try_from(at.as_micros() / 1000 + millis).expect("long after 1970");
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        bytes[6] = 0x70 | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        OvnSuffix::parse(&hex).expect("version and variant were set")
    }

    fn new_subscription_id(&mut self) -> SubscriptionId {
        SubscriptionId::from_random_bytes(self.draw())
    }

    fn draw(&mut self) -> [u8; 16] {
        self.drawn += 1;
        let hash = Sha256::digest(self.drawn.to_le_bytes());
        hash[..16].try_into().expect("a hash is longer")
    }

    fn remember_ovns(&mut self, model: &Model) {
        let current = model.operational_intents.iter().map(|known| &known.ovn);
        for ovn in current.chain(model.constraints.iter().map(|known| &known.ovn)) {
            if !self.ovns.contains(ovn) {
                self.ovns.push(ovn.clone());
            }
        }
    }
}

fn start() -> Timestamp {
    Timestamp::from_micros(START_MICROS).expect("in range")
}

fn shift(time: Timestamp, micros: i64) -> Timestamp {
    let by = Duration::from_micros(micros.unsigned_abs());
    if micros < 0 { time.minus(by) } else { time.plus(by) }
}

fn pick<T>(from: &[T], which: Choice) -> Option<&T> {
    from.get(usize::from(which) % from.len().max(1))
}

/// Whose the thing is, in the order in which an action names things.
fn asker(model: &Model, step: &Step) -> Party {
    let (Asker::Manager(number) | Asker::Party(number)) = step.asker;
    let anybody = super::party(number);
    if let Asker::Party(_) = step.asker {
        return anybody;
    }
    let manager = match step.action {
        Action::PutOperationalIntent { id, .. } | Action::DeleteOperationalIntent { id, .. } => {
            let id = some_operational_intent(model, id);
            model.operational_intents.iter().find(|known| known.id == id).map(|k| &k.manager)
        }
        Action::PutConstraint { id, .. } | Action::DeleteConstraint { id, .. } => {
            let id = some_constraint(model, id);
            model.constraints.iter().find(|known| known.id == id).map(|k| &k.manager)
        }
        Action::PutSubscription { id, .. } | Action::DeleteSubscription { id, .. } => {
            let id = some_subscription(model, id);
            model.subscriptions.iter().find(|known| known.id == id).map(|k| &k.manager)
        }
        Action::PutUssAvailability { .. } | Action::PutSettings(_) => None,
    };
    manager.cloned().unwrap_or(anybody)
}

/// Half of the time one that exists, if there is one.
fn some_operational_intent(model: &Model, which: Choice) -> EntityId {
    let existing: Vec<_> = model.operational_intents.iter().map(|known| known.id).collect();
    if which < Choice::MAX / 2 && !existing.is_empty() {
        return existing[usize::from(which) % existing.len()];
    }
    entity_id(which)
}

/// Half of the time one that exists, if there is one.
fn some_constraint(model: &Model, which: Choice) -> EntityId {
    let existing: Vec<_> = model.constraints.iter().map(|known| known.id).collect();
    if which < Choice::MAX / 2 && !existing.is_empty() {
        return existing[usize::from(which) % existing.len()];
    }
    entity_id(which)
}

fn entity_id(which: Choice) -> EntityId {
    EntityId::from_random_bytes([17 * (1 + which % ENTITIES); 16])
}

fn subscription_id(which: Choice) -> SubscriptionId {
    SubscriptionId::from_random_bytes([17 * (1 + which % SUBSCRIPTIONS); 16])
}

/// Mostly one that exists, if there is one.
fn some_subscription(model: &Model, which: Choice) -> SubscriptionId {
    if which < Choice::MAX / 4 * 3
        && let Some(known) = pick(&model.subscriptions, which)
    {
        return known.id;
    }
    *pick(&Resolver::subscription_ids(model), which).expect("there are always some")
}

fn url(which: Choice) -> UssBaseUrl {
    UssBaseUrl::new(URLS[usize::from(which) % URLS.len()]).expect("it is short")
}

fn wrong_ovn() -> Ovn {
    Ovn::new("never-given-to-anybody").expect("it is short")
}

fn operational_intent_ovn(model: &Model, id: EntityId) -> Option<Ovn> {
    model.operational_intents.iter().find(|known| known.id == id).map(|known| known.ovn.clone())
}

fn constraint_ovn(model: &Model, id: EntityId) -> Option<Ovn> {
    model.constraints.iter().find(|known| known.id == id).map(|known| known.ovn.clone())
}

fn subscription_version(model: &Model, id: SubscriptionId) -> Option<String> {
    model.subscriptions.iter().find(|known| known.id == id).map(|known| known.version.clone())
}

fn version(model: &Model, plan: VersionPlan, current: Option<String>) -> Option<String> {
    match plan {
        VersionPlan::AsNeeded => current,
        VersionPlan::None => None,
        VersionPlan::Wrong => Some("wrong".to_owned()),
        VersionPlan::Other(which) => {
            pick(&model.subscriptions, which).map(|known| known.version.clone())
        }
    }
}

/// When every entity starts and ends.
fn spans(model: &Model) -> Vec<(Timestamp, Timestamp)> {
    let intents = model.operational_intents.iter().map(|known| &known.extent);
    let constraints = model.constraints.iter().map(|known| &known.extent);
    let subscriptions = model.subscriptions.iter().map(|known| &known.extent);
    intents.chain(constraints).chain(subscriptions).map(|e| (e.starts_at, e.ends_at)).collect()
}

fn moment(model: &Model, at: Timestamp, moment: Moment) -> Timestamp {
    match moment {
        Moment::Now(micros) => shift(at, micros),
        Moment::StartOf(which, micros) => {
            pick(&spans(model), which).map_or(at, |(start, _)| shift(*start, micros))
        }
        Moment::EndOf(which, micros) => {
            pick(&spans(model), which).map_or(at, |(_, end)| shift(*end, micros))
        }
    }
}

/// Start before end and lower not above upper, as every extent in a command.
fn extent(model: &Model, at: Timestamp, plan: ExtentPlan) -> Extent {
    let one = moment(model, at, plan.start);
    let other = moment(model, at, plan.end);
    let starts_at = one.min(other);
    let lower_m = i32::from(plan.lower % 4) * 50;
    let upper_m = lower_m + i32::from(plan.height % 4) * 50;
    let mut cells = Vec::new();
    for (number, id) in CELLS.iter().enumerate() {
        if plan.cells >> number & 1 == 1 {
            cells.push(Cell::from_id(*id).expect("it is of level 13"));
        }
    }
    if cells.is_empty() {
        cells.push(Cell::from_id(CELLS[0]).expect("it is of level 13"));
    }
    Extent {
        starts_at,
        ends_at: one.max(other).max(starts_at.plus(Duration::from_micros(1))),
        altitude_lower: Some(Altitude::from_millimeters(lower_m * 1000)),
        altitude_upper: Some(Altitude::from_millimeters(upper_m * 1000)),
        cells: Cells::from_unsorted(cells).expect("there is one"),
    }
}

/// A bound without its bit is not given.
fn search(model: &Model, at: Timestamp, plan: ExtentPlan, given: u8) -> Search {
    let extent = extent(model, at, plan);
    let is_given = |bit: u8| given >> bit & 1 == 1;
    Search {
        starts_at: Some(extent.starts_at).filter(|_| is_given(0)),
        ends_at: Some(extent.ends_at).filter(|_| is_given(1)),
        altitude_lower: extent.altitude_lower.filter(|_| is_given(2)),
        altitude_upper: extent.altitude_upper.filter(|_| is_given(3)),
        cells: extent.cells,
    }
}

/// Ascending and without repetition, as every key in a command.
fn key(model: &Model, party: &Party, plan: KeyPlan) -> Vec<Ovn> {
    let mut intents: Vec<_> =
        model.operational_intents.iter().map(|known| (&known.manager, &known.ovn)).collect();
    if !matches!(plan, KeyPlan::OperationalIntents) {
        intents.extend(model.constraints.iter().map(|known| (&known.manager, &known.ovn)));
    }
    match plan {
        KeyPlan::All | KeyPlan::OperationalIntents => {}
        KeyPlan::AllBut(which) => {
            if !intents.is_empty() {
                intents.remove(usize::from(which) % intents.len());
            }
        }
        KeyPlan::Own => intents.retain(|(manager, _)| *manager == party),
        KeyPlan::Empty => intents.clear(),
    }
    let mut key: Vec<Ovn> = intents.into_iter().map(|(_, ovn)| ovn.clone()).collect();
    key.sort_unstable();
    key.dedup();
    key
}
