//! `router_settings`: the arguments of LiteLLM's router.

use super::LitellmSupport::{NoMeaning, NotDone, NotProtected, Works, WorksDifferently};
use super::reasons::*;
use super::{LitellmKey, Rows, Section};

const ROWS: Rows = Rows(Section::RouterSettings);

pub(super) const KEYS: &[LitellmKey] = &[
    ROWS.key("alerting_config", ALERTS_NOT_DONE),
    ROWS.key("allow_client_keepalive_override", HEARTBEAT),
    ROWS.key("allowed_fails", Works),
    ROWS.key("allowed_fails_policy", ALL_FAILS),
    ROWS.key("assistants_config", NO_ASSISTANTS),
    ROWS.key("auto_router_capability_limit", NO_AUTO_ROUTER),
    ROWS.key("background_health_check_model_groups", NO_PROBES),
    ROWS.key("cache_kwargs", NO_CACHE),
    ROWS.key("cache_responses", CACHE_NOT_DONE),
    ROWS.key("caching_groups", NO_CACHE),
    ROWS.key(
        "client_ttl",
        NoMeaning("connections to Bedrock live as long as the process"),
    ),
    ROWS.key("content_policy_fallbacks", Works),
    ROWS.key("context_window_fallbacks", Works),
    ROWS.key("cooldown_time", Works),
    ROWS.key(
        "debug_level",
        NotDone("LOG_LEVEL sets the level of the log"),
    ),
    ROWS.key("default_fallbacks", Works),
    ROWS.key(
        "default_litellm_params",
        NotProtected(
            "these parameters reach no request, a guardrail or a limit among them; the \
             litellm_params of each model do",
        ),
    ),
    ROWS.key(
        "default_max_parallel_requests",
        NotProtected("a deployment without a max_parallel_requests of its own is not limited"),
    ),
    ROWS.key("default_priority", NO_PRIORITIES),
    ROWS.key("deployment_affinity_ttl_seconds", Works),
    ROWS.key("disable_cooldowns", Works),
    ROWS.key("enable_health_check_routing", PASSED_OVER),
    ROWS.key("enable_pre_call_check", CHECKED_BEFORE),
    ROWS.key("enable_pre_call_checks", CHECKED_BEFORE),
    ROWS.key("enable_tag_filtering", NO_TAG_ROUTING),
    ROWS.key(
        "enable_weighted_failover",
        WorksDifferently("the other deployments of a model are always asked before its fallbacks"),
    ),
    ROWS.key("fallback_access_check", NO_FUNCTION),
    ROWS.key("fallback_budget_check", NO_FUNCTION),
    ROWS.key(
        "fallback_on_unsupported_params",
        WorksDifferently(
            "a parameter that Bedrock lacks ends in a 400 before any model is asked, or is \
             left out with drop_params",
        ),
    ),
    ROWS.key("fallbacks", Works),
    ROWS.key("guardrail_list", NO_GUARDRAILS),
    ROWS.key("health_check_ignore_transient_errors", NO_PROBES),
    ROWS.key("health_check_staleness_threshold", NO_PROBES),
    ROWS.key("heuristic_v2_router_limit", NO_AUTO_ROUTER),
    ROWS.key(
        "ignore_invalid_deployments",
        NotDone("an entry with an error stops the start"),
    ),
    ROWS.key("keepalive_seconds", HEARTBEAT),
    ROWS.key("max_fallbacks", Works),
    ROWS.key("model_group_affinity_config", ALWAYS_AFFINITY),
    ROWS.key("model_group_alias", Works),
    ROWS.key("model_group_retry_policy", Works),
    ROWS.key(
        "model_list",
        NoMeaning("model_list stands at the top level"),
    ),
    ROWS.key("num_retries", Works),
    ROWS.key(
        "optional_pre_call_checks",
        WorksDifferently(
            "limits of deployments are always checked, and a session always stays with the deployment \
             that has its prompt cache, unless session_affinity is false; deployment_affinity ties what \
             a key asks without a session as well",
        ),
    ),
    ROWS.key(
        "plugins",
        NotDone("your own code does not choose deployments"),
    ),
    ROWS.key("polling_interval", NO_PRIORITIES),
    ROWS.key(
        "provider_budget_config",
        NotProtected(
            "the provider has no budget; max_budget of litellm_settings limits all keys together",
        ),
    ),
    ROWS.key("redis_db", NO_REDIS),
    ROWS.key("redis_host", NO_REDIS),
    ROWS.key("redis_password", NO_REDIS),
    ROWS.key("redis_port", NO_REDIS),
    ROWS.key("redis_url", NO_REDIS),
    ROWS.key("retry_after", Works),
    ROWS.key("retry_policy", Works),
    ROWS.key(
        "router_general_settings",
        NoMeaning("it tunes LiteLLM's own client"),
    ),
    ROWS.key(
        "routing_groups",
        NotDone("the deployments of every model are chosen in one way"),
    ),
    ROWS.key("routing_strategy", SHUFFLE),
    ROWS.key("routing_strategy_args", SHUFFLE),
    ROWS.key("search_tools", TOOLS_NOT_RUN),
    ROWS.key(
        "set_verbose",
        NotDone("general_settings and litellm_settings take it"),
    ),
    ROWS.key("stream_idle_timeout", IDLE),
    ROWS.key("stream_timeout", Works),
    ROWS.key("tag_filtering_match_any", NO_TAG_ROUTING),
    ROWS.key("tag_routing_prefix", NO_TAG_ROUTING),
    ROWS.key("timeout", Works),
    ROWS.key("ttft_timeout", FIRST),
];
