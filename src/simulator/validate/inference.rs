//! The request's own fields, the inference parameters, and what the model takes of them.

use serde_json::Value;

use super::{
    super::json::{at, list},
    CheckedRequest, ErrorReply, Rule, breaks_constraint, model_refuses, openai_refuses, refuse,
};
use crate::catalog::{LONG_WINDOW, ThinkingSupport};
use crate::simulator::{binding, cache};

/// Tried before all others.
pub(super) const FORM: &[Rule] = &[Rule {
    name: "known fields",
    source: "Converse API reference; the words are those of Bedrock's schema check",
    check: known_fields,
}];

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "ranges",
        source: "Converse API reference (InferenceConfiguration); Anthropic for blank stop sequences",
        check: ranges,
    },
    Rule {
        name: "output limit",
        source: "reported: charmbracelet/crush#946",
        check: output_limit,
    },
    Rule {
        name: "least bound of an answer",
        source: "OpenAI's own API",
        check: least_output,
    },
    Rule {
        name: "sampling parameters that the model takes",
        source: "Anthropic: Opus 4.7 and later; both at once: Opus 4.1, Claude 4.5 and later",
        check: sampling,
    },
    Rule {
        name: "stop sequences where the model takes them",
        source: "reported: crewAIInc/crewAI#3317",
        check: stop_sequences,
    },
    Rule {
        name: "fields of the model's own",
        source: "Anthropic for Claude. Recorded: Nova takes fields that it does not know",
        check: own_fields,
    },
    Rule {
        name: "betas",
        source: "reported: anthropics/claude-code#26570; that Opus 4.7 takes none: anthropics/claude-code#49648",
        check: betas,
    },
    Rule {
        name: "JSON by schema",
        source: "own words",
        check: json_schema,
    },
    Rule {
        name: "context window",
        source: "reported widely",
        check: window,
    },
];

const FIELDS: [&str; 12] = [
    "messages",
    "system",
    "inferenceConfig",
    "toolConfig",
    "guardrailConfig",
    "additionalModelRequestFields",
    "additionalModelResponseFieldPaths",
    "promptVariables",
    "requestMetadata",
    "performanceConfig",
    "serviceTier",
    "outputConfig",
];

/// What Claude takes beside the Converse API's own fields.
const CLAUDE_FIELDS: [&str; 11] = [
    "thinking",
    "output_config",
    "top_k",
    "anthropic_beta",
    "anthropic_version",
    "tool_choice",
    "tools",
    "context_management",
    "metadata",
    "mcp_servers",
    "container",
];

fn extraneous<T>(place: &str, key: &str) -> Result<T, ErrorReply> {
    refuse(format!(
        "Malformed input request: {place}: extraneous key [{key}] is not permitted, please reformat your input and try again."
    ))
}

fn known_fields(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let Value::Object(fields) = asked.body else {
        return Err(ErrorReply::new(400, "SerializationException", ""));
    };
    let unknown = fields.keys().find(|key| !FIELDS.contains(&key.as_str()));
    if let Some(key) = unknown {
        return extraneous("#", key);
    }
    let known = ["maxTokens", "temperature", "topP", "stopSequences"];
    let config = at(asked.body, "/inferenceConfig").as_object();
    let mut keys = config.into_iter().flat_map(|config| config.keys());
    match keys.find(|key| !known.contains(&key.as_str())) {
        Some(key) => extraneous("#/inferenceConfig", key),
        None => Ok(()),
    }
}

fn ranges(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let config = at(asked.body, "/inferenceConfig");
    for name in ["temperature", "topP"] {
        let Some(value) = at(config, &format!("/{name}")).as_f64() else {
            continue;
        };
        let place = format!("inferenceConfig.{name}");
        if value > 1.0 {
            let constraint = "have value less than or equal to 1";
            return breaks_constraint(&value.to_string(), &place, constraint);
        }
        if value < 0.0 {
            let constraint = "have value greater than or equal to 0";
            return breaks_constraint(&value.to_string(), &place, constraint);
        }
    }
    if let Some(0) = at(config, "/maxTokens").as_i64() {
        let constraint = "have value greater than or equal to 1";
        return breaks_constraint("0", "inferenceConfig.maxTokens", constraint);
    }
    for (at, stop) in list(at(config, "/stopSequences")).iter().enumerate() {
        let stop = stop.as_str().unwrap_or_default();
        if stop.is_empty() {
            let place = format!("inferenceConfig.stopSequences.{}.member", at + 1);
            let constraint = "have length greater than or equal to 1";
            return breaks_constraint("", &place, constraint);
        }
        if asked.is_claude() && stop.trim().is_empty() {
            return model_refuses("stop_sequences: each stop sequence must contain non-whitespace");
        }
    }
    Ok(())
}

fn output_limit(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let most = at(asked.body, "/inferenceConfig/maxTokens").as_u64();
    match (most, asked.model.limits.output) {
        (Some(most), Some(limit)) if most > u64::from(limit) => refuse(format!(
            "The maximum tokens you requested exceeds the model limit of {limit}. Try again with a maximum tokens value that is lower than {limit}."
        )),
        _ => Ok(()),
    }
}

fn least_output(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let most = at(asked.body, "/inferenceConfig/maxTokens").as_u64();
    match (most, asked.model.limits.least_output) {
        (Some(most), Some(least)) if most < u64::from(least) => openai_refuses(&format!(
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= {least}, but got {most} instead."
        )),
        _ => Ok(()),
    }
}

fn sampling(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let config = at(asked.body, "/inferenceConfig");
    let given = [
        ("temperature", at(config, "/temperature")),
        ("top_p", at(config, "/topP")),
        ("top_k", asked.field("top_k")),
    ];
    let named = given.iter().find(|(_, value)| !value.is_null());
    if let Some((name, _)) = named
        && !asked.model.abilities.sampling
    {
        return model_refuses(format!("`{name}` is deprecated for this model."));
    }
    let both = !at(config, "/temperature").is_null() && !at(config, "/topP").is_null();
    if both && asked.is_claude() && takes_one_of_two(&asked.model.id) {
        return model_refuses(
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
        );
    }
    Ok(())
}

/// Claude from 4.1 Opus and 4.5 on; the older ones take both.
fn takes_one_of_two(id: &str) -> bool {
    let older = [
        "claude-3",
        "claude-v2",
        "claude-instant",
        "claude-sonnet-4-2025",
        "claude-opus-4-2025",
    ];
    id.contains("claude-") && !older.iter().any(|name| id.contains(name))
}

fn stop_sequences(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let stops = list(at(asked.body, "/inferenceConfig/stopSequences"));
    if !stops.is_empty() && !asked.model.abilities.stop_sequences {
        return refuse(
            "This model doesn't support the stopSequences field. Remove stopSequences and try again.",
        );
    }
    Ok(())
}

fn own_fields(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let fields = at(asked.body, "/additionalModelRequestFields").as_object();
    let mut keys = fields.into_iter().flat_map(|fields| fields.keys());
    let unknown = keys.find(|key| !CLAUDE_FIELDS.contains(&key.as_str()));
    match unknown.filter(|_| asked.is_claude()) {
        Some(key) => model_refuses(format!("{key}: Extra inputs are not permitted")),
        None => Ok(()),
    }
}

/// What every Claude from 4 on knows, the newest too.
const EAGER_TOOL_INPUT: &str = "fine-grained-tool-streaming-";

/// What models know that bind their thinking.
const BINDING: &str = "thinking-binding-controls-";

/// What the names of betas begin with that Claude on Bedrock knows, before it thinks in the adaptive way.
const BETAS: [&str; 9] = [
    "interleaved-thinking-",
    "dev-full-thinking-",
    "context-1m-",
    "context-management-",
    "computer-use-",
    "token-efficient-tools-",
    "tool-search-tool-",
    "output-128k-",
    "effort-",
];

fn betas(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let asked_for = list(asked.field("anthropic_beta")).iter();
    let mut asked_for = asked_for.filter_map(Value::as_str);
    let newest = matches!(
        asked.model.abilities.thinking,
        ThinkingSupport::Adaptive { .. }
    );
    let controls_binding = |beta: &str| binding::binds(asked.model) && beta.starts_with(BINDING);
    let unknown = |beta: &str| {
        !beta.starts_with(EAGER_TOOL_INPUT)
            && !controls_binding(beta)
            && (newest || !BETAS.iter().any(|known| beta.starts_with(known)))
    };
    if asked.is_claude() && asked_for.any(unknown) {
        return model_refuses("invalid beta flag");
    }
    Ok(())
}

fn json_schema(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let wanted = at(asked.body, "/outputConfig/textFormat/type") == "json_schema";
    if wanted && !asked.model.abilities.json_schema {
        return refuse(
            "This model doesn't support the outputConfig.textFormat field. Remove outputConfig.textFormat and try again.",
        );
    }
    Ok(())
}

fn window(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let Some(limit) = asked.model.limits.input else {
        return Ok(());
    };
    let mut betas = list(asked.field("anthropic_beta"))
        .iter()
        .filter_map(Value::as_str);
    let is_long = asked.model.abilities.long_context_beta
        && betas.any(|beta| beta.starts_with("context-1m-"));
    let limit = if is_long { LONG_WINDOW } else { limit };
    if cache::size(&cache::converse_blocks(asked.body)) > u64::from(limit) {
        return refuse("Input is too long for requested model.");
    }
    Ok(())
}
