//! Rows of a deployed hub as what they mean: see the airspace rules of the standards it serves.
//!
//! What a row holds is checked as far as it can be without the rest; what depends on the rest the
//! state refuses.

use airspace::import::{
    Constraint, IdentificationServiceArea, Import, OperationalIntent, RemoteIdSubscription,
    Subscription, UssAvailability,
};
use airspace::operational_intent::OperationalIntentState;
use airspace::subscription::NotifyFor;
use airspace::uss_availability::UssAvailabilityState;
use airspace::{
    EntityId, Extent, NextOvn, OvnSuffix, PAST_SUFFIXES_MAX, Party, SUFFIX_SKEW_MAX,
    SubscriptionId, UssBaseUrl,
};
use spacetime::Timestamp;
use tokio_postgres::Row;

use super::column::{Columns, Unreadable, bad};
use super::tables::Kind;

/// The prefix of the columns of an implicit subscription beside the intent that names it.
const IMPLICIT: &str = "s_";

/// How many suffixes an intent brings along; its present one is remembered too.
const SUFFIXES_MAX: usize = PAST_SUFFIXES_MAX - 1;

/// Returns the name of a row, for people: whatever its id column holds.
pub(super) fn id(row: &Row) -> String {
    row.try_get("id").unwrap_or_else(|_| "(no id)".to_owned())
}

/// Reads a row of a kind that is carried over by itself.
///
/// # Panics
///
/// For implicit subscriptions: they come with the intents that name them.
pub(super) fn read(kind: Kind, row: &Row, now: Timestamp) -> Result<Import, Unreadable> {
    let columns = Columns::new(row);
    Ok(match kind {
        Kind::Subscription => Import::Subscription(subscription(columns)?),
        Kind::OperationalIntent => {
            Import::OperationalIntent(Box::new(operational_intent(columns, now)?))
        }
        Kind::Constraint => Import::Constraint(constraint(columns)?),
        Kind::UssAvailability => Import::UssAvailability(uss_availability(columns)?),
        Kind::IdentificationServiceArea => {
            Import::IdentificationServiceArea(identification_service_area(columns)?)
        }
        Kind::RemoteIdSubscription => {
            Import::RemoteIdSubscription(remote_id_subscription(columns)?)
        }
        Kind::ImplicitSubscription => unreachable!("they come with the intents that name them"),
    })
}

fn subscription(columns: Columns<'_>) -> Result<Subscription, Unreadable> {
    let notify_for =
        match (columns.get("notify_for_operations")?, columns.get("notify_for_constraints")?) {
            (true, true) => NotifyFor::Both,
            (true, false) => NotifyFor::OperationalIntents,
            (false, true) => NotifyFor::Constraints,
            (false, false) => return Err(Unreadable::NotifiesOfNothing),
        };
    Ok(Subscription {
        id: subscription_id(columns.get("id")?, "id")?,
        manager: owner(columns)?,
        extent: extent(columns, Altitudes::None)?,
        uss_base_url: url(columns)?,
        notify_for,
        notification_index: columns.count("notification_index")?,
        updated_at: columns.time("updated_at")?,
    })
}

fn operational_intent(
    columns: Columns<'_>,
    now: Timestamp,
) -> Result<OperationalIntent, Unreadable> {
    let id = entity_id(columns)?;
    let past: Vec<&str> = columns.get("past_ovns")?;
    let named: Option<&str> = columns.find("subscription_id")?;
    let is_implicit = columns.prefixed(IMPLICIT).find::<&str>("id")?.is_some();
    let implicit_subscription = is_implicit.then(|| subscription(columns.prefixed(IMPLICIT)));
    Ok(OperationalIntent {
        id,
        manager: owner(columns)?,
        version: columns.count("version")?,
        state: state(columns.get("state")?)?,
        ovn: ovn(id, columns)?,
        past_suffixes: acceptable_suffixes(id, &past, now),
        extent: extent(columns, Altitudes::Stored)?,
        uss_base_url: url(columns)?,
        subscription_id: named.map(|id| subscription_id(id, "subscription_id")).transpose()?,
        implicit_subscription: implicit_subscription
            .transpose()
            .map_err(|why| Unreadable::ImplicitSubscription(Box::new(why)))?,
    })
}

fn constraint(columns: Columns<'_>) -> Result<Constraint, Unreadable> {
    Ok(Constraint {
        id: entity_id(columns)?,
        manager: owner(columns)?,
        version: columns.count("version")?,
        extent: extent(columns, Altitudes::Stored)?,
        uss_base_url: url(columns)?,
        updated_at: columns.time("updated_at")?,
    })
}

fn uss_availability(columns: Columns<'_>) -> Result<UssAvailability, Unreadable> {
    let availability = match columns.get("availability")? {
        "Unknown" => UssAvailabilityState::Unknown,
        "Normal" => UssAvailabilityState::Normal,
        "Down" => UssAvailabilityState::Down,
        other => return Err(bad("availability", format_args!("`{other}`"))),
    };
    Ok(UssAvailability {
        uss_id: party(columns.get("id")?, "id")?,
        availability,
        updated_at: columns.time("updated_at")?,
    })
}

fn identification_service_area(
    columns: Columns<'_>,
) -> Result<IdentificationServiceArea, Unreadable> {
    Ok(IdentificationServiceArea {
        id: entity_id(columns)?,
        owner: owner(columns)?,
        extent: extent(columns, Altitudes::None)?,
        uss_base_url: url(columns)?,
        updated_at: columns.time("updated_at")?,
    })
}

fn remote_id_subscription(columns: Columns<'_>) -> Result<RemoteIdSubscription, Unreadable> {
    Ok(RemoteIdSubscription {
        id: subscription_id(columns.get("id")?, "id")?,
        owner: owner(columns)?,
        extent: extent(columns, Altitudes::None)?,
        uss_base_url: url(columns)?,
        notification_index: columns.count("notification_index")?,
        updated_at: columns.time("updated_at")?,
    })
}

/// Whether a table has columns of altitudes.
#[derive(Clone, Copy)]
enum Altitudes {
    Stored,
    None,
}

fn extent(columns: Columns<'_>, altitudes: Altitudes) -> Result<Extent, Unreadable> {
    let starts_at = columns.time("starts_at")?;
    let ends_at = columns.time("ends_at")?;
    if ends_at <= starts_at {
        return Err(Unreadable::Reversed);
    }
    let (altitude_lower, altitude_upper) = match altitudes {
        Altitudes::Stored => {
            (columns.altitude("altitude_lower")?, columns.altitude("altitude_upper")?)
        }
        Altitudes::None => (None, None),
    };
    Ok(Extent { starts_at, ends_at, altitude_lower, altitude_upper, cells: columns.cells()? })
}

/// Reads what the OVN is made of: a suffix that was requested, or the time of the last change.
fn ovn(id: EntityId, columns: Columns<'_>) -> Result<NextOvn, Unreadable> {
    let Some(requested) = columns.find::<&str>("uss_requested_ovn")? else {
        return Ok(NextOvn::of_time(columns.time("updated_at")?));
    };
    let suffix = suffix_of(id, requested).ok_or(Unreadable::Ovn)?;
    Ok(NextOvn::Requested(suffix))
}

/// Returns the suffix of a requested OVN that is written just as this hub would write it.
fn suffix_of(id: EntityId, ovn: &str) -> Option<OvnSuffix> {
    let (_, text) = ovn.split_once('_')?;
    let suffix = OvnSuffix::parse(text)?;
    (ovn == format!("{id}_{suffix}")).then_some(suffix)
}

/// Returns those of past suffixes that could be requested once more, the newest.
fn acceptable_suffixes(id: EntityId, past: &[&str], now: Timestamp) -> Vec<OvnSuffix> {
    let oldest_ms = now.minus(SUFFIX_SKEW_MAX).as_micros() / 1_000;
    let acceptable = |suffix: &OvnSuffix| {
        i64::try_from(suffix.unix_millis()).is_ok_and(|millis| oldest_ms <= millis)
    };
    // Superseded OVNs are appended.
    let newest_first = past.iter().rev().filter_map(|ovn| suffix_of(id, ovn));
    newest_first.filter(acceptable).take(SUFFIXES_MAX).collect()
}

fn entity_id(columns: Columns<'_>) -> Result<EntityId, Unreadable> {
    EntityId::parse(columns.get("id")?).map_err(|error| bad("id", error))
}

fn subscription_id(text: &str, column: &'static str) -> Result<SubscriptionId, Unreadable> {
    SubscriptionId::parse(text).map_err(|error| bad(column, error))
}

fn owner(columns: Columns<'_>) -> Result<Party, Unreadable> {
    party(columns.get("owner")?, "owner")
}

fn party(text: &str, column: &'static str) -> Result<Party, Unreadable> {
    Party::new(text).map_err(|error| bad(column, error))
}

fn url(columns: Columns<'_>) -> Result<UssBaseUrl, Unreadable> {
    UssBaseUrl::new(columns.get("url")?).map_err(|error| bad("url", error))
}

fn state(text: &str) -> Result<OperationalIntentState, Unreadable> {
    match text {
        "Accepted" => Ok(OperationalIntentState::Accepted),
        "Activated" => Ok(OperationalIntentState::Activated),
        "Nonconforming" => Ok(OperationalIntentState::Nonconforming),
        "Contingent" => Ok(OperationalIntentState::Contingent),
        other => Err(bad("state", format_args!("`{other}`"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_767_323_045_000;

    fn suffix(millis: u64) -> String {
        let hex = format!("{millis:012x}");
        format!("{}-{}-7abc-8abc-0123456789ab", &hex[..8], &hex[8..])
    }

    fn now() -> Timestamp {
        Timestamp::from_micros(NOW_MS as i64 * 1_000).expect("in range")
    }

    #[test]
    fn takes_a_requested_ovn_only_as_it_would_write_it() {
        let id = EntityId::from_random_bytes([7; 16]);
        let good = format!("{id}_{}", suffix(NOW_MS));

        assert!(suffix_of(id, &good).is_some());
        let other = EntityId::from_random_bytes([8; 16]);
        for ovn in [
            good.to_uppercase(),
            good.replace('-', ""),
            good.replace("-7abc-", "-4abc-"),
            format!("{good} "),
            good.replace(&id.to_string(), &other.to_string()),
            "47DEQpj8HBSa-.TImW5JCeuQeRkm5NMpJWZG3hSuFU_".to_owned(),
        ] {
            assert_eq!(suffix_of(id, &ovn), None, "{ovn}");
        }
    }

    #[test]
    fn keeps_past_suffixes_that_could_be_requested_again() {
        let id = EntityId::from_random_bytes([7; 16]);
        let five_minutes_ms = 5 * 60 * 1_000;
        let edge = format!("{id}_{}", suffix(NOW_MS - five_minutes_ms));
        let older = format!("{id}_{}", suffix(NOW_MS - five_minutes_ms - 1));
        let made = "47DEQpj8HBSa-.TImW5JCeuQeRkm5NMpJWZG3hSuFU_";

        let kept = acceptable_suffixes(id, &[&older, made, &edge], now());

        assert_eq!(kept, [OvnSuffix::parse(&suffix(NOW_MS - five_minutes_ms)).expect("a UUIDv7")]);
    }

    #[test]
    fn keeps_no_more_past_suffixes_than_are_remembered() {
        let id = EntityId::from_random_bytes([7; 16]);
        let past: Vec<String> = (0..=SUFFIXES_MAX as u64)
            .map(|number| format!("{id}_{}", suffix(NOW_MS + number)))
            .collect();
        let past: Vec<&str> = past.iter().map(String::as_str).collect();

        let kept = acceptable_suffixes(id, &past, now());

        assert_eq!(kept.len(), SUFFIXES_MAX);
        assert_eq!(kept[0].unix_millis(), NOW_MS + SUFFIXES_MAX as u64);
    }
}
