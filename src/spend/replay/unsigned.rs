//! What is taken of a line that the gateway has not signed: its caller, what it asked for, and how many tokens it took.
//! What that costs, and what it moves, is found anew here.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::super::{Attempt, PendingRequest, Record, RecordCaller, Reservations};
use crate::catalog::{Catalog, Price, ServiceTerms};
use crate::config::{Config, Deployment};
use crate::conversation::Usage;

/// More tokens than an attempt can have: a request has 6 MB.
const MOST_TOKENS: u64 = 10_000_000;

/// The record as its tokens say; `None`: it says what no record does.
pub(super) fn record(record: Record, config: &Config) -> Option<Record> {
    let mut record = record.unfrozen();
    let at = record.request_id.time();
    for attempt in &mut record.attempts {
        let Some(used) = attempt.usage else {
            attempt.cost = None;
            continue;
        };
        if !is_possible(&used) {
            return None;
        }
        let price = price(attempt, config);
        let price = price.as_ref().map(|price| price.at(at));
        let terms = ServiceTerms {
            tier: attempt.service_tier.clone(),
            latency: attempt.latency.clone(),
        };
        *attempt = std::mem::take(attempt).billed_on(&terms, used, price.as_deref());
    }
    is_sound(&record.caller, &record.reservations).then_some(record)
}

/// The pending request, if it says what one can.
pub(super) fn pending(pending: PendingRequest<'static>) -> Option<PendingRequest<'static>> {
    let is_possible = pending.estimated_input <= MOST_TOKENS;
    (is_possible && is_sound(&pending.caller, &pending.held())).then_some(pending)
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
fn is_sound(caller: &RecordCaller, held: &Reservations) -> bool {
    let is_hex = caller.key_hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let own = held.own.iter().map(|own| (&own.key, own.held));
    let shared = held.shared.iter().map(|shared| (&shared.key, shared.held));
    let are_of_budgets = own
        .chain(shared)
        .all(|(key, held)| key.is_budget() && held >= Decimal::ZERO);
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
        None => {
            let region = Some(attempt.region.as_str()).filter(|region| !region.is_empty());
            Catalog::bundled()
                .resolve(&attempt.model, region, None)
                .price
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::spend::RequestId;

    #[test]
    fn a_record_is_priced_at_its_own_day_and_place() {
        let yaml = "model_list: [{model_name: a, litellm_params: {model: us.anthropic.claude-sonnet-5-5}}]";
        let (config, _) = Config::parse("c.yml", yaml, &|_| None).unwrap();
        for (began, group, model, region, total) in [
            // The cached prompt of this model halved its price on 2026-10-08.
            (
                "2026-10-07T23:59:59Z",
                "a",
                "us.anthropic.claude-sonnet-5-5",
                "us-east-1",
                "0.00022",
            ),
            (
                "2026-10-08T00:00:00Z",
                "a",
                "us.anthropic.claude-sonnet-5-5",
                "us-east-1",
                "0.00011",
            ),
            // Of another configuration.
            (
                "2026-10-07T23:59:59Z",
                "b",
                "global.anthropic.claude-sonnet-5-5",
                "us-east-1",
                "0.0002",
            ),
            (
                "2026-11-29T00:00:00Z",
                "b",
                "amazon.nova-2-lite-v1:0",
                "eu-west-1",
                "0.00010725",
            ),
            (
                "2026-11-29T00:00:00Z",
                "b",
                "amazon.nova-2-lite-v1:0",
                "",
                "0.0000825",
            ),
        ] {
            let id = RequestId::new(began.parse().unwrap());
            let said = json!({"request_id": id, "call_type": "acompletion", "status": "success",
                "startTime": began, "endTime": began, "model_asked": "a", "api_key": "ab".repeat(32),
                "attempts": [{"group": group, "model": model, "region": region, "outcome": "ok",
                    "usage": {"input": 0, "output": 0, "cache_read": 1000}}]});
            let record = record(serde_json::from_value(said).unwrap(), &config).unwrap();
            let cost = record.attempts[0].cost.unwrap();
            assert_eq!(
                cost.total,
                total.parse().unwrap(),
                "{began} {model} {region}"
            );
        }
    }
}
