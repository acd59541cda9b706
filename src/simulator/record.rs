//! What came in and what became of it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use serde::Serialize;
use serde_json::Value;

/// One request as the service saw it.
#[derive(Debug, Clone, Serialize)]
pub struct SeenRequest {
    /// Counts requests from 0.
    pub number: usize,
    /// The model id, decoded.
    pub model: String,
    /// The last part of the path: `converse`, `invoke-with-response-stream`, …
    pub operation: String,
    /// The body; a string where it was not JSON.
    pub body: Value,
    /// When it came.
    #[serde(skip)]
    pub at: SystemTime,
    /// The connection it came on.
    pub connection: u64,
    /// `authorization`, up to the signature.
    pub authorization: String,
    /// `user-agent`.
    pub user_agent: String,
    /// The headers that InvokeModel has in place of members of Converse's body (`x-amzn-bedrock-…`), and
    /// `anthropic-beta` where somebody sends that.
    pub headers: BTreeMap<String, String>,
    /// The script's step that applied; empty where none did.
    pub step: String,
    /// The status of the answer; 0: none was sent.
    pub status: u16,
    /// Why it was refused; empty where it was not.
    pub refusal: String,
    /// What became of the answer.
    pub end: AnswerOutcome,
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerOutcome {
    /// It is still being written, or was never begun.
    #[default]
    Open,
    /// All of it was taken by the caller, faults included.
    Taken,
    /// The caller went away.
    Abandoned,
}

/// The list of requests, shared with the streams that are still open.
#[derive(Debug, Clone, Default)]
pub(super) struct RequestLog(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    seen: Vec<SeenRequest>,
    billed: usize,
}

impl RequestLog {
    pub(super) fn add(&self, mut seen: SeenRequest) -> Entry {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.number = inner.seen.len();
        let number = seen.number;
        inner.seen.push(seen);
        Entry {
            record: self.clone(),
            number,
        }
    }

    pub(super) fn all(&self) -> Vec<SeenRequest> {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.seen.clone()
    }

    pub(super) fn billed(&self) -> usize {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.billed
    }

    pub(super) fn clear(&self) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *inner = Inner::default();
    }
}

/// One line of the record, to be completed.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    record: RequestLog,
    number: usize,
}

impl Entry {
    fn change(&self, change: impl FnOnce(&mut SeenRequest)) {
        let mut inner = self.record.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = inner.seen.get_mut(self.number) {
            change(seen);
        }
    }

    pub(super) fn step(&self, step: String) {
        self.change(|seen| seen.step = step);
    }

    pub(super) fn status(&self, status: u16) {
        self.change(|seen| seen.status = status);
    }

    pub(super) fn refused(&self, status: u16, why: &str) {
        self.change(|seen| {
            seen.status = status;
            seen.refusal = why.to_owned();
            seen.end = AnswerOutcome::Taken;
        });
    }

    pub(super) fn end(&self, end: AnswerOutcome) {
        self.change(|seen| seen.end = end);
    }

    /// The model has begun to answer: from here on the real service bills.
    pub(super) fn bill(&self) {
        let mut inner = self.record.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.billed += 1;
    }
}
