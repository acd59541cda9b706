//! What the value of a claim is. A claim of another type than it has to be is refused, never taken for something else.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::TokenRefusal;
use super::refusal::ClaimType;
use crate::config::{ClaimCondition, ClaimPath, fits_pattern};

/// The claims of a token whose signature is good.
pub(super) struct Claims<'c>(pub(super) &'c Map<String, Value>);

impl Claims<'_> {
    /// A text; `None`: there is none.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, TokenRefusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(TokenRefusal::bad_claim(name, ClaimType::Text)),
        }
    }

    /// An instant; `None`: there is none.
    pub(super) fn instant(&self, name: &str) -> Result<Option<Timestamp>, TokenRefusal> {
        let refused = || TokenRefusal::bad_claim(name, ClaimType::Instant);
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => {
                #[allow(clippy::cast_possible_truncation)] // saturates, and is refused then
                let seconds = number
                    .as_i64()
                    .or_else(|| number.as_f64().map(|n| n as i64));
                let instant = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
                instant.map(Some).ok_or_else(refused)
            }
            Some(_) => Err(refused()),
        }
    }

    /// A text, or a list of texts alone.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&str>, TokenRefusal> {
        let refused = || TokenRefusal::bad_claim(name, ClaimType::Texts);
        match self.0.get(name) {
            Some(Value::String(text)) => Ok(vec![text]),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| item.as_str().ok_or_else(refused))
                .collect(),
            _ => Err(refused()),
        }
    }

    /// Every value at a place: a text, a number or a truth, a list of them, or the words of a `scope`. `None`: nothing is
    /// there.
    pub(super) fn values(&self, path: &ClaimPath) -> Result<Option<Vec<String>>, TokenRefusal> {
        let Some(found) = path.find(self.0) else {
            return self.check_complete(path).map(|()| None);
        };
        let refused = || TokenRefusal::bad_claim(path, ClaimType::Texts);
        let one = |value: &Value| match value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(truth) => Ok(truth.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => Err(refused()),
        };
        match found {
            Value::Null => Ok(None),
            Value::String(words) if matches!(path.first(), "scope" | "scp") => {
                Ok(Some(words.split_whitespace().map(str::to_owned).collect()))
            }
            Value::Array(items) => items.iter().map(one).collect::<Result<_, _>>().map(Some),
            value => one(value).map(|value| Some(vec![value])),
        }
    }

    /// Refuses a token of which Entra has left out the claim at a place, for its groups were too many: what is not listed
    /// is unknown then, and not nothing (<https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>).
    fn check_complete(&self, path: &ClaimPath) -> Result<(), TokenRefusal> {
        let name = path.first();
        let elsewhere = self.0.get("_claim_names").and_then(|names| names.get(name));
        let has_groups = self
            .0
            .get("hasgroups")
            .is_some_and(|has| *has != Value::Bool(false));
        if elsewhere.is_some() || (name == "groups" && has_groups) {
            return Err(TokenRefusal::GroupsLeftOut);
        }
        Ok(())
    }

    /// The first condition that does not hold.
    pub(super) fn failing<'w>(
        &self,
        conditions: &'w [ClaimCondition],
    ) -> Result<Option<&'w ClaimCondition>, TokenRefusal> {
        for condition in conditions {
            let values = self.values(&condition.claim)?.unwrap_or_default();
            let mut wanted = condition.values.iter();
            let holds = wanted.any(|wanted| values.iter().any(|value| fits(wanted, value)));
            if !holds {
                return Ok(Some(condition));
            }
        }
        Ok(None)
    }
}

/// Whether a value is the wanted one, to the letter but for its `*`.
fn fits(wanted: &str, value: &str) -> bool {
    wanted == value || (wanted.contains('*') && fits_pattern(wanted, value))
}
