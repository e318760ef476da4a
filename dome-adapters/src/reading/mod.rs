//! Reading a file piece by piece: whole documents, lines, XML. It reads what it is handed and opens
//! nothing; a reader that fails is reported like anything else that is wrong with a file.

mod decode;
mod events;
mod json;
mod lines;
mod values;
mod xml;

pub(crate) use decode::decoded_head;
pub(crate) use xml::{Element, Node, Xml};

use std::io::{BufRead, Read};

use crate::finding::{At, Finding, FindingCode};

/// Bytes of a document that has to be held whole.
const DOCUMENT_BYTES: u64 = 1 << 30;

/// A file that is being read.
pub(crate) struct Reading<'r> {
    reader: &'r mut dyn BufRead,
    name: &'r str,
    line: u64,
}

impl<'r> Reading<'r> {
    pub(crate) fn new(name: &'r str, reader: &'r mut dyn BufRead) -> Self {
        Self { reader, name, line: 0 }
    }

    /// The file as a whole, or a place in it.
    pub(crate) fn at<'a>(&'a self, place: &'a str) -> At<'a> {
        At { input: self.name, place }
    }

    /// All that is left, at most [`DOCUMENT_BYTES`].
    pub(crate) fn whole(&mut self) -> Result<Vec<u8>, Finding> {
        let mut bytes = Vec::new();
        let read = Read::take(&mut *self.reader, DOCUMENT_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(|error| failed(self.at(""), &error))?;
        if bytes.len() as u64 > DOCUMENT_BYTES {
            let message = "the document is too large to be held";
            return Err(self.at("").found(FindingCode::TooLarge, message, format!("at most {DOCUMENT_BYTES} bytes")));
        }
        Ok(bytes)
    }
}

/// What a reader's own error says.
fn failed(at: At<'_>, error: &std::io::Error) -> Finding {
    if error.kind() == std::io::ErrorKind::InvalidData
        && error.get_ref().is_some_and(|inner| inner.is::<decode::NotText>())
    {
        at.found(FindingCode::EncodingInvalid, error.to_string(), "text in the encoding that the file declares")
    } else {
        at.found(FindingCode::ReadFailed, format!("it cannot be read: {error}"), "")
    }
}
