//! Domain values that JSON writes as texts, for `#[serde(with = ...)]` and its kin.

use std::fmt;
use std::marker::PhantomData;

use airspace::{EntityId, IdError, Ovn, OvnSuffix, Party, SubscriptionId, TextError, UssBaseUrl};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serializer};

/// A domain value that is written as a text.
pub(crate) trait Text: Sized {
    /// Why a text is none.
    type Error: fmt::Display;

    /// Returns the value that `text` writes.
    fn read(text: &str) -> Result<Self, Self::Error>;

    /// Writes the value as a text.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

/// A value that must be given.
pub(crate) mod required {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Text, Wrapped};

    pub(crate) fn serialize<T: Text, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.write(serializer)
    }

    pub(crate) fn deserialize<'de, T: Text, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        Ok(Wrapped::deserialize(deserializer)?.0)
    }
}

/// A value that may be absent or null; use it with `default` and `skip_serializing_if`.
pub(crate) mod optional {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Text, Wrapped};

    pub(crate) fn serialize<T: Text, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => value.write(serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, T: Text, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        Ok(Option::<Wrapped<T>>::deserialize(deserializer)?.map(|wrapped| wrapped.0))
    }
}

/// A list of values; null is the empty list.
pub(crate) mod list {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Text, Wrapped, Written};

    pub(crate) fn serialize<T: Text, S: Serializer>(
        values: &[T],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(Written))
    }

    pub(crate) fn deserialize<'de, T: Text, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<T>, D::Error> {
        let wrapped = Option::<Vec<Wrapped<T>>>::deserialize(deserializer)?.unwrap_or_default();
        Ok(wrapped.into_iter().map(|wrapped| wrapped.0).collect())
    }
}

/// The OVN in a reference; `None` is written as the literal that stands for another party's.
pub(crate) mod ovn {
    use airspace::Ovn;
    use serde::{Deserializer, Serializer};

    use super::optional;
    use crate::f3548::AVAILABLE_FROM_USS;

    pub(crate) fn serialize<S: Serializer>(
        ovn: &Option<Ovn>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(ovn.as_ref().map_or(AVAILABLE_FROM_USS, Ovn::as_str))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Ovn>, D::Error> {
        let ovn: Option<Ovn> = optional::deserialize(deserializer)?;
        Ok(ovn.filter(|ovn| ovn.as_str() != AVAILABLE_FROM_USS))
    }
}

/// The subscription of a reference; `None` is written as the id that stands for none.
pub(crate) mod subscription {
    use airspace::SubscriptionId;
    use serde::{Deserializer, Serializer};

    use super::required;
    use crate::f3548::NO_SUBSCRIPTION;

    pub(crate) fn serialize<S: Serializer>(
        id: &Option<SubscriptionId>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match id {
            Some(id) => serializer.collect_str(id),
            None => serializer.serialize_str(NO_SUBSCRIPTION),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SubscriptionId>, D::Error> {
        let none = SubscriptionId::parse(NO_SUBSCRIPTION).expect("the constant is an id");
        let id: SubscriptionId = required::deserialize(deserializer)?;
        Ok(Some(id).filter(|id| *id != none))
    }
}

/// The OVNs that a client has seen: only those that can match, ascending, without repetition.
pub(crate) mod key {
    use std::fmt;

    use airspace::Ovn;
    use serde::de::{Error, SeqAccess, Visitor};
    use serde::{Deserialize, Deserializer};

    pub(crate) use super::list::serialize;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Ovn>, D::Error> {
        let key: Option<Key> = Option::deserialize(deserializer)?;
        Ok(key.map_or_else(Vec::new, |key| key.0))
    }

    struct Key(Vec<Ovn>);

    /// A text that can be no OVN matches nothing and is dropped.
    struct Candidate(Option<Ovn>);

    struct CandidateVisitor;

    impl Visitor<'_> for CandidateVisitor {
        type Value = Candidate;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Candidate, E> {
            Ok(Candidate(Ovn::new(text).ok()))
        }
    }

    impl<'de> Deserialize<'de> for Candidate {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_str(CandidateVisitor)
        }
    }

    struct KeyVisitor;

    impl<'de> Visitor<'de> for KeyVisitor {
        type Value = Key;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of texts")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Key, A::Error> {
            let mut ovns = Vec::new();
            while let Some(Candidate(ovn)) = sequence.next_element()? {
                ovns.extend(ovn);
            }
            ovns.sort_unstable();
            ovns.dedup();
            Ok(Key(ovns))
        }
    }

    impl<'de> Deserialize<'de> for Key {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_seq(KeyVisitor)
        }
    }
}

/// Reads null as the default, as deployed hubs do for what has one.
pub(crate) fn null_is_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

struct Wrapped<T>(T);

impl<'de, T: Text> Deserialize<'de> for Wrapped<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Wrapped(deserializer.deserialize_str(TextVisitor(PhantomData))?))
    }
}

struct Written<'a, T>(&'a T);

impl<T: Text> serde::Serialize for Written<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: Text> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::read(text).map_err(E::custom)
    }
}

macro_rules! displayed {
    ($name:ident, $read:path, $error:ty) => {
        impl Text for $name {
            type Error = $error;

            fn read(text: &str) -> Result<Self, $error> {
                $read(text)
            }

            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

displayed!(EntityId, EntityId::parse, IdError);
displayed!(SubscriptionId, SubscriptionId::parse, IdError);

macro_rules! borrowed {
    ($name:ident) => {
        impl Text for $name {
            type Error = TextError;

            fn read(text: &str) -> Result<Self, TextError> {
                $name::new(text)
            }

            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

borrowed!(Party);
borrowed!(UssBaseUrl);
borrowed!(Ovn);

impl Text for OvnSuffix {
    type Error = &'static str;

    fn read(text: &str) -> Result<Self, &'static str> {
        OvnSuffix::parse(text).ok_or("it is not a version 7 UUID")
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
