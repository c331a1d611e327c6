//! What makes a token good (RFC 7519, and what F3548-21 asks of `iss`, `sub`, `aud`, `scope`).

use std::time::Duration;

use airspace::Party;
use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;
use spacetime::Timestamp;

use super::Caller;
use super::key::Key;
use super::scope::Scopes;

/// How far the clock of whoever issued a token may be from ours.
pub const LEEWAY: Duration = Duration::from_secs(60);

/// How long a token may be good for (F3548-21 allows no more than an hour).
pub const LIFETIME_MAX: Duration = Duration::from_hours(1);

/// How many bytes a token may have.
pub const TOKEN_BYTES_MAX: usize = 8 << 10;

/// What a hub asks of a token besides a good signature.
#[derive(Clone, Debug)]
pub(super) struct Demands {
    pub(super) audiences: Vec<String>,
    pub(super) issuer: Option<String>,
}

/// A good token: who it speaks for, and how long.
#[derive(Clone, Debug)]
pub(super) struct Good {
    pub(super) caller: Caller,
    pub(super) expires: Timestamp,
}

/// Why a token is not good; a caller may see the message, which quotes nothing of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is none.
    #[error("the request has no token; send Authorization: Bearer TOKEN")]
    Missing,
    /// It is no signed JSON Web Token, or a claim is of another type than it should be.
    #[error("the token is not a well-formed JSON Web Token")]
    Malformed,
    /// It is signed by an algorithm that is not accepted, or not at all.
    #[error("the token's algorithm is not accepted; sign it with RSA, ECDSA or Ed25519")]
    Algorithm,
    /// No key that is known here made its signature.
    #[error("the token's signature was made by no key that is known here")]
    Signature,
    /// It has no `exp`.
    #[error("the token has no expiry (exp)")]
    NoExpiry,
    /// Its `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// Its `exp` is too far ahead.
    #[error("the token is good for longer than an hour")]
    TooLongLived,
    /// Its `nbf` or `iat` is ahead.
    #[error("the token is not yet good (nbf, iat)")]
    NotYetGood,
    /// Its `aud` names another server.
    #[error("the token is for another audience (aud)")]
    Audience,
    /// Its `iss` is missing, empty or another than the one that is believed.
    #[error("the token's issuer (iss) is missing or not the one that is believed here")]
    Issuer,
    /// Its `sub` is missing, empty or no name of a party.
    #[error("the token's subject (sub) is missing or no name of a party")]
    Subject,
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Audience>,
    exp: Option<f64>,
    nbf: Option<f64>,
    iat: Option<f64>,
    scope: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Verifies a token's signature with the keys, then what it claims.
///
/// The order is that of [`TokenError`], so that a token tells nothing about itself to somebody who
/// could not have signed it.
pub(super) fn verify(
    token: &str,
    keys: &[Key],
    demands: &Demands,
    now: Timestamp,
) -> Result<Good, TokenError> {
    let claims = verify_signature(token, keys)?;
    let expires = check_times(&claims, now)?;
    check_audience(&claims, demands)?;
    check_issuer(&claims, demands)?;
    let subject = claims.sub.as_deref().unwrap_or("");
    let party = Party::new(subject).map_err(|_| TokenError::Subject)?;
    // A token without the claim opens nothing: that is 403, as is one with an empty claim.
    let scopes = claims.scope.as_deref().map_or_else(Scopes::default, Scopes::parse);
    Ok(Good { caller: Caller { party, scopes }, expires })
}

/// Returns the `kid` that a token names, if it is one at all.
pub(super) fn key_id(token: &str) -> Option<String> {
    jsonwebtoken::decode_header(token).ok()?.kid
}

fn verify_signature(token: &str, keys: &[Key]) -> Result<Claims, TokenError> {
    if TOKEN_BYTES_MAX < token.len() {
        return Err(TokenError::Malformed);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|error| match error.kind() {
        // `none` and everything else that is no algorithm at all is an unknown variant of it.
        jsonwebtoken::errors::ErrorKind::Json(_) => TokenError::Algorithm,
        _ => TokenError::Malformed,
    })?;
    if is_symmetric(header.alg) {
        return Err(TokenError::Algorithm);
    }
    // RFC 7515, section 4.1.11: what is critical must be understood; nothing is.
    if header.crit.is_some() {
        return Err(TokenError::Malformed);
    }
    let validation = signature_only(header.alg);
    for key in keys {
        let named = header.kid.is_none() || key.kid.is_none() || header.kid == key.kid;
        if !named || !key.algorithms.contains(&header.alg) {
            continue;
        }
        match jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation) {
            Ok(data) => return Ok(data.claims),
            Err(error) if is_of_claims(&error) => return Err(TokenError::Malformed),
            Err(_) => {}
        }
    }
    Err(TokenError::Signature)
}

fn is_symmetric(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512)
}

/// The signature is verified before the claims are read, so such an error means that it is good.
fn is_of_claims(error: &jsonwebtoken::errors::Error) -> bool {
    matches!(error.kind(), jsonwebtoken::errors::ErrorKind::Json(_))
}

/// The claims are judged here, by the hub's clock and not by one of the library's.
fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

fn check_times(claims: &Claims, now: Timestamp) -> Result<Timestamp, TokenError> {
    let expires = numeric_date(claims.exp.ok_or(TokenError::NoExpiry)?).plus(LEEWAY);
    if expires < now {
        return Err(TokenError::Expired);
    }
    if now.plus(LIFETIME_MAX + 2 * LEEWAY) < expires {
        return Err(TokenError::TooLongLived);
    }
    for claim in [claims.nbf, claims.iat].into_iter().flatten() {
        if now.plus(LEEWAY) < numeric_date(claim) {
            return Err(TokenError::NotYetGood);
        }
    }
    Ok(expires)
}

/// Returns the time of a `NumericDate` (RFC 7519, section 2), clamped to the years there are.
fn numeric_date(seconds: f64) -> Timestamp {
    let micros = (seconds * 1e6) as i64;
    let clamped = micros.clamp(Timestamp::MIN.as_micros(), Timestamp::MAX.as_micros());
    Timestamp::from_micros(clamped).expect("clamped to the range")
}

fn check_audience(claims: &Claims, demands: &Demands) -> Result<(), TokenError> {
    let named = match &claims.aud {
        None => &[],
        Some(Audience::One(one)) => std::slice::from_ref(one),
        Some(Audience::Many(many)) => many.as_slice(),
    };
    if named.iter().any(|audience| demands.audiences.contains(audience)) {
        return Ok(());
    }
    Err(TokenError::Audience)
}

fn check_issuer(claims: &Claims, demands: &Demands) -> Result<(), TokenError> {
    let issuer = claims.iss.as_deref().unwrap_or("");
    let believed = demands.issuer.as_deref().is_none_or(|believed| believed == issuer);
    if issuer.is_empty() || !believed {
        return Err(TokenError::Issuer);
    }
    Ok(())
}
