//! Lists that are written from borrowed views, one element at a time.

use std::marker::PhantomData;

use serde::{Serialize, Serializer};

/// A list of views that is written as a list of messages `M`, without holding them.
#[derive(Debug)]
pub struct Mapped<'a, V, M> {
    views: &'a [V],
    message: PhantomData<fn() -> M>,
}

impl<'a, V, M> Mapped<'a, V, M> {
    /// Returns the list of the messages made from `views`.
    pub fn new(views: &'a [V]) -> Self {
        Mapped { views, message: PhantomData }
    }

    /// Tells whether the list has no elements.
    pub fn is_empty(&self) -> bool {
        self.views.is_empty()
    }
}

impl<'a, V, M: From<&'a V> + Serialize> Serialize for Mapped<'a, V, M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.views.iter().map(M::from))
    }
}
