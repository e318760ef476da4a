//! The same lines in other files: other order, other cuts, other line ends, with repeats (L-1).

use proptest::prelude::*;

use super::dice::{Dice, dice};

/// A file of a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaidOutFile {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A way to lay lines out in files.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    order: Dice,
    repeats: Dice,
    cuts: Dice,
}

/// Ways to lay lines out; the plainest is one file with every line once, in order.
pub fn layout() -> BoxedStrategy<Layout> {
    (dice(96), dice(96), dice(96)).prop_map(|(order, repeats, cuts)| Layout { order, repeats, cuts }).boxed()
}

impl Layout {
    /// Lays `lines` out: every line at least once, whatever the layout.
    #[must_use]
    pub fn files(mut self, lines: &[Vec<u8>]) -> Vec<LaidOutFile> {
        let mut placed: Vec<(usize, &[u8])> = Vec::new();
        for line in lines {
            for _ in 0..=usize::from(self.repeats.rarely(5)) {
                placed.push((self.order.roll(256), line));
            }
        }
        placed.sort_by_key(|(place, _)| *place);
        let mut files = vec![Self::file(0)];
        let last = placed.len().saturating_sub(1);
        for (index, (_, line)) in placed.into_iter().enumerate() {
            if index > 0 && self.cuts.rarely(6) {
                files.push(Self::file(files.len()));
            }
            let ends: [&[u8]; 2] = if index == last { [b"\n", b""] } else { [b"\n", b"\r\n"] };
            let end = self.cuts.pick(ends);
            if let Some(file) = files.last_mut() {
                file.bytes.extend_from_slice(line);
                file.bytes.extend_from_slice(end);
            }
        }
        files
    }

    /// Names that do not sort in the order of their numbers.
    fn file(number: usize) -> LaidOutFile {
        LaidOutFile {
            name: format!("{}-{number}.jsonl", if number.is_multiple_of(2) { "m" } else { "b" }),
            bytes: Vec::new(),
        }
    }
}
