//! The one mapping of what the state refuses, and of malformed requests, to statuses and bodies.
//!
//! Statuses are those that deployed hubs answer and clients rely on, odd as some are: an update of
//! what does not exist is a 400, of a constraint a 409.

use airspace::{TooManyFound, constraint, operational_intent, subscription, uss_availability};
use axum::http::StatusCode;
use wire::f3548::{constraints, operational_intents, subscriptions};

use crate::api::steps::{self, Asked};
use crate::reply::Failure;

/// What a search or a put asked for is too large, where the answer depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TooLarge {
    /// It is one more malformed request: puts, and the search of operational intents.
    BadRequest,
    /// The caller may ask for less: the other searches.
    ContentTooLarge,
}

impl TooLarge {
    fn status(self, is_area_too_large: bool) -> StatusCode {
        match self {
            TooLarge::ContentTooLarge if is_area_too_large => StatusCode::PAYLOAD_TOO_LARGE,
            TooLarge::ContentTooLarge | TooLarge::BadRequest => StatusCode::BAD_REQUEST,
        }
    }
}

/// Maps a malformed request about operational intents.
pub(super) fn malformed_operational_intent(error: &operational_intents::ParseError) -> Failure {
    Failure::bad_request(error.to_string())
}

/// Maps a malformed request about constraints.
pub(super) fn malformed_constraint(
    error: &constraints::ParseError,
    too_large: TooLarge,
) -> Failure {
    Failure::new(too_large.status(error.is_area_too_large()), error.to_string())
}

/// Maps a malformed request about subscriptions.
pub(super) fn malformed_subscription(
    error: &subscriptions::ParseError,
    too_large: TooLarge,
) -> Failure {
    Failure::new(too_large.status(error.is_area_too_large()), error.to_string())
}

/// Maps a search that found more than one answer lists.
pub(super) fn too_many_found(error: &TooManyFound) -> Failure {
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string())
}

/// Maps why an operational intent was not put or deleted.
pub(super) fn operational_intent(refusal: &operational_intent::Refusal, asked: Asked) -> Failure {
    use operational_intent::Refusal;

    let status = match refusal {
        Refusal::MissingKeys { operational_intents, constraints } => {
            let message = refusal.to_string();
            let body =
                operational_intents::render_conflict(&message, operational_intents, constraints);
            return Failure::with_body(StatusCode::CONFLICT, body);
        }
        Refusal::NotFound => match asked {
            Asked::Put => StatusCode::BAD_REQUEST,
            Asked::Delete => StatusCode::NOT_FOUND,
        },
        Refusal::NotManager | Refusal::SubscriptionNotManager => StatusCode::FORBIDDEN,
        Refusal::AlreadyExists | Refusal::OvnMismatch | Refusal::SubscriptionIdTaken => {
            StatusCode::CONFLICT
        }
        Refusal::EndsInPast
        | Refusal::SubscriptionNotFound
        | Refusal::SubscriptionTimeTooSmall
        | Refusal::SubscriptionAreaTooSmall
        | Refusal::OvnSuffixNotNow
        | Refusal::OvnSuffixUsed => StatusCode::BAD_REQUEST,
        Refusal::TooMany => return steps::too_many(refusal.to_string()),
    };
    Failure::new(status, refusal.to_string())
}

/// Maps why a constraint was not put or deleted.
pub(super) fn constraint(refusal: &constraint::Refusal, asked: Asked) -> Failure {
    use constraint::Refusal;

    let status = match refusal {
        Refusal::NotFound => match asked {
            Asked::Put => StatusCode::CONFLICT,
            Asked::Delete => StatusCode::NOT_FOUND,
        },
        Refusal::NotManager => StatusCode::FORBIDDEN,
        Refusal::AlreadyExists | Refusal::OvnMismatch => StatusCode::CONFLICT,
        Refusal::EndsInPast => StatusCode::BAD_REQUEST,
        Refusal::TooMany => return steps::too_many(refusal.to_string()),
    };
    Failure::new(status, refusal.to_string())
}

/// Maps why a subscription was not put or deleted.
pub(super) fn subscription(refusal: &subscription::Refusal, asked: Asked) -> Failure {
    use subscription::Refusal;

    let status = match refusal {
        Refusal::NotFound => match asked {
            Asked::Put => StatusCode::BAD_REQUEST,
            Asked::Delete => StatusCode::NOT_FOUND,
        },
        Refusal::NotManager => StatusCode::FORBIDDEN,
        Refusal::AlreadyExists | Refusal::VersionMismatch => StatusCode::CONFLICT,
        Refusal::StartsInPast
        | Refusal::EndsInPast
        | Refusal::EndsBeforeStart
        | Refusal::TooLong
        | Refusal::DependentNotCovered
        | Refusal::HasDependents => StatusCode::BAD_REQUEST,
        Refusal::TooManyFound => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::TooMany => return steps::too_many(refusal.to_string()),
    };
    Failure::new(status, refusal.to_string())
}

/// Maps why an availability was not set.
pub(super) fn uss_availability(refusal: &uss_availability::Refusal) -> Failure {
    use uss_availability::Refusal;

    match refusal {
        Refusal::VersionMismatch => Failure::new(StatusCode::CONFLICT, refusal.to_string()),
        Refusal::TooMany => steps::too_many(refusal.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_operational_intents_as_clients_rely_on() {
        use operational_intent::Refusal;

        let check = |refusal: Refusal, put: u16, delete: u16| {
            assert_eq!(operational_intent(&refusal, Asked::Put).status().as_u16(), put);
            assert_eq!(operational_intent(&refusal, Asked::Delete).status().as_u16(), delete);
        };

        check(Refusal::AlreadyExists, 409, 409);
        check(Refusal::NotFound, 400, 404);
        check(Refusal::NotManager, 403, 403);
        check(Refusal::OvnMismatch, 409, 409);
        check(Refusal::EndsInPast, 400, 400);
        check(Refusal::MissingKeys { operational_intents: vec![], constraints: vec![] }, 409, 409);
        check(Refusal::SubscriptionNotFound, 400, 400);
        check(Refusal::SubscriptionNotManager, 403, 403);
        check(Refusal::SubscriptionTimeTooSmall, 400, 400);
        check(Refusal::SubscriptionAreaTooSmall, 400, 400);
        check(Refusal::SubscriptionIdTaken, 409, 409);
        check(Refusal::OvnSuffixNotNow, 400, 400);
        check(Refusal::OvnSuffixUsed, 400, 400);
        check(Refusal::TooMany, 429, 429);
    }

    #[test]
    fn answers_constraints_as_clients_rely_on() {
        use constraint::Refusal;

        let check = |refusal: Refusal, put: u16, delete: u16| {
            assert_eq!(constraint(&refusal, Asked::Put).status().as_u16(), put);
            assert_eq!(constraint(&refusal, Asked::Delete).status().as_u16(), delete);
        };

        check(Refusal::AlreadyExists, 409, 409);
        check(Refusal::NotFound, 409, 404);
        check(Refusal::NotManager, 403, 403);
        check(Refusal::OvnMismatch, 409, 409);
        check(Refusal::EndsInPast, 400, 400);
        check(Refusal::TooMany, 429, 429);
    }

    #[test]
    fn answers_subscriptions_as_clients_rely_on() {
        use subscription::Refusal;

        let check = |refusal: Refusal, put: u16, delete: u16| {
            assert_eq!(subscription(&refusal, Asked::Put).status().as_u16(), put);
            assert_eq!(subscription(&refusal, Asked::Delete).status().as_u16(), delete);
        };

        check(Refusal::AlreadyExists, 409, 409);
        check(Refusal::NotFound, 400, 404);
        check(Refusal::NotManager, 403, 403);
        check(Refusal::VersionMismatch, 409, 409);
        check(Refusal::StartsInPast, 400, 400);
        check(Refusal::EndsInPast, 400, 400);
        check(Refusal::EndsBeforeStart, 400, 400);
        check(Refusal::TooLong, 400, 400);
        check(Refusal::DependentNotCovered, 400, 400);
        check(Refusal::HasDependents, 400, 400);
        check(Refusal::TooMany, 429, 429);
        check(Refusal::TooManyFound, 413, 413);
    }

    #[test]
    fn answers_availabilities_as_clients_rely_on() {
        use uss_availability::Refusal;

        assert_eq!(uss_availability(&Refusal::VersionMismatch).status().as_u16(), 409);
        assert_eq!(uss_availability(&Refusal::TooMany).status().as_u16(), 429);
    }
}
