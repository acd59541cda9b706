//! The Settings page.

use std::time::Duration;

use bedrock_sidecar::simulator::Step;
use reqwest::{Response, StatusCode};

use super::{Visitor, token};
use crate::support::{PRIMARY, TestApp, header, hello};

/// The page's form as a browser would send it when this button is pressed.
fn form(page: &str, button: &str) -> Vec<(String, String)> {
    let attribute = |tag: &str, name: &str| {
        let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
        let value = tag[start..].split('"').next().unwrap();
        Some(
            value
                .replace("&#60;", "<")
                .replace("&#62;", ">")
                .replace("&#38;", "&"),
        )
    };
    let form = page
        .split("class=\"page\"")
        .nth(1)
        .unwrap()
        .split("</form>")
        .next()
        .unwrap();
    let hidden = form.split("<input ").skip(1);
    let mut fields: Vec<(String, String)> = hidden
        .map(|tag| {
            let tag = format!(" {}", tag.split('>').next().unwrap());
            (
                attribute(&tag, "name").unwrap(),
                attribute(&tag, "value").unwrap(),
            )
        })
        .collect();
    fields.push(("do".to_owned(), button.to_owned()));
    fields
}

async fn press(visitor: &Visitor, page: &str, button: &str, chosen: &[(&str, &str)]) -> Response {
    let form = form(page, button);
    let mut fields: Vec<(&str, &str)> =
        form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    fields.extend(chosen);
    visitor.post("/ui/settings", &fields).await
}

#[tokio::test]
async fn a_chain_that_was_changed_in_the_page_holds_everywhere_within_ten_seconds() {
    let app = TestApp::new().await;
    let other = app.another_instance().await;
    app.bedrock.always(PRIMARY, Step::unavailable());
    assert!(other.trail("primary").await.ends_with("backup:ok"));
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor.page("/ui/settings").await;
    assert!(page.contains("the chains of the file"));

    let page = press(&visitor, &page, "up 1 fallbacks:primary", &[])
        .await
        .text()
        .await
        .unwrap();
    assert!(page.contains("not saved yet"));
    assert!(
        app.trail("primary").await.ends_with("backup:ok"),
        "nothing is saved yet"
    );
    let response = press(&visitor, &page, "save", &[]).await;
    assert_eq!(header(&response, "location"), "/ui/settings?saved");
    let page = visitor.page("/ui/settings?saved").await;
    assert!(page.contains("In force: version 1") && page.contains("Saved."));
    assert!(
        page.contains("- primary:\n    - last\n    - backup\n"),
        "{page}"
    );

    assert!(app.trail("primary").await.ends_with("last:ok"));
    other.clock.advance(Duration::from_secs(11));
    assert!(other.trail("primary").await.ends_with("last:ok"));

    // Nothing is thrown away before somebody says so.
    let response = press(&visitor, &page, "reset", &[]).await;
    assert_eq!(response.status(), StatusCode::OK);
    let page = response.text().await.unwrap();
    assert!(page.contains("not saved yet") && page.contains("In force: version 1"));
    assert!(app.trail("primary").await.ends_with("last:ok"));
    let response = press(&visitor, &page, "save", &[]).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let page = visitor.page("/ui/settings?saved").await;
    assert!(page.contains("In force: the chains of the file"));
    assert!(app.trail("primary").await.ends_with("backup:ok"));
}

#[tokio::test]
async fn the_second_of_two_editors_is_told_and_keeps_what_he_did() {
    let app = TestApp::new().await;
    let (first, second) = (
        Visitor::signed_in(&app).await,
        Visitor::signed_in(&app).await,
    );
    let seen_by_first = first.page("/ui/settings").await;
    let seen_by_second = second.page("/ui/settings").await;
    let chosen = [
        ("new-for-context", "context:backup"),
        ("new-first-context", "last"),
    ];
    let edited = press(&second, &seen_by_second, "new context", &chosen)
        .await
        .text()
        .await
        .unwrap();
    let removed = press(&first, &seen_by_first, "remove 0 fallbacks:primary", &[]).await;
    let response = press(&first, &removed.text().await.unwrap(), "save", &[]).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);

    let response = press(&second, &edited, "save", &[]).await;
    assert_eq!(response.status(), StatusCode::CONFLICT);
    let page = response.text().await.unwrap();
    assert!(page.contains("Another admin has saved meanwhile."));
    assert!(
        page.contains("<strong>primary</strong>: saved is last; yours is backup → last"),
        "{page}"
    );
    assert!(page.contains("name=\"context:backup\" value=\"last\""));
    assert_eq!(app.trail("primary").await, "primary:ok");

    // Having seen it, he may.
    let response = press(&second, &page, "save", &[]).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let page = first.page("/ui/settings").await;
    assert!(page.contains("In force: version 2") && page.contains("context_window_fallbacks"));
}

#[tokio::test]
async fn what_makes_no_sense_is_not_saved_and_what_will_be_left_out_is_told() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor.page("/ui/settings").await;
    assert!(page.contains("does not have: "), "{page}");
    for name in ["nope", "primary"] {
        let chosen = [("add-fallbacks:primary", name)];
        let page = press(&visitor, &page, "add 0 fallbacks:primary", &chosen)
            .await
            .text()
            .await
            .unwrap();
        assert!(page.contains("This cannot be saved:"), "{name}");
        let response = press(&visitor, &page, "save", &[]).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    let response = press(&visitor, &page, "explode", &[]).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(app.state.routes.saved().await.unwrap().is_none());
}

#[tokio::test]
async fn the_order_of_deployments_is_edited_too() {
    let yaml = r#"
model_list:
  - {model_name: pool, litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0}}
  - {model_name: pool, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0}}
"#;
    let app = TestApp::builder().config(yaml).start().await;
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor.page("/ui/settings").await;
    let page = press(&visitor, &page, "down 0 order:pool", &[])
        .await
        .text()
        .await
        .unwrap();
    let response = press(&visitor, &page, "save", &[]).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    for _ in 0..10 {
        app.chat_json(&hello("pool")).await;
    }
    assert_eq!(app.bedrock.requests_for(crate::support::LAST).len(), 10);
}

#[tokio::test]
async fn a_name_is_never_markup() {
    let name = "<script>alert(1)</script>\" autofocus onfocus=\"alert(2)";
    let yaml = format!(
        r#"
model_list:
  - {{model_name: {name:?}, litellm_params: {{model: bedrock/us.amazon.nova-pro-v1:0}}}}
  - {{model_name: b, litellm_params: {{model: bedrock/us.amazon.nova-lite-v1:0}}}}
litellm_settings: {{fallbacks: [{{b: [{name:?}]}}]}}
router_settings: {{model_group_alias: {{"<img src=x>": b}}}}
"#
    );
    let app = TestApp::builder().config(&yaml).start().await;
    let visitor = Visitor::signed_in(&app).await;
    for path in ["/ui/models", "/ui/settings"] {
        let page = visitor.page(path).await;
        assert!(
            !page.contains("<script>alert") && !page.contains("<img src=x"),
            "{path}"
        );
        assert!(!page.contains("\" autofocus onfocus"), "{path}");
        assert!(page.contains("&#60;script&#62;alert(1)"), "{path}: {page}");
        assert!(!token(&page).is_empty());
    }
}

#[tokio::test]
async fn prompts_are_stored_from_now_on_where_the_page_says_so() {
    let app = TestApp::new().await;
    let other = app.another_instance().await;
    let visitor = Visitor::signed_in(&app).await;
    let is_stored = async |of: &TestApp| {
        let reply = of.chat(&hello("primary")).await;
        let id = header(&reply, "x-sidecar-request-id").to_owned();
        reply.bytes().await.unwrap();
        of.settle().await;
        visitor
            .page(&format!("/ui/logs/{id}"))
            .await
            .contains("Prompt and reply as JSON")
    };
    assert!(!is_stored(&app).await);
    let page = visitor.page("/ui/settings").await;
    assert!(page.contains("not stored") && page.contains("In force: the chains of the file"));
    let on = [("store", "yes"), ("days", "3"), ("seen", "")];
    assert_eq!(
        visitor.submit("/ui/settings/storing", &on).await.status(),
        StatusCode::SEE_OTHER
    );
    assert!(is_stored(&app).await);
    other.clock.advance(Duration::from_secs(11));
    assert!(is_stored(&other).await);
    let page = visitor.page("/ui/settings").await;
    assert!(page.contains("being stored") && page.contains("value=\"3\""));
    assert!(
        page.contains("In force: the chains of the file"),
        "the chains are untouched"
    );

    // Saving the chains leaves it.
    let edited = press(&visitor, &page, "up 1 fallbacks:primary", &[])
        .await
        .text()
        .await
        .unwrap();
    assert_eq!(
        press(&visitor, &edited, "save", &[]).await.status(),
        StatusCode::SEE_OTHER
    );
    assert!(is_stored(&app).await);

    // An earlier page does not undo it.
    let stale = [("store", "no"), ("days", ""), ("seen", "1")];
    assert_eq!(
        visitor
            .submit("/ui/settings/storing", &stale)
            .await
            .status(),
        StatusCode::CONFLICT
    );
    assert!(is_stored(&app).await);
    for wrong in [
        [("store", "maybe"), ("days", "")],
        [("store", "yes"), ("days", "0")],
        [("store", "yes"), ("days", "x")],
    ] {
        let response = visitor.submit("/ui/settings/storing", &wrong).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    let off = [("store", "file"), ("days", ""), ("seen", "2")];
    assert_eq!(
        visitor.submit("/ui/settings/storing", &off).await.status(),
        StatusCode::SEE_OTHER
    );
    assert!(!is_stored(&app).await);
}
