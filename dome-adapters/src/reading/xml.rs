//! XML by pulling: elements, texts, ends. Nothing is expanded but character references and the five
//! entities that XML itself has; a document type is passed over, and no part of it is followed.

use std::collections::BTreeSet;
use std::io::BufReader;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::decode::Utf8Reader;
use super::{FileReader, failed};
use crate::finding::{Finding, FindingCode, FoundAt, quote};

const DEPTH_LEVELS: usize = 256;
/// Attributes of one element, its namespace declarations included.
const ATTRIBUTES: usize = 1_024;

pub(crate) struct Xml<'r> {
    name: &'r str,
    reader: quick_xml::Reader<BufReader<Utf8Reader<'r>>>,
    buffer: Vec<u8>,
    /// The local names of the elements that are open, the outermost first.
    open: Vec<String>,
}

#[derive(Debug)]
pub(crate) enum XmlNode {
    /// An element begins; one without content ends right behind it.
    Start(Element),
    End,
    /// A piece of text; one text may come in several.
    Text(String),
}

/// The start of an element: local names, attributes without namespace declarations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
}

impl Element {
    /// An attribute that is there and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn owned(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }
}

impl FileReader<'_> {
    pub(crate) fn xml(&mut self) -> Result<Xml<'_>, Finding> {
        let name = self.name;
        let decoded = Utf8Reader::new(self.reader).map_err(|error| failed(name, &error))?;
        let mut reader = quick_xml::Reader::from_reader(BufReader::new(decoded));
        reader.config_mut().expand_empty_elements = true;
        reader.config_mut().allow_dangling_amp = false;
        Ok(Xml { name, reader, buffer: Vec::new(), open: Vec::new() })
    }
}

impl Xml<'_> {
    /// The root element, which has to come before any text.
    pub(crate) fn root(&mut self, what: &str) -> Result<Element, Finding> {
        while let Some(node) = self.next()? {
            if let XmlNode::Start(root) = node {
                return Ok(root);
            }
        }
        Err(self.found(FindingCode::XmlInvalid, "the document has no element", what))
    }

    pub(crate) fn skip(&mut self) -> Result<(), Finding> {
        let depth = self.open.len();
        while self.next_in(depth)?.is_some() {}
        Ok(())
    }

    pub(crate) fn open(&self) -> &[String] {
        &self.open
    }

    /// The next node inside of the element that is `depth` deep; `None` at its end.
    pub(crate) fn next_in(&mut self, depth: usize) -> Result<Option<XmlNode>, Finding> {
        let node = self.next()?;
        Ok(node.filter(|_| self.open.len() >= depth))
    }

    pub(crate) fn next(&mut self) -> Result<Option<XmlNode>, Finding> {
        loop {
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.clear();
            let event = self.reader.read_event_into(&mut buffer).map_err(|error| match error {
                quick_xml::Error::Io(error) => failed(self.name, &error),
                other => self.malformed(&other.to_string()),
            })?;
            let node = match event {
                Event::Start(start) => Some(self.start(&start)?),
                Event::End(_) => {
                    self.open.pop();
                    Some(XmlNode::End)
                }
                Event::Text(text) => Some(XmlNode::Text(self.text(&text)?)),
                Event::CData(text) => Some(XmlNode::Text(self.text(&text)?)),
                Event::GeneralRef(reference) => Some(XmlNode::Text(self.resolve(&reference)?)),
                Event::Eof => {
                    let Some(name) = self.open.last() else { return Ok(None) };
                    let message = format!("the document ends inside of `<{name}>`");
                    return Err(self.found(FindingCode::XmlInvalid, message, format!("`</{name}>`")));
                }
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_) | Event::Empty(_) => None,
            };
            self.buffer = buffer;
            if node.is_some() {
                return Ok(node);
            }
        }
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<XmlNode, Finding> {
        if self.open.len() == DEPTH_LEVELS {
            let message = format!("elements are nested more than {DEPTH_LEVELS} levels deep");
            return Err(self.found(FindingCode::XmlInvalid, message, "a report"));
        }
        let name = self.utf8(start.local_name().as_ref())?.to_owned();
        let mut attributes = Vec::new();
        // The reader's own check holds each attribute against all before it.
        let mut names = BTreeSet::new();
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| self.malformed(&error.to_string()))?;
            if names.len() == ATTRIBUTES {
                return Err(self.malformed("an element has more than 1024 attributes"));
            }
            if !names.insert(attribute.key.into_inner()) {
                let name = quote(self.utf8(attribute.key.into_inner())?);
                return Err(self.malformed(&format!("an element has the attribute {name} twice")));
            }
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let value = attribute.unescape_value().map_err(|error| self.malformed(&error.to_string()))?;
            attributes.push((self.utf8(attribute.key.local_name().as_ref())?.to_owned(), value.into_owned()));
        }
        self.open.push(name.clone());
        Ok(XmlNode::Start(Element { name, attributes }))
    }

    fn text(&self, bytes: &[u8]) -> Result<String, Finding> {
        let text = self.utf8(bytes)?;
        if self.open.is_empty() && !text.trim().is_empty() {
            let message = format!("text outside of elements: {}", quote(text.trim()));
            return Err(self.found(FindingCode::XmlInvalid, message, "an XML document"));
        }
        Ok(text.replace("\r\n", "\n"))
    }

    fn resolve(&self, reference: &BytesRef<'_>) -> Result<String, Finding> {
        match reference.resolve_char_ref() {
            Ok(Some(letter)) => return Ok(letter.to_string()),
            Ok(None) => {}
            Err(error) => return Err(self.malformed(&error.to_string())),
        }
        let name = self.utf8(reference)?;
        resolve_predefined_entity(name).map(str::to_owned).ok_or_else(|| {
            let message = format!("the entity {} is not expanded", quote(&format!("&{name};")));
            let expected = "`&lt;`, `&gt;`, `&amp;`, `&apos;`, `&quot;` or a character reference";
            self.found(FindingCode::XmlInvalid, message, expected)
        })
    }

    fn utf8<'b>(&self, bytes: &'b [u8]) -> Result<&'b str, Finding> {
        std::str::from_utf8(bytes).map_err(|error| self.malformed(&error.to_string()))
    }

    fn malformed(&self, message: &str) -> Finding {
        self.found(FindingCode::XmlInvalid, format!("not XML: {message}"), "an XML document")
    }

    pub(crate) fn found(&self, code: FindingCode, message: impl Into<String>, expected: impl Into<String>) -> Finding {
        let (failed, read) = (self.reader.error_position(), self.reader.buffer_position());
        let place = format!("byte {}", if failed > 0 { failed } else { read });
        FoundAt { input: self.name, place: &place }.found(code, message, expected)
    }
}
