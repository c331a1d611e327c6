//! The rules of F3548-21 and F3411, one test a rule, as transcripts of what parties ask and are
//! answered.

#[path = "rules/asks.rs"]
mod asks;
#[path = "rules/attachments.rs"]
mod attachments;
#[path = "rules/availability.rs"]
mod availability;
#[path = "rules/constraints.rs"]
mod constraints;
#[path = "rules/expiry.rs"]
mod expiry;
#[path = "rules/idempotency.rs"]
mod idempotency;
#[path = "rules/identification_service_areas.rs"]
mod identification_service_areas;
#[path = "rules/imports.rs"]
mod imports;
#[path = "rules/keys.rs"]
mod keys;
#[path = "rules/notifications.rs"]
mod notifications;
#[path = "rules/old.rs"]
mod old;
#[path = "rules/operational_intents.rs"]
mod operational_intents;
#[path = "rules/ovns.rs"]
mod ovns;
#[path = "rules/remote_id_expiry.rs"]
mod remote_id_expiry;
#[path = "rules/remote_id_subscriptions.rs"]
mod remote_id_subscriptions;
#[path = "rules/scene.rs"]
mod scene;
#[path = "rules/searches.rs"]
mod searches;
#[path = "rules/snapshots.rs"]
mod snapshots;
#[path = "rules/stored_forms.rs"]
mod stored_forms;
#[path = "rules/subscriptions.rs"]
mod subscriptions;
#[path = "rules/words.rs"]
mod words;
