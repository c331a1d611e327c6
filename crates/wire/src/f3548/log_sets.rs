//! What a USS logs for its regulator (F3548-21 `USSLogSet`).

use airspace::{EntityId, Ovn};
use serde::{Deserialize, Serialize};

use crate::f3548::common::Time;
use crate::f3548::reports::ExchangeRecord;
use crate::f3548::uss::telemetry::VehicleTelemetry;
use crate::text;

/// The log data that the standard requires (`USSLogSet`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UssLogSet {
    /// Messages to and from other USSs and the DSS.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub messages: Vec<ExchangeRecord>,
    /// What operators were told.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub operator_notifications: Vec<UserNotificationRecord>,
    /// What operators said.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub operator_inputs: Vec<UserInputRecord>,
    /// Whose operational intents they were.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub operator_associations: Vec<OperatorAssociation>,
    /// Planning that failed because of others.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub planning_attempts: Vec<PlanningRecord>,
    /// Where the vehicles were.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub operational_intent_positions: Vec<OperationalIntentPositions>,
    /// Whose constraints they were.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub constraint_provider_associations: Vec<ConstraintProviderAssociation>,
}

/// Where a vehicle was, as received (`PositionRecord`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PositionRecord {
    /// When it was received.
    pub time_received: Time,
    /// What was received.
    pub telemetry: VehicleTelemetry,
}

/// Where the vehicle of an operational intent was (`OperationalIntentPositions`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperationalIntentPositions {
    /// Where it was.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub positions: Vec<PositionRecord>,
    /// Which operational intent.
    #[serde(with = "text::required")]
    pub operational_intent_id: EntityId,
}

/// An attempt to plan an operational intent (`PlanningRecord`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanningRecord {
    /// When.
    pub time: Time,
    /// The OVNs that the planner knew.
    #[serde(with = "text::list")]
    pub ovns: Vec<Ovn>,
    /// The operational intents that it did not know, as the DSS said.
    #[serde(default, with = "text::list")]
    pub missing_operational_intents: Vec<EntityId>,
    /// The constraints that it did not know, as the DSS said.
    #[serde(default, with = "text::list")]
    pub missing_constraints: Vec<EntityId>,
    /// Which operational intent was planned.
    #[serde(default, with = "text::optional", skip_serializing_if = "Option::is_none")]
    pub operational_intent_id: Option<EntityId>,
    /// What went wrong, for a person to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// That a user was told something (`UserNotificationRecord`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserNotificationRecord {
    /// When what it was about happened.
    pub triggering_event_time: Time,
    /// When the user was told.
    pub notification_time: Time,
    /// What the user was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_details: Option<String>,
    /// The requirement that demanded it.
    pub notification_triggering_event: NotificationTrigger,
}

/// The requirements that demand that a user be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum NotificationTrigger {
    /// Requirement GEN0400.
    Gen0400,
    /// Requirement GEN0405.
    Gen0405,
    /// Requirement SCD0090.
    Scd0090,
    /// Requirement SCD0095.
    Scd0095,
    /// Requirement ACM0010.
    Acm0010,
    /// Requirement CMSA0115.
    Cmsa0115,
    /// Requirement CMSA0300.
    Cmsa0300,
    /// Requirement CSTP0005.
    Cstp0005,
    /// Requirement CSTP0010.
    Cstp0010,
    /// Requirement CSTP0020.
    Cstp0020,
    /// Requirement CSTP0025.
    Cstp0025,
    /// Requirement CSTP0030.
    Cstp0030,
    /// Requirement CSTP0035.
    Cstp0035,
}

/// That a user said something (`UserInputRecord`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserInputRecord {
    /// When it was received.
    pub triggering_event_time: Time,
    /// Which operational intent it was about.
    #[serde(with = "text::required")]
    pub operational_intent_id: EntityId,
    /// The requirement that it answered.
    pub input_triggering_event: InputTrigger,
    /// What the user said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_details: Option<String>,
}

/// The requirements that a user's input answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum InputTrigger {
    /// Requirement OPIN0040.
    Opin0040,
    /// Requirement CMSA0010.
    Cmsa0010,
    /// Requirement CMSA0025.
    Cmsa0025,
    /// Requirement CMSA0100.
    Cmsa0100,
    /// Requirement CMSA0105.
    Cmsa0105,
    /// Requirement CMSA0110.
    Cmsa0110,
    /// Requirement CMSA0200.
    Cmsa0200,
    /// Requirement CMSA0205.
    Cmsa0205,
    /// Requirement CMSA0210.
    Cmsa0210,
    /// Requirement CMSA0215.
    Cmsa0215,
}

/// Whose an operational intent is (`OperatorAssociation`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorAssociation {
    /// Which operational intent.
    #[serde(with = "text::required")]
    pub operational_intent_id: EntityId,
    /// Who is responsible for it.
    pub operator_id: String,
}

/// Whose a constraint is (`ConstraintProviderAssociation`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConstraintProviderAssociation {
    /// Which constraint.
    #[serde(with = "text::required")]
    pub constraint_id: EntityId,
    /// Who is responsible for it.
    pub constraint_provider_id: String,
}
