//! The audit log: what the management API changes is noted, and the log is read at `GET /audit`.

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Query, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::app::{AppState, ClientAddress};
use crate::audit::{AuditActor, AuditEntry, NotedRequest, changed_fields, json_fields, target_of};
use crate::keys::Caller;
use crate::wire::ApiError;

use super::auth::Admin;

/// The longest answer of the management API.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Who asks, as the audit log has it.
pub(super) fn actor_of(caller: &Caller, address: Option<&ClientAddress>) -> AuditActor {
    AuditActor {
        name: caller.alias.clone(),
        hash: caller.key_hash.clone(),
        from: address.map(|ClientAddress(address)| address.to_string()),
    }
}

/// Notes a change once it was made.
pub(super) async fn note_changes(
    State(app): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    if request.method() == Method::GET {
        return next.run(request).await;
    }
    let noted = NotedRequest::default();
    request.extensions_mut().insert(noted.clone());
    let action = format!("{} {}", request.method(), request.uri().path());
    let response = next.run(request).await;
    let Some((actor, asked)) = noted.take().filter(|_| response.status().is_success()) else {
        return response;
    };
    let (parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, MOST_BYTES).await else {
        return ApiError::internal().into_response();
    };
    let asked_of = target_of(&asked);
    // What was made has its name from the answer.
    let is_made = action.ends_with("/generate") || action.ends_with("/new");
    let target = match is_made || asked_of.is_empty() {
        true => target_of(&json_fields(&body)),
        false => asked_of,
    };
    app.audit
        .note(actor, &action, target, changed_fields(&asked));
    Response::from_parts(parts, Body::from(body))
}

/// Query of `GET /audit`.
#[derive(Debug, Deserialize)]
pub(super) struct AuditQuery {
    cursor: Option<String>,
    page_size: Option<usize>,
}

/// A page of the log: the reference system's names.
#[derive(Serialize)]
struct AuditView<'a> {
    audit_logs: Vec<EntryView<'a>>,
    /// `cursor` of the next page.
    next_cursor: Option<&'a str>,
}

#[derive(Serialize)]
struct EntryView<'a> {
    id: &'a str,
    updated_at: Timestamp,
    changed_by: &'a str,
    changed_by_api_key: &'a str,
    requester_ip_address: Option<&'a str>,
    action: &'a str,
    object_id: &'a str,
    updated_values: &'a str,
}

impl<'a> From<&'a AuditEntry> for EntryView<'a> {
    fn from(entry: &'a AuditEntry) -> Self {
        Self {
            id: &entry.id,
            updated_at: entry.time,
            changed_by: &entry.actor.name,
            changed_by_api_key: &entry.actor.hash,
            requester_ip_address: entry.actor.from.as_deref(),
            action: &entry.action,
            object_id: &entry.target,
            updated_values: &entry.changes,
        }
    }
}

/// `GET /audit`: the newest first, page by page.
pub(super) async fn list(
    State(app): State<AppState>,
    _: Admin,
    Query(asked): Query<AuditQuery>,
) -> Result<Response, ApiError> {
    const USUAL: usize = 50;
    let most = asked.page_size.unwrap_or(USUAL);
    let page = app.audit.page(asked.cursor.as_deref(), most).await?;
    let view = AuditView {
        audit_logs: page.entries.iter().map(EntryView::from).collect(),
        next_cursor: page.next.as_deref(),
    };
    Ok(Json(view).into_response())
}
