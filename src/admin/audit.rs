//! The audit log: what is changed on the pages is noted, and the log is a page.

use askama::Template;
use axum::extract::{RawQuery, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{Method, StatusCode};
use serde_json::Value;
use url::form_urlencoded;

use super::error::PageError;
use super::layout::{Layout, NavPage, render};
use super::numbers::TimeText;
use super::session::{Session, SignedIn};
use super::texts::texts;
use crate::app::{AppState, ClientAddress};
use crate::audit::{AuditActor, AuditEntry, NotedRequest, changed_fields, target_of};
use crate::spend::RequestId;

/// Entries on a page.
const PAGE: usize = 100;
/// What changes nothing that others could miss: signing in and out, and asking a model for a test.
const NOT_NOTED: [&str; 6] = [
    "/ui/login",
    "/ui/login/key",
    "/ui/logout",
    "/ui/models/test",
    "/ui/playground",
    "/ui/playground/stream",
];

/// The names in the log of actors who have none of their own, whatever the language of their pages.
const PASSWORD: &str = "the password of the pages";
const KEY: &str = "a key";

/// Who has a session, as the log has it.
pub(super) fn actor_of(session: &Session, address: Option<&ClientAddress>) -> AuditActor {
    let (name, hash) = match &session.who {
        SignedIn::Password => (PASSWORD.to_owned(), String::new()),
        SignedIn::Person(person) => (person.label.clone(), person.principal.clone()),
        SignedIn::Key(hash) => (KEY.to_owned(), hash.clone()),
    };
    AuditActor {
        name,
        hash,
        from: address.map(|ClientAddress(address)| address.to_string()),
    }
}

/// Notes a change once it was made.
pub(super) async fn note_changes(
    State(app): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let named = named_in(request.uri().query().unwrap_or_default());
    if request.method() != Method::POST || NOT_NOTED.contains(&path.as_str()) {
        return next.run(request).await;
    }
    let noted = NotedRequest::default();
    request.extensions_mut().insert(noted.clone());
    let response = next.run(request).await;
    let is_made = response.status().is_success() || response.status().is_redirection();
    if let Some((actor, fields)) = noted.take().filter(|_| is_made) {
        let fields: Vec<_> = named.into_iter().chain(fields).collect();
        let (target, changes) = (target_of(&fields), changed_fields(&fields));
        app.audit
            .note(actor, &format!("POST {path}"), target, changes);
    }
    response
}

/// Whose page a form was sent to, where its address says so.
fn named_in(query: &str) -> Option<(String, Value)> {
    let mut fields = form_urlencoded::parse(query.as_bytes());
    let (name, value) = fields.find(|(name, _)| name == "id")?;
    Some((name.into_owned(), Value::String(value.into_owned())))
}

/// Tells the layer around a handler what a form says, and who has sent it.
pub(super) fn tell<'f>(
    noted: &NotedRequest,
    session: &Session,
    address: Option<&ClientAddress>,
    fields: impl Iterator<Item = (&'f str, &'f str)>,
) {
    let fields = fields.map(|(name, value)| (name.to_owned(), Value::String(value.to_owned())));
    noted.set_fields(fields.collect());
    noted.set_actor(actor_of(session, address));
}

#[derive(Template)]
#[template(path = "audit.html", config = "src/admin/askama.toml")]
struct AuditListing {
    layout: Layout,
    entries: Vec<ListedEntry>,
    next: Option<String>,
}

struct ListedEntry {
    time: TimeText,
    who: String,
    from: Option<String>,
    action: String,
    target: String,
    /// The page of the request that `target` is.
    request: Option<String>,
    changes: String,
}

/// An actor's name, in the reader's language where it is none of their own. The hash tells these from a key or a person
/// that has been given the same words as its name.
fn shown_name(actor: &AuditActor) -> String {
    match (actor.name.as_str(), actor.hash.is_empty()) {
        (PASSWORD, true) => texts().audit.password.to_owned(),
        (KEY, false) => texts().audit.key.to_owned(),
        (name, _) => name.to_owned(),
    }
}

/// What was done; reading has no route that would say it.
fn action(action: String) -> String {
    match action.as_str() {
        "read" => texts().audit.read.to_owned(),
        "search" => texts().audit.search.to_owned(),
        _ => action,
    }
}

/// The page of a request: `request=chatcmpl-…`.
fn request_of(target: &str) -> Option<String> {
    let id: RequestId = target.strip_prefix("request=")?.parse().ok()?;
    Some(super::logs::address(&id))
}

impl From<AuditEntry> for ListedEntry {
    fn from(entry: AuditEntry) -> Self {
        Self {
            time: entry.time.into(),
            who: shown_name(&entry.actor),
            from: entry.actor.from,
            request: request_of(&entry.target),
            action: action(entry.action),
            target: entry.target,
            changes: entry.changes,
        }
    }
}

/// `GET /ui/audit`.
pub(super) async fn page(
    State(app): State<AppState>,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let query = query.unwrap_or_default();
    let mut fields = form_urlencoded::parse(query.as_bytes());
    let after = fields.find(|(name, _)| name == "after");
    let after = after.map(|(_, after)| after.into_owned());
    let found = app.audit.page(after.as_deref(), PAGE).await?;
    let next = found.next.map(|next| {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("after", &next)
            .finish();
        format!("/ui/audit?{query}")
    });
    let page = AuditListing {
        layout: Layout::of(NavPage::Audit, &session),
        entries: found.entries.into_iter().map(ListedEntry::from).collect(),
        next,
    };
    Ok(render(StatusCode::OK, &page))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::language::{Language, within};

    #[tokio::test]
    async fn only_who_has_no_name_of_their_own_is_named_in_the_reader_s_language() {
        for (name, hash, shown) in [
            (PASSWORD, "", "管理者（パスワード）"),
            (KEY, "h", "キー"),
            // Names that somebody has chosen.
            (PASSWORD, "h", PASSWORD),
            ("maria@example.com", "h", "maria@example.com"),
        ] {
            let actor = AuditActor {
                name: name.to_owned(),
                hash: hash.to_owned(),
                from: None,
            };
            let found = within(Language::Japanese, async { shown_name(&actor) }).await;
            assert_eq!(found, shown, "{name} {hash}");
        }
    }
}
