//! Bytes of whatever encoding as UTF-8, piece by piece.

use std::io::{self, BufRead, Read};

use encoding_rs::{DecoderResult, Encoding, UTF_8};

/// How much of a document is searched for the declaration of its encoding.
const DECLARATION_BYTES: usize = 512;
const PIECE_BYTES: usize = 1 << 16;

#[derive(Debug, thiserror::Error)]
#[error("byte {offset} does not begin a character in {encoding}")]
pub(super) struct NotText {
    offset: u64,
    encoding: &'static str,
}

/// What a document begins with, as text, whatever is wrong with it.
pub(crate) fn decoded_head(bytes: &[u8]) -> String {
    let (encoding, mark) = encoding_of(bytes);
    let (_, text) = bytes.split_at(mark);
    encoding.decode_without_bom_handling(text).0.into_owned()
}

/// By the byte order mark, the zeros or the XML declaration, else UTF-8; and how long the mark is.
pub(super) fn encoding_of(bytes: &[u8]) -> (&'static Encoding, usize) {
    if let Some(found) = Encoding::for_bom(bytes) {
        return found;
    }
    match bytes {
        [b'<', 0, ..] => (encoding_rs::UTF_16LE, 0),
        [0, b'<', ..] => (encoding_rs::UTF_16BE, 0),
        _ => (declared(bytes).unwrap_or(UTF_8), 0),
    }
}

fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes.get(..DECLARATION_BYTES).unwrap_or(bytes);
    let end = head.windows(2).position(|pair| pair == b"?>")?;
    let declaration = std::str::from_utf8(head.get(..end)?).ok()?.trim_start().strip_prefix("<?xml")?;
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let label = value.get(1..)?.split(quote).next()?;
    // A declaration in single bytes does not stand in a document of double ones.
    Encoding::for_label(label.as_bytes())
        .map(|found| if found.is_single_byte() || found.is_ascii_compatible() { found } else { UTF_8 })
}

/// UTF-8 out of a reader of any encoding. What is no text there is an error, with its place.
pub(super) struct Utf8Reader<'r> {
    reader: &'r mut dyn BufRead,
    decoder: encoding_rs::Decoder,
    encoding: &'static Encoding,
    offset: u64,
    ready: Vec<u8>,
    given: usize,
    ended: bool,
}

impl<'r> Utf8Reader<'r> {
    pub(super) fn new(reader: &'r mut dyn BufRead) -> io::Result<Self> {
        let (encoding, mark) = encoding_of(reader.fill_buf()?);
        reader.consume(mark);
        let decoder = encoding.new_decoder_without_bom_handling();
        Ok(Self { reader, decoder, encoding, offset: mark as u64, ready: Vec::new(), given: 0, ended: false })
    }

    fn fill(&mut self) -> io::Result<()> {
        let bytes = self.reader.fill_buf()?;
        let bytes = bytes.get(..PIECE_BYTES).unwrap_or(bytes);
        self.ended = bytes.is_empty();
        let room = self.decoder.max_utf8_buffer_length_without_replacement(bytes.len()).unwrap_or(PIECE_BYTES * 3);
        self.ready.clear();
        self.ready.resize(room, 0);
        self.given = 0;
        let (result, read, written) =
            self.decoder.decode_to_utf8_without_replacement(bytes, &mut self.ready, self.ended);
        self.ready.truncate(written);
        self.reader.consume(read);
        self.offset += read as u64;
        match result {
            DecoderResult::InputEmpty | DecoderResult::OutputFull => Ok(()),
            DecoderResult::Malformed(bad, after) => {
                let offset = self.offset.saturating_sub(u64::from(bad) + u64::from(after));
                let error = NotText { offset, encoding: self.encoding.name() };
                Err(io::Error::new(io::ErrorKind::InvalidData, error))
            }
        }
    }
}

impl Read for Utf8Reader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() && !self.ended {
            self.fill()?;
        }
        let (_, mut rest) = self.ready.split_at(self.given);
        let read = rest.read(into)?;
        self.given += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    fn decoded(bytes: &[u8]) -> Result<String, String> {
        // Three bytes at a time: characters are cut in the middle.
        let mut reader = io::BufReader::with_capacity(600, bytes);
        let mut text = String::new();
        Utf8Reader::new(&mut reader).unwrap().read_to_string(&mut text).map_err(|error| error.to_string())?;
        Ok(text)
    }

    #[test]
    fn a_document_is_read_in_the_encoding_that_it_has() {
        let utf16 = |text: &str, little: bool| -> Vec<u8> {
            text.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
        };
        let text = "<?xml version='1.0' encoding='UTF-16'?><a>é😀</a>";
        assert_eq!(decoded(text.as_bytes()).unwrap(), text);
        assert_eq!(decoded(&utf16(text, true)).unwrap(), text);
        assert_eq!(decoded(&utf16(text, false)).unwrap(), text);
        assert_eq!(decoded(&[&[0xFF, 0xFE], &*utf16(text, true)].concat()).unwrap(), text);
        assert_eq!(decoded(&[&b"\xEF\xBB\xBF"[..], text.as_bytes()].concat()).unwrap(), text);
        let latin = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xE9</a>";
        assert_eq!(decoded(latin).unwrap(), "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>é</a>");
        let long = "é".repeat(2_000);
        assert_eq!(decoded(long.as_bytes()).unwrap(), long);
    }

    #[test]
    fn what_is_no_text_is_an_error_with_its_place() {
        assert_eq!(decoded(b"<a>\xE9</a>").unwrap_err(), "byte 3 does not begin a character in UTF-8");
        assert_eq!(decoded(b"<a>\xE9").unwrap_err(), "byte 3 does not begin a character in UTF-8");
    }
}
