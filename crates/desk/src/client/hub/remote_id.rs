//! What the desk asks the hub by F3411-22a.

use std::time::Duration;

use reqwest::{Method, StatusCode, Url};
use spacetime::Timestamp;
use wire::Rfc3339;
use wire::f3411::subscribers::SubscriberToNotify;
use wire::f3411_22a::identification_service_areas::{
    DeleteIdentificationServiceAreaResponse, GetIdentificationServiceAreaResponse,
    IdentificationServiceArea, PutIdentificationServiceAreaResponse,
    SearchIdentificationServiceAreasResponse,
};
use wire::f3411_22a::subscriptions::{
    DeleteSubscriptionResponse, GetSubscriptionResponse, PutSubscriptionResponse, Subscription,
};

use super::{Answer, Hub, HubError, Request, Submitted, no_answer, read, refused};
use crate::calls::CallName;
use crate::remote_id::registration::{Asked, Held, Purpose, Registration};
use crate::remote_id::watched_area::{WatchedArea, subscription_id};

/// How far ahead areas are searched.
const SEARCHED_AHEAD: Duration = Duration::from_secs(24 * 3_600);

const SERVICE_PROVIDER: &str = "rid.service_provider";
const DISPLAY_PROVIDER: &str = "rid.display_provider";

/// What was done with a registration.
#[derive(Debug)]
pub(crate) struct Registered {
    /// What the hub has of it, `None` if it was deleted.
    pub(crate) held: Option<Held>,
    /// What came with it.
    pub(crate) with: RegisteredWith,
}

/// What the hub told with what it did.
#[derive(Debug)]
pub(crate) enum RegisteredWith {
    /// Of an area: as it is or was, and whom the desk must notify.
    ServiceArea(IdentificationServiceArea, Vec<SubscriberToNotify>),
    /// Of a subscription: the areas that are there.
    Watch(Vec<IdentificationServiceArea>),
}

impl Hub {
    /// Returns the path of a registration at the hub, for a creation or with the version to be
    /// replaced.
    pub(crate) fn path_of_registration(registration: &Registration) -> String {
        let mut url = Url::parse("http://hub").expect("it is a url");
        {
            let mut path = url.path_segments_mut().expect("http urls have paths");
            let noun = noun(&registration.purpose);
            path.extend(["rid", "v2", "dss", noun, &registration.id.to_string()]);
            path.extend(registration.held.as_ref().map(|held| held.version.as_str()));
        }
        url.path().to_owned()
    }

    /// Sends a request to put or delete a registration, once.
    pub(crate) async fn register(
        &self,
        registration: &Registration,
        asked: &Asked,
    ) -> Submitted<Registered> {
        let deletes = asked.put.is_none();
        let (name, scopes) = match (&registration.purpose, deletes) {
            (Purpose::ServiceArea { .. }, false) => {
                (CallName::PutIdentificationServiceArea, SERVICE_PROVIDER)
            }
            (Purpose::ServiceArea { .. }, true) => {
                (CallName::DeleteIdentificationServiceArea, SERVICE_PROVIDER)
            }
            (Purpose::Watch(_), false) => (CallName::PutRemoteIdSubscription, DISPLAY_PROVIDER),
            (Purpose::Watch(_), true) => (CallName::DeleteRemoteIdSubscription, DISPLAY_PROVIDER),
        };
        let request = Request {
            name,
            scopes,
            path: &asked.path,
            put: asked.put.as_deref(),
            idempotency_key: &asked.idempotency_key,
        };
        self.send(request, |answer| registered(registration, deletes, answer)).await
    }

    /// Returns what the hub has of a registration.
    pub(crate) async fn find_registration(
        &self,
        registration: &Registration,
    ) -> Result<Option<Held>, HubError> {
        let (name, scopes) = match &registration.purpose {
            Purpose::ServiceArea { .. } => {
                (CallName::GetIdentificationServiceArea, SERVICE_PROVIDER)
            }
            Purpose::Watch(_) => (CallName::GetRemoteIdSubscription, DISPLAY_PROVIDER),
        };
        let path = format!("/rid/v2/dss/{}/{}", noun(&registration.purpose), registration.id);
        let call = self.call(name, Method::GET, &path, scopes).await.map_err(no_answer)?;
        let answer = self.client.call(call).await.map_err(no_answer)?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            _ => return Err(refused(&answer)),
        }
        Ok(Some(match &registration.purpose {
            Purpose::ServiceArea { .. } => {
                held_area(&read::<GetIdentificationServiceAreaResponse>(&answer)?.service_area)
            }
            Purpose::Watch(_) => {
                held_subscription(&read::<GetSubscriptionResponse>(&answer)?.subscription)
            }
        }))
    }

    /// Returns the identification service areas that are in an area now or will be.
    pub(crate) async fn search_service_areas(
        &self,
        area: &WatchedArea,
        now: Timestamp,
    ) -> Result<Vec<IdentificationServiceArea>, HubError> {
        let name = CallName::SearchIdentificationServiceAreas;
        let path = "/rid/v2/dss/identification_service_areas";
        let call = self.call(name, Method::GET, path, DISPLAY_PROVIDER).await;
        let mut call = call.map_err(no_answer)?;
        call.url.query_pairs_mut().extend_pairs([
            ("area", area.outline()),
            ("earliest_time", Rfc3339::from(now).to_string()),
            ("latest_time", Rfc3339::from(now.plus(SEARCHED_AHEAD)).to_string()),
        ]);
        let answer = self.client.call(call).await.map_err(no_answer)?;
        if answer.status != StatusCode::OK {
            return Err(refused(&answer));
        }
        Ok(read::<SearchIdentificationServiceAreasResponse>(&answer)?.service_areas)
    }
}

const fn noun(purpose: &Purpose) -> &'static str {
    match purpose {
        Purpose::ServiceArea { .. } => "identification_service_areas",
        Purpose::Watch(_) => "subscriptions",
    }
}

fn registered(
    registration: &Registration,
    deletes: bool,
    answer: &Answer,
) -> Result<Registered, HubError> {
    let id = registration.id;
    let (is_same, held, with) = match &registration.purpose {
        Purpose::ServiceArea { .. } => {
            let (area, subscribers) = if deletes {
                let done: DeleteIdentificationServiceAreaResponse = read(answer)?;
                (done.service_area, done.subscribers)
            } else {
                let done: PutIdentificationServiceAreaResponse = read(answer)?;
                (done.service_area, done.subscribers)
            };
            let held = held_area(&area);
            (area.id == id, held, RegisteredWith::ServiceArea(area, subscribers))
        }
        Purpose::Watch(_) => {
            let (subscription, areas) = if deletes {
                (read::<DeleteSubscriptionResponse>(answer)?.subscription, Vec::new())
            } else {
                let done: PutSubscriptionResponse = read(answer)?;
                (done.subscription, done.service_areas)
            };
            let is_same = subscription.id == subscription_id(id);
            (is_same, held_subscription(&subscription), RegisteredWith::Watch(areas))
        }
    };
    if !is_same {
        return Err(HubError::Unreadable("it is about something else".to_owned()));
    }
    Ok(Registered { held: (!deletes).then_some(held), with })
}

fn held_area(area: &IdentificationServiceArea) -> Held {
    Held { version: area.version.clone(), ends_at: area.time_end.value.ceil() }
}

/// A subscription whose end is not told has none.
fn held_subscription(subscription: &Subscription) -> Held {
    let ends_at = subscription.time_end.map_or(Timestamp::MAX, |end| end.value.floor());
    Held { version: subscription.version.clone(), ends_at }
}
