//! Requests captured from real clients, where the environment names the folder that holds them.

use std::path::Path;

use serde_json::Value;

use super::{body, claude, nova, plain_claude};
use bedrock_sidecar::catalog::ThinkingSupport;

fn chat_requests(folder: &Path) -> Vec<(String, Value)> {
    let mut requests = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_none_or(|extension| extension != "jsonl")
        {
            continue;
        }
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let exchange: Value = serde_json::from_str(line).unwrap();
            let is_chat = exchange["path"]
                .as_str()
                .is_some_and(|path| path.ends_with("/chat/completions"));
            if is_chat && exchange["body"].is_object() {
                let name = format!("{} {}", path.display(), exchange["n"]);
                requests.push((name, exchange["body"].clone()));
            }
        }
    }
    requests
}

#[test]
fn captured_requests_of_real_clients_become_what_bedrock_takes() {
    let Ok(folder) = std::env::var("CLIENT_SAMPLES") else {
        println!("CLIENT_SAMPLES is not set: no captured requests were read");
        return;
    };
    let requests = chat_requests(Path::new(&folder));
    println!("{} captured requests of real clients", requests.len());
    assert!(!requests.is_empty(), "no requests in {folder}");
    for (name, request) in requests {
        println!("{name}");
        for model in [claude(), plain_claude(), nova(ThinkingSupport::None)] {
            body(&model, &request);
        }
    }
}
