//! Claude in its own words: InvokeModel and InvokeModelWithResponseStream with a body of Anthropic's Messages API.
//!
//! It has the scripts and the echo of Converse, in Claude's blocks and events ([`reply`], [`stream`], [`usage`]), and
//! what Converse cannot say: a search among deferred tools ([`search`]), summaries and edits of the context
//! ([`context`]). What is refused ([`validate`]) depends on the model's generation ([`claude`]): Opus 4.7 and
//! everything later is served by other machinery than what came before, with other rules and other shapes of errors.

use http::HeaderMap;
use serde_json::Value;

use super::{
    Served,
    json::{at, list},
};
use crate::catalog::Model;

mod answer;
pub(super) mod blocks;
mod claude;
mod context;
mod prefix;
mod prompt;
mod reply;
mod search;
mod stream;
mod usage;
pub(super) mod validate;

use claude::Claude;

/// A request and what is known of its model.
#[derive(Debug, Clone, Copy)]
pub(super) struct MessagesCall<'a> {
    pub(super) model: &'a Model,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a Value,
    /// Thinking blocks count only with a signature that this service issued.
    pub(super) check_signatures: bool,
}

impl<'a> MessagesCall<'a> {
    fn claude(&self) -> Claude<'a> {
        Claude(self.model)
    }

    fn messages(&self) -> &'a [Value] {
        list(at(self.body, "/messages"))
    }

    /// `thinking.type`, where it is there.
    fn thinking(&self) -> Option<&'a str> {
        at(self.body, "/thinking/type").as_str()
    }

    fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The terms that the request asks for.
    fn terms(&self) -> Served {
        let header = |name| self.header(name).map(str::to_owned);
        Served {
            tier: header("x-amzn-bedrock-service-tier"),
            latency: header("x-amzn-bedrock-performanceconfig-latency"),
        }
    }

    /// Whether thinking is left out of the answer, all but its signature: what newer models do unless they are told
    /// otherwise.
    fn omits_thinking(&self) -> bool {
        match at(self.body, "/thinking/display").as_str() {
            Some(display) => display == "omitted",
            None => self.claude().is_new(),
        }
    }
}

/// The blocks of a message's content; a string is one block of text.
fn each_block(content: &Value) -> Vec<Value> {
    match content {
        Value::String(text) => vec![super::binding::text_block(text)],
        content => list(content).to_vec(),
    }
}

#[cfg(test)]
mod tests;
