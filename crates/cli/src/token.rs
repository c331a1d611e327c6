//! `tansiq token`: signs tokens for tests and demonstrations.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use spacetime::Timestamp;

use crate::clock;
use crate::failure::Failure;
use crate::output;

/// How long a token may last; hubs refuse what is valid for longer (airspace rules, 1.9).
const LIFETIME_S_MAX: u64 = 3_600;

/// The arguments of `tansiq token`.
#[derive(Debug, Args)]
#[command(after_help = "\
The token goes to standard output, for use in a header. A hub takes it when it was started with the
public half of the key and with the audience. For tests: a real party gets its tokens from an
authorization server.

Example:
  TOKEN=$(tansiq token --key /tmp/test.key.pem --sub alder --audience localhost \\
                       --scope utm.strategic_coordination)
  curl -H \"Authorization: Bearer $TOKEN\" http://localhost:8082/dss/v1/uss_availability/alder")]
pub(crate) struct Token {
    /// The private key, a PEM file (RSA, PKCS#8), as `tansiq keys new` writes it.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The party that the token speaks for.
    #[arg(long, value_name = "NAME")]
    sub: String,
    /// What it opens; may be given several times, or several in one, separated by spaces.
    #[arg(long, value_name = "SCOPE", required = true)]
    scope: Vec<String>,
    /// The hub or desk that it is for; may be given several times.
    #[arg(long, value_name = "NAME", required = true)]
    audience: Vec<String>,
    /// Who says so.
    #[arg(long, value_name = "NAME", default_value = "tansiq-token")]
    issuer: String,
    /// How many seconds it is valid.
    #[arg(long, value_name = "SECONDS", default_value_t = LIFETIME_S_MAX,
          value_parser = clap::value_parser!(u64).range(1..=LIFETIME_S_MAX))]
    lifetime_s: u64,
}

/// What a token says.
#[derive(Debug, Serialize)]
pub(crate) struct Claims {
    iss: String,
    sub: String,
    aud: Vec<String>,
    scope: String,
    iat: i64,
    exp: i64,
}

/// Runs `tansiq token`.
pub(crate) fn run(token: Token) -> Result<(), Failure> {
    let claims = Claims {
        iss: token.issuer,
        sub: token.sub,
        aud: token.audience,
        scope: token.scope.join(" "),
        ..Claims::valid_for(Duration::from_secs(token.lifetime_s))
    };
    output::line(Signer::read(&token.key)?.sign(&claims)?)
}

impl Claims {
    /// Returns what `sub` needs to open `scopes` at `audience` for as long as a token may last.
    pub(crate) fn of(sub: &str, scopes: &str, audience: &str) -> Self {
        Claims {
            sub: sub.to_owned(),
            aud: vec![audience.to_owned()],
            scope: scopes.to_owned(),
            ..Claims::valid_for(Duration::from_secs(LIFETIME_S_MAX))
        }
    }

    /// Returns the same, valid as long, but from another time on.
    pub(crate) fn from(self, time: Timestamp) -> Self {
        let iat = time.as_micros() / 1_000_000;
        Claims { iat, exp: iat + (self.exp - self.iat), ..self }
    }

    fn valid_for(lifetime: Duration) -> Self {
        let now = clock::utc();
        Claims {
            iss: "tansiq-token".to_owned(),
            sub: String::new(),
            aud: Vec::new(),
            scope: String::new(),
            iat: now.as_micros() / 1_000_000,
            exp: now.plus(lifetime).as_micros() / 1_000_000,
        }
    }
}

/// Signs tokens with RS256.
pub(crate) struct Signer(EncodingKey);

impl Signer {
    /// Returns the signer that uses the private key in a PEM file.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let pem = std::fs::read(path).map_err(|error| {
            Failure::refused(&format!("cannot read {}", path.display()), &error)
        })?;
        let key = EncodingKey::from_rsa_pem(&pem).map_err(|error| {
            Failure::refused(&format!("{} is no RSA private key", path.display()), &error)
        })?;
        Ok(Signer(key))
    }

    /// Returns a signed token.
    pub(crate) fn sign(&self, claims: &Claims) -> Result<String, Failure> {
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), claims, &self.0)
            .map_err(|error| Failure::refused("cannot sign the token", &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys;

    #[test]
    fn signs_what_the_public_half_verifies() {
        let dir = tempfile::tempdir().expect("a directory");
        let files = keys::write_new(&dir.path().join("test")).expect("written");
        let claims = Claims::of("alder", "utm.strategic_coordination", "localhost");

        let token = Signer::read(&files.private).expect("a key").sign(&claims).expect("signed");

        let public = std::fs::read(&files.public).expect("it exists");
        let key = jsonwebtoken::DecodingKey::from_rsa_pem(&public).expect("a key");
        let mut validation = jsonwebtoken::Validation::new(Algorithm::RS256);
        validation.set_audience(&["localhost"]);
        let read = jsonwebtoken::decode::<serde_json::Value>(&token, &key, &validation)
            .expect("the signature fits");
        assert_eq!(read.claims["sub"], "alder");
        assert_eq!(read.claims["scope"], "utm.strategic_coordination");
    }

    #[test]
    fn refuses_a_file_that_holds_no_private_key() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("test");
        std::fs::write(&path, "no key").expect("written");

        let refused = Signer::read(&path);

        assert!(matches!(refused, Err(Failure::Refused(_))));
    }
}
