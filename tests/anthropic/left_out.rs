//! What nobody here knows of a request for a message is left out, and the reply says so.

use bedrock_sidecar::simulator::Step;
use serde_json::{Value, json};

use crate::support::anthropic::ask;
use crate::support::{
    BACKUP, DROPPED, LAST, PRIMARY, TestApp, both_ways, header, validation_error,
};

/// Posts the body [`both_ways`], with these betas.
pub(super) async fn post(app: &TestApp, body: Value, betas: &str) -> (Value, String) {
    let request = |body: &Value| {
        let request = app.as_anthropic("/v1/messages", body);
        request.header("anthropic-beta", betas)
    };
    both_ways(app, body, request).await
}

#[tokio::test]
async fn fields_of_anthropic_s_service_and_of_tomorrow() {
    let app = TestApp::on_converse().await;
    let (plain, dropped) = post(&app, ask("hi"), "").await;
    assert_eq!(dropped, "");
    for (field, value) in [
        ("diagnostics", json!({"previous_message_id": null})),
        ("user_profile_id", json!("up_1")),
        ("workspace_id", json!(7)),
        ("billing_policy", json!({"type": "prepaid"})),
        ("thread", json!({"id": "t", "max_tokens": 1})),
        ("safeguards", json!([{"type": "x"}])),
        ("of_tomorrow", json!({"temperature": 0.1, "tools": [1]})),
    ] {
        let mut body = ask("hi");
        body[field] = value;
        let (sent, dropped) = post(&app, body.clone(), "of-tomorrow-2027-01-01").await;
        assert_eq!(sent, plain, "{field}");
        assert_eq!(dropped, field);
        let count = app.as_anthropic("/v1/messages/count_tokens", &body);
        assert_eq!(count.send().await.unwrap().status(), 200, "{field}");
    }
    for (metadata, name) in [
        (json!("u"), "metadata"),
        (json!([1]), "metadata"),
        (json!({"user_id": {"of": "tomorrow"}}), "metadata.user_id"),
    ] {
        let mut body = ask("hi");
        body["metadata"] = metadata;
        assert_eq!(post(&app, body, "").await.1, name);
    }
}

#[tokio::test]
async fn fallbacks_of_anthropic_s_own() {
    let app = TestApp::on_converse().await;
    let beta = "x-2026-01-01, server-side-fallback-2026-06-01";
    for (fallbacks, betas) in [
        (json!("default"), ""),
        (json!("default"), beta),
        (json!([{"model": "claude-opus-4-8"}]), beta),
        (
            json!([{"model": "claude-opus-4-8", "thinking": {"type": "of_tomorrow"}}, {"model": "b"}]),
            beta,
        ),
        (json!([{"model": {"id": "b"}}]), beta),
        (json!({"of": "tomorrow"}), beta),
        (json!({"type": "default"}), ""),
        (json!([{"type": "default"}]), ""),
        (
            json!({"models": ["claude-opus-4-8"], "mode": "of_tomorrow"}),
            "",
        ),
        (json!([7]), ""),
        (json!(true), ""),
    ] {
        let mut body = ask("hi");
        body["fallbacks"] = fallbacks;
        let (_, dropped) = post(&app, body, betas).await;
        assert_eq!(dropped, "fallbacks");
    }
    let mut body = ask("hi");
    body["fallbacks"] = json!([{"model": "claude-opus-4-8"}]);
    body["betas"] = json!(["server-side-fallback-2026-06-01"]);
    assert_eq!(
        post(&app, body, "").await.1,
        "fallbacks",
        "the beta may stand in the body"
    );
}

#[tokio::test]
async fn fallbacks_of_the_gateway_s_own_stay_what_they_are() {
    let app = TestApp::builder().config("model_list:\n- {model_name: primary, litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0}}\n\
         - {model_name: backup, litellm_params: {model: bedrock/global.anthropic.claude-haiku-4-5-20251001-v1:0}}\n\
         litellm_settings: {num_retries: 0}\n").on_converse().start()
    .await;
    for (fallbacks, betas) in [
        (json!(["backup"]), ""),
        (json!([{"model": "backup"}]), ""),
        (json!([{"primary": ["backup"]}]), ""),
        (json!(["backup"]), "server-side-fallback-2026-06-01"),
    ] {
        app.bedrock.script(PRIMARY, [Step::unavailable()]);
        let mut body = ask("hi");
        body["fallbacks"] = fallbacks;
        let request = app.as_anthropic("/v1/messages", &body);
        let reply = request
            .header("anthropic-beta", betas)
            .send()
            .await
            .unwrap();
        assert_eq!(reply.status(), 200, "{body}");
        assert_eq!(header(&reply, "x-litellm-model-group"), "backup");
        assert!(!reply.headers().contains_key(DROPPED));
    }
    assert_eq!(app.bedrock.requests_for(BACKUP).len(), 4);
    let mut body = ask("hi");
    body["fallbacks"] = json!([{"model": "claude-opus-4-8"}]);
    let reply = app
        .as_anthropic("/v1/messages", &body)
        .send()
        .await
        .unwrap();
    assert_eq!(
        reply.status(),
        400,
        "without the beta it is a model of this gateway"
    );
}

#[tokio::test]
async fn tools_and_edits_of_kinds_that_are_not_on_bedrock() {
    let app = TestApp::on_converse().await;
    let mut body = ask("hi");
    body["tools"] = json!([
        {"name": "look", "input_schema": {"type": "object"}},
        {"type": "web_search_20250305", "name": "web_search"},
        {"type": "of_tomorrow_20270101", "name": {"a": 1}, "description": 7, "strict": "x", "cache_control": [1]}]);
    body["context_management"] = json!({"edits": [
        {"type": "clear_thinking_20251015"}, {"type": "fold_20270101", "keep": {}}, {"type": "clear_tool_uses_20250919"}]});
    let (sent, dropped) = post(&app, body.clone(), "").await;
    assert_eq!(
        dropped,
        "web_search_20250305, of_tomorrow_20270101, fold_20270101"
    );
    let tools = sent["toolConfig"]["tools"].as_array().unwrap();
    let names = tools
        .iter()
        .filter_map(|tool| tool["toolSpec"]["name"].as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["look"]);
    let edits = &sent["additionalModelRequestFields"]["context_management"]["edits"];
    assert_eq!(*edits, json!([{"type": "clear_tool_uses_20250919"}]));

    body["tools"] = json!([{"type": "advisor_of_tomorrow", "model": "m"}]);
    let (sent, dropped) = post(&app, body.clone(), "").await;
    assert_eq!(dropped, "advisor_of_tomorrow, fold_20270101");
    assert!(sent.get("toolConfig").is_none());

    // A long conversation goes on without it as it would without the wish.
    let mut compacting = body.clone();
    compacting["context_management"] = json!({"edits": [{"type": "compact_20260112"}]});
    let (_, dropped) = post(&app, compacting, "").await;
    assert_eq!(dropped, "advisor_of_tomorrow, compact_20260112");

    // Here the loss would change what was asked for.
    for (field, value) in [
        (
            "tools",
            json!([{"type": "code_execution_20250825", "name": "code_execution"}]),
        ),
        ("tool_choice", json!({"type": "any"})),
    ] {
        let mut body = body.clone();
        body[field] = value;
        let reply = app
            .as_anthropic("/v1/messages", &body)
            .send()
            .await
            .unwrap();
        assert_eq!(reply.status(), 400, "{field}");
    }
}

#[tokio::test]
async fn edits_that_a_target_does_without_are_named() {
    const EDIT: &str = "clear_tool_uses_20250919";
    let app = TestApp::on_converse().await;
    let mut body = ask("hi");
    body["context_management"] = json!({"edits": [{"type": EDIT}, {"type": EDIT, "keep": {"type": "tool_uses", "value": 3}}]});
    let edits = |sent: &Value| sent["additionalModelRequestFields"]["context_management"].clone();
    let (sent, dropped) = post(&app, body.clone(), "").await;
    assert!(edits(&sent).is_object());
    assert_eq!(dropped, "");

    // The beta is refused, and the refusal is remembered.
    app.bedrock
        .script(PRIMARY, [validation_error("invalid beta flag")]);
    let reply = app
        .as_anthropic("/v1/messages", &body)
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status(), 200);
    assert_eq!(header(&reply, DROPPED), EDIT);
    let (sent, dropped) = post(&app, body.clone(), "").await;
    assert!(edits(&sent).is_null());
    assert_eq!(dropped, EDIT);
    // What is not asked for is not missed.
    assert_eq!(post(&app, ask("hi"), "").await.1, "");

    // Another family has never heard of it.
    app.bedrock.script(PRIMARY, [Step::throttle()]);
    app.bedrock.script(BACKUP, [Step::throttle()]);
    let reply = app
        .as_anthropic("/v1/messages", &body)
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status(), 200);
    assert_eq!(header(&reply, DROPPED), EDIT);
    assert_eq!(app.bedrock.requests_for(LAST).len(), 1);
}

#[tokio::test]
async fn settings_of_tomorrow_are_named_by_their_place() {
    let app = TestApp::on_converse().await;
    let (plain, _) = post(&app, ask("hi"), "").await;
    let nothing = [
        ("service_tier", json!("auto")),
        ("service_tier", json!("standard_only")),
        ("service_tier", json!(null)),
        ("speed", json!("standard")),
        ("metadata", json!({"user_id": "u"})),
        (
            "context_management",
            json!({"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}),
        ),
        ("anthropic_version", json!("bedrock-2023-05-31")),
    ];
    let lost = [
        ("service_tier", json!("priority"), "service_tier"),
        ("service_tier", json!({"of": 1}), "service_tier"),
        ("speed", json!("fast"), "speed"),
        ("inference_geo", json!("us"), "inference_geo"),
        (
            "output_config",
            json!({"task_budget": {"type": "tokens", "total": 9}, "of_tomorrow": 1}),
            "output_config.task_budget, output_config.of_tomorrow",
        ),
        (
            "thinking",
            json!({"type": "disabled", "depth": {"x": 1}}),
            "thinking.depth",
        ),
        (
            "thinking",
            json!({"type": "disabled", "display": "omitted"}),
            "thinking.display",
        ),
        (
            "tool_choice",
            json!({"type": "auto", "mode": [1]}),
            "tool_choice.mode",
        ),
        (
            "metadata",
            json!({"user_id": "u", "team": "t"}),
            "metadata.team",
        ),
        ("cache_control", json!("ephemeral"), "cache_control"),
        ("context_management", json!([1]), "context_management"),
        (
            "context_management",
            json!({"edits": "all"}),
            "context_management.edits",
        ),
        (
            "context_management",
            json!({"edits": [7, {"keep": 1}], "fold": true}),
            "context_management.fold, context_management.edits.0, context_management.edits.1",
        ),
    ];
    let nothing = nothing.map(|(field, value)| (field, value, ""));
    for (field, value, names) in nothing.into_iter().chain(lost) {
        let mut body = ask("hi");
        body[field] = value;
        let (sent, dropped) = post(&app, body.clone(), "").await;
        assert_eq!(dropped, names, "{body}");
        if !matches!(field, "thinking" | "metadata") {
            assert_eq!(sent, plain, "{body}");
        }
    }
    let mut body = ask("hi");
    body["output_config"] =
        json!({"format": {"type": "json_schema", "schema": {"type": "object"}, "mode": "x"}});
    assert_eq!(post(&app, body, "").await.1, "output_config.format.mode");
    let mut body = ask("hi");
    body["context_management"] =
        json!({"edits": [{"type": "clear_tool_uses_20250919"}], "fold": 1});
    let (sent, dropped) = post(&app, body, "").await;
    assert_eq!(dropped, "context_management.fold");
    let managed = &sent["additionalModelRequestFields"]["context_management"];
    assert_eq!(
        *managed,
        json!({"edits": [{"type": "clear_tool_uses_20250919"}]})
    );
}

#[tokio::test]
async fn a_tool_with_a_name_and_a_schema_is_the_client_s_whatever_its_type() {
    let app = TestApp::on_converse().await;
    let schema = json!({"type": "object", "properties": {"x": {"type": "string"}}});
    for tool in [
        json!({"type": "function", "name": "f", "description": "D", "parameters": schema}),
        json!({"type": "function", "name": "f", "description": "D", "input_schema": schema}),
        json!({"type": "function", "function": {"name": "f", "description": "D", "parameters": schema}}),
        json!({"function": {"name": "f", "description": "D", "parameters": schema}}),
        json!({"type": "client_tool_2027", "name": "f", "description": "D", "input_schema": schema, "of": 1}),
        json!({"type": "client_tool_2028", "name": "f", "description": "D", "inputSchema": schema}),
        json!({"type": {"of": "tomorrow"}, "name": "f", "description": "D", "input_schema": schema}),
        json!({"name": "f", "description": "D", "parameters": schema}),
    ] {
        for choice in [
            json!({"type": "any"}),
            json!({"type": "tool", "name": "f"}),
            json!({"type": "auto"}),
        ] {
            let mut body = ask("hi");
            body["tools"] = json!([tool, {"type": "of_tomorrow", "name": "g"}]);
            body["tool_choice"] = choice;
            let (sent, dropped) = post(&app, body, "").await;
            assert_eq!(dropped, "of_tomorrow", "{tool}");
            let offered = sent["toolConfig"]["tools"].as_array().unwrap();
            let offered: Vec<&Value> = offered
                .iter()
                .filter_map(|tool| tool.get("toolSpec"))
                .collect();
            let [offered] = offered.as_slice() else {
                panic!("one tool: {sent}")
            };
            assert_eq!(offered["name"], "f");
            assert_eq!(offered["description"], "D");
            assert_eq!(
                offered["inputSchema"]["json"]["properties"],
                schema["properties"]
            );
        }
    }
    // What says neither means something to Claude's own format alone, and the model does without.
    let mut body = ask("hi");
    body["tools"] = json!([{"type": "of_tomorrow", "name": "g"}]);
    body["tool_choice"] = json!({"type": "any"});
    let (sent, dropped) = post(&app, body, "").await;
    assert!(sent.get("toolConfig").is_none());
    assert!(dropped.contains("of_tomorrow"), "{dropped}");
}
