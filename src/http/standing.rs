//! What a reply says of its key's means, and a request that has no more of them.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use rust_decimal::Decimal;

use crate::app::AppState;
use crate::keys::{Denied, Rates, Scope, Standing};
use crate::wire::ApiError;

/// Adds `x-litellm-key-*`. `cost` is the reply's own, where it is known by now.
pub(super) fn add(headers: &mut HeaderMap, standing: &Standing, cost: Option<Decimal>) {
    let mut set = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    if let Some(budget) = standing.budget {
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
        ("x-litellm-key-rpm-limit", standing.rates.requests),
        ("x-litellm-key-tpm-limit", standing.rates.tokens),
    ];
    for (name, left) in limits {
        if let Some(left) = left {
            set(name, left.limit.to_string());
        }
    }
    add_rates(headers, "api_key", &standing.rates);
    add_rates(headers, "model_per_key", &standing.model_rates);
}

/// `x-ratelimit-<whose>-{limit,remaining}-{requests,tokens}`.
fn add_rates(headers: &mut HeaderMap, whose: &str, rates: &Rates) {
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

/// The refusal as the caller sees it.
pub(super) fn refusal(app: &AppState, denied: Denied) -> ApiError {
    let soon = |error| ApiError {
        retry_after: Some(Duration::from_secs(1)),
        ..error
    };
    match denied {
        Denied::BudgetExceeded {
            label,
            spent,
            held,
            max,
        } => {
            let status = app.config.general.budget_exceeded_status;
            let status = status.and_then(|status| StatusCode::from_u16(status).ok());
            let (spent, held, max) = (spent.normalize(), held.normalize(), max.normalize());
            let message = format!(
                "Budget has been exceeded! {label} Current cost: {spent}, Max budget: {max}. Held for requests under \
                 way: {held}. A smaller 'max_tokens' needs less."
            );
            let status = status.unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
            ApiError::new(status, "budget_exceeded", message)
        }
        Denied::Unpriced { group } => {
            let message = format!(
                "A key with a budget cannot use '{group}' or a model that falls back to it: its price is unknown. \
                 'input_cost_per_token' and 'output_cost_per_token' in the configuration make it known."
            );
            ApiError::bad_request(message, "model")
        }
        Denied::LimitReached {
            scope,
            of,
            kind,
            limit,
            resets_at,
        } => {
            let whose = match scope {
                Scope::Key => "api_key",
                Scope::Model => "model_per_key",
            };
            let resets = match resets_at {
                Some(at) => format!("Limit resets at: {at}"),
                None => "There is room as soon as another request of this key ends".to_owned(),
            };
            let message = format!(
                "Rate limit exceeded for {whose}: {of}. Limit type: {kind}. Current limit: {limit}, Remaining: 0. {resets}."
            );
            let wait = resets_at.map_or(Duration::from_secs(1), |at| {
                at.duration_since(app.keys.now()).unsigned_abs()
            });
            ApiError {
                retry_after: Some(wait),
                ..ApiError::new(StatusCode::TOO_MANY_REQUESTS, "throttling_error", message)
            }
        }
        Denied::Contended => soon(ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "throttling_error",
            "Too many requests of this key begin at the same time to keep its budget and limits. Try again in a moment.",
        )),
        Denied::Table(fault) => ApiError::of_table(format!(
            "The key's budget and limits cannot be checked just now: the table {fault}."
        )),
    }
}
