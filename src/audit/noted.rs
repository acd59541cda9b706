//! What is noted of a request that changes something: who it was, and what its body says.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::AuditActor;

/// What the extractors of a handler have found, for the layer around it: nothing of a request is read for the log before its
/// key or its session was found good.
#[derive(Debug, Clone, Default)]
pub(crate) struct NotedRequest(Arc<Mutex<(Option<AuditActor>, NotedFields)>>);

/// The fields of a body or a form, in their order.
pub(crate) type NotedFields = Vec<(String, Value)>;

impl NotedRequest {
    /// It was this one.
    pub(crate) fn set_actor(&self, actor: AuditActor) {
        self.lock().0 = Some(actor);
    }

    /// This is what was sent.
    pub(crate) fn set_fields(&self, fields: NotedFields) {
        self.lock().1 = fields;
    }

    /// What was made has this name, which nobody has sent.
    pub(crate) fn add_made(&self, name: &str, value: &str) {
        let value = Value::String(value.to_owned());
        self.lock().1.push((name.to_owned(), value));
    }

    /// Who it was and what was sent; `None`: nobody whose request was taken.
    pub(crate) fn take(&self) -> Option<(AuditActor, NotedFields)> {
        let (actor, fields) = std::mem::take(&mut *self.lock());
        Some((actor?, fields))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (Option<AuditActor>, NotedFields)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The fields of a body in JSON; none of one that is no object.
pub(crate) fn json_fields(body: &[u8]) -> NotedFields {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => fields.into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Fields that name what is changed.
const TARGETS: [&str; 15] = [
    "key",
    "keys",
    "key_alias",
    "key_aliases",
    "token",
    "token_id",
    "team_id",
    "team_ids",
    "team",
    "user_id",
    "user_ids",
    "id",
    "kind",
    "alias",
    "member",
];
/// Fields whose values nobody but their owner may read.
const SECRET: [&str; 4] = ["key", "keys", "csrf", "password"];

/// Whether a field names what is changed.
pub(crate) fn names_target(field: &str) -> bool {
    TARGETS.contains(&field)
}

/// What the fields of a request, else of its answer, say that it is about. A key is named by its hash alone.
pub(crate) fn target_of(fields: &[(String, Value)]) -> String {
    let named = fields.iter().filter(|(name, _)| names_target(name));
    let named = named.filter(|(_, value)| !value.is_null());
    let named: Vec<_> = named
        .map(|(name, value)| match SECRET.contains(&name.as_str()) {
            true => format!("{name}={}", hashed(value)),
            false => format!("{name}={}", plain(value)),
        })
        .collect();
    named.join(" ")
}

/// The fields that were given, without those that say what it is about.
pub(crate) fn changed_fields(fields: &[(String, Value)]) -> String {
    let given = fields
        .iter()
        .filter(|(name, _)| !names_target(name) && !SECRET.contains(&name.as_str()));
    let given: Vec<_> = given
        .map(|(name, value)| format!("{name}={}", plain(value)))
        .collect();
    given.join(" ")
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// A key by what the table knows it by; a hash stays as it is.
fn hashed(value: &Value) -> String {
    match value {
        Value::String(key) if key.starts_with("sk-") => crate::keys::hash_of(key),
        Value::String(hash) => hash.clone(),
        Value::Array(keys) => keys.iter().map(hashed).collect::<Vec<_>>().join(","),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_is_named_by_its_hash_and_a_secret_is_not_kept() {
        let fields = [
            ("key", json!("sk-secret")),
            ("keys", json!(["sk-secret", "abc"])),
            ("max_budget", json!(5)),
            ("csrf", json!("token")),
            ("models", json!(["a"])),
            ("user_id", Value::Null),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        let hash = crate::keys::hash_of("sk-secret");
        assert_eq!(target_of(&fields), format!("key={hash} keys={hash},abc"));
        assert_eq!(changed_fields(&fields), "max_budget=5 models=[\"a\"]");
    }
}
