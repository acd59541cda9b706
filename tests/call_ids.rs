//! Ids of tool calls: a client never sees one twice, however its model counts its calls, and every result reaches the
//! call that it answers.

use std::collections::HashSet;

use bedrock_sidecar::simulator::{Block, ScriptedReply, Step};
use serde_json::{Value, json};

use crate::support::anthropic::read_events;
use crate::support::responses::last_response;
use crate::support::{PRIMARY, TestApp, none_refused, read_sse};

/// A client that keeps a conversation of its wire.
#[derive(Debug, Clone, Copy)]
enum Client {
    Chat,
    Responses,
    Messages,
}

const CLIENTS: [Client; 3] = [Client::Chat, Client::Responses, Client::Messages];

/// A call as a client knows it: its id and its argument.
type SeenCall = (String, u64);

impl Client {
    fn ask(self) -> Value {
        let schema = json!({"type": "object", "properties": {"at": {"type": "integer"}}});
        match self {
            Self::Chat => json!({"model": "primary",
                "messages": [{"role": "user", "content": "what is there?"}],
                "tools": [{"type": "function", "function": {"name": "look", "parameters": schema}}]}),
            Self::Responses => json!({"model": "primary",
                "input": [{"role": "user", "content": "what is there?"}],
                "tools": [{"type": "function", "name": "look", "parameters": schema}]}),
            Self::Messages => json!({"model": "primary", "max_tokens": 500,
                "messages": [{"role": "user", "content": "what is there?"}],
                "tools": [{"name": "look", "input_schema": schema}]}),
        }
    }

    /// Sends the conversation, and adds the answer to it.
    async fn turn(self, app: &TestApp, body: &mut Value, stream: bool) -> Vec<SeenCall> {
        body["stream"] = json!(stream);
        match self {
            Self::Chat => {
                let response = app.chat(body).await;
                assert_eq!(response.status(), 200);
                let message = if stream {
                    read_sse(response).await.message()
                } else {
                    response.json::<Value>().await.unwrap()["choices"][0]["message"].take()
                };
                add(&mut body["messages"], message.clone());
                calls(&message["tool_calls"], |call| {
                    let arguments = call["function"]["arguments"].as_str()?;
                    let arguments: Value = serde_json::from_str(arguments).unwrap();
                    Some((&call["id"], arguments["at"].clone()))
                })
            }
            Self::Responses => {
                let response = if stream {
                    last_response(&app.response_events(body).await)
                } else {
                    app.response(body).await
                };
                let items = response["output"].as_array().unwrap().iter();
                items.for_each(|item| add(&mut body["input"], item.clone()));
                calls(&response["output"], |item| {
                    let arguments: Value =
                        serde_json::from_str(item["arguments"].as_str()?).unwrap();
                    Some((&item["call_id"], arguments["at"].clone()))
                })
            }
            Self::Messages => {
                let response = app.as_anthropic("/v1/messages", body).send().await.unwrap();
                assert_eq!(response.status(), 200);
                let message = if stream {
                    read_events(response).await.message()
                } else {
                    response.json::<Value>().await.unwrap()
                };
                let turn = json!({"role": "assistant", "content": message["content"]});
                add(&mut body["messages"], turn);
                calls(&message["content"], |block| {
                    Some((&block["id"], block["input"].get("at")?.clone()))
                })
            }
        }
    }

    /// Brings the results, each saying which call it is for, the last one first.
    fn bring_results(self, body: &mut Value, calls: &[SeenCall]) {
        let results: Vec<(&String, String)> = calls
            .iter()
            .rev()
            .map(|(id, at)| (id, format!("seen at {at}")))
            .collect();
        match self {
            Self::Chat => {
                for (id, text) in results {
                    let result = json!({"role": "tool", "tool_call_id": id, "content": text});
                    add(&mut body["messages"], result);
                }
            }
            Self::Responses => {
                for (id, text) in results {
                    let result =
                        json!({"type": "function_call_output", "call_id": id, "output": text});
                    add(&mut body["input"], result);
                }
            }
            Self::Messages => {
                let results = results.into_iter().map(
                    |(id, text)| json!({"type": "tool_result", "tool_use_id": id, "content": text}),
                );
                let turn = json!({"role": "user", "content": results.collect::<Vec<_>>()});
                add(&mut body["messages"], turn);
            }
        }
    }
}

fn add(list: &mut Value, item: Value) {
    list.as_array_mut().unwrap().push(item);
}

fn calls<'a>(
    list: &'a Value,
    call: impl Fn(&'a Value) -> Option<(&'a Value, Value)>,
) -> Vec<SeenCall> {
    let found = list.as_array().into_iter().flatten().filter_map(call);
    let found = found.map(|(id, at)| (id.as_str().unwrap().to_owned(), at.as_u64().unwrap()));
    found.collect()
}

/// An answer that calls `look` under these ids, at place after place.
fn counted(ids: &[&str], first: u64) -> ScriptedReply {
    let blocks = ids.iter().zip(first..).map(|(id, at)| Block::ToolUse {
        id: Some((*id).to_owned()),
        name: "look".to_owned(),
        input: json!({ "at": at }).to_string(),
    });
    ScriptedReply {
        blocks: blocks.collect(),
        ..ScriptedReply::default()
    }
}

/// Every call of what Bedrock was sent has its own result, and no id stands there twice.
fn check_sent(sent: &Value, written: &[&str]) {
    let blocks = |of: &str| -> Vec<Value> {
        let messages = sent["messages"].as_array().unwrap().iter();
        let blocks = messages.flat_map(|message| message["content"].as_array().unwrap());
        blocks.filter_map(|block| block.get(of).cloned()).collect()
    };
    let (uses, results) = (blocks("toolUse"), blocks("toolResult"));
    assert_eq!(uses.len(), written.len(), "{sent}");
    let mut ids = HashSet::new();
    for (call, written) in uses.iter().zip(written) {
        let id = call["toolUseId"].as_str().unwrap();
        assert!(id.starts_with(written), "{id}: as the model wrote it");
        assert!(ids.insert(id.to_owned()), "{id} stands there twice");
        let result = results.iter().find(|result| result["toolUseId"] == id);
        let text = result.unwrap()["content"][0]["text"].as_str().unwrap();
        assert_eq!(text, format!("seen at {}", call["input"]["at"]));
    }
}

#[tokio::test]
async fn ids_that_begin_again_with_every_answer_are_unique_for_every_client() {
    let turns: [&[&str]; 3] = [&["call_0", "call_1"], &["call_0"], &["call_0", "call_0"]];
    for client in CLIENTS {
        for stream in [false, true] {
            let app = TestApp::on_converse().await;
            let mut body = client.ask();
            let mut seen = HashSet::new();
            let mut at = 0;
            for ids in turns {
                app.bedrock
                    .script(PRIMARY, [Step::reply(counted(ids, at)).unchecked()]);
                at += ids.len() as u64;
                let calls = client.turn(&app, &mut body, stream).await;
                assert_eq!(calls.len(), ids.len(), "{client:?}");
                for ((id, _), written) in calls.iter().zip(ids) {
                    assert!(id.starts_with(written), "{client:?}: {id}");
                    let is_legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
                    assert!(id.chars().all(is_legal), "{client:?}: {id}");
                    assert!(seen.insert(id.clone()), "{client:?}: {id} twice");
                }
                client.bring_results(&mut body, &calls);
            }
            client.turn(&app, &mut body, stream).await;
            none_refused(&app);
            let sent = app.bedrock.requests().pop().unwrap().body;
            check_sent(&sent, &turns.concat());
        }
    }
}

#[tokio::test]
async fn ids_of_a_model_s_own_form_go_back_as_it_wrote_them() {
    const KIMI: &str = "moonshotai.kimi-k2.5";
    let config = format!(
        "model_list:\n  - {{model_name: primary, litellm_params: {{model: bedrock/{KIMI}}}}}\n"
    );
    let app = TestApp::builder()
        .config(&config)
        .on_converse()
        .start()
        .await;
    for client in CLIENTS {
        let mut body = client.ask();
        for (id, at) in [("functions.look:0", 0), ("functions.look:1", 1)] {
            app.bedrock.script(KIMI, [Step::reply(counted(&[id], at))]);
            let calls = client.turn(&app, &mut body, false).await;
            assert_ne!(calls[0].0, id, "another conversation has it too");
            client.bring_results(&mut body, &calls);
        }
        client.turn(&app, &mut body, false).await;
        let sent = app.bedrock.requests().pop().unwrap().body;
        let id = |turn: usize| sent["messages"][turn]["content"][0]["toolUse"]["toolUseId"].clone();
        assert_eq!([id(1), id(3)], ["functions.look:0", "functions.look:1"]);
    }
    none_refused(&app);
}

#[tokio::test]
async fn ids_that_are_random_stay_as_they_are() {
    let app = TestApp::on_converse().await;
    let id = "tooluse_kZJMlvQmRJ6eAyJE5GIl7Q";
    app.bedrock
        .script(PRIMARY, [Step::reply(counted(&[id], 0))]);
    let calls = Client::Chat.turn(&app, &mut Client::Chat.ask(), true).await;
    assert_eq!(calls, [(id.to_owned(), 0)]);
}

#[tokio::test]
async fn thinking_is_never_put_back_into_another_conversation() {
    let app = TestApp::on_converse().await;
    let mut conversations = Vec::new();
    for thought in ["I look for the first.", "I look for the second."] {
        let reply = counted(&["call_0"], 0).with_thinking(thought);
        app.bedrock.script(PRIMARY, [Step::reply(reply)]);
        let mut body = Client::Chat.ask();
        body["reasoning_effort"] = json!("low");
        let calls = Client::Chat.turn(&app, &mut body, true).await;
        Client::Chat.bring_results(&mut body, &calls);
        conversations.push((thought, body));
    }
    for (thought, mut body) in conversations {
        Client::Chat.turn(&app, &mut body, true).await;
        let sent = app.bedrock.requests().pop().unwrap().body;
        let block = &sent["messages"][1]["content"][0]["reasoningContent"]["reasoningText"];
        assert_eq!(block["text"], thought);
    }
    none_refused(&app);
}
