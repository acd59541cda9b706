//! The playground: a question to one model, or to two side by side, through the same chain as any other request, with
//! what it cost and how to ask it by program. It is billed and recorded under the name of whoever asks.

mod ask;
mod caller;
mod view;

use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::error::PageError;
use super::form::OwnForm;
use super::layout::render;
use super::public_address::PublicAddress;
use super::session::AnySession;
use super::texts::texts;
use crate::app::{AppState, Deadline};
use crate::http::probe::ProbePiece;
use ask::{Question, ReadyQuestion, as_sent};
use view::{PlaygroundAnswer, PlaygroundPage};

/// Pieces that may wait for a slow browser.
const PIECES_AHEAD: usize = 64;

/// `GET /ui/playground`.
pub(super) async fn page(
    State(app): State<AppState>,
    AnySession(session): AnySession,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let caller = caller::of(&app, &session).await?;
    let question = Question::suggested(&app, &query.unwrap_or_default());
    let page = PlaygroundPage::new(&app, &session, &caller, &question);
    Ok(render(StatusCode::OK, &page))
}

/// `POST /ui/playground`: asks, and shows all answers when they are there.
pub(super) async fn ask(
    State(app): State<AppState>,
    ends: Option<Extension<Deadline>>,
    public: PublicAddress,
    form: OwnForm,
) -> Result<Response, PageError> {
    let question = Question::read(&form.fields);
    let base = public.shown();
    let deadline = deadline(&app, ends);
    let caller = caller::of(&app, &form.session).await?;
    let page = PlaygroundPage::new(&app, &form.session, &caller, &question);
    let asked = match question.checked(&app, &caller, deadline) {
        Ok(asked) => asked,
        Err(problem) => {
            let page = page.saying(problem);
            return Ok(render(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    };
    let sees_records = form.session.sees_records();
    let runs = asked.into_iter().map(|asked| {
        let (app, base) = (app.clone(), base.clone());
        async move {
            let ReadyQuestion { model, body, probe } = asked;
            let found = probe.run(&app).await;
            PlaygroundAnswer::new(
                &model,
                &as_sent(body, false),
                base.as_deref(),
                sees_records,
                found,
            )
        }
    });
    let page = page.with_answers(join_all(runs).await);
    Ok(render(StatusCode::OK, &page))
}

/// `POST /ui/playground/stream`: asks the first model alone and streams its answer, a line of JSON for each piece: `text`
/// or `thinking`, `again` where another target begins anew, and at the end what the page shows of it as `html`.
pub(super) async fn stream_answer(
    State(app): State<AppState>,
    ends: Option<Extension<Deadline>>,
    public: PublicAddress,
    form: OwnForm,
) -> Result<Response, PageError> {
    let question = Question::read(&form.fields);
    let base = public.shown();
    let deadline = deadline(&app, ends);
    let caller = caller::of(&app, &form.session).await?;
    let sees_records = form.session.sees_records();
    let asked = question.checked(&app, &caller, deadline);
    let asked =
        asked.map_err(|problem| PageError::new(StatusCode::UNPROCESSABLE_ENTITY, problem))?;
    let Some(ReadyQuestion { model, body, probe }) = asked.into_iter().next() else {
        return Err(PageError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            texts().playground.no_model,
        ));
    };
    let (pieces, mut received) = mpsc::channel(PIECES_AHEAD);
    let (lines, sent) = mpsc::channel::<Bytes>(PIECES_AHEAD);
    // It goes on when the browser goes away: what Bedrock bills is recorded.
    app.tasks.spawn({
        let (app, language) = (app.clone(), super::language::current());
        async move {
            let answered = probe.run_aloud(&app, pieces);
            let told = async {
                while let Some(piece) = received.recv().await {
                    let line = match piece {
                        ProbePiece::Text(text) => json!({"text": text}),
                        ProbePiece::Thinking(text) => json!({"thinking": text}),
                        ProbePiece::Again => json!({"again": true}),
                    };
                    // A browser that has gone reads no more.
                    let _ = lines.send(line_of(&line)).await;
                }
            };
            let (found, ()) = tokio::join!(answered, told);
            let html = super::language::within(language, async {
                let body = as_sent(body, true);
                PlaygroundAnswer::new(&model, &body, base.as_deref(), sees_records, found).html()
            });
            let _ = lines.send(line_of(&json!({"html": html.await}))).await;
        }
    });
    let body = stream::unfold(sent, |mut sent| async move {
        let line = sent.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(line), sent))
    });
    Ok((
        [(CONTENT_TYPE, "application/x-ndjson")],
        Body::from_stream(body),
    )
        .into_response())
}

fn line_of(value: &serde_json::Value) -> Bytes {
    Bytes::from(format!("{value}\n"))
}

fn deadline(app: &AppState, ends: Option<Extension<Deadline>>) -> Instant {
    let limit = Instant::now() + app.config.settings.total_timeout;
    ends.map_or(limit, |Extension(Deadline(end))| limit.min(end))
}
