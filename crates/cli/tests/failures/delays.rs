//! Networks that are slow, and stall now and then as lost segments make TCP stall.

use std::time::Duration;

use etcd::proxy::{Condition, Stall};

use crate::checks::Trial;
use crate::pool::{Consistency, Pool};
use crate::scope::{Scope, scope};

/// How long everything is under way, between any two that are not beside each other.
const DELAY: Duration = Duration::from_millis(100);

/// What 5 % of lost segments are to TCP: each is sent again after 200 ms at the least, and what
/// follows it waits.
const LOSS: Stall = Stall { per_mille: 50, length: Duration::from_millis(200) };

/// How many operations each hub answers meanwhile.
const OPERATIONS_EACH: u64 = 8;

#[test]
fn goes_on_where_everything_is_late() {
    let Some(pool) = Pool::start(3, Consistency::Linearizable) else { return };
    let mut trial = Trial::of(pool);

    let conditions = [
        ("100 ms of delay on all links", Condition::delayed(DELAY)),
        ("5 % of stalls on all links", Condition { stall: Some(LOSS), ..Condition::default() }),
        (
            "100 ms of delay and 5 % of stalls on all links",
            Condition { stall: Some(LOSS), ..Condition::delayed(DELAY) },
        ),
    ];
    let left_out = if scope() == Scope::All { 0 } else { conditions.len() - 1 };
    for (what, condition) in conditions.into_iter().skip(left_out) {
        trial.case(what, |pool, contention| {
            pool.net.set_all(condition);
            for hub in pool.addresses() {
                contention.wait_for_more_at(hub, OPERATIONS_EACH);
            }
        });
    }

    trial.end();
}
