//! On what terms an answer is served.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The terms that an answer names. Bedrock may serve others than were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Served {
    /// `serviceTier.type`; `None`: the answer does not say.
    pub tier: Option<String>,
    /// `performanceConfig.latency`; `None`: the answer does not say.
    pub latency: Option<String>,
}

impl Served {
    /// The terms that a request asks for.
    pub(super) fn as_asked(body: &Value) -> Self {
        let word = |path| body.pointer(path).and_then(Value::as_str);
        Self {
            tier: word("/serviceTier/type").map(str::to_owned),
            latency: word("/performanceConfig/latency").map(str::to_owned),
        }
    }

    /// Writes what the answer says beside its usage.
    pub(super) fn write(&self, answer: &mut Map<String, Value>) {
        if let Some(latency) = &self.latency {
            answer.insert("performanceConfig".to_owned(), json!({"latency": latency}));
        }
        if let Some(tier) = &self.tier {
            answer.insert("serviceTier".to_owned(), json!({"type": tier}));
        }
    }
}
