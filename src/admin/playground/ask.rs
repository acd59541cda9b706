//! What is asked: the form's fields, and the request that they mean.

use http::HeaderMap;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use url::form_urlencoded;

use super::super::form::FormFields;
use super::super::texts::{Told, texts};
use crate::app::AppState;
use crate::http::probe::{Probe, ProbeRefusal};
use crate::keys::Caller;
use crate::openai::Chat;
use crate::wire::Wire;

/// The tag that its requests carry.
const TAG: &str = "playground";
/// Efforts of thinking, as clients write them.
pub(super) const EFFORTS: [&str; 3] = ["low", "medium", "high"];

/// The fields of the form, as they were typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) model: String,
    /// A second one, or nothing.
    pub(super) other: String,
    pub(super) system: String,
    pub(super) message: String,
    pub(super) effort: String,
    pub(super) temperature: String,
    pub(super) max_tokens: String,
}

/// A request that can be sent.
pub(super) struct ReadyQuestion {
    /// The model's name.
    pub(super) model: String,
    /// The body of the same request to `/v1/chat/completions`.
    pub(super) body: Value,
    pub(super) probe: Probe,
}

impl Question {
    /// An empty form; the address may name a model.
    pub(super) fn suggested(app: &AppState, query: &str) -> Self {
        let mut fields = form_urlencoded::parse(query.as_bytes());
        let named = fields.find(|(name, _)| name == "model");
        let default = || app.config.routing.default_model.clone();
        Self {
            model: named.map_or_else(
                || default().unwrap_or_default(),
                |(_, model)| model.into_owned(),
            ),
            max_tokens: "1024".to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn read(fields: &FormFields) -> Self {
        let text = |name: &str| fields.get(name).trim().to_owned();
        Self {
            model: text("model"),
            other: text("other"),
            system: text("system"),
            message: text("message"),
            effort: text("effort"),
            temperature: text("temperature"),
            max_tokens: text("max_tokens"),
        }
    }

    /// One request for each model, or what is wrong, in words.
    pub(super) fn checked(
        &self,
        app: &AppState,
        caller: &Caller,
        deadline: Instant,
    ) -> Result<Vec<ReadyQuestion>, String> {
        let t = &texts().playground;
        if self.message.is_empty() {
            return Err(t.no_message.to_owned());
        }
        let models = [&self.model, &self.other].into_iter();
        let models = models.filter(|model| !model.is_empty());
        let asked = models.map(|model| {
            let body = self.body(model)?;
            Ok(ReadyQuestion {
                model: model.clone(),
                probe: probe(app, caller, model, &body, deadline)?,
                body,
            })
        });
        let asked: Vec<ReadyQuestion> = asked.collect::<Result<_, String>>()?;
        if asked.is_empty() {
            Err(t.no_model.to_owned())
        } else {
            Ok(asked)
        }
    }

    /// The body of a chat completion that asks this.
    fn body(&self, model: &str) -> Result<Value, String> {
        let t = &texts().playground;
        let mut messages = Vec::new();
        if !self.system.is_empty() {
            messages.push(json!({"role": "system", "content": self.system}));
        }
        messages.push(json!({"role": "user", "content": self.message}));
        let mut body = Map::new();
        body.insert("model".to_owned(), json!(model));
        body.insert("messages".to_owned(), Value::Array(messages));
        if !self.max_tokens.is_empty() {
            let tokens: u32 = self
                .max_tokens
                .parse()
                .map_err(|_| t.wants_tokens.to_owned())?;
            body.insert("max_tokens".to_owned(), json!(tokens));
        }
        if !self.temperature.is_empty() {
            let temperature: Decimal = self
                .temperature
                .parse()
                .map_err(|_| t.wants_temperature.to_owned())?;
            let number: serde_json::Number =
                (temperature.to_string().parse()).map_err(|_| t.wants_temperature.to_owned())?;
            body.insert("temperature".to_owned(), Value::Number(number));
        }
        if EFFORTS.contains(&self.effort.as_str()) {
            body.insert("reasoning_effort".to_owned(), json!(self.effort));
        }
        Ok(Value::Object(body))
    }
}

/// A body as a client sends it that asks the same in the same way: streamed or not, and with the same tag.
pub(super) fn as_sent(mut body: Value, streams: bool) -> Value {
    if let Some(fields) = body.as_object_mut() {
        if streams {
            fields.insert("stream".to_owned(), Value::Bool(true));
        }
        fields.insert("metadata".to_owned(), json!({"tags": [TAG]}));
    }
    body
}

/// The request as the wire of clients reads it.
fn probe(
    app: &AppState,
    caller: &Caller,
    model: &str,
    body: &Value,
    deadline: Instant,
) -> Result<Probe, String> {
    let read = Chat
        .parse(body.to_string().as_bytes())
        .and_then(|body| body.into_conversation(&HeaderMap::new()));
    let (request, _) = read.map_err(|error| error.message)?;
    let probe = Probe::of_caller(app, caller.clone(), request, model, deadline, TAG);
    probe.map_err(|refusal| match refusal {
        ProbeRefusal::UnknownModel => format!("{} {model}.", texts().key_form.no_such_model),
        ProbeRefusal::ModelNotAllowed => format!("{} {model}.", texts().playground.not_allowed),
        ProbeRefusal::OutsideOfRegions(refusal) => refusal.told(),
    })
}
