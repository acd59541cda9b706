//! The Overview page, the first one.

use bedrock_sidecar::simulator::Step;
use reqwest::StatusCode;
use serde_json::json;

use super::Visitor;
use crate::support::keys::{chat_as, key};
use crate::support::{PRIMARY, TestApp, header, hello};

#[tokio::test]
async fn it_tells_what_is_spent_and_what_is_wrong() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor.page("/ui").await;
    assert!(page.contains("Spent today") && page.contains("No key and no team has a budget."));
    assert!(page.contains("None among the newest requests"));

    app.bedrock.always(PRIMARY, Step::throttle());
    let broke = key(&app, json!({"key_alias": "broke", "max_budget": 0})).await;
    assert_ne!(chat_as(&app, &broke, &hello("primary")).await.status(), 200);
    let mut body = hello("primary");
    body["disable_fallbacks"] = json!(true);
    app.chat(&body).await;
    app.chat(&hello("backup")).await;
    app.settle().await;
    let page = visitor.page("/ui").await;
    for text in [
        ">cooling down<",
        ">broke<",
        ">over budget<",
        "throttled",
        "over budget",
        "<strong>3</strong>",
        "33.3 %",
        "href=\"/ui/keys?sort=budget\"",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let old = visitor.get("/ui/").await;
    assert_eq!(old.status(), StatusCode::SEE_OTHER);
    assert_eq!(header(&old, "location"), "/ui");
    assert_eq!(
        Visitor::new(&app).get("/ui").await.status(),
        StatusCode::SEE_OTHER
    );
}
