//! What a genesis, a change and a membership say, in words.

use std::sync::LazyLock;

use log::Family;
use pool::{
    Action, AppliedHead, Genesis, HubId, Membership, OwnerKey, OwnerSignature, Refusal, Rule,
    SignedChange,
};

use crate::log::hex;

/// How much of a hash is shown where people only tell it from another.
const HASH_BYTES_SHOWN: usize = 8;

/// Tells what a genesis says, a line each.
pub(super) fn genesis(genesis: &Genesis) -> String {
    let founding = genesis.founding();
    let mut lines = vec![
        format!("genesis of the pool {}", founding.name),
        format!("  fingerprint: {}", genesis.fingerprint()),
        format!("  {} of {} owners decide", founding.quorum, founding.owners.len()),
    ];
    for owner in &founding.owners {
        lines.push(format!("  owner {}", owner.name));
        lines.push(format!("    key         {}", owner.key));
        lines.push(format!("    offline key {}", owner.offline_key));
    }
    for hub in &founding.hubs {
        lines.push(format!("  hub {} of {}", hub.id, hub.owner));
        lines.push(format!("    key         {}", hub.key));
    }
    lines.extend(rules(founding.rules.as_slice()));
    lines.join("\n")
}

/// Tells who belongs to a pool, a line each.
pub(super) fn membership(membership: &Membership) -> String {
    let mut lines = vec![
        format!("pool {}", membership.pool()),
        format!(
            "  epoch {}, after {} decision(s) of the owners, the last is {}",
            membership.epoch(),
            membership.number(),
            hex(&membership.hash()[..HASH_BYTES_SHOWN])
        ),
        format!("  {} of {} owners decide", membership.quorum(), membership.owners().len()),
    ];
    for owner in membership.owners() {
        lines.push(format!("  owner {}", owner.name));
        lines.push(format!("    key         {}", owner.key));
        lines.push(format!("    offline key {}", owner.offline_key));
    }
    for hub in membership.hubs() {
        lines.push(format!("  hub {} of {}", hub.id, hub.owner));
        lines.push(format!("    key         {}", hub.key));
    }
    for binding in membership.bindings() {
        let hubs = if binding.hubs.is_empty() { "no hub".to_owned() } else { names(&binding.hubs) };
        lines.push(format!("  party {:?} may use {hubs} only", binding.party.as_str()));
    }
    lines.join("\n")
}

/// Tells what a change says and who has signed it, a line each; with the membership, what it still
/// takes.
pub(super) fn change(signed: &SignedChange, membership: Option<&Membership>) -> String {
    let change = &signed.change;
    let (epoch, before) = (change.epoch, hex(&change.before[..HASH_BYTES_SHOWN]));
    let after = match change.action {
        Action::ReplaceHubKey { .. } => "while the hub is as it was at",
        _ => "while the owners' last decision is",
    };
    let mut lines = vec![
        format!("change of the pool {}", change.pool),
        format!("  {}", action(&change.action)),
        format!("  in epoch {epoch}, {after} {before}"),
    ];
    if change.action.needs_offline_keys() {
        lines.push("  decides who the owners are: only offline keys count".to_owned());
    }
    for signature in signed.signatures() {
        lines.push(format!("  signed by {}", signer(signature)));
    }
    if signed.is_unsigned() {
        lines.push("  signed by nobody yet".to_owned());
    }
    if let Some(membership) = membership {
        lines.push(format!("  {}", verdict(signed, membership)));
    }
    lines.join("\n")
}

/// Tells what a change still takes.
pub(super) fn verdict(signed: &SignedChange, membership: &Membership) -> String {
    match membership.after(signed) {
        Ok(_) if matches!(signed.change.action, Action::OpenEpoch { .. }) => {
            "complete: an etcd is prepared with it (tansiq pool init etcd --opening)".to_owned()
        }
        Ok(_) => "complete: it takes effect once a hub has it (tansiq pool submit)".to_owned(),
        Err(_) if is_for_all_hubs(&signed.change.action) => {
            "complete once every hub runs a release that knows the version".to_owned()
        }
        Err(Refusal::TooFewSignatures { needed, signed }) => {
            format!("not complete: signed by {signed} of the {needed} owners that it takes")
        }
        Err(refusal) => format!("has no effect: {refusal}"),
    }
}

/// Tells whether it is the hubs that decide: an activation that leaves none of them behind.
pub(super) fn is_for_all_hubs(action: &Action) -> bool {
    matches!(action, Action::ActivateRules { left_behind, .. } if left_behind.is_empty())
}

/// Tells what is to be done.
pub(super) fn action(action: &Action) -> String {
    match action {
        Action::AdmitHub { id, owner, key } => {
            format!("admits the hub {id} of {owner}, whose key is {key}")
        }
        Action::RemoveHub { id } => {
            format!("removes the hub {id}: what it puts has no effect then")
        }
        Action::Readmit { id } => {
            format!("lets the hub {id} begin anew: it is no longer set aside, its stamps forgotten")
        }
        Action::ReplaceHubKey { id, key } => {
            format!("gives the hub {id} another key: {key}")
        }
        Action::AdmitOwner { owner, quorum } => format!(
            "admits the owner {}, key {}, offline key {}; the quorum is {quorum} then",
            owner.name, owner.key, owner.offline_key
        ),
        Action::RemoveOwner { name, quorum } => {
            format!("removes the owner {name} and all its hubs; the quorum is {quorum} then")
        }
        Action::ReplaceOwnerKeys { owner } => format!(
            "gives the owner {} other keys: key {}, offline key {}",
            owner.name, owner.key, owner.offline_key
        ),
        Action::SetQuorum { quorum } => format!("lets {quorum} owners decide"),
        Action::Bind { party, hubs } => {
            format!("lets the party {party} use these hubs only: {}", names(hubs))
        }
        Action::Unbind { party } => format!("lets the party {party} use every hub"),
        Action::ActivateRules { rule, left_behind } if left_behind.is_empty() => {
            format!("activates version {} of the rules of {}", rule.version, family(rule.family))
        }
        Action::ActivateRules { rule, left_behind } => format!(
            "activates version {} of the rules of {}, and leaves these hubs behind, which stop: {}",
            rule.version,
            family(rule.family),
            names(left_behind)
        ),
        Action::OpenEpoch { head: AppliedHead { position, chain } } => format!(
            "goes on from the log's position {position}, chain {}, on an empty etcd: whatever came \
             after that has no effect",
            hex(chain)
        ),
    }
}

/// Returns the version of this release, and those of the rules up to which it can run them.
pub(crate) fn versions() -> &'static str {
    static VERSIONS: LazyLock<String> = LazyLock::new(|| {
        let known = hub::replica::known_rules();
        let rules = rules(known.as_slice());
        let release = hub::version().to_owned();
        std::iter::once(release).chain(rules).collect::<Vec<_>>().join("\n")
    });
    &VERSIONS
}

fn rules(rules: &[Rule]) -> impl Iterator<Item = String> {
    let line =
        |rule: &Rule| format!("  rules of {}: version {}", family(rule.family), rule.version);
    rules.iter().map(line)
}

/// Returns what a family's rules are about, with its number.
fn family(number: u8) -> String {
    const HUB: u8 = Family::HUB.0;
    const AIRSPACE: u8 = Family::AIRSPACE.0;
    let what = match number {
        HUB => "the hubs",
        AIRSPACE => "the airspace",
        pool::FAMILY => "the pool",
        _ => "something that this version does not know",
    };
    format!("{what} (family {number})")
}

fn signer(signature: &OwnerSignature) -> String {
    match signature.with {
        OwnerKey::Online => signature.owner.to_string(),
        OwnerKey::Offline => format!("{}, with its offline key", signature.owner),
    }
}

fn names(hubs: &[HubId]) -> String {
    let names: Vec<_> = hubs.iter().map(HubId::as_str).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use pool::{KeyPair, PartyName};

    use super::*;

    #[test]
    fn names_everything_that_an_action_is_about() {
        let key = KeyPair::from_seed(&[1; 32]).public_key();
        let id: HubId = "alder-1".parse().expect("a name");
        let party = PartyName::new("rescue").expect("a name");
        let hubs = vec![id.clone(), "birch-1".parse().expect("a name")];

        let admit = action(&Action::AdmitHub {
            id: id.clone(),
            owner: "alder".parse().expect("a name"),
            key,
        });
        assert_eq!(admit, format!("admits the hub alder-1 of alder, whose key is {key}"));
        let bind = action(&Action::Bind { party, hubs });
        assert_eq!(bind, "lets the party rescue use these hubs only: alder-1, birch-1");
    }
}
