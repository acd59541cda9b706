//! Real Bedrock streams, replayed byte for byte, where `BEDROCK_RECORDINGS` names a folder of them.

use std::path::{Path, PathBuf};

use bedrock_sidecar::simulator::Step;
use reqwest::Response;
use serde_json::{Value, json};

use crate::support::anthropic::{ask, read_events};
use crate::support::responses::{last_response, read_response_events};
use crate::support::{PRIMARY, TestApp, hello};

/// Every `*.response.bin` below the folder.
fn streams(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(streams(&path));
        } else if path.to_str().unwrap().ends_with(".response.bin") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The decoded events beside a recording: type and payload.
fn events(recording: &Path) -> Vec<(String, Value)> {
    let path = recording
        .to_str()
        .unwrap()
        .replace(".response.bin", ".response.events.jsonl");
    let lines = std::fs::read_to_string(path).unwrap();
    let events = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    events
        .map(|event| {
            let headers = &event["headers"];
            let kind = headers
                .get(":event-type")
                .or_else(|| headers.get(":exception-type"));
            (
                kind.and_then(Value::as_str).unwrap_or("").to_owned(),
                event["payload"].clone(),
            )
        })
        .collect()
}

fn joined(events: &[(String, Value)], pointer: &str) -> String {
    let deltas = events
        .iter()
        .filter(|(kind, _)| kind == "contentBlockDelta");
    deltas
        .filter_map(|(_, payload)| payload.pointer(pointer)?.as_str().map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn a_recorded_stream_reaches_the_client_whole() {
    let Some(folder) = std::env::var_os("BEDROCK_RECORDINGS") else {
        println!("0 recordings replayed: BEDROCK_RECORDINGS names no folder");
        return;
    };
    let recordings = streams(Path::new(&folder));
    let mut whole = 0;
    for recording in &recordings {
        let name = recording.display();
        let app = TestApp::on_converse().await;
        let bytes = std::fs::read(recording).unwrap();
        app.bedrock.script(PRIMARY, [Step::bytes(bytes)]);
        let events = events(recording);
        let mut body = hello("primary");
        body["stream"] = json!(true);
        body["stream_options"] = json!({"include_usage": true});
        body["disable_fallbacks"] = json!(true);
        let response = app.chat(&body).await;
        let stop = events.iter().find(|(kind, _)| kind == "messageStop");
        if !response.status().is_success() {
            assert!(
                stop.is_none(),
                "{name}: a whole stream was taken for a failure"
            );
            continue;
        }
        let chunks = crate::support::read_sse(response).await;
        assert_eq!(chunks.text(), joined(&events, "/delta/text"), "{name}");
        assert_eq!(
            chunks.reasoning(),
            joined(&events, "/delta/reasoningContent/text"),
            "{name}"
        );
        let starts = events.iter().filter(|(kind, payload)| {
            kind == "contentBlockStart" && payload.pointer("/start/toolUse").is_some()
        });
        let calls = chunks.tool_calls();
        assert_eq!(calls.len(), starts.count(), "{name}");
        let arguments: String = calls
            .into_iter()
            .map(|call| call.2)
            .filter(|json| json != "{}")
            .collect();
        assert_eq!(
            arguments,
            joined(&events, "/delta/toolUse/input").replace("{}", ""),
            "{name}"
        );
        assert_eq!(chunks.done, stop.is_some(), "{name}");
        assert_eq!(
            chunks.finish_reasons().len(),
            usize::from(stop.is_some()),
            "{name}"
        );
        assert_eq!(chunks.error().is_none(), stop.is_some(), "{name}");
        if let Some((_, metadata)) = events.iter().find(|(kind, _)| kind == "metadata") {
            assert_eq!(
                chunks.usage().unwrap()["total_tokens"],
                metadata["usage"]["totalTokens"],
                "{name}"
            );
        }
        whole += usize::from(stop.is_some());
    }
    println!(
        "{} recordings replayed, {whole} of them whole answers",
        recordings.len()
    );
    assert!(whole > 0, "BEDROCK_RECORDINGS holds no recorded stream");
}

/// Replays every recorded stream to a request of this path. `judge` gets what was answered, what was recorded, and whether
/// that was whole.
async fn replayed(
    path: &str,
    body: Value,
    judge: impl AsyncFn(String, Response, &[(String, Value)], bool),
) {
    let Some(folder) = std::env::var_os("BEDROCK_RECORDINGS") else {
        println!("0 recordings replayed: BEDROCK_RECORDINGS names no folder");
        return;
    };
    let mut whole = 0;
    for recording in streams(Path::new(&folder)) {
        let name = recording.display().to_string();
        let app = TestApp::on_converse().await;
        let bytes = std::fs::read(&recording).unwrap();
        app.bedrock.script(PRIMARY, [Step::bytes(bytes)]);
        let events = events(&recording);
        let response = app.as_anthropic(path, &body).send().await.unwrap();
        let stop = events.iter().any(|(kind, _)| kind == "messageStop");
        if !response.status().is_success() {
            assert!(!stop, "{name}: a whole stream was taken for a failure");
            continue;
        }
        judge(name, response, &events, stop).await;
        whole += usize::from(stop);
    }
    println!("{whole} recordings were whole on {path}");
    assert!(whole > 0, "BEDROCK_RECORDINGS holds no recorded stream");
}

/// The ids of the tool calls in a recording.
fn called(events: &[(String, Value)]) -> Vec<&Value> {
    let starts = events.iter();
    let starts = starts.filter_map(|(_, payload)| payload.pointer("/start/toolUse"));
    starts.map(|call| &call["toolUseId"]).collect()
}

/// What a recording says of its tokens.
fn tokens<'a>(events: &'a [(String, Value)], field: &str) -> Option<&'a Value> {
    let (_, metadata) = events.iter().find(|(kind, _)| kind == "metadata")?;
    Some(&metadata["usage"][field])
}

#[tokio::test]
async fn a_recorded_stream_reaches_anthropic_s_clients_whole() {
    let mut body = ask("hello");
    body["stream"] = json!(true);
    body["disable_fallbacks"] = json!(true);
    replayed(
        "/v1/messages",
        body,
        async |name, response, events, stop| {
            let read = read_events(response).await;
            assert_eq!(read.error().is_none(), stop, "{name}");
            if !stop {
                return;
            }
            let message = read.message();
            let content = message["content"].as_array().unwrap();
            let all = |field: &str| -> String {
                let texts = content.iter().filter_map(|block| block[field].as_str());
                texts.collect()
            };
            let thought = |field: &str| joined(events, &format!("/delta/reasoningContent/{field}"));
            assert_eq!(all("text"), joined(events, "/delta/text"), "{name}");
            assert_eq!(all("thinking"), thought("text"), "{name}");
            assert_eq!(all("signature"), thought("signature"), "{name}");
            assert_eq!(all("data"), thought("redactedContent"), "{name}");
            let calls = content.iter().filter(|block| block["type"] == "tool_use");
            let told: Vec<&Value> = calls.map(|call| &call["id"]).collect();
            assert_eq!(told, called(events), "{name}");
            if let Some(tokens) = tokens(events, "outputTokens") {
                assert_eq!(message["usage"]["output_tokens"], *tokens, "{name}");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn a_recorded_stream_reaches_codex_whole() {
    let body =
        json!({"model": "primary", "input": "hello", "stream": true, "disable_fallbacks": true});
    replayed(
        "/v1/responses",
        body,
        async |name, response, events, stop| {
            let response = last_response(&read_response_events(response).await);
            assert_eq!(response["status"] != "failed", stop, "{name}");
            if !stop {
                return;
            }
            let output = response["output"].as_array().unwrap();
            let all = |pointer: &str| -> String {
                let texts = output
                    .iter()
                    .filter_map(|item| item.pointer(pointer)?.as_str());
                texts.collect()
            };
            assert_eq!(
                all("/content/0/text"),
                joined(events, "/delta/text"),
                "{name}"
            );
            let thinking = joined(events, "/delta/reasoningContent/text");
            assert_eq!(all("/summary/0/text"), thinking, "{name}");
            let calls = output.iter().filter_map(|item| item.get("call_id"));
            assert_eq!(calls.collect::<Vec<_>>(), called(events), "{name}");
            if let Some(tokens) = tokens(events, "totalTokens") {
                assert_eq!(response["usage"]["total_tokens"], *tokens, "{name}");
            }
        },
    )
    .await;
}
