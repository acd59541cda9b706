//! Money in JSON: a number with exactly the decimal's digits. `#[serde(with = "money")]`.

use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::value::RawValue;

/// US dollars as a JSON number of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dollars(#[serde(with = "self")] pub Decimal);

pub fn serialize<S: Serializer>(amount: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    RawValue::from_string(amount.normalize().to_string())
        .map_err(ser::Error::custom)?
        .serialize(serializer)
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    parse(&Box::<RawValue>::deserialize(deserializer)?)
}

fn parse<E: de::Error>(json: &RawValue) -> Result<Decimal, E> {
    let digits = json.get();
    Decimal::from_str(digits)
        .or_else(|_| Decimal::from_scientific(digits))
        .map_err(|_| de::Error::custom(format!("not an amount: {digits}")))
}

/// A map of names to amounts: `#[serde(with = "money::map")]`.
pub mod map {
    use std::collections::BTreeMap;

    use super::*;

    pub fn serialize<S: Serializer>(
        amounts: &BTreeMap<String, Decimal>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            amounts
                .iter()
                .map(|(name, amount)| (name, Dollars(*amount))),
        )
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, Decimal>, D::Error> {
        let amounts = BTreeMap::<String, Dollars>::deserialize(deserializer)?;
        Ok(amounts.into_iter().map(|(name, a)| (name, a.0)).collect())
    }
}

/// An amount that may be unknown: `#[serde(with = "money::option")]`, `null` when it is.
pub mod option {
    use super::*;

    pub fn serialize<S: Serializer>(
        amount: &Option<Decimal>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match amount {
            Some(amount) => super::serialize(amount, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Decimal>, D::Error> {
        let raw = Option::<Box<RawValue>>::deserialize(deserializer)?;
        raw.filter(|raw| raw.get() != "null")
            .map(|raw| parse(&raw))
            .transpose()
    }
}
