//! The playground as the page shows it.

use std::time::Duration;

use askama::Template;
use jiff::Timestamp;
use serde_json::Value;

use super::super::layout::{Layout, NavPage};
use super::super::logs::{self, curl, since};
use super::super::markdown;
use super::super::names;
use super::super::numbers::{count, dollars, percent, seconds};
use super::super::session::Session;
use super::super::texts::{Texts, texts};
use super::ask::{EFFORTS, Question};
use crate::app::AppState;
use crate::conversation::{Reply, ReplyPart};
use crate::http::probe::{ProbeResult, models_for_chat};
use crate::keys::Caller;
use crate::spend::Attempt;

#[derive(Template)]
#[template(path = "playground.html", config = "src/admin/askama.toml")]
pub(super) struct PlaygroundPage {
    layout: Layout,
    /// Whose name the records have.
    who: String,
    question: Question,
    problem: Option<String>,
    models: Vec<String>,
    efforts: [(&'static str, &'static str); 4],
    answers: Vec<PlaygroundAnswer>,
}

/// What one model has answered.
#[derive(Template)]
#[template(path = "playground_answer.html", config = "src/admin/askama.toml")]
pub(super) struct PlaygroundAnswer {
    t: &'static Texts,
    model: String,
    works: bool,
    /// Markdown as HTML that is safe.
    html: String,
    thinking: Option<String>,
    error: Option<String>,
    facts: Vec<(&'static str, String)>,
    /// Where its record is, for those who may see all records.
    address: Option<String>,
    /// Each attempt: its colour, what came of it, the target, and how long it took.
    trail: Vec<(&'static str, String, String, String)>,
    curl: String,
    python: String,
    /// What tells the code of two answers apart.
    id: String,
}

impl PlaygroundPage {
    /// The form, with what was asked.
    pub(super) fn new(
        app: &AppState,
        session: &Session,
        caller: &Caller,
        question: &Question,
    ) -> Self {
        let t = &texts().playground;
        let [low, medium, high] = EFFORTS;
        Self {
            layout: Layout::of(NavPage::Playground, session),
            who: caller.alias.clone(),
            question: question.clone(),
            problem: None,
            models: models_for_chat(app, caller),
            efforts: [
                ("", t.effort_none),
                (low, t.effort_low),
                (medium, t.effort_medium),
                (high, t.effort_high),
            ],
            answers: Vec::new(),
        }
    }

    /// With this said above the form.
    pub(super) fn saying(self, problem: String) -> Self {
        Self {
            problem: Some(problem),
            ..self
        }
    }

    /// With these below it.
    pub(super) fn with_answers(self, answers: Vec<PlaygroundAnswer>) -> Self {
        Self { answers, ..self }
    }
}

/// What the model thought before it answered.
fn thinking(reply: &Reply) -> Option<String> {
    let parts = reply.parts.iter();
    let thoughts = parts.filter_map(|part| match part {
        ReplyPart::Thinking { text, .. } => Some(text.as_str()),
        _ => None,
    });
    let all = thoughts.collect::<Vec<_>>().join("\n\n");
    (!all.is_empty()).then_some(all)
}

/// How long was waited before each attempt, where it was long enough to be told.
fn pauses(attempts: &[Attempt]) -> Vec<Option<Duration>> {
    const SHORTEST: Duration = Duration::from_millis(50);
    let mut end: Option<Timestamp> = None;
    let pauses = attempts.iter().map(|attempt| {
        let pause = end.zip(attempt.began).map(|(end, began)| since(end, began));
        end = attempt
            .began
            .map(|began| began + Duration::from_millis(attempt.ms));
        pause.filter(|pause| *pause >= SHORTEST)
    });
    pauses.collect()
}

impl PlaygroundAnswer {
    pub(super) fn new(
        model: &str,
        body: &Value,
        base: Option<&str>,
        sees_records: bool,
        found: ProbeResult,
    ) -> Self {
        let t = texts();
        let mut facts = Vec::new();
        if let Some(target) = &found.target {
            facts.push((
                t.test.answered_by,
                format!("{} · {}", target.group(), target.model_id()),
            ));
        }
        if let Some(first) = found.first_piece {
            facts.push((t.test.first_token, seconds(first)));
        }
        facts.push((t.test.whole, seconds(found.total)));
        if found.error.is_none() {
            let usage = found.usage;
            let cost = found
                .cost
                .map_or_else(|| t.test.not_priced.to_owned(), dollars);
            facts.push((t.test.cost, cost));
            facts.push((
                t.test.tokens,
                format!("{} · {}", count(usage.prompt()), count(usage.output)),
            ));
            if let Some(rate) = percent(usage.cache_read, usage.prompt()) {
                facts.push((t.usage.hit_rate, rate));
            }
        }
        let pauses = pauses(&found.attempts);
        let trail = found
            .attempts
            .iter()
            .zip(pauses)
            .flat_map(|(attempt, pause)| {
                let is_well = attempt.outcome == "ok";
                let word = names::outcome(&attempt.outcome);
                let target = format!("{} · {} · {}", attempt.group, attempt.model, attempt.region);
                let time = seconds(Duration::from_millis(attempt.ms));
                let tone = if is_well { "good" } else { "bad" };
                let pause =
                    pause.map(|pause| ("", t.log.paused.to_owned(), String::new(), seconds(pause)));
                let attempt = (tone, word.to_owned(), target, time);
                pause.into_iter().chain([attempt])
            });
        Self {
            t,
            model: model.to_owned(),
            works: found.error.is_none(),
            html: markdown::html(&found.reply.text()),
            thinking: thinking(&found.reply),
            error: found.error.as_ref().map(|error| {
                format!(
                    "{} {}: {}",
                    error.status.as_u16(),
                    error.kind,
                    error.message
                )
            }),
            facts,
            trail: trail.collect(),
            address: sees_records.then(|| logs::address(&found.id)),
            curl: curl("acompletion", body, base),
            python: python(body, base),
            id: found.id.to_string(),
        }
    }

    /// For a page that is there already.
    pub(super) fn html(&self) -> String {
        self.render().unwrap_or_else(|error| {
            tracing::error!(%error, "an answer could not be rendered");
            String::new()
        })
    }
}

/// The same request by OpenAI's SDK. The body's numbers and texts are Python's too.
fn python(body: &Value, base: Option<&str>) -> String {
    let base = base.unwrap_or(texts().keys.this_address);
    let fields = body.as_object().into_iter().flatten();
    let arguments = fields.map(|(name, value)| match (name.as_str(), value) {
        // OpenAI's SDK has no tags.
        ("metadata", value) => format!("    extra_body={{\"metadata\": {value}}},"),
        (name, Value::Bool(true)) => format!("    {name}=True,"),
        (name, value) => format!("    {name}={value},"),
    });
    let arguments: Vec<String> = arguments.collect();
    let printed = match body.get("stream") {
        Some(Value::Bool(true)) => {
            "for chunk in reply:\n    if chunk.choices:\n        print(chunk.choices[0].delta.content or \"\", end=\"\")"
        }
        _ => "print(reply.choices[0].message.content)",
    };
    format!(
        "import os\nfrom openai import OpenAI\n\n\
         client = OpenAI(base_url=\"{base}/v1\", api_key=os.environ[\"LITELLM_API_KEY\"])\n\
         reply = client.chat.completions.create(\n{}\n)\n{printed}",
        arguments.join("\n")
    )
}
