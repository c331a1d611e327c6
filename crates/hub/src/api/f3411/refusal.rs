//! The one mapping of what the state refuses, and of malformed requests, to statuses and bodies.
//!
//! Statuses are those that deployed hubs answer and clients rely on: an update of what does not
//! exist is a 400, and so is a put with too large an area, of which a search is a 413.

use airspace::{TooManyFound, identification_service_area, remote_id_subscription};
use axum::http::StatusCode;
use wire::f3411::{ParseError, SearchError};

use crate::api::steps::{self, Asked};
use crate::reply::Failure;

/// Maps a malformed put.
pub(super) fn malformed_put(error: &ParseError) -> Failure {
    Failure::bad_request(error.to_string())
}

/// Maps a malformed search.
pub(super) fn malformed_search(error: &SearchError) -> Failure {
    let status =
        if error.is_too_large() { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST };
    Failure::new(status, error.to_string())
}

/// Maps a search that found more than one answer lists.
pub(super) fn too_many_found(error: &TooManyFound) -> Failure {
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string())
}

/// Maps why an identification service area was not put or deleted.
pub(super) fn identification_service_area(
    refusal: &identification_service_area::Refusal,
    asked: Asked,
) -> Failure {
    use identification_service_area::Refusal;

    let status = match refusal {
        Refusal::NotFound => not_found(asked),
        Refusal::NotOwner => StatusCode::FORBIDDEN,
        Refusal::AlreadyExists | Refusal::VersionMismatch => StatusCode::CONFLICT,
        Refusal::StartsInPast | Refusal::EndMissing | Refusal::EndsBeforeStart => {
            StatusCode::BAD_REQUEST
        }
        Refusal::TooMany => return steps::too_many(refusal.to_string()),
    };
    Failure::new(status, refusal.to_string())
}

/// Maps why a subscription was not put or deleted.
pub(super) fn subscription(refusal: &remote_id_subscription::Refusal, asked: Asked) -> Failure {
    use remote_id_subscription::Refusal;

    let status = match refusal {
        Refusal::NotFound => not_found(asked),
        Refusal::NotOwner => StatusCode::FORBIDDEN,
        Refusal::AlreadyExists | Refusal::VersionMismatch => StatusCode::CONFLICT,
        Refusal::StartsInPast | Refusal::EndsBeforeStart | Refusal::TooLong => {
            StatusCode::BAD_REQUEST
        }
        // The party itself can mend it at once, or knows when one of its own ends: no Retry-After.
        Refusal::TooManyInCell => StatusCode::TOO_MANY_REQUESTS,
        Refusal::TooMany => return steps::too_many(refusal.to_string()),
        Refusal::TooManyFound => StatusCode::PAYLOAD_TOO_LARGE,
    };
    Failure::new(status, refusal.to_string())
}

fn not_found(asked: Asked) -> StatusCode {
    match asked {
        Asked::Put => StatusCode::BAD_REQUEST,
        Asked::Delete => StatusCode::NOT_FOUND,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_identification_service_areas_as_clients_rely_on() {
        use identification_service_area::Refusal;

        let check = |refusal: Refusal, put: u16, delete: u16| {
            let status = |asked| identification_service_area(&refusal, asked).status().as_u16();
            assert_eq!((status(Asked::Put), status(Asked::Delete)), (put, delete), "{refusal:?}");
        };

        check(Refusal::AlreadyExists, 409, 409);
        check(Refusal::NotFound, 400, 404);
        check(Refusal::NotOwner, 403, 403);
        check(Refusal::VersionMismatch, 409, 409);
        check(Refusal::StartsInPast, 400, 400);
        check(Refusal::EndMissing, 400, 400);
        check(Refusal::EndsBeforeStart, 400, 400);
        check(Refusal::TooMany, 429, 429);
    }

    #[test]
    fn answers_subscriptions_as_clients_rely_on() {
        use remote_id_subscription::Refusal;

        let check = |refusal: Refusal, put: u16, delete: u16| {
            let status = |asked| subscription(&refusal, asked).status().as_u16();
            assert_eq!((status(Asked::Put), status(Asked::Delete)), (put, delete), "{refusal:?}");
        };

        check(Refusal::AlreadyExists, 409, 409);
        check(Refusal::NotFound, 400, 404);
        check(Refusal::NotOwner, 403, 403);
        check(Refusal::VersionMismatch, 409, 409);
        check(Refusal::StartsInPast, 400, 400);
        check(Refusal::EndsBeforeStart, 400, 400);
        check(Refusal::TooLong, 400, 400);
        check(Refusal::TooManyInCell, 429, 429);
        check(Refusal::TooMany, 429, 429);
        check(Refusal::TooManyFound, 413, 413);
    }
}
