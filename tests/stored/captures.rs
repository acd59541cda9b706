//! Requests as the Vercel AI SDK, OpenAI's SDK, its Agents SDK and LangChain send them, turn after turn: recorded once,
//! and played here with the ids that the gateway gives.

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use serde_json::{Value, json};

use crate::support::{PRIMARY, TestApp, none_refused};

use super::{WHOLE, last_messages};

fn tool() -> Value {
    json!({"type": "function", "name": "weather", "description": "weather", "strict": false,
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
            "additionalProperties": false, "$schema": "http://json-schema.org/draft-07/schema#"}})
}

fn body(input: &Value) -> Value {
    json!({"model": "primary", "input": input, "tools": [tool()], "tool_choice": "auto",
        "reasoning": {"effort": "low"}})
}

fn question(text: &str) -> Value {
    json!({"role": "user", "content": [{"type": "input_text", "text": text}]})
}

fn reference(id: &Value) -> Value {
    json!({"type": "item_reference", "id": id})
}

/// A call of the tool after some thinking, then an answer after some more.
fn script(app: &TestApp) {
    let call = ScriptedReply::tool("weather", &json!({"city": "Rome"})).with_thinking("Rome?");
    let answer = ScriptedReply::text("Sunny in Rome.").with_thinking("Sunny.");
    app.bedrock
        .script(PRIMARY, [Step::reply(call), Step::reply(answer)]);
}

/// What the third request must have become, however its client has named what was before.
fn whole_conversation(app: &TestApp) {
    none_refused(app);
    let messages = last_messages(app);
    assert_eq!(messages[0]["content"][0]["text"], "weather in Rome?");
    let call = messages[1]["content"].as_array().unwrap().last().unwrap();
    assert_eq!(call["toolUse"]["input"], json!({"city": "Rome"}));
    let result = &messages[2]["content"][0]["toolResult"];
    assert_eq!(result["toolUseId"], call["toolUse"]["toolUseId"]);
    let answer = messages[3]["content"].as_array().unwrap().last().unwrap();
    assert_eq!(answer["text"], "Sunny in Rome.");
    assert_eq!(messages[4]["content"][0]["text"], "and Paris?");
}

/// `ai` 5.0.277 with `@ai-sdk/openai` 2.0.131 refers to thinking, calls and messages; `ai` 6.0.326 with 3.0.141 sends calls
/// themselves.
#[tokio::test]
async fn the_vercel_ai_sdk_works_as_it_comes() {
    for version in [5, 6] {
        let app = TestApp::new().await;
        script(&app);
        let mut input = vec![question("weather in Rome?")];
        let first = app.response(&body(&json!(input))).await;
        let (thought, call) = (&first["output"][0], &first["output"][1]);
        input.push(reference(&thought["id"]));
        input.push(match version {
            5 => reference(&call["id"]),
            _ => json!({"type": "function_call", "call_id": call["call_id"], "name": "weather",
                "arguments": call["arguments"]}),
        });
        input.push(
            json!({"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}),
        );
        let second = app.response(&body(&json!(input))).await;
        for item in second["output"].as_array().unwrap() {
            input.push(reference(&item["id"]));
        }
        input.push(question("and Paris?"));
        app.response(&body(&json!(input))).await;
        whole_conversation(&app);
    }
}

/// With `store: false` it brings everything, the thinking sealed.
#[tokio::test]
async fn the_vercel_ai_sdk_works_without_a_store() {
    let app = TestApp::new().await;
    script(&app);
    let ask = |input: &Vec<Value>| {
        let mut body = body(&json!(input));
        body["store"] = json!(false);
        body["include"] = json!(["reasoning.encrypted_content"]);
        body
    };
    let mut input = vec![question("weather in Rome?")];
    let first = app.response(&ask(&input)).await;
    let (thought, call) = (&first["output"][0], &first["output"][1]);
    input.extend([
        thought.clone(),
        json!({"type": "function_call", "call_id": call["call_id"], "name": "weather", "arguments": call["arguments"]}),
        json!({"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}),
    ]);
    let second = app.response(&ask(&input)).await;
    input.push(second["output"][0].clone());
    input.push(json!({"role": "assistant", "content": second["output"][1]["content"], "id": second["output"][1]["id"]}));
    input.push(question("and Paris?"));
    app.response(&ask(&input)).await;
    whole_conversation(&app);
}

/// `openai-agents` 0.24.0 with `previous_response_id`, and LangChain with `use_previous_response_id`.
#[tokio::test]
async fn clients_that_go_on_from_a_response_send_only_what_is_new() {
    let app = TestApp::builder().settings(WHOLE).start().await;
    script(&app);
    let first = app
        .response(&body(
            &json!([{"content": "weather in Rome?", "role": "user"}]),
        ))
        .await;
    let call = &first["output"][1];
    let mut next = body(
        &json!([{"call_id": call["call_id"], "output": "sunny", "type": "function_call_output"}]),
    );
    next["include"] = json!([]);
    next["instructions"] = json!("be brief");
    next["text"] = json!({"verbosity": "low"});
    next["previous_response_id"] = first["id"].clone();
    let second = app.response(&next).await;
    let mut last = body(&json!([{"content": "and Paris?", "role": "user", "type": "message"}]));
    last["previous_response_id"] = second["id"].clone();
    app.response(&last).await;
    whole_conversation(&app);
}

/// VS Code goes on from a response, and sends everything once it reads that this is not stored.
#[tokio::test]
async fn a_client_that_is_told_that_nothing_is_stored_goes_on_with_its_history() {
    for (settings, refused) in [("", true), (WHOLE, false)] {
        let app = TestApp::builder().settings(settings).start().await;
        script(&app);
        let first = app
            .response(&body(&json!([question("weather in Rome?")])))
            .await;
        let call = &first["output"][1];
        let result =
            json!({"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"});
        let mut next = body(&json!([result]));
        next["previous_response_id"] = first["id"].clone();
        next["truncation"] = json!("disabled");
        let response = app.post("/v1/responses", &next).send().await.unwrap();
        assert_eq!(response.status() == 400, refused);
        let second: Value = response.json().await.unwrap();
        if refused {
            assert_eq!(second["error"]["code"], "previous_response_not_found");
            let input = json!([
                question("weather in Rome?"),
                first["output"][0],
                first["output"][1],
                result
            ]);
            app.response(&body(&input)).await;
        }
        let messages = last_messages(&app);
        assert_eq!(
            messages[2]["content"][0]["toolResult"]["toolUseId"],
            call["call_id"]
        );
        none_refused(&app);
    }
}
