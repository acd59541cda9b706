//! One attempt at a target; a target that was passed over is one too.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cut::cut;
use super::{Cost, cost};
use crate::catalog::{Price, ServiceTerms};
use crate::conversation::Usage;

/// One attempt at a target, as the chain saw it; a target that was passed over is one too.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Attempt {
    /// The model group (`model_name` of the config).
    pub group: String,
    /// The group's place in its chain: 0 is the one that was asked for. Records of version 0.1 do not say it.
    #[serde(skip_serializing_if = "is_zero_u32")]
    pub hop: u32,
    /// The `model_name` with a star that the group was made of, where a pattern serves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The deployment's id.
    pub deployment: String,
    /// The Bedrock model id.
    pub model: String,
    /// The AWS region.
    pub region: String,
    /// `ok`, the class of the failure, or `cooling_down` (see [`Attempt::skipped`]).
    pub outcome: String,
    /// The HTTP status, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// When it began; records of version 0.1 do not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub began: Option<Timestamp>,
    /// Bedrock's request id, as its invocation log and CloudTrail have it; `None`: Bedrock did not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// From its start to its end, milliseconds.
    pub ms: u64,
    /// Of how many calls of Bedrock it was made, repeated ones included, where it may be more than one: texts are
    /// turned into vectors in batches.
    #[serde(skip_serializing_if = "is_zero_u32")]
    pub calls: u32,
    /// How much of its answer came, in bytes of text and arguments.
    #[serde(skip_serializing_if = "is_zero")]
    pub bytes: u64,
    /// Its tokens; `None` when Bedrock refused it, and so bills nothing.
    #[serde(with = "usage", skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Bedrock's service tier and latency, where they are not the ordinary ones: as served, else as asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// See `service_tier`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<String>,
    /// What the tokens cost; `None` with tokens means that the price is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

/// The outcome of a target that was not asked, because it rests.
const COOLING_DOWN: &str = "cooling_down";
/// The outcomes of targets that were not asked, because a budget does not pay for them.
const UNPAID: [&str; 3] = ["over_budget", "unpriced", "budget_unknown"];

impl Attempt {
    /// The target was passed over because it rests: nothing was called.
    #[must_use]
    pub fn skipped(mut self) -> Attempt {
        self.outcome = COOLING_DOWN.to_owned();
        self
    }

    /// Whether the target was asked at all.
    pub fn was_called(&self) -> bool {
        self.outcome != COOLING_DOWN && !UNPAID.contains(&self.outcome.as_str())
    }

    /// The attempt used these tokens on the ordinary terms, at this price if it is known.
    #[must_use]
    pub fn billed(self, used: Usage, price: Option<&Price>) -> Attempt {
        self.billed_on(&ServiceTerms::default(), used, price)
    }

    /// The attempt used these tokens on these terms. A price that is not known on them is not known.
    #[must_use]
    pub fn billed_on(
        mut self,
        terms: &ServiceTerms,
        used: Usage,
        price: Option<&Price>,
    ) -> Attempt {
        let price = price.and_then(|price| price.under(terms));
        self.usage = Some(used);
        let is_priced = |price: &Price| used.search_units == 0 || price.per_query.is_some();
        self.cost = price
            .filter(|price| is_priced(price))
            .map(|price| cost(&used, &price));
        let own =
            |word: &Option<String>, ordinary: &str| word.clone().filter(|word| word != ordinary);
        self.service_tier = own(&terms.tier, "default");
        self.latency = own(&terms.latency, "standard");
        self
    }

    /// Whether it has tokens without a known price.
    pub fn is_unpriced(&self) -> bool {
        self.cost.is_none() && self.usage.is_some_and(|usage| !usage.is_nothing())
    }

    pub(super) fn bound(&mut self) {
        for text in [&mut self.group, &mut self.deployment, &mut self.model] {
            cut(text, 300);
        }
        for text in [&mut self.outcome, &mut self.region] {
            cut(text, 100);
        }
        let optional = [
            &mut self.pattern,
            &mut self.service_tier,
            &mut self.latency,
            &mut self.request_id,
        ];
        for text in optional.into_iter().flatten() {
            cut(text, 100);
        }
    }
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

fn is_zero_u32(n: &u32) -> bool {
    *n == 0
}

/// The stored form of [`Usage`], which itself knows no field names.
pub(super) mod usage {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Usage, is_zero};

    #[derive(Serialize, Deserialize)]
    #[serde(default)]
    #[derive(Default)]
    struct StoredUsage {
        input: u64,
        output: u64,
        #[serde(skip_serializing_if = "is_zero")]
        cache_read: u64,
        #[serde(skip_serializing_if = "is_zero")]
        cache_write_5m: u64,
        #[serde(skip_serializing_if = "is_zero")]
        cache_write_1h: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        reasoning: Option<u64>,
        #[serde(skip_serializing_if = "is_zero")]
        search_units: u64,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        estimated: bool,
    }

    pub(in crate::spend) fn serialize<S: Serializer>(
        usage: &Option<Usage>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        let stored = usage.map(|usage| StoredUsage {
            input: usage.input,
            output: usage.output,
            cache_read: usage.cache_read,
            cache_write_5m: usage.cache_write_5m,
            cache_write_1h: usage.cache_write_1h,
            reasoning: usage.reasoning,
            search_units: usage.search_units,
            estimated: usage.estimated,
        });
        stored.serialize(s)
    }

    pub(in crate::spend) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<Usage>, D::Error> {
        let stored = Option::<StoredUsage>::deserialize(d)?;
        Ok(stored.map(|stored| Usage {
            input: stored.input,
            output: stored.output,
            cache_read: stored.cache_read,
            cache_write_5m: stored.cache_write_5m,
            cache_write_1h: stored.cache_write_1h,
            reasoning: stored.reasoning,
            search_units: stored.search_units,
            estimated: stored.estimated,
        }))
    }
}
