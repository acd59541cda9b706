//! Completes the ledger from logs: what the table did not take is written, and a request whose process was ended before
//! its record becomes a record with an estimate.
//!
//! Nothing counts twice, however often the same logs are read: the table takes one record of each id.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use super::record::Status;
use super::{Attempt, CALL_TYPE_SEARCH, Ledger, PendingRequest, Record, RequestId, Written};
use crate::catalog::Price;
use crate::config::{Config, Deployment};
use crate::conversation::Usage;
use crate::store::StoreError;

mod lines;
mod logs;
mod pretty;
mod summary;
mod text;
mod unsigned;

use logs::Believed;
pub use logs::{Logs, Trust};
pub use summary::{Failed, Summary};

/// How a replay goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayOptions {
    /// How old a request must be to be lost if it has no record. Longer than a request may last: a record that comes
    /// later than the estimate does not replace it.
    pub grace: Duration,
    /// The time it is.
    pub now: Timestamp,
    /// Nothing is written.
    pub dry_run: bool,
}

/// The most requests that are looked up in the table at a time.
const LOOKED_UP: usize = 1000;
/// The most records that are written at a time: more would wait for each other at the day's totals.
const AT_ONCE: usize = 4;
/// After so many failures in a row the rest is not tried: the table is away.
const MOST_FAILURES_IN_A_ROW: usize = 5;

/// Writes what the logs have and the table has not. The price of a lost request is that of the first deployment it
/// meant in `config`.
///
/// # Errors
/// When the table cannot be read. Then nothing, or not all, has been written, and the same replay may be made again;
/// what could be read but not written is in the summary.
pub async fn replay(
    ledger: &Ledger,
    config: &Config,
    logs: Logs,
    options: &ReplayOptions,
) -> Result<Summary, StoreError> {
    let mut summary = Summary::of(&logs, options);
    let missing = missing(ledger, config, logs, options, &mut summary).await?;
    if options.dry_run {
        for record in &missing {
            summary.write(record);
        }
        return Ok(summary);
    }
    let in_a_row = AtomicUsize::new(0);
    let writes = missing.into_iter().map(|record| {
        let in_a_row = &in_a_row;
        async move {
            if in_a_row.load(Ordering::Relaxed) >= MOST_FAILURES_IN_A_ROW {
                return (record, None);
            }
            let outcome = ledger.record(record.clone()).await;
            match outcome {
                Ok(_) => in_a_row.store(0, Ordering::Relaxed),
                Err(_) => drop(in_a_row.fetch_add(1, Ordering::Relaxed)),
            }
            (record, Some(outcome))
        }
    });
    let mut writes = stream::iter(writes).buffer_unordered(AT_ONCE);
    while let Some((record, outcome)) = writes.next().await {
        match outcome {
            Some(Ok(Written::Now)) => summary.write(&record),
            Some(Ok(Written::AlreadyCounted)) => summary.recorded += 1,
            Some(Err(error)) => summary.fail(record.request_id, error.to_string()),
            None => summary.fail(record.request_id, "not tried after the others".to_owned()),
        }
    }
    Ok(summary)
}

/// The records that are to be written, oldest first.
async fn missing(
    ledger: &Ledger,
    config: &Config,
    logs: Logs,
    options: &ReplayOptions,
    summary: &mut Summary,
) -> Result<Vec<Record>, StoreError> {
    let Logs {
        mut opened,
        mut unrecorded,
        ..
    } = logs;
    let wanted: BTreeSet<RequestId> = opened.keys().chain(unrecorded.keys()).copied().collect();
    let wanted: Vec<_> = wanted.into_iter().collect();
    let mut there = HashSet::new();
    for ids in wanted.chunks(LOOKED_UP) {
        let recorded = ledger.recorded(ids).await?;
        if !options.dry_run {
            ledger.settle_recorded(&recorded).await?;
        }
        there.extend(recorded.into_iter().map(|record| record.request_id));
    }
    summary.recorded += there.len();
    let mut missing = Vec::new();
    for id in wanted.into_iter().filter(|id| !there.contains(id)) {
        let (record, pending) = (unrecorded.remove(&id), opened.remove(&id));
        let found = match evidence(record, pending) {
            _ if ledger.has_expired(&id, options.now) => {
                summary.expired += 1;
                continue;
            }
            Evidence::Record(record) => Some(record),
            _ if !is_older(&id, options) => {
                summary.too_young.push(id);
                continue;
            }
            Evidence::PendingRequest(pending) => Some(lost_record(pending, config)),
            Evidence::UnsignedRecord(record) => unsigned::record(record, config),
            Evidence::UnsignedPending(pending) => {
                unsigned::pending(pending).map(|pending| lost_record(pending, config))
            }
            Evidence::Nothing => continue,
        };
        match found {
            Some(record) => missing.push(record),
            None => summary.impossible.push(id),
        }
    }
    Ok(missing)
}

/// What logs say of one request, by how much it is worth.
enum Evidence {
    Record(Record),
    PendingRequest(PendingRequest<'static>),
    UnsignedRecord(Record),
    UnsignedPending(PendingRequest<'static>),
    Nothing,
}

/// A process that has signed a pending request has the secret and signs the record too: a record without a signature is
/// not its.
fn evidence(
    record: Option<Believed<Record>>,
    pending: Option<Believed<PendingRequest<'static>>>,
) -> Evidence {
    match (record, pending) {
        (Some(record), _) if record.signed => Evidence::Record(record.said),
        (_, Some(pending)) if pending.signed => Evidence::PendingRequest(pending.said),
        (Some(record), _) => Evidence::UnsignedRecord(record.said),
        (None, Some(pending)) => Evidence::UnsignedPending(pending.said),
        (None, None) => Evidence::Nothing,
    }
}

/// What the deployment cost when the request began.
fn price_of<'d>(
    deployment: &'d Deployment,
    pending: &PendingRequest<'_>,
) -> Option<Cow<'d, Price>> {
    let price = deployment.model.price.as_ref()?;
    Some(price.at(pending.request_id.time()))
}

fn is_older(id: &RequestId, options: &ReplayOptions) -> bool {
    let grown_up = id.time().checked_add(options.grace);
    grown_up.is_ok_and(|at| at <= options.now)
}

/// The record of a request of which nothing is known but its beginning. What it was answered cannot be known, so only
/// its prompt is in the estimate; and whether it reached Bedrock at all cannot be known, so it is taken to have.
fn lost_record(pending: PendingRequest<'static>, config: &Config) -> Record {
    let used = Usage {
        // As for an attempt that Bedrock did not count: a prompt is never nothing.
        input: pending.estimated_input.max(1),
        search_units: pending.search_units,
        estimated: true,
        ..Usage::default()
    };
    let attempt = Attempt {
        model: pending.model.clone().into_owned(),
        outcome: "lost".to_owned(),
        ..Attempt::default()
    };
    let default = config.routing.default_model.as_deref();
    let name = Some(&*pending.model).filter(|name| !name.is_empty());
    let group = name
        .or(default)
        .and_then(|name| config.resolve_name(name))
        .and_then(|name| config.group(name));
    let first = group.as_ref().and_then(|group| group.deployments.first());
    let search = config.general.web_search.as_ref();
    let attempt = match first {
        // Its model was never asked.
        _ if pending.call_type == CALL_TYPE_SEARCH => {
            let price = search.map(|search| Price {
                per_query: Some(search.price),
                ..Price::default()
            });
            let used = Usage { input: 0, ..used };
            attempt.billed(used, price.as_ref())
        }
        Some(deployment) => Attempt {
            group: deployment.group.clone(),
            deployment: deployment.id.clone(),
            model: deployment.model_id.clone(),
            region: deployment.region.clone(),
            ..attempt
        }
        .billed(used, price_of(deployment, &pending).as_deref()),
        // A name of another configuration: counted, without a price.
        None => attempt.billed(used, None),
    };
    let held = pending.held();
    let caller = pending.caller.into_owned();
    let mut record = Record::new(pending.request_id, pending.model, caller);
    record.call_type = pending.call_type.into_owned();
    record.stream = pending.stream;
    record.tags = pending.tags.into_owned();
    record.litellm_call_id = pending.litellm_call_id.map(Cow::into_owned);
    record.trace_id = pending.trace_id.map(Cow::into_owned);
    record.reservations = held;
    record.status = Status::Lost;
    record.attempts = vec![attempt];
    record
}
