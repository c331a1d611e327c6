//! The one place where the hub draws random bytes.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

/// A source of random bytes: the system's, or for tests and simulations one that a seed decides.
#[derive(Clone)]
pub struct Entropy(Source);

#[derive(Clone)]
enum Source {
    System,
    Seeded(Arc<Seeded>),
}

struct Seeded {
    seed: u64,
    drawn: AtomicU64,
}

impl Entropy {
    /// Returns the system's source.
    pub fn system() -> Self {
        Entropy(Source::System)
    }

    /// Returns a source that draws the same bytes for the same seed; it keeps no secrets.
    pub fn seeded(seed: u64) -> Self {
        Entropy(Source::Seeded(Arc::new(Seeded { seed, drawn: AtomicU64::new(0) })))
    }

    /// Draws 128 bits.
    pub fn bytes(&self) -> [u8; 16] {
        match &self.0 {
            Source::System => system_bytes(),
            Source::Seeded(seeded) => seeded.bytes(),
        }
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(..)")
    }
}

impl Seeded {
    fn bytes(&self) -> [u8; 16] {
        let number = self.drawn.fetch_add(1, Ordering::Relaxed);
        let digest = Sha256::new()
            .chain_update(self.seed.to_le_bytes())
            .chain_update(number.to_le_bytes())
            .finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        bytes
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that draws random bytes")]
fn system_bytes() -> [u8; 16] {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system's generator gives as many bytes as asked");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_draws_the_same_bytes_twice() {
        for entropy in [Entropy::system(), Entropy::seeded(7)] {
            assert_ne!(entropy.bytes(), entropy.bytes());
        }
    }

    #[test]
    fn draws_the_same_bytes_for_the_same_seed() {
        let (one, other) = (Entropy::seeded(7), Entropy::seeded(7));

        assert_eq!(one.bytes(), other.bytes());
        assert_eq!(one.bytes(), other.bytes());
        assert_ne!(one.bytes(), Entropy::seeded(8).bytes());
    }
}
