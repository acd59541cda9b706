//! Changes of settings, as bodies of JSON say them.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};

use crate::spend::money;

/// A change of one setting: `None` leaves it, `Some(None)` unsets it.
pub type Change<T> = Option<Option<T>>;

/// A field that is there: `null` unsets.
pub(crate) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    d: D,
) -> Result<Change<T>, D::Error> {
    Option::<T>::deserialize(d).map(Some)
}

/// An amount of dollars that is there: `null` unsets.
pub(crate) fn dollars<'de, D: Deserializer<'de>>(d: D) -> Result<Change<Decimal>, D::Error> {
    money::option::deserialize(d).map(Some)
}

/// Puts a changed value over a setting; unset is the default.
pub(crate) fn set<T: Clone + Default>(field: &mut T, change: &Change<T>) {
    if let Some(value) = change {
        *field = value.clone().unwrap_or_default();
    }
}

/// A JSON object as one text: the table's numbers and nesting have limits that JSON's do not.
pub(crate) mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de, ser};
    use serde_json::{Map, Value};

    pub fn serialize<S: Serializer>(map: &Map<String, Value>, s: S) -> Result<S::Ok, S::Error> {
        let text = serde_json::to_string(map).map_err(ser::Error::custom)?;
        s.serialize_str(&text)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Map<String, Value>, D::Error> {
        serde_json::from_str(&String::deserialize(d)?).map_err(de::Error::custom)
    }
}
