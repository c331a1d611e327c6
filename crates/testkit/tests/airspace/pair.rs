//! The rules and the model, side by side.

use airspace::{Command, Decision, Footprint, Party, Search, State, Times};
use proptest::prop_assert_eq;
use proptest::test_runner::TestCaseError;
use spacetime::Timestamp;
use testkit::commands::{
    Resolver, Step, entity_ids, parties, remote_id_subscription_ids, subscription_ids,
};
use testkit::model::Model;

/// Both, having applied the same entries.
#[derive(Default)]
pub(crate) struct Pair {
    pub(crate) state: State,
    pub(crate) model: Model,
    resolver: Resolver,
    position: u64,
}

impl Pair {
    /// Applies what `step` means to both and compares their decisions.
    pub(crate) fn apply(&mut self, step: &Step) -> Result<Decision, TestCaseError> {
        let (stamp, command) = self.resolver.resolve(&self.model, step);
        self.apply_command(stamp, &command)
    }

    /// As [`Pair::apply`], with a clock that is not the proposer's, but so much after it.
    pub(crate) fn apply_apart(
        &mut self,
        step: &Step,
        micros: i64,
    ) -> Result<Decision, TestCaseError> {
        let (stamp, command) = self.resolver.resolve(&self.model, step);
        let clock = Timestamp::from_micros(stamp.as_micros() + micros).expect("far from the edges");
        self.apply_command(Times { clock, stamp }, &command)
    }

    /// Applies a command to both and compares their decisions.
    pub(crate) fn apply_command(
        &mut self,
        times: impl Into<Times>,
        command: &Command,
    ) -> Result<Decision, TestCaseError> {
        self.position += 1;
        let times = times.into();

        let by_model = self.model.apply(self.position, times, command);
        let by_state = self.state.apply(self.position, times, command);

        prop_assert_eq!(
            self.state.clock(),
            self.model.clock,
            "the clock at {} after {:#?}",
            self.position,
            command
        );
        prop_assert_eq!(
            &by_state,
            &by_model,
            "the decision (rules, model) at {}, {:?}, of {:#?}",
            self.position,
            self.model.clock,
            command
        );
        Ok(by_state)
    }

    /// Compares what both show at a step's look.
    pub(crate) fn look(&self, step: &Step) -> Result<(), TestCaseError> {
        let (now, reader, search) = self.resolver.look(&self.model, step.look);
        self.compare_searches(now, &reader, &search)?;
        self.compare_finds(now, &reader)
    }

    /// Compares what both show at a step's look, with every combination of bounds.
    pub(crate) fn look_everywhere(&self, step: &Step) -> Result<(), TestCaseError> {
        for given in 0..16 {
            for reader in 0..u8::try_from(parties().len()).expect("they are few") {
                let look = testkit::commands::Look { given, reader, ..step.look };
                let (now, reader, search) = self.resolver.look(&self.model, look);
                self.compare_searches(now, &reader, &search)?;
                self.compare_finds(now, &reader)?;
            }
        }
        Ok(())
    }

    /// Lets the state check its indexes and hashes against its tables.
    pub(crate) fn check_state(&mut self) -> Result<(), TestCaseError> {
        self.state.hash();
        self.state.check().map_err(TestCaseError::fail)
    }

    fn compare_searches(
        &self,
        now: Timestamp,
        reader: &Party,
        search: &Search,
    ) -> Result<(), TestCaseError> {
        let (state, model) = (&self.state, self.model.as_of(now));
        let context = format!("(rules, model) for {reader} at {now:?} of {search:?}");
        prop_assert_eq!(
            state.search_operational_intents(now, reader, search).ok(),
            model.search_operational_intents(reader, search).ok(),
            "operational intents {}",
            &context
        );
        prop_assert_eq!(
            state.search_constraints(now, reader, search).ok(),
            model.search_constraints(reader, search).ok(),
            "constraints {}",
            &context
        );
        prop_assert_eq!(
            state.search_subscriptions(now, reader, search).ok(),
            model.search_subscriptions(now, reader, search).ok(),
            "subscriptions {}",
            &context
        );
        let cells = search.cells.clone();
        let (starts_at, ends_at) = (search.starts_at, search.ends_at);
        let footprint = Footprint { starts_at, ends_at, cells };
        prop_assert_eq!(
            state.search_identification_service_areas(now, &footprint).ok(),
            model.search_identification_service_areas(now, &footprint).ok(),
            "identification service areas {}",
            &context
        );
        prop_assert_eq!(
            state.search_remote_id_subscriptions(now, reader, &search.cells).ok(),
            model.search_remote_id_subscriptions(now, reader, &search.cells).ok(),
            "subscriptions of F3411 {}",
            &context
        );
        Ok(())
    }

    fn compare_finds(&self, now: Timestamp, reader: &Party) -> Result<(), TestCaseError> {
        let (state, model) = (&self.state, self.model.as_of(now));
        let context = format!("(rules, model) for {reader} at {now:?} after {:?}", model.clock);
        for id in entity_ids() {
            prop_assert_eq!(
                state.find_operational_intent(now, reader, id),
                model.find_operational_intent(reader, id),
                "operational intent {}",
                &context
            );
            prop_assert_eq!(
                state.find_constraint(now, reader, id),
                model.find_constraint(reader, id),
                "constraint {}",
                &context
            );
            prop_assert_eq!(
                state.find_identification_service_area(now, id),
                model.find_identification_service_area(id),
                "identification service area {}",
                &context
            );
        }
        for id in subscription_ids(&self.model) {
            prop_assert_eq!(
                state.find_subscription(now, id),
                model.find_subscription(id),
                "subscription {}",
                &context
            );
        }
        for id in remote_id_subscription_ids() {
            prop_assert_eq!(
                state.find_remote_id_subscription(now, id),
                model.find_remote_id_subscription(id),
                "subscription of F3411 {}",
                &context
            );
        }
        for uss in parties() {
            prop_assert_eq!(state.find_uss_availability(&uss), model.find_uss_availability(&uss));
        }
        prop_assert_eq!(state.settings(), model.settings);
        prop_assert_eq!(state.f3411_settings(), model.f3411_settings);
        Ok(())
    }
}
