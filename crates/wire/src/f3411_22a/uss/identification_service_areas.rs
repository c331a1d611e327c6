//! Notifications and details of identification service areas, from USS to USS (F3411-22a).

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use crate::f3411::subscribers::SubscriptionState;
use crate::f3411_22a::identification_service_areas::IdentificationServiceArea;
use crate::f3548::common::Volume4D;

/// Notifies of an area (`PutIdentificationServiceAreaNotificationParameters`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PutIdentificationServiceAreaNotificationParameters {
    /// What there is now; absent if it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_area: Option<IdentificationServiceArea>,
    /// The subscriptions that prompt the notification, at least one.
    #[serde(deserialize_with = "at_least_one")]
    pub subscriptions: Vec<SubscriptionState>,
    /// Where and when it is now; absent if it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extents: Option<Volume4D>,
}

/// Tells where and when an area is (`GetIdentificationServiceAreaDetailsResponse`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GetIdentificationServiceAreaDetailsResponse {
    /// Where and when.
    pub extents: Volume4D,
}

fn at_least_one<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<SubscriptionState>, D::Error> {
    let subscriptions = Vec::deserialize(deserializer)?;
    if subscriptions.is_empty() {
        return Err(D::Error::invalid_length(0, &"at least one subscription"));
    }
    Ok(subscriptions)
}
