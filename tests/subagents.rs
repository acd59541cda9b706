//! What a coding agent's subagents cost can be seen: a record says which agent asked, and who had started it.

use serde_json::{Value, json};

use crate::admin::Visitor;
use crate::support::anthropic::ask;
use crate::support::{TestApp, header, hello};

/// Asks with these headers. Returns the record.
async fn record(app: &TestApp, path: &str, body: &Value, headers: &[(&str, &str)]) -> Value {
    let mut request = app.post(path, body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let reply = request.send().await.unwrap();
    let id = header(&reply, "x-sidecar-request-id").to_owned();
    reply.text().await.unwrap();
    app.record(&id).await
}

#[tokio::test]
async fn a_record_names_the_agent_and_its_parent_on_every_wire() {
    let app = TestApp::new().await;
    let headers = [
        ("x-claude-code-session-id", "s1"),
        ("x-claude-code-agent-id", "a2"),
        ("x-claude-code-parent-agent-id", "a1"),
    ];
    let mut streamed = ask("hi");
    streamed["stream"] = json!(true);
    let refused = json!({"model": "primary", "messages": 7});
    for (path, body) in [
        ("/v1/messages", ask("hi")),
        ("/v1/messages", streamed),
        ("/v1/messages", refused),
        ("/v1/chat/completions", hello("primary")),
        ("/v1/responses", json!({"model": "primary", "input": "hi"})),
    ] {
        let record = record(&app, path, &body, &headers).await;
        assert_eq!(record["session_id"], "s1");
        assert_eq!(record["agent_id"], "a2", "{path}");
        assert_eq!(record["parent_agent_id"], "a1", "{path}");
    }
    let first = record(&app, "/v1/messages", &ask("hi"), &headers[..1]).await;
    assert!(first.get("agent_id").is_none() && first.get("parent_agent_id").is_none());
    let empty = [("x-claude-code-agent-id", "")];
    let record = record(&app, "/v1/messages", &ask("hi"), &empty).await;
    assert!(record.get("agent_id").is_none(), "{record}");
}

#[tokio::test]
async fn the_requests_of_one_agent_are_found_and_shown() {
    let app = TestApp::new().await;
    let long = "a".repeat(5_000);
    let mut ids = Vec::new();
    for agent in ["a1", "a2<b>", &long] {
        let headers = [("x-claude-code-agent-id", agent)];
        let record = record(&app, "/v1/messages", &ask("hi"), &headers).await;
        ids.push(record["request_id"].clone());
        let kept = record["agent_id"].as_str().unwrap();
        assert!(kept.len() <= 200 && agent.starts_with(kept));
    }
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor
        .page(&format!("/ui/logs/{}", ids[1].as_str().unwrap()))
        .await;
    assert!(
        page.contains("a2&#60;b&#62;") && !page.contains("<b>"),
        "{page}"
    );
    let found = app.get("/spend/logs/v2?agent_id=a1").send().await.unwrap();
    let found: Value = found.json().await.unwrap();
    let rows = found["data"].as_array().unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0]["request_id"], &rows[0]["agent_id"]),
        (&ids[0], &json!("a1"))
    );
}
