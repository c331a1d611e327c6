use super::*;
use crate::trial::hub_id;

/// A log that has reached a position, whose chain at each is made of its number and a kind.
#[derive(Clone, Copy)]
struct Own {
    reached: u64,
    /// Below it nothing is kept.
    kept: u64,
}

fn hash(kind: u8, position: u64) -> Hash {
    let mut hash = [kind; 32];
    hash[..8].copy_from_slice(&position.to_le_bytes());
    hash
}

impl OwnLog for Own {
    fn chain_at(&self, position: u64) -> Mine {
        if self.reached < position {
            return Mine::NotYet;
        }
        if position < self.kept { Mine::Unknown } else { Mine::Hash(hash(1, position)) }
    }

    fn state_at(&self, position: u64) -> Mine {
        self.chain_at(position)
    }
}

const OWN: Own = Own { reached: 1000, kept: 10 };
const RIGHT: u8 = 1;
const WRONG: u8 = 2;

fn log(position: u64, kind: u8) -> Announced {
    let applied = AppliedHead { position, chain: hash(kind, position) };
    Announced { applied, state: None, placed: None }
}

fn state(position: u64, kind: u8) -> Announced {
    let state = Some(StateHash { position, hash: hash(kind, position) });
    Announced { state, ..log(0, RIGHT) }
}

/// Hears what hubs say, in order, and tells where hub 0 of so many stands.
fn standing(hubs: u16, said: &[(u16, Announced)]) -> Standing {
    let mut comparison = Comparison::default();
    for (hub, announced) in said {
        comparison.hear(&hub_id(*hub), announced, &OWN);
    }
    stands(&mut comparison, hubs)
}

fn stands(comparison: &mut Comparison, hubs: u16) -> Standing {
    let admitted: Vec<_> = (0..hubs).map(hub_id).collect();
    comparison.standing(&hub_id(0), admitted.iter())
}

#[test]
fn goes_on_where_nobody_differs() {
    assert_eq!(standing(1, &[]), Standing::Majority);
    assert_eq!(standing(5, &[]), Standing::Majority);
    assert_eq!(standing(5, &[(1, log(100, RIGHT)), (2, log(90, RIGHT))]), Standing::Majority);
}

#[test]
fn goes_on_with_the_majority_when_one_of_three_differs() {
    let said = [(1, log(100, WRONG)), (2, log(100, RIGHT))];

    assert_eq!(standing(3, &said), Standing::Majority);
    assert!(Standing::Majority.accepts_writes());
}

#[test]
fn stops_as_the_one_of_three_that_differs() {
    let said = [(1, log(100, WRONG)), (2, log(110, WRONG))];

    assert_eq!(standing(3, &said), Standing::Minority);
    assert!(!Standing::Minority.accepts_writes());
}

#[test]
fn accepts_nothing_where_two_halves_differ() {
    assert_eq!(standing(2, &[(1, log(100, WRONG))]), Standing::NoMajority);
    let halves = [(1, log(100, RIGHT)), (2, log(100, WRONG)), (3, log(100, WRONG))];
    assert_eq!(standing(4, &halves), Standing::NoMajority);
    assert!(!Standing::NoMajority.accepts_writes());
}

#[test]
fn waits_for_hubs_whose_word_decides() {
    let said = [(1, log(100, WRONG))];
    assert_eq!(standing(3, &said), Standing::Undecided);
    assert!(!Standing::Undecided.accepts_writes());
    let said = [(1, log(100, WRONG)), (2, log(100, WRONG)), (3, log(100, RIGHT))];
    assert_eq!(standing(5, &said), Standing::Undecided);
}

#[test]
fn does_not_count_a_hub_that_fell_silent_before_the_difference() {
    // Hubs 0 and 1 have two histories since position 100; hub 2 died before. Neither may count it.
    let said = [(2, log(99, RIGHT)), (1, log(100, WRONG))];
    assert_eq!(standing(3, &said), Standing::Undecided);

    let said = [(2, log(99, RIGHT)), (1, log(100, WRONG)), (2, log(100, RIGHT))];
    assert_eq!(standing(3, &said), Standing::Majority);
}

#[test]
fn counts_who_agrees_since_the_last_began_to_differ() {
    let said =
        [(1, log(100, WRONG)), (2, log(200, WRONG)), (3, log(150, RIGHT)), (4, log(150, RIGHT))];
    assert_eq!(standing(5, &said), Standing::Undecided);

    let later = [(3, log(200, RIGHT)), (4, log(200, RIGHT))];
    assert_eq!(standing(5, &[&said[..], &later[..]].concat()), Standing::Majority);
}

#[test]
fn does_not_wait_again_for_each_lie_of_a_hub_that_lies_on() {
    let mut comparison = Comparison::default();
    comparison.hear(&hub_id(1), &log(100, WRONG), &OWN);
    comparison.hear(&hub_id(2), &log(101, RIGHT), &OWN);
    for position in 110..150 {
        let kind = if position % 3 == 0 { RIGHT } else { WRONG };
        comparison.hear(&hub_id(1), &log(position, kind), &OWN);

        assert_eq!(stands(&mut comparison, 3), Standing::Majority, "{position}");
    }
}

#[test]
fn forgets_since_when_a_hub_differed_once_it_agreed_often_enough() {
    let mut comparison = Comparison::default();
    comparison.hear(&hub_id(1), &log(100, WRONG), &OWN);
    comparison.hear(&hub_id(2), &log(101, RIGHT), &OWN);
    let agree = |comparison: &mut Comparison, times: u32| {
        for _ in 0..times {
            comparison.hear(&hub_id(1), &log(200, RIGHT), &OWN);
        }
    };

    agree(&mut comparison, AGREEMENTS_TO_FORGET - 1);
    comparison.hear(&hub_id(1), &log(200, WRONG), &OWN);
    agree(&mut comparison, AGREEMENTS_TO_FORGET - 1);
    let mut almost = comparison.clone();
    almost.hear(&hub_id(1), &log(300, WRONG), &OWN);
    assert_eq!(stands(&mut almost, 3), Standing::Majority);
    agree(&mut comparison, 1);
    comparison.hear(&hub_id(1), &log(300, WRONG), &OWN);
    assert_eq!(stands(&mut comparison, 3), Standing::Undecided);
}

#[test]
fn counts_a_hub_whose_flipped_bit_has_healed() {
    let mut comparison = Comparison::default();
    comparison.hear(&hub_id(1), &state(100, WRONG), &OWN);
    assert_eq!(stands(&mut comparison, 2), Standing::NoMajority);

    // What it said before it differed does not heal it.
    comparison.hear(&hub_id(1), &state(50, RIGHT), &OWN);
    assert_eq!(stands(&mut comparison, 2), Standing::NoMajority);
    comparison.hear(&hub_id(1), &state(200, RIGHT), &OWN);
    assert_eq!(stands(&mut comparison, 2), Standing::Majority);
}

#[test]
fn compares_states_where_logs_agree() {
    let said = [(1, state(100, WRONG)), (2, state(100, WRONG))];

    assert_eq!(standing(3, &said), Standing::Minority);
    let mut comparison = Comparison::default();
    comparison.hear(&hub_id(1), &state(100, WRONG), &OWN);
    let (theirs, ours) = (hash(WRONG, 100), Some(hash(RIGHT, 100)));
    let differs = View::Differs { position: 100, theirs, ours };
    assert_eq!(comparison.view(&hub_id(1), Subject::State), differs);
    assert_eq!(comparison.view(&hub_id(2), Subject::State), View::Unheard);
}

#[test]
fn compares_what_lies_ahead_when_it_is_reached() {
    let mut comparison = Comparison::default();
    comparison.hear(&hub_id(1), &log(u64::MAX, WRONG), &OWN);
    comparison.hear(&hub_id(1), &log(1200, WRONG), &OWN);
    comparison.hear(&hub_id(1), &log(1300, RIGHT), &OWN);
    comparison.hear(&hub_id(1), &state(1100, WRONG), &OWN);
    comparison.catch_up(&OWN);
    assert_eq!(comparison.view(&hub_id(1), Subject::State), View::Unheard);

    comparison.catch_up(&Own { reached: 1200, ..OWN });

    for (subject, at) in [(Subject::Log, 1200), (Subject::State, 1100)] {
        let view = comparison.view(&hub_id(1), subject);
        assert!(matches!(view, View::Differs { position, .. } if position == at), "{view:?}");
    }
}

#[test]
fn says_that_a_hub_differs_that_had_applied_what_came_after_its_batch() {
    let mut comparison = Comparison::default();
    let announced = Announced { placed: Some(500), ..log(500, RIGHT) };
    comparison.hear(&hub_id(1), &announced, &OWN);

    let view = comparison.view(&hub_id(1), Subject::Log);
    assert_eq!(view, View::Differs { position: 500, theirs: hash(RIGHT, 500), ours: None });
    let announced = Announced { placed: Some(500), ..state(600, RIGHT) };
    comparison.hear(&hub_id(2), &announced, &OWN);
    assert!(matches!(comparison.view(&hub_id(2), Subject::State), View::Differs { .. }));
    let announced = Announced { placed: Some(501), ..log(500, RIGHT) };
    comparison.hear(&hub_id(3), &announced, &OWN);
    assert_eq!(comparison.view(&hub_id(3), Subject::Log), View::Agrees { position: 500 });
}

/// Found by the simulation: one hub that claimed a position far ahead stopped all writes, since
/// nobody ever agreed there.
#[test]
fn goes_on_with_the_majority_when_one_claims_what_is_far_ahead() {
    for claims in [log(1_000_000, WRONG), state(1_000_000, WRONG)] {
        let mut comparison = Comparison::default();
        comparison.hear(&hub_id(2), &Announced { placed: Some(500), ..claims }, &OWN);
        comparison.hear(&hub_id(1), &log(500, RIGHT), &OWN);
        comparison.hear(&hub_id(1), &state(256, RIGHT), &OWN);

        assert_eq!(stands(&mut comparison, 3), Standing::Majority);

        comparison.hear(&hub_id(2), &log(501, RIGHT), &OWN);
        comparison.hear(&hub_id(2), &state(512, RIGHT), &OWN);
        for subject in [Subject::Log, Subject::State] {
            let view = comparison.view(&hub_id(2), subject);
            assert!(matches!(view, View::Agrees { .. }), "{subject:?}: {view:?}");
        }
    }
}

#[test]
fn says_nothing_about_what_it_no_longer_has() {
    let mut comparison = Comparison::default();

    comparison.hear(&hub_id(1), &log(9, WRONG), &OWN);

    assert_eq!(comparison.view(&hub_id(1), Subject::Log), View::Unheard);
}

#[test]
fn counts_neither_oneself_nor_who_is_not_admitted() {
    let wrong = [(0, log(100, WRONG)), (7, log(100, WRONG)), (8, log(100, WRONG))];
    assert_eq!(standing(3, &wrong), Standing::Majority);
    let right = [(1, log(99, WRONG)), (7, log(100, RIGHT)), (8, log(100, RIGHT))];
    assert_eq!(standing(3, &right), Standing::Undecided);
}

#[test]
fn waits_for_a_majority_after_its_own_copy_was_in_doubt() {
    let mut comparison = Comparison::default();
    comparison.hear(&hub_id(1), &state(100, WRONG), &OWN);
    comparison.hear(&hub_id(2), &state(100, WRONG), &OWN);
    assert_eq!(stands(&mut comparison, 3), Standing::Minority);

    comparison.begin_anew();

    assert_eq!(stands(&mut comparison, 3), Standing::Undecided);
    comparison.hear(&hub_id(1), &state(99, RIGHT), &OWN);
    assert_eq!(stands(&mut comparison, 3), Standing::Undecided);
    comparison.hear(&hub_id(1), &state(100, RIGHT), &OWN);
    assert_eq!(stands(&mut comparison, 3), Standing::Majority);
    // From then on silence is no sign of anything.
    comparison.begin_anew();
    assert_eq!(stands(&mut comparison, 3), Standing::Majority);
}

#[test]
fn stops_when_its_copy_is_as_wrong_as_before() {
    let mut comparison = Comparison::default();
    for _ in 0..2 {
        comparison.hear(&hub_id(1), &log(100, WRONG), &OWN);
        comparison.hear(&hub_id(2), &log(100, WRONG), &OWN);
        assert_eq!(stands(&mut comparison, 3), Standing::Minority);
        comparison.begin_anew();
    }
    assert_eq!(stands(&mut comparison, 3), Standing::Undecided);
}

#[test]
fn never_lets_two_sides_of_a_split_both_go_on() {
    // Up to seven hubs; each is on the left or the right side since position 100, and has last
    // said something before or after it. Of two hubs on different sides at most one goes on.
    for hubs in 2..=7_u16 {
        for sides in 0..1_u32 << hubs {
            for silent in 0..1_u32 << hubs {
                let side = |hub: u16| sides >> hub & 1;
                let is_silent = |hub: u16| silent >> hub & 1 == 1;
                let goes_on = |own: u16| {
                    let mut comparison = Comparison::default();
                    for hub in (0..hubs).filter(|hub| *hub != own) {
                        let kind = if side(hub) == side(own) { RIGHT } else { WRONG };
                        let position = if is_silent(hub) { 99 } else { 100 };
                        let kind = if is_silent(hub) { RIGHT } else { kind };
                        comparison.hear(&hub_id(hub), &log(position, kind), &OWN);
                    }
                    let admitted: Vec<_> = (0..hubs).map(hub_id).collect();
                    let standing = comparison.standing(&hub_id(own), admitted.iter());
                    standing == Standing::Majority
                };
                let up = |wanted| (0..hubs).find(|hub| side(*hub) == wanted && !is_silent(*hub));
                if let (Some(left), Some(right)) = (up(0), up(1)) {
                    assert!(
                        !(goes_on(left) && goes_on(right)),
                        "{hubs} hubs, sides {sides:b}, silent {silent:b}"
                    );
                }
            }
        }
    }
}
