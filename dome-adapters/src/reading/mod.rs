//! Reading a file piece by piece: whole documents, lines, values of JSON, XML. It reads what it is
//! handed and opens nothing; a reader that fails is reported like anything else that is wrong with a
//! file.

mod decode;
mod xml;

pub(crate) use decode::decoded_head;
pub(crate) use xml::{Element, Xml, XmlNode};

use std::fmt;
use std::io::{self, BufRead, Read};

use serde::de::{DeserializeOwned, Deserializer as _, SeqAccess, Visitor};
use serde_json::Value;

use crate::finding::{Finding, FindingCode, FoundAt, quote};
use crate::out::Out;

/// Bytes of a document that has to be held whole.
const DOCUMENT_BYTES: u64 = 1 << 30;
const LINE_BYTES: u64 = 1 << 24;

pub(crate) struct FileReader<'r> {
    reader: &'r mut dyn BufRead,
    name: &'r str,
    line: u64,
}

/// One line, without its end and without a byte order mark.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextLine<'b> {
    pub(crate) number: u64,
    /// Its bytes; empty when it is too long.
    pub(crate) bytes: &'b [u8],
    too_long: bool,
}

/// What is done with each value, and with a line that is none. The place is `/3` or `line 4`.
type Each<'e> = &'e mut dyn FnMut(&str, Result<Value, Finding>) -> Result<(), Finding>;

impl<'r> FileReader<'r> {
    pub(crate) fn new(name: &'r str, reader: &'r mut dyn BufRead) -> Self {
        Self { reader, name, line: 0 }
    }

    pub(crate) fn found(&self, code: FindingCode, message: impl Into<String>, expected: impl Into<String>) -> Finding {
        Finding::of_file(code, self.name, message, expected)
    }

    pub(crate) fn whole(&mut self) -> Result<Vec<u8>, Finding> {
        let mut bytes = Vec::new();
        let read = Read::take(&mut *self.reader, DOCUMENT_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(|error| failed(self.name, &error))?;
        if bytes.len() as u64 > DOCUMENT_BYTES {
            let expected = format!("at most {DOCUMENT_BYTES} bytes");
            return Err(self.found(FindingCode::TooLarge, "the document is too large to be held", expected));
        }
        Ok(bytes)
    }

    /// The file as one JSON document. Nesting of more than 128 levels is not read.
    pub(crate) fn json(&mut self, what: &str) -> Result<Value, Finding> {
        let bytes = self.whole()?;
        serde_json::from_slice(without_mark(&bytes)).map_err(|error| {
            let place = if error.line() == 0 { String::new() } else { error.line().to_string() };
            not_json(FoundAt { input: self.name, place: &place }, &error, what)
        })
    }

    /// The next line; `buffer` holds it. Memory is bounded by [`LINE_BYTES`].
    pub(crate) fn line<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<Option<TextLine<'b>>, Finding> {
        buffer.clear();
        let read = Read::take(&mut *self.reader, LINE_BYTES + 1).read_until(b'\n', buffer);
        if read.map_err(|error| failed(self.name, &error))? == 0 {
            return Ok(None);
        }
        self.line += 1;
        let number = self.line;
        if buffer.len() as u64 > LINE_BYTES && !buffer.ends_with(b"\n") {
            buffer.clear();
            self.reader.skip_until(b'\n').map_err(|error| failed(self.name, &error))?;
            return Ok(Some(TextLine { number, bytes: &[], too_long: true }));
        }
        let line = buffer.strip_suffix(b"\n").map_or(&buffer[..], |line| line.strip_suffix(b"\r").unwrap_or(line));
        Ok(Some(TextLine { number, bytes: without_mark(line), too_long: false }))
    }

    /// A line that does not begin like an object is passed over with a note; one that does and is no event is a record
    /// left out. A file without an event is not of the format, and neither is one of whose events `each` knows none;
    /// `what` says what was expected.
    pub(crate) fn events<E: DeserializeOwned>(
        &mut self,
        out: &mut Out<'_>,
        (tool, what): (&str, &str),
        mut each: impl FnMut(E, u64, &mut Out<'_>) -> bool,
    ) -> Result<(), Finding> {
        let (mut buffer, mut known) = (Vec::new(), None);
        while let Some(line) = self.line(&mut buffer)? {
            if line.is_blank() {
                continue;
            }
            let place = line.number.to_string();
            let text = match line.text(out.at(&place)) {
                Ok(text) => text.trim(),
                Err(problem) => {
                    out.left_out(problem);
                    continue;
                }
            };
            if !text.starts_with('{') {
                out.note(FindingCode::LinePassedOver, &place, "the line is no event and was passed over");
                continue;
            }
            match serde_json::from_str(text) {
                Ok(event) => known = Some(each(event, line.number, out) || known == Some(true)),
                Err(error) => out.leave_out(&place, FindingCode::JsonInvalid, format!("no event: {error}"), what),
            }
        }
        let message = match known {
            Some(true) => return Ok(()),
            Some(false) => format!("no line of it is an event of {tool}"),
            None => "no line of it is an event".to_owned(),
        };
        Err(self.found(FindingCode::WrongFormat, message, what))
    }

    /// Holds one value of a file at a time: elements of an array, lines, or documents one behind the other. A line that
    /// is not JSON is handed out as what is wrong with it; anything else that is not JSON ends the file.
    pub(crate) fn values(&mut self, what: &str, each: Each<'_>) -> Result<(), Finding> {
        match self.first_byte()? {
            Some(b'[') => self.elements(what, each),
            Some(_) => self.documents(what, each),
            None => Err(self.found(FindingCode::JsonInvalid, "the file is empty", what)),
        }
    }

    /// The first byte behind a byte order mark and white space, which is left to be read.
    fn first_byte(&mut self) -> Result<Option<u8>, Finding> {
        loop {
            let (byte, length) = match self.reader.fill_buf() {
                Ok([]) => return Ok(None),
                Ok([0xEF, 0xBB, 0xBF, ..]) => (b' ', 3),
                Ok([byte, ..]) => (*byte, 1),
                Err(error) => return Err(failed(self.name, &error)),
            };
            if !byte.is_ascii_whitespace() {
                return Ok(Some(byte));
            }
            self.line += u64::from(byte == b'\n');
            self.reader.consume(length);
        }
    }

    fn elements(&mut self, what: &str, each: Each<'_>) -> Result<(), Finding> {
        let mut problem = None;
        let mut json = serde_json::Deserializer::from_reader(&mut *self.reader);
        let read = json.deserialize_seq(Elements { each, problem: &mut problem }).and_then(|()| json.end());
        match (problem, read) {
            (Some(problem), _) => Err(problem),
            (None, Err(error)) => Err(not_json_at(self.name, error.line() as u64, &error, what)),
            (None, Ok(())) => Ok(()),
        }
    }

    /// Lines where the first line is a value, else documents.
    fn documents(&mut self, what: &str, each: Each<'_>) -> Result<(), Finding> {
        let (name, before) = (self.name, self.line);
        let mut first = Vec::new();
        let Some(line) = self.line(&mut first)? else { return Ok(()) };
        if let Ok(value) = serde_json::from_slice(line.bytes) {
            each(&format!("line {}", line.number), Ok(value))?;
            return self.lines(what, each);
        }
        let rest = line.bytes.chain(&b"\n"[..]).chain(&mut *self.reader);
        let documents = serde_json::Deserializer::from_reader(rest).into_iter::<Value>();
        for (number, value) in (1..).zip(documents) {
            let value = value.map_err(|error| not_json_at(name, before + error.line() as u64, &error, what))?;
            each(&if number == 1 { String::new() } else { format!("document {number}") }, Ok(value))?;
        }
        Ok(())
    }

    fn lines(&mut self, what: &str, each: Each<'_>) -> Result<(), Finding> {
        let (name, mut buffer) = (self.name, Vec::new());
        while let Some(line) = self.line(&mut buffer)? {
            if !line.is_blank() {
                let place = format!("line {}", line.number);
                each(&place, line.json(FoundAt { input: name, place: &place }, what))?;
            }
        }
        Ok(())
    }
}

impl TextLine<'_> {
    pub(crate) fn is_blank(&self) -> bool {
        self.bytes.trim_ascii().is_empty() && !self.too_long
    }

    fn text(&self, at: FoundAt<'_>) -> Result<&str, Finding> {
        if self.too_long {
            let message = format!("the line is longer than {LINE_BYTES} bytes");
            return Err(at.found(FindingCode::TooLarge, message, "a shorter line"));
        }
        std::str::from_utf8(self.bytes).map_err(|error| {
            let message = format!("byte {} of the line does not begin a character in UTF-8", error.valid_up_to());
            at.found(FindingCode::EncodingInvalid, message, "UTF-8")
        })
    }

    fn json(&self, at: FoundAt<'_>, what: &str) -> Result<Value, Finding> {
        let text = self.text(at)?;
        serde_json::from_str(text).map_err(|error| {
            let message = format!("not JSON, column {}: {}", error.column(), quote(text));
            at.found(FindingCode::JsonInvalid, message, what)
        })
    }
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}

fn not_json(at: FoundAt<'_>, error: &serde_json::Error, what: &str) -> Finding {
    at.found(FindingCode::JsonInvalid, format!("not JSON: {error}"), what)
}

fn not_json_at(name: &str, line: u64, error: &serde_json::Error, what: &str) -> Finding {
    not_json(FoundAt { input: name, place: &format!("line {line}") }, error, what)
}

fn failed(name: &str, error: &io::Error) -> Finding {
    if error.get_ref().is_some_and(|inner| inner.is::<decode::NotText>()) {
        let expected = "text in the encoding that the file declares";
        Finding::of_file(FindingCode::EncodingInvalid, name, error.to_string(), expected)
    } else {
        Finding::of_file(FindingCode::ReadFailed, name, format!("it cannot be read: {error}"), "")
    }
}

struct Elements<'e> {
    each: Each<'e>,
    problem: &'e mut Option<Finding>,
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let mut number = 0_u64;
        while let Some(value) = sequence.next_element::<Value>()? {
            if let Err(problem) = (self.each)(&format!("/{number}"), Ok(value)) {
                *self.problem = Some(problem);
                return Err(serde::de::Error::custom("stopped"));
            }
            number += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    #[test]
    fn lines_are_handed_out_one_by_one_and_one_that_is_too_long_is_passed_over() {
        let long = "x".repeat(usize::try_from(LINE_BYTES).unwrap() + 1);
        let text = format!("\u{feff}a\r\n\n{long}\nb");
        let mut reader = text.as_bytes();
        let mut reading = FileReader::new("f", &mut reader);
        let (mut buffer, mut found) = (Vec::new(), Vec::new());
        while let Some(line) = reading.line(&mut buffer).unwrap() {
            found.push((line.number, line.bytes.to_vec(), line.too_long));
        }
        let expected = [(1, &b"a"[..], false), (2, b"", false), (3, b"", true), (4, b"b", false)];
        assert_eq!(found, expected.map(|(number, bytes, long)| (number, bytes.to_vec(), long)));
    }

    fn read(text: &[u8]) -> (Vec<String>, Option<String>) {
        let mut reader = text;
        let mut found = Vec::new();
        let ended = FileReader::new("f", &mut reader).values("a list", &mut |place, value| {
            let value = value.map_or_else(|problem| problem.code.to_string(), |value| value.to_string());
            found.push(format!("{place}: {value}"));
            Ok(())
        });
        (found, ended.err().map(|problem| format!("{}: {}", problem.place, problem.code)))
    }

    #[test]
    fn arrays_lines_and_documents_are_handed_out_one_by_one() {
        assert_eq!(read(b"\xEF\xBB\xBF\n [1, {\"a\": 2}]\n"), (vec!["/0: 1".into(), "/1: {\"a\":2}".into()], None));
        assert_eq!(
            read(b"1\n\n{x\n2"),
            (vec!["line 1: 1".into(), "line 3: json_invalid".into(), "line 4: 2".into()], None)
        );
        assert_eq!(read(b"{\n}\n{\n}"), (vec![": {}".into(), "document 2: {}".into()], None));
        assert_eq!(read(b"{\n}\n{"), (vec![": {}".into()], Some("line 3: json_invalid".into())));
        assert_eq!(read(b"[1, 2"), (vec!["/0: 1".into(), "/1: 2".into()], Some("line 1: json_invalid".into())));
        assert_eq!(read(b" \n"), (vec![], Some(": json_invalid".into())));
    }
}
