//! The types of the messages as serde sees them: each structure's fields, each enumeration's
//! variants and their fields, in order, with their types in the words of `docs/protocol.md`.

use std::collections::BTreeMap;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, SeqAccess,
    VariantAccess, Visitor, value::Error,
};

/// All types that were found, by name.
#[derive(Default)]
pub(crate) struct Schema {
    /// Of a structure, its fields as `name type`, separated by commas.
    pub(crate) structs: BTreeMap<&'static str, String>,
    /// Of an enumeration, each variant's fields likewise, or its one type; empty where it has
    /// none.
    pub(crate) enums: BTreeMap<&'static str, Vec<Option<String>>>,
    random: u64,
}

impl Schema {
    /// Adds the types that `T` is made of.
    ///
    /// # Panics
    /// When a variant was not seen, which only some thousand walks that take variants at random
    /// could show.
    pub(crate) fn add<T: DeserializeOwned>(&mut self) {
        for _ in 0..4_000 {
            let mut name = String::new();
            T::deserialize(Walk { schema: self, name: &mut name }).expect("any walk ends");
        }
        for (name, variants) in &self.enums {
            let unseen = variants.iter().position(Option::is_none);
            assert_eq!(unseen, None, "a variant of {name} was not walked over");
        }
    }

    /// A number below `bound`; any sequence will do that mixes well.
    fn below(&mut self, bound: usize) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.random >> 33) as usize % bound
    }
}

/// Makes up a value and writes down its type.
struct Walk<'a> {
    schema: &'a mut Schema,
    name: &'a mut String,
}

macro_rules! plain {
    ($($method:ident $visit:ident($value:expr) $name:literal)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            $name.clone_into(self.name);
            visitor.$visit($value)
        })+
    };
}

impl<'de> Deserializer<'de> for Walk<'_> {
    type Error = Error;

    plain! {
        deserialize_bool visit_bool(false) "bool"
        deserialize_u8 visit_u8(0) "u8"
        deserialize_u16 visit_u16(0) "u16"
        deserialize_u32 visit_u32(0) "u32"
        deserialize_u64 visit_u64(0) "u64"
        deserialize_i64 visit_i64(0) "i64"
        deserialize_string visit_str("") "text"
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let value = visitor.visit_some(Walk { schema: self.schema, name: self.name })?;
        self.name.push('?');
        Ok(value)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let mut types = Vec::new();
        let value = visitor.visit_seq(Items { schema: self.schema, types: &mut types, left: 1 })?;
        *self.name = format!("[{}]", types.concat());
        Ok(value)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        left: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let mut types = Vec::new();
        let value = visitor.visit_seq(Items { schema: self.schema, types: &mut types, left })?;
        assert!(types.iter().all(|name| name == "u8"), "the page has no word for ({types:?})");
        *self.name = format!("{left} bytes");
        Ok(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let (value, fields) = named(self.schema, fields, visitor)?;
        self.schema.structs.insert(name, fields);
        name.clone_into(self.name);
        Ok(value)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let is_result = name == "Result";
        let tag = if is_result { 0 } else { self.schema.below(variants.len()) };
        let mut fields = String::new();
        let value = visitor.visit_enum(Choice { schema: self.schema, fields: &mut fields, tag })?;
        if is_result {
            *self.name = format!("Result<{fields}>");
        } else {
            let known = self.schema.enums.entry(name).or_insert_with(|| vec![None; variants.len()]);
            known[tag] = Some(fields);
            name.clone_into(self.name);
        }
        Ok(value)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(serde::de::Error::custom("a message has a field of a type that the page does not have"))
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i128 u128 f32 f64 char str bytes byte_buf unit unit_struct tuple_struct map
        identifier ignored_any
    }
}

/// Walks over fields; what the visitor makes of them, and `name type` of each.
fn named<'de, V: Visitor<'de>>(
    schema: &mut Schema,
    fields: &[&str],
    visitor: V,
) -> Result<(V::Value, String), Error> {
    let mut types = Vec::new();
    let value = visitor.visit_seq(Items { schema, types: &mut types, left: fields.len() })?;
    let named: Vec<String> =
        fields.iter().zip(types).map(|(field, name)| format!("{field} {name}")).collect();
    Ok((value, named.join(", ")))
}

struct Items<'a> {
    schema: &'a mut Schema,
    types: &'a mut Vec<String>,
    left: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let mut name = String::new();
        let value = seed.deserialize(Walk { schema: self.schema, name: &mut name })?;
        self.types.push(name);
        Ok(Some(value))
    }
}

struct Choice<'a> {
    schema: &'a mut Schema,
    fields: &'a mut String,
    tag: usize,
}

impl<'de> EnumAccess<'de> for Choice<'_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let tag = IntoDeserializer::<Error>::into_deserializer(self.tag as u32);
        Ok((seed.deserialize(tag)?, self))
    }
}

impl<'de> VariantAccess<'de> for Choice<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(Walk { schema: self.schema, name: self.fields })
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Error> {
        Err(serde::de::Error::custom("the page has no word for variants with unnamed fields"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let (value, fields) = named(self.schema, fields, visitor)?;
        *self.fields = fields;
        Ok(value)
    }
}
