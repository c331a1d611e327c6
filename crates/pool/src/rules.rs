//! Which version of each family's rules the pool runs, and which a hub can run.

use std::io;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::canonical::{invalid, is_ascending};

/// How many families there may be at once.
pub const FAMILIES_MAX: usize = 16;

/// A version of the rules of one family of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Rule {
    /// The family, as entries of the log name it.
    pub family: u8,
    /// The version, from 1.
    pub version: u16,
}

/// One version each of some families, ascending by family.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize)]
pub struct Rules(Vec<Rule>);

/// A list is not one version each of at most [`FAMILIES_MAX`] families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// There are too many families.
    #[error("there are more than {FAMILIES_MAX} families")]
    TooMany,
    /// A family is there twice, or in a list that must be in order it is not.
    #[error("a family is named twice or not in ascending order")]
    Order,
    /// Versions begin at 1.
    #[error("a version is 0")]
    Zero,
}

impl Rules {
    /// Returns the rules, in order, checked.
    pub fn new(mut rules: Vec<Rule>) -> Result<Self, RulesError> {
        rules.sort_unstable();
        let rules = Rules(rules);
        rules.check()?;
        Ok(rules)
    }

    /// Returns the version of a family, 0 if it has none.
    pub fn version(&self, family: u8) -> u16 {
        self.0.iter().find(|rule| rule.family == family).map_or(0, |rule| rule.version)
    }

    /// Returns all, ascending by family.
    pub fn as_slice(&self) -> &[Rule] {
        &self.0
    }

    /// Returns the first rule here that `known` is too old for, by family.
    ///
    /// What the pool runs and a hub does not know is where that hub must stop applying.
    pub fn beyond(&self, known: &Rules) -> Option<Rule> {
        self.0.iter().copied().find(|rule| known.version(rule.family) < rule.version)
    }

    /// Returns these with another version of one family, if there is room for it.
    pub(crate) fn with(&self, rule: Rule) -> Result<Self, RulesError> {
        let others = self.0.iter().copied().filter(|other| other.family != rule.family);
        Self::new(others.chain([rule]).collect())
    }

    fn check(&self) -> Result<(), RulesError> {
        if FAMILIES_MAX < self.0.len() {
            return Err(RulesError::TooMany);
        }
        if !is_ascending(&self.0, |rule| &rule.family) {
            return Err(RulesError::Order);
        }
        if self.0.iter().any(|rule| rule.version == 0) {
            return Err(RulesError::Zero);
        }
        Ok(())
    }
}

impl BorshDeserialize for Rules {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let rules = Rules(Vec::deserialize_reader(reader)?);
        rules.check().map_err(invalid)?;
        Ok(rules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::to_bytes;

    fn rule(family: u8, version: u16) -> Rule {
        Rule { family, version }
    }

    #[test]
    fn takes_as_many_families_as_there_may_be_and_no_more() {
        let most: Vec<_> = (0..16).map(|family| rule(family, 1)).collect();

        assert!(Rules::new(most.clone()).is_ok());
        let more = most.into_iter().chain([rule(16, 1)]).collect();
        assert_eq!(Rules::new(more), Err(RulesError::TooMany));
    }

    #[test]
    fn has_one_form() {
        let rules = Rules::new(vec![rule(2, 1), rule(1, 3)]).expect("valid");

        assert_eq!(rules.as_slice(), [rule(1, 3), rule(2, 1)]);
        assert_eq!(Rules::try_from_slice(&to_bytes(&rules)).expect("its own form"), rules);
        for wrong in [vec![rule(2, 1), rule(1, 3)], vec![rule(1, 0)]] {
            assert!(Rules::try_from_slice(&to_bytes(&wrong)).is_err(), "{wrong:?}");
        }
        assert_eq!(Rules::new(vec![rule(1, 1), rule(1, 2)]), Err(RulesError::Order));
    }

    #[test]
    fn finds_what_a_hub_is_too_old_for() {
        let pool = Rules::new(vec![rule(1, 3), rule(2, 1)]).expect("valid");

        let older = Rules::new(vec![rule(1, 2), rule(2, 1)]).expect("valid");
        assert_eq!(pool.beyond(&older), Some(rule(1, 3)));
        assert_eq!(pool.beyond(&Rules::default()), Some(rule(1, 3)));
        assert_eq!(pool.beyond(&pool), None);
    }
}
