//! Where the databases are, and how to get to them.

use std::time::Duration;

use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, NoTls};

use super::tls::{Connector, Files, TlsError};

/// How long making a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Where a password is taken from that the URL does not give.
const PASSWORD_VARIABLE: &str = "PGPASSWORD";

/// A server, or a cluster, with the databases of a deployed hub.
pub(super) struct Server {
    config: Config,
    tls: Option<Connector>,
}

/// A server cannot be used. None of this shows any part of the URL that could be of a password.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServerError {
    #[error(
        "--database takes postgresql://USER:PASSWORD@HOST:PORT/ with special characters of the \
         password percent-encoded (`@` is %40), or without the password, which is then taken from \
         the environment variable {PASSWORD_VARIABLE}; certificates are given with --ca, --cert \
         and --key, not in it"
    )]
    Url,
    #[error("the URL asks for TLS (sslmode=require); give the roots to trust with --ca FILE")]
    NoRoots,
    #[error("cannot use TLS to the database")]
    Tls(#[from] TlsError),
}

impl Server {
    /// Reads `url`; with `files`, TLS is used and the server must prove who it is.
    pub(super) fn new(url: &str, files: Option<Files<'_>>) -> Result<Self, ServerError> {
        if !url.starts_with("postgresql://") && !url.starts_with("postgres://") {
            return Err(ServerError::Url);
        }
        // Its own errors may quote what they could not read.
        let mut config: Config = url.parse().map_err(|_| ServerError::Url)?;
        if config.get_hosts().is_empty() || config.get_hosts().iter().any(is_mistaken) {
            return Err(ServerError::Url);
        }
        if config.get_password().is_none()
            && let Some(password) = password_of_environment()
        {
            config.password(password);
        }
        let tls = files.map(Connector::load).transpose()?;
        match (&tls, config.get_ssl_mode()) {
            (Some(_), _) => config.ssl_mode(SslMode::Require),
            (None, SslMode::Require) => return Err(ServerError::NoRoots),
            (None, _) => config.ssl_mode(SslMode::Disable),
        };
        config.connect_timeout(CONNECT_MAX).application_name("tansiq import");
        Ok(Server { config, tls })
    }

    /// Connects to one database; the connection ends when the client is dropped.
    pub(super) async fn connect(&self, database: &str) -> Result<Client, tokio_postgres::Error> {
        let mut config = self.config.clone();
        config.dbname(database);
        match &self.tls {
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                // Its error reaches whoever asks the client next.
                tokio::spawn(connection);
                Ok(client)
            }
            Some(connector) => {
                let (client, connection) = config.connect(connector.clone()).await?;
                tokio::spawn(connection);
                Ok(client)
            }
        }
    }

    /// Returns the first host, for people.
    pub(super) fn host(&self) -> String {
        match self.config.get_hosts().first() {
            Some(Host::Tcp(name)) => name.clone(),
            #[cfg(unix)]
            Some(Host::Unix(path)) => path.display().to_string(),
            None => String::new(),
        }
    }
}

/// Tells whether a host holds what is left of a password with an `@` in it.
fn is_mistaken(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name.contains('@'),
        #[cfg(unix)]
        Host::Unix(_) => false,
    }
}

#[expect(clippy::disallowed_methods, reason = "the composition root reads the environment")]
fn password_of_environment() -> Option<String> {
    std::env::var(PASSWORD_VARIABLE).ok().filter(|password| !password.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_url_with_or_without_a_password() {
        for url in ["postgresql://root@db.example.com:26257/", "postgres://u:p%40w@127.0.0.1/rid"] {
            assert!(Server::new(url, None).is_ok(), "{url}");
        }
    }

    #[test]
    fn never_quotes_a_url_it_cannot_read() {
        for url in [
            "mysql://u:hunter2@h/",
            "postgresql://u:hunter@2@h/",
            "postgresql://u:x@h/?hunter2=1",
            "postgresql://u:hunter2@h:port/",
            "postgresql:///",
            "host=h password=hunter2",
        ] {
            let error = Server::new(url, None).err().expect("refused");

            assert!(!crate::failure::chain(&error).contains("hunter"), "{error}");
        }
    }

    #[test]
    fn wants_roots_when_the_url_wants_tls() {
        let refused = Server::new("postgresql://u@h/?sslmode=require", None);

        assert!(matches!(refused, Err(ServerError::NoRoots)));
    }
}
