//! `fallbacks` of a request, in LiteLLM's three forms.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// One entry of `fallbacks`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WireFallback {
    /// `"b"`.
    Model(String),
    /// `{"model": "b", "messages": […], …}`: what differs for this one.
    Changed {
        /// The model.
        model: String,
        /// Fields that replace those of the request.
        fields: FallbackFields,
    },
    /// `{"a": ["b"]}`: what follows `a`.
    Following(BTreeMap<String, Vec<String>>),
}

/// Fields of a body by their names, each as the client wrote it: as JSON trees they would take many times as much.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FallbackFields(BTreeMap<String, Box<str>>);

impl WireFallback {
    /// How many models it names: itself, or those of its lists, of which an empty one counts as one; and those that its
    /// own fields name as fallbacks, which are never asked.
    pub fn names(&self) -> usize {
        match self {
            Self::Model(_) => 1,
            Self::Changed { fields, .. } => {
                let nested = fields.fallbacks();
                1 + nested.iter().map(Self::own_names).sum::<usize>()
            }
            Self::Following(_) => self.own_names(),
        }
    }

    /// Without those that its own fields name.
    fn own_names(&self) -> usize {
        match self {
            Self::Model(_) | Self::Changed { .. } => 1,
            Self::Following(lists) => lists.values().map(|names| names.len().max(1)).sum(),
        }
    }
}

impl<'de> Deserialize<'de> for WireFallback {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FallbackVisitor)
    }
}

struct FallbackVisitor;

impl<'de> Visitor<'de> for FallbackVisitor {
    type Value = WireFallback;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a model, {\"model\": …} or {\"model\": [fallback, …]}")
    }

    fn visit_str<E>(self, model: &str) -> Result<WireFallback, E> {
        Ok(WireFallback::Model(model.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WireFallback, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            fields.insert(name, Box::from(value));
        }
        let model = fields.get("model");
        let model = model.and_then(|model| serde_json::from_str::<String>(model).ok());
        if let Some(model) = model {
            fields.remove("model");
            let fields = FallbackFields(fields);
            return Ok(WireFallback::Changed { model, fields });
        }
        let lists = fields.into_iter().map(|(of, names)| {
            let names = serde_json::from_str(&names);
            let names = names.map_err(|_| A::Error::custom(Self::expected()))?;
            Ok((of, names))
        });
        lists.collect::<Result<_, _>>().map(WireFallback::Following)
    }
}

impl FallbackVisitor {
    fn expected() -> String {
        format!("expected {}", &Self as &dyn serde::de::Expected)
    }
}

impl FallbackFields {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fallbacks that they name, if these have their form.
    fn fallbacks(&self) -> Vec<WireFallback> {
        let json = self.0.get("fallbacks");
        let fallbacks = json.and_then(|json| serde_json::from_str(json).ok());
        fallbacks.unwrap_or_default()
    }

    /// The fields alone as a JSON object.
    pub fn to_json(&self) -> Vec<u8> {
        object(self.0.iter().map(|(name, value)| (name, &**value)))
    }

    /// The JSON object `body` with these fields and this model instead of its own: what a fallback is asked that wants
    /// something else. `None`: the body is no JSON object.
    pub fn merged_into(&self, body: &[u8], model: &str) -> Option<Vec<u8>> {
        let body: BTreeMap<String, &RawValue> = serde_json::from_slice(body).ok()?;
        let model = serde_json::to_string(model).ok()?;
        let mut fields: BTreeMap<&String, &str> = body
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "fallbacks" | "model"))
            .map(|(name, value)| (name, value.get()))
            .collect();
        fields.extend(self.0.iter().map(|(name, value)| (name, &**value)));
        let name = "model".to_owned();
        fields.insert(&name, &model);
        Some(object(fields.into_iter()))
    }
}

/// A JSON object of fields whose values are JSON already.
fn object<'a>(fields: impl Iterator<Item = (&'a String, &'a str)>) -> Vec<u8> {
    let mut json = vec![b'{'];
    for (name, value) in fields {
        if json.len() > 1 {
            json.push(b',');
        }
        json.extend_from_slice(
            serde_json::Value::from(name.as_str())
                .to_string()
                .as_bytes(),
        );
        json.push(b':');
        json.extend_from_slice(value.as_bytes());
    }
    json.push(b'}');
    json
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn fields(json: &str) -> FallbackFields {
        match serde_json::from_str(json).unwrap() {
            WireFallback::Changed { fields, .. } => fields,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_fallback_s_fields_replace_those_of_the_body() {
        let body = br#"{"model": "a", "max_tokens": 1, "fallbacks": [1], "temperature": 0.5}"#;
        let changed = fields(r#"{"model": "b", "max_tokens": 7, "a \"name\"": [{}]}"#);
        let merged = changed.merged_into(body, "b").unwrap();
        let merged: Value = serde_json::from_slice(&merged).unwrap();
        assert_eq!(
            merged,
            json!({"model": "b", "max_tokens": 7, "temperature": 0.5, "a \"name\"": [{}]})
        );
        assert_eq!(changed.merged_into(b"[]", "b"), None);
        assert_eq!(fields(r#"{"model": "b"}"#).to_json(), b"{}");
    }

    #[test]
    fn what_has_none_of_the_three_forms_is_refused() {
        for json in ["7", "null", "[]", r#"{"a": 1}"#, r#"{"a": [1]}"#] {
            let error = serde_json::from_str::<WireFallback>(json).unwrap_err();
            assert!(error.to_string().contains("{\"model\": …}"), "{error}");
        }
    }
}
