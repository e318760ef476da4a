//! Samples, damaged: the same seed gives the same damage.

/// xorshift64*: not random at all, which is what is wanted of it.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let rolled = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(rolled).unwrap_or_default() % below.max(1)
    }
}

/// What stands where it should not.
const PIECES: [&str; 36] = [
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\\",
    "null",
    "true",
    "-1",
    "1e309",
    "99999999999999999999",
    "\u{0}",
    "\n",
    "\r\n",
    "<",
    ">",
    "/>",
    "</testcase>",
    "<testcase>",
    "&amp;",
    "&lol;",
    "&#0;",
    "&#x10FFFF;",
    "<![CDATA[",
    "]]>",
    "<!--",
    "<!DOCTYPE a [<!ENTITY b \"c\">]>",
    "<?xml version=\"1.0\" encoding=\"UTF-16\"?>",
    "\u{feff}",
    "\u{e9}",
    "\u{1F600}",
    "NaN",
    "2026-13-01T00:00:00",
    "##[error]",
];

/// `sample` with one to eight damages; `other` lends pieces.
pub(crate) fn damaged(sample: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for _ in 0..=dice.roll(8) {
        damage(&mut bytes, other, dice);
    }
    bytes
}

fn damage(bytes: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    let place = dice.roll(bytes.len() + 1).min(bytes.len());
    let end = (place + dice.roll(1 + bytes.len() / 8)).min(bytes.len());
    match dice.roll(9) {
        0 => {
            bytes.drain(place..end);
        }
        1 => bytes.truncate(place),
        2 => {
            let piece = bytes[place..end].to_vec();
            bytes.splice(place..place, piece);
        }
        3 => {
            let from = dice.roll(other.len() + 1).min(other.len());
            let to = (from + dice.roll(400)).min(other.len());
            bytes.splice(place..end, other[from..to].iter().copied());
        }
        4 => {
            let piece = PIECES[dice.roll(PIECES.len())].repeat(1 + dice.roll(300));
            bytes.splice(place..place, piece.into_bytes());
        }
        5 => {
            if let Some(byte) = bytes.get_mut(place) {
                *byte = u8::try_from(dice.roll(256)).unwrap_or_default();
            }
        }
        6 => {
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= 1 << dice.roll(8);
            }
        }
        _ => {
            let piece = PIECES[dice.roll(PIECES.len())];
            bytes.splice(place..place, piece.bytes());
        }
    }
}
