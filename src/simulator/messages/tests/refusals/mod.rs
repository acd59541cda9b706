//! What is refused, on the older generation and on the newer, with status, shape and words.

use super::*;

mod members;
mod said;
mod sentences;
mod tools;

/// Accepted.
const FINE: &str = "";
const SONNET_4: &str = "us.anthropic.claude-sonnet-4-20250514-v1:0";
const OPUS_4_5: &str = "us.anthropic.claude-opus-4-5-20251101-v1:0";
const OPUS_5: &str = "us.anthropic.claude-opus-5";

/// Posts a body as it stands; the status, what kind of error it is called in the header, and the answer.
async fn post(simulated: &Simulated, model: &str, body: &Value) -> (u16, Option<String>, Value) {
    let url = format!("{}/model/{model}/invoke", simulated.url());
    let request = reqwest::Client::new().post(url).json(body);
    let response = request.bearer_auth("key").send().await.unwrap();
    let kind = response.headers().get("x-amzn-errortype").cloned();
    let kind = kind.map(|kind| kind.to_str().unwrap().to_owned());
    (
        response.status().as_u16(),
        kind,
        response.json().await.unwrap(),
    )
}

fn is_new(model: &str) -> bool {
    ![SONNET_4, OPUS_4_5, SONNET_4_5, SONNET_4_6].contains(&model)
}

/// Compares what each model says of each body with the words in the table.
async fn check(rows: Vec<(Value, Vec<(&str, &str)>)>) {
    let simulated = start().await;
    for (body, verdicts) in rows {
        let shown: String = body.to_string().chars().take(400).collect();
        for (model, words) in verdicts {
            let (status, kind, answer) = post(&simulated, model, &body).await;
            if words == FINE {
                assert_eq!(status, 200, "{model}: {answer}\n{shown}");
                continue;
            }
            assert_eq!(status, 400, "{model} accepts: {shown}");
            let said = match is_new(model) {
                true => {
                    assert_eq!(kind, None);
                    assert_eq!(answer["type"], "error");
                    assert_eq!(answer["error"]["type"], "invalid_request_error");
                    assert!(answer["request_id"].as_str().unwrap().starts_with("req_"));
                    &answer["error"]["message"]
                }
                false => {
                    assert!(kind.unwrap().starts_with("ValidationException"));
                    &answer["message"]
                }
            };
            let said = said.as_str().unwrap();
            assert!(
                said.contains(words),
                "{model}: {said}\nnot: {words}\n{shown}"
            );
        }
    }
}

fn plain(more: Value) -> Value {
    with(ask("hi"), more)
}

fn said(messages: Value) -> Value {
    plain(json!({ "messages": messages }))
}

fn assistant(content: Value) -> Value {
    json!({"role": "assistant", "content": content})
}

fn tool(more: Value) -> Value {
    with(
        json!({"name": "look", "input_schema": {"type": "object"}}),
        more,
    )
}

fn tools(tools: Value) -> Value {
    plain(json!({ "tools": tools }))
}

fn betas(betas: Value, more: Value) -> Value {
    with(plain(json!({ "anthropic_beta": betas })), more)
}

const SEARCH_BETA: &str = "tool-search-tool-2025-10-19";

fn search() -> Value {
    json!({"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"})
}

fn call(id: &str) -> Value {
    json!({"type": "tool_use", "id": id, "name": "look", "input": {}})
}

fn result(id: &str, content: Value) -> Value {
    json!({"type": "tool_result", "tool_use_id": id, "content": content})
}

/// A question, a call and its result.
fn looked(content: Value) -> Value {
    json!([
        user(json!("hi")),
        assistant(json!([call("a")])),
        user(json!([result("a", content)]))
    ])
}
