//! What `callbacks` and the like name: loggers, which protect nobody, and hooks, which may.

use serde_yaml::Value;

/// LiteLLM's loggers: they tell other systems what happened, and change and refuse nothing.
const LOGGERS: [&str; 55] = [
    "agentops",
    "anthropic_cache_control_hook",
    "argilla",
    "arize",
    "arize_phoenix",
    "athina",
    "azure_sentinel",
    "azure_storage",
    "bitbucket",
    "braintrust",
    "cloudzero",
    "datadog",
    "datadog_cost_management",
    "datadog_llm_observability",
    "deepeval",
    "dotprompt",
    "dynamodb",
    "focus",
    "galileo",
    "gcs_bucket",
    "gcs_pubsub",
    "generic_api",
    "gitlab",
    "greenscale",
    "helicone",
    "humanloop",
    "lago",
    "langfuse",
    "langfuse_otel",
    "langsmith",
    "langtrace",
    "levo",
    "literalai",
    "logfire",
    "lunary",
    "mlflow",
    "newrelic",
    "openmeter",
    "opentelemetry",
    "opik",
    "otel",
    "posthog",
    "prometheus",
    "promptlayer",
    "resend_email",
    "s3",
    "s3_v2",
    "sendgrid_email",
    "sentry",
    "smtp_email",
    "supabase",
    "traceloop",
    "vector_store_pre_call_hook",
    "wandb",
    "weave_otel",
];
/// A tool that is run in the model's place.
const WEB_SEARCH: &str = "websearch_interception";

/// Whether everything that a value of `callbacks` names is known to protect nobody. A callback of one's own
/// (`custom_callbacks.audit_logger`), and a guardrail's, is not.
pub(super) fn protect_nobody(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(name) => is_harmless(name),
        Value::Sequence(items) => items.iter().all(protect_nobody),
        Value::Mapping(fields) => fields
            .keys()
            .all(|name| name.as_str().is_some_and(is_harmless)),
        _ => false,
    }
}

fn is_harmless(name: &str) -> bool {
    LOGGERS.contains(&name) || name == WEB_SEARCH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loggers_protect_nobody_and_hooks_may() {
        assert!(LOGGERS.is_sorted());
        for (value, expected) in [
            ("[langfuse, prometheus]", true),
            ("langfuse", true),
            ("[]", true),
            (
                "[websearch_interception: {enabled_providers: [bedrock]}]",
                true,
            ),
            ("[langfuse, custom_callbacks.audit_logger]", false),
            ("[presidio]", false),
            ("[lakera_prompt_injection]", false),
            ("proxy.my_module.handler", false),
            ("[something_new]", false),
            ("7", false),
        ] {
            let value: Value = serde_yaml::from_str(value).unwrap();
            assert_eq!(protect_nobody(&value), expected, "{value:?}");
        }
    }
}
