//! What a step means where it stands.

use airspace::operational_intent::{
    self, NotifyForConstraints, OperationalIntentState, SubscriptionChoice,
};
use airspace::{
    Command, EntityId, NextOvn, Ovn, OvnHash, OvnSuffix, Party, Request, Retry, Search,
    SubscriptionId,
};
use sha2::{Digest, Sha256};
use spacetime::Timestamp;

use super::step::{
    Action, Choice, Elapse, KeyPlan, Look, NextOvnPlan, Step, SubscriptionPlan, VersionPlan,
};
use crate::model::{Model, OUTCOME_KEPT_MAX};

mod f3548;
mod import;
mod named;
mod place;
mod remote_id;

pub use named::{entity_ids, remote_id_subscription_ids, subscription_ids};

const KEYS: u8 = 3;
const FINGERPRINTS: u8 = 2;

/// Turns steps into commands; it draws what a proposer draws, always the same in the same order.
#[derive(Clone, Debug, Default)]
pub struct Resolver {
    drawn: u64,
    suffixes: Vec<(EntityId, OvnSuffix)>,
    ovns: Vec<Ovn>,
    kept_at: Vec<Timestamp>,
}

impl Resolver {
    /// Returns the stamp and the command that `step` means after what `model` has applied.
    pub fn resolve(&mut self, model: &Model, step: &Step) -> (Timestamp, Command) {
        self.remember_ovns(model);
        let stamp = self.stamp(model, step.elapse).max(place::start());
        let at = model.clock_of(stamp);
        let party = named::asker(model, step);
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
        (now, super::party(look.reader), place::search(model, model.clock, look.extent, look.given))
    }

    fn stamp(&self, model: &Model, elapse: Elapse) -> Timestamp {
        let span = |which| place::span(model, which);
        match elapse {
            Elapse::By(micros) => place::shift(model.clock, micros),
            Elapse::PastEnd(which, micros) => {
                span(which).map_or(model.clock, |span| place::shift(span.ends_at, micros))
            }
            Elapse::PastRetention(which, micros) => span(which).map_or(model.clock, |span| {
                place::shift(span.ends_at.plus(span.retention), micros)
            }),
            Elapse::PastKept(which, micros) => pick(&self.kept_at, which)
                .map_or(model.clock, |kept| place::shift(kept.plus(OUTCOME_KEPT_MAX), micros)),
        }
    }

    fn request(&mut self, model: &Model, at: Timestamp, party: &Party, action: &Action) -> Request {
        match *action {
            Action::PutOperationalIntent { .. } => {
                Request::PutOperationalIntent(self.put_operational_intent(model, at, party, action))
            }
            Action::DeleteOperationalIntent { id, ovn } => {
                let id = named::some_operational_intent(model, id);
                let current = named::operational_intent_ovn(model, id);
                let ovn = self.ovn(ovn, current).unwrap_or_else(named::wrong_ovn);
                Request::DeleteOperationalIntent(operational_intent::Delete { id, ovn })
            }
            Action::PutConstraint { id, ovn, extent, given, url } => {
                self.put_constraint(model, at, (id, ovn), (extent, given, url))
            }
            Action::DeleteConstraint { id, ovn } => self.delete_constraint(model, id, ovn),
            Action::PutSubscription { id, version, extent, given, url, notify_for } => {
                let place = (extent, given, url);
                f3548::put_subscription(model, at, (id, version), place, notify_for)
            }
            Action::DeleteSubscription { id, version } => {
                f3548::delete_subscription(model, id, version)
            }
            Action::PutUssAvailability { uss, version, availability } => {
                f3548::put_uss_availability(model, uss, version, availability)
            }
            Action::PutSettings(settings) => Request::PutSettings(settings),
            Action::PutIdentificationServiceArea { id, version, footprint, url } => {
                remote_id::put_area(model, at, (id, url), version, footprint)
            }
            Action::DeleteIdentificationServiceArea { id, version } => {
                remote_id::delete_area(model, id, version)
            }
            Action::PutRemoteIdSubscription { id, version, footprint, url } => {
                remote_id::put_subscription(model, at, (id, url), version, footprint)
            }
            Action::DeleteRemoteIdSubscription { id, version } => {
                remote_id::delete_subscription(model, id, version)
            }
            Action::PutF3411Settings(settings) => Request::PutF3411Settings(settings),
            Action::Import(ref plan) => Request::Import(self.import(model, at, plan)),
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
        let id = named::some_operational_intent(model, id);
        let ovn = self.ovn(ovn, named::operational_intent_ovn(model, id));
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
            extent: place::extent(model, at, extent),
            state,
            key: self::key(model, party, key),
            uss_base_url: named::url(url),
            subscription: self.subscription(model, party, id, subscription),
            next_ovn: self.next_ovn(id, at, next_ovn),
        }
    }

    fn ovn(&self, plan: VersionPlan, current: Option<Ovn>) -> Option<Ovn> {
        match plan {
            VersionPlan::AsNeeded => current,
            VersionPlan::None => None,
            VersionPlan::Wrong => Some(named::wrong_ovn()),
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
            uss_base_url: named::url(choice),
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
                    None => SubscriptionChoice::Existing(named::some_subscription(model, which)),
                }
            }
            SubscriptionPlan::Implicit(url, notify_for_constraints) => {
                implicit(self.new_subscription_id(), url, notify_for_constraints)
            }
            SubscriptionPlan::ImplicitTaken(which) => {
                implicit(named::some_subscription(model, which), which, NotifyForConstraints::Yes)
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

fn pick<T>(from: &[T], which: Choice) -> Option<&T> {
    from.get(usize::from(which) % from.len().max(1))
}

/// Ascending and without repetition, as every key in a command.
fn key(model: &Model, party: &Party, plan: KeyPlan) -> Vec<OvnHash> {
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
    OvnHash::key_of(intents.into_iter().map(|(_, ovn)| ovn))
}
