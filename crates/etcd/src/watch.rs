//! Watching keys.

use std::time::Duration;

use tokio::sync::mpsc;
use tonic::Streaming;

use crate::error::CallError;
use crate::member::{ANSWER_BYTES_MAX, Member};
use crate::messages::watch_client::WatchClient;
use crate::messages::watch_request::RequestUnion;
use crate::messages::{WatchCreateRequest, WatchProgressRequest, WatchRequest, WatchResponse};

/// How many requests wait to be sent on one watch: one to create it, one for progress.
const REQUESTS_MAX: usize = 2;

/// Tells of every change of the keys that it was made for, in order, until it fails.
#[derive(Debug)]
pub struct Watch {
    url: String,
    requests: mpsc::Sender<WatchRequest>,
    answers: Streaming<WatchResponse>,
}

impl Member {
    /// Watches keys from a revision on.
    pub async fn watch(
        &self,
        request: WatchCreateRequest,
        within: Duration,
    ) -> Result<Watch, CallError> {
        let (requests, sent) = mpsc::channel(REQUESTS_MAX);
        let create = WatchRequest { request_union: Some(RequestUnion::CreateRequest(request)) };
        requests.try_send(create).expect("there is room for the first");
        let mut client =
            WatchClient::new(self.channel()).max_decoding_message_size(ANSWER_BYTES_MAX);
        let call = client.watch(Requests(sent));
        let unanswered = |why: String| CallError::Unanswered { url: self.url().to_owned(), why };
        match tokio::time::timeout(within, call).await {
            Ok(Ok(response)) => {
                Ok(Watch { url: self.url().to_owned(), requests, answers: response.into_inner() })
            }
            Ok(Err(status)) => Err(CallError::of(self.url(), &status)),
            Err(_) => Err(unanswered(format!("no watch in {} ms", within.as_millis()))),
        }
    }
}

impl Watch {
    /// Waits for the next answer; an answer without events tells how far the store is.
    pub async fn next(&mut self) -> Result<WatchResponse, CallError> {
        match self.answers.message().await {
            Ok(Some(response)) => Ok(response),
            Ok(None) => Err(CallError::Unanswered {
                url: self.url.clone(),
                why: "the watch has ended".to_owned(),
            }),
            Err(status) => Err(CallError::of(&self.url, &status)),
        }
    }

    /// Asks to be told how far the store is; asking again before the answer asks nothing more.
    pub fn ask_progress(&self) {
        let progress = RequestUnion::ProgressRequest(WatchProgressRequest {});
        // Full means that one is under way; closed is found out by `next`.
        let _ = self.requests.try_send(WatchRequest { request_union: Some(progress) });
    }
}

/// What is sent on a watch, as a stream.
struct Requests(mpsc::Receiver<WatchRequest>);

impl tonic::codegen::tokio_stream::Stream for Requests {
    type Item = WatchRequest;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<WatchRequest>> {
        self.0.poll_recv(context)
    }
}
