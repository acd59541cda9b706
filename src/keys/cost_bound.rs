//! What one attempt may cost at most, before it begins.

use rust_decimal::Decimal;

use crate::bedrock::plan::Plan;
use crate::catalog::{Price, Rates};

/// A shorter answer than this is not worth asking for: agents take it for a whole one.
pub(super) const LEAST_ANSWER: u32 = 1_024;

const MILLION: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

/// What one attempt may cost: the dearest rates for its prompt, and for the longest answer that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CostBound {
    /// US dollars for the whole prompt.
    pub(super) prompt: Decimal,
    /// US dollars for a token of the answer.
    pub(super) per_token: Decimal,
    /// Tokens of the answer, thinking included.
    pub(super) answer: u32,
}

impl CostBound {
    /// The bound of a prompt of at most `prompt_tokens` at this price; `None`: it is not known on the terms that are asked
    /// for.
    pub(super) fn new(price: &Price, plan: &Plan, prompt_tokens: u64) -> Option<Self> {
        // Bedrock may serve on ordinary terms what was asked for on others, and bills what it served.
        let asked = price.under(&plan.terms())?;
        let (asked, ordinary) = (asked.rates(prompt_tokens), price.rates(prompt_tokens));
        let prompt_rate = prompt_rate(asked).max(prompt_rate(ordinary));
        let answer_rate = asked.output.max(ordinary.output);
        Some(Self {
            prompt: Decimal::from(prompt_tokens) * prompt_rate / MILLION,
            per_token: answer_rate / MILLION,
            answer: longest_answer(plan),
        })
    }

    /// Of something that has no answer to be paid for.
    pub(super) fn of_prompt(dollars: Decimal) -> Self {
        Self {
            prompt: dollars,
            per_token: Decimal::ZERO,
            answer: 0,
        }
    }

    /// US dollars in all.
    pub(super) fn total(&self) -> Decimal {
        self.prompt + self.per_token * Decimal::from(self.answer)
    }

    /// The longest answer that `dollars` pay for; `None`: not even the prompt.
    pub(super) fn answer_for(&self, dollars: Decimal) -> Option<u32> {
        let left = dollars - self.prompt;
        if left.is_sign_negative() {
            return None;
        }
        let tokens = left.checked_div(self.per_token);
        Some(tokens.map_or(u32::MAX, |tokens| {
            u32::try_from(tokens.trunc()).unwrap_or(u32::MAX)
        }))
    }
}

/// The whole prompt may be written to the cache, for an hour.
fn prompt_rate(rates: &Rates) -> Decimal {
    let writes = [rates.write_5m(), rates.write_1h()];
    writes.into_iter().fold(rates.input, Decimal::max)
}

/// The names under which models of several makers take the answer's length.
const LENGTH_FIELDS: [&str; 6] = [
    "max_tokens",
    "maxTokens",
    "max_new_tokens",
    "max_gen_len",
    "max_completion_tokens",
    "max_output_tokens",
];

/// The longest answer that the plan asks for: a field for the model may name a longer one than Converse's own.
fn longest_answer(plan: &Plan) -> u32 {
    let fields = plan.model_fields.iter();
    fields
        .map(|(name, value)| length_in(name, value))
        .fold(plan.inference.max_tokens, u32::max)
}

fn length_in(name: &str, value: &serde_json::Value) -> u32 {
    use serde_json::Value;
    match value {
        Value::Number(number) if LENGTH_FIELDS.contains(&name) => {
            let tokens = number.as_f64().unwrap_or(f64::MAX).ceil();
            // A float's conversion ends at the type's own limits.
            tokens as u32
        }
        Value::Object(fields) => {
            let inner = fields.iter().map(|(name, value)| length_in(name, value));
            inner.max().unwrap_or(0)
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bedrock::plan::{UnsupportedFeatures, plan};
    use crate::catalog::Catalog;
    use crate::config::Defaults;
    use crate::conversation::Request;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn planned(request: &Request) -> (Plan, Price) {
        let id = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
        let model = Catalog::bundled().resolve(id, None, None);
        let plan = plan(
            request,
            &model,
            &Defaults::default(),
            UnsupportedFeatures::default(),
        );
        (plan, model.price.unwrap())
    }

    #[test]
    fn the_prompt_counts_as_written_to_the_dearest_cache_and_the_answer_in_full() {
        let mut request = Request::default();
        request.sampling.max_tokens = Some(1_000);
        let (plan, price) = planned(&request);
        // 6.6 and 16.5 US dollars per million tokens.
        let cost = CostBound::new(&price, &plan, 135).unwrap();
        assert_eq!(cost.total(), d("0.000891") + d("0.0165"));
        // Above 200,000 tokens everything is dearer.
        let cost = CostBound::new(&price, &plan, 266_668).unwrap();
        assert_eq!(cost.total(), d("266668") * d("0.0000132") + d("0.02475"));
        let (open, price) = planned(&Request::default());
        let cost = CostBound::new(&price, &open, 0).unwrap();
        assert_eq!(cost.answer, 16_384);
    }

    #[test]
    fn an_answer_is_as_long_as_what_is_left_pays_for() {
        let (plan, price) = planned(&Request::default());
        let cost = CostBound::new(&price, &plan, 135).unwrap();
        assert_eq!(cost.answer_for(d("0.05")), Some(2_976));
        assert_eq!(cost.answer_for(d("0.000891")), Some(0));
        assert_eq!(cost.answer_for(d("0.0008")), None);
        assert_eq!(cost.answer_for(d("-1")), None);
        let free = CostBound {
            per_token: Decimal::ZERO,
            ..cost
        };
        assert_eq!(free.answer_for(d("1")), Some(u32::MAX));
    }

    #[test]
    fn a_longer_answer_that_hides_in_the_model_s_fields_is_found() {
        for (fields, longest) in [
            (json!({"max_tokens": 20_000}), 20_000),
            (json!({"inferenceConfig": {"maxTokens": 30_000}}), 30_000),
            (json!({"max_gen_len": 1e300}), u32::MAX),
            (json!({"max_tokens": -5}), 1_000),
            (json!({"max_tokens": "many", "top_k": 50_000}), 1_000),
        ] {
            let mut request = Request::default();
            request.sampling.max_tokens = Some(1_000);
            request.model_fields = fields.as_object().unwrap().clone();
            let (plan, _) = planned(&request);
            assert_eq!(longest_answer(&plan), longest, "{fields}");
        }
    }
}
