//! OpenAI's `custom` tools, which take free text: Bedrock has tools with one text as their argument instead.

use serde_json::{Map, Value, json};

/// What the one argument is called.
const ARGUMENT: &str = "input";

/// The schema of the arguments.
pub(crate) fn schema() -> Value {
    json!({"type": "object", "properties": {ARGUMENT: {"type": "string"}}, "required": [ARGUMENT]})
}

/// The description of a tool whose text has this `format`. A grammar cannot be enforced on Bedrock, so the model is told
/// of it. The chat wire writes the grammar one level deeper than the Responses wire.
pub(crate) fn described(mut description: String, format: Option<&Value>) -> String {
    let definition = |format: &Value| format.get("definition").cloned();
    let grammar = format.and_then(|format| {
        let nested = format.get("grammar").and_then(definition);
        definition(format).or(nested)
    });
    if let Some(Value::String(grammar)) = grammar {
        description.push_str("\nThe input must follow this grammar:\n");
        description.push_str(&grammar);
    }
    description
}

/// The text of a call as its client sends it back: anything but a text is its JSON.
pub(crate) fn written(input: Value) -> String {
    match input {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// The arguments of a call with this text.
pub(crate) fn arguments(text: &str) -> Value {
    json!({ARGUMENT: text})
}

/// The text of a call with these arguments: none where the model wrote no argument, and all that it wrote where it wrote
/// something else.
pub(crate) fn text(arguments: &str) -> String {
    let fields: Option<Map<String, Value>> = serde_json::from_str(arguments).ok();
    let text = fields
        .as_ref()
        .and_then(|fields| match fields.get(ARGUMENT) {
            Some(text) => text.as_str(),
            None => fields.is_empty().then_some(""),
        });
    text.unwrap_or(arguments).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_call_comes_back_as_it_was() {
        for sent in ["", "*** Begin\n\"\u{e9}\"", "{\"input\": 1}"] {
            assert_eq!(text(&arguments(sent).to_string()), sent);
        }
        for cut in ["", "{", "{\"input\": \"half", "{\"input\": 7}", "[1]"] {
            assert_eq!(text(cut), cut);
        }
        for empty in ["{}", " { }\n"] {
            assert_eq!(text(empty), "", "{empty}");
        }
    }

    #[test]
    fn a_grammar_is_told_in_either_wire_s_form() {
        let flat = json!({"type": "grammar", "syntax": "lark", "definition": "start: x"});
        let nested =
            json!({"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: x"}});
        for format in [flat, nested] {
            let told = described("Patches.".to_owned(), Some(&format));
            assert_eq!(
                told,
                "Patches.\nThe input must follow this grammar:\nstart: x"
            );
        }
        for none in [json!({"type": "text"}), json!("grammar"), Value::Null] {
            assert_eq!(described("Patches.".to_owned(), Some(&none)), "Patches.");
        }
    }
}
