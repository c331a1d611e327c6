//! The database of a deployed hub, as far as an import reads it, with rows of every kind.
//!
//! What the rows are worth to clients (OVNs and versions) is what the deployed implementation
//! answered when it was started on these very rows.

use crate::postgres::Postgres;

/// An end that no clock has reached.
const NEVER: &str = "2120-01-01T00:00:00Z";

const SCD_TABLES: &str = "
CREATE TYPE operational_intent_state AS
  ENUM ('Unknown', 'Accepted', 'Activated', 'Nonconforming', 'Contingent');
CREATE TABLE scd_subscriptions (
  id uuid PRIMARY KEY, owner text NOT NULL, version int4 NOT NULL DEFAULT 0, url text NOT NULL,
  notification_index int4 DEFAULT 0, notify_for_operations bool DEFAULT false,
  notify_for_constraints bool DEFAULT false, implicit bool DEFAULT false, starts_at timestamptz,
  ends_at timestamptz, updated_at timestamptz NOT NULL, cells bigint[]);
CREATE TABLE scd_operations (
  id uuid PRIMARY KEY, owner text NOT NULL, version int4 NOT NULL DEFAULT 0, url text NOT NULL,
  altitude_lower real, altitude_upper real, starts_at timestamptz, ends_at timestamptz,
  subscription_id uuid REFERENCES scd_subscriptions (id), updated_at timestamptz NOT NULL,
  state operational_intent_state NOT NULL DEFAULT 'Unknown', cells bigint[],
  uss_requested_ovn text, past_ovns text[] NOT NULL DEFAULT '{}');
CREATE TABLE scd_constraints (
  id uuid PRIMARY KEY, owner text NOT NULL, version int4 NOT NULL DEFAULT 0, url text NOT NULL,
  altitude_lower real, altitude_upper real, starts_at timestamptz, ends_at timestamptz,
  updated_at timestamptz NOT NULL, cells bigint[] NOT NULL);
CREATE TABLE scd_uss_availability (
  id text PRIMARY KEY, availability text NOT NULL, updated_at timestamptz NOT NULL);";

const RID_TABLES: &str = "
CREATE TABLE identification_service_areas (
  id uuid PRIMARY KEY, owner text NOT NULL, url text NOT NULL, starts_at timestamptz,
  ends_at timestamptz, updated_at timestamptz NOT NULL, cells bigint[] NOT NULL, writer text);
CREATE TABLE subscriptions (
  id uuid PRIMARY KEY, owner text NOT NULL, url text NOT NULL, notification_index int4 DEFAULT 0,
  starts_at timestamptz, ends_at timestamptz, updated_at timestamptz NOT NULL,
  cells bigint[] NOT NULL, writer text);";

const AUX_TABLES: &str = "
CREATE TABLE pool_participants (
  locality text PRIMARY KEY, public_endpoint text NOT NULL, updated_at timestamptz NOT NULL);
INSERT INTO pool_participants VALUES ('one', 'https://one.example.com', now());";

/// Two cells of level 13 beside each other, near 47 N 8 E.
const CELLS: &str = "'{5156554314151362560, 5156554348511100928}'";

/// Makes the databases of a deployed hub, with nothing in them.
pub(crate) fn found(postgres: &Postgres, scd_version: &str) {
    for (database, tables, version) in [
        ("scd", SCD_TABLES, scd_version),
        ("rid", RID_TABLES, "v1.0.1"),
        ("aux", AUX_TABLES, "v1.1.0"),
    ] {
        postgres.execute("postgres", &format!("CREATE DATABASE {database}"));
        postgres.execute(database, tables);
        postgres.execute(
            database,
            &format!(
                "CREATE TABLE schema_versions (
                   onerow_enforcer bool PRIMARY KEY DEFAULT true, schema_version text NOT NULL);
                 INSERT INTO schema_versions (schema_version) VALUES ('{version}')"
            ),
        );
    }
}

/// Rows of every kind that can be carried, and one of each that has ended.
pub(crate) fn fill(postgres: &Postgres) {
    postgres.execute("scd", &scd_rows());
    postgres.execute("rid", &rid_rows());
}

/// Rows that cannot be carried, each for a reason of its own.
pub(crate) fn fill_unreadable(postgres: &Postgres) {
    postgres.execute("scd", &scd_unreadable());
    postgres.execute("rid", &rid_unreadable());
}

/// An identification service area with any URL that has no quote.
pub(crate) fn add_area(postgres: &Postgres, id: &str, url: &str) {
    let at = "'2024-05-06 07:08:09+00'";
    let rows = format!(
        "INSERT INTO identification_service_areas
           (id, owner, url, starts_at, ends_at, updated_at, cells) VALUES
         ('{id}', 'alder', '{url}', {at}, '{NEVER}', {at}, {CELLS});"
    );
    postgres.execute("rid", &rows);
}

fn scd_rows() -> String {
    format!(
        "INSERT INTO scd_subscriptions (id, owner, url, notification_index, notify_for_operations,
           notify_for_constraints, implicit, starts_at, ends_at, updated_at, cells) VALUES
         ('5a000000-0000-4000-8000-000000000001', 'alder', 'https://alder.example.com/utm', 3,
           true, true, false, '2024-05-06 07:00:00.000001+00', '{NEVER}',
           '2024-05-06 07:08:09.101112+00', {CELLS}),
         ('5a000000-0000-4000-8000-000000000002', 'birch', 'https://birch.example.com/utm', 0,
           true, false, false, '2024-05-06 07:00:00+00', now() - interval '1 hour',
           '2024-05-06 07:08:09+00', {CELLS}),
         ('5a000000-0000-4000-8000-000000000003', 'birch', 'https://birch.example.com/utm', 0,
           true, false, false, '2024-05-06 07:00:00+00', '2024-05-07 07:00:00+00',
           '2024-05-06 07:08:09+00', {CELLS}),
         ('5b000000-0000-4000-8000-000000000001', 'cedar', 'https://cedar.example.com/sub', 2,
           true, true, true, '2024-05-06 07:00:00+00', '{NEVER}',
           '2024-05-06 07:08:09.1+00', {CELLS});
         INSERT INTO scd_operations (id, owner, version, url, altitude_lower, altitude_upper,
           starts_at, ends_at, subscription_id, updated_at, state, cells, uss_requested_ovn,
           past_ovns) VALUES
         ('01000000-0000-4000-8000-000000000001', 'cedar', 4, 'https://cedar.example.com/utm', 10.5,
           20.25, '2024-05-06 07:00:00.000001+00', '{NEVER}',
           '5b000000-0000-4000-8000-000000000001', '2024-05-06 07:08:09.101112+00', 'Activated',
           {CELLS}, NULL, '{{Km9ZNtKKZ9SCu-PINrisqiYlsBKfCRm0L6H9wa7u7xk_}}'),
         ('01000000-0000-4000-8000-000000000002', 'cedar', 2, 'https://cedar.example.com/utm', 30,
           40, '2024-05-06 07:00:00+00', '{NEVER}', '5b000000-0000-4000-8000-000000000001',
           '2024-05-06 07:08:09+00', 'Accepted', {CELLS},
           '01000000-0000-4000-8000-000000000002_018f4cba-5c00-7abc-8abc-0123456789ab', '{{}}'),
         ('01000000-0000-4000-8000-000000000003', 'birch', 1, 'https://birch.example.com/utm', 50,
           60, '2024-05-06 07:00:00+00', '{NEVER}', '5a000000-0000-4000-8000-000000000002',
           '2024-05-06 07:08:09.12+00', 'Nonconforming', {CELLS}, NULL, '{{}}'),
         ('01000000-0000-4000-8000-000000000004', 'alder', 7, 'https://alder.example.com/utm', 70,
           80, '2024-05-06 07:00:00+00', '{NEVER}', NULL, '2024-05-06 07:08:09+00', 'Accepted',
           {CELLS}, NULL, '{{}}'),
         ('01000000-0000-4000-8000-000000000005', 'alder', 1, 'https://alder.example.com/utm', 70,
           80, '2024-05-06 07:00:00+00', '2024-05-06 08:00:00+00', NULL, '2024-05-06 07:08:09+00',
           'Accepted', {CELLS}, NULL, '{{}}');
         INSERT INTO scd_constraints (id, owner, version, url, altitude_lower, altitude_upper,
           starts_at, ends_at, updated_at, cells) VALUES
         ('c0000000-0000-4000-8000-000000000001', 'town', 3, 'https://town.example.com/utm', NULL,
           NULL, '2024-05-06 07:00:00+00', '{NEVER}', '2024-05-06 07:08:09.101112+00', {CELLS}),
         ('c0000000-0000-4000-8000-000000000002', 'town', 1, 'https://town.example.com/utm', 0, 90,
           '2024-05-06 07:00:00+00', '2024-05-06 08:00:00+00', '2024-05-06 07:08:09+00', {CELLS});
         INSERT INTO scd_uss_availability VALUES
         ('alder', 'Down', '2024-05-06 07:08:09.101112+00');"
    )
}

fn rid_rows() -> String {
    format!(
        "INSERT INTO identification_service_areas
           (id, owner, url, starts_at, ends_at, updated_at, cells) VALUES
         ('a0000000-0000-4000-8000-000000000001', 'alder', 'https://alder.example.com/rid',
           '2024-05-06 07:00:00.000001+00', '{NEVER}', '2024-05-06 07:08:09.101112+00', {CELLS}),
         ('a0000000-0000-4000-8000-000000000002', 'alder', 'https://alder.example.com/rid',
           '2024-05-06 07:00:00+00', '2024-05-06 08:00:00+00', '2024-05-06 07:08:09+00', {CELLS});
         INSERT INTO subscriptions
           (id, owner, url, notification_index, starts_at, ends_at, updated_at, cells) VALUES
         ('e0000000-0000-4000-8000-000000000001', 'birch', 'https://birch.example.com/rid', 7,
           '2024-05-06 07:00:00+00', '{NEVER}', '2024-05-06 07:08:09.101112+00', {CELLS}),
         ('e0000000-0000-4000-8000-000000000002', 'birch', 'https://birch.example.com/rid', 7,
           '2024-05-06 07:00:00+00', '2024-05-06 08:00:00+00', '2024-05-06 07:08:09+00', {CELLS});"
    )
}

fn scd_unreadable() -> String {
    let at = "'2024-05-06 07:08:09+00'";
    format!(
        "INSERT INTO scd_subscriptions (id, owner, url, notification_index, notify_for_operations,
           implicit, starts_at, ends_at, updated_at, cells) VALUES
         ('5f000000-0000-4000-8000-000000000001', 'x', 'u', 0, true, false, {at}, NULL, {at},
           {CELLS}),
         ('5f000000-0000-4000-8000-000000000002', 'x', 'u', 0, false, false, {at}, '{NEVER}', {at},
           {CELLS}),
         ('5f000000-0000-4000-8000-000000000003', 'x', 'u', -1, true, false, {at}, '{NEVER}', {at},
           {CELLS}),
         ('5f000000-0000-4000-8000-000000000004', 'x', 'u', 0, true, true, {at}, '{NEVER}', {at},
           {CELLS}),
         ('5f000000-0000-4000-8000-000000000005', 'x', 'u', 0, true, true, {at}, '{NEVER}', {at},
           NULL);
         INSERT INTO scd_operations (id, owner, version, url, altitude_lower, altitude_upper,
           starts_at, ends_at, subscription_id, updated_at, state, cells, uss_requested_ovn) VALUES
         ('0f000000-0000-4000-8000-000000000001', 'x', 1, 'u', 0, 1, {at}, 'infinity', NULL, {at},
           'Accepted', {CELLS}, NULL),
         ('0f000000-0000-4000-8000-000000000002', 'x', 1, 'u', 0, 1, {at}, '{NEVER}', NULL, {at},
           'Unknown', {CELLS}, NULL),
         ('0f000000-0000-4000-8000-000000000003', 'x', 1, 'u', 0, 1, {at}, '{NEVER}', NULL, {at},
           'Accepted', {CELLS}, '0f000000-0000-4000-8000-000000000003_suffix'),
         ('0f000000-0000-4000-8000-000000000004', 'x', 1, 'u', 0, 1, {at}, '{NEVER}',
           '5f000000-0000-4000-8000-000000000005', {at}, 'Accepted', {CELLS}, NULL),
         ('0f000000-0000-4000-8000-000000000005', 'y', 1, 'u', 0, 1, {at}, '{NEVER}',
           '5f000000-0000-4000-8000-000000000004', {at}, 'Accepted', {CELLS}, NULL),
         ('0f000000-0000-1000-8000-000000000006', 'x', 1, 'u', 0, 1, {at}, '{NEVER}', NULL, {at},
           'Accepted', {CELLS}, NULL),
         ('0f000000-0000-4000-8000-000000000007', 'x', 1, 'u', 0, 1, {at}, '{NEVER}', NULL,
           '2119-01-01T00:00:00Z', 'Accepted', {CELLS}, NULL),
         ('0f000000-0000-4000-8000-000000000008', 'x', 1, 'u', 0, 1, {at}, '{NEVER}', NULL, {at},
           'Accepted', array_fill(1, ARRAY[20001]), NULL);
         INSERT INTO scd_constraints (id, owner, version, url, altitude_lower, altitude_upper,
           starts_at, ends_at, updated_at, cells) VALUES
         ('cf000000-0000-4000-8000-000000000001', 'x', 1, 'u', 'NaN', 1, {at}, '{NEVER}', {at},
           {CELLS}),
         ('cf000000-0000-4000-8000-000000000002', 'x', 1, '', 0, 1, {at}, '{NEVER}', {at},
           {CELLS});
         INSERT INTO scd_uss_availability VALUES ('birch', 'Asleep', {at}), ('', 'Down', {at});"
    )
}

fn rid_unreadable() -> String {
    let at = "'2024-05-06 07:08:09+00'";
    format!(
        "INSERT INTO identification_service_areas
           (id, owner, url, starts_at, ends_at, updated_at, cells) VALUES
         ('af000000-0000-4000-8000-000000000001', 'x', 'u', {at}, '{NEVER}', {at}, '{{4}}'),
         ('af000000-0000-4000-8000-000000000002', repeat('x', 1025), 'u', {at}, '{NEVER}', {at},
           {CELLS}),
         ('af000000-0000-4000-8000-000000000003', 'x', 'https://' || repeat('x', 2041), {at},
           '{NEVER}', {at}, {CELLS}),
         ('af000000-0000-4000-8000-000000000004', 'x', E'https://x\\t', {at}, '{NEVER}', {at},
           {CELLS});
         INSERT INTO subscriptions
           (id, owner, url, notification_index, starts_at, ends_at, updated_at, cells) VALUES
         ('ef000000-0000-4000-8000-000000000001', 'x', 'u', NULL, {at}, '{NEVER}', {at}, {CELLS});"
    )
}
