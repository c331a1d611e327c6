//! The stored form of commands, versions 1 and 2 (docs/log-format.md): it must never change.

use airspace::import::{self, Import};
use airspace::operational_intent::OperationalIntentState;
use airspace::subscription::NotifyFor;
use airspace::uss_availability::{self, UssAvailabilityState};
use airspace::{
    Command, F3411Settings, NextOvn, RemoteIdVersion, Request, Retry, Settings,
    constraint as constraints,
};

use crate::asks::{
    A, Intent, area, change_area, constraint, delete, delete_area, entity, existing,
    implicit_for_constraints, intent, party, place, random_ovn, resubscribe, rewatch, sub,
    subscription, suffix, time, unsubscribe, unwatch, url, watch,
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = (0..text.len()).step_by(2).map(|at| &text[at..at + 2]);
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("a hexadecimal number")).collect()
}

/// Returns the stored form of a command, after it was read and written again.
fn stored(request: impl Into<Request>) -> String {
    let command = Command { party: party(A), retry: None, request: request.into() };
    let bytes = borsh::to_vec(&command).expect("a vector takes any number of bytes");
    let read: Command = borsh::from_slice(&bytes).expect("it is whole");
    assert_eq!(read, command);
    for end in 0..bytes.len() {
        assert!(borsh::from_slice::<Command>(&bytes[..end]).is_err(), "cut off at {end}");
    }
    hex(&bytes)
}

#[test]
fn keeps_the_form_of_each_command_of_f3548() {
    let put = intent(1, place()).key(&[2, 3]).with(implicit_for_constraints(9));
    let update = intent(1, place()).state(OperationalIntentState::Contingent).with(existing(9));
    let requests: [Request; 12] = [
        put.into(),
        update.over(&random_ovn(1)).suffix(suffix(0, 7)).into(),
        delete(1, &random_ovn(1)).into(),
        constraint(2, place().at_any_altitude()).into(),
        constraints::Put { ovn: Some(random_ovn(2)), ..constraint(2, place()) }.into(),
        constraints::Delete { id: entity(2), ovn: random_ovn(2) }.into(),
        subscription(3, place()).into(),
        resubscribe(3, "version", place()).into(),
        unsubscribe(3, "version").into(),
        uss_availability::Put {
            uss_id: party(A),
            old_version: String::new(),
            availability: UssAvailabilityState::Down,
        }
        .into(),
        Settings { f3548_retention_s: 86_400 }.into(),
        intent(1, place()).into(),
    ];
    assert!(requests.iter().all(|request| request.since_version() == 1));
    let lines: Vec<_> = requests.into_iter().map(stored).collect();

    insta::assert_snapshot!(lines.join("\n"), @"
    050000007573732d610000000000000000400080000000000000010000c7b11b240a0600000d753f240a060001a086010001400d030001000000000000000c000000000200000040025c141dc101ed6405c035a6b6f596a3ce5a391bd4683308bb2d5247855a470900000068747470733a2f2f7502000000000000400080000000000000090900000068747470733a2f2f73000001010101010101010101010101010101
    050000007573732d6100000000000000004000800000000000000101160000004151454241514542415145424151454241514542415100c7b11b240a0600000d753f240a060001a086010001400d030001000000000000000c00000003000000000900000068747470733a2f2f75010000000000004000800000000000000901018bcfe5680070008000000000000007
    050000007573732d610001000000000000400080000000000000011600000041514542415145424151454241514542415145424151
    050000007573732d610002000000000000400080000000000000020000c7b11b240a0600000d753f240a0600000001000000000000000c0000000900000068747470733a2f2f6302020202020202020202020202020202
    050000007573732d6100020000000000004000800000000000000201160000004167494341674943416749434167494341674943416700c7b11b240a0600000d753f240a060001a086010001400d030001000000000000000c0000000900000068747470733a2f2f6302020202020202020202020202020202
    050000007573732d610003000000000000400080000000000000021600000041674943416749434167494341674943416749434167
    050000007573732d61000400000000000040008000000000000003000100c7b11b240a060001000d753f240a060001a086010001400d030001000000000000000c0000000900000068747470733a2f2f7300
    050000007573732d61000400000000000040008000000000000003010700000076657273696f6e0100c7b11b240a060001000d753f240a060001a086010001400d030001000000000000000c0000000900000068747470733a2f2f7300
    050000007573732d610005000000000000400080000000000000030700000076657273696f6e
    050000007573732d610006050000007573732d610000000002
    050000007573732d61000780510100
    050000007573732d610000000000000000400080000000000000010000c7b11b240a0600000d753f240a060001a086010001400d030001000000000000000c00000000000000000900000068747470733a2f2f75000001010101010101010101010101010101
    ");
}

#[test]
fn reads_what_version_1_had_in_full_in_a_key() {
    let put = intent(1, place()).key(&[2, 3]).with(implicit_for_constraints(9));
    let command = Command { party: party(A), retry: None, request: put.into() };
    let bytes = unhex(
        "050000007573732d610000000000000000400080000000000000010000c7b11b240a0600000d753f\
         240a060001a086010001400d030001000000000000000c0000000002000000160000004167494341\
         67494341674943416749434167494341671600000041774d4441774d4441774d4441774d4441774d\
         4441770900000068747470733a2f2f75020000000000004000800000000000000909000000687474\
         70733a2f2f73000001010101010101010101010101010101",
    );

    assert_eq!(Command::from_bytes(1, &bytes).expect("it is whole"), command);
    assert!(Command::from_bytes(2, &bytes).is_err());
    assert!(Command::from_bytes(1, &command.to_bytes()).is_err());
    assert!(Command::from_bytes(0, &bytes).is_err());
    assert!(Command::from_bytes(3, &bytes).is_err());
}

#[test]
fn has_in_version_1_what_came_with_it_only() {
    for (request, is_old) in [
        (Request::from(Settings { f3548_retention_s: 86_400 }), true),
        (F3411Settings { retention_s: 1_800 }.into(), false),
    ] {
        let command = Command { party: party(A), retry: None, request };

        assert_eq!(Command::from_bytes(1, &command.to_bytes()).is_ok(), is_old);
        assert_eq!(Command::from_bytes(2, &command.to_bytes()).expect("it is whole"), command);
    }
}

#[test]
fn keeps_the_form_of_each_command_of_version_2() {
    let version = RemoteIdVersion::parse("1gun2enkm1ig0").expect("a version");
    let mut open = watch(3, place());
    (open.footprint.starts_at, open.footprint.ends_at) = (None, None);
    let requests: [Request; 7] = [
        area(1, place()).into(),
        change_area(1, version, place().cells(&[1, 2])).into(),
        delete_area(1, version).into(),
        open.into(),
        rewatch(3, version, place()).into(),
        unwatch(3, version).into(),
        F3411Settings { retention_s: 1_800 }.into(),
    ];
    assert!(requests.iter().all(|request| request.since_version() == 2));
    let lines: Vec<_> = requests.into_iter().map(stored).collect();

    insta::assert_snapshot!(lines.join("\n"), @"
    050000007573732d61000800000000000040008000000000000001000100c7b11b240a060001000d753f240a060001000000000000000c0000000900000068747470733a2f2f66
    050000007573732d610008000000000000400080000000000000010100ca60e975e27a180100c7b11b240a060001000d753f240a060002000000000000000c00000000000000140000000900000068747470733a2f2f66
    050000007573732d6100090000000000004000800000000000000100ca60e975e27a18
    050000007573732d61000a0000000000004000800000000000000300000001000000000000000c0000000900000068747470733a2f2f77
    050000007573732d61000a000000000000400080000000000000030100ca60e975e27a180100c7b11b240a060001000d753f240a060001000000000000000c0000000900000068747470733a2f2f77
    050000007573732d61000b0000000000004000800000000000000300ca60e975e27a18
    050000007573732d61000c08070000
    ");
}

#[test]
fn keeps_the_form_of_each_import() {
    let subscription = import::Subscription {
        id: sub(1),
        manager: party(A),
        extent: place().extent(),
        uss_base_url: url("s"),
        notify_for: NotifyFor::Both,
        notification_index: 2,
        updated_at: time(0),
    };
    let intent = import::OperationalIntent {
        id: entity(1),
        manager: party(A),
        version: 7,
        state: OperationalIntentState::Nonconforming,
        ovn: NextOvn::of_time(time(0)),
        past_suffixes: vec![suffix(0, 1)],
        extent: place().extent(),
        uss_base_url: url("u"),
        subscription_id: Some(sub(1)),
        implicit_subscription: Some(subscription.clone()),
    };
    let constraint = import::Constraint {
        id: entity(1),
        manager: party(A),
        version: 7,
        extent: place().at_any_altitude().extent(),
        uss_base_url: url("c"),
        updated_at: time(0),
    };
    let availability = import::UssAvailability {
        uss_id: party(A),
        availability: UssAvailabilityState::Normal,
        updated_at: time(0),
    };
    let area = import::IdentificationServiceArea {
        id: entity(1),
        owner: party(A),
        extent: place().extent(),
        uss_base_url: url("f"),
        updated_at: time(0),
    };
    let watch = import::RemoteIdSubscription {
        id: sub(1),
        owner: party(A),
        extent: place().extent(),
        uss_base_url: url("w"),
        notification_index: 2,
        updated_at: time(0),
    };
    let imports = [
        Import::Subscription(subscription),
        Import::OperationalIntent(Box::new(intent)),
        Import::Constraint(constraint),
        Import::UssAvailability(availability),
        Import::IdentificationServiceArea(area),
        Import::RemoteIdSubscription(watch),
    ];
    let lines: Vec<_> = imports.into_iter().map(stored).collect();

    insta::assert_snapshot!(lines.join("\n"), @"
    050000007573732d61000d0000000000000040008000000000000001050000007573732d6100c7b11b240a0600000d753f240a060001a086010001400d030001000000000000000c0000000900000068747470733a2f2f73020200000000401e18240a0600
    050000007573732d61000d0100000000000040008000000000000001050000007573732d61070000000200000000000000000000060a24181e400001000000018bcfe568007000800000000000000100c7b11b240a0600000d753f240a060001a086010001400d030001000000000000000c0000000900000068747470733a2f2f7501000000000000400080000000000000010100000000000040008000000000000001050000007573732d6100c7b11b240a0600000d753f240a060001a086010001400d030001000000000000000c0000000900000068747470733a2f2f73020200000000401e18240a0600
    050000007573732d61000d0200000000000040008000000000000001050000007573732d610700000000c7b11b240a0600000d753f240a0600000001000000000000000c0000000900000068747470733a2f2f6300401e18240a0600
    050000007573732d61000d03050000007573732d610100401e18240a0600
    050000007573732d61000d0400000000000040008000000000000001050000007573732d6100c7b11b240a0600000d753f240a060001a086010001400d030001000000000000000c0000000900000068747470733a2f2f6600401e18240a0600
    050000007573732d61000d0500000000000040008000000000000001050000007573732d6100c7b11b240a0600000d753f240a060001a086010001400d030001000000000000000c0000000900000068747470733a2f2f770200000000401e18240a0600
    ");
}

#[test]
fn keeps_the_form_of_a_retry() {
    let command = Command {
        party: party(A),
        retry: Some(Retry { key: [1; 32], fingerprint: [2; 32] }),
        request: Settings { f3548_retention_s: 1 }.into(),
    };
    let bytes = borsh::to_vec(&command).expect("a vector takes any number of bytes");

    insta::assert_snapshot!(
        hex(&bytes),
        @"050000007573732d6101010101010101010101010101010101010101010101010101010101010101010102020202020202020202020202020202020202020202020202020202020202020701000000"
    );
    assert_eq!(borsh::from_slice::<Command>(&bytes).expect("it is whole"), command);
}

#[test]
fn refuses_bytes_left_over_and_choices_unknown() {
    let command =
        Command { party: party(A), retry: None, request: Settings { f3548_retention_s: 1 }.into() };
    let bytes = borsh::to_vec(&command).expect("a vector takes any number of bytes");
    let request_at = 4 + A.len() + 1;

    let longer = [bytes.as_slice(), &[0]].concat();
    let mut unknown = bytes;
    unknown[request_at] = 14;

    assert!(borsh::from_slice::<Command>(&longer).is_err());
    assert!(borsh::from_slice::<Command>(&unknown).is_err());
}

#[test]
fn takes_few_bytes_for_a_creation() {
    let command = Command { party: party(A), retry: None, request: intent(1, place()).into() };
    let bytes = borsh::to_vec(&command).expect("a vector takes any number of bytes");

    assert_eq!(bytes.len(), 102);
}
