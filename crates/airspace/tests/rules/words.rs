//! Ids, names and addresses.

use airspace::{EntityId, IdError, Ovn, OvnSuffix, Party, SubscriptionId, TextError, UssBaseUrl};

const ID: &str = "0c1e2d3f-4a5b-4c6d-8e7f-9a0b1c2d3e4f";

#[test]
fn reads_an_id_in_all_its_written_forms() {
    let simple = ID.replace('-', "");
    for text in [ID, &ID.to_uppercase(), &simple, &format!("{{{ID}}}"), &format!("urn:uuid:{ID}")] {
        assert_eq!(EntityId::parse(text).expect("it is one").to_string(), ID, "{text}");
        assert_eq!(SubscriptionId::parse(text).expect("it is one").to_string(), ID, "{text}");
    }
}

#[test]
fn refuses_ids_of_another_version_or_variant_and_what_is_no_uuid() {
    for (text, error) in [
        ("", IdError::NotUuid),
        ("0c1e2d3f", IdError::NotUuid),
        ("0c1e2d3f-4a5b-4c6d-8e7f-9a0b1c2d3e4g", IdError::NotUuid),
        ("0c1e2d3f-4a5b-1c6d-8e7f-9a0b1c2d3e4f", IdError::NotVersion4),
        ("0c1e2d3f-4a5b-7c6d-8e7f-9a0b1c2d3e4f", IdError::NotVersion4),
        ("0c1e2d3f-4a5b-4c6d-ce7f-9a0b1c2d3e4f", IdError::NotVersion4),
        ("00000000-0000-0000-0000-000000000000", IdError::NotVersion4),
    ] {
        assert_eq!(EntityId::parse(text), Err(error), "{text}");
        assert_eq!(SubscriptionId::parse(text), Err(error), "{text}");
    }
}

#[test]
fn makes_ids_of_version_4_of_any_bytes() {
    for byte in [0, 0x55, 0xff] {
        let id = EntityId::from_random_bytes([byte; 16]);
        assert_eq!(EntityId::parse(&id.to_string()), Ok(id));
    }
}

#[test]
fn reads_suffixes_of_version_7_only() {
    let suffix = OvnSuffix::parse("018BCFE5-6800-7000-8000-000000000001").expect("it is one");

    assert_eq!(suffix.to_string(), "018bcfe5-6800-7000-8000-000000000001");
    assert_eq!(suffix.unix_millis(), 1_700_000_000_000);
    assert_eq!(OvnSuffix::parse("018bcfe5-6800-4000-8000-000000000001"), None);
    assert_eq!(OvnSuffix::parse("018bcfe5-6800-7000-c000-000000000001"), None);
    assert_eq!(OvnSuffix::parse("018bcfe5"), None);
}

#[test]
fn bounds_texts() {
    let long = |length: usize| "x".repeat(length);

    assert_eq!(Party::new(""), Err(TextError::Empty));
    assert!(Party::new(&long(Party::LENGTH_MAX)).is_ok());
    let too_long = TextError::TooLong { max: Party::LENGTH_MAX };
    assert_eq!(Party::new(&long(Party::LENGTH_MAX + 1)), Err(too_long));
    assert_eq!(Party::new("a\0b"), Err(TextError::ControlCharacter));
    assert!(UssBaseUrl::new(&long(UssBaseUrl::LENGTH_MAX)).is_ok());
    let too_long = TextError::TooLong { max: UssBaseUrl::LENGTH_MAX };
    assert_eq!(UssBaseUrl::new(&long(UssBaseUrl::LENGTH_MAX + 1)), Err(too_long));
    assert_eq!(Ovn::new(""), Err(TextError::Empty));
    assert!(Ovn::new(&long(Ovn::LENGTH_MAX)).is_ok());
    let too_long = TextError::TooLong { max: Ovn::LENGTH_MAX };
    assert_eq!(Ovn::new(&long(Ovn::LENGTH_MAX + 1)), Err(too_long));
}
