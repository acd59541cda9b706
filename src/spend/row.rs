//! A record as LiteLLM's API shows it: a row of `GET /spend/logs`.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value};

use super::record::{Record, RecordFailure, Status};
use super::{Attempt, Cost, RequestId, Retried, Unlisted, money};
use crate::store::time::sortable;

/// LiteLLM_SpendLogs' columns, and `metadata` with LiteLLM's names as far as they are known here. Money has the
/// decimal's own digits. Columns that never mean anything here (organizations, caches of replies) are left out.
///
/// Serialize it with `serde_json`'s text functions: `serde_json::Value` would round the money to floats.
#[derive(Debug, Serialize)]
pub struct SpendLog<'a> {
    request_id: RequestId,
    call_type: &'a str,
    api_key: &'a str,
    /// `null`: the price is unknown. LiteLLM says 0 then.
    #[serde(with = "money::option")]
    spend: Option<Decimal>,
    total_tokens: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
    #[serde(rename = "startTime")]
    start: String,
    #[serde(rename = "endTime")]
    end: String,
    #[serde(rename = "completionStartTime")]
    first_token: Option<String>,
    request_duration_ms: i64,
    /// Until the first piece of the answer.
    ttft_ms: Option<i64>,
    model: &'a str,
    model_id: &'a str,
    model_group: &'a str,
    custom_llm_provider: &'static str,
    user: &'a str,
    end_user: &'a str,
    team_id: Option<&'a str>,
    request_tags: &'a [String],
    session_id: Option<&'a str>,
    /// Which of a session's agents sent it, and which agent had started that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_agent_id: Option<&'a str>,
    litellm_call_id: Option<&'a str>,
    /// The client program, where it is one of those that reports tell apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a str>,
    status: Status,
    metadata: RowMetadata<'a>,
}

#[derive(Debug, Serialize)]
struct RowMetadata<'a> {
    status: Status,
    user_api_key: &'a str,
    user_api_key_alias: Option<&'a str>,
    user_api_key_user_id: Option<&'a str>,
    user_api_key_team_id: Option<&'a str>,
    user_agent: Option<&'a str>,
    spend_logs_metadata: Option<&'a Map<String, Value>>,
    original_model_group: &'a str,
    attempted_fallbacks: usize,
    attempted_retries: usize,
    usage_object: UsageObject,
    cost_breakdown: Option<CostBreakdown>,
    error_information: Option<ErrorInformation<'a>>,
    /// From here on, what LiteLLM does not know.
    price_unknown: bool,
    usage_estimated: bool,
    stream: bool,
    trace_id: Option<&'a str>,
    stop_reason: Option<&'a str>,
    region: &'a str,
    attempts: &'a [Attempt],
    /// Attempts that are too many to be listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    unlisted_attempts: Option<&'a Unlisted>,
    /// The table did not take what clients had said.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    reduced: bool,
}

#[derive(Debug, Serialize)]
struct UsageObject {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation_input_tokens: u64,
    reasoning_tokens: Option<u64>,
}

#[derive(Debug, Serialize)]
struct CostBreakdown {
    /// LiteLLM's: the prompt as a whole, cache included.
    #[serde(with = "money")]
    input_cost: Decimal,
    #[serde(with = "money")]
    output_cost: Decimal,
    #[serde(with = "money")]
    cache_read_cost: Decimal,
    #[serde(with = "money")]
    cache_creation_cost: Decimal,
    #[serde(with = "money")]
    total_cost: Decimal,
    #[serde(with = "money")]
    cache_saving: Decimal,
}

#[derive(Debug, Serialize)]
struct ErrorInformation<'a> {
    error_class: &'a str,
    error_code: String,
    error_message: &'a str,
}

impl<'a> From<&'a Record> for SpendLog<'a> {
    fn from(record: &'a Record) -> SpendLog<'a> {
        let usage = record.usage();
        let caller = &record.caller;
        let final_attempt = record.final_attempt();
        let since_start =
            |at: Timestamp| (at.as_millisecond() - record.start.as_millisecond()).max(0);
        SpendLog {
            request_id: record.request_id,
            call_type: &record.call_type,
            api_key: &caller.key_hash,
            spend: record.cost().map(|cost| cost.total),
            total_tokens: usage.total(),
            prompt_tokens: usage.prompt(),
            completion_tokens: usage.output,
            start: sortable(record.start),
            end: sortable(record.end),
            first_token: record.first_token.map(sortable),
            request_duration_ms: since_start(record.end),
            ttft_ms: record.first_token.map(since_start),
            model: final_attempt.map_or(&record.model_asked, |attempt| &attempt.model),
            model_id: final_attempt.map_or("", |attempt| &attempt.deployment),
            model_group: final_attempt.map_or(&record.model_asked, |attempt| &attempt.group),
            custom_llm_provider: "bedrock",
            user: caller.user.as_deref().unwrap_or_default(),
            end_user: caller.end_user.as_deref().unwrap_or_default(),
            team_id: caller.team_id.as_deref(),
            request_tags: &record.tags,
            session_id: caller.session_id.as_deref(),
            agent_id: caller.agent_id.as_deref(),
            parent_agent_id: caller.parent_agent_id.as_deref(),
            litellm_call_id: record.litellm_call_id.as_deref(),
            client: caller.client_app.as_deref(),
            status: record.status,
            metadata: RowMetadata::from(record),
        }
    }
}

impl<'a> From<&'a Record> for RowMetadata<'a> {
    fn from(record: &'a Record) -> RowMetadata<'a> {
        let usage = record.usage();
        let caller = &record.caller;
        let Retried { retries, fallbacks } = record.retried();
        RowMetadata {
            status: record.status,
            user_api_key: &caller.key_hash,
            user_api_key_alias: caller.key_alias.as_deref(),
            user_api_key_user_id: caller.user.as_deref(),
            user_api_key_team_id: caller.team_id.as_deref(),
            user_agent: caller.client.as_deref(),
            spend_logs_metadata: record.spend_logs_metadata.as_ref(),
            original_model_group: &record.model_asked,
            attempted_fallbacks: fallbacks,
            attempted_retries: retries,
            usage_object: UsageObject {
                prompt_tokens: usage.prompt(),
                completion_tokens: usage.output,
                total_tokens: usage.total(),
                cache_read_input_tokens: usage.cache_read,
                cache_creation_input_tokens: usage.cache_write(),
                reasoning_tokens: usage.reasoning,
            },
            cost_breakdown: record.cost().map(CostBreakdown::from),
            error_information: record.error.as_ref().map(ErrorInformation::from),
            price_unknown: record.is_unpriced(),
            usage_estimated: usage.estimated,
            stream: record.stream,
            trace_id: record.trace_id.as_deref(),
            stop_reason: record.stop_reason.as_deref(),
            region: record.final_attempt().map_or("", |attempt| &attempt.region),
            attempts: &record.attempts,
            unlisted_attempts: record.unlisted.as_ref(),
            reduced: record.reduced,
        }
    }
}

impl From<Cost> for CostBreakdown {
    fn from(cost: Cost) -> CostBreakdown {
        CostBreakdown {
            input_cost: cost.input + cost.cache_read + cost.cache_write,
            output_cost: cost.output,
            cache_read_cost: cost.cache_read,
            cache_creation_cost: cost.cache_write,
            total_cost: cost.total,
            cache_saving: cost.cache_saving,
        }
    }
}

impl<'a> From<&'a RecordFailure> for ErrorInformation<'a> {
    fn from(failure: &'a RecordFailure) -> ErrorInformation<'a> {
        ErrorInformation {
            error_class: &failure.class,
            error_code: failure.status.to_string(),
            error_message: &failure.message,
        }
    }
}
