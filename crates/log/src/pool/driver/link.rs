//! A link: one member of etcd, looked at and then watched.

use std::time::Duration;

use etcd::messages::request_op::Request;
use etcd::messages::response_op::Response;
use etcd::messages::{
    Event as EtcdEvent, KeyValue, RangeRequest, RequestOp, TxnRequest, WatchCreateRequest,
    WatchResponse, event::EventType,
};
use etcd::{CallError, Member, Release, Watch};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::Sender;

use super::Trouble;
use super::calls::{HUBS, highest, hubs_request, revision, unsigned};
use crate::pool::core::{Connected, Event, Input};
use crate::pool::{EPOCH_KEY, GENESIS_KEY};

/// How long each answer is waited for while a link is made.
pub const CONNECT_ANSWER_MAX: Duration = Duration::from_secs(2);

/// After what silence a watch is asked how far it is.
pub const PROGRESS_AFTER: Duration = Duration::from_millis(500);

/// After what silence a watch is given up.
pub const WATCH_SILENCE_MAX: Duration = Duration::from_secs(2);

/// What a link has to say.
pub(super) enum Shown {
    /// Something for the core.
    Input(Input),
    /// The link did not come about.
    Trouble { link: u64, trouble: Trouble },
}

/// From where a link leads.
pub(super) struct Ends {
    pub(super) number: u64,
    /// The first revision to show.
    pub(super) from: u64,
    pub(super) own_key: Vec<u8>,
}

/// Makes the link and says what it shows, until it breaks or nobody listens.
pub(super) async fn run(member: Member, ends: Ends, to: Sender<Shown>) {
    let link = ends.number;
    let said = match connect(&member, &ends).await {
        Ok((connected, watch)) => {
            let connected = Shown::Input(Input::Connected(connected));
            if to.send(connected).await.is_ok() {
                tracing::info!(etcd.url = member.url(), "connected to the pool");
                show(link, watch, &to).await
            } else {
                return;
            }
        }
        Err(trouble) => Shown::Trouble { link, trouble },
    };
    // Nobody listens when another link was asked for meanwhile.
    let _ = to.send(said).await;
}

/// Looks at a member, and has it watch.
async fn connect(member: &Member, ends: &Ends) -> Result<(Connected, Watch), Trouble> {
    let status = member.status(CONNECT_ANSWER_MAX).await?;
    Release::parse(&status.version)?.check()?;
    let looked = member.txn(look_request(), CONNECT_ANSWER_MAX).await?;
    let mut ranges = looked.responses.iter().map(|response| match &response.response {
        Some(Response::ResponseRange(range)) => range.kvs.as_slice(),
        _ => &[],
    });
    let mut next = || ranges.next().unwrap_or_default();
    let (genesis, epoch, hubs) = (next().first(), next().first(), next());
    let own = hubs.iter().find(|kv| kv.key == ends.own_key);
    let connected = Connected {
        link: ends.number,
        revision: revision(&looked.header),
        highest: highest(hubs),
        own_version: own.map_or(0, |kv| unsigned(kv.version)),
        genesis: genesis.map(|kv| Sha256::digest(&kv.value).into()),
        opening: epoch.map(|kv| kv.value.to_vec()),
    };
    let watch = member.watch(watch_request(ends.from), CONNECT_ANSWER_MAX).await?;
    Ok((connected, watch))
}

/// Says what a watch shows; returns what is to be said at its end.
async fn show(link: u64, mut watch: Watch, to: &Sender<Shown>) -> Shown {
    let mut silence = Duration::ZERO;
    loop {
        let response = match tokio::time::timeout(PROGRESS_AFTER, watch.next()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return broken(link, &error),
            Err(_) if silence + PROGRESS_AFTER < WATCH_SILENCE_MAX => {
                silence += PROGRESS_AFTER;
                watch.ask_progress();
                continue;
            }
            Err(_) => {
                tracing::warn!("a member of etcd shows nothing any more");
                return Shown::Input(Input::WatchBroke { link });
            }
        };
        silence = Duration::ZERO;
        if response.canceled {
            return canceled(link, &response);
        }
        let Some(input) = input_of(link, response) else { continue };
        if to.send(Shown::Input(input)).await.is_err() {
            return Shown::Input(Input::WatchBroke { link });
        }
    }
}

fn broken(link: u64, error: &CallError) -> Shown {
    tracing::warn!(%error, "a watch broke");
    Shown::Input(Input::WatchBroke { link })
}

fn canceled(link: u64, response: &WatchResponse) -> Shown {
    let revision = unsigned(response.compact_revision);
    if 0 < revision {
        return Shown::Input(Input::Compacted { link, revision });
    }
    tracing::warn!("etcd ends the watch: {}", response.cancel_reason);
    Shown::Input(Input::NotConnected { link })
}

fn input_of(link: u64, response: WatchResponse) -> Option<Input> {
    if response.events.is_empty() {
        // The first answer is not about how far anything was shown.
        let revision = revision(&response.header);
        return (!response.created).then_some(Input::Progress { link, revision });
    }
    let more = response.fragment;
    let events = response.events.into_iter().filter_map(event_of).collect();
    Some(Input::Events { link, events, more })
}

fn event_of(event: EtcdEvent) -> Option<Event> {
    let is_put = event.r#type() == EventType::Put;
    let KeyValue { key, mod_revision, version, value, .. } = event.kv?;
    Some(Event {
        revision: unsigned(mod_revision),
        key: key.to_vec(),
        version: if is_put { unsigned(version) } else { 0 },
        value: is_put.then(|| value.to_vec()),
    })
}

/// Asks for what is kept of the pool, and for the keys of all hubs, at one revision.
fn look_request() -> TxnRequest {
    let key = |key: &str| RangeRequest { key: key.to_owned().into(), ..RangeRequest::default() };
    let operation = |range| RequestOp { request: Some(Request::RequestRange(range)) };
    let ranges = [key(GENESIS_KEY), key(EPOCH_KEY), hubs_request()];
    let success = ranges.map(operation).to_vec();
    TxnRequest { compare: Vec::new(), success, failure: Vec::new() }
}

fn watch_request(from: u64) -> WatchCreateRequest {
    WatchCreateRequest {
        key: HUBS.0.into(),
        range_end: HUBS.1.into(),
        start_revision: i64::try_from(from).expect("etcd counts in i64"),
        progress_notify: true,
        fragment: true,
    }
}
