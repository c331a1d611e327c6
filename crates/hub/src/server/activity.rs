//! What a connection is doing: waiting, sending the head of a request, or being served.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::http::Version;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::time::Instant;

use super::connections::Connection;

/// What a connection is doing.
#[derive(Debug)]
pub(super) struct Activity {
    connection: Connection,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    under_way: usize,
    multiplexed: bool,
}

/// What a connection is doing, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing is under way.
    Idle(Instant),
    /// The first byte of a request has come, its head is not whole.
    Head(Instant),
    /// A request is being served.
    Busy,
}

/// Counts a request until its answer is sent or given up.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Activity>);

/// A body that counts as under way until it is sent or given up.
#[derive(Debug)]
pub(super) struct Tracked {
    body: Body,
    _under_way: UnderWay,
}

impl Activity {
    pub(super) fn new(connection: Connection) -> Self {
        let state = State { phase: Phase::Idle(Instant::now()), under_way: 0, multiplexed: false };
        Activity { connection, state: Mutex::new(state) }
    }

    pub(super) fn phase(&self) -> Phase {
        self.lock().phase
    }

    /// Notes that bytes came in.
    pub(super) fn received(&self) {
        let mut state = self.lock();
        // On HTTP/2 they may be an answer to a ping: only the first request is waited for.
        if let Phase::Idle(_) = state.phase
            && !state.multiplexed
        {
            state.phase = Phase::Head(Instant::now());
        }
    }

    /// Notes that the head of a request is whole.
    pub(super) fn begin(self: &Arc<Self>, version: Version) -> UnderWay {
        let mut state = self.lock();
        state.phase = Phase::Busy;
        state.under_way += 1;
        state.multiplexed |= version == Version::HTTP_2;
        drop(state);
        self.connection.becomes_busy();
        UnderWay(Arc::clone(self))
    }

    fn end(&self) {
        let mut state = self.lock();
        state.under_way -= 1;
        if state.under_way == 0 {
            state.phase = Phase::Idle(Instant::now());
            drop(state);
            self.connection.becomes_idle();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Tracked {
    pub(super) fn new(body: Body, under_way: UnderWay) -> Self {
        Tracked { body, _under_way: under_way }
    }
}

impl HttpBody for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
