//! The spend API: records found again, and totals that agree with them.

use std::collections::BTreeMap;

use bedrock_sidecar::simulator::{ScriptedReply, Step, Tokens};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::support::keys::{chat_with, key};
use crate::support::{BACKUP, KEY, LAST, PRIMARY, TestApp, header, hello, tokens};

/// 12 requests: 8 to `primary` at 0.00495 each, of them 4 with the tag `team-a` in the session `s1`, 3 to `backup` at
/// 0.0015 each for `maria`, and one to a model that there is not.
async fn busy() -> TestApp {
    let app = TestApp::new().await;
    let reply = || Step::reply(ScriptedReply::text("Hi.").with_usage(tokens(1000, 100)));
    app.bedrock.always(PRIMARY, reply());
    app.bedrock.always(BACKUP, reply());
    for n in 0..8 {
        let mut body = hello("primary");
        if n % 2 == 0 {
            body["litellm_session_id"] = json!("s1");
            body["tags"] = json!(["team-a"]);
        }
        app.chat_json(&body).await;
    }
    for _ in 0..3 {
        let mut body = hello("backup");
        body["user"] = json!("maria");
        app.chat_json(&body).await;
    }
    app.chat(&hello("no-such-model")).await;
    app.settle().await;
    app
}

fn today() -> String {
    TimeZone::UTC
        .to_datetime(Timestamp::now())
        .date()
        .to_string()
}

#[tokio::test]
async fn records_are_listed_newest_first_and_every_filter_holds() {
    let app = busy().await;
    let all = app.get_json("/spend/logs/v2").await;
    assert_eq!(all["data"].as_array().unwrap().len(), 12);
    assert_eq!(
        (&all["total"], &all["total_pages"]),
        (&json!(12), &json!(1))
    );
    assert!(all["next_cursor"].is_null());
    let times: Vec<&str> = (all["data"].as_array().unwrap().iter())
        .map(|row| row["startTime"].as_str().unwrap())
        .collect();
    assert!(times.is_sorted_by(|a, b| a >= b));

    let hash = all["data"][0]["api_key"].as_str().unwrap().to_owned();
    let key = crate::support::KEY;
    let table = [
        ("status_filter=failure".to_owned(), 1),
        ("status_filter=success".to_owned(), 11),
        ("model=primary".to_owned(), 8),
        (format!("model={BACKUP}"), 3),
        ("end_user=maria".to_owned(), 3),
        ("request_tag=team-a".to_owned(), 4),
        ("session_id=s1".to_owned(), 4),
        ("session_id=s2".to_owned(), 0),
        (format!("api_key={hash}"), 12),
        (format!("api_key={key}&model=backup"), 3),
        ("api_key=sk-other".to_owned(), 0),
        ("min_spend=0.0015&max_spend=0.002".to_owned(), 3),
        ("min_spend=0.00496".to_owned(), 0),
        ("key_alias=litellm_proxy_master_key".to_owned(), 12),
        ("start_date=2020-01-01&end_date=2020-01-31".to_owned(), 0),
        (format!("start_date={0}&end_date={0}&user_id=", today()), 12),
    ];
    for (query, expected) in table {
        let path = format!("/spend/logs/v2?{query}");
        let found = app.get_json(&path).await;
        assert_eq!(found["data"].as_array().unwrap().len(), expected, "{path}");
        assert_eq!(found["total"], expected, "{path}");
        let rows = app
            .get_json(&format!("/spend/logs?summarize=false&{query}"))
            .await;
        assert_eq!(rows, found["data"], "{path}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_by_cursor_and_by_number() {
    let app = busy().await;
    let all = app.get_json("/spend/logs/ui").await["data"].clone();
    let mut by_cursor = Vec::new();
    let mut cursor = String::new();
    for page in 1.. {
        let path = format!("/spend/logs/ui?page_size=5&cursor={cursor}");
        let found = app.get_json(&path).await;
        by_cursor.extend(found["data"].as_array().unwrap().clone());
        let path = format!("/spend/logs/ui?page_size=5&page={page}");
        let by_number = app.get_json(&path).await;
        assert_eq!(by_number["data"], found["data"], "page {page}");
        assert_eq!(
            (&by_number["total"], &by_number["total_pages"]),
            (&json!(12), &json!(3))
        );
        match found["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(Value::from(by_cursor), all);

    let response = app.get("/spend/logs?page_size=5").send().await.unwrap();
    let next = header(&response, "x-next-cursor").to_owned();
    let first: Value = response.json().await.unwrap();
    let second = app
        .get_json(&format!("/spend/logs?page_size=5&cursor={next}"))
        .await;
    assert_eq!(first[4], all[4]);
    assert_eq!(second[0], all[5]);
    let beyond = app.get_json("/spend/logs/ui?page=4&page_size=5").await;
    assert_eq!(beyond["data"], json!([]));

    let session = app.get_json("/spend/logs/session/ui?session_id=s1").await;
    assert_eq!(session["total"], 4);
}

#[tokio::test]
async fn what_is_wrong_in_a_question_is_named() {
    let app = TestApp::new().await;
    let table = [
        ("/spend/logs?request_id=garbage", "request_id"),
        ("/spend/logs?start_date=yesterday", "start_date"),
        ("/spend/logs/v2?end_date=2026-13-01", "end_date"),
        (
            "/spend/logs/v2?start_date=2026-02-01&end_date=2026-01-01",
            "end_date",
        ),
        ("/spend/logs/v2?start_date=2020-01-01", "start_date"),
        ("/spend/logs/v2?cursor=garbage", "cursor"),
        ("/spend/logs/v2?status_filter=odd", "status_filter"),
        ("/spend/logs/v2?min_spend=cheap", "min_spend"),
        ("/spend/logs/v2?page_size=1001", "page_size"),
        ("/spend/logs/v2?page=0", "page"),
        ("/spend/logs/v2?page=1000&page_size=1000", "page"),
        ("/spend/logs/v2?sort_by=spend", "sort_by"),
        ("/spend/logs/v2?team_id=t", "team_id"),
        ("/spend/logs/session/ui", "session_id"),
        ("/spend/logs/ui/garbage", "request_id"),
        ("/global/spend/report", "start_date"),
        (
            "/global/spend/report?start_date=2026-01-01&end_date=2026-01-02&group_by=tag",
            "group_by",
        ),
        ("/team/daily/activity?team=t", "team"),
        ("/user/daily/activity?start_date=2020-01-01", "start_date"),
        ("/spend/keys?limit=x", "limit"),
    ];
    for (path, param) in table {
        let response = app.get(path).send().await.unwrap();
        assert_eq!(response.status(), 400, "{path}");
        let error: Value = response.json().await.unwrap();
        assert_eq!(error["error"]["param"], param, "{path}: {error}");
    }
    let id = bedrock_sidecar::spend::RequestId::new(Timestamp::now());
    let response = app
        .get(&format!("/spend/logs/ui/{id}"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 404);
}

#[tokio::test]
async fn nobody_without_a_key_sees_what_was_spent() {
    let app = TestApp::new().await;
    for path in [
        "/spend/logs",
        "/spend/logs/v2",
        "/spend/logs/ui",
        "/spend/logs/ui/x",
        "/spend/logs/session/ui",
        "/spend/keys",
        "/spend/tags",
        "/global/spend",
        "/global/spend/report",
        "/user/daily/activity",
        "/team/daily/activity",
        "/customer/daily/activity",
    ] {
        let response = app.http.get(format!("{}{path}", app.url)).send().await;
        assert_eq!(response.unwrap().status(), 401, "{path}");
    }
}

#[tokio::test]
async fn the_totals_are_those_of_the_records_to_the_last_digit() {
    let app = busy().await;
    let text = async |path: &str| {
        let response = app.get(path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.text().await.unwrap()
    };
    // 8 × 0.00495 + 3 × 0.0015
    let spend = r#""spend":0.0441"#;
    let whole = text("/global/spend").await;
    assert!(whole.contains(spend), "{whole}");

    let dates = format!("start_date={0}&end_date={0}", today());
    let days = text(&format!("/spend/logs?{dates}")).await;
    assert!(days.contains(spend), "{days}");
    let days: Value = serde_json::from_str(&days).unwrap();
    assert_eq!(days[0]["startTime"], today());
    assert_eq!(days[0]["models"][PRIMARY].to_string(), "0.0396");

    let activity = app.get_json(&format!("/user/daily/activity?{dates}")).await;
    let metrics = &activity["results"][0]["metrics"];
    assert_eq!(metrics["spend"].to_string(), "0.0441");
    assert_eq!(metrics["api_requests"], 12);
    assert_eq!(metrics["failed_requests"], 1);
    assert_eq!(metrics["total_tokens"], 11 * 1100);
    let backup = &activity["results"][0]["breakdown"]["models"][BACKUP];
    assert_eq!(backup["metrics"]["api_requests"], 3);
    assert_eq!(activity["metadata"]["total_spend"].to_string(), "0.0441");
    let one = app
        .get_json(&format!("/user/daily/activity?{dates}&model={BACKUP}"))
        .await;
    assert_eq!(one["metadata"]["total_api_requests"], 3);

    let keys = app.get_json("/spend/keys").await;
    assert_eq!(keys[0]["spend"].to_string(), "0.0441");
    let tags = app.get_json("/spend/tags").await;
    assert_eq!(
        tags,
        json!([{"individual_request_tag": "team-a", "log_count": 4, "total_spend": 0.0198}])
    );
    let report = app
        .get_json(&format!("/global/spend/report?{dates}&group_by=api_key"))
        .await;
    assert_eq!(report[0]["total_cost"].to_string(), "0.0441");
    assert_eq!(report[0]["model_details"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_report_calls_a_key_as_its_records_do() {
    let app = TestApp::new().await;
    let maria = key(&app, json!({"key_alias": "maria"})).await;
    let nameless = key(&app, json!({})).await;
    let gone = key(&app, json!({"key_alias": "gone"})).await;
    for key in [KEY, &maria, &nameless, &gone] {
        let response = chat_with(&app, key, &hello("primary")).send().await;
        assert_eq!(response.unwrap().status(), 200);
    }
    let gone = json!({"keys": [gone]});
    app.post("/key/delete", &gone).send().await.unwrap();
    app.settle().await;

    let records = app.get_json("/spend/logs/v2").await;
    let called: BTreeMap<&str, &str> = (records["data"].as_array().unwrap().iter())
        .map(|row| {
            let alias = row["metadata"]["user_api_key_alias"].as_str().unwrap();
            (row["api_key"].as_str().unwrap(), alias)
        })
        .collect();
    let mut aliases: Vec<&str> = called.values().copied().collect();
    aliases.sort_unstable();
    let short = format!("sk-...{}", &nameless[nameless.len() - 4..]);
    assert_eq!(
        aliases,
        ["gone", "litellm_proxy_master_key", "maria", &short]
    );

    let in_list = |list: &Value, key: &str| -> BTreeMap<String, Value> {
        let rows = list.as_array().unwrap().iter();
        rows.map(|row| {
            let hash = row[key].as_str().unwrap().to_owned();
            (hash, row["key_alias"].clone())
        })
        .collect()
    };
    let expected: BTreeMap<String, Value> = (called.iter())
        .map(|(hash, alias)| ((*hash).to_owned(), json!(alias)))
        .collect();
    let keys = app.get_json("/spend/keys").await;
    assert_eq!(in_list(&keys, "token"), expected);
    let dates = format!("start_date={0}&end_date={0}", today());
    let report = app
        .get_json(&format!("/global/spend/report?{dates}&group_by=api_key"))
        .await;
    assert_eq!(in_list(&report, "api_key"), expected);
    let activity = app.get_json(&format!("/user/daily/activity?{dates}")).await;
    let breakdown = &activity["results"][0]["breakdown"];
    for (hash, alias) in called {
        for of in [
            &breakdown["api_keys"],
            &breakdown["models"][PRIMARY]["api_key_breakdown"],
        ] {
            assert_eq!(of[hash]["metadata"]["key_alias"], alias, "{breakdown}");
        }
    }
    let one = app.get_json("/spend/keys?limit=1").await;
    assert_eq!(one.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_cost_is_calculated_as_it_would_be_billed() {
    let app = TestApp::new().await;
    let calculate = async |body: Value| {
        let response = app.post("/spend/calculate", &body).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let usage = json!({
        "prompt_tokens": 1211, "completion_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 1000, "cache_write_tokens": 200},
    });
    for model in [
        "primary",
        "favourite",
        PRIMARY,
        "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    ] {
        let body = json!({"completion_response": {"model": model, "usage": usage}});
        assert_eq!(
            calculate(body).await,
            (200, r#"{"cost":0.0013068}"#.to_owned()),
            "{model}"
        );
    }
    // A model of the catalog that the configuration does not have; 0.8 and 4 a million.
    let haiku = "anthropic.claude-3-5-haiku-20241022-v1:0";
    let usage = json!({"prompt_tokens": 1000, "completion_tokens": 1000});
    let body = json!({"model": haiku, "completion_response": {"usage": usage}});
    assert_eq!(
        calculate(body).await,
        (200, r#"{"cost":0.0048}"#.to_owned())
    );
    // 400 bytes are 100 tokens.
    let messages = json!([{"role": "user", "content": "x".repeat(400)}]);
    let body = json!({"model": "primary", "messages": messages});
    assert_eq!(
        calculate(body).await,
        (200, r#"{"cost":0.00033}"#.to_owned())
    );

    for (body, param) in [
        (json!({"model": "primary"}), "completion_response"),
        (json!({"completion_response": {"usage": usage}}), "model"),
        (
            json!({"completion_response": {"model": "primary"}}),
            "completion_response.usage",
        ),
        (
            json!({"model": "nobody.knows", "messages": messages}),
            "model",
        ),
        (
            json!({"model": "primary", "completion_response": {"usage": {"prompt_tokens": "x"}}}),
            "completion_response.usage.prompt_tokens",
        ),
    ] {
        let (status, text) = calculate(body.clone()).await;
        let error: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (status, &error["error"]["param"]),
            (400, &json!(param)),
            "{body}: {text}"
        );
    }

    let app = TestApp::builder().config("model_list:\n  - {model_name: m, litellm_params: {model: bedrock/nobody.knows-v1:0}}\n").start()
    .await;
    let body = json!({"completion_response": {"model": "m", "usage": usage}});
    let response = app.post("/spend/calculate", &body).send().await.unwrap();
    let text = response.text().await.unwrap();
    assert_eq!(text, r#"{"cost":null,"price_unknown":true}"#);
}

#[tokio::test]
async fn the_usage_of_each_wire_is_priced_alike_alone_and_in_whole_replies() {
    let app = TestApp::new().await;
    let calculate = async |body: &Value| {
        let response = app.post("/spend/calculate", body).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    // 11 of input, 1000 read, 150 written for five minutes and 50 for an hour, 7 of output.
    let chat = json!({
        "prompt_tokens": 1211, "completion_tokens": 7, "total_tokens": 1218,
        "prompt_tokens_details": {"cached_tokens": 1000, "cache_write_tokens": 200,
            "cache_creation_token_details": {"ephemeral_5m_input_tokens": 150, "ephemeral_1h_input_tokens": 50}},
    });
    let messages = json!({
        "input_tokens": 11, "output_tokens": 7, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 200,
        "cache_creation": {"ephemeral_5m_input_tokens": 150, "ephemeral_1h_input_tokens": 50},
        "service_tier": "standard", "server_tool_use": null,
    });
    let split_alone = json!({
        "input_tokens": 11, "output_tokens": 7, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": null,
        "cache_creation": {"ephemeral_5m_input_tokens": 150, "ephemeral_1h_input_tokens": 50},
    });
    // Beside the numbers of its own wire, a reply has zeros under the names of another.
    let with_zeros = json!({
        "prompt_tokens": 1211, "completion_tokens": 7, "input_tokens": 0, "output_tokens": 0,
        "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "prompt_tokens_details": {"cached_tokens": 1000, "cache_write_tokens": 200,
            "cache_creation_token_details": {"ephemeral_5m_input_tokens": 150, "ephemeral_1h_input_tokens": 50}},
    });
    let with_zeros_of_chat = json!({
        "prompt_tokens": 0, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 0},
        "input_tokens": 11, "output_tokens": 7, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 200,
        "cache_creation": {"ephemeral_5m_input_tokens": 150, "ephemeral_1h_input_tokens": 50},
    });
    let responses = json!({
        "input_tokens": 1211, "output_tokens": 7,
        "input_tokens_details": {"cached_tokens": 1000, "cache_write_tokens": 200,
            "cache_creation_token_details": {"ephemeral_5m_input_tokens": 150, "ephemeral_1h_input_tokens": 50}},
    });
    let usages = [
        chat,
        messages,
        split_alone,
        with_zeros,
        with_zeros_of_chat,
        responses,
    ];
    for usage in usages {
        for body in [
            json!({"completion_response": {"model": "primary", "usage": usage}}),
            json!({"model": "primary", "usage": usage}),
        ] {
            assert_eq!(
                calculate(&body).await,
                (200, r#"{"cost":0.00143055}"#.to_owned()),
                "{body}"
            );
        }
    }
    // OpenAI's own replies have no split by time.
    let responses = json!({
        "input_tokens": 1211, "output_tokens": 7, "total_tokens": 1218, "output_tokens_details": {"reasoning_tokens": 0},
        "input_tokens_details": {"cached_tokens": 1000, "cache_write_tokens": 200},
    });
    let reply = json!({"object": "response", "model": "primary", "service_tier": "auto", "usage": responses});
    for body in [json!({"completion_response": reply}), reply] {
        assert_eq!(
            calculate(&body).await,
            (200, r#"{"cost":0.0013068}"#.to_owned()),
            "{body}"
        );
    }

    // What the gateway answers it can price: as it comes, whole.
    let tokens = Tokens {
        input: 11,
        output: 7,
        cache_read: 1000,
        cache_write_5m: 150,
        cache_write_1h: 50,
    };
    let answer = Step::reply(ScriptedReply::text("Hi.").with_usage(tokens));
    app.bedrock.always(PRIMARY, answer);
    let mut message = hello("primary");
    message["max_tokens"] = json!(9);
    for (path, body) in [
        ("/v1/chat/completions", hello("primary")),
        ("/v1/messages", message),
        (
            "/v1/responses",
            json!({"model": "primary", "input": "hello"}),
        ),
    ] {
        let reply = app.post(path, &body).send().await.unwrap();
        let reply: Value = reply.json().await.unwrap();
        for body in [json!({"completion_response": reply}), reply] {
            let said = calculate(&body).await;
            assert_eq!(said, (200, r#"{"cost":0.00143055}"#.to_owned()), "{path}");
        }
    }
    // The mark behind a name asks for a longer window, not for another model.
    let tokens = json!({"prompt_tokens": 1000, "completion_tokens": 100});
    for model in [
        "primary[1m]",
        "favourite[1M][1m]",
        "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0[1m]",
    ] {
        let said = calculate(&json!({"model": model, "usage": tokens})).await;
        assert_eq!(said, (200, r#"{"cost":0.00495}"#.to_owned()), "{model}");
    }
    for wrong in ["x", "-1"] {
        let usage = json!({"input_tokens": wrong});
        let (status, text) = calculate(&json!({"model": "primary", "usage": usage})).await;
        assert_eq!(status, 400);
        assert!(text.contains("usage.input_tokens"), "{text}");
    }
}

#[tokio::test]
async fn a_prompt_is_priced_whole_by_whichever_wire_it_is_meant() {
    let app = TestApp::new().await;
    let long = "x".repeat(4_000);
    let read = json!({"type": "tool_use", "id": "t", "name": "read", "input": {}});
    let result = json!({"type": "tool_result", "tool_use_id": "t", "content": long});
    for body in [
        json!({"messages": [{"role": "user", "content": long}]}),
        json!({"system": long, "messages": [{"role": "user", "content": "hello"}]}),
        json!({"messages": [
            {"role": "user", "content": "hello"}, {"role": "assistant", "content": [read]},
            {"role": "user", "content": [result]},
        ]}),
        json!({"messages": [{"role": "user", "content": "hello"}],
            "tools": [{"name": "read", "description": long, "input_schema": {"type": "object"}}]}),
        json!({"input": long}),
        json!({"input": "hello", "instructions": long}),
    ] {
        let mut asked = body.clone();
        asked["model"] = json!("primary");
        let response = app.post("/spend/calculate", &asked).send().await.unwrap();
        let said: Value = response.json().await.unwrap();
        // 4,000 bytes are 1,000 tokens, at 3.30 a million.
        let cost = said["cost"].as_f64().unwrap();
        assert!((0.0033..0.0036).contains(&cost), "{cost}: {body}");
    }
}

#[tokio::test]
async fn a_price_of_the_configuration_goes_before_the_catalog_s() {
    let app = TestApp::builder()
        .config(
            r#"
model_list:
  - model_name: dear
    litellm_params:
      model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0
      input_cost_per_token: 0.000010
      output_cost_per_token: 2e-5
  - model_name: cached
    litellm_params:
      model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0
      cache_read_input_token_cost: 0.000001
  - model_name: profile
    litellm_params:
      model: bedrock/arn:aws:bedrock:us-east-1:1:application-inference-profile/x
    model_info: {base_model: anthropic.claude-sonnet-4-5-20250929-v1:0}
"#,
        )
        .start()
        .await;
    let usage = json!({
        "prompt_tokens": 1100, "completion_tokens": 100, "cache_read_input_tokens": 1000,
    });
    for (model, cost) in [
        // Whoever sets input and output sets the price: what is read from the cache is input.
        ("dear", "0.013"),
        ("cached", "0.00298"),
        ("profile", "0.00231"),
    ] {
        let body = json!({"completion_response": {"model": model, "usage": usage}});
        let response = app.post("/spend/calculate", &body).send().await.unwrap();
        let text = response.text().await.unwrap();
        assert_eq!(text, format!(r#"{{"cost":{cost}}}"#), "{model}");
    }
}

#[tokio::test]
async fn a_service_tier_is_billed_at_its_own_price() {
    let app = TestApp::new().await;
    let answer = Step::reply(ScriptedReply::text("Hi.").with_usage(tokens(1000, 100)));
    app.bedrock.always(LAST, answer);
    for (tier, cost) in [
        ("default", "0.00112"),
        ("flex", "0.00056"),
        ("priority", "0.00196"),
    ] {
        let mut body = hello("last");
        body["service_tier"] = json!(tier);
        let reply = app.chat_json(&body).await;
        let record = app.record(reply["id"].as_str().unwrap()).await;
        assert_eq!(record["spend"].to_string(), cost, "{tier}");
    }
}
