//! The table that version 0.1 left behind is read by today's gateway, and what 0.1 promised its clients holds.

mod books;
mod fixture;
mod keys;

use std::time::Duration;

use bedrock_sidecar::simulator::Step;
use reqwest::StatusCode;

use crate::admin::Visitor;
use crate::support::{PRIMARY, hello, trail_of};
use fixture::{Upgraded, answers};

/// Longer than a request of 0.1 could last.
const LATER: Duration = Duration::from_secs(17 * 60);

#[tokio::test]
async fn thinking_of_0_1_goes_back_to_the_model_that_thought_it() {
    let old = Upgraded::new().await;
    let body = &old.world["tool_loop"];
    let answer = old.post_as("ever", "/v1/chat/completions", body).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let sealed = &old.world["sealed_loop"];
    let answer = old.app.post("/v1/responses", sealed).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let bodies = old.app.bedrock.requests_for(PRIMARY);
    assert_eq!(bodies.len(), 2);
    for seen in &bodies {
        let block = &seen.body["messages"][1]["content"][0]["reasoningContent"]["reasoningText"];
        assert_eq!(block["text"], "I should look first.", "{}", seen.body);
        assert!(block["signature"].is_string());
        assert!(!seen.body["additionalModelRequestFields"]["thinking"].is_null());
    }
    let redacted = &bodies[0].body["messages"][1]["content"][1]["reasoningContent"];
    assert_eq!(redacted["redactedContent"], "AP8KcmVkYWN0ZWQ=");
}

#[tokio::test]
async fn saved_chains_and_cooldowns_of_0_1_are_in_force() {
    let old = Upgraded::new().await;
    let rests = old.app.chat(&hello("resting")).await;
    assert_eq!(trail_of(&rests), "resting:cooling_down, backup:ok");
    old.app.bedrock.always(PRIMARY, Step::unavailable());
    let trail = trail_of(&old.app.chat(&hello("favourite")).await);
    assert!(
        trail.ends_with(", last:ok") && !trail.contains("backup"),
        "{trail}"
    );
}

#[tokio::test]
async fn every_page_shows_what_0_1_wrote() {
    let old = Upgraded::new().await;
    let mut visitor = Visitor::new(&old.app);
    visitor.cookie = old.world["session_cookie"].as_str().map(str::to_owned);
    let status = visitor.get("/ui/keys").await.status();
    assert!(
        [StatusCode::OK, StatusCode::SEE_OTHER].contains(&status),
        "{status}"
    );

    let visitor = Visitor::signed_in(&old.app).await;
    let period = "from=2026-11-18&to=2026-11-20";
    for (path, shown) in [
        ("/ui/models".to_owned(), "resting"),
        ("/ui/settings".to_owned(), "In force: version 1"),
        (format!("/ui/usage?{period}"), "Bücher"),
        (format!("/ui/usage.csv?{period}"), "2026-11-18"),
        (format!("/ui/logs?{period}"), "priced"),
        ("/ui/logs/session?session=session-1".to_owned(), "session-1"),
        ("/ui/keys".to_owned(), "renewed"),
    ] {
        let page = visitor.page(&path).await;
        assert!(page.contains(shown), "{path} without {shown}: {page}");
    }
    for id in old.world["requests"].as_object().unwrap() {
        let (name, id) = (id.0, id.1.as_str().unwrap());
        let unwritten = name.starts_with("unrecorded");
        let status = visitor.get(&format!("/ui/logs/{id}")).await.status();
        let wanted = if unwritten {
            StatusCode::NOT_FOUND
        } else {
            StatusCode::OK
        };
        assert_eq!(status, wanted, "{name}");
    }
    let whole = visitor
        .page(&format!("/ui/logs/{}", old.request("whole")))
        .await;
    assert!(whole.contains("A whole answer.") && whole.contains("ticket"));
    for row in answers()["/key/list?return_full_object=true&size=100"]["keys"]
        .as_array()
        .unwrap()
    {
        let page = visitor
            .page(&format!("/ui/keys/{}", row["token"].as_str().unwrap()))
            .await;
        assert!(page.contains(row["key_name"].as_str().unwrap()));
    }
}
