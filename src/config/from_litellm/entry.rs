//! An entry of LiteLLM's `model_list`, as it shows it and as it is written here.

use serde_json::{Map, Value};

use crate::config::model::is_of_other_provider;

use super::masked::take_hidden;
use super::text::{self, INDENT, comment};
use super::yaml;

/// An entry of `model_list`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ListedModel {
    pub name: String,
    /// `litellm_params`, without what LiteLLM hides.
    pub params: Map<String, Value>,
    /// `model_info`, without what LiteLLM adds.
    pub info: Map<String, Value>,
    /// What of `litellm_params` must be put back.
    hidden: Vec<String>,
    /// Why it cannot stand in the file; `None`: it can.
    pub left_out: Option<String>,
    /// Models that a pattern stood for, where LiteLLM lists those and not the pattern.
    pub behind_pattern: Vec<String>,
}

/// `litellm_params` that LiteLLM shows also where nobody has set them, when they are `false`.
const OFF_BY_DEFAULT: [&str; 5] = [
    "allow_client_keepalive_override",
    "merge_reasoning_content_in_choices",
    "use_in_pass_through",
    "use_litellm_proxy",
    "use_xai_oauth",
];

impl ListedModel {
    /// The error says what is missing.
    pub(super) fn read(entry: &Value) -> Result<Self, &'static str> {
        let text = |of: &Value, name: &str| {
            let text = of.get(name).and_then(Value::as_str);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let object = |name: &str| {
            let object = entry.get(name).and_then(Value::as_object);
            object.cloned().unwrap_or_default()
        };
        let name = text(entry, "model_name").ok_or("the field `model_name` is missing")?;
        let mut params = object("litellm_params");
        params.retain(|name, value| is_set(name, value));
        let stored = params.shift_remove("litellm_credential_name");
        let mut hidden = Vec::new();
        let mut params = take_hidden(params, "", &mut hidden);
        if hidden.iter().any(|name| name == "aws_session_token") {
            // A session is of a key, which LiteLLM leaves out without a word.
            for name in ["aws_secret_access_key", "aws_access_key_id"] {
                if !hidden.iter().any(|known| known == name) {
                    hidden.insert(0, name.to_owned());
                }
            }
        }
        if let Some(Value::String(stored)) = stored {
            hidden.push(format!("{} {stored}", text::CREDENTIAL));
        }
        let listed_info = object("model_info");
        let model = params.get("model").and_then(Value::as_str);
        let model = model.ok_or("the field `litellm_params.model` is missing")?;
        let left_out = reason_to_leave_out(model, &params, &listed_info, entry);
        if let Some(model) = params.shift_remove("model") {
            params.shift_insert(0, "model".to_owned(), model);
        }
        Ok(Self {
            name,
            info: own_info(&listed_info, &params),
            params,
            hidden,
            left_out,
            behind_pattern: Vec::new(),
        })
    }

    pub(super) fn model(&self) -> &str {
        let model = self.params.get("model").and_then(Value::as_str);
        model.unwrap_or_default()
    }

    pub(super) fn id(&self) -> Option<&str> {
        self.info.get("id").and_then(Value::as_str)
    }

    /// The entry as an item of `model_list`; as a comment where it cannot stand there.
    pub(super) fn yaml(&self) -> String {
        let name = yaml::inline(&self.name.as_str().into(), false);
        let mut item = format!("model_name: {name}\n");
        item.push_str(&yaml::section("litellm_params", &self.params));
        if !self.info.is_empty() {
            item.push_str(&yaml::section("model_info", &self.info));
        }
        let mut written = String::new();
        if let Some(reason) = &self.left_out {
            written.push_str(&comment(INDENT, &format!("Left out: {reason}.")));
        } else if !self.behind_pattern.is_empty() {
            let lines = [
                format!(
                    "LiteLLM lists {} models of this entry, which has a pattern there. This one fits them all:",
                    self.behind_pattern.len()
                ),
                "widen it where it is too narrow.".to_owned(),
            ];
            written.extend(lines.map(|line| comment(INDENT, &line)));
        }
        if self.left_out.is_none() {
            written.push_str(&text::hidden(&self.hidden));
        }
        for (n, line) in item.lines().enumerate() {
            let line = format!("{} {line}", if n == 0 { "-" } else { " " });
            match self.left_out {
                None => written.push_str(&format!("{INDENT}{line}\n")),
                Some(_) => written.push_str(&comment(INDENT, &line)),
            }
        }
        written
    }
}

/// Whether a field of `litellm_params` says anything. LiteLLM writes `None` as a text when it hides the others.
fn is_set(name: &str, value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(false) => !OFF_BY_DEFAULT.contains(&name),
        Value::String(text) => !text.is_empty() && text != "None",
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}

fn reason_to_leave_out(
    model: &str,
    params: &Map<String, Value>,
    info: &Map<String, Value>,
    entry: &Value,
) -> Option<String> {
    let provider = params.get("custom_llm_provider").and_then(Value::as_str);
    let is_blocked = |of: Option<&Value>| of.and_then(Value::as_bool) == Some(true);
    if is_of_other_provider(model, provider) {
        return Some(format!("{model} is not a model of Amazon Bedrock"));
    }
    if is_blocked(info.get("blocked")) || is_blocked(entry.get("blocked")) {
        return Some("it is paused in LiteLLM".to_owned());
    }
    if let Some(team) = info.get("team_id").and_then(Value::as_str) {
        return Some(format!(
            "the team {team} alone may ask for it in LiteLLM; here every key could whose models allow it"
        ));
    }
    let windows = info.get("access_windows").and_then(Value::as_array);
    windows.filter(|windows| !windows.is_empty()).map(|_| {
        "it may be asked for at some hours alone in LiteLLM (access_windows); here it could at all".to_owned()
    })
}

/// What of `model_info` its owner has written. LiteLLM appends its price list, which begins with `key`; where the order
/// is lost, the names have to tell.
fn own_info(listed: &Map<String, Value>, params: &Map<String, Value>) -> Map<String, Value> {
    const OF_DATABASE: [&str; 10] = [
        "db_model",
        "created_at",
        "created_by",
        "updated_at",
        "updated_by",
        "direct_access",
        "access_via_team_ids",
        "member_auto_router",
        PRICE_OVERRIDES,
        PRICE_LIST,
    ];
    let names: Vec<&String> = listed.keys().collect();
    let is_sorted = names.len() > 2 && names.is_sorted();
    let begin = names.iter().position(|name| *name == PRICE_LIST);
    let is_priced_by_owner = |name: &str| {
        let overrides = listed.get(PRICE_OVERRIDES).and_then(Value::as_array);
        overrides.into_iter().flatten().any(|own| own == name)
    };
    let mut own = Map::new();
    for (n, (name, value)) in listed.iter().enumerate() {
        let is_own = match begin {
            None => true,
            Some(_) if is_sorted => is_priced_by_owner(name) || !is_of_price_list(name),
            Some(begin) => n < begin,
        };
        let is_mirrored = params.get(name) == Some(value);
        if is_own && !value.is_null() && !is_mirrored && !OF_DATABASE.contains(&name.as_str()) {
            own.insert(name.clone(), value.clone());
        }
    }
    own
}

/// The first field of LiteLLM's price list in an answer: the name of the row.
const PRICE_LIST: &str = "key";
/// Which prices of an answer are the owner's.
const PRICE_OVERRIDES: &str = "pricing_overrides";

fn is_of_price_list(name: &str) -> bool {
    const NAMES: [&str; 14] = [
        PRICE_LIST,
        "litellm_provider",
        "mode",
        "rpm",
        "tpm",
        "off_peak_pricing",
        "output_vector_size",
        "provider_specific_entry",
        "prompt_cache_min_tokens",
        "thinking_always_on",
        "tiered_pricing",
        "use_openai_responses_path",
        "uses_embed_content",
        "web_search_billing_unit",
    ];
    const BEGINNINGS: [&str; 8] = [
        "supports_",
        "supported_",
        "max_",
        "bedrock_",
        "token_count_",
        "regional_",
        "search_",
        "default_reasoning",
    ];
    name.contains("cost")
        || NAMES.contains(&name)
        || BEGINNINGS.iter().any(|begin| name.starts_with(begin))
}
