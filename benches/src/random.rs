//! A seeded source of numbers: SplitMix64 (Steele, Lea and Flood, 2014).

/// The numbers of one stream, the same on every machine.
#[derive(Clone, Debug)]
pub struct Random(u64);

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

impl Random {
    /// The stream of one thing: `of(&[seed, run, place])` is another one for every place.
    #[must_use]
    pub fn of(path: &[u64]) -> Self {
        path.iter().fold(Self(0), |random, step| {
            let mut random = Self(random.0 ^ step);
            Self(random.draw())
        })
    }

    /// Any number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, and 0 where nothing is below it.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.draw()) * u128::from(end)) >> 64) as u64
    }

    /// True `parts` times in a thousand.
    pub fn per_mille(&mut self, parts: u64) -> bool {
        self.below(1_000) < parts
    }

    /// One of `choices`, which are not empty.
    pub fn pick<T: Copy>(&mut self, choices: &[T; 4]) -> T {
        let [first, second, third, fourth] = *choices;
        match self.below(4) {
            0 => first,
            1 => second,
            2 => third,
            _ => fourth,
        }
    }

    /// `digits` lower-case hex digits.
    pub fn hex(&mut self, digits: usize) -> String {
        let mut hex = String::with_capacity(digits + 16);
        while hex.len() < digits {
            hex.push_str(&format!("{:016x}", self.draw()));
        }
        hex.truncate(digits);
        hex
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn the_stream_is_the_published_one() {
        let mut random = Random(1_234_567);
        assert_eq!([random.draw(), random.draw()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn hex_has_the_digits_asked_for() {
        assert_eq!(Random(0).hex(64).len(), 64);
        assert_eq!(Random(0).hex(7).len(), 7);
    }
}
