//! What is taken of a line that the gateway has not signed: who asked for what, and how many tokens it took. What that
//! costs, and what it moves, is found anew here.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::super::{Attempt, Caller, PendingRequest, Record, Reservation};
use crate::catalog::{Catalog, Price, Terms};
use crate::config::{Config, Deployment};
use crate::conversation::Usage;

/// More tokens than an attempt can have: a request has 6 MB.
const MOST_TOKENS: u64 = 10_000_000;

/// The record as its tokens say; `None`: it says what no record does.
pub(super) fn record(record: Record, config: &Config) -> Option<Record> {
    let mut record = record.unsealed();
    for attempt in &mut record.attempts {
        let Some(used) = attempt.usage else {
            attempt.cost = None;
            continue;
        };
        if !is_possible(&used) {
            return None;
        }
        let price = price(attempt, config);
        let terms = Terms {
            tier: attempt.service_tier.clone(),
            latency: attempt.latency.clone(),
        };
        *attempt = std::mem::take(attempt).billed_on(&terms, used, price.as_ref());
    }
    is_sound(&record.caller, &record.reservations).then_some(record)
}

/// The pending request, if it says what one can.
pub(super) fn pending(pending: PendingRequest<'static>) -> Option<PendingRequest<'static>> {
    let is_possible = pending.estimated_input <= MOST_TOKENS;
    (is_possible && is_sound(&pending.caller, &pending.reservations)).then_some(pending)
}

fn is_possible(used: &Usage) -> bool {
    let tokens = [
        used.input,
        used.output,
        used.cache_read,
        used.cache_write_5m,
        used.cache_write_1h,
    ];
    tokens.iter().all(|tokens| *tokens <= MOST_TOKENS)
}

/// A key's hash is a part of the names of totals; what was held was held against budgets.
fn is_sound(caller: &Caller, reservations: &[Reservation]) -> bool {
    let is_hex = caller.key_hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let are_of_budgets = reservations
        .iter()
        .all(|held| held.key.is_budget() && held.held >= Decimal::ZERO);
    is_hex && are_of_budgets
}

/// As the configuration has it for the deployment, else as the catalog has it for the model.
fn price(attempt: &Attempt, config: &Config) -> Option<Price> {
    let group = config.group(&attempt.group);
    let deployment = group.as_ref().and_then(|group| {
        let of_the_model = |deployment: &&Arc<Deployment>| deployment.model_id == attempt.model;
        let deployments = || group.deployments.iter().filter(of_the_model);
        deployments()
            .find(|deployment| deployment.id == attempt.deployment)
            .or_else(|| deployments().next())
    });
    match deployment {
        Some(deployment) => deployment.model.price.clone(),
        None => Catalog::bundled().resolve(&attempt.model, None, None).price,
    }
}
