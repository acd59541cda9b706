//! The headers that stand for members of Converse's body.

use serde_json::Value;

use super::{super::MessagesCall, MessagesRefusal, MessagesRule};

pub(super) const RULES: &[MessagesRule] = &[
    MessagesRule {
        name: "tags",
        source: "botocore's model of InvokeModel: sixteen pairs, the characters of requestMetadata; own words",
        check: tags,
    },
    MessagesRule {
        name: "tier and latency",
        source: "botocore's model of InvokeModel; own words",
        check: terms,
    },
    MessagesRule {
        name: "guardrails",
        source: "reported: anthropics/claude-agent-sdk-python#999; own words where a header is missing",
        check: guardrail,
    },
];

const METADATA: &str = "x-amzn-bedrock-request-metadata";

fn refuse(message: impl Into<String>) -> Result<(), MessagesRefusal> {
    Err(MessagesRefusal::SimulatorService(message.into()))
}

fn tags(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let Some(text) = request.header(METADATA) else {
        return Ok(());
    };
    let pairs = match serde_json::from_str(text) {
        Ok(Value::Object(pairs)) if text.len() <= 8500 => pairs,
        _ => {
            return refuse("The request metadata is not a JSON object of at most 8500 characters.");
        }
    };
    if !(1..=16).contains(&pairs.len()) {
        return refuse("Request metadata must have at least 1 and at most 16 entries.");
    }
    let is_legal = |text: &str| {
        let fits =
            |c: char| c.is_ascii_alphanumeric() || c.is_whitespace() || "_:@$#=/+,-.".contains(c);
        text.len() <= 256 && text.chars().all(fits)
    };
    let is_pair = |(key, value): (&String, &Value)| {
        !key.is_empty() && is_legal(key) && value.as_str().is_some_and(is_legal)
    };
    if !pairs.iter().all(is_pair) {
        return refuse("Request metadata contains a value that violates the regular expression");
    }
    Ok(())
}

fn terms(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    for (header, known) in [
        (
            "x-amzn-bedrock-service-tier",
            &["priority", "default", "flex", "reserved"][..],
        ),
        (
            "x-amzn-bedrock-performanceconfig-latency",
            &["standard", "optimized"],
        ),
        (
            "x-amzn-bedrock-trace",
            &["ENABLED", "DISABLED", "ENABLED_FULL"],
        ),
    ] {
        if let Some(value) = request.header(header)
            && !known.contains(&value)
        {
            let known = known.join(", ");
            return refuse(format!(
                "1 validation error detected: Value '{value}' at '{header}' failed to satisfy constraint: Member must satisfy enum value set: [{known}]"
            ));
        }
    }
    Ok(())
}

fn guardrail(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let id = request.header("x-amzn-bedrock-guardrailidentifier");
    let version = request.header("x-amzn-bedrock-guardrailversion");
    if id.is_some() != version.is_some() {
        return refuse(
            "The guardrail identifier and the guardrail version must be given together.",
        );
    }
    if id.is_some() && request.body.get("amazon-bedrock-guardrailConfig").is_none() {
        return refuse("Guardrail was enabled but input is in incorrect format.");
    }
    Ok(())
}
