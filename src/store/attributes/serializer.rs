//! Serde's way from a record to an attribute, without a text in between.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::ser::{self, Error as _, Serialize, Serializer};
use serde_json::{Error, Number, Value};

use super::{Attributes, number, text};

/// The name under which a `RawValue` comes to a serializer: a struct with one field, the JSON text.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// Room for the fields of a map whose length is not said: a record, in which another struct is flattened.
const FLATTENED: usize = 24;

/// Makes an attribute of a value, with the shapes that JSON has for it.
pub(super) struct AttributeSerializer;

impl Serializer for AttributeSerializer {
    type Ok = AttributeValue;
    type Error = Error;
    type SerializeSeq = ListValues;
    type SerializeTuple = ListValues;
    type SerializeTupleStruct = ListValues;
    type SerializeTupleVariant = ListValues;
    type SerializeMap = ObjectFields;
    type SerializeStruct = Struct;
    type SerializeStructVariant = ObjectFields;

    fn serialize_bool(self, value: bool) -> Result<AttributeValue, Error> {
        Ok(AttributeValue::Bool(value))
    }

    fn serialize_i8(self, value: i8) -> Result<AttributeValue, Error> {
        Ok(number(value))
    }

    fn serialize_i16(self, value: i16) -> Result<AttributeValue, Error> {
        Ok(number(value))
    }

    fn serialize_i32(self, value: i32) -> Result<AttributeValue, Error> {
        Ok(number(value))
    }

    fn serialize_i64(self, value: i64) -> Result<AttributeValue, Error> {
        Ok(number(value))
    }

    fn serialize_u8(self, value: u8) -> Result<AttributeValue, Error> {
        Ok(number(value))
    }

    fn serialize_u16(self, value: u16) -> Result<AttributeValue, Error> {
        Ok(number(value))
    }

    fn serialize_u32(self, value: u32) -> Result<AttributeValue, Error> {
        Ok(number(value))
    }

    fn serialize_u64(self, value: u64) -> Result<AttributeValue, Error> {
        Ok(number(value))
    }

    fn serialize_f32(self, value: f32) -> Result<AttributeValue, Error> {
        self.serialize_f64(value.into())
    }

    /// What is no number (`NaN`, infinite) is `null`, as in JSON.
    fn serialize_f64(self, value: f64) -> Result<AttributeValue, Error> {
        Ok(Number::from_f64(value).map_or(AttributeValue::Null(true), number))
    }

    fn serialize_char(self, value: char) -> Result<AttributeValue, Error> {
        Ok(text(value))
    }

    fn serialize_str(self, value: &str) -> Result<AttributeValue, Error> {
        Ok(text(value))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<AttributeValue, Error> {
        value.serialize(self)
    }

    fn serialize_none(self) -> Result<AttributeValue, Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<AttributeValue, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<AttributeValue, Error> {
        Ok(AttributeValue::Null(true))
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<AttributeValue, Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<AttributeValue, Error> {
        Ok(text(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<AttributeValue, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<AttributeValue, Error> {
        Ok(named(variant, value.serialize(self)?))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<ListValues, Error> {
        Ok(ListValues {
            values: Vec::with_capacity(len.unwrap_or_default()),
            variant: None,
        })
    }

    fn serialize_tuple(self, len: usize) -> Result<ListValues, Error> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _name: &'static str, len: usize) -> Result<ListValues, Error> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<ListValues, Error> {
        Ok(ListValues {
            variant: Some(variant),
            ..self.serialize_seq(Some(len))?
        })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<ObjectFields, Error> {
        Ok(ObjectFields {
            fields: Attributes::with_capacity(len.unwrap_or(FLATTENED)),
            name: None,
            variant: None,
        })
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Struct, Error> {
        match name {
            RAW_VALUE => Ok(Struct::Raw(None)),
            _ => Ok(Struct::ObjectFields(self.serialize_map(Some(len))?)),
        }
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<ObjectFields, Error> {
        Ok(ObjectFields {
            variant: Some(variant),
            ..self.serialize_map(Some(len))?
        })
    }
}

/// A list on its way.
pub(super) struct ListValues {
    values: Vec<AttributeValue>,
    /// The enum's variant whose values these are.
    variant: Option<&'static str>,
}

impl ListValues {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.values.push(value.serialize(AttributeSerializer)?);
        Ok(())
    }

    fn finish(self) -> AttributeValue {
        let list = AttributeValue::L(self.values);
        match self.variant {
            Some(variant) => named(variant, list),
            None => list,
        }
    }
}

/// The fields of an object on their way.
pub(super) struct ObjectFields {
    fields: Attributes,
    /// The name of the map's next value.
    name: Option<String>,
    /// The enum's variant whose fields these are.
    variant: Option<&'static str>,
}

/// A struct on its way.
pub(super) enum Struct {
    ObjectFields(ObjectFields),
    /// A `RawValue`: the attribute of its text, once that has come.
    Raw(Option<AttributeValue>),
}

impl ObjectFields {
    fn insert<T: Serialize + ?Sized>(
        &mut self,
        name: impl Into<String>,
        value: &T,
    ) -> Result<(), Error> {
        let value = value.serialize(AttributeSerializer)?;
        self.fields.insert(name.into(), value);
        Ok(())
    }

    fn finish(self) -> AttributeValue {
        let fields = AttributeValue::M(self.fields);
        match self.variant {
            Some(variant) => named(variant, fields),
            None => fields,
        }
    }
}

/// The attribute of a `RawValue`'s text. A number keeps its digits; numbers inside of an object or a list are floats.
fn raw(json: AttributeValue) -> Result<AttributeValue, Error> {
    let AttributeValue::S(json) = json else {
        return Err(Error::custom("a RawValue is a text"));
    };
    if json.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return Ok(number(json));
    }
    serde_json::from_str::<Value>(&json)?.serialize(AttributeSerializer)
}

/// The value of an enum's variant, under the variant's name.
fn named(variant: &str, value: AttributeValue) -> AttributeValue {
    AttributeValue::M(Attributes::from([(variant.to_owned(), value)]))
}

impl ser::SerializeSeq for ListValues {
    type Ok = AttributeValue;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.push(value)
    }

    fn end(self) -> Result<AttributeValue, Error> {
        Ok(self.finish())
    }
}

impl ser::SerializeTuple for ListValues {
    type Ok = AttributeValue;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.push(value)
    }

    fn end(self) -> Result<AttributeValue, Error> {
        Ok(self.finish())
    }
}

impl ser::SerializeTupleStruct for ListValues {
    type Ok = AttributeValue;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.push(value)
    }

    fn end(self) -> Result<AttributeValue, Error> {
        Ok(self.finish())
    }
}

impl ser::SerializeTupleVariant for ListValues {
    type Ok = AttributeValue;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.push(value)
    }

    fn end(self) -> Result<AttributeValue, Error> {
        Ok(self.finish())
    }
}

impl ser::SerializeMap for ObjectFields {
    type Ok = AttributeValue;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.name = Some(match key.serialize(AttributeSerializer)? {
            AttributeValue::S(name) | AttributeValue::N(name) => name,
            _ => return Err(Error::custom("a map's key must be a text or a number")),
        });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let name = self.name.take();
        self.insert(
            name.ok_or_else(|| Error::custom("a map's value without its key"))?,
            value,
        )
    }

    fn end(self) -> Result<AttributeValue, Error> {
        Ok(self.finish())
    }
}

impl ser::SerializeStruct for Struct {
    type Ok = AttributeValue;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        match self {
            Struct::ObjectFields(fields) => fields.insert(name, value)?,
            Struct::Raw(text) => *text = Some(value.serialize(AttributeSerializer)?),
        }
        Ok(())
    }

    fn end(self) -> Result<AttributeValue, Error> {
        match self {
            Struct::ObjectFields(fields) => Ok(fields.finish()),
            Struct::Raw(Some(text)) => raw(text),
            Struct::Raw(None) => Err(Error::custom("a RawValue without its text")),
        }
    }
}

impl ser::SerializeStructVariant for ObjectFields {
    type Ok = AttributeValue;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.insert(name, value)
    }

    fn end(self) -> Result<AttributeValue, Error> {
        Ok(self.finish())
    }
}
