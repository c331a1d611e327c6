//! Details of operational intents, from their manager's USS.

use airspace::EntityId;
use serde::{Deserialize, Serialize};

use crate::f3548::common::{SubscriptionState, Volume4D};
use crate::f3548::operational_intents::OperationalIntentReference;
use crate::text;

/// What a USS tells of its operational intent beyond the reference (`OperationalIntentDetails`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OperationalIntentDetails {
    /// Volumes that contain the flight while it conforms.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub volumes: Vec<Volume4D>,
    /// Volumes that contain where it may be while it does not.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub off_nominal_volumes: Vec<Volume4D>,
    /// Ordinal priority, as the regulator defines it; a greater one goes first.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub priority: i32,
}

/// An operational intent in full (`OperationalIntent`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperationalIntent {
    /// What the DSS tells, with the OVN.
    pub reference: OperationalIntentReference,
    /// What only the USS tells.
    pub details: OperationalIntentDetails,
}

/// Answers with an operational intent in full (`GetOperationalIntentDetailsResponse`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GetOperationalIntentDetailsResponse {
    /// What there is.
    pub operational_intent: OperationalIntent,
}

/// Notifies of an operational intent (`PutOperationalIntentDetailsParameters`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PutOperationalIntentDetailsParameters {
    /// Which one.
    #[serde(with = "text::required")]
    pub operational_intent_id: EntityId,
    /// What there is now; absent if it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operational_intent: Option<OperationalIntent>,
    /// The subscriptions that prompt the notification.
    pub subscriptions: Vec<SubscriptionState>,
}
