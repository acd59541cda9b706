//! Where a claim stands in a token, and what its value has to be.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::config::file::lenient;

/// Where a claim stands: a name, or a JSON Pointer (RFC 6901) such as `/resource_access/gateway/roles`.
///
/// A dot in a name is a dot: the claims of AWS are called after addresses.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClaimPath(Vec<String>);

impl ClaimPath {
    /// The claim of this name, at the top of a token.
    pub fn named(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }

    /// As the file writes it; `None`: it names nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let Some(pointer) = text.strip_prefix('/') else {
            return (!text.is_empty()).then(|| Self::named(text));
        };
        let steps = pointer.split('/');
        let steps = steps.map(|step| step.replace("~1", "/").replace("~0", "~"));
        Some(Self(steps.collect()))
    }

    /// As the reference system writes it: dots lead inwards, `\.` is a dot.
    pub(super) fn dotted(text: &str) -> Option<Self> {
        const DOT: &str = "\u{0}";
        let text = text.replace("\\.", DOT);
        let steps: Vec<String> = text.split('.').map(|step| step.replace(DOT, ".")).collect();
        let is_whole = steps.iter().all(|step| !step.is_empty());
        is_whole.then_some(Self(steps))
    }

    /// Its value among the claims of a token.
    pub fn find<'c>(&self, claims: &'c Map<String, Value>) -> Option<&'c Value> {
        let (first, deeper) = self.0.split_first()?;
        let found = claims.get(first)?;
        deeper.iter().try_fold(found, |value, step| value.get(step))
    }

    /// The name at the top of a token.
    pub fn first(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// Whether it stands at or below these steps.
    pub(super) fn is_below(&self, steps: &[&str]) -> bool {
        self.0.len() >= steps.len() && self.0.iter().zip(steps).all(|(own, step)| own == step)
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [name] => f.write_str(name),
            steps => steps
                .iter()
                .try_for_each(|step| write!(f, "/{}", step.replace('~', "~0").replace('/', "~1"))),
        }
    }
}

impl fmt::Debug for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClaimPath({self})")
    }
}

impl<'de> Deserialize<'de> for ClaimPath {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = lenient::text(d)?.unwrap_or_default();
        let expected = "expected a claim's name, or a JSON Pointer that begins with /";
        Self::parse(&text).ok_or_else(|| D::Error::custom(expected))
    }
}

/// What a claim has to be: one of these values, or fitting one of them where it has a `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimCondition {
    /// Where it stands.
    pub claim: ClaimPath,
    /// At least one.
    pub values: Vec<String>,
}

/// Reads `{claim: value or list}`. All of them have to hold.
pub(super) fn conditions<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<ClaimCondition>, D::Error> {
    let written = Option::<BTreeMap<String, Values>>::deserialize(d)?;
    let written = written.into_iter().flatten();
    written
        .map(|(claim, Values(values))| {
            let claim = ClaimPath::parse(&claim)
                .ok_or_else(|| D::Error::custom("found a claim without a name"))?;
            if values.is_empty() {
                let message =
                    format!("found no value for the claim {claim}, expected at least one");
                return Err(D::Error::custom(message));
            }
            Ok(ClaimCondition { claim, values })
        })
        .collect()
}

/// A value, or several.
struct Values(Vec<String>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self(lenient::texts(d)?.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_claim_is_found_by_its_name_or_its_place() {
        let Value::Object(claims) = json!({
            "sub": "1", "cognito:groups": ["a"], "a.b": 2, "a": {"b": {"c/d": 3}},
            "https://sts.amazonaws.com/": {"org_id": "o-1"},
        }) else {
            panic!("no object");
        };
        for (path, expected) in [
            ("sub", json!("1")),
            ("cognito:groups", json!(["a"])),
            ("a.b", json!(2)),
            ("/a/b/c~1d", json!(3)),
            ("/https:~1~1sts.amazonaws.com~1/org_id", json!("o-1")),
            ("/sub", json!("1")),
            ("/a/x", Value::Null),
            ("x", Value::Null),
        ] {
            let parsed = ClaimPath::parse(path).unwrap();
            let found = parsed.find(&claims).cloned().unwrap_or_default();
            assert_eq!(found, expected, "{path}");
            assert_eq!(
                ClaimPath::parse(&parsed.to_string()),
                Some(parsed),
                "{path}"
            );
        }
        assert_eq!(ClaimPath::parse(""), None);
    }

    #[test]
    fn the_reference_system_s_dots_lead_inwards() {
        for (dotted, expected) in [
            ("sub", Some("sub")),
            (
                "resource_access.gateway.roles",
                Some("/resource_access/gateway/roles"),
            ),
            (r"example\.com/team.id", Some("/example.com~1team/id")),
            ("a..b", None),
            ("", None),
        ] {
            let path = ClaimPath::dotted(dotted).map(|path| path.to_string());
            assert_eq!(path.as_deref(), expected, "{dotted}");
        }
    }
}
