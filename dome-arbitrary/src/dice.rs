//! Small choices taken from bytes: what generates compound values quickly and shrinks towards 0.

use proptest::prelude::*;

/// Bytes that choices are taken from, one after the other; choice 0 once they have run out.
///
/// ```
/// let mut dice = dome_arbitrary::Dice::new(vec![7, 1]);
/// assert_eq!((dice.roll(5), dice.pick(["a", "b"]), dice.roll(100)), (2, "b", 0));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Dice {
    bytes: Vec<u8>,
    next: usize,
}

impl Dice {
    /// Choices from these bytes.
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, next: 0 }
    }

    /// A number below `sides`; 0 when there is none.
    pub fn roll(&mut self, sides: usize) -> usize {
        let byte = self.bytes.get(self.next).copied().unwrap_or(0);
        self.next += 1;
        usize::from(byte).checked_rem(sides).unwrap_or(0)
    }

    /// True once in `in_how_many` times.
    pub fn rarely(&mut self, in_how_many: usize) -> bool {
        self.roll(in_how_many) + 1 == in_how_many
    }

    /// One of `choices`.
    pub fn pick<T: Default, const N: usize>(&mut self, choices: [T; N]) -> T {
        let chosen = self.roll(N);
        choices.into_iter().nth(chosen).unwrap_or_default()
    }

    /// Whether every byte has been used.
    #[must_use]
    pub const fn ran_out(&self) -> bool {
        self.next >= self.bytes.len()
    }
}

/// Dice of up to `most` bytes.
pub fn dice(most: usize) -> BoxedStrategy<Dice> {
    proptest::collection::vec(any::<u8>(), 0..=most).prop_map(Dice::new).boxed()
}
