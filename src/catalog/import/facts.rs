//! What one entry of the price list says, in the catalog's words.

use rust_decimal::Decimal;
use serde_json::Value;

use super::ImportError;
use crate::catalog::Family;

/// One entry, translated.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Facts {
    pub context: Option<u64>,
    pub output: Option<u64>,
    pub end_of_life: Option<String>,
    pub thinking: Option<&'static str>,
    pub cache_min: Option<u64>,
    pub can: Vec<&'static str>,
    pub cannot: Vec<&'static str>,
    pub prices: Prices,
}

/// All prices of an entry.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Prices {
    pub standard: ImportedPrices,
    pub above: Vec<(u32, ImportedPrices)>,
    pub flex: ImportedPrices,
    pub priority: ImportedPrices,
}

/// Name and dollars per million tokens, in the order of writing.
pub(super) type ImportedPrices = Vec<(&'static str, Decimal)>;

/// Lengths of prompts from which the list knows dearer rates.
const TIERS: [u32; 4] = [100, 128, 200, 272];

impl Facts {
    pub(super) fn read(key: &str, base: &str, entry: &Value) -> Result<Self, ImportError> {
        let family = Family::of(base);
        let flag = |name: &str| entry.get(name).and_then(Value::as_bool);
        let yes = |name: &str| flag(name) == Some(true);
        let number = |name: &str| entry.get(name).and_then(Value::as_u64);
        let text = |name: &str| entry.get(name).and_then(Value::as_str);

        let prices = Prices::read(key, entry)?;
        let tools = yes("supports_function_calling");
        let tool_choice = tools && yes("supports_tool_choice");
        let vision = yes("supports_vision");
        // Other families cache on their own accord: they have a price for it, but take no cache points.
        let caching =
            yes("supports_prompt_caching") && matches!(family, Family::Claude | Family::Nova);
        // Bedrock's own switch goes before the vendor's.
        let schema = flag("supports_bedrock_native_structured_output")
            .or(flag("supports_native_structured_output"))
            == Some(true);
        let ceiling = text("bedrock_output_config_effort_ceiling").unwrap_or("max");
        let effort = yes("supports_output_config") || yes("supports_adaptive_thinking");
        let thinking = thinking(base, family, entry);

        let can = [
            ("caching", caching),
            // Nova refuses a cache point among its tools
            // (https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html).
            ("caching_tools", caching && family == Family::Claude),
            ("vision", vision),
            ("documents", yes("supports_pdf_input")),
            ("tools", tools),
            ("tool_choice", tool_choice),
            (
                "parallel_tool_use_config",
                yes("supports_parallel_tool_use_config"),
            ),
            (
                "strict_tools",
                schema && tools && flag("bedrock_converse_supports_strict_tools") != Some(false),
            ),
            (
                "tool_result_images",
                vision && matches!(family, Family::Claude | Family::Nova),
            ),
            ("json_schema", schema),
            ("prefill", yes("supports_assistant_prefill")),
            (
                "mid_conversation_system",
                yes("supports_mid_conversation_system"),
            ),
            ("effort", effort),
            (
                "effort_xhigh",
                yes("supports_xhigh_reasoning_effort") && ceiling != "high",
            ),
            (
                "effort_max",
                yes("supports_max_reasoning_effort") && ceiling == "max",
            ),
        ];
        let cannot = [
            (
                "forced_tool_choice",
                tool_choice
                    && flag("supports_forced_tool_use")
                        .map_or(thinking == Some("always"), |can| !can),
            ),
            ("sampling", flag("supports_sampling_params") == Some(false)),
        ];
        let chosen = |words: &[(&'static str, bool)]| -> Vec<_> {
            words
                .iter()
                .filter(|(_, holds)| *holds)
                .map(|(word, _)| *word)
                .collect()
        };
        Ok(Self {
            context: number("max_input_tokens"),
            output: number("max_output_tokens"),
            end_of_life: text("deprecation_date").map(str::to_owned),
            thinking,
            cache_min: number("prompt_cache_min_tokens").filter(|_| caching),
            can: chosen(&can),
            cannot: chosen(&cannot),
            prices,
        })
    }
}

/// How thinking is asked for. The list tells whether a model reasons; how it is asked depends on the family.
fn thinking(base: &str, family: Family, entry: &Value) -> Option<&'static str> {
    let yes = |name: &str| entry.get(name).and_then(Value::as_bool) == Some(true);
    if !yes("supports_reasoning") {
        return None;
    }
    match family {
        Family::Claude if yes("thinking_always_on") => Some("always"),
        Family::Claude if yes("supports_adaptive_thinking") && yes("supports_legacy_thinking") => {
            Some("budget_or_adaptive")
        }
        Family::Claude if yes("supports_adaptive_thinking") => Some("adaptive"),
        Family::Claude => Some("budget"),
        Family::Nova => Some("reasoning_config"),
        // R1 thinks always and takes no word about it.
        Family::DeepSeek if base.contains("deepseek.r1") => None,
        Family::DeepSeek | Family::GptOss | Family::Qwen => Some("reasoning_effort"),
        _ if base.starts_with("openai.gpt-") => Some("reasoning_object"),
        _ => None,
    }
}

impl Prices {
    fn read(key: &str, entry: &Value) -> Result<Self, ImportError> {
        let row = |suffix: &str| row(key, entry, suffix);
        let mut above = Vec::new();
        for tier in TIERS {
            let rates = row(&format!("_above_{tier}k_tokens"))?;
            if !rates.is_empty() {
                above.push((tier * 1_000, rates));
            }
        }
        Ok(Self {
            standard: row("")?,
            above,
            flex: row("_flex")?,
            priority: row("_priority")?,
        })
    }
}

/// A row of prices. Rates that it lacks are left out, and so is a row without both input and output.
fn row(key: &str, entry: &Value, suffix: &str) -> Result<ImportedPrices, ImportError> {
    const NAMES: [(&str, &str); 5] = [
        ("input", "input_cost_per_token"),
        ("output", "output_cost_per_token"),
        ("read", "cache_read_input_token_cost"),
        ("write", "cache_creation_input_token_cost"),
        ("write_1h", "cache_creation_input_token_cost_above_1hr"),
    ];
    let mut row = ImportedPrices::new();
    for (name, field) in NAMES {
        let field = format!("{field}{suffix}");
        let Some(value) = entry.get(&field) else {
            continue;
        };
        let price = per_million(value).ok_or_else(|| ImportError::Price {
            id: key.to_owned(),
            field,
            value: value.to_string(),
        })?;
        // The list writes 0 for what a model does not do.
        if !price.is_zero() || matches!(name, "input" | "output") {
            row.push((name, price));
        }
    }
    let complete = row
        .iter()
        .filter(|(name, _)| matches!(*name, "input" | "output"))
        .count()
        == 2;
    Ok(if complete { row } else { ImportedPrices::new() })
}

/// Dollars per token, as the list writes them, in dollars per million tokens. The list's numbers are floats: what
/// is beyond the sixth place of a price per million is their noise.
fn per_million(value: &Value) -> Option<Decimal> {
    let dollars = value.as_f64().filter(|price| *price >= 0.0)?;
    let exact = Decimal::from_scientific(&format!("{dollars:e}")).ok()?;
    let million = exact.checked_mul(Decimal::from(1_000_000))?;
    Some(million.round_dp(6).normalize())
}
