//! What operators of a pool compare between their hubs.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use wire::aux_::{CAsResponse, GlobalOptionsResponse};

use crate::call::Call;
use crate::reply::{self, Failure};
use crate::server::Authorities;

/// Answers `getAcceptedCAs`: the roots of client certificates, as they are in use at this moment.
pub(super) fn list_accepted_cas(call: &Call) -> Result<Response, Failure> {
    Ok(list(&authorities(call)?.accepted))
}

/// Answers `getInstanceCAs`: what leads from the hub's own certificate towards its root.
pub(super) fn list_instance_cas(call: &Call) -> Result<Response, Failure> {
    Ok(list(&authorities(call)?.own))
}

/// Answers `getGlobalOptions`.
pub(super) fn global_options() -> Response {
    // They choose how deployed hubs keep concurrent changes of one database apart. Here commands have
    // one order and are decided one by one, so nothing is locked; and notification indices count.
    let options = GlobalOptionsResponse {
        scd_global_lock: false,
        scd_hash_lock: false,
        time_based_notification_index: false,
    };
    reply::json(StatusCode::OK, &options)
}

fn authorities(call: &Call) -> Result<Arc<Authorities>, Failure> {
    let Some(acceptor) = &call.instance().acceptor else {
        let message = "TLS is not done by this hub but in front of it";
        return Err(Failure::new(StatusCode::NOT_IMPLEMENTED, message));
    };
    Ok(acceptor.authorities())
}

fn list(certificates: &[String]) -> Response {
    reply::json(StatusCode::OK, &CAsResponse { cas: certificates.to_vec() })
}
