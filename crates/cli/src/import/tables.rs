//! The tables of a deployed hub, and what is asked of them.
//!
//! Everything is cast, so that CockroachDB, YugabyteDB and PostgreSQL answer with the same types. A
//! row's cells are asked for only if an entity may have so many.

use super::snapshot::Maker;

/// The database of F3548-21.
pub(super) const SCD: &str = "scd";

/// The database of F3411.
pub(super) const RID: &str = "rid";

/// The database of the auxiliary API, which is counted only.
pub(super) const AUX: &str = "aux";

/// What is counted in [`AUX`].
pub(super) const AUX_TABLES: [&str; 2] = ["pool_participants", "heartbeats"];

/// Asks for the version of a database's schema, `vMAJOR.MINOR.PATCH`.
pub(super) const SCHEMA_VERSION: &str = "SELECT schema_version::text FROM schema_versions";

/// What is carried over, in the order in which it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Subscription,
    OperationalIntent,
    /// Carried with the intents that name them; afterwards it is seen which were not.
    ImplicitSubscription,
    Constraint,
    UssAvailability,
    IdentificationServiceArea,
    RemoteIdSubscription,
}

/// The kinds in [`SCD`].
pub(super) const SCD_KINDS: [Kind; 5] = [
    Kind::Subscription,
    Kind::OperationalIntent,
    Kind::ImplicitSubscription,
    Kind::Constraint,
    Kind::UssAvailability,
];

/// The kinds in [`RID`].
pub(super) const RID_KINDS: [Kind; 2] =
    [Kind::IdentificationServiceArea, Kind::RemoteIdSubscription];

/// Versions of a schema: one major, from a minor on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    major: u32,
    minor_min: u32,
}

/// Returns which versions of a database's schema can be read.
pub(super) fn known(database: &str, maker: Maker) -> Known {
    match (database, maker) {
        (RID, Maker::Cockroach) => Known { major: 4, minor_min: 0 },
        // Requested OVNs came with 3.2.
        (SCD, Maker::Cockroach) => Known { major: 3, minor_min: 2 },
        _ => Known { major: 1, minor_min: 0 },
    }
}

impl Known {
    /// Tells whether a version, as the database writes it, is one of these.
    pub(super) fn contains(self, version: &str) -> bool {
        let mut numbers = version.trim_start_matches('v').split('.').map(str::parse);
        let major = numbers.next() == Some(Ok(self.major));
        major
            && numbers.next().is_some_and(|minor| minor.is_ok_and(|minor| self.minor_min <= minor))
    }
}

impl std::fmt::Display for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "v{}.{} and later of v{0}", self.major, self.minor_min)
    }
}

impl Kind {
    /// Returns what people call them.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Subscription => "subscriptions",
            Kind::OperationalIntent => "operational intents",
            Kind::ImplicitSubscription => "implicit subscriptions",
            Kind::Constraint => "constraints",
            Kind::UssAvailability => "USS availabilities",
            Kind::IdentificationServiceArea => "identification service areas",
            Kind::RemoteIdSubscription => "remote ID subscriptions",
        }
    }

    /// Returns what people call one.
    pub(super) fn singular(self) -> &'static str {
        match self {
            Kind::Subscription => "subscription",
            Kind::OperationalIntent => "operational intent",
            Kind::ImplicitSubscription => "implicit subscription",
            Kind::Constraint => "constraint",
            Kind::UssAvailability => "USS availability",
            Kind::IdentificationServiceArea => "identification service area",
            Kind::RemoteIdSubscription => "remote ID subscription",
        }
    }

    /// Tells whether the rows asked for depend on the time, given as `$1`.
    pub(super) fn is_timed(self) -> bool {
        self != Kind::UssAvailability
    }

    /// Returns what changes with every change of any row, as text: a deployed hub counts a
    /// notification without moving `updated_at`.
    pub(super) fn fingerprint_sql(self) -> &'static str {
        match self {
            Kind::Subscription => {
                "SELECT concat_ws(' ', id::text, updated_at::text, ends_at::text, \
                 notification_index::text)::text \
                 FROM scd_subscriptions WHERE NOT coalesce(implicit, false) ORDER BY id"
            }
            Kind::ImplicitSubscription => {
                "SELECT concat_ws(' ', id::text, updated_at::text, ends_at::text, \
                 notification_index::text)::text \
                 FROM scd_subscriptions WHERE coalesce(implicit, false) ORDER BY id"
            }
            Kind::OperationalIntent => {
                "SELECT concat_ws(' ', id::text, updated_at::text, ends_at::text, version::text, \
                 subscription_id::text)::text \
                 FROM scd_operations ORDER BY id"
            }
            Kind::Constraint => {
                "SELECT concat_ws(' ', id::text, updated_at::text, ends_at::text, \
                 version::text)::text \
                 FROM scd_constraints ORDER BY id"
            }
            Kind::UssAvailability => {
                "SELECT concat_ws(' ', id::text, updated_at::text, availability::text)::text \
                 FROM scd_uss_availability ORDER BY id"
            }
            Kind::IdentificationServiceArea => {
                "SELECT concat_ws(' ', id::text, updated_at::text, ends_at::text)::text \
                 FROM identification_service_areas ORDER BY id"
            }
            Kind::RemoteIdSubscription => {
                "SELECT concat_ws(' ', id::text, updated_at::text, ends_at::text, \
                 notification_index::text)::text \
                 FROM subscriptions ORDER BY id"
            }
        }
    }

    /// Returns the rows that may be carried over: those that have not ended at `$1`, and ended
    /// subscriptions that an operational intent names which has not.
    pub(super) fn rows_sql(self) -> &'static str {
        match self {
            Kind::Subscription => SUBSCRIPTIONS,
            Kind::ImplicitSubscription => IMPLICIT_SUBSCRIPTIONS,
            Kind::OperationalIntent => OPERATIONAL_INTENTS,
            Kind::Constraint => CONSTRAINTS,
            Kind::UssAvailability => USS_AVAILABILITIES,
            Kind::IdentificationServiceArea => IDENTIFICATION_SERVICE_AREAS,
            Kind::RemoteIdSubscription => REMOTE_ID_SUBSCRIPTIONS,
        }
    }
}

const SUBSCRIPTIONS: &str = "\
SELECT id::text AS id, owner::text AS owner, url::text AS url, starts_at, ends_at, updated_at,
  array_length(cells, 1)::bigint AS cell_count,
  CASE WHEN array_length(cells, 1) <= 20000 THEN cells::bigint[] END AS cells,
  notification_index::bigint AS notification_index,
  coalesce(notify_for_operations, false) AS notify_for_operations,
  coalesce(notify_for_constraints, false) AS notify_for_constraints
FROM scd_subscriptions
WHERE NOT coalesce(implicit, false)
  AND (ends_at IS NULL OR $1::timestamptz < ends_at OR EXISTS (
    SELECT 1 FROM scd_operations WHERE scd_operations.subscription_id = scd_subscriptions.id
      AND (scd_operations.ends_at IS NULL OR $1::timestamptz < scd_operations.ends_at)))
ORDER BY scd_subscriptions.id";

const IMPLICIT_SUBSCRIPTIONS: &str = "\
SELECT id::text AS id
FROM scd_subscriptions
WHERE coalesce(implicit, false)
  AND (ends_at IS NULL OR $1::timestamptz < ends_at OR EXISTS (
    SELECT 1 FROM scd_operations WHERE scd_operations.subscription_id = scd_subscriptions.id
      AND (scd_operations.ends_at IS NULL OR $1::timestamptz < scd_operations.ends_at)))
ORDER BY scd_subscriptions.id";

const OPERATIONAL_INTENTS: &str = "\
SELECT o.id::text AS id, o.owner::text AS owner, o.url::text AS url, o.starts_at, o.ends_at,
  o.updated_at, o.version::bigint AS version, o.state::text AS state,
  o.altitude_lower::real AS altitude_lower, o.altitude_upper::real AS altitude_upper,
  array_length(o.cells, 1)::bigint AS cell_count,
  CASE WHEN array_length(o.cells, 1) <= 20000 THEN o.cells::bigint[] END AS cells,
  o.uss_requested_ovn::text AS uss_requested_ovn, o.past_ovns::text[] AS past_ovns,
  o.subscription_id::text AS subscription_id,
  s.id::text AS s_id, s.owner::text AS s_owner, s.url::text AS s_url, s.starts_at AS s_starts_at,
  s.ends_at AS s_ends_at, s.updated_at AS s_updated_at,
  array_length(s.cells, 1)::bigint AS s_cell_count,
  CASE WHEN array_length(s.cells, 1) <= 20000 THEN s.cells::bigint[] END AS s_cells,
  s.notification_index::bigint AS s_notification_index,
  coalesce(s.notify_for_operations, false) AS s_notify_for_operations,
  coalesce(s.notify_for_constraints, false) AS s_notify_for_constraints
FROM scd_operations AS o
LEFT JOIN scd_subscriptions AS s ON s.id = o.subscription_id AND s.implicit
WHERE o.ends_at IS NULL OR $1::timestamptz < o.ends_at
ORDER BY o.id";

const CONSTRAINTS: &str = "\
SELECT id::text AS id, owner::text AS owner, url::text AS url, starts_at, ends_at, updated_at,
  version::bigint AS version,
  altitude_lower::real AS altitude_lower, altitude_upper::real AS altitude_upper,
  array_length(cells, 1)::bigint AS cell_count,
  CASE WHEN array_length(cells, 1) <= 20000 THEN cells::bigint[] END AS cells
FROM scd_constraints
WHERE ends_at IS NULL OR $1::timestamptz < ends_at
ORDER BY scd_constraints.id";

const USS_AVAILABILITIES: &str = "\
SELECT id::text AS id, availability::text AS availability, updated_at
FROM scd_uss_availability
ORDER BY scd_uss_availability.id";

const IDENTIFICATION_SERVICE_AREAS: &str = "\
SELECT id::text AS id, owner::text AS owner, url::text AS url, starts_at, ends_at, updated_at,
  array_length(cells, 1)::bigint AS cell_count,
  CASE WHEN array_length(cells, 1) <= 20000 THEN cells::bigint[] END AS cells
FROM identification_service_areas
WHERE ends_at IS NULL OR $1::timestamptz < ends_at
ORDER BY identification_service_areas.id";

const REMOTE_ID_SUBSCRIPTIONS: &str = "\
SELECT id::text AS id, owner::text AS owner, url::text AS url, starts_at, ends_at, updated_at,
  array_length(cells, 1)::bigint AS cell_count,
  CASE WHEN array_length(cells, 1) <= 20000 THEN cells::bigint[] END AS cells,
  notification_index::bigint AS notification_index
FROM subscriptions
WHERE ends_at IS NULL OR $1::timestamptz < ends_at
ORDER BY subscriptions.id";

#[cfg(test)]
mod tests {
    use spacetime::CELLS_PER_ENTITY_MAX;

    use super::*;

    #[test]
    fn asks_for_no_more_cells_than_an_entity_may_have() {
        for kind in SCD_KINDS.into_iter().chain(RID_KINDS) {
            let sql = kind.rows_sql();
            let bounded = format!("<= {CELLS_PER_ENTITY_MAX} THEN");

            assert_eq!(sql.matches("cells::bigint[]").count(), sql.matches(&bounded).count());
        }
    }

    #[test]
    fn knows_schemas_by_major_and_least_minor() {
        let cockroach = known(SCD, Maker::Cockroach);
        let postgres = known(SCD, Maker::Postgres);

        assert!(cockroach.contains("v3.2.0") && cockroach.contains("v3.4.1"));
        assert!(postgres.contains("v1.0.0") && postgres.contains("1.1.1"));
        for version in ["v3.1.0", "v4.0.0", "v1.1.1", "v3", "", "v.", "v-3.2.0"] {
            assert!(!cockroach.contains(version), "{version}");
        }
        assert_eq!(cockroach.to_string(), "v3.2 and later of v3");
    }
}
