//! The headers that say how much of its limits and budget a key has left.

use http::{HeaderMap, HeaderName, HeaderValue};
use rust_decimal::Decimal;

use crate::keys::{KeyRates, KeyUsage};

/// Adds `x-litellm-key-*`. `cost` is the reply's own, where it is known by now.
pub(super) fn add(headers: &mut HeaderMap, key_usage: &KeyUsage, cost: Option<Decimal>) {
    let mut set = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    if let Some(budget) = key_usage.budget {
        let spent = budget.spent + cost.unwrap_or_default();
        set("x-litellm-key-spend", spent.normalize().to_string());
        if let Some(max) = budget.max {
            set("x-litellm-key-max-budget", max.normalize().to_string());
        }
        if let Some(remaining) = budget.remaining {
            set(
                "x-litellm-key-remaining-budget",
                remaining.normalize().to_string(),
            );
        }
    }
    let limits = [
        ("x-litellm-key-rpm-limit", key_usage.rates.requests),
        ("x-litellm-key-tpm-limit", key_usage.rates.tokens),
    ];
    for (name, left) in limits {
        if let Some(left) = left {
            set(name, left.limit.to_string());
        }
    }
    add_rates(headers, "api_key", &key_usage.rates);
    add_rates(headers, "model_per_key", &key_usage.model_rates);
}

/// `x-ratelimit-<whose>-{limit,remaining}-{requests,tokens}`.
fn add_rates(headers: &mut HeaderMap, whose: &str, rates: &KeyRates) {
    for (kind, left) in [("requests", rates.requests), ("tokens", rates.tokens)] {
        let Some(left) = left else { continue };
        for (word, value) in [("limit", left.limit), ("remaining", left.remaining)] {
            let name = format!("x-ratelimit-{whose}-{word}-{kind}");
            if let Ok(name) = HeaderName::try_from(name) {
                headers.insert(name, HeaderValue::from(value));
            }
        }
    }
}
