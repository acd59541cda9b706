//! From the request fields of an entry to what its requests get.

use serde_json::Value;

use crate::catalog::Dialect;
use crate::config::schema::{
    DialectParam, EffortParam, Injection, InjectionPlace, InjectionRole, LatencyParam,
    RequestDefaults, ServiceTierParam, ThinkingParam, ThinkingType, Ttl,
};
use crate::config::{CachePolicy, Defaults, InjectionLocation, InjectionPoint};
use crate::conversation::{Effort, Thinking};

/// LiteLLM's budget where `enabled` comes without one.
const DEFAULT_THINKING_BUDGET: u32 = 1_024;

impl RequestDefaults {
    /// Where cache points go; `common` is `prompt_caching` of the settings.
    fn caching(&self, common: Option<bool>) -> CachePolicy {
        match &self.cache_control_injection_points {
            _ if self.prompt_caching.or(common) == Some(false) => CachePolicy::ClientOnly,
            None => CachePolicy::Planned,
            Some(points) if points.is_empty() => CachePolicy::ClientOnly,
            Some(points) => CachePolicy::At(points.iter().map(Injection::point).collect()),
        }
    }

    /// What a request gets that does not say otherwise; `prompt_caching` and `client_guardrails` are those of the
    /// settings.
    #[allow(clippy::cast_possible_truncation)] // the request's own fields are no wider
    pub(super) fn defaults(
        self,
        prompt_caching: Option<bool>,
        client_guardrails: bool,
    ) -> Defaults {
        let caching = self.caching(prompt_caching);
        let mut model_fields = self.additional_model_request_fields.unwrap_or_default();
        if let Some(betas) = self.anthropic_beta {
            let betas = betas.into_iter().map(Value::String).collect();
            model_fields.insert("anthropic_beta".to_owned(), Value::Array(betas));
        }
        let metadata = self.request_metadata.unwrap_or_default().into_iter();
        Defaults {
            max_tokens: self.max_completion_tokens.or(self.max_tokens),
            temperature: self.temperature.map(|value| value as f32),
            top_p: self.top_p.map(|value| value as f32),
            top_k: self.top_k,
            stop: self.stop.unwrap_or_default(),
            thinking: (self.thinking.map(ThinkingParam::thinking))
                .or(self.reasoning_effort.map(EffortParam::thinking)),
            guardrail: self.guardrail_config.map(Value::Object),
            client_guardrails,
            latency: self.performance_config.map(|config| match config.latency {
                LatencyParam::Standard => "standard".to_owned(),
                LatencyParam::Optimized => "optimized".to_owned(),
            }),
            service_tier: self.service_tier.map(|tier| {
                match tier {
                    ServiceTierParam::Default => "default",
                    ServiceTierParam::Flex => "flex",
                    ServiceTierParam::Priority => "priority",
                    ServiceTierParam::Reserved => "reserved",
                }
                .to_owned()
            }),
            request_metadata: metadata
                .filter_map(|(name, text)| Some((name, text.0?)))
                .collect(),
            model_fields,
            drop_params: self.drop_params,
            caching,
            dialect: self.dialect.map(|dialect| match dialect {
                DialectParam::Converse => Dialect::Converse,
                DialectParam::Messages => Dialect::Messages,
            }),
        }
    }
}

impl ThinkingParam {
    fn thinking(self) -> Thinking {
        match self.kind {
            ThinkingType::Enabled => {
                Thinking::Budget(self.budget_tokens.unwrap_or(DEFAULT_THINKING_BUDGET))
            }
            ThinkingType::Disabled => Thinking::Off,
            ThinkingType::Adaptive => Thinking::Adaptive(None),
        }
    }
}

impl EffortParam {
    fn thinking(self) -> Thinking {
        Thinking::Effort(match self {
            Self::None => return Thinking::Off,
            Self::Minimal => Effort::Minimal,
            Self::Low => Effort::Low,
            Self::Medium => Effort::Medium,
            Self::High => Effort::High,
            Self::XHigh => Effort::XHigh,
            Self::Max => Effort::Max,
        })
    }
}

impl Injection {
    fn point(&self) -> InjectionPoint {
        let location = match (self.location, self.index, self.role) {
            (InjectionPlace::ToolConfig, _, _) => InjectionLocation::Tools,
            (InjectionPlace::Message, Some(index), _) => InjectionLocation::Message(index),
            (InjectionPlace::Message, None, role) => InjectionLocation::Role(
                match role.unwrap_or(InjectionRole::System) {
                    InjectionRole::System => "system",
                    InjectionRole::User => "user",
                    InjectionRole::Assistant => "assistant",
                    InjectionRole::Tool => "tool",
                }
                .to_owned(),
            ),
        };
        let ttl = self.control.as_ref().and_then(|control| control.ttl);
        InjectionPoint {
            location,
            one_hour: ttl == Some(Ttl::OneHour),
        }
    }
}
