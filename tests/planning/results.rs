//! What stands inside tool results and beside them.

use serde_json::{Value, json};

use super::{call, claude, messages, nova, pixtral};
use bedrock_sidecar::catalog::ThinkingSupport;

const PICTURE: &str = "data:image/gif;base64,R0lGODdh";

fn asked(after: Value) -> Value {
    let mut messages = json!([
        {"role": "user", "content": "q"},
        {"role": "assistant", "tool_calls": [call("a"), call("b")]},
        {"role": "tool", "tool_call_id": "a", "content": "one"},
        {"role": "tool", "tool_call_id": "b", "content": "two"}]);
    messages.as_array_mut().unwrap().push(after);
    messages
}

/// The turns' roles with the kinds of their blocks.
fn shape(messages: &Value) -> Vec<String> {
    let turns = messages.as_array().unwrap().iter();
    turns
        .map(|turn| {
            let blocks = turn["content"].as_array().unwrap().iter();
            let kinds = blocks.filter_map(|block| block.as_object()?.keys().next());
            let kinds: Vec<&str> = kinds.map(String::as_str).collect();
            format!("{}: {}", turn["role"].as_str().unwrap(), kinds.join(" "))
        })
        .collect()
}

#[test]
fn what_a_model_does_not_take_beside_results_gets_a_turn_of_its_own() {
    let text = json!({"role": "user", "content": "and now?"});
    let picture = json!({"role": "user", "content": [{"type": "image_url", "image_url": PICTURE}]});
    let file = json!({"role": "user", "content": [{"type": "file",
        "file": {"filename": "a.csv", "file_data": "data:text/csv;base64,YSxi"}}]});
    let mut reader = claude();
    reader.abilities.caching = None;
    reader.abilities.documents = true;
    let mut nova = nova(ThinkingSupport::None);
    nova.abilities.caching = None;
    nova.abilities.documents = true;
    let apart = |rest: &str| {
        vec![
            "user: toolResult toolResult".to_owned(),
            "assistant: text".into(),
            format!("user: {rest}"),
        ]
    };
    let together = |rest: &str| vec![format!("user: toolResult toolResult {rest}")];
    let cases = [
        (&reader, &text, together("text")),
        (&reader, &picture, together("image")),
        (&reader, &file, apart("text document")),
        (&nova, &file, together("text document")),
        (&pixtral(), &text, apart("text")),
        (&pixtral(), &picture, apart("image")),
        (&pixtral(), &file, apart("text document")),
    ];
    for (model, after, expected) in cases {
        let sent = messages(model, &asked(after.clone()));
        assert_eq!(shape(&sent)[2..], expected, "{:?} {after}", model.family);
    }
}

#[test]
fn what_a_model_takes_of_the_user_only_stands_below_the_results() {
    let picture = json!({"type": "image_url", "image_url": PICTURE});
    let input = json!([
        {"role": "user", "content": "q"},
        {"role": "assistant", "tool_calls": [call("a"), call("b")]},
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "see:"}, picture, picture]},
        {"role": "tool", "tool_call_id": "b", "content": "two"}]);
    let mut only_users = claude();
    only_users.abilities.caching = None;
    only_users.abilities.tool_result_images = false;
    let image = json!({"image": {"format": "gif", "source": {"bytes": "R0lGODdh"}}});
    let result = |id: &str, texts: &[&str]| {
        let content: Vec<Value> = texts.iter().map(|text| json!({"text": text})).collect();
        json!({"toolResult": {"toolUseId": id, "content": content}})
    };
    let results = [
        result(
            "a",
            &[
                "see:",
                "[picture 1 stands below]",
                "[picture 2 stands below]",
            ],
        ),
        result("b", &["two"]),
    ];
    let below = [
        json!({"text": "[picture 1 of the tool result for a]"}),
        image.clone(),
        json!({"text": "[picture 2 of the tool result for a]"}),
        image,
    ];
    let sent = messages(&only_users, &input);
    assert_eq!(
        sent[2]["content"],
        json!([results.as_slice(), below.as_slice()].concat())
    );
    // And where nothing may stand beside results, behind them.
    let sent = messages(&pixtral(), &input);
    assert_eq!(sent[2]["content"], json!(results));
    assert_eq!(sent[3]["content"], json!([{"text": "."}]));
    assert_eq!(sent[4]["content"], json!(below));
    // The same of documents.
    let file = json!({"type": "file", "file": {"filename": "a.csv", "file_data": "data:text/csv;base64,YSxi"}});
    let input = json!([
        {"role": "user", "content": "q"},
        {"role": "assistant", "tool_calls": [call("a")]},
        {"role": "tool", "tool_call_id": "a", "content": [file]}]);
    let mut reader = nova(ThinkingSupport::None);
    reader.abilities.caching = None;
    reader.abilities.documents = true;
    assert_eq!(shape(&messages(&reader, &input))[2], "user: toolResult");
    reader.abilities.tool_result_documents = false;
    let sent = messages(&reader, &input);
    assert_eq!(shape(&sent)[2], "user: toolResult text document");
    assert_eq!(
        sent[2]["content"][0]["toolResult"]["content"],
        json!([{"text": "[document 1 stands below]"}])
    );
}
