//! What is asked of F3411.

use airspace::{Request, identification_service_area, remote_id_subscription};
use spacetime::Timestamp;

use super::{named, place};
use crate::commands::step::{Choice, FootprintPlan, VersionPlan};
use crate::model::Model;

pub(super) fn put_area(
    model: &Model,
    at: Timestamp,
    (id, url): (Choice, Choice),
    version: VersionPlan,
    footprint: FootprintPlan,
) -> Request {
    let id = named::some_area(model, id);
    Request::PutIdentificationServiceArea(identification_service_area::Put {
        id,
        version: named::remote_id_version(model, version, named::area_version(model, id)),
        footprint: place::footprint(model, at, footprint),
        uss_base_url: named::url(url),
    })
}

pub(super) fn delete_area(model: &Model, id: Choice, version: VersionPlan) -> Request {
    let id = named::some_area(model, id);
    let version = named::remote_id_version(model, version, named::area_version(model, id));
    let version = version.unwrap_or_else(named::wrong_remote_id_version);
    Request::DeleteIdentificationServiceArea(identification_service_area::Delete { id, version })
}

pub(super) fn put_subscription(
    model: &Model,
    at: Timestamp,
    (id, url): (Choice, Choice),
    version: VersionPlan,
    footprint: FootprintPlan,
) -> Request {
    let id = named::some_remote_id_subscription(model, id);
    let current = named::remote_id_subscription_version(model, id);
    Request::PutRemoteIdSubscription(remote_id_subscription::Put {
        id,
        version: named::remote_id_version(model, version, current),
        footprint: place::footprint(model, at, footprint),
        uss_base_url: named::url(url),
    })
}

pub(super) fn delete_subscription(model: &Model, id: Choice, version: VersionPlan) -> Request {
    let id = named::some_remote_id_subscription(model, id);
    let current = named::remote_id_subscription_version(model, id);
    let version = named::remote_id_version(model, version, current);
    let version = version.unwrap_or_else(named::wrong_remote_id_version);
    Request::DeleteRemoteIdSubscription(remote_id_subscription::Delete { id, version })
}
