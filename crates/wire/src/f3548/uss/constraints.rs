//! Details of constraints, from their manager's USS.

use airspace::EntityId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::f3548::common::{SubscriptionState, Volume4D};
use crate::f3548::constraints::ConstraintReference;
use crate::text;

/// What a USS tells of its constraint beyond the reference (`ConstraintDetails`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConstraintDetails {
    /// Volumes that contain it.
    pub volumes: Vec<Volume4D>,
    /// What kind of constraint it is, such as `com.example.non_utm_aircraft_operations`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What ED-269 says of it, passed on as it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geozone: Option<GeoZone>,
}

/// An ED-269 geographical zone (`GeoZone`), as JSON text that nothing here looks into.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GeoZone(Box<RawValue>);

/// A constraint in full (`Constraint`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Constraint {
    /// What the DSS tells, with the OVN.
    pub reference: ConstraintReference,
    /// What only the USS tells.
    pub details: ConstraintDetails,
}

/// Answers with a constraint in full (`GetConstraintDetailsResponse`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GetConstraintDetailsResponse {
    /// What there is.
    pub constraint: Constraint,
}

/// Notifies of a constraint (`PutConstraintDetailsParameters`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PutConstraintDetailsParameters {
    /// Which one.
    #[serde(with = "text::required")]
    pub constraint_id: EntityId,
    /// What there is now; absent if it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constraint: Option<Constraint>,
    /// The subscriptions that prompt the notification.
    pub subscriptions: Vec<SubscriptionState>,
}

impl GeoZone {
    /// Returns its JSON text.
    pub fn as_json(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for GeoZone {
    /// Compares the texts: what is only written differently counts as different.
    fn eq(&self, other: &Self) -> bool {
        self.as_json() == other.as_json()
    }
}
