//! What ended long ago is gone, telling nobody.

use std::time::Duration;

use spacetime::Timestamp;

use super::{Model, operational_intent, subscription};

/// What ended at these times or before is gone, whatever the settings become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizons {
    /// That of F3548.
    pub f3548: Timestamp,
    /// That of F3411.
    pub f3411: Timestamp,
}

/// Removes everything that ended the retention or longer before `now`.
///
/// The rules remove a bounded number an entry and hide the rest; here it simply goes. Operational
/// intents go first, with implicit subscriptions that nothing else depends on; a subscription that
/// something still depends on stays.
pub(super) fn remove_ended(model: &mut Model, now: Timestamp) {
    let before = |retention_s: u32| now.minus(Duration::from_secs(u64::from(retention_s)));
    let f3548 = before(model.settings.f3548_retention_s).max(model.horizons.f3548);
    let f3411 = before(model.f3411_settings.retention_s).max(model.horizons.f3411);
    model.horizons = Horizons { f3548, f3411 };

    for intent in model.operational_intents.clone() {
        if intent.extent.ends_at <= f3548 {
            operational_intent::remove(model, intent.id);
        }
    }
    model.constraints.retain(|known| f3548 < known.extent.ends_at);
    for known in model.subscriptions.clone() {
        let is_needed = !subscription::dependents(model, known.id).is_empty();
        if known.extent.ends_at <= f3548 && !is_needed {
            model.subscriptions.retain(|other| other.id != known.id);
        }
    }
    model.identification_service_areas.retain(|known| f3411 < known.ends_at);
    model.remote_id_subscriptions.retain(|known| f3411 < known.ends_at);
}
