//! Entries of the log as JSON, for people and scripts to read.

use airspace::operational_intent::{
    NotifyForConstraints, OperationalIntentState, SubscriptionChoice,
};
use airspace::subscription::NotifyFor;
use airspace::uss_availability::UssAvailabilityState;
use airspace::{
    Command, Extent, F3411Settings, Footprint, NextOvn, Ovn, RemoteIdVersion, Request, Search,
    Settings, constraint, identification_service_area, operational_intent, remote_id_subscription,
    subscription, uss_availability,
};
use hub::replica::declaration::{Declaration, Heartbeat};
use log::{Entry, Family, Position};
use serde_json::{Value, json};
use spacetime::{Altitude, Cells, Timestamp};

use crate::clock;

mod imported;

/// What stands where an OVN is not shown.
const HIDDEN: &str = "(hidden)";

/// Whether OVNs are shown; whoever knows an OVN can claim to have seen an entity's details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ovns {
    /// They are.
    Shown,
    /// They are not.
    Hidden,
}

/// Returns an entry as JSON; a command of a family or form that is not known here stays as hex.
pub(crate) fn entry(position: Position, entry: &Entry, ovns: Ovns) -> Value {
    let mut shown = json!({
        "position": position.number(),
        "stamp": time(entry.stamp),
        "proposer": entry.proposer.as_str(),
        "family": entry.family.0,
        "version": entry.version,
    });
    let known = match entry.family {
        Family::AIRSPACE => show_command(&mut shown, entry.version, &entry.command, ovns),
        Family::HUB => show_declaration(&mut shown, entry),
        _ => None,
    };
    if known.is_none() {
        shown["command_hex"] = json!(hex(&entry.command));
    }
    shown
}

fn show_command(shown: &mut Value, version: u16, bytes: &[u8], ovns: Ovns) -> Option<()> {
    let command = Command::from_bytes(version, bytes).ok()?;
    shown["party"] = json!(command.party.as_str());
    if let Some(retry) = command.retry {
        shown["idempotency_key_sha256"] = json!(hex(&retry.key));
    }
    shown["request"] = request(&command.request, ovns);
    Some(())
}

fn show_declaration(shown: &mut Value, entry: &Entry) -> Option<()> {
    shown["declaration"] = match Declaration::from_bytes(entry.version, &entry.command).ok()? {
        Declaration::Restored => json!("restored"),
        Declaration::RestoredConfirmed => json!("restored_confirmed"),
        Declaration::Founded { dar_id } => json!({ "founded": { "dar_id": dar_id.to_string() } }),
        Declaration::Heartbeat(declared) => json!({ "heartbeat": heartbeat(&declared) }),
    };
    Some(())
}

fn heartbeat(heartbeat: &Heartbeat) -> Value {
    let Heartbeat { source, reporter, timestamp, next_expected_before } = heartbeat;
    json!({
        "source": source.as_str(),
        "reporter": reporter.as_str(),
        "timestamp": time(*timestamp),
        "next_expected_before": next_expected_before.map(time),
    })
}

/// Returns bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the bytes that a hexadecimal text writes, if it is one.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

fn request(request: &Request, ovns: Ovns) -> Value {
    match request {
        Request::PutOperationalIntent(put) => {
            json!({ "put_operational_intent": put_operational_intent(put, ovns) })
        }
        Request::DeleteOperationalIntent(operational_intent::Delete { id, ovn }) => {
            json!({ "delete_operational_intent": delete(id, ovn, ovns) })
        }
        Request::PutConstraint(put) => json!({ "put_constraint": put_constraint(put, ovns) }),
        Request::DeleteConstraint(constraint::Delete { id, ovn }) => {
            json!({ "delete_constraint": delete(id, ovn, ovns) })
        }
        Request::PutSubscription(put) => json!({ "put_subscription": put_subscription(put) }),
        Request::DeleteSubscription(subscription::Delete { id, version }) => {
            json!({ "delete_subscription": { "id": id.to_string(), "version": version } })
        }
        Request::PutUssAvailability(put) => {
            json!({ "put_uss_availability": put_uss_availability(put) })
        }
        Request::PutSettings(Settings { f3548_retention_s }) => {
            json!({ "put_settings": { "f3548_retention_s": f3548_retention_s } })
        }
        Request::PutIdentificationServiceArea(put) => {
            json!({ "put_identification_service_area": put_identification_service_area(put) })
        }
        Request::DeleteIdentificationServiceArea(delete) => {
            let identification_service_area::Delete { id, version } = delete;
            let deleted = json!({ "id": id.to_string(), "version": version.to_string() });
            json!({ "delete_identification_service_area": deleted })
        }
        Request::PutRemoteIdSubscription(put) => {
            json!({ "put_remote_id_subscription": put_remote_id_subscription(put) })
        }
        Request::DeleteRemoteIdSubscription(delete) => {
            let remote_id_subscription::Delete { id, version } = delete;
            let deleted = json!({ "id": id.to_string(), "version": version.to_string() });
            json!({ "delete_remote_id_subscription": deleted })
        }
        Request::PutF3411Settings(F3411Settings { retention_s }) => {
            json!({ "put_f3411_settings": { "retention_s": retention_s } })
        }
        Request::Import(import) => json!({ "import": imported::import(import, ovns) }),
    }
}

fn put_operational_intent(put: &operational_intent::Put, ovns: Ovns) -> Value {
    let operational_intent::Put {
        id,
        ovn,
        extent: volume,
        state,
        key,
        uss_base_url,
        subscription,
        next_ovn,
    } = put;
    json!({
        "id": id.to_string(),
        "ovn": shown_ovn(ovn.as_ref(), ovns),
        "extent": extent(volume),
        "state": intent_state(*state),
        "key": match ovns {
            Ovns::Shown => json!(key.iter().map(|hash| hex(hash.as_bytes())).collect::<Vec<_>>()),
            Ovns::Hidden => json!(format!("({} hidden)", key.len())),
        },
        "uss_base_url": uss_base_url.as_str(),
        "subscription": subscription_choice(subscription),
        "next_ovn": next(next_ovn, ovns),
    })
}

fn subscription_choice(choice: &SubscriptionChoice) -> Value {
    match choice {
        SubscriptionChoice::None => Value::Null,
        SubscriptionChoice::Existing(id) => json!({ "existing": id.to_string() }),
        SubscriptionChoice::Implicit { id, uss_base_url, notify_for_constraints } => json!({
            "implicit": id.to_string(),
            "uss_base_url": uss_base_url.as_str(),
            "notify_for_constraints": *notify_for_constraints == NotifyForConstraints::Yes,
        }),
    }
}

fn put_constraint(put: &constraint::Put, ovns: Ovns) -> Value {
    let constraint::Put { id, ovn, extent: volume, uss_base_url, next_ovn } = put;
    json!({
        "id": id.to_string(),
        "ovn": shown_ovn(ovn.as_ref(), ovns),
        "extent": extent(volume),
        "uss_base_url": uss_base_url.as_str(),
        "next_ovn": match ovns {
            Ovns::Shown => hex(next_ovn),
            Ovns::Hidden => HIDDEN.to_owned(),
        },
    })
}

fn put_subscription(put: &subscription::Put) -> Value {
    let subscription::Put { id, version, extent, uss_base_url, notify_for: changes } = put;
    json!({
        "id": id.to_string(),
        "version": version,
        "extent": search(extent),
        "uss_base_url": uss_base_url.as_str(),
        "notify_for": notify_for(*changes),
    })
}

fn put_uss_availability(put: &uss_availability::Put) -> Value {
    let uss_availability::Put { uss_id, old_version, availability: state } = put;
    json!({
        "uss_id": uss_id.as_str(),
        "old_version": old_version,
        "availability": availability(*state),
    })
}

fn put_identification_service_area(put: &identification_service_area::Put) -> Value {
    let identification_service_area::Put { id, version, footprint: area, uss_base_url } = put;
    json!({
        "id": id.to_string(),
        "version": version.as_ref().map(RemoteIdVersion::to_string),
        "footprint": footprint(area),
        "uss_base_url": uss_base_url.as_str(),
    })
}

fn put_remote_id_subscription(put: &remote_id_subscription::Put) -> Value {
    let remote_id_subscription::Put { id, version, footprint: area, uss_base_url } = put;
    json!({
        "id": id.to_string(),
        "version": version.as_ref().map(RemoteIdVersion::to_string),
        "footprint": footprint(area),
        "uss_base_url": uss_base_url.as_str(),
    })
}

fn intent_state(state: OperationalIntentState) -> &'static str {
    match state {
        OperationalIntentState::Accepted => "Accepted",
        OperationalIntentState::Activated => "Activated",
        OperationalIntentState::Nonconforming => "Nonconforming",
        OperationalIntentState::Contingent => "Contingent",
    }
}

fn notify_for(changes: NotifyFor) -> &'static [&'static str] {
    match changes {
        NotifyFor::OperationalIntents => &["operational_intents"],
        NotifyFor::Constraints => &["constraints"],
        NotifyFor::Both => &["operational_intents", "constraints"],
    }
}

fn availability(state: UssAvailabilityState) -> &'static str {
    match state {
        UssAvailabilityState::Unknown => "Unknown",
        UssAvailabilityState::Normal => "Normal",
        UssAvailabilityState::Down => "Down",
    }
}

fn delete(id: &airspace::EntityId, ovn: &Ovn, ovns: Ovns) -> Value {
    json!({ "id": id.to_string(), "ovn": shown_ovn(Some(ovn), ovns) })
}

fn shown_ovn(ovn: Option<&Ovn>, ovns: Ovns) -> Value {
    match (ovn, ovns) {
        (None, _) => Value::Null,
        (Some(ovn), Ovns::Shown) => json!(ovn.as_str()),
        (Some(_), Ovns::Hidden) => json!(HIDDEN),
    }
}

fn next(next_ovn: &NextOvn, ovns: Ovns) -> Value {
    match (next_ovn, ovns) {
        (_, Ovns::Hidden) => json!(HIDDEN),
        (NextOvn::Random(bits), Ovns::Shown) => json!({ "random": hex(bits) }),
        (NextOvn::Requested(suffix), Ovns::Shown) => json!({ "requested": suffix.to_string() }),
    }
}

fn extent(extent: &Extent) -> Value {
    json!({
        "starts_at": time(extent.starts_at),
        "ends_at": time(extent.ends_at),
        "altitude_lower_m": extent.altitude_lower.map(Altitude::as_meters),
        "altitude_upper_m": extent.altitude_upper.map(Altitude::as_meters),
        "cells": cells(&extent.cells),
    })
}

fn search(search: &Search) -> Value {
    json!({
        "starts_at": search.starts_at.map(time),
        "ends_at": search.ends_at.map(time),
        "altitude_lower_m": search.altitude_lower.map(Altitude::as_meters),
        "altitude_upper_m": search.altitude_upper.map(Altitude::as_meters),
        "cells": cells(&search.cells),
    })
}

fn footprint(footprint: &Footprint) -> Value {
    json!({
        "starts_at": footprint.starts_at.map(time),
        "ends_at": footprint.ends_at.map(time),
        "cells": cells(&footprint.cells),
    })
}

/// Cells as S2 tokens: hexadecimal without the zeros at the end.
fn cells(cells: &Cells) -> Vec<String> {
    let token = |id: u64| format!("{id:016x}").trim_end_matches('0').to_owned();
    cells.as_slice().iter().map(|cell| token(cell.id())).collect()
}

fn time(time: Timestamp) -> String {
    clock::rfc3339(time)
}

#[cfg(test)]
mod tests {
    use airspace::OvnHash;
    use airspace::{EntityId, Party, Retry, UssBaseUrl};
    use log::Proposer;
    use spacetime::Cell;

    use super::*;

    fn put() -> Command {
        let cell = Cell::from_id(1 << 34);
        Command {
            party: Party::new("alder").expect("a name"),
            retry: Some(Retry { key: [7; 32], fingerprint: [8; 32] }),
            request: Request::PutOperationalIntent(operational_intent::Put {
                id: EntityId::from_random_bytes([1; 16]),
                ovn: Some(Ovn::new("secret-ovn").expect("short")),
                extent: Extent {
                    starts_at: Timestamp::from_micros(0).expect("in range"),
                    ends_at: Timestamp::from_micros(1).expect("in range"),
                    altitude_lower: Some(Altitude::from_millimeters(1_500)),
                    altitude_upper: None,
                    cells: Cells::from_unsorted(vec![cell.expect("a cell")]).expect("one"),
                },
                state: OperationalIntentState::Activated,
                key: OvnHash::key_of(&[Ovn::new("secret-key").expect("short")]),
                uss_base_url: UssBaseUrl::new("https://alder.example.com").expect("short"),
                subscription: SubscriptionChoice::None,
                next_ovn: NextOvn::Random([0xab; 16]),
            }),
        }
    }

    fn shown(command: Vec<u8>, family: Family, ovns: Ovns) -> Value {
        let logged = Entry {
            family,
            version: 2,
            proposer: Proposer::new("hub").expect("a name"),
            stamp: Timestamp::from_micros(0).expect("in range"),
            command,
        };
        entry(Position::new(3).expect("small"), &logged, ovns)
    }

    #[test]
    fn shows_what_was_asked() {
        let command = borsh::to_vec(&put()).expect("memory does not fail");

        let shown = shown(command, Family::AIRSPACE, Ovns::Hidden);

        assert_eq!(shown["position"], 3);
        assert_eq!(shown["stamp"], "1970-01-01T00:00:00Z");
        assert_eq!(shown["party"], "alder");
        let put = &shown["request"]["put_operational_intent"];
        assert_eq!(put["state"], "Activated");
        assert_eq!(put["extent"]["altitude_lower_m"], 1.5);
        assert_eq!(put["key"], "(1 hidden)");
    }

    #[test]
    fn hides_ovns_and_what_they_are_made_of_unless_asked() {
        let command = borsh::to_vec(&put()).expect("memory does not fail");

        let hidden = shown(command.clone(), Family::AIRSPACE, Ovns::Hidden).to_string();
        let open = shown(command, Family::AIRSPACE, Ovns::Shown).to_string();

        // In a key a hash stands for the OVN.
        let of_key = OvnHash::of(&Ovn::new("secret-key").expect("short"));
        for secret in ["secret-ovn", &hex(of_key.as_bytes()), "abababab"] {
            assert!(!hidden.contains(secret), "{secret}");
            assert!(open.contains(secret), "{secret}");
        }
    }

    #[test]
    fn shows_declarations_and_leaves_what_it_does_not_know_as_hex() {
        let other = shown(vec![0, 255], Family(9), Ovns::Hidden);
        let broken = shown(vec![0, 255], Family::AIRSPACE, Ovns::Hidden);
        let declared = shown(vec![0], Family::HUB, Ovns::Hidden);

        assert_eq!(other["command_hex"], "00ff");
        assert_eq!(broken["command_hex"], "00ff");
        assert_eq!(declared["declaration"], "restored");
    }

    #[test]
    fn reads_the_hexadecimal_it_writes() {
        assert_eq!(from_hex(&hex(&[0, 15, 255])), Some(vec![0, 15, 255]));
        assert_eq!(from_hex("0g"), None);
        assert_eq!(from_hex("0"), None);
        assert_eq!(from_hex("+f"), None);
    }
}
