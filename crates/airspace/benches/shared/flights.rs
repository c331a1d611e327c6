//! Flights for benchmarks: create, activate, delete, each with an implicit subscription.

use airspace::operational_intent::{
    Delete, NotifyForConstraints, OperationalIntentState, Put, SubscriptionChoice,
};
use airspace::{
    Command, Decision, EntityId, Extent, NextOvn, Party, Request, State, SubscriptionId, UssBaseUrl,
};
use spacetime::{Altitude, Cell, Cells, Timestamp};

/// An airspace that flights go through.
#[derive(Clone)]
pub(crate) struct Traffic {
    /// The state under test.
    pub(crate) state: State,
    party: Party,
    url: UssBaseUrl,
    now_us: i64,
    flown: u64,
}

/// A flight that was created.
#[derive(Clone)]
pub(crate) struct Flight {
    put: Put,
}

impl Traffic {
    /// Returns an empty airspace.
    pub(crate) fn new() -> Self {
        Traffic {
            state: State::default(),
            party: Party::new("uss1").expect("a name"),
            url: UssBaseUrl::new("https://uss1.example.com/utm").expect("a URL"),
            now_us: 1_700_000_000_000_000,
            flown: 0,
        }
    }

    /// Moves the clock.
    pub(crate) fn pass(&mut self, seconds: i64) {
        self.now_us += seconds * 1_000_000;
    }

    /// Returns the time so many seconds from now.
    pub(crate) fn time(&self, seconds: i64) -> Timestamp {
        Timestamp::from_micros(self.now_us + seconds * 1_000_000).expect("in range")
    }

    /// Creates a flight of ten minutes from now, above all others.
    pub(crate) fn create(&mut self, cells: &Cells) -> Flight {
        let altitude = Altitude::from_millimeters(2 * self.flown as i32);
        self.create_at(cells, 0, altitude)
    }

    /// Creates a flight of ten minutes that begins so many seconds from now.
    pub(crate) fn create_at(&mut self, cells: &Cells, start_s: i64, altitude: Altitude) -> Flight {
        self.flown += 1;
        let id = scrambled(self.flown);
        let put = Put {
            id: EntityId::from_random_bytes(id),
            ovn: None,
            extent: Extent {
                starts_at: self.time(start_s),
                ends_at: self.time(start_s + 600),
                altitude_lower: Some(altitude),
                altitude_upper: Some(altitude),
                cells: cells.clone(),
            },
            state: OperationalIntentState::Accepted,
            key: Vec::new(),
            uss_base_url: self.url.clone(),
            subscription: SubscriptionChoice::Implicit {
                id: SubscriptionId::from_random_bytes(id),
                uss_base_url: self.url.clone(),
                notify_for_constraints: NotifyForConstraints::No,
            },
            next_ovn: NextOvn::Random(id),
        };
        self.apply(put.clone().into());
        Flight { put }
    }

    /// Activates a flight.
    pub(crate) fn activate(&mut self, flight: &mut Flight) {
        let put = &mut flight.put;
        let SubscriptionChoice::Implicit { id, .. } = put.subscription else {
            panic!("it was activated");
        };
        put.ovn = Some(ovn_of(put.next_ovn));
        put.state = OperationalIntentState::Activated;
        put.subscription = SubscriptionChoice::Existing(id);
        put.next_ovn = NextOvn::Random(scrambled(u64::MAX - self.flown));
        let put = put.clone();
        self.apply(put.into());
    }

    /// Deletes a flight.
    pub(crate) fn delete(&mut self, flight: Flight) {
        let ovn = ovn_of(flight.put.next_ovn);
        self.apply(Request::DeleteOperationalIntent(Delete { id: flight.put.id, ovn }));
    }

    /// Flies a whole flight.
    pub(crate) fn fly(&mut self, cells: &Cells) {
        let mut flight = self.create(cells);
        self.activate(&mut flight);
        self.delete(flight);
    }

    fn apply(&mut self, request: Request) {
        self.now_us += 1;
        let command = Command { party: self.party.clone(), retry: None, request };
        let stamp = Timestamp::from_micros(self.now_us).expect("in range");
        let decision = self.state.apply(self.now_us as u64, stamp, &command);
        assert!(matches!(decision, Decision::Decided { outcome: Ok(_), .. }), "{decision:?}");
    }
}

/// Returns `count` cells from the one with this number.
pub(crate) fn cells(first: u64, count: u64) -> Cells {
    let cells = first..first + count;
    let cells = cells.map(|number| Cell::from_id(number << 35 | 1 << 34).expect("of level 13"));
    Cells::from_unsorted(cells.collect()).expect("some")
}

/// Returns 16 bytes that look random, the same for the same number.
pub(crate) fn scrambled(number: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    let mut mixed = number;
    for half in bytes.chunks_mut(8) {
        mixed = (mixed ^ (mixed >> 31)).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        half.copy_from_slice(&mixed.to_be_bytes());
    }
    bytes
}

fn ovn_of(made_of: NextOvn) -> airspace::Ovn {
    let NextOvn::Random(bits) = made_of else {
        panic!("flights have random OVNs");
    };
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits = u128::from_be_bytes(bits);
    let mut text = String::new();
    for place in 0..22 {
        let shifted = if place < 21 { bits >> (122 - 6 * place) } else { bits << 4 };
        text.push(char::from(digits[(shifted & 63) as usize]));
    }
    airspace::Ovn::new(&text).expect("22 characters")
}
