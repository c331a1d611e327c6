//! What each outcome is called, and the list of all of them.

use airspace::{
    Accepted, Decision, Refusal, constraint, identification_service_area, import,
    operational_intent, remote_id_subscription, subscription, uss_availability,
};

/// Names every variant of an enum; a variant without a name does not compile, so none is missing
/// from the list.
macro_rules! named {
    ($function:ident($type:ty), $list:ident: { $($pattern:pat => $name:literal,)* }) => {
        const $list: &[&str] = &[$($name,)*];

        fn $function(value: &$type) -> &'static str {
            match value {
                $($pattern => $name,)*
            }
        }
    };
}

/// Lists the names of all that can be decided.
pub(super) fn all() -> Vec<&'static str> {
    let lists = [
        ACCEPTED,
        OPERATIONAL_INTENT,
        CONSTRAINT,
        SUBSCRIPTION,
        AVAILABILITY,
        AREA,
        REMOTE_ID_SUBSCRIPTION,
        IMPORT,
        &["repeat", "key reused"],
    ];
    lists.concat()
}

/// Returns the name of a decision.
pub(super) fn of(decision: &Decision) -> &'static str {
    match decision {
        Decision::Repeat { .. } => "repeat",
        Decision::KeyReused => "key reused",
        Decision::Decided { outcome: Ok(accepted), .. } => of_accepted(accepted),
        Decision::Decided { outcome: Err(refusal), .. } => of_refusal(refusal),
    }
}

fn of_refusal(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::OperationalIntent(refusal) => of_operational_intent(refusal),
        Refusal::Constraint(refusal) => of_constraint(refusal),
        Refusal::Subscription(refusal) => of_subscription(refusal),
        Refusal::UssAvailability(refusal) => of_availability(refusal),
        Refusal::IdentificationServiceArea(refusal) => of_area(refusal),
        Refusal::RemoteIdSubscription(refusal) => of_remote_id_subscription(refusal),
        Refusal::Import(refusal) => of_import(refusal),
    }
}

named! { of_accepted(Accepted), ACCEPTED: {
    Accepted::OperationalIntent { .. } => "operational intent accepted",
    Accepted::Constraint { .. } => "constraint accepted",
    Accepted::SubscriptionPut { .. } => "subscription put",
    Accepted::SubscriptionDeleted { .. } => "subscription deleted",
    Accepted::UssAvailability(_) => "availability set",
    Accepted::Settings(_) => "settings set",
    Accepted::IdentificationServiceArea { .. } => "area accepted",
    Accepted::RemoteIdSubscriptionPut { .. } => "remote ID subscription put",
    Accepted::RemoteIdSubscriptionDeleted { .. } => "remote ID subscription deleted",
    Accepted::F3411Settings(_) => "settings of F3411 set",
    Accepted::Imported => "imported",
} }

named! { of_operational_intent(operational_intent::Refusal), OPERATIONAL_INTENT: {
    operational_intent::Refusal::AlreadyExists => "operational intent: already exists",
    operational_intent::Refusal::NotFound => "operational intent: not found",
    operational_intent::Refusal::NotManager => "operational intent: not manager",
    operational_intent::Refusal::OvnMismatch => "operational intent: OVN mismatch",
    operational_intent::Refusal::EndsInPast => "operational intent: ends in past",
    operational_intent::Refusal::MissingKeys { .. } => "operational intent: missing keys",
    operational_intent::Refusal::SubscriptionNotFound =>
        "operational intent: subscription not found",
    operational_intent::Refusal::SubscriptionNotManager =>
        "operational intent: subscription not manager",
    operational_intent::Refusal::SubscriptionTimeTooSmall =>
        "operational intent: subscription time too small",
    operational_intent::Refusal::SubscriptionAreaTooSmall =>
        "operational intent: subscription area too small",
    operational_intent::Refusal::SubscriptionIdTaken =>
        "operational intent: subscription id taken",
    operational_intent::Refusal::OvnSuffixNotNow => "operational intent: OVN suffix not now",
    operational_intent::Refusal::OvnSuffixUsed => "operational intent: OVN suffix used",
    operational_intent::Refusal::TooMany => "operational intent: too many",
} }

named! { of_constraint(constraint::Refusal), CONSTRAINT: {
    constraint::Refusal::AlreadyExists => "constraint: already exists",
    constraint::Refusal::NotFound => "constraint: not found",
    constraint::Refusal::NotManager => "constraint: not manager",
    constraint::Refusal::OvnMismatch => "constraint: OVN mismatch",
    constraint::Refusal::EndsInPast => "constraint: ends in past",
    constraint::Refusal::TooMany => "constraint: too many",
} }

named! { of_subscription(subscription::Refusal), SUBSCRIPTION: {
    subscription::Refusal::AlreadyExists => "subscription: already exists",
    subscription::Refusal::NotFound => "subscription: not found",
    subscription::Refusal::NotManager => "subscription: not manager",
    subscription::Refusal::VersionMismatch => "subscription: version mismatch",
    subscription::Refusal::StartsInPast => "subscription: starts in past",
    subscription::Refusal::EndsInPast => "subscription: ends in past",
    subscription::Refusal::EndsBeforeStart => "subscription: ends before start",
    subscription::Refusal::TooLong => "subscription: too long",
    subscription::Refusal::DependentNotCovered => "subscription: dependent not covered",
    subscription::Refusal::HasDependents => "subscription: has dependents",
    subscription::Refusal::TooMany => "subscription: too many",
    subscription::Refusal::TooManyFound => "subscription: too many found",
} }

named! { of_availability(uss_availability::Refusal), AVAILABILITY: {
    uss_availability::Refusal::VersionMismatch => "availability: version mismatch",
    uss_availability::Refusal::TooMany => "availability: too many",
} }

named! { of_area(identification_service_area::Refusal), AREA: {
    identification_service_area::Refusal::AlreadyExists => "area: already exists",
    identification_service_area::Refusal::NotFound => "area: not found",
    identification_service_area::Refusal::NotOwner => "area: not owner",
    identification_service_area::Refusal::VersionMismatch => "area: version mismatch",
    identification_service_area::Refusal::StartsInPast => "area: starts in past",
    identification_service_area::Refusal::EndMissing => "area: end missing",
    identification_service_area::Refusal::EndsBeforeStart => "area: ends before start",
    identification_service_area::Refusal::TooMany => "area: too many",
} }

named! { of_remote_id_subscription(remote_id_subscription::Refusal), REMOTE_ID_SUBSCRIPTION: {
    remote_id_subscription::Refusal::AlreadyExists => "remote ID subscription: already exists",
    remote_id_subscription::Refusal::NotFound => "remote ID subscription: not found",
    remote_id_subscription::Refusal::NotOwner => "remote ID subscription: not owner",
    remote_id_subscription::Refusal::VersionMismatch => "remote ID subscription: version mismatch",
    remote_id_subscription::Refusal::StartsInPast => "remote ID subscription: starts in past",
    remote_id_subscription::Refusal::EndsBeforeStart => "remote ID subscription: ends before start",
    remote_id_subscription::Refusal::TooLong => "remote ID subscription: too long",
    remote_id_subscription::Refusal::TooManyInCell => "remote ID subscription: too many in cell",
    remote_id_subscription::Refusal::TooMany => "remote ID subscription: too many",
    remote_id_subscription::Refusal::TooManyFound => "remote ID subscription: too many found",
} }

named! { of_import(import::Refusal), IMPORT: {
    import::Refusal::AlreadyExists => "import: already exists",
    import::Refusal::Gone => "import: gone",
    import::Refusal::SubscriptionNotFound => "import: subscription not found",
    import::Refusal::SubscriptionNotManager => "import: subscription not manager",
    import::Refusal::ChangedInFuture => "import: changed in future",
    import::Refusal::TooMany => "import: too many",
} }
