//! Values of JSON, one at a time: the elements of an array, lines, or documents one behind the other.

use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::Value;

use super::{Reading, failed};
use crate::finding::{At, Finding, FindingCode};

/// What is done with each value, and with a line that is none. The place is `/3` or `line 4`.
pub(crate) type Each<'e> = &'e mut dyn FnMut(&str, Result<Value, Finding>) -> Result<(), Finding>;

impl Reading<'_> {
    /// Hands out the values of a file of `what`, holding one of them at a time. A line that is not
    /// JSON is handed out as what is wrong with it; anything else that is not JSON ends the file.
    pub(crate) fn values(&mut self, what: &str, each: Each<'_>) -> Result<(), Finding> {
        match self.first_byte()? {
            Some(b'[') => self.elements(what, each),
            Some(_) => self.documents(what, each),
            None => Err(self.at("").found(FindingCode::JsonInvalid, "the file is empty", what)),
        }
    }

    /// The first byte behind a byte order mark and white space, which is left to be read.
    fn first_byte(&mut self) -> Result<Option<u8>, Finding> {
        loop {
            let (byte, length) = match self.reader.fill_buf() {
                Ok([]) => return Ok(None),
                Ok([0xEF, 0xBB, 0xBF, ..]) => (b' ', 3),
                Ok([byte, ..]) => (*byte, 1),
                Err(error) => return Err(failed(self.at(""), &error)),
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
        let read = Elements { each, problem: &mut problem }.deserialize(&mut json).and_then(|()| json.end());
        match (problem, read) {
            (Some(problem), _) => Err(problem),
            (None, Err(error)) => Err(self.not_json(0, &error, what)),
            (None, Ok(())) => Ok(()),
        }
    }

    /// Lines where the first line is a value, else documents.
    fn documents(&mut self, what: &str, each: Each<'_>) -> Result<(), Finding> {
        let before = self.line;
        let mut first = Vec::new();
        let Some(line) = self.line(&mut first)? else { return Ok(()) };
        match line.json(self.at(""), what) {
            Ok(value) => {
                each(&format!("line {}", line.number), Ok(value))?;
                self.lines(what, each)
            }
            Err(_) => {
                let bytes = line.bytes.to_vec();
                let rest = bytes.chain(&b"\n"[..]).chain(&mut *self.reader);
                let stream = serde_json::Deserializer::from_reader(rest).into_iter::<Value>();
                let mut number = 0_u64;
                for value in stream {
                    let value = value.map_err(|error| {
                        let place = format!("line {}", before + error.line() as u64);
                        let at = At { input: self.name, place: &place };
                        at.found(FindingCode::JsonInvalid, format!("not JSON: {error}"), what)
                    })?;
                    number += 1;
                    each(&if number == 1 { String::new() } else { format!("document {number}") }, Ok(value))?;
                }
                Ok(())
            }
        }
    }

    fn lines(&mut self, what: &str, each: Each<'_>) -> Result<(), Finding> {
        let mut buffer = Vec::new();
        loop {
            let name = self.name;
            let Some(line) = self.line(&mut buffer)? else { return Ok(()) };
            if line.is_blank() {
                continue;
            }
            let place = format!("line {}", line.number);
            let at = At { input: name, place: &place };
            each(&place, line.text(at).and_then(|_| line.json(at, what)))?;
        }
    }

    fn not_json(&self, before: u64, error: &serde_json::Error, what: &str) -> Finding {
        let place = format!("line {}", before + error.line() as u64);
        self.at(&place).found(FindingCode::JsonInvalid, format!("not JSON: {error}"), what)
    }
}

/// The elements of an array as they are read.
struct Elements<'e> {
    each: Each<'e>,
    problem: &'e mut Option<Finding>,
}

impl<'de> DeserializeSeed<'de> for Elements<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
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
    use super::*;

    fn read(text: &[u8]) -> (Vec<String>, Option<String>) {
        let mut reader = text;
        let mut found = Vec::new();
        let ended = Reading::new("f", &mut reader).values("a list", &mut |place, value| {
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
