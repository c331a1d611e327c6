//! What ended long ago is gone, telling nobody.

use std::time::Duration;

use spacetime::Timestamp;

use super::{Model, operational_intent, subscription};

/// Removes everything that ended the retention or longer before `now`.
///
/// The rules remove a bounded number an entry and hide the rest; here it simply goes. Operational
/// intents go first, with implicit subscriptions that nothing else depends on; a subscription that
/// something still depends on stays.
pub(super) fn remove_ended(model: &mut Model, now: Timestamp) {
    let retention = Duration::from_secs(u64::from(model.settings.f3548_retention_s));
    let is_over = |ends_at: Timestamp| ends_at.plus(retention) <= now;

    for intent in model.operational_intents.clone() {
        if is_over(intent.extent.ends_at) {
            operational_intent::remove(model, intent.id);
        }
    }
    model.constraints.retain(|constraint| !is_over(constraint.extent.ends_at));
    for known in model.subscriptions.clone() {
        let is_needed = !subscription::dependents(model, known.id).is_empty();
        if is_over(known.extent.ends_at) && !is_needed {
            model.subscriptions.retain(|other| other.id != known.id);
        }
    }
}
