//! Where the file knows a model better than the catalog.

use rust_decimal::Decimal;

use crate::catalog::{Caching, Catalog, Family, Model, Price, RateKind, Rates, ThinkingSupport};
use crate::config::schema::{CustomPrices, ModelInfoKeys};

/// What an entry says of its model.
#[derive(Debug, PartialEq)]
pub(super) struct Overrides {
    pub(super) info: ModelInfoKeys,
    pub(super) prices: CustomPrices,
    /// The model behind an id that does not tell (`base_model`).
    pub(super) base: Option<String>,
}

impl Overrides {
    /// The model with this id, with what the entry says of it. Half of a price is none.
    pub(super) fn model(&self, id: &str, region: &str) -> Model {
        let mut model = Catalog::bundled().resolve(id, Some(region), self.base.as_deref());
        self.info.apply(&mut model);
        if let Ok(price) = self.prices.over(model.price.as_ref()) {
            model.price = price;
        }
        model
    }

    /// Which half of the price is missing, if only the other one is given for this model.
    pub(super) fn missing_price(&self, model: &Model) -> Option<&'static str> {
        self.prices.over(model.price.as_ref()).err()
    }
}

impl CustomPrices {
    /// The price with these rates in it.
    ///
    /// Who sets the rate of input or output sets the price, for every service tier and latency: rates for the cache and
    /// for long prompts that the file does not give are then not known, and what is cached is billed as input. Fails
    /// with the name of the missing key when half of a price is given and the catalog has none.
    pub(super) fn over(&self, catalog: Option<&Price>) -> Result<Option<Price>, &'static str> {
        if *self == Self::default() {
            return Ok(catalog.cloned());
        }
        let million =
            |rate: Option<Decimal>| rate.map(|rate| (rate * Decimal::from(1_000_000)).normalize());
        let input = million(self.input_cost_per_token);
        let output = million(self.output_cost_per_token);
        let own = input.is_some() || output.is_some();
        let known = catalog.map(|price| &price.standard);
        // What is paid by the query costs nothing by the token.
        let by_query = self.input_cost_per_query.map(|_| Decimal::ZERO);
        let rates = Rates {
            input: input
                .or(known.map(|rates| rates.input))
                .or(by_query)
                .ok_or("input_cost_per_token")?,
            output: output
                .or(known.map(|rates| rates.output))
                .or(by_query)
                .ok_or("output_cost_per_token")?,
            ..known.filter(|_| !own).cloned().unwrap_or_default()
        };
        let mut price = catalog.filter(|_| !own).cloned().unwrap_or_default();
        price.standard = rates;
        let by_catalog = catalog.and_then(|price| price.per_query);
        price.per_query = self.input_cost_per_query.or(by_catalog);
        for (kind, rate) in [
            (RateKind::CacheRead, self.cache_read_input_token_cost),
            (RateKind::CacheWrite5m, self.cache_creation_input_token_cost),
            (
                RateKind::CacheWrite1h,
                self.cache_creation_input_token_cost_above_1hr,
            ),
        ] {
            if let Some(rate) = million(rate) {
                price.fix(kind, rate);
            }
        }
        Ok(Some(if own { price.on_all_terms() } else { price }))
    }
}

impl ModelInfoKeys {
    /// Lays what `model_info` says over the model.
    pub(super) fn apply(&self, model: &mut Model) {
        let limits = &mut model.limits;
        limits.input = self.max_input_tokens.or(limits.input);
        limits.output = self.max_output_tokens.or(self.max_tokens).or(limits.output);

        let can = &mut model.abilities;
        for (said, ability) in [
            (self.supports_vision, &mut can.vision),
            (self.supports_pdf_input, &mut can.documents),
            (self.supports_function_calling, &mut can.tools),
            (self.supports_tool_choice, &mut can.tool_choice),
            (self.supports_system_messages, &mut can.system),
            (self.supports_assistant_prefill, &mut can.prefill),
            (self.supports_native_structured_output, &mut can.json_schema),
            (self.supports_sampling_params, &mut can.sampling),
        ] {
            *ability = said.unwrap_or(*ability);
        }
        can.tools_while_streaming &= can.tools;
        match self.supports_prompt_caching {
            Some(false) => can.caching = None,
            Some(true) => {
                can.caching = can.caching.or(Some(Caching {
                    min_tokens: Caching::COMMON_MINIMUM,
                    one_hour: false,
                    tools: model.family == Family::Claude,
                }));
            }
            None => {}
        }
        match self.supports_reasoning {
            Some(false) => can.thinking = ThinkingSupport::None,
            Some(true) if can.thinking == ThinkingSupport::None => {
                can.thinking = match model.family {
                    Family::Claude => ThinkingSupport::Budget,
                    Family::Nova => ThinkingSupport::ReasoningConfig,
                    _ => ThinkingSupport::ReasoningEffort,
                };
            }
            Some(true) | None => {}
        }
    }
}
