//! A stream that ends by itself when its client is silent, slow, or takes nothing.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::config::Limits;

use super::activity::{Activity, Phase};

/// How long what may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    idle_max: Duration,
    header_max: Duration,
    write_stall_max: Duration,
}

/// A stream with a pace to keep.
#[derive(Debug)]
pub(super) struct Paced<S> {
    stream: S,
    activity: Arc<Activity>,
    pace: Pace,
    /// Since when the client has taken nothing of what is written.
    stalled_since: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    pub(super) fn new(limits: &Limits) -> Self {
        Pace {
            idle_max: limits.idle_max,
            header_max: limits.header_max,
            write_stall_max: limits.write_stall_max,
        }
    }
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, activity: Arc<Activity>, pace: Pace) -> Self {
        Paced { stream, activity, pace, stalled_since: None, sleep: None }
    }

    /// Wakes the task when the client's time is up, or says that it is.
    fn poll_time(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            let Some(deadline) = self.deadline() else { return Poll::Pending };
            let sleep =
                self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
            // A later deadline is noticed when the earlier one comes: most never do.
            if deadline < sleep.deadline() {
                sleep.as_mut().reset(deadline);
            }
            ready!(sleep.as_mut().poll(context));
            if deadline <= Instant::now() {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            sleep.as_mut().reset(deadline);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let reading = match self.activity.phase() {
            Phase::Idle(since) => Some(since + self.pace.idle_max),
            Phase::Head(since) => Some(since + self.pace.header_max),
            Phase::Busy => None,
        };
        let writing = self.stalled_since.map(|since| since + self.pace.write_stall_max);
        reading.into_iter().chain(writing).min()
    }

    fn wrote<T>(
        &mut self,
        context: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.stalled_since = None;
            return result;
        }
        self.stalled_since.get_or_insert_with(Instant::now);
        self.poll_time(context).map(Err)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        if result.is_pending() {
            return self.poll_time(context).map(Err);
        }
        if before < buffer.filled().len() {
            self.activity.received();
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(context, result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        self.wrote(context, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_shutdown(context);
        self.wrote(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wrote(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::super::connections::Connections;
    use super::*;

    fn paced(stream: DuplexStream) -> (Paced<DuplexStream>, Arc<Activity>) {
        let slot = Arc::new(Connections::new(1)).open_one();
        let activity = Arc::new(Activity::new(slot.connection()));
        let pace = Pace::new(&Limits::default());
        (Paced::new(stream, Arc::clone(&activity), pace), activity)
    }

    async fn seconds_until_closed(stream: &mut Paced<DuplexStream>) -> u64 {
        let start = Instant::now();
        let mut bytes = [0; 64];
        loop {
            match stream.read(&mut bytes).await {
                Ok(_) => {}
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
                    return start.elapsed().as_secs();
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn closes_a_silent_connection() {
        let (_client, server) = duplex(64);
        let (mut stream, _) = paced(server);

        assert_eq!(seconds_until_closed(&mut stream).await, 120);
    }

    #[tokio::test(start_paused = true)]
    async fn closes_a_connection_whose_head_comes_a_byte_a_second() {
        let (mut client, server) = duplex(64);
        let (mut stream, _) = paced(server);
        let slow = tokio::spawn(async move {
            while client.write_all(b"G").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });

        assert_eq!(seconds_until_closed(&mut stream).await, 10);
        slow.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn lets_a_request_take_its_time_and_then_counts_anew() {
        let (_client, server) = duplex(64);
        let (mut stream, activity) = paced(server);
        let request = activity.begin(axum::http::Version::HTTP_11);
        let mut bytes = [0; 64];
        let hour = Duration::from_hours(1);

        assert!(tokio::time::timeout(hour, stream.read(&mut bytes)).await.is_err());
        drop(request);

        assert_eq!(seconds_until_closed(&mut stream).await, 120);
    }

    #[tokio::test(start_paused = true)]
    async fn closes_a_connection_that_takes_nothing_of_its_answer() {
        let (_client, server) = duplex(64);
        let (mut stream, activity) = paced(server);
        let _request = activity.begin(axum::http::Version::HTTP_11);
        let start = Instant::now();

        let error = stream.write_all(&[0; 65]).await.expect_err("nobody reads");

        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn does_not_take_a_ping_for_the_head_of_a_request() {
        let (mut client, server) = duplex(64);
        let (mut stream, activity) = paced(server);
        drop(activity.begin(axum::http::Version::HTTP_2));
        client.write_all(b"ping").await.expect("there is room");

        assert_eq!(seconds_until_closed(&mut stream).await, 120);
    }
}
