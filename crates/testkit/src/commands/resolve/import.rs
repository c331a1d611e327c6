//! What is carried over.

use airspace::import::{
    Constraint, IdentificationServiceArea, Import, OperationalIntent, RemoteIdSubscription,
    Subscription, UssAvailability,
};
use airspace::subscription::NotifyFor;
use airspace::{EntityId, NextOvn, OvnSuffix, SubscriptionId};
use spacetime::Timestamp;

use super::{Resolver, named, pick, place};
use crate::commands::party;
use crate::commands::step::{ImportKind, ImportPlan, ImportedIntent, ImportedSubscription};
use crate::model::Model;

/// How many milliseconds lie between the suffixes that something had one after the other.
const BETWEEN_SUFFIXES_MILLIS: i64 = 2 * 60 * 1000;

/// The subscription that an operational intent names, and the one that comes with it.
type Subscriptions = (Option<SubscriptionId>, Option<Subscription>);

impl Resolver {
    pub(super) fn import(&mut self, model: &Model, at: Timestamp, plan: &ImportPlan) -> Import {
        match plan.kind {
            ImportKind::Subscription(notify_for) => {
                let id = named::subscription_id(plan.id);
                Import::Subscription(subscription(model, at, plan, (id, notify_for)))
            }
            ImportKind::OperationalIntent(intent) => {
                Import::OperationalIntent(Box::new(self.intent(model, at, plan, &intent)))
            }
            ImportKind::Constraint => Import::Constraint(Constraint {
                id: named::entity_id(plan.id),
                manager: party(plan.owner),
                version: plan.number,
                extent: place::extent(model, at, plan.extent),
                uss_base_url: named::url(plan.url),
                updated_at: place::shift(at, plan.changed),
            }),
            ImportKind::UssAvailability(availability) => Import::UssAvailability(UssAvailability {
                uss_id: party(plan.owner),
                availability,
                updated_at: place::shift(at, plan.changed),
            }),
            ImportKind::IdentificationServiceArea => {
                Import::IdentificationServiceArea(area(model, at, plan))
            }
            ImportKind::RemoteIdSubscription => {
                Import::RemoteIdSubscription(remote_id_subscription(model, at, plan))
            }
        }
    }

    fn intent(
        &mut self,
        model: &Model,
        at: Timestamp,
        plan: &ImportPlan,
        intent: &ImportedIntent,
    ) -> OperationalIntent {
        let id = named::entity_id(plan.id);
        let past_suffixes = (1..=i64::from(intent.past))
            .map(|ago| self.suffix_of(id, at, -ago * BETWEEN_SUFFIXES_MILLIS))
            .collect();
        let ovn = match intent.suffix {
            Some(millis) => NextOvn::Requested(self.suffix_of(id, at, millis)),
            None => NextOvn::of_time(place::shift(at, plan.changed)),
        };
        let (subscription_id, implicit_subscription) =
            self.imported_subscription(model, at, plan, intent.subscription);
        OperationalIntent {
            id,
            manager: party(plan.owner),
            version: plan.number,
            state: intent.state,
            ovn,
            past_suffixes,
            extent: place::extent(model, at, plan.extent),
            uss_base_url: named::url(plan.url),
            subscription_id,
            implicit_subscription,
        }
    }

    /// Remembers the suffix, so that it is asked for again.
    fn suffix_of(&mut self, id: EntityId, at: Timestamp, millis: i64) -> OvnSuffix {
        let suffix = self.new_suffix(at, millis);
        self.suffixes.push((id, suffix));
        suffix
    }

    fn imported_subscription(
        &mut self,
        model: &Model,
        at: Timestamp,
        plan: &ImportPlan,
        subscription: ImportedSubscription,
    ) -> Subscriptions {
        let new = self.new_subscription_id();
        let given = |id, notify_for| self::subscription(model, at, plan, (id, notify_for));
        match subscription {
            ImportedSubscription::None => (None, None),
            ImportedSubscription::Existing(which) => {
                let manager = party(plan.owner);
                let mut own = model.subscriptions.clone();
                own.retain(|known| known.manager == manager);
                let id = match pick(&own, which).filter(|_| which < u8::MAX / 4 * 3) {
                    Some(known) => known.id,
                    None => named::some_subscription(model, which),
                };
                (Some(id), None)
            }
            ImportedSubscription::Implicit(notify_for) => (Some(new), Some(given(new, notify_for))),
            ImportedSubscription::Taken(which) => {
                let id = named::some_subscription(model, which);
                (Some(id), Some(given(id, NotifyFor::Both)))
            }
            ImportedSubscription::OfOther(owner) => {
                let of_other =
                    Subscription { manager: party(owner), ..given(new, NotifyFor::Both) };
                (Some(new), Some(of_other))
            }
            ImportedSubscription::NotNamed(which) => {
                let named = (which % 2 == 0).then(|| named::some_subscription(model, which));
                (named, Some(given(new, NotifyFor::OperationalIntents)))
            }
            ImportedSubscription::Changed(micros) => {
                let updated_at = place::shift(at, micros);
                (Some(new), Some(Subscription { updated_at, ..given(new, NotifyFor::Both) }))
            }
        }
    }
}

fn subscription(
    model: &Model,
    at: Timestamp,
    plan: &ImportPlan,
    (id, notify_for): (SubscriptionId, NotifyFor),
) -> Subscription {
    Subscription {
        id,
        manager: party(plan.owner),
        extent: place::extent(model, at, plan.extent),
        uss_base_url: named::url(plan.url),
        notify_for,
        notification_index: plan.number,
        updated_at: place::shift(at, plan.changed),
    }
}

fn area(model: &Model, at: Timestamp, plan: &ImportPlan) -> IdentificationServiceArea {
    IdentificationServiceArea {
        id: named::entity_id(plan.id),
        owner: party(plan.owner),
        extent: place::extent(model, at, plan.extent),
        uss_base_url: named::url(plan.url),
        updated_at: place::shift(at, plan.changed),
    }
}

fn remote_id_subscription(model: &Model, at: Timestamp, plan: &ImportPlan) -> RemoteIdSubscription {
    RemoteIdSubscription {
        id: named::remote_id_subscription_id(plan.id),
        owner: party(plan.owner),
        extent: place::extent(model, at, plan.extent),
        uss_base_url: named::url(plan.url),
        notification_index: plan.number,
        updated_at: place::shift(at, plan.changed),
    }
}
