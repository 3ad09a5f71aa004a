//! serde to JavaScript's values and back, as far as [`face`](super::face) needs it.
//!
//! serde-wasm-bindgen does this for all of serde's types, and words its errors through `core::fmt`:
//! with it a viewer downloads 9.5 kB more (brotli) than without serde, with this 2.2 kB.

use super::dom;
use core::fmt::{self, Display, Formatter};
use js_sys::{Array, Object};
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, Expected, IntoDeserializer, MapAccess, Unexpected, Visitor,
};
use serde::ser::{Impossible, SerializeSeq, SerializeStruct, Serializer};
use serde::{Serialize, forward_to_deserialize_any};
use wasm_bindgen::prelude::*;

/// A struct, or a list of such, as JavaScript's.
pub(crate) fn of<T: Serialize + ?Sized>(it: &T) -> JsValue {
    // Refused is only what nothing in `face` is made of.
    it.serialize(Writer).unwrap_or_default()
}

/// Why a value is not taken.
#[derive(Debug)]
pub(crate) struct Refused {
    /// What is to be said of it: "has to be ...".
    pub(crate) remark: String,
    /// The property that it is of; empty outside an object.
    pub(crate) key: String,
}

impl Refused {
    fn new(remark: String) -> Self {
        Self { remark, key: String::new() }
    }
}

impl Display for Refused {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(&self.remark)
    }
}

impl core::error::Error for Refused {}

/// What is written is nothing that `face` is made of. It has no text: each field of each object would have to free it.
#[derive(Debug)]
struct Unwritable;

impl Display for Unwritable {
    fn fmt(&self, _: &mut Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl core::error::Error for Unwritable {}

impl serde::ser::Error for Unwritable {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

// serde's own words for these show the value as well, which costs a printer of floats; the console
// shows it anyway.
impl serde::de::Error for Refused {
    fn custom<T: Display>(wanted: T) -> Self {
        Self::new(wanted.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::new(["has to be ", &wanted.to_string()].concat())
    }

    fn invalid_value(given: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::invalid_type(given, wanted)
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self::new(["has to be one of \"", &known.join("\", \""), "\""].concat())
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self::new(String::new())
    }

    fn unknown_field(_: &str, known: &'static [&'static str]) -> Self {
        Self::new(["is none of ", &known.join(", ")].concat())
    }
}

#[derive(Clone, Copy)]
struct Writer;

type Never = Impossible<JsValue, Unwritable>;

/// Numbers are those of JavaScript, exact up to 2^53.
macro_rules! numbers {
    ($($name:ident($ty:ty),)*) => {
        $(fn $name(self, it: $ty) -> Result<JsValue, Unwritable> {
            Ok(JsValue::from_f64(it as f64))
        })*
    };
}

macro_rules! refuse {
    ($($name:ident($($ty:ty),*) -> $ok:ty,)*) => {
        $(fn $name(self, $(_: $ty),*) -> Result<$ok, Unwritable> {
            Err(Unwritable)
        })*
    };
}

impl Serializer for Writer {
    type Ok = JsValue;
    type Error = Unwritable;
    type SerializeSeq = List;
    type SerializeStruct = Fields;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStructVariant = Never;

    numbers! {
        serialize_i8(i8),
        serialize_i16(i16),
        serialize_i32(i32),
        serialize_i64(i64),
        serialize_u8(u8),
        serialize_u16(u16),
        serialize_u32(u32),
        serialize_u64(u64),
        serialize_f32(f32),
        serialize_f64(f64),
    }

    refuse! {
        serialize_char(char) -> JsValue,
        serialize_bytes(&[u8]) -> JsValue,
        serialize_tuple(usize) -> Never,
        serialize_tuple_struct(&'static str, usize) -> Never,
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Never,
        serialize_map(Option<usize>) -> Never,
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Never,
    }

    fn serialize_bool(self, it: bool) -> Result<JsValue, Unwritable> {
        Ok(it.into())
    }

    fn serialize_str(self, it: &str) -> Result<JsValue, Unwritable> {
        Ok(it.into())
    }

    fn serialize_unit(self) -> Result<JsValue, Unwritable> {
        Ok(JsValue::NULL)
    }

    fn serialize_none(self) -> Result<JsValue, Unwritable> {
        Ok(JsValue::NULL)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, it: &T) -> Result<JsValue, Unwritable> {
        it.serialize(self)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<JsValue, Unwritable> {
        Ok(JsValue::NULL)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        word: &'static str,
    ) -> Result<JsValue, Unwritable> {
        Ok(word.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        it: &T,
    ) -> Result<JsValue, Unwritable> {
        it.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<JsValue, Unwritable> {
        Err(Unwritable)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List, Unwritable> {
        Ok(List(Array::new()))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields, Unwritable> {
        Ok(Fields(Object::new()))
    }
}

struct List(Array);

impl SerializeSeq for List {
    type Ok = JsValue;
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, it: &T) -> Result<(), Unwritable> {
        self.0.push(&it.serialize(Writer)?);
        Ok(())
    }

    fn end(self) -> Result<JsValue, Unwritable> {
        Ok(self.0.into())
    }
}

struct Fields(Object);

impl Fields {
    /// One copy of this for all types of fields.
    #[inline(never)]
    fn set(&self, key: &str, value: JsValue) {
        // An object of our own takes every field.
        _ = dom::set(&self.0, key, &value);
    }
}

impl SerializeStruct for Fields {
    type Ok = JsValue;
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        it: &T,
    ) -> Result<(), Unwritable> {
        self.set(key, it.serialize(Writer)?);
        Ok(())
    }

    fn end(self) -> Result<JsValue, Unwritable> {
        Ok(self.0.into())
    }
}

/// A value of the page's, to be read.
struct Given(JsValue);

impl<'de> Deserializer<'de> for Given {
    type Error = Refused;

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        if let Some(it) = self.0.as_bool() {
            visitor.visit_bool(it)
        } else if let Some(it) = self.0.as_f64() {
            visitor.visit_f64(it)
        } else if let Some(it) = self.0.as_string() {
            visitor.visit_str(&it)
        } else {
            Err(serde::de::Error::invalid_type(Unexpected::Unit, &visitor))
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        match self.0.as_string() {
            Some(word) => {
                visitor.visit_enum(IntoDeserializer::<Refused>::into_deserializer(word.as_str()))
            }
            None => Err(serde::de::Error::unknown_variant("", known)),
        }
    }
}

/// The properties of an object of the page's, in their order: name and value.
pub(crate) struct Properties<'a> {
    left: core::slice::Iter<'a, (String, JsValue)>,
    /// Its name has been read.
    now: Option<&'a (String, JsValue)>,
}

impl<'a> Properties<'a> {
    /// To be read into a struct.
    pub(crate) fn new(all: &'a [(String, JsValue)]) -> Self {
        Self { left: all.iter(), now: None }
    }

    /// Says of which property it is.
    fn of_now<T>(&self, result: Result<T, Refused>) -> Result<T, Refused> {
        result.map_err(|refused| Refused {
            key: self.now.map(|it| it.0.clone()).unwrap_or_default(),
            ..refused
        })
    }
}

impl<'de> MapAccess<'de> for Properties<'_> {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Refused> {
        self.now = self.left.next();
        let Some((key, _)) = self.now else { return Ok(None) };
        self.of_now(seed.deserialize(StrDeserializer::new(key))).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refused> {
        let value = self.now.map(|it| it.1.clone()).unwrap_or_default();
        self.of_now(seed.deserialize(Given(value)))
    }
}
