//! Tool names, property keys and ids that Bedrock takes, and the way back.
//!
//! All are pure functions of what the client sent, so any instance can undo them from the request alone.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::conversation::{Part, Request, Tool, ToolChoice};

use super::keys::ClientKeys;
use super::schema;

/// Bedrock's limit for tool names and for tool use ids
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolUseBlock.html>).
const MAX_LEN: usize = 64;

/// The tool names of one request, as Bedrock knows them and as the client does. Only names that had to change are
/// held: most requests need no table at all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToolNames {
    to_bedrock: HashMap<String, String>,
    to_client: HashMap<String, String>,
    /// The keys of tools' properties, by the client's name of the tool.
    keys: HashMap<String, Arc<ClientKeys>>,
    /// The keys of an answer that the model writes as text.
    answer: Option<Arc<ClientKeys>>,
}

impl ToolNames {
    /// The table for every name in `request`: its tools, its history, its forced choice.
    pub fn of(request: &Request) -> Self {
        let tools = request.tools.iter().map(|tool| tool.name.as_str());
        let history = request
            .turns
            .iter()
            .flat_map(|turn| &turn.parts)
            .filter_map(|part| match part {
                Part::ToolCall(call) => Some(call.name.as_str()),
                _ => None,
            });
        let forced = match &request.tool_choice {
            ToolChoice::Named(name) => Some(name.as_str()),
            _ => None,
        };
        let mut names = Self::default();
        for name in tools
            .chain(history)
            .chain(forced)
            .filter(|name| !is_legal(name))
        {
            if !names.to_bedrock.contains_key(name) {
                // The digest of the whole name keeps two long or odd names apart.
                let legal = legal_with_digest(name);
                names.to_client.insert(legal.clone(), name.to_owned());
                names.to_bedrock.insert(name.to_owned(), legal);
            }
        }
        names
    }

    /// The table with the keys of these tools, for a model that takes not every key. Of two tools of one name the first
    /// counts.
    pub(super) fn with_keys(mut self, tools: &[Tool]) -> Self {
        let mut seen = HashSet::new();
        for tool in tools.iter().filter(|tool| seen.insert(tool.name.as_str())) {
            if let Some(keys) = ClientKeys::of(&schema::repaired(&tool.schema)) {
                self.keys.insert(tool.name.clone(), Arc::new(keys));
            }
        }
        self
    }

    /// Adds the keys of the tool by which the answer is given.
    pub(super) fn add_keys(&mut self, tool: &str, keys: ClientKeys) {
        self.keys.insert(tool.to_owned(), Arc::new(keys));
    }

    /// Adds the keys of the answer itself.
    pub(super) fn add_answer(&mut self, keys: ClientKeys) {
        self.answer = Some(Arc::new(keys));
    }

    /// The keys of the tool that the client knows by this name, where they are others than its own.
    pub(crate) fn keys(&self, tool: &str) -> Option<&Arc<ClientKeys>> {
        self.keys.get(tool)
    }

    /// The keys of the answer's schema, where they are others than the client's.
    pub(crate) fn answer_keys(&self) -> Option<&Arc<ClientKeys>> {
        self.answer.as_ref()
    }

    /// A call's arguments under the keys that Bedrock takes. `tool` is the client's name.
    pub(super) fn input(&self, tool: &str, input: &Value) -> Value {
        self.keys(tool)
            .map_or_else(|| input.clone(), |keys| keys.to_bedrock(input))
    }

    /// The name that Bedrock takes.
    pub fn to_bedrock(&self, name: &str) -> String {
        self.to_bedrock
            .get(name)
            .map_or_else(|| name.to_owned(), Clone::clone)
    }

    /// The name that the client knows.
    pub fn to_client(&self, name: String) -> String {
        self.to_client.get(&name).cloned().unwrap_or(name)
    }
}

/// A tool use id that Bedrock takes; the same id always becomes the same, so calls and results stay paired.
pub fn legal_id(id: &str) -> String {
    if is_legal(id) {
        id.to_owned()
    } else {
        legal_with_digest(id)
    }
}

/// A legal id for models other than Claude, which take dots and colons too. Some call their tools so
/// (`functions.read:0`) and know their own calls by it; Claude refuses what is not `^[a-zA-Z0-9_-]+$`.
pub(super) fn legal_id_with_signs(id: &str) -> String {
    let plain = id.replace(['.', ':'], "_");
    if is_legal(&plain) {
        id.to_owned()
    } else {
        legal_with_digest(id)
    }
}

/// What all further ids of one that is in use begin with; a number follows. It leaves room for one of six digits.
pub(super) fn stem_of_id(id: &str) -> String {
    let readable = id.chars().take(MAX_LEN - "_999999".len());
    readable.chain(['_']).collect()
}

fn is_legal(name: &str) -> bool {
    (1..=MAX_LEN).contains(&name.len()) && name.bytes().all(is_legal_byte)
}

fn is_legal_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

fn legal_with_digest(name: &str) -> String {
    let digest = hex::encode(Sha256::digest(name.as_bytes()));
    let suffix: String = digest.chars().take(8).collect();
    let readable = name.chars().map(|c| {
        if c.is_ascii() && is_legal_byte(c as u8) {
            c
        } else {
            '_'
        }
    });
    let readable: String = readable.take(MAX_LEN - suffix.len() - 1).collect();
    format!("{readable}_{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn legal_names_stay_as_they_are() {
        for name in ["read_file", "a-b", &"x".repeat(64)] {
            assert_eq!(legal_id(name), name);
        }
    }

    proptest! {
        #[test]
        fn any_name_becomes_legal_and_different_names_stay_different(a in ".{0,90}", b in ".{0,90}") {
            prop_assert!(is_legal(&legal_id(&a)));
            prop_assert_eq!(a == b, legal_id(&a) == legal_id(&b));
        }
    }
}
