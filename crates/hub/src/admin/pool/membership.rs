//! Who belongs to the pool, as it is shown: what an owner must know to make a change.

use pool::{Pool, Rule};
use serde_json::{Value, json};

use crate::hex;

/// Returns who belongs to a pool, who may use which hub, and which rules are active.
pub(super) fn show(pool: &Pool) -> Value {
    let membership = pool.membership();
    let owners = membership.owners().iter().map(|owner| {
        json!({
            "name": owner.name.as_str(),
            "key": owner.key.to_string(),
            "offline_key": owner.offline_key.to_string(),
        })
    });
    let hubs = membership.hubs().iter().map(|hub| {
        json!({
            "id": hub.id.as_str(),
            "owner": hub.owner.as_str(),
            "key": hub.key.to_string(),
            "admitted": hub.admitted,
            "keys_replaced": hub.keys_replaced,
            "hash": membership.hub_hash(&hub.id).map(|hash| hex::encode(&hash)),
        })
    });
    let bindings = membership.bindings().iter().map(|binding| {
        let hubs = binding.hubs.iter().map(|hub| hub.as_str());
        json!({ "party": binding.party.as_str(), "hubs": hubs.collect::<Vec<_>>() })
    });
    let rules = pool.rules().as_slice().iter().map(|rule| {
        let next = Rule { family: rule.family, version: rule.version.saturating_add(1) };
        let cannot = pool.left_behind(next);
        json!({
            "family": rule.family,
            "version": rule.version,
            "hubs_without_the_next":
                cannot.iter().map(|hub| hub.as_str()).collect::<Vec<_>>(),
        })
    });
    json!({
        "pool": hex::encode(membership.pool().as_bytes()),
        "epoch": membership.epoch(),
        "number": membership.number(),
        "hash": hex::encode(&membership.hash()),
        "quorum": membership.quorum(),
        "owners": owners.collect::<Vec<_>>(),
        "hubs": hubs.collect::<Vec<_>>(),
        "bindings": bindings.collect::<Vec<_>>(),
        "rules": rules.collect::<Vec<_>>(),
    })
}
