//! Fetches a JSON Web Key Set, within bounds of time and size.

use std::time::Duration;

/// How many bytes a key set may have.
pub const KEY_SET_BYTES_MAX: usize = 1 << 20;

/// How long a fetch may take: shorter than a request, which may wait for one.
const FETCH_TIME_MAX: Duration = Duration::from_secs(5);

/// A key set was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The server was not reached, or did not answer in time.
    #[error("the server of the key set does not answer")]
    Unreachable(#[source] reqwest::Error),
    /// It answered with another status than 200.
    #[error("the server of the key set answers with status {0}")]
    Status(u16),
    /// The answer is too large.
    #[error("the key set is larger than {KEY_SET_BYTES_MAX} bytes")]
    TooLarge,
}

/// Fetches one URL; follows no redirects.
#[derive(Debug)]
pub(super) struct Fetcher {
    client: reqwest::Client,
    url: String,
}

impl Fetcher {
    pub(super) fn new(url: &str) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(FETCH_TIME_MAX)
            .user_agent(concat!("tansiq/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Fetcher { client, url: url.to_owned() })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the body of the answer.
    pub(super) async fn fetch(&self) -> Result<Vec<u8>, FetchError> {
        let request = self.client.get(&self.url);
        let mut response = request.send().await.map_err(FetchError::Unreachable)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(FetchError::Unreachable)? {
            if KEY_SET_BYTES_MAX - body.len() < chunk.len() {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}
