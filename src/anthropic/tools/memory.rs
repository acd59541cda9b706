//! The memory tool as any model can call it: Claude knows it by its type alone.

use serde_json::{Value, json};

/// What the type of the memory tool begins with
/// (<https://platform.claude.com/docs/en/agents-and-tools/tool-use/memory-tool>).
pub(super) const MEMORY: &str = "memory_";

/// What the tool is for.
pub(super) const DESCRIPTION: &str = "Keeps notes in files under /memories that outlast this conversation. Look at \
     /memories before you begin with a task, and note what will be of use later. Commands: view (path, and view_range \
     for some lines of a file), create (path, file_text), str_replace (path, old_str, new_str), insert (path, \
     insert_line, insert_text), delete (path), rename (old_path, new_path).";

/// The arguments that its clients carry out.
pub(super) fn schema() -> Value {
    let text = || json!({"type": "string"});
    json!({
        "type": "object",
        "properties": {
            "command": {
                "type": "string",
                "enum": ["view", "create", "str_replace", "insert", "delete", "rename"],
            },
            "path": text(),
            "view_range": {"type": "array", "items": {"type": "integer"}},
            "file_text": text(),
            "old_str": text(),
            "new_str": text(),
            "insert_line": {"type": "integer"},
            "insert_text": text(),
            "old_path": text(),
            "new_path": text(),
        },
        "required": ["command"],
    })
}
