//! Members of the body, and headers.

use super::*;

#[tokio::test]
async fn the_body_s_members_are_looked_at() {
    let version = |version: &str| plain(json!({ "anthropic_version": version }));
    let mut bare = ask("hi");
    bare.as_object_mut().unwrap().remove("anthropic_version");
    let mut boundless = ask("hi");
    boundless.as_object_mut().unwrap().remove("max_tokens");
    let mut rows = vec![
        (
            bare,
            vec![
                (SONNET_4_5, "#: required key [anthropic_version] not found"),
                (OPUS_4_8, "anthropic_version: Field required"),
            ],
        ),
        (
            version("2023-06-01"),
            vec![
                (SONNET_4_5, "#/anthropic_version: 2023-06-01"),
                (OPUS_4_8, "anthropic_version: Input should be"),
            ],
        ),
        (
            version("2026-10-21"),
            vec![
                (SONNET_4_6, "#/anthropic_version: 2026-10-21"),
                (OPUS_4_8, FINE),
            ],
        ),
        (
            with(version("2026-10-21"), json!({"temperature": 1})),
            vec![(OPUS_4_8, "`temperature` is deprecated")],
        ),
        (
            with(
                version("2026-10-21"),
                json!({"messages": [user(json!([{"type": "text", "text": "a", "citations": [{"type": "char_location"}]}]))]}),
            ),
            vec![(OPUS_4_8, "messages.0.content.0.text.citations: Extra")],
        ),
        (
            boundless,
            vec![
                (SONNET_4_5, "max_tokens: Field required"),
                (OPUS_4_8, "max_tokens: Field required"),
            ],
        ),
        (
            plain(json!({"max_tokens": 0})),
            vec![(
                SONNET_4_5,
                "max_tokens: Input should be greater than or equal to 1",
            )],
        ),
        (
            plain(json!({"messages": []})),
            vec![(SONNET_4_5, "messages: at least one message is required")],
        ),
        (
            plain(json!({"stream": true})),
            vec![
                (SONNET_4_5, "extraneous key [stream]"),
                (OPUS_4_8, "stream: Extra"),
            ],
        ),
        (
            plain(json!({"metadata": {"user_id": "{\"device_id\":\"0\"}"}})),
            vec![
                (SONNET_4_5, FINE),
                (
                    OPUS_4_8,
                    "Request metadata contains a value that violates the regular expression",
                ),
            ],
        ),
        (
            plain(json!({"metadata": {"user_id": "u-1"}})),
            vec![(OPUS_4_8, FINE)],
        ),
        (
            plain(json!({"metadata": {"team": "a"}})),
            vec![(SONNET_4_5, "metadata.team: Extra")],
        ),
        (
            plain(json!({"temperature": 0.5})),
            vec![
                (SONNET_4_5, FINE),
                (OPUS_4_8, "`temperature` is deprecated"),
            ],
        ),
        (
            plain(json!({"temperature": 1, "top_p": 1})),
            vec![
                (OPUS_4_8, FINE),
                (
                    SONNET_4_5,
                    "`temperature` and `top_p` cannot both be specified",
                ),
            ],
        ),
        (
            plain(json!({"temperature": 0.5, "top_p": 0.5})),
            vec![(SONNET_4, FINE)],
        ),
        (
            plain(json!({"top_k": 5})),
            vec![(SONNET_4_5, FINE), (OPUS_4_8, "`top_k` is deprecated")],
        ),
        (
            plain(
                json!({"temperature": 0.5, "thinking": {"type": "enabled", "budget_tokens": 1024}}),
            ),
            vec![(
                SONNET_4_5,
                "`temperature` may only be set to 1 when thinking is enabled.",
            )],
        ),
        (
            plain(json!({"thinking": {"type": "enabled", "budget_tokens": 1000}})),
            vec![(
                SONNET_4_5,
                "budget_tokens: Input should be greater than or equal to 1024",
            )],
        ),
        (
            plain(json!({"thinking": {"type": "enabled", "budget_tokens": 2000}})),
            vec![(
                SONNET_4_5,
                "`max_tokens` must be greater than `thinking.budget_tokens`.",
            )],
        ),
        (
            plain(
                json!({"thinking": {"type": "enabled", "budget_tokens": 1024, "display": "omitted"}}),
            ),
            vec![
                (SONNET_4_5, "thinking.enabled.display: Extra"),
                (SONNET_4_6, FINE),
            ],
        ),
        (
            plain(json!({"output_config": {"effort": "low"}})),
            vec![
                (SONNET_4_5, "does not support the effort parameter"),
                (OPUS_4_5, FINE),
                (OPUS_4_8, FINE),
            ],
        ),
        (
            plain(json!({"output_config": {"effort": "max"}})),
            vec![
                (OPUS_4_5, "output_config.effort: Input should be"),
                (SONNET_4_6, FINE),
                (OPUS_4_8, FINE),
            ],
        ),
        (
            plain(json!({"output_config": {"effort": "xhigh"}})),
            vec![
                (SONNET_4_6, "output_config.effort: Input should be"),
                (OPUS_4_8, FINE),
            ],
        ),
        (
            plain(json!({"stop_sequences": ["\n"]})),
            vec![(SONNET_4_5, "each stop sequence must contain non-whitespace")],
        ),
    ];
    for name in [
        "mcp_servers",
        "container",
        "inference_geo",
        "fallbacks",
        "speed",
        "output_format",
        "service_tier",
        "user_profile_id",
    ] {
        let words: &str = format!("{name}: Extra inputs").leak();
        let body = plain(json!({name: "x"}));
        rows.push((body, vec![(SONNET_4_5, words), (OPUS_4_8, words)]));
    }
    check(rows).await;
}

#[tokio::test]
async fn context_is_managed_by_the_betas_that_bring_it() {
    let edit = |beta: &str, edit: Value| {
        betas(
            json!([beta]),
            json!({"context_management": {"edits": [edit]}}),
        )
    };
    let thinks = json!({"thinking": {"type": "enabled", "budget_tokens": 1024}});
    let editing = "context-management-2025-06-27";
    let compact = "compact-2026-01-12";
    let clear = json!({"type": "clear_thinking_20251015", "keep": "all"});
    let sum = json!({"compaction": {"type": "summarize"}});
    check(vec![
        (edit(editing, clear.clone()), vec![(SONNET_4_5, "strategy requires `thinking` to be enabled"), (SONNET_5_5, FINE)]),
        (with(edit(editing, clear), thinks), vec![(SONNET_4_5, FINE)]),
        (edit(editing, json!({"type": "compact_20260112"})), vec![(SONNET_4_6, "context_management.edits.0: Input tag 'compact_20260112'")]),
        (edit(compact, json!({"type": "compact_20260112"})), vec![(SONNET_4_5, "Input tag 'compact_20260112'"), (SONNET_4_6, FINE), (OPUS_4_8, FINE)]),
        (edit(compact, json!({"type": "compact_20260112", "trigger": {"type": "input_tokens", "value": 1000}})), vec![(OPUS_4_8, "trigger.value: Input should be greater than or equal to 50000")]),
        (plain(sum.clone()), vec![(SONNET_4_6, "compaction: Extra"), (OPUS_4_8, "compaction: Extra")]),
        (betas(json!(["compact-2026-09-04"]), sum.clone()), vec![(SONNET_4_6, "compaction: Extra"), (OPUS_4_8, FINE)]),
        (with(betas(json!(["compact-2026-09-04", editing]), sum), json!({"context_management": {"edits": []}})), vec![(OPUS_4_8, "cannot be used together with `context_management`")]),
    ])
    .await;
}

#[tokio::test]
async fn headers_are_looked_at() {
    let simulated = start().await;
    let send = async |model: &str, body: Value, headers: &[(&str, String)]| {
        let url = format!("{}/model/{model}/invoke", simulated.url());
        let mut request = reqwest::Client::new().post(url).json(&body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let response = request.bearer_auth("key").send().await.unwrap();
        let status = response.status().as_u16();
        let answer: Value = response.json().await.unwrap();
        (
            status,
            answer["message"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let metadata = "X-Amzn-Bedrock-Request-Metadata";
    let many: serde_json::Map<String, Value> =
        (0..17).map(|n| (format!("k{n}"), json!("v"))).collect();
    let guard = |names: &[&str]| {
        let header = |name: &&str| match *name {
            "id" => ("X-Amzn-Bedrock-GuardrailIdentifier", "g".to_owned()),
            _ => ("X-Amzn-Bedrock-GuardrailVersion", "1".to_owned()),
        };
        names.iter().map(header).collect::<Vec<_>>()
    };
    let tagged = json!({"amazon-bedrock-guardrailConfig": {"tagSuffix": "x"}});
    for model in [SONNET_4_5, OPUS_4_8] {
        let cases = [
            (
                ask("hi"),
                vec![(metadata, r#"{"team":"a b"}"#.to_owned())],
                FINE,
            ),
            (
                ask("hi"),
                vec![(metadata, r#"{"team":"{x}"}"#.to_owned())],
                "violates the regular expression",
            ),
            (
                ask("hi"),
                vec![(metadata, json!(many).to_string())],
                "at most 16 entries",
            ),
            (
                ask("hi"),
                vec![(metadata, "team".to_owned())],
                "not a JSON object",
            ),
            (
                ask("hi"),
                vec![("X-Amzn-Bedrock-Service-Tier", "gold".to_owned())],
                "enum value set",
            ),
            (ask("hi"), guard(&["id"]), "must be given together"),
            (
                ask("hi"),
                guard(&["id", "version"]),
                "Guardrail was enabled but input is in incorrect format.",
            ),
            (
                with(ask("hi"), tagged.clone()),
                guard(&["id", "version"]),
                FINE,
            ),
        ];
        for (body, headers, words) in cases {
            let (status, said) = send(model, body, &headers).await;
            assert_eq!(
                status,
                if words == FINE { 200 } else { 400 },
                "{headers:?}: {said}"
            );
            assert!(said.contains(words), "{said}");
        }
    }
}
