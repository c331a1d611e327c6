//! A hub of a pool, whose other hubs put what the tests want into a log on one machine.

use std::time::Duration;

use airspace::{Command, Request};
use log::{Entry, Family};
use pool::{Effect, Evidence, Kind, Standing, StateHash};

use super::declaration::Declaration;
use super::*;

mod trial;

use trial::{Trial, at, constraint, count, entry, eventually, hub_id, state_hash, submit};

#[tokio::test]
async fn takes_nothing_of_a_bound_party_through_another_hub() {
    let mut trial = Trial::start().await;
    let effect = trial.bind("uss1", 1).await;
    assert!(matches!(effect, Effect::Changed(_)), "{effect:?}");

    let refused = submit(&trial.replica, "uss1", 1).await;
    let unbound = submit(&trial.replica, "uss2", 2).await;
    trial.put(2, 0, None, &[entry(2, 0, &constraint("uss1", 3, 0))]).await;
    assert_eq!(count(&trial.replica), 1);
    trial.put(1, 0, None, &[entry(1, 0, &constraint("uss1", 4, 0))]).await;

    assert_eq!(refused, Err(SubmitError::PartyBound));
    assert!(unbound.expect("decided").is_ok());
    assert_eq!(count(&trial.replica), 2);
}

#[tokio::test]
async fn refuses_a_party_that_is_bound_while_its_command_waits() {
    let mut trial = Trial::start().await;
    let bytes = borsh::to_vec(&constraint("uss1", 1, 0)).expect("small");
    trial.bind("uss1", 1).await;

    // As if it had been let in before the binding was applied.
    let party = Party::new("uss1").expect("a name");
    let form = (Family::AIRSPACE, AIRSPACE_VERSION);
    let queued = trial.replica.put_checked(&party, form, bytes, ()).await;

    assert_eq!(queued.expect_err("it has no effect"), SubmitError::PartyBound);
    assert_eq!(count(&trial.replica), 0);
}

#[tokio::test]
async fn goes_on_after_what_is_no_command_and_what_no_hub_may_decide() {
    let mut trial = Trial::start().await;
    let hash = |trial: &Trial| trial.replica.read(|state, _| state.frozen()).hash();
    let before = hash(&trial);
    let malformed = Entry { command: vec![99], ..entry(1, 0, &constraint("uss1", 1, 0)) };
    let settings = Request::PutSettings(airspace::Settings { f3548_retention_s: 1 });
    let settings = Command { party: own_party(), retry: None, request: settings };
    let declared = borsh::to_vec(&Declaration::Restored).expect("small");
    let restored = Entry {
        family: Family::HUB,
        version: HUB_VERSION,
        command: declared,
        ..entry(1, 0, &settings)
    };

    trial.put(1, 0, None, &[malformed, entry(1, 0, &settings), restored]).await;
    let own = trial.replica.submit(settings, ()).await;

    assert_eq!(own, Err(SubmitError::OneHubOnly));
    assert_eq!(hash(&trial), before);
    assert_eq!(trial.replica.restored(), None);
    assert_eq!(trial.replica.failure(), None);
}

#[tokio::test]
async fn goes_by_a_clock_that_one_hub_cannot_move() {
    let mut trial = Trial::start().await;
    for hub in 0..3 {
        trial.beat(hub, 0).await;
    }
    submit(&trial.replica, "uss1", 1).await.expect("decided").expect("accepted");

    let years = 10 * 365 * 24 * 3_600;
    trial.put(2, years, None, &[entry(2, years, &constraint("uss3", 3, years))]).await;
    let after = submit(&trial.replica, "uss1", 2).await;

    assert!(after.expect("decided").is_ok());
    assert_eq!(count(&trial.replica), 3);
    assert!(trial.replica.progress().clock < at(1));
    assert_eq!(trial.replica.check_clock(), Ok(at(0)));
}

#[tokio::test]
async fn takes_no_changes_while_its_clock_is_apart_from_the_pools() {
    let mut trial = Trial::start().await;
    for hub in 0..3 {
        trial.beat(hub, 0).await;
    }

    trial.clock.advance(pool::STAMP_APART_MAX);
    assert_eq!(trial.replica.check_clock(), Ok(trial.clock.now()));
    trial.clock.advance(Duration::from_secs(3_600));
    // So long after the last batches the pool's clock stands and says nothing of this hub's.
    assert!(trial.replica.clock_stands());
    assert!(trial.replica.check_clock().is_ok());
    for hub in 1..3 {
        trial.beat(hub, 1).await;
    }
    trial.settled().await;

    assert!(!trial.replica.clock_stands());
    assert_eq!(submit(&trial.replica, "uss1", 1).await, Err(SubmitError::ClockApart));
    // Reads go by the pool's clock then.
    assert!(trial.replica.read(|_, now| now) < at(2));
}

#[tokio::test]
async fn holds_stamps_against_who_makes_them_and_not_against_who_was_without_etcd() {
    let mut trial = Trial::start().await;
    for hub in 0..3 {
        trial.beat(hub, 0).await;
    }
    trial.clock.advance(Duration::from_secs(222));

    // What was on its way for as long as that comes first, and then what is of now.
    for stamp in [0, 222, 224] {
        for hub in 0..3 {
            trial.beat(hub, stamp).await;
        }
    }
    trial.settled().await;
    assert_eq!(trial.engine.evidence(), []);

    trial.beat(1, 3_600).await;
    trial.settled().await;
    let evidence = trial.engine.evidence();
    let [Evidence { hub, kind: Kind::StampApart { .. }, .. }] = &evidence[..] else {
        panic!("{evidence:?}");
    };
    assert_eq!(*hub, Some(hub_id(1)));
}

#[tokio::test]
async fn announces_how_far_it_is_and_its_state() {
    let mut trial = Trial::start().await;

    let state = trial.fill().await;

    let announced = *trial.engine.announced.lock().expect("nobody panics here");
    assert_eq!(announced.0.position, STATE_HASH_ENTRIES);
    assert_eq!(announced.1, Some(state));
    assert_eq!(state.position, STATE_HASH_ENTRIES);
    assert_eq!(state.hash, state_hash(&trial.replica));
}

#[tokio::test]
async fn ends_when_most_hubs_differ_also_after_it_replayed_its_copy() {
    let mut trial = Trial::start().await;
    let StateHash { position, mut hash } = trial.fill().await;
    hash[0] ^= 1;
    let other = StateHash { position, hash };

    trial.put(1, 0, Some(other), &[]).await;
    trial.settled().await;
    assert_eq!(trial.replica.standing(), Some(Standing::Undecided));
    assert_eq!(submit(&trial.replica, "uss1", 1).await, Err(SubmitError::HubsDiffer));
    trial.put(2, 0, Some(other), &[]).await;

    let failure = trial.replica.failed().await;
    assert!(failure.contains("most hubs of the pool differ"), "{failure}");
}

#[tokio::test]
async fn goes_on_when_the_others_agree_that_one_differs() {
    let mut trial = Trial::start().await;
    let state = trial.fill().await;
    let mut other = state;
    other.hash[0] ^= 1;

    trial.put(1, 0, Some(other), &[]).await;
    trial.put(2, 0, Some(state), &[]).await;
    trial.settled().await;

    assert_eq!(trial.replica.standing(), Some(Standing::Majority));
    assert!(matches!(trial.replica.neighbor(&hub_id(1)).state, pool::View::Differs { .. }));
    assert!(submit(&trial.replica, "uss1", 1).await.expect("decided").is_ok());
}

#[tokio::test]
async fn heals_a_bit_that_flipped_in_memory() {
    let mut trial = Trial::start().await;
    submit(&trial.replica, "uss1", 1).await.expect("decided").expect("accepted");
    let flip = constraint("nobody", 9, 0);
    {
        let mut states = trial.replica.0.states.write().expect("nobody panicked");
        let applied = states.airspace.apply(2, at(0), &flip);
        assert!(matches!(applied, airspace::Decision::Decided { outcome: Ok(_), .. }));
    }
    let flipped = trial.fill().await;
    let head = trial.replica.progress().head;
    let (mut good, _) = replay::replay(&trial.engine.log, head).expect("the copy is good");
    let state = StateHash { position: flipped.position, hash: good.hash() };
    assert_ne!(state, flipped);

    trial.put(1, 0, Some(state), &[]).await;
    trial.put(2, 0, Some(state), &[]).await;
    trial.settled().await;
    eventually(|| trial.replica.standing() == Some(Standing::Majority)).await;

    assert_eq!(count(&trial.replica), 1);
    assert_eq!(trial.replica.failure(), None);
    assert!(submit(&trial.replica, "uss1", 2).await.expect("decided").is_ok());
}

#[tokio::test]
async fn notices_another_log_from_what_a_hub_says_directly() {
    let trial = Trial::start().await;
    let (mut applied, state) = trial.replica.own_head();
    applied.chain[0] ^= 1;
    let forked = pool::Announced { applied, state, placed: None };

    assert_eq!(trial.replica.hear(&hub_id(1), &forked), Standing::Undecided);
    assert_eq!(submit(&trial.replica, "uss1", 1).await, Err(SubmitError::HubsDiffer));
}

#[tokio::test]
async fn reads_nothing_while_most_others_are_where_it_is_not_shown_the_way() {
    let mut trial = Trial::start().await;
    let (mut applied, state) = trial.replica.own_head();
    applied.position += 1;
    let ahead = pool::Announced { applied, state, placed: None };

    trial.replica.hear(&hub_id(1), &ahead);
    trial.clock.advance(SILENCE_MAX + Duration::from_secs(1));
    trial.replica.hear(&hub_id(1), &ahead);
    assert_eq!(trial.replica.barrier().await, Ok(()), "one alone could claim it");
    trial.replica.hear(&hub_id(2), &ahead);
    assert_eq!(trial.replica.barrier().await, Ok(()), "it may be on its way");
    trial.clock.advance(SILENCE_MAX + Duration::from_secs(1));
    assert_eq!(trial.replica.barrier().await, Err(ReadError::CutOff));
    trial.beat(0, 0).await;
    trial.settled().await;

    assert_eq!(trial.replica.barrier().await, Ok(()));
}

#[tokio::test]
async fn starts_from_a_snapshot_with_the_pool_in_it() {
    let mut trial = Trial::start().await;
    trial.bind("uss1", 1).await;
    submit(&trial.replica, "uss2", 1).await.expect("decided").expect("accepted");
    let (frozen, head) = (trial.replica.0.states().frozen(), trial.replica.progress().head);
    let hash = frozen.hash();
    let snapshots = trial.engine.log.snapshots();
    snapshots.write(head, hash, |to| frozen.write(to)).expect("it is written");

    let start = Start::load(&trial.engine.log).expect("it is read");

    assert_eq!(start.head(), head);
    assert_eq!(Some(start.pool()), Some(&trial.replica.0.states().pool));
    assert!(start.pool().pool().is_some());
}

#[tokio::test]
async fn reads_only_what_is_known_to_be_present() {
    let trial = Trial::start().await;
    assert_eq!(trial.replica.barrier().await, Ok(()));
    assert_eq!(trial.replica.local_age(), None);
    drop(trial);

    let trial = Trial::start_with(Consistency::Linearizable, false).await;
    tokio::time::pause();
    assert_eq!(trial.replica.barrier().await, Err(ReadError::Unanswered));
}

#[tokio::test]
async fn says_how_old_what_it_reads_may_be_where_it_does_not_ask() {
    let mut trial = Trial::start_with(Consistency::Local, false).await;
    trial.beat(1, 0).await;

    trial.clock.advance(Duration::from_secs(3));

    assert_eq!(trial.replica.barrier().await, Ok(()));
    assert_eq!(trial.replica.local_age(), Some(Duration::from_secs(3)));
}
