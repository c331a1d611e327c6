//! What the desk does by itself: settle what is not known, end what is over.

use std::sync::Arc;
use std::time::Duration;

use airspace::EntityId;
use tokio::sync::watch;

use crate::book::{Own, Pending, PendingChange};
use crate::client::hub::{Changed, Submitted};
use crate::core::Core;
use crate::entity::Reference;

/// How often the desk looks after its entities.
const INTERVAL: Duration = Duration::from_secs(5);
/// How long after its end an entity is deleted at the hub.
const ENDED_FOR: Duration = Duration::from_secs(60);
/// How many entities are ended in one round.
const ENDED_PER_ROUND_MAX: usize = 256;

/// Looks after the desk's entities until it ends.
pub(crate) async fn keep_up(core: Arc<Core>, mut stop: watch::Receiver<bool>) {
    loop {
        core.settle_all().await;
        core.end_what_is_over().await;
        core.register_all().await;
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = core.unsettled.notified() => {}
            () = stopped(&mut stop) => return,
        }
    }
}

/// Waits until the desk ends.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // When nobody can say any more that the desk ends, it has ended.
    let _ = stop.wait_for(|stop| *stop).await;
}

impl Core {
    /// Tries once to find out what became of every request of which that is not known.
    pub(crate) async fn settle_all(self: &Arc<Self>) {
        let unsettled = self.book().unsettled();
        for id in unsettled {
            self.settle(id).await;
        }
    }

    /// Tries once to find out what became of a request: it is sent again with the same key, and if
    /// the hub refuses it, the hub is asked what it has.
    async fn settle(self: &Arc<Self>, id: EntityId) {
        let _turn = self.turn.lock().await;
        self.settle_in_turn(id).await;
    }

    /// As [`Core::settle`], for a caller that holds the turn.
    pub(crate) async fn settle_in_turn(self: &Arc<Self>, id: EntityId) {
        let Some(own) = self.find(id) else {
            return;
        };
        let Some(pending) = own.pending.clone() else {
            return;
        };
        match self.hub.submit(own.kind, &pending).await {
            Submitted::Done(changed) => match pending.change {
                PendingChange::Put { .. } => {
                    if let Ok(written) = self.finish(own, &pending, changed).await {
                        written.await;
                    }
                }
                PendingChange::Delete => {
                    let notices = self.notices(own.kind, id, None, changed.subscribers);
                    self.remove(id, notices).await.await;
                }
            },
            Submitted::Refused(_) => self.compare(own, &pending).await,
            Submitted::NotTaken { why, .. } | Submitted::Unknown { why } => {
                tracing::warn!(entity.id = %id, error = %why,
                    "it is not known yet what the hub did with a change");
            }
        }
    }

    /// Settles a refused request by what the hub has; whom to tell is not known then.
    async fn compare(self: &Arc<Self>, own: Own, pending: &Pending) {
        let id = own.id;
        let found = match self.hub.find(own.kind, id).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(entity.id = %id, error = %error, "the hub does not say what it has");
                return;
            }
        };
        let before = own.taken.as_ref().map_or(0, |taken| taken.known.entity.version());
        let done =
            |reference: &Reference| reference.version() == before + 1 && pending.moved().is_some();
        match found {
            Some(reference) if done(&reference) => {
                let changed = Changed { reference, subscribers: Vec::new() };
                if let Ok(written) = self.finish(own, pending, changed).await {
                    written.await;
                }
            }
            Some(_) => {
                if let Err(error) = self.abandon(id).await {
                    tracing::warn!(entity.id = %id, error = %error, "a change is not settled");
                }
            }
            None => self.remove(id, Vec::new()).await.await,
        }
    }

    /// Ends entities that are over, so that they are not kept for ever.
    pub(crate) async fn end_what_is_over(self: &Arc<Self>) {
        let over = self.book().ended_before(self.clock.now().minus(ENDED_FOR));
        for (kind, id) in over.into_iter().take(ENDED_PER_ROUND_MAX) {
            if let Err(error) = self.end(kind, id).await {
                tracing::warn!(entity.id = %id, error = %error,
                    "what is over cannot be ended at the hub yet");
            }
        }
    }
}
