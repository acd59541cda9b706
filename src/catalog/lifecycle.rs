//! Whether a model is active, legacy or retired, since when, and who says so.

use jiff::civil::Date;
use serde::{Deserialize, Deserializer};

use super::Catalog;
use super::id::{ModelId, names, without_window};

/// What is known of a model's time on Bedrock. Its days begin at midnight UTC.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lifecycle {
    /// The day on which it becomes (or became) legacy, where a source gives it.
    pub legacy: Option<Date>,
    /// When it ends.
    pub end: EndOfLife,
    /// Who says so.
    pub source: String,
}

/// When a model reaches the end of its life: from then on Bedrock refuses its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EndOfLife {
    /// No end is announced.
    #[default]
    Open,
    /// On this day.
    On(Date),
    /// It is over, though no source gives the day.
    Passed,
}

/// The state of a model on some day, in AWS's words
/// (<https://docs.aws.amazon.com/bedrock/latest/userguide/model-lifecycle.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LifecycleState {
    /// Nothing is said against it.
    Active,
    /// Its end is announced: nobody new may call it, and old callers lose it after days without a call.
    Legacy {
        /// `None`: no source gives the day.
        since: Option<Date>,
        /// The day of its end; `None`: not announced.
        until: Option<Date>,
    },
    /// Bedrock refuses its id.
    Retired {
        /// `None`: no source gives the day.
        on: Option<Date>,
    },
}

impl Lifecycle {
    /// The state on this day. An end that is announced without the day of its notice makes a model legacy: AWS
    /// announces the one with the other.
    pub fn on(&self, today: Date) -> LifecycleState {
        let until = match self.end {
            EndOfLife::Passed => return LifecycleState::Retired { on: None },
            EndOfLife::On(day) if day <= today => {
                return LifecycleState::Retired { on: Some(day) };
            }
            EndOfLife::On(day) => Some(day),
            EndOfLife::Open => None,
        };
        match self.legacy {
            Some(day) if day > today => LifecycleState::Active,
            None if until.is_none() => LifecycleState::Active,
            since => LifecycleState::Legacy { since, until },
        }
    }

    /// Whether the model's end has come.
    pub fn is_over(&self, today: Date) -> bool {
        matches!(self.on(today), LifecycleState::Retired { .. })
    }
}

/// The source of an end that only the list gives.
const PRICE_LIST: &str = "LiteLLM's price list";

/// What sources say of models' time.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Lifecycles {
    /// The source that says nothing against the models that neither a row nor the list says anything of.
    otherwise: String,
    rows: Vec<LifecycleRow>,
}

/// What one source says of some models.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct LifecycleRow {
    source: String,
    #[serde(default)]
    legacy: Option<Date>,
    /// What is absent is left to the list of models.
    #[serde(default)]
    end: Option<EndOfLife>,
    /// As in a correction.
    ids: Vec<String>,
}

impl<'de> Deserialize<'de> for EndOfLife {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "open" => Ok(Self::Open),
            "passed" => Ok(Self::Passed),
            day => day.parse().map(Self::On).map_err(serde::de::Error::custom),
        }
    }
}

impl Catalog<'_> {
    /// What is known of the time of the model with this id or ARN, chat model or not; `None`: nothing at all.
    pub fn lifecycle(&self, model_id: &str) -> Option<Lifecycle> {
        let found = self.resolve(model_id, None, None);
        let said = !found.lifecycle.source.is_empty();
        said.then_some(found.lifecycle)
    }

    /// The lifecycle of an entry, whose end the list of models has on this day. The last row that names it decides.
    pub(super) fn lifecycle_of(&self, id: &str, base: &str, listed: Option<Date>) -> Lifecycle {
        let mut known = Lifecycle {
            source: self.lifecycle.otherwise.clone(),
            ..Lifecycle::default()
        };
        if let Some(day) = listed {
            known.end = EndOfLife::On(day);
            PRICE_LIST.clone_into(&mut known.source);
        }
        self.lifecycle.lay(&mut known, id, base);
        known
    }

    /// The lifecycle of an id without an entry: empty where no row names it.
    pub(super) fn lifecycle_without_entry(&self, model_id: &str) -> Lifecycle {
        let mut known = Lifecycle::default();
        if let Some(id) = ModelId::parse(model_id).plain.map(without_window) {
            let base = id.split_once('.').map_or(id, |(_, base)| base);
            self.lifecycle.lay(&mut known, id, base);
        }
        known
    }
}

impl Lifecycles {
    fn lay(&self, known: &mut Lifecycle, id: &str, base: &str) {
        for row in &self.rows {
            if row.ids.iter().any(|pattern| names(pattern, id, base)) {
                known.legacy = row.legacy;
                known.end = row.end.unwrap_or(known.end);
                known.source.clone_from(&row.source);
            }
        }
    }
}
