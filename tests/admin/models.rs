//! The Models page.

use std::time::Duration;

use bedrock_sidecar::simulator::Step;
use serde_json::{Value, json};

use super::Visitor;
use crate::support::{BACKUP, LAST, PRIMARY, TestApp, hello};

#[tokio::test]
async fn the_page_shows_each_model_with_its_price_its_chain_and_its_use() {
    let app = TestApp::new().await;
    let reply = app.chat_json(&hello("primary")).await;
    app.record(reply["id"].as_str().unwrap()).await;
    let page = Visitor::signed_in(&app).await.page("/ui/models").await;
    for text in [
        PRIMARY,
        BACKUP,
        LAST,
        "us-west-2",
        "favourite",
        "$3.30",
        "$16.50",
        "$0.33",
        "$4.125",
        "200k",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let chain: Vec<_> = page
        .split("class=\"chain\"")
        .nth(1)
        .unwrap()
        .split("</ol>")
        .collect();
    let places =
        ["primary", "backup", "last"].map(|name| chain[0].find(&format!(">{name}<")).unwrap());
    assert!(places.is_sorted(), "{}", chain[0]);
    assert!(page.contains("1 requests"));
}

#[tokio::test]
async fn the_page_says_who_rests_and_until_when() {
    let app = TestApp::new().await;
    app.bedrock.script(PRIMARY, [Step::throttle()]);
    app.chat_json(&hello("primary")).await;
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor.page("/ui/models").await;
    assert!(page.contains("cooling down") && page.contains("throttled"));
    assert!(page.contains("<time datetime="));
    app.clock.advance(Duration::from_secs(6));
    assert!(visitor.page("/ui/models").await.contains("recovering"));
}

/// The id of a group's first deployment.
async fn deployment(app: &TestApp, group: &str) -> String {
    let response = app.get("/model/info").send().await.unwrap();
    let info: Value = response.json().await.unwrap();
    let mut entries = info["data"].as_array().unwrap().iter();
    let entry = entries.find(|entry| entry["model_name"] == group).unwrap();
    entry["model_info"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_test_asks_one_deployment_alone_and_is_recorded() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    let id = deployment(&app, "primary").await;
    app.bedrock
        .script(PRIMARY, [Step::text("I am <b>well</b>.")]);
    let response = visitor
        .submit("/ui/models/test", &[("deployment", &id)])
        .await;
    let page = response.text().await.unwrap();
    assert!(page.contains("It works") && page.contains("Time to first token"));
    assert!(page.contains("I am &#60;b&#62;well&#60;/b&#62;."), "{page}");
    let request = page.find("chatcmpl-").map(|at| &page[at..at + 45]).unwrap();
    let record = app.record(request).await;
    assert_eq!(
        record["metadata"]["user_api_key_alias"], "admin page",
        "{record}"
    );

    app.bedrock.script(PRIMARY, [Step::throttle()]);
    let response = visitor
        .submit("/ui/models/test", &[("deployment", &id)])
        .await;
    let page = response.text().await.unwrap();
    assert!(
        page.contains("It failed") && page.contains("429 throttling_error"),
        "{page}"
    );
    assert!(app.bedrock.requests_for(BACKUP).is_empty());
}

#[tokio::test]
async fn a_test_of_the_fallback_makes_the_first_target_fail_and_shows_the_trail() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    let response = visitor
        .submit("/ui/models/test", &[("fallback", "primary")])
        .await;
    let page = response.text().await.unwrap();
    assert!(page.contains("It works") && page.contains(BACKUP), "{page}");
    assert!(app.bedrock.requests_for(PRIMARY).is_empty());
    assert_eq!(app.bedrock.requests_for(BACKUP).len(), 1);
}

#[tokio::test]
async fn a_test_of_what_is_not_there_is_not_found() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    for form in [("deployment", "nope"), ("fallback", "nope"), ("", "")] {
        let response = visitor.submit("/ui/models/test", &[form]).await;
        assert_eq!(response.status(), 404);
    }
    assert!(app.bedrock.requests().is_empty());
}

#[tokio::test]
async fn a_pattern_shows_those_behind_it_that_were_asked() {
    let yaml = "model_list:
  - {model_name: 'nova/*', litellm_params: {model: 'bedrock/us.amazon.*'}}
  - {model_name: last, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0}}
litellm_settings: {fallbacks: [{'nova/*': [last]}]}
";
    let app = TestApp::builder().config(yaml).start().await;
    let visitor = Visitor::signed_in(&app).await;
    let page = visitor.page("/ui/models").await;
    assert!(page.contains("nova/*") && page.contains("every model that fits"));
    assert!(!page.contains("nova-lite"));
    app.chat_json(&hello("nova/nova-lite-v1:0")).await;
    let page = visitor.page("/ui/models").await;
    assert!(
        page.contains("us.amazon.nova-lite-v1:0") && page.contains("healthy"),
        "{page}"
    );

    // Nobody can be asked for a pattern, but it can have a list.
    let settings = visitor.page("/ui/settings").await;
    assert!(settings.contains("name=\"fallbacks:nova/*\" value=\"last\""));
    assert!(!settings.contains("<option>nova/*</option>"));
}

/// A gateway whose first target has refused cache points, and the page.
async fn without_caching() -> (TestApp, Visitor) {
    let app = TestApp::new().await;
    let refusal = "You invoked an unsupported model or your request did not allow prompt caching.";
    app.bedrock
        .script(PRIMARY, [Step::fail(403, "AccessDeniedException", refusal)]);
    app.chat_json(&marked()).await;
    app.settle().await;
    let visitor = Visitor::signed_in(&app).await;
    (app, visitor)
}

fn marked() -> Value {
    json!({"model": "primary", "messages": [
        {"role": "user", "content": "hello", "cache_control": {"type": "ephemeral"}},
    ]})
}

async fn is_cached(app: &TestApp) -> bool {
    app.chat_json(&marked()).await;
    let last = app.bedrock.requests_for(PRIMARY).pop().unwrap().body;
    last.to_string().contains("cachePoint")
}

/// The fields of the page's form that makes the gateway forget.
fn forgotten(page: &str) -> Vec<(String, String)> {
    let form = page.split("/ui/models/forget").nth(1).expect("a form");
    let form = form.split("</form>").next().unwrap();
    let inputs = form.split("name=\"").skip(1);
    let value = |field: &str, name: &str| {
        let value = field.strip_prefix(name)?.strip_prefix("\" value=\"")?;
        Some((name.to_owned(), value.split('"').next()?.to_owned()))
    };
    let named = inputs.filter_map(|field| {
        let name = field.split('"').next()?;
        value(field, name)
    });
    named.filter(|(name, _)| name != "csrf").collect()
}

#[tokio::test]
async fn what_was_learned_of_a_target_is_shown_with_its_times_and_can_be_forgotten() {
    let (app, visitor) = without_caching().await;
    assert!(!is_cached(&app).await);
    let page = visitor.page("/ui/models").await;
    let learned = page.split(">learned<").nth(1).expect("what was learned");
    assert!(learned.contains("prompt caching"), "{learned}");
    assert_eq!(
        learned
            .split("</form>")
            .next()
            .unwrap()
            .matches("<time datetime=")
            .count(),
        2,
        "when, and until when: {learned}"
    );
    let fields = forgotten(&page);
    let form: Vec<_> = fields.iter().map(|(n, v)| (&**n, &**v)).collect();

    // Without the page's token nothing happens.
    let response = visitor.post("/ui/models/forget", &form).await;
    assert_eq!(response.status(), 403);
    assert!(!is_cached(&app).await);

    let response = visitor.submit("/ui/models/forget", &form).await;
    assert_eq!(response.status(), 303);
    assert!(
        !visitor
            .page("/ui/models")
            .await
            .contains("/ui/models/forget")
    );
    assert!(is_cached(&app).await);
}

#[tokio::test]
async fn what_one_instance_forgets_the_others_forget_within_ten_seconds() {
    let (app, _) = without_caching().await;
    let other = app.another_instance().await;
    assert!(!is_cached(&other).await);
    let visitor = Visitor::signed_in(&other).await;
    let fields = forgotten(&visitor.page("/ui/models").await);
    let form: Vec<_> = fields.iter().map(|(n, v)| (&**n, &**v)).collect();
    visitor.submit("/ui/models/forget", &form).await;
    app.clock.advance(Duration::from_secs(11));
    assert!(is_cached(&app).await);
    assert!(is_cached(&other).await);
}

#[tokio::test]
async fn what_was_never_learned_can_be_forgotten_all_the_same() {
    let app = TestApp::new().await;
    let visitor = Visitor::signed_in(&app).await;
    let form = [("deployment", "nope"), ("lack", "caching")];
    let response = visitor.submit("/ui/models/forget", &form).await;
    assert_eq!(response.status(), 303);
}
