//! The byte format once more, written from its description alone: a message as the hex digits of
//! each of its fields. What this gives must be what `protocol::wire` gives.

use std::fmt;

use serde::{
    Serialize,
    ser::{self, Impossible, Serializer},
};

/// The bytes of each field of `message`, tags and lengths included, without the length before it.
pub(crate) fn fields(message: &impl Serialize) -> Vec<Vec<u8>> {
    let mut fields = Fields(Vec::new());
    message.serialize(&mut fields).expect("messages are made of integers, text, lists and enums");
    fields.0
}

struct Fields(Vec<Vec<u8>>);

impl Fields {
    fn put(&mut self, bytes: &[u8]) -> Result<(), NoSuchField> {
        self.0.push(bytes.to_vec());
        Ok(())
    }
}

/// A message has a field of a type that the format has no bytes for.
#[derive(Debug)]
pub(crate) struct NoSuchField(String);

impl fmt::Display for NoSuchField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoSuchField {}

impl ser::Error for NoSuchField {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

macro_rules! integers {
    ($($name:ident: $type:ty)+) => {
        $(fn $name(self, value: $type) -> Result<(), NoSuchField> {
            self.put(&value.to_le_bytes())
        })+
    };
}

macro_rules! none_such {
    ($($name:ident($($type:ty)?))+) => {
        $(fn $name(self $(, _: $type)?) -> Result<(), NoSuchField> {
            Err(NoSuchField(stringify!($name).to_owned()))
        })+
    };
}

impl Serializer for &mut Fields {
    type Ok = ();
    type Error = NoSuchField;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Impossible<(), NoSuchField>;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    integers! {
        serialize_i8: i8 serialize_i16: i16 serialize_i32: i32 serialize_i64: i64
        serialize_u8: u8 serialize_u16: u16 serialize_u32: u32 serialize_u64: u64
    }

    none_such! {
        serialize_f32(f32) serialize_f64(f64) serialize_char(char) serialize_bytes(&[u8])
        serialize_unit()
    }

    fn serialize_bool(self, value: bool) -> Result<(), NoSuchField> {
        self.put(&[u8::from(value)])
    }

    fn serialize_str(self, value: &str) -> Result<(), NoSuchField> {
        self.put(&(value.len() as u64).to_le_bytes())?;
        if value.is_empty() { Ok(()) } else { self.put(value.as_bytes()) }
    }

    fn serialize_none(self) -> Result<(), NoSuchField> {
        self.put(&[0])
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NoSuchField> {
        self.put(&[1])?;
        value.serialize(self)
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), NoSuchField> {
        Err(NoSuchField(name.to_owned()))
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        tag: u32,
        _: &'static str,
    ) -> Result<(), NoSuchField> {
        self.put(&tag.to_le_bytes())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), NoSuchField> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        tag: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), NoSuchField> {
        self.put(&tag.to_le_bytes())?;
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self, NoSuchField> {
        let length = length.ok_or_else(|| NoSuchField("a list of unknown length".to_owned()))?;
        self.put(&(length as u64).to_le_bytes())?;
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, NoSuchField> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, NoSuchField> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        tag: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, NoSuchField> {
        self.put(&tag.to_le_bytes())?;
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, NoSuchField> {
        Err(NoSuchField("a map".to_owned()))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, NoSuchField> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        tag: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, NoSuchField> {
        self.put(&tag.to_le_bytes())?;
        Ok(self)
    }
}

macro_rules! parts {
    ($($part:ident::$method:ident($($key:ty)?))+) => {
        $(impl ser::$part for &mut Fields {
            type Ok = ();
            type Error = NoSuchField;

            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $(_: $key,)?
                value: &T,
            ) -> Result<(), NoSuchField> {
                value.serialize(&mut **self)
            }

            fn end(self) -> Result<(), NoSuchField> {
                Ok(())
            }
        })+
    };
}

parts! {
    SerializeSeq::serialize_element()
    SerializeTuple::serialize_element()
    SerializeTupleStruct::serialize_field()
    SerializeTupleVariant::serialize_field()
    SerializeStruct::serialize_field(&'static str)
    SerializeStructVariant::serialize_field(&'static str)
}
