//! What both versions of F3411 let a DSS be asked.

/// Names an operation by its `operationId` in F3411-22a; F3411-19 has the same without names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Id {
    /// `searchIdentificationServiceAreas`.
    SearchIdentificationServiceAreas,
    /// `getIdentificationServiceArea`.
    GetIdentificationServiceArea,
    /// `createIdentificationServiceArea`.
    CreateIdentificationServiceArea,
    /// `updateIdentificationServiceArea`.
    UpdateIdentificationServiceArea,
    /// `deleteIdentificationServiceArea`.
    DeleteIdentificationServiceArea,
    /// `searchSubscriptions`.
    SearchSubscriptions,
    /// `getSubscription`.
    GetSubscription,
    /// `createSubscription`.
    CreateSubscription,
    /// `updateSubscription`.
    UpdateSubscription,
    /// `deleteSubscription`.
    DeleteSubscription,
}
