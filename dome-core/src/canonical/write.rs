//! The serialiser of canonical bytes (M-01, RFC 8785): no float, no key but a string, and so little
//! left to decide that most of the time goes into copying.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::ser::{self, Serialize, SerializeMap, Serializer};

use super::CanonicalError;
use crate::limits::SAFE_INTEGER;
use crate::text::{PLAIN_TEXT, plain_prefix};

type WriteResult = Result<(), CanonicalError>;
type Opened<'b, O> = Result<Nested<'b, O>, CanonicalError>;

/// Where one value is written, members in the order `O`; where texts are `PLAIN`, none of them needs an escape.
pub(super) struct Writer<'b, O, const PLAIN: bool = false> {
    bytes: &'b mut Vec<u8>,
    order: PhantomData<O>,
}

pub(super) struct Nested<'b, O> {
    bytes: &'b mut Vec<u8>,
    first: bool,
    close: &'static str,
    members: O,
}

/// Brings members into canonical order: `begin` and `end` stand around each of them, `close` behind all.
pub(super) trait Order: Default {
    const SORTS: bool;

    #[inline(always)]
    fn begin(&mut self, _: usize) {}

    #[inline(always)]
    fn end(&mut self, _: &mut Vec<u8>) -> WriteResult {
        Ok(())
    }

    #[inline(always)]
    fn close(self, _: &mut Vec<u8>) {}
}

/// Members are declared in canonical order.
#[derive(Default)]
pub(super) struct Declared;

impl Order for Declared {
    const SORTS: bool = false;
}

/// Members are taken out, then put back by the UTF-16 code units of their names (RFC 8785, section 3.2.3).
#[derive(Default)]
pub(super) struct Sorting {
    place: usize,
    members: BTreeMap<Vec<u16>, Vec<u8>>,
}

impl Order for Sorting {
    const SORTS: bool = true;

    fn begin(&mut self, place: usize) {
        self.place = place;
    }

    fn end(&mut self, bytes: &mut Vec<u8>) -> WriteResult {
        let member = bytes.split_off(self.place);
        let name = String::deserialize(&mut serde_json::Deserializer::from_slice(&member));
        let name = name.map_err(|_| CanonicalError::Key)?;
        match self.members.insert(name.encode_utf16().collect(), member) {
            Some(_) => Err(CanonicalError::DuplicateKey { name }),
            None => Ok(()),
        }
    }

    fn close(self, bytes: &mut Vec<u8>) {
        for (count, member) in self.members.into_values().enumerate() {
            bytes.extend_from_slice(if count == 0 { b"" } else { b"," });
            bytes.extend(member);
        }
    }
}

/// Appends a text that needs no escape, with its quotes.
#[inline]
fn plain(text: &str, bytes: &mut Vec<u8>) {
    debug_assert!(plain_prefix(text.as_bytes()) == text.len(), "`{text}` needs escapes");
    bytes.reserve(text.len() + 2);
    bytes.push(b'"');
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(b'"');
}

/// Appends a string with its quotes and escapes (RFC 8785, section 3.2.2.2).
#[inline]
fn string(text: &str, bytes: &mut Vec<u8>) {
    bytes.reserve(text.len() + 2);
    bytes.push(b'"');
    let plain = plain_prefix(text.as_bytes());
    if plain == text.len() {
        bytes.extend_from_slice(text.as_bytes());
    } else {
        escaped(text.as_bytes(), bytes);
    }
    bytes.push(b'"');
}

#[cold]
fn escaped(mut rest: &[u8], bytes: &mut Vec<u8>) {
    loop {
        let (plain, after) = rest.split_at(plain_prefix(rest));
        bytes.extend_from_slice(plain);
        let Some((special, after)) = after.split_first() else { break };
        escape(*special, bytes);
        rest = after;
    }
}

#[cold]
fn escape(special: u8, bytes: &mut Vec<u8>) {
    let short = match special {
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0C => b'f',
        b'\r' => b'r',
        b'"' | b'\\' => special,
        control => {
            let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
            bytes.extend_from_slice(b"\\u00");
            bytes.extend_from_slice(&[digit(control >> 4), digit(control & 15)]);
            return;
        }
    };
    bytes.extend_from_slice(&[b'\\', short]);
}

fn integer(value: impl TryInto<i64> + ToString + Copy, bytes: &mut Vec<u8>) -> WriteResult {
    let safe = value.try_into().ok().filter(|safe: &i64| safe.unsigned_abs() <= SAFE_INTEGER);
    let safe = safe.ok_or_else(|| CanonicalError::UnsafeInteger { value: value.to_string() })?;
    bytes.extend_from_slice(itoa::Buffer::new().format(safe).as_bytes());
    Ok(())
}

impl<'b, O> Writer<'b, O> {
    pub(super) const fn new(bytes: &'b mut Vec<u8>) -> Self {
        Self { bytes, order: PhantomData }
    }
}

impl<'b, O: Order> Nested<'b, O> {
    fn open(bytes: &'b mut Vec<u8>, open: &str, close: &'static str) -> Self {
        bytes.extend_from_slice(open.as_bytes());
        Self { bytes, first: true, close, members: O::default() }
    }

    /// Opens what a variant with data holds: `{"variant":` and then `open`.
    fn variant(bytes: &'b mut Vec<u8>, variant: &str, open: &str, close: &'static str) -> Self {
        bytes.push(b'{');
        string(variant, bytes);
        bytes.push(b':');
        Self::open(bytes, open, close)
    }

    #[inline]
    fn entry<T: Serialize + ?Sized>(&mut self, value: &T) -> WriteResult {
        if !self.first {
            self.bytes.push(b',');
        }
        self.first = false;
        value.serialize(Writer::<O>::new(self.bytes))
    }

    /// A member's name as its type declares it, which needs no escape. Inlined, its length is known.
    #[inline(always)]
    fn name(&mut self, name: &'static str) {
        debug_assert!(plain_prefix(name.as_bytes()) == name.len(), "`{name}` needs escapes");
        self.bytes.reserve(name.len() + 4);
        self.bytes.extend_from_slice(if self.first { b"\"" } else { b",\"" });
        self.first = false;
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.extend_from_slice(b"\":");
    }

    fn close(self) {
        self.members.close(self.bytes);
        self.bytes.extend_from_slice(self.close.as_bytes());
    }
}

macro_rules! integers {
    ($($name:ident: $type:ty,)*) => {
        $(fn $name(self, value: $type) -> WriteResult {
            integer(value, self.bytes)
        })*
    };
}

impl<'b, O: Order, const PLAIN: bool> Serializer for Writer<'b, O, PLAIN> {
    type Ok = ();
    type Error = CanonicalError;
    type SerializeSeq = Nested<'b, O>;
    type SerializeTuple = Nested<'b, O>;
    type SerializeTupleStruct = Nested<'b, O>;
    type SerializeTupleVariant = Nested<'b, O>;
    type SerializeMap = Nested<'b, O>;
    type SerializeStruct = Nested<'b, O>;
    type SerializeStructVariant = Nested<'b, O>;

    integers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
    }

    fn serialize_f32(self, _: f32) -> WriteResult {
        Err(CanonicalError::Float)
    }
    fn serialize_f64(self, _: f64) -> WriteResult {
        Err(CanonicalError::Float)
    }
    fn serialize_bool(self, value: bool) -> WriteResult {
        self.bytes.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }
    fn serialize_char(self, value: char) -> WriteResult {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }
    #[inline]
    fn serialize_str(self, value: &str) -> WriteResult {
        if PLAIN {
            plain(value, self.bytes)
        } else {
            string(value, self.bytes)
        }
        Ok(())
    }
    fn serialize_bytes(self, value: &[u8]) -> WriteResult {
        self.collect_seq(value)
    }
    fn serialize_none(self) -> WriteResult {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> WriteResult {
        value.serialize(self)
    }
    fn serialize_unit(self) -> WriteResult {
        self.bytes.extend_from_slice(b"null");
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> WriteResult {
        self.serialize_unit()
    }
    #[inline]
    fn serialize_unit_variant(self, _: &'static str, _: u32, word: &'static str) -> WriteResult {
        if O::SORTS {
            string(word, self.bytes)
        } else {
            plain(word, self.bytes)
        }
        Ok(())
    }
    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> WriteResult {
        if name == PLAIN_TEXT {
            value.serialize(Writer::<O, true> { bytes: self.bytes, order: PhantomData })
        } else {
            value.serialize(self)
        }
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> WriteResult {
        let nested = Nested::<O>::variant(self.bytes, variant, "", "}");
        value.serialize(Writer::<O>::new(nested.bytes))?;
        nested.close();
        Ok(())
    }
    fn serialize_seq(self, _: Option<usize>) -> Opened<'b, O> {
        Ok(Nested::open(self.bytes, "[", "]"))
    }
    fn serialize_tuple(self, _: usize) -> Opened<'b, O> {
        self.serialize_seq(None)
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Opened<'b, O> {
        self.serialize_seq(None)
    }
    fn serialize_tuple_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Opened<'b, O> {
        Ok(Nested::variant(self.bytes, variant, "[", "]}"))
    }
    fn serialize_map(self, _: Option<usize>) -> Opened<'b, O> {
        Ok(Nested::open(self.bytes, "{", "}"))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Opened<'b, O> {
        self.serialize_map(None)
    }
    fn serialize_struct_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Opened<'b, O> {
        Ok(Nested::variant(self.bytes, variant, "{", "}}"))
    }
}

macro_rules! entries {
    ($($trait:ident: $method:ident,)*) => {$(
        impl<O: Order> ser::$trait for Nested<'_, O> {
            type Ok = ();
            type Error = CanonicalError;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> WriteResult {
                self.entry(value)
            }

            fn end(self) -> WriteResult {
                self.close();
                Ok(())
            }
        }
    )*};
}

entries! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field,
}

macro_rules! members {
    ($($trait:ident,)*) => {$(
        impl<O: Order> ser::$trait for Nested<'_, O> {
            type Ok = ();
            type Error = CanonicalError;

            #[inline(always)]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> WriteResult {
                if O::SORTS {
                    return self.serialize_entry(name, value);
                }
                self.name(name);
                value.serialize(Writer::<O>::new(self.bytes))
            }

            fn end(self) -> WriteResult {
                self.close();
                Ok(())
            }
        }
    )*};
}

members! { SerializeStruct, SerializeStructVariant, }

impl<O: Order> SerializeMap for Nested<'_, O> {
    type Ok = ();
    type Error = CanonicalError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> WriteResult {
        // Members that are sorted get their commas when all are there.
        self.first |= O::SORTS;
        let start = self.bytes.len() + usize::from(!self.first);
        self.members.begin(start);
        self.entry(key).map_err(|error| match error {
            CanonicalError::Serialize { .. } => error,
            _ => CanonicalError::Key,
        })?;
        if self.bytes.get(start) == Some(&b'"') { Ok(()) } else { Err(CanonicalError::Key) }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> WriteResult {
        self.bytes.push(b':');
        value.serialize(Writer::<O>::new(self.bytes))?;
        self.members.end(self.bytes)
    }

    fn end(self) -> WriteResult {
        self.close();
        Ok(())
    }
}
