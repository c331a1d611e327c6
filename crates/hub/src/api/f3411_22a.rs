//! The DSS part of F3411-22a: how it writes its messages.

use wire::f3411_22a::{identification_service_areas, subscriptions};

use crate::api::f3411::{AreaMessages, SubscriptionMessages, Version};

/// How F3411-22a writes its messages.
pub(super) static VERSION: Version = Version {
    areas: AreaMessages {
        parse_put: identification_service_areas::parse_put,
        render_get: identification_service_areas::render_get,
        render_put: identification_service_areas::render_put,
        render_delete: identification_service_areas::render_delete,
        render_search: identification_service_areas::render_search,
    },
    subscriptions: SubscriptionMessages {
        parse_put: subscriptions::parse_put,
        render_get: subscriptions::render_get,
        render_put: subscriptions::render_put,
        render_delete: subscriptions::render_delete,
        render_search: subscriptions::render_search,
    },
};
