use serde_json::{Value, json};

use super::{body, claude, text_only};

fn file(name: &str, kind: &str, data: &str) -> Value {
    json!({"type": "file", "file": {"filename": name, "file_data": format!("data:{kind};base64,{data}")}})
}

fn sent(model: &bedrock_sidecar::catalog::Model, content: Value) -> Value {
    body(
        model,
        &json!({"messages": [{"role": "user", "content": content}]}),
    )["messages"][0]["content"]
        .clone()
}

#[test]
fn documents_get_legal_names_of_their_own_and_a_text_beside_them() {
    let mut model = claude();
    model.abilities.documents = true;
    let content = json!([
        file("Q3_report.pdf", "application/pdf", "JVBERi0="),
        file("Q3 report.pdf", "application/pdf", "JVBERi0="),
        file("main.rs", "text/x-rust", "Zm4="),
    ]);
    let blocks = sent(&model, content);
    assert_eq!(blocks[0], json!({"text": "."}));
    let shown: Vec<_> = (1..4)
        .map(|at| {
            (
                blocks[at]["document"]["name"].clone(),
                blocks[at]["document"]["format"].clone(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (json!("Q3 report"), json!("pdf")),
            (json!("Q3 report (2)"), json!("pdf")),
            (json!("main rs"), json!("txt")),
        ]
    );
}

#[test]
fn a_model_that_reads_no_documents_gets_their_text_or_a_note() {
    let content = json!([
        file("notes.txt", "text/plain", "aGVsbG8="),
        file("chart.pdf", "application/pdf", "JVBERi0="),
    ]);
    let blocks = sent(&text_only(), content);
    assert_eq!(
        blocks,
        json!([
            {"text": "[document notes]\nhello"},
            {"text": "[a document stood here: chart; this model cannot read it]"},
        ])
    );
}

#[test]
fn documents_in_a_tool_s_result_stay_there_or_become_text() {
    let messages = json!([
        {"role": "user", "content": "q"},
        {"role": "assistant", "tool_calls": [super::call("c")]},
        {"role": "tool", "tool_call_id": "c", "content": [file("a.md", "text/markdown", "YQ==")]},
    ]);
    let request = json!({"messages": messages, "tools": [super::tool("f")]});
    let mut model = claude();
    model.abilities.documents = true;
    let result = |model: &bedrock_sidecar::catalog::Model| {
        body(model, &request)["messages"][2]["content"][0]["toolResult"]["content"][0].clone()
    };
    assert_eq!(
        result(&model),
        json!({"document": {"format": "md", "name": "a", "source": {"bytes": "YQ=="}}})
    );
    model.abilities.documents = false;
    assert_eq!(result(&model), json!({"text": "[document a]\na"}));
}
