//! The errors for a request that a limit or a budget of its key does not allow.

use std::time::Duration;

use http::StatusCode;
use rust_decimal::Decimal;

use crate::app::AppState;
use crate::keys::{Denied, LimitScope, OverBudget};
use crate::wire::ApiError;

/// The refusal as the caller sees it.
pub(super) fn refusal(app: &AppState, denied: Denied) -> ApiError {
    const SOON: Duration = Duration::from_secs(1);
    let too_many =
        |message: String| ApiError::new(StatusCode::TOO_MANY_REQUESTS, "throttling_error", message);
    match denied {
        Denied::OverBudget(over) => {
            let status = app.config.general.budget_exceeded_status;
            let status = status.and_then(|status| StatusCode::from_u16(status).ok());
            let status = status.unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
            ApiError::new(status, "budget_exceeded", over_budget(&over)).lasting()
        }
        Denied::Unpriced { group } => {
            let message = format!(
                "A key with a budget cannot use '{group}': its price is unknown. \
                 'input_cost_per_token' and 'output_cost_per_token' in the configuration make it known."
            );
            ApiError::bad_request(message, "model")
        }
        Denied::LimitReached {
            scope,
            label,
            kind,
            limit,
            resets_at,
        } => {
            let whose = match scope {
                LimitScope::Key => "api_key",
                LimitScope::Model => "model_per_key",
                LimitScope::Team => "team",
                LimitScope::TeamModel => "model_per_team",
                LimitScope::Member => "team_member",
                LimitScope::User => "user",
                LimitScope::UserModel => "model_per_user",
            };
            let owner = match scope {
                LimitScope::Team | LimitScope::TeamModel => "team",
                LimitScope::User | LimitScope::UserModel => "user",
                _ => "key",
            };
            let resets = match resets_at {
                Some(at) => format!("Limit resets at: {at}"),
                None => format!("There is room as soon as another request of this {owner} ends"),
            };
            let message = format!(
                "Rate limit exceeded for {whose}: {label}. Limit type: {kind}. Current limit: {limit}, Remaining: 0. {resets}."
            );
            let wait =
                resets_at.map_or(SOON, |at| at.duration_since(app.keys.now()).unsigned_abs());
            too_many(message).retry_after(wait)
        }
        Denied::Contended => {
            let message = "Too many requests of this key begin at the same time to keep its budget and limits. Try \
                           again in a moment.";
            too_many(message.to_owned()).retry_after(SOON)
        }
        Denied::Table(fault) => ApiError::of_table(format!(
            "The key's budget and limits cannot be checked just now: the table {fault}."
        )),
    }
}

/// The reference system's words for a budget that is spent. One that is not says what the request may cost, and with
/// which length of answer it fits.
fn over_budget(over: &OverBudget) -> String {
    let (label, by) = (&over.label, over.raised_by);
    let [spent, held, max] = [over.spent, over.held, over.max].map(|amount| amount.normalize());
    if !spent.is_zero() && spent >= max {
        let resets = match over.resets_at {
            Some(at) => format!("It resets at {at}"),
            None => "It never resets".to_owned(),
        };
        return format!(
            "Budget has been exceeded! {label} Current cost: {spent}, Max budget: {max}. Held for requests under way: \
             {held}. {resets}; whoever holds the master key can raise it ({by})."
        );
    }
    let resets = over.resets_at.map(|at| format!(", resets at {at}"));
    let resets = resets.unwrap_or_default();
    let [left, cost, prompt] = [over.left, over.cost, over.prompt].map(dollars);
    let advice = match over.longest_answer {
        Some(tokens) => format!("send max_tokens ≤ {tokens}"),
        None => format!("its prompt alone may cost ${prompt}: send a shorter one"),
    };
    format!(
        "This request may cost up to ${cost}; ${left} of ${max} are left ({label}, spent ${spent}, held for requests under \
         way ${held}{resets}, raised by {by}); {advice}."
    )
}

/// An amount to five digits, as people read it.
fn dollars(amount: Decimal) -> Decimal {
    amount.round_sf(5).unwrap_or(amount).normalize()
}
