//! Many clients contend for the same few operational intents while the hub is killed and started
//! again. What they saw is explained by one order of what they did, found by a checker that knows
//! nothing of hubs ([`testkit::linearizable`]).

use testkit::contention::Contention;

use crate::support::Place;

/// How often the hub is killed.
const KILLS: u64 = 3;

/// How many operations are answered between two kills.
const OPERATIONS_A_LIFE: u64 = 250;

#[test]
fn what_clients_see_through_kills_happened_in_one_order() {
    let place = Place::new();
    let contention = Contention::new(place.token("contender"), 20_261_124);
    let mut hub = place.start_hub();

    contention.while_doing(vec![hub.address], || {
        for _ in 0..KILLS {
            contention.wait_for_more(OPERATIONS_A_LIFE);
            hub.process.kill();
            hub = place.start_hub();
            contention.set_hubs(vec![hub.address]);
        }
        contention.wait_for_more(OPERATIONS_A_LIFE);
    });

    contention.check(20);
}
