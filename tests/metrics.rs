//! `GET /metrics`, as Prometheus reads it.

use std::collections::BTreeMap;

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use serde_json::json;

use crate::support::keys::{chat_as, chat_with, key, sha256};
use crate::support::{CONFIG, KEY, PRIMARY, TestApp, hello, tokens};

mod exposition;

/// The samples of a text, by name and labels as they stand there. What the format forbids is a failure.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let all = exposition::read(text).unwrap_or_else(|problem| panic!("{problem}"));
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .zip(all)
        .map(|(line, sample)| (line.rsplit_once(' ').unwrap().0.to_owned(), sample.value))
        .collect()
}

#[tokio::test]
async fn counters_times_and_budgets_are_told_apart_by_who_asked() {
    let app = TestApp::new().await;
    let reply = ScriptedReply::text("Hi.").with_usage(tokens(1_000, 100));
    app.bedrock.always(PRIMARY, Step::reply(reply));
    let team = app.post(
        "/team/new",
        &json!({"team_id": "apps", "team_alias": "Apps", "max_budget": 5}),
    );
    assert_eq!(team.send().await.unwrap().status(), 200);
    let settings = json!({"team_id": "apps", "user_id": "maria", "key_alias": "a \"b\"\\c\nd", "max_budget": 2});
    let own = key(&app, settings).await;
    for _ in 0..2 {
        chat_as(&app, &own, &hello("primary")).await;
        app.settle().await;
    }
    let response = app.get("/metrics").send().await.unwrap();
    assert_eq!(response.status(), 200);
    let kind = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    let text = response.text().await.unwrap();
    let samples = samples(&text);
    let alias = r#"a \"b\"\\c\nd"#;
    let hash = sha256(&own);
    let labels = format!(
        "{{model=\"{PRIMARY}\",hashed_api_key=\"{hash}\",api_key_alias=\"{alias}\",team=\"apps\",user=\"maria\",end_user=\"\",client=\"other\"}}"
    );
    let cost = 2.0 * (1_000.0 * 0.000_003_3 + 100.0 * 0.000_016_5);
    for (name, value) in [
        ("litellm_proxy_total_requests_metric_total", 2.0),
        ("litellm_proxy_failed_requests_metric_total", 0.0),
        ("litellm_spend_metric_total", cost),
        ("litellm_input_tokens_metric_total", 2_000.0),
        ("litellm_output_tokens_metric_total", 200.0),
        ("litellm_total_tokens_metric_total", 2_200.0),
    ] {
        let found = samples
            .get(&format!("{name}{labels}"))
            .unwrap_or_else(|| panic!("{name}{labels}: {text}"));
        assert!((found - value).abs() < 1e-9, "{name}: {found}");
    }
    let of_model = format!("model=\"{PRIMARY}\"");
    for name in [
        "litellm_request_total_latency_metric",
        "litellm_llm_api_time_to_first_token_metric",
    ] {
        let all = samples[&format!("{name}_bucket{{{of_model},le=\"+Inf\"}}")];
        assert_eq!(
            (all, samples[&format!("{name}_count{{{of_model}}}")]),
            (2.0, 2.0)
        );
        let buckets: Vec<f64> = text
            .lines()
            .filter(|line| line.starts_with(&format!("{name}_bucket")))
            .map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap())
            .collect();
        assert!(buckets.is_sorted() && buckets.len() == 21, "{buckets:?}");
    }
    let of_key = format!("{{hashed_api_key=\"{hash}\",api_key_alias=\"{alias}\"}}");
    assert_eq!(
        samples[&format!("litellm_api_key_max_budget_metric{of_key}")],
        2.0
    );
    let left = samples[&format!("litellm_remaining_api_key_budget_metric{of_key}")];
    assert!((left - (2.0 - cost)).abs() < 1e-9, "{left}");
    let of_team = "{team=\"apps\",team_alias=\"Apps\"}";
    let left = samples[&format!("litellm_remaining_team_budget_metric{of_team}")];
    assert!((left - (5.0 - cost)).abs() < 1e-9, "{left}");
}

#[tokio::test]
async fn the_master_key_or_the_token_of_its_own_opens_it_and_nothing_else() {
    let yaml = format!("{CONFIG}general_settings: {{metrics_token: scrape-me}}\n");
    let app = TestApp::builder().config(&yaml).start().await;
    let other = key(&app, json!({})).await;
    let status = async |token: Option<&str>| {
        let mut request = app.http.get(format!("{}/metrics", app.url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap().status().as_u16()
    };
    for (token, expected) in [
        (Some(KEY), 200),
        (Some("scrape-me"), 200),
        (Some("scrape-m"), 401),
        (Some(other.as_str()), 403),
        (None, 401),
    ] {
        assert_eq!(status(token).await, expected, "{token:?}");
    }
    // It opens nothing else.
    for path in ["/v1/models", "/spend/keys", "/key/list"] {
        let request = app
            .http
            .get(format!("{}{path}", app.url))
            .bearer_auth("scrape-me");
        assert_eq!(request.send().await.unwrap().status(), 401, "{path}");
    }
    let chat = chat_with(&app, "scrape-me", &hello("primary"));
    assert_eq!(chat.send().await.unwrap().status(), 401);
}
