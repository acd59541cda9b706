//! The keys that a struct of the schema knows.

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};

/// The keys that a struct of the schema reads, aliases included.
pub(in crate::config) fn fields_of<T: for<'de> Deserialize<'de>>() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    // A derived reader hands its fields to the deserializer, which keeps them and then fails.
    let _ = T::deserialize(AskForFields(&mut fields));
    fields
}

struct AskForFields<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for AskForFields<'_> {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(Error::custom("not a struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = fields;
        Err(Error::custom("asked"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema;

    #[test]
    fn a_schema_tells_its_keys() {
        let keys = fields_of::<schema::LimitKeys>();
        assert!(keys.contains(&"rpm") && keys.contains(&"max_parallel_requests"));
        let keys = fields_of::<schema::RetryAndTimeouts>();
        assert!(
            keys.contains(&"sse_keepalive_ping_interval_seconds"),
            "{keys:?}"
        );
    }
}
