//! The buttons that try a model: one small request through the same chain as any other.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use tokio::time::Instant;

use super::super::error::PageError;
use super::super::form::SubmittedForm;
use super::super::layout::{Layout, NavPage, render};
use super::super::logs::address;
use super::super::names;
use super::super::numbers::{count, dollars, seconds};
use super::super::session::Session;
use super::super::texts::texts;
use crate::app::{AppState, Deadline};
use crate::bedrock::Class;
use crate::chain::{ChainOptions, Target};
use crate::conversation::{Part, Request, Role, Sampling, Turn};
use crate::http::probe::{Probe, ProbeResult};
use crate::identity::KeyOwners;
use crate::keys::Caller;
use crate::spend::Attempt;

/// The caller that the records name.
const CALLER: &str = "admin page";
const TAG: &str = "admin-test";
const QUESTION: &str = "In one short sentence: which model are you?";
const MOST_TOKENS: u32 = 100;

#[derive(Template)]
#[template(path = "test.html", config = "src/admin/askama.toml")]
struct TestPage {
    layout: Layout,
    title: &'static str,
    group: String,
    works: bool,
    facts: Vec<(&'static str, String)>,
    trail: Vec<TestedAttempt>,
    reply: Option<String>,
    error: Option<String>,
    /// The request, and the page with its record.
    request_id: String,
    request_address: String,
}

/// One attempt of the trail.
struct TestedAttempt {
    tone: &'static str,
    group: String,
    model: String,
    region: String,
    outcome: &'static str,
    status: Option<u16>,
    time: String,
}

/// `POST /ui/models/test`: with `deployment`, that one alone; with `fallback`, the chain of a group whose own targets
/// are made to fail.
pub(in super::super) async fn run(
    State(app): State<AppState>,
    ends: Option<Extension<Deadline>>,
    form: SubmittedForm,
) -> Result<Response, PageError> {
    let fallback = form.fields.get("fallback");
    let deployment = form.fields.get("deployment");
    let limit = Instant::now() + app.config.settings.request_timeout;
    let deadline = ends.map_or(limit, |Extension(Deadline(end))| limit.min(end));
    let (chain_options, title) = if fallback.is_empty() {
        let pattern_targets = app.routes.pattern_targets();
        let target = app
            .routes
            .configured_targets()
            .chain(&pattern_targets)
            .find(|target| target.deployment_id() == deployment)
            .ok_or_else(PageError::not_found)?;
        (alone(target, deadline), texts().test.title)
    } else {
        let group = app
            .config
            .group(fallback)
            .ok_or_else(PageError::not_found)?;
        app.routes.refresh_shared_state().await;
        let chain_options = ChainOptions {
            mock_failure: Some(Class::Mocked),
            buffered: true,
            ..ChainOptions::new(&*group.name, deadline)
        };
        (chain_options, texts().test.title_fallback)
    };
    let group = chain_options.group.clone();
    let probe = Probe {
        caller: Caller {
            key_hash: String::new(),
            alias: CALLER.to_owned(),
            store_prompts: None,
            virtual_key: None,
            owners: KeyOwners::default(),
        },
        request: question(),
        model_asked: group.clone(),
        chain_options,
        tag: TAG,
    };
    let found = probe.run(&app).await;
    let page = TestPage::new(&form.session, title, group, found);
    Ok(render(StatusCode::OK, &page))
}

fn alone(target: &Arc<Target>, deadline: Instant) -> ChainOptions {
    ChainOptions {
        only: Some(Arc::clone(target)),
        num_retries: Some(0),
        disable_fallbacks: true,
        buffered: true,
        ..ChainOptions::new(target.group(), deadline)
    }
}

fn question() -> Request {
    Request {
        turns: vec![Turn::new(Role::User, vec![Part::Text(QUESTION.to_owned())])],
        sampling: Sampling {
            max_tokens: Some(MOST_TOKENS),
            ..Sampling::default()
        },
        ..Request::default()
    }
}

impl TestPage {
    fn new(session: &Session, title: &'static str, group: String, found: ProbeResult) -> Self {
        let t = &texts().test;
        let mut facts = Vec::new();
        if let Some(target) = &found.target {
            facts.push((
                t.answered_by,
                format!("{} · {}", target.group(), target.model_id()),
            ));
        }
        if let Some(first) = found.first_piece {
            facts.push((t.first_token, seconds(first)));
        }
        facts.push((t.whole, seconds(found.total)));
        if found.error.is_none() {
            let usage = found.usage;
            let cost = found.cost.map_or_else(|| t.not_priced.to_owned(), dollars);
            facts.push((t.cost, cost));
            facts.push((
                t.tokens,
                format!("{} · {}", count(usage.prompt()), count(usage.output)),
            ));
        }
        let (request_id, request_address) = (found.id.to_string(), address(&found.id));
        let error = found.error;
        let text = found.reply.text();
        let text = if text.is_empty() {
            t.no_reply.to_owned()
        } else {
            text
        };
        Self {
            layout: Layout::of(NavPage::Models, session),
            title,
            group,
            request_id,
            request_address,
            works: error.is_none(),
            facts,
            trail: found
                .attempts
                .into_iter()
                .map(TestedAttempt::from)
                .collect(),
            reply: error.is_none().then_some(text),
            error: error.map(|error| {
                format!(
                    "{} {}: {}",
                    error.status.as_u16(),
                    error.kind,
                    error.message
                )
            }),
        }
    }
}

impl From<Attempt> for TestedAttempt {
    fn from(attempt: Attempt) -> Self {
        let well = attempt.outcome == "ok";
        Self {
            tone: if well { "good" } else { "bad" },
            time: seconds(std::time::Duration::from_millis(attempt.ms)),
            status: attempt.status.filter(|_| !well),
            group: attempt.group,
            model: attempt.model,
            region: attempt.region,
            outcome: names::outcome(&attempt.outcome),
        }
    }
}
