//! A client's own JSON in an item: as text. As an attribute it could be what DynamoDB does not hold: a number of another
//! size than its own, a name that is empty, one level more than 32
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>).

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use serde_json::{Map, Value};

/// Version 0.1 wrote the object itself.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredFreeForm {
    Text(String),
    Object(Map<String, Value>),
}

pub(super) fn serialize<S: Serializer>(
    fields: &Option<Map<String, Value>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let text = fields.as_ref().map(serde_json::to_string).transpose();
    text.map_err(ser::Error::custom)?.serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Map<String, Value>>, D::Error> {
    Ok(match Option::<StoredFreeForm>::deserialize(deserializer)? {
        None => None,
        Some(StoredFreeForm::Object(fields)) => Some(fields),
        // A value that was changed by hand is lost, and nothing else of the record.
        Some(StoredFreeForm::Text(text)) => serde_json::from_str(&text).ok(),
    })
}
