//! Texts in other clothes: colour codes, UTF-16, percent signs, entities, hexadecimal digits.

use super::walk::TextView;

/// What a part of a text is read as.
pub(super) struct Rewriting {
    /// The bytes, each with where it begins in that part.
    pub(super) written: Vec<(u8, usize)>,
    /// How long that part is.
    pub(super) taken: usize,
}

impl Rewriting {
    pub(super) fn character(character: char, taken: usize) -> Self {
        let written = character.encode_utf8(&mut [0; 4]).bytes().map(|byte| (byte, 0)).collect();
        Self { written, taken }
    }

    const fn nothing(taken: usize) -> Self {
        Self { written: Vec::new(), taken }
    }
}

/// Whether a line may hide something that is found only once it is read in another way.
pub(super) fn may_hide(line: &[u8]) -> bool {
    let is_escape = |at: usize| matches!(line.get(at + 1), Some(b'u' | b'/' | b'x' | b'0' | b'e'));
    memchr::memchr_iter(b'\\', line).any(is_escape) || is_coloured(line) || is_wrapped(line)
}

/// Whether there are colour codes or zero bytes.
fn is_coloured(text: &[u8]) -> bool {
    let is_code = |at: usize| colour(text.get(at..).unwrap_or_default()).is_some();
    memchr::memchr2(ESC, 0, text).is_some()
        || memchr::memchr2_iter(b'[', b'^', text).any(is_code)
        || memchr::memchr_iter(b'\\', text).any(is_code)
}

/// Whether there is something that [`TextView::unwrapped`] decodes.
fn is_wrapped(text: &[u8]) -> bool {
    let is_entity = |at: usize| entity(text.get(at..).unwrap_or_default()).is_some();
    memchr::memchr3_iter(b'%', b'&', b'\\', text).any(is_entity) || has_hex(text)
}

const ESC: u8 = 0x1B;

impl TextView<'_> {
    /// Without colour codes, and without the zero bytes of UTF-16.
    pub(super) fn bared(&self) -> Option<TextView<'static>> {
        is_coloured(&self.bytes).then_some(())?;
        self.rewritten(|rest, _| match rest.first() {
            Some(0) => Some(Rewriting::nothing(1)),
            _ => colour(rest).map(Rewriting::nothing),
        })
    }

    /// With percent signs, entities, `\x` and hexadecimal text decoded.
    pub(super) fn unwrapped(&self) -> Option<TextView<'static>> {
        is_wrapped(&self.bytes).then_some(())?;
        let mut before = 0;
        let mut is_inside = false;
        self.rewritten(|rest, at| {
            // A run of digits is tried where it starts, and not again within.
            is_inside &= at == before;
            before = at + 1;
            let is_digit = rest.first().is_some_and(u8::is_ascii_hexdigit);
            let tried = if is_digit && !is_inside { hex(rest) } else { None };
            is_inside = is_digit;
            tried.or_else(|| entity(rest).map(|(byte, taken)| Rewriting::character(char::from(byte), taken)))
        })
    }
}

/// How long the colour code is that a text starts with: the escape character, or what a log wrote of it, `[`, numbers and a
/// letter. Where the escape character was lost only `[31m` is one.
fn colour(text: &[u8]) -> Option<usize> {
    const STARTS: [&[u8]; 8] = [b"\x1B[", b"\\x1b[", b"\\x1B[", b"\\033[", b"\\e[", b"^[[", b"\\u001b[", b"["];
    text.first().filter(|byte| matches!(**byte, ESC | b'\\' | b'^' | b'['))?;
    let start = STARTS.iter().find(|start| text.starts_with(start))?;
    let rest = text.split_at(start.len()).1;
    // UTF-16 has a zero byte beside each.
    let digits =
        rest.iter().take(24).take_while(|byte| byte.is_ascii_digit() || matches!(byte, b';' | b'?' | 0)).count();
    let end = rest.get(digits)?;
    let is_code = if start.len() == 1 { *end == b'm' && digits > 0 } else { end.is_ascii_alphabetic() };
    is_code.then_some(start.len() + digits + 1)
}

/// `%2B`, `\x2b`, `&quot;`, `&#43;`, `&#x2B;`: the ASCII character, and how long it is written.
fn entity(text: &[u8]) -> Option<(u8, usize)> {
    const NAMED: [(&[u8], u8); 5] =
        [(b"&quot;", b'"'), (b"&apos;", b'\''), (b"&amp;", b'&'), (b"&lt;", b'<'), (b"&gt;", b'>')];
    let pair = |at: usize| Some((digit(text.get(at))? << 4 | digit(text.get(at + 1))?, at + 2));
    let found = match text {
        [b'%', ..] => pair(1),
        [b'\\', b'x' | b'X', ..] => pair(2),
        [b'&', b'#', b'x' | b'X', ..] => pair(3).filter(|_| text.get(5) == Some(&b';')).map(|(byte, _)| (byte, 6)),
        [b'&', b'#', tens, ones, b';', ..] => decimal(&[*tens, *ones]).map(|byte| (byte, 5)),
        [b'&', b'#', hundreds, tens, ones, b';', ..] => decimal(&[*hundreds, *tens, *ones]).map(|byte| (byte, 6)),
        [b'&', ..] => {
            let (name, byte) = NAMED.iter().find(|(name, _)| text.starts_with(name))?;
            Some((*byte, name.len()))
        }
        _ => None,
    };
    found.filter(|(byte, _)| is_text(*byte))
}

fn decimal(digits: &[u8]) -> Option<u8> {
    str::from_utf8(digits).ok()?.parse().ok()
}

fn digit(byte: Option<&u8>) -> Option<u8> {
    let value = char::from(*byte?).to_digit(16)?;
    u8::try_from(value).ok()
}

const fn is_text(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7E | b'\n' | b'\r' | b'\t')
}

/// The fewest characters that hexadecimal digits are taken for a text of: of chance, one digest in 20,000 starts like that.
const HEX_TEXT: usize = 10;

/// Text in hexadecimal digits, with or without something between the pairs.
fn hex(text: &[u8]) -> Option<Rewriting> {
    let (mut written, mut at) = (Vec::new(), 0);
    let gap = usize::from(matches!(text.get(2), Some(b' ' | b':')));
    while let (Some(high), Some(low)) = (digit(text.get(at)), digit(text.get(at + 1))) {
        match high << 4 | low {
            // UTF-16.
            0 => {}
            byte if is_text(byte) => written.push((byte, at)),
            _ => break,
        }
        at += 2 + gap;
        if gap == 1 && text.get(at - 1) != text.get(2) {
            break;
        }
    }
    (written.len() >= HEX_TEXT).then(|| Rewriting { written, taken: at.min(text.len()) })
}

/// Whether somewhere a run of digits starts that is a text.
///
/// Looks at every sixteenth place: a text that is long enough goes over one.
fn has_hex(text: &[u8]) -> bool {
    const STEP: usize = 16;
    let mut at = 0;
    while let Some(window) = text.get(at..at + 8) {
        let is_digits = window.iter().take(4).all(u8::is_ascii_hexdigit);
        let gap = window.iter().take(3).position(|byte| matches!(byte, b' ' | b':'));
        let gap = gap.filter(|gap| window.get(*gap) == window.get(gap + 3) && digit(window.get(gap + 1)).is_some());
        if is_digits || gap.is_some() {
            let start = hex_start(text, at, gap.is_some());
            // Where it is too far to see, any of the next places may be the start of a pair.
            let is_text =
                |start| hex(text.get(start..text.len().min(start + 4 * HEX_TEXT)).unwrap_or_default()).is_some();
            if (start..start + 4).any(is_text) {
                return true;
            }
        }
        at += STEP;
    }
    false
}

/// Where the run starts that goes on at `at`; of one that is longer than anything worth a look, the place itself.
fn hex_start(text: &[u8], at: usize, gaps: bool) -> usize {
    const LONGEST: usize = 64;
    let before = text.get(at.saturating_sub(LONGEST)..at).unwrap_or_default();
    let is_of_it = |byte: &u8| byte.is_ascii_hexdigit() || (gaps && matches!(byte, b' ' | b':'));
    let length = before.iter().rev().position(|byte| !is_of_it(byte)).unwrap_or(before.len());
    at - length
}
