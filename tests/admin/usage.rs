//! The Usage page.

use bedrock_sidecar::shell::simulated::{Reply, Step, Tokens};
use serde_json::json;

use super::Visitor;
use crate::support::{PRIMARY, TestApp, header, hello};

/// One answer whose cost is known, one failure, both with a tag that would be markup.
async fn used() -> TestApp {
    let app = TestApp::new().await;
    let usage = Tokens {
        input: 1_000_000,
        output: 1_000_000,
        cache_read: 3_000_000,
        ..Tokens::default()
    };
    let costly = Step::reply(Reply::text("Hi.").with_usage(usage));
    app.bedrock.script(PRIMARY, [costly, Step::throttle()]);
    let mut body = hello("primary");
    body["metadata"] = json!({"tags": ["<b>=1+1</b>"]});
    body["disable_fallbacks"] = json!(true);
    app.chat_json(&body).await;
    app.chat(&body).await;
    app.settle().await;
    app
}

#[tokio::test]
async fn the_page_shows_what_was_spent_on_what() {
    let app = used().await;
    let visitor = Visitor::signed_in(&app).await;
    for query in ["", "?period=today", "?period=7", "?period=month"] {
        let page = visitor.page(&format!("/ui/usage{query}")).await;
        // Above 200,000 prompt tokens: 6.6 in, 24.75 out, 0.66 for each million read.
        assert!(page.contains("<strong>$33.33</strong>"), "{query}: {page}");
        assert!(
            page.contains("<strong>2</strong>") && page.contains("1 failed"),
            "{query}"
        );
        assert!(page.contains("<strong>75.0 %</strong>"), "{query}");
        assert!(page.contains("<strong>$17.82</strong>"), "saved: {query}");
        assert!(
            page.contains(PRIMARY) && page.contains("master key"),
            "{query}"
        );
        assert!(
            page.contains("&#60;b&#62;=1+1") && !page.contains("<b>"),
            "{query}"
        );
        assert!(page.contains("<rect class=\"bar\"") && page.contains(": $33.33</title>"));
    }
}

#[tokio::test]
async fn a_period_without_requests_says_what_to_do() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor
        .page("/ui/usage?from=2020-01-01&to=2020-01-31")
        .await;
    assert!(page.contains("No requests in this period.") && page.contains("value=\"2020-01-31\""));
}

#[tokio::test]
async fn a_period_that_is_none_is_told() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    for query in [
        "from=yesterday",
        "from=2026-02-30",
        "from=2026-01-02&to=2026-01-01",
        "from=2020-01-01&to=2026-01-01",
    ] {
        let response = visitor.get(&format!("/ui/usage?{query}")).await;
        assert_eq!(response.status(), 400, "{query}");
        assert!(header(&response, "content-type").starts_with("text/html"));
    }
}

#[tokio::test]
async fn the_numbers_can_be_taken_along() {
    let app = used().await;
    let visitor = Visitor::signed_in(&app).await;
    let response = visitor.get("/ui/usage.csv?period=today").await;
    assert!(header(&response, "content-type").starts_with("text/csv"));
    assert!(
        header(&response, "content-disposition").starts_with("attachment; filename=\"usage-20")
    );
    let file = response.text().await.unwrap();
    let lines: Vec<&str> = file.trim_end().split("\r\n").collect();
    assert!(lines[0].starts_with("day,model,key_sha256,tag,requests"));
    assert!(
        lines[1].contains(&format!(",{PRIMARY},")) && lines[1].contains(",33.33,17.82,"),
        "{file}"
    );
    assert!(lines[2].contains(",,,<b>=1+1</b>,2,1,0,33.33,"), "{file}");
    assert_eq!(lines.len(), 3);
    let closed = Visitor::new(&app).get("/ui/usage.csv").await;
    assert_eq!(closed.status(), 303);
}

#[tokio::test]
async fn a_key_is_named_as_people_call_it() {
    let app = TestApp::new().await;
    let body = json!({"key_alias": "maria's <laptop>"});
    let made = app.post("/key/generate", &body).send().await.unwrap();
    let made: serde_json::Value = made.json().await.unwrap();
    let key = made["key"].as_str().unwrap();
    let url = format!("{}/v1/chat/completions", app.url);
    let reply = app.http.post(url).bearer_auth(key).json(&hello("primary"));
    assert_eq!(reply.send().await.unwrap().status(), 200);
    app.settle().await;
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor.page("/ui/usage?period=today").await;
    assert!(page.contains("maria&#39;s &#60;laptop&#62;"), "{page}");
}
