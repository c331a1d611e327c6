//! What each operation of a standard does with an authorized request.
//!
//! A handler parses (`wire`), asks the state through the log or reads it, and writes the answer.
//! It decides no rule of the airspace and is called for authorized requests only; which scopes open
//! an operation stands in [`crate::auth::operation`].

use axum::response::Response;

use crate::auth::operation::Id;
use crate::call::Call;
use crate::reply::Failure;

mod aux_;
mod f3411;
mod f3411_19;
mod f3411_22a;
mod f3548;
mod steps;
mod versioning;

/// Answers a request.
pub(crate) async fn answer(call: Call) -> Result<Response, Failure> {
    match call.operation().id {
        Id::F3548(id) => f3548::answer(id, call).await,
        Id::F3411_19(id) => f3411::answer(&f3411_19::VERSION, id, call).await,
        Id::F3411_22a(id) => f3411::answer(&f3411_22a::VERSION, id, call).await,
        Id::Aux(id) => aux_::answer(id, call).await,
        Id::Versioning(id) => versioning::answer(id, &call),
    }
}
