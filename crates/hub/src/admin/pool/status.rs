//! How the pool does, as this hub sees it: for the operator, readiness and metrics.

use log::pool::PoolLog;
use pool::{HubId, HubState, Pool, Standing, View};
use serde_json::{Value, json};
use spacetime::Timestamp;

use super::PoolAdmin;
use crate::admin::readiness::rfc3339;
use crate::context::Context;
use crate::hex;
use crate::in_pool::members::{HALF_FULL, MemberStatus};
use crate::replica::{Neighbor, Replica, SILENCE_MAX};
use crate::telemetry::Telemetry;

/// What keeps a hub of a pool from its work, and what its operator should know besides.
pub(in crate::admin) struct Problems {
    pub(in crate::admin) hindering: Vec<String>,
    pub(in crate::admin) told: Vec<String>,
}

/// Returns how the pool does.
pub(super) fn status(admin: &PoolAdmin, context: &Context, members: &[MemberStatus]) -> Value {
    let replica = &context.replica;
    let now = context.clock.now();
    let engine = admin.log.status();
    let progress = replica.progress();
    let shown = replica.read_pool(|pool| pool.map(|pool| show_pool(pool, replica, now)));
    json!({
        "hub": context.instance.name.as_str(),
        "is_cut_off": replica.is_cut_off(),
        "standing": replica.standing().map(word_of_standing),
        "pool": shown,
        "log": {
            "position": handed_out(&admin.log),
            "applied_position": progress.head.position.number(),
            "chain": hex::encode(&progress.head.chain),
        },
        "clock": {
            "now": rfc3339(now),
            "state": rfc3339(progress.clock),
            "stands": replica.clock_stands(),
            "takes_changes": replica.check_clock().is_ok(),
        },
        "etcd": {
            "is_up": engine.is_up,
            "is_full": engine.is_full,
            "trouble": engine.trouble.map(|trouble| trouble.to_string()),
            "members": members.iter().map(show_member).collect::<Vec<_>>(),
        },
        "evidence": admin.evidence.len(),
    })
}

impl PoolAdmin {
    /// Returns what stands in this hub's way, and what is wrong with others.
    pub(in crate::admin) fn problems(&self, context: &Context) -> Problems {
        let replica = &context.replica;
        let mut problems = Problems { hindering: Vec::new(), told: Vec::new() };
        let engine = self.log.status();
        if !engine.is_up && engine.signs_as_admitted {
            let trouble = engine.trouble.map_or_else(String::new, |trouble| format!(": {trouble}"));
            let problem = if engine.is_linked {
                "what this hub puts does not come back from the pool's etcd yet"
            } else {
                "the pool's etcd is not reached"
            };
            problems.hindering.push(format!("{problem}{trouble}"));
        }
        if engine.is_full {
            let problem = "the pool's etcd is full: `etcdctl compact`, `etcdctl defrag` and \
                           `etcdctl alarm disarm` make room";
            problems.hindering.push(problem.to_owned());
        }
        if !engine.signs_as_admitted {
            let problem = "the pool knows this hub by another key than it signs with, so it puts \
                           nothing: start it with its key, or let its owner replace that (`tansiq \
                           pool replace-key hub`)";
            problems.hindering.push(problem.to_owned());
        }
        let members = self.members.last();
        for member in members.iter().filter(|member| member.is_half_full()) {
            problems.told.push(format!("{}: {HALF_FULL}", member.url));
        }
        if replica.standing().is_some_and(|standing| standing != Standing::Majority) {
            let problem = "the hubs of the pool differ and no majority agrees with this one: no \
                           changes are taken";
            problems.hindering.push(problem.to_owned());
        }
        if replica.is_cut_off() {
            let problem = "most hubs of the pool say that they are ahead of what etcd shows this \
                           one: an etcd that is frozen or lies; reads are answered with 503";
            problems.hindering.push(problem.to_owned());
        }
        let own = context.instance.name.as_str();
        let is_apart = replica.check_clock().is_err();
        replica.read_pool(|pool| match pool {
            Some(pool) => problems.look_at(pool, replica, own, context.clock.now()),
            None => problems.hindering.push("the pool's log is not read yet".to_owned()),
        });
        if !is_apart && replica.clock_stands() {
            let problem = "fewer than a majority of the pool's hubs are heard: the pool's clock \
                           stands and nothing expires";
            problems.told.push(problem.to_owned());
        }
        problems
    }

    /// Sets the gauges of the pool to what they are at this moment.
    pub(in crate::admin) fn sample(&self, context: &Context) {
        let (telemetry, replica) = (&context.telemetry, &context.replica);
        let engine = self.log.status();
        telemetry.set("tansiq_pool_etcd_up", &[], f64::from(u8::from(engine.is_up)));
        telemetry.set("tansiq_pool_evidence", &[], self.evidence.len() as f64);
        let stands = f64::from(u8::from(replica.clock_stands()));
        telemetry.set("tansiq_pool_clock_stands", &[], stands);
        let agrees = replica.standing() == Some(Standing::Majority);
        telemetry.set("tansiq_pool_with_majority", &[], f64::from(u8::from(agrees)));
        let applied = replica.progress().head.position.number();
        let lag = handed_out(&self.log).saturating_sub(applied);
        telemetry.set("tansiq_pool_lag_entries", &[], lag as f64);
        for member in self.members.last().iter() {
            if let Ok(status) = &member.answer {
                let (url, bytes) = (&member.url, status.db_size as f64);
                telemetry.set_of("tansiq_pool_etcd_db_bytes", ("member", url), bytes);
            }
        }
        replica.read_pool(|pool| {
            let Some(pool) = pool else { return };
            let set_aside = pool.hubs().filter(|(_, hub)| hub.set_aside().is_some()).count();
            telemetry.set("tansiq_pool_hubs_set_aside", &[], set_aside as f64);
            for (id, hub) in pool.hubs() {
                sample_hub(telemetry, id, hub);
            }
        });
    }
}

impl Problems {
    fn look_at(&mut self, pool: &Pool, replica: &Replica, own: &str, now: Timestamp) {
        if !pool.membership().hubs().iter().any(|hub| hub.id.as_str() == own) {
            self.hindering.push("this hub is not admitted to the pool".to_owned());
        }
        for (id, hub) in pool.hubs() {
            if let Some(set_aside) = hub.set_aside() {
                let problem = format!("hub {id} is set aside: {}", set_aside.fault);
                let problems =
                    if id.as_str() == own { &mut self.hindering } else { &mut self.told };
                problems.push(problem);
            }
            let Neighbor { log, state, heard_at } = replica.neighbor(id);
            let is_silent = heard_at.is_some_and(|at| SILENCE_MAX < now.since(at));
            if id.as_str() == own && is_silent && hub.set_aside().is_none() {
                let problem = format!(
                    "what this hub puts has not come back from the pool's etcd for more than {} s: \
                     is a majority of its members up?",
                    SILENCE_MAX.as_secs()
                );
                self.hindering.push(problem);
            }
            if matches!(log, View::Differs { .. }) {
                self.told.push(format!("the log of hub {id} differs from this hub's"));
            }
            if matches!(state, View::Differs { .. }) {
                self.told.push(format!("the state of hub {id} differs from this hub's"));
            }
            let apart = hub.heard().map_or(0, |heard| heard.apart_us.unsigned_abs());
            if pool::STAMP_APART_MAX.as_micros() < u128::from(apart) && !replica.clock_stands() {
                self.told.push(format!("the stamps of hub {id} are apart from the pool's clock"));
            }
        }
    }
}

/// Returns how far the log is handed out; a log that has ended is as far as it was applied.
fn handed_out(log: &PoolLog) -> u64 {
    log.head().map_or(0, |head| head.position.number())
}

fn sample_hub(telemetry: &Telemetry, id: &HubId, hub: &HubState) {
    telemetry.set_of("tansiq_pool_hub_sequence", ("hub", id.as_str()), hub.sequence() as f64);
    if let Some(heard) = hub.heard() {
        let stamp_s = heard.stamp.as_micros() as f64 / 1e6;
        telemetry.set_of("tansiq_pool_hub_stamp_seconds", ("hub", id.as_str()), stamp_s);
        let apart_s = heard.apart_us as f64 / 1e6;
        telemetry.set_of("tansiq_pool_hub_apart_seconds", ("hub", id.as_str()), apart_s);
        let applied = heard.applied.position as f64;
        telemetry.set_of("tansiq_pool_hub_applied_position", ("hub", id.as_str()), applied);
    }
}

fn show_pool(pool: &Pool, replica: &Replica, now: Timestamp) -> Value {
    let membership = pool.membership();
    let owners = membership.owners().iter().map(|owner| owner.name.as_str());
    let hubs = membership.hubs().iter().zip(pool.hubs()).map(|(member, (id, hub))| {
        let mut shown = show_hub(id, hub, &replica.neighbor(id), now);
        shown["owner"] = json!(member.owner.as_str());
        shown
    });
    json!({
        "id": hex::encode(membership.pool().as_bytes()),
        "epoch": membership.epoch(),
        "membership_hash": hex::encode(&membership.hash()),
        "quorum": membership.quorum(),
        "owners": owners.collect::<Vec<_>>(),
        "revision": pool.revision(),
        "clock": rfc3339(pool.clock()),
        "hubs": hubs.collect::<Vec<_>>(),
    })
}

fn show_hub(id: &HubId, hub: &HubState, neighbor: &Neighbor, now: Timestamp) -> Value {
    let heard = hub.heard();
    let silent_s = neighbor.heard_at.map(|at| now.since(at).as_secs_f64());
    json!({
        "id": id.as_str(),
        "sequence": hub.sequence(),
        "spent": hub.spent(),
        "set_aside": hub.set_aside().map(|set_aside| json!({
            "position": set_aside.position,
            "why": set_aside.fault.to_string(),
            "sha256": hex::encode(&set_aside.hash),
        })),
        "last_stamp": heard.map(|heard| rfc3339(heard.stamp)),
        "apart_s": heard.map(|heard| heard.apart_us as f64 / 1e6),
        "silent_s": silent_s,
        "is_heard": neighbor.heard_at.is_some_and(|at| now.since(at) <= SILENCE_MAX),
        "applied_position": heard.map(|heard| heard.applied.position),
        "chain": heard.map(|heard| hex::encode(&heard.applied.chain)),
        "state_position": heard.and_then(|heard| heard.state).map(|state| state.position),
        "state_hash": heard.and_then(|heard| heard.state).map(|state| hex::encode(&state.hash)),
        "log": word_of_view(neighbor.log),
        "state": word_of_view(neighbor.state),
    })
}

fn show_member(member: &MemberStatus) -> Value {
    match &member.answer {
        Ok(status) => json!({
            "url": member.url,
            "release": status.version,
            "is_leader": status.header.as_ref().is_some_and(|header| header.member_id == status.leader),
            "db_bytes": status.db_size,
            "db_bytes_in_use": status.db_size_in_use,
            "db_bytes_max": status.db_size_quota,
            "is_half_full": member.is_half_full(),
            "errors": status.errors,
        }),
        Err(error) => json!({ "url": member.url, "error": error.to_string() }),
    }
}

fn word_of_view(view: View) -> &'static str {
    match view {
        View::Unheard => "unheard",
        View::Agrees { .. } => "agrees",
        View::Differs { .. } => "differs",
    }
}

fn word_of_standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Majority => "majority",
        Standing::Undecided => "undecided",
        Standing::NoMajority => "no_majority",
        Standing::Minority => "minority",
    }
}
